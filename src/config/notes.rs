//! What a finding says: what happens, and what to do. One enum for each thing
//! that a finding can be about.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use super::error::{printable, shown};
use super::finding::Severity;
use super::options::find;
use super::spec::Kind;

/// What is odd about the form of a setting, or of a file of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slip {
    /// Bytes after the digits of a number were dropped, as vsftpd does.
    TrailingJunk {
        /// The value as written.
        written: String,
        /// The digits that count.
        taken: String,
    },
    /// A mode or umask without the leading 0 that makes it octal.
    DecimalMode {
        /// The number.
        value: u32,
    },
    /// Lines end with CR LF; the CR was dropped.
    CarriageReturn,
    /// The option was set before in the same file.
    SetBefore {
        /// That line.
        line: usize,
    },
    /// The file begins with the byte order mark of UTF-8.
    ByteOrderMark,
    /// Blanks before the `=`, or round a flag.
    Blanks,
    /// The name of a text stands alone, which empties it.
    NoEquals,
    /// A number below 0.
    Negative {
        /// The value as written.
        written: String,
        /// What it amounts to.
        number: u32,
    },
    /// An address in a form that few know.
    OddAddress {
        /// As written.
        written: String,
        /// As understood.
        taken: Ipv4Addr,
    },
}

impl Slip {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Slip::CarriageReturn | Slip::ByteOrderMark | Slip::Blanks => Severity::Info,
            _ => Severity::Warning,
        }
    }
}

impl fmt::Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slip::TrailingJunk { written, taken } => {
                let written = printable(written);
                write!(
                    f,
                    "\"{written}\" is read as {taken}; the rest is dropped: write {taken}"
                )
            }
            Slip::DecimalMode { value } if value.to_string().contains(['8', '9']) => write!(
                f,
                "{value} is decimal and no octal number: write 0{value:o} if that is meant"
            ),
            Slip::DecimalMode { value } => write!(
                f,
                "{value} is decimal, 0{value:o} in octal; an octal number needs a leading 0: \
                 write 0{value} if that is meant"
            ),
            Slip::CarriageReturn => {
                f.write_str("lines end with CR LF; the CR is dropped: nothing need be done")
            }
            Slip::SetBefore { line } => write!(
                f,
                "set before, on line {line}; the last one counts: leave one of the two out"
            ),
            Slip::ByteOrderMark => f.write_str(
                "begins with a byte order mark, with which vsftpd does not start; it is skipped \
                 here: nothing need be done",
            ),
            Slip::Blanks => f.write_str(
                "blanks round name and value do not count here; with them vsftpd 3.0.3 does not \
                 start: write name=value",
            ),
            Slip::NoEquals => f.write_str(
                "no \"=\", and so the option is emptied, as in vsftpd: a setting is written \
                 name=value",
            ),
            Slip::Negative { written, number } => write!(
                f,
                "\"{}\" is read as {number}, as in vsftpd: write 0 if no limit is meant",
                printable(written)
            ),
            Slip::OddAddress { written, taken } => write!(
                f,
                "\"{}\" is read as {taken}, as in vsftpd: write {taken}",
                printable(written)
            ),
        }
    }
}

/// What is odd about a file that an option names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paper {
    /// Users other than its owner may write this file.
    WritableByOthers(PathBuf),
    /// Any user may put other files into this directory.
    ReplaceableByOthers(PathBuf),
    /// A file named by an option does not exist.
    Missing(String),
    /// Who the server becomes cannot read this file again.
    ClosedLater(PathBuf),
    /// Who the server becomes cannot enter the directory of users' options.
    ClosedDirectory(PathBuf),
    /// Who the server becomes cannot read this file of a user's options, and
    /// so many others.
    ClosedFiles(PathBuf, usize),
    /// The options of a user cannot be used, for this reason.
    NoOptions(String),
    /// A list that is not where Debian's vsftpd has it, but here.
    RedHatsPlace(String),
    /// /dev/null stands for an empty file.
    ReadAsEmpty,
}

impl Paper {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Paper::ReadAsEmpty | Paper::RedHatsPlace(_) => Severity::Info,
            _ => Severity::Warning,
        }
    }
}

