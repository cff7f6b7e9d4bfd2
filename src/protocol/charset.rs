//! Names for clients of a legacy charset (RFC 2640 section 2 asks for UTF-8,
//! but Windows Explorer of old, ftp.exe and many devices know only their own).
//!
//! Names are UTF-8 on the server and GBK, windows-1251 or the like at the
//! client; text is converted both ways and never loses an octet. What the
//! charset does not hold, and octets of a name that are no UTF-8, show as `%`
//! and two hexadecimal digits for each octet, in the manner of [`name`]: the
//! client sends that back and means the same file. So [`Charset::from_client`]
//! undoes [`Charset::to_client`] for every string of octets. Which sessions
//! have a charset is `session`'s.
//!
//! [`name`]: super::name
#![forbid(unsafe_code)]

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use super::name::{put_octet, put_plain, unescape};

/// A charset in which ASCII is ASCII and which has no shift states, so that
/// slashes, quotes and ends of lines stay what they are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// The charset of this name by the WHATWG's list, in any case: `GBK`,
    /// `windows-1251`, `Shift_JIS`. None for an unknown name, and for UTF-8,
    /// UTF-16 and ISO-2022-JP.
    #[must_use]
    pub fn parse(label: &[u8]) -> Option<Charset> {
        let encoding = Encoding::for_label(label)?;
        (encoding.is_ascii_compatible() && encoding != UTF_8).then_some(Charset(encoding))
    }

    /// The name proper.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether these octets can be a text of this charset.
    #[must_use]
    pub fn may_be(self, text: &[u8]) -> bool {
        self.decode(text).is_some()
    }

    /// Whether this charset has every character of the text.
    #[must_use]
    pub fn holds(self, text: &str) -> bool {
        self.encode(text).is_some()
    }

    /// The server's text, names or lines with names in them, for the client.
    /// The parts of a text convert as they would alone.
    #[must_use]
    pub fn to_client(self, text: &[u8]) -> Cow<'_, [u8]> {
        if text.is_ascii() && !text.contains(&b'%') {
            return Cow::Borrowed(text);
        }
        let mut out = Vec::with_capacity(text.len() + 16);
        for chunk in text.utf8_chunks() {
            self.put_text(&mut out, chunk.valid());
            for octet in chunk.invalid() {
                put_octet(&mut out, *octet);
            }
        }
        Cow::Owned(out)
    }

    /// The server's name for a client's. Octets that cannot be of this charset
    /// are taken as they are.
    #[must_use]
    pub fn from_client(self, text: &[u8]) -> Cow<'_, [u8]> {
        let decoded = match self.decode(text) {
            Some(Cow::Borrowed(same)) => Cow::Borrowed(same.as_bytes()),
            Some(Cow::Owned(decoded)) => Cow::Owned(decoded.into_bytes()),
            None => Cow::Borrowed(text),
        };
        unescape(decoded, beyond_ascii)
    }

    fn put_text(self, out: &mut Vec<u8>, text: &str) {
        if !text.contains('%')
            && let Some(encoded) = self.encode(text)
        {
            return out.extend_from_slice(&encoded);
        }
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            if let Ok(octet) = u8::try_from(character)
                && octet.is_ascii()
            {
                put_plain(out, octet, rest.as_str().as_bytes(), beyond_ascii);
                continue;
            }
            let mut octets = [0; 4];
            let utf8 = character.encode_utf8(&mut octets);
            match self.encode(utf8) {
                Some(encoded) => out.extend_from_slice(&encoded),
                None => utf8.bytes().for_each(|octet| put_octet(out, octet)),
            }
        }
    }

    /// None also for characters that the charset's makers fold into others,
    /// such as the yen sign into the backslash of Shift_JIS: what comes back
    /// must be what went out.
    fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        let (encoded, _, lost) = self.0.encode(text);
        let same = !lost && self.decode(&encoded).is_some_and(|back| back == text);
        same.then(|| Cow::Owned(encoded.into_owned()))
    }

    fn decode(self, text: &[u8]) -> Option<Cow<'_, str>> {
        self.0
            .decode_without_bom_handling_and_without_replacement(text)
    }
}

