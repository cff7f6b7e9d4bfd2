//! Bytes between sockets and files without passing through more hands than
//! needed: sendfile(2), send(2), recv(2), pread(2), write(2).
//!
//! Sockets here are non-blocking or asked with MSG_DONTWAIT; a call that
//! finds nothing to do returns an error for which [`Error::would_block`] holds.

use super::Result;
use super::error::{Error, check_length, retry};
use std::os::fd::{AsRawFd, BorrowedFd};

/// sendfile(2): up to `count` bytes of `file` from `offset` to `socket`.
/// Moves `offset` on and returns how many bytes went; 0 at the end of the file.
///
/// # Errors
/// sendfile's own; EAGAIN when the socket takes nothing now.
pub fn sendfile(
    socket: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    offset: &mut i64,
    count: usize,
) -> Result<usize> {
    retry(|| {
        // SAFETY: `offset` is a live off_t the kernel reads and writes.
        check_length("sendfile", unsafe {
            libc::sendfile(
                socket.as_raw_fd(),
                file.as_raw_fd(),
                &raw mut *offset,
                count,
            )
        })
    })
}

/// recv(2) with MSG_DONTWAIT; 0 when the peer has closed.
///
/// # Errors
/// recv's own.
pub fn receive_now(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    receive(socket, buffer, libc::MSG_DONTWAIT)
}

/// recv(2) that waits as long as the socket's SO_RCVTIMEO says.
///
/// # Errors
/// recv's own; EAGAIN when the time is over.
pub fn receive_waiting(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    receive(socket, buffer, 0)
}

fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8], flags: i32) -> Result<usize> {
    retry(|| {
        // SAFETY: the kernel writes at most `buffer.len()` bytes to the buffer.
        check_length("recv", unsafe {
            libc::recv(
                socket.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                flags,
            )
        })
    })
}

/// send(2) with MSG_NOSIGNAL; `wait` says whether to wait for room.
///
/// # Errors
/// send's own; EAGAIN when there is no room (in time).
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], wait: bool) -> Result<usize> {
    let flags = libc::MSG_NOSIGNAL | if wait { 0 } else { libc::MSG_DONTWAIT };
    retry(|| {
        // SAFETY: the kernel reads at most `bytes.len()` bytes of the slice.
        check_length("send", unsafe {
            libc::send(
                socket.as_raw_fd(),
                bytes.as_ptr().cast(),
                bytes.len(),
                flags,
            )
        })
    })
}

/// Writes all of `bytes` to `file` at its own position.
///
/// # Errors
/// write's own (ENOSPC, EDQUOT, EFBIG, EIO); what was written before stays.
pub fn write_all(file: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let written = retry(|| {
            // SAFETY: the kernel reads at most `bytes.len()` bytes of the slice.
            check_length("write", unsafe {
                libc::write(file.as_raw_fd(), bytes.as_ptr().cast(), bytes.len())
            })
        })?;
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// pread(2): fills what it can of `buffer` from `offset`; 0 at the end.
///
/// # Errors
/// pread's own; EOVERFLOW when `offset` does not fit a file offset.
pub fn read_at(file: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> Result<usize> {
    let offset = libc::off_t::try_from(offset).map_err(|_| Error::new("pread", libc::EOVERFLOW))?;
    retry(|| {
        // SAFETY: the kernel writes at most `buffer.len()` bytes to the buffer.
        check_length("pread", unsafe {
            libc::pread(
                file.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                offset,
            )
        })
    })
}

/// lseek(2) with SEEK_SET.
///
/// # Errors
/// lseek's own; EOVERFLOW when `offset` does not fit a file offset.
pub fn seek(file: BorrowedFd<'_>, offset: u64) -> Result<()> {
    let offset = libc::off_t::try_from(offset).map_err(|_| Error::new("lseek", libc::EOVERFLOW))?;
    // SAFETY: only integers are passed.
    if unsafe { libc::lseek(file.as_raw_fd(), offset, libc::SEEK_SET) } < 0 {
        return Err(Error::last("lseek"));
    }
    Ok(())
}
