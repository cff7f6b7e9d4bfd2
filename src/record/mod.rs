//! What happened, where the administrator looks.
//!
//! - The event log: one line per event to standard error, through the `log`
//!   facade, so that `RUST_LOG` chooses what is shown.
//! - The logs of transfers (`ledger`): vsftpd's own, wu-ftpd's, syslog.
//! - Drawings of sessions (`trace`).
//!
//! Once the server runs, no line is waited for: a reader who stops, or a disk
//! that hangs, loses lines and it is told how many (`outlet`).
//!
//! Client text is escaped by whoever writes the line (`protocol::escape`).
#![forbid(unsafe_code)]

pub mod event;
mod file;
mod json;
mod keeper;
pub mod ledger;
pub mod outlet;
mod style;
pub mod syslog;
pub mod trace;
mod vsftpd;
mod xferlog;

pub use ledger::{Ledger, NoSession, reopen};

use crate::config::Config;
use crate::protocol::Timestamp;
use crate::sys::clock;
use env_logger::Target;
use outlet::Outlet;
use std::io::{self, Write};
use style::Style;

/// Standard error.
pub static DIAGNOSTICS: Outlet = Outlet::error(|lost| {
    let lines = if lost == 1 { "line" } else { "lines" };
    let text = format!("{lost} {lines} of this log lost, nobody took them");
    Style::now().line(log::Level::Warn, now(), &text)
});

/// Sends all diagnostics to standard error, `info` and above unless
/// `RUST_LOG` says otherwise. A second call changes nothing.
pub fn init() {
    style::look_for_journal();
    let environment = env_logger::Env::default().default_filter_or("info");
    let _ = env_logger::Builder::from_env(environment)
        .format(|out, record| {
            let text = record.args().to_string();
            out.write_all(Style::now().line(record.level(), now(), &text).as_bytes())
        })
        .target(Target::Pipe(Box::new(Lines)))
        .try_init();
}

/// Gives the event log the form that `config` asks for.
pub fn configure(config: &Config) {
    style::use_json(ledger::is_json(config));
}

/// The time of day.
#[must_use]
pub fn now() -> Timestamp {
    let (seconds, nanoseconds) = clock::now();
    Timestamp {
        seconds,
        nanoseconds,
    }
}

/// What env_logger, which hands over one line at a time, writes to.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        if syslog::is_used() {
            syslog::take_event(&text);
        } else {
            DIAGNOSTICS.write(&text);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
