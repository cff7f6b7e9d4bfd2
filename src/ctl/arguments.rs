//! The command line of ironftpctl, turned into a closed enum before anything
//! is done.
//!
//! Leaves to others: doing it.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::path::PathBuf;

use getopts::{Matches, Options};

use super::failure::{Failure, UsageError};
use crate::auth::{Method, is_anonymous};
use crate::config::OPTIONS;

/// The accounts file where none is named.
pub const DEFAULT_FILE: &str = "/etc/ironftpd.users";
/// The longest name of a new account, in bytes.
const NEW_NAME_MAX: usize = 32;

/// What was asked for.
#[derive(Debug, PartialEq)]
pub enum Request {
    /// Show how the program is used.
    Help,
    /// Show its version.
    Version,
    /// Do something to the accounts of `file`.
    User { file: PathBuf, command: Command },
    /// Ask the server that listens at `socket`.
    Server { socket: PathBuf, command: Errand },
}

/// The commands for a running server.
#[derive(Debug, PartialEq)]
pub enum Errand {
    /// Show the sessions; as JSON, or as a table.
    Who { json: bool },
    /// Show how the server is.
    Status { json: bool },
    /// End these sessions.
    Kick { sessions: Vec<u64> },
    /// Read the configuration again.
    Reload,
    /// Let nobody in any more, and end with the last session.
    Drain,
}

/// The commands of `ironftpctl user`.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Add an account.
    Add {
        name: String,
        home: PathBuf,
        read_only: bool,
        method: Method,
    },
    /// Give an account another password.
    Passwd { name: String, method: Method },
    /// Remove an account.
    Del { name: String },
    /// Show every account.
    List,
    /// Let nobody in, keeping the password.
    Lock { name: String },
    /// Undo `Lock`.
    Unlock { name: String },
}

/// Which options each command has, beside those that all have.
const COMMANDS: [(&str, &[&str]); 6] = [
    ("add", &["home", "read-only", "method"]),
    ("passwd", &["method"]),
    ("del", &[]),
    ("list", &[]),
    ("lock", &[]),
    ("unlock", &[]),
];
const LIMITED: [&str; 5] = ["home", "read-only", "method", "socket", "json"];

/// The same for commands to a running server.
const ERRANDS: [(&str, &[&str]); 5] = [
    ("who", &["socket", "json"]),
    ("status", &["socket", "json"]),
    ("kick", &["socket"]),
    ("reload", &["socket"]),
    ("drain", &["socket"]),
];

fn options() -> Options {
    let mut options = Options::new();
    options
        .optopt(
            "f",
            "file",
            &format!("the accounts file [{DEFAULT_FILE}]"),
            "PATH",
        )
        .optopt("", "home", "user add: the account's root, absolute", "DIR")
        .optflag("", "read-only", "user add: nothing may be changed")
        .optopt(
            "",
            "method",
            "user add, passwd: yescrypt (default), sha512, bcrypt",
            "NAME",
        )
        .optopt(
            "s",
            "socket",
            &format!("where the server listens [{}]", default_socket()),
            "PATH",
        )
        .optflag("", "json", "who, status: for programs")
        .optflag("h", "help", "show this and end")
        .optflag("V", "version", "show the version and end");
    options
}

/// The socket where none is named: that of a server that was told no other.
fn default_socket() -> &'static str {
    let row = OPTIONS.iter().find(|row| row.name == "control_socket");
    row.map_or("", |row| row.default)
}

/// What `--help` shows.
pub fn help() -> String {
    options().usage(
        "Usage: ironftpctl [--file PATH] user add NAME --home DIR [--read-only] [--method NAME]\n       \
         ironftpctl [--file PATH] user passwd NAME [--method NAME]\n       \
         ironftpctl [--file PATH] user del|lock|unlock NAME\n       \
         ironftpctl [--file PATH] user list\n       \
         ironftpctl [--socket PATH] who|status [--json]\n       \
         ironftpctl [--socket PATH] kick SESSION...\n       \
         ironftpctl [--socket PATH] reload|drain\n\n\
         A new password is asked for on the terminal, or is the first line of\n\
         standard input. See ironftpctl(8).",
    )
}

/// Reads the arguments, without the program's name.
pub fn parse(arguments: &[OsString]) -> Result<Request, Failure> {
    read(arguments).map_err(Failure::Usage)
}

