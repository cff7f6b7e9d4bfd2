//! `--check`: what a start would say, without starting.
#![forbid(unsafe_code)]

use super::{Exit, Launch, accounts, complain, doctor, exit_of, say};
use crate::config::{Finding, Severity};
use crate::record::ledger;
use crate::server::{Plan, StartError};
use crate::session::Service;
use crate::sys::clock::now;
use crate::tls::{Material, Remark, Settings, Tls, TlsError};

/// `--check`: all that a start would do short of binding ports, and what is
/// odd about it.
pub(super) fn check(launch: Launch) -> Exit {
    let seen = doctor::findings(&launch.config);
    let findings: Vec<_> = launch.findings.iter().chain(&seen).collect();
    for finding in &findings {
        let severity = match finding.severity() {
            Severity::Warning => "warning",
            Severity::Info => "note",
        };
        complain(&format!("{severity}: {finding}"));
    }
    let accounts = match accounts(&launch) {
        Ok(accounts) => accounts,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Config;
        }
    };
    let known = accounts.current();
    for warning in known.warnings() {
        complain(&format!("warning: {warning}"));
    }
    let remarks = match certificates(&launch) {
        Ok(remarks) => remarks,
        Err(error) => {
            let error = StartError::Tls(error);
            complain(&error.to_string());
            return exit_of(&error);
        }
    };
    for remark in &remarks {
        complain(&format!("warning: {remark}"));
    }
    let warnings = known.warnings().len() + remarks.len();
    let verdict = verdict(findings.into_iter(), warnings);
    let logs = ledger::check(&launch.config).map_err(StartError::Log);
    let open = |()| Service::open(launch.config, accounts).map_err(StartError::Service);
    match logs.and_then(open).and_then(|service| Plan::of(&service)) {
        Ok(plan) => say(format!("{plan}\n{verdict}").as_bytes()),
        Err(error) => {
            complain(&error.to_string());
            exit_of(&error)
        }
    }
}

/// The last line of `--check`, after everything found and as many warnings of
/// the accounts file and of certificates.
pub(super) fn verdict<'a>(
    findings: impl Iterator<Item = &'a Finding>,
    mut warnings: usize,
) -> String {
    let mut notes = 0;
    for finding in findings {
        match finding.severity() {
            Severity::Warning => warnings += 1,
            Severity::Info => notes += 1,
        }
    }
    let counted = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{count} {word}s")),
    };
    let found = [counted(warnings, "warning"), counted(notes, "note")];
    match found.into_iter().flatten().collect::<Vec<_>>().as_slice() {
        [] => "The configuration is in order.\n".to_owned(),
        found => format!("The server would start; {}.\n", found.join(", ")),
    }
}

/// Whether TLS would come about, and what is to be said of the certificates.
fn certificates(launch: &Launch) -> Result<Vec<Remark>, TlsError> {
    // What --serve shows, it makes for itself.
    let Some(settings) = Settings::of(&launch.config).filter(|_| launch.share.is_none()) else {
        return Ok(Vec::new());
    };
    let material = Material::read(&settings);
    let tls = Tls::of(settings, &material)?;
    for line in tls.credentials().summary() {
        say(format!("certificate {line}\n").as_bytes());
    }
    Ok(tls.credentials().remarks(now().0))
}
