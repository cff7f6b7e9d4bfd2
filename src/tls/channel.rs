//! A connection once its handshake is over: octets in the clear to records
//! and back, alerts, changes of keys, the end (RFC 8446 sections 4.6, 5 and
//! 6; RFC 5246 sections 6.2 and 7.2).
//!
//! A parked session keeps one of these, and it is all that it keeps of TLS:
//! rustls's own connection is let go when its handshake is done. Leaves to
//! others: the socket, and what the octets mean.

use super::record::{ALERT, DATA, Direction, FULL, HANDSHAKE, HEADER};
use crate::protocol::protection::{Breach, Opened, Protection, Sealed};
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;
use std::fmt;

/// Kinds of handshake message that may come or go afterwards.
const CLIENT_HELLO: u8 = 1;
const KEY_UPDATE: u8 = 24;
pub(super) const NEW_SESSION_TICKET: u8 = 4;

/// Alerts.
const CLOSE_NOTIFY: u8 = 0;
const UNEXPECTED_MESSAGE: u8 = 10;
const BAD_RECORD_MAC: u8 = 20;
const RECORD_OVERFLOW: u8 = 22;
const USER_CANCELED: u8 = 90;

/// Records that bring nothing, one after another, until it is enough.
const PATIENCE: u8 = 32;

/// The keys of one connection.
pub struct Channel {
    sending: Direction,
    receiving: Direction,
    /// Makes the next keys, in version 1.3.
    keys: Option<Box<KernelConnection<ServerConnectionData>>>,
    /// Records that go before the next.
    owed: Vec<u8>,
    /// New keys for what is sent are announced in there.
    announced: bool,
    /// A ticket that the client was given, to be given again.
    ticket: Option<Box<[u8]>>,
    /// Records in a row without content.
    idle: u8,
    /// The client has said that no more will come.
    ended: bool,
    /// And so have we.
    closed: bool,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("sending", &self.sending)
            .field("receiving", &self.receiving)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Channel {
    pub(super) fn new(
        sending: Direction,
        receiving: Direction,
        keys: Option<Box<KernelConnection<ServerConnectionData>>>,
        ticket: Option<Box<[u8]>>,
    ) -> Channel {
        Channel {
            sending,
            receiving,
            keys,
            owed: Vec::new(),
            announced: false,
            ticket,
            idle: 0,
            ended: false,
            closed: false,
        }
    }

    fn owe(&mut self, kind: u8, content: &[u8]) {
        let start = self.owed.len();
        let room = self.sending.room(content.len());
        self.owed.resize(start + room, 0);
        let wire = self.owed.get_mut(start..).unwrap_or_default();
        let made = self.sending.seal(kind, content, wire).unwrap_or(0);
        self.owed.truncate(start + made);
    }

    fn owe_alert(&mut self, level: u8, alert: u8) {
        self.owe(ALERT, &[level, alert]);
    }

    /// New keys for what is sent, announced under the old ones. Once is
    /// enough until that has gone (RFC 8446 section 4.6.3): a client that
    /// only sends could otherwise pile up answers here without end.
    fn rekey(&mut self) {
        if self.keys.is_none() || self.closed || self.announced {
            return;
        }
        self.announced = true;
        // update_not_requested: the client changes its own when it likes.
        self.owe(HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, 0]);
        let next = self.keys.as_mut().map(|keys| keys.update_tx_secret());
        if let Some(Ok(next)) = next
            && let Some(next) = Direction::new(next, true)
        {
            self.sending = next;
        }
    }

