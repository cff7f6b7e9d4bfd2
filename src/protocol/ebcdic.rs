//! EBCDIC code pages, for TYPE E (RFC 959 section 3.1.1.2).
//!
//! A page maps the 256 octets of the wire to the 256 octets of files and
//! back, one to one, so that nothing is lost in either direction. The octets
//! of files are ISO 8859-1; on the pages with the euro sign A4 is that sign,
//! as in ISO 8859-15. RFC 959 ends lines with NL (15), which is therefore the
//! LF of files; the LF of EBCDIC (25) becomes what NL is otherwise (85).
#![forbid(unsafe_code)]

use std::fmt;

/// One code page: both directions of it.
#[derive(PartialEq, Eq)]
pub struct CodePage {
    name: &'static str,
    to_file: [u8; 256],
    to_wire: [u8; 256],
}

impl fmt::Debug for CodePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodePage({})", self.name)
    }
}

/// The page that most differ from in a few places only, from 00 on.
#[rustfmt::skip]
const PAGE_037: [u8; 256] = [
    0x00, 0x01, 0x02, 0x03, 0x9C, 0x09, 0x86, 0x7F, 0x97, 0x8D, 0x8E, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
    0x10, 0x11, 0x12, 0x13, 0x9D, 0x0A, 0x08, 0x87, 0x18, 0x19, 0x92, 0x8F, 0x1C, 0x1D, 0x1E, 0x1F,
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x17, 0x1B, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x05, 0x06, 0x07,
    0x90, 0x91, 0x16, 0x93, 0x94, 0x95, 0x96, 0x04, 0x98, 0x99, 0x9A, 0x9B, 0x14, 0x15, 0x9E, 0x1A,
    0x20, 0xA0, 0xE2, 0xE4, 0xE0, 0xE1, 0xE3, 0xE5, 0xE7, 0xF1, 0xA2, 0x2E, 0x3C, 0x28, 0x2B, 0x7C,
    0x26, 0xE9, 0xEA, 0xEB, 0xE8, 0xED, 0xEE, 0xEF, 0xEC, 0xDF, 0x21, 0x24, 0x2A, 0x29, 0x3B, 0xAC,
    0x2D, 0x2F, 0xC2, 0xC4, 0xC0, 0xC1, 0xC3, 0xC5, 0xC7, 0xD1, 0xA6, 0x2C, 0x25, 0x5F, 0x3E, 0x3F,
    0xF8, 0xC9, 0xCA, 0xCB, 0xC8, 0xCD, 0xCE, 0xCF, 0xCC, 0x60, 0x3A, 0x23, 0x40, 0x27, 0x3D, 0x22,
    0xD8, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0xAB, 0xBB, 0xF0, 0xFD, 0xFE, 0xB1,
    0xB0, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70, 0x71, 0x72, 0xAA, 0xBA, 0xE6, 0xB8, 0xC6, 0xA4,
    0xB5, 0x7E, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0xA1, 0xBF, 0xD0, 0xDD, 0xDE, 0xAE,
    0x5E, 0xA3, 0xA5, 0xB7, 0xA9, 0xA7, 0xB6, 0xBC, 0xBD, 0xBE, 0x5B, 0x5D, 0xAF, 0xA8, 0xB4, 0xD7,
    0x7B, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0xAD, 0xF4, 0xF6, 0xF2, 0xF3, 0xF5,
    0x7D, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x51, 0x52, 0xB9, 0xFB, 0xFC, 0xF9, 0xFA, 0xFF,
    0x5C, 0xF7, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0xB2, 0xD4, 0xD6, 0xD2, 0xD3, 0xD5,
    0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0xB3, 0xDB, 0xDC, 0xD9, 0xDA, 0x9F,
];

/// Where the others differ: (octet of the wire, octet of files).
const CHANGES_1047: &[(u8, u8)] = &[
    (0x5F, b'^'),
    (0xAD, b'['),
    (0xB0, 0xAC),
    (0xBA, 0xDD),
    (0xBB, 0xA8),
    (0xBD, b']'),
];
const CHANGES_500: &[(u8, u8)] = &[
    (0x4A, b'['),
    (0x4F, b'!'),
    (0x5A, b']'),
    (0x5F, b'^'),
    (0xB0, 0xA2),
    (0xBA, 0xAC),
    (0xBB, b'|'),
];
#[rustfmt::skip]
const CHANGES_273: &[(u8, u8)] = &[
    (0x43, b'{'), (0x4A, 0xC4), (0x4F, b'!'), (0x59, b'~'), (0x5A, 0xDC), (0x5F, b'^'), (0x63, b'['),
    (0x6A, 0xF6), (0x7C, 0xA7), (0xA1, 0xDF), (0xB0, 0xA2), (0xB5, b'@'), (0xBA, 0xAC), (0xBB, b'|'),
    (0xC0, 0xE4), (0xCC, 0xA6), (0xD0, 0xFC), (0xDC, b'}'), (0xE0, 0xD6), (0xEC, b'\\'), (0xFC, b']'),
];

