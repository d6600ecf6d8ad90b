//! The watcher of a chronyd, against a scripted one.

mod scripted;
