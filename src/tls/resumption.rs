//! Which TLS session may be resumed by whom (RFC 8446 section 2.2, RFC 5246
//! section 7.3): the ear that rustls asks during one handshake.
//!
//! A data connection may resume sessions of its own control connection, in
//! either version, as often as the client likes, and nothing else: that it
//! can shows that the client is the one at the other end of the control
//! connection. It gets no tickets itself, for a client that only sends there
//! closes with the ticket unread, which resets the connection and loses the
//! end of its upload. A control connection may resume an earlier one's
//! session, unless clients have certificates to show.
//!
//! Every handshake has a `rustls::ServerConfig` of its own with an ear of
//! its own: so rustls's questions, which do not say which connection they
//! are about, are known to be about this one.

use super::tickets::{Identity, LIFETIME, TicketKey, Tickets};
use rustls::server::{ProducesTickets, StoresServerSessions};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What the client showed in order to resume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    #[default]
    Nothing,
    /// A session that it may resume here.
    Own,
    /// The session of another control connection.
    Foreign,
    /// What is no session of this server, or none any more.
    Unknown,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shown::Nothing => "showed no TLS session to resume",
            Shown::Own => "showed the TLS session of its control connection, and did not resume it",
            Shown::Foreign => "showed the TLS session of another control connection",
            Shown::Unknown => "showed a TLS session that this server does not know, or no more",
        })
    }
}

/// The TLS session of a control connection, as its data connections need it.
#[derive(Debug)]
pub struct Lineage {
    identity: Identity,
    /// Kept from the ring, so that tickets last as long as the connection.
    key: Arc<TicketKey>,
    /// A session of version 1.2 that goes by a number, for clients that know
    /// no tickets.
    numbered: Option<Numbered>,
}

/// Number and session.
type Numbered = (Box<[u8]>, Box<[u8]>);

/// Whose handshake it is.
#[derive(Clone, Debug)]
enum Role {
    /// A control connection's; whether it may resume.
    Control(bool),
    /// A data connection's of this control connection.
    Data(Arc<Lineage>),
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Ear {
    role: Role,
    tickets: Arc<Tickets>,
    key: Arc<TicketKey>,
    heard: Mutex<Heard>,
}

#[derive(Debug)]
struct Heard {
    /// Its own, until it has resumed.
    identity: Identity,
    /// That of the ticket shown last. Whoever shows a ticket need not have
    /// the keys in it: it counts only once the session is resumed.
    inherited: Option<Identity>,
    /// Whether a session was resumed, once that is known.
    resumed: Option<bool>,
    shown: Shown,
    numbered: Option<Numbered>,
}

impl Ear {
    /// For a control connection.
    ///
    /// # Errors
    /// getrandom's own.
    pub(super) fn control(tickets: &Arc<Tickets>, may_resume: bool) -> io::Result<Ear> {
        Ok(Ear {
            role: Role::Control(may_resume),
            tickets: Arc::clone(tickets),
            key: tickets.current(Instant::now()),
            heard: Mutex::new(Heard {
                identity: Identity::new()?,
                inherited: None,
                resumed: None,
                shown: Shown::Nothing,
                numbered: None,
            }),
        })
    }

    /// For a data connection.
    pub(super) fn data(tickets: &Arc<Tickets>, lineage: &Arc<Lineage>) -> Ear {
        Ear {
            role: Role::Data(Arc::clone(lineage)),
            tickets: Arc::clone(tickets),
            key: Arc::clone(&lineage.key),
            heard: Mutex::new(Heard {
                identity: lineage.identity,
                inherited: None,
                resumed: None,
                shown: Shown::Nothing,
                numbered: None,
            }),
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears whether a session was resumed: to be told between the client's
    /// first message and its last.
    pub(super) fn settle(&self, resumed: bool) {
        self.heard().resumed = Some(resumed);
    }

    /// What the client showed.
    pub(super) fn shown(&self) -> Shown {
        self.heard().shown
    }

    /// What a control connection hands down to its data connections.
    pub(super) fn lineage(&self) -> Lineage {
        let mut heard = self.heard();
        Lineage {
            identity: heard.identity(),
            key: Arc::clone(&self.key),
            numbered: heard.numbered.take(),
        }
    }

    /// The session in a ticket, if the client may resume it here.
    fn redeem(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let opened = self.tickets.open(ticket, &self.key);
        let mut heard = self.heard();
        let Some((identity, session)) = opened else {
            heard.note(Shown::Unknown);
            return None;
        };
        match &self.role {
            Role::Control(true) => heard.inherited = Some(identity),
            Role::Control(false) => return None,
            Role::Data(lineage) if lineage.identity == identity => {}
            Role::Data(_) => {
                heard.note(Shown::Foreign);
                return None;
            }
        }
        heard.note(Shown::Own);
        Some(session)
    }
}

impl Heard {
    /// Whose tickets are. In version 1.2 a resumed session's ticket is made
    /// at once, before anybody can tell; any other comes later.
    fn identity(&self) -> Identity {
        match self.inherited {
            Some(inherited) if self.resumed != Some(false) => inherited,
            _ => self.identity,
        }
    }

    /// A client may show several; the best one counts.
    fn note(&mut self, shown: Shown) {
        if self.shown != Shown::Own && shown != Shown::Nothing {
            self.shown = shown;
        }
    }
}

impl ProducesTickets for Ear {
    /// False on data connections: rustls then offers none, and still asks
    /// [`ProducesTickets::decrypt`] in version 1.2, and in version 1.3
    /// [`StoresServerSessions::take`] instead.
    fn enabled(&self) -> bool {
        matches!(self.role, Role::Control(_))
    }

    fn lifetime(&self) -> u32 {
        LIFETIME
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut heard = self.heard();
        // A client with a ticket needs no number.
        heard.numbered = None;
        self.key.seal(heard.identity(), plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.redeem(cipher)
    }
}

impl StoresServerSessions for Ear {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        if let Role::Data(_) = self.role {
            return false;
        }
        self.heard().numbered = Some((key.into(), value.into()));
        true
    }

    /// The session of this number, in version 1.2.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        // Only what this very connection began has a number.
        let Role::Data(lineage) = &self.role else {
            return None;
        };
        let found = lineage.numbered.as_ref();
        let found = found.filter(|(number, _)| **number == *key);
        let shown = match found {
            Some(_) => Shown::Own,
            None => Shown::Unknown,
        };
        self.heard().note(shown);
        found.map(|(_, session)| session.to_vec())
    }

    /// The session in a ticket, in version 1.3 on data connections.
    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.redeem(key)
    }

