//! The event log: one line per event to standard error, through the `log`
//! facade, so that `RUST_LOG` chooses what is shown.
//!
//! Once the server runs, no line is waited for either: a reader who stops
//! loses lines and is told how many (`outlet`).
//!
//! Client text is escaped by whoever writes the line (`protocol::escape`).
#![forbid(unsafe_code)]

pub mod outlet;
pub mod syslog;
pub mod trace;

use crate::protocol::Timestamp;
use crate::protocol::time::format_log;
use crate::sys::clock;
use env_logger::Target;
use outlet::Outlet;
use std::io::{self, Write};

/// Standard error.
pub static DIAGNOSTICS: Outlet = Outlet::error(|lost| {
    let lines = if lost == 1 { "line" } else { "lines" };
    format!(
        "{} WARN  {lost} {lines} of this log lost, nobody took them\n",
        now()
    )
});

/// Sends all diagnostics to standard error, `info` and above unless
/// `RUST_LOG` says otherwise. A second call changes nothing.
pub fn init() {
    let environment = env_logger::Env::default().default_filter_or("info");
    let _ = env_logger::Builder::from_env(environment)
        .format(|out, record| {
            if syslog::is_used() {
                let line = syslog::line(record.level(), &record.args().to_string());
                return out.write_all(line.as_bytes());
            }
            writeln!(out, "{} {:5} {}", now(), record.level(), record.args())
        })
        .target(Target::Pipe(Box::new(Lines)))
        .try_init();
}

fn now() -> String {
    let (seconds, nanoseconds) = clock::now();
    format_log(Timestamp {
        seconds,
        nanoseconds,
    })
}

/// What env_logger, which hands over one line at a time, writes to.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if syslog::send(line) {
            return Ok(line.len());
        }
        DIAGNOSTICS.write(&String::from_utf8_lossy(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
