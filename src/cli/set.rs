//! `ntpscope set`: what it takes, and how the course of a change is told. Who sends anything is
//! [`run::set`](crate::cli::run::set).

pub mod keys;

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;

use crate::cli::args::{FileArguments, LookUps};
use crate::cli::exit::Exit;
use crate::config::app::span;
use crate::config::change::{VERBS, Verb};
use crate::config::target::TargetSpec;
use crate::insight::prediction::predict;
use crate::model::change::state::Difference;
use crate::model::change::{
    Answered, Course, Outcome, Preview, Refusal, Sent, TakenBack, Trouble, Verdict, Why,
};
use crate::model::{Daemon, Failure};

/// Arguments of `set`.
#[derive(Clone, Debug, Args)]
pub struct SetArguments {
    /// The daemon: a name, an address or [v6%zone], with an optional :PORT.
    #[arg(value_name = "HOST", required_unless_present = "pending_changes")]
    pub host: Option<TargetSpec>,

    /// What to do; the verbs are listed below.
    #[arg(value_name = "VERB", required_unless_present = "pending_changes")]
    pub verb: Option<String>,

    /// What the verb takes; put -- in front of arguments that begin with a dash.
    #[arg(value_name = "ARGUMENT")]
    pub arguments: Vec<String>,

    /// Send it. Without this nothing is sent that changes anything: it is shown what would be.
    #[arg(long)]
    pub write: bool,

    /// Take it back unless it is confirmed within this time, such as 30s; needs --write.
    #[arg(long, value_name = "SPAN", value_parser = span, requires = "write")]
    pub commit_confirm: Option<Duration>,

    /// What it takes from files; - for the file of keys is stdin.
    #[command(flatten)]
    pub files: FileArguments,

    /// Type of a key whose secret is asked for: MD5, SHA1, AES128CMAC...
    #[arg(long, value_name = "TYPE", default_value = "MD5")]
    pub key_type: String,

    /// The options that the association has now, such as 'iburst key 5'; '' for none.
    #[arg(long, value_name = "OPTIONS")]
    pub has: Option<String>,

    /// What is to happen to changes that were left behind.
    #[command(flatten)]
    pub left: LeftArguments,

    /// Print the whole course as JSON.
    #[arg(long)]
    pub json: bool,

    /// How long each answer is waited for.
    #[arg(long, value_name = "SPAN", default_value = "4s", value_parser = span)]
    pub timeout: Duration,

    /// Which addresses and names are looked up.
    #[command(flatten)]
    pub look_ups: LookUps,
}

/// What is to happen to changes that were to be confirmed, and were left behind.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(id = "pending_changes", multiple = false, conflicts_with_all = ["host", "verb"])]
pub struct LeftArguments {
    /// List the changes that were neither confirmed nor taken back.
    #[arg(long)]
    pub pending: bool,

    /// Take back the change of this number in that list; needs the key that it was made with.
    #[arg(long, value_name = "N")]
    pub take_back: Option<u32>,

    /// Keep the change of this number, and hear no more of it.
    #[arg(long, value_name = "N")]
    pub forget: Option<u32>,
}

impl SetArguments {
    /// What stands below the options in `--help`.
    pub fn after_help() -> String {
        let name = |verb: &Verb| format!("{} {}", verb.name, verb.arguments);
        let mut text = "Verbs:\n".to_owned();
        for verb in VERBS {
            // Whatever is formatted into text succeeds.
            let _infallible = writeln!(text, "  {}\n          {}", name(verb), verb.help);
        }
        let _infallible = write!(
            text,
            "\nExamples:\n  \
             ntpscope set time1 add 192.0.2.7 iburst\n          \
             shows what would be sent; nothing is changed\n  \
             ntpscope set --write --keys /etc/ntp.keys --key 1 --commit-confirm 30s time1 \\\n      \
             prefer 192.0.2.7 --has 'iburst'\n          \
             makes the association again with prefer, and as it was unless `yes` is typed\n  \
             ntpscope set --write --keys /etc/ntp.keys time1 restrict 203.0.113.5 noserve\n\n{}",
            Exit::help()
        );
        text
    }
}

/// What would be sent, what takes it back, and what there is to say of it.
pub fn preview(preview: &Preview, daemon: &Daemon) -> String {
    let mut text = String::new();
    let mut part = |title: &str, lines: &[String]| {
        if !lines.is_empty() {
            text.extend([title, "\n"]);
            for line in lines {
                text.extend(["  ", line, "\n"]);
            }
        }
    };
    part("to be sent:", &preview.lines);
    match &preview.inverse {
        Ok(lines) if lines.is_empty() => {
            part("taken back by:", &["nothing: it changes nothing".to_owned()]);
        }
        Ok(lines) => part("taken back by:", lines),
        Err(why) => part("taken back by:", &[format!("nothing: {why}")]),
    }
    part("what it does:", &preview.words);
    if !preview.touches.is_empty() {
        let foreseen = predict(daemon, &preview.roles, &preview.touches);
        part("what the daemon will select, as far as that can be reckoned:", &foreseen.sentences());
    }
    let checks: Vec<String> = preview.checks.iter().map(ToString::to_string).collect();
    part("reading back is to show:", &checks);
    if preview.is_so_already {
        text.push_str("all of that is so already\n");
    }
    text
}