    fn can_cache(&self) -> bool {
        matches!(self.role, Role::Control(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets() -> Arc<Tickets> {
        Arc::new(Tickets::new().unwrap())
    }

    #[test]
    fn a_ticket_is_good_any_number_of_times_on_its_own_data_connections() {
        let tickets = tickets();
        let control = Ear::control(&tickets, true).unwrap();
        let ticket = control.encrypt(b"session").unwrap();
        let lineage = Arc::new(control.lineage());
        for _ in 0..100 {
            let data = Ear::data(&tickets, &lineage);
            assert_eq!(data.take(&ticket).unwrap(), b"session");
            assert_eq!(data.decrypt(&ticket).unwrap(), b"session");
            assert_eq!(data.shown(), Shown::Own);
        }
    }

    #[test]
    fn a_ticket_of_another_control_connection_is_refused_and_told() {
        let tickets = tickets();
        let one = Ear::control(&tickets, true).unwrap();
        let other = Ear::control(&tickets, true).unwrap();
        let ticket = one.encrypt(b"session").unwrap();
        let data = Ear::data(&tickets, &Arc::new(other.lineage()));
        assert_eq!(data.take(&ticket), None);
        assert_eq!(data.shown(), Shown::Foreign);
        assert_eq!(data.take(b"garbage"), None);
        assert_eq!(data.shown(), Shown::Unknown);
    }

    #[test]
    fn a_control_connection_that_resumes_belongs_to_the_earlier_one() {
        let tickets = tickets();
        let first = Ear::control(&tickets, true).unwrap();
        let ticket = first.encrypt(b"session").unwrap();
        let second = Ear::control(&tickets, true).unwrap();
        assert!(second.decrypt(&ticket).is_some());
        second.settle(true);
        let data = Ear::data(&tickets, &Arc::new(second.lineage()));
        assert!(data.take(&ticket).is_some());
        assert!(data.take(&second.encrypt(b"more").unwrap()).is_some());
    }

    #[test]
    fn a_ticket_that_was_shown_but_not_resumed_makes_no_relation() {
        let tickets = tickets();
        let victim = Ear::control(&tickets, true).unwrap();
        let ticket = victim.encrypt(b"session").unwrap();
        let thief = Ear::control(&tickets, true).unwrap();
        assert!(thief.decrypt(&ticket).is_some());
        thief.settle(false);
        let stolen = thief.encrypt(b"session").unwrap();
        let data = Ear::data(&tickets, &Arc::new(victim.lineage()));
        assert_eq!(data.take(&stolen), None);
        let own = Ear::data(&tickets, &Arc::new(thief.lineage()));
        assert_eq!(own.take(&ticket), None);
    }

    #[test]
    fn with_client_certificates_no_control_connection_resumes() {
        let tickets = tickets();
        let first = Ear::control(&tickets, false).unwrap();
        let ticket = first.encrypt(b"session").unwrap();
        let second = Ear::control(&tickets, false).unwrap();
        assert_eq!(second.decrypt(&ticket), None);
        // Its own data connections do, all the same.
        let data = Ear::data(&tickets, &Arc::new(first.lineage()));
        assert!(data.take(&ticket).is_some());
        let data = Ear::data(&tickets, &Arc::new(second.lineage()));
        assert_eq!(data.take(&ticket), None);
    }

    #[test]
    fn a_numbered_session_is_known_to_its_own_data_connections_alone() {
        let tickets = tickets();
        let one = Ear::control(&tickets, true).unwrap();
        let other = Ear::control(&tickets, true).unwrap();
        assert!(one.can_cache() && one.put(b"number".to_vec(), b"session".to_vec()));
        assert_eq!(other.get(b"number"), None);
        let own = Ear::data(&tickets, &Arc::new(one.lineage()));
        assert_eq!(own.get(b"number").unwrap(), b"session");
        let strange = Ear::data(&tickets, &Arc::new(other.lineage()));
        assert_eq!(strange.get(b"number"), None);
        assert_eq!(strange.shown(), Shown::Unknown);
        assert!(!own.can_cache() && !own.put(Vec::new(), Vec::new()));
    }

    #[test]
    fn data_connections_are_offered_no_tickets() {
        let tickets = tickets();
        let control = Ear::control(&tickets, true).unwrap();
        let data = Ear::data(&tickets, &Arc::new(control.lineage()));
        assert!(control.enabled() && !data.enabled());
    }
}
