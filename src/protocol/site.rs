//! The table of SITE commands (RFC 959 section 4.1.3): the commands of this
//! server's own, in the same shape as [`super::command`], and the split of
//! SITE's argument into one of them.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use crate::protocol::command::{Access, Arg};
use crate::protocol::quoted::words;

/// A command under SITE.
#[repr(u8)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(
    missing_docs,
    reason = "each verb is explained by its row of SITE_COMMANDS"
)]
pub enum SiteVerb {
    Help,
    Chmod,
    Chgrp,
    Umask,
    Utime,
    Mkdir,
    Rmdir,
    Symlink,
    Cpfr,
    Cpto,
    Idle,
    Who,
    Quota,
    Time,
}

/// One row of [`SITE_COMMANDS`]; the fields are those of
/// [`super::command::CommandSpec`]. SITE itself has seen to the login.
#[derive(Debug)]
pub struct SiteSpec {
    /// The verb this row describes.
    pub verb: SiteVerb,
    /// Upper-case spellings: the canonical one first, then aliases.
    pub names: &'static [&'static str],
    /// Argument shape, checked by [`parse`].
    pub arg: Arg,
    /// Access class, checked before any of them is carried out.
    pub access: Access,
    /// The FEAT line that advertises the command: those of ProFTPD, by which
    /// clients know what they may ask for.
    pub feat: Option<&'static str>,
    /// Syntax, for SITE HELP and manual.
    pub syntax: &'static str,
    /// One line that says what it is for.
    pub help: &'static str,
}

/// Every SITE command, in the order of [`SiteVerb`].
#[rustfmt::skip]
pub static SITE_COMMANDS: &[SiteSpec] = &[
    SiteSpec { verb: SiteVerb::Help, names: &["HELP"], arg: Arg::Optional, access: Access::Any, feat: None,
        syntax: "SITE HELP [<SP> command]", help: "List the SITE commands, or explain one." },
    SiteSpec { verb: SiteVerb::Chmod, names: &["CHMOD"], arg: Arg::Required, access: Access::Write, feat: None,
        syntax: "SITE CHMOD <SP> mode <SP> pathname", help: "Set the permissions of a file, in octal." },
    SiteSpec { verb: SiteVerb::Chgrp, names: &["CHGRP"], arg: Arg::Required, access: Access::Write, feat: None,
        syntax: "SITE CHGRP <SP> group <SP> pathname", help: "Give a file to a group, by name or number." },
    SiteSpec { verb: SiteVerb::Umask, names: &["UMASK"], arg: Arg::Optional, access: Access::Any, feat: None,
        syntax: "SITE UMASK [<SP> mask]", help: "Show or set the permissions taken from new files, in octal." },
    SiteSpec { verb: SiteVerb::Utime, names: &["UTIME"], arg: Arg::Required, access: Access::Write, feat: Some("SITE UTIME"),
        syntax: "SITE UTIME <SP> ( YYYYMMDDhhmm[ss] <SP> pathname | pathname <SP> atime <SP> mtime <SP> ctime <SP> UTC )", help: "Set when a file was last modified, in UTC, and in the second form when it was last read." },
    SiteSpec { verb: SiteVerb::Mkdir, names: &["MKDIR"], arg: Arg::Required, access: Access::Write, feat: Some("SITE MKDIR"),
        syntax: "SITE MKDIR <SP> pathname", help: "Make a directory, and those before it in the pathname." },
    SiteSpec { verb: SiteVerb::Rmdir, names: &["RMDIR"], arg: Arg::Required, access: Access::Write, feat: Some("SITE RMDIR"),
        syntax: "SITE RMDIR <SP> pathname", help: "Remove a directory with all that is in it." },
    SiteSpec { verb: SiteVerb::Symlink, names: &["SYMLINK"], arg: Arg::Required, access: Access::Write, feat: Some("SITE SYMLINK"),
        syntax: "SITE SYMLINK <SP> target <SP> link", help: "Make a symbolic link to something in or below the link's own directory; names with blanks in quotes." },
    SiteSpec { verb: SiteVerb::Cpfr, names: &["CPFR"], arg: Arg::Required, access: Access::Write, feat: Some("SITE COPY"),
        syntax: "SITE CPFR <SP> pathname", help: "Name the file to be copied by SITE CPTO." },
    SiteSpec { verb: SiteVerb::Cpto, names: &["CPTO"], arg: Arg::Required, access: Access::Write, feat: None,
        syntax: "SITE CPTO <SP> pathname", help: "Copy the file named by SITE CPFR." },
    SiteSpec { verb: SiteVerb::Idle, names: &["IDLE"], arg: Arg::Optional, access: Access::Any, feat: None,
        syntax: "SITE IDLE [<SP> seconds]", help: "Show or set how long the session may be idle." },
    SiteSpec { verb: SiteVerb::Who, names: &["WHO"], arg: Arg::None, access: Access::Any, feat: None,
        syntax: "SITE WHO", help: "List the sessions there are, for those who may see them." },
    SiteSpec { verb: SiteVerb::Quota, names: &["QUOTA"], arg: Arg::None, access: Access::Any, feat: None,
        syntax: "SITE QUOTA", help: "Show what may be stored, where that is limited." },
    SiteSpec { verb: SiteVerb::Time, names: &["TIME"], arg: Arg::None, access: Access::Any, feat: None,
        syntax: "SITE TIME", help: "Show the server's time." },
];

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which rejects a miss"
)]
const _: () = {
    let mut row = 0;
    while row < SITE_COMMANDS.len() {
        assert!(SITE_COMMANDS[row].verb as usize == row);
        assert!(!SITE_COMMANDS[row].names.is_empty());
        row += 1;
    }
    assert!(SITE_COMMANDS.len() == SiteVerb::Time as usize + 1);
};

