//! A directory as a capability: the first wall of confinement.
//!
//! A client pathname is normalised as text (`protocol::path`) and then
//! resolved by the kernel alone, with openat2(2) and RESOLVE_IN_ROOT: `..`
//! and absolute links stay inside, links of /proc are refused, and since
//! nothing is checked before it is used there is nothing to race with.
//! Changes act on a (parent descriptor, last name) pair.

use super::{Error, walk};
use crate::protocol::VirtualPath;
use crate::sys;
use crate::sys::file::{self, Attributes, OpenHow};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::fchown;
use std::path::Path;

/// What an upload does with the file that may already be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Replaces its content (STOR).
    Replace,
    /// Goes on at its end (APPE).
    Append,
    /// Goes on at this offset; what lay behind is cut off (REST, STOR).
    ContinueAt(u64),
    /// Leaves it alone and fails with EEXIST.
    Refuse,
}

/// The directory that is `/` to a session.
#[derive(Debug)]
pub struct Root {
    directory: OwnedFd,
    /// The kernel's own file systems are closed to it; see [`walk`].
    guarded: bool,
}

/// A file opened for an upload.
#[derive(Debug)]
pub struct Upload {
    file: OwnedFd,
    size: u64,
    start: u64,
}

impl Upload {
    /// Offset of the first byte that comes.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Gives the file to another user, with these permission bits; its group
    /// stays. Nothing happens to a file that is that user's already.
    ///
    /// # Errors
    /// fchmod's and fchown's own: EPERM without CAP_CHOWN.
    pub fn give_to(&self, owner: u32, mode: u32) -> Result<(), sys::Error> {
        if file::attributes(self.file.as_fd())?.uid == owner {
            return Ok(());
        }
        // Before it is somebody else's. fchown(2) clears set-id bits.
        file::chmod(self.file.as_fd(), mode)?;
        fchown(&self.file, Some(owner), None).map_err(sys::Error::of("fchown"))
    }

    /// Cuts off what is to be replaced and goes to where the first byte
    /// goes. Called once the client's bytes are sure to come: an upload that
    /// never starts shall not cost the file of before.
    ///
    /// # Errors
    /// The system's own.
    pub fn begin(&self) -> Result<&OwnedFd, sys::Error> {
        if self.size > self.start {
            file::truncate(self.file.as_fd(), self.start)?;
        }
        // With O_APPEND the position does not matter, and is right.
        if self.start > 0 {
            sys::transfer::seek(self.file.as_fd(), self.start)?;
        }
        Ok(&self.file)
    }

    /// Cuts off all that came.
    ///
    /// # Errors
    /// The system's own.
    pub fn cut_back(&self) -> Result<(), sys::Error> {
        file::truncate(self.file.as_fd(), self.start)
    }
}

impl Root {
    /// Opens the server-side directory `path` as a root.
    ///
    /// # Errors
    /// When it cannot be opened or is no directory; ENOSYS where the kernel
    /// has no openat2.
    pub fn open(path: &Path) -> Result<Root, sys::Error> {
        let here = std::fs::File::open("/").map_err(|error| sys::Error::from_io("open", &error))?;
        let absolute =
            std::path::absolute(path).map_err(|error| sys::Error::from_io("getcwd", &error))?;
        let directory = file::openat2(
            here.as_fd(),
            absolute.as_os_str().as_bytes(),
            OpenHow {
                flags: libc::O_PATH | libc::O_DIRECTORY,
                mode: 0,
                resolve: 0,
            },
        )?;
        let guarded = !walk::is_kernels(directory.as_fd())?;
        Ok(Root { directory, guarded })
    }

    /// Whether both are the same directory.
    #[must_use]
    pub fn is_same(&self, other: &Root) -> bool {
        let identity = |root: &Root| {
            let found = file::attributes(root.directory.as_fd()).ok()?;
            Some((found.device, found.inode))
        };
        identity(self).is_some_and(|own| Some(own) == identity(other))
    }

    pub(super) fn resolve(
        &self,
        path: &VirtualPath,
        flags: i32,
        mode: u32,
    ) -> Result<OwnedFd, sys::Error> {
        let root = self.directory.as_fd();
        walk::open(root, self.guarded, path.relative(), flags, mode)
    }

    /// Attributes of what `path` leads to, links followed.
    ///
    /// # Errors
    /// The system's own.
    pub fn attributes(&self, path: &VirtualPath) -> Result<Attributes, Error> {
        let target = self.resolve(path, libc::O_PATH, 0)?;
        Ok(file::attributes(target.as_fd())?)
    }

    /// The same for a regular file.
    ///
    /// # Errors
    /// The system's own, or that it is no regular file.
    pub fn file_attributes(&self, path: &VirtualPath) -> Result<Attributes, Error> {
        regular(&self.resolve(path, libc::O_PATH, 0)?)
    }

