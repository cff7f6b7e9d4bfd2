//! The command line of `ironftpd`: arguments to a closed enum, exit codes.
//!
//! [`parse`] only understands what was typed; [`Start::load`] then reads the
//! configuration it names, and [`main`] acts. The flags and the exit codes
//! stand in tables from which the usage text and ironftpd(8) are made.
//! Sharing a directory with `--serve`, its password and its notice are in
//! `share`.
#![forbid(unsafe_code)]

mod check;
mod commands;
mod doctor;
mod exit;
mod flags;
mod run;
mod share;
mod sources;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::auth::{self, LiveAccounts};
use crate::config::{Config, ConfigError, Finding, print, printable};
use crate::record;
use crate::server::{Input, StartError};

pub use commands::manual_commands;
pub use exit::{EXITS, Exit, manual_exits};
pub use flags::{FLAGS, Flag, manual_flags, usage};
pub use share::{Password, Share, serving_notice};
pub use sources::Source;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Print the usage.
    Help,
    /// Print the version.
    Version,
    /// Print the effective configuration.
    PrintConfig(Start, Extent),
    /// Print what is set as a configuration file of ironftpd's own.
    Migrate(Start),
    /// Say what is wrong or odd about the configuration.
    Check(Start),
    /// Be the server.
    Run(Start),
}

/// What of the configuration is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Every option.
    Whole,
    /// What is not as it would be without a configuration.
    Changes,
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Files and settings in their order. Without a file the usual one comes
    /// first.
    pub sources: Vec<Source>,
    /// Set when a directory is shared without a configuration file.
    pub serve: Option<Serve>,
    /// A socket must have been handed over.
    pub inetd: bool,
}

/// `--serve` and the options that go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serve {
    /// Directory to share, as typed.
    pub directory: PathBuf,
    /// Address to listen on.
    pub address: IpAddr,
    /// Port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Whether files may be changed.
    pub write: bool,
    /// The only user who may log in; anonymous users if none.
    pub user: Option<String>,
    /// Whether TLS is offered, with a certificate made up for it.
    pub tls: bool,
}

/// All that the server needs to start.
#[derive(Debug)]
pub struct Launch {
    /// The configuration, checked.
    pub config: Config,
    /// What was odd about it.
    pub findings: Vec<Finding>,
    /// The directory shared by `--serve`.
    pub share: Option<Share>,
    /// Where all this came from, to read it again.
    pub start: Start,
}

/// A command line that makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub enum UsageError {
    /// getopts could not read it.
    Options(getopts::Fail),
    /// A flag that only goes with another one.
    Needs(&'static str, &'static str),
    /// `--serve` reads no configuration file, yet one was named.
    FileWithServe(PathBuf),
    /// Two flags that exclude each other.
    Both(&'static str, &'static str),
    /// Not a port number.
    BadPort(String),
    /// Not a numeric address.
    BadAddress(String),
    /// A name that no account may have.
    BadUser(String),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::Options(fail) => f.write_str(&printable(&text_of(&fail.to_string()))),
            UsageError::Needs(flag, other) => write!(f, "{flag} goes with {other} only"),
            UsageError::FileWithServe(path) => write!(
                f,
                "--serve reads no configuration file, yet {:?} is named; use -o for single settings",
                path.display().to_string()
            ),
            UsageError::Both(one, other) => write!(f, "{one} and {other} exclude each other"),
            UsageError::BadPort(text) => {
                write!(f, "--port {text:?} is not a number from 0 to 65535")
            }
            UsageError::BadAddress(text) => {
                write!(f, "--address {text:?} is not a numeric address")
            }
            UsageError::BadUser(text) => write!(
                f,
                "--user {text:?}: a name is not empty, has no colon, slash or control character, \
                 and is neither anonymous nor ftp"
            ),
        }
    }
}

impl std::error::Error for UsageError {}

/// Understands the arguments, the program's name left out.
///
/// # Errors
/// What makes no sense about them.
pub fn parse(args: impl Iterator<Item = OsString>) -> Result<Action, UsageError> {
    // getopts wants UTF-8, which names of files need not be. One character
    // for each byte goes through it unharmed and turns back afterwards.
    let args: Vec<String> = args
        .map(|arg| {
            arg.as_bytes()
                .iter()
                .map(|&byte| char::from(byte))
                .collect()
        })
        .collect();
    let asked = flags::options().parse(args).map_err(UsageError::Options)?;
    if asked.opt_present("version") {
        return Ok(Action::Version);
    }
    if asked.opt_present("help") {
        return Ok(Action::Help);
    }
    let start = Start {
        sources: sources::of(&asked),
        serve: serve(&asked)?,
        inetd: asked.opt_present("inetd"),
    };
    if let (Some(_), Some(file)) = (&start.serve, start.sources.iter().find_map(Source::file)) {
        return Err(UsageError::FileWithServe(file.clone()));
    }
    let extent = match (
        asked.opt_present("diff-default"),
        asked.opt_present("print-config"),
    ) {
        (true, false) => return Err(UsageError::Needs("--diff-default", "--print-config")),
        (true, true) => Extent::Changes,
        (false, _) => Extent::Whole,
    };
    let mut wanted = [
        ("check", "--check", Action::Check(start.clone())),
        (
            "print-config",
            "--print-config",
            Action::PrintConfig(start.clone(), extent),
        ),
        ("migrate", "--migrate", Action::Migrate(start.clone())),
    ]
    .into_iter()
    .filter(|(name, ..)| asked.opt_present(name));
    match (wanted.next(), wanted.next()) {
        (Some((_, one, _)), Some((_, other, _))) => Err(UsageError::Both(one, other)),
        (Some((_, _, action)), None) => Ok(action),
        (None, _) => Ok(Action::Run(start)),
    }
}

