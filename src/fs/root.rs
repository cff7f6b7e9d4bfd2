//! A directory as a capability: the first wall of confinement.
//!
//! A client pathname is normalised as text (`protocol::path`) and then
//! resolved by the kernel alone, with openat2(2) and RESOLVE_IN_ROOT: `..`
//! and absolute links stay inside, links of /proc are refused, and since
//! nothing is checked before it is used there is nothing to race with.
//! Changes act on a (parent descriptor, last name) pair.

use super::Error;
use super::denied::Denied;
use super::hidden::{self, is_hidden};
use super::walk::{self, Links};
use crate::protocol::VirtualPath;
use crate::sys::file::{self, Attributes, OpenHow};
use crate::sys::{self, lock};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// The directory that is `/` to a session.
#[derive(Debug)]
pub struct Root {
    directory: Arc<OwnedFd>,
    /// The kernel's own file systems are closed to it; see [`walk`].
    guarded: bool,
    /// What one session may not touch in it.
    pub(super) denied: Option<Denied>,
}

/// Links followed at the end of a pathname, as many as the kernel does.
pub(super) const LINKS: usize = 40;

impl AsFd for Root {
    /// The directory, opened with O_PATH, for whoever confines a thread to it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

impl Root {
    /// Opens the server-side directory `path` as a root, links on the way
    /// followed whosever they are; see [`Root::open_home`].
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
        Root::of(directory)
    }

    /// A root of an opened directory.
    pub(super) fn of(directory: OwnedFd) -> Result<Root, sys::Error> {
        let guarded = !walk::is_kernels(directory.as_fd())?;
        Ok(Root {
            directory: Arc::new(directory),
            guarded,
            denied: None,
        })
    }

    /// The same directory for a session to which this is denied.
    pub(super) fn without(&self, denied: Option<Denied>) -> Root {
        Root {
            directory: Arc::clone(&self.directory),
            guarded: self.guarded,
            denied,
        }
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

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Opens what `path` leads to.
    ///
    /// # Errors
    /// The system's own; a hidden name is not there.
    pub(super) fn resolve(
        &self,
        path: &VirtualPath,
        flags: i32,
        mode: u32,
    ) -> Result<OwnedFd, sys::Error> {
        if path.file_name().is_some_and(is_hidden) {
            return Err(sys::Error::new("openat2", libc::ENOENT).on(path.as_bytes()));
        }
        match &self.denied {
            None => self.walk(Links::Follow, path.relative(), flags, mode),
            Some(denied) => Ok(self.resolve_permitted(denied, path, flags, mode)?.0),
        }
    }

    /// The walk itself, which asks nothing.
    pub(super) fn walk(
        &self,
        links: Links,
        path: &[u8],
        flags: i32,
        mode: u32,
    ) -> Result<OwnedFd, sys::Error> {
        let how = (self.guarded, links);
        walk::open(self.directory.as_fd(), how, path, flags, mode)
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
        first_bytes(file, largest)
    }

    /// The first bytes of a regular file, `most` at the most.
    ///
    /// # Errors
    /// The system's own, or that it is no regular file.
    pub fn beginning(&self, path: &VirtualPath, most: usize) -> Result<Vec<u8>, Error> {
        first_bytes(self.open_file(path)?.0, most)
    }

    /// The same as [`Root::open_file`], with the file's read lock, which lasts
    /// as long as the file is open.
    ///
    /// # Errors
    /// The same, and [`Error::Locked`] while the file is being written.
    pub fn open_locked(&self, path: &VirtualPath) -> Result<(OwnedFd, Attributes), Error> {
        let opened = self.resolve(path, libc::O_RDONLY | libc::O_NONBLOCK, 0)?;
        // Where the file system has no locks, a reader does without.
        if !lock::try_read_lock(opened.as_fd()).unwrap_or(true) {
            return Err(Error::Locked);
        }
        let attributes = regular(&opened)?;
        Ok((opened, attributes))
    }

    /// The directory that `path` is in, and its name there.
    ///
    /// # Errors
    /// The system's own; a hidden name is refused.
    pub(super) fn parent<'path>(
        &self,
        path: &'path VirtualPath,
    ) -> Result<(OwnedFd, &'path [u8]), Error> {
        let name = path.file_name().ok_or(Error::IsTheRoot)?;
        if is_hidden(name) {
            return Err(sys::Error::new("openat2", libc::EACCES).on(name).into());
        }
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let parent = match &self.denied {
            None => self.resolve(&path.parent(), flags, 0)?,
            Some(denied) => {
                denied.check(path)?;
                let (parent, real) = self.resolve_permitted(denied, &path.parent(), flags, 0)?;
                denied.check(&real.child(name))?;
                parent
            }
        };
        Ok((parent, name))
    }

    /// The directory and the name under which the file `path` stands, or
    /// would stand, links at its end followed as the kernel does it.
    ///
    /// # Errors
    /// The system's own.
    pub(super) fn place(&self, path: &VirtualPath) -> Result<(OwnedFd, Vec<u8>), Error> {
        let name = path.file_name().ok_or(Error::IsADirectory)?;
        if let Some(denied) = &self.denied {
            return self.place_permitted(denied, path);
        }
        let mut name = name.to_vec();
        let mut parent = path.parent().relative().to_vec();
        for _ in 0..LINKS {
            let directory =
                self.walk(Links::Follow, &parent, libc::O_PATH | libc::O_DIRECTORY, 0)?;
            let target = match file::readlink_at(directory.as_fd(), &name) {
                Ok(target) => target,
                Err(error) if matches!(error.errno(), libc::EINVAL | libc::ENOENT) => {
                    return Ok((directory, name));
                }
                Err(error) => return Err(error.into()),
            };
            // Not normalised: `..` behind a link is not what the text says,
            // and the kernel keeps the whole inside the root.
            let at = target.iter().rposition(|&byte| byte == b'/');
            let (above, last) = target.split_at(at.map_or(0, |at| at + 1));
            if above.first() == Some(&b'/') {
                parent.clear();
            } else {
                parent.push(b'/');
            }
            parent.extend_from_slice(above);
            if matches!(last, b"" | b"." | b"..") {
                return Err(Error::IsADirectory);
            }
            name = last.to_vec();
        }
        Err(sys::Error::new("readlinkat", libc::ELOOP).into())
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
        match file::rmdir_at(parent.as_fd(), name) {
            Err(error) if error.errno() == libc::ENOTEMPTY => {
                // Perhaps only of what no client can see and delete.
                if let Ok(directory) = self.open_directory(path) {
                    hidden::sweep_all(&directory);
                }
                Ok(file::rmdir_at(parent.as_fd(), name)?)
            }
            result => Ok(result?),
        }
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
}

/// The first bytes of a file, `most` at the most.
fn first_bytes(file: OwnedFd, most: usize) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let read = std::fs::File::from(file).take(most).read_to_end(&mut text);
    read.map_err(|error| Error::System(sys::Error::from_io("read", &error)))?;
    Ok(text)
}

/// The attributes of `opened` if it is a regular file.
///
/// # Errors
/// The system's own, or what else it is.
pub(super) fn regular(opened: &OwnedFd) -> Result<Attributes, Error> {
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
