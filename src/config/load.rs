//! Which files are read, whose they must be, and in which order they count.
//!
//! Files and settings of the command line count in the order given: of two
//! settings of one option the last counts. Every error is collected,
//! so that `--check` shows them all at once.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use super::check;
use super::error::{ConfigError, ConfigErrors, Origin, Problem};
use super::finding::{Finding, Note};
use super::notes::{Paper, Slip};
use super::options::Config;
use super::parse::{self, trimmed};
use crate::sys::process::effective_user;
use crate::sys::regular::{content, open_regular};

/// More than any real file: vsftpd itself reads 100,000 bytes at most.
const LARGEST: u64 = 1 << 20;

/// What editors of other systems put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether users exist besides those of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// Only anonymous users and those of `virtual_users_file`.
    Configured,
    /// One more, of the command line.
    OneMore,
}

/// A configuration in the making: the settings so far, and what was wrong
/// or odd about them.
#[derive(Debug)]
pub struct Reading {
    pub(super) config: Config,
    /// Whose files are trusted, besides root's.
    pub(super) starter: u32,
    pub(super) findings: Vec<Finding>,
    pub(super) errors: Vec<ConfigError>,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading::new()
    }
}

impl Reading {
    /// Starts from the defaults.
    #[must_use]
    pub fn new() -> Reading {
        Reading::started_by(effective_user())
    }

    /// The same for a server that was started by the user `starter`, and is
    /// perhaps somebody else by now.
    #[must_use]
    pub fn started_by(starter: u32) -> Reading {
        Reading {
            config: Config::default(),
            starter,
            findings: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// A configuration file over `base`, for a server that was started by the
    /// user `starter`.
    pub(super) fn of_file_over(base: &Config, path: &Path, starter: u32) -> Reading {
        let mut reading = Reading {
            config: base.clone(),
            ..Reading::started_by(starter)
        };
        reading.file(path);
        reading
    }

    /// Reads a configuration file.
    pub fn file(&mut self, path: &Path) {
        let whole = Origin::File {
            path: path.into(),
            line: 0,
        };
        match contents(path, self.starter) {
            Ok((text, mode)) => {
                if mode & 0o022 != 0 {
                    self.finding(&whole, None, Paper::WritableByOthers(path.to_owned()));
                }
                self.text(path, &text);
            }
            Err(problem) => self.errors.push(ConfigError {
                origin: whole,
                option: None,
                problem,
            }),
        }
    }

    /// Reads the text of a configuration file, which `path` only names.
    pub fn text(&mut self, path: &Path, text: &[u8]) {
        let path: Arc<Path> = path.into();
        let mut seen: BTreeMap<&[u8], usize> = BTreeMap::new();
        let mut returns = false;
        let marked = text.strip_prefix(BYTE_ORDER_MARK);
        if marked.is_some() {
            let path = Arc::clone(&path);
            self.finding(&Origin::File { path, line: 1 }, None, Slip::ByteOrderMark);
        }
        let text = marked.unwrap_or(text);
        for (line, bytes) in (1..).zip(text.split(|&byte| byte == b'\n')) {
            let origin = Origin::File {
                path: Arc::clone(&path),
                line,
            };
            if bytes.ends_with(b"\r") && !returns {
                returns = true;
                self.finding(&origin, None, Slip::CarriageReturn);
            }
            let Some(name) = self.line(bytes, &origin) else {
                continue;
            };
            if let Some(before) = seen.insert(name, line) {
                self.finding(&origin, Some(name), Slip::SetBefore { line: before });
            }
        }
    }

    fn finding(&mut self, origin: &Origin, option: Option<&[u8]>, note: impl Into<Note>) {
        self.findings.push(Finding {
            origin: origin.clone(),
            option: option.map(parse::shown),
            note: note.into(),
        });
    }

    /// Takes one setting, `name=value`, as of `-o`.
    pub fn setting(&mut self, setting: &[u8], origin: &Origin) {
        self.line(setting, origin);
    }

    /// Sets one option, whose value may then hold any byte but NUL.
    pub fn set(&mut self, name: &str, value: &[u8], origin: &Origin) {
        match self.config.set(name.as_bytes(), value, origin) {
            Ok(findings) => self.findings.extend(findings),
            Err(error) => self.errors.push(error),
        }
    }

    /// Notes an error that was found outside the settings.
    pub fn error(&mut self, origin: Origin, problem: Problem) {
        self.errors.push(ConfigError {
            origin,
            option: None,
            problem,
        });
    }

    /// The name that the line set, if it set one.
    fn line<'a>(&mut self, line: &'a [u8], origin: &Origin) -> Option<&'a [u8]> {
        match parse::setting(line) {
            Ok(None) => None,
            Ok(Some((name, text))) => match self.config.set(name, trimmed(name, text), origin) {
                Ok(findings) => {
                    self.findings.extend(findings);
                    if let Some(note) = parse::oddity(line) {
                        self.finding(origin, Some(name), note);
                    }
                    Some(name)
                }
                Err(error) => {
                    self.errors.push(error);
                    None
                }
            },
            Err((option, problem)) => {
                self.errors.push(ConfigError {
                    origin: origin.clone(),
                    option,
                    problem,
                });
                None
            }
        }
    }

