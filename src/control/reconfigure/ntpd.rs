//! The way over control messages: a line of ntp.conf to each request, signed.

mod checks;
mod picture;
mod reader;
mod thought;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use crate::config::change::Wish;
use crate::config::ntp_conf::Placed;
use crate::config::restrict::{Flags, Selector};
use crate::control::pipeline::{self, Answer, Input, Output, Pipeline, Ticket};
use crate::control::reconfigure::ntpd::reader::Reader;
use crate::control::reconfigure::way::{News, Thought, Way};
use crate::model::change::{Answered, KeyRefused, Refusal, Trouble};
use crate::model::question::Unreachable;
use crate::model::values::printable;
use crate::model::{Daemon, Dialect, Failure, Question, Reply};
use crate::units::{Mono, Now};
use crate::wire::mode6::ErrorCode;
use crate::wire::mode6::auth::{Alignment, Authenticity};

/// How an ntpd is to be talked to, and what is known of it beside what it tells.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How its questions are asked, with the key that signs changes.
    pub pipeline: pipeline::Settings,
    /// How long the answer to a change is waited for.
    pub patience: Duration,
    /// A configuration that the user says it follows; empty where none was given.
    pub configured: Vec<Placed>,
    /// The options that the user says the association in question has now.
    pub has: Option<String>,
    /// The address of ours that it sees.
    pub from: Option<IpAddr>,
}

/// An ntpd, classic or NTPsec's, that is asked and told by control messages.
#[derive(Debug)]
pub struct Ntpd {
    wish: Wish,
    configured: Vec<Placed>,
    has: Option<String>,
    from: Option<IpAddr>,
    patience: Duration,
    has_key: bool,
    pipeline: Pipeline,
    reader: Option<Reader>,
    /// The line that is being told, and how many blanks are sent before it.
    telling: Option<(Ticket, String, usize)>,
    daemon: Daemon,
    restrictions: Option<Vec<(Selector, Flags)>>,
    /// Whether it lists its clients by configuration; `None` where it does not tell.
    monitors: Option<bool>,
    key_refused: Option<KeyRefused>,
    news: VecDeque<News>,
}

impl Ntpd {
    /// With a wish that nothing was done for yet.
    pub fn new(wish: Wish, settings: Settings) -> Self {
        let Settings { pipeline, patience, configured, has, from } = settings;
        Self {
            wish,
            configured,
            has,
            from,
            patience,
            has_key: pipeline.key.is_some(),
            pipeline: Pipeline::new(pipeline),
            reader: None,
            telling: None,
            daemon: Daemon::default(),
            restrictions: None,
            monitors: None,
            key_refused: None,
            news: VecDeque::new(),
        }
    }

    /// Why it does not take our key, as far as reading has shown it.
    pub const fn key_refused(&self) -> Option<KeyRefused> {
        self.key_refused
    }

    fn drain(&mut self, now: Now) {
        while let Some(output) = self.pipeline.poll_output() {
            match output {
                Output::Send(datagram) => self.news.push_back(News::Send(datagram)),
                Output::Answer(answer) => self.take(now, answer),
                Output::Garbage(_) => {}
            }
        }
    }

    fn take(&mut self, now: Now, answer: Answer) {
        let telling = self.telling.take_if(|(ticket, ..)| *ticket == answer.ticket);
        if let Some((_, line, blanks)) = telling {
            let mut answered = answered(answer, blanks);
            let identity = self.daemon.identity.as_ref();
            if identity.and_then(|identity| identity.dialect) == Some(Dialect::NtpsecTo1_2_2)
                && let Answered::Refused(Refusal::Syntax { column: Some(column), .. }) =
                    &mut answered
            {
                *column = recounted(&line, *column);
            }
            self.news.push_back(News::Answered(answered));
            return;
        }
        let Some(mut reader) = self.reader.take() else { return };
        reader.take(now, &mut self.pipeline, self.has_key, answer);
        let Some(read) = reader.finished() else {
            self.reader = Some(reader);
            return;
        };
        let news = match read {
            Err(failure) => Err(failure),
            Ok(read) => {
                let state = picture::state(&read, now.mono);
                self.monitors = picture::monitors(&read);
                self.daemon = read.daemon;
                self.restrictions = read.restrictions;
                self.key_refused = read.key_refused;
                Ok(state)
            }
        };
        self.news.push_back(News::Read(news));
    }
}

