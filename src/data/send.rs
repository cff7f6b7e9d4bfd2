//! Bytes to the client: files by sendfile(2) or, where they are coded, through
//! memory. Listings are in `lines`.

use super::transfer::{Direction, Transfer};
use super::{Coding, Encoder, Interruption};
use crate::protocol::Marker;
use crate::sys;
use crate::sys::transfer::{read_at, send, sendfile};
use std::os::fd::{AsFd, OwnedFd};

/// Bytes asked of one sendfile: past a few hundred KiB the size no longer
/// matters, and less than everything leaves room for limits and counters.
const CHUNK: usize = 8 << 20;

/// Bytes of a file that are coded at once; most codings make at most twice as
/// many octets of them.
const CODED_CHUNK: usize = 256 << 10;

/// A restart marker follows each time this many bytes of the file have gone.
const MARK_EVERY: u64 = 1 << 20;

/// Where in a file to begin, and what of its first octets the client has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Start {
    /// Offset in the file.
    pub offset: u64,
    /// Octets made from there that are not to be sent.
    pub skip: u64,
}

impl Transfer<'_> {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// When the transfer is interrupted.
    pub fn send_bytes(&mut self, mut bytes: &[u8]) -> Result<(), Interruption> {
        if self.seal.is_some() {
            return self.send_sealed(bytes);
        }
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
        if self.seal.is_some() {
            return self.send_file_sealed(file, offset, size);
        }
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

    /// The same through `buffer`, without sendfile(2) (use_sendfile).
    ///
    /// # Errors
    /// When the transfer is interrupted.
    pub fn send_copied(
        &mut self,
        file: &OwnedFd,
        offset: u64,
        size: u64,
        buffer: &mut [u8],
    ) -> Result<(), Interruption> {
        let mut at = offset;
        while at < size || (size == 0 && offset == 0) {
            let left = usize::try_from(size.saturating_sub(at)).unwrap_or(CHUNK);
            let left = if left == 0 { CHUNK } else { left };
            let wish = self.share(left.min(buffer.len()));
            let piece = buffer.get_mut(..wish).unwrap_or_default();
            let read = read_at(file.as_fd(), piece, at).map_err(Interruption::Storage)?;
            if read == 0 {
                if at < size {
                    // Shorter than it was when the client was told its size.
                    let error = sys::Error::new("pread", libc::ENODATA);
                    return Err(Interruption::Storage(error));
                }
                return Ok(());
            }
            at += u64::try_from(read).unwrap_or(0);
            self.send_bytes(piece.get(..read).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Sends `file` coded, through `buffer`.
    ///
    /// # Errors
    /// When the transfer is interrupted.
    pub fn send_coded(
        &mut self,
        file: &OwnedFd,
        start: Start,
        coding: &Coding,
        buffer: &mut [u8],
    ) -> Result<(), Interruption> {
        let mut encoder = Encoder::new(coding).skipping(start.skip);
        let mut wire = Vec::with_capacity(2 * CODED_CHUNK);
        let mut reading = Reading::new(file, start.offset);
        loop {
            let wish = self.share(CODED_CHUNK);
            let bytes = reading.next(buffer, wish).map_err(Interruption::Storage)?;
            reading.encode(bytes, &mut encoder, &mut wire);
            self.send_bytes(&wire)?;
            self.inflated = encoder.inflated();
            self.charge(bytes.len().saturating_sub(wire.len()))?;
            if bytes.is_empty() {
                return Ok(());
            }
            wire.clear();
        }
    }
}

/// A file read in pieces that end where restart markers are due, so that
/// what comes of it is the same however large the pieces are.
pub(super) struct Reading<'file> {
    file: &'file OwnedFd,
    offset: u64,
    mark_at: u64,
}

impl<'file> Reading<'file> {
    pub(super) fn new(file: &'file OwnedFd, offset: u64) -> Reading<'file> {
        Reading {
            file,
            offset,
            mark_at: offset + MARK_EVERY,
        }
    }

    /// Where the next piece begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next bytes, `wish` at most; none at the end of the file.
    pub(super) fn next<'buffer>(
        &mut self,
        buffer: &'buffer mut [u8],
        wish: usize,
    ) -> Result<&'buffer [u8], sys::Error> {
        let due = usize::try_from(self.mark_at - self.offset).unwrap_or(usize::MAX);
        let space = buffer.len().min(wish).min(CODED_CHUNK).min(due);
        let buffer = buffer.get_mut(..space).unwrap_or_default();
        let read = read_at(self.file.as_fd(), buffer, self.offset)?;
        self.offset += u64::try_from(read).unwrap_or(0);
        Ok(buffer.get(..read).unwrap_or_default())
    }

    /// Appends to `wire` what becomes of these bytes, with the marker that is
    /// due after them, or with the end of the file if there are none.
    pub(super) fn encode(&mut self, bytes: &[u8], encoder: &mut Encoder, wire: &mut Vec<u8>) {
        if bytes.is_empty() {
            return encoder.finish(wire);
        }
        encoder.encode(bytes, wire);
        if self.offset == self.mark_at {
            self.mark_at += MARK_EVERY;
            if encoder.has_markers() {
                let marker = Marker {
                    offset: self.offset,
                    half: false,
                };
                encoder.mark(marker.to_string().as_bytes(), wire);
            }
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
