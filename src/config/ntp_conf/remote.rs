//! `:config`: lines of ntp.conf that are told to a daemon that runs, and what it answers.
//!
//! The grammar is that of a file. What names the files that the daemon writes, and a few settings
//! more, are not taken from afar; the texts of the answers are those of classic ntpd 4.2.8p15.
//!
//! Differs: keywords are taken in any case, several lines and blanks at the end are as well, as
//! NTPsec has it. A value out of range and what is left out are told, where ntpd says "Config
//! Succeeded" and writes to its log. Remarks are parted by `; `.

use std::fmt::Display;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::config::ntp_conf::arguments::{Arguments, Misplaced};
use crate::config::ntp_conf::lexer::{self, Line, Word};
use crate::config::ntp_conf::{Directive, Placed, in_order, reader, records, tokens};

/// What a request says and what there is to say about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    directives: Vec<Placed>,
    remarks: Vec<Remark>,
    /// How many more there are.
    unsaid: usize,
    /// Why nothing of it is read.
    failure: Option<&'static str>,
    has_lines: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Remark {
    line: usize,
    /// Counted from 0, as ntpd does.
    column: usize,
    text: String,
}

/// Reads the text of a request of `source`; it may be of any length and of any bytes.
pub fn read(source: &str, text: &[u8]) -> Told {
    let fail = |failure| Told { failure: Some(failure), ..Told::default() };
    if text.len() > LONGEST {
        return fail("runtime configuration failed: request too long");
    }
    let is_readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    let Some(text) =
        std::str::from_utf8(text).ok().filter(|t| t.as_bytes().iter().all(is_readable))
    else {
        return fail("runtime configuration failed: request contains an unprintable character");
    };
    let has_lines = text.trim_end().contains('\n');
    let mut told = Told { has_lines, ..Told::default() };
    let source = Arc::from(source);
    for line in lexer::lines(&source, text) {
        match line {
            Ok(line) if line.ends_all() => break,
            Ok(line) => told.read(&source, line),
            Err(rejected) => {
                let (line, column) = rejected.position.unwrap_or((1, 1));
                told.remark(line, column.saturating_sub(1), rejected.reason);
            }
        }
    }
    told.directives = in_order(told.directives);
    told
}

impl Told {
    /// What is to be followed, in this order.
    pub fn directives(&self) -> &[Placed] {
        &self.directives
    }

    /// That a directive of it was not followed.
    pub fn refuse(&mut self, placed: &Placed, why: &impl Display) {
        self.remark(placed.line, placed.column.saturating_sub(1), why.to_string());
    }

    /// The text of the answer, without the end of a line.
    pub fn answer(&self) -> String {
        if let Some(failure) = self.failure {
            return failure.to_owned();
        }
        let mut answer = String::new();
        for Remark { line, column, text } in &self.remarks {
            let between = if answer.is_empty() { "" } else { "; " };
            // Whatever is formatted into text succeeds.
            let _infallible = write!(answer, "{between}column {column} {text}");
            if self.has_lines {
                let _infallible = write!(answer, " (line {line})");
            }
        }
        match (answer.is_empty(), self.unsaid) {
            (true, _) => "Config Succeeded".to_owned(),
            (false, 0) => answer,
            (false, unsaid) => format!("{answer}; and {unsaid} more"),
        }
    }

    fn remark(&mut self, line: usize, column: usize, text: String) {
        if self.remarks.len() < MOST_REMARKS {
            self.remarks.push(Remark { line, column, text });
        } else {
            self.unsaid += 1;
        }
    }

    fn read(&mut self, source: &Arc<str>, line: Line) {
        let number = line.number;
        let Some(line) = self.without_forbidden(line) else { return };
        let mut arguments = Arguments::new(source, &line);
        let before = self.directives.len();
        match reader::read(&mut arguments, &mut self.directives) {
            Ok(()) => {
                let read = self.directives.split_off(before);
                for placed in read {
                    if let Directive::Ignored { keyword, reason } = &placed.directive {
                        self.refuse(&placed, &format!("`{keyword}` is left out: {reason}"));
                    } else {
                        self.directives.push(placed);
                    }
                }
            }
            Err(rejected) => {
                // A line counts as a whole.
                self.directives.truncate(before);
                if let Some(Misplaced { column, unexpected, expecting }) = arguments.misplaced() {
                    let expecting = match expecting {
                        tokens::MANY => String::new(),
                        tokens => format!(", expecting {tokens}"),
                    };
                    let text = format!("syntax error, unexpected {unexpected}{expecting}");
                    self.remark(number, column, text);
                } else {
                    let column = rejected.position.map_or(1, |(_, column)| column);
                    self.remark(number, column.saturating_sub(1), rejected.reason);
                }
            }
        }
    }