/// Every code page. 1140, 1148 and 1141 are 037, 500 and 273 with the euro
/// sign for the currency sign, which is the same octet of files.
pub static CODE_PAGES: [CodePage; 7] = [
    page("1047", CHANGES_1047),
    page("037", &[]),
    page("500", CHANGES_500),
    page("273", CHANGES_273),
    page("1140", &[]),
    page("1148", CHANGES_500),
    page("1141", CHANGES_273),
];

/// A page from its differences; one that is not one to one does not compile.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which rejects a miss"
)]
const fn page(name: &'static str, changes: &[(u8, u8)]) -> CodePage {
    let mut to_file = PAGE_037;
    let mut at = 0;
    while at < changes.len() {
        to_file[changes[at].0 as usize] = changes[at].1;
        at += 1;
    }
    let mut to_wire = [0; 256];
    let mut seen = [false; 256];
    let mut octet: u8 = 0;
    loop {
        let file = to_file[octet as usize] as usize;
        assert!(!seen[file]);
        seen[file] = true;
        to_wire[file] = octet;
        if octet == u8::MAX {
            break;
        }
        octet += 1;
    }
    CodePage {
        name,
        to_file,
        to_wire,
    }
}

impl CodePage {
    /// The page of this name: its number, with or without zeros before it.
    #[must_use]
    pub fn find(name: &[u8]) -> Option<&'static CodePage> {
        let number = |name: &[u8]| name.iter().skip_while(|&&b| b == b'0').copied().collect();
        let wanted: Vec<u8> = number(name);
        CODE_PAGES
            .iter()
            .find(|page| number(page.name.as_bytes()) == wanted)
    }

    /// Its number, as IBM writes it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// An octet of a file as it is on the wire.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "256 places, and a u8 to choose one"
    )]
    pub fn to_wire(&self, octet: u8) -> u8 {
        self.to_wire[usize::from(octet)]
    }

    /// An octet of the wire as it is in a file.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "256 places, and a u8 to choose one"
    )]
    pub fn to_file(&self, octet: u8) -> u8 {
        self.to_file[usize::from(octet)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(page: &str, text: &str) -> Vec<u8> {
        let page = CodePage::find(page.as_bytes()).unwrap();
        text.bytes().map(|octet| page.to_wire(octet)).collect()
    }

    #[test]
    fn every_octet_survives_both_ways_on_every_page() {
        for page in &CODE_PAGES {
            for octet in 0..=u8::MAX {
                assert_eq!(page.to_file(page.to_wire(octet)), octet, "{page:?}");
                assert_eq!(page.to_wire(page.to_file(octet)), octet, "{page:?}");
            }
        }
    }

    #[test]
    fn letters_and_digits_are_the_same_everywhere() {
        for page in &CODE_PAGES {
            assert_eq!(
                on(page.name, "AJSajs09 "),
                b"\xC1\xD1\xE2\x81\x91\xA2\xF0\xF9\x40"
            );
            assert_eq!(on(page.name, "\n\r\t"), b"\x15\x0D\x05");
            assert_eq!(page.to_file(0x25), 0x85);
        }
    }

    #[test]
    fn brackets_show_which_page_it_is() {
        assert_eq!(on("1047", "[]^|!{}"), b"\xAD\xBD\x5F\x4F\x5A\xC0\xD0");
        assert_eq!(on("037", "[]^|!{}"), b"\xBA\xBB\xB0\x4F\x5A\xC0\xD0");
        assert_eq!(on("500", "[]^|!{}"), b"\x4A\x5A\x5F\xBB\x4F\xC0\xD0");
        assert_eq!(
            on("273", "[]^|!{}@\\~"),
            b"\x63\xFC\x5F\xBB\x4F\x43\xDC\xB5\xEC\x59"
        );
        assert_eq!(on("1148", "[]"), on("500", "[]"));
        assert_eq!(CodePage::find(b"1140").unwrap().to_wire(0xA4), 0x9F);
    }

    #[test]
    fn a_page_is_found_by_its_number() {
        assert_eq!(CodePage::find(b"37").unwrap().name(), "037");
        assert_eq!(CodePage::find(b"0037").unwrap().name(), "037");
        for unknown in [&b""[..], b"0", b"47", b"IBM1047", b"1047 "] {
            assert_eq!(CodePage::find(unknown), None, "{unknown:?}");
        }
    }
}
