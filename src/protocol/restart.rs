//! Where a transfer is to go on: REST (RFC 959 section 3.5, RFC 3659 section
//! 5), and the server's half of a 110 MARK reply.
#![forbid(unsafe_code)]

use crate::protocol::parse::parse_decimal;
use std::fmt;

/// A restart marker of this server. In modes S and Z it counts octets of the
/// representation (RFC 3659 section 5.3); in modes B and C it is an offset in
/// the file, and may tell that one octet of a pair that makes one byte (the
/// CR of a CRLF) has come already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marker {
    /// Octets, or bytes.
    pub offset: u64,
    /// The first octet of a pair has come.
    pub half: bool,
}

impl Marker {
    /// Whether it says anything but the beginning.
    #[must_use]
    pub fn is_set(self) -> bool {
        self != Marker::default()
    }

    /// Parses a decimal number, with `+` after it for half a pair. None for
    /// anything else, and beyond what a file offset can be.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Marker> {
        let (number, half) = match text.strip_suffix(b"+") {
            Some(number) => (number, true),
            None => (text, false),
        };
        let offset = parse_decimal(number).filter(|&offset| i64::try_from(offset).is_ok())?;
        Some(Marker { offset, half })
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.half { "+" } else { "" };
        write!(f, "{}{sign}", self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_parsed() {
        for text in ["0", "0+", "12", "12+", "9223372036854775807"] {
            let marker = Marker::parse(text.as_bytes()).unwrap();
            assert_eq!(marker.to_string(), text);
        }
        assert!(!Marker::parse(b"0").unwrap().is_set());
        assert!(Marker::parse(b"0+").unwrap().is_set());
    }

    #[test]
    fn anything_else_is_no_marker() {
        for text in [
            &b""[..],
            b"+",
            b"-1",
            b"1++",
            b"+1",
            b"1 ",
            b"9223372036854775808",
        ] {
            assert_eq!(Marker::parse(text), None, "{text:?}");
        }
    }
}
