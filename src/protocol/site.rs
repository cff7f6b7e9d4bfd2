//! The table of SITE commands (RFC 959 section 4.1.3): the commands of this
//! server's own, in the same shape as [`super::command`], and the split of
//! SITE's argument into one of them.
#![forbid(unsafe_code)]

use crate::protocol::command::{Access, Arg};

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
    Umask,
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
    /// Access class, checked by the dispatcher.
    pub access: Access,
    /// Syntax, for SITE HELP and manual.
    pub syntax: &'static str,
    /// One line that says what it is for.
    pub help: &'static str,
}

/// Every SITE command, in the order of [`SiteVerb`].
#[rustfmt::skip]
pub static SITE_COMMANDS: &[SiteSpec] = &[
    SiteSpec { verb: SiteVerb::Help, names: &["HELP"], arg: Arg::Optional, access: Access::Any,
        syntax: "SITE HELP [<SP> command]", help: "List the SITE commands, or explain one." },
    SiteSpec { verb: SiteVerb::Chmod, names: &["CHMOD"], arg: Arg::Required, access: Access::Write,
        syntax: "SITE CHMOD <SP> mode <SP> pathname", help: "Set the permissions of a file, in octal." },
    SiteSpec { verb: SiteVerb::Umask, names: &["UMASK"], arg: Arg::Optional, access: Access::Any,
        syntax: "SITE UMASK [<SP> mask]", help: "Show or set the permissions taken from new files, in octal." },
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
    assert!(SITE_COMMANDS.len() == SiteVerb::Umask as usize + 1);
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
}