    /// What is left of a line without what is not taken from afar; `None` when that is all of it.
    fn without_forbidden(&mut self, mut line: Line) -> Option<Line> {
        let keyword = line.words.first()?.text.to_ascii_lowercase();
        let forbid = |told: &mut Self, word: &Word, text: String| {
            told.remark(line.number, word.column.saturating_sub(1), text);
        };
        let (first, last) = (line.words.get(1), line.words.last()?);
        match (keyword.as_str(), first) {
            ("driftfile", _) => {
                forbid(self, last, "driftfile remote configuration ignored".to_owned());
                return None;
            }
            ("statsdir", Some(word)) => {
                forbid(self, word, "statsdir remote configuration ignored".to_owned());
                return None;
            }
            ("includefile", Some(_)) => {
                forbid(self, last, "remote includefile ignored".to_owned());
                return None;
            }
            ("logfile" | "pidfile" | "saveconfigdir", Some(word)) => {
                forbid(self, word, format!("{keyword} remote config ignored"));
                return None;
            }
            _ => {}
        }
        let mut words = std::mem::take(&mut line.words).into_iter();
        let mut kept: Vec<Word> = words.by_ref().take(1).collect();
        match keyword.as_str() {
            "enable" | "disable" => {
                let is_bare = words.as_slice().is_empty();
                for word in words {
                    let name = word.text.to_ascii_lowercase();
                    if LOCAL_FLAGS.contains(&name.as_str()) {
                        let text = format!("enable/disable {name} remote configuration ignored");
                        self.remark(line.number, word.column.saturating_sub(1), text);
                    } else {
                        kept.push(word);
                    }
                }
                if kept.len() == 1 && !is_bare {
                    return None;
                }
            }
            "filegen" => {
                while let Some(word) = words.next() {
                    let name = word.text.to_ascii_lowercase();
                    let text = format!("filegen {name} remote config ignored");
                    match (name.as_str(), words.as_slice().first()) {
                        ("file" | "type", Some(value))
                            if name == "file" || records::is_cut(&value.text) =>
                        {
                            self.remark(line.number, value.column.saturating_sub(1), text);
                            words.next();
                        }
                        ("link" | "nolink", _) => {
                            self.remark(line.number, word.column.saturating_sub(1), text);
                        }
                        _ => kept.push(word),
                    }
                }
            }
            _ => kept.extend(words),
        }
        Some(Line { words: kept, ..line })
    }
}

/// Flags that are not set from afar.
const LOCAL_FLAGS: [&str; 6] = [
    "mode7",
    "stats",
    "peer_clear_digest_early",
    "unpeer_crypto_early",
    "unpeer_crypto_nak_early",
    "unpeer_digest_early",
];

/// No request is read that has more bytes: the classic daemon's are a packet long, and a file sent
/// at once is not this long.
const LONGEST: usize = 65_536;

/// So many remarks are told; what is behind them is counted.
const MOST_REMARKS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> String {
        read("remote config from 192.0.2.1", text.as_bytes()).answer()
    }

    #[test]
    fn answers_are_those_of_ntpd() {
        let observed = include_str!("../../../tests/data/ntp_conf/told.txt");
        let lines: Vec<&str> = observed.lines().filter(|line| !line.starts_with("##")).collect();
        assert!(lines.len() > 350);
        for pair in lines.chunks(2) {
            let [command, expected] = pair else { panic!("{pair:?}") };
            let command = command.replace("\\t", "\t");
            assert_eq!(Some(answer(&command).as_str()), expected.strip_prefix("=> "), "{command}");
        }
    }

    #[test]
    fn what_ntpd_writes_to_its_log_only_is_told() {
        for (text, expected) in [
            (
                "server 192.0.2.1 minpoll 99",
                "column 25 `minpoll` is a whole number from 3 to 17, not `99`",
            ),
            (
                "server 192.0.2.1 autokey",
                "column 17 `autokey` is left out: Autokey is broken and not spoken",
            ),
            ("fudge 192.0.2.1 time1 1", "column 6 `192.0.2.1` is no address of a reference clock"),
            (
                "filegen loopstats type day file x link enable",
                "column 23 filegen type remote config ignored; \
                 column 32 filegen file remote config ignored; \
                 column 34 filegen link remote config ignored",
            ),
            ("keys \"/a", "column 5 a quote that begins here does not end on this line"),
        ] {
            assert_eq!(answer(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_taken_or_left_as_a_whole_and_each_for_itself() {
        let mut told = read(
            "remote config",
            b"unconfig 192.0.2.1\nserver 192.0.2.2 minpoll x\r\n\tdisable stats monitor\n\n\
              tos minsane 2 minstep 3\n# nothing\nfilegen loopstats nolink enable\nend\nservr\n",
        );
        let lines: Vec<usize> = told.directives().iter().map(|placed| placed.line).collect();
        assert_eq!(lines, [3, 7, 1]);
        assert!(told.directives().iter().all(|placed| &*placed.source == "remote config"));
        let expected = "column 25 syntax error, unexpected T_String, expecting T_Integer or \
                        T_U_int (line 2); \
                        column 9 enable/disable stats remote configuration ignored (line 3); \
                        column 14 syntax error, unexpected T_String, expecting T_EOC (line 5); \
                        column 18 filegen nolink remote config ignored (line 7)";
        assert_eq!(told.answer(), expected);
        let unconfig = told.directives().last().unwrap().clone();
        told.refuse(&unconfig, &"there is no such thing");
        assert_eq!(told.answer(), format!("{expected}; column 0 there is no such thing (line 1)"));
    }

    #[test]
    fn what_cannot_be_shown_or_is_too_long_is_not_read() {
        let unprintable = "runtime configuration failed: request contains an unprintable character";
        for text in [&b"serv\x01er a"[..], b"server \xff", "server \u{fc}".as_bytes(), b"tos\0"] {
            let told = read("remote config", text);
            assert_eq!((told.answer().as_str(), told.directives()), (unprintable, &[][..]));
        }
        let long = b"server a\n".repeat(LONGEST / 9 + 1);
        assert_eq!(
            read("remote config", &long).answer(),
            "runtime configuration failed: request too long"
        );
        let most = read("remote config", &long[..LONGEST - LONGEST % 9]);
        assert_eq!(most.directives().len(), LONGEST / 9);
        let wrong = read("remote config", &b"x\n".repeat(LONGEST / 2)).answer();
        assert!(wrong.ends_with("; and 32752 more"), "{wrong}");
        assert!(wrong.len() < 1_000);
    }
}
