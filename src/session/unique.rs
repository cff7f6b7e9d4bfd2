//! STOU (RFC 959 section 4.1.3): a name that nothing has yet, the one given or
//! one made of it, and told in the 150 reply as RFC 1123 section 4.1.2.9 has it.

use super::{Failure, Session};
use crate::fs::{self, Existing};
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
    /// `STOU [ <SP> pathname ]`: the name given if nothing has it, else, or
    /// without one, a name with something behind it. That nothing has the name
    /// is made sure of when the file is made, not before.
    pub(super) fn stou(&mut self, pathname: &[u8]) -> Answer {
        let given = !pathname.trim_ascii().is_empty();
        let prefix = if given { pathname } else { b"STOU" };
        // A name that may not be had is not to be had with something behind it.
        let login = self.login()?;
        login.need_upload()?;
        login.may_say(prefix)?;
        // An atomic upload has its name only in the end: a client told of the
        // plain one could by then have lost it to another.
        if given && !self.config.atomic_uploads() && !self.config.better_stou() {
            match self.store_as(prefix) {
                Err(Failure::Fs(fs::Error::System(error))) if error.errno() == libc::EEXIST => {}
                answer => return answer,
            }
        }
        let mut bytes = [0; 8];
        random::fill(&mut bytes).map_err(|error| {
            let error = sys::Error::from_io("getrandom", &error);
            Failure::from(fs::Error::System(error))
        })?;
        let (seconds, _) = clock::now();
        let suffix = suffix(Timestamp::from_seconds(seconds), bytes);
        let name = [prefix, &suffix].concat();
        let reply = self.store_as(&name)?;
        if reply.text() != b"Transfer complete." {
            return Ok(reply);
        }
        // Who only looks at the last reply has not seen that it is another.
        Ok(Reply::new(
            Code::ClosingData,
            Text::filled("Transfer complete: {}", &[&to_wire(&name)]),
        ))
    }

    /// Stores what the client sends under a name that nothing may have yet.
    fn store_as(&mut self, name: &[u8]) -> Answer {
        let shown = to_wire(name);
        let opening = Reply::new(Code::FileStatusOk, Text::filled("FILE: {}", &[&shown]));
        self.store(name, Existing::Refuse, &opening)
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
