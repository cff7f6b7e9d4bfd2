//! Options of single users: the files in user_config_dir.
//!
//! A file named like the user goes over the configuration once he has logged
//! in, and everything is checked anew. What counts before the login or for
//! the whole server does nothing there, and the log says so. The files are
//! read again when they have changed.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::check;
use super::error::ConfigErrors;
use super::finding::{Finding, Note};
use super::load::{Accounts, Reading};
use super::notes::Vain;
use super::options::{Config, OPTIONS};
use super::parse::shown;
use super::spec::Slot;
use crate::protocol::address::parse_loose_ipv4;
use crate::sys::stamp::Stamp;

/// Options that do nothing in the file of one user. Some are over by the
/// time he is known, others are opened once for all sessions. Sorted.
static NOT_PERSONAL: &[&str] = &[
    "allow_anon_ssl",
    "allow_root_login",
    "anonymous_enable",
    "background",
    "banned_email_file",
    "banner_file",
    "ca_certs_file",
    "check_shell",
    "chown_username",
    "chroot_list_enable",
    "chroot_list_file",
    "chroot_local_user",
    "client_cert_user",
    "client_charset",
    "default_language",
    "delay_failed_login",
    "delay_successful_login",
    "deny_email_enable",
    "dsa_cert_file",
    "dsa_private_key_file",
    "dual_log_enable",
    "ebcdic_code_page",
    "email_password_file",
    "force_anon_logins_ssl",
    "force_local_logins_ssl",
    "ftp_enable",
    "ftp_username",
    "ftpd_banner",
    "host_names",
    "idle_server_timeout",
    "implicit_ssl",
    "keepalive_interval",
    "listen",
    "listen_address",
    "listen_address6",
    "listen_ipv6",
    "listen_port",
    "local_enable",
    "log_format",
    "max_clients",
    "max_login_fails",
    "max_per_ip",
    "no_anon_password",
    "no_log_lock",
    "nopriv_user",
    "pam_service_name",
    "pasv_addr_refresh",
    "pasv_addr_resolve",
    "pid_file",
    "require_cert",
    "reverse_lookup_enable",
    "rsa_cert_file",
    "rsa_private_key_file",
    "run_as_launching_user",
    "secure_email_list_enable",
    "session_support",
    "setproctitle_enable",
    "shutdown_grace",
    "ssl_certs_dir",
    "ssl_ciphers",
    "ssl_crl_file",
    "ssl_enable",
    "ssl_request_cert",
    "ssl_sni_hostname",
    "ssl_sslv2",
    "ssl_sslv3",
    "ssl_tlsv1",
    "ssl_tlsv11",
    "ssl_tlsv12",
    "ssl_tlsv13",
    "ssl_tlsv1_1",
    "ssl_tlsv1_2",
    "ssl_tlsv1_3",
    "syslog_enable",
    "tcp_wrappers",
    "trace_connections",
    "user_config_dir",
    "userlist_deny",
    "userlist_enable",
    "userlist_file",
    "userlist_log",
    "validate_cert",
    "virtual_users_file",
    "vsftpd_log_file",
    "wc_logs_enable",
    "xferlog_enable",
    "xferlog_file",
    "xferlog_std_format",
];

/// Whether the file of a user may set the option.
pub(super) fn is_personal(option: &str) -> bool {
    NOT_PERSONAL.binary_search(&option).is_err()
}

/// Users whose files are remembered at most.
const REMEMBERED: usize = 10_000;

/// Why a user's own options cannot be had. He is not to be let in: they may
/// be what takes his rights away.
#[derive(Debug)]
pub enum PersonalError {
    /// A name that could lead out of the directory.
    Name,
    /// Whether there is a file cannot be told.
    Unreachable(PathBuf, io::Error),
    /// The file cannot be used.
    Wrong(ConfigErrors),
}

impl fmt::Display for PersonalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PersonalError::Name => f.write_str("no file in user_config_dir can have this name"),
            PersonalError::Unreachable(path, error) => {
                write!(f, "user_config_dir: cannot reach {path:?}: {error}")
            }
            PersonalError::Wrong(errors) => write!(f, "user_config_dir: {errors}"),
        }
    }
}

impl std::error::Error for PersonalError {}

type Read = (Stamp, Arc<Config>);

/// The files of user_config_dir, over one configuration.
#[derive(Debug)]
pub struct Personal {
    base: Arc<Config>,
    /// Who has started the server, and so may own the files besides root.
    starter: u32,
    read: Mutex<HashMap<Vec<u8>, Read>>,
}

impl Personal {
    /// Those of `base`, for a server that the user `starter` has started.
    #[must_use]
    pub fn new(base: Arc<Config>, starter: u32) -> Personal {
        Personal {
            base,
            starter,
            read: Mutex::default(),
        }
    }

