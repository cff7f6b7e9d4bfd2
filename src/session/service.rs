//! What all sessions share: the configuration and what was opened for it.

use super::announce::Announced;
use super::voice::Voice;
use crate::auth::{Account, LiveAccounts};
use crate::config::Config;
use crate::data::{Buffers, PassivePorts};
use crate::fs::Root;
use crate::protocol::host::HostNames;
use crate::protocol::{Charset, Code, Language, Reply};
use crate::sys;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The service that sessions give: read-only once opened, but for caches.
pub struct Service {
    pub(super) config: Config,
    pub(super) accounts: LiveAccounts,
    pub(super) anonymous: Option<Arc<Root>>,
    pub(super) ports: Arc<PassivePorts>,
    pub(super) buffers: Buffers,
    pub(super) greeting: Reply,
    pub(super) announced: Announced,
    /// What HOST may name.
    pub(super) host_names: HostNames,
    /// In which sessions begin.
    pub(super) language: Language,
    /// In which names are for clients that do not ask for UTF-8.
    pub(super) charset: Option<Charset>,
    roots: Mutex<HashMap<PathBuf, Weak<Root>>>,
}

/// Why the service cannot be given.
#[derive(Debug)]
pub enum ServiceError {
    /// The anonymous root cannot be opened.
    AnonymousRoot(PathBuf, sys::Error),
    /// anonymous_enable=YES, but nothing says where anonymous files are.
    NoAnonymousRoot,
    /// The greeting's file cannot be read.
    Banner(PathBuf, std::io::Error),
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceError::AnonymousRoot(_, error) if error.errno() == libc::ENOSYS => f.write_str(
                "this kernel has no openat2, on which the confinement of sessions rests: \
                 Linux 5.8 or later is needed",
            ),
            ServiceError::AnonymousRoot(path, error) => {
                write!(f, "anon_root {path:?} cannot be served: {error}")
            }
            ServiceError::NoAnonymousRoot => f.write_str(
                "anonymous_enable=YES, but anon_root is not set and there is no user ftp whose \
                 home would serve: set anon_root, or anonymous_enable=NO",
            ),
            ServiceError::Banner(path, error) => write!(f, "banner_file {path:?}: {error}"),
        }
    }
}

impl std::error::Error for ServiceError {}

impl Service {
    /// Opens what `config` names.
    ///
    /// # Errors
    /// What cannot be opened.
    pub fn open(config: Config, accounts: LiveAccounts) -> Result<Service, ServiceError> {
        Ok(Service {
            anonymous: anonymous_root(&config)?,
            ports: PassivePorts::new(config.passive_ports()),
            buffers: Buffers::default(),
            greeting: greeting(&config)?,
            announced: Announced::new(&config),
            // What cannot be read here, config::check has refused.
            host_names: HostNames::parse(config.host_names()).unwrap_or_default(),
            language: Language::parse(config.default_language()).unwrap_or(Language::English),
            charset: Charset::parse(config.client_charset()),
            roots: Mutex::default(),
            accounts,
            config,
        })
    }

    /// A reply to a client that gets no session, in the language of the
    /// greeting.
    #[must_use]
    pub fn phrase<'reply>(&self, reply: &'reply Reply) -> Cow<'reply, Reply> {
        Voice::of(self).phrase(reply)
    }

    /// The configuration all this was opened for.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What PASV announces.
    #[must_use]
    pub fn announced(&self) -> &Announced {
        &self.announced
    }

    /// The root of an account, one descriptor for all its sessions.
    pub(super) fn root_of(&self, account: &Account) -> Result<Arc<Root>, sys::Error> {
        // Opened outside the lock, since a hung network home shall stop its
        // own users only, and each time, since a home may have been replaced.
        let fresh = Arc::new(Root::open(&account.home)?);
        let mut roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        let held = roots.get(&account.home).and_then(Weak::upgrade);
        if let Some(root) = held.filter(|root| root.is_same(&fresh)) {
            return Ok(root);
        }
        let root = fresh;
        roots.retain(|_, root| root.strong_count() > 0);
        roots.insert(account.home.clone(), Arc::downgrade(&root));
        Ok(root)
    }
}

fn anonymous_root(config: &Config) -> Result<Option<Arc<Root>>, ServiceError> {
    if !config.anonymous_enable() {
        return Ok(None);
    }
    let path = match config.anon_root() {
        Some(path) => path.to_owned(),
        None => home_of_ftp().ok_or(ServiceError::NoAnonymousRoot)?,
    };
    match Root::open(&path) {
        Ok(root) => Ok(Some(Arc::new(root))),
        Err(error) => Err(ServiceError::AnonymousRoot(path, error)),
    }
}

/// Home of the user `ftp`, where vsftpd has anonymous files unless told
/// otherwise. Read once, at start.
fn home_of_ftp() -> Option<PathBuf> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = text.lines().find(|line| line.starts_with("ftp:"))?;
    line.split(':').nth(5).map(PathBuf::from)
}

fn greeting(config: &Config) -> Result<Reply, ServiceError> {
    let text = match config.banner_file() {
        Some(path) => {
            read_small(path).map_err(|error| ServiceError::Banner(path.to_owned(), error))?
        }
        None if config.ftpd_banner().is_empty() => b"ironftpd ready.".to_vec(),
        None => config.ftpd_banner().to_vec(),
    };
    let mut lines: Vec<Vec<u8>> = text
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
        .collect();
    while lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    let last = lines.pop().unwrap_or_default();
    let greeting = Reply::new(Code::ServiceReady, last);
    Ok(lines.into_iter().fold(greeting, Reply::line))
}

/// A banner is a screenful; a file named by mistake shall not fill memory.
fn read_small(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut text = Vec::new();
    std::fs::File::open(path)?
        .take(64 * 1024)
        .read_to_end(&mut text)?;
    Ok(text)
}
