//! MODE C (RFC 959 section 3.4.3): strings of octets, repetitions of one, and
//! an even shorter form for the filler, which is a space in text and zero in
//! binary. An escape says of the string after it what MODE B says of a block.

use super::coding::{Conditions, Malformed, Piece, descriptor};

/// Most octets in one string.
const STRING: usize = 127;

/// Most octets in one repetition.
const RUN: usize = 63;

/// Fewest octets for which a repetition is shorter than a string, counting
/// the string that it breaks in two.
const WORTH: usize = 3;

const ESCAPE: u8 = 0;
const REPETITION: u8 = 0x80;
const FILLER: u8 = 0xC0;

/// From octets to the wire. Octets are held back until it is known whether
/// they repeat and whether they end a record.
#[derive(Debug)]
pub(super) struct Encoder {
    filler: u8,
    /// Octets that do not repeat, fewer than [`STRING`] of them;
    string: Vec<u8>,
    /// after them an octet,
    octet: u8,
    /// so many times.
    count: usize,
}

impl Encoder {
    /// An encoder for data in which `filler` repeats most.
    pub(super) fn new(filler: u8) -> Encoder {
        Encoder {
            filler,
            string: Vec::with_capacity(STRING),
            octet: 0,
            count: 0,
        }
    }

    /// Appends `octets` to `wire`, and the end of a record if they end one.
    pub(super) fn put(&mut self, octets: &[u8], ends_record: bool, wire: &mut Vec<u8>) {
        for &octet in octets {
            if octet == self.octet && (1..RUN).contains(&self.count) {
                self.count += 1;
            } else {
                self.settle(wire);
                (self.octet, self.count) = (octet, 1);
            }
        }
        if ends_record {
            self.flush(descriptor::END_OF_RECORD, wire);
        }
    }

    /// Appends a restart marker, which stands behind all octets before it.
    /// Its text fits a string.
    pub(super) fn mark(&mut self, text: &[u8], wire: &mut Vec<u8>) {
        self.flush(0, wire);
        say(descriptor::MARKER, wire);
        string(text, wire);
    }

    /// Appends the end of the file.
    pub(super) fn end(&mut self, wire: &mut Vec<u8>) {
        self.flush(0, wire);
        self.flush(descriptor::END_OF_FILE, wire);
    }

    /// Whether the repetition is to be sent as one.
    fn repeats(&self) -> bool {
        self.count >= WORTH
    }

    /// Turns the repetition into what it is going to be.
    fn settle(&mut self, wire: &mut Vec<u8>) {
        if self.repeats() {
            self.send_string(wire);
            self.send_run(wire);
            return;
        }
        for _ in 0..std::mem::take(&mut self.count) {
            self.string.push(self.octet);
            if self.string.len() == STRING {
                self.send_string(wire);
            }
        }
    }

    /// Sends all that is held, the last string of it with `code`; an empty
    /// one if there is none and a code must be said.
    fn flush(&mut self, code: u8, wire: &mut Vec<u8>) {
        if self.repeats() {
            self.send_string(wire);
            say(code, wire);
            self.send_run(wire);
            return;
        }
        let held = self.count;
        if self.string.len() + held > STRING {
            self.send_string(wire);
        }
        self.string.extend(std::iter::repeat_n(self.octet, held));
        self.count = 0;
        say(code, wire);
        if self.string.is_empty() {
            if code != 0 {
                wire.push(FILLER);
            }
        } else {
            self.send_string(wire);
        }
    }

    fn send_string(&mut self, wire: &mut Vec<u8>) {
        if !self.string.is_empty() {
            string(&self.string, wire);
            self.string.clear();
        }
    }

    fn send_run(&mut self, wire: &mut Vec<u8>) {
        // Never more than RUN, so the default is never taken.
        let count = u8::try_from(std::mem::take(&mut self.count)).unwrap_or_default();
        if self.octet == self.filler {
            wire.push(FILLER | count);
        } else {
            wire.extend_from_slice(&[REPETITION | count, self.octet]);
        }
    }
}

fn string(octets: &[u8], wire: &mut Vec<u8>) {
    // Never more than STRING, so the default is never taken.
    wire.push(u8::try_from(octets.len()).unwrap_or_default());
    wire.extend_from_slice(octets);
}

fn say(code: u8, wire: &mut Vec<u8>) {
    if code != 0 {
        wire.extend_from_slice(&[ESCAPE, code]);
    }
}

/// The way back, over any number of pieces.
#[derive(Debug)]
pub(super) struct Decoder {
    filler: u8,
    state: State,
    pub(super) conditions: Conditions,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The first octet of a string, a repetition or an escape is to come;
    First,
    /// a descriptor;
    Descriptor,
    /// so many octets of a string;
    Octets(usize),
    /// the octet that is repeated so many times;
    Repeated(usize),
    /// what follows from the descriptor.
    After,
}

impl Decoder {
    /// A decoder for data whose filler is `filler`.
    pub(super) fn new(filler: u8) -> Decoder {
        Decoder {
            filler,
            state: State::First,
            conditions: Conditions::default(),
        }
    }

