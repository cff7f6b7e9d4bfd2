//! Parts of a file: RANG's argument (draft-bryan-ftp-range section 3).
#![forbid(unsafe_code)]

use std::ops::Range;

use super::parse::parse_decimal;

/// A range of octets in a file, both ends included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ByteRange {
    /// Offset of the first octet.
    pub start: u64,
    /// Offset of the last octet; not before `start`.
    pub last: u64,
}

/// What a well-formed RANG asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RangRequest {
    /// This part of the file.
    Part(ByteRange),
    /// The whole file again: `RANG 1 0`.
    Whole,
}

impl ByteRange {
    /// What of it lies in a file of `size` octets, the end excluded. Nothing
    /// if it begins behind the file.
    #[must_use]
    pub fn within(self, size: u64) -> Range<u64> {
        self.start.min(size)..self.last.saturating_add(1).min(size)
    }

    /// How many octets it spans.
    #[must_use]
    pub fn length(self) -> u64 {
        (self.last - self.start).saturating_add(1)
    }
}

/// Reads RANG's argument. `None` if it is no two numbers that fit a file
/// offset, or begins after its end and is not `1 0`.
#[must_use]
pub fn parse_rang(argument: &[u8]) -> Option<RangRequest> {
    let mut words = argument.trim_ascii().splitn(2, |byte| *byte == b' ');
    let mut offset = || {
        let offset = parse_decimal(words.next()?.trim_ascii())?;
        // As for REST: beyond this no file goes.
        i64::try_from(offset).is_ok().then_some(offset)
    };
    let (start, last) = (offset()?, offset()?);
    match (start, last) {
        (1, 0) => Some(RangRequest::Whole),
        _ if start > last => None,
        _ => Some(RangRequest::Part(ByteRange { start, last })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(start: u64, last: u64) -> Option<RangRequest> {
        Some(RangRequest::Part(ByteRange { start, last }))
    }

    #[test]
    fn both_ends_are_included() {
        assert_eq!(parse_rang(b"0 0"), part(0, 0));
        assert_eq!(parse_rang(b"802816 1000000"), part(802_816, 1_000_000));
        assert_eq!(parse_rang(b" 5  7 "), part(5, 7));
        let range = ByteRange { start: 5, last: 7 };
        assert_eq!(range.within(100), 5..8);
        assert_eq!(range.length(), 3);
    }

    #[test]
    fn one_and_nought_is_the_whole_file_again() {
        assert_eq!(parse_rang(b"1 0"), Some(RangRequest::Whole));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for bad in [
            &b""[..],
            b"1",
            b"2 1",
            b"1 0 0",
            b"-1 5",
            b"0 -1",
            b"0 18446744073709551615",
            b"9223372036854775808 9223372036854775808",
            b"a b",
            b"0,5",
        ] {
            assert_eq!(parse_rang(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_file_bounds_a_range() {
        let range = ByteRange { start: 5, last: 7 };
        assert_eq!(range.within(6), 5..6);
        assert!(range.within(5).is_empty());
        assert!(range.within(0).is_empty());
        let all = ByteRange {
            start: 0,
            last: i64::MAX.unsigned_abs(),
        };
        assert_eq!(all.within(u64::MAX), 0..(1 << 63));
    }
}
