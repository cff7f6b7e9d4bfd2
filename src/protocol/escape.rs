//! Client text in logs: whatever a client sends, a log entry stays one line
//! and shows in the order in which it was written.
#![forbid(unsafe_code)]

use std::fmt::{self, Write};

/// Octets of text that are shown; more are cut off.
pub const MAX_SHOWN: usize = 512;

/// Shows octets from outside as text. Printable UTF-8 shows as it is; control
/// characters, octets that are no UTF-8 and characters that break lines or
/// turn the direction of writing show as `\xNN` for each octet; a backslash
/// is doubled, so the form can be read back. Longer than [`MAX_SHOWN`] octets
/// it ends in `...`.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = shown(self.0);
        for chunk in shown.utf8_chunks() {
            for character in chunk.valid().chars() {
                put_character(f, character)?;
            }
            put_octets(f, chunk.invalid())?;
        }
        if shown.len() < self.0.len() {
            f.write_str("...")
        } else {
            Ok(())
        }
    }
}

/// The beginning that is shown, not cut within a character.
fn shown(text: &[u8]) -> &[u8] {
    if text.len() <= MAX_SHOWN {
        return text;
    }
    let within = |end: &usize| text.get(*end).is_some_and(|octet| octet & 0xC0 == 0x80);
    let end = (MAX_SHOWN - 3..=MAX_SHOWN)
        .rev()
        .find(|end| !within(end))
        .unwrap_or(MAX_SHOWN);
    text.get(..end).unwrap_or(text)
}

fn put_character(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    if character == '\\' {
        f.write_str("\\\\")
    } else if is_deceptive(character) {
        put_octets(f, character.encode_utf8(&mut [0; 4]).as_bytes())
    } else {
        f.write_char(character)
    }
}

fn put_octets(f: &mut fmt::Formatter<'_>, octets: &[u8]) -> fmt::Result {
    octets
        .iter()
        .try_for_each(|octet| write!(f, "\\x{octet:02X}"))
}

/// Control characters; those of no width; separators of lines and paragraphs;
/// marks that turn the direction of writing (Unicode UAX 9).
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &[u8]) -> String {
        Escaped(text).to_string()
    }

    #[test]
    fn printable_text_is_kept() {
        assert_eq!(escaped(b"USER a b"), "USER a b");
        assert_eq!(escaped("你好 é 🦀".as_bytes()), "你好 é 🦀");
        assert_eq!(escaped(b""), "");
    }

    #[test]
    fn no_second_line_can_be_written() {
        assert_eq!(
            escaped(b"a\r\nb\0\x1B[1m\x7F\t"),
            "a\\x0D\\x0Ab\\x00\\x1B[1m\\x7F\\x09"
        );
        assert_eq!(
            escaped("\u{2028}\u{2029}\u{85}".as_bytes()),
            "\\xE2\\x80\\xA8\\xE2\\x80\\xA9\\xC2\\x85"
        );
    }

    #[test]
    fn direction_cannot_be_turned() {
        for character in [
            '\u{202E}', '\u{2066}', '\u{200F}', '\u{061C}', '\u{FEFF}', '\u{200B}',
        ] {
            let mut octets = [0; 4];
            let text = escaped(character.encode_utf8(&mut octets).as_bytes());
            assert!(text.is_ascii() && text.starts_with("\\x"), "{text}");
        }
    }

    #[test]
    fn what_is_no_utf8_shows_as_octets_and_backslashes_are_doubled() {
        assert_eq!(escaped(b"a\xFFb\xC3"), "a\\xFFb\\xC3");
        assert_eq!(escaped(b"\\xFF"), "\\\\xFF");
        assert_eq!(escaped(b"\xED\xA0\x80"), "\\xED\\xA0\\x80");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(escaped(&[b'x'; MAX_SHOWN]), "x".repeat(MAX_SHOWN));
        assert_eq!(
            escaped(&[b'x'; MAX_SHOWN + 1]),
            "x".repeat(MAX_SHOWN) + "..."
        );
        let crabs = "🦀".repeat(200);
        assert_eq!(
            escaped(format!("a{crabs}").as_bytes()),
            format!("a{}...", "🦀".repeat(127))
        );
        assert_eq!(
            escaped(&[0x80; MAX_SHOWN + 9]),
            "\\x80".repeat(MAX_SHOWN) + "..."
        );
    }
}