    /// Hands over what was read, without asking whether a server could start
    /// with it.
    ///
    /// # Errors
    /// Everything that was wrong, in the order in which it was read.
    pub fn unchecked(self) -> Result<(Config, Vec<Finding>), ConfigErrors> {
        if self.errors.is_empty() {
            Ok((self.config, self.findings))
        } else {
            Err(ConfigErrors(self.errors))
        }
    }

    /// Checks the options together and hands over the configuration.
    ///
    /// # Errors
    /// Everything that was wrong, in the order in which it was read. Options
    /// are not checked against each other when some could not be read: the
    /// answers would be about a configuration nobody wrote.
    pub fn finish(mut self, accounts: Accounts) -> Result<(Config, Vec<Finding>), ConfigErrors> {
        if self.errors.is_empty() {
            self.config
                .settle_lists(&mut self.findings, |path| path.exists());
            check::check(&self.config, accounts, &mut self.findings, &mut self.errors);
        }
        self.unchecked()
    }
}

impl Config {
    /// This configuration with the settings of a file on top, for clients for
    /// whom a rule names it (VSFTPD_LOAD_CONF). The file must be root's or of
    /// `starter`, who has started the server.
    ///
    /// # Errors
    /// Everything that is wrong with the file, or with what it makes of the
    /// configuration.
    pub fn with_settings_of(
        &self,
        path: &Path,
        starter: u32,
    ) -> Result<(Config, Vec<Finding>), ConfigErrors> {
        Reading::of_file_over(self, path, starter).finish(Accounts::Configured)
    }
}

/// The bytes of a configuration file and its mode.
///
/// vsftpd wants a regular file of the user who starts it. Root's files are
/// good for everybody: who may write them could change anything.
fn contents(path: &Path, starter: u32) -> Result<(Vec<u8>, u32), Problem> {
    let unreadable = |error| Problem::Unreadable(path.to_owned(), error);
    let file = open_regular(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Problem::NotARegularFile,
        _ => unreadable(error),
    })?;
    let about = file.metadata().map_err(unreadable)?;
    if about.uid() != starter && about.uid() != 0 {
        return Err(Problem::WrongOwner {
            owner: about.uid(),
            starter,
        });
    }
    let text = content(&file, LARGEST).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => Problem::TooLarge { largest: LARGEST },
        _ => unreadable(error),
    })?;
    Ok((text, about.mode()))
}

