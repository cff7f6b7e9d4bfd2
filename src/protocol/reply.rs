//! Replies and their form on the wire (RFC 959 section 4.2).
//!
//! All escaping for the control connection is done here: names from the file
//! system and from clients go into replies, and a reply line must not be
//! forged by one. Sending is `control`'s.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use crate::protocol::code::Code;

/// The text of one line of a reply: any octets. Literals cost no allocation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Text(Cow<'static, [u8]>);

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Text {
        Text(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(Cow::Owned(text.into_bytes()))
    }
}

impl From<&'static [u8]> for Text {
    fn from(text: &'static [u8]) -> Text {
        Text(Cow::Borrowed(text))
    }
}

impl<const N: usize> From<&'static [u8; N]> for Text {
    fn from(text: &'static [u8; N]) -> Text {
        Text(Cow::Borrowed(text))
    }
}

impl From<Vec<u8>> for Text {
    fn from(text: Vec<u8>) -> Text {
        Text(Cow::Owned(text))
    }
}

impl From<Cow<'static, [u8]>> for Text {
    fn from(text: Cow<'static, [u8]>) -> Text {
        Text(text)
    }
}

impl Text {
    /// The template with each `{}` replaced by the next of `parts`, which may
    /// be names of any octets.
    #[must_use]
    pub fn filled(template: &str, parts: &[&[u8]]) -> Text {
        let mut text = Vec::new();
        let mut parts = parts.iter();
        for (index, fixed) in template.split("{}").enumerate() {
            if index > 0 {
                text.extend_from_slice(parts.next().copied().unwrap_or_default());
            }
            text.extend_from_slice(fixed.as_bytes());
        }
        Text::from(text)
    }

    /// The octets, not escaped.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Lead {
    /// `211-text`
    Coded(Text),
    /// ` text`
    Indented(Text),
}

/// One reply to one command. The last line is apart from those before it, so
/// a reply that never ends cannot be built.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    code: Code,
    lead: Vec<Lead>,
    last: Text,
}

impl Reply {
    /// A reply of one line. Lines added later go before this one.
    #[must_use]
    pub fn new(code: Code, text: impl Into<Text>) -> Reply {
        Reply {
            code,
            lead: Vec::new(),
            last: text.into(),
        }
    }

    /// Adds a line that repeats the code: `211-text`.
    #[must_use]
    pub fn line(mut self, text: impl Into<Text>) -> Reply {
        self.lead.push(Lead::Coded(text.into()));
        self
    }

    /// Adds a line that begins with a blank, as FEAT, HELP and MLST want it.
    /// If it is the first of all it is coded nevertheless: RFC 959 demands
    /// that a reply begins with its code.
    #[must_use]
    pub fn indented(mut self, text: impl Into<Text>) -> Reply {
        self.lead.push(Lead::Indented(text.into()));
        self
    }

    /// The code of every line.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The text of the last line, not escaped: for the log.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.last.as_bytes()
    }

    /// The text of the first line, not escaped, and whether others follow.
    #[must_use]
    pub fn first_line(&self) -> (&[u8], bool) {
        match self.lead.first() {
            Some(Lead::Coded(text) | Lead::Indented(text)) => (text.as_bytes(), true),
            None => (self.text(), false),
        }
    }

    /// The reply with every text changed for which `change` gives another.
    /// It is told whether the text is that of an indented line.
    #[must_use]
    pub fn with_texts(&self, mut change: impl FnMut(&[u8], bool) -> Option<Vec<u8>>) -> Reply {
        let mut changed = |text: &Text, indented| match change(text.as_bytes(), indented) {
            Some(new) => Text::from(new),
            None => text.clone(),
        };
        let lead = self.lead.iter().map(|lead| match lead {
            Lead::Coded(text) => Lead::Coded(changed(text, false)),
            Lead::Indented(text) => Lead::Indented(changed(text, true)),
        });
        let lead = lead.collect();
        Reply {
            code: self.code,
            lead,
            last: changed(&self.last, false),
        }
    }

    /// Appends the wire form to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let digits = self.code.digits();
        for (index, lead) in self.lead.iter().enumerate() {
            let text = match lead {
                Lead::Indented(text) if index > 0 => {
                    out.push(b' ');
                    text
                }
                Lead::Indented(text) | Lead::Coded(text) => {
                    out.extend_from_slice(&digits);
                    out.push(b'-');
                    text
                }
            };
            put_text(out, text.as_bytes());
        }
        out.extend_from_slice(&digits);
        out.push(b' ');
        put_text(out, self.last.as_bytes());
    }
}

