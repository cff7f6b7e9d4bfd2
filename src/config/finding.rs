//! What a configuration says that works, but perhaps not as meant.
//!
//! Findings never stop the server. They are logged at start and shown by
//! `--check`, which adds what it sees on the machine (`symptom`).
#![forbid(unsafe_code)]

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use super::danger::Danger;
use super::error::{Origin, printable, shown};
use super::options::{Config, find};
use super::spec::Kind;
use super::symptom::Symptom;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Said for completeness.
    Info,
    /// Probably a mistake.
    Warning,
}

/// What was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
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
    /// pasv_address is no address, and pasv_addr_resolve is NO.
    NotAnnounced(String),
    /// The same of one user, for whom no name is looked up.
    NotLookedUp(String),
    /// A bound of the passive ports that is none.
    NoSuchPort {
        /// The lowest passive port.
        first: u16,
        /// The highest.
        last: u16,
    },
    /// Accepted, but it has no meaning in this server.
    Moot(&'static str),
    /// In the file of one user, where it comes too late or is not only his.
    NotPersonal,
    /// Does nothing while none of these options is on.
    Needs(&'static [&'static str], Severity),
    /// Does nothing because this option goes before it.
    Overruled(&'static str),
    /// Does as it says, which lends itself to harm.
    Danger(&'static Danger),
    /// Left out, where vsftpd's manual and its code have different defaults.
    Disputed {
        /// What the manual says.
        manual: &'static str,
        /// What the code does.
        code: &'static str,
        /// What counts here.
        ours: &'static str,
        /// How much it matters.
        severity: Severity,
    },
    /// A version of SSL or TLS that nobody should speak any more.
    OldVersion,
    /// Neither listen nor listen_ipv6.
    ByInetdOnly,
    /// Draws on a standard output that the background may not keep.
    FromBackground,
    /// A list of commands names something that is no command.
    NoCommand(String),
    /// ftp_enable=NO.
    NobodyServed,
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
    /// What is odd about a file that other floors understand.
    Told(String),
    /// A list that is not where Debian's vsftpd has it, but here.
    RedHatsPlace(String),
    /// /dev/null stands for an empty file.
    ReadAsEmpty,
    /// guest_username has user id 0, and allow_root_login is NO.
    RootAsGuest,
    /// The root of anonymous users cannot be served, for this reason.
    AnonymousOut(String),
    /// What users of the system need cannot be had, for this reason.
    LocalUsersOut(String),
    /// Something about the machine that `--check` looked up.
    Machine(Symptom),
}

/// One thing noticed while reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands.
    pub origin: Origin,
    /// The option concerned.
    pub option: Option<String>,
    /// What was noticed.
    pub note: Note,
}

impl Finding {
    /// What `note` says of `option`, where its value comes from.
    pub(crate) fn of(config: &Config, option: &str, note: Note) -> Finding {
        Finding {
            origin: config.origin(option).clone(),
            option: Some(option.to_owned()),
            note,
        }
    }

