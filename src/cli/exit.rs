//! Exit codes, with the numbers of sysexits(3).
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or ended by a signal that asks for it.
    Ok = 0,
    /// A command line that makes no sense.
    Usage = 64,
    /// No configuration file, or none where the command line says.
    NoInput = 66,
    /// The port is taken, or the address is not of this machine.
    Unavailable = 69,
    /// A bug.
    Software = 70,
    /// The system refused something the server cannot do without.
    OsError = 71,
    /// Not allowed: a file of somebody else's, or a port under 1024.
    NoPermission = 77,
    /// The configuration is wrong.
    Config = 78,
}

/// Every exit code with its name in sysexits(3) and its meaning, for the
/// manual.
pub static EXITS: &[(Exit, &str, &str)] = &[
    (
        Exit::Ok,
        "EX_OK",
        "What was asked for is done, or a signal ended the server cleanly.",
    ),
    (Exit::Usage, "EX_USAGE", "The command line makes no sense."),
    (
        Exit::NoInput,
        "EX_NOINPUT",
        "The configuration file or the directory to serve does not exist.",
    ),
    (
        Exit::Unavailable,
        "EX_UNAVAILABLE",
        "The port is taken, or the address is not one of this machine.",
    ),
    (Exit::Software, "EX_SOFTWARE", "A bug."),
    (
        Exit::OsError,
        "EX_OSERR",
        "The system refused something the server cannot do without.",
    ),
    (
        Exit::NoPermission,
        "EX_NOPERM",
        "Not allowed: a configuration file that belongs to somebody else or may not be read, or a port that needs privilege.",
    ),
    (
        Exit::Config,
        "EX_CONFIG",
        "The configuration is wrong; standard error says where.",
    ),
];

impl Exit {
    /// That of another process, which may have none.
    #[must_use]
    pub fn of(code: Option<u8>) -> Exit {
        let found = EXITS.iter().find(|(exit, _, _)| Some(exit.code()) == code);
        found.map_or(Exit::Software, |(exit, _, _)| *exit)
    }

    /// The number the parent process sees.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// The list of exit codes in ironftpd(8), as mdoc(7).
#[must_use]
pub fn manual_exits() -> String {
    let mut out = String::from(".Bl -tag -width 3n\n");
    for (exit, name, meaning) in EXITS {
        out.push_str(&format!(".It {} Pq Dv {name}\n", exit.code()));
        crate::config::manual::sentences(&mut out, meaning);
    }
    out.push_str(".El\n");
    out
}
