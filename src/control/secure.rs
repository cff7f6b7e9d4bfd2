//! A control connection under protection (RFC 4217): what comes is opened
//! before it is lines, and what goes is sealed after it was replies.

use crate::protocol::LineReader;
use crate::protocol::protection::{Breach, LARGEST_RECORD, Protection};

/// A record of a command is small: larger ones get room of their own.
const SMALL: usize = 4096;

/// Protection in force, and what has come of a record not yet whole.
#[derive(Debug)]
pub(super) struct Secure {
    protection: Box<dyn Protection>,
    wire: Vec<u8>,
    /// We have said that no more will come protected, and wait to hear it
    /// too (CCC, REIN).
    leaving: bool,
}

/// How far the client's protection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In force.
    Going,
    /// The client has ended it.
    Ended,
    /// Both have; what follows is in the clear, and `Secure::into_rest` has it.
    Left,
}

impl Secure {
    pub(super) fn new(protection: Box<dyn Protection>) -> Secure {
        Secure {
            protection,
            wire: Vec::new(),
            leaving: false,
        }
    }

    /// Takes what came over the wire, and hands on what it stands for.
    ///
    /// # Errors
    /// When it is nothing to go on with.
    pub(super) fn take(&mut self, came: &[u8], lines: &mut LineReader) -> Result<State, Breach> {
        self.wire.extend_from_slice(came);
        if self.leaving && self.wire.first().is_some_and(|first| !is_record(*first)) {
            // Some clients leave without a word.
            return Ok(State::Left);
        }
        let mut small = [0; SMALL];
        let mut large = Vec::new();
        let mut used = 0;
        let state = loop {
            let wire = self.wire.get(used..).unwrap_or_default();
            let clear = if wire.len() > SMALL {
                large.resize(LARGEST_RECORD, 0);
                &mut large[..]
            } else {
                &mut small[..]
            };
            let opened = self.protection.open(wire, clear)?;
            used += opened.used;
            lines.feed(clear.get(..opened.made).unwrap_or_default());
            if opened.ended {
                break if self.leaving {
                    State::Left
                } else {
                    State::Ended
                };
            }
            if opened.used == 0 {
                break State::Going;
            }
        };
        self.wire.drain(..used);
        Ok(state)
    }

    /// What stands for `clear` on the wire, with all that is owed before it.
    pub(super) fn seal(&mut self, clear: &[u8]) -> Vec<u8> {
        let mut wire = vec![0; self.protection.room(clear.len())];
        let sealed = self.protection.seal(clear, &mut wire);
        wire.truncate(sealed.made);
        wire
    }

    /// What is owed without a reply: an alert, most likely.
    pub(super) fn owed(&mut self) -> Vec<u8> {
        self.protection.owed()
    }

    /// What says that no more will come.
    pub(super) fn close(&mut self) -> Vec<u8> {
        self.protection.close()
    }

    /// Goes back to the clear once the client does so too.
    pub(super) fn leave(&mut self) -> Vec<u8> {
        self.leaving = true;
        self.protection.close()
    }

    /// Whether replies are in the clear already.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// What came in the clear, after [`State::Left`].
    pub(super) fn into_rest(self) -> Vec<u8> {
        self.wire
    }

    pub(super) fn shrink(&mut self) {
        self.protection.shrink();
        if self.wire.is_empty() {
            self.wire = Vec::new();
        } else {
            self.wire.shrink_to_fit();
        }
    }

    /// What the client resumes with goes out again with the next reply.
    pub(super) fn give_ticket(&mut self) {
        self.protection.give_ticket();
    }
}

/// Whether a record begins with this octet; no command does.
fn is_record(first: u8) -> bool {
    (20..=23).contains(&first)
}
