//! Moments that clients give for files: MDTM with a time, MFMT, SITE UTIME in
//! both its forms, and the facts of MFF (draft-somers-ftp-mfxx). Setting them
//! is the session's business.
#![forbid(unsafe_code)]

use crate::protocol::parse::split_word;
use crate::protocol::site::parse_octal;
use crate::protocol::time::{Timestamp, parse_mdtm};

/// Reads `YYYYMMDD`, `YYYYMMDDhhmm`, or `YYYYMMDDhhmmss` and perhaps a
/// fraction. What is not given is zero.
#[must_use]
pub fn parse_moment(text: &[u8]) -> Option<Timestamp> {
    match text.len() {
        8 => parse_mdtm(&[text, b"000000"].concat()),
        12 => parse_mdtm(&[text, b"00"].concat()),
        _ => parse_mdtm(text),
    }
}

/// Reads MDTM's argument where it sets a time, as vsftpd's does: a moment,
/// one blank, pathname verbatim.
#[must_use]
pub fn parse_mdtm_write(argument: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (time, pathname) = split_word(argument);
    let time = parse_moment(time).filter(|_| !pathname.is_empty())?;
    Some((time, pathname))
}

/// What SITE UTIME asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Utime<'a> {
    /// The file.
    pub pathname: &'a [u8],
    /// Last access; `None` for the moment of modification as well.
    pub accessed: Option<Timestamp>,
    /// Last modification.
    pub modified: Timestamp,
}

/// Reads SITE UTIME's argument: `YYYYMMDDhhmm[ss] pathname`, or the form of
/// old, `pathname atime mtime ctime UTC`, whose ctime nobody can set.
#[must_use]
pub fn parse_utime(argument: &[u8]) -> Option<Utime<'_>> {
    if let Some(found) = parse_old_utime(argument) {
        return Some(found);
    }
    let (time, pathname) = split_word(argument);
    let modified = parse_moment(time).filter(|_| time.len() >= 12 && !pathname.is_empty())?;
    Some(Utime {
        pathname,
        accessed: None,
        modified,
    })
}

fn parse_old_utime(argument: &[u8]) -> Option<Utime<'_>> {
    let mut words = argument.trim_ascii_end().rsplitn(5, |byte| *byte == b' ');
    if !words.next()?.eq_ignore_ascii_case(b"UTC") {
        return None;
    }
    let mut time = || parse_moment(words.next()?);
    let (_changed, modified, accessed) = (time()?, time()?, time()?);
    let pathname = words.next().filter(|pathname| !pathname.is_empty())?;
    Some(Utime {
        pathname,
        accessed: Some(accessed),
        modified,
    })
}

/// The facts that MFF is to set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NewFacts<'a> {
    /// `Modify`.
    pub modified: Option<Timestamp>,
    /// `UNIX.mode`: permission bits.
    pub mode: Option<u32>,
    /// `UNIX.group`: number or name.
    pub group: Option<&'a [u8]>,
}

/// Why MFF's argument is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MffError {
    /// No facts, no pathname, a fact twice or with a value that is none.
    Syntax,
    /// A fact that cannot be set here.
    Fact,
}

/// MFF's line in FEAT: the facts it sets.
pub const MFF_FEATURE: &str = "MFF modify;UNIX.group;UNIX.mode;";

/// Reads MFF's argument: `name=value;` once or more, one blank, pathname
/// verbatim.
pub fn parse_mff(argument: &[u8]) -> Result<(NewFacts<'_>, &[u8]), MffError> {
    let (list, pathname) = split_word(argument);
    let list = list.strip_suffix(b";").ok_or(MffError::Syntax)?;
    if pathname.is_empty() {
        return Err(MffError::Syntax);
    }
    let mut facts = NewFacts::default();
    for fact in list.split(|byte| *byte == b';') {
        let at = fact.iter().position(|byte| *byte == b'=');
        let (name, value) = at
            .and_then(|at| fact.split_at_checked(at))
            .and_then(|(name, value)| Some((name, value.get(1..)?)))
            .ok_or(MffError::Syntax)?;
        let fresh = match name.to_ascii_lowercase().as_slice() {
            b"modify" => put(&mut facts.modified, parse_mdtm(value)),
            b"unix.mode" => put(&mut facts.mode, parse_octal(value)),
            b"unix.group" => put(
                &mut facts.group,
                Some(value).filter(|value| !value.is_empty()),
            ),
            _ => return Err(MffError::Fact),
        };
        if !fresh {
            return Err(MffError::Syntax);
        }
    }
    Ok((facts, pathname))
}