impl SiteVerb {
    /// The row of this verb.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "the table is checked against SiteVerb at compile time"
    )]
    pub fn spec(self) -> &'static SiteSpec {
        &SITE_COMMANDS[self as usize]
    }

    /// The canonical spelling without `SITE`, upper case.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().names.first().copied().unwrap_or_default()
    }
}

/// A SITE command as given by the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SiteRequest<'a> {
    /// Which one.
    pub verb: SiteVerb,
    /// What followed the blank after it, verbatim; empty if nothing did.
    pub argument: &'a [u8],
}

/// Why SITE's argument is no SITE command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SiteError<'a> {
    /// No row has this name.
    Unknown(&'a [u8]),
    /// The command needs an argument.
    MissingArgument(SiteVerb),
    /// The command takes none.
    UnexpectedArgument(SiteVerb),
}

/// Finds a SITE command by name, in any ASCII case.
#[must_use]
pub fn lookup(name: &[u8]) -> Option<SiteVerb> {
    SITE_COMMANDS
        .iter()
        .find(|row| {
            row.names
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        })
        .map(|row| row.verb)
}

/// Splits SITE's argument into a command and that command's argument.
pub fn parse(argument: &[u8]) -> Result<SiteRequest<'_>, SiteError<'_>> {
    let (name, rest) = super::parse::split_word(argument);
    let verb = lookup(name).ok_or(SiteError::Unknown(name))?;
    match verb.spec().arg {
        Arg::Required if rest.is_empty() => Err(SiteError::MissingArgument(verb)),
        Arg::None if !rest.trim_ascii_end().is_empty() => Err(SiteError::UnexpectedArgument(verb)),
        Arg::None => Ok(SiteRequest {
            verb,
            argument: b"",
        }),
        Arg::Optional | Arg::Required => Ok(SiteRequest {
            verb,
            argument: rest,
        }),
    }
}

/// Reads permission bits written in octal, at most 7777: CHMOD's mode and
/// UMASK's mask. None for anything but one to five octal digits in range.
#[must_use]
pub fn parse_octal(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 5 || !text.iter().all(|b| (b'0'..=b'7').contains(b)) {
        return None;
    }
    let bits = text
        .iter()
        .fold(0, |bits, digit| bits * 8 + u32::from(digit - b'0'));
    (bits <= 0o7777).then_some(bits)
}

/// A pathname without its quotes.
pub type Name<'a> = Cow<'a, [u8]>;

/// Reads SYMLINK's argument: target and link, in quotes if they hold blanks.
/// lftp never quotes but gives the link's absolute name: so where there are
/// more than two words, one blank before a slash parts the two.
#[must_use]
pub fn parse_symlink(argument: &[u8]) -> Option<(Name<'_>, Name<'_>)> {
    let mut names = words(argument).unwrap_or_default();
    if names.len() == 2 {
        let link = names.pop()?;
        return Some((names.pop()?, link));
    }
    if argument.contains(&b'"') {
        return None;
    }
    let mut places = argument.windows(2).enumerate();
    let mut next = || places.find(|(_, pair)| *pair == b" /").map(|(at, _)| at);
    let (at, None) = (next()?, next()) else {
        return None;
    };
    let (target, link) = argument.split_at_checked(at)?;
    (!target.is_empty()).then(|| (target.into(), link.get(1..).unwrap_or_default().into()))
}

