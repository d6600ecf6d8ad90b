//! The files that are written: statistics, and when a file of them ends.

use crate::config::ntp_conf::arguments::Arguments;
use crate::config::ntp_conf::lexer::Word;
use crate::config::ntp_conf::{Placed, known, tokens};
use crate::config::{Rejected, shown};

/// Kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Statistics {
    /// `loopstats`: each update of the clock.
    Loop,
    /// `peerstats`: each sample of a source.
    Peer,
    /// `rawstats`: each reply of a source with its four timestamps.
    Raw,
    /// `clockstats`: what reference clocks tell.
    Clock,
    /// `sysstats`: counters, once an hour.
    System,
    /// `protostats`: events.
    Protocol,
}

/// What is set of the files of one kind; what is not named stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSet {
    /// Of which kind.
    pub of: Statistics,
    /// `file`: the name, below the folder of `statsdir`, before what `type` adds.
    pub file: Option<String>,
    /// `type`: when a new file begins.
    pub cut: Option<Cut>,
    /// `link`, `nolink`: whether the current file can be had by the plain name as well.
    pub link: Option<bool>,
    /// `enable`, `disable`: whether they are written.
    pub is_enabled: Option<bool>,
}

/// When a new file of records begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cut {
    /// `none`: never.
    #[default]
    None,
    /// `pid`: with the program.
    Pid,
    /// `day`: each day of UTC.
    Day,
    /// `week`: each week of seven days of a year.
    Week,
    /// `month`: each month.
    Month,
    /// `year`: each year.
    Year,
    /// `age`: each 24 hours since the start.
    Age,
}

/// `statistics KIND…`: those that are written, and a notice for each that is never.
pub(super) fn statistics(
    arguments: &mut Arguments<'_>,
    notices: &mut Vec<Placed>,
) -> Result<Vec<Statistics>, Rejected> {
    let mut kinds = Vec::new();
    let mut word = arguments.expect("which statistics", tokens::MANY)?;
    loop {
        kinds.extend(kind(word, "statistics", arguments, notices)?);
        match arguments.next() {
            Some(next) => word = next,
            None => return Ok(kinds),
        }
    }
}

/// The kind at `word`; `None`, with a notice, of one that is never written.
fn kind(
    word: &Word,
    keyword: &str,
    arguments: &Arguments<'_>,
    notices: &mut Vec<Placed>,
) -> Result<Option<Statistics>, Rejected> {
    let name = word.text.to_ascii_lowercase();
    if let Some(row) = KINDS.iter().find(|row| row.0 == name) {
        return Ok(Some(row.1));
    }
    let Some(reason) = known::statistics(&name) else {
        let reason = format!("`{}` are no statistics", shown(&word.text));
        return Err(arguments.unlisted(word, tokens::MANY, reason));
    };
    notices.push(arguments.ignored(word, format!("{keyword} {name}"), reason));
    Ok(None)
}

/// `filegen KIND SETTING…`; `None`, with a notice, of a kind that is never written.
pub(super) fn file_set(
    arguments: &mut Arguments<'_>,
    notices: &mut Vec<Placed>,
) -> Result<Option<FileSet>, Rejected> {
    let word = arguments.expect("of which statistics", tokens::MANY)?;
    let of = kind(word, "filegen", arguments, notices)?;
    let (mut file, mut cut, mut link, mut is_enabled) = (None, None, None, None);
    while let Some(word) = arguments.next() {
        match word.text.to_ascii_lowercase().as_str() {
            "file" => file = Some(file_name(arguments)?),
            "type" => cut = Some(cut_of(arguments)?),
            "link" => link = Some(true),
            "nolink" => link = Some(false),
            "enable" => is_enabled = Some(true),
            "disable" => is_enabled = Some(false),
            _ => {
                let reason = format!("`{}` is nothing that `filegen` sets", shown(&word.text));
                return Err(arguments.stray(word, tokens::END, reason));
            }
        }
    }
    Ok(of.map(|of| FileSet { of, file, cut, link, is_enabled }))
}

/// A name below the folder of statistics.
///
/// Differs: classic ntpd takes any text that has no `..`.
fn file_name(arguments: &mut Arguments<'_>) -> Result<String, Rejected> {
    let word = arguments.expect("the name of the file", tokens::TEXT)?;
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if !word.text.split('/').all(is_plain) {
        let shown = shown(&word.text);
        let reason = format!("`{shown}` is no name of a file below the folder of statistics");
        return Err(arguments.rejected(word.column, reason));
    }
    Ok(word.text.clone())
}

/// Whether `word` is a `type` of file.
pub(super) fn is_cut(word: &str) -> bool {
    CUTS.iter().any(|row| row.0.eq_ignore_ascii_case(word))
}

