//! Waiting: poll(2) over a few descriptors, epoll(7) over many, eventfd(2)
//! to be woken by another thread.

use super::Result;
use super::error::{Error, check, retry};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Readable, or closed by the peer.
pub const READABLE: i16 = libc::POLLIN;
/// Writable.
pub const WRITABLE: i16 = libc::POLLOUT;
/// Only the peer's end of sending, and errors; for a descriptor whose input
/// is not to be read now.
pub const HANG_UP: i16 = libc::POLLRDHUP;

/// One descriptor to wait for and, afterwards, what came of it.
pub struct Interest<'fd> {
    descriptor: Option<BorrowedFd<'fd>>,
    events: i16,
    seen: i16,
}

impl<'fd> Interest<'fd> {
    /// Waits for `events` ([`READABLE`], [`WRITABLE`], [`HANG_UP`]) on a descriptor.
    #[must_use]
    pub fn new(descriptor: BorrowedFd<'fd>, events: i16) -> Interest<'fd> {
        Interest {
            descriptor: Some(descriptor),
            events,
            seen: 0,
        }
    }

    /// Waits for nothing; such an interest is never ready.
    #[must_use]
    pub fn none() -> Interest<'fd> {
        Interest {
            descriptor: None,
            events: 0,
            seen: 0,
        }
    }

    /// Whether anything was seen, errors and hang-ups included.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.seen != 0
    }
}

fn milliseconds(timeout: Option<Duration>) -> i32 {
    // Rounded up: a wait of 0.4 ms must not become a busy loop of zeros.
    timeout.map_or(-1, |timeout| {
        let rounded = timeout.as_nanos().div_ceil(1_000_000);
        i32::try_from(rounded).unwrap_or(i32::MAX)
    })
}

