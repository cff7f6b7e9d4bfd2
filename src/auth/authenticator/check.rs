//! One attempt, in a process of its own: the checking process.
//!
//! It takes the request off its channel, asks PAM or the shadow file, says
//! the verdict and ends; with an open PAM session it stays until the channel
//! closes. Whatever a PAM module does to this process, from a delay to a
//! crash, concerns this attempt alone.
#![forbid(unsafe_code)]

use std::ffi::CString;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::message::{GROUPS_MAX, ROOM, Reply, Request};
use super::verdict::{Cause, Denied};
use super::{Settings, shadow};
use crate::config::printable;
use crate::sys::pam::{Code, DISALLOW_NULL_AUTHTOK, Item, Library, Transaction};
use crate::sys::passwd::User;
use crate::sys::poll::{Interest, WRITABLE, poll};
use crate::sys::{birth, channel, fork, groups, hosts};

/// What the checking process is born with.
pub struct Checker<'a> {
    pub settings: &'a Settings,
    /// `None` where there is no PAM.
    pub library: Option<Library>,
    /// The worker is at the other end.
    pub channel: BorrowedFd<'a>,
    /// Where the authenticator hears that a session is being held.
    pub reports: BorrowedFd<'a>,
}

impl Checker<'_> {
    /// Everything from the first to the last; gives the exit code.
    pub fn run(&self) -> i32 {
        birth::die_with_parent(true);
        fork::Process::current().lead_group();
        if birth::keep_only([self.channel, self.reports]).is_err() {
            return 1;
        }
        birth::default_signals();
        let mut message = vec![0; ROOM];
        let request = match channel::receive(self.channel, &mut message) {
            // The worker has given up meanwhile.
            Ok(0) => return 0,
            Ok(length) => message.get_mut(..length).and_then(Request::open),
            Err(_) => None,
        };
        let Some(request) = request else { return 1 };
        match &self.library {
            Some(library) => self.by_pam(library, request),
            None => self.by_shadow(&request),
        }
        0
    }

    fn say(&self, reply: &Reply) -> bool {
        channel::send(self.channel, &reply.encode()).is_ok()
    }

    fn by_shadow(&self, request: &Request) {
        let checked = shadow::check(request, self.settings).and_then(|user| self.bounded(user));
        self.say(&match checked {
            Ok(user) => Reply::Granted {
                account: Some(user),
                session: false,
            },
            Err(denied) => Reply::Denied(denied),
        });
    }

    fn by_pam(&self, library: &Library, request: Request) {
        let mut log_in = match LogIn::start(library, self.settings, request) {
            Ok(log_in) => log_in,
            Err(denied) => {
                self.say(&Reply::Denied(denied));
                return;
            }
        };
        let session = self.settings.session_support;
        let answer = match log_in.proceed(self) {
            Ok(account) => Reply::Granted { account, session },
            Err(mut denied) => {
                denied.delay = log_in.transaction.delay();
                Reply::Denied(denied)
            }
        };
        log_in.transaction.forget_password();
        let holds = session && matches!(answer, Reply::Granted { .. });
        if holds {
            // Before the worker hears of it: the moment it lets go, the
            // authenticator must know that this is no check to cut short.
            self.report();
        }
        let heard = self.say(&answer);
        if holds {
            if heard {
                self.hold();
            }
            // What a module says to this is nobody's business any more.
            let _ = log_in.transaction.close_session();
            let _ = log_in.transaction.delete_credentials();
        }
    }

    /// Tells the authenticator that this process now holds a session.
    fn report(&self) {
        birth::ignore_requests_to_end();
        birth::die_with_parent(false);
        let own = fork::Process::current().to_bytes();
        while let Err(error) = channel::send(self.reports, &own) {
            let mut room = [Interest::new(self.reports, WRITABLE)];
            if !error.would_block() || poll(&mut room, None).is_err() {
                break;
            }
        }
    }

    /// Waits until the session's handle is dropped.
    fn hold(&self) {
        // The worker sends nothing more; what came all the same would be
        // passed over.
        let mut byte = [0];
        while matches!(channel::receive(self.channel, &mut byte), Ok(1..)) {}
        birth::default_signals();
    }

    /// A user who may log in and fits into a message.
    fn bounded(&self, user: User) -> Result<User, Denied> {
        if user.uid == 0 && !self.settings.root_login {
            return Err(Cause::Root.into());
        }
        // Left out, a group could no longer deny what an ACL denies it.
        if user.groups.len() > GROUPS_MAX {
            return Err(Denied::new(Cause::Groups, user.groups.len().to_string()));
        }
        Ok(user)
    }
}

/// One transaction with PAM, and whose words its refusals are told in.
struct LogIn<'a> {
    library: &'a Library,
    transaction: Transaction,
}

