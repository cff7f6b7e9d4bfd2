//! MODE Z (draft-preston-ftpext-deflate): what stream mode would send, as one
//! zlib stream (RFC 1950).
//!
//! Both directions take a bounded step at a time: a few bytes that stand for
//! gigabytes are inflated into the same small buffer, again and again, and
//! whoever drives this looks up in between.

use super::coding::Malformed;
use crate::protocol::representation::Level;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Room made for output at a time.
const ROOM: usize = 64 << 10;

/// From octets to a zlib stream.
#[derive(Debug)]
pub(super) struct Deflater(Compress);

impl Deflater {
    pub(super) fn new(level: Level) -> Deflater {
        Deflater(Compress::new(Compression::new(level.get().into()), true))
    }

    /// Appends what is ready of `octets` to `wire`; the rest is kept.
    pub(super) fn put(&mut self, mut octets: &[u8], wire: &mut Vec<u8>) {
        while !octets.is_empty() {
            let before = self.0.total_in();
            self.step(octets, wire, FlushCompress::None);
            let taken = usize::try_from(self.0.total_in() - before).unwrap_or(0);
            octets = octets.get(taken..).unwrap_or_default();
        }
    }

    /// Octets that have been put.
    pub(super) fn taken(&self) -> u64 {
        self.0.total_in()
    }

    /// Appends all that is kept, and the end of the stream.
    pub(super) fn end(&mut self, wire: &mut Vec<u8>) {
        while self.step(b"", wire, FlushCompress::Finish) != Status::StreamEnd {}
    }

    fn step(&mut self, octets: &[u8], wire: &mut Vec<u8>, flush: FlushCompress) -> Status {
        if wire.capacity() - wire.len() < ROOM {
            wire.reserve(ROOM);
        }
        match self.0.compress_vec(octets, wire, flush) {
            Ok(status) => status,
            Err(_) => unreachable!("only a stream that has ended takes no more"),
        }
    }
}

/// From a zlib stream to octets.
#[derive(Debug)]
pub(super) struct Inflater {
    inner: Decompress,
    ended: bool,
    /// The stream is damaged behind what is ready.
    broken: bool,
    /// Octets inflated and not yet taken stand here, from
    octets: Vec<u8>,
    /// this one on.
    at: usize,
    /// Octets taken so far.
    taken: u64,
}

impl Inflater {
    pub(super) fn new() -> Inflater {
        Inflater {
            inner: Decompress::new(true),
            ended: false,
            broken: false,
            octets: Vec::with_capacity(ROOM),
            at: 0,
            taken: 0,
        }
    }

    /// Octets that have been inflated.
    pub(super) fn ready(&self) -> &[u8] {
        self.octets.get(self.at..).unwrap_or_default()
    }

    /// Takes `count` of them away.
    pub(super) fn take(&mut self, count: usize) {
        self.at += count;
        self.taken += u64::try_from(count).unwrap_or(u64::MAX);
    }

    /// Octets that have been taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether the stream has come to its end.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Inflates some of `wire`, once nothing is ready any more; gives how much
    /// of it was used. Nothing used and nothing ready means that more is needed.
    pub(super) fn inflate(&mut self, wire: &[u8]) -> Result<usize, Malformed> {
        self.octets.clear();
        self.at = 0;
        if self.ended {
            return Ok(0);
        }
        let before = self.inner.total_in();
        if !self.broken {
            let none = FlushDecompress::None;
            match self.inner.decompress_vec(wire, &mut self.octets, none) {
                Ok(status) => self.ended = status == Status::StreamEnd,
                Err(_) => self.broken = true,
            }
        }
        if self.broken && self.octets.is_empty() {
            return Err(Malformed::Deflate);
        }
        Ok(usize::try_from(self.inner.total_in() - before).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deflated(octets: &[u8], level: &[u8], step: usize) -> Vec<u8> {
        let level = Level::default().after_options(level).unwrap();
        let (mut deflater, mut wire) = (Deflater::new(level), Vec::new());
        for piece in octets.chunks(step) {
            deflater.put(piece, &mut wire);
        }
        deflater.end(&mut wire);
        wire
    }

    fn inflated(mut wire: &[u8], step: usize) -> Result<Vec<u8>, Malformed> {
        let (mut inflater, mut octets) = (Inflater::new(), Vec::new());
        loop {
            let piece = wire.get(..step.min(wire.len())).unwrap();
            let used = inflater.inflate(piece)?;
            wire = wire.get(used..).unwrap();
            assert!(inflater.ready().len() <= ROOM);
            octets.extend_from_slice(inflater.ready());
            if inflater.ended() || used == 0 && inflater.ready().is_empty() {
                return Ok(octets);
            }
        }
    }

    #[test]
    fn every_level_is_there_and_back_the_same() {
        let text: Vec<u8> = (0..200_000_u32)
            .map(|n| (n.wrapping_mul(n) / 777) as u8)
            .collect();
        for level in ["LEVEL 0", "LEVEL 1", "LEVEL 6", "LEVEL 9"] {
            let wire = deflated(&text, level.as_bytes(), 7001);
            for step in [1, 3, 100, wire.len()] {
                assert_eq!(inflated(&wire, step).unwrap(), text, "{level} by {step}");
            }
        }
        assert_eq!(inflated(&deflated(b"", b"", 1), 1).unwrap(), b"");
    }

    #[test]
    fn a_bomb_is_inflated_a_bounded_piece_at_a_time() {
        let wire = deflated(&vec![0; 50 << 20], b"LEVEL 9", 1 << 20);
        assert!(wire.len() < 100_000);
        let (mut inflater, mut rest, mut total) = (Inflater::new(), &wire[..], 0);
        while !inflater.ended() {
            let used = inflater.inflate(rest).unwrap();
            rest = rest.get(used..).unwrap();
            assert!(inflater.ready().len() <= ROOM);
            total += inflater.ready().len();
        }
        assert_eq!(total, 50 << 20);
        assert_eq!(inflater.octets.capacity(), ROOM);
    }

    #[test]
    fn what_is_no_zlib_stream_is_refused() {
        for wire in [
            &b"hello, this is plain"[..],
            b"\x1f\x8b\x08\x00\x00\x00",
            b"\xff\xff",
        ] {
            assert_eq!(inflated(wire, 100), Err(Malformed::Deflate), "{wire:?}");
        }
        let mut wire = deflated(b"some words, some words", b"", 100);
        let last = wire.len() - 1;
        wire[last] ^= 1;
        assert_eq!(inflated(&wire, 100), Err(Malformed::Deflate), "checksum");
    }
}
