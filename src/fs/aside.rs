//! An upload beside the file it will replace: without a name where the file
//! system can do that (O_TMPFILE), else under a hidden one.
//!
//! The new file comes into its place by one linkat(2) or rename(2), so a
//! reader finds the old file or the whole new one, and a crash leaves the old
//! one. It takes over mode, owner and group of the file it replaces; other
//! hard links, access lists and extended attributes stay with the old file.

use super::hidden::{self, Hidden};
use super::root::regular;
use super::upload::{ATTEMPTS, Existing, Plan, sync_directory};
use super::{Error, Root};
use crate::protocol::VirtualPath;
use crate::sys::copy::Copying;
use crate::sys::file::{self, Attributes, OpenHow};
use crate::sys::{self, commit, lock};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::fchown;

/// Mode of a file on its way to replace another: nobody else's business.
const PRIVATE: u32 = 0o600;

/// Where a file on its way belongs.
#[derive(Debug)]
pub(super) struct Aside {
    directory: OwnedFd,
    name: Vec<u8>,
    /// Its name meanwhile, if it must have one.
    hidden: Option<Hidden>,
    old: Option<Old>,
    /// It has owner and mode of its own, and takes those of no other.
    given: bool,
}

/// The file to be replaced.
#[derive(Debug)]
struct Old {
    attributes: Attributes,
    /// Open for reading, and locked, if its content is to be continued; only
    /// a path otherwise.
    file: OwnedFd,
}

impl Aside {
    /// Makes a file for an upload to `path`, and says at which offset the
    /// first byte goes.
    ///
    /// # Errors
    /// Those of [`Root::open_upload`]. What may not be written in place may
    /// not be replaced either.
    pub fn open(
        root: &Root,
        path: &VirtualPath,
        plan: &Plan,
    ) -> Result<(OwnedFd, u64, Aside), Error> {
        for _ in 0..ATTEMPTS {
            let (directory, name) = if plan.existing == Existing::Refuse {
                // A link counts as a file that is there, wherever it leads.
                let (directory, name) = root.parent(path)?;
                (directory, name.to_vec())
            } else {
                root.place(path)?
            };
            let Some(old) = Old::find(directory.as_fd(), &name, plan)? else {
                continue;
            };
            let start = match (plan.existing, &old) {
                (Existing::Append, Some(old)) => old.attributes.size,
                (Existing::ContinueAt(offset) | Existing::RestartAt(offset), _) => offset,
                _ => 0,
            };
            let mode = old.as_ref().map_or(plan.mode, |_| PRIVATE);
            let (file, hidden) = create(directory.as_fd(), mode)?;
            let aside = Aside {
                directory,
                name,
                hidden,
                old,
                given: false,
            };
            return Ok((file, start, aside));
        }
        Err(Error::Locked)
    }

    /// The copying of the old content to `file`, as much as is to stay, for an
    /// upload that goes on at `start`.
    pub fn continuation<'upload>(
        &'upload self,
        file: BorrowedFd<'upload>,
        existing: Existing,
        start: u64,
    ) -> Option<Copying<'upload>> {
        let old = self.old.as_ref().filter(|_| start > 0)?;
        let stays = match existing {
            Existing::RestartAt(marker) => marker,
            _ => old.attributes.size,
        };
        Some(Copying::new(old.file.as_fd(), file, stays))
    }

    /// Owner of the file that is to be replaced.
    pub fn old_owner(&self) -> Option<u32> {
        self.old.as_ref().map(|old| old.attributes.uid)
    }

    /// The new file keeps its owner and mode whatever the old one had.
    pub fn disinherit(&mut self) {
        self.given = true;
    }

    /// Puts `file` in its place.
    ///
    /// # Errors
    /// The system's own; EEXIST where nothing may be replaced.
    pub fn put(&mut self, file: BorrowedFd<'_>, plan: &Plan) -> Result<(), Error> {
        if let Some(old) = &self.old {
            old.hand_down(file, self.given);
        }
        if plan.sync {
            commit::sync(file)?;
        } else {
            commit::flush(file)?;
        }
        let directory = self.directory.as_fd();
        match (self.hidden.take(), plan.existing) {
            (Some(hidden), Existing::Refuse) => hidden.place(&self.name)?,
            (Some(hidden), _) => hidden.replace(&self.name)?,
            (None, Existing::Refuse) => commit::name_unnamed(file, directory, &self.name)?,
            (None, _) => self.put_unnamed(file)?,
        }
        if plan.sync {
            sync_directory(directory, file)?;
        }
        Ok(())
    }

    /// No call replaces a file by one without a name, so it gets a hidden
    /// one for a moment.
    fn put_unnamed(&self, file: BorrowedFd<'_>) -> Result<(), sys::Error> {
        let directory = self.directory.as_fd();
        if self.old.is_none() {
            match commit::name_unnamed(file, directory, &self.name) {
                Err(error) if error.errno() == libc::EEXIST => {}
                result => return result,
            }
        }
        // Locked before it has a name, so that no sweeper takes it for dead.
        let _ = lock::try_exclusive(&file);
        Hidden::of_unnamed(file, directory)?.replace(&self.name)
    }
}

