//! Arguments of several pathnames, or of a pathname and numbers: the commands
//! XCRC and its like, COMB and MMD5, none of which an RFC defines.
//!
//! Where a pathname does not stand alone clients put it in quotes; a quote
//! within is doubled, as in RFC 959's 257 reply.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use super::parse::parse_decimal;

/// A pathname, and which octets of the file are meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FilePart<'a> {
    /// The pathname without its quotes.
    pub name: Cow<'a, [u8]>,
    /// First octet, and the one after the last; the whole file if `None`.
    pub octets: Option<(u64, u64)>,
}

/// A pathname as it came, and what it names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written<'a> {
    /// With the quotes, if the client used any.
    pub written: &'a [u8],
    /// Without them.
    pub name: Cow<'a, [u8]>,
}

/// What the argument of XCRC and its like may mean, the likelier first;
/// nothing if it is malformed.
///
/// `"name" 3 9` means one thing. `name 3 9` may be a name with blanks as
/// well: then both readings are given, and the file that exists decides. One
/// number alone means the start to some servers and the end to others, so
/// after a quoted name it is refused.
#[must_use]
pub fn file_parts(argument: &[u8]) -> Vec<FilePart<'_>> {
    let whole = FilePart {
        name: Cow::Borrowed(argument),
        octets: None,
    };
    if let Some((name, rest)) = take_quoted(argument) {
        let rest: Vec<&[u8]> = rest
            .split(|byte| *byte == b' ')
            .filter(|word| !word.is_empty())
            .collect();
        return match rest.as_slice() {
            [] => vec![FilePart { name, octets: None }],
            [start, end] => match (parse_decimal(start), parse_decimal(end)) {
                (Some(start), Some(end)) => vec![FilePart {
                    name,
                    octets: Some((start, end)),
                }],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
    }
    let mut words = argument.rsplitn(3, |byte| *byte == b' ');
    let (end, start, name) = (words.next(), words.next(), words.next());
    let number = |word: Option<&[u8]>| parse_decimal(word?);
    match (name, number(start), number(end)) {
        (Some(name), Some(start), Some(end)) if !name.is_empty() => vec![
            whole,
            FilePart {
                name: Cow::Borrowed(name),
                octets: Some((start, end)),
            },
        ],
        _ => vec![whole],
    }
}

/// COMB's pathnames, quoted or without blanks, with blanks between them.
/// `None` if a quote stays open or runs into the next name.
#[must_use]
pub fn words(argument: &[u8]) -> Option<Vec<Cow<'_, [u8]>>> {
    let mut names = Vec::new();
    let mut rest = argument.trim_ascii();
    while !rest.is_empty() {
        let (name, after) = match take_quoted(rest) {
            Some((_, after)) if !after.is_empty() && !after.starts_with(b" ") => return None,
            Some(taken) => taken,
            None if rest.starts_with(b"\"") => return None,
            None => {
                let (name, after) = super::parse::split_word(rest);
                (Cow::Borrowed(name), after)
            }
        };
        names.push(name);
        rest = after.trim_ascii_start();
    }
    Some(names)
}

/// MMD5's pathnames (draft-twine-ftpmd5 section 3.2), with commas between
/// them; the reply repeats each as the client wrote it. `None` if one is missing or a quote stays open.
#[must_use]
pub fn listed(argument: &[u8]) -> Option<Vec<Written<'_>>> {
    let mut names = Vec::new();
    let mut rest = argument;
    loop {
        rest = rest.trim_ascii_start();
        let after = match take_quoted(rest) {
            Some((_, after)) => after,
            None if rest.starts_with(b"\"") => return None,
            None => rest,
        };
        // The first comma behind the quoted name, or behind nothing.
        let begun = rest.len() - after.len();
        let comma = after.iter().position(|byte| *byte == b',');
        let end = comma.map_or(rest.len(), |comma| begun + comma);
        let written = rest.get(..end)?.trim_ascii_end();
        if written.is_empty() {
            return None;
        }
        names.push(Written {
            written,
            name: unquoted(written),
        });
        match comma {
            Some(_) => rest = rest.get(end + 1..)?,
            None => return Some(names),
        }
    }
}

