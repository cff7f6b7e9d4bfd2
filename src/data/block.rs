//! MODE B (RFC 959 section 3.4.2): blocks, each with a descriptor and a count
//! before it. Restart markers are blocks of their own.

use super::coding::{Conditions, Malformed, Piece, descriptor};

/// Most octets in one block: the count has 16 bits.
const LIMIT: usize = u16::MAX as usize;

fn block(code: u8, octets: &[u8], wire: &mut Vec<u8>) {
    // Never longer than LIMIT, so the default is never taken.
    let [high, low] = u16::try_from(octets.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    wire.extend_from_slice(&[code, high, low]);
    wire.extend_from_slice(octets);
}

/// Appends `octets` to `wire`, and the end of a record if they end one.
pub(super) fn put(octets: &[u8], ends_record: bool, wire: &mut Vec<u8>) {
    let mut parts = octets.chunks(LIMIT).peekable();
    if parts.peek().is_none() && ends_record {
        block(descriptor::END_OF_RECORD, b"", wire);
    }
    while let Some(part) = parts.next() {
        let last = ends_record && parts.peek().is_none();
        block(if last { descriptor::END_OF_RECORD } else { 0 }, part, wire);
    }
}

/// Appends a restart marker.
pub(super) fn mark(text: &[u8], wire: &mut Vec<u8>) {
    block(descriptor::MARKER, text, wire);
}

/// Appends the end of the file.
pub(super) fn end(wire: &mut Vec<u8>) {
    block(descriptor::END_OF_FILE, b"", wire);
}

/// The way back, over any number of pieces.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    state: State,
    pub(super) conditions: Conditions,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    /// The descriptor is to come,
    #[default]
    Descriptor,
    /// the high octet of the count,
    High,
    /// the low one,
    Low(u8),
    /// so many octets,
    Octets(usize),
    /// and what follows from the descriptor.
    After,
}

impl Decoder {
    /// What comes next, and how much of `wire` it took.
    pub(super) fn piece<'wire>(
        &mut self,
        wire: &'wire [u8],
    ) -> Result<(usize, Piece<'wire>), Malformed> {
        let mut used = 0;
        loop {
            let rest = wire.get(used..).unwrap_or_default();
            let (taken, next) = match (self.state, rest) {
                (State::After, _) => match self.conditions.next() {
                    Some(piece) => return Ok((used, piece)),
                    None => (0, State::Descriptor),
                },
                (State::Octets(0), _) => (0, State::After),
                (_, []) => return Ok((used, Piece::Hungry)),
                (State::Descriptor, &[code, ..]) => {
                    self.conditions.add(code)?;
                    (1, State::High)
                }
                (State::High, &[high, ..]) => (1, State::Low(high)),
                (State::Low(high), &[low, ..]) => {
                    (1, State::Octets(u16::from_be_bytes([high, low]).into()))
                }
                (State::Octets(left), _) => {
                    let length = left.min(rest.len());
                    let octets = rest.get(..length).unwrap_or_default();
                    self.state = State::Octets(left - length);
                    used += length;
                    if self.conditions.is_marker() {
                        self.conditions.add_text(octets)?;
                        continue;
                    }
                    return Ok((used, Piece::Octets(octets)));
                }
            };
            used += taken;
            self.state = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_look_as_the_rfc_draws_them() {
        let mut wire = Vec::new();
        put(b"abc", true, &mut wire);
        put(b"", true, &mut wire);
        put(b"", false, &mut wire);
        put(b"d", false, &mut wire);
        mark(b"12", &mut wire);
        end(&mut wire);
        assert_eq!(
            wire,
            b"\x80\x00\x03abc\x80\x00\x00\x00\x00\x01d\x10\x00\x0212\x40\x00\x00"
        );
    }

    #[test]
    fn a_long_record_takes_several_blocks_and_only_the_last_ends_it() {
        let mut wire = Vec::new();
        put(&vec![7; LIMIT + 1], true, &mut wire);
        assert_eq!(wire.get(..3), Some(&b"\x00\xFF\xFF"[..]));
        assert_eq!(wire.get(3 + LIMIT..), Some(&b"\x80\x00\x01\x07"[..]));
    }

    #[test]
    fn one_descriptor_may_say_several_things() {
        let mut decoder = Decoder::default();
        assert_eq!(
            decoder.piece(b"\xE0\x00\x02ab").unwrap(),
            (5, Piece::Octets(b"ab"))
        );
        assert_eq!(decoder.piece(b"").unwrap(), (0, Piece::EndOfRecord));
        assert_eq!(decoder.piece(b"").unwrap(), (0, Piece::EndOfFile));
        assert!(decoder.conditions.suspect());
    }

    #[test]
    fn a_marker_is_no_data_and_has_a_limit() {
        let mut decoder = Decoder::default();
        assert_eq!(
            decoder.piece(b"\x10\x00\x0312").unwrap(),
            (5, Piece::Hungry)
        );
        assert_eq!(decoder.piece(b"3").unwrap(), (1, Piece::Marker));
        assert_eq!(decoder.conditions.text(), b"123");
        let mut wire = Vec::new();
        mark(&[b'9'; 256], &mut wire);
        let result = Decoder::default().piece(&wire);
        assert_eq!(result.unwrap_err(), Malformed::MarkerTooLong);
    }

    #[test]
    fn unknown_descriptors_are_refused() {
        for code in [1, 2, 4, 8, 0x81, 0xFF] {
            let wire = [code];
            let result = Decoder::default().piece(&wire);
            assert_eq!(result.unwrap_err(), Malformed::Descriptor(code));
        }
    }
}
