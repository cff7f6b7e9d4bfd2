//! Local users: name and password against the system's own accounts.
//!
//! The authenticator is a small process forked at the server's start, the
//! only one that stays root. A worker that has a name and a password makes a
//! channel, puts the request in it and hands the other end over; the
//! authenticator gives each such attempt a fresh process, which asks PAM
//! (`check`) or, where there is no libpam, the shadow file (`shadow`), and
//! answers on the channel. So no answer finds the wrong worker, and a PAM
//! module that stores, sleeps or crashes does so alone.
//!
//! ```text
//! worker             authenticator (root)         checking process (root)
//! request -> channel
//! its end  --------> fork -------------------->   takes the request
//! waits                                           PAM or shadow
//! verdict <------------------------------------   says the verdict, ends
//!                    reaps, or ends it in time
//! ```
//!
//! With `session_support` the checking process stays, with the PAM session
//! open, until the worker's end of the channel closes. Leaves to others:
//! the reply, which must be the same for every reason, and its delay; lists
//! of users; becoming the user.
#![forbid(unsafe_code)]

mod check;
pub mod message;
mod serve;
mod shadow;
pub mod verdict;

use std::ffi::CString;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::message::{ROOM, Reply};
pub use self::verdict::{Cause, Denied, Granted, SessionHandle, Verdict};
use super::Secret;
use crate::config::Config;
use crate::sys::channel;
use crate::sys::fork::{self, Ended, Process};
use crate::sys::poll::{Interest, READABLE, WRITABLE, poll};
use crate::sys::{self, process};

/// How long the authenticator has to come up, and to go.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the authenticator goes by, for all attempts alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `pam_service_name`.
    pub service: Vec<u8>,
    /// `session_support`: keep a PAM session open as long as the log-in lasts.
    pub session_support: bool,
    /// `check_shell`: without PAM, only users with a shell of /etc/shells.
    pub check_shell: bool,
    /// `reverse_lookup_enable`: modules are told the name of the client.
    pub reverse_lookup: bool,
    /// `allow_root_login`: whether user id 0 may log in.
    pub root_login: bool,
    /// The most checking processes at once; further attempts wait their turn.
    pub attempts_at_once: NonZeroUsize,
    /// How long a checking process may take before it is killed.
    pub time_limit: Duration,
    /// The name libpam is looked for by.
    pub library: CString,
}

impl Default for Settings {
    /// The options' defaults; 32 attempts at once, of a minute at most.
    fn default() -> Settings {
        Settings {
            service: b"vsftpd".to_vec(),
            session_support: false,
            check_shell: true,
            reverse_lookup: false,
            root_login: false,
            attempts_at_once: NonZeroUsize::MIN.saturating_add(31),
            time_limit: Duration::from_secs(60),
            library: c"libpam.so.0".into(),
        }
    }
}

impl Settings {
    /// Those of `config`; `None` where users of the system are not let in.
    #[must_use]
    pub fn of(config: &Config) -> Option<Settings> {
        config.local_enable().then(|| Settings {
            service: config.pam_service_name().to_vec(),
            session_support: config.session_support(),
            check_shell: config.check_shell(),
            reverse_lookup: config.reverse_lookup_enable(),
            root_login: config.allow_root_login(),
            ..Settings::default()
        })
    }
}

/// Whom the checking processes ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// PAM.
    Pam,
    /// passwd and shadow files, because libpam could not be loaded: the
    /// loader's words.
    Shadow(Box<str>),
    /// Nobody: the authenticator could not start, with this error.
    Failed(Box<str>),
}

/// Why the authenticator did not start.
#[derive(Debug)]
pub enum StartError {
    /// Only root may look at passwords.
    NotRoot,
    /// A system call failed; EBUSY of fork where there are threads already.
    System(sys::Error),
    /// The process was born and could not make itself ready: its error.
    Unready(Box<str>),
}

/// Why an attempt has no verdict.
#[derive(Debug)]
pub enum AttemptError {
    /// The deadline came first.
    Deadline,
    /// The authenticator has ended: no local user can log in until the server
    /// is started again.
    Gone,
    /// A system call failed.
    System(sys::Error),
}

/// The main process's side of the authenticator; dropping it ends the other.
#[derive(Debug)]
pub struct Authenticator {
    calls: Option<OwnedFd>,
    process: Process,
    backend: Backend,
}

