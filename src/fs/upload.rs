//! An upload from its opening to its end (RFC 959 section 4.1.3, STOR and
//! APPE): into the file itself, or beside it and into its place in one step.
//!
//! An [`Upload`] ends with [`Upload::commit`], and where that or anything
//! before it fails with [`Upload::abandon`] or [`Upload::take_back`]. Leaves
//! to others: where the bytes come from, and waiting for a lock.

use super::aside::Aside;
use super::hidden::is_hidden;
use super::root::regular;
use super::{Error, Root};
use crate::protocol::VirtualPath;
use crate::sys::copy::Copying;
use crate::sys::file::{self, OpenHow};
use crate::sys::{self, commit, lock};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::fchown;

/// What an upload does with the file that may already be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Replaces its content (STOR).
    Replace,
    /// Goes on at its end (APPE).
    Append,
    /// Goes on at this offset; what lies behind stays (REST, STOR).
    ContinueAt(u64),
    /// Goes on at this offset, where an upload that failed has had a marker;
    /// what it has left behind that is cut off (REST in MODE B and C).
    RestartAt(u64),
    /// Leaves it alone and fails with EEXIST.
    Refuse,
}

/// How a file is to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What becomes of a file that is there.
    pub existing: Existing,
    /// Permission bits of a file that is new; one that is replaced keeps its own.
    pub mode: u32,
    /// Nobody sees the file before it is whole (atomic_uploads).
    pub atomic: bool,
    /// No two write one file, and none while it is read (lock_upload_files).
    pub lock: bool,
    /// The disk has it before [`Upload::commit`] returns (fsync_uploads).
    pub sync: bool,
    /// What did not come whole is deleted (delete_failed_uploads).
    pub delete_failed: bool,
}

/// A file opened for an upload.
#[derive(Debug)]
pub struct Upload {
    path: VirtualPath,
    plan: Plan,
    file: OwnedFd,
    start: u64,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// Into the file that bears the name.
    InPlace {
        /// Its size when it was opened.
        size: u64,
        /// It was made for this upload.
        created: bool,
        /// Bytes may have come.
        begun: bool,
    },
    /// Into a new file that takes its place in the end.
    Aside(Aside),
}

/// How often a file that vanishes between opening and locking is opened anew.
pub(super) const ATTEMPTS: usize = 8;

impl Root {
    /// Opens a file for an upload. A file that is there stays as it is until
    /// [`Upload::begin`], or with `atomic` until [`Upload::commit`].
    ///
    /// # Errors
    /// The system's own; [`Error::Locked`], to be tried again later; or that
    /// it is no regular file.
    pub fn open_upload(&self, path: &VirtualPath, plan: &Plan) -> Result<Upload, Error> {
        if path.file_name().is_some_and(is_hidden) {
            return Err(sys::Error::new("openat2", libc::EACCES)
                .on(path.as_bytes())
                .into());
        }
        if !plan.atomic {
            return open_in_place(self, path, plan);
        }
        let (file, start, aside) = Aside::open(self, path, plan)?;
        Ok(Upload {
            path: path.clone(),
            plan: *plan,
            file,
            start,
            way: Way::Aside(aside),
        })
    }
}

/// Opens or makes the file itself; true if it was made.
fn open_or_create(
    root: &Root,
    path: &VirtualPath,
    plan: &Plan,
) -> Result<(OwnedFd, bool), sys::Error> {
    let mut flags = libc::O_WRONLY | libc::O_CREAT | libc::O_NONBLOCK;
    if plan.existing == Existing::Append {
        flags |= libc::O_APPEND;
    }
    match root.resolve(path, flags | libc::O_EXCL, plan.mode) {
        Ok(file) => Ok((file, true)),
        Err(error) if error.errno() == libc::EEXIST && plan.existing != Existing::Refuse => {
            Ok((root.resolve(path, flags, plan.mode)?, false))
        }
        Err(error) => Err(error),
    }
}

