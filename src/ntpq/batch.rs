//! A run of ntpq: every command for every host, in order.

use jiff::tz::TimeZone;

use crate::model::question::Question;
use crate::ntpq::command::{self, Argument, Line};
use crate::ntpq::completion::Known;
use crate::ntpq::job::{Answer, Family, Job, Machine, Need, Output, Prompt, Step, Stream};
use crate::ntpq::naming::{self, Naming};
use crate::ntpq::ntpsec;
use crate::ntpq::record::Record;
use crate::ntpq::session::{RefIds, Session};
use crate::ntpq::style::Style;
use crate::ntpq::verbs;

/// What the command line says.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Options {
    /// What the program calls itself.
    pub program: String,
    /// The commands, in order.
    pub commands: Vec<String>,
    /// The hosts, in order, and which of their addresses will do.
    pub hosts: Vec<(String, Family)>,
    /// Whether addresses are not shown as names.
    pub numeric: bool,
    /// Whether long names stand on a line of their own.
    pub wide: bool,
    /// Whether the status line is printed even when variables were named.
    pub old_rv: bool,
    /// How reference IDs are shown.
    pub ref_ids: RefIds,
    /// Whether the answers are printed as JSON.
    pub json: bool,
    /// Whether commands are read from the user, one after the other; then of the hosts the first is
    /// asked.
    pub interactive: bool,
    /// Whether commands that change the daemon are refused, until [`Batch::arm`] says otherwise.
    pub read_only: bool,
    /// Whose ntpq is followed.
    pub style: Style,
    /// What is set besides where that is NTPsec's.
    pub ntpsec: ntpsec::State,
}

/// A run of ntpq, to be driven.
///
/// Take the outputs until there is none; after a [`Output::Need`] call [`Machine::handle`] with what
/// was found out, and so on until [`Output::End`].
///
/// ```
/// use jiff::tz::TimeZone;
/// use ntpscope::ntpq::{Batch, Machine as _, Options, Output};
///
/// let options = Options { commands: vec!["bogus".into()], ..Options::default() };
/// let mut batch = Batch::new(options, || TimeZone::UTC);
/// batch.start(0);
/// assert!(matches!(batch.poll_output(), Some(Output::End(0))), "there is no host to ask");
/// ```
pub struct Batch {
    session: Session,
    commands: Vec<String>,
    hosts: Vec<(String, Family)>,
    host: usize,
    command: usize,
    interactive: bool,
    read_only: bool,
    state: State,
}

/// What is under way.
enum State {
    /// The next command of the current host comes next.
    Ready,
    /// A host is being opened.
    Opening,
    /// The user is asked for a command.
    Prompting,
    /// The associations are listed, for an argument that refers to the list.
    Listing(Line),
    /// A file for the output is being opened.
    Redirecting(Line),
    /// A command is at work.
    Running(Box<dyn Job>),
    /// What the associations are called is found out for whoever types.
    Naming(Naming),
    /// All is done.
    Ended,
}

impl Batch {
    /// A run that shows dates in the `zone` that is found out with the first of them: the system's
    /// takes hundreds of system calls to find, and a table has no dates.
    pub fn new(options: Options, zone: fn() -> TimeZone) -> Self {
        let mut session = Session::new(options.program, zone);
        session.settings.hostnames = !options.numeric;
        session.settings.wide = options.wide;
        session.settings.old_rv = options.old_rv;
        session.settings.ref_ids = options.ref_ids;
        session.style = options.style;
        session.ntpsec = options.ntpsec;
        session.ntpsec.is_prompting = options.interactive;
        session.record = options.json.then(Record::default);
        let mut hosts = options.hosts;
        if options.style == Style::Ntpsec && options.interactive && hosts.len() > 1 {
            session.complain("ntpq can only work interactively on one host.\n");
            hosts.truncate(1);
        }
        session.hosts = hosts.iter().map(|(host, _)| host.clone()).collect();
        Self {
            session,
            commands: options.commands,
            hosts,
            host: 0,
            command: 0,
            interactive: options.interactive,
            read_only: options.read_only,
            state: State::Ready,
        }
    }