/// poll(2) on a few descriptors. `None` waits for ever. Returns
/// whether one is ready; a signal counts as "none yet" only when time is over.
///
/// # Errors
/// poll's own, ENOMEM and EINVAL.
pub fn poll<const N: usize>(
    interests: &mut [Interest<'_>; N],
    timeout: Option<Duration>,
) -> Result<bool> {
    let mut raw: [libc::pollfd; N] = std::array::from_fn(|_| libc::pollfd {
        fd: -1,
        events: 0,
        revents: 0,
    });
    for (slot, interest) in raw.iter_mut().zip(interests.iter()) {
        // poll(2) passes over negative descriptors.
        slot.fd = interest.descriptor.map_or(-1, |fd| fd.as_raw_fd());
        slot.events = interest.events;
    }
    let count = libc::nfds_t::try_from(N).map_err(|_| Error::new("poll", libc::EINVAL))?;
    // SAFETY: `raw` holds N pollfd and N is passed with it.
    let ready = match check("poll", unsafe {
        libc::poll(raw.as_mut_ptr(), count, milliseconds(timeout))
    }) {
        Err(error) if error.errno() == libc::EINTR => 0,
        result => result?,
    };
    for (interest, slot) in interests.iter_mut().zip(raw) {
        interest.seen = slot.revents;
    }
    Ok(ready > 0)
}

/// [`poll`] for a number of descriptors that is not known beforehand.
///
/// # Errors
/// poll's own, ENOMEM and EINVAL.
pub fn poll_many(interests: &mut [Interest<'_>], timeout: Option<Duration>) -> Result<bool> {
    let mut raw: Vec<libc::pollfd> = interests
        .iter()
        .map(|interest| libc::pollfd {
            fd: interest.descriptor.map_or(-1, |fd| fd.as_raw_fd()),
            events: interest.events,
            revents: 0,
        })
        .collect();
    let count = libc::nfds_t::try_from(raw.len()).map_err(|_| Error::new("poll", libc::EINVAL))?;
    // SAFETY: `raw` holds as many pollfd as passed with it.
    let ready = match check("poll", unsafe {
        libc::poll(raw.as_mut_ptr(), count, milliseconds(timeout))
    }) {
        Err(error) if error.errno() == libc::EINTR => 0,
        result => result?,
    };
    for (interest, slot) in interests.iter_mut().zip(raw) {
        interest.seen = slot.revents;
    }
    Ok(ready > 0)
}

/// An epoll(7) instance; descriptors are known by a number of the caller's.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

/// How a descriptor is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Report readability as long as it lasts.
    Level,
    /// Report readability once, then be silent until armed again.
    Once,
}

impl Epoll {
    /// epoll_create1(2).
    ///
    /// # Errors
    /// epoll_create1's own.
    pub fn new() -> Result<Epoll> {
        // SAFETY: only an integer is passed.
        let fd = check("epoll_create1", unsafe {
            libc::epoll_create1(libc::EPOLL_CLOEXEC)
        })?;
        // SAFETY: the kernel just returned this descriptor; nobody else has it.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Starts watching `descriptor` for input.
    ///
    /// # Errors
    /// epoll_ctl's own, ENOSPC (fs.epoll.max_user_watches) among them.
    pub fn add(&self, descriptor: BorrowedFd<'_>, token: u64, watch: Watch) -> Result<()> {
        self.control(libc::EPOLL_CTL_ADD, descriptor, token, watch)
    }

    /// Arms a descriptor added with [`Watch::Once`] again.
    ///
    /// # Errors
    /// epoll_ctl's own.
    pub fn rearm(&self, descriptor: BorrowedFd<'_>, token: u64) -> Result<()> {
        self.control(libc::EPOLL_CTL_MOD, descriptor, token, Watch::Once)
    }

    /// Stops watching a descriptor. Needed where closing it does not do that:
    /// another process may have the same socket.
    ///
    /// # Errors
    /// epoll_ctl's own.
    pub fn remove(&self, descriptor: BorrowedFd<'_>) -> Result<()> {
        self.control(libc::EPOLL_CTL_DEL, descriptor, 0, Watch::Level)
    }

    fn control(
        &self,
        operation: i32,
        descriptor: BorrowedFd<'_>,
        token: u64,
        watch: Watch,
    ) -> Result<()> {
        let mut events = libc::EPOLLIN | libc::EPOLLRDHUP;
        if watch == Watch::Once {
            events |= libc::EPOLLONESHOT;
        }
        let mut event = libc::epoll_event {
            events: events.cast_unsigned(),
            u64: token,
        };
        // SAFETY: `event` is a live epoll_event that the kernel copies.
        check("epoll_ctl", unsafe {
            libc::epoll_ctl(
                self.0.as_raw_fd(),
                operation,
                descriptor.as_raw_fd(),
                &raw mut event,
            )
        })
        .map(drop)
    }

    /// Waits and appends the numbers of ready descriptors to `ready`, 64 at
    /// most; a signal or the end of `timeout` appends none.
    ///
    /// # Errors
    /// epoll_wait's own, EINTR apart.
    pub fn wait(&self, ready: &mut Vec<u64>, timeout: Option<Duration>) -> Result<()> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
        // SAFETY: `events` has room for the 64 events the call may write.
        let count = match check("epoll_wait", unsafe {
            libc::epoll_wait(
                self.0.as_raw_fd(),
                events.as_mut_ptr(),
                64,
                milliseconds(timeout),
            )
        }) {
            Err(error) if error.errno() == libc::EINTR => 0,
            result => result?,
        };
        let count = usize::try_from(count).unwrap_or(0);
        ready.extend(events.iter().take(count).map(|event| event.u64));
        Ok(())
    }
}

/// An eventfd(2): one thread rings, another waits on the descriptor.
#[derive(Debug)]
pub struct Bell(OwnedFd);

impl Bell {
    /// eventfd(2), non-blocking.
    ///
    /// # Errors
    /// eventfd's own.
    pub fn new() -> Result<Bell> {
        // SAFETY: only integers are passed.
        let fd = check("eventfd", unsafe {
            libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)
        })?;
        // SAFETY: the kernel just returned this descriptor; nobody else has it.
        Ok(Bell(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Makes the descriptor readable. A full counter already is.
    pub fn ring(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: the kernel reads the 8 bytes of `one`.
        let _ = unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Makes the descriptor silent again.
    pub fn hush(&self) {
        let mut count = [0u8; 8];
        let _ = retry(|| {
            // SAFETY: the kernel writes at most the 8 bytes of `count`.
            super::error::check_length("read", unsafe {
                libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len())
            })
        });
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_is_heard_until_hushed() {
        let bell = Bell::new().unwrap();
        let heard = |bell: &Bell| {
            let mut one = [Interest::new(bell.as_fd(), READABLE)];
            poll(&mut one, Some(Duration::ZERO)).unwrap() && one[0].ready()
        };
        assert!(!heard(&bell));
        bell.ring();
        bell.ring();
        assert!(heard(&bell));
        bell.hush();
        assert!(!heard(&bell));
    }

    #[test]
    fn once_means_once_until_armed_again() {
        let epoll = Epoll::new().unwrap();
        let bell = Bell::new().unwrap();
        bell.ring();
        epoll.add(bell.as_fd(), 7, Watch::Once).unwrap();
        let mut ready = Vec::new();
        epoll.wait(&mut ready, Some(Duration::ZERO)).unwrap();
        epoll.wait(&mut ready, Some(Duration::ZERO)).unwrap();
        assert_eq!(ready, [7]);
        epoll.rearm(bell.as_fd(), 7).unwrap();
        epoll.wait(&mut ready, Some(Duration::ZERO)).unwrap();
        assert_eq!(ready, [7, 7]);
    }

    #[test]
    fn a_fraction_of_a_millisecond_is_not_zero() {
        assert_eq!(milliseconds(Some(Duration::from_micros(1))), 1);
        assert_eq!(milliseconds(Some(Duration::ZERO)), 0);
        assert_eq!(milliseconds(None), -1);
    }
}