impl Authenticator {
    /// Forks the authenticator and waits until it is ready. As root, before
    /// the first thread is born, after going into the background, and while
    /// privileges are whole. What it will do is logged.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(settings: &Settings) -> Result<Authenticator, StartError> {
        if process::effective_user() != 0 {
            return Err(StartError::NotRoot);
        }
        let (calls, served) = channel::pair()?;
        let parent = Process::current();
        let process = fork::spawn(|| serve::run(settings, served.as_fd(), parent))?;
        drop(served);
        let mut authenticator = Authenticator {
            calls: Some(calls),
            process,
            backend: Backend::Failed("no word of it".into()),
        };
        authenticator.backend = authenticator.hear()?;
        if let Backend::Failed(words) = &authenticator.backend {
            return Err(StartError::Unready(words.clone()));
        }
        authenticator.announce(settings);
        Ok(authenticator)
    }

    /// Whom local users are checked by.
    #[must_use]
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The authenticator's process id.
    #[must_use]
    pub fn process_id(&self) -> i32 {
        self.process.id()
    }

    /// How the process has ended, if it has, told once. It should last as long
    /// as the server does.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.process.ended()
    }

    /// Asks whether a user may log in (RFC 959 section 4.1.1, USER and PASS),
    /// and waits for the answer until `deadline` at most.
    ///
    /// For any number of threads at once. Whatever the reason of a denial,
    /// the client should be answered alike and at the same time: say, a fixed
    /// delay after its PASS came, and not after this returns.
    ///
    /// # Errors
    /// See [`AttemptError`]; the user is not let in.
    pub fn attempt(
        &self,
        user: &[u8],
        password: &Secret,
        peer: IpAddr,
        deadline: Instant,
    ) -> Result<Verdict, AttemptError> {
        let Some(request) = message::seal(user, password, peer) else {
            return Ok(Verdict::Denied(Cause::Unfit.into()));
        };
        let (own, other) = channel::pair()?;
        channel::send(own.as_fd(), request.as_bytes())?;
        drop(request);
        self.hand_over(other, deadline)?;
        wait(&own, deadline)?;
        let mut message = vec![0; ROOM];
        let length = channel::receive(own.as_fd(), &mut message)?;
        let reply = message.get(..length).and_then(Reply::decode);
        Ok(match reply {
            Some(Reply::Granted { account, session }) => Verdict::Granted(Granted {
                account,
                session: session.then(|| SessionHandle::new(own)),
            }),
            Some(Reply::Denied(denied)) => Verdict::Denied(denied),
            // All ends are closed: the authenticator is not there to say why.
            None => Verdict::Denied(Denied::new(Cause::Crashed, "no verdict")),
        })
    }

    /// Passes a channel's other end to the authenticator.
    fn hand_over(&self, end: OwnedFd, deadline: Instant) -> Result<(), AttemptError> {
        let calls = self.calls.as_ref().ok_or(AttemptError::Gone)?.as_fd();
        loop {
            match channel::send_descriptor(calls, end.as_fd()) {
                Ok(()) => return Ok(()),
                // Its queue is full: many attempts wait before this one.
                Err(error) if error.would_block() => {
                    let mut room = [Interest::new(calls, WRITABLE)];
                    if !poll(&mut room, Some(left(deadline)?))? {
                        left(deadline)?;
                    }
                }
                Err(error) if matches!(error.errno(), libc::EPIPE | libc::ECONNRESET) => {
                    // No zombie for the rest of the server's life.
                    let _ = self.process.ended();
                    return Err(AttemptError::Gone);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The new process's first word.
    fn hear(&self) -> Result<Backend, StartError> {
        let no_word = || StartError::Unready("no word of it".into());
        let calls = self.calls.as_ref().ok_or_else(no_word)?;
        wait(calls, Instant::now() + PATIENCE).map_err(|error| match error {
            AttemptError::System(error) => StartError::System(error),
            AttemptError::Deadline | AttemptError::Gone => no_word(),
        })?;
        let mut message = vec![0; ROOM];
        let length = channel::receive(calls.as_fd(), &mut message)?;
        let backend = message.get(..length).and_then(Backend::decode);
        backend.ok_or_else(no_word)
    }

    fn announce(&self, settings: &Settings) {
        let service = settings.service.escape_ascii();
        match &self.backend {
            Backend::Pam => {
                log::info!("local users are checked by PAM, service \"{service}\"");
                if service_file(&settings.service).is_none() {
                    log::warn!(
                        "PAM has no file for the service \"{service}\" \
                         (/etc/pam.d/{service}): it goes by that of \"other\", \
                         which may refuse everybody; ironftpd comes with one \
                         for pam_service_name=ironftpd"
                    );
                }
            }
            Backend::Shadow(words) | Backend::Failed(words) => {
                log::warn!(
                    "local users are checked by /etc/shadow alone, without PAM: {}",
                    crate::config::printable(words)
                );
                if settings.session_support {
                    log::warn!("session_support=YES has no effect without PAM");
                }
            }
        }
    }
}

impl Drop for Authenticator {
    fn drop(&mut self) {
        self.calls = None;
        // It ends at once, unless somebody has stopped it.
        if let Ok(watch) = self.process.watch() {
            let _ = wait(&watch, Instant::now() + PATIENCE);
        }
        let _ = self.process.ended();
    }
}

impl Backend {
    fn failed(error: &sys::Error) -> Backend {
        Backend::Failed(error.to_string().into())
    }

    fn encode(&self) -> Vec<u8> {
        let (kind, words): (u8, &str) = match self {
            Backend::Pam => (b'p', ""),
            Backend::Shadow(words) => (b's', words),
            Backend::Failed(words) => (b'f', words),
        };
        let mut message = vec![kind];
        message.extend(words.bytes().take(1024));
        message
    }

    fn decode(message: &[u8]) -> Option<Backend> {
        let (kind, words) = message.split_first()?;
        let words = String::from_utf8_lossy(words).into();
        match kind {
            b'p' => Some(Backend::Pam),
            b's' => Some(Backend::Shadow(words)),
            b'f' => Some(Backend::Failed(words)),
            _ => None,
        }
    }
}

/// The file PAM has for a service, among the folders it looks in.
#[must_use]
pub fn service_file(service: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    // libpam looks for the name in lower case and without folders.
    let name = service.rsplit(|byte| *byte == b'/').next()?;
    let name = name.to_ascii_lowercase();
    let name = Path::new(std::ffi::OsStr::from_bytes(&name));
    let folders = ["/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d"];
    let mut places = folders.iter().map(|folder| Path::new(folder).join(name));
    places.find(|place| place.is_file())
}

/// What is left until `deadline`.
fn left(deadline: Instant) -> Result<Duration, AttemptError> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero())
        .then_some(left)
        .ok_or(AttemptError::Deadline)
}

/// Waits until there is something to read, or the other end is closed.
fn wait(descriptor: &OwnedFd, deadline: Instant) -> Result<(), AttemptError> {
    loop {
        // A signal counts as nothing; so does a wait that ended early.
        let mut interest = [Interest::new(descriptor.as_fd(), READABLE)];
        if poll(&mut interest, Some(left(deadline)?))? {
            return Ok(());
        }
    }
}

impl From<sys::Error> for StartError {
    fn from(error: sys::Error) -> StartError {
        StartError::System(error)
    }
}

impl From<sys::Error> for AttemptError {
    fn from(error: sys::Error) -> AttemptError {
        AttemptError::System(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::NotRoot => f.write_str("only root may check the passwords of local users"),
            StartError::System(error) => write!(f, "authenticator: {error}"),
            StartError::Unready(words) => write!(f, "authenticator: {words}"),
        }
    }
}

impl fmt::Display for AttemptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AttemptError::Deadline => f.write_str("the authenticator did not answer in time"),
            AttemptError::Gone => {
                f.write_str("the authenticator has ended; restart the server to have it back")
            }
            AttemptError::System(error) => write!(f, "authenticator: {error}"),
        }
    }
}

