//! The course of the server, as all its sessions share it, whatever
//! configuration they began under: whether it is ending, and how many
//! transfers are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Shared by every [`super::Service`] of one server.
#[derive(Debug, Default, Clone)]
pub(super) struct Course(Arc<State>);

#[derive(Debug, Default)]
struct State {
    ending: AtomicBool,
    transfers: AtomicUsize,
}

/// A transfer under way, until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Course);

impl Course {
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

    pub(super) fn transfers(&self) -> usize {
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
    fn transfers_are_counted_while_they_last_and_the_end_is_seen_everywhere() {
        let course = Course::default();
        let other = course.clone();
        let one = course.transfer();
        let two = other.transfer();
        assert_eq!(course.transfers(), 2);
        drop(one);
        assert_eq!(other.transfers(), 1);
        drop(two);
        assert!(!other.is_ending());
        course.end();
        assert!(other.is_ending());
    }
}
