//! Which commands an administrator leaves a session: cmds_allowed and
//! cmds_denied of vsftpd.conf(5), lists with commas between the names.
//!
//! A list is about what a command does. Its aliases go with it, and commands
//! that vsftpd does not have go with those of vsftpd that do the same, so that
//! a file written for vsftpd shuts what it was meant to shut.
#![forbid(unsafe_code)]

use crate::protocol::command::{Verb, lookup};
use crate::protocol::site::{self, SiteVerb};

/// The two lists, of which the one that denies goes first.
#[derive(Clone, Copy, Debug)]
pub struct Permitted<'lists> {
    allowed: &'lists [u8],
    denied: &'lists [u8],
}

/// Introduces a command of SITE in a list: `SITE CHMOD`.
const SITE: &[u8] = b"SITE ";

impl<'lists> Permitted<'lists> {
    /// By these lists; an empty one says nothing.
    #[must_use]
    pub fn new(allowed: &'lists [u8], denied: &'lists [u8]) -> Permitted<'lists> {
        Permitted { allowed, denied }
    }

    /// Whether a command of this name, which need not be one, is left.
    #[must_use]
    pub fn name(&self, name: &[u8]) -> bool {
        match lookup(name) {
            Some(verb) => self.verb(verb),
            None => {
                let upper = name.to_ascii_uppercase();
                self.lists(|entry| entry == upper)
            }
        }
    }

    /// Whether this command is left.
    #[must_use]
    pub fn verb(&self, verb: Verb) -> bool {
        let names = verb.spec().names;
        self.lists(|entry| names.iter().any(|name| name.as_bytes() == entry))
            && same_as(verb).iter().all(|&other| self.denies_not(other))
    }

    /// Whether this command of SITE is left.
    #[must_use]
    pub fn site(&self, verb: SiteVerb) -> bool {
        let is_meant = |entry: &[u8]| {
            let name = entry.strip_prefix(SITE).map(<[u8]>::trim_ascii_start);
            let names = verb.spec().names;
            name.is_some_and(|name| names.iter().any(|known| known.as_bytes() == name))
        };
        // Whoever allows SITE allows all of it that nothing else forbids.
        self.verb(Verb::Site)
            && !denied(self.denied).any(|entry| is_meant(&entry))
            && same_as_site(verb).iter().all(|&other| self.verb(other))
    }

    fn lists(&self, is_meant: impl Fn(&[u8]) -> bool) -> bool {
        let allows = self.allowed.is_empty() || allowed(self.allowed).any(&is_meant);
        allows && !denied(self.denied).any(|entry| is_meant(&entry))
    }

    /// Whether `verb` is not denied; it need not be allowed.
    fn denies_not(&self, verb: Verb) -> bool {
        Permitted::new(b"", self.denied).verb(verb)
    }
}

/// The entries of cmds_allowed. What vsftpd would not take for a name allows
/// nothing: lower case, blanks, and whatever follows an empty entry.
fn allowed(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',')
        .take_while(|entry| !entry.is_empty())
}

/// The entries of cmds_denied, of which all deny, however they are written.
fn denied(list: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    list.split(|&byte| byte == b',')
        .map(|entry| entry.trim_ascii().to_ascii_uppercase())
        .filter(|entry| !entry.is_empty())
}

/// The entries of a list that name no command, which does no harm and may be
/// a mistake.
pub fn strangers(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let entries = (!list.is_empty()).then(|| list.split(|&byte| byte == b','));
    entries.into_iter().flatten().filter(|entry| {
        let known = match entry.strip_prefix(SITE) {
            Some(name) => site::lookup(name.trim_ascii()).is_some(),
            None => lookup(entry).is_some(),
        };
        !(known && entry.iter().all(|byte| !byte.is_ascii_lowercase()))
    })
}