impl std::error::Error for StartError {}
impl std::error::Error for AttemptError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backends_come_back_as_they_were() {
        for backend in [
            Backend::Pam,
            Backend::Shadow("libpam.so.0: cannot open".into()),
            Backend::Failed("x".into()),
        ] {
            assert_eq!(Backend::decode(&backend.encode()), Some(backend));
        }
        assert_eq!(Backend::decode(b""), None);
        assert_eq!(Backend::decode(b"?"), None);
    }

    #[test]
    fn settings_are_those_of_the_configuration_where_local_users_may_log_in() {
        let mut config = Config::default();
        assert!(Settings::of(&config).is_none());
        let origin = &crate::config::Origin::CommandLine;
        config.set(b"local_enable", b"YES", origin).unwrap();
        let settings = Settings::of(&config).unwrap();
        assert_eq!(settings, Settings::default());
        for (name, value) in [("pam_service_name", "x"), ("allow_root_login", "YES")] {
            config
                .set(name.as_bytes(), value.as_bytes(), origin)
                .unwrap();
        }
        let settings = Settings::of(&config).unwrap();
        assert!(settings.service == b"x" && settings.root_login);
        assert!(settings.check_shell && !settings.session_support);
    }

    #[test]
    fn a_service_without_a_file_is_known_to_have_none() {
        assert_eq!(service_file(b"no such service"), None);
        assert_eq!(service_file(b""), None);
    }

    #[test]
    fn a_deadline_that_is_over_leaves_nothing() {
        assert!(matches!(left(Instant::now()), Err(AttemptError::Deadline)));
        assert!(left(Instant::now() + PATIENCE).unwrap() <= PATIENCE);
    }
}
