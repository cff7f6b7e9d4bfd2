//! Descriptors that the program finds open when it starts: sockets handed
//! over by number, and the three standard streams.
//!
//! Leaves to others: what they are good for, and closing the rest
//! (`process::close_inherited`).

use super::Result;
use super::error::{Error, check};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;

/// A hand of our own on the descriptor of that number, which stays open: a
/// duplicate above the standard streams, closed by execve(2).
///
/// # Errors
/// EBADF when no such descriptor is open; fcntl's own.
pub fn duplicate(number: RawFd) -> Result<OwnedFd> {
    // SAFETY: fcntl looks at the number only, and says EBADF if it is none.
    let fd = check("fcntl", unsafe {
        libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3)
    })?;
    // SAFETY: the kernel just returned this descriptor; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether two descriptors are of the same file or socket.
#[must_use]
pub fn same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let of = |fd: BorrowedFd<'_>| {
        let about = File::from(fd.try_clone_to_owned().ok()?).metadata().ok()?;
        Some((about.dev(), about.ino()))
    };
    let one = of(one);
    one.is_some() && one == of(other)
}

/// Puts /dev/null in the place of the standard streams numbered here, 0 to 2.
///
/// # Errors
/// Those of opening /dev/null, and dup2's own.
pub fn silence(streams: &[RawFd]) -> Result<()> {
    if streams.is_empty() {
        return Ok(());
    }
    let null = File::options().read(true).write(true).open("/dev/null");
    let null = null.map_err(|error| Error::from_io("open", &error).on(b"/dev/null"))?;
    for &stream in streams.iter().filter(|stream| (0..3).contains(*stream)) {
        // SAFETY: integers. The standard streams are owned by nobody: whoever
        // uses them names them by their numbers each time.
        check("dup2", unsafe {
            libc::dup2(null.as_fd().as_raw_fd(), stream)
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_duplicate_is_the_same_socket_and_another_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let copy = duplicate(listener.as_raw_fd()).unwrap();
        assert!(copy.as_raw_fd() > 2);
        assert!(same(listener.as_fd(), copy.as_fd()));
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(!same(listener.as_fd(), client.as_fd()));
    }

    #[test]
    fn a_number_that_is_not_open_is_an_error() {
        assert_eq!(duplicate(1 << 29).unwrap_err().errno(), libc::EBADF);
    }
}
