//! From the octets of the wire to the bytes of a file: the framing of the
//! mode, records, characters, in this order.

use super::coding::{Characters, Coding, Malformed, Piece};
use super::deflate::Inflater;
use super::{ascii, block, compressed, record};
use crate::protocol::{CodePage, Mode};

/// A step ends when it has made this many bytes, or a little more: a few
/// octets of the wire may stand for any number of them.
pub(super) const STEP: usize = 256 << 10;

/// Turns what a client sends into a file, step by step.
#[derive(Debug)]
pub struct Decoder {
    inflater: Option<Inflater>,
    inner: Unframed,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All of the wire was used; more is needed.
    Hungry,
    /// There is more to be made of what is there.
    Full,
    /// A restart marker came: [`Decoder::marker`]. All before it is made.
    Marker,
    /// The file is complete; what may follow on the wire is of no interest.
    End,
}

/// Everything but MODE Z, which wraps the rest.
#[derive(Debug)]
struct Unframed {
    framing: Framing,
    records: bool,
    text: Text,
    ended: bool,
}

#[derive(Debug)]
enum Framing {
    None,
    Records(record::Decoder),
    Blocks(block::Decoder),
    Compressed(compressed::Decoder),
}

#[derive(Debug)]
enum Text {
    AsItIs,
    Nvt(ascii::FromWire),
    Ebcdic(&'static CodePage),
}

impl Decoder {
    /// A decoder at the beginning of a transfer.
    #[must_use]
    pub fn new(coding: &Coding) -> Decoder {
        let framing = match coding.mode {
            Mode::Stream | Mode::Deflate if coding.records => Framing::Records(Default::default()),
            Mode::Stream | Mode::Deflate => Framing::None,
            Mode::Block => Framing::Blocks(Default::default()),
            Mode::Compressed => Framing::Compressed(compressed::Decoder::new(coding.filler)),
        };
        Decoder {
            inflater: (coding.mode == Mode::Deflate).then(Inflater::new),
            inner: Unframed {
                framing,
                records: coding.records,
                text: match coding.characters {
                    Characters::AsTheyAre => Text::AsItIs,
                    Characters::Nvt => Text::Nvt(Default::default()),
                    Characters::Ebcdic(page) => Text::Ebcdic(page),
                },
                ended: false,
            },
        }
    }

    /// The same in a transfer that is deflated: what has come so far was
    /// counted before it was.
    #[must_use]
    pub fn inflating(mut self) -> Decoder {
        self.inflater = Some(Inflater::new());
        self
    }

    /// Appends to `file` what the next octets of the wire make; gives how
    /// many were used, and why no more.
    ///
    /// # Errors
    /// What is wrong with the octets. Bytes made before are in `file`.
    pub fn decode(&mut self, wire: &[u8], file: &mut Vec<u8>) -> Result<(usize, Stop), Malformed> {
        let Some(inflater) = &mut self.inflater else {
            return self.inner.decode(wire, file);
        };
        let mut used = 0;
        loop {
            if !inflater.ready().is_empty() {
                let (taken, stop) = self.inner.decode(inflater.ready(), file)?;
                inflater.take(taken);
                match stop {
                    // The checksum of the stream is still to come.
                    Stop::Hungry | Stop::End => {}
                    stop => return Ok((used, stop)),
                }
                continue;
            }
            if inflater.ended() {
                self.inner.close(file)?;
                return Ok((used, Stop::End));
            }
            let taken = inflater.inflate(wire.get(used..).unwrap_or_default())?;
            used += taken;
            if taken == 0 && inflater.ready().is_empty() && !inflater.ended() {
                return Ok((used, Stop::Hungry));
            }
        }
    }

    /// Appends to `file` what is held, once the client has closed the data
    /// connection.
    ///
    /// # Errors
    /// When the file should have been ended otherwise before.
    pub fn close(&mut self, file: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.inflater.is_some() {
            return Err(Malformed::NoEndOfFile);
        }
        self.inner.close(file)
    }