    fn read(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Read>> {
        // Each change is one insertion; none is left half done.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration of the user `name`, and what is to be logged about
    /// it: findings are told once per state of the file.
    ///
    /// # Errors
    /// When the user's file is there and cannot be used, or cannot be told
    /// from one that is not there.
    pub fn of(&self, name: &[u8]) -> Result<(Arc<Config>, Vec<Finding>), PersonalError> {
        let Some(directory) = &self.base.user_config_dir else {
            return Ok((Arc::clone(&self.base), Vec::new()));
        };
        if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') || name.contains(&0) {
            return Err(PersonalError::Name);
        }
        let path = directory.join(OsStr::from_bytes(name));
        // Taken before reading: a change in between is seen next time.
        let stamp = match Stamp::of(&path) {
            Ok(stamp) => stamp,
            // A link that leads nowhere was meant to lead to something.
            Err(error) if is_absence(&error) && path.symlink_metadata().is_err() => {
                self.read().remove(name);
                return Ok((Arc::clone(&self.base), Vec::new()));
            }
            Err(error) => return Err(PersonalError::Unreachable(path, error)),
        };
        if let Some((_, config)) = self.read().get(name).filter(|(was, _)| *was == stamp) {
            return Ok((Arc::clone(config), Vec::new()));
        }
        let (config, findings) = self.base.with_file(&path, self.starter)?;
        let config = Arc::new(config);
        let mut read = self.read();
        if read.len() >= REMEMBERED {
            read.clear();
        }
        read.insert(name.to_vec(), (stamp, Arc::clone(&config)));
        Ok((config, findings))
    }
}

/// ENAMETOOLONG is no file either: none can have that name.
fn is_absence(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ENAMETOOLONG)
}

impl Config {
    /// This configuration with the settings of a user's file on top, whose
    /// owner must be root or `starter`, checked anew.
    ///
    /// # Errors
    /// Everything that is wrong with the file, or with what it makes of the
    /// configuration.
    pub fn with_file(
        &self,
        path: &Path,
        starter: u32,
    ) -> Result<(Config, Vec<Finding>), PersonalError> {
        let Reading {
            mut config,
            mut findings,
            mut errors,
            ..
        } = Reading::of_file_over(self, path, starter);
        if !errors.is_empty() {
            return Err(PersonalError::Wrong(ConfigErrors(errors)));
        }
        self.restore(&mut config, &mut findings);
        check::check(&config, Accounts::OneMore, &mut findings, &mut errors);
        // What is odd about the rest was told at the start, and what is wrong
        // with it is only that this thread may not read what root could.
        let own = |option: &Option<String>| {
            let name = option.as_deref().unwrap_or_default();
            option.is_none() || config.origin(name) != self.origin(name)
        };
        findings.retain(|finding| {
            own(&finding.option) || finding.note == Note::Vain(Vain::NotPersonal)
        });
        findings.extend(self.name_in_vain(&config));
        errors.retain(|error| own(&error.option));
        if errors.is_empty() {
            Ok((config, findings))
        } else {
            Err(PersonalError::Wrong(ConfigErrors(errors)))
        }
    }

    /// What is to be said of a host name that is announced to one user only.
    fn name_in_vain(&self, config: &Config) -> Option<Finding> {
        let name = &config.pasv_address;
        let in_vain = config.pasv_addr_resolve
            && *name != self.pasv_address
            && !name.is_empty()
            && parse_loose_ipv4(name).is_none();
        let note = || Note::NotLookedUp(shown(name));
        in_vain.then(|| Finding::of(config, "pasv_address", note()))
    }

