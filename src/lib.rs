//! ntpscope: watch, question and explain NTP daemons from a terminal.
