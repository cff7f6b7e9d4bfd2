//! Framing of the control connection: octets into lines (RFC 959 section
//! 5.3.1) with the telnet layer taken off (RFC 854, RFC 2640 section 3.1).
//!
//! Octets are decoded as they arrive and at most once, so a telnet sequence
//! or an end of line may be cut anywhere by the network. Reading the socket,
//! and deciding how far ahead to read, is the caller's.
#![forbid(unsafe_code)]

use crate::protocol::alien;

/// Longest text of a line, in octets after decoding and without its end of
/// line. Room for a pathname of 4096 octets twice over.
pub const MAX_LINE: usize = 8192;

const IAC: u8 = 0xFF;
/// The first telnet command (RFC 854: SE); an IAC before anything lower is
/// no telnet.
const SE: u8 = 240;
const SB: u8 = 250;
const WILL: u8 = 251;
const DONT: u8 = 254;

/// What the client sent up to one end of line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Line {
    /// The text, without its end of line.
    Text(Vec<u8>),
    /// The text was longer than [`MAX_LINE`]; all of it has been dropped.
    TooLong,
    /// The text held a NUL that was not part of CR NUL, or a telnet
    /// subnegotiation without an end; all of it has been dropped.
    BadByte,
    /// A TLS handshake began; all up to its first NUL has been dropped. It
    /// need not hold an end of line, so none is awaited.
    Tls,
}

/// Where the decoder stands within telnet's sequences.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Telnet {
    /// In the text.
    #[default]
    Text,
    /// After IAC.
    Command,
    /// After IAC WILL, WONT, DO or DONT: the option's number is next.
    Option,
    /// Within a subnegotiation, so many octets long so far.
    Subnegotiation(u16),
    /// After an IAC within a subnegotiation.
    SubnegotiationCommand(u16),
}

/// Collects octets and gives out lines. Empty, it owns no heap.
///
/// Decoded lines lie in `buffer`, each ended by LF. No text holds a NUL, so a
/// line that begins with one stands for a line that was dropped.
#[derive(Clone, Debug, Default)]
pub struct LineReader {
    buffer: Vec<u8>,
    /// Where the first line not given out yet begins.
    start: usize,
    /// Where the line still being received begins.
    open: usize,
    /// How many whole lines there are from `start` to `open`.
    complete: usize,
    telnet: Telnet,
    /// A CR has come and what it means depends on the next octet.
    pending_cr: bool,
    /// The line being received is to be dropped, for this reason.
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    TooLong,
    BadByte,
    Tls,
}

/// Stand-ins for dropped lines within the buffer, LF included.
const TOO_LONG: &[u8] = b"\0L\n";
const BAD_BYTE: &[u8] = b"\0B\n";
const TLS: &[u8] = b"\0T\n";

impl LineReader {
    /// A reader that has received nothing.
    #[must_use]
    pub fn new() -> LineReader {
        LineReader::default()
    }

    /// Takes octets as received. Nothing is refused: memory grows by what
    /// lines of legal length need, so a caller bounds it by not reading on
    /// while [`LineReader::has_line`].
    pub fn feed(&mut self, received: &[u8]) {
        self.compact();
        let mut rest = received;
        while let Some((&octet, tail)) = rest.split_first() {
            if self.telnet == Telnet::Text && !self.pending_cr {
                let run = rest
                    .iter()
                    .position(|b| is_special(*b))
                    .unwrap_or(rest.len());
                if let Some((text, after)) = rest.split_at_checked(run)
                    && run > 0
                {
                    self.text(text);
                    rest = after;
                    continue;
                }
            }
            self.octet(octet);
            rest = tail;
        }
    }

