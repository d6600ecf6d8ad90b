//! The session of one console: an interactive run of ntpq whose output goes to a screen.

use std::future::Future;
use std::pin::pin;

use jiff::tz::TimeZone;
use tokio::sync::mpsc::Receiver;

use crate::backend::TargetId;
use crate::backend::console::{Input, News};
use crate::net::clock::Clock;
use crate::net::consoles::outbox::Outbox;
use crate::net::ntpq::Driver;
use crate::ntpq::{Answer, Batch, Family, Machine as _, Need, Options, Output, Stream};

/// A session to be run.
pub(super) struct Session {
    pub(super) target: TargetId,
    /// Who is asked at first.
    pub(super) host: String,
    pub(super) family: Family,
    pub(super) numeric: bool,
    pub(super) clock: Clock,
    pub(super) outbox: Outbox,
}

/// What came of waiting for something.
enum Came<T> {
    /// It came.
    Done(T),
    /// The user interrupted it.
    Interrupted,
    /// Nobody listens any more.
    Gone,
}

impl Session {
    /// Runs until the user ends it, or nobody listens any more.
    pub(super) async fn run(self, mut inputs: Receiver<Input>) {
        let options = Options {
            program: "ntpq".to_owned(),
            hosts: vec![(self.host.clone(), self.family)],
            numeric: self.numeric,
            interactive: true,
            read_only: true,
            ..Options::default()
        };
        let mut batch = Batch::new(options, TimeZone::system);
        let mut driver = Driver::new(self.clock);
        batch.start(driver.wall());
        loop {
            let came = match batch.poll_output() {
                None | Some(Output::End(_)) => break,
                Some(Output::Text(stream, text)) => {
                    match self.print(&mut driver, stream, text, &mut inputs).await {
                        Came::Done(()) => continue,
                        Came::Interrupted => Came::Interrupted,
                        Came::Gone => return,
                    }
                }
                Some(Output::Need(need)) => {
                    self.find_out(need, &mut driver, &mut batch, &mut inputs).await
                }
            };
            match came {
                Came::Done(answer) => batch.handle(driver.wall(), answer),
                Came::Interrupted => batch.interrupt(),
                Came::Gone => return,
            }
        }
        self.outbox.leave(self.target, News::Ended);
    }

    async fn print(
        &self,
        driver: &mut Driver,
        stream: Stream,
        text: String,
        inputs: &mut Receiver<Input>,
    ) -> Came<()> {
        let is_complaint = match stream {
            Stream::File => {
                if let Err(error) = driver.write(stream, &text) {
                    self.say(format!("***cannot write: {error}\n"));
                }
                return Came::Done(());
            }
            Stream::Out => false,
            Stream::Error => true,
        };
        let came = unless_interrupted(self.outbox.room(), inputs).await;
        if matches!(came, Came::Done(())) {
            self.outbox.leave(self.target, News::Text { text, is_complaint });
        }
        came
    }

    async fn find_out(
        &self,
        need: Need,
        driver: &mut Driver,
        batch: &mut Batch,
        inputs: &mut Receiver<Input>,
    ) -> Came<Answer> {
        match need {
            Need::Command => {
                self.outbox.leave(self.target, News::Ready);
                while let Some(input) = inputs.recv().await {
                    if let Input::Command { line, may_change } = input {
                        batch.arm(may_change);
                        return Came::Done(Answer::Line(Some(line)));
                    }
                }
                Came::Gone
            }
            Need::Line { prompt, hidden } => {
                self.outbox.leave(self.target, News::Asks { prompt, hidden });
                while let Some(input) = inputs.recv().await {
                    match input {
                        Input::Line(Some(line)) => return Came::Done(Answer::Line(Some(line))),
                        Input::Line(None) | Input::Interrupt => return Came::Interrupted,
                        Input::Open { .. } | Input::Command { .. } => {}
                    }
                }
                Came::Gone
            }
            need => {
                let is_piece = matches!(need, Need::Piece { .. });
                let file = match &need {
                    Need::Redirect(file) => Some(file.clone()),
                    _ => None,
                };
                let came = unless_interrupted(driver.find_out(need), inputs).await;
                match came {
                    Came::Interrupted if is_piece => Came::Done(Answer::Interrupted),
                    Came::Interrupted => Came::Interrupted,
                    Came::Gone => Came::Gone,
                    Came::Done(Ok(answer)) => {
                        if let (Some(file), Answer::Redirected(Ok(()))) = (file, &answer) {
                            self.say(format!("the output goes to the file {file}\n"));
                        }
                        Came::Done(answer)
                    }
                    Came::Done(Err(error)) => {
                        self.say(format!("***{error}\n"));
                        Came::Interrupted
                    }
                }
            }
        }
    }

    fn say(&self, text: String) {
        self.outbox.leave(self.target, News::Text { text, is_complaint: true });
    }
}

/// Waits for `work`, and for what the user has to say meanwhile: of that only an interrupt counts.
async fn unless_interrupted<T>(
    work: impl Future<Output = T>,
    inputs: &mut Receiver<Input>,
) -> Came<T> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            input = inputs.recv() => match input {
                None => return Came::Gone,
                Some(Input::Interrupt) => return Came::Interrupted,
                Some(_) => {}
            },
            done = &mut work => return Came::Done(done),
        }
    }
}
