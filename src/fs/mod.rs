//! Files as a session sees them: a [`Root`] is a directory held as a
//! capability, and every client pathname is resolved by the kernel beneath it.
//!
//! This floor knows permissions and names, not replies: which code a failure
//! becomes is the session's business.
#![forbid(unsafe_code)]

mod aside;
mod change;
mod denied;
pub mod directory;
pub mod hidden;
mod home;
mod removal;
pub mod root;
mod space;
pub mod upload;
mod walk;

pub use change::Target;
pub use directory::{Names, Reader};
pub use removal::Removal;
pub use root::Root;
pub use upload::{Existing, Plan, Upload};

use crate::sys;
use std::fmt;

/// Why a file operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The system said no.
    System(sys::Error),
    /// A FIFO, a socket or a device stands where a regular file is needed.
    NotAFile,
    /// A directory stands where a regular file is needed.
    IsADirectory,
    /// The operation makes no sense on the root itself.
    IsTheRoot,
    /// Another session, or another program, has the file locked.
    Locked,
    /// Only files that everybody may read are given out, and this is none.
    NotWorldReadable,
}

impl From<sys::Error> for Error {
    fn from(error: sys::Error) -> Error {
        Error::System(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::System(error) => error.fmt(f),
            Error::NotAFile => f.write_str("not a regular file"),
            Error::IsADirectory => f.write_str("is a directory"),
            Error::IsTheRoot => f.write_str("is the root directory"),
            Error::Locked => f.write_str("locked by another (lock_upload_files)"),
            Error::NotWorldReadable => {
                f.write_str("not readable by everybody (anon_world_readable_only)")
            }
        }
    }
}

impl std::error::Error for Error {}
