//! Keeping a transfer to a rate (anon_max_rate, local_max_rate).

use std::time::{Duration, Instant};

/// Steps per second under a limit: short enough to look even, long enough
/// to cost nothing.
const STEPS: u64 = 10;

/// The pace of one transfer.
#[derive(Debug)]
pub struct Pace {
    rate: u64,
    started: Instant,
    moved: u64,
}

impl Pace {
    /// A pace of `rate` bytes per second, counted from now; 0 means no limit.
    #[must_use]
    pub fn new(rate: u64) -> Pace {
        Pace {
            rate,
            started: Instant::now(),
            moved: 0,
        }
    }

    /// How many of `wish` bytes to move at once.
    #[must_use]
    pub fn share(&self, wish: usize) -> usize {
        if self.rate == 0 {
            return wish;
        }
        let step = (self.rate / STEPS).max(1);
        wish.min(usize::try_from(step).unwrap_or(usize::MAX))
    }

    /// Takes note of `count` bytes; gives the moment before which no more
    /// should move.
    pub fn moved(&mut self, count: usize) -> Option<Instant> {
        if self.rate == 0 {
            return None;
        }
        self.moved += u64::try_from(count).unwrap_or(u64::MAX);
        let nanoseconds = u128::from(self.moved) * 1_000_000_000 / u128::from(self.rate);
        let due = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.started.checked_add(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_bytes_is_due_in_a_second() {
        let mut pace = Pace::new(1000);
        assert_eq!(pace.share(1 << 20), 100);
        assert_eq!(
            pace.moved(1000),
            Some(pace.started + Duration::from_secs(1))
        );
    }

    #[test]
    fn without_a_limit_there_is_no_pace() {
        let mut pace = Pace::new(0);
        assert_eq!(pace.share(1 << 20), 1 << 20);
        assert_eq!(pace.moved(1 << 30), None);
    }
}
