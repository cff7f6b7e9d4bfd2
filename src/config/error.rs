//! What makes a configuration unusable, and where it stands.
//!
//! A [`ConfigError`] prints as one line: place, option, problem, and what to
//! write instead where that is known.
#![forbid(unsafe_code)]

use crate::protocol::ebcdic::{CODE_PAGES, CodePage};
use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Text for one line of a terminal or log: control characters are escaped,
/// the rest stays as it is.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() {
            c.escape_debug().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(shown).collect()
}

/// The name of a file, for one line: files in user_config_dir have names that
/// others may have chosen.
pub(super) fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line, counted from 1, of a configuration file; 0 is the whole file.
    File {
        /// The file as it was named on the command line.
        path: Arc<Path>,
        /// The line.
        line: usize,
    },
    /// An `-o` option of the command line.
    CommandLine,
    /// Set on behalf of `--serve`.
    Serve,
    /// The default of the table.
    Builtin,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { path, line: 0 } => f.write_str(&shown(path)),
            Origin::File { path, line } => write!(f, "{}:{line}", shown(path)),
            Origin::CommandLine => f.write_str("command line"),
            Origin::Serve => f.write_str("--serve"),
            Origin::Builtin => f.write_str("default"),
        }
    }
}

/// What is wrong. Values are kept as text for the message, with bytes that
/// are not UTF-8 replaced.
#[derive(Debug)]
pub enum Problem {
    /// No option has this name, nor does one of vsftpd.
    UnknownOption {
        /// The nearest known name, if one is near.
        suggestion: Option<&'static str>,
    },
    /// The line has no `=`.
    NoEquals,
    /// Nothing after the `=` of an option that needs a value.
    MissingValue,
    /// Neither yes nor no.
    BadBool(String),
    /// No digits.
    BadNumber(String),
    /// More than 32 bits.
    NumberTooLarge(String),
    /// A NUL byte in a value.
    Nul,
    /// A number over what the option allows.
    OutOfRange {
        /// The number.
        value: u32,
        /// The largest allowed.
        largest: u32,
        /// Whether to show both in octal.
        octal: bool,
    },
    /// Not a numeric IPv4 address.
    BadIpv4(String),
    /// Not a numeric IPv6 address.
    BadIpv6(String),
    /// Not a map from networks to addresses.
    BadAddressMap(String),
    /// Not a list of ports.
    BadPorts(String),
    /// Not a list of host names.
    BadHostNames(String),
    /// A pattern for names longer than this many bytes.
    PatternTooLong {
        /// The most there may be.
        largest: usize,
    },
    /// Not a language there are replies in.
    BadLanguage(String),
    /// A form of logs that does not exist.
    BadLogFormat(String),
    /// Not a charset for names.
    BadCharset(String),
    /// Not a code page of TYPE E.
    BadCodePage(String),
    /// Not a value of require_ssl_reuse.
    BadReuse(String),
    /// Not a value of client_cert_user.
    BadCertUser(String),
    /// Neither anonymous users nor accounts.
    NobodyMayLogIn,
    /// No user of the system has this name.
    NoSuchUser(String),
    /// A directory that is none.
    NotADirectory(PathBuf),
    /// A file, named by an option or by the command line, that cannot be read.
    Unreadable(PathBuf, io::Error),
    /// The configuration file is a directory, FIFO, device or socket.
    NotARegularFile,
    /// The configuration file belongs to somebody else.
    WrongOwner {
        /// User id of the owner.
        owner: u32,
        /// User id the program was started with.
        starter: u32,
    },
    /// The configuration file is larger than any could be; bytes.
    TooLarge {
        /// The largest size read.
        largest: u64,
    },
    /// No file was named and none of the usual ones exists.
    NoFile,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::UnknownOption { suggestion: Some(name) } => write!(f, "unknown option: did you mean \"{name}\"?"),
            Problem::UnknownOption { suggestion: None } => f.write_str("unknown option"),
            Problem::NoEquals => f.write_str("no \"=\": a setting is written name=value"),
            Problem::MissingValue => f.write_str("no value after \"=\""),
            Problem::BadBool(value) => write!(f, "\"{value}\" is neither YES nor NO"),
            Problem::BadNumber(value) => write!(f, "\"{value}\" is not a number"),
            Problem::NumberTooLarge(value) => write!(f, "{value} is too large: at most {}", u32::MAX),
            Problem::Nul => f.write_str("NUL byte in the value"),
            Problem::OutOfRange { value, largest, octal: true } => {
                write!(f, "0{value:o} ({value} in decimal) is too large: at most 0{largest:o}")
            }
            Problem::OutOfRange { value, largest, octal: false } => {
                write!(f, "{value} is too large: at most {largest}")
            }
            Problem::BadAddressMap(text) => write!(
                f,
                "{text:?} is not a map such as 10.0.0.0/8=10.0.0.5,0.0.0.0/0=203.0.113.7"
            ),
            Problem::BadCodePage(value) => {
                let pages: Vec<&str> = CODE_PAGES.iter().map(CodePage::name).collect();
                write!(f, "\"{value}\" is no code page of TYPE E; there are {}", pages.join(", "))
            }
            Problem::BadPorts(text) => write!(
                f,
                "{text:?} is not a list of ports such as 30000-30009,30020"
            ),
            Problem::BadHostNames(text) => write!(
                f,
                "{text:?} is not a list of host names such as ftp.example.org,203.0.113.7"
            ),
            Problem::PatternTooLong { largest } => {
                write!(f, "a pattern of more than {largest} bytes")
            }
            Problem::BadLogFormat(value) => write!(f, "\"{value}\" is neither vsftpd nor json"),
            Problem::BadLanguage(value) => write!(f, "\"{value}\" is neither en nor zh"),
            Problem::BadCharset(value) => write!(
                f,
                "\"{value}\" is not a charset for file names such as GBK or windows-1251"
            ),
            Problem::BadReuse(value) => write!(f, "\"{value}\" is neither YES nor NO nor AUTO"),
            Problem::BadCertUser(value) => write!(f, "\"{value}\" is neither CN nor SAN nor fingerprint"),
            Problem::BadIpv4(value) => write!(f, "\"{value}\" is not a numeric IPv4 address"),
            Problem::BadIpv6(value) => write!(f, "\"{value}\" is not a numeric IPv6 address"),
            Problem::NobodyMayLogIn => {
                f.write_str("nobody may log in: anonymous_enable and local_enable are NO and virtual_users_file is not set")
            }
            Problem::NoSuchUser(name) => write!(f, "the system has no user \"{}\"", printable(name)),
            Problem::NotADirectory(path) => write!(f, "\"{}\" is not a directory", shown(path)),
            Problem::Unreadable(path, error) => write!(f, "cannot read \"{}\": {error}", shown(path)),
            Problem::NotARegularFile => f.write_str("is not a regular file"),
            Problem::WrongOwner { owner, starter } => write!(
                f,
                "belongs to user id {owner}; it must belong to root or to the user who starts the server, {starter}"
            ),
            Problem::TooLarge { largest } => write!(f, "larger than {largest} bytes: not a configuration file"),
            Problem::NoFile => f.write_str(
                "no configuration file: neither /etc/ironftpd.conf nor /etc/vsftpd.conf nor /etc/vsftpd/vsftpd.conf exists; \
                 name one, or share a directory at once with: ironftpd --serve DIR",
            ),
        }
    }
}

