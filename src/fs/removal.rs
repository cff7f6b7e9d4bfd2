//! A directory removed with all that is in it, entry by entry, so that the
//! caller can look about in between.
//!
//! Each directory is opened as an entry of the one above it, never by a
//! pathname, and links and mount points are not followed: whatever others
//! rename meanwhile, nothing is deleted that did not lie below.

use super::denied::Denied;
use super::{Error, Root};
use crate::protocol::VirtualPath;
use crate::sys;
use crate::sys::file::{self, OpenHow};
use crate::sys::transfer::seek;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Directories within each other, each of which costs a descriptor.
const DEPTH: usize = 256;

/// Octets of entries read at a time.
const BATCH: usize = 32 * 1024;

/// A removal under way.
#[derive(Debug)]
pub struct Removal {
    /// What the first directory is in.
    parent: OwnedFd,
    /// The directories on the way, each with its name in the one before.
    open: Vec<(OwnedFd, Vec<u8>)>,
    buffer: Vec<u8>,
    /// Where all this is, for a session to which something is denied.
    denied: Option<(Denied, VirtualPath)>,
}

impl Root {
    /// Begins to remove the directory `path`; nothing is deleted yet.
    ///
    /// # Errors
    /// The system's own: ENOTDIR for a file and for a link, EXDEV where
    /// something is mounted.
    pub fn remove_tree(&self, path: &VirtualPath) -> Result<Removal, Error> {
        let (parent, name) = self.parent(path)?;
        let top = open(parent.as_fd(), name)?;
        let denied = match &self.denied {
            // The directory in which this one is called so.
            Some(denied) => Some((denied.clone(), self.real(&path.parent())?)),
            None => None,
        };
        Ok(Removal {
            parent,
            open: vec![(top, name.to_vec())],
            buffer: vec![0; BATCH],
            denied,
        })
    }
}

impl Removal {
    /// Deletes some entries; false once there are none left and the directory
    /// itself is gone.
    ///
    /// # Errors
    /// The system's own. What was deleted before is gone.
    pub fn step(&mut self) -> Result<bool, sys::Error> {
        let Some((directory, name)) = self.open.last() else {
            return Ok(false);
        };
        // From the beginning: what was read before has been deleted.
        seek(directory.as_fd(), 0)?;
        let length = file::getdents(directory.as_fd(), &mut self.buffer)?;
        let records = self.buffer.get(..length).unwrap_or_default();
        let mut any = false;
        let mut below = None;
        let here = self.denied.as_ref().map(|(denied, top)| {
            let names = self.open.iter().map(|(_, name)| name);
            (
                denied,
                names.fold(top.clone(), |path, name| path.child(name)),
            )
        });
        for entry in file::entries(records) {
            any = true;
            if let Some((denied, path)) = &here {
                denied.check(&path.child(entry))?;
            }
            match file::unlink_at(directory.as_fd(), entry) {
                // Other systems than Linux's own say EPERM.
                Err(error) if matches!(error.errno(), libc::EISDIR | libc::EPERM) => {
                    let opened = open(directory.as_fd(), entry);
                    below = Some((opened.map_err(|_| error)?, entry.to_vec()));
                    break;
                }
                Err(error) if error.errno() == libc::ENOENT => {}
                result => result?,
            }
        }
        if let Some(below) = below {
            if self.open.len() >= DEPTH {
                return Err(sys::Error::new("openat2", libc::ELOOP).on(&below.1));
            }
            self.open.push(below);
        } else if !any {
            let name = name.clone();
            self.open.pop();
            let parent = self.open.last().map_or(&self.parent, |(above, _)| above);
            file::rmdir_at(parent.as_fd(), &name)?;
        }
        Ok(!self.open.is_empty())
    }
}

/// Opens the directory `name` of `parent` itself, and nothing it leads to.
fn open(parent: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, sys::Error> {
    let how = OpenHow {
        flags: libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW,
        mode: 0,
        resolve: libc::RESOLVE_BENEATH | libc::RESOLVE_NO_SYMLINKS | libc::RESOLVE_NO_XDEV,
    };
    file::openat2(parent, name, how)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    struct Place(PathBuf);

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn place(name: &str) -> (Place, Root) {
        let place =
            std::env::temp_dir().join(format!("ironftpd-removal-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&place);
        std::fs::create_dir_all(place.join("root")).unwrap();
        let root = Root::open(&place.join("root")).unwrap();
        (Place(place), root)
    }

    fn remove(root: &Root, name: &str) -> Result<(), Error> {
        let path = VirtualPath::root().join(name.as_bytes()).unwrap();
        let mut removal = root.remove_tree(&path)?;
        while removal.step()? {}
        Ok(())
    }

    #[test]
    fn a_tree_goes_and_what_its_links_lead_to_stays() {
        let (place, root) = place("tree");
        let top = place.0.join("root");
        std::fs::create_dir_all(top.join("tree/a/b/c")).unwrap();
        std::fs::create_dir_all(top.join("other")).unwrap();
        std::fs::write(top.join("other/kept"), "").unwrap();
        std::fs::write(place.0.join("outside"), "").unwrap();
        std::os::unix::fs::symlink("../other", top.join("tree/link")).unwrap();
        std::os::unix::fs::symlink("../../outside", top.join("tree/out")).unwrap();
        for number in 0..3000 {
            std::fs::write(top.join(format!("tree/a/file-{number}")), "").unwrap();
        }
        remove(&root, "tree").unwrap();
        assert!(!top.join("tree").exists());
        assert!(top.join("other/kept").exists() && place.0.join("outside").exists());
    }

    #[test]
    fn a_link_a_file_and_the_root_are_not_removed() {
        let (place, root) = place("link");
        let top = place.0.join("root");
        std::fs::create_dir_all(top.join("dir")).unwrap();
        std::fs::write(top.join("dir/kept"), "").unwrap();
        std::os::unix::fs::symlink("dir", top.join("link")).unwrap();
        for name in ["link", "dir/kept", "missing", "/"] {
            assert!(remove(&root, name).is_err(), "{name}");
        }
        assert!(top.join("dir/kept").exists());
    }

    #[test]
    fn too_deep_a_tree_is_left() {
        let (place, root) = place("deep");
        let deep = place.0.join("root").join("d/".repeat(DEPTH + 1));
        std::fs::create_dir_all(&deep).unwrap();
        assert!(remove(&root, "d").is_err());
        assert!(deep.exists());
    }
}
