//! The known name nearest to a misspelt one.
#![forbid(unsafe_code)]

use super::moot::MOOT;
use super::options::OPTIONS;

/// Names longer than this are not compared: no option is near them, and the
/// comparison costs the product of both lengths.
const LONGEST: usize = 64;

/// The option, served or not, whose name is nearest to `name`, if one is
/// near enough to be what was meant. Case and `-` for `_` do not count.
#[must_use]
pub fn nearest(name: &[u8]) -> Option<&'static str> {
    if name.len() > LONGEST {
        return None;
    }
    let wanted: Vec<u8> = name
        .iter()
        .map(|&b| {
            if b == b'-' {
                b'_'
            } else {
                b.to_ascii_lowercase()
            }
        })
        .collect();
    let served = OPTIONS.iter().map(|spec| spec.name);
    let others = MOOT.iter().map(|row| row.name);
    let (steps, found) = served
        .chain(others)
        .map(|known| (distance(&wanted, known.as_bytes()), known))
        .min_by_key(|&(steps, _)| steps)?;
    // A third of the letters wrong is a different word.
    (steps <= (wanted.len() / 3).min(4)).then_some(found)
}

/// Number of insertions, deletions, replacements and swaps of neighbours
/// that turn one word into the other.
fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (row, &have) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut last = row + 1;
        let mut left_want = None;
        for (column, &want) in to.iter().enumerate() {
            let diagonal = at(&above, column) + usize::from(have != want);
            let mut steps = diagonal.min(at(&above, column + 1) + 1).min(last + 1);
            if column > 0 && previous == Some(want) && left_want == Some(have) {
                steps = steps.min(at(&before, column - 1) + 1);
            }
            current.push(steps);
            last = steps;
            left_want = Some(want);
        }
        before = std::mem::replace(&mut above, current);
        previous = Some(have);
    }
    above.last().copied().unwrap_or(from.len())
}

/// The entry of a row, or more than any distance where there is none.
fn at(row: &[usize], column: usize) -> usize {
    row.get(column).copied().unwrap_or(usize::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_letters_are_one_step() {
        assert_eq!(distance(b"enabel", b"enable"), 1);
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert_eq!(distance(b"", b"abc"), 3);
        assert_eq!(distance(b"abc", b""), 3);
    }

    #[test]
    fn misspelt_name_finds_its_option() {
        assert_eq!(nearest(b"anonymous_enabel"), Some("anonymous_enable"));
        assert_eq!(nearest(b"Write-Enable"), Some("write_enable"));
        assert_eq!(nearest(b"pasv_min_prt"), Some("pasv_min_port"));
    }

    #[test]
    fn misspelt_option_of_vsftpd_is_found_too() {
        assert_eq!(nearest(b"local_enabled"), Some("local_enable"));
    }

    #[test]
    fn far_words_get_no_suggestion() {
        assert_eq!(nearest(b"colour"), None);
        assert_eq!(nearest(b""), None);
        assert_eq!(nearest(&[b'a'; 100_000]), None);
    }
}