/// One reason why a configuration cannot be used.
#[derive(Debug)]
pub struct ConfigError {
    /// Where it stands.
    pub origin: Origin,
    /// The option concerned, as it was written.
    pub option: Option<String>,
    /// What is wrong with it.
    pub problem: Problem,
}

impl ConfigError {
    /// True when the configuration file itself, or the directory of `--serve`,
    /// does not exist, which has an exit code of its own.
    #[must_use]
    pub fn is_missing_file(&self) -> bool {
        match &self.problem {
            Problem::NoFile => true,
            Problem::Unreadable(_, error) => {
                self.option.is_none() && error.kind() == io::ErrorKind::NotFound
            }
            _ => false,
        }
    }

    /// True when the configuration file may not be read, or is not one that
    /// the user who starts the server may be trusted with.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        match &self.problem {
            Problem::WrongOwner { .. } => true,
            Problem::Unreadable(_, error) => {
                self.option.is_none() && error.kind() == io::ErrorKind::PermissionDenied
            }
            _ => false,
        }
    }
}

impl ConfigError {
    /// What vsftpd would say of the same mistake, for those who look for it.
    #[must_use]
    pub fn oops(&self) -> String {
        let place = match &self.origin {
            Origin::File { path, .. } => path.display().to_string(),
            other => other.to_string(),
        };
        let words = match &self.problem {
            Problem::UnknownOption { .. } => "unrecognised variable in config file",
            Problem::NoEquals | Problem::MissingValue => "missing value in config file for",
            Problem::BadBool(_) => "bad bool value in config file for",
            Problem::WrongOwner { .. } | Problem::NotARegularFile => {
                return "OOPS: config file not owned by correct user, or not a file".to_owned();
            }
            _ if self.option.is_none() => "cannot read config file",
            _ => "bad value in config file for",
        };
        let about = self.option.as_deref().unwrap_or(&place);
        format!("OOPS: {words}: {}", printable(about))
    }