    /// One record. Gives how many octets of clear text it brought.
    fn take(&mut self, kind: u8, body: &[u8], clear: &mut [u8]) -> Result<usize, Breach> {
        // In version 1.3 nothing shows what it is.
        if self.keys.is_some() && kind != DATA {
            return Err(Breach::Unexpected(kind));
        }
        let (kind, length) = self.receiving.open(kind, body, clear)?;
        if kind == DATA && length > 0 {
            self.idle = 0;
            return Ok(length);
        }
        self.idle += 1;
        let content = clear.get(..length).unwrap_or_default();
        match (kind, content) {
            (DATA, _) if self.idle < PATIENCE => {}
            (DATA, _) => return Err(Breach::Empty),
            (ALERT, &[_, CLOSE_NOTIFY]) => self.ended = true,
            (ALERT, &[_, USER_CANCELED]) if self.idle < PATIENCE => {}
            (ALERT, &[_, number]) => return Err(Breach::Alert(number)),
            (HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, answer @ (0 | 1)]) => self.renew(answer == 1)?,
            (HANDSHAKE, &[CLIENT_HELLO, ..]) if self.keys.is_none() => {
                return Err(Breach::Renegotiation);
            }
            _ => return Err(Breach::Unexpected(kind)),
        }
        Ok(0)
    }

    /// The client has new keys, and may want us to have some too.
    fn renew(&mut self, both: bool) -> Result<(), Breach> {
        let keys = self.keys.as_mut();
        let keys = keys.ok_or(Breach::Unexpected(HANDSHAKE))?;
        if self.idle >= PATIENCE {
            return Err(Breach::Rekeying);
        }
        let next = keys.update_rx_secret().ok();
        let next = next.and_then(|next| Direction::new(next, true));
        self.receiving = next.ok_or(Breach::Rekeying)?;
        if both {
            self.rekey();
        }
        Ok(())
    }

    /// The records at the front of `wire`, as many as are whole and as there
    /// is room for.
    fn open_all(&mut self, wire: &[u8], clear: &mut [u8]) -> Result<Opened, Breach> {
        let mut done = Opened::default();
        while !self.ended {
            let rest = wire.get(done.used..).unwrap_or_default();
            let Some((&header, rest)) = rest.split_first_chunk::<HEADER>() else {
                break;
            };
            let [kind, major, _, high, low] = header;
            // 20 to 23 are all the kinds there are.
            if !(20..=DATA).contains(&kind) || major != 3 {
                return Err(Breach::NoRecord(header));
            }
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length > FULL + 2048 {
                return Err(Breach::TooLong);
            }
            let room = clear.get_mut(done.made..).unwrap_or_default();
            let (Some(body), true) = (rest.get(..length), room.len() >= length) else {
                break;
            };
            done.made += self.take(kind, body, room)?;
            done.used += HEADER + length;
        }
        done.ended = self.ended;
        Ok(done)
    }
}

impl Protection for Channel {
    fn seal(&mut self, clear: &[u8], wire: &mut [u8]) -> Sealed {
        let mut done = Sealed::default();
        if self.closed {
            return done;
        }
        if self.sending.is_worn() {
            self.rekey();
        }
        if !self.owed.is_empty() {
            let Some(room) = wire.get_mut(..self.owed.len()) else {
                return done;
            };
            room.copy_from_slice(&self.owed);
            done.made = self.owed.len();
            self.owed = Vec::new();
            self.announced = false;
        }
        for piece in clear.chunks(FULL) {
            let room = wire.get_mut(done.made..).unwrap_or_default();
            let Some(made) = self.sending.seal(DATA, piece, room) else {
                break;
            };
            done.made += made;
            done.taken += piece.len();
        }
        done
    }

    fn room(&self, clear: usize) -> usize {
        let records = clear.div_ceil(FULL).max(1);
        // One more for the new keys that may have to be told.
        self.owed.len() + (records + 1) * self.sending.room(8) + clear
    }

    fn open(&mut self, wire: &[u8], clear: &mut [u8]) -> Result<Opened, Breach> {
        let opened = self.open_all(wire, clear);
        if let Err(breach) = opened {
            self.ended = true;
            let alert = match breach {
                // Whoever speaks no TLS understands no alert either.
                Breach::NoRecord(_) | Breach::Alert(_) => return opened,
                Breach::TooLong => RECORD_OVERFLOW,
                Breach::Forged => BAD_RECORD_MAC,
                _ => UNEXPECTED_MESSAGE,
            };
            self.owe_alert(2, alert);
            self.closed = true;
        }
        opened
    }

    fn owed(&mut self) -> Vec<u8> {
        self.announced = false;
        std::mem::take(&mut self.owed)
    }

    fn close(&mut self) -> Vec<u8> {
        if !self.closed {
            self.closed = true;
            self.owe_alert(1, CLOSE_NOTIFY);
        }
        self.owed()
    }

    fn give_ticket(&mut self) -> bool {
        // Nothing goes out behind the end (CCC).
        if self.closed {
            return false;
        }
        let Some(ticket) = self.ticket.take() else {
            return false;
        };
        self.owe(HANDSHAKE, &ticket);
        self.ticket = Some(ticket);
        true
    }

    fn shrink(&mut self) {
        self.sending.shrink();
        self.receiving.shrink();
    }
}

/// The last ticket among handshake messages.
pub(super) fn last_ticket(mut messages: &[u8]) -> Option<Box<[u8]>> {
    let mut last = None;
    while let [kind, high, middle, low, rest @ ..] = messages {
        let length = u32::from_be_bytes([0, *high, *middle, *low]);
        let length = usize::try_from(length).ok()?;
        let whole = messages.get(..4 + length)?;
        if *kind == NEW_SESSION_TICKET {
            last = Some(whole.into());
        }
        messages = rest.get(length..)?;
    }
    last
}