impl Old {
    /// What stands at `name` in `directory`: `Some(None)` for nothing,
    /// `None` if it was being replaced at this moment.
    fn find(
        directory: BorrowedFd<'_>,
        name: &[u8],
        plan: &Plan,
    ) -> Result<Option<Option<Old>>, Error> {
        let continues = !matches!(plan.existing, Existing::Replace | Existing::Refuse);
        let mut flags = libc::O_PATH | libc::O_NOFOLLOW;
        let path = match file::openat2(directory, name, how(flags, 0)) {
            Ok(path) => path,
            Err(error) if error.errno() == libc::ENOENT => return Ok(Some(None)),
            Err(error) => return Err(error.into()),
        };
        if plan.existing == Existing::Refuse {
            return Err(sys::Error::new("openat2", libc::EEXIST).on(name).into());
        }
        let attributes = regular(&path)?;
        if !continues {
            if !file::may_access(path.as_fd(), libc::W_OK) {
                return Err(sys::Error::new("faccessat2", libc::EACCES).on(name).into());
            }
            return Ok(Some(Some(Old {
                attributes,
                file: path,
            })));
        }
        // Of two who continue, the second would undo what the first has added:
        // flock(2) is between them. Nobody may write what is being copied, but
        // who reads it does not matter: the read lock is for the rest.
        flags = libc::O_RDWR | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        let file = match file::openat2(directory, name, how(flags, 0)) {
            Ok(file) => file,
            Err(error) if error.errno() == libc::ENOENT => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let ours = |file: &OwnedFd| {
            lock::try_exclusive(file).unwrap_or(true)
                && lock::try_read_lock(file.as_fd()).unwrap_or(true)
        };
        if plan.lock && !ours(&file) {
            return Err(Error::Locked);
        }
        let attributes = regular(&file)?;
        let there = file::attributes_at(directory, name).ok();
        let there = there.map(|found| (found.device, found.inode));
        if there != Some((attributes.device, attributes.inode)) {
            return Ok(None);
        }
        Ok(Some(Some(Old { attributes, file })))
    }

    /// Gives group, and unless it was `given` away owner and mode, to `file`,
    /// as far as this process may.
    fn hand_down(&self, file: BorrowedFd<'_>, given: bool) {
        let old = &self.attributes;
        let Ok(new) = file::attributes(file) else {
            return;
        };
        let uid = (!given && new.uid != old.uid).then_some(old.uid);
        let gid = (new.gid != old.gid).then_some(old.gid);
        if uid.is_some() || gid.is_some() {
            // Who may not give the file away may still have the group to give.
            let _ = fchown(file, uid, gid).or_else(|_| fchown(file, None, gid));
        }
        if !given {
            // As after a write, set-user-ID is gone. Some file systems know
            // no modes and refuse; then there is none to keep.
            let _ = file::chmod(file, old.mode & 0o777);
        }
    }
}

fn how(flags: i32, mode: u32) -> OpenHow {
    OpenHow {
        flags,
        mode,
        // What is mounted on a file cannot be replaced.
        resolve: libc::RESOLVE_NO_XDEV | libc::RESOLVE_NO_MAGICLINKS,
    }
}

/// A new file in `directory`, without a name if that can be.
fn create(directory: BorrowedFd<'_>, mode: u32) -> Result<(OwnedFd, Option<Hidden>), sys::Error> {
    if commit::can_name_unnamed() {
        match file::openat2(directory, b".", how(libc::O_TMPFILE | libc::O_RDWR, mode)) {
            Err(error)
                if matches!(
                    error.errno(),
                    libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL
                ) => {}
            result => return result.map(|file| (file, None)),
        }
    }
    hidden::sweep_once(directory);
    let (file, hidden) = Hidden::create(directory, mode)?;
    Ok((file, Some(hidden)))
}
