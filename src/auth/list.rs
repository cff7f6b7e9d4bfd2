//! Lists of names and of passwords, one a line: who may log in at all
//! (userlist_file), who is kept in (chroot_list_file), which e-mail addresses
//! anonymous users may give or must not (email_password_file,
//! banned_email_file).
//!
//! Lines are compared byte by byte; the CR of a CR LF line end is no part of
//! them, and an empty line is nobody's. A list is read again when it has
//! changed. One that has gone or become unreadable stays as it was, for
//! without it some would be let in whom it keeps out. Leaves to others: the
//! reply.
#![forbid(unsafe_code)]

use super::file::FILE_MAX;
use crate::config::Config;
use crate::sys::regular::{is_null, read_regular};
use crate::sys::stamp::Stamp;
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Why a list cannot be used.
#[derive(Debug)]
pub enum ListError {
    /// An option that names no file, although another one needs it.
    Unnamed(&'static str),
    /// The file cannot be read, or is none.
    Unreadable(PathBuf, io::Error),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListError::Unnamed(option) => write!(f, "{option} names no file"),
            ListError::Unreadable(path, error) => {
                write!(f, "cannot read the list {path:?}: {error}")
            }
        }
    }
}

impl std::error::Error for ListError {}

type Lines = Arc<HashSet<Box<[u8]>>>;

/// The lines of one file, as they are now.
#[derive(Debug)]
pub struct NameList {
    path: PathBuf,
    state: Mutex<(Option<Stamp>, Lines)>,
}

impl NameList {
    /// The list in the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn load(path: &Path) -> Result<NameList, ListError> {
        // Taken before reading: a change in between is seen next time.
        let stamp = Stamp::of(path).ok();
        let lines = match read(path) {
            Ok(lines) => lines,
            // vsftpd reads all that is no file so.
            Err(_) if is_null(path) => Lines::default(),
            Err(error) => return Err(ListError::Unreadable(path.to_owned(), error)),
        };
        Ok(NameList {
            path: path.to_owned(),
            state: Mutex::new((stamp, lines)),
        })
    }

    /// Whether `line` is one of the list's lines now.
    #[must_use]
    pub fn contains(&self, line: &[u8]) -> bool {
        let now = Stamp::of(&self.path).ok();
        let lines = {
            // The pair is replaced as one.
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if now != state.0 {
                state.0 = now;
                match read(&self.path) {
                    Ok(lines) => {
                        log::info!("{} lines read from {:?}", lines.len(), self.path);
                        state.1 = lines;
                    }
                    Err(error) => {
                        log::error!(
                            "cannot read {:?}: {error}; the list of before stays",
                            self.path
                        );
                    }
                }
            }
            Arc::clone(&state.1)
        };
        lines.contains(line)
    }
}

fn read(path: &Path) -> io::Result<Lines> {
    let text = read_regular(path, FILE_MAX)?;
    let lines = text
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .map(Into::into)
        .collect();
    Ok(Arc::new(lines))
}

/// Why a name or a password is not welcome. For the log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwelcome {
    /// In userlist_file, with userlist_deny=YES.
    Listed,
    /// Not in userlist_file, with userlist_deny=NO.
    Unlisted,
    /// In banned_email_file.
    BannedEmail,
    /// Not in email_password_file.
    UnlistedEmail,
}

impl fmt::Display for Unwelcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unwelcome::Listed => "in userlist_file",
            Unwelcome::Unlisted => "not in userlist_file (userlist_deny=NO)",
            Unwelcome::BannedEmail => "password is in banned_email_file",
            Unwelcome::UnlistedEmail => "password is not in email_password_file",
        })
    }
}

/// chroot_list_file.
#[derive(Debug, Default)]
enum Jail {
    /// Not asked for.
    #[default]
    Unlisted,
    Listed(NameList),
    /// It could not be read at the start, and may be there later; none when
    /// the option names no file.
    Unread(Option<PathBuf>),
}

/// The lists that a configuration asks for.
#[derive(Debug, Default)]
pub struct Lists {
    users: Option<NameList>,
    listed_users_are_denied: bool,
    jail: Jail,
    others_are_jailed: bool,
    banned: Option<NameList>,
    emails: Option<NameList>,
}

