//! Names that no client sees: uploads on their way that must have a name.
//!
//! Such a name tells nothing about who made it. Its maker holds the file's
//! flock(2) until the upload is in its place or gone, so a file that can be
//! locked is one whose maker died; whoever meets it deletes it. That holds
//! across crashes, containers and reboots, where process ids do not.
//!
//! Leaves to others: refusing these names to clients (`root`) and keeping
//! them out of listings (`directory`).

use crate::sys::file::{self, OpenHow};
use crate::sys::{self, commit, lock, random};
use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

const PREFIX: &[u8] = b".ironftpd-";
const SUFFIX: &[u8] = b".part";

/// Hexadecimal digits between the two.
const DIGITS: usize = 16;

/// Directories that [`sweep_once`] remembers.
const REMEMBERED: usize = 10_000;

/// Attempts at a name of one's own; the second is hardly ever made.
const ATTEMPTS: usize = 8;

/// Whether `name` is kept from clients.
#[must_use]
pub fn is_hidden(name: &[u8]) -> bool {
    let digits = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS
            && digits
                .iter()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// As [`is_hidden`], for a name just read from `directory`: a file whose
/// maker is gone is deleted on the way.
pub(super) fn is_hidden_or_swept(directory: BorrowedFd<'_>, name: &[u8]) -> bool {
    let hidden = is_hidden(name);
    if hidden {
        sweep(directory, name);
    }
    hidden
}

/// Deletes the hidden file `name` if its maker is gone. One that cannot be
/// opened, locked or deleted stays: there is nobody to tell.
fn sweep(directory: BorrowedFd<'_>, name: &[u8]) {
    // For writing, without which NFS does not lock.
    let how = OpenHow {
        flags: libc::O_RDWR | libc::O_NONBLOCK | libc::O_NOFOLLOW,
        mode: 0,
        resolve: 0,
    };
    let Ok(file) = file::openat2(directory, name, how) else {
        return;
    };
    let is_file = file::attributes(file.as_fd()).is_ok_and(|found| found.is_file());
    if is_file && lock::try_exclusive(&file).unwrap_or(false) {
        // Its maker may have renamed it in between; then it is not found.
        if file::unlink_at(directory, name).is_ok() {
            log::info!("deleted {}, left by an upload that died", shown(name));
        }
    }
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Deletes what dead uploads left in `directory`, which is open for reading.
pub(super) fn sweep_all(directory: &OwnedFd) {
    let mut buffer = vec![0; 32 << 10];
    while let Ok(length) = file::getdents(directory.as_fd(), &mut buffer) {
        if length == 0 {
            return;
        }
        let records = buffer.get(..length).unwrap_or_default();
        for name in file::entries(records) {
            is_hidden_or_swept(directory.as_fd(), name);
        }
    }
}

/// [`sweep_all`] on a directory, which may be O_PATH, in which this process
/// has not done it yet. For directories where uploads must have a name: those
/// that died there before this process began are then not left for the next
/// listing, which may never come.
pub(super) fn sweep_once(directory: BorrowedFd<'_>) {
    static DONE: Mutex<BTreeSet<((u32, u32), u64)>> = Mutex::new(BTreeSet::new());
    let Ok(found) = file::attributes(directory) else {
        return;
    };
    {
        // A panic elsewhere cannot leave a set half changed.
        let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
        if done.len() >= REMEMBERED {
            done.clear();
        }
        if !done.insert((found.device, found.inode)) {
            return;
        }
    }
    let how = OpenHow {
        flags: libc::O_RDONLY | libc::O_DIRECTORY,
        mode: 0,
        resolve: 0,
    };
    if let Ok(opened) = file::openat2(directory, b".", how) {
        sweep_all(&opened);
    }
}

/// A hidden name that stands in a directory; dropping it deletes it.
#[derive(Debug)]
pub(super) struct Hidden {
    directory: OwnedFd,
    name: Vec<u8>,
}

impl Hidden {
    fn draw(directory: BorrowedFd<'_>) -> Result<Hidden, sys::Error> {
        let mut bytes = [0; DIGITS / 2];
        random::fill(&mut bytes).map_err(sys::Error::of("getrandom"))?;
        let digits = format!("{:016x}", u64::from_ne_bytes(bytes));
        let directory = directory.try_clone_to_owned();
        Ok(Hidden {
            directory: directory.map_err(sys::Error::of("fcntl F_DUPFD_CLOEXEC"))?,
            name: [PREFIX, digits.as_bytes(), SUFFIX].concat(),
        })
    }

    /// Makes an empty file in `directory` under a hidden name.
    ///
    /// # Errors
    /// The system's own.
    pub fn create(directory: BorrowedFd<'_>, mode: u32) -> Result<(OwnedFd, Hidden), sys::Error> {
        let how = OpenHow {
            flags: libc::O_RDWR | libc::O_CREAT | libc::O_EXCL,
            mode,
            resolve: 0,
        };
        for _ in 0..ATTEMPTS {
            let hidden = Hidden::draw(directory)?;
            let file = match file::openat2(directory, &hidden.name, how) {
                Ok(file) => file,
                Err(error) => {
                    // There is nothing of ours to delete.
                    hidden.forget();
                    if error.errno() == libc::EEXIST {
                        continue;
                    }
                    return Err(error);
                }
            };
            // A sweeper may have met the name before it was locked. Where the
            // file system has no locks, nothing is swept either.
            let ours = lock::try_exclusive(&file).unwrap_or(true);
            if ours && file::attributes(file.as_fd())?.links > 0 {
                return Ok((file, hidden));
            }
        }
        Err(sys::Error::new("openat2", libc::EEXIST))
    }

    /// Gives a hidden name to `file`, which has none and is locked.
    ///
    /// # Errors
    /// The system's own.
    pub fn of_unnamed(
        file: BorrowedFd<'_>,
        directory: BorrowedFd<'_>,
    ) -> Result<Hidden, sys::Error> {
        let hidden = Hidden::draw(directory)?;
        match commit::name_unnamed(file, directory, &hidden.name) {
            Ok(()) => Ok(hidden),
            Err(error) => {
                hidden.forget();
                Err(error)
            }
        }
    }

    /// Puts the file in its place in the same directory, in one step, instead
    /// of what may be there.
    ///
    /// # Errors
    /// renameat's own; the file is then deleted.
    pub fn replace(self, name: &[u8]) -> Result<(), sys::Error> {
        let directory = self.directory.as_fd();
        file::rename_at((directory, &self.name), (directory, name))?;
        self.forget();
        Ok(())
    }

    /// Puts the file in its place unless something is there.
    ///
    /// # Errors
    /// The system's own, EEXIST; the file is then deleted.
    pub fn place(self, name: &[u8]) -> Result<(), sys::Error> {
        let directory = self.directory.as_fd();
        match commit::rename_new_at(directory, &self.name, name) {
            Err(error) if matches!(error.errno(), libc::EINVAL | libc::ENOSYS) => {
                // The hidden name goes when `self` is dropped.
                commit::link_at(directory, &self.name, name)
            }
            Err(error) => Err(error),
            Ok(()) => {
                self.forget();
                Ok(())
            }
        }
    }

    /// The name is no longer ours to delete.
    fn forget(mut self) {
        self.name.clear();
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            let _ = file::unlink_at(self.directory.as_fd(), &self.name);
        }
    }
}
