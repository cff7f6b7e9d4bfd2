//! The sessions there are, and what each of them is doing: for SITE WHO and
//! for the administrator.
//!
//! A session publishes as it goes, and nobody who looks makes it wait: what
//! it does and since when is one word, the bytes of a transfer a counter. A
//! lock is held, for as long as a name takes to be put in, only when one
//! changes. Who looks may see a moment that is just over.

use super::SessionId;
use crate::control;
use crate::protocol::command::{COMMANDS, Verb};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// What a session is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Doing {
    /// Nobody has logged in, and nothing is asked at this moment.
    LoggingIn,
    /// Logged in, and silent.
    Idle,
    /// Carries out a command.
    Busy,
    /// Waits for a data connection.
    Opening,
    /// Sends a file or a listing.
    Sending,
    /// Receives a file.
    Receiving,
}

impl Doing {
    const ALL: [Doing; 6] = [
        Doing::LoggingIn,
        Doing::Idle,
        Doing::Busy,
        Doing::Opening,
        Doing::Sending,
        Doing::Receiving,
    ];

    /// Whether a data connection is open.
    #[must_use]
    pub fn is_transfer(self) -> bool {
        matches!(self, Doing::Sending | Doing::Receiving)
    }
}

/// One word each, for tables and programs.
impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doing::LoggingIn => "login",
            Doing::Idle => "idle",
            Doing::Busy => "busy",
            Doing::Opening => "connecting",
            Doing::Sending => "sending",
            Doing::Receiving => "receiving",
        })
    }
}

/// A moment of a session, as somebody has seen it.
#[derive(Debug, Clone)]
pub struct Sight {
    /// The number by which the log knows the session.
    pub id: SessionId,
    /// The client's end of the control connection.
    pub peer: SocketAddr,
    /// The account; empty before login.
    pub user: Arc<[u8]>,
    /// Since the connection came.
    pub connected: Duration,
    /// What it does.
    pub doing: Doing,
    /// For how long it has done that.
    pub lasting: Duration,
    /// The command under way.
    pub command: Option<Verb>,
    /// The path, from the session's root, that a transfer is about; empty
    /// without one.
    pub file: Box<[u8]>,
    /// Bytes of the transfer under way that have gone over its data connection.
    pub bytes: u64,
    /// Bytes of all transfers of this session.
    pub total: u64,
}

/// The list of sessions that are alive.
#[derive(Debug, Default, Clone)]
pub struct Roster(Arc<Mutex<BTreeMap<u64, Arc<Present>>>>);

/// What a session tells of itself.
#[derive(Debug)]
struct Present {
    id: SessionId,
    peer: SocketAddr,
    since: Instant,
    /// Milliseconds from `since` to when this began, the verb under way (one
    /// byte, [`NO_VERB`] without) and what it does (one byte), from the top.
    doing: AtomicU64,
    /// Of the transfer under way, or the last one.
    bytes: AtomicU64,
    /// Of the transfers that are over.
    earlier: AtomicU64,
    names: Mutex<Names>,
    /// Whether there is a file in `names`.
    named: AtomicBool,
    /// Somebody wants the session to end.
    dismissed: AtomicBool,
    /// The control connection, for as long as the session has it.
    socket: Weak<OwnedFd>,
}

#[derive(Debug)]
struct Names {
    user: Arc<[u8]>,
    file: Box<[u8]>,
}

const NO_VERB: u8 = u8::MAX;

/// A session's line in the list; dropping it takes it out.
#[derive(Debug)]
pub(super) struct Listed {
    roster: Roster,
    present: Arc<Present>,
}

