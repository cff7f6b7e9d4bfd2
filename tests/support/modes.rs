//! The user's side of STRU R and of modes B, C and Z: what goes over the data
//! connection, written down once more from RFC 959 section 3.4 and
//! independently of the server.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// Ends a record, in a descriptor.
pub const EOR: u8 = 128;
/// Ends the file.
pub const EOF: u8 = 64;
/// Suspected errors.
pub const SUSPECT: u8 = 32;
/// A restart marker.
pub const MARKER: u8 = 16;

/// What came over a data connection, without its framing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Content {
    /// Records that were ended.
    pub records: Vec<Vec<u8>>,
    /// Octets after the last of them.
    pub rest: Vec<u8>,
    /// Restart markers, each with the number of octets before it.
    pub markers: Vec<(usize, String)>,
}

impl Content {
    /// Records and a rest.
    pub fn of(records: &[&[u8]], rest: &[u8]) -> Content {
        Content {
            records: records.iter().map(|record| record.to_vec()).collect(),
            rest: rest.to_vec(),
            markers: Vec::new(),
        }
    }

    fn octets(&self) -> usize {
        let records: usize = self.records.iter().map(Vec::len).sum();
        records + self.rest.len()
    }

    /// Takes note of octets with a descriptor; whether it was the last.
    fn take(&mut self, code: u8, octets: &[u8]) -> bool {
        if code & MARKER != 0 {
            let text = String::from_utf8(octets.to_vec()).unwrap();
            self.markers.push((self.octets(), text));
        } else {
            self.rest.extend_from_slice(octets);
        }
        if code & EOR != 0 {
            self.records.push(std::mem::take(&mut self.rest));
        }
        code & EOF != 0
    }
}

/// One block of MODE B.
pub fn block(code: u8, octets: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(octets.len()).unwrap().to_be_bytes();
    [&[code, high, low], octets].concat()
}

/// Takes MODE B apart; nothing may follow the end of the file.
#[track_caller]
pub fn from_blocks(mut wire: &[u8]) -> Content {
    let mut content = Content::default();
    loop {
        let (&[code, high, low], rest) = wire.split_first_chunk().expect("a block");
        let (octets, rest) = rest.split_at(u16::from_be_bytes([high, low]).into());
        wire = rest;
        if content.take(code, octets) {
            assert!(wire.is_empty(), "more after the end: {wire:?}");
            return content;
        }
    }
}

/// Puts content into blocks of at most `size` octets.
pub fn to_blocks(content: &Content, size: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    for record in &content.records {
        let mut parts: Vec<&[u8]> = record.chunks(size).collect();
        let last = parts.pop().unwrap_or_default();
        parts.iter().for_each(|part| wire.extend(block(0, part)));
        wire.extend(block(EOR, last));
    }
    for part in content.rest.chunks(size) {
        wire.extend(block(0, part));
    }
    wire.extend(block(EOF, b""));
    wire
}

/// Takes MODE C apart; nothing may follow the end of the file.
#[track_caller]
pub fn from_compressed(wire: &[u8], filler: u8) -> Content {
    let mut content = Content::default();
    let mut wire = wire.iter().copied();
    let mut code = 0;
    loop {
        let first = wire.next().expect("a string");
        let octets: Vec<u8> = match first {
            0 => {
                code = wire.next().expect("a descriptor");
                continue;
            }
            1..=127 => wire.by_ref().take(first.into()).collect(),
            128..=191 => vec![wire.next().expect("an octet"); (first & 63).into()],
            192.. => vec![filler; (first & 63).into()],
        };
        if content.take(std::mem::take(&mut code), &octets) {
            assert_eq!(wire.next(), None, "more after the end");
            return content;
        }
    }
}

/// Puts content into strings and runs, filler runs among them.
pub fn to_compressed(content: &Content, filler: u8) -> Vec<u8> {
    let mut wire = Vec::new();
    for record in &content.records {
        strings(record, filler, &mut wire);
        // An empty string may carry the descriptor.
        wire.extend([0, EOR, 0xC0]);
    }
    strings(&content.rest, filler, &mut wire);
    wire.extend([0, EOF, 0xC0]);
    wire
}

fn strings(octets: &[u8], filler: u8, wire: &mut Vec<u8>) {
    for run in octets.chunk_by(|a, b| a == b) {
        for part in run.chunks(63) {
            let length = u8::try_from(part.len()).unwrap();
            match part[0] {
                octet if octet == filler => wire.push(0xC0 | length),
                octet if length > 1 => wire.extend([0x80 | length, octet]),
                octet => wire.extend([1, octet]),
            }
        }
    }
}

/// Takes STRU R in MODE S apart; nothing may follow the end of the file.
#[track_caller]
pub fn from_escaped(wire: &[u8]) -> Content {
    let mut content = Content::default();
    let mut wire = wire.iter().copied();
    loop {
        let code = match wire.next().expect("an octet") {
            0xFF => wire.next().expect("a control code"),
            octet => {
                content.rest.push(octet);
                continue;
            }
        };
        let ended = match code {
            0xFF => content.take(0, &[0xFF]),
            1 => content.take(EOR, b""),
            2 => content.take(EOF, b""),
            3 => content.take(EOR | EOF, b""),
            other => panic!("control code {other}"),
        };
        if ended {
            assert_eq!(wire.next(), None, "more after the end");
            return content;
        }
    }
}

/// Puts content into the form of STRU R in MODE S.
pub fn to_escaped(content: &Content) -> Vec<u8> {
    let escaped = |octets: &[u8]| -> Vec<u8> {
        let double = |&octet| {
            if octet == 0xFF {
                vec![octet; 2]
            } else {
                vec![octet]
            }
        };
        octets.iter().flat_map(double).collect()
    };
    let mut wire = Vec::new();
    for record in &content.records {
        wire.extend(escaped(record));
        wire.extend([0xFF, 1]);
    }
    wire.extend(escaped(&content.rest));
    wire.extend([0xFF, 2]);
    wire
}

/// A zlib stream.
pub fn deflated(octets: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

/// What is in a zlib stream; nothing may follow it.
#[track_caller]
pub fn inflated(wire: &[u8]) -> Vec<u8> {
    let mut decoder = ZlibDecoder::new(wire);
    let mut octets = Vec::new();
    decoder.read_to_end(&mut octets).unwrap();
    assert_eq!(decoder.total_in(), wire.len() as u64);
    octets
}
