//! Wildcards in the pathname of LIST and NLST, as a shell has them: `*`, `?`,
//! `[a-z]`, `[!a-z]` or `[^a-z]`, and `\` before a character meant as such.
//!
//! A pattern is a client's, so it must not cost more than its length times
//! the name's: on a mismatch only the last `*` takes one octet more, earlier
//! ones stay (a shorter match of theirs could not help), and nothing recurses.
#![forbid(unsafe_code)]

/// Whether `pathname` holds a character that [`matches`] may take for a
/// wildcard. A file may be named so: look for that one first.
#[must_use]
pub fn has_wildcard(pathname: &[u8]) -> bool {
    pathname
        .iter()
        .any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// Whether all of `name`, one name without slashes, is matched by `pattern`.
/// A dot at its beginning is matched by a dot only. Octets are compared: a
/// `?` stands for one octet, not for one character of many octets.
#[must_use]
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && !matches!(pattern, [b'.', ..] | [b'\\', b'.', ..]) {
        return false;
    }
    let (mut pattern, mut name) = (pattern, name);
    // What follows the last `*`, and the part of the name it was tried at.
    let mut retry: Option<(&[u8], &[u8])> = None;
    let mut unclosed = 0;
    loop {
        if let [b'*', rest @ ..] = pattern {
            pattern = rest;
            retry = Some((pattern, name));
            continue;
        }
        let step = match name.split_first() {
            None if pattern.is_empty() => return true,
            None => return false,
            Some((octet, name_rest)) => {
                one(pattern, *octet, &mut unclosed).map(|rest| (rest, name_rest))
            }
        };
        (pattern, name) = match (step, retry) {
            (Some(next), _) => next,
            (None, Some((after_star, [_, tried_rest @ ..]))) => {
                retry = Some((after_star, tried_rest));
                (after_star, tried_rest)
            }
            (None, _) => return false,
        };
    }
}

/// Matches one octet against the beginning of a pattern that is no `*`; gives
/// the pattern after it. A bracket without its end is a plain character, and
/// so are those behind it: `unclosed` keeps how much of the pattern there was
/// left at it, so that the end is looked for once and not at every try.
fn one<'a>(pattern: &'a [u8], octet: u8, unclosed: &mut usize) -> Option<&'a [u8]> {
    match pattern {
        [] => None,
        [b'?', rest @ ..] => Some(rest),
        [b'[', rest @ ..] if pattern.len() > *unclosed => match class(rest, octet) {
            Some((true, rest)) => Some(rest),
            Some((false, _)) => None,
            None => {
                *unclosed = pattern.len();
                (octet == b'[').then_some(rest)
            }
        },
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => (octet == *literal).then_some(rest),
    }
}