/// Appends `text` and an end of line. IAC is doubled (RFC 854), CR becomes CR
/// NUL (RFC 2640 section 3.1), and LF becomes NUL, as in vsftpd, so that no
/// name can begin a line.
fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(run) = rest.iter().position(|b| matches!(b, 0xFF | b'\r' | b'\n')) {
        let (clean, tail) = rest.split_at(run);
        out.extend_from_slice(clean);
        out.extend_from_slice(match tail.first() {
            Some(0xFF) => b"\xFF\xFF",
            Some(b'\r') => b"\r\0",
            _ => b"\0",
        });
        rest = tail.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::line::{Line, LineReader};

    fn wire(reply: &Reply) -> Vec<u8> {
        let mut out = Vec::new();
        reply.encode(&mut out);
        out
    }

    #[test]
    fn one_line_is_code_blank_text() {
        assert_eq!(
            wire(&Reply::new(Code::CommandOk, "Done.")),
            b"200 Done.\r\n"
        );
        assert_eq!(wire(&Reply::new(Code::CommandOk, "")), b"200 \r\n");
    }

    #[test]
    fn many_lines_begin_with_code_and_dash_and_end_with_code_and_blank() {
        let reply = Reply::new(Code::SystemStatus, "End")
            .line("Features:")
            .indented("PASV")
            .indented("SIZE");
        assert_eq!(
            wire(&reply),
            b"211-Features:\r\n PASV\r\n SIZE\r\n211 End\r\n"
        );
        let reply = Reply::new(Code::LoggedIn, "Login successful.")
            .line("230 fake")
            .line("b");
        assert_eq!(
            wire(&reply),
            b"230-230 fake\r\n230-b\r\n230 Login successful.\r\n"
        );
    }

    #[test]
    fn the_first_line_is_coded_whatever_was_asked() {
        let reply = Reply::new(Code::HelpMessage, "End")
            .indented("a")
            .indented("b");
        assert_eq!(wire(&reply), b"214-a\r\n b\r\n214 End\r\n");
    }

    #[test]
    fn a_name_with_line_ends_forges_no_reply() {
        let name = b"x\r\n226 Done\n230 In".to_vec();
        let out = wire(
            &Reply::new(Code::FileUnavailable, name.clone())
                .line(name.clone())
                .indented(name),
        );
        assert_eq!(out.iter().filter(|b| **b == b'\n').count(), 3);
        assert!(out.starts_with(b"550-x\r\0\x00226 Done\x00230 In\r\n x\r\0"));
        for line in out.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            assert!(
                line.starts_with(b"550-") || line.starts_with(b" ") || line.starts_with(b"550 ")
            );
        }
    }

    #[test]
    fn iac_is_doubled_and_reads_back_as_one() {
        let out = wire(&Reply::new(Code::PathnameCreated, b"\"/\xFF\xF4\xFF\""));
        assert_eq!(out, b"257 \"/\xFF\xFF\xF4\xFF\xFF\"\r\n");
        let mut reader = LineReader::new();
        reader.feed(&out);
        assert_eq!(
            reader.next_line(),
            Some(Line::Text(b"257 \"/\xFF\xF4\xFF\"".to_vec()))
        );
    }

    #[test]
    fn literals_are_borrowed() {
        assert!(matches!(Text::from("a").0, Cow::Borrowed(_)));
        assert!(matches!(Text::from(b"a").0, Cow::Borrowed(_)));
    }
}
