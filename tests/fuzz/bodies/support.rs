//! What several bodies take their inputs with.

use std::time::Duration;

use ntpscope::config::Rejected;
use ntpscope::engine::Engine;
use ntpscope::engine::output::Output;
use ntpscope::units::{Boot, Mono, Now, NtpDuration, NtpTimestamp, Raw};

/// Bytes that are taken from the front.
pub(crate) struct Taken<'a>(&'a [u8]);

impl<'a> Taken<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// So many bytes; `None` when there are not as many.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    /// As many bytes as two bytes before them say, or as there are.
    pub(crate) fn counted(&mut self) -> &'a [u8] {
        let count = self.array().map_or(0, u16::from_be_bytes);
        let (taken, rest) = self.0.split_at(self.0.len().min(count.into()));
        self.0 = rest;
        taken
    }
}

/// A moment so many nanoseconds after the start of the machine.
pub(crate) fn at(nanos: u64) -> Now {
    let clock =
        NtpTimestamp::from_unix(1_800_000_000, 0) + NtpDuration::from(Duration::from_nanos(nanos));
    let (mono, raw, boot) =
        (Mono::from_nanos(nanos), Raw::from_nanos(nanos), Boot::from_nanos(nanos));
    Now { mono, raw, boot, clock }
}

/// What an engine puts out; it comes to an end, and is no fault.
pub(crate) fn outputs(engine: &mut Engine) -> Vec<Output> {
    let mut outputs = Vec::new();
    while let Some(output) = engine.poll_output() {
        assert!(!matches!(output, Output::Fault(_)), "{output:?}");
        outputs.push(output);
        assert!(outputs.len() < 10_000, "it does not stop putting out");
    }
    outputs
}

/// What was read of `text`, if it was; what was not has its place in it.
pub(crate) fn placed<T>(text: &str, read: Result<T, Rejected>) -> Option<T> {
    let rejected = match read {
        Ok(value) => return Some(value),
        Err(rejected) => rejected,
    };
    let (line, column) = rejected.position.unwrap();
    assert!(line >= 1 && column >= 1 && line <= text.lines().count() + 1, "{rejected}");
    assert!(!rejected.to_string().contains('\u{1b}'), "it goes to a terminal");
    None
}
