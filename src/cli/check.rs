//! `--check`: what a start would say, without starting.
#![forbid(unsafe_code)]

use super::{Exit, Launch, accounts, complain, doctor, exit_of, exit_of_errors, say};
use crate::config::{Config, ConfigErrors, Finding, Note, Origin, Severity};
use crate::record::ledger;
use crate::server::{self, Plan, StartError};
use crate::session::Service;
use crate::sys::clock::now;
use crate::tls::{Material, Settings, Tls, TlsError};
use std::fmt::Display;

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Diagnosis {
    errors: usize,
    warnings: usize,
    notes: usize,
    /// The exit code of a start, if it would fail.
    exit: Option<Exit>,
}

/// `--check`: all that a start would do short of listening, and what is odd
/// about it.
pub(super) fn check(launched: Result<Launch, ConfigErrors>) -> Exit {
    let mut diagnosis = Diagnosis::default();
    let plan = match launched {
        Ok(launch) => diagnosis.examine(launch),
        Err(errors) => {
            let exit = exit_of_errors(&errors);
            errors.iter().for_each(|it| diagnosis.error(it, exit));
            None
        }
    };
    let verdict = diagnosis.verdict();
    let said = match plan {
        Some(plan) => say(format!("{plan}\n{verdict}").as_bytes()),
        None => say(verdict.as_bytes()),
    };
    diagnosis.exit.unwrap_or(said)
}

impl Diagnosis {
    /// Goes on after a fault, so that all are found at once.
    fn examine(&mut self, launch: Launch) -> Option<Plan> {
        let config = &launch.config;
        let machine = doctor::findings(config);
        self.findings(launch.findings.iter().chain(&machine));
        if let Err(error) = self.certificates(&launch) {
            self.start_error(&StartError::Tls(error), config);
        }
        if let Err(error) = ledger::check(config) {
            self.start_error(&StartError::Log(error), config);
        }
        let accounts = match accounts(&launch) {
            Ok(accounts) => accounts,
            Err(error) => {
                self.error(&error, Exit::Config);
                return None;
            }
        };
        for warning in accounts.current().warnings() {
            self.told(config, "virtual_users_file", warning);
        }
        let config = launch.config.clone();
        let service = Service::open(launch.config, accounts).map_err(StartError::Service);
        match service.and_then(|service| server::foresee(&service)) {
            Ok((plan, findings)) => {
                self.findings(findings.iter());
                Some(plan)
            }
            Err(error) => {
                self.start_error(&error, &config);
                None
            }
        }
    }

    /// Whether TLS would come about, and what is to be said of the
    /// certificates.
    fn certificates(&mut self, launch: &Launch) -> Result<(), TlsError> {
        // What --serve shows, it makes for itself.
        let Some(settings) = Settings::of(&launch.config).filter(|_| launch.share.is_none()) else {
            return Ok(());
        };
        let material = Material::read(&settings);
        let tls = Tls::of(settings, &material)?;
        for line in tls.credentials().summary() {
            say(format!("certificate {line}\n").as_bytes());
        }
        for remark in tls.credentials().remarks(now().0) {
            let path = remark.path.as_deref();
            let option = path.and_then(|path| launch.config.option_naming(path));
            self.told(&launch.config, option.unwrap_or("ssl_enable"), &remark);
        }
        Ok(())
    }

    pub(super) fn findings<'a>(&mut self, findings: impl Iterator<Item = &'a Finding>) {
        for finding in findings {
            match finding.severity() {
                Severity::Warning => {
                    self.warnings += 1;
                    complain(&format!("warning: {finding}"));
                }
                Severity::Info => {
                    self.notes += 1;
                    complain(&format!("note: {finding}"));
                }
            }
        }
    }

    /// What another floor has to say of the value of `option`.
    fn told(&mut self, config: &Config, option: &str, what: &dyn Display) {
        let note = Note::Told(what.to_string());
        self.findings([Finding::of(config, option, note)].iter());
    }

    fn start_error(&mut self, error: &StartError, config: &Config) {
        let exit = exit_of(error);
        // A default that fails does so because of what made it count.
        let because = matches!(error, StartError::Tls(_)).then_some("ssl_enable");
        let place = [error.option(config), because]
            .into_iter()
            .flatten()
            .map(|option| config.origin(option))
            .find(|origin| matches!(origin, Origin::File { .. }));
        match place {
            Some(place) => self.error(&format_args!("{place}: {error}"), exit),
            None => self.error(error, exit),
        }
    }

    /// The first error decides on the exit code.
    pub(super) fn error(&mut self, text: &dyn Display, exit: Exit) {
        self.errors += 1;
        self.exit.get_or_insert(exit);
        complain(&format!("error: {text}"));
    }

    /// The last line, after everything that was found.
    pub(super) fn verdict(&self) -> String {
        let found = [
            (self.errors, "error"),
            (self.warnings, "warning"),
            (self.notes, "note"),
        ];
        let counted = |(count, word): (usize, &str)| match count {
            0 => None,
            1 => Some(format!("1 {word}")),
            _ => Some(format!("{count} {word}s")),
        };
        let found: Vec<String> = found.into_iter().filter_map(counted).collect();
        match (self.exit, found.as_slice()) {
            (None, []) => "The configuration is in order.\n".to_owned(),
            (None, found) => format!("The server would start; {}.\n", found.join(", ")),
            (Some(_), found) => format!("The server would not start; {}.\n", found.join(", ")),
        }
    }
}