/// Reads CHGRP's argument: group, one blank, pathname verbatim.
#[must_use]
pub fn parse_chgrp(argument: &[u8]) -> Option<(&[u8], &[u8])> {
    let (group, pathname) = super::parse::split_word(argument);
    (!group.is_empty() && !pathname.is_empty()).then_some((group, pathname))
}

/// Reads CHMOD's argument: mode, one blank, pathname verbatim.
#[must_use]
pub fn parse_chmod(argument: &[u8]) -> Option<(u32, &[u8])> {
    let (mode, pathname) = super::parse::split_word(argument);
    if pathname.is_empty() {
        return None;
    }
    Some((parse_octal(mode)?, pathname))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_name_is_found_in_any_case() {
        for row in SITE_COMMANDS {
            assert_eq!(
                lookup(row.names[0].to_ascii_lowercase().as_bytes()),
                Some(row.verb)
            );
            assert!(row.syntax.starts_with(&format!("SITE {}", row.verb.name())));
        }
        assert_eq!(lookup(b"CHMODX"), None);
        assert_eq!(lookup(b""), None);
    }

    #[test]
    fn whatever_takes_a_pathname_writes() {
        for row in SITE_COMMANDS {
            let changes = row.syntax.contains("pathname") || row.verb == SiteVerb::Symlink;
            assert_eq!(changes, row.access == Access::Write, "{}", row.verb.name());
        }
    }

    #[test]
    fn argument_is_kept_verbatim() {
        let request = parse(b"chmod 644  a b ").unwrap();
        assert_eq!(
            request,
            SiteRequest {
                verb: SiteVerb::Chmod,
                argument: b"644  a b "
            }
        );
        assert_eq!(parse_chmod(request.argument), Some((0o644, &b" a b "[..])));
    }

    #[test]
    fn missing_and_unknown_are_told_apart() {
        assert_eq!(
            parse(b"CHMOD"),
            Err(SiteError::MissingArgument(SiteVerb::Chmod))
        );
        assert_eq!(
            parse(b"CHMOD "),
            Err(SiteError::MissingArgument(SiteVerb::Chmod))
        );
        assert_eq!(parse(b"EXEC rm"), Err(SiteError::Unknown(b"EXEC")));
        assert_eq!(parse(b"").unwrap_err(), SiteError::Unknown(b""));
        assert_eq!(parse(b"UMASK").unwrap().argument, b"");
    }

    #[test]
    fn octal_is_bounded_and_strict() {
        assert_eq!(parse_octal(b"0"), Some(0));
        assert_eq!(parse_octal(b"00755"), Some(0o755));
        assert_eq!(parse_octal(b"7777"), Some(0o7777));
        for bad in [
            &b""[..],
            b"8",
            b"10000",
            b"77777",
            b"+7",
            b"0x7",
            b" 7",
            b"000007",
        ] {
            assert_eq!(parse_octal(bad), None, "{bad:?}");
        }
        assert_eq!(parse_chmod(b"644"), None);
        assert_eq!(parse_chmod(b"u+x f"), None);
    }

    #[test]
    fn target_and_link_are_words_or_parted_before_a_slash() {
        let read = |argument: &'static str| {
            let (target, link) = parse_symlink(argument.as_bytes())?;
            let text = |name: Cow<'_, [u8]>| String::from_utf8(name.into_owned()).unwrap();
            Some((text(target), text(link)))
        };
        for (argument, target, link) in [
            ("a b", "a", "b"),
            ("/a /b", "/a", "/b"),
            ("\"a b\" \"c \"\"d\"\"\"", "a b", "c \"d\""),
            ("a b /x/c d", "a b", "/x/c d"),
            ("/a b /x", "/a b", "/x"),
        ] {
            let found = read(argument);
            assert_eq!(found, Some((target.into(), link.into())), "{argument}");
        }
        for bad in ["", "a", "a b c", "a /b /c", "\"a b", "a b \"/c\""] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_group_and_a_pathname_are_parted_by_one_blank() {
        assert_eq!(
            parse_chgrp(b"staff  a b"),
            Some((&b"staff"[..], &b" a b"[..]))
        );
        for bad in [&b"staff"[..], b"staff ", b" file", b""] {
            assert_eq!(parse_chgrp(bad), None, "{bad:?}");
        }
    }
}
