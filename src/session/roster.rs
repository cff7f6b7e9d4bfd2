//! The sessions there are, for SITE WHO.

use super::SessionId;
use crate::control;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

/// What others may learn about a session.
#[derive(Debug, Clone)]
pub(super) struct Present {
    pub(super) peer: SocketAddr,
    /// Empty before login.
    pub(super) user: Box<[u8]>,
    pub(super) since: Instant,
    /// Its control connection.
    socket: Weak<OwnedFd>,
}

/// The list of sessions that are alive.
#[derive(Debug, Default, Clone)]
pub(super) struct Roster(Arc<Mutex<BTreeMap<u64, Present>>>);

/// A session's line in the list; dropping it takes it out.
#[derive(Debug)]
pub(super) struct Listed {
    roster: Roster,
    id: SessionId,
}

impl Roster {
    fn lines(&self) -> MutexGuard<'_, BTreeMap<u64, Present>> {
        // Each change is one insertion or removal; none is left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session that has just connected.
    pub(super) fn enter(&self, id: SessionId, peer: SocketAddr, socket: Weak<OwnedFd>) -> Listed {
        let present = Present {
            socket,
            peer,
            user: Box::default(),
            since: Instant::now(),
        };
        self.lines().insert(id.0, present);
        Listed {
            roster: self.clone(),
            id,
        }
    }

    /// Takes every session's input away, so that it ends as soon as it looks.
    pub(super) fn cut_all(&self) {
        for present in self.lines().values() {
            if let Some(socket) = present.socket.upgrade() {
                control::cut(socket.as_fd());
            }
        }
    }

    /// The first `most` sessions by their numbers, and how many there are.
    pub(super) fn first(&self, most: usize) -> (Vec<(u64, Present)>, usize) {
        let lines = self.lines();
        let first = lines.iter().take(most);
        (
            first.map(|(id, present)| (*id, present.clone())).collect(),
            lines.len(),
        )
    }
}

impl Listed {
    /// Notes who has logged in; nobody if `user` is empty.
    pub(super) fn set_user(&self, user: &[u8]) {
        if let Some(present) = self.roster.lines().get_mut(&self.id.0) {
            present.user = user.into();
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.roster.lines().remove(&self.id.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_come_and_go() {
        let roster = Roster::default();
        let peer = SocketAddr::from(([192, 0, 2, 1], 1234));
        let second = roster.enter(SessionId(2), peer, Weak::new());
        let first = roster.enter(SessionId(1), peer, Weak::new());
        first.set_user(b"someone");
        let (lines, count) = roster.first(1);
        assert_eq!((lines.len(), count), (1, 2));
        assert_eq!((lines[0].0, &*lines[0].1.user), (1, &b"someone"[..]));
        drop(first);
        assert_eq!(roster.first(9).0[0].0, 2);
        drop(second);
        assert_eq!(roster.first(9).1, 0);
    }
}
