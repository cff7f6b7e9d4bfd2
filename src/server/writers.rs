//! The threads that write the log and the drawings, so that nobody else has
//! to wait for whoever reads them.
#![forbid(unsafe_code)]

use super::narrow::Walls;
use crate::config::Config;
use crate::record::DIAGNOSTICS;
use crate::record::outlet::Outlet;
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

/// Starts the threads, for those of standard output and standard error that
/// the server keeps.
///
/// # Errors
/// When one cannot be born.
pub(super) fn start(
    config: &Config,
    walls: &Arc<Walls>,
    (output, error): (bool, bool),
) -> Result<Writers, sys::Error> {
    let writers = Writers(());
    if error {
        open(&DIAGNOSTICS, "log", walls)?;
    }
    if output && config.trace_connections() {
        open(&DRAWINGS, "drawings", walls)?;
    }
    Ok(writers)
}

fn open(outlet: &'static Outlet, name: &str, walls: &Arc<Walls>) -> Result<(), sys::Error> {
    let walls = Arc::clone(walls);
    outlet.open(|queue| {
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
    })
}

impl Drop for Writers {
    fn drop(&mut self) {
        let until = Instant::now() + LAST_WORDS;
        DIAGNOSTICS.flush(until);
        DRAWINGS.flush(until);
    }
}
