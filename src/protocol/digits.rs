//! Numbers as ASCII digits, appended without the formatting machinery: a
//! listing writes half a dozen of them for each of 100,000 entries.
#![forbid(unsafe_code)]

/// Digits of `u64::MAX`.
const MOST: usize = 20;

/// The lowest decimal digit of `number` as ASCII.
pub(super) fn last_digit(number: u64) -> u8 {
    // The remainder is below 10, so the default is never taken.
    b'0' + u8::try_from(number % 10).unwrap_or_default()
}

/// Appends `number` in base ten.
pub(super) fn push_decimal(out: &mut Vec<u8>, number: u64) {
    push_right(out, number, 0);
}

/// Appends `number` with blanks before it, `width` octets at least and 20 at
/// most for the blanks.
pub(super) fn push_right(out: &mut Vec<u8>, number: u64, width: usize) {
    push_filled(out, number, width, b' ');
}

/// Appends `number` with zeros before it, `width` digits at least.
pub(super) fn push_zeros(out: &mut Vec<u8>, number: u64, width: usize) {
    push_filled(out, number, width, b'0');
}

fn push_filled(out: &mut Vec<u8>, number: u64, width: usize, filler: u8) {
    let mut text = [filler; MOST];
    let mut rest = number;
    let mut used = 0;
    for place in text.iter_mut().rev() {
        *place = last_digit(rest);
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    let from = MOST - width.clamp(used, MOST);
    out.extend_from_slice(text.get(from..).unwrap_or_default());
}

/// Appends `number` in base `1 << bits` (3: octal, 4: hexadecimal), `width`
/// digits at least.
pub(super) fn push_power(out: &mut Vec<u8>, number: u64, bits: u32, width: u32) {
    let needed = (u64::BITS - number.leading_zeros()).div_ceil(bits);
    for place in (0..needed.max(width).max(1)).rev() {
        let digit = number.checked_shr(place * bits).unwrap_or_default() & ((1 << bits) - 1);
        let digit = u32::try_from(digit)
            .ok()
            .and_then(|digit| char::from_digit(digit, 1 << bits));
        out.push(
            digit
                .and_then(|digit| u8::try_from(digit).ok())
                .unwrap_or(b'0'),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn digits_agree_with_the_standard_library() {
        for number in [
            0,
            1,
            9,
            10,
            99,
            100,
            1023,
            12_345_678,
            123_456_789,
            u64::MAX - 1,
            u64::MAX,
        ] {
            assert_eq!(text(|out| push_decimal(out, number)), number.to_string());
            assert_eq!(
                text(|out| push_right(out, number, 8)),
                format!("{number:8}")
            );
            assert_eq!(
                text(|out| push_zeros(out, number, 4)),
                format!("{number:04}")
            );
            assert_eq!(
                text(|out| push_power(out, number, 3, 4)),
                format!("{number:04o}")
            );
            assert_eq!(
                text(|out| push_power(out, number, 4, 0)),
                format!("{number:x}")
            );
        }
    }
}