impl Way for Ntpd {
    type Request = String;

    fn read(&mut self, now: Now) {
        if let Some(old) = self.reader.take() {
            old.withdraw(now, &mut self.pipeline);
        }
        self.reader = Some(Reader::start(now, &mut self.pipeline));
        self.drain(now);
    }

    fn plan(&self) -> Result<Thought<String>, Trouble> {
        self.think()
    }

    fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    fn permit(&self) -> Result<(), Trouble> {
        match self.key_refused {
            _ if !self.has_key => Err(Trouble::NoKey),
            Some(why) => Err(Trouble::Key(why)),
            None => Ok(()),
        }
    }

    fn tell(&mut self, now: Now, request: &String) {
        // A request of such a length is read in the same way by all daemons, so that none has to
        // be sent in two ways.
        let blanks = Alignment::blanks_needed(request.len());
        let line = format!("{:blanks$}{request}", "");
        let question = Question::configure(line.as_bytes());
        let ticket = self.pipeline.ask_once(now, question, self.patience);
        self.telling = Some((ticket, request.clone(), blanks));
        self.drain(now);
    }

    fn receive(&mut self, now: Now, datagram: &[u8]) {
        self.pipeline.handle(now, Input::Datagram(datagram));
        self.drain(now);
    }

    fn unreachable(&mut self, now: Now, why: Unreachable) {
        self.pipeline.handle(now, Input::Unreachable(why));
        self.drain(now);
    }

    fn wake(&mut self, now: Now) {
        self.pipeline.handle(now, Input::Wakeup);
        self.drain(now);
    }

    fn poll(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.pipeline.next_wakeup()
    }
}

/// What a daemon answered to a line that stood behind so many blanks.
fn answered(answer: Answer, blanks: usize) -> Answered {
    match answer.result {
        Ok(reply) => said(&reply, blanks),
        Err(Failure::Refused(ErrorCode::Permission)) => {
            Answered::Refused(Refusal::Key(key_refused(answer.authenticity)))
        }
        Err(Failure::Refused(code)) => Answered::Refused(Refusal::Code(code)),
        Err(failure) => Answered::Lost(failure),
    }
}

/// What a refusal for lack of permission says of the key, by itself.
const fn key_refused(authenticity: Option<Authenticity>) -> KeyRefused {
    match authenticity {
        // It can sign with our key: the key is not the one for changes.
        Some(Authenticity::Verified) => KeyRefused::NotForControl,
        _ => KeyRefused::Unclear,
    }
}

/// What the text of an answer says.
fn said(reply: &Reply, blanks: usize) -> Answered {
    let lines: Vec<&str> =
        reply.text().split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty()).collect();
    let text = printable(&lines.join("; ")).into_string();
    if text.starts_with(SUCCEEDED) {
        return Answered::Accepted(text);
    }
    if text.contains(PROHIBITED) {
        return Answered::Refused(Refusal::NoModify(text));
    }
    let Some((column, rest)) = text.strip_prefix("column ").and_then(|rest| rest.split_once(' '))
    else {
        return Answered::Refused(Refusal::Other(text));
    };
    // Counted from 0 by the daemon, and with our blanks.
    let column = column.parse::<usize>().ok().map(|column| column.saturating_sub(blanks) + 1);
    Answered::Refused(Refusal::Syntax { column, text: rest.to_owned() })
}

/// The column that NTPsec 1.2.2 means: it counts two too few for each word before it, as it hands
/// back what it has read beyond a word. Where that could be two words, the one that is no number.
fn recounted(line: &str, column: usize) -> usize {
    let is_start = |(at, byte): &(usize, &u8)| {
        let before = at.checked_sub(1).and_then(|before| line.as_bytes().get(before));
        **byte != b' ' && before.is_none_or(|before| *before == b' ')
    };
    let starts = line.as_bytes().iter().enumerate().filter(is_start).enumerate();
    let fitting = starts.filter(|(words, (at, _))| at + 1 == column + 2 * words);
    let meant = fitting.min_by_key(|(_, (_, byte))| byte.is_ascii_digit());
    meant.map_or(column, |(_, (at, _))| at + 1)
}

/// With this a daemon says that it has understood a line.
const SUCCEEDED: &str = "Config Succeeded";

/// In this way it says that it takes no changes from an address.
const PROHIBITED: &str = "prohibited by restrict";

#[cfg(test)]
mod tests;