    /// Attributes of `path` itself, even if it is a link.
    ///
    /// # Errors
    /// The system's own.
    pub fn own_attributes(&self, path: &VirtualPath) -> Result<Attributes, Error> {
        let target = self.resolve(path, libc::O_PATH | libc::O_NOFOLLOW, 0)?;
        Ok(file::attributes(target.as_fd())?)
    }

    /// Opens a directory for reading its entries.
    ///
    /// # Errors
    /// The system's own, ENOTDIR among them.
    pub fn open_directory(&self, path: &VirtualPath) -> Result<OwnedFd, Error> {
        Ok(self.resolve(path, libc::O_RDONLY | libc::O_DIRECTORY, 0)?)
    }

    /// Whether `path` is a directory that may be entered.
    ///
    /// # Errors
    /// The system's own, ENOTDIR and EACCES among them.
    pub fn enter(&self, path: &VirtualPath) -> Result<(), Error> {
        let directory = self.resolve(path, libc::O_PATH | libc::O_DIRECTORY, 0)?;
        if file::may_access(directory.as_fd(), libc::X_OK) {
            Ok(())
        } else {
            Err(sys::Error::new("faccessat", libc::EACCES).into())
        }
    }

    /// Opens a regular file for reading. Never waits for a FIFO's writer.
    ///
    /// # Errors
    /// The system's own, or that it is no regular file.
    pub fn open_file(&self, path: &VirtualPath) -> Result<(OwnedFd, Attributes), Error> {
        let opened = self.resolve(path, libc::O_RDONLY | libc::O_NONBLOCK, 0)?;
        let attributes = regular(&opened)?;
        Ok((opened, attributes))
    }

    /// The content of a regular file that is no larger than `largest` bytes.
    ///
    /// # Errors
    /// The system's own, EFBIG among them, or that it is no regular file.
    pub fn read(&self, path: &VirtualPath, largest: usize) -> Result<Vec<u8>, Error> {
        let (file, attributes) = self.open_file(path)?;
        let too_large = || Error::System(sys::Error::new("read", libc::EFBIG));
        let size = usize::try_from(attributes.size).map_err(|_| too_large())?;
        if size > largest {
            return Err(too_large());
        }
        let mut text = Vec::with_capacity(size);
        let most = u64::try_from(largest).unwrap_or(u64::MAX);
        let read = std::fs::File::from(file).take(most).read_to_end(&mut text);
        read.map_err(|error| Error::System(sys::Error::from_io("read", &error)))?;
        Ok(text)
    }

    /// Opens a file for an upload, `mode` being what it gets if it is made
    /// here. An existing file stays as it is until [`Upload::begin`].
    ///
    /// # Errors
    /// The system's own, or that it is no regular file.
    pub fn open_upload(
        &self,
        path: &VirtualPath,
        existing: Existing,
        mode: u32,
    ) -> Result<Upload, Error> {
        let mut flags = libc::O_WRONLY | libc::O_CREAT | libc::O_NONBLOCK;
        match existing {
            Existing::Append => flags |= libc::O_APPEND,
            Existing::Refuse => flags |= libc::O_EXCL,
            Existing::Replace | Existing::ContinueAt(_) => {}
        }
        let file = self.resolve(path, flags, mode).map_err(|error| {
            // A FIFO that nobody reads.
            if error.errno() == libc::ENXIO {
                Error::NotAFile
            } else {
                error.into()
            }
        })?;
        let size = regular(&file)?.size;
        let start = match existing {
            Existing::Append => size,
            Existing::ContinueAt(offset) => offset,
            Existing::Replace | Existing::Refuse => 0,
        };
        Ok(Upload { file, size, start })
    }

    /// Deletes a file that [`Root::open_upload`] made and that has stayed
    /// empty, unless `path` leads to another one by now.
    pub fn take_back(&self, path: &VirtualPath, upload: &Upload) {
        let made = file::attributes(upload.file.as_fd());
        let found = self.file_attributes(path);
        if let (Ok(made), Ok(found)) = (made, found)
            && made.size == 0
            && (made.device, made.inode) == (found.device, found.inode)
        {
            let _ = self.delete(path);
        }
    }