impl fmt::Display for Paper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Paper::WritableByOthers(path) => write!(
                f,
                "users other than its owner may write \"{0}\", and so decide what it says: \
                 chmod go-w {0}",
                shown(path)
            ),
            Paper::ReplaceableByOthers(directory) => write!(
                f,
                "any user may put another file in its place, since all may write \"{0}\": \
                 chmod o-w {0}",
                shown(directory)
            ),
            Paper::Missing(path) => write!(
                f,
                "\"{}\" does not exist: make it before somebody needs it",
                printable(path)
            ),
            Paper::ClosedLater(path) => write!(
                f,
                "\"{}\" cannot be read any more by who the server becomes (nopriv_user), so that \
                 changes count after a restart only: let that user read it",
                shown(path)
            ),
            Paper::ClosedDirectory(path) => write!(
                f,
                "\"{}\" cannot be entered by who the server becomes (nopriv_user), and nobody can \
                 log in: let that user enter it",
                shown(path)
            ),
            Paper::ClosedFiles(first, more) => write!(
                f,
                "\"{}\" and {more} others in it cannot be read by who the server becomes \
                 (nopriv_user), and these users cannot log in: let that user read them",
                shown(first)
            ),
            Paper::NoOptions(reason) => {
                write!(f, "{reason}: this user cannot log in until it is mended")
            }
            Paper::RedHatsPlace(path) => write!(
                f,
                "\"{path}\" is read, where Red Hat's vsftpd has it, for the usual one is not there: \
                 name the file that is meant"
            ),
            Paper::ReadAsEmpty => {
                f.write_str("is read as an empty file: name another if it is to hold anything")
            }
        }
    }
}

/// Why an option does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vain {
    /// Accepted, but it has no meaning in this server.
    Moot(&'static str),
    /// In the file of one user, where it comes too late or is not only his.
    NotPersonal,
    /// Does nothing while none of these options is on.
    Needs(&'static [&'static str], Severity),
    /// Does nothing because this option goes before it.
    Overruled(&'static str),
    /// A version of SSL or TLS that nobody should speak any more.
    OldVersion,
    /// A bound of the passive ports that is none.
    NoSuchPort {
        /// The lowest passive port.
        first: u16,
        /// The highest.
        last: u16,
    },
}

impl Vain {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Vain::Moot(_) | Vain::Overruled(_) => Severity::Info,
            Vain::Needs(_, severity) => *severity,
            _ => Severity::Warning,
        }
    }
}

impl fmt::Display for Vain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Vain::Moot(reason) => write!(f, "{reason}: leave this out, or let it stand"),
            Vain::NotPersonal => f.write_str(
                "has no effect in the file of one user: set it in the file of the server",
            ),
            Vain::Needs(needs, _) => needed(f, needs),
            Vain::Overruled(by) => write!(
                f,
                "has no effect, because {by} goes before it: leave one of the two out"
            ),
            Vain::OldVersion => f.write_str(
                "stays off: this version is broken (RFC 6176, RFC 7568, RFC 8996), and TLS 1.2 \
                 and 1.3 are spoken: leave this out",
            ),
            Vain::NoSuchPort { first, last } => write!(
                f,
                "does not count, as in vsftpd, since it is not between the lowest port and 65535: \
                 passive ports are {first}-{last}, which a firewall must let in"
            ),
        }
    }
}

/// What a missing option does to those that need it.
fn needed(f: &mut fmt::Formatter<'_>, needs: &[&'static str]) -> fmt::Result {
    let is_flag = |name: &str| find(name.as_bytes()).is_some_and(|spec| spec.kind == Kind::Bool);
    f.write_str("has no effect while ")?;
    for (index, name) in needs.iter().enumerate() {
        let and = if index > 0 { " and " } else { "" };
        let state = if is_flag(name) { "NO" } else { "not set" };
        write!(f, "{and}{name} is {state}")?;
    }
    match needs {
        [flag] if is_flag(flag) => write!(f, ": set {flag}=YES, or leave this out"),
        [other] => write!(f, ": set {other}, or leave this out"),
        _ => f.write_str(": set one of them, or leave this out"),
    }
}

/// Who will not be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Away {
    /// Neither listen nor listen_ipv6.
    ByInetdOnly,
    /// ftp_enable=NO.
    NobodyServed,
    /// guest_username has user id 0, and allow_root_login is NO.
    RootAsGuest,
    /// The root of anonymous users cannot be served, for this reason.
    AnonymousOut(String),
    /// What users of the system need cannot be had, for this reason.
    LocalUsersOut(String),
}

impl Away {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Away::ByInetdOnly => Severity::Info,
            _ => Severity::Warning,
        }
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Away::ByInetdOnly => f.write_str(
                "neither listen nor listen_ipv6 is YES: inetd, systemd or the like must start \
                 the server, or else set one of them",
            ),
            Away::NobodyServed => f.write_str(
                "every client will be turned away with 500 OOPS: set ftp_enable=YES to serve any",
            ),
            Away::RootAsGuest => f.write_str(
                "its user id is 0, and no guest can log in: name a user of less power, or set \
                 allow_root_login=YES",
            ),
            Away::AnonymousOut(why) => write!(
                f,
                "{why}: anonymous users will be told 500 OOPS, and others are served: make the \
                 directory and reload, or set anonymous_enable=NO"
            ),
            Away::LocalUsersOut(why) => write!(
                f,
                "{why}: users of the system will be told 500 OOPS, and others are served: make \
                 the file, which may be empty, or set chroot_list_enable=NO"
            ),
        }
    }
}
