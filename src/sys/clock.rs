//! The time of day and the local time zone.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now: seconds since 1970 (UTC) and nanoseconds.
#[must_use]
pub fn now() -> (i64, u32) {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => (
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            since.subsec_nanos(),
        ),
        // A clock set before 1970 is shown as 1970.
        Err(_) => (0, 0),
    }
}

/// Microseconds on the clock that no one sets (CLOCK_MONOTONIC), as systemd
/// reads it.
#[must_use]
pub fn monotonic_microseconds() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a live timespec that the call fills.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let microseconds = u64::try_from(now.tv_nsec / 1000).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000)
        .saturating_add(microseconds)
}

/// Seconds that local time is ahead of UTC at `seconds`; 0 when the system
/// cannot tell.
#[must_use]
pub fn local_offset(seconds: i64) -> i64 {
    // SAFETY: tm is a plain struct (its pointer may be null), for which all
    // zeros is a value.
    let mut broken_down: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values; localtime_r keeps neither.
    let result = unsafe { libc::localtime_r(&raw const seconds, &raw mut broken_down) };
    if result.is_null() {
        return 0;
    }
    broken_down.tm_gmtoff
}

/// Seconds since 1970 of a moment that is given in local time: `seconds` are
/// what they would be if it were UTC. In the hour that comes twice, one of
/// the two.
#[must_use]
pub fn from_local(seconds: i64) -> i64 {
    let guess = seconds.saturating_sub(local_offset(seconds));
    seconds.saturating_sub(local_offset(guess))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_there_and_back() {
        // A summer and a winter, whatever the zone of this machine.
        for seconds in [1_752_000_000, 1_768_000_000] {
            let local = seconds + local_offset(seconds);
            assert_eq!(from_local(local), seconds);
        }
    }
}