/// The commands of vsftpd that, together, do what this one does.
fn same_as(verb: Verb) -> &'static [Verb] {
    match verb {
        Verb::Mlsd | Verb::Mlst | Verb::Dsiz => &[Verb::List],
        Verb::Hash
        | Verb::Xcrc
        | Verb::Xmd5
        | Verb::Xsha
        | Verb::Xsha1
        | Verb::Xsha256
        | Verb::Xsha512
        | Verb::Md5
        | Verb::Mmd5 => &[Verb::Retr],
        Verb::Rang => &[Verb::Rest],
        Verb::Comb => &[Verb::Stor, Verb::Appe, Verb::Dele],
        Verb::Mfmt | Verb::Mfct => &[Verb::Mdtm],
        Verb::Mff => &[Verb::Mdtm, Verb::Site],
        Verb::Lprt => &[Verb::Port, Verb::Eprt],
        Verb::Lpsv => &[Verb::Pasv, Verb::Epsv],
        _ => &[],
    }
}

/// The same for commands of SITE.
fn same_as_site(verb: SiteVerb) -> &'static [Verb] {
    match verb {
        SiteVerb::Mkdir => &[Verb::Mkd],
        SiteVerb::Rmdir => &[Verb::Rmd, Verb::Dele],
        SiteVerb::Cpfr | SiteVerb::Cpto => &[Verb::Retr, Verb::Stor],
        SiteVerb::Symlink => &[Verb::Stor],
        SiteVerb::Utime => &[Verb::Mdtm],
        SiteVerb::Help
        | SiteVerb::Chmod
        | SiteVerb::Chgrp
        | SiteVerb::Umask
        | SiteVerb::Idle
        | SiteVerb::Who
        | SiteVerb::Quota
        | SiteVerb::Time => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(allowed: &str, denied: &str, name: &str) -> bool {
        Permitted::new(allowed.as_bytes(), denied.as_bytes()).name(name.as_bytes())
    }

    #[test]
    fn without_lists_everything_is_left() {
        for name in ["RETR", "XPWD", "FROB", ""] {
            assert!(left("", "", name), "{name}");
        }
    }

    #[test]
    fn what_is_not_allowed_is_denied_by_any_of_its_names() {
        let list = "PASV,RETR,CWD";
        for name in ["PASV", "retr", "CWD", "XCWD"] {
            assert!(left(list, "", name), "{name}");
        }
        for name in ["EPSV", "STOR", "MLSD", "FROB", "QUIT"] {
            assert!(!left(list, "", name), "{name}");
        }
        // As vsftpd reads it.
        for list in ["cwd", " CWD", "PWD,,CWD", "CWD "] {
            assert!(!left(list, "", "CWD"), "{list:?}");
        }
    }

    #[test]
    fn what_is_denied_is_denied_however_it_is_written() {
        for list in ["MKD", "mkd", "PWD, MKD", ",,XMKD,"] {
            assert!(!left("", list, "MKD"), "{list:?}");
            assert!(!left("MKD,XMKD", list, "XMKD"), "{list:?}");
        }
        assert!(!left("", "FROB", "frob"));
        assert!(left("", "FROB", "MKD"));
    }

    #[test]
    fn commands_that_do_the_same_go_with_those_of_vsftpd() {
        for (denied, name) in [
            ("LIST", "MLSD"),
            ("RETR", "HASH"),
            ("DELE", "COMB"),
            ("SITE", "MFF"),
            ("EPSV", "LPSV"),
        ] {
            assert!(!left("", denied, name), "{denied} {name}");
            assert!(left("", "NOOP", name), "{name}");
        }
        // Who is allowed a command need not be allowed its like.
        assert!(left("MLSD", "", "MLSD"));
        let site = |denied: &str, verb| Permitted::new(b"", denied.as_bytes()).site(verb);
        assert!(!site("RMD", SiteVerb::Rmdir) && !site("DELE", SiteVerb::Rmdir));
        assert!(!site("site chmod", SiteVerb::Chmod) && site("SITE CHMOD", SiteVerb::Chgrp));
        assert!(!site("SITE", SiteVerb::Chmod));
        let allowed = Permitted::new(b"SITE,MKD", b"");
        assert!(allowed.site(SiteVerb::Mkdir) && !allowed.site(SiteVerb::Cpto));
    }

    #[test]
    fn entries_that_name_nothing_are_found() {
        let found = |list: &'static str| strangers(list.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found("PASV,XCUP,SITE CHMOD,LIST"), [b""; 0]);
        assert_eq!(
            found("PASV,retr, LIST,FROB,SITE FROB"),
            [&b"retr"[..], b" LIST", b"FROB", b"SITE FROB"]
        );
    }
}
