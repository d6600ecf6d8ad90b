//! The command line: what was asked for, and the commands that need no screen.

pub mod args;
pub mod demo;
pub mod engine;
pub mod exit;
pub mod library;
pub mod ntpdc;
pub mod ntpq;
#[expect(unsafe_code, reason = "rights are given up by system calls")]
pub mod privileges;
pub mod probe;
pub mod run;
pub mod set;
pub mod settings;
pub mod setup;
pub mod sim;
