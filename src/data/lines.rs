//! Listings to the client: lines of text made by this server, in the
//! representation that the client has set.

use super::transfer::Transfer;
use super::{Characters, Coding, Encoder, Interruption, ascii};
use crate::protocol::Mode;

/// The lines of a listing on their way to the client.
pub struct Lines<'transfer, 'run> {
    transfer: &'transfer mut Transfer<'run>,
    /// None where the lines go as they are.
    encoder: Option<Encoder>,
    text: Vec<u8>,
    wire: Vec<u8>,
}

impl<'run> Transfer<'run> {
    /// A way for lines. [`Lines::end`] belongs at its end.
    pub fn lines(&mut self, coding: &Coding) -> Lines<'_, 'run> {
        // They come with CRLF, as TYPE A wants them, and keep it in TYPE I.
        let characters = match coding.characters {
            Characters::AsTheyAre => Characters::Nvt,
            other => other,
        };
        let as_they_are =
            coding.mode == Mode::Stream && !coding.records && characters == Characters::Nvt;
        let coding = Coding {
            characters,
            ..*coding
        };
        Lines {
            transfer: self,
            encoder: (!as_they_are).then(|| Encoder::new(&coding)),
            text: Vec::new(),
            wire: Vec::new(),
        }
    }
}

impl Lines<'_, '_> {
    /// Sends whole lines, each with its CRLF.
    ///
    /// # Errors
    /// When the transfer is interrupted.
    pub fn send(&mut self, lines: &[u8]) -> Result<(), Interruption> {
        let Some(encoder) = &mut self.encoder else {
            return self.transfer.send_bytes(lines);
        };
        // To the coder they are the lines of a file.
        self.text.clear();
        let mut from_wire = ascii::FromWire::default();
        from_wire.convert(lines, &mut self.text);
        from_wire.finish(&mut self.text);
        self.wire.clear();
        encoder.encode(&self.text, &mut self.wire);
        self.transfer.send_bytes(&self.wire)?;
        let saved = self.text.len().saturating_sub(self.wire.len());
        self.transfer.charge(saved)
    }

    /// Sends what ends the listing.
    ///
    /// # Errors
    /// When the transfer is interrupted.
    pub fn end(mut self) -> Result<(), Interruption> {
        let Some(encoder) = &mut self.encoder else {
            return Ok(());
        };
        self.wire.clear();
        encoder.finish(&mut self.wire);
        self.transfer.send_bytes(&self.wire)
    }
}
