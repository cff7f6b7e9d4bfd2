//! What is known before the first client comes of configurations that
//! hosts.allow names for some clients (VSFTPD_LOAD_CONF): what the server must
//! keep, or start, so that it can serve them later.

use crate::auth::{AccountsError, LiveAccounts};
use crate::config::{Config, ConfigErrors, Finding, Note, Origin};
use crate::protocol::wrappers::{Fault, Rules};
use crate::session::{Service, ServiceError};
use crate::sys::regular::read_regular;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// The files with the rules.
pub(super) const ALLOW: &str = "/etc/hosts.allow";
pub(super) const DENY: &str = "/etc/hosts.deny";

/// More than any real one.
const LARGEST: u64 = 1 << 20;

/// What may come.
#[derive(Debug, Default)]
pub(super) struct Prospects {
    /// The server's configuration with what others have on, where there is
    /// tcp_wrappers.
    widest: Option<Config>,
    /// Some sessions will act as another user.
    change_user: bool,
}

impl Prospects {
    /// Those of `service`, and what is wrong with the files that name them.
    pub(super) fn of(service: &Service) -> (Prospects, Vec<Finding>) {
        let config = service.config();
        if !config.tcp_wrappers() {
            return (Prospects::default(), Vec::new());
        }
        let mut findings = Vec::new();
        let mut read = |path| rules_and_faults(path, config, &mut findings);
        let (allow, deny) = (read(ALLOW), read(DENY));
        let mut widest = config.clone();
        let mut change_user = false;
        let mut for_some = Vec::new();
        for path in allow.configurations().chain(deny.configurations()) {
            let path = Path::new(OsStr::from_bytes(path));
            // Whatever it switches on is foreseen by it.
            match config_of(path, service)
                .and_then(|(config, odd)| Ok((opened(service, config)?, odd)))
            {
                Ok((service, odd)) => {
                    findings.extend(odd);
                    widest.widen(service.config());
                    change_user |= service.changes_user();
                    for_some.push(service.config().clone());
                }
                Err(error) => {
                    let note = Note::Told(format!(
                        "VSFTPD_LOAD_CONF {path:?} cannot be used, and its clients are turned \
                         away: {error}"
                    ));
                    findings.push(Finding::of(config, "tcp_wrappers", note));
                }
            }
        }
        for other in &for_some {
            findings.extend(in_vain(other, config, &widest));
        }
        let prospects = Prospects {
            widest: Some(widest),
            change_user,
        };
        (prospects, findings)
    }

    /// What the server must be able to serve, `base` at least.
    pub(super) fn widest<'all>(&'all self, base: &'all Config) -> &'all Config {
        self.widest.as_ref().unwrap_or(base)
    }

    /// The same for who asks later; `None` without tcp_wrappers.
    pub(super) fn into_widest(self) -> Option<Config> {
        self.widest
    }

    /// Whether workers must be able to become other users.
    pub(super) fn change_user(&self) -> bool {
        self.change_user
    }
}

/// A configuration for some clients, opened.
pub(super) struct Load {
    pub(super) service: Service,
    /// Options that keep the values of the server.
    pub(super) kept: Vec<&'static str>,
}

/// Why a configuration for some clients cannot be served.
#[derive(Debug)]
pub(super) enum LoadError {
    Unreachable(io::Error),
    Config(ConfigErrors),
    Accounts(AccountsError),
    Service(ServiceError),
    /// The rights for it were given up at the start.
    Identity,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Unreachable(error) => error.fmt(f),
            LoadError::Config(errors) => errors.fmt(f),
            LoadError::Accounts(error) => error.fmt(f),
            LoadError::Service(error) => error.fmt(f),
            LoadError::Identity => f.write_str(
                "some users would have to act as others, for which the rights were given up at the \
                 start, when hosts.allow did not name this file: a restart is needed",
            ),
        }
    }
}

/// Reads and opens the configuration in a file over that of `base`, of a
/// server that can serve what `widest` has on.
///
/// # Errors
/// What is wrong with it, or cannot be opened.
pub(super) fn loaded(path: &Path, base: &Service, widest: &Config) -> Result<Load, LoadError> {
    let (mut config, odd) = config_of(path, base)?;
    for finding in odd {
        finding.log();
    }
    let kept = config.keep_for_some(base.config(), widest);
    let service = opened(base, config)?;
    Ok(Load { service, kept })
}

/// The configuration, and what is odd about its own file: the rest was told
/// at the start.
fn config_of(path: &Path, base: &Service) -> Result<(Config, Vec<Finding>), LoadError> {
    let read = base.config().with_settings_of(path, base.starter());
    let (config, mut findings) = read.map_err(LoadError::Config)?;
    findings.retain(
        |finding| matches!(&finding.origin, Origin::File { path: file, .. } if **file == *path),
    );
    Ok((config, findings))
}

/// What `other`, for some clients, sets although it is the same for all.
fn in_vain(other: &Config, base: &Config, widest: &Config) -> Vec<Finding> {
    let vain = other.vain_for_some(base, widest).into_iter();
    vain.map(|option| {
        let note = "has no effect for some clients only: set it in the file of the server";
        Finding::of(other, option, Note::Told(note.to_owned()))
    })
    .collect()
}

fn opened(base: &Service, config: Config) -> Result<Service, LoadError> {
    let mine = config.virtual_users_file();
    let accounts = if mine == base.config().virtual_users_file() {
        Arc::clone(base.accounts())
    } else {
        Arc::new(LiveAccounts::of(mine).map_err(LoadError::Accounts)?)
    };
    base.reopen(config, accounts).map_err(LoadError::Service)
}

/// The rules in a file, and what is wrong with it as findings.
fn rules_and_faults(path: &str, config: &Config, findings: &mut Vec<Finding>) -> Rules {
    match rules_of(path) {
        Ok((rules, faults)) => {
            findings.extend(faults.iter().map(|fault| Finding {
                origin: Origin::File {
                    path: Path::new(path).into(),
                    line: fault.line,
                },
                option: None,
                note: Note::Told(fault.cause.to_owned()),
            }));
            rules
        }
        Err(error) => {
            let note = Note::Told(format!(
                "every client will be turned away: cannot read {path}: {error}"
            ));
            findings.push(Finding::of(config, "tcp_wrappers", note));
            Rules::default()
        }
    }
}

/// The rules in a file, and what is wrong with it; none if it is not there.
///
/// # Errors
/// When it is there and cannot be read: then nobody knows who may come.
pub(super) fn rules_of(path: &str) -> io::Result<(Rules, Vec<Fault>)> {
    match read_regular(Path::new(path), LARGEST) {
        Ok(text) => Ok(Rules::parse(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Rules::parse(b"")),
        Err(error) => Err(error),
    }
}