fn read(arguments: &[OsString]) -> Result<Request, UsageError> {
    let matches = options().parse(arguments).map_err(UsageError::Option)?;
    if matches.opt_present("help") {
        return Ok(Request::Help);
    }
    if matches.opt_present("version") {
        return Ok(Request::Version);
    }
    let mut words = matches.free.iter().cloned();
    match words.next() {
        None => return Err(UsageError::NoCommand),
        Some(word) if word != "user" => return errand(word, words, &matches),
        Some(_) => {}
    }
    let word = words.next().ok_or(UsageError::NoCommand)?;
    let Some((_, allowed)) = COMMANDS.into_iter().find(|(name, _)| *name == word) else {
        return Err(UsageError::UnknownCommand(format!("user {word}")));
    };
    only(&format!("user {word}"), allowed, &matches)?;
    let command = command(&word, &mut words, &matches)?;
    if let Some(word) = words.next() {
        return Err(UsageError::TooMany(word));
    }
    let file = matches
        .opt_str("file")
        .unwrap_or_else(|| DEFAULT_FILE.to_owned());
    Ok(Request::User {
        file: PathBuf::from(file),
        command,
    })
}

/// Refuses options that the command does not have.
fn only(command: &str, allowed: &[&str], matches: &Matches) -> Result<(), UsageError> {
    let unfit = |option: &&str| matches.opt_present(option) && !allowed.contains(option);
    match LIMITED.into_iter().find(unfit) {
        Some(option) => Err(UsageError::NotForCommand {
            option,
            command: command.to_owned(),
        }),
        None => Ok(()),
    }
}

/// A command to a running server.
fn errand(
    word: String,
    mut words: impl Iterator<Item = String>,
    matches: &Matches,
) -> Result<Request, UsageError> {
    let Some((_, allowed)) = ERRANDS.into_iter().find(|(name, _)| *name == word) else {
        return Err(UsageError::UnknownCommand(word));
    };
    only(&word, allowed, matches)?;
    let json = matches.opt_present("json");
    let command = match word.as_str() {
        "who" => Errand::Who { json },
        "status" => Errand::Status { json },
        "kick" => Errand::Kick {
            sessions: words
                .by_ref()
                .map(|word| word.parse().map_err(|_| UsageError::BadSession(word)))
                .collect::<Result<Vec<u64>, _>>()?,
        },
        "reload" => Errand::Reload,
        "drain" => Errand::Drain,
        _ => unreachable!("ERRANDS has no other"),
    };
    if command == (Errand::Kick { sessions: vec![] }) {
        return Err(UsageError::NoSession);
    }
    if let Some(word) = words.next() {
        return Err(UsageError::TooMany(word));
    }
    let socket = matches.opt_str("socket");
    let socket = socket.unwrap_or_else(|| default_socket().to_owned());
    Ok(Request::Server {
        socket: PathBuf::from(socket),
        command,
    })
}

fn command(
    word: &str,
    words: &mut impl Iterator<Item = String>,
    matches: &Matches,
) -> Result<Command, UsageError> {
    if word == "list" {
        return Ok(Command::List);
    }
    let name = words.next().ok_or(UsageError::NoName)?;
    Ok(match word {
        "add" => {
            check_new_name(&name)?;
            let home = home(matches)?;
            let read_only = matches.opt_present("read-only");
            Command::Add {
                name,
                home,
                read_only,
                method: method(matches)?,
            }
        }
        "passwd" => Command::Passwd {
            name,
            method: method(matches)?,
        },
        "del" => Command::Del { name },
        "lock" => Command::Lock { name },
        "unlock" => Command::Unlock { name },
        _ => unreachable!("COMMANDS has no other"),
    })
}

/// Narrower than what the file may hold: a new name should need no quoting
/// in a shell, a log or a path.
fn check_new_name(name: &str) -> Result<(), UsageError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
    let good = (1..=NEW_NAME_MAX).contains(&name.len())
        && !name.starts_with('-')
        && !is_anonymous(name.as_bytes());
    if good && name.bytes().all(fits) {
        Ok(())
    } else {
        Err(UsageError::BadName(name.to_owned()))
    }
}

fn home(matches: &Matches) -> Result<PathBuf, UsageError> {
    let home = matches.opt_str("home").ok_or(UsageError::NoHome)?;
    if !home.starts_with('/') || home.contains(':') || home.contains(char::is_control) {
        return Err(UsageError::BadHome(home));
    }
    Ok(PathBuf::from(home))
}

