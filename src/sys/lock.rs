//! A lock on a whole file against other processes, flock(2).
//!
//! Leaves to others: checking that the file locked is still the one its
//! name leads to.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Waits until this process alone holds `file`'s lock. Closing the file, or
/// the end of the process, gives it back.
///
/// std's `File::lock` does the same from Rust 1.89 on, which is newer than
/// the oldest compiler this crate promises.
pub fn exclusive(file: &File) -> io::Result<()> {
    take(file, libc::LOCK_EX)
}

/// Like [`exclusive`], but says `false` at once where another holds it.
pub fn try_exclusive(file: &File) -> io::Result<bool> {
    match take(file, libc::LOCK_EX | libc::LOCK_NB) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

fn take(file: &File, operation: i32) -> io::Result<()> {
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
}
