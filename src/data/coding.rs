//! What the coders of this folder share: how a transfer's bytes are coded,
//! and what can be wrong with what comes.
//!
//! A file goes to the client through an [`Encoder`](super::Encoder), which
//! converts characters, cuts lines into records and puts on the framing of
//! the mode, in this order; a [`Decoder`](super::Decoder) does the reverse.
//! Where nothing of that is asked for, neither is used.

use crate::protocol::representation::Level;
use crate::protocol::{CodePage, Mode};
use std::fmt;

/// What happens to characters between file and wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Characters {
    /// Nothing: TYPE I, and TYPE A where line ends are not to be converted.
    AsTheyAre,
    /// LF of the file is CRLF on the wire: TYPE A.
    Nvt,
    /// TYPE E.
    Ebcdic(&'static CodePage),
}

/// How the bytes of one transfer are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding {
    /// What happens to characters.
    pub characters: Characters,
    /// Lines of the file are records (STRU R) rather than ended by a character.
    pub records: bool,
    /// The transmission mode.
    pub mode: Mode,
    /// How hard MODE Z tries.
    pub level: Level,
    /// The filler byte of MODE C (RFC 959 section 3.4.3).
    pub filler: u8,
}

impl Coding {
    /// Whether the wire carries the bytes of the file and no others.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.mode == Mode::Stream && self.keeps_octets()
    }

    /// Whether there are as many octets as bytes in the file, before MODE Z
    /// makes them fewer.
    #[must_use]
    pub fn keeps_size(&self) -> bool {
        matches!(self.mode, Mode::Stream | Mode::Deflate)
            && !self.records
            && self.characters != Characters::Nvt
    }

    fn keeps_octets(&self) -> bool {
        !self.records && self.characters == Characters::AsTheyAre
    }

    /// The same without what MODE Z does to it: what REST and SIZE count.
    #[must_use]
    pub fn undeflated(mut self) -> Coding {
        if self.mode == Mode::Deflate {
            self.mode = Mode::Stream;
        }
        self
    }
}

/// What is wrong with bytes that a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Malformed {
    /// The data connection was closed before the mark that ends the file.
    NoEndOfFile,
    /// No descriptor code of RFC 959 section 3.4.2.
    Descriptor(u8),
    /// No control code of RFC 959 section 3.4.1, after an escape byte.
    ControlCode(u8),
    /// A restart marker longer than [`MARKER_LIMIT`].
    MarkerTooLong,
    /// No zlib stream, or a damaged one.
    Deflate,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::NoEndOfFile => f.write_str("closed before the end-of-file mark"),
            Malformed::Descriptor(code) => write!(f, "descriptor code {code} does not exist"),
            Malformed::ControlCode(code) => write!(f, "control code {code} does not exist"),
            Malformed::MarkerTooLong => {
                write!(f, "a restart marker longer than {MARKER_LIMIT} octets")
            }
            Malformed::Deflate => f.write_str("no zlib stream, or a damaged one"),
        }
    }
}

/// Longest restart marker that is taken: it comes back in a reply.
pub const MARKER_LIMIT: usize = 255;

/// Descriptor codes of modes B and C (RFC 959 section 3.4.2).
pub(super) mod descriptor {
    /// The block ends a record.
    pub const END_OF_RECORD: u8 = 128;
    /// The block ends the file.
    pub const END_OF_FILE: u8 = 64;
    /// The sender suspects errors in the block, and sends it all the same.
    pub const SUSPECT: u8 = 32;
    /// The block is a restart marker.
    pub const MARKER: u8 = 16;
    /// All of them.
    pub const KNOWN: u8 = END_OF_RECORD | END_OF_FILE | SUSPECT | MARKER;
}

/// What a decoder of a framing finds next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'wire> {
    /// Nothing until more of the wire is there.
    Hungry,
    /// Octets of the representation.
    Octets(&'wire [u8]),
    /// So many times the same octet.
    Run(u8, usize),
    /// A record ends here.
    EndOfRecord,
    /// A restart marker, whose text the decoder keeps.
    Marker,
    /// The file ends here.
    EndOfFile,
}

/// What descriptor codes say about a string of octets, once it is there.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    left: u8,
    text: Vec<u8>,
    suspect: bool,
}

impl Conditions {
    /// Takes note of a descriptor.
    pub(super) fn add(&mut self, code: u8) -> Result<(), Malformed> {
        if code & !descriptor::KNOWN != 0 {
            return Err(Malformed::Descriptor(code));
        }
        if code & descriptor::MARKER != 0 {
            self.text.clear();
        }
        self.suspect |= code & descriptor::SUSPECT != 0;
        self.left |= code & !descriptor::SUSPECT;
        Ok(())
    }

    /// Whether the octets to come are the text of a marker.
    pub(super) fn is_marker(&self) -> bool {
        self.left & descriptor::MARKER != 0
    }

    /// Whether the octets to come are the last.
    pub(super) fn is_last(&self) -> bool {
        self.left & descriptor::END_OF_FILE != 0
    }

    /// Adds to the text of the marker.
    pub(super) fn add_text(&mut self, octets: &[u8]) -> Result<(), Malformed> {
        if self.text.len() + octets.len() > MARKER_LIMIT {
            return Err(Malformed::MarkerTooLong);
        }
        self.text.extend_from_slice(octets);
        Ok(())
    }

    /// The text of the last marker.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether the sender suspected errors anywhere.
    pub(super) fn suspect(&self) -> bool {
        self.suspect
    }

    /// What follows from them, one at a time, after the string.
    pub(super) fn next(&mut self) -> Option<Piece<'static>> {
        for (code, piece) in [
            (descriptor::MARKER, Piece::Marker),
            (descriptor::END_OF_RECORD, Piece::EndOfRecord),
            (descriptor::END_OF_FILE, Piece::EndOfFile),
        ] {
            if self.left & code != 0 {
                self.left &= !code;
                return Some(piece);
            }
        }
        None
    }
}