/// The octets that are escaped: none of them has a meaning for a client.
fn beyond_ascii(octet: u8) -> bool {
    !octet.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::name::{from_wire, to_wire};

    const CHARSETS: [&str; 11] = [
        "GBK",
        "gb18030",
        "Big5",
        "Shift_JIS",
        "EUC-JP",
        "EUC-KR",
        "windows-1251",
        "windows-1252",
        "KOI8-R",
        "IBM866",
        "macintosh",
    ];

    fn charset(label: &str) -> Charset {
        Charset::parse(label.as_bytes()).unwrap()
    }

    #[track_caller]
    fn comes_back(charset: Charset, name: &[u8]) -> Vec<u8> {
        let wire = charset.to_client(name);
        let back = charset.from_client(&wire);
        assert_eq!(*back, *name, "{} as {wire:?}", charset.name());
        assert!(charset.may_be(&wire));
        wire.into_owned()
    }

    /// Reproducible noise (xorshift).
    fn noise(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn names_are_converted_both_ways() {
        let gbk = charset("gbk");
        assert_eq!(
            comes_back(gbk, "你好.txt".as_bytes()),
            b"\xC4\xE3\xBA\xC3.txt"
        );
        let russian = charset("cp1251");
        assert_eq!(comes_back(russian, "Яя".as_bytes()), b"\xDF\xFF");
        let japanese = charset("sjis");
        // The second octet of this one is a backslash.
        assert_eq!(comes_back(japanese, "表".as_bytes()), b"\x95\x5C");
    }

    #[test]
    fn what_the_charset_does_not_hold_shows_as_digits() {
        let gbk = charset("gbk");
        assert_eq!(comes_back(gbk, "🦀".as_bytes()), b"%F0%9F%A6%80");
        assert_eq!(comes_back(gbk, b"a\xE9b"), b"a%E9b");
        assert_eq!(comes_back(gbk, b"a%E9b"), b"a%25E9b");
        assert_eq!(comes_back(gbk, b"100% %20 %25"), b"100% %20 %25");
        // A character folded into another would come back as that.
        assert_eq!(comes_back(charset("sjis"), "¥".as_bytes()), b"%C2%A5");
    }

    #[test]
    fn octets_that_are_not_of_the_charset_are_taken_as_they_are() {
        let gbk = charset("gbk");
        assert!(!gbk.may_be("你".as_bytes()));
        assert_eq!(*gbk.from_client("你".as_bytes()), *"你".as_bytes());
        assert_eq!(*gbk.from_client(b"\xFF%E4"), *b"\xFF\xE4");
    }

    #[test]
    fn charsets_that_would_hide_a_slash_are_no_charsets_here() {
        for label in [
            "utf-8",
            "utf-16le",
            "utf-16",
            "iso-2022-jp",
            "hz-gb-2312",
            "nonsense",
            "",
        ] {
            assert_eq!(Charset::parse(label.as_bytes()), None, "{label}");
        }
    }

    #[test]
    fn every_character_comes_back() {
        for label in ["GBK", "Big5", "Shift_JIS", "windows-1251"] {
            let charset = charset(label);
            for character in ('\u{80}'..='\u{FFFF}').chain('\u{1F980}'..='\u{1F98F}') {
                let mut octets = [0; 4];
                comes_back(charset, character.encode_utf8(&mut octets).as_bytes());
            }
        }
    }

    #[test]
    fn every_string_of_octets_comes_back_from_every_charset() {
        let parts: [&[u8]; 16] = [
            b"%",
            b"25",
            b"%E4",
            b"%0A",
            b"A",
            b"/",
            b"\"",
            b"\r",
            b"\n",
            b" ",
            "你".as_bytes(),
            "ю".as_bytes(),
            "ｶ".as_bytes(),
            "é".as_bytes(),
            "가".as_bytes(),
            "\u{304}".as_bytes(),
        ];
        let mut state = 0x2545_F491_4F6C_DD1D;
        for label in CHARSETS {
            let charset = charset(label);
            for _ in 0..3_000 {
                let mut name = Vec::new();
                for _ in 0..noise(&mut state) % 8 {
                    let choice = noise(&mut state);
                    match parts.get(usize::try_from(choice % 24).unwrap()) {
                        Some(part) => name.extend_from_slice(part),
                        None => name.push(choice.to_le_bytes()[4]),
                    }
                }
                let wire = comes_back(charset, &name);
                for sign in *b"/\"\r\n " {
                    let count = |text: &[u8]| text.iter().filter(|octet| **octet == sign).count();
                    assert_eq!(count(&wire), count(&name), "{name:?} as {wire:?}");
                }
                // Both forms of writing at once, as a session does it.
                let shown = charset.to_client(&to_wire(&name)).into_owned();
                assert_eq!(*from_wire(&charset.from_client(&shown)), *name, "{shown:?}");
                assert!(!shown.contains(&b'\n') && !shown.contains(&b'\r'));
            }
        }
    }

    #[test]
    fn a_line_converts_as_its_parts_do() {
        let mut state = 0x9E37_79B9_7F4A_7C15;
        for label in CHARSETS {
            let charset = charset(label);
            for _ in 0..1_000 {
                let name: Vec<u8> = (0..noise(&mut state) % 6)
                    .map(|_| noise(&mut state).to_le_bytes()[3])
                    .collect();
                let line = [b"257 \"/", &name[..], b"\" created\r\n"].concat();
                let parts = [b"257 \"/", &*charset.to_client(&name), b"\" created\r\n"].concat();
                assert_eq!(*charset.to_client(&line), *parts, "{name:?}");
            }
        }
    }
}
