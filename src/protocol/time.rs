//! Times as FTP writes them: MDTM, MFMT and MLSx (RFC 3659 section 2.3), the
//! date column of LIST, and the log. What time it is, and what zone, comes
//! from the caller: there is no clock here.
#![forbid(unsafe_code)]

use crate::protocol::digits::{last_digit, push_zeros};
use crate::protocol::parse::parse_decimal;

/// A moment, counted as Unix does: without leap seconds.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z, negative before.
    pub seconds: i64,
    /// Nanoseconds after that second, below 1,000,000,000.
    pub nanoseconds: u32,
}

/// A moment in the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Civil {
    /// 1 to 9999.
    pub year: u32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59; 60 is accepted where a `Civil` is turned into seconds.
    pub second: u32,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// How far back LIST shows the time of day instead of the year.
const RECENT: i64 = 182 * DAY;

const DAYS_IN_4_YEARS: i64 = 4 * 365 + 1;
const DAYS_IN_100_YEARS: i64 = 25 * DAYS_IN_4_YEARS - 1;
const DAYS_IN_400_YEARS: i64 = 4 * DAYS_IN_100_YEARS + 1;
/// Days from 0000-03-01, where counting starts, to 1970-01-01. A year that
/// begins in March has its leap day at the end, out of the way.
const EPOCH: i64 = 719_468;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

pub(super) const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

impl Timestamp {
    /// A moment at the beginning of a second.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Timestamp {
        Timestamp {
            seconds,
            nanoseconds: 0,
        }
    }

    /// The moment `seconds` later (earlier if negative), for local time.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Timestamp {
        Timestamp {
            seconds: self.seconds.saturating_add(seconds),
            nanoseconds: self.nanoseconds,
        }
    }

    /// The calendar's name for this moment. Moments outside the years 1 to
    /// 9999 become the first or last second of those.
    #[must_use]
    pub fn civil(self) -> Civil {
        let seconds = self.seconds.clamp(FIRST, LAST);
        let (year, month, day) = civil_from_days(seconds.div_euclid(DAY));
        let second = seconds.rem_euclid(DAY);
        Civil {
            year: small(year),
            month: small(month),
            day: small(day),
            hour: small(second / HOUR),
            minute: small(second / MINUTE % 60),
            second: small(second % 60),
        }
    }
}

impl Civil {
    /// Seconds since 1970-01-01T00:00:00Z; None if no such moment exists.
    /// Second 60 is the first of the next minute.
    #[must_use]
    pub fn seconds(self) -> Option<i64> {
        let valid = (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60;
        valid.then(|| {
            let days = days_from_civil(self.year.into(), self.month.into(), self.day.into());
            let (hour, minute) = (i64::from(self.hour), i64::from(self.minute));
            days * DAY + hour * HOUR + minute * MINUTE + i64::from(self.second)
        })
    }
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let cycle = days.div_euclid(DAYS_IN_400_YEARS);
    let mut rest = days.rem_euclid(DAYS_IN_400_YEARS);
    // The last century and the last year of four may be a day longer than
    // the division says.
    let century = (rest / DAYS_IN_100_YEARS).min(3);
    rest -= century * DAYS_IN_100_YEARS;
    let four = rest / DAYS_IN_4_YEARS;
    rest -= four * DAYS_IN_4_YEARS;
    let one = (rest / 365).min(3);
    rest -= one * 365;
    let year = cycle * 400 + century * 100 + four * 4 + one;
    // From March on, 153 days every five months: 31 30 31 30 31.
    let month = (5 * rest + 2) / 153;
    let day = rest - (153 * month + 2) / 5 + 1;
    if month < 10 {
        (year, month + 3, day)
    } else {
        (year + 1, month - 9, day)
    }
}

/// The inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let cycle = year.div_euclid(400);
    let rest = year.rem_euclid(400);
    let before_year = rest * 365 + rest / 4 - rest / 100;
    cycle * DAYS_IN_400_YEARS + before_year + (153 * month + 2) / 5 + day - 1 - EPOCH
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// Fields of a `Civil` come out of divisions that keep them small.
fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

/// Appends `YYYYMMDDHHMMSS` in UTC: MDTM's reply. A fraction is allowed there
/// but clients of vsftpd, which gives none, need not read past one.
pub fn append_mdtm(out: &mut Vec<u8>, time: Timestamp) {
    let civil = time.civil();
    push_zeros(out, civil.year.into(), 4);
    for number in [
        civil.month,
        civil.day,
        civil.hour,
        civil.minute,
        civil.second,
    ] {
        out.extend_from_slice(&two(number));
    }
}

/// `YYYYMMDDHHMMSS` in UTC.
#[must_use]
pub fn format_mdtm(time: Timestamp) -> String {
    let mut out = Vec::with_capacity(14);
    append_mdtm(&mut out, time);
    ascii(out)
}

/// Appends `YYYYMMDDHHMMSS` in UTC, and `.sss` if there are milliseconds: the
/// facts of MLSx. Clients that read a fraction at all expect three digits.
pub fn append_fact(out: &mut Vec<u8>, time: Timestamp) {
    append_mdtm(out, time);
    let milliseconds = u64::from(time.nanoseconds / 1_000_000).min(999);
    if milliseconds > 0 {
        out.push(b'.');
        push_zeros(out, milliseconds, 3);
    }
}

/// [`append_fact`] as a text.
#[must_use]
pub fn format_fact(time: Timestamp) -> String {
    let mut out = Vec::with_capacity(18);
    append_fact(&mut out, time);
    ascii(out)
}

/// Reads a time-val: fourteen digits and perhaps a fraction, of which
/// nanoseconds are kept. None for anything else and for impossible dates. A
/// leap second is taken for the second after it.
#[must_use]
pub fn parse_mdtm(text: &[u8]) -> Option<Timestamp> {
    let (whole, fraction) = text.split_at_checked(14)?;
    let nanoseconds = match fraction {
        [] => 0,
        [b'.', digits @ ..] => parse_fraction(digits)?,
        _ => return None,
    };
    let (year, rest) = whole.split_at_checked(4)?;
    let year = u32::try_from(parse_decimal(year)?).ok()?;
    let mut numbers = [0_u32; 5];
    for (number, pair) in numbers.iter_mut().zip(rest.chunks(2)) {
        *number = u32::try_from(parse_decimal(pair)?).ok()?;
    }
    let [month, day, hour, minute, second] = numbers;
    let seconds = Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
    }
    .seconds()?;
    Some(Timestamp {
        seconds,
        nanoseconds,
    })
}