    fn parent<'path>(&self, path: &'path VirtualPath) -> Result<(OwnedFd, &'path [u8]), Error> {
        let name = path.file_name().ok_or(Error::IsTheRoot)?;
        let parent = self.resolve(&path.parent(), libc::O_PATH | libc::O_DIRECTORY, 0)?;
        Ok((parent, name))
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// The system's own.
    pub fn make_directory(&self, path: &VirtualPath, mode: u32) -> Result<(), Error> {
        let (parent, name) = self.parent(path)?;
        Ok(file::mkdir_at(parent.as_fd(), name, mode)?)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// The system's own.
    pub fn remove_directory(&self, path: &VirtualPath) -> Result<(), Error> {
        let (parent, name) = self.parent(path)?;
        Ok(file::rmdir_at(parent.as_fd(), name)?)
    }

    /// Deletes a file, or a link but not what it leads to.
    ///
    /// # Errors
    /// The system's own.
    pub fn delete(&self, path: &VirtualPath) -> Result<(), Error> {
        let (parent, name) = self.parent(path)?;
        Ok(file::unlink_at(parent.as_fd(), name)?)
    }

    /// Renames `from` to `to`, replacing what rename(2) replaces.
    ///
    /// # Errors
    /// The system's own.
    pub fn rename(&self, from: &VirtualPath, to: &VirtualPath) -> Result<(), Error> {
        let (old_parent, old) = self.parent(from)?;
        let (new_parent, new) = self.parent(to)?;
        Ok(file::rename_at(
            (old_parent.as_fd(), old),
            (new_parent.as_fd(), new),
        )?)
    }

    /// Sets the modification time of what `path` leads to.
    ///
    /// # Errors
    /// The system's own.
    pub fn set_modified(
        &self,
        path: &VirtualPath,
        seconds: i64,
        nanoseconds: u32,
    ) -> Result<(), Error> {
        let target = self.resolve(path, libc::O_PATH, 0)?;
        Ok(file::set_modified(target.as_fd(), seconds, nanoseconds)?)
    }

    /// Sets the permission bits of what `path` leads to.
    ///
    /// # Errors
    /// The system's own. On kernels before 6.6 a file its owner cannot read
    /// is refused, because it must be opened for reading first.
    pub fn set_mode(&self, path: &VirtualPath, mode: u32) -> Result<(), Error> {
        let target = self.resolve(path, libc::O_PATH, 0)?;
        match file::chmod_path(target.as_fd(), mode) {
            Err(error) if error.errno() == libc::ENOSYS => {
                let opened = self.resolve(path, libc::O_RDONLY | libc::O_NONBLOCK, 0)?;
                Ok(file::chmod(opened.as_fd(), mode)?)
            }
            result => Ok(result?),
        }
    }
}

fn regular(opened: &OwnedFd) -> Result<Attributes, Error> {
    let attributes = file::attributes(opened.as_fd())?;
    if attributes.is_file() {
        Ok(attributes)
    } else if attributes.is_directory() {
        Err(Error::IsADirectory)
    } else {
        Err(Error::NotAFile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place(std::path::PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let path =
                std::env::temp_dir().join(format!("ironftpd-root-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(path.join("root/sub")).unwrap();
            std::fs::write(path.join("secret"), b"secret").unwrap();
            std::fs::write(path.join("root/file"), b"0123456789").unwrap();
            Place(path)
        }

        fn root(&self) -> Root {
            Root::open(&self.0.join("root")).unwrap()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn path(text: &str) -> VirtualPath {
        VirtualPath::root().join(text.as_bytes()).unwrap()
    }

    #[test]
    fn links_cannot_leave_the_root() {
        use std::os::unix::fs::symlink;
        let place = Place::new("links");
        symlink("../secret", place.0.join("root/relative")).unwrap();
        symlink(place.0.join("secret"), place.0.join("root/absolute")).unwrap();
        symlink("/proc/self/root", place.0.join("root/magic")).unwrap();
        symlink("/file", place.0.join("root/sub/inside")).unwrap();
        let root = place.root();
        for name in [
            "relative",
            "absolute",
            "magic/etc/passwd",
            "sub/../../secret",
        ] {
            assert!(root.open_file(&path(name)).is_err(), "{name}");
        }
        // An absolute link counts from the root, so this one leads to a file.
        assert_eq!(root.open_file(&path("sub/inside")).unwrap().1.size, 10);
    }

    #[test]
    fn an_upload_continues_where_it_is_told_and_cuts_the_rest() {
        let place = Place::new("continue");
        let root = place.root();
        let upload = root
            .open_upload(&path("file"), Existing::ContinueAt(4), 0o600)
            .unwrap();
        assert_eq!(upload.start(), 4);
        let before = std::fs::read(place.0.join("root/file")).unwrap();
        assert_eq!(before, b"0123456789");
        sys::transfer::write_all(upload.begin().unwrap().as_fd(), b"XY").unwrap();
        assert_eq!(std::fs::read(place.0.join("root/file")).unwrap(), b"0123XY");
    }

    #[test]
    fn a_directory_is_not_opened_as_a_file() {
        let place = Place::new("directory");
        let root = place.root();
        assert_eq!(
            root.open_file(&path("sub")).unwrap_err(),
            Error::IsADirectory
        );
        assert_eq!(root.delete(&path("/")).unwrap_err(), Error::IsTheRoot);
    }
}
