//! What a configuration says that works, but perhaps not as meant.
//!
//! Findings never stop the server. They are logged at start and shown by
//! `--check`, which adds what it sees on the machine (`symptom`).
#![forbid(unsafe_code)]

use std::fmt;

use super::error::{Origin, printable};
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
    /// A path that begins or ends with a blank.
    BlankInPath(String),
    /// Accepted, but it has no meaning in this server.
    Moot(&'static str),
    /// In the file of one user, where it comes too late or is not only his.
    NotPersonal,
    /// Does nothing because another option is NO.
    Needs(&'static str),
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
    /// Users other than its owner may write the configuration file.
    WritableByOthers,
    /// A file named by an option does not exist.
    Missing(String),
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
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match &self.note {
            Note::CarriageReturn | Note::Moot(_) | Note::ByInetdOnly => Severity::Info,
            Note::Machine(symptom) => symptom.severity(),
            _ => Severity::Warning,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::TrailingJunk { written, taken } => {
                write!(
                    f,
                    "\"{}\" is read as {taken}; the rest is dropped",
                    printable(written)
                )
            }
            Note::DecimalMode { value } => {
                write!(
                    f,
                    "{value} is decimal, 0{value:o} in octal; an octal number needs a leading 0"
                )
            }
            Note::CarriageReturn => f.write_str("lines end with CR LF; the CR is dropped"),
            Note::SetBefore { line } => {
                write!(f, "set before, on line {line}; the last one counts")
            }
            Note::BlankInPath(path) => {
                write!(f, "\"{}\" begins or ends with a blank", printable(path))
            }
            Note::Moot(reason) => f.write_str(reason),
            Note::NotPersonal => f.write_str("has no effect in the file of one user"),
            Note::Needs(other) => write!(f, "has no effect while {other} is NO"),
            Note::OldVersion => f.write_str(
                "stays off: this version is broken (RFC 6176, RFC 7568, RFC 8996); TLS 1.2 and 1.3 are spoken",
            ),
            Note::ByInetdOnly => f.write_str(
                "neither listen nor listen_ipv6 is YES: inetd, systemd or the like must start the server",
            ),
            Note::FromBackground => f.write_str(
                "with background=YES the drawings go to standard output only if that is a file",
            ),
            Note::NoCommand(name) => write!(
                f,
                "\"{}\" is no command; names are in upper case, with commas and no blanks between them",
                printable(name)
            ),
            Note::NobodyServed => f.write_str("every client will be turned away with 500 OOPS"),
            Note::WritableByOthers => f.write_str("users other than its owner may write this file"),
            Note::Missing(path) => write!(f, "\"{}\" does not exist", printable(path)),
            Note::Machine(symptom) => symptom.fmt(f),
        }
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
            "command line: anon_umask: \"022x\" is read as 022; the rest is dropped"
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
        assert_eq!(finding.to_string(), "default: isolate: has no meaning here");
    }
}
