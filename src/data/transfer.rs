//! One transfer under way: the waiting, the limits and the count that
//! sending and receiving share.

use super::rate::Pace;
use super::{Heed, Interruption, Watch};
use crate::sys;
use crate::sys::poll::{self, HANG_UP, Interest, READABLE, WRITABLE};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// What bounds a transfer.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time in which nothing moves (data_connection_timeout).
    pub stall: Option<Duration>,
    /// Bytes per second; 0 means no limit.
    pub rate: u64,
}

/// A fast transfer never waits, so it looks at the control connection each
/// time this many bytes have moved,
const LOOK_EVERY: u64 = 16 << 20;

/// and, should the disk be slow, after this time.
const LOOK_AFTER: Duration = Duration::from_millis(500);

/// A transfer over one data connection.
pub struct Transfer<'run> {
    pub(super) socket: BorrowedFd<'run>,
    watch: &'run mut dyn Watch,
    limits: Limits,
    pace: Pace,
    moved: u64,
    look_at: u64,
    looked: Instant,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the client.
    Send,
    /// From the client.
    Receive,
}

impl<'run> Transfer<'run> {
    /// A transfer over `socket`, which must be non-blocking.
    pub fn new(socket: BorrowedFd<'run>, watch: &'run mut dyn Watch, limits: Limits) -> Self {
        Transfer {
            socket,
            watch,
            limits,
            pace: Pace::new(limits.rate),
            moved: 0,
            look_at: LOOK_EVERY,
            looked: Instant::now(),
        }
    }

    /// Bytes moved over the data connection so far.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// How many bytes may be moved in one call: `wish`, or less under a rate limit.
    pub(super) fn share(&self, wish: usize) -> usize {
        self.pace.share(wish)
    }

    /// Accounts for `count` bytes that just moved: keeps the rate, and looks
    /// at the control connection now and then.
    ///
    /// # Errors
    /// When the control connection says so.
    pub(super) fn account(&mut self, count: usize) -> Result<(), Interruption> {
        self.moved += u64::try_from(count).unwrap_or(u64::MAX);
        if let Some(until) = self.pace.moved(count) {
            self.sleep(until)?;
        } else if self.moved >= self.look_at || self.looked.elapsed() > LOOK_AFTER {
            self.looked = Instant::now();
            self.look_at = self.moved + LOOK_EVERY;
            self.look(Duration::ZERO)?;
        }
        Ok(())
    }

    /// Waits until the data connection can move bytes in `direction`.
    ///
    /// # Errors
    /// When nothing moves for too long or the control connection says so.
    pub(super) fn wait(&mut self, direction: Direction) -> Result<(), Interruption> {
        let events = match direction {
            Direction::Send => WRITABLE,
            Direction::Receive => READABLE,
        };
        wait_for(
            self.socket,
            events,
            self.watch,
            self.moved,
            self.limits.stall,
        )
    }

    /// Keeps an eye on the control connection until `until`.
    fn sleep(&mut self, until: Instant) -> Result<(), Interruption> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.look(left)?;
        }
    }

    /// Attends to the control connection if anything happens there in `time`.
    fn look(&mut self, time: Duration) -> Result<(), Interruption> {
        let (control, heed) = self.watch.control();
        let mut interests = [Interest::new(control, events_of(heed))];
        let ready = match heed {
            Heed::Nothing => {
                std::thread::sleep(time);
                false
            }
            _ => poll::poll(&mut interests, Some(time)).map_err(Interruption::Network)?,
        };
        if ready {
            self.watch.attend(self.moved)?;
        }
        Ok(())
    }
}

fn events_of(heed: Heed) -> i16 {
    match heed {
        Heed::Input => READABLE,
        Heed::End => HANG_UP,
        Heed::Nothing => 0,
    }
}

/// Waits for `events` on `descriptor` while attending to the control
/// connection; `limit` counts from now.
///
/// # Errors
/// When time is over or the control connection says so.
pub(super) fn wait_for(
    descriptor: BorrowedFd<'_>,
    events: i16,
    watch: &mut dyn Watch,
    moved: u64,
    limit: Option<Duration>,
) -> Result<(), Interruption> {
    let deadline = limit.map(|limit| Instant::now() + limit);
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let (data_ready, control_ready) = {
            let (control, heed) = watch.control();
            let data = Interest::new(descriptor, events);
            if heed == Heed::Nothing {
                let mut interests = [data];
                poll_or_fail(&mut interests, left)?;
                let [data] = interests;
                (data.ready(), false)
            } else {
                let mut interests = [data, Interest::new(control, events_of(heed))];
                poll_or_fail(&mut interests, left)?;
                let [data, control] = interests;
                (data.ready(), control.ready())
            }
        };
        if control_ready {
            watch.attend(moved)?;
        }
        if data_ready {
            return Ok(());
        }
        if let (Some(limit), Some(at)) = (limit, deadline)
            && Instant::now() >= at
        {
            return Err(Interruption::TimedOut(limit));
        }
    }
}

fn poll_or_fail<const N: usize>(
    interests: &mut [Interest<'_>; N],
    left: Option<Duration>,
) -> Result<(), Interruption> {
    poll::poll(interests, left)
        .map(drop)
        .map_err(|error: sys::Error| Interruption::Network(error))
}