    /// Says whether commands that change the daemon are obeyed from now on.
    pub const fn arm(&mut self, is_armed: bool) {
        self.read_only = !is_armed;
    }

    /// What is known for completing what is typed.
    pub fn known(&self) -> Known {
        naming::known(&self.session)
    }

    /// Runs commands until one waits.
    fn go_on(&mut self) {
        while matches!(self.state, State::Ready) {
            match self.commands.get(self.command).cloned() {
                Some(command) if self.host < self.hosts.len() => {
                    let is_apart = self.session.style == Style::Classic;
                    if is_apart && self.command > 0 && self.session.has_printed {
                        self.session.print("\n");
                    }
                    self.command += 1;
                    self.run(&command);
                }
                _ if self.interactive && !self.hosts.is_empty() => {
                    self.wait(State::Prompting, Need::Command);
                }
                _ => {
                    self.host += 1;
                    self.open_host();
                }
            }
        }
    }

    /// There are no more commands from the user.
    fn end_of_input(&mut self) {
        if self.session.style == Style::Ntpsec {
            self.session.print("\n");
        }
        self.end(0);
    }

    fn open_host(&mut self) {
        match self.hosts.get(self.host) {
            Some((host, family)) => {
                let need = Need::Open { host: host.clone(), family: *family };
                self.wait(State::Opening, need);
            }
            None => self.end(0),
        }
    }

    fn take_opened(&mut self, answer: Answer) {
        if self.session.style == Style::Ntpsec {
            let host = self.hosts.get(self.host).map(|(host, _)| host.as_str());
            return match ntpsec::hosts::take(&mut self.session, host.unwrap_or_default(), answer) {
                ntpsec::hosts::Taken::Open => self.command = 0,
                ntpsec::hosts::Taken::Unknown => self.command = self.commands.len(),
                ntpsec::hosts::Taken::Failed => self.end(0),
            };
        }
        match answer {
            Answer::Opened(Ok(host)) => {
                self.session.turn_to(host);
                if self.host > 0 && self.session.has_printed {
                    self.session.print("\n");
                }
                self.command = 0;
            }
            Answer::Opened(Err(why)) => {
                self.command = self.commands.len();
                if self.session.refuse_host(&why) {
                    self.end(1);
                }
            }
            _ => self.command = self.commands.len(),
        }
    }

    fn run(&mut self, text: &str) {
        let read = match self.session.style {
            Style::Classic => command::read(text),
            Style::Ntpsec => ntpsec::line::read(text),
        };
        match read {
            Ok(None) => {}
            Ok(Some(line)) if self.read_only && line.command.verb.changes_daemon() => {
                let text = format!("***Command `{}' refused\n{NOT_ARMED}\n", line.command.name);
                self.session.complain(&text);
            }
            Ok(Some(line)) => {
                self.session.complain(&line.warnings);
                self.resolve(line, false);
            }
            Err(complaint) => self.session.complain(&complaint),
        }
    }

    /// Puts associations in place of references to the list, having it listed first when that was
    /// not done.
    fn resolve(&mut self, mut line: Line, listed: bool) {
        for argument in &mut line.arguments {
            let Argument::Listed(place) = *argument else { continue };
            let list = &self.session.associations;
            if list.is_empty() && !listed {
                let need = self.session.ask(vec![Question::associations()]);
                return self.wait(State::Listing(line), need);
            }
            if list.is_empty() {
                let text = format!("***No associations found, `&{place}' unknown\n");
                return self.session.complain(&text);
            }
            let place = usize::try_from(place).unwrap_or(usize::MAX).min(list.len());
            let chosen = place.checked_sub(1).and_then(|place| list.get(place));
            *argument = Argument::Unsigned(chosen.map_or(0, |(id, _)| u32::from(id.get())));
        }
        match line.redirect.clone() {
            Some(file) => self.wait(State::Redirecting(line), Need::Redirect(file)),
            None => self.begin(&line),
        }
    }