fn parse_fraction(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let nine = digits
        .iter()
        .map(|digit| u32::from(digit - b'0'))
        .chain(std::iter::repeat(0))
        .take(9);
    Some(nine.fold(0, |value, digit| value * 10 + digit))
}

/// The date column of LIST, as vsftpd's: `Nov 21 13:05`, or `Nov 21  2025`
/// for a file older than 182 days or more than a day ahead of `now`. A day
/// is let pass because clocks differ; clients guess the year within that.
/// `utc_offset` is in seconds, east positive.
#[must_use]
pub fn format_list(time: Timestamp, now: Timestamp, utc_offset: i32) -> [u8; 12] {
    let civil = time.plus(utc_offset.into()).civil();
    let month_index = usize::try_from(civil.month.saturating_sub(1)).unwrap_or_default();
    let [m1, m2, m3] = **MONTHS.get(month_index).unwrap_or(&b"Jan");
    let [d1, d2] = two(civil.day);
    let age = now.seconds.saturating_sub(time.seconds);
    if (-DAY..=RECENT).contains(&age) {
        let ([h1, h2], [n1, n2]) = (two(civil.hour), two(civil.minute));
        [m1, m2, m3, b' ', d1, d2, b' ', h1, h2, b':', n1, n2]
    } else {
        let ([y1, y2], [y3, y4]) = (two(civil.year / 100), two(civil.year));
        [m1, m2, m3, b' ', d1, d2, b' ', b' ', y1, y2, y3, y4]
    }
}

