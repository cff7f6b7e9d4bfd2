//! A line of the control connection into a verb and its argument (RFC 959
//! section 5.3). What the argument means is each command's own business.
#![forbid(unsafe_code)]

use crate::protocol::command::{self, Arg, Verb};

/// A command the table knows, with an argument of the right shape.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// Which command.
    pub verb: Verb,
    /// All that followed the first blank, verbatim: pathnames may begin and
    /// end with blanks. Empty if there was none.
    pub argument: &'a [u8],
}

/// Why a line is no [`Request`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ParseError<'a> {
    /// Nothing on the line.
    Empty,
    /// A verb nobody defined, as the client wrote it (500).
    Unknown(&'a [u8]),
    /// A verb defined somewhere but not obeyed here (502).
    Unimplemented(&'a [u8]),
    /// The command needs an argument (501).
    MissingArgument(Verb),
    /// The command takes no argument (501).
    UnexpectedArgument(Verb),
}

/// Parses one line without its end of line.
pub fn parse(line: &[u8]) -> Result<Request<'_>, ParseError<'_>> {
    let line = without_synch(line);
    if line.is_empty() {
        return Err(ParseError::Empty);
    }
    let (name, argument) = split_word(line);
    let Some(verb) = command::lookup(name) else {
        return Err(if command::is_unimplemented(name) {
            ParseError::Unimplemented(name)
        } else {
            ParseError::Unknown(name)
        });
    };
    match verb.spec().arg {
        Arg::Required if argument.is_empty() => Err(ParseError::MissingArgument(verb)),
        Arg::None if !argument.iter().all(|b| *b == b' ') => {
            Err(ParseError::UnexpectedArgument(verb))
        }
        Arg::None => Ok(Request {
            verb,
            argument: b"",
        }),
        Arg::Optional | Arg::Required => Ok(Request { verb, argument }),
    }
}

/// Splits at the first blank. The blank belongs to neither part.
#[must_use]
pub fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = text.splitn(2, |byte| *byte == b' ');
    (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    )
}

/// Reads a decimal number of octets (REST, ALLO). None for a sign, a blank,
/// an empty text or a value above `u64::MAX`.
#[must_use]
pub fn parse_decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Drops what is left of a telnet Synch (RFC 959 section 4.1.3, RFC 854)
/// whose urgent byte the kernel took out of the stream: bytes that are telnet
/// commands only, which no verb begins with.
fn without_synch(line: &[u8]) -> &[u8] {
    let verb_at = line
        .iter()
        .position(|byte| *byte < 0xF0)
        .unwrap_or(line.len());
    line.get(verb_at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(line: &[u8]) -> (Verb, &[u8]) {
        let request = parse(line).unwrap();
        (request.verb, request.argument)
    }

    #[test]
    fn verb_is_split_from_argument_at_the_first_blank() {
        assert_eq!(ok(b"RETR a b"), (Verb::Retr, &b"a b"[..]));
        assert_eq!(ok(b"retr  a "), (Verb::Retr, &b" a "[..]));
        assert_eq!(ok(b"xCwD \xE4\xBD\xA0"), (Verb::Cwd, &b"\xE4\xBD\xA0"[..]));
    }

    #[test]
    fn blanks_after_a_verb_without_argument_are_forgiven() {
        assert_eq!(ok(b"PASV"), (Verb::Pasv, &b""[..]));
        assert_eq!(ok(b"PASV   "), (Verb::Pasv, &b""[..]));
        assert_eq!(
            parse(b"PASV x"),
            Err(ParseError::UnexpectedArgument(Verb::Pasv))
        );
        assert_eq!(
            parse(b"CDUP \t"),
            Err(ParseError::UnexpectedArgument(Verb::Cdup))
        );
    }

    #[test]
    fn a_required_argument_must_not_be_empty() {
        assert_eq!(parse(b"CWD"), Err(ParseError::MissingArgument(Verb::Cwd)));
        assert_eq!(parse(b"CWD "), Err(ParseError::MissingArgument(Verb::Cwd)));
        assert_eq!(ok(b"CWD  "), (Verb::Cwd, &b" "[..]));
    }

    #[test]
    fn an_empty_password_is_an_argument() {
        assert_eq!(ok(b"PASS "), (Verb::Pass, &b""[..]));
        assert_eq!(ok(b"PASS"), (Verb::Pass, &b""[..]));
    }

    #[test]
    fn unknown_unimplemented_and_empty_are_told_apart() {
        assert_eq!(parse(b""), Err(ParseError::Empty));
        assert_eq!(parse(b"GET / HTTP/1.1"), Err(ParseError::Unknown(b"GET")));
        assert_eq!(parse(b" USER x"), Err(ParseError::Unknown(b"")));
        assert_eq!(parse(b"USER\tx"), Err(ParseError::Unknown(b"USER\tx")));
        assert_eq!(parse(b"adat AAAA"), Err(ParseError::Unimplemented(b"adat")));
        assert_eq!(parse(b"\xC3\xA9"), Err(ParseError::Unknown(b"\xC3\xA9")));
    }

    #[test]
    fn remains_of_a_synch_before_abor_are_dropped() {
        assert_eq!(ok(b"\xF2ABOR"), (Verb::Abor, &b""[..]));
        assert_eq!(ok(b"\xFF\xF4\xF2ABOR"), (Verb::Abor, &b""[..]));
        assert_eq!(parse(b"\xF2"), Err(ParseError::Empty));
    }

    #[test]
    fn decimal_refuses_signs_blanks_and_overflow() {
        assert_eq!(parse_decimal(b"0"), Some(0));
        assert_eq!(parse_decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [
            &b""[..],
            b"18446744073709551616",
            b"-1",
            b"+1",
            b"1 ",
            b"0x10",
            b"1e3",
            b"\xB2",
        ] {
            assert_eq!(parse_decimal(bad), None, "{bad:?}");
        }
    }
}
