//! The keys under which sessions are handed to clients as tickets (RFC 8446
//! section 4.6.1, RFC 5077): nothing of them is kept here.
//!
//! A ticket names the control connection that it comes from, so that a data
//! connection can be asked for one of its own. Keys change twice a day; the
//! one before is honoured for new connections, and each control connection
//! holds on to the one it began with, however long it lasts.

use crate::sys::random;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long tickets are made with one key.
const TURN: Duration = Duration::from_secs(12 * 3600);

/// What clients are told: a ticket is good for this many seconds at least
/// half the time.
pub(super) const LIFETIME: u32 = 24 * 3600;

const NAME: usize = 8;
const NONCE: usize = 12;

/// The control connection from which TLS sessions descend. One that resumed
/// an earlier one's session goes by the earlier one's name: it is the same
/// client, who may show tickets of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity([u8; 16]);

impl Identity {
    /// A new one, of random octets.
    ///
    /// # Errors
    /// getrandom's own.
    pub fn new() -> io::Result<Identity> {
        let mut octets = [0; 16];
        random::fill(&mut octets)?;
        Ok(Identity(octets))
    }
}

/// A key for tickets.
pub(super) struct TicketKey {
    name: [u8; NAME],
    key: RandomizedNonceKey,
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKey").finish_non_exhaustive()
    }
}

impl TicketKey {
    fn new() -> io::Result<TicketKey> {
        let mut name = [0; NAME];
        let mut octets = [0; 32];
        random::fill(&mut name)?;
        random::fill(&mut octets)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &octets);
        crate::sys::wipe::wipe(&mut octets);
        let key = key.map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
        Ok(TicketKey { name, key })
    }

    /// A ticket that holds a session of `identity`.
    pub(super) fn seal(&self, identity: Identity, session: &[u8]) -> Option<Vec<u8>> {
        let mut content = Vec::with_capacity(identity.0.len() + session.len() + 16);
        content.extend_from_slice(&identity.0);
        content.extend_from_slice(session);
        let proved = Aad::from(&self.name);
        let nonce = self.key.seal_in_place_append_tag(proved, &mut content);
        let nonce = nonce.ok()?;
        let mut ticket = Vec::with_capacity(NAME + NONCE + content.len());
        ticket.extend_from_slice(&self.name);
        ticket.extend_from_slice(nonce.as_ref());
        ticket.extend_from_slice(&content);
        Some(ticket)
    }

    fn open(&self, ticket: &[u8]) -> Option<(Identity, Vec<u8>)> {
        let (name, rest) = ticket.split_first_chunk::<NAME>()?;
        let (nonce, content) = rest.split_first_chunk::<NONCE>()?;
        if *name != self.name {
            return None;
        }
        let mut content = content.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let proved = Aad::from(&self.name);
        let clear = self.key.open_in_place(nonce, proved, &mut content).ok()?;
        let (identity, session) = clear.split_first_chunk::<16>()?;
        Some((Identity(*identity), session.to_vec()))
    }
}

/// The keys of a server, now and lately.
#[derive(Debug)]
pub(super) struct Tickets(Mutex<Ring>);

#[derive(Debug)]
struct Ring {
    current: Arc<TicketKey>,
    previous: Option<Arc<TicketKey>>,
    turned: Instant,
}

impl Tickets {
    /// The first key.
    ///
    /// # Errors
    /// getrandom's own.
    pub(super) fn new() -> io::Result<Tickets> {
        Ok(Tickets(Mutex::new(Ring {
            current: Arc::new(TicketKey::new()?),
            previous: None,
            turned: Instant::now(),
        })))
    }

    /// The key to make tickets with at this moment.
    pub(super) fn current(&self, now: Instant) -> Arc<TicketKey> {
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_duration_since(ring.turned);
        if age >= TURN
            // Without fresh random octets the old key is better than none.
            && let Ok(key) = TicketKey::new()
        {
            let old = std::mem::replace(&mut ring.current, Arc::new(key));
            ring.previous = (age < 2 * TURN).then_some(old);
            ring.turned = now;
        }
        Arc::clone(&ring.current)
    }

    /// What a ticket holds, if `held` or a key of lately has made it.
    pub(super) fn open(&self, ticket: &[u8], held: &TicketKey) -> Option<(Identity, Vec<u8>)> {
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = [Some(Arc::clone(&ring.current)), ring.previous.clone()];
        drop(ring);
        let mut lately = lately.iter().flatten();
        held.open(ticket)
            .or_else(|| lately.find_map(|key| key.open(ticket)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_gives_back_the_session_and_whose_it_is() {
        let tickets = Tickets::new().unwrap();
        let key = tickets.current(Instant::now());
        let identity = Identity::new().unwrap();
        let ticket = key.seal(identity, b"session").unwrap();
        assert_eq!(
            tickets.open(&ticket, &key),
            Some((identity, b"session".to_vec()))
        );
        assert_ne!(key.seal(identity, b"session").unwrap(), ticket);
    }

    #[test]
    fn a_ticket_changed_in_any_octet_is_none() {
        let tickets = Tickets::new().unwrap();
        let key = tickets.current(Instant::now());
        let ticket = key.seal(Identity::new().unwrap(), b"session").unwrap();
        for at in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[at] ^= 1;
            assert_eq!(tickets.open(&changed, &key), None, "octet {at}");
            assert_eq!(tickets.open(&ticket[..at], &key), None, "cut at {at}");
        }
    }

    #[test]
    fn keys_change_and_a_connection_keeps_its_own() {
        let tickets = Tickets::new().unwrap();
        let start = Instant::now();
        let first = tickets.current(start);
        let ticket = first.seal(Identity::new().unwrap(), b"x").unwrap();
        let second = tickets.current(start + TURN);
        assert!(tickets.open(&ticket, &second).is_some());
        let third = tickets.current(start + 2 * TURN);
        assert!(tickets.open(&ticket, &third).is_none());
        assert!(tickets.open(&ticket, &first).is_some());
    }

    #[test]
    fn after_a_long_silence_no_key_of_before_is_honoured() {
        let tickets = Tickets::new().unwrap();
        let start = Instant::now();
        let first = tickets.current(start);
        let ticket = first.seal(Identity::new().unwrap(), b"x").unwrap();
        let later = tickets.current(start + 3 * TURN);
        assert!(tickets.open(&ticket, &later).is_none());
    }
}
