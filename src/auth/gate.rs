//! A gate that lets a few threads through at a time.
//!
//! A yescrypt hash takes 16 MiB and some 18 ms of one processor, so a crowd
//! of log-ins (or of guesses) must hash in turn. Leaves to others: what is
//! done behind the gate.
#![forbid(unsafe_code)]

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// Lets in a fixed number at a time; the rest wait, in no promised order.
pub struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// The right to be inside; gives its place back when it goes.
pub struct Pass<'gate>(&'gate Gate);

impl Gate {
    /// A gate for `places` at a time, one at least.
    pub fn new(places: NonZeroUsize) -> Gate {
        Gate {
            free: Mutex::new(places.get()),
            freed: Condvar::new(),
        }
    }

    /// Waits for a place and takes it.
    pub fn enter(&self) -> Pass<'_> {
        let mut free = self.free();
        while *free == 0 {
            free = self
                .freed
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Pass(self)
    }

    /// The count is right even after a panic elsewhere: nothing that can
    /// panic happens while it is held.
    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.freed.notify_one();
    }
}

/// The one gate of this process for password hashing: a place for each
/// processor it may use.
pub fn hashing() -> &'static Gate {
    static HASHING: OnceLock<Gate> = OnceLock::new();
    HASHING.get_or_init(|| Gate::new(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[test]
    fn two_places_hold_two_at_once_and_never_three() {
        let gate = Gate::new(NonZeroUsize::new(2).unwrap());
        let (inside, most, pair) = (AtomicUsize::new(0), AtomicUsize::new(0), Barrier::new(2));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _pass = gate.enter();
                    most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
                    // Ends only if a second one is inside at the same time.
                    pair.wait();
                    inside.fetch_sub(1, SeqCst);
                });
            }
        });
        assert_eq!(most.load(SeqCst), 2);
        assert_eq!(*gate.free(), 2);
    }

    #[test]
    fn a_panic_inside_gives_the_place_back() {
        let gate = Gate::new(NonZeroUsize::MIN);
        let result = thread::scope(|scope| {
            scope
                .spawn(|| {
                    let _pass = gate.enter();
                    panic!("of no account");
                })
                .join()
        });
        assert!(result.is_err());
        drop(gate.enter());
    }
}
