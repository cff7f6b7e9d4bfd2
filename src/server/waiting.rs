//! The waiting room: sessions that have been silent for a moment lie here
//! without a thread, until their client says something or their time is up.
//!
//! One thread with epoll(7) watches all of them. A descriptor stays
//! registered between visits, disarmed, so that coming back costs one call.

use super::pool::{Job, Pool};
use crate::session::{SessionId, Wake};
use crate::sys;
use crate::sys::poll::{Bell, Epoll, Watch};
use std::collections::{BTreeSet, HashMap};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Number under which epoll knows the bell; sessions count from 1.
const BELL: u64 = 0;

/// The room. Sessions are known by their [`crate::session::SessionId`].
#[derive(Debug)]
pub(super) struct WaitingRoom {
    epoll: Epoll,
    bell: Bell,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seats: HashMap<u64, (Box<Job>, Option<Instant>)>,
    deadlines: BTreeSet<(Instant, u64)>,
    /// The thread sleeps until then; `None` is for ever.
    asleep_until: Option<Instant>,
    closed: bool,
}

impl State {
    fn take(&mut self, id: u64) -> Option<Box<Job>> {
        let (job, deadline) = self.seats.remove(&id)?;
        if let Some(deadline) = deadline {
            self.deadlines.remove(&(deadline, id));
        }
        Some(job)
    }
}

impl WaitingRoom {
    /// An empty room.
    ///
    /// # Errors
    /// When the system gives no epoll or eventfd.
    pub(super) fn new() -> Result<WaitingRoom, sys::Error> {
        let room = WaitingRoom {
            epoll: Epoll::new()?,
            bell: Bell::new()?,
            state: Mutex::default(),
        };
        room.epoll.add(room.bell.as_fd(), BELL, Watch::Level)?;
        Ok(room)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A job is either in the maps or with its taker between statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a session wait: until `deadline`, if there is one, and for
    /// input, if `heed_input`. A session the kernel will not watch is dropped.
    pub(super) fn admit(&self, mut job: Box<Job>, deadline: Option<Instant>, heed_input: bool) {
        let id = job.session.id().0;
        let mut state = self.state();
        if state.closed {
            job.session.farewell();
            return;
        }
        // Whoever dismisses a session looks for it here afterwards
        // (`WaitingRoom::rouse`), and so finds it or is seen here.
        let deadline = if job.session.is_dismissed() {
            Some(Instant::now())
        } else {
            deadline
        };
        if heed_input {
            // Armed under the lock: the thread finds the seat taken when the
            // event comes.
            let descriptor = job.session.as_fd();
            let armed = if job.registered {
                self.epoll.rearm(descriptor, id)
            } else {
                self.epoll.add(descriptor, id, Watch::Once)
            };
            if let Err(error) = armed {
                log::error!("session {id} dropped, it cannot be watched: {error}");
                return;
            }
            job.registered = true;
        }
        if let Some(deadline) = deadline {
            state.deadlines.insert((deadline, id));
        }
        state.seats.insert(id, (job, deadline));
        let oversleeps = match (deadline, state.asleep_until) {
            (Some(deadline), Some(until)) => deadline < until,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if oversleeps {
            self.bell.ring();
        }
    }

    /// Brings a session back before its time, if it waits here: it has been
    /// dismissed, and should hear of it.
    pub(super) fn rouse(&self, id: SessionId, pool: &Arc<Pool>) {
        let job = self.state().take(id.0);
        if let Some(job) = job {
            pool.submit(job, Wake::TimeIsUp);
        }
    }

    /// Ends the waiting: says farewell to everybody here and later.
    pub(super) fn close(&self) {
        let seats = {
            let mut state = self.state();
            state.closed = true;
            state.deadlines.clear();
            std::mem::take(&mut state.seats)
        };
        for (mut job, _) in seats.into_values() {
            job.session.farewell();
        }
        self.bell.ring();
    }

    /// The room's thread: hands sessions to `pool` until the room is closed.
    pub(super) fn keep(&self, pool: &Arc<Pool>) {
        let mut ready = Vec::with_capacity(64);
        loop {
            let timeout = {
                let mut state = self.state();
                if state.closed {
                    return;
                }
                let next = state.deadlines.first().map(|&(deadline, _)| deadline);
                state.asleep_until = next;
                next.map(|next| next.saturating_duration_since(Instant::now()))
            };
            ready.clear();
            if let Err(error) = self.epoll.wait(&mut ready, timeout) {
                unreachable!("epoll_wait fails only for arguments that are not ours: {error}");
            }
            for &id in &ready {
                if id == BELL {
                    self.bell.hush();
                } else if let Some(job) = self.state().take(id) {
                    pool.submit(job, Wake::Readable);
                }
            }
            self.wake_the_late(pool);
        }
    }

    fn wake_the_late(&self, pool: &Arc<Pool>) {
        let now = Instant::now();
        loop {
            let job = {
                let mut state = self.state();
                match state.deadlines.first() {
                    Some(&(deadline, id)) if deadline <= now => state.take(id),
                    _ => return,
                }
            };
            if let Some(job) = job {
                pool.submit(job, Wake::TimeIsUp);
            }
        }
    }
}
