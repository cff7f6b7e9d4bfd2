//! Framing of the control connection: octets into lines (RFC 959 section
//! 5.3.1) with the telnet layer taken off (RFC 854, RFC 2640 section 3.1).
//!
//! Octets are decoded as they arrive and at most once, so a telnet sequence
//! or an end of line may be cut anywhere by the network. Reading the socket,
//! and deciding how far ahead to read, is the caller's.
#![forbid(unsafe_code)]

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
}

/// Stand-ins for dropped lines within the buffer, LF included.
const TOO_LONG: &[u8] = b"\0L\n";
const BAD_BYTE: &[u8] = b"\0B\n";

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
            0 => self.fail(Fault::BadByte),
            _ => self.text(&[octet]),
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
mod tests {
    use super::*;

    fn text(line: &[u8]) -> Line {
        Line::Text(line.to_vec())
    }

    fn drain(reader: &mut LineReader) -> Vec<Line> {
        std::iter::from_fn(|| reader.next_line()).collect()
    }

    /// The lines of `input`, asserted to be the same for one feed, for a feed
    /// per octet and for every cut into two.
    fn lines(input: &[u8]) -> Vec<Line> {
        let mut whole = LineReader::new();
        whole.feed(input);
        let expected = drain(&mut whole);
        let mut single = LineReader::new();
        let mut got = Vec::new();
        for octet in input {
            single.feed(&[*octet]);
            got.extend(drain(&mut single));
        }
        assert_eq!(got, expected, "octet by octet");
        for cut in 0..=input.len().min(600) {
            let mut reader = LineReader::new();
            reader.feed(&input[..cut]);
            reader.feed(&input[cut..]);
            assert_eq!(drain(&mut reader), expected, "cut at {cut}");
        }
        expected
    }

    #[test]
    fn crlf_and_bare_lf_end_a_line() {
        assert_eq!(
            lines(b"USER a\r\nPASS b\n\r\n\nNO"),
            [text(b"USER a"), text(b"PASS b"), text(b""), text(b"")]
        );
    }

    #[test]
    fn a_cr_that_ends_nothing_is_kept() {
        assert_eq!(lines(b"a\rb\n"), [text(b"a\rb")]);
        assert_eq!(lines(b"a\r\0b\r\n"), [text(b"a\rb")]);
        assert_eq!(lines(b"a\r\0\n"), [text(b"a\r")]);
        assert_eq!(lines(b"a\r\r\n"), [text(b"a\r")]);
        assert_eq!(lines(b"a\r\r\0\r\n"), [text(b"a\r\r")]);
    }

    #[test]
    fn nul_spoils_its_own_line_only() {
        assert_eq!(lines(b"a\0b\r\nNOOP\r\n"), [Line::BadByte, text(b"NOOP")]);
        assert_eq!(lines(b"\0\n"), [Line::BadByte]);
        assert_eq!(lines(b"\0L\n"), [Line::BadByte]);
        assert_eq!(lines(b"a\r\0\0\n"), [Line::BadByte]);
    }

    #[test]
    fn telnet_sequences_are_taken_out() {
        assert_eq!(lines(b"\xFF\xF4\xFF\xF2ABOR\r\n"), [text(b"ABOR")]);
        assert_eq!(lines(b"NO\xFF\xFD\x01OP\r\n"), [text(b"NOOP")]);
        assert_eq!(lines(b"\xFF\xFB\nNOOP\n"), [text(b"NOOP")]);
        assert_eq!(
            lines(b"A\xFF\xFA\x18\x00\r\nxx\xFF\xFFyy\xFF\xF0B\n"),
            [text(b"AB")]
        );
        assert_eq!(lines(b"A\r\xFF\xF1\nB\n"), [text(b"A"), text(b"B")]);
    }

    #[test]
    fn ff_is_data_when_doubled_or_before_no_telnet_command() {
        assert_eq!(lines(b"CWD \xFF\xFF\r\n"), [text(b"CWD \xFF")]);
        assert_eq!(lines(b"CWD a\xFFb\r\n"), [text(b"CWD a\xFFb")]);
        assert_eq!(lines(b"CWD \xFF\r\n"), [text(b"CWD \xFF")]);
        assert_eq!(
            lines(b"CWD \xFF\xEF\xFF\xFF\xFF\xF1z\n"),
            [text(b"CWD \xFF\xEF\xFFz")]
        );
        assert_eq!(lines(b"CWD \xFF\n"), [text(b"CWD \xFF")]);
        assert_eq!(lines(b"CWD \xFF\0\n"), [Line::BadByte]);
    }