fn serve(asked: &getopts::Matches) -> Result<Option<Serve>, UsageError> {
    let Some(directory) = asked.opt_str("serve") else {
        let lonely = [
            ("port", "--port"),
            ("address", "--address"),
            ("write", "--write"),
            ("user", "--user"),
            ("tls", "--tls"),
        ];
        return match lonely.iter().find(|(name, _)| asked.opt_present(name)) {
            Some((_, flag)) => Err(UsageError::Needs(flag, "--serve")),
            None => Ok(None),
        };
    };
    let port = asked.opt_str("port").unwrap_or_else(|| "2121".to_owned());
    let address = asked
        .opt_str("address")
        .unwrap_or_else(|| "127.0.0.1".to_owned());
    let user = asked
        .opt_str("user")
        .map(|name| String::from_utf8(bytes_of(&name)));
    Ok(Some(Serve {
        directory: path_of(&directory),
        address: address
            .parse()
            .map_err(|_| UsageError::BadAddress(text_of(&address)))?,
        port: port
            .parse()
            .map_err(|_| UsageError::BadPort(text_of(&port)))?,
        write: asked.opt_present("write"),
        tls: asked.opt_present("tls"),
        user: match user {
            None => None,
            Some(Ok(name)) if share::may_be_a_user(&name) => Some(name),
            Some(Ok(name)) => return Err(UsageError::BadUser(name)),
            Some(Err(error)) => {
                return Err(UsageError::BadUser(
                    String::from_utf8_lossy(error.as_bytes()).into_owned(),
                ));
            }
        },
    }))
}

/// The bytes that went through getopts as characters.
fn bytes_of(text: &str) -> Vec<u8> {
    text.chars()
        .filter_map(|character| u8::try_from(character).ok())
        .collect()
}

fn path_of(text: &str) -> PathBuf {
    OsString::from_vec(bytes_of(text)).into()
}

/// The same for a message.
fn text_of(text: &str) -> String {
    String::from_utf8_lossy(&bytes_of(text)).into_owned()
}

/// Does what the arguments of the process ask for.
#[must_use]
pub fn main() -> ExitCode {
    // Before anything is said: standard error may be a client's connection.
    let Ok(input) = Input::take() else {
        return Exit::OsError.into();
    };
    record::init();
    match parse(std::env::args_os().skip(1)) {
        Ok(action) => act(action, input),
        Err(error) => {
            complain(&format!("{error}\nironftpd -h shows the usage."));
            Exit::Usage
        }
    }
    .into()
}

fn act(action: Action, input: Input) -> Exit {
    match action {
        Action::Help => say(usage().as_bytes()),
        Action::Version => say(concat!("ironftpd ", env!("CARGO_PKG_VERSION"), "\n").as_bytes()),
        Action::PrintConfig(start, extent) => match start.load() {
            Ok(launch) => say(&match extent {
                Extent::Whole => print::effective(&launch.config),
                Extent::Changes => print::changes(&launch.config),
            }),
            Err(errors) => refuse(&errors),
        },
        Action::Migrate(start) => match start.migrate() {
            Ok(text) => say(&text),
            Err(errors) => refuse(&errors),
        },
        Action::Check(start) => check::check(start.load()),
        Action::Run(start) => run::begin(start, input),
    }
}

/// The one account of `--user`, or those of virtual_users_file.
fn accounts(launch: &Launch) -> Result<LiveAccounts, auth::AccountsError> {
    if let Some(share) = &launch.share
        && let (Some(user), Some(password)) = (&share.user, &share.password)
    {
        let home = &share.directory;
        return auth::Accounts::single(user.as_bytes(), password.secret(), home, !share.write)
            .map(LiveAccounts::fixed);
    }
    LiveAccounts::of(launch.config.virtual_users_file())
}

fn exit_of(error: &StartError) -> Exit {
    match error {
        StartError::Listen(_, error) => match error.errno() {
            libc::EACCES | libc::EPERM => Exit::NoPermission,
            _ => Exit::Unavailable,
        },
        StartError::Service(_)
        | StartError::Unprivileged(_)
        | StartError::Log(_)
        | StartError::Tls(_) => Exit::Config,
        StartError::NoSocket | StartError::WrongSocket(_) => Exit::Usage,
        StartError::VisitorGone => Exit::Ok,
        StartError::PidFile(..) => Exit::NoPermission,
        StartError::Control(..) | StartError::Authenticator(_) | StartError::System(_) => {
            Exit::OsError
        }
    }
}

/// Prints every error and gives the exit code that tells most.
fn refuse(errors: &[ConfigError]) -> Exit {
    for error in errors {
        complain(&error.to_string());
    }
    exit_of_errors(errors)
}

/// The exit code that tells most of these.
fn exit_of_errors(errors: &[ConfigError]) -> Exit {
    if errors.iter().any(ConfigError::is_missing_file) {
        Exit::NoInput
    } else if errors.iter().any(ConfigError::is_permission) {
        Exit::NoPermission
    } else {
        Exit::Config
    }
}

/// Writes to standard output. That nobody listens there is no failure.
fn say(text: &[u8]) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("cannot write: {error}"));
            Exit::OsError
        }
        _ => Exit::Ok,
    }
}

/// Writes a line to standard error. There is nowhere to go if that fails.
fn complain(text: &str) {
    if record::syslog::is_used() {
        return log::error!("{text}");
    }
    let _ = writeln!(io::stderr().lock(), "ironftpd: {text}");
}

/// Writes a line of vsftpd's to standard error, where a log has no use for it.
fn complain_as_vsftpd(text: &str) {
    if !record::syslog::is_used() {
        let _ = writeln!(io::stderr().lock(), "500 {text}");
    }
}

#[cfg(test)]
mod tests;