fn cut_of(arguments: &mut Arguments<'_>) -> Result<Cut, Rejected> {
    let word = arguments.expect("when a new file begins", tokens::MANY)?;
    let row = CUTS.iter().find(|row| row.0.eq_ignore_ascii_case(&word.text));
    row.map(|row| row.1).ok_or_else(|| {
        let reason = format!("`{}` is no `type` of file", shown(&word.text));
        arguments.stray(word, tokens::MANY, reason)
    })
}

/// The kinds by their words.
pub const KINDS: [(&str, Statistics); 6] = [
    ("loopstats", Statistics::Loop),
    ("peerstats", Statistics::Peer),
    ("rawstats", Statistics::Raw),
    ("clockstats", Statistics::Clock),
    ("sysstats", Statistics::System),
    ("protostats", Statistics::Protocol),
];

/// The ends of files by their words.
pub const CUTS: [(&str, Cut); 7] = [
    ("none", Cut::None),
    ("pid", Cut::Pid),
    ("day", Cut::Day),
    ("week", Cut::Week),
    ("month", Cut::Month),
    ("year", Cut::Year),
    ("age", Cut::Age),
];

impl Statistics {
    /// Its word, which is the name of its file as well where none is set.
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|row| row.1 == self).map_or("", |row| row.0)
    }
}

impl Cut {
    /// Its word.
    pub fn word(self) -> &'static str {
        CUTS.iter().find(|row| row.1 == self).map_or("", |row| row.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ntp_conf::{self, Directive};

    fn directives(text: &str) -> Vec<Directive> {
        let placed = ntp_conf::read("ntp.conf", text).unwrap();
        placed.into_iter().map(|placed| placed.directive).collect()
    }

    #[test]
    fn statistics_are_kinds_of_which_some_are_never_written() {
        let read = directives("statistics loopstats CryptoStats peerstats rawstats");
        let [Directive::Statistics(kinds), Directive::Ignored { keyword, .. }] = read.as_slice()
        else {
            panic!("{read:?}")
        };
        assert_eq!(kinds, &[Statistics::Loop, Statistics::Peer, Statistics::Raw]);
        assert_eq!(keyword, "statistics cryptostats");
        let read = directives("statistics timingstats");
        assert!(matches!(read.as_slice(), [Directive::Ignored { .. }]), "{read:?}");
        for (word, kind) in KINDS {
            assert_eq!(
                directives(&format!("statistics {word}")),
                [Directive::Statistics(vec![kind])]
            );
            assert_eq!(kind.word(), word);
        }
    }

    #[test]
    fn a_set_of_files_has_what_is_said_of_it_and_nothing_else() {
        let empty =
            FileSet { of: Statistics::Loop, file: None, cut: None, link: None, is_enabled: None };
        assert_eq!(directives("filegen loopstats"), [Directive::FileSet(empty.clone())]);
        let set = FileSet {
            file: Some("loops".to_owned()),
            cut: Some(Cut::Week),
            link: Some(false),
            is_enabled: Some(true),
            ..empty.clone()
        };
        let text = "filegen LoopStats file loops type WEEK nolink enable";
        assert_eq!(directives(text), [Directive::FileSet(set)]);
        for (word, cut) in CUTS {
            let set = FileSet { cut: Some(cut), ..empty.clone() };
            assert_eq!(
                directives(&format!("filegen loopstats type {word}")),
                [Directive::FileSet(set)]
            );
            assert_eq!(cut.word(), word);
        }
        let read = directives("filegen cryptostats file c type day enable");
        assert!(matches!(read.as_slice(), [Directive::Ignored { .. }]), "{read:?}");
    }

    #[test]
    fn every_mistake_has_its_place() {
        for (text, place, what) in [
            ("statistics", 11, "which statistics is missing"),
            ("statistics loopstats stats", 22, "`stats` are no statistics"),
            ("filegen", 8, "of which statistics is missing"),
            ("filegen loops", 9, "`loops` are no statistics"),
            ("filegen loopstats type hour", 24, "`hour` is no `type` of file"),
            ("filegen loopstats file ../x", 24, "no name of a file below"),
            ("filegen loopstats file /x", 24, "no name of a file below"),
            ("filegen loopstats file", 23, "the name of the file is missing"),
            ("filegen loopstats off", 19, "nothing that `filegen` sets"),
            ("statsdir", 9, "the file of `statsdir` is missing"),
        ] {
            let said = ntp_conf::read("c", text).unwrap_err().to_string();
            let expected = format!("c, line 1, column {place}: ");
            assert!(said.starts_with(&expected) && said.contains(what), "{text}: {said}");
        }
    }
}
