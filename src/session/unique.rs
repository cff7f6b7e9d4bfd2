//! STOU (RFC 959 section 4.1.3): a name that nothing has yet, made by the
//! server and told in the 150 reply as RFC 1123 section 4.1.2.9 has it.

use super::{Failure, Session};
use crate::fs::Existing;
use crate::protocol::name::to_wire;
use crate::protocol::{Code, Reply, Text, Timestamp};
use crate::sys::{self, clock, random};

type Answer = Result<Reply, Failure>;

/// Letters that look like no others, so that a name can be read aloud.
const LETTERS: [u8; 32] = *b"23456789abcdefghijkmnpqrstuvwxyz";

/// What is put behind a name to make it unique: `.20261121053456.k4t9x2mb`.
/// The time puts names in order, and the rest, of 40 random bits, keeps two
/// clients of one second apart and lets nobody guess a name.
fn suffix(now: Timestamp, random: [u8; 8]) -> Vec<u8> {
    let mut suffix = vec![b'.'];
    crate::protocol::time::append_mdtm(&mut suffix, now);
    suffix.push(b'.');
    let letter = |byte: u8| LETTERS.get(usize::from(byte % 32)).copied();
    suffix.extend(random.into_iter().filter_map(letter));
    suffix
}

impl Session {
    /// `STOU [ <SP> pathname ]`: the name given, or `STOU`, with something
    /// behind it. That nothing has the name is made sure of when the file is
    /// made, not before.
    pub(super) fn stou(&mut self, pathname: &[u8]) -> Answer {
        let prefix: &[u8] = match pathname.trim_ascii() {
            b"" => b"STOU",
            _ => pathname,
        };
        // A name that may not be had is not to be had with something behind it.
        self.login()?.may_say(prefix)?;
        let mut bytes = [0; 8];
        random::fill(&mut bytes).map_err(|error| {
            let error = sys::Error::from_io("getrandom", &error);
            Failure::from(crate::fs::Error::System(error))
        })?;
        let (seconds, _) = clock::now();
        let suffix = suffix(Timestamp::from_seconds(seconds), bytes);
        let name = [prefix, &suffix].concat();
        let shown = to_wire(&name);
        let opening = Reply::new(Code::FileStatusOk, Text::filled("FILE: {}", &[&shown]));
        let reply = self.store(&name, Existing::Refuse, &opening)?;
        if reply.text() != b"Transfer complete." {
            return Ok(reply);
        }
        Ok(Reply::new(
            Code::ClosingData,
            Text::filled("Transfer complete: {}", &[&shown]),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_tells_the_time_and_holds_nothing_odd() {
        let now = Timestamp::from_seconds(1_234_567_890);
        assert_eq!(
            suffix(now, [0, 1, 31, 32, 64, 255, 7, 8]),
            b".20090213233130.23z22z9a"
        );
    }
}
