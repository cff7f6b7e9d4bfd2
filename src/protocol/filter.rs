//! Names picked out by an administrator: hide_file, deny_file, download_file
//! and upload_file of vsftpd.conf(5).
//!
//! A filter is a pattern for one name, with `*`, `?` and `{one,other}`, and at
//! the same time a text that picks every name it is part of. Octets are
//! compared, so case counts, and a dot at the beginning is an octet like any
//! other. What a pathname leads to is not known here: `fs` asks about the
//! resolved one.
#![forbid(unsafe_code)]

use crate::protocol::VirtualPath;
use crate::protocol::pattern::{Budget, MAX_PATTERN, Pattern};

/// A filter of names, as an option holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameFilter {
    text: Box<[u8]>,
    /// A name that one of these matches is picked.
    patterns: Vec<Pattern>,
}

/// A pattern of more than [`MAX_PATTERN`] octets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PatternTooLong;

impl NameFilter {
    /// Reads the value of an option; none for an empty one.
    ///
    /// # Errors
    /// When it is longer than a pattern may be. Long lists in braces are no
    /// problem, as long as each of their parts is short enough.
    pub fn parse(text: &[u8]) -> Result<Option<NameFilter>, PatternTooLong> {
        if text.is_empty() {
            return Ok(None);
        }
        let patterns: Option<Vec<Pattern>> = alternatives(text)
            .iter()
            .map(|text| Pattern::new(text).map(Pattern::with_dots))
            .collect();
        Ok(Some(NameFilter {
            text: text.into(),
            patterns: patterns.ok_or(PatternTooLong)?,
        }))
    }

    /// Whether `name`, which has no slash, is picked.
    #[must_use]
    pub fn picks(&self, name: &[u8]) -> bool {
        self.matches(name) || self.is_in(name)
    }

    /// Whether any name on the way of `path` is picked, so that what lies in
    /// a directory is picked with it.
    #[must_use]
    pub fn picks_part_of(&self, path: &[u8]) -> bool {
        self.is_in(path)
            || path
                .split(|&byte| byte == b'/')
                .any(|name| !name.is_empty() && self.matches(name))
    }

    /// Whether `path` is picked by its last name, or by the text anywhere.
    #[must_use]
    pub fn picks_end_of(&self, path: &VirtualPath) -> bool {
        self.is_in(path.as_bytes()) || path.file_name().is_some_and(|name| self.matches(name))
    }

    fn matches(&self, name: &[u8]) -> bool {
        self.patterns.iter().any(|pattern| {
            // Pattern and name are both short, so that the work is.
            pattern.matches(name, &mut Budget::new(u64::MAX))
        })
    }

    fn is_in(&self, text: &[u8]) -> bool {
        text.windows(self.text.len())
            .any(|part| part == &*self.text)
    }
}

/// The patterns that a value stands for: with one pair of braces, however
/// many alternatives it has, a pattern each.
fn alternatives(text: &[u8]) -> Vec<Vec<u8>> {
    let whole = || vec![escaped(text)];
    if text.len() <= MAX_PATTERN / 2 {
        return whole();
    }
    let Some(open) = text.iter().position(|&byte| byte == b'{') else {
        return whole();
    };
    let (before, rest) = text.split_at(open);
    let rest = rest.get(1..).unwrap_or_default();
    let Some(close) = rest.iter().position(|&byte| byte == b'}') else {
        return whole();
    };
    let (list, after) = rest.split_at(close);
    if list.contains(&b'{') {
        return whole();
    }
    let after = after.get(1..).unwrap_or_default();
    list.split(|&byte| byte == b',')
        .map(|one| escaped(&[before, one, after].concat()))
        .collect()
}

/// The pattern in which brackets and backslashes stand for themselves, as in
/// vsftpd.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if matches!(byte, b'[' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> NameFilter {
        NameFilter::parse(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_name_is_picked_by_pattern_or_by_part() {
        for (text, yes, no) in [
            (
                "*.mp3",
                &["a.mp3", ".mp3", "a.mp3.mp3"][..],
                &["a.MP3", "mp3"][..],
            ),
            ("mp3", &["a.mp3", "mp3s"], &["MP3", "mp"]),
            (
                "{*.mp3,.private,h?}",
                &["x.mp3", ".private", "h1"],
                &["private", "h", ".privat"],
            ),
            ("a[b]", &["a[b]", "xa[b]x"], &["ab"]),
            ("a\\*", &["a\\b"], &["a*"]),
            ("*", &["a", ".a", ""], &[]),
        ] {
            let filter = filter(text);
            for name in yes {
                assert!(filter.picks(name.as_bytes()), "{text} must pick {name}");
            }
            for name in no {
                assert!(
                    !filter.picks(name.as_bytes()),
                    "{text} must not pick {name}"
                );
            }
        }
    }

    #[test]
    fn a_path_is_picked_by_any_name_on_it() {
        let private = filter("{.private,*.key}");
        for path in ["/.private", "/a/.private/b", "/x.key/y", "a/b.key"] {
            assert!(private.picks_part_of(path.as_bytes()), "{path}");
        }
        assert!(!private.picks_part_of(b"/a/private/b.keys"));
        assert!(!filter("*").picks_part_of(b"/"));
        let place = filter("sub/.private");
        assert!(place.picks_part_of(b"/a/sub/.private/b"));
        assert!(!place.picks_part_of(b"/a/.private"));
    }

    #[test]
    fn the_end_of_a_path_decides_or_a_part() {
        let path = |text: &[u8]| VirtualPath::root().join(text).unwrap();
        assert!(filter("*.txt").picks_end_of(&path(b"/a/b.txt")));
        assert!(!filter("*.txt").picks_end_of(&path(b"/a.txt/b")));
        assert!(filter("a").picks_end_of(&path(b"/a/b")));
        assert!(!filter("a?").picks_end_of(&path(b"/")));
    }

    #[test]
    fn long_lists_are_taken_and_long_patterns_are_not() {
        let list: Vec<String> = (0..500).map(|number| format!("*.{number}")).collect();
        let long = filter(&format!("a{{{}}}", list.join(",")));
        assert!(long.picks(b"ax.499") && !long.picks(b"ax.500"));
        assert_eq!(
            NameFilter::parse(&[b'*', b'a'].repeat(300)),
            Err(PatternTooLong)
        );
        assert_eq!(NameFilter::parse(b""), Ok(None));
    }
}