    fn take_redirected(&mut self, line: &Line, answer: &Answer) {
        if self.session.redirect(line.redirect.as_deref(), answer) {
            self.begin(line);
        } else {
            self.session.has_printed = false;
        }
    }

    fn begin(&mut self, line: &Line) {
        self.session.has_printed = true;
        if let Some(record) = &mut self.session.record {
            record.command = line.command.name;
        }
        let job = verbs::job(line, self.session.style);
        self.resume(job, None);
    }

    fn resume(&mut self, mut job: Box<dyn Job>, answer: Option<Answer>) {
        match job.resume(&mut self.session, answer) {
            Step::Need(need) => self.wait(State::Running(job), need),
            Step::Done if self.session.redirected => {
                self.session.redirected = false;
                self.session.has_printed = false;
            }
            Step::Done => {}
            Step::Quit(status) => self.end(status),
        }
    }

    /// Finds out what the associations are called, and asks for the next command again.
    fn name(&mut self, mut naming: Naming, answer: Option<Answer>) {
        if let Some(need) = naming.go_on(&mut self.session, answer) {
            self.wait(State::Naming(naming), need);
        }
    }

    fn wait(&mut self, state: State, need: Need) {
        self.session.need(need);
        self.state = state;
    }

    fn end(&mut self, status: u8) {
        self.session.end(status);
        self.state = State::Ended;
    }
}

impl Machine for Batch {
    fn start(&mut self, now: i64) {
        self.session.now = now;
        self.open_host();
        self.go_on();
    }

    fn handle(&mut self, now: i64, mut answer: Answer) {
        self.session.now = now;
        if let Answer::Replies(replies) = &mut answer {
            if self.session.style == Style::Ntpsec {
                ntpsec::keys::check(&mut self.session, replies);
            }
            self.session.take_along(replies);
        }
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Opening => self.take_opened(answer),
            State::Prompting => {
                self.session.settings.interactive = matches!(answer, Answer::Typed(_));
                match answer {
                    Answer::Typed(Some(command)) => self.run(&command),
                    Answer::Line(Some(command)) => self.run(command.as_str()),
                    Answer::WhichAssociations => self.name(Naming::default(), None),
                    _ => self.end_of_input(),
                }
            }
            State::Naming(naming) => self.name(naming, Some(answer)),
            State::Listing(line) => {
                if let Answer::Replies(replies) = &answer
                    && let Some(reply) = replies.first()
                {
                    self.session.take_associations(reply);
                }
                self.resolve(line, true);
            }
            State::Redirecting(line) => self.take_redirected(&line, &answer),
            State::Running(job) => self.resume(job, Some(answer)),
            state @ (State::Ready | State::Ended) => self.state = state,
        }
        self.go_on();
    }

    fn interrupt(&mut self) {
        if !self.interactive {
            return self.end(INTERRUPTED);
        }
        self.session.interrupt();
        self.state = State::Ready;
        self.go_on();
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.session.poll_output()
    }

    fn prompt(&self) -> Option<Prompt> {
        matches!(self.state, State::Prompting).then(|| Prompt {
            text: PROMPT,
            stream: Stream::Out,
            language: Box::new(self.known()),
            ends_line: false,
        })
    }
}

/// What is written where a command can be typed.
const PROMPT: &str = "ntpq> ";

/// Why a command that changes the daemon is refused.
const NOT_ARMED: &str = "changes are made by `:set` on the other screens, once ! has armed them";

/// The exit status of a program that was interrupted, as shells tell it.
pub const INTERRUPTED: u8 = 130;

#[cfg(test)]
pub(crate) mod tests;
