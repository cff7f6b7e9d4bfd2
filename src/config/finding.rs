//! What a configuration says that works, but perhaps not as meant.
//!
//! Findings never stop the server. They are logged at start and shown by
//! `--check`, which adds what it sees on the machine (`symptom`).
#![forbid(unsafe_code)]

use std::fmt;

use super::danger::Danger;
use super::error::{Origin, printable};
use super::notes::{Away, Paper, Slip, Vain};
use super::options::Config;
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
    /// What is odd about the form of a setting, or of a file of settings.
    Slip(Slip),
    /// What is odd about a file that an option names.
    Paper(Paper),
    /// Why an option does nothing.
    Vain(Vain),
    /// Who will not be served.
    Away(Away),
    /// pasv_address is no address, and pasv_addr_resolve is NO.
    NotAnnounced(String),
    /// The same of one user, for whom no name is looked up.
    NotLookedUp(String),
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
    /// Draws on a standard output that the background may not keep.
    FromBackground,
    /// A list of commands names something that is no command.
    NoCommand(String),
    /// What is odd about a file that other floors understand.
    Told(String),
    /// Something about the machine that `--check` looked up.
    Machine(Symptom),
}

impl From<Slip> for Note {
    fn from(slip: Slip) -> Note {
        Note::Slip(slip)
    }
}

impl From<Paper> for Note {
    fn from(paper: Paper) -> Note {
        Note::Paper(paper)
    }
}

impl From<Vain> for Note {
    fn from(vain: Vain) -> Note {
        Note::Vain(vain)
    }
}

impl From<Away> for Note {
    fn from(away: Away) -> Note {
        Note::Away(away)
    }
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
    pub(crate) fn of(config: &Config, option: &str, note: impl Into<Note>) -> Finding {
        Finding {
            origin: config.origin(option).clone(),
            option: Some(option.to_owned()),
            note: note.into(),
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
            Note::Slip(slip) => slip.severity(),
            Note::Paper(paper) => paper.severity(),
            Note::Vain(vain) => vain.severity(),
            Note::Away(away) => away.severity(),
            Note::Disputed { severity, .. } => *severity,
            Note::Danger(danger) => danger.severity,
            Note::Machine(symptom) => symptom.severity(),
            _ => Severity::Warning,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Slip(slip) => slip.fmt(f),
            Note::Paper(paper) => paper.fmt(f),
            Note::Vain(vain) => vain.fmt(f),
            Note::Away(away) => away.fmt(f),
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
            Note::Danger(danger) => danger.fmt(f),
            Note::Disputed {
                manual, code, ours, ..
            } => write!(
                f,
                "not set: vsftpd's manual gives {manual} as the default, its code {code}, and \
                 here it is {ours}: set it to what is meant"
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
            Note::Told(reason) => f.write_str(reason),
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
            note: Note::Slip(Slip::TrailingJunk {
                written: "022x".to_owned(),
                taken: "022".to_owned(),
            }),
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
            note: Note::Vain(Vain::Moot("has no meaning here")),
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
            let note = Note::Slip(Slip::DecimalMode { value }).to_string();
            note.rsplit_once(": ").map(|(_, advice)| advice.to_owned())
        };
        assert_eq!(advice(22).as_deref(), Some("write 022 if that is meant"));
        assert_eq!(advice(9).as_deref(), Some("write 011 if that is meant"));
    }
}