    /// What may stand for the last string where it has been left out: some
    /// senders end with the escape that says so.
    pub(super) fn missing(&self) -> &'static [u8] {
        match self.state {
            State::First if self.conditions.is_last() => &[FILLER],
            _ => b"",
        }
    }

    /// What comes next, and how much of `wire` it took.
    pub(super) fn piece<'wire>(
        &mut self,
        wire: &'wire [u8],
    ) -> Result<(usize, Piece<'wire>), Malformed> {
        let mut used = 0;
        loop {
            let rest = wire.get(used..).unwrap_or_default();
            match (self.state, rest) {
                (State::After, _) => match self.conditions.next() {
                    Some(piece) => return Ok((used, piece)),
                    None => self.state = State::First,
                },
                (State::Octets(0), _) => self.state = State::After,
                (_, []) => return Ok((used, Piece::Hungry)),
                (State::Descriptor, &[code, ..]) => {
                    self.conditions.add(code)?;
                    self.state = State::First;
                    used += 1;
                }
                (State::First, &[first, ..]) => {
                    used += 1;
                    if let Some(piece) = self.begin(first)? {
                        return Ok((used, piece));
                    }
                }
                (State::Repeated(count), &[octet, ..]) => {
                    used += 1;
                    if let Some(piece) = self.run(octet, count)? {
                        return Ok((used, piece));
                    }
                }
                (State::Octets(left), _) => {
                    let length = left.min(rest.len());
                    let octets = rest.get(..length).unwrap_or_default();
                    self.state = State::Octets(left - length);
                    used += length;
                    if !self.conditions.is_marker() {
                        return Ok((used, Piece::Octets(octets)));
                    }
                    self.conditions.add_text(octets)?;
                }
            }
        }
    }

    fn begin(&mut self, first: u8) -> Result<Option<Piece<'static>>, Malformed> {
        match first {
            ESCAPE => self.state = State::Descriptor,
            1..REPETITION => self.state = State::Octets(first.into()),
            REPETITION..FILLER => self.state = State::Repeated((first & 0x3F).into()),
            FILLER.. => return self.run(self.filler, (first & 0x3F).into()),
        }
        Ok(None)
    }

    fn run(&mut self, octet: u8, count: usize) -> Result<Option<Piece<'static>>, Malformed> {
        self.state = State::After;
        if self.conditions.is_marker() {
            let octets = [octet; RUN];
            let octets = octets.get(..count).unwrap_or_default();
            self.conditions.add_text(octets)?;
            return Ok(None);
        }
        Ok((count > 0).then_some(Piece::Run(octet, count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(parts: &[(&[u8], bool)]) -> Vec<u8> {
        let (mut encoder, mut wire) = (Encoder::new(b' '), Vec::new());
        for (octets, ends_record) in parts {
            encoder.put(octets, *ends_record, &mut wire);
        }
        encoder.end(&mut wire);
        wire
    }

    #[test]
    fn strings_repetitions_and_fillers_look_as_the_rfc_draws_them() {
        assert_eq!(
            encoded(&[(b"abcccccd    ef", false)]),
            b"\x02ab\x85c\x01d\xC4\x02ef\x00\x40\xC0"
        );
        assert_eq!(encoded(&[(b"aabb", false)]), b"\x04aabb\x00\x40\xC0");
        assert_eq!(encoded(&[]), b"\x00\x40\xC0");
    }

    #[test]
    fn long_strings_and_repetitions_are_cut() {
        let mut wire = vec![0x80 | 63, b'x', 0x80 | 63, b'x', 0x80 | 4, b'x'];
        wire.extend_from_slice(b"\x00\x40\xC0");
        assert_eq!(encoded(&[(&[b'x'; 130], false)]), wire);
        let varied: Vec<u8> = (0..128).map(|n| b'a' + n % 2).collect();
        let wire = encoded(&[(&varied, true)]);
        assert_eq!(wire.first(), Some(&127));
        assert_eq!(wire.get(128..), Some(&b"\x00\x80\x01b\x00\x40\xC0"[..]));
    }

    #[test]
    fn a_record_s_last_string_says_so() {
        assert_eq!(
            encoded(&[(b"ab", true), (b"", true), (b"zzz", true), (b"q", false)]),
            b"\x00\x80\x02ab\x00\x80\xC0\x00\x80\x83z\x01q\x00\x40\xC0"
        );
    }

    #[test]
    fn a_marker_comes_after_what_was_put_before_it() {
        let (mut encoder, mut wire) = (Encoder::new(0), Vec::new());
        encoder.put(b"ab", false, &mut wire);
        encoder.mark(b"2", &mut wire);
        assert_eq!(wire, b"\x02ab\x00\x10\x012");
        let mut decoder = Decoder::new(0);
        assert_eq!(decoder.piece(&wire).unwrap(), (3, Piece::Octets(b"ab")));
        assert_eq!(decoder.piece(b"\x00\x10\x83x").unwrap(), (4, Piece::Marker));
        assert_eq!(decoder.conditions.text(), b"xxx");
    }

    #[test]
    fn the_last_string_may_be_left_out() {
        let mut decoder = Decoder::new(0);
        assert_eq!(decoder.missing(), b"");
        assert_eq!(decoder.piece(b"\x00\x40").unwrap(), (2, Piece::Hungry));
        let wire = decoder.missing();
        assert_eq!(decoder.piece(wire).unwrap(), (1, Piece::EndOfFile));
    }

    #[test]
    fn markers_have_a_limit_and_descriptors_are_known() {
        let mut decoder = Decoder::new(b' ');
        assert_eq!(
            decoder.piece(b"\x00\x08").unwrap_err(),
            Malformed::Descriptor(8)
        );
        let mut wire = Vec::new();
        for _ in 0..5 {
            wire.extend_from_slice(&[0, 16, 0xC0 | 63]);
        }
        // Each is a marker of its own.
        let mut decoder = Decoder::new(b' ');
        assert_eq!(decoder.piece(&wire).unwrap(), (3, Piece::Marker));
    }
}
