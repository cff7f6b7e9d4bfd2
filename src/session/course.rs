//! The course of the server, as all its sessions share it, whatever
//! configuration they began under: whether anybody may still come, whether it
//! is ending, and how many transfers are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Shared by every [`super::Service`] of one server, and by who looks on.
#[derive(Debug, Default, Clone)]
pub struct Course(Arc<State>);

#[derive(Debug, Default)]
struct State {
    closed: AtomicBool,
    ending: AtomicBool,
    transfers: AtomicUsize,
}

/// A transfer under way, until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Course);

impl Course {
    /// From now on nobody new is let in.
    pub(super) fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
    }

    /// Whether nobody new is let in any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Relaxed)
    }

    /// From now on no session begins another command.
    pub(super) fn end(&self) {
        self.0.ending.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_ending(&self) -> bool {
        self.0.ending.load(Ordering::Relaxed)
    }

    /// Counts a transfer.
    pub(super) fn transfer(&self) -> UnderWay {
        self.0.transfers.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// How many transfers are under way.
    #[must_use]
    pub fn transfers(&self) -> usize {
        self.0.transfers.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.transfers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_are_counted_while_they_last_and_each_turn_is_seen_everywhere() {
        let course = Course::default();
        let other = course.clone();
        let one = course.transfer();
        let two = other.transfer();
        assert_eq!(course.transfers(), 2);
        drop(one);
        assert_eq!(other.transfers(), 1);
        drop(two);
        assert!(!other.is_closed());
        course.close();
        assert!(other.is_closed() && !other.is_ending());
        course.end();
        assert!(other.is_ending());
    }
}
