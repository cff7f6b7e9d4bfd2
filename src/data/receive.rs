//! Bytes from the client into a file.
//!
//! The bytes pass through one pooled buffer of a megabyte: what decides the
//! cost is the size of the pieces, and a buffer, unlike a pipe to splice(2)
//! through, can be looked into.

use super::transfer::{Direction, Transfer};
use super::{Interruption, ascii};
use crate::sys::transfer::{receive_now, write_all};
use std::os::fd::{AsFd, OwnedFd};

impl Transfer<'_> {
    /// Fills what it can of `buffer`; 0 once the client has closed.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Interruption> {
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

    /// The same in ASCII type.
    ///
    /// # Errors
    /// When the transfer is interrupted; what came before is in the file.
    pub fn receive_file_as_text(
        &mut self,
        file: &OwnedFd,
        buffer: &mut [u8],
    ) -> Result<(), Interruption> {
        let mut text = Vec::with_capacity(buffer.len());
        let mut conversion = ascii::FromWire::default();
        loop {
            let received = self.receive(buffer)?;
            text.clear();
            if received == 0 {
                conversion.finish(&mut text);
            } else {
                conversion.convert(buffer.get(..received).unwrap_or_default(), &mut text);
            }
            write_all(file.as_fd(), &text).map_err(Interruption::Storage)?;
            if received == 0 {
                return Ok(());
            }
        }
    }
}
