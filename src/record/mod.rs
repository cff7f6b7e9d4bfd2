//! The event log: one line per event to standard error, through the `log`
//! facade, so that `RUST_LOG` chooses what is shown.
//!
//! Client text is escaped by whoever writes the line (`protocol::escape`).
#![forbid(unsafe_code)]

pub mod trace;

use crate::protocol::Timestamp;
use crate::protocol::time::format_log;
use crate::sys::clock;
use std::io::Write;

/// Sends all diagnostics to standard error, `info` and above unless
/// `RUST_LOG` says otherwise. A second call changes nothing.
pub fn init() {
    let environment = env_logger::Env::default().default_filter_or("info");
    let _ = env_logger::Builder::from_env(environment)
        .format(|out, record| {
            let (seconds, nanoseconds) = clock::now();
            let now = format_log(Timestamp {
                seconds,
                nanoseconds,
            });
            writeln!(out, "{now} {:5} {}", record.level(), record.args())
        })
        .try_init();
}