impl Roster {
    fn lines(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Present>>> {
        // Each change is one insertion or removal; none is left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session that has just connected.
    pub(super) fn enter(&self, id: SessionId, peer: SocketAddr, socket: Weak<OwnedFd>) -> Listed {
        let present = Arc::new(Present {
            id,
            peer,
            since: Instant::now(),
            doing: AtomicU64::new(word(Duration::ZERO, None, Doing::LoggingIn)),
            bytes: AtomicU64::new(0),
            earlier: AtomicU64::new(0),
            names: Mutex::new(Names {
                user: Arc::default(),
                file: Box::default(),
            }),
            named: AtomicBool::new(false),
            dismissed: AtomicBool::new(false),
            socket,
        });
        self.lines().insert(id.0, Arc::clone(&present));
        Listed {
            roster: self.clone(),
            present,
        }
    }

    /// The first `most` sessions by their numbers, and how many there are.
    #[must_use]
    pub fn first(&self, most: usize) -> (Vec<Sight>, usize) {
        // Looked at one by one only after the list is free again.
        let (first, count) = {
            let lines = self.lines();
            let first: Vec<_> = lines.values().take(most).cloned().collect();
            (first, lines.len())
        };
        (first.iter().map(|present| present.look()).collect(), count)
    }

    /// Tells a session to end, whatever it is doing: its worker finds the
    /// control connection closed for reading, and then why. False when there
    /// is none of this number. Never waits.
    #[must_use]
    pub fn dismiss(&self, id: SessionId) -> bool {
        let Some(present) = self.lines().get(&id.0).cloned() else {
            return false;
        };
        present.dismiss();
        true
    }

    /// Tells every session to end.
    pub(super) fn dismiss_all(&self) {
        for present in self.lines().values() {
            present.dismiss();
        }
    }
}

impl Present {
    fn dismiss(&self) {
        self.dismissed.store(true, Ordering::SeqCst);
        if let Some(socket) = self.socket.upgrade() {
            control::cut(socket.as_fd());
        }
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        // Each change is one assignment.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> Sight {
        let (at, command, doing) = read(self.doing.load(Ordering::Acquire));
        let connected = self.since.elapsed();
        let bytes = self.bytes.load(Ordering::Relaxed);
        let bytes = if doing.is_transfer() { bytes } else { 0 };
        let names = self.names();
        Sight {
            id: self.id,
            peer: self.peer,
            user: Arc::clone(&names.user),
            connected,
            doing,
            lasting: connected.saturating_sub(at),
            command,
            file: names.file.clone(),
            bytes,
            total: self.earlier.load(Ordering::Relaxed).saturating_add(bytes),
        }
    }
}

fn word(at: Duration, verb: Option<Verb>, doing: Doing) -> u64 {
    // 48 bits of milliseconds last for 8,900 years.
    let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX) << 16;
    let verb = verb.map_or(NO_VERB, |verb| verb as u8);
    at | u64::from(verb) << 8 | u64::from(doing as u8)
}

fn read(word: u64) -> (Duration, Option<Verb>, Doing) {
    let [.., verb, doing] = word.to_be_bytes();
    let command = COMMANDS.get(usize::from(verb)).map(|row| row.verb);
    let doing = Doing::ALL.get(usize::from(doing)).copied();
    let at = Duration::from_millis(word >> 16);
    (at, command, doing.unwrap_or(Doing::Busy))
}

impl Listed {
    /// Notes who has logged in; nobody if `user` is empty.
    pub(super) fn set_user(&self, user: &Arc<[u8]>) {
        self.present.names().user = Arc::clone(user);
    }

    fn set(&self, now: Instant, verb: Option<Verb>, doing: Doing) {
        let at = now.saturating_duration_since(self.present.since);
        let word = word(at, verb, doing);
        self.present.doing.store(word, Ordering::Release);
    }

    /// A command begins.
    pub(super) fn begins(&self, verb: Verb, now: Instant) {
        self.set(now, Some(verb), Doing::Busy);
    }

    /// The command under way turns to something else.
    pub(super) fn turns_to(&self, doing: Doing) {
        let (_, verb, _) = read(self.present.doing.load(Ordering::Relaxed));
        if doing.is_transfer() {
            self.present.bytes.store(0, Ordering::Relaxed);
        }
        self.set(Instant::now(), verb, doing);
    }

    /// The command under way is about this file.
    pub(super) fn is_about(&self, file: &[u8]) {
        self.present.names().file = file.into();
        self.present.named.store(true, Ordering::Relaxed);
    }

    /// So many bytes of the transfer under way have moved. On the path of the
    /// bytes, and so nothing but a store.
    pub(super) fn moved(&self, bytes: u64) {
        self.present.bytes.store(bytes, Ordering::Relaxed);
    }

