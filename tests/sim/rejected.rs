//! Scenarios that cannot be used: one clear error each, with its place.

use ntpscope::sim::scenario::Scenario;
use ntpscope::sim::shipped::SHIPPED;

#[test]
fn a_scenario_cut_short_anywhere_is_an_error_with_its_place() {
    let text = SHIPPED[0].text;
    for (end, _) in text.char_indices() {
        // What follows the closing parenthesis is a line's end.
        if text[end..].trim().is_empty() {
            continue;
        }
        let error = Scenario::read("cut.ron", &text[..end]).unwrap_err();
        assert!(error.position.is_some(), "{error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
}

#[test]
fn a_word_that_is_not_known_is_named() {
    for (wrong, named) in [
        ("duration: \"1d\"", "durability: \"1d\""),
        ("minpoll: 4", "minpol: 4"),
        ("rms_max:", "rms_most:"),
        ("(name: \"a\")", "(name: \"a\", character: Tired)"),
    ] {
        let text = SHIPPED[0].text.replace(wrong, named);
        assert_ne!(text, SHIPPED[0].text, "{wrong}");
        let error = Scenario::read("wrong.ron", &text).unwrap_err();
        let word = named.trim_start_matches(['(', ' ']).split([':', '"']).next().unwrap();
        assert!(error.to_string().contains(word) || error.reason.contains("character"), "{error}");
        assert!(error.to_string().starts_with("wrong.ron, line "), "{error}");
    }
}
