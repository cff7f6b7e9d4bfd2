//! What a start would meet, for `--check`: whom the server becomes, and what
//! will be odd then.

use super::StartError;
use super::background::PidFile;
use super::plan::Plan;
use super::prospects::Prospects;
use super::unreadable::{self, TRIED};
use super::{control_socket, limits, listen};
use crate::auth::Becomes;
use crate::config::{Config, Finding, Note, Paper, PersonalError};
use crate::session::Service;
use crate::sys;
use crate::sys::identity::{self, Identity};
use std::fs;

/// The plan for `service` if this process started it, and what it would be
/// warned of.
///
/// # Errors
/// When the server would not start.
pub fn foresee(service: &Service) -> Result<(Plan, Vec<Finding>), StartError> {
    let config = service.config();
    rehearse(config)?;
    let (prospects, mut found) = Prospects::of(service);
    let plan = Plan::with(service, &prospects)?;
    // A session of inetd's has a process to itself.
    if config.listen() || config.listen_ipv6() {
        let descriptors = sys::process::raise_descriptor_limit()?;
        found.extend(limits::findings(config, descriptors));
    }
    found.extend(of_users(config, service.starter()));
    found.extend(as_who_it_becomes(&plan, || unreadable::findings(config))?);
    Ok((plan, found))
}

/// Errors that are told of one file: what is no file of options at all has one
/// in each line.
const TOLD: usize = 20;

/// What a start opens besides logs and certificates, as far as that can be
/// tried without a trace.
fn rehearse(config: &Config) -> Result<(), StartError> {
    listen::rehearse(config)?;
    if config.listeners().is_empty() {
        return Ok(());
    }
    if let Some(path) = config.pid_file() {
        PidFile::rehearse(path).map_err(|(path, error)| StartError::PidFile(path, error))?;
    }
    control_socket::rehearse(config)
}

/// What is wrong or odd about the files of user_config_dir.
fn of_users(config: &Config, starter: u32) -> Vec<Finding> {
    let files = config
        .user_config_dir()
        .and_then(|it| fs::read_dir(it).ok());
    let mut files = files.into_iter().flatten().filter_map(Result::ok);
    let mut found = Vec::new();
    for file in files.by_ref().take(TRIED) {
        match config.with_file(&file.path(), starter) {
            Ok((_, findings)) => found.extend(findings),
            Err(PersonalError::Wrong(errors)) => {
                found.extend(errors.iter().take(TOLD).map(|error| Finding {
                    origin: error.origin.clone(),
                    option: None,
                    note: Note::Paper(Paper::NoOptions(error.without_place())),
                }));
            }
            Err(error) => {
                let note = Note::Paper(Paper::NoOptions(error.to_string()));
                found.push(Finding::of(config, "user_config_dir", note));
            }
        }
    }
    if files.next().is_some() {
        let note = Note::Told(format!("only {TRIED} of its files were looked at"));
        found.push(Finding::of(config, "user_config_dir", note));
    }
    found
}

/// What `look` sees as the user that the server becomes.
fn as_who_it_becomes<T: Send>(
    plan: &Plan,
    look: impl FnOnce() -> T + Send,
) -> Result<T, sys::Error> {
    let Becomes::User(user) = &plan.becomes else {
        return Ok(look());
    };
    let identity = Identity::new(user.uid, user.gid, &[])
        .map_err(|_| sys::Error::new("setresuid", libc::EINVAL))?;
    std::thread::scope(|scope| {
        // A thread of its own, which is that user until it ends.
        let looking = scope.spawn(|| {
            identity::become_user(&identity)?;
            Ok(look())
        });
        looking
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
