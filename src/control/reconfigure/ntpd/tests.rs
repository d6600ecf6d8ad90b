use super::*;
use crate::model::Dated;

fn said_of(text: &str, blanks: usize) -> Answered {
    said(&Reply::new(0, text.as_bytes(), 1, Dated::default()), blanks)
}

// As NTPsec 1.2.2 counted.
#[test]
fn columns_of_ntpsec_are_put_right() {
    for (line, told, meant) in [
        ("server 10.9.0.3 xmtnonce", 13, 17),
        ("server 10.9.0.3 iburst xmtnonce", 18, 24),
        ("tos minsane 1 bogus 3", 9, 15),
        ("bogus thing", 1, 1),
        // Where that fits nothing it is left as it is.
        ("bogus thing", 3, 3),
    ] {
        assert_eq!(recounted(line, told), meant, "{line}");
    }
}

// As classic ntpd 4.2.8p15 and NTPsec 1.2.2 answered.
#[test]
fn answers_are_taken_for_what_they_are() {
    assert_eq!(
        said_of("Config Succeeded\r\n", 0),
        Answered::Accepted("Config Succeeded".to_owned())
    );
    let text = "runtime configuration prohibited by restrict ... nomodify".to_owned();
    assert_eq!(said_of(&format!("{text}\r\n"), 0), Answered::Refused(Refusal::NoModify(text)));
    let text = "column 5 syntax error, unexpected T_String, expecting T_EOC\r\n";
    let rest = "syntax error, unexpected T_String, expecting T_EOC".to_owned();
    assert_eq!(
        said_of(text, 3),
        Answered::Refused(Refusal::Syntax { column: Some(3), text: rest })
    );
    let Answered::Refused(Refusal::Other(said)) = said_of("\u{1b}[2Jno\r\nnever\r\n", 0) else {
        panic!("it is no other text")
    };
    assert_eq!(said, "·[2Jno; never");
}
