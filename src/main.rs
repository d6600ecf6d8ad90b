//! The program.

use std::env;
use std::process::ExitCode;

use ntpscope::cli::ntpq;
use ntpscope::net;
use ntpscope::net::clock::Clock;

fn main() -> ExitCode {
    let mut words = env::args_os();
    let program = words.next().unwrap_or_default();
    if !ntpq::is_ntpq(&program) && words.next().is_none_or(|word| word != "ntpq") {
        return ExitCode::from(2);
    }
    ntpq::start(&program, words, |batch| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(net::ntpq::run(batch, Clock::start()))
    })
}
