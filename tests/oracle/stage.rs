//! The place in which both servers are tried, one after the other: a directory
//! that stands for `/` in configuration files, accounts, and PAM files.
//!
//! Who is in the cast has a name of the machine's own while the tests run:
//! texts are translated on their way in ([`Stage::real`]) and back ([`blur`]).

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ironftpd::config::{Kind, MOOT, OPTIONS};

use super::blur::Blur;
use super::sealed;
use super::support::accounts::{Account, PASSWORD, Service};
use super::support::temp::TempDir;
use super::support::tls::Authority;
use super::table::{Placed, name};

/// Whom the tables speak of: users, anonymous's account, and that of guests.
const CAST: [&str; 5] = ["alice", "bob", "visitor", "keeper", "sue"];

/// What the tables' `pam_service_name` says, and what is in the file.
const SERVICES: [(&str, &str); 2] = [
    (
        "unix",
        "auth required pam_unix.so nodelay\naccount required pam_unix.so\n",
    ),
    // For users that the system does not know.
    (
        "listed",
        "auth required pam_listfile.so item=user sense=allow onerr=fail file={}/etc/virtual\n\
         account required pam_permit.so\n",
    ),
];

/// Seconds since 1970 that everything was changed last.
const LONG_AGO: u64 = 1_234_567_890;