impl LogIn<'_> {
    fn start<'a>(
        library: &'a Library,
        settings: &Settings,
        request: Request,
    ) -> Result<LogIn<'a>, Denied> {
        let (service, user) = (c_string(&settings.service)?, c_string(&request.name)?);
        let name = match settings.reverse_lookup {
            true => hosts::name_of(request.peer),
            false => None,
        };
        let name = name.filter(|name| hosts::leads_to(name, request.peer));
        let host = name.unwrap_or_else(|| request.peer.to_string());
        let host = c_string(host.as_bytes())?;
        let password = request.password.as_bytes().to_vec();
        let failed = |call| move |code| denial(library, call, code, b"");
        let mut transaction = library
            .start(&service, &user, password)
            .map_err(failed("pam_start"))?;
        for (item, value) in [
            (Item::RemoteHost, host.as_c_str()),
            (Item::Tty, c"ftp"),
            (Item::RemoteUser, &user),
        ] {
            transaction
                .set(item, value)
                .map_err(failed("pam_set_item"))?;
        }
        Ok(LogIn {
            library,
            transaction,
        })
    }

    /// Every step of a log-in, in PAM's order: who, whether now, as whom,
    /// credentials, session. The password is never changed (pam_chauthtok).
    fn proceed(&mut self, checker: &Checker<'_>) -> Result<Option<User>, Denied> {
        self.step("pam_authenticate", |pam| {
            pam.authenticate(DISALLOW_NULL_AUTHTOK)
        })?;
        self.step("pam_acct_mgmt", |pam| pam.account(DISALLOW_NULL_AUTHTOK))?;
        // The modules may have changed the name.
        let name = self.transaction.user().unwrap_or_default();
        let user = User::find(name.as_bytes()).map_err(unavailable)?;
        let mut user = user.map(|user| checker.bounded(user)).transpose()?;
        // Modules such as pam_group add to the groups that are there.
        let own = user.as_ref().map(|user| user.groups.as_slice());
        groups::set(own.unwrap_or_default()).map_err(unavailable)?;
        self.step("pam_setcred", Transaction::establish_credentials)?;
        if let Some(user) = &mut user {
            user.groups = groups::current().map_err(unavailable)?;
        }
        let user = user.map(|user| checker.bounded(user)).transpose()?;
        if checker.settings.session_support
            && let Err(denied) = self.step("pam_open_session", Transaction::open_session)
        {
            let _ = self.transaction.delete_credentials();
            return Err(denied);
        }
        Ok(user)
    }

    fn step(
        &mut self,
        call: &str,
        step: impl FnOnce(&mut Transaction) -> Result<(), Code>,
    ) -> Result<(), Denied> {
        step(&mut self.transaction)
            .map_err(|code| denial(self.library, call, code, &self.transaction.said()))
    }
}

/// A code of libpam's as a reason: PAM's words, and the modules'.
fn denial(library: &Library, call: &str, code: Code, said: &[u8]) -> Denied {
    let words = library.words(code);
    let said = said.trim_ascii_end();
    let detail = if said.is_empty() {
        format!("{call}: {words}")
    } else {
        format!("{call}: {words}; \"{}\"", shown(said))
    };
    Denied {
        cause: cause(code),
        detail: detail.into(),
        delay: Duration::ZERO,
    }
}

/// The codes of pam(3) that mean one thing only, as Linux-PAM numbers them.
fn cause(code: Code) -> Cause {
    match code.0 {
        // PAM_OPEN_ERR, SYMBOL_ERR, SERVICE_ERR, SYSTEM_ERR, BUF_ERR;
        // AUTHINFO_UNAVAIL; ABORT; MODULE_UNKNOWN.
        1..=5 | 9 | 26 | 28 => Cause::Unavailable,
        // PAM_USER_UNKNOWN.
        10 => Cause::UnknownUser,
        // PAM_NEW_AUTHTOK_REQD, PAM_AUTHTOK_EXPIRED.
        12 | 27 => Cause::PasswordExpired,
        // PAM_ACCT_EXPIRED.
        13 => Cause::AccountExpired,
        _ => Cause::Refused,
    }
}

/// Foreign bytes, fit for a line of the log.
fn shown(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes))
}

fn unavailable(error: crate::sys::Error) -> Denied {
    Denied::new(Cause::Unavailable, error.to_string())
}

fn c_string(bytes: &[u8]) -> Result<CString, Denied> {
    CString::new(bytes).map_err(|_| Cause::Unfit.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_mean_one_thing_are_told_apart() {
        for (code, expected) in [
            (7, Cause::Refused),
            (6, Cause::Refused),
            (10, Cause::UnknownUser),
            (12, Cause::PasswordExpired),
            (13, Cause::AccountExpired),
            (28, Cause::Unavailable),
            (1000, Cause::Refused),
        ] {
            assert_eq!(cause(Code(code)), expected, "{code}");
        }
    }
}
