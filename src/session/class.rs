//! What a worker must have become before it may serve a session.
//!
//! A worker that has narrowed itself to one identity, one root and one set of
//! rights cannot widen again, so it serves sessions of that class only; a
//! log-in moves the session to a worker of its class, and REIN moves it back.
//! How a worker becomes something is the server's affair.

use super::state::Rights;
use crate::fs::Root;
use crate::sys::passwd::User;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The class of a worker, and of the sessions it serves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Class {
    /// Greets, and logs users in; serves no files.
    Reception,
    /// Serves the files of one home.
    Home(Arc<Home>),
}

/// What the sessions of a class share.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Home {
    /// The root, as the server names it.
    pub path: PathBuf,
    /// Its device and inode, where they could be seen before: a home that has
    /// been replaced is another one.
    pub directory: Option<(u64, u64)>,
    /// Whether anything in it may be changed.
    pub writable: bool,
    /// Whether files may be given to others in it (chown_uploads).
    pub gives_away: bool,
    /// As whom it is served; as the server itself if nobody is named.
    pub user: Option<User>,
}

impl Home {
    /// The home at `path`, as it is there now, for users with these rights.
    pub(super) fn seen(path: &Path, rights: Rights) -> Home {
        let about = std::fs::metadata(path).ok();
        Home {
            path: path.to_owned(),
            directory: about.map(|about| (about.dev(), about.ino())),
            writable: rights.any_write(),
            gives_away: rights.give_away,
            user: None,
        }
    }
}

/// A worker's place: its class, and the root that comes with it.
#[derive(Debug, Clone)]
pub struct Place {
    /// What the worker has become.
    pub class: Class,
    /// The opened root of [`Class::Home`].
    pub root: Option<Arc<Root>>,
}