    #[test]
    fn a_subnegotiation_without_end_gives_way_and_spoils_one_line() {
        let mut input = b"A\xFF\xFA".to_vec();
        input.extend(std::iter::repeat_n(b'\n', MAX_LINE + 1));
        input.extend_from_slice(b"tail\nNOOP\n");
        assert_eq!(lines(&input), [Line::BadByte, text(b"NOOP")]);
    }

    #[test]
    fn a_long_line_yields_one_too_long_and_its_tail_is_no_command() {
        let mut input = vec![b'x'; MAX_LINE + 1];
        input.extend_from_slice(b"DELE a\r\0DELE b\0\r\nNOOP\r\n");
        assert_eq!(lines(&input), [Line::TooLong, text(b"NOOP")]);
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_text() {
        let mut input = vec![b'x'; MAX_LINE];
        input.extend_from_slice(b"\r\n");
        assert_eq!(lines(&input), [text(&input[..MAX_LINE])]);
        input.insert(0, b'x');
        assert_eq!(lines(&input), [Line::TooLong]);
    }

    #[test]
    fn a_dropped_line_does_not_grow_the_buffer() {
        let mut reader = LineReader::new();
        for _ in 0..1000 {
            reader.feed(&[b'x'; 4096]);
            reader.feed(&[0xFF, 0xFF]);
        }
        assert_eq!(reader.buffered(), 0);
        assert!(!reader.is_empty() && !reader.has_line());
        assert!(reader.buffer.capacity() <= 2 * (MAX_LINE + 4096));
        reader.shrink();
        reader.feed(b"\n");
        assert_eq!(drain(&mut reader), [Line::TooLong]);
        assert!(reader.is_empty());
    }

    #[test]
    fn peek_shows_the_next_line_and_takes_nothing() {
        let mut reader = LineReader::new();
        assert_eq!(reader.peek_line(), None);
        reader.feed(b"NOOP\r\nbad\0\r\nABOR\r");
        assert_eq!(reader.peek_line(), Some(&b"NOOP"[..]));
        assert_eq!(reader.next_line(), Some(text(b"NOOP")));
        assert_eq!(reader.peek_line(), Some(&b""[..]));
        assert_eq!(reader.next_line(), Some(Line::BadByte));
        assert_eq!(reader.peek_line(), None);
        reader.feed(b"\n");
        assert_eq!(reader.peek_line(), Some(&b"ABOR"[..]));
    }

    #[test]
    fn emptiness_counts_half_sequences_and_shrink_keeps_them() {
        let mut reader = LineReader::new();
        for (half, rest, expected) in [
            (&b"NO"[..], &b"OP\r\n"[..], &b"NOOP"[..]),
            (b"\r", b"\n", b""),
            (b"\xFF", b"\xF4X\n", b"X"),
            (b"\xFF\xFD", b"\x01X\n", b"X"),
            (b"\xFF\xFA\x01", b"\x01\xFF\xF0X\n", b"X"),
        ] {
            reader.feed(half);
            assert!(!reader.is_empty(), "{half:?}");
            reader.shrink();
            reader.feed(rest);
            assert_eq!(drain(&mut reader), [text(expected)]);
            assert!(reader.is_empty());
        }
        reader.shrink();
        assert_eq!(reader.buffer.capacity(), 0);
    }

    #[test]
    fn thousands_of_pipelined_lines_come_out_in_order() {
        let mut reader = LineReader::new();
        let mut expected = 0;
        for batch in 0..10 {
            let chunk: Vec<u8> = (0..2000)
                .flat_map(|n| format!("SIZE {}\r\n", batch * 2000 + n).into_bytes())
                .collect();
            reader.feed(&chunk);
            // Leaving some behind makes the buffer compact itself.
            while reader.has_line() && expected < batch * 2000 + 1500 {
                assert_eq!(
                    reader.next_line(),
                    Some(text(format!("SIZE {expected}").as_bytes()))
                );
                expected += 1;
            }
        }
        assert_eq!(drain(&mut reader).len() + expected, 20_000);
        assert!(reader.is_empty());
    }

    #[test]
    fn no_input_of_special_octets_breaks_the_reader() {
        let alphabet = [0, b'\r', b'\n', 0xFF, 0xF0, 0xFA, 0xFD, b'A'];
        for seed in 0..8_usize.pow(5) {
            let input: Vec<u8> = (0..5)
                .map(|i| alphabet[seed / 8_usize.pow(i) % 8])
                .collect();
            let mut whole = LineReader::new();
            whole.feed(&input);
            let mut single = LineReader::new();
            input.iter().for_each(|octet| single.feed(&[*octet]));
            assert_eq!(whole.buffered(), single.buffered());
            assert_eq!(drain(&mut whole), drain(&mut single), "{input:?}");
        }
    }
}