    /// Tells it in the event log.
    pub fn log(&self) {
        match self.severity() {
            Severity::Warning => log::warn!("{self}"),
            Severity::Info => log::info!("{self}"),
        }
    }

    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match &self.note {
            Note::CarriageReturn
            | Note::ByteOrderMark
            | Note::Blanks
            | Note::ReadAsEmpty
            | Note::RedHatsPlace(_)
            | Note::Moot(_)
            | Note::ByInetdOnly => Severity::Info,
            Note::Needs(_, severity) | Note::Disputed { severity, .. } => *severity,
            Note::Overruled(_) => Severity::Info,
            Note::Danger(danger) => danger.severity,
            Note::Machine(symptom) => symptom.severity(),
            _ => Severity::Warning,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::TrailingJunk { written, taken } => {
                let written = printable(written);
                write!(
                    f,
                    "\"{written}\" is read as {taken}; the rest is dropped: write {taken}"
                )
            }
            Note::DecimalMode { value } if value.to_string().contains(['8', '9']) => write!(
                f,
                "{value} is decimal and no octal number: write 0{value:o} if that is meant"
            ),
            Note::DecimalMode { value } => write!(
                f,
                "{value} is decimal, 0{value:o} in octal; an octal number needs a leading 0: \
                 write 0{value} if that is meant"
            ),
            Note::CarriageReturn => {
                f.write_str("lines end with CR LF; the CR is dropped: nothing need be done")
            }
            Note::SetBefore { line } => write!(
                f,
                "set before, on line {line}; the last one counts: leave one of the two out"
            ),
            Note::ByteOrderMark => f.write_str(
                "begins with a byte order mark, with which vsftpd does not start; it is skipped \
                 here: nothing need be done",
            ),
            Note::Blanks => f.write_str(
                "blanks round name and value do not count here; with them vsftpd 3.0.3 does not \
                 start: write name=value",
            ),
            Note::NoEquals => f.write_str(
                "no \"=\", and so the option is emptied, as in vsftpd: a setting is written \
                 name=value",
            ),
            Note::Negative { written, number } => write!(
                f,
                "\"{}\" is read as {number}, as in vsftpd: write 0 if no limit is meant",
                printable(written)
            ),
            Note::OddAddress { written, taken } => write!(
                f,
                "\"{}\" is read as {taken}, as in vsftpd: write {taken}",
                printable(written)
            ),
            Note::NotAnnounced(text) => write!(
                f,
                "\"{}\" is not a numeric IPv4 address: PASV announces the address that the \
                 client has connected to, where vsftpd answers 500 OOPS: set \
                 pasv_addr_resolve=YES if it is a host name",
                printable(text)
            ),
            Note::NotLookedUp(text) => write!(
                f,
                "\"{}\" is not a numeric IPv4 address, and names are not looked up for single \
                 users: PASV announces the address that the client has connected to: write the \
                 address",
                printable(text)
            ),
            Note::NoSuchPort { first, last } => write!(
                f,
                "does not count, as in vsftpd, since it is not between the lowest port and 65535: \
                 passive ports are {first}-{last}, which a firewall must let in"
            ),
            Note::Moot(reason) => write!(f, "{reason}: leave this out, or let it stand"),
            Note::NotPersonal => f.write_str(
                "has no effect in the file of one user: set it in the file of the server",
            ),
            Note::Needs(needs, _) => needed(f, needs),
            Note::Overruled(by) => write!(
                f,
                "has no effect, because {by} goes before it: leave one of the two out"
            ),
            Note::Danger(danger) => danger.fmt(f),
            Note::Disputed {
                manual, code, ours, ..
            } => write!(
                f,
                "not set: vsftpd's manual gives {manual} as the default, its code {code}, and \
                 here it is {ours}: set it to what is meant"
            ),
            Note::OldVersion => f.write_str(
                "stays off: this version is broken (RFC 6176, RFC 7568, RFC 8996), and TLS 1.2 \
                 and 1.3 are spoken: leave this out",
            ),
            Note::ByInetdOnly => f.write_str(
                "neither listen nor listen_ipv6 is YES: inetd, systemd or the like must start \
                 the server, or else set one of them",
            ),
            Note::FromBackground => f.write_str(
                "with background=YES the drawings go to standard output only if that is a file: \
                 set background=NO to see them",
            ),
            Note::NoCommand(name) => write!(
                f,
                "\"{}\" is no command, and says nothing: write names in upper case, with commas \
                 and no blanks between them",
                printable(name)
            ),
            Note::NobodyServed => f.write_str(
                "every client will be turned away with 500 OOPS: set ftp_enable=YES to serve any",
            ),
            Note::WritableByOthers(path) => write!(
                f,
                "users other than its owner may write \"{0}\", and so decide what it says: \
                 chmod go-w {0}",
                shown(path)
            ),
            Note::ReplaceableByOthers(directory) => write!(
                f,
                "any user may put another file in its place, since all may write \"{0}\": \
                 chmod o-w {0}",
                shown(directory)
            ),
            Note::Missing(path) => write!(
                f,
                "\"{}\" does not exist: make it before somebody needs it",
                printable(path)
            ),
            Note::ClosedLater(path) => write!(
                f,
                "\"{}\" cannot be read any more by who the server becomes (nopriv_user), so that \
                 changes count after a restart only: let that user read it",
                shown(path)
            ),
            Note::ClosedDirectory(path) => write!(
                f,
                "\"{}\" cannot be entered by who the server becomes (nopriv_user), and nobody can \
                 log in: let that user enter it",
                shown(path)
            ),
            Note::ClosedFiles(first, more) => write!(
                f,
                "\"{}\" and {more} others in it cannot be read by who the server becomes \
                 (nopriv_user), and these users cannot log in: let that user read them",
                shown(first)
            ),
            Note::NoOptions(reason) => {
                write!(f, "{reason}: this user cannot log in until it is mended")
            }
            Note::Told(reason) => f.write_str(reason),
            Note::RedHatsPlace(path) => write!(
                f,
                "\"{path}\" is read, where Red Hat's vsftpd has it, for the usual one is not there: \
                 name the file that is meant"
            ),
            Note::ReadAsEmpty => {
                f.write_str("is read as an empty file: name another if it is to hold anything")
            }
            Note::RootAsGuest => f.write_str(
                "its user id is 0, and no guest can log in: name a user of less power, or set \
                 allow_root_login=YES",
            ),
            Note::AnonymousOut(why) => write!(
                f,
                "{why}: anonymous users will be told 500 OOPS, and others are served: make the \
                 directory and reload, or set anonymous_enable=NO"
            ),
            Note::LocalUsersOut(why) => write!(
                f,
                "{why}: users of the system will be told 500 OOPS, and others are served: make \
                 the file, which may be empty, or set chroot_list_enable=NO"
            ),
            Note::Machine(symptom) => symptom.fmt(f),
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

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(option) = &self.option {
            write!(f, "{option}: ")?;
        }
        self.note.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finding_reads_place_option_note() {
        let finding = Finding {
            origin: Origin::CommandLine,
            option: Some("anon_umask".to_owned()),
            note: Note::TrailingJunk {
                written: "022x".to_owned(),
                taken: "022".to_owned(),
            },
        };
        assert_eq!(
            finding.to_string(),
            "command line: anon_umask: \"022x\" is read as 022; the rest is dropped: write 022"
        );
        assert_eq!(finding.severity(), Severity::Warning);
    }

    #[test]
    fn an_option_without_meaning_is_no_warning() {
        let finding = Finding {
            origin: Origin::Builtin,
            option: Some("isolate".to_owned()),
            note: Note::Moot("has no meaning here"),
        };
        assert_eq!(finding.severity(), Severity::Info);
        assert_eq!(
            finding.to_string(),
            "default: isolate: has no meaning here: leave this out, or let it stand"
        );
    }

    #[test]
    fn a_decimal_mode_is_said_as_it_would_be_in_octal() {
        let advice = |value| {
            let note = Note::DecimalMode { value }.to_string();
            note.rsplit_once(": ").map(|(_, advice)| advice.to_owned())
        };
        assert_eq!(advice(22).as_deref(), Some("write 022 if that is meant"));
        assert_eq!(advice(9).as_deref(), Some("write 011 if that is meant"));
    }
}
