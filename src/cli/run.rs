//! From a command line that asks for a server to the server's end.

use super::share::serving_notice;
use super::{Exit, Launch, Start, accounts, complain, complain_as_vsftpd, exit_of, refuse, say};
use crate::record;
use crate::server::{self, Handed, Input, Outcome, StartError};

/// Takes what was handed over, reads the configuration, and serves.
pub(super) fn begin(start: Start, input: Input) -> Exit {
    // The first thing that a server does: nothing else is open yet.
    match Handed::take(input) {
        Ok(mut handed) => match start.load() {
            Ok(launch) => run(launch, handed),
            Err(errors) => {
                handed.blame_configuration();
                let exit = refuse(&errors);
                // The line that those look for who know vsftpd.
                if let Some(first) = errors.first() {
                    complain_as_vsftpd(&first.oops());
                }
                exit
            }
        },
        Err(error) => {
            complain(&error.to_string());
            Exit::OsError
        }
    }
}

fn run(mut launch: Launch, handed: Handed) -> Exit {
    record::configure(&launch.config);
    for finding in &launch.findings {
        finding.log();
    }
    if let Some(share) = &mut launch.share
        && let Err(error) = share.settle_password()
    {
        complain(&format!("cannot get a password: {error}"));
        return Exit::OsError;
    }
    start_server(launch, handed)
}

/// Loads the accounts and serves until a signal ends it.
fn start_server(launch: Launch, handed: Handed) -> Exit {
    let accounts = match accounts(&launch) {
        Ok(accounts) => accounts,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Config;
        }
    };
    for warning in accounts.current().warnings() {
        log::warn!("{warning}");
    }
    let mut share = launch.share;
    let addresses: Vec<_> = launch
        .config
        .listeners()
        .iter()
        .map(|it| it.address.ip())
        .collect();
    let certificate = match share
        .as_mut()
        .map(|share| share.make_certificate(&addresses))
    {
        Some(Err(error)) => {
            complain(&error.to_string());
            return Exit::OsError;
        }
        Some(Ok(certificate)) => certificate,
        None => None,
    };
    let notice = |bound| {
        if let Some(share) = &share {
            say(serving_notice(share, bound).as_bytes());
        }
    };
    let by_inetd = launch.start.inetd;
    let server = server::Launch {
        config: launch.config,
        accounts,
        handed,
        by_inetd,
        certificate,
        reread: launch.start.reread(),
    };
    exit_after(server::run(server, notice))
}

/// The exit code of a server that has ended so, once it is said why.
fn exit_after(outcome: Result<Outcome, StartError>) -> Exit {
    match outcome {
        Ok(Outcome::Ended | Outcome::Background) => Exit::Ok,
        Ok(Outcome::Failed(code)) => Exit::of(code),
        // Clients come and go.
        Err(StartError::VisitorGone) => Exit::Ok,
        Err(error) => {
            complain(&error.to_string());
            if let Some(words) = error.oops() {
                complain_as_vsftpd(words);
            }
            exit_of(&error)
        }
    }
}