    /// Takes the first whole line out, in time proportional to its length.
    pub fn next_line(&mut self) -> Option<Line> {
        let text = self.peek_raw()?;
        let taken = text.len() + 1;
        let line = match text {
            [0, b'L'] => Line::TooLong,
            [0, b'T'] => Line::Tls,
            [0, ..] => Line::BadByte,
            text => Line::Text(text.to_vec()),
        };
        self.start += taken;
        self.complete -= 1;
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
            self.open = 0;
        }
        Some(line)
    }

    /// The text of the first whole line, left where it is. Empty for an empty
    /// line and for one that was dropped: neither is a command.
    #[must_use]
    pub fn peek_line(&self) -> Option<&[u8]> {
        self.peek_raw().map(|text| {
            if text.first() == Some(&0) {
                &b""[..]
            } else {
                text
            }
        })
    }

    /// The texts of all whole lines, left where they are; a dropped line is
    /// empty.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.buffer.get(self.start..self.open).unwrap_or_default();
        whole.split_inclusive(|&octet| octet == b'\n').map(|line| {
            match line.strip_suffix(b"\n").unwrap_or(line) {
                [0, ..] => &[][..],
                text => text,
            }
        })
    }

    /// Whether [`LineReader::next_line`] would give a line.
    #[must_use]
    pub fn has_line(&self) -> bool {
        self.complete > 0
    }

    /// Whether nothing at all is held: no line, no part of one and no part of
    /// a telnet sequence.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
            && self.telnet == Telnet::Text
            && !self.pending_cr
            && self.fault.is_none()
    }

    /// Octets of text held, whole lines and the beginning of one together.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Gives the heap back if no text is held; otherwise keeps what it needs.
    /// What has been understood of an unfinished line is never lost.
    pub fn shrink(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = Vec::new();
        } else {
            self.drop_taken();
            self.buffer.shrink_to_fit();
        }
    }

    fn peek_raw(&self) -> Option<&[u8]> {
        if self.complete == 0 {
            return None;
        }
        self.buffer
            .get(self.start..)?
            .split(|byte| *byte == b'\n')
            .next()
    }

    /// Moves what is left to the front once most of the buffer is spent:
    /// moved octets never outnumber those given out since.
    fn compact(&mut self) {
        if self.start > self.buffer.len() / 2 {
            self.drop_taken();
        }
    }

    fn drop_taken(&mut self) {
        self.buffer.drain(..self.start);
        self.open -= self.start;
        self.start = 0;
    }

    /// One octet that may mean something other than itself.
    fn octet(&mut self, octet: u8) {
        match self.telnet {
            Telnet::Text if octet == IAC => self.telnet = Telnet::Command,
            Telnet::Text => self.data(octet),
            Telnet::Command => {
                self.telnet = match octet {
                    SB => Telnet::Subnegotiation(0),
                    WILL..=DONT => Telnet::Option,
                    _ => Telnet::Text,
                };
                if octet == IAC {
                    self.data(IAC);
                } else if octet < SE {
                    // No telnet command: a raw 0xFF in a name of eight bits,
                    // from a client that does not double it.
                    self.data(IAC);
                    self.data(octet);
                }
            }
            Telnet::Option => self.telnet = Telnet::Text,
            Telnet::Subnegotiation(length) if octet == IAC => {
                self.telnet = Telnet::SubnegotiationCommand(length);
            }
            Telnet::SubnegotiationCommand(_) if octet == SE => self.telnet = Telnet::Text,
            Telnet::Subnegotiation(length) | Telnet::SubnegotiationCommand(length) => {
                // One that never ends would swallow every later command.
                if usize::from(length) >= MAX_LINE {
                    self.telnet = Telnet::Text;
                    self.fail(Fault::BadByte);
                } else {
                    self.telnet = Telnet::Subnegotiation(length + 1);
                }
            }
        }
    }

    /// One octet of data, telnet sequences taken out.
    fn data(&mut self, octet: u8) {
        if std::mem::take(&mut self.pending_cr) {
            match octet {
                b'\n' => return self.end(),
                // CR NUL is how telnet writes a CR that ends nothing.
                0 => return self.text(b"\r"),
                _ => self.text(b"\r"),
            }
        }
        match octet {
            b'\r' => self.pending_cr = true,
            b'\n' => self.end(),
            0 => self.nul(),
            _ => self.text(&[octet]),
        }
    }

    fn nul(&mut self) {
        let line = self.buffer.get(self.open..).unwrap_or_default();
        if self.fault.is_none() && line.starts_with(alien::TLS) {
            self.fail(Fault::Tls);
            self.end();
        } else {
            self.fail(Fault::BadByte);
        }
    }

    fn text(&mut self, text: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        if self.buffer.len() - self.open + text.len() > MAX_LINE {
            self.fail(Fault::TooLong);
        } else {
            self.buffer.extend_from_slice(text);
        }
    }

    /// Drops the line being received; the first reason stands.
    fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
        self.buffer.truncate(self.open);
    }

    fn end(&mut self) {
        let ending = match self.fault.take() {
            None => &b"\n"[..],
            Some(Fault::TooLong) => TOO_LONG,
            Some(Fault::BadByte) => BAD_BYTE,
            Some(Fault::Tls) => TLS,
        };
        self.buffer.extend_from_slice(ending);
        self.complete += 1;
        self.open = self.buffer.len();
    }
}

/// Octets that [`LineReader::octet`] must see one by one.
fn is_special(octet: u8) -> bool {
    matches!(octet, 0 | b'\n' | b'\r' | IAC)
}

#[cfg(test)]
mod tests;
