//! Locks on whole files: flock(2), and the record locks of fcntl(2) in the
//! form that belongs to an opening of the file and not to the process.
//!
//! The two kinds do not see each other on a local file system. Leaves to
//! others: checking that the file locked is still the one its name leads to.

use super::error::{check, retry};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Waits until this process alone holds `file`'s lock. Closing the file, or
/// the end of the process, gives it back.
///
/// std's `File::lock` does the same from Rust 1.89 on, which is newer than
/// the oldest compiler this crate promises.
pub fn exclusive(file: &File) -> io::Result<()> {
    take(file.as_fd(), libc::LOCK_EX)
}

/// Like [`exclusive`], but says `false` at once where another holds it.
pub fn try_exclusive(file: &impl AsFd) -> io::Result<bool> {
    match take(file.as_fd(), libc::LOCK_EX | libc::LOCK_NB) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

fn take(file: BorrowedFd<'_>, operation: i32) -> io::Result<()> {
    loop {
        // SAFETY: the descriptor is open for as long as `file` is borrowed,
        // and flock touches no memory of this process.
        if unsafe { libc::flock(file.as_raw_fd(), operation) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Takes the write lock of all of `file`, which must be open for writing:
/// false where another opening has a lock of either kind. It is given back
/// when the last descriptor of this opening is closed.
///
/// # Errors
/// fcntl's own: ENOLCK or EOPNOTSUPP where the file system has no locks.
pub fn try_write_lock(file: BorrowedFd<'_>) -> super::Result<bool> {
    record_lock(file, libc::F_WRLCK)
}

/// Takes a read lock of all of `file`, which must be open for reading: false
/// where another opening has the write lock.
///
/// # Errors
/// As for [`try_write_lock`].
pub fn try_read_lock(file: BorrowedFd<'_>) -> super::Result<bool> {
    record_lock(file, libc::F_RDLCK)
}

/// Waits until this opening has the write lock of all of `file`, which must be
/// open for writing.
///
/// # Errors
/// As for [`try_write_lock`].
pub fn wait_for_write_lock(file: BorrowedFd<'_>) -> super::Result<()> {
    apply(
        file,
        libc::F_WRLCK,
        "fcntl F_OFD_SETLKW",
        libc::F_OFD_SETLKW,
    )
}

/// Gives back what this opening has of `file`'s locks.
pub fn release(file: BorrowedFd<'_>) {
    let _ = apply(file, libc::F_UNLCK, "fcntl F_OFD_SETLK", libc::F_OFD_SETLK);
}

fn record_lock(file: BorrowedFd<'_>, kind: libc::c_int) -> super::Result<bool> {
    match apply(file, kind, "fcntl F_OFD_SETLK", libc::F_OFD_SETLK) {
        Ok(()) => Ok(true),
        Err(error) if error.would_block() || error.errno() == libc::EACCES => Ok(false),
        Err(error) => Err(error),
    }
}

fn apply(
    file: BorrowedFd<'_>,
    kind: libc::c_int,
    name: &'static str,
    command: libc::c_int,
) -> super::Result<()> {
    // SAFETY: flock is a plain struct of integers, for which all zeros is a
    // value: from the file's start, to its end however far it grows.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::c_short::try_from(kind).unwrap_or_default();
    lock.l_whence = libc::c_short::try_from(libc::SEEK_SET).unwrap_or_default();
    // Sessions are threads: the older F_SETLK would let them all pass, and
    // any of them would lose the lock as soon as another closed the file.
    retry(|| {
        // SAFETY: `lock` is a whole flock structure and outlives the call.
        check(name, unsafe {
            libc::fcntl(file.as_raw_fd(), command, &raw const lock)
        })
    })
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opening_waits_until_the_first_is_closed() {
        let path = std::env::temp_dir().join(format!("ironftpd-lock-{}", std::process::id()));
        let first = File::create(&path).unwrap();
        let second = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        exclusive(&first).unwrap();
        assert!(!try_exclusive(&second).unwrap());
        drop(first);
        assert!(try_exclusive(&second).unwrap());
    }

    #[test]
    fn readers_share_and_a_writer_is_alone_within_one_process() {
        let path = std::env::temp_dir().join(format!("ironftpd-ofd-{}", std::process::id()));
        let open = || {
            File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
        };
        let (one, two, three) = (open().unwrap(), open().unwrap(), open().unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(try_read_lock(one.as_fd()).unwrap());
        assert!(try_read_lock(two.as_fd()).unwrap());
        assert!(!try_write_lock(three.as_fd()).unwrap());
        drop(one);
        assert!(!try_write_lock(three.as_fd()).unwrap());
        drop(two);
        assert!(try_write_lock(three.as_fd()).unwrap());
    }
}
