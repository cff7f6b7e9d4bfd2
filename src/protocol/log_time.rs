//! The time as logs of FTP servers write it: `Sat Nov  7 09:05:03 2026`, that
//! of ctime(3), and `Nov  7 09:05:03`, that of syslog (RFC 3164 section
//! 4.1.2). Both are local time; what zone it is comes from the caller.
#![forbid(unsafe_code)]

use super::time::{Civil, MONTHS, Timestamp};

const DAY: i64 = 24 * 60 * 60;
/// 1970-01-01, where days are counted from, was a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// `Sat Nov  7 09:05:03 2026`. `offset` is in seconds, east positive.
#[must_use]
pub fn format_ctime(time: Timestamp, offset: i64) -> String {
    let local = time.plus(offset);
    let index = usize::try_from(local.seconds.div_euclid(DAY).rem_euclid(7)).unwrap_or_default();
    let day = DAYS.get(index).copied().unwrap_or_default();
    let civil = local.civil();
    format!("{day} {} {:04}", within_year(civil), civil.year)
}

/// `Nov  7 09:05:03`. `offset` is in seconds, east positive.
#[must_use]
pub fn format_syslog(time: Timestamp, offset: i64) -> String {
    within_year(time.plus(offset).civil())
}

fn within_year(civil: Civil) -> String {
    let index = usize::try_from(civil.month.saturating_sub(1)).unwrap_or_default();
    let month = MONTHS.get(index).map_or(&b"Jan"[..], |name| &name[..]);
    let month = String::from_utf8_lossy(month);
    let Civil {
        day,
        hour,
        minute,
        second,
        ..
    } = civil;
    format!("{month} {day:2} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_one_digit_are_padded_and_weekdays_are_right() {
        for (seconds, text) in [
            (0, "Thu Jan  1 00:00:00 1970"),
            (-1, "Wed Dec 31 23:59:59 1969"),
            (951_782_400, "Tue Feb 29 00:00:00 2000"),
            (1_794_043_503, "Sat Nov  7 09:25:03 2026"),
            (1_795_275_999, "Sat Nov 21 15:46:39 2026"),
        ] {
            assert_eq!(format_ctime(Timestamp::from_seconds(seconds), 0), text);
        }
    }

    #[test]
    fn the_zone_moves_day_and_weekday() {
        let time = Timestamp::from_seconds(86_400 * 2 - 60);
        assert_eq!(format_ctime(time, 120), "Sat Jan  3 00:01:00 1970");
        assert_eq!(format_syslog(time, 120), "Jan  3 00:01:00");
        assert_eq!(format_syslog(time, 0), "Jan  2 23:59:00");
    }
}
