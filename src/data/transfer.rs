//! One transfer under way: the waiting, the limits and the count that
//! sending and receiving share.

use super::rate::Pace;
use super::sealed::Seal;
use super::{Heed, Interruption, Watch};
use crate::sys::poll::{self, Bell, HANG_UP, Interest, READABLE, WRITABLE};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// What bounds a transfer.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest time in which nothing moves (data_connection_timeout).
    pub stall: Option<Duration>,
    /// Bytes per second; 0 means no limit.
    pub rate: u64,
    /// Bytes moved in one call at most, if somebody has said so
    /// (trans_chunk_size).
    pub chunk: Option<usize>,
}

/// A fast transfer never waits, so it looks at the control connection each
/// time this many bytes have moved,
const LOOK_EVERY: u64 = 16 << 20;

/// and, should the disk be slow, after this time.
const LOOK_AFTER: Duration = Duration::from_millis(500);

/// Pauses of [`until`]: short for what is over at once,
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// and long enough later to cost nothing.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A transfer over one data connection.
pub struct Transfer<'run> {
    pub(super) socket: BorrowedFd<'run>,
    pub(super) watch: &'run mut dyn Watch,
    limits: Limits,
    pace: Pace,
    moved: u64,
    /// See [`Transfer::inflated`].
    pub(super) inflated: Option<u64>,
    /// `moved`, and what was charged besides.
    done: u64,
    look_at: u64,
    looked: Instant,
    /// Protection, where the data connection has it (PROT P).
    pub(super) seal: Option<Box<Seal<'run>>>,
    /// See [`Transfer::is_cut_off`].
    pub(super) cut_off: bool,
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
            inflated: None,
            done: 0,
            look_at: LOOK_EVERY,
            looked: Instant::now(),
            seal: None,
            cut_off: false,
        }
    }

    /// Bytes moved over the data connection so far.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// What they are without the compression of MODE Z, where that is on.
    #[must_use]
    pub fn inflated(&self) -> Option<u64> {
        self.inflated
    }

    /// How many bytes may be moved in one call: `wish`, or less under a limit.
    pub(super) fn share(&self, wish: usize) -> usize {
        let share = self.pace.share(wish);
        self.limits.chunk.map_or(share, |chunk| share.min(chunk))
    }

    /// Accounts for `count` bytes that just moved: keeps the rate, and looks
    /// at the control connection now and then.
    ///
    /// # Errors
    /// When the control connection says so.
    pub(super) fn account(&mut self, count: usize) -> Result<(), Interruption> {
        self.moved += u64::try_from(count).unwrap_or(u64::MAX);
        self.watch.moved(self.moved);
        self.charge(count)
    }

    /// The same for bytes that moved without the wire showing it: those a
    /// compressing mode saves. They count for the rate and for looking, not
    /// for [`Transfer::moved`].
    ///
    /// # Errors
    /// When the control connection says so.
    pub(super) fn charge(&mut self, count: usize) -> Result<(), Interruption> {
        self.done += u64::try_from(count).unwrap_or(u64::MAX);
        if let Some(until) = self.pace.moved(count) {
            self.sleep(until)?;
        } else if self.done >= self.look_at || self.looked.elapsed() > LOOK_AFTER {
            self.looked = Instant::now();
            self.look_at = self.done + LOOK_EVERY;
            look(self.watch, self.moved, Duration::ZERO)?;
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
        let waiting = Waiting::new(self.limits.stall);
        wait_for(self.socket, events, None, self.watch, self.moved, waiting)
    }

    /// Keeps an eye on the control connection until `until`.
    fn sleep(&mut self, until: Instant) -> Result<(), Interruption> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            look(self.watch, self.moved, left)?;
        }
    }

    /// Attends to the control connection if anything happened there: for
    /// work within a transfer that moves no bytes.
    ///
    /// # Errors
    /// When the control connection says so.
    pub fn attend(&mut self) -> Result<(), Interruption> {
        look(self.watch, self.moved, Duration::ZERO)
    }
}

/// Attends to the control connection if anything happens there in `time`.
///
/// # Errors
/// When the control connection says so.
pub(super) fn look(watch: &mut dyn Watch, moved: u64, time: Duration) -> Result<(), Interruption> {
    let mut interests = [interest_in(watch.control())];
    poll::poll(&mut interests, Some(time)).map_err(Interruption::Network)?;
    let [control] = interests;
    if control.ready() || is_unheard(watch) {
        watch.attend(moved)?;
    }
    Ok(())
}

/// Asks `attempt` again and again, with pauses, until it gives something,
/// and attends to the control connection meanwhile: for what the kernel has
/// no event for.
///
/// # Errors
/// When `limit` is over or the control connection says so.
pub fn until<T>(
    watch: &mut dyn Watch,
    limit: Option<Duration>,
    mut attempt: impl FnMut() -> Option<T>,
) -> Result<T, Interruption> {
    let waiting = Waiting::new(limit);
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(found) = attempt() {
            return Ok(found);
        }
        waiting.check()?;
        let left = waiting.left().unwrap_or(pause);
        look(watch, 0, pause.min(left))?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A wait that may take so long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    /// The limit, and the moment at which it is over.
    end: Option<(Duration, Instant)>,
}

impl Waiting {
    /// A wait of at most `limit` from now on.
    pub(super) fn new(limit: Option<Duration>) -> Waiting {
        Waiting {
            end: limit.map(|limit| (limit, Instant::now() + limit)),
        }
    }

    /// What is left of it; `None` is for ever.
    fn left(&self) -> Option<Duration> {
        let (_, at) = self.end?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// Errs once it is over.
    pub(super) fn check(&self) -> Result<(), Interruption> {
        match self.end {
            Some((limit, at)) if Instant::now() >= at => Err(Interruption::TimedOut(limit)),
            _ => Ok(()),
        }
    }
}

/// Whether nothing on the control connection would wake who waits.
fn is_unheard(watch: &dyn Watch) -> bool {
    watch.control().1 == Heed::Nothing
}

fn interest_in((control, heed): (BorrowedFd<'_>, Heed)) -> Interest<'_> {
    match heed {
        Heed::Input => Interest::new(control, READABLE),
        Heed::End => Interest::new(control, HANG_UP),
        Heed::Nothing => Interest::none(),
    }
}

/// Waits for `events` on `descriptor`, or for `bell`, while attending to the
/// control connection.
///
/// # Errors
/// When time is over or the control connection says so.
pub(super) fn wait_for(
    descriptor: BorrowedFd<'_>,
    events: i16,
    bell: Option<&Bell>,
    watch: &mut dyn Watch,
    moved: u64,
    waiting: Waiting,
) -> Result<(), Interruption> {
    loop {
        let mut interests = [
            Interest::new(descriptor, events),
            bell.map_or(Interest::none(), |bell| {
                Interest::new(bell.as_fd(), READABLE)
            }),
            interest_in(watch.control()),
        ];
        let mut left = waiting.left();
        if is_unheard(watch) {
            left = Some(left.map_or(LOOK_AFTER, |left| left.min(LOOK_AFTER)));
        }
        poll::poll(&mut interests, left).map_err(Interruption::Network)?;
        let [data, bell, control] = interests.map(|interest| interest.ready());
        if control || is_unheard(watch) {
            watch.attend(moved)?;
        }
        if data || bell {
            return Ok(());
        }
        waiting.check()?;
    }
}
