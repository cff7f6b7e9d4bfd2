//! What stands between a connection and its octets once it is protected (RFC
//! 2228, RFC 4217): octets in the clear become octets on the wire and come
//! back. Pure, as all of this floor: it knows no socket, and the kind of
//! protection (TLS) stands elsewhere.
#![forbid(unsafe_code)]

use std::fmt;

/// What [`Protection::seal`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Octets of the clear text that are in it.
    pub taken: usize,
    /// Octets for the wire.
    pub made: usize,
}

/// What [`Protection::open`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Octets from the wire that are done with.
    pub used: usize,
    /// Octets of clear text that came of them.
    pub made: usize,
    /// The peer has said that no more will come: what follows in the wire
    /// is not protected.
    pub ended: bool,
}

/// Why what came over the wire is nothing to go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// No record of this protection, by its first octets.
    NoRecord([u8; 5]),
    /// A record longer than any may be.
    TooLong,
    /// A record that the keys do not open: forged, damaged or out of order.
    Forged,
    /// A record of a kind that has no place here, by its number.
    Unexpected(u8),
    /// Record after record without content.
    Empty,
    /// New keys, again and again.
    Rekeying,
    /// The client wants to begin anew within the connection (RFC 5746).
    Renegotiation,
    /// The peer gave up, with this number of an alert (RFC 8446 section 6).
    Alert(u8),
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::NoRecord(octets) => write!(f, "no TLS record: {}", octets.escape_ascii()),
            Breach::TooLong => f.write_str("a TLS record that is too long"),
            Breach::Forged => f.write_str("a TLS record that the keys do not open"),
            Breach::Unexpected(kind) => write!(f, "a TLS record of kind {kind} out of place"),
            Breach::Empty => f.write_str("too many TLS records without content"),
            Breach::Rekeying => f.write_str("too many key updates"),
            Breach::Renegotiation => f.write_str("renegotiation, which is refused"),
            Breach::Alert(number) => match alert_name(*number) {
                Some(name) => write!(f, "the client sent the TLS alert {name}"),
                None => write!(f, "the client sent the TLS alert {number}"),
            },
        }
    }
}

/// The name of an alert (RFC 8446 section 6, RFC 5246 section 7.2).
#[must_use]
pub fn alert_name(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => return None,
    })
}

/// Protection that is in force on one connection.
///
/// The caller keeps the buffers; nothing is copied that need not be.
pub trait Protection: fmt::Debug + Send {
    /// Writes to `wire` what stands for the first octets of `clear`: as many
    /// as there is room for, none if that is less than [`Protection::room`].
    fn seal(&mut self, clear: &[u8], wire: &mut [u8]) -> Sealed;

    /// Octets of wire that `clear` octets take at most.
    fn room(&self, clear: usize) -> usize;

    /// Writes to `clear` what the first octets of `wire` stand for. Takes
    /// whole records only, and as many as there is room for:
    /// [`LARGEST_RECORD`] octets of room are enough for any one.
    ///
    /// # Errors
    /// When the connection is not to be trusted any more. What was made
    /// before is lost, and all that may follow is [`Protection::owed`].
    fn open(&mut self, wire: &[u8], clear: &mut [u8]) -> Result<Opened, Breach>;

    /// Takes what has to be sent although nobody asked: answers of the
    /// protection's own, or an alert after a [`Breach`]. Most often nothing.
    fn owed(&mut self) -> Vec<u8>;

    /// Takes what tells the peer that no more will come.
    fn close(&mut self) -> Vec<u8>;

    /// Puts in front of what is sealed next what lets the client resume this
    /// protection elsewhere: the same as before, which clients that use each
    /// one once take for a new one. True if there is such a thing.
    fn give_ticket(&mut self) -> bool;

    /// Gives back memory that can be had again, before a long silence.
    fn shrink(&mut self);
}

/// Room that one record can take, in the clear or on the wire.
pub const LARGEST_RECORD: usize = 5 + (1 << 14) + 2048;

/// Whose turn it is while protection is being agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Ours: [`Negotiation::outgoing`] has octets to send.
    Send,
    /// The peer's.
    Receive,
    /// Nobody's: it is agreed on, and all is sent.
    Done,
    /// Nobody's: it came to nothing. [`Negotiation::outgoing`] may hold what
    /// tells the peer so.
    Failed,
}

/// Protection that is being agreed on.
pub trait Negotiation: fmt::Debug {
    /// Goes on as far as it can, and says whose turn it is then.
    fn turn(&mut self) -> Turn;

    /// Takes octets that came.
    fn feed(&mut self, octets: &[u8]);

    /// Octets to send.
    fn outgoing(&self) -> &[u8];

    /// Hears how many of them were sent.
    fn sent(&mut self, count: usize);
}

/// A protection that protects nothing, for tests of those who use one.
#[cfg(test)]
pub(crate) mod stand_in {
    use super::*;

    /// Stands for TLS: records of kind, length and octets with a bit turned.
    #[derive(Debug, Default)]
    pub(crate) struct Turned {
        owed: Vec<u8>,
    }

    /// One record.
    pub(crate) fn record(kind: u8, clear: &[u8]) -> Vec<u8> {
        let mut record = vec![kind];
        record.extend_from_slice(&u16::try_from(clear.len()).unwrap().to_be_bytes());
        record.extend(clear.iter().map(|octet| octet ^ 1));
        record
    }

    impl Protection for Turned {
        fn seal(&mut self, clear: &[u8], wire: &mut [u8]) -> Sealed {
            let clear = &clear[..clear.len().min(60_000)];
            let mut record = record(23, clear);
            record.splice(0..0, std::mem::take(&mut self.owed));
            wire[..record.len()].copy_from_slice(&record);
            Sealed {
                taken: clear.len(),
                made: record.len(),
            }
        }
        fn room(&self, clear: usize) -> usize {
            3 + clear + self.owed.len()
        }
        fn open(&mut self, wire: &[u8], clear: &mut [u8]) -> Result<Opened, Breach> {
            let mut opened = Opened::default();
            while let [kind, high, low, rest @ ..] = &wire[opened.used..] {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if rest.len() < length || clear.len() - opened.made < length {
                    break;
                }
                for octet in &rest[..length] {
                    clear[opened.made] = octet ^ 1;
                    opened.made += 1;
                }
                opened.used += 3 + length;
                match kind {
                    23 => {}
                    21 => {
                        opened.ended = true;
                        break;
                    }
                    other => {
                        self.owed = record(21, b"!");
                        return Err(Breach::Unexpected(*other));
                    }
                }
            }
            Ok(opened)
        }
        fn owed(&mut self) -> Vec<u8> {
            std::mem::take(&mut self.owed)
        }
        fn close(&mut self) -> Vec<u8> {
            record(21, b"")
        }
        fn give_ticket(&mut self) -> bool {
            self.owed.extend(record(22, b"ticket"));
            true
        }
        fn shrink(&mut self) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_told_by_its_name() {
        assert_eq!(
            Breach::Alert(48).to_string(),
            "the client sent the TLS alert unknown_ca"
        );
        assert_eq!(
            Breach::Alert(99).to_string(),
            "the client sent the TLS alert 99"
        );
    }

    #[test]
    fn octets_that_are_no_record_are_shown_harmlessly() {
        assert_eq!(
            Breach::NoRecord(*b"GET\r\n").to_string(),
            "no TLS record: GET\\r\\n"
        );
    }
}
