//! The threads that write the logs and the drawings, so that nobody else has
//! to wait for whoever reads them, or for a disk.
#![forbid(unsafe_code)]

use super::narrow::Walls;
use crate::config::Config;
use crate::record::DIAGNOSTICS;
use crate::record::ledger::{OWN, Opened, STANDARD};
use crate::record::outlet::{Outlet, Queue};
use crate::record::syslog::{self, SYSLOG};
use crate::record::trace::DRAWINGS;
use crate::sys;
use crate::sys::seccomp::Kind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the end of the server waits for a reader.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Dropped when the server ends, in whatever way: a panic of the main thread
/// must not take the lines before it along.
pub(super) struct Writers(());

/// Starts the threads, those of `logs` among them, and for those of standard
/// output and standard error that the server keeps.
///
/// # Errors
/// When one cannot be born.
pub(super) fn start(
    config: &Config,
    mut logs: Opened,
    walls: &Arc<Walls>,
    (output, error): (bool, bool),
) -> Result<Writers, sys::Error> {
    let writers = Writers(());
    if error && !syslog::is_used() {
        DIAGNOSTICS.open(|queue| spawn(&DIAGNOSTICS, "log", walls, queue))?;
    } else {
        logs.add_syslog();
    }
    if output && config.trace_connections() {
        DRAWINGS.open(|queue| spawn(&DRAWINGS, "drawings", walls, queue))?;
    }
    if !output {
        logs.leave_output();
    }
    write_to(logs, walls)?;
    Ok(writers)
}

/// Has `logs` written from now on, by threads that are born where there are
/// none yet.
///
/// # Errors
/// When one cannot be born.
pub(super) fn write_to(logs: Opened, walls: &Arc<Walls>) -> Result<(), sys::Error> {
    for (outlet, name, sink) in logs.take() {
        if outlet.is_open() {
            outlet.redirect(sink);
        } else {
            outlet.open_to(sink, |queue| spawn(outlet, name, walls, queue))?;
        }
    }
    Ok(())
}

fn spawn(
    outlet: &'static Outlet,
    name: &str,
    walls: &Arc<Walls>,
    queue: Queue,
) -> Result<(), sys::Error> {
    let walls = Arc::clone(walls);
    std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(128 * 1024)
        .spawn(move || {
            if walls.enclose(Kind::Writer).is_ok() {
                outlet.keep(queue);
            }
        })
        .map(drop)
        .map_err(|error| sys::Error::from_io("clone", &error))
}

impl Drop for Writers {
    fn drop(&mut self) {
        let until = Instant::now() + LAST_WORDS;
        for log in [&OWN, &STANDARD, &SYSLOG] {
            log.flush(until);
        }
        DIAGNOSTICS.flush(until);
        DRAWINGS.flush(until);
    }
}
