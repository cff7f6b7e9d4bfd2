//! From the bytes of a file to the octets of the wire: characters, records,
//! the framing of the mode, in this order.

use super::coding::{Characters, Coding};
use super::deflate::Deflater;
use super::{ascii, block, compressed, record};
use crate::protocol::Mode;

/// Turns a file into what the client gets, piece by piece.
#[derive(Debug)]
pub struct Encoder {
    framed: Framed,
    deflater: Option<Deflater>,
    /// What goes into the deflater.
    scratch: Vec<u8>,
}

/// Everything but MODE Z, which wraps the rest.
#[derive(Debug)]
struct Framed {
    characters: Characters,
    records: bool,
    framing: Framing,
    /// Octets not to be sent, since the client has them (REST).
    skip: u64,
    /// Octets of the representation on their way into the framing.
    scratch: Vec<u8>,
}

#[derive(Debug)]
enum Framing {
    /// The end of the connection is the end of the file.
    None,
    Records,
    Blocks,
    Compressed(compressed::Encoder),
}

impl Encoder {
    /// An encoder at the beginning of a transfer.
    #[must_use]
    pub fn new(coding: &Coding) -> Encoder {
        let framing = match coding.mode {
            Mode::Stream | Mode::Deflate if coding.records => Framing::Records,
            Mode::Stream | Mode::Deflate => Framing::None,
            Mode::Block => Framing::Blocks,
            Mode::Compressed => Framing::Compressed(compressed::Encoder::new(coding.filler)),
        };
        Encoder {
            framed: Framed {
                characters: coding.characters,
                records: coding.records,
                framing,
                skip: 0,
                scratch: Vec::new(),
            },
            deflater: (coding.mode == Mode::Deflate).then(|| Deflater::new(coding.level)),
            scratch: Vec::new(),
        }
    }

    /// Leaves the first `octets` out, in modes S and Z; they are counted
    /// before they are deflated.
    #[must_use]
    pub fn skipping(mut self, octets: u64) -> Encoder {
        self.framed.skip = octets;
        self
    }

    /// Whether restart markers can be inserted.
    #[must_use]
    pub fn has_markers(&self) -> bool {
        matches!(
            self.framed.framing,
            Framing::Blocks | Framing::Compressed(_)
        )
    }

    /// Appends to `wire` what is ready of the next bytes of the file.
    pub fn encode(&mut self, file: &[u8], wire: &mut Vec<u8>) {
        let Some(deflater) = &mut self.deflater else {
            return self.framed.encode(file, wire);
        };
        if self.framed.changes_nothing() {
            return deflater.put(file, wire);
        }
        self.scratch.clear();
        self.framed.encode(file, &mut self.scratch);
        deflater.put(&self.scratch, wire);
    }

    /// In MODE Z, how many octets MODE S would have had by now.
    #[must_use]
    pub fn inflated(&self) -> Option<u64> {
        self.deflater.as_ref().map(Deflater::taken)
    }

    /// Appends a restart marker for what comes next; nothing in modes that
    /// have none. The text is of 127 octets at most.
    pub fn mark(&mut self, text: &[u8], wire: &mut Vec<u8>) {
        match &mut self.framed.framing {
            Framing::None | Framing::Records => {}
            Framing::Blocks => block::mark(text, wire),
            Framing::Compressed(encoder) => encoder.mark(text, wire),
        }
    }

    /// Appends all that was held back, and the end of the file.
    pub fn finish(&mut self, wire: &mut Vec<u8>) {
        match &mut self.deflater {
            None => self.framed.finish(wire),
            Some(deflater) => {
                self.scratch.clear();
                self.framed.finish(&mut self.scratch);
                deflater.put(&self.scratch, wire);
                deflater.end(wire);
            }
        }
    }
}

impl Framed {
    fn changes_nothing(&self) -> bool {
        matches!(self.framing, Framing::None)
            && self.characters == Characters::AsTheyAre
            && self.skip == 0
    }

    fn encode(&mut self, file: &[u8], wire: &mut Vec<u8>) {
        let before = wire.len();
        if self.records {
            let mut lines = file.split(|&byte| byte == b'\n').peekable();
            while let Some(line) = lines.next() {
                self.line(line, lines.peek().is_some(), wire);
            }
        } else {
            self.line(file, false, wire);
        }
        self.leave_out(before, wire);
    }

    fn finish(&mut self, wire: &mut Vec<u8>) {
        let before = wire.len();
        match &mut self.framing {
            Framing::None => {}
            Framing::Records => record::end(wire),
            Framing::Blocks => block::end(wire),
            Framing::Compressed(encoder) => encoder.end(wire),
        }
        self.leave_out(before, wire);
    }

    /// Converts a line, or any bytes if there are no records.
    fn line(&mut self, bytes: &[u8], ends_record: bool, wire: &mut Vec<u8>) {
        match self.characters {
            Characters::AsTheyAre => return self.frame(bytes, ends_record, wire),
            // No LF is left in a record.
            Characters::Nvt if self.records => return self.frame(bytes, ends_record, wire),
            _ => {}
        }
        let mut octets = std::mem::take(&mut self.scratch);
        octets.clear();
        match (self.characters, &self.framing) {
            (Characters::Nvt, Framing::None) => ascii::to_wire(bytes, wire),
            (Characters::Nvt, _) => ascii::to_wire(bytes, &mut octets),
            (Characters::Ebcdic(page), Framing::None) => {
                wire.extend(bytes.iter().map(|&byte| page.to_wire(byte)));
            }
            (Characters::Ebcdic(page), _) => {
                octets.extend(bytes.iter().map(|&byte| page.to_wire(byte)));
            }
            (Characters::AsTheyAre, _) => {}
        }
        self.frame(&octets, ends_record, wire);
        self.scratch = octets;
    }

    fn frame(&mut self, octets: &[u8], ends_record: bool, wire: &mut Vec<u8>) {
        match &mut self.framing {
            Framing::None => wire.extend_from_slice(octets),
            Framing::Records => record::put(octets, ends_record, wire),
            Framing::Blocks => block::put(octets, ends_record, wire),
            Framing::Compressed(encoder) => encoder.put(octets, ends_record, wire),
        }
    }

    /// Takes back what the client has already.
    fn leave_out(&mut self, before: usize, wire: &mut Vec<u8>) {
        if self.skip == 0 {
            return;
        }
        let fresh = wire.len().saturating_sub(before);
        let count = usize::try_from(self.skip).map_or(fresh, |skip| skip.min(fresh));
        wire.drain(before..before + count);
        self.skip -= u64::try_from(count).unwrap_or(self.skip);
    }
}