    /// Takes back what a user's file sets in vain.
    fn restore(&self, config: &mut Config, findings: &mut Vec<Finding>) {
        for spec in OPTIONS {
            let origin = config.origin(spec.name).clone();
            if is_personal(spec.name) || origin == *self.origin(spec.name) {
                continue;
            }
            match spec.slot {
                Slot::Bool(from, to) => *to(config) = *from(self),
                Slot::Uint(from, to) => *to(config) = *from(self),
                Slot::Text(from, to) => to(config).clone_from(from(self)),
                Slot::Path(from, to) => to(config).clone_from(from(self)),
            }
            match self.origins.get(spec.name) {
                Some(before) => config.origins.insert(spec.name, before.clone()),
                None => config.origins.remove(spec.name),
            };
            findings.push(Finding {
                origin,
                option: Some(spec.name.to_owned()),
                note: Note::Vain(Vain::NotPersonal),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Origin;
    use super::super::options;
    use super::*;
    use std::fs;

    /// A directory of the test's own, removed at its end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let name = format!("ironftpd-personal-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Place(path)
        }

        fn user(&self, name: &str, text: &str) {
            fs::write(self.0.join(name), text).unwrap();
        }

        fn personal(&self, settings: &[&str]) -> Personal {
            let mut config = Config::default();
            let directory = format!("user_config_dir={}", self.0.display());
            for setting in settings.iter().chain([&directory.as_str()]) {
                let (name, value) = setting.split_once('=').unwrap();
                let origin = &Origin::CommandLine;
                config
                    .set(name.as_bytes(), value.as_bytes(), origin)
                    .unwrap();
            }
            Personal::new(Arc::new(config), crate::sys::process::effective_user())
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn told(result: Result<(Arc<Config>, Vec<Finding>), PersonalError>) -> String {
        result.map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_user_s_file_goes_over_the_configuration_and_another_has_none() {
        let place = Place::new("over");
        place.user("ann", "local_umask=027\nlocal_max_rate=5\n");
        let personal = place.personal(&["local_max_rate=1", "write_enable=YES"]);
        let (ann, findings) = personal.of(b"ann").unwrap();
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!((ann.local_umask(), ann.local_max_rate()), (0o027, 5));
        assert!(ann.write_enable());
        let (bob, _) = personal.of(b"bob").unwrap();
        assert_eq!((bob.local_umask(), bob.local_max_rate()), (0o077, 1));
        assert!(Arc::ptr_eq(&bob, &personal.base));
    }

    #[test]
    fn a_file_is_read_once_and_again_when_it_has_changed() {
        let place = Place::new("again");
        place.user("ann", "local_max_rate=5\n");
        let personal = place.personal(&[]);
        let (first, _) = personal.of(b"ann").unwrap();
        assert!(Arc::ptr_eq(&first, &personal.of(b"ann").unwrap().0));
        place.user("ann", "local_max_rate=66\n");
        assert_eq!(personal.of(b"ann").unwrap().0.local_max_rate(), 66);
        fs::remove_file(place.0.join("ann")).unwrap();
        assert_eq!(personal.of(b"ann").unwrap().0.local_max_rate(), 0);
    }

    #[test]
    fn what_counts_before_the_login_is_taken_back_and_told() {
        let place = Place::new("before");
        place.user("ann", "chroot_local_user=NO\nlisten_port=1\nhide_ids=YES\n");
        let personal = place.personal(&["chroot_local_user=YES"]);
        let (ann, findings) = personal.of(b"ann").unwrap();
        assert!(ann.chroot_local_user() && ann.hide_ids());
        assert_eq!(ann.listen_port(), 21);
        assert_eq!(ann.origin("listen_port"), &Origin::Builtin);
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        let line = "ann:1: chroot_local_user: has no effect in the file of one user: \
                    set it in the file of the server";
        assert!(told.iter().any(|told| told.ends_with(line)), "{told:?}");
        assert!(personal.of(b"ann").unwrap().1.is_empty(), "told once");
    }

    #[test]
    fn a_name_to_be_announced_to_one_user_is_told() {
        let place = Place::new("name");
        place.user("ann", "pasv_address=ftp.example\n");
        place.user("bob", "pasv_address=192.0.2.1\n");
        let settings = ["pasv_addr_resolve=YES", "pasv_address=other.example"];
        let personal = place.personal(&settings);
        let [finding] = personal.of(b"ann").unwrap().1.try_into().unwrap();
        assert!(
            finding
                .to_string()
                .contains("not looked up for single users")
        );
        assert!(personal.of(b"bob").unwrap().1.is_empty());
    }

    #[test]
    fn a_wrong_file_lets_its_user_not_in() {
        let place = Place::new("wrong");
        place.user("ann", "wite_enable=YES\n");
        place.user("bob", "anon_umask=01000\n");
        fs::create_dir(place.0.join("carl")).unwrap();
        let personal = place.personal(&[]);
        assert!(told(personal.of(b"ann")).contains("ann:1: unknown option \"wite_enable\""));
        assert!(
            told(personal.of(b"bob"))
                .contains("bob:1: anon_umask: 01000 (512 in decimal) is too large")
        );
        assert!(told(personal.of(b"carl")).ends_with("is not a regular file"));
        place.user("ann", "write_enable=YES\n");
        assert!(personal.of(b"ann").unwrap().0.write_enable());
    }

    #[test]
    fn a_link_to_no_file_lets_its_user_not_in() {
        let place = Place::new("link");
        std::os::unix::fs::symlink("template", place.0.join("ann")).unwrap();
        let personal = place.personal(&[]);
        assert!(told(personal.of(b"ann")).contains("cannot reach"));
        place.user("template", "local_max_rate=5\n");
        assert_eq!(personal.of(b"ann").unwrap().0.local_max_rate(), 5);
    }

    #[test]
    fn a_file_of_the_user_himself_is_refused() {
        let place = Place::new("owner");
        place.user("ann", "local_max_rate=0\n");
        let path = place.0.join("ann");
        if std::os::unix::fs::chown(&path, Some(4321), None).is_err() {
            return; // only root may give files away
        }
        assert!(told(place.personal(&[]).of(b"ann")).contains("belongs to user id 4321"));
    }

    #[test]
    fn names_that_lead_elsewhere_have_no_file() {
        let place = Place::new("names");
        let personal = place.personal(&[]);
        for name in [&b""[..], b".", b"..", b"../ann", b"a/b", b"a\0"] {
            assert!(
                matches!(personal.of(name), Err(PersonalError::Name)),
                "{name:?}"
            );
        }
        assert!(personal.of(&[b'a'; 300]).is_ok());
        // Without a directory every name is as good as another.
        assert!(Personal::new(Arc::default(), 0).of(b"a/b").is_ok());
    }

    #[test]
    fn the_list_names_options_and_is_sorted() {
        assert!(NOT_PERSONAL.is_sorted());
        for name in NOT_PERSONAL {
            assert!(options::find(name.as_bytes()).is_some(), "{name}");
        }
    }
}