fn open_in_place(root: &Root, path: &VirtualPath, plan: &Plan) -> Result<Upload, Error> {
    for _ in 0..ATTEMPTS {
        let (file, created) = open_or_create(root, path, plan).map_err(|error| {
            // A FIFO that nobody reads.
            if error.errno() == libc::ENXIO {
                Error::NotAFile
            } else {
                error.into()
            }
        })?;
        // Where the file system has no locks, a writer does without.
        if plan.lock && !lock::try_write_lock(file.as_fd()).unwrap_or(true) {
            return Err(Error::Locked);
        }
        // Only now does the size stand still.
        let found = regular(&file)?;
        if found.links == 0 {
            continue; // Deleted before it was ours: nobody would find the bytes.
        }
        let start = match plan.existing {
            Existing::Append => found.size,
            Existing::ContinueAt(offset) | Existing::RestartAt(offset) => offset,
            Existing::Replace | Existing::Refuse => 0,
        };
        return Ok(Upload {
            path: path.clone(),
            plan: *plan,
            file,
            start,
            way: Way::InPlace {
                size: found.size,
                created,
                begun: false,
            },
        });
    }
    Err(Error::Locked)
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
    pub fn give_to(&mut self, owner: u32, mode: u32) -> Result<(), sys::Error> {
        let has = match &self.way {
            Way::Aside(aside) => aside.old_owner(),
            Way::InPlace { .. } => None,
        };
        let has = match has {
            Some(has) => has,
            None => file::attributes(self.file.as_fd())?.uid,
        };
        if has == owner {
            return Ok(());
        }
        // Before it is somebody else's. fchown(2) clears set-id bits.
        file::chmod(self.file.as_fd(), mode)?;
        fchown(&self.file, Some(owner), None).map_err(sys::Error::of("fchown"))?;
        if let Way::Aside(aside) = &mut self.way {
            aside.disinherit();
        }
        Ok(())
    }

    /// What is to be copied before [`Upload::begin`]: the content that this
    /// upload continues, if it does so in a file of its own.
    #[must_use]
    pub fn continuation(&self) -> Option<Copying<'_>> {
        match &self.way {
            Way::InPlace { .. } => None,
            Way::Aside(aside) => {
                aside.continuation(self.file.as_fd(), self.plan.existing, self.start)
            }
        }
    }

    /// Empties a file that is to be replaced and goes to where the first byte
    /// goes; what lies behind an upload that continues a file stays. Called once the client's bytes are sure to come: an upload that
    /// never starts shall not cost the file of before.
    ///
    /// # Errors
    /// The system's own.
    pub fn begin(&mut self) -> Result<&OwnedFd, sys::Error> {
        if let Way::InPlace { size, begun, .. } = &mut self.way {
            *begun = true;
            let cuts = matches!(
                self.plan.existing,
                Existing::Replace | Existing::RestartAt(_)
            );
            if cuts && *size > self.start {
                file::truncate(self.file.as_fd(), self.start)?;
            }
        }
        // With O_APPEND the position does not matter, and is right.
        if self.start > 0 {
            sys::transfer::seek(self.file.as_fd(), self.start)?;
        }
        Ok(&self.file)
    }

    /// All bytes have come: makes them the file that the path leads to. If
    /// it fails, the upload is still to be abandoned or taken back.
    ///
    /// # Errors
    /// The system's own, EEXIST where nothing may be replaced.
    pub fn commit(&mut self, root: &Root) -> Result<(), Error> {
        match &mut self.way {
            Way::Aside(aside) => aside.put(self.file.as_fd(), &self.plan),
            Way::InPlace { .. } => self.finish_in_place(root),
        }
    }

    fn finish_in_place(&self, root: &Root) -> Result<(), Error> {
        if !self.plan.sync {
            return Ok(commit::flush(self.file.as_fd())?);
        }
        commit::sync(self.file.as_fd())?;
        let (directory, _) = root.place(&self.path)?;
        Ok(sync_directory(directory.as_fd(), self.file.as_fd())?)
    }

    /// The upload failed. What was made for it and never got a byte is
    /// deleted; what came stays, so that the client can go on from there,
    /// unless delete_failed_uploads says otherwise. A file that was to be
    /// continued is never deleted.
    pub fn abandon(self, root: &Root) {
        let Way::InPlace { created, begun, .. } = self.way else {
            return;
        };
        let replaced = created || self.plan.existing == Existing::Replace;
        if (created && !begun) || (begun && replaced && self.plan.delete_failed) {
            self.delete(root);
        }
    }

    /// The upload failed, and nothing of it shall stay: what came is cut off
    /// where it was added, and deleted where it is all there is.
    ///
    /// # Errors
    /// ftruncate's own; what came is then still there.
    pub fn take_back(self, root: &Root) -> Result<(), sys::Error> {
        if let Way::InPlace { created, .. } = self.way {
            file::truncate(self.file.as_fd(), self.start)?;
            if created {
                self.delete(root);
            }
        }
        Ok(())
    }

    /// Deletes the file unless its name leads to another by now.
    fn delete(&self, root: &Root) {
        let ours = file::attributes(self.file.as_fd());
        if let Ok((directory, name)) = root.place(&self.path)
            && let (Ok(ours), Ok(found)) = (ours, file::attributes_at(directory.as_fd(), &name))
            && (ours.device, ours.inode) == (found.device, found.inode)
        {
            let _ = file::unlink_at(directory.as_fd(), &name);
        }
    }
}

/// Waits until the disk has the entries of `directory`, which may be O_PATH;
/// `file` is on the same file system.
pub(super) fn sync_directory(
    directory: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
) -> Result<(), sys::Error> {
    let how = OpenHow {
        flags: libc::O_RDONLY | libc::O_DIRECTORY,
        mode: 0,
        resolve: 0,
    };
    let opened = file::openat2(directory, b".", how);
    match opened.and_then(|opened| commit::sync(opened.as_fd())) {
        // A directory that may be written but not read, or a file system
        // that keeps no directories on disk by themselves.
        Err(error) if matches!(error.errno(), libc::EACCES | libc::EINVAL) => {
            commit::sync_file_system(file)
        }
        result => result,
    }
}