#[cfg(test)]
impl Config {
    /// That of a file `f` with this text, where somebody may log in.
    pub(crate) fn of_text(text: &str) -> Config {
        let mut reading = Reading::new();
        reading.text(Path::new("f"), text.as_bytes());
        reading.finish(Accounts::OneMore).unwrap().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    /// Reads the files in order, then the settings (`name=value`) in order.
    fn load(
        files: &[PathBuf],
        overrides: &[Vec<u8>],
    ) -> Result<(Config, Vec<Finding>), ConfigErrors> {
        let mut reading = Reading::new();
        for file in files {
            reading.file(file);
        }
        for setting in overrides {
            reading.setting(setting, &Origin::CommandLine);
        }
        reading.finish(Accounts::Configured)
    }

    /// A directory of the test's own, removed at its end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let path =
                std::env::temp_dir().join(format!("ironftpd-load-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Place(path)
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn read(text: &str) -> Result<(Config, Vec<String>), Vec<String>> {
        let mut reading = Reading::new();
        reading.text(Path::new("f.conf"), text.as_bytes());
        match reading.finish(Accounts::OneMore) {
            Ok((config, findings)) => {
                Ok((config, findings.iter().map(ToString::to_string).collect()))
            }
            Err(errors) => Err(errors.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn settings_of_a_file_are_taken_with_their_lines() {
        let (config, findings) = read("# x\n\nlisten_port=2121\nwrite_enable=YES\n").unwrap();
        assert_eq!(config.listen_port(), 2121);
        assert_eq!(config.origin("write_enable").to_string(), "f.conf:4");
        assert_eq!(findings, [""; 0]);
    }

    #[test]
    fn every_error_of_a_file_is_collected() {
        let errors = read("wite_enable=YES\nlisten_port=x\nhide_ids=maybe\nlisten\n").unwrap_err();
        assert_eq!(
            errors,
            [
                "f.conf:1: unknown option \"wite_enable\": did you mean \"write_enable\"?",
                "f.conf:2: listen_port: \"x\" is not a number",
                "f.conf:3: hide_ids: \"maybe\" is neither YES nor NO",
                "f.conf:4: listen: no \"=\": a setting is written name=value",
            ]
        );
    }

    #[test]
    fn a_setting_made_twice_counts_last_and_is_told() {
        let (config, findings) = read("listen_port=1\nlisten_port=2\n").unwrap();
        assert_eq!(config.listen_port(), 2);
        assert_eq!(
            findings,
            [
                "f.conf:2: listen_port: set before, on line 1; the last one counts: leave one of the two out"
            ]
        );
    }

    #[test]
    fn files_of_other_systems_are_read_with_one_finding() {
        let (config, findings) = read("write_enable=YES\r\nlisten_port=2121\r\n").unwrap();
        assert!(config.write_enable());
        assert_eq!(
            findings,
            ["f.conf:1: lines end with CR LF; the CR is dropped: nothing need be done"]
        );
    }

    #[test]
    fn blanks_round_a_text_are_no_part_of_it() {
        let text = "pam_service_name=vsftpd \nftpd_banner=\t a  b \r\nanon_root=/ \nlocal_root= \n";
        let (config, findings) = read(text).unwrap();
        assert_eq!(config.pam_service_name(), b"vsftpd");
        assert_eq!(config.ftpd_banner(), b"a  b");
        assert_eq!(config.anon_root(), Some(Path::new("/")));
        assert_eq!(config.local_root(), None);
        assert_eq!(findings.len(), 1, "{findings:?}");
    }

    #[test]
    fn the_name_of_a_text_alone_empties_it_and_is_told() {
        let (config, findings) = read("ftpd_banner=a\nftpd_banner\n").unwrap();
        assert_eq!(config.ftpd_banner(), b"");
        assert!(findings[0].starts_with("f.conf:2: ftpd_banner: no \"=\""));
        assert!(read("ssl_enable\n").is_err());
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        let (config, findings) = read("\u{feff}write_enable=YES\n").unwrap();
        assert!(config.write_enable());
        assert!(findings[0].starts_with("f.conf:1: begins with a byte order mark"));
    }

    #[test]
    fn the_last_line_needs_no_line_end() {
        assert_eq!(read("listen_port=2121").unwrap().0.listen_port(), 2121);
    }

    #[test]
    fn files_count_in_order_and_overrides_after_them() {
        let place = Place::new("order");
        let first = place.file("a", "listen_port=1\nmax_clients=1\nmax_per_ip=1\n");
        let second = place.file("b", "max_clients=2\nmax_per_ip=2\n");
        let (config, _) = load(
            &[first, second],
            &[b"max_per_ip=3".to_vec(), b"max_per_ip=4".to_vec()],
        )
        .unwrap();
        assert_eq!(
            (
                config.listen_port(),
                config.max_clients(),
                config.max_per_ip()
            ),
            (1, 2, 4)
        );
        assert_eq!(config.origin("max_per_ip"), &Origin::CommandLine);
    }

    #[test]
    fn a_missing_file_is_an_error_of_its_own() {
        let errors = load(&["/nonexistent/ironftpd.conf".into()], &[]).unwrap_err();
        assert!(errors[0].is_missing_file());
        assert!(errors[0].to_string().starts_with(
            "/nonexistent/ironftpd.conf: cannot read the configuration file: No such file"
        ));
    }

    #[test]
    fn a_directory_is_no_configuration_file() {
        let errors = load(&[std::env::temp_dir()], &[]).unwrap_err();
        assert!(errors[0].to_string().ends_with(": is not a regular file"));
    }

    #[test]
    fn a_file_of_another_user_is_refused_and_roots_is_not() {
        let place = Place::new("owner");
        let path = place.file("c", "");
        let owner = fs::metadata(&path).unwrap().uid();
        let mut reading = Reading::started_by(owner.wrapping_add(1));
        reading.file(&path);
        // A test that root runs can only show the second half.
        assert_eq!(reading.errors.is_empty(), owner == 0);
        let mut reading = Reading::started_by(owner);
        reading.file(&path);
        assert!(reading.errors.is_empty());
    }

    #[test]
    fn a_file_others_may_write_is_told() {
        let place = Place::new("mode");
        let path = place.file("c", "");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let (_, findings) = load(std::slice::from_ref(&path), &[]).unwrap();
        assert_eq!(findings[0].note, Note::Paper(Paper::WritableByOthers(path)));
    }

    #[test]
    fn a_huge_file_is_refused() {
        let place = Place::new("huge");
        let path = place.file("c", "");
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(LARGEST + 1)
            .unwrap();
        let errors = load(&[path], &[]).unwrap_err();
        assert!(matches!(errors[0].problem, Problem::TooLarge { .. }));
    }

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let mut state = 1_u32;
        for _ in 0..300 {
            let text: Vec<u8> = (0..40)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    b"listen_port=0189 \t\r\n#\0\xff"[usize::try_from(state >> 24).unwrap() % 23]
                })
                .collect();
            let mut reading = Reading::new();
            reading.text(Path::new("f"), &text);
            let lines = text.split(|&byte| byte == b'\n').count();
            assert!(reading.errors.len() <= lines);
        }
    }
}