/// The pathname without the quotes around it, if there are any.
#[must_use]
pub fn unquoted(pathname: &[u8]) -> Cow<'_, [u8]> {
    match take_quoted(pathname) {
        Some((name, b"")) => name,
        _ => Cow::Borrowed(pathname),
    }
}

/// Takes a quoted name off the beginning of `text`. `None` if there is none,
/// if it is empty or if its quote stays open.
fn take_quoted(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let inner = text.strip_prefix(b"\"")?;
    let mut name = Vec::new();
    let mut rest = inner;
    loop {
        let quote = rest.iter().position(|byte| *byte == b'"')?;
        name.extend_from_slice(rest.get(..quote)?);
        let after = rest.get(quote + 1..)?;
        match after.strip_prefix(b"\"") {
            Some(more) => {
                name.push(b'"');
                rest = more;
            }
            None if name.is_empty() => return None,
            None => return Some((Cow::Owned(name), after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &[u8], octets: Option<(u64, u64)>) -> FilePart<'_> {
        FilePart {
            name: Cow::Borrowed(name),
            octets,
        }
    }

    #[test]
    fn a_quoted_name_may_be_followed_by_two_numbers() {
        assert_eq!(file_parts(b"\"a b\""), [part(b"a b", None)]);
        assert_eq!(file_parts(b"\"a b\" 0 100"), [part(b"a b", Some((0, 100)))]);
        assert_eq!(file_parts(b"\"a \"\"b\"\"\""), [part(b"a \"b\"", None)]);
        for bad in [
            &b"\"a\" 1"[..],
            b"\"a\" 1 x",
            b"\"a\" 1 2 3",
            b"\"a\" -1 2",
            b"\"a\"b",
        ] {
            assert!(file_parts(bad).is_empty(), "{bad:?}");
        }
    }

    #[test]
    fn a_bare_name_with_numbers_has_two_readings() {
        assert_eq!(file_parts(b"plain"), [part(b"plain", None)]);
        assert_eq!(
            file_parts(b"a b 0 100"),
            [part(b"a b 0 100", None), part(b"a b", Some((0, 100)))]
        );
        for name in [&b"chapter 1"[..], b"0 100", b" 0 100", b"\"open", b"\"\""] {
            assert_eq!(file_parts(name), [part(name, None)], "{name:?}");
        }
    }

    #[test]
    fn words_are_quoted_or_without_blanks() {
        let split = |argument| words(argument).map(|names| names.concat());
        assert_eq!(words(b"\"a b\"  c \"d\"").unwrap().len(), 3);
        assert_eq!(split(b"\"a b\"  c \"d\""), Some(b"a bcd".to_vec()));
        assert_eq!(words(b"  ").unwrap().len(), 0);
        for bad in [&b"\"a"[..], b"a \"b", b"\"a\"b", b"\"\" a"] {
            assert_eq!(words(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_list_keeps_what_was_written_and_what_was_meant() {
        let names = listed(b"a b , \"x, y\"\t,c").unwrap();
        let written: Vec<&[u8]> = names.iter().map(|name| name.written).collect();
        assert_eq!(written, [&b"a b"[..], b"\"x, y\"", b"c"]);
        let meant: Vec<&[u8]> = names.iter().map(|name| &*name.name).collect();
        assert_eq!(meant, [&b"a b"[..], b"x, y", b"c"]);
        for bad in [&b""[..], b",a", b"a,", b"a,,b", b"\"a", b"\"\""] {
            assert_eq!(listed(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn quotes_that_do_not_enclose_belong_to_the_name() {
        assert_eq!(&*unquoted(b"\"a b\""), b"a b");
        assert_eq!(&*unquoted(b"\"a\" b"), b"\"a\" b");
        assert_eq!(&*unquoted(b"a\"b"), b"a\"b");
    }
}
