//! The commands that change a chronyd: how each is read, and what may stand in its line. What can be
//! wanted, and what is offered to whoever writes it, both come from here.

use super::words::Words;
use super::{Line, new_source};
use crate::control::chrony::change::Senseless;
use crate::units::Stratum;
use crate::wire::cmdmon::change::SourceSetting;
use crate::wire::cmdmon::{Float, PartsPerMillion, Seconds};

/// A command that changes a chronyd.
pub(in crate::control::chrony::change) struct Command {
    /// What chronyc calls it.
    pub(in crate::control::chrony::change) name: &'static str,
    /// What may stand behind it.
    pub(in crate::control::chrony::change) takes: Takes,
    /// Reads what stands behind it.
    pub(super) read: fn(&mut Words<'_>) -> Result<Line, Senseless>,
}

/// What may stand behind a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control::chrony::change) enum Takes {
    /// Nothing, or nothing that is known beforehand.
    Nothing,
    /// The kind of a new source, its name, its options.
    NewSource,
    /// One of the sources, and what is not known beforehand.
    Source,
    /// One of the sources, then selection options.
    SelectOptions,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words; behind these of them stands a value.
    Words(&'static [&'static str], &'static [&'static str]),
}

/// Makes the table; a row reads: name, what it takes; how that is read.
macro_rules! commands {
    ($($name:literal $takes:expr; $words:pat => $read:expr)+) => {
        /// Every command that changes a chronyd and sets no clock.
        pub(in crate::control::chrony::change) static COMMANDS: &[Command] =
            &[$(Command { name: $name, takes: $takes, read: |$words| $read }),+];
    };
}

commands! {
    "add" Takes::NewSource; words => {
        let kind = words.expect("server, peer or pool")?;
        Ok(Line::Add(Box::new(new_source::read(kind, words)?)))
    }
    "delete" Takes::Source; words => Ok(Line::Delete(words.host()?))
    "online" Takes::Source; words => Ok(Line::Online(words.host_or_all()?))
    "offline" Takes::Source; words => Ok(Line::Offline(words.host_or_all()?))
    "selectopts" Takes::SelectOptions; words => {
        let host = words.host()?;
        let (mask, options) = words.select_options()?;
        Ok(Line::SelectOptions { host, mask, options })
    }
    "minpoll" Takes::Source; words => {
        source(words, |words| words.poll().map(SourceSetting::MinPoll))
    }
    "maxpoll" Takes::Source; words => {
        source(words, |words| words.poll().map(SourceSetting::MaxPoll))
    }
    "maxdelay" Takes::Source; words => source(words, |words| {
        words.number("seconds").map(Seconds::new).map(SourceSetting::MaxDelay)
    })
    "maxdelayratio" Takes::Source; words => source(words, |words| {
        words.number("ratio").map(Float::new).map(SourceSetting::MaxDelayRatio)
    })
    "maxdelaydevratio" Takes::Source; words => source(words, |words| {
        words.number("ratio").map(Float::new).map(SourceSetting::MaxDelayDeviationRatio)
    })
    "minstratum" Takes::Source; words => source(words, |words| {
        words.whole(0..=15).map(Stratum::new).map(SourceSetting::MinStratum)
    })
    "polltarget" Takes::Source; words => {
        source(words, |words| words.whole(6..=60).map(SourceSetting::PollTarget))
    }
    "allow" Takes::Word(&["all"]); words => rule(words, "allow")
    "deny" Takes::Word(&["all"]); words => rule(words, "deny")
    "cmdallow" Takes::Word(&["all"]); words => rule(words, "cmdallow")
    "cmddeny" Takes::Word(&["all"]); words => rule(words, "cmddeny")
    "local" Takes::Words(&["stratum", "distance", "orphan", "off"], &["stratum", "distance"]);
        words => Ok(Line::Local(words.local()?))
    "maxupdateskew" Takes::Nothing; words => {
        Ok(Line::MaxUpdateSkew(PartsPerMillion::new(words.number("ppm")?)))
    }
    "reselectdist" Takes::Nothing; words => {
        Ok(Line::ReselectDistance(Seconds::new(words.number("seconds")?)))
    }
    "reselect" Takes::Nothing; _ => Ok(Line::Reselect)
    "refresh" Takes::Nothing; _ => Ok(Line::Refresh)
    "rekey" Takes::Nothing; _ => Ok(Line::Rekey)
    "reset" Takes::Word(&["sources"]); words => words.only("sources").map(|()| Line::ResetSources)
    "reload" Takes::Word(&["sources"]); words => words.only("sources").map(|()| Line::ReloadSources)
}

/// The command of this name.
pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// A setting of one source.
fn source(
    words: &mut Words<'_>,
    setting: impl FnOnce(&mut Words<'_>) -> Result<SourceSetting, Senseless>,
) -> Result<Line, Senseless> {
    Ok(Line::Source { host: words.host()?, setting: setting(words)? })
}

/// Who may ask, by the access command of this name.
fn rule(words: &mut Words<'_>, name: &str) -> Result<Line, Senseless> {
    words.rule(name).map(Line::Access)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::chrony::change::line::SERVICES;

    #[test]
    fn every_access_command_is_one() {
        for (name, ..) in SERVICES {
            let line = Line::read(&format!("{name} all 192.0.2.0/24")).unwrap();
            assert!(matches!(line, Line::Access(_)), "{name}");
            assert_eq!(find(name).unwrap().takes, Takes::Word(&["all"]));
        }
    }
}
