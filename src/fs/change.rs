//! Changes of what is known about a file, and links: times, group,
//! permissions to change what is in a directory.

use super::{Error, Root};
use crate::protocol::VirtualPath;
use crate::sys::file::{self, OpenHow};
use crate::sys::owner;
use std::os::fd::{AsFd, OwnedFd};

impl Root {
    /// The directory `path`, neither to be read nor to be changed through.
    ///
    /// # Errors
    /// The system's own, ENOTDIR among them.
    pub fn look_at(&self, path: &VirtualPath) -> Result<OwnedFd, Error> {
        Ok(self.resolve(path, libc::O_PATH | libc::O_DIRECTORY, 0)?)
    }

    /// Sets the times of access and modification of what `path` leads to:
    /// seconds since 1970 and nanoseconds. `None` leaves one as it is.
    ///
    /// # Errors
    /// The system's own.
    pub fn set_times(
        &self,
        path: &VirtualPath,
        accessed: Option<(i64, u32)>,
        modified: Option<(i64, u32)>,
    ) -> Result<(), Error> {
        let target = self.resolve(path, libc::O_PATH, 0)?;
        Ok(file::set_times(target.as_fd(), accessed, modified)?)
    }

    /// Gives what `path` leads to to the group `gid`.
    ///
    /// # Errors
    /// The system's own.
    pub fn set_group(&self, path: &VirtualPath, gid: u32) -> Result<(), Error> {
        let target = self.resolve(path, libc::O_PATH, 0)?;
        Ok(owner::set_group(target.as_fd(), gid)?)
    }

    /// Makes the link `path` that holds `text`. What the text may be is for
    /// the caller to say: whatever it is, this root's links stay inside. One
    /// that climbs is only made where the directory is as deep as its
    /// pathname says, so where no link is on the way.
    ///
    /// # Errors
    /// The system's own, EEXIST among them, and ELOOP for a link on the way.
    pub fn make_link(&self, path: &VirtualPath, text: &[u8]) -> Result<(), Error> {
        let (mut parent, name) = self.parent(path)?;
        if text.starts_with(b"..") {
            let directory = path.parent();
            let how = OpenHow {
                flags: libc::O_PATH | libc::O_DIRECTORY,
                mode: 0,
                resolve: libc::RESOLVE_BENEATH | libc::RESOLVE_NO_SYMLINKS,
            };
            parent = file::openat2(self.directory(), directory.relative(), how)?;
        }
        Ok(file::symlink_at(text, parent.as_fd(), name)?)
    }
}
