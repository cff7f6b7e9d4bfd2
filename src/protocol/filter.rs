//! Names picked out by an administrator: hide_file, deny_file, download_file
//! and upload_file of vsftpd.conf(5).
//!
//! A filter is a pattern for one name, with `*`, `?` and `{one,other}`, and at
//! the same time a text that picks every name it is part of. Octets are
//! compared, so case counts, and a dot at the beginning is an octet like any
//! other. A pattern with a slash is for a whole pathname from the root, and
//! its wildcards take slashes. What a pathname leads to is not known here:
//! `fs` asks about the resolved one.
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

    /// Whether a pattern or text with a slash picks `path`, or a directory on
    /// its way, by what lies below `top`: what picks `top` already does not
    /// count, nor does anything if that is `path` itself.
    #[must_use]
    pub fn picks_place(&self, path: &VirtualPath, top: &VirtualPath) -> bool {
        if !self.text.contains(&b'/') {
            return false;
        }
        let known = path.below(top).map_or(0, |_| top.as_bytes().len());
        let path = path.as_bytes();
        let ends = (1..=path.len()).filter(|&end| path.get(end).is_none_or(|&byte| byte == b'/'));
        let mut places = ends
            .filter(|&end| end > known)
            .filter_map(|end| path.get(..end));
        places.any(|place| self.matches(place))
            || self.ends_in(path).any(|end| end > known.saturating_add(1))
    }

    /// Whether `path` is picked by its last name, by the text anywhere, or as
    /// a whole by a pattern with a slash.
    #[must_use]
    pub fn picks_end_of(&self, path: &VirtualPath) -> bool {
        self.is_in(path.as_bytes())
            || path.file_name().is_some_and(|name| self.matches(name))
            || self.text.contains(&b'/') && self.matches(path.as_bytes())
    }

    fn matches(&self, name: &[u8]) -> bool {
        self.patterns.iter().any(|pattern| {
            // Pattern and name are both short, so that the work is.
            pattern.matches(name, &mut Budget::new(u64::MAX))
        })
    }

    fn is_in(&self, text: &[u8]) -> bool {
        self.ends_in(text).next().is_some()
    }

    /// Where the text ends in another.
    fn ends_in(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        text.windows(self.text.len())
            .zip(self.text.len()..)
            .filter(|&(part, _)| *part == *self.text)
            .map(|(_, end)| end)
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
        assert!(filter("/a/*").picks_end_of(&path(b"/a/b/c")));
        assert!(!filter("/a/*").picks_end_of(&path(b"/b/a/c")));
    }

    #[test]
    fn a_pattern_with_a_slash_is_about_places() {
        let path = |text: &str| VirtualPath::root().join(text.as_bytes()).unwrap();
        for (text, top, yes, no) in [
            ("/etc/*", "/home/ann", &["/etc/x", "/etc/x/y"][..], "/etc"),
            ("{/etc/*,*.key}", "/", &["/etc/x"][..], "/a/etc/x"),
            ("/d/?", "/", &["/d/x", "/d/x/y"][..], "/d/xy"),
            (
                "/home/ann/d",
                "/home/ann",
                &["/home/ann/d/x"][..],
                "/home/ann",
            ),
            (
                "home/ann/d",
                "/home/ann",
                &["/home/ann/d/x"][..],
                "/home/ann/e",
            ),
            // Who begins in a place that is picked keeps what is his.
            (
                "/home/*",
                "/home/ann",
                &["/home/bob", "/home/ann/x"][..],
                "/home/ann",
            ),
            (
                "/home",
                "/home/ann",
                &["/home/bob", "/home"][..],
                "/home/ann/x",
            ),
            ("ann/", "/home/ann", &["/ann/x"][..], "/home/ann/x"),
            ("*.key", "/", &[][..], "/x.key"),
        ] {
            let filter = filter(text);
            for name in yes {
                assert!(filter.picks_place(&path(name), &path(top)), "{text} {name}");
            }
            assert!(!filter.picks_place(&path(no), &path(top)), "{text} {no}");
        }
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
