//! Bytes from the client into a file.
//!
//! The bytes pass through one pooled buffer of a megabyte: what decides the
//! cost is the size of the pieces, and a buffer, unlike a pipe to splice(2)
//! through, can be looked into.

use super::decoder::Stop;
use super::transfer::{Direction, Transfer};
use super::{Decoder, Interruption};
use crate::protocol::Marker;
use crate::sys::transfer::{receive_now, write_all};
use std::os::fd::{AsFd, OwnedFd};

impl Transfer<'_> {
    /// Fills what it can of `buffer`; 0 once the client has closed.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Interruption> {
        if self.seal.is_some() {
            return self.receive_sealed(buffer);
        }
        let share = self.share(buffer.len());
        let space = buffer.get_mut(..share).unwrap_or_default();
        loop {
            match receive_now(self.socket, space) {
                Ok(received) => {
                    self.account(received)?;
                    return Ok(received);
                }
                Err(error) if error.would_block() => self.wait(Direction::Receive)?,
                Err(error) => return Err(Interruption::Network(error)),
            }
        }
    }

    /// Stores everything the client sends in `file`, at its position.
    ///
    /// # Errors
    /// When the transfer is interrupted; what came before is in the file.
    pub fn receive_file(&mut self, file: &OwnedFd, buffer: &mut [u8]) -> Result<(), Interruption> {
        loop {
            let received = self.receive(buffer)?;
            if received == 0 {
                return Ok(());
            }
            let bytes = buffer.get(..received).unwrap_or_default();
            write_all(file.as_fd(), bytes).map_err(Interruption::Storage)?;
        }
    }

    /// Stores in `file`, which stands at `offset`, what the client sends
    /// coded.
    ///
    /// # Errors
    /// When the transfer is interrupted or the client sends what it should
    /// not; what came before is in the file.
    pub fn receive_coded(
        &mut self,
        file: &OwnedFd,
        offset: u64,
        decoder: &mut Decoder,
        buffer: &mut [u8],
    ) -> Result<(), Interruption> {
        let mut stored = Stored {
            file,
            offset,
            bytes: Vec::with_capacity(buffer.len()),
        };
        loop {
            let received = self.receive(buffer)?;
            if received == 0 {
                let closed = decoder.close(&mut stored.bytes);
                stored.write()?;
                return closed.map_err(Interruption::Malformed);
            }
            let mut wire = buffer.get(..received).unwrap_or_default();
            loop {
                let step = decoder.decode(wire, &mut stored.bytes);
                let used = step.as_ref().map_or(0, |&(used, _)| used);
                let made = stored.write()?;
                self.inflated = decoder.inflated();
                self.charge(made.saturating_sub(used))?;
                let (used, stop) = step.map_err(Interruption::Malformed)?;
                wire = wire.get(used..).unwrap_or_default();
                match stop {
                    Stop::Hungry => break,
                    Stop::Full => {}
                    Stop::Marker => {
                        let ours = Marker {
                            offset: stored.offset,
                            half: decoder.holds_half(),
                        };
                        self.watch.marker(decoder.marker(), ours)?;
                    }
                    Stop::End => return Ok(()),
                }
            }
        }
    }
}

/// A file that grows by what has been decoded.
struct Stored<'file> {
    file: &'file OwnedFd,
    offset: u64,
    bytes: Vec<u8>,
}

impl Stored<'_> {
    /// Writes the bytes; gives how many they were.
    fn write(&mut self) -> Result<usize, Interruption> {
        let count = self.bytes.len();
        write_all(self.file.as_fd(), &self.bytes).map_err(Interruption::Storage)?;
        self.offset += u64::try_from(count).unwrap_or(0);
        self.bytes.clear();
        Ok(count)
    }
}