/// Fills `slot` with `value`; false if it is full or there is no value.
fn put<T>(slot: &mut Option<T>, value: Option<T>) -> bool {
    let fresh = slot.is_none() && value.is_some();
    *slot = value;
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &[u8]) -> Timestamp {
        parse_mdtm(text).unwrap()
    }

    #[test]
    fn a_moment_may_leave_out_what_is_zero() {
        assert_eq!(parse_moment(b"20090213"), Some(at(b"20090213000000")));
        assert_eq!(parse_moment(b"200902132331"), Some(at(b"20090213233100")));
        assert_eq!(
            parse_moment(b"20090213233130.25"),
            Some(at(b"20090213233130.25"))
        );
        for bad in [
            &b""[..],
            b"2009",
            b"200902132",
            b"20091301",
            b"200902132360",
        ] {
            assert_eq!(parse_moment(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn mdtm_sets_a_time_only_if_it_begins_with_one() {
        assert_eq!(
            parse_mdtm_write(b"20090213233130  a b"),
            Some((at(b"20090213233130"), &b" a b"[..]))
        );
        for plain in [&b"file"[..], b"20090213233130", b"20090213233130 ", b"a 2"] {
            assert_eq!(parse_mdtm_write(plain), None, "{plain:?}");
        }
    }

    #[test]
    fn utime_has_two_forms() {
        let modified = at(b"20090213233130");
        assert_eq!(
            parse_utime(b"20090213233130 a b"),
            Some(Utime {
                pathname: b"a b",
                accessed: None,
                modified
            })
        );
        assert_eq!(
            parse_utime(b"a b 20010101000000 20090213233130 20020101000000 utc"),
            Some(Utime {
                pathname: b"a b",
                accessed: Some(at(b"20010101000000")),
                modified
            })
        );
        // A name that looks like the end of the other form.
        assert_eq!(
            parse_utime(b"200902132331 a b UTC").unwrap().pathname,
            b"a b UTC"
        );
        for bad in [
            &b""[..],
            b"file",
            b"20090213 file",
            b"200902132331",
            b"200902132331 ",
            b"file 20010101000000 20090213233130 UTC",
            b" 20010101000000 20090213233130 20020101000000 UTC",
            b"UTC",
        ] {
            assert_eq!(parse_utime(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn mff_reads_the_facts_it_can_set() {
        let (facts, pathname) =
            parse_mff(b"Modify=20090213233130;unix.MODE=0640;UNIX.group=staff; a b").unwrap();
        assert_eq!(pathname, b"a b");
        assert_eq!(facts.modified, Some(at(b"20090213233130")));
        assert_eq!(
            (facts.mode, facts.group),
            (Some(0o640), Some(&b"staff"[..]))
        );
    }

    #[test]
    fn mff_refuses_what_it_cannot_set_and_what_it_cannot_read() {
        for (argument, error) in [
            (&b"create=20090213233130; f"[..], MffError::Fact),
            (b"size=1; f", MffError::Fact),
            (b"modify=20090213233130;size=1; f", MffError::Fact),
            (b"modify=2009; f", MffError::Syntax),
            (b"UNIX.mode=999; f", MffError::Syntax),
            (b"UNIX.group=; f", MffError::Syntax),
            (b"modify; f", MffError::Syntax),
            (b"modify=20090213233130 f", MffError::Syntax),
            (b"modify=20090213233130;", MffError::Syntax),
            (b"; f", MffError::Syntax),
            (b" f", MffError::Syntax),
            (b"", MffError::Syntax),
            (
                b"modify=20090213233130;Modify=20090213233130; f",
                MffError::Syntax,
            ),
        ] {
            assert_eq!(parse_mff(argument), Err(error), "{argument:?}");
        }
    }
}
