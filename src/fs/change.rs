//! Changes of what is known about a file, and links: times, group,
//! permissions to change what is in a directory.

use super::root::regular;
use super::{Error, Root};
use crate::protocol::VirtualPath;
use crate::sys::file::{self, Attributes, OpenHow};
use crate::sys::{self, owner};
use std::os::fd::{AsFd, OwnedFd};

impl Root {
    /// The directory `path`, neither to be read nor to be changed through.
    ///
    /// # Errors
    /// The system's own, ENOTDIR among them.
    pub fn look_at(&self, path: &VirtualPath) -> Result<OwnedFd, Error> {
        Ok(self.resolve(path, libc::O_PATH | libc::O_DIRECTORY, 0)?)
    }

    /// What `path` leads to, to be changed.
    ///
    /// # Errors
    /// The system's own.
    pub fn target(&self, path: &VirtualPath) -> Result<Target<'_>, Error> {
        Ok(Target {
            root: self,
            path: path.clone(),
            found: self.resolve(path, libc::O_PATH, 0)?,
        })
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

/// What a pathname led to at one moment. What is asked of it and done to it
/// concerns that file and no other, whatever is renamed meanwhile.
#[derive(Debug)]
pub struct Target<'root> {
    root: &'root Root,
    path: VirtualPath,
    found: OwnedFd,
}

impl Target<'_> {
    /// Its attributes as they are now.
    ///
    /// # Errors
    /// statx's own.
    pub fn attributes(&self) -> Result<Attributes, Error> {
        Ok(file::attributes(self.found.as_fd())?)
    }

    /// The same for a regular file.
    ///
    /// # Errors
    /// The system's own, or that it is no regular file.
    pub fn file_attributes(&self) -> Result<Attributes, Error> {
        regular(&self.found)
    }

    /// Sets the times of access and modification: seconds since 1970 and
    /// nanoseconds. `None` leaves one as it is.
    ///
    /// # Errors
    /// The system's own.
    pub fn set_times(
        &self,
        accessed: Option<(i64, u32)>,
        modified: Option<(i64, u32)>,
    ) -> Result<(), Error> {
        Ok(file::set_times(self.found.as_fd(), accessed, modified)?)
    }

    /// Gives it to the group `gid`.
    ///
    /// # Errors
    /// The system's own.
    pub fn set_group(&self, gid: u32) -> Result<(), Error> {
        Ok(owner::set_group(self.found.as_fd(), gid)?)
    }

    /// Sets the permission bits, and nothing beyond them: no client makes a
    /// program that runs as its owner, who may be root. Directories may pass
    /// on their group and be sticky.
    ///
    /// # Errors
    /// The system's own. On kernels before 6.6 a file its owner cannot read
    /// is refused, because it must be opened for reading first.
    pub fn set_mode(&self, mode: u32) -> Result<(), Error> {
        let about = self.attributes()?;
        let mode = mode & if about.is_directory() { 0o3777 } else { 0o777 };
        match file::chmod_path(self.found.as_fd(), mode) {
            Err(error) if error.errno() == libc::ENOSYS => {}
            result => return Ok(result?),
        }
        let flags = libc::O_RDONLY | libc::O_NONBLOCK;
        let opened = self.root.resolve(&self.path, flags, 0)?;
        let now = file::attributes(opened.as_fd())?;
        if (now.device, now.inode) != (about.device, about.inode) {
            return Err(sys::Error::new("openat2", libc::EAGAIN)
                .on(self.path.as_bytes())
                .into());
        }
        Ok(file::chmod(opened.as_fd(), mode)?)
    }
}
