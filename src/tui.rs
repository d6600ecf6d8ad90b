//! The interactive screens.
//!
//! State ([`app`]), update ([`update()`](update::update): an event in, effects out) and view
//! ([`view`]: state in, cells out) are pure: only [`run`] knows the terminal, signals and the
//! clock. A key means what the one table of commands ([`command`]) says; keymap, help, prompt and
//! README are made from it.
//!
//! To add a screen: a variant of [`app::Screen`] with its row in [`app::SCREENS`], a file under
//! `views/` with its `render`, an arm in [`view`], and the commands that lead to it.

pub mod app;
pub mod arming;
pub mod clients;
pub mod command;
pub mod console;
pub mod event;
pub mod format;
pub mod history;
pub mod keymap;
pub mod legend;
pub mod once;
pub mod palette;
pub mod rows;
pub mod run;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod verdict;
pub mod view;
pub mod views;
pub mod widgets;
pub mod words;