/// Reads a class, its `[` already taken: whether it holds `octet`, and what
/// follows it. None if it has no end.
fn class(pattern: &[u8], octet: u8) -> Option<(bool, &[u8])> {
    let (negated, mut rest) = match pattern {
        [b'!' | b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    let mut first = true;
    loop {
        let low;
        (low, rest) = match rest {
            // A bracket right at the beginning is a member.
            [b']', rest @ ..] if !first => return Some((found != negated, rest)),
            rest => member(rest)?,
        };
        first = false;
        let mut high = low;
        if let [b'-', after @ ..] = rest
            && after.first() != Some(&b']')
        {
            (high, rest) = member(after)?;
        }
        found |= (low..=high).contains(&octet);
    }
}

/// One octet of a class and what follows it.
fn member(pattern: &[u8]) -> Option<(u8, &[u8])> {
    match pattern {
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => Some((*literal, rest)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        for name in yes {
            assert!(
                matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} must match {name}"
            );
        }
        for name in no {
            assert!(
                !matches(pattern.as_bytes(), name.as_bytes()),
                "{pattern} must not match {name}"
            );
        }
    }

    #[test]
    fn stars_and_question_marks() {
        check("*", &["", "a", "abc"], &[]);
        check("a*c", &["ac", "abc", "abcbc"], &["a", "ab", "abcd", "xac"]);
        check("*.txt", &["a.txt", "a.txt.txt"], &["a.txt.gz", "txt"]);
        check("?", &["a"], &["", "ab"]);
        check("a??", &["abc"], &["ab", "abcd"]);
        check("**a**", &["a", "xax"], &["", "x"]);
        check("", &[""], &["a"]);
        check("*a?b*", &["aab", "aaxb", "xaybz"], &["ab", "axxb"]);
        check("?*?", &["ab", "abc"], &["a"]);
    }

    #[test]
    fn classes() {
        check("[abc]x", &["ax", "cx"], &["dx", "x", "abx"]);
        check("[a-c]", &["a", "b", "c"], &["d", "-", "A"]);
        check("[!a-c]", &["d", "-"], &["a", "c", ""]);
        check("[^a]", &["b", "^"], &["a"]);
        check("[]a]", &["]", "a"], &["b"]);
        check("[!]a]", &["b"], &["]", "a"]);
        check("[a-]", &["a", "-"], &["b"]);
        check("[-a]", &["a", "-"], &["b"]);
        check("[z-a]", &[], &["a", "m", "z"]);
        check("[\\]]", &["]"], &["\\", "a"]);
        check("[a\\-c]", &["a", "-", "c"], &["b"]);
        check("x[*]y", &["x*y"], &["xay"]);
        check("*[0-9]", &["a1", "12"], &["a"]);
    }

    #[test]
    fn a_class_without_end_is_a_bracket() {
        check("[", &["["], &["a"]);
        check("[a", &["[a"], &["a"]);
        check("[]", &["[]"], &["]"]);
        check("[!", &["[!"], &["a"]);
        check("[a-", &["[a-"], &["a"]);
        check("*[a", &["x[a"], &["xa"]);
        check("*[ab][", &["xa[", "[[b["], &["x[", "a"]);
    }

    #[test]
    fn a_backslash_takes_the_meaning_away() {
        check("a\\*b", &["a*b"], &["axb", "a\\*b"]);
        check("\\?", &["?"], &["a"]);
        check("\\[a]", &["[a]"], &["a"]);
        check("\\\\", &["\\"], &["\\\\"]);
        check("a\\", &["a\\"], &["a"]);
        check("*\\", &["a\\"], &["a"]);
    }

    #[test]
    fn a_leading_dot_needs_a_dot() {
        check("*", &[], &[".", ".a"]);
        check("?a", &[], &[".a"]);
        check("[.]a", &[], &[".a"]);
        check(".*", &[".", "..", ".a"], &["a"]);
        check("\\.a", &[".a"], &[]);
        check("a*", &["a.b"], &[]);
    }

    #[test]
    fn octets_above_ascii_are_octets() {
        assert!(matches(b"\xE4*", b"\xE4\xBD\xA0"));
        assert!(matches(b"[\x80-\xFF]", b"\xFF"));
        assert!(!matches(b"?", "é".as_bytes()));
        assert!(matches(b"[\\", b"[\\"));
    }

    #[test]
    fn wildcards_are_seen() {
        assert!(has_wildcard(b"a*") && has_wildcard(b"?") && has_wildcard(b"a[1]"));
        assert!(!has_wildcard(b"a\\b]{c}") && !has_wildcard(b""));
    }

    #[test]
    fn hostile_patterns_end_within_their_bound() {
        // Backtracking into every star would take longer than the universe.
        let name = vec![b'a'; 255];
        let stars = [b"*a".repeat(500), b"b".to_vec()].concat();
        assert!(!matches(&stars, &name));
        let classes = [b"*".to_vec(), b"[!b-y]".repeat(200), b"b".to_vec()].concat();
        assert!(!matches(&classes, &name));
        let open = [b"*".to_vec(), b"[".repeat(4000)].concat();
        assert!(!matches(&open, &[b'['; 255]));
        // An end looked for at every bracket and every try: seconds.
        let tries = [b"*".to_vec(), b"[".repeat(128), b"x".repeat(8000)].concat();
        for _ in 0..20 {
            assert!(!matches(&tries, &[b'['; 255]));
        }
    }

    #[test]
    fn agrees_with_a_plain_recursive_matcher() {
        fn plain(pattern: &[u8], name: &[u8]) -> bool {
            match (pattern, name) {
                ([], []) => true,
                ([b'*', p @ ..], _) => {
                    plain(p, name) || (!name.is_empty() && plain(pattern, &name[1..]))
                }
                ([b'?', p @ ..], [_, n @ ..]) => plain(p, n),
                ([a, p @ ..], [b, n @ ..]) if a == b => plain(p, n),
                _ => false,
            }
        }
        let letters = |seed: usize, length: u32, alphabet: &[u8]| -> Vec<u8> {
            (0..length)
                .map(|i| alphabet[seed / alphabet.len().pow(i) % alphabet.len()])
                .collect()
        };
        for p in 0..4_usize.pow(5) {
            let pattern = letters(p, 5, b"ab*?");
            for n in 0..2_usize.pow(5) {
                let name = letters(n, 5, b"ab");
                assert_eq!(
                    matches(&pattern, &name),
                    plain(&pattern, &name),
                    "{pattern:?} {name:?}"
                );
                assert_eq!(matches(&pattern[..4], &name), plain(&pattern[..4], &name));
            }
        }
    }
}
