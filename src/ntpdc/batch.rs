//! A run of ntpdc: every command for every host in order, or line after line for one host.
//!
//! Differs: at the end of what it reads its commands from, ntpdc 4.2.8p15 waits for more for ever
//! where that is no terminal; we end.

use jiff::tz::TimeZone;

use crate::ntpdc::completion::Commands;
use crate::ntpdc::line::{self, Line, Located, Read};
use crate::ntpdc::session::Session;
use crate::ntpdc::verbs;
use crate::ntpq::batch::INTERRUPTED;
use crate::ntpq::job::{Answer, Family, Job, Machine, Need, Output, Prompt, Step, Stream};

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the program calls itself.
    pub program: String,
    /// The commands, in order; none when they are read as they come.
    pub commands: Vec<String>,
    /// The hosts, in order, and which of their addresses will do.
    pub hosts: Vec<(String, Family)>,
    /// Whether addresses are not shown as names.
    pub numeric: bool,
    /// Whether somebody is asked for commands, rather than a file or a pipe.
    pub prompts: bool,
    /// Whether `monlist` may be sent.
    pub allows_monlist: bool,
}

/// A run of ntpdc, to be driven.
///
/// Take the outputs until there is none; after a [`Output::Need`] call [`Machine::handle`] with what
/// was found out, and so on until [`Output::End`].
///
/// ```
/// use jiff::tz::TimeZone;
/// use ntpscope::ntpdc::{Batch, Options};
/// use ntpscope::ntpq::{Machine as _, Output};
///
/// let options = Options { commands: vec!["sysinfo".into()], ..Options::default() };
/// let mut batch = Batch::new(options, || TimeZone::UTC);
/// batch.start(0);
/// assert!(matches!(batch.poll_output(), Some(Output::End(0))), "there is no host to ask");
/// ```
pub struct Batch {
    session: Session,
    options: Options,
    host: usize,
    command: usize,
    state: State,
}

/// What is under way.
enum State {
    /// The next command of the current host comes next.
    Ready,
    /// A host is being opened.
    Opening,
    /// A line is awaited from whoever gives commands.
    Prompting,
    /// A name on a line is looked up.
    Locating { text: String, name: String, located: Located },
    /// A file for the output is being opened.
    Redirecting(Line),
    /// A command is at work.
    Running(Box<dyn Job<Session>>),
    /// All is done.
    Ended,
}

impl Batch {
    /// A run that shows dates in the `zone` that is found out with the first of them.
    pub fn new(options: Options, zone: fn() -> TimeZone) -> Self {
        let mut session = Session::new(options.program.clone(), zone);
        session.shell.settings.hostnames = !options.numeric;
        session.allows_monlist = options.allows_monlist;
        Self { session, options, host: 0, command: 0, state: State::Ready }
    }

    /// Runs commands until one waits.
    fn go_on(&mut self) {
        while matches!(self.state, State::Ready) {
            if self.options.commands.is_empty() {
                self.prompt();
                continue;
            }
            let command = self.options.commands.get(self.command).cloned();
            if let (Some((host, _)), Some(command)) = (self.options.hosts.get(self.host), command) {
                if self.options.hosts.len() > 1 {
                    let text = format!("--- {host} ---\n");
                    self.session.print(&text);
                }
                self.command += 1;
                self.read(&command);
            } else {
                self.host += 1;
                self.open_host();
            }
        }
    }

    fn prompt(&mut self) {
        let prompt = if self.options.prompts { PROMPT } else { "" };
        let need = Need::Line { prompt: prompt.to_owned(), hidden: false };
        self.wait(State::Prompting, need);
    }

    fn open_host(&mut self) {
        match self.options.hosts.get(self.host) {
            Some((host, _)) if line::is_unclosed(host) => {
                let complaint = self.session.bad_host();
                self.session.complain(&complaint);
                self.command = self.options.commands.len();
            }
            Some((host, family)) => {
                let need = Need::Open { host: host.clone(), family: *family };
                self.wait(State::Opening, need);
            }
            None => self.end(0),
        }
    }

