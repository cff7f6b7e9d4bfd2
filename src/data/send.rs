//! Bytes to the client: files by sendfile(2), listings and ASCII from memory.

use super::transfer::{Direction, Transfer};
use super::{Interruption, ascii};
use crate::sys;
use crate::sys::transfer::{read_at, send, sendfile};
use std::os::fd::{AsFd, OwnedFd};

/// Bytes asked of one sendfile: past a few hundred KiB the size no longer
/// matters, and less than everything leaves room for limits and counters.
const CHUNK: usize = 8 << 20;

/// Bytes of a file read at once in ASCII type; the CRLFs make at most twice
/// as many of them.
const ASCII_CHUNK: usize = 256 << 10;

impl Transfer<'_> {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// When the transfer is interrupted.
    pub fn send_bytes(&mut self, mut bytes: &[u8]) -> Result<(), Interruption> {
        while !bytes.is_empty() {
            let share = self.share(bytes.len());
            let piece = bytes.get(..share).unwrap_or(bytes);
            match send(self.socket, piece, false) {
                Ok(sent) => {
                    bytes = bytes.get(sent..).unwrap_or_default();
                    self.account(sent)?;
                }
                Err(error) if error.would_block() => self.wait(Direction::Send)?,
                Err(error) => return Err(Interruption::Network(error)),
            }
        }
        Ok(())
    }

    /// Sends `file`, `size` bytes long, from `offset` on as it is.
    ///
    /// # Errors
    /// When the transfer is interrupted.
    pub fn send_file(
        &mut self,
        file: &OwnedFd,
        offset: u64,
        size: u64,
    ) -> Result<(), Interruption> {
        let Ok(mut at) = i64::try_from(offset) else {
            return Ok(());
        };
        let end = i64::try_from(size).unwrap_or(i64::MAX);
        // A file that says it is empty may be one of the kernel's own that
        // knows its size only when read.
        while at < end || (size == 0 && offset == 0) {
            let left = usize::try_from(end - at).unwrap_or(CHUNK);
            let wish = self.share(if left == 0 { CHUNK } else { left.min(CHUNK) });
            match sendfile(self.socket, file.as_fd(), &mut at, wish) {
                Ok(0) if at < end => {
                    // Shorter than it was when the client was told its size.
                    let error = sys::Error::new("sendfile", libc::ENODATA);
                    return Err(Interruption::Storage(error));
                }
                Ok(0) => break,
                Ok(sent) => {
                    self.account(sent)?;
                    if sent < wish && at < end {
                        self.wait(Direction::Send)?;
                    }
                }
                Err(error) if error.would_block() => self.wait(Direction::Send)?,
                Err(error) if is_network(error.errno()) => {
                    return Err(Interruption::Network(error));
                }
                Err(error) => return Err(Interruption::Storage(error)),
            }
        }
        Ok(())
    }

    /// Sends `file` from `offset` on in ASCII type, through `buffer`.
    ///
    /// # Errors
    /// When the transfer is interrupted.
    pub fn send_file_as_text(
        &mut self,
        file: &OwnedFd,
        mut offset: u64,
        buffer: &mut [u8],
    ) -> Result<(), Interruption> {
        let mut wire = Vec::with_capacity(2 * ASCII_CHUNK);
        let space = buffer.len().min(ASCII_CHUNK);
        let buffer = buffer.get_mut(..space).unwrap_or_default();
        loop {
            let read = read_at(file.as_fd(), buffer, offset).map_err(Interruption::Storage)?;
            if read == 0 {
                return Ok(());
            }
            offset += u64::try_from(read).unwrap_or(0);
            wire.clear();
            ascii::to_wire(buffer.get(..read).unwrap_or_default(), &mut wire);
            self.send_bytes(&wire)?;
        }
    }
}

/// Whether an errno of sendfile is the socket's rather than the file's.
fn is_network(errno: i32) -> bool {
    matches!(
        errno,
        libc::EPIPE
            | libc::ECONNRESET
            | libc::ENOTCONN
            | libc::ETIMEDOUT
            | libc::EHOSTUNREACH
            | libc::ENETUNREACH
            | libc::ENETDOWN
    )
}