/// One such place.
pub struct Stage {
    root: TempDir,
    cast: Vec<(&'static str, Account)>,
    /// User and group of each.
    numbers: Vec<(&'static str, [u32; 2])>,
    services: Vec<(&'static str, Service)>,
    /// Undoes what is only so in this run.
    pub blur: Blur,
    /// A port nobody listens on, for `PORT` in settings.
    pub port: u16,
}

impl Stage {
    /// Makes accounts; only root can.
    pub fn new() -> Stage {
        let root = TempDir::new();
        root.close_to_others();
        let at = root.path().display().to_string();
        let user = |word: &'static str| {
            let home = |name: &str| match word {
                "visitor" => format!("{at}/ftp"),
                // Of passwd_chroot_enable.
                "sue" => format!("{at}/home/{name}/./dir"),
                _ => format!("{at}/home/{name}"),
            };
            let account = Account::user_in(word, home, &["-s", "/bin/sh", "-U"]);
            (word, account)
        };
        let cast: Vec<_> = CAST.map(user).into();
        let services = SERVICES.map(|(word, lines)| {
            let lines = lines.replace("{}", &at);
            (word, Service::new(word, &lines))
        });
        let port = free_port();
        let numbers = cast
            .iter()
            .map(|(word, account): &(&'static str, Account)| {
                (*word, ["-u", "-g"].map(|option| account.number(option)))
            });
        let numbers: Vec<_> = numbers.collect();
        let blur = Blur::new(&at, &cast, &numbers, port);
        Stage {
            root,
            cast,
            numbers,
            services: services.into(),
            blur,
            port,
        }
    }

    /// What stands for `/`.
    pub fn root(&self) -> &TempDir {
        &self.root
    }

    /// A text of the tables with the names that the machine knows.
    pub fn real(&self, text: &str) -> String {
        let text = text.replace("PORT_ONE", &self.port.to_string());
        let text = text.replace("PASSWORD", PASSWORD);
        let mut out = String::new();
        let mut word = String::new();
        for sign in text.chars().chain(['\0']) {
            if sign.is_ascii_alphanumeric() {
                word.push(sign);
                continue;
            }
            let known = self.cast.iter().find(|(known, _)| *known == word);
            out.push_str(known.map_or(&word, |(_, account)| &account.name));
            word.clear();
            out.push(sign);
        }
        out.pop();
        out
    }

    /// A line of a configuration file, with this directory before paths.
    pub fn setting(&self, line: &str) -> String {
        let Some(name) = name(line) else {
            return line.to_owned();
        };
        let value = &line[name.len() + 1..];
        if name == "pam_service_name" {
            let known = self.services.iter().find(|(word, _)| *word == value);
            let service = known.map_or(value, |(_, service)| &service.name);
            return format!("{name}={service}");
        }
        let real = self.real(value);
        let before = if kind(name) == Some(Kind::Path) && real.starts_with('/') {
            self.root.path().display().to_string()
        } else {
            String::new()
        };
        format!("{name}={before}{real}")
    }

    /// The place a path of the tables means.
    pub fn path(&self, path: &str) -> PathBuf {
        let path = self.real(path);
        self.root.path().join(path.trim_start_matches('/'))
    }

    /// Removes all and makes it anew: what every dialogue finds, and `more`.
    pub fn furnish(&self, more: &[Placed]) {
        for entry in fs::read_dir(self.root.path()).unwrap() {
            let path = entry.unwrap().path();
            let file = fs::symlink_metadata(&path).unwrap();
            if file.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
        for folder in ["/home/", "/ftp/", "/etc/", "/log/", "/empty/", "/srv/"] {
            self.put(&item(folder, None, None, ""));
        }
        for owner in ["alice", "bob", "keeper", "sue"] {
            let home = format!("/home/{owner}");
            self.tree(&home, Some(owner));
        }
        self.tree("/ftp", None);
        self.put(&item("/ftp/in/", None, Some("visitor"), ""));
        self.put(&item(
            "/ftp/private",
            Some(0o640),
            Some("visitor"),
            "private\n",
        ));
        for (file, content) in [
            ("cert", "CERTIFICATE"),
            ("key", "KEY"),
            ("ec", "EC CERTIFICATE"),
            ("ec-key", "EC KEY"),
            ("ca", "AUTHORITY"),
        ] {
            self.put(&item(&format!("/etc/{file}.pem"), None, None, content));
        }
        for placed in more {
            self.put(placed);
        }
    }

    /// What a user finds.
    fn tree(&self, at: &str, owner: Option<&str>) {
        self.put(&item(&format!("{at}/"), None, owner, ""));
        for (name, content) in [
            ("file", "one\ntwo\n"),
            (".hidden", ""),
            ("dir/inside", "inside\n"),
        ] {
            self.put(&item(&format!("{at}/{name}"), None, owner, content));
        }
        self.put(&item(&format!("{at}/secret"), Some(0o600), owner, "x"));
        std::os::unix::fs::symlink("file", self.path(&format!("{at}/link"))).unwrap();
    }

    fn put(&self, placed: &Placed) {
        let path = self.path(&placed.path);
        let folder = placed.path.ends_with('/');
        if folder {
            fs::create_dir_all(&path).unwrap();
        } else {
            let parent = path.parent().unwrap();
            if !parent.is_dir() {
                fs::create_dir_all(parent).unwrap();
                self.own(parent, None, placed.owner.as_deref());
            }
            let lines = placed.content.split_inclusive('\n');
            let content: String = lines.map(|line| self.line(line)).collect();
            let content = of_tls(content);
            fs::write(&path, content).unwrap();
        }
        self.own(&path, placed.mode, placed.owner.as_deref());
    }

    /// A line of a placed file, which may be one of configuration.
    fn line(&self, line: &str) -> String {
        match name(line) {
            Some(name) if kind(name).is_some() => self.setting(line),
            _ => self.real(line),
        }
    }

    fn own(&self, path: &Path, mode: Option<u32>, owner: Option<&str>) {
        let folder = path.is_dir();
        let usual = if folder { 0o755 } else { 0o644 };
        if let Some(owner) = owner {
            let known = self.numbers.iter().find(|(word, _)| *word == owner);
            let known = known.unwrap_or_else(|| panic!("{owner}: not of the cast"));
            let [user, group] = known.1;
            chown(path, Some(user), Some(group)).unwrap();
        }
        let mode = fs::Permissions::from_mode(mode.unwrap_or(usual));
        fs::set_permissions(path, mode).unwrap();
        let file = fs::File::open(path).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(LONG_AGO);
        file.set_modified(time).unwrap();
    }
}

/// What stands for certificates and keys in tables.
fn of_tls(content: String) -> String {
    match &*content {
        "CERTIFICATE" => sealed::certificate().certificate.clone(),
        "KEY" => sealed::certificate().key.clone(),
        "EC CERTIFICATE" => sealed::other_certificate().certificate.clone(),
        "EC KEY" => sealed::other_certificate().key.clone(),
        "AUTHORITY" => Authority::known().pem(),
        _ => content,
    }
}

fn item(path: &str, mode: Option<u32>, owner: Option<&str>, content: &str) -> Placed {
    Placed {
        path: path.to_owned(),
        mode,
        owner: owner.map(str::to_owned),
        content: content.to_owned(),
    }
}

/// What an option of vsftpd holds.
pub fn kind(name: &str) -> Option<Kind> {
    let served = OPTIONS.iter().map(|row| (row.name, row.kind));
    let others = MOOT.iter().map(|row| (row.name, row.kind));
    let mut all = served.chain(others);
    all.find(|(known, _)| *known == name).map(|(_, kind)| kind)
}

/// A port that is free now.
pub fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    free.local_addr().unwrap().port()
}
