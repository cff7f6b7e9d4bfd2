//! Room on the file system that a directory is on.

use super::{Error, Root};
use crate::protocol::VirtualPath;
use crate::sys::space;
use std::os::fd::AsFd;

impl Root {
    /// Bytes that can still be stored in the directory `path`, quotas apart.
    ///
    /// # Errors
    /// The system's own, ENOTDIR and EACCES among them.
    pub fn available(&self, path: &VirtualPath) -> Result<u64, Error> {
        self.enter(path)?;
        let directory = self.resolve(path, libc::O_PATH | libc::O_DIRECTORY, 0)?;
        Ok(space::available(directory.as_fd())?)
    }
}