impl Lists {
    /// Reads them.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn open(config: &Config) -> Result<Lists, ListError> {
        Lists::read(config, config.serves_others_than_local())
    }

    /// Reads them again. What users of the system have needed so far is not
    /// given up: the one who reads now perhaps may not what root could at the
    /// start.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn reopen(&self, config: &Config) -> Result<Lists, ListError> {
        let had = matches!(self.jail, Jail::Listed(_));
        Lists::read(config, config.serves_others_than_local() && !had)
    }

    fn read(config: &Config, jail_may_wait: bool) -> Result<Lists, ListError> {
        let list = |option: &'static str| {
            let mut used = config.login_lists();
            let Some(used) = used.find(|list| list.option == option) else {
                return Ok(None);
            };
            NameList::load(used.file.ok_or(ListError::Unnamed(option))?).map(Some)
        };
        Ok(Lists {
            users: list("userlist_file")?,
            listed_users_are_denied: config.userlist_deny(),
            jail: match list("chroot_list_file") {
                Ok(list) => list.map_or(Jail::Unlisted, Jail::Listed),
                // What only users of the system meet keeps nobody else out.
                Err(_) if jail_may_wait => {
                    Jail::Unread(config.chroot_list_file().map(Path::to_owned))
                }
                Err(error) => return Err(error),
            },
            others_are_jailed: config.chroot_local_user(),
            banned: list("banned_email_file")?,
            emails: list("email_password_file")?,
        })
    }

    /// Whether there is no list to be looked into.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let lists = [&self.users, &self.banned, &self.emails];
        lists.iter().all(|list| list.is_none()) && matches!(self.jail, Jail::Unlisted)
    }

    /// Whether somebody of this name may try to log in, whoever it is.
    ///
    /// # Errors
    /// Why not.
    pub fn welcome(&self, name: &[u8]) -> Result<(), Unwelcome> {
        match &self.users {
            None => Ok(()),
            Some(users) => match (users.contains(name), self.listed_users_are_denied) {
                (true, true) => Err(Unwelcome::Listed),
                (false, false) => Err(Unwelcome::Unlisted),
                (true, false) | (false, true) => Ok(()),
            },
        }
    }

    /// Whether an anonymous user may give this password.
    ///
    /// # Errors
    /// Why not.
    pub fn welcome_email(&self, password: &[u8]) -> Result<(), Unwelcome> {
        if self
            .banned
            .as_ref()
            .is_some_and(|list| list.contains(password))
        {
            return Err(Unwelcome::BannedEmail);
        }
        match &self.emails {
            Some(list) if !list.contains(password) => Err(Unwelcome::UnlistedEmail),
            _ => Ok(()),
        }
    }

    /// Whether the user of the system who has logged in as `name` is kept in
    /// his home (chroot_local_user, turned round for those on the list).
    ///
    /// # Errors
    /// When the list could not be read at the start, and cannot now.
    pub fn jails(&self, name: &[u8]) -> Result<bool, ListError> {
        let listed = match &self.jail {
            Jail::Unlisted => false,
            Jail::Listed(list) => list.contains(name),
            Jail::Unread(path) => {
                let path = path.as_deref();
                let path = path.ok_or(ListError::Unnamed("chroot_list_file"))?;
                NameList::load(path)?.contains(name)
            }
        };
        Ok(self.others_are_jailed != listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;
    use std::fs;

    /// A file of the test's own, removed at its end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str, text: &str) -> Place {
            let name = format!("ironftpd-list-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::write(&path, text).unwrap();
            Place(path)
        }

        fn lists(&self, settings: &[&str]) -> Lists {
            let mut config = Config::default();
            let path = self.0.display();
            let files = ["userlist", "chroot_list", "banned_email", "email_password"];
            for file in files.map(|file| format!("{file}_file={path}")) {
                set(&mut config, &file);
            }
            set(&mut config, "local_enable=YES");
            settings
                .iter()
                .for_each(|setting| set(&mut config, setting));
            Lists::open(&config).unwrap()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    fn set(config: &mut Config, setting: &str) {
        let (name, value) = setting.split_once('=').unwrap();
        let origin = &Origin::CommandLine;
        config
            .set(name.as_bytes(), value.as_bytes(), origin)
            .unwrap();
    }

    #[test]
    fn lines_are_compared_byte_by_byte_but_for_their_ends() {
        let place = Place::new("lines", "ann\r\n bob\n\nCarl\n# dora\nlast");
        let list = NameList::load(&place.0).unwrap();
        for name in [&b"ann"[..], b" bob", b"Carl", b"# dora", b"last"] {
            assert!(list.contains(name), "{name:?}");
        }
        for name in [&b""[..], b"bob", b"carl", b"dora", b"las", b"ann\r"] {
            assert!(!list.contains(name), "{name:?}");
        }
    }

    #[test]
    fn a_list_is_read_again_when_it_has_changed_and_kept_when_it_has_gone() {
        let place = Place::new("again", "ann\n");
        let list = NameList::load(&place.0).unwrap();
        fs::write(&place.0, "bob\ncarl\n").unwrap();
        assert!(list.contains(b"bob") && !list.contains(b"ann"));
        fs::remove_file(&place.0).unwrap();
        assert!(list.contains(b"bob"));
        fs::create_dir(&place.0).unwrap();
        assert!(list.contains(b"bob"));
        fs::remove_dir(&place.0).unwrap();
        fs::write(&place.0, "").unwrap();
        assert!(!list.contains(b"bob"));
    }

    #[test]
    fn what_is_no_readable_file_is_no_list() {
        for path in ["/nonexistent", "/dev/zero", "/"] {
            let told = NameList::load(Path::new(path)).unwrap_err().to_string();
            assert!(told.contains(path), "{told}");
        }
    }

    #[test]
    fn the_user_list_denies_or_is_all_who_may() {
        let place = Place::new("users", "ann\nanonymous\n");
        let open = place.lists(&[]);
        assert_eq!(
            (open.welcome(b"ann"), open.welcome(b"bob")),
            (Ok(()), Ok(()))
        );
        let deny = place.lists(&["userlist_enable=YES"]);
        assert_eq!(deny.welcome(b"ann"), Err(Unwelcome::Listed));
        assert_eq!(deny.welcome(b"anonymous"), Err(Unwelcome::Listed));
        assert_eq!(deny.welcome(b"Ann"), Ok(()));
        let only = place.lists(&["userlist_enable=YES", "userlist_deny=NO"]);
        assert_eq!(only.welcome(b"ann"), Ok(()));
        assert_eq!(only.welcome(b"bob"), Err(Unwelcome::Unlisted));
    }

    #[test]
    fn e_mail_addresses_may_be_banned_or_asked_for() {
        let place = Place::new("emails", "a@b\n");
        let banned = place.lists(&["deny_email_enable=YES"]);
        assert_eq!(banned.welcome_email(b"a@b"), Err(Unwelcome::BannedEmail));
        assert_eq!(banned.welcome_email(b"A@b"), Ok(()));
        let asked = place.lists(&["secure_email_list_enable=YES"]);
        assert_eq!(asked.welcome_email(b"a@b"), Ok(()));
        assert_eq!(asked.welcome_email(b""), Err(Unwelcome::UnlistedEmail));
        // Empty, the list lets nobody in.
        fs::write(&place.0, "\n\n").unwrap();
        for password in [&b"a@b"[..], b"", b"\n"] {
            assert_eq!(asked.welcome_email(password), Err(Unwelcome::UnlistedEmail));
        }
    }

    #[test]
    fn the_chroot_list_turns_round_who_is_kept_in() {
        let place = Place::new("jail", "ann\n");
        for (settings, ann, bob) in [
            (&[][..], false, false),
            (&["chroot_list_enable=YES"], true, false),
            (&["chroot_local_user=YES"], true, true),
            (
                &["chroot_local_user=YES", "chroot_list_enable=YES"],
                false,
                true,
            ),
        ] {
            let lists = place.lists(settings);
            let jailed = (lists.jails(b"ann").unwrap(), lists.jails(b"bob").unwrap());
            assert_eq!(jailed, (ann, bob), "{settings:?}");
        }
    }

    fn config(settings: &[&str]) -> Config {
        let mut config = Config::default();
        settings
            .iter()
            .for_each(|setting| set(&mut config, setting));
        config
    }

    #[test]
    fn a_jail_that_cannot_be_read_is_only_the_affair_of_users_of_the_system() {
        let place = Place::new("later", "bob\n");
        let path = place.0.display().to_string();
        fs::remove_file(&place.0).unwrap();
        let file = format!("chroot_list_file={path}");
        let settings = ["local_enable=YES", "chroot_list_enable=YES", &file];
        let alone = [&settings[..], &["anonymous_enable=NO"]].concat();
        assert!(Lists::open(&config(&alone)).is_err());
        let lists = Lists::open(&config(&settings)).unwrap();
        assert!(matches!(
            lists.jails(b"bob"),
            Err(ListError::Unreadable(..))
        ));
        fs::write(&path, "bob\n").unwrap();
        assert!(lists.jails(b"bob").unwrap());
        assert!(!lists.jails(b"ann").unwrap());
        // One that was read is not lost when the configuration is read again.
        let had = lists.reopen(&config(&settings)).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(had.reopen(&config(&settings)).is_err());
        assert!(lists.reopen(&config(&settings)).is_ok());
    }

    #[test]
    fn the_null_device_is_an_empty_list() {
        let list = NameList::load(Path::new("/dev/null")).unwrap();
        assert!(!list.contains(b"ann"));
    }

    #[test]
    fn lists_about_users_who_are_not_let_in_are_not_read() {
        for (switch, file) in [
            ("userlist_enable=YES", "userlist_file=/nonexistent"),
            ("chroot_list_enable=YES", "chroot_list_file=/nonexistent"),
        ] {
            assert!(Lists::open(&config(&[switch, file])).unwrap().is_empty());
        }
        let denying = [
            "userlist_enable=YES",
            "userlist_deny=NO",
            "userlist_file=/nonexistent",
        ];
        assert!(Lists::open(&config(&denying)).is_err());
    }
}