/// `2026-11-21T01:02:03.123Z`, for the log (ISO 8601).
#[must_use]
pub fn format_log(time: Timestamp) -> String {
    let civil = time.civil();
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = civil;
    let milliseconds = (time.nanoseconds / 1_000_000).min(999);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// The last two decimal digits.
fn two(number: u32) -> [u8; 2] {
    [
        last_digit(u64::from(number / 10)),
        last_digit(number.into()),
    ]
}

fn ascii(digits: Vec<u8>) -> String {
    // Only digits and a full stop are ever put in.
    String::from_utf8(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &[u8]) -> Timestamp {
        parse_mdtm(text).unwrap()
    }

    #[test]
    fn known_moments_are_named_right() {
        for (seconds, text) in [
            (0, "19700101000000"),
            (-1, "19691231235959"),
            (951_782_400, "20000229000000"),
            (951_868_800, "20000301000000"),
            (1_000_000_000, "20010909014640"),
            (2_147_483_648, "20380119031408"),
            (4_107_542_400, "21000301000000"),
            (4_107_542_399, "21000228235959"),
            (-2_203_891_200, "19000301000000"),
            (-62_135_596_800, "00010101000000"),
            (253_402_300_799, "99991231235959"),
        ] {
            assert_eq!(format_mdtm(Timestamp::from_seconds(seconds)), text);
            assert_eq!(at(text.as_bytes()), Timestamp::from_seconds(seconds));
        }
    }

    #[test]
    fn every_day_of_the_calendar_follows_the_one_before() {
        let mut expected = (1, 1, 1);
        for days in FIRST / DAY..=LAST / DAY {
            let (year, month, day) = civil_from_days(days);
            assert_eq!((year, month, day), expected);
            assert_eq!(days_from_civil(year, month, day), days);
            expected = if day < i64::from(days_in_month(small(year), small(month))) {
                (year, month, day + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
        }
        assert_eq!(expected, (10_000, 1, 1));
    }

    #[test]
    fn moments_beyond_the_calendar_are_clamped() {
        assert_eq!(
            format_mdtm(Timestamp::from_seconds(i64::MIN)),
            "00010101000000"
        );
        assert_eq!(
            format_mdtm(Timestamp::from_seconds(i64::MAX)),
            "99991231235959"
        );
        assert_eq!(
            &format_list(
                Timestamp::from_seconds(i64::MIN),
                Timestamp::default(),
                i32::MIN
            ),
            b"Jan 01  0001"
        );
        assert_eq!(
            &format_list(
                Timestamp::from_seconds(i64::MAX),
                Timestamp::default(),
                i32::MAX
            ),
            b"Dec 31  9999"
        );
    }

    #[test]
    fn impossible_dates_and_other_forms_are_refused() {
        for bad in [
            &b""[..],
            b"2026112101020",
            b"202611210102033",
            b"20261321010203",
            b"20260021010203",
            b"20260230010203",
            b"20250229010203",
            b"19000229010203",
            b"20261100010203",
            b"20261131010203",
            b"20261121240203",
            b"20261121016003",
            b"20261121010261",
            b"00001121010203",
            b"2026112101020x",
            b"+0261121010203",
            b"2026 121010203",
            b"20261121010203.",
            b"20261121010203.x",
            b"20261121010203,5",
            b"20261121010203 ",
            b"20261121010203Z",
            b"20261121010203.1.2",
            b"202611210102\xB203",
        ] {
            assert_eq!(
                parse_mdtm(bad),
                None,
                "{:?}",
                bad.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn fractions_are_kept_to_the_nanosecond() {
        assert_eq!(at(b"19700101000000.5").nanoseconds, 500_000_000);
        assert_eq!(at(b"19700101000000.001").nanoseconds, 1_000_000);
        assert_eq!(
            at(b"19700101000000.1234567899999999999999999").nanoseconds,
            123_456_789
        );
        assert_eq!(
            format_fact(at(b"20261121010203.9999")),
            "20261121010203.999"
        );
        assert_eq!(
            format_fact(at(b"20261121010203.0009")),
            "20261121010203",
            "no fraction that would say nothing"
        );
    }

    #[test]
    fn a_leap_second_is_the_next_minute() {
        assert_eq!(at(b"20161231235960"), at(b"20170101000000"));
    }

    #[test]
    fn recent_dates_show_the_time_and_others_the_year() {
        let now = at(b"20261121130500");
        let column =
            |time: Timestamp| String::from_utf8(format_list(time, now, 0).to_vec()).unwrap();
        assert_eq!(column(now), "Nov 21 13:05");
        assert_eq!(column(at(b"20261101000959")), "Nov 01 00:09");
        assert_eq!(column(now.plus(-RECENT)), "May 23 13:05");
        assert_eq!(column(now.plus(-RECENT - 1)), "May 23  2026");
        assert_eq!(column(now.plus(DAY)), "Nov 22 13:05");
        assert_eq!(column(now.plus(DAY + 1)), "Nov 22  2026");
        assert_eq!(column(Timestamp::from_seconds(0)), "Jan 01  1970");
    }

    #[test]
    fn the_offset_moves_what_is_shown_and_not_the_age() {
        let now = at(b"20261121233000");
        assert_eq!(&format_list(now, now, 3600), b"Nov 22 00:30");
        assert_eq!(&format_list(now, now, -5 * 3600), b"Nov 21 18:30");
    }

    #[test]
    fn the_log_has_milliseconds() {
        assert_eq!(
            format_log(at(b"20261121010203.1239")),
            "2026-11-21T01:02:03.123Z"
        );
    }
}
