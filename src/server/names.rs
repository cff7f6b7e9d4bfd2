//! The thread that asks the databases of users and groups for all others.

use super::narrow::Walls;
use crate::sys;
use crate::sys::names::Questions;
use crate::sys::seccomp::Kind;
use std::sync::Arc;

/// Starts the thread. What it loads to get an answer (nsswitch.conf(5)) is
/// loaded with what this process may at that time.
///
/// # Errors
/// When the thread cannot be born.
pub(super) fn start(walls: &Arc<Walls>) -> Result<(), sys::Error> {
    let Some(questions) = Questions::open() else {
        return Ok(());
    };
    let walls = Arc::clone(walls);
    // The default stack: it is unknown what is loaded.
    std::thread::Builder::new()
        .name("names".to_owned())
        .spawn(move || match walls.enclose(Kind::Resolver) {
            Ok(()) => questions.answer(),
            Err(error) => log::error!("users and groups have no names: {error}"),
        })
        .map(drop)
        .map_err(|error| sys::Error::from_io("clone", &error))
}