    /// In MODE Z, how many octets MODE S would have had by now.
    #[must_use]
    pub fn inflated(&self) -> Option<u64> {
        self.inflater.as_ref().map(Inflater::taken)
    }

    /// The text of the last restart marker.
    #[must_use]
    pub fn marker(&self) -> &[u8] {
        match &self.inner.framing {
            Framing::None | Framing::Records(_) => b"",
            Framing::Blocks(decoder) => decoder.conditions.text(),
            Framing::Compressed(decoder) => decoder.conditions.text(),
        }
    }

    /// Whether the sender said that it suspects errors in what it sent.
    #[must_use]
    pub fn suspect(&self) -> bool {
        match &self.inner.framing {
            Framing::None | Framing::Records(_) => false,
            Framing::Blocks(decoder) => decoder.conditions.suspect(),
            Framing::Compressed(decoder) => decoder.conditions.suspect(),
        }
    }

    /// Whether a CR is held that may be half of a line end.
    #[must_use]
    pub fn holds_half(&self) -> bool {
        matches!(&self.inner.text, Text::Nvt(text) if text.holds())
    }

    /// Makes it as if that CR had come just now.
    pub fn hold_half(&mut self) {
        if let Text::Nvt(text) = &mut self.inner.text {
            text.convert(b"\r", &mut Vec::new());
        }
    }
}

impl Unframed {
    fn decode(&mut self, wire: &[u8], file: &mut Vec<u8>) -> Result<(usize, Stop), Malformed> {
        let mut used = 0;
        while !self.ended {
            if file.len() >= STEP {
                return Ok((used, Stop::Full));
            }
            let rest = wire.get(used..).unwrap_or_default();
            let (taken, piece) = match &mut self.framing {
                Framing::None if rest.is_empty() => (0, Piece::Hungry),
                Framing::None => (rest.len(), Piece::Octets(rest)),
                Framing::Records(decoder) => decoder.piece(rest)?,
                Framing::Blocks(decoder) => decoder.piece(rest)?,
                Framing::Compressed(decoder) => decoder.piece(rest)?,
            };
            used += taken;
            match piece {
                Piece::Hungry => return Ok((used, Stop::Hungry)),
                Piece::Octets(octets) => self.text.convert(octets, file),
                Piece::Run(octet, count) => {
                    let octets = [octet; 64];
                    let octets = octets.get(..count).unwrap_or_default();
                    self.text.convert(octets, file);
                }
                Piece::EndOfRecord if self.records => {
                    self.text.finish(file);
                    file.push(b'\n');
                }
                // In a file without records it means nothing.
                Piece::EndOfRecord => {}
                Piece::Marker => return Ok((used, Stop::Marker)),
                Piece::EndOfFile => {
                    self.text.finish(file);
                    self.ended = true;
                }
            }
        }
        Ok((wire.len(), Stop::End))
    }

    fn close(&mut self, file: &mut Vec<u8>) -> Result<(), Malformed> {
        match &mut self.framing {
            _ if self.ended => return Ok(()),
            Framing::None => {
                self.text.finish(file);
                self.ended = true;
                return Ok(());
            }
            Framing::Compressed(decoder) => {
                let missing = decoder.missing();
                self.decode(missing, file)?;
            }
            Framing::Records(_) | Framing::Blocks(_) => {}
        }
        if self.ended {
            Ok(())
        } else {
            Err(Malformed::NoEndOfFile)
        }
    }
}

impl Text {
    fn convert(&mut self, octets: &[u8], file: &mut Vec<u8>) {
        match self {
            Text::AsItIs => file.extend_from_slice(octets),
            Text::Nvt(text) => text.convert(octets, file),
            Text::Ebcdic(page) => file.extend(octets.iter().map(|&octet| page.to_file(octet))),
        }
    }

    fn finish(&mut self, file: &mut Vec<u8>) {
        if let Text::Nvt(text) = self {
            text.finish(file);
        }
    }
}