    /// The transfer under way is over.
    pub(super) fn has_moved(&self, bytes: u64) {
        self.turns_to(Doing::Busy);
        self.present.earlier.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The command is over.
    pub(super) fn rests(&self, logged_in: bool, now: Instant) {
        let doing = if logged_in {
            Doing::Idle
        } else {
            Doing::LoggingIn
        };
        self.set(now, None, doing);
        if self.present.named.swap(false, Ordering::Relaxed) {
            self.present.names().file = Box::default();
        }
    }

    /// Whether somebody wants the session to end.
    pub(super) fn is_dismissed(&self) -> bool {
        self.present.dismissed.load(Ordering::SeqCst)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.roster.lines().remove(&self.present.id.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    fn enter(roster: &Roster, id: u64) -> Listed {
        let peer = SocketAddr::from(([192, 0, 2, 1], 1234));
        roster.enter(SessionId(id), peer, Weak::new())
    }

    fn only(roster: &Roster) -> Sight {
        let (mut sights, count) = roster.first(9);
        assert_eq!(count, 1);
        sights.remove(0)
    }

    #[test]
    fn sessions_come_and_go() {
        let roster = Roster::default();
        let second = enter(&roster, 2);
        let first = enter(&roster, 1);
        first.set_user(&Arc::from(&b"someone"[..]));
        let (sights, count) = roster.first(1);
        assert_eq!((sights.len(), count), (1, 2));
        assert_eq!((sights[0].id.0, &*sights[0].user), (1, &b"someone"[..]));
        drop(first);
        assert_eq!(roster.first(9).0[0].id.0, 2);
        drop(second);
        assert_eq!(roster.first(9).1, 0);
    }

    #[test]
    fn what_a_session_does_is_seen_from_outside() {
        let roster = Roster::default();
        let listed = enter(&roster, 1);
        assert_eq!(only(&roster).doing, Doing::LoggingIn);
        listed.rests(true, Instant::now());
        let sight = only(&roster);
        assert_eq!((sight.doing, sight.command), (Doing::Idle, None));
        listed.begins(Verb::Retr, Instant::now());
        listed.is_about(b"/file");
        assert_eq!(only(&roster).doing, Doing::Busy);
        listed.turns_to(Doing::Sending);
        listed.moved(1 << 40);
        let sight = only(&roster);
        assert_eq!(
            (sight.doing, sight.command),
            (Doing::Sending, Some(Verb::Retr))
        );
        assert_eq!((&*sight.file, sight.bytes), (&b"/file"[..], 1 << 40));
        listed.has_moved(1 << 40);
        assert_eq!((only(&roster).bytes, only(&roster).total), (0, 1 << 40));
        listed.rests(true, Instant::now());
        assert_eq!(
            (only(&roster).command, &*only(&roster).file),
            (None, &b""[..])
        );
        listed.begins(Verb::Stor, Instant::now());
        listed.turns_to(Doing::Receiving);
        listed.moved(5);
        assert_eq!(
            (only(&roster).bytes, only(&roster).total),
            (5, (1 << 40) + 5)
        );
    }

    #[test]
    fn one_word_holds_every_verb_and_what_is_done() {
        for row in COMMANDS {
            for doing in Doing::ALL {
                let at = Duration::from_millis(123_456_789_012);
                let word = word(at, Some(row.verb), doing);
                assert_eq!(read(word), (at, Some(row.verb), doing));
            }
        }
        let idle = word(Duration::ZERO, None, Doing::Idle);
        assert_eq!(read(idle), (Duration::ZERO, None, Doing::Idle));
    }

    #[test]
    fn who_is_dismissed_finds_the_connection_closed_for_reading() {
        let roster = Roster::default();
        let (mut client, server) = UnixStream::pair().unwrap();
        let server: Arc<OwnedFd> = Arc::new(server.into());
        let peer = SocketAddr::from(([192, 0, 2, 1], 1234));
        let listed = roster.enter(SessionId(7), peer, Arc::downgrade(&server));
        assert!(!listed.is_dismissed());
        assert!(!roster.dismiss(SessionId(8)));
        assert!(roster.dismiss(SessionId(7)));
        assert!(listed.is_dismissed());
        let end = crate::sys::transfer::receive_now(server.as_fd(), &mut [0]);
        assert_eq!(end.unwrap(), 0);
        // The connection itself is the session's to close.
        drop(server);
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        assert!(roster.dismiss(SessionId(7)));
    }
}