    /// The same without where it stands.
    pub(crate) fn without_place(&self) -> String {
        match (&self.option, &self.problem) {
            (None, Problem::Unreadable(_, error)) if self.origin != Origin::Serve => {
                format!("cannot read the configuration file: {error}")
            }
            (None, problem) => problem.to_string(),
            (Some(name), Problem::UnknownOption { suggestion }) => {
                let hint = suggestion.map(|near| format!(": did you mean \"{near}\"?"));
                let hint = hint.unwrap_or_default();
                format!("unknown option \"{}\"{hint}", printable(name))
            }
            (Some(name), problem) => format!("{}: {problem}", printable(name)),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without a place there is nothing worth printing before the colon.
        if self.origin != Origin::Builtin {
            write!(f, "{}: ", self.origin)?;
        }
        f.write_str(&self.without_place())
    }
}

impl std::error::Error for ConfigError {}

/// Every reason why a configuration cannot be used, in the order of their
/// places. Prints as one line.
#[derive(Debug, Default)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let comma = if index > 0 { "; " } else { "" };
            write!(f, "{comma}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl Deref for ConfigErrors {
    type Target = [ConfigError];

    fn deref(&self) -> &[ConfigError] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_line_12(option: Option<&str>, problem: Problem) -> String {
        let origin = Origin::File {
            path: Path::new("/etc/ironftpd.conf").into(),
            line: 12,
        };
        ConfigError {
            origin,
            option: option.map(str::to_owned),
            problem,
        }
        .to_string()
    }

    #[test]
    fn unknown_option_names_place_and_nearest_name() {
        let problem = Problem::UnknownOption {
            suggestion: Some("anonymous_enable"),
        };
        assert_eq!(
            at_line_12(Some("anonymous_enabel"), problem),
            "/etc/ironftpd.conf:12: unknown option \"anonymous_enabel\": did you mean \"anonymous_enable\"?"
        );
    }

    #[test]
    fn control_bytes_of_a_name_are_escaped() {
        let text = at_line_12(
            Some("a\u{1b}b"),
            Problem::UnknownOption { suggestion: None },
        );
        assert_eq!(text, "/etc/ironftpd.conf:12: unknown option \"a\\u{1b}b\"");
        let path = Path::new("users/\u{1b}[2J\n").into();
        let origin = Origin::File { path, line: 3 };
        assert_eq!(origin.to_string(), "users/\\u{1b}[2J\\n:3");
    }

    #[test]
    fn who_looks_for_the_words_of_vsftpd_finds_them() {
        let oops = |option: Option<&str>, problem: Problem| {
            let origin = Origin::File {
                path: Path::new("/etc/vsftpd.conf").into(),
                line: 3,
            };
            let option = option.map(str::to_owned);
            ConfigError {
                origin,
                option,
                problem,
            }
            .oops()
        };
        let gone = || io::Error::from(io::ErrorKind::NotFound);
        for (option, problem, words) in [
            (
                Some("nonsense"),
                Problem::UnknownOption { suggestion: None },
                "unrecognised variable in config file: nonsense",
            ),
            (
                Some("listen"),
                Problem::BadBool("MAYBE".to_owned()),
                "bad bool value in config file for: listen",
            ),
            (
                Some("listen"),
                Problem::NoEquals,
                "missing value in config file for: listen",
            ),
            (
                None,
                Problem::Unreadable(PathBuf::from("/etc/vsftpd.conf"), gone()),
                "cannot read config file: /etc/vsftpd.conf",
            ),
            (
                None,
                Problem::WrongOwner {
                    owner: 5,
                    starter: 0,
                },
                "config file not owned by correct user, or not a file",
            ),
            (
                Some("banner_file"),
                Problem::Unreadable(PathBuf::from("/x"), gone()),
                "bad value in config file for: banner_file",
            ),
        ] {
            assert_eq!(oops(option, problem), format!("OOPS: {words}"));
        }
    }

    #[test]
    fn missing_file_is_told_from_other_trouble() {
        let error = |kind: io::ErrorKind| ConfigError {
            origin: Origin::CommandLine,
            option: None,
            problem: Problem::Unreadable(PathBuf::from("x"), kind.into()),
        };
        assert!(error(io::ErrorKind::NotFound).is_missing_file());
        assert!(!error(io::ErrorKind::PermissionDenied).is_missing_file());
        assert!(error(io::ErrorKind::PermissionDenied).is_permission());
    }

    #[test]
    fn modes_out_of_range_are_shown_in_octal() {
        let problem = Problem::OutOfRange {
            value: 0o1000,
            largest: 0o777,
            octal: true,
        };
        assert_eq!(
            problem.to_string(),
            "01000 (512 in decimal) is too large: at most 0777"
        );
    }

    #[test]
    fn error_without_place_starts_with_the_problem() {
        let error = ConfigError {
            origin: Origin::Builtin,
            option: None,
            problem: Problem::NobodyMayLogIn,
        };
        assert!(error.to_string().starts_with("nobody may log in"));
    }
}
