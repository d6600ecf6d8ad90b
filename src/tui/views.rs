//! The screens, a file each, and the frame around them. None of them changes anything.

pub mod association;
pub mod change;
pub mod clients;
pub mod clock;
pub mod closed;
pub mod columns;
pub mod console;
pub mod daemon;
pub mod discipline;
pub mod frame;
pub mod help;
pub mod left;
pub mod lines;
pub mod peers;
pub mod question;
pub mod samples;
pub mod selection;
pub mod status;
pub mod strip;
pub mod value;
pub mod world;