fn method(matches: &Matches) -> Result<Method, UsageError> {
    let Some(word) = matches.opt_str("method") else {
        return Ok(Method::Yescrypt);
    };
    Method::from_name(&word).ok_or(UsageError::UnknownMethod(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_line(line: &str) -> Result<Request, UsageError> {
        let arguments: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        read(&arguments)
    }

    fn user(line: &str) -> Command {
        match read_line(line) {
            Ok(Request::User { command, .. }) => command,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn every_command_is_understood() {
        let (name, home) = (|| "ann".to_owned(), PathBuf::from("/srv/a"));
        assert_eq!(
            user("user add ann --home /srv/a --read-only --method bcrypt"),
            Command::Add {
                name: name(),
                home,
                read_only: true,
                method: Method::Bcrypt
            }
        );
        let method = Method::Yescrypt;
        assert_eq!(
            user("user passwd ann"),
            Command::Passwd {
                name: name(),
                method
            }
        );
        assert_eq!(user("user del ann"), Command::Del { name: name() });
        assert_eq!(user("user lock ann"), Command::Lock { name: name() });
        assert_eq!(user("user unlock ann"), Command::Unlock { name: name() });
        assert_eq!(user("user list"), Command::List);
        assert!(matches!(read_line("-h"), Ok(Request::Help)));
        assert!(matches!(
            read_line("user list --version"),
            Ok(Request::Version)
        ));
    }

    #[test]
    fn every_command_to_a_server_is_understood() {
        let errand = |line: &str| match read_line(line) {
            Ok(Request::Server { socket, command }) => (socket, command),
            other => panic!("{line}: {other:?}"),
        };
        let usual = || PathBuf::from("/run/ironftpd/control");
        assert_eq!(errand("who"), (usual(), Errand::Who { json: false }));
        assert_eq!(errand("--json who").1, Errand::Who { json: true });
        assert_eq!(errand("status --json").1, Errand::Status { json: true });
        let sessions = vec![1, 22];
        assert_eq!(errand("kick 1 22").1, Errand::Kick { sessions });
        assert_eq!(errand("reload --socket x"), ("x".into(), Errand::Reload));
        assert_eq!(errand("-s y drain"), ("y".into(), Errand::Drain));
    }

    #[test]
    fn the_file_is_the_usual_one_unless_named() {
        for (line, expected) in [
            ("user list", DEFAULT_FILE),
            ("--file x user list", "x"),
            ("user -f y list", "y"),
        ] {
            match read_line(line) {
                Ok(Request::User { file, .. }) => assert_eq!(file, PathBuf::from(expected)),
                other => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn wrong_lines_are_refused_each_for_its_reason() {
        let shown = |line: &str| read_line(line).unwrap_err().to_string();
        for (line, part) in [
            ("", "no command"),
            ("user", "no command"),
            ("whoever", "\"whoever\""),
            ("kick", "which session"),
            ("kick alice", "\"alice\""),
            ("kick 1 -1", "1"),
            ("who 12", "\"12\""),
            ("drain now", "\"now\""),
            ("reload --json", "reload has no option --json"),
            ("who --home /a", "who has no option --home"),
            ("user list --json", "user list has no option --json"),
            ("user rename", "\"user rename\""),
            ("user add", "no user name"),
            ("user del", "no user name"),
            ("user add ann", "--home"),
            ("user add ann --home srv", "begin with /"),
            ("user add ann --home /a:b", "colon"),
            ("user add a:b --home /a", "user name"),
            (
                "user add abcdefghijklmnopqrstuvwxyz0123456 --home /a",
                "user name",
            ),
            ("user add -- -ann", "user name"),
            (
                "user add ann --home /a --method md5",
                "yescrypt sha512 bcrypt",
            ),
            ("user del ann --home /a", "user del has no option --home"),
            ("user list --read-only", "--read-only"),
            ("user lock ann bob", "\"bob\""),
            ("user list --wrong", "wrong"),
            ("user list --file", "file"),
        ] {
            assert!(shown(line).contains(part), "{line}: {}", shown(line));
        }
    }

    #[test]
    fn help_names_every_command_and_option() {
        let text = help();
        for (word, options) in COMMANDS.into_iter().chain(ERRANDS) {
            assert!(text.contains(word));
            assert!(
                options
                    .iter()
                    .all(|option| text.contains(&format!("--{option}")))
            );
        }
    }
}
