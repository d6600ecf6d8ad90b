//! Values that have a unit or a range: times, spans, frequencies, identifiers.
//!
//! Everything above speaks in these, so that a millisecond is never taken for a second and an
//! association never for a key. Nothing here does I/O or reads a clock.

pub mod duration;
pub mod frequency;
pub mod ids;
pub mod log2;
pub mod mono;
pub mod reach;
pub mod tally;
pub mod timestamp;

pub use duration::NtpDuration;
pub use frequency::Ppm;
pub use ids::{AssocId, KeyId, Leap, Mode, RefId, Stratum};
pub use log2::{PollExponent, Precision};
pub use mono::{Boot, Mono, Now, Raw};
pub use reach::Reach;
pub use tally::Tally;
pub use timestamp::NtpTimestamp;
