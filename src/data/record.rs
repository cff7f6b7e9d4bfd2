//! STRU R in stream mode (RFC 959 section 3.4.1): an octet of all ones is an
//! escape, after which 1 ends a record, 2 the file, 3 both, and another octet
//! of all ones is data.

use super::coding::{Conditions, Malformed, Piece, descriptor};

const ESCAPE: u8 = 0xFF;

/// Appends `octets` to `wire`, and the end of a record if they end one.
pub(super) fn put(octets: &[u8], ends_record: bool, wire: &mut Vec<u8>) {
    let mut parts = octets.split(|&octet| octet == ESCAPE);
    if let Some(first) = parts.next() {
        wire.extend_from_slice(first);
    }
    for part in parts {
        wire.extend_from_slice(&[ESCAPE, ESCAPE]);
        wire.extend_from_slice(part);
    }
    if ends_record {
        wire.extend_from_slice(&[ESCAPE, 1]);
    }
}

/// Appends the end of the file.
pub(super) fn end(wire: &mut Vec<u8>) {
    wire.extend_from_slice(&[ESCAPE, 2]);
}

/// The way back, over any number of pieces.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    escaped: bool,
    conditions: Conditions,
}

impl Decoder {
    /// What comes next, and how much of `wire` it took.
    pub(super) fn piece<'wire>(
        &mut self,
        wire: &'wire [u8],
    ) -> Result<(usize, Piece<'wire>), Malformed> {
        if let Some(piece) = self.conditions.next() {
            return Ok((0, piece));
        }
        let mut used = 0;
        if !self.escaped {
            let data = wire.iter().position(|&octet| octet == ESCAPE);
            let length = data.unwrap_or(wire.len());
            if length > 0 {
                let octets = wire.get(..length).unwrap_or_default();
                return Ok((length, Piece::Octets(octets)));
            }
            if data.is_none() {
                return Ok((0, Piece::Hungry));
            }
            self.escaped = true;
            used = 1;
        }
        let Some(&code) = wire.get(used) else {
            return Ok((used, Piece::Hungry));
        };
        self.escaped = false;
        used += 1;
        let code = match code {
            ESCAPE => return Ok((used, Piece::Octets(&[ESCAPE]))),
            1 => descriptor::END_OF_RECORD,
            2 => descriptor::END_OF_FILE,
            3 => descriptor::END_OF_RECORD | descriptor::END_OF_FILE,
            other => return Err(Malformed::ControlCode(other)),
        };
        self.conditions.add(code)?;
        Ok((used, self.conditions.next().unwrap_or(Piece::Hungry)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_look_as_the_rfc_draws_them() {
        let mut wire = Vec::new();
        put(b"a\xFFb\xFF", true, &mut wire);
        put(b"", true, &mut wire);
        put(b"rest", false, &mut wire);
        end(&mut wire);
        assert_eq!(wire, b"a\xFF\xFFb\xFF\xFF\xFF\x01\xFF\x01rest\xFF\x02");
    }

    #[test]
    fn one_code_may_end_record_and_file() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.piece(b"\xFF").unwrap(), (1, Piece::Hungry));
        assert_eq!(decoder.piece(b"\x03").unwrap(), (1, Piece::EndOfRecord));
        assert_eq!(decoder.piece(b"").unwrap(), (0, Piece::EndOfFile));
    }

    #[test]
    fn other_codes_are_refused() {
        for code in [0, 4, 0xFE] {
            let wire = [ESCAPE, code];
            let result = Decoder::default().piece(&wire);
            assert_eq!(result.unwrap_err(), Malformed::ControlCode(code));
        }
    }
}