/// A line that was sent, with its answer.
pub fn sent(sent: &Sent) -> String {
    match &sent.answer {
        None => format!("sent     {}\n", sent.text),
        Some(answer) => format!("sent     {}\n         {answer}{}\n", sent.text, caret(sent)),
    }
}

/// A line that points at the column of a refused line.
fn caret(sent: &Sent) -> String {
    match &sent.answer {
        Some(Answered::Refused(Refusal::Syntax { column: Some(column), .. }))
            if *column <= sent.text.len() + 1 =>
        {
            pointed(&sent.text, *column)
        }
        _ => String::new(),
    }
}

/// A line again and below it a sign at its column, which is counted from 1.
pub fn pointed(line: &str, column: usize) -> String {
    format!("\n         {line}\n         {:>column$}", "^")
}

/// What reading back showed.
pub fn outcome(outcome: &Outcome) -> String {
    let mut text = String::new();
    for (check, holds) in &outcome.checks {
        let sign = match holds {
            Some(true) => "yes",
            Some(false) => "NO ",
            None => "?  ",
        };
        // Whatever is formatted into text succeeds.
        let _infallible = writeln!(text, "  {sign}  {check}");
    }
    if !text.is_empty() {
        text.insert_str(0, "read back:\n");
    }
    if let Some(difference) = &outcome.difference {
        text.push_str(&self::difference(difference));
    }
    // Whatever is formatted into text succeeds.
    let _infallible = writeln!(text, "{}", outcome.verdict);
    text
}

fn difference(difference: &Difference) -> String {
    if !difference.is_empty() && difference.is_only_numbers() {
        return "differs from before only in the numbers of what was made again\n".to_owned();
    }
    let mut text = String::new();
    let mut line = |sign: &str, what: &dyn std::fmt::Display| {
        let _infallible = writeln!(text, "  {sign} {what}");
    };
    for entry in &difference.went {
        line("-", entry);
    }
    for entry in &difference.came {
        line("+", entry);
    }
    for changed in &difference.changed {
        line("~", changed);
    }
    if let Some((before, after)) = &difference.followed {
        let name = |whom: &Option<String>| whom.clone().unwrap_or_else(|| "nobody".to_owned());
        line("~", &format!("follows {} -> {}", name(before), name(after)));
    }
    if text.is_empty() {
        "nothing differs from before\n".to_owned()
    } else {
        format!("differs from before:\n{text}")
    }
}

/// How it was taken back.
pub fn back(back: &TakenBack) -> String {
    let Some(outcome) = &back.outcome else { return String::new() };
    let said = match outcome.verdict {
        Verdict::Applied => "taken back: all is as it was before",
        Verdict::Untold => "taken back by the daemon's word; nothing that it tells could prove it",
        Verdict::NotApplied => "NOT taken back: it is as it was after the change",
        Verdict::Partly => "NOT taken back, or not wholly: it is not as it was before",
        Verdict::Unknown => "perhaps taken back: the daemon cannot be read",
        Verdict::Restarted => "the daemon has started anew, and follows its configuration again",
    };
    let differs = outcome.difference.as_ref().filter(|difference| !difference.is_empty());
    let needless = back.needless().map(|why| format!("{why}\n")).unwrap_or_default();
    format!("{needless}{}{said}\n", differs.map(difference).unwrap_or_default())
}

/// A hint for who got no further, if there is one.
pub fn hint(trouble: &Trouble) -> Option<&'static str> {
    Some(match trouble {
        Trouble::Unread(Failure::Unanswered { .. }) => {
            "the daemon may not run, be filtered on the way, or not let this address ask \
             (`restrict ... noquery`)"
        }
        Trouble::Options(_) => {
            "name an ntp.conf with its line (--config-of FILE), or say its options \
             (--has 'iburst key 5', --has '' for none)"
        }
        Trouble::NoKey => "name a file of keys (--keys FILE), or a number (--key ID) to be asked",
        Trouble::NoWayBack(_) => {
            "name an ntp.conf (--config-of FILE), say the options of the association \
             (--has OPTIONS), or leave --commit-confirm out"
        }
        _ => return None,
    })
}

/// How the program ends after this course.
pub fn exit(course: &Course) -> Exit {
    if let Some(back) = &course.back {
        return match back.outcome.as_ref().map(|outcome| outcome.verdict) {
            Some(Verdict::Applied | Verdict::Untold) => Exit::TakenBack,
            _ => Exit::NotTakenBack,
        };
    }
    match (&course.trouble, course.verdict()) {
        (Some(Trouble::Unread(failure)), _) => match failure {
            Failure::Refused(_) | Failure::Declined(_) => Exit::Refused,
            _ => Exit::NoAnswer,
        },
        (Some(Trouble::Key(_)), _) => Exit::Refused,
        (Some(_), _) => Exit::Usage,
        (None, None | Some(Verdict::Applied)) => Exit::Success,
        (None, Some(Verdict::NotApplied)) if course.refusal().is_some() => Exit::Refused,
        (None, Some(Verdict::NotApplied | Verdict::Partly | Verdict::Restarted)) => {
            Exit::NotApplied
        }
        (None, Some(Verdict::Untold | Verdict::Unknown)) => Exit::Unproved,
    }
}

/// Why it is being taken back.
pub const fn why(why: Why) -> &'static str {
    match why {
        Why::NotConfirmed => "not confirmed in time: it is taken back",
        Why::Asked => "it is taken back",
    }
}
