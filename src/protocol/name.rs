//! Names that hold line ends, in a form that every client can read, show and
//! send back.
//!
//! Replies and listings are lines, so a CR or LF in a name cannot go out as it
//! is. RFC 2640 section 3.1 pads CR with NUL, which serves replies only and
//! which few clients undo; vsftpd sends NUL for LF, at which many a client
//! cuts the name off. Here CR and LF show as `%0D` and `%0A`. A name that
//! holds such a sequence in letters shows with one `25` more after the sign:
//! `a%0A` as `a%250A`, `a%250A` as `a%25250A`. All other names show as they
//! are, `100%` and `%20` among them. Nothing is lost: [`from_wire`] undoes
//! [`to_wire`] for every name. CR NUL is understood as well (`line`).
#![forbid(unsafe_code)]

use std::borrow::Cow;

/// The name, or text that holds names but no line ends of its own, as a line
/// of a reply or a listing may hold it.
#[must_use]
pub fn to_wire(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.iter().any(|octet| ends_line(*octet) || *octet == b'%') {
        return Cow::Borrowed(name);
    }
    let mut out = Vec::with_capacity(name.len() + 8);
    for (at, octet) in name.iter().enumerate() {
        if ends_line(*octet) {
            put_octet(&mut out, *octet);
        } else {
            let rest = name.get(at + 1..).unwrap_or_default();
            put_plain(&mut out, *octet, rest, ends_line);
        }
    }
    Cow::Owned(out)
}

/// The name a client means by what [`to_wire`] gave, or by any other text.
#[must_use]
pub fn from_wire(text: &[u8]) -> Cow<'_, [u8]> {
    unescape(Cow::Borrowed(text), ends_line)
}

fn ends_line(octet: u8) -> bool {
    matches!(octet, b'\r' | b'\n')
}

/// Appends an octet of those that are escaped.
pub(super) fn put_octet(out: &mut Vec<u8>, octet: u8) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
    out.extend_from_slice(&[b'%', digit(octet >> 4), digit(octet & 15)]);
}

/// Appends an octet that stands for itself, of a text that goes on with
/// `rest`. `escaped` says which octets are escaped in that text.
pub(super) fn put_plain(out: &mut Vec<u8>, octet: u8, rest: &[u8], escaped: fn(u8) -> bool) {
    out.push(octet);
    if octet == b'%' && sequence(rest, escaped).is_some() {
        out.extend_from_slice(b"25");
    }
}

/// Undoes [`put_octet`] and [`put_plain`].
pub(super) fn unescape<'text>(text: Cow<'text, [u8]>, escaped: fn(u8) -> bool) -> Cow<'text, [u8]> {
    if !text.contains(&b'%') {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((&octet, after)) = rest.split_first() {
        let found = (octet == b'%').then(|| sequence(after, escaped)).flatten();
        match found {
            Some(Sequence::Octet(meant)) => {
                out.push(meant);
                rest = after.get(2..).unwrap_or_default();
            }
            Some(Sequence::Letters) => {
                out.push(b'%');
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(octet);
                rest = after;
            }
        }
    }
    Cow::Owned(out)
}

/// What follows a `%` that is more than a percent sign.
enum Sequence {
    /// The digits of this octet.
    Octet(u8),
    /// `25`, once or more, and then the digits of an octet: those letters,
    /// less one `25`.
    Letters,
}

fn sequence(after: &[u8], escaped: fn(u8) -> bool) -> Option<Sequence> {
    let mut digits = after;
    while let Some(rest) = digits.strip_prefix(b"25") {
        digits = rest;
    }
    let [high, low, ..] = digits else {
        return None;
    };
    let octet = hexadecimal(*high)? << 4 | hexadecimal(*low)?;
    if !escaped(octet) {
        None
    } else if digits.len() == after.len() {
        Some(Sequence::Octet(octet))
    } else {
        Some(Sequence::Letters)
    }
}

/// Upper case only: a sequence has one spelling.
fn hexadecimal(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_show_as_sequences_and_come_back() {
        for (name, wire) in [
            (&b"a\nb"[..], &b"a%0Ab"[..]),
            (b"\r\n", b"%0D%0A"),
            (b"a%0Ab", b"a%250Ab"),
            (b"a%250Db", b"a%25250Db"),
            (b"%25\n", b"%25%0A"),
            (b"%\n", b"%%0A"),
            (b"%%0A", b"%%250A"),
        ] {
            assert_eq!(*to_wire(name), *wire, "{name:?}");
            assert_eq!(*from_wire(wire), *name, "{wire:?}");
        }
    }

    #[test]
    fn other_names_are_left_alone() {
        for name in [
            &b"plain"[..],
            b"100%",
            b"a%20b",
            b"%25",
            b"%2520",
            b"%0a",
            b"%0",
            b"\x1B\t%\xFF",
        ] {
            assert_eq!(*to_wire(name), *name);
            assert_eq!(*from_wire(name), *name);
        }
        assert!(matches!(to_wire(b"plain"), Cow::Borrowed(_)));
        assert!(matches!(from_wire(b"plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn every_name_of_the_dangerous_octets_comes_back_and_holds_no_line_end() {
        let alphabet = [b'\r', b'\n', b'%', b'2', b'5', b'0', b'A', b'D'];
        for seed in 0..8_usize.pow(6) {
            let name: Vec<u8> = (0..6)
                .map(|place| alphabet[seed / 8_usize.pow(place) % 8])
                .collect();
            let wire = to_wire(&name);
            assert!(!wire.iter().any(|octet| ends_line(*octet)));
            assert_eq!(*from_wire(&wire), *name, "{name:?} as {wire:?}");
        }
    }
}
