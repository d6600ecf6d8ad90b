use super::*;
use crate::line::completion::Completion;

/// Colours; the associations are not known at first.
struct Colours {
    knows: bool,
}

impl Language for Colours {
    fn complete(&self, before: &str) -> Completion {
        let start = before.rfind(' ').map_or(0, |blank| blank + 1);
        let word = before.get(start..).unwrap_or_default();
        let words = ["red", "green", "grey", "set="];
        let of = |word: &str| match word {
            "set=" => Candidate::beginning(word, "goes on"),
            _ => Candidate::new(word, ""),
        };
        let candidates = words.into_iter().filter(|known| known.starts_with(word)).map(of);
        Completion {
            start,
            candidates: candidates.collect(),
            wants_associations: !self.knows && before.starts_with("as "),
        }
    }

    fn is_secret(&self, line: &str) -> bool {
        line.starts_with("passwd ")
    }
}

const LANGUAGE: Colours = Colours { knows: true };

/// Types `keys`: letters, and names of keys in brackets.
fn typed(editor: &mut Editor, history: &mut History, keys: &str) -> Typed {
    let mut last = Typed::Nothing;
    let mut rest = keys;
    while let Some(letter) = rest.chars().next() {
        let (key, length) = match rest.strip_prefix('<').and_then(|name| name.split_once('>')) {
            Some((name, _)) => (named(name), name.len() + 2),
            None => (Key::letter(letter), letter.len_utf8()),
        };
        last = editor.handle(key, history, &LANGUAGE);
        rest = &rest[length..];
    }
    last
}

fn named(name: &str) -> Key {
    match name {
        "enter" => Key::Enter,
        "tab" => Key::Complete,
        "back" => Key::CompleteBack,
        "up" => Key::Earlier,
        "down" => Key::Later,
        "find" => Key::Search,
        "esc" => Key::Leave,
        "cancel" => Key::Cancel,
        "end" => Key::End,
        "erase" => Key::Edit(InputRequest::DeletePrevChar),
        "start" => Key::Edit(InputRequest::GoToStart),
        "left" => Key::Edit(InputRequest::GoToPrevChar),
        "kill" => Key::Edit(InputRequest::DeleteTillEnd),
        "word" => Key::Edit(InputRequest::DeletePrevWord),
        _ => panic!("{name}"),
    }
}

/// What stands on a line after these keys.
fn after(keys: &str) -> String {
    let (mut editor, mut history) = (Editor::default(), History::default());
    typed(&mut editor, &mut history, keys);
    editor.text().to_owned()
}

#[test]
fn a_line_is_edited() {
    assert_eq!(after("redder<erase><erase>"), "redd");
    assert_eq!(after("red<start>a <end>"), "a ed");
    assert_eq!(after("rv offset,delay<word>"), "rv offset,");
    assert_eq!(after("abc<left><left><kill>"), "a");
    assert_eq!(after("abc<cancel>"), "");
    assert!(after(&"x".repeat(2 * MOST_BYTES)).len() <= MOST_BYTES);
}

#[test]
fn a_word_is_completed_as_far_as_it_is_certain() {
    assert_eq!(after("re<tab>"), "red ");
    assert_eq!(after("a g<tab>"), "a gre");
    assert_eq!(after("a g<tab><tab>"), "a green");
    assert_eq!(after("a g<tab><tab><tab>"), "a grey");
    assert_eq!(after("a g<tab><back>"), "a grey");
    assert_eq!(after("a g<tab><tab><tab><tab>"), "a green");
    assert_eq!(after("s<tab>"), "set=");
    assert_eq!(after("x<tab>"), "x");
    assert_eq!(after("r end<left><left><left><left><tab>"), "red end");
}

#[test]
fn words_that_are_offered_go_with_the_next_key() {
    let (mut editor, mut history) = (Editor::default(), History::default());
    assert_eq!(typed(&mut editor, &mut history, "g<tab>"), Typed::Offered);
    assert_eq!(editor.offer().unwrap().candidates.len(), 2);
    assert_eq!(typed(&mut editor, &mut history, "<tab>"), Typed::Edited);
    assert_eq!(editor.offer().unwrap().chosen, Some(0));
    assert_eq!(typed(&mut editor, &mut history, "<esc>"), Typed::Edited);
    assert!(editor.offer().is_none());
    assert_eq!(typed(&mut editor, &mut history, "<esc>"), Typed::Left);
    typed(&mut editor, &mut history, "<cancel>g<tab>e");
    assert!(editor.offer().is_none());
    assert_eq!(editor.text(), "gree");
}

#[test]
fn what_is_not_known_is_asked_for_first() {
    let (mut editor, mut history) = (Editor::default(), History::default());
    typed(&mut editor, &mut history, "as r");
    let wanted = editor.handle(Key::Complete, &mut history, &Colours { knows: false });
    assert_eq!(wanted, Typed::WantsAssociations);
    assert_eq!(editor.text(), "as r");
    editor.handle(Key::Complete, &mut history, &LANGUAGE);
    assert_eq!(editor.text(), "as red ");
}

#[test]
fn the_history_is_walked_through_and_what_was_typed_comes_back() {
    let (mut editor, mut history) = (Editor::default(), History::default());
    assert_eq!(typed(&mut editor, &mut history, "<up>"), Typed::Nothing);
    assert_eq!(typed(&mut editor, &mut history, "one<enter>"), Typed::Entered("one".into()));
    typed(&mut editor, &mut history, "two<enter>dr<up>");
    assert_eq!(editor.text(), "two");
    typed(&mut editor, &mut history, "<up><up>");
    assert_eq!(editor.text(), "one");
    typed(&mut editor, &mut history, "<down><down>");
    assert_eq!(editor.text(), "dr");
    assert_eq!(typed(&mut editor, &mut history, "<down>"), Typed::Nothing);
    assert_eq!(typed(&mut editor, &mut history, "<cancel><end>"), Typed::Ended);
}

#[test]
fn the_history_is_searched() {
    let (mut editor, mut history) = (Editor::default(), History::default());
    typed(&mut editor, &mut history, "rv 1<enter>peers<enter>rv 2<enter>x<find>rv");
    assert_eq!((editor.text(), editor.search()), ("rv 2", Some(("rv", true))));
    typed(&mut editor, &mut history, "<find>");
    assert_eq!(editor.text(), "rv 1");
    typed(&mut editor, &mut history, "<find>");
    assert_eq!(editor.text(), "rv 1", "there is no older one");
    typed(&mut editor, &mut history, "z");
    assert_eq!(editor.search(), Some(("rvz", false)));
    typed(&mut editor, &mut history, "<esc>");
    assert_eq!((editor.text(), editor.search()), ("x", None));
    typed(&mut editor, &mut history, "<find>pe<left>");
    assert_eq!((editor.text(), editor.search()), ("peers", None));
    let entered = typed(&mut editor, &mut history, "<cancel><find>1<enter>");
    assert_eq!(entered, Typed::Entered("rv 1".into()));
}

#[test]
fn a_secret_never_enters_the_history() {
    let (mut editor, mut history) = (Editor::default(), History::default());
    typed(&mut editor, &mut history, "passwd swordfish<enter>");
    assert_eq!(history.ago(0), None);
    assert!(!format!("{editor:?}{history:?}").contains("swordfish"));
}