    fn take_opened(&mut self, answer: Answer) {
        // Unless it can be opened, none of the commands is for it.
        self.command = self.options.commands.len();
        let Answer::Opened(opened) = answer else { return };
        match opened {
            Ok(host) => {
                self.session.turn_to(host);
                self.command = 0;
            }
            Err(why) => {
                let is_end = self.session.shell.refuse_host(&why);
                if is_end {
                    self.end(1);
                }
            }
        }
    }

    fn read(&mut self, text: &str) {
        self.read_with(text, Located::default());
    }

    fn read_with(&mut self, text: &str, located: Located) {
        match line::read(text, &located) {
            Read::Nothing => {}
            Read::Refused(complaint) => self.session.complain(&complaint),
            Read::Locate(name) => {
                let need = Need::Locate(vec![name.clone()]);
                self.wait(State::Locating { text: text.to_owned(), name, located }, need);
            }
            Read::Line(line) => match line.redirect.clone() {
                Some(file) => {
                    let need = Need::Redirect(file);
                    self.wait(State::Redirecting(line), need);
                }
                None => self.begin(line),
            },
        }
    }

    fn take_redirected(&mut self, line: Line, answer: &Answer) {
        if self.session.shell.redirect(line.redirect.as_deref(), answer) {
            self.begin(line);
        }
    }

    fn begin(&mut self, line: Line) {
        let job = verbs::job(line, &self.session);
        self.resume(job, None);
    }

    fn resume(&mut self, mut job: Box<dyn Job<Session>>, answer: Option<Answer>) {
        match job.resume(&mut self.session, answer) {
            Step::Need(need) => self.wait(State::Running(job), need),
            Step::Done => self.session.shell.redirected = false,
            Step::Quit(status) => self.end(status),
        }
    }

    fn wait(&mut self, state: State, need: Need) {
        self.session.shell.need(need);
        self.state = state;
    }

    fn end(&mut self, status: u8) {
        self.session.shell.end(status);
        self.state = State::Ended;
    }
}

impl Machine for Batch {
    fn start(&mut self, now: i64) {
        self.session.shell.now = now;
        self.open_host();
        self.go_on();
    }

    fn handle(&mut self, now: i64, answer: Answer) {
        self.session.shell.now = now;
        match (std::mem::replace(&mut self.state, State::Ready), answer) {
            (State::Opening, answer) => self.take_opened(answer),
            (State::Prompting, Answer::Line(Some(line))) => self.read(line.as_str()),
            (State::Prompting, Answer::Typed(Some(line))) => self.read(&line),
            (State::Prompting, _) => {
                if self.options.prompts {
                    // Behind the prompt.
                    self.session.complain("\n");
                }
                self.end(0);
            }
            (State::Locating { text, name, mut located }, answer) => {
                let found = match answer {
                    Answer::Located(found) => found.into_iter().next().flatten(),
                    _ => None,
                };
                located.insert(name, found.map(|found| found.address.ip));
                self.read_with(&text, located);
            }
            (State::Redirecting(line), answer) => self.take_redirected(line, &answer),
            (State::Running(job), answer) => self.resume(job, Some(answer)),
            (State::Ended, _) => self.state = State::Ended,
            _ => {}
        }
        self.go_on();
    }

    fn interrupt(&mut self) {
        if !self.options.commands.is_empty() {
            return self.end(INTERRUPTED);
        }
        self.session.shell.interrupt();
        self.state = State::Ready;
        self.go_on();
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.session.shell.poll_output()
    }

    fn prompt(&self) -> Option<Prompt> {
        matches!(self.state, State::Prompting).then(|| Prompt {
            text: PROMPT,
            stream: Stream::Error,
            language: Box::new(Commands),
            ends_line: self.options.prompts,
        })
    }
}

/// What is written where a command can be typed.
const PROMPT: &str = "ntpdc> ";

#[cfg(test)]
mod tests;
