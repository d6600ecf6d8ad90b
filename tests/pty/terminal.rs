//! A program in a real pseudo-terminal, and the screen it draws.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long to wait for something on screen before the test fails: long enough for a machine that
/// has much else to do, for who sees what he waits for waits no longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running program with its terminal.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// The program.
    pub(crate) child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    bytes: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// All that it wrote.
    pub(crate) raw: Vec<u8>,
}

const fn size(rows: u16, cols: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    /// Starts `words` on a screen of `rows` by `columns`.
    pub(crate) fn start(words: &[&str], rows: u16, columns: u16) -> Self {
        let pair = native_pty_system().openpty(size(rows, columns)).expect("a pseudo-terminal");
        let (program, arguments) = words.split_first().expect("a program to start");
        let program = match *program {
            "tests/lab" => crate::lab::root().join(program),
            _ => program.into(),
        };
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(env!("CARGO_MANIFEST_DIR"));
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env("NTPSCOPE_LAB_DIR", crate::lab::folder());
        // Nobody's settings of this machine.
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).expect("the program can be started");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("the terminal can be read");
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || sender.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let writer = pair.master.take_writer().expect("the terminal can be typed on");
        let parser = vt100::Parser::new(rows, columns, 0);
        Self { master: pair.master, child, writer, bytes, parser, raw: Vec::new() }
    }

    /// Types.
    pub(crate) fn keys(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).expect("the terminal can be typed on");
        self.writer.flush().expect("the terminal can be typed on");
    }

    /// Changes the size.
    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        self.master.resize(size(rows, columns)).expect("the terminal can be resized");
        self.parser.screen_mut().set_size(rows, columns);
    }

    /// What is on screen.
    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Waits until the text on screen is as `ok` wants it.
    pub(crate) fn wait_for(&mut self, what: &str, ok: impl Fn(&str) -> bool) {
        self.wait_within(PATIENCE, what, ok);
    }

    /// Waits until the text on screen is as `ok` wants it, at most so long. A screen that is being
    /// drawn is not looked at: the rest of it may still be on its way.
    pub(crate) fn wait_within(
        &mut self,
        patience: Duration,
        what: &str,
        ok: impl Fn(&str) -> bool,
    ) {
        #[expect(clippy::disallowed_methods, reason = "a deadline for a real program")]
        let deadline = Instant::now() + patience;
        while !(self.is_drawn() && ok(&self.screen().contents())) {
            #[expect(clippy::disallowed_methods, reason = "a deadline for a real program")]
            let left = deadline.saturating_duration_since(Instant::now());
            match self.bytes.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("never saw {what}:\n{}", self.screen().contents())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the program ended before {what}:\n{}", self.screen().contents())
                }
            }
        }
    }

    /// Whether no drawing is under way, where a whole screen is drawn: each ends by hiding the cursor,
    /// or by showing it and putting it in its place.
    fn is_drawn(&self) -> bool {
        const HIDDEN: &[u8] = b"\x1b[?25l";
        const SHOWN: &[u8] = b"\x1b[?25h\x1b[";
        if !self.screen().alternate_screen() || self.raw.ends_with(HIDDEN) {
            return true;
        }
        let Some(place) = self.raw.strip_suffix(b"H") else { return false };
        let is_place = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
        let digits = place.iter().rev().take_while(|byte| is_place(byte)).count();
        place[..place.len() - digits].ends_with(SHOWN)
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend(bytes);
        self.parser.process(bytes);
    }

    /// Sends a signal to the program called `name` that runs somewhere below what was started.
    pub(crate) fn signal(&self, signal: &str, name: &str) {
        let pid = self.find(name).expect("the program runs");
        let sent = std::process::Command::new("kill").args([signal, &pid.to_string()]).status();
        assert!(sent.expect("kill can be started").success());
    }

    /// The process called `name` among the descendants of what was started.
    fn find(&self, name: &str) -> Option<u32> {
        let top = self.child.process_id()?;
        let mut family = vec![top];
        let all: Vec<(u32, u32, String)> = processes();
        loop {
            let more: Vec<u32> = all
                .iter()
                .filter(|(pid, parent, _)| family.contains(parent) && !family.contains(pid))
                .map(|(pid, ..)| *pid)
                .collect();
            if more.is_empty() {
                break;
            }
            family.extend(more);
        }
        all.iter().find(|(pid, _, comm)| family.contains(pid) && comm == name).map(|(pid, ..)| *pid)
    }

    /// Waits for the program's end and all that it still writes; its exit code.
    pub(crate) fn end(&mut self) -> u32 {
        #[expect(clippy::disallowed_methods, reason = "a deadline for a real program")]
        let deadline = Instant::now() + PATIENCE;
        loop {
            #[expect(clippy::disallowed_methods, reason = "a deadline for a real program")]
            let left = deadline.saturating_duration_since(Instant::now());
            match self.bytes.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the program does not end:\n{}", self.screen().contents())
                }
            }
        }
        self.child.wait().expect("the program can be waited for").exit_code()
    }

    /// Fails unless the terminal is as it was before the program.
    pub(crate) fn assert_given_back(&self) {
        assert!(!self.screen().alternate_screen(), "the alternate screen was not left");
        assert!(!self.screen().hide_cursor(), "the cursor was not shown again");
        assert!(!self.screen().bracketed_paste(), "bracketed paste was left on");
        assert_eq!(
            self.screen().mouse_protocol_mode(),
            vt100::MouseProtocolMode::None,
            "the mouse was left on"
        );
        let asked: [&[u8]; 4] = [b"\x1b[6n", b"\x1b[c", b"\x1b[?u", b"\x1b]11;?"];
        let is_in = |what: &&[u8]| self.raw.windows(what.len()).any(|bytes| bytes == *what);
        assert!(!asked.iter().any(is_in), "the terminal was asked something");
    }
}

impl Drop for Terminal {
    /// A test that failed leaves nothing running.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Process ids, those of their parents, and names.
fn processes() -> Vec<(u32, u32, String)> {
    let entries = std::fs::read_dir("/proc").expect("there is a /proc");
    let stats = entries.flatten().filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (before, after) = stat.rsplit_once(')')?;
        let name = before.split_once('(')?.1.to_owned();
        let parent = after.split_whitespace().nth(1)?.parse().ok()?;
        Some((pid, parent, name))
    });
    stats.collect()
}
