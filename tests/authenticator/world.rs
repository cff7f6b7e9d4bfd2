//! What the tests change of the machine, all of it taken back at the end:
//! accounts, files in /etc/pam.d, and a PAM module in a temporary directory.

use std::ffi::CString;
use std::fs;
use std::time::Duration;

use ironftpd::auth::authenticator::Settings;
use ironftpd::auth::{Authenticator, Secret};

use crate::support::accounts::module;
pub use crate::support::accounts::{Account, LENIENT, PASSWORD, Service, run};
use crate::support::fifo::Fifo;
use crate::support::temp::TempDir;

/// An account with a home of its own name.
fn user(word: &str, arguments: &[&str]) -> Account {
    Account::user(word, &format!("/home of {word}"), arguments)
}

/// Accounts and services of one run.
pub struct World {
    pub directory: TempDir,
    /// An ordinary user, with a group besides her own.
    pub ann: Account,
    pub choir: Account,
    /// The others are all kept out for one reason or another.
    pub locked: Account,
    pub expired: Account,
    pub old: Account,
    pub nologin: Account,
    pub shellless: Account,
    pub empty: Account,
    pub unix: Service,
    pub shipped: Service,
    pub lenient: Service,
    pub sessions: Service,
    pub odd: Service,
    /// Modules that do harm when they are loaded.
    pub fragile: Service,
    pub threaded: Service,
    /// Where the odd module says that it has begun, and where it waits.
    pub begun: Fifo,
    pub waiting: Fifo,
}

impl World {
    pub fn new() -> World {
        let directory = TempDir::new();
        let choir = Account::group("choir");
        let ann = user("ann", &["-s", "/bin/sh", "-G", &choir.name]);
        let locked = user("lock", &["-s", "/bin/sh"]);
        run("passwd", &["-l", &locked.name]);
        let expired = user("exp", &["-s", "/bin/sh"]);
        run("chage", &["-E", "0", &expired.name]);
        let old = user("old", &["-s", "/bin/sh"]);
        run("chage", &["-d", "0", &old.name]);
        let empty = user("empty", &["-s", "/bin/sh"]);
        run("passwd", &["-d", &empty.name]);
        let (begun, waiting) = (
            Fifo::new(&directory, "begun"),
            Fifo::new(&directory, "waiting"),
        );
        let odd = |word, flag| odd_service(&directory, word, flag, [&begun, &waiting]);
        World {
            choir,
            ann,
            locked,
            expired,
            old,
            nologin: user("nolo", &["-s", "/usr/sbin/nologin"]),
            shellless: user("none", &["-s", ""]),
            empty,
            unix: Service::new(
                "unix",
                "auth required pam_unix.so nullok\naccount required pam_unix.so\n",
            ),
            shipped: Service::new("shipped", include_str!("../../etc/pam.d/ironftpd")),
            lenient: Service::new("lenient", LENIENT),
            sessions: session_service(&directory),
            odd: odd("odd", "-DORDINARY"),
            fragile: odd("fragile", "-DCRASHES_WHEN_LOADED"),
            threaded: odd("threaded", "-DHAS_A_THREAD"),
            begun,
            waiting,
            directory,
        }
    }

    /// Settings for one of the services.
    pub fn settings(&self, service: &Service) -> Settings {
        Settings {
            service: service.name.clone().into_bytes(),
            ..Settings::default()
        }
    }

    /// Settings without PAM.
    pub fn without_pam(&self) -> Settings {
        Settings {
            library: CString::new("libironftpd-no-pam.so.0").unwrap(),
            ..Settings::default()
        }
    }
}

/// A service whose sessions leave lines in `sessions`: who, from where, what.
fn session_service(directory: &TempDir) -> Service {
    let script = directory.path().join("session.sh");
    let log = directory.path().join("sessions");
    let text = format!(
        "#!/bin/sh\necho \"$PAM_TYPE $PAM_USER $PAM_RHOST $PAM_TTY $PAM_RUSER\" >>{}\n",
        log.display()
    );
    fs::write(&script, text).unwrap();
    run("chmod", &["755", script.to_str().unwrap()]);
    Service::new(
        "sessions",
        &format!(
            "auth required pam_unix.so\naccount required pam_unix.so\n\
             session required pam_exec.so {}\n",
            script.display()
        ),
    )
}

/// A service with the module of ours that is compiled with `flag`.
fn odd_service(directory: &TempDir, word: &str, flag: &str, fifos: [&Fifo; 2]) -> Service {
    let module = module(directory, flag);
    let lines = format!(
        "auth required {} {} {}\naccount required pam_permit.so\n",
        module.display(),
        fifos[0].path().display(),
        fifos[1].path().display()
    );
    Service::new(word, &lines)
}

/// The authenticators under test, each of its own settings; started while the
/// process has one thread.
pub struct Authenticators {
    pub unix: Authenticator,
    pub shipped: Authenticator,
    pub lenient: Authenticator,
    pub for_root: Authenticator,
    pub sessions: Authenticator,
    /// The same, and modules are told names of clients.
    pub naming: Authenticator,
    pub odd: Authenticator,
    pub fragile: Authenticator,
    pub threaded: Authenticator,
    /// As `odd`, and three seconds are all a check may take.
    pub brief: Authenticator,
    pub shadow: Authenticator,
    pub any_shell: Authenticator,
    /// The most that may be checked at once is four.
    pub narrow: Authenticator,
}

impl Authenticators {
    pub fn start(world: &World) -> Authenticators {
        let start = |settings: Settings| Authenticator::start(&settings).unwrap();
        Authenticators {
            unix: start(world.settings(&world.unix)),
            shipped: start(world.settings(&world.shipped)),
            lenient: start(world.settings(&world.lenient)),
            for_root: start(Settings {
                root_login: true,
                ..world.settings(&world.lenient)
            }),
            sessions: start(Settings {
                session_support: true,
                ..world.settings(&world.sessions)
            }),
            naming: start(Settings {
                session_support: true,
                reverse_lookup: true,
                ..world.settings(&world.sessions)
            }),
            odd: start(world.settings(&world.odd)),
            fragile: start(world.settings(&world.fragile)),
            threaded: start(world.settings(&world.threaded)),
            brief: start(Settings {
                time_limit: Duration::from_secs(3),
                ..world.settings(&world.odd)
            }),
            shadow: start(world.without_pam()),
            any_shell: start(Settings {
                check_shell: false,
                ..world.without_pam()
            }),
            narrow: start(Settings {
                attempts_at_once: 4.try_into().unwrap(),
                ..world.settings(&world.unix)
            }),
        }
    }
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}
