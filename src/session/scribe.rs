//! What a session has to say to the logs of transfers, and commands and
//! replies to whichever log takes them (log_ftp_protocol).
//!
//! A handler says what it undertakes as soon as nothing but the files can
//! forbid it; how that went is written once the command is over, in one
//! place. Where there are no such logs, all this costs a look at an `Option`.

use super::connect::Endpoint;
use super::state::Tag;
use super::{Failure, Session};
use crate::auth::Unwelcome;
use crate::config::Config;
use crate::fs;
use crate::protocol::representation::Type;
use crate::protocol::{Escaped, Reply, Request, Verb};
use crate::record::event::{Account, Act, Deed, Entry, Event, Subject};
use crate::record::{self, Ledger};
use std::cell::RefCell;
use std::net::IpAddr;
use std::time::Duration;

/// Who signs the entries of a session, and what is under way.
#[derive(Debug)]
pub(super) struct Scribe {
    ledger: Ledger,
    session: u64,
    peer: IpAddr,
    user: Box<[u8]>,
    account: Account,
    said: Box<[u8]>,
    deed: RefCell<Option<Deed>>,
}

impl Scribe {
    /// One for a session of this tag; none where there is nothing to write.
    pub(super) fn of(ledger: Ledger, tag: &Tag) -> Option<Box<Scribe>> {
        (!ledger.is_silent()).then(|| {
            Box::new(Scribe {
                ledger,
                session: tag.id.0,
                peer: tag.peer().ip(),
                user: Box::default(),
                account: Account::Nobody,
                said: Box::default(),
                deed: RefCell::new(None),
            })
        })
    }

    fn write(&self, event: Event<'_>) {
        self.ledger.write(&Entry {
            time: record::now(),
            subject: Subject {
                session: self.session,
                peer: self.peer,
                user: &self.user,
                account: self.account,
                said: &self.said,
            },
            event,
        });
    }

    fn be(&mut self, user: &[u8], account: Account, said: &[u8]) {
        self.user = user.into();
        self.account = account;
        self.said = said.into();
    }
}

/// Where commands and replies are logged.
#[derive(Clone, Copy)]
pub(super) struct Protocol<'a> {
    tag: &'a Tag,
    scribe: Option<&'a Scribe>,
}

impl<'a> Protocol<'a> {
    /// None where log_ftp_protocol is off.
    pub(super) fn of(
        config: &Config,
        tag: &'a Tag,
        scribe: Option<&'a Scribe>,
    ) -> Option<Protocol<'a>> {
        config.log_ftp_protocol().then_some(Protocol {
            tag,
            scribe: scribe.filter(|scribe| scribe.ledger.takes_protocol()),
        })
    }

    /// A command; what is secret shows as it does in vsftpd's log.
    pub(super) fn command(self, request: &Request<'_>) {
        let mut line = request.verb.name().as_bytes().to_vec();
        let argument = match request.verb {
            Verb::Pass | Verb::Acct => b"<password>",
            _ => request.argument,
        };
        if !argument.is_empty() {
            line.push(b' ');
            line.extend_from_slice(argument);
        }
        self.line(&line);
    }

    /// A line that is no command, if it may be shown.
    pub(super) fn no_command(self, line: Option<&[u8]>) {
        self.line(line.unwrap_or(b"<no command>"));
    }

    /// A line of the client that may be shown.
    pub(super) fn line(self, line: &[u8]) {
        match self.scribe {
            Some(scribe) => scribe.write(Event::Command(line)),
            None => log::info!("{}: -> {}", self.tag, Escaped(line)),
        }
    }

    /// A reply: all its lines, or in the event log the last.
    pub(super) fn reply(self, reply: &Reply) {
        let Some(scribe) = self.scribe else {
            let text = Escaped(reply.text());
            return log::info!("{}: <- {} {text}", self.tag, reply.code().as_u16());
        };
        let mut wire = Vec::new();
        reply.encode(&mut wire);
        for line in wire.split(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                scribe.write(Event::Reply(line));
            }
        }
    }
}

impl Session {
    /// Where commands and replies are logged.
    pub(super) fn protocol(&self) -> Option<Protocol<'_>> {
        Protocol::of(&self.config, &self.tag, self.scribe.as_deref())
    }

    /// The client has come.
    pub(super) fn record_arrival(&self) {
        if let Some(scribe) = &self.scribe {
            scribe.write(Event::Connect);
        }
    }

    /// Who the client says it is.
    pub(super) fn record_name(&mut self, name: &[u8]) {
        if let Some(scribe) = &mut self.scribe {
            scribe.be(name, Account::Nobody, b"");
        }
    }

    /// The log-in of `user`, who has `said` so for a password if he is
    /// anonymous.
    pub(super) fn record_login(&mut self, user: &[u8], account: Account, said: &[u8]) {
        if let Some(scribe) = &mut self.scribe {
            scribe.be(user, account, said);
            scribe.write(Event::Login(Ok(())));
        }
    }

    /// A name that is not welcome, which only userlist_log has written.
    pub(super) fn record_unwelcome(&mut self, name: &[u8], why: Unwelcome) {
        if let Some(scribe) = &mut self.scribe {
            scribe.be(name, Account::Nobody, b"");
            if self.service.config.userlist_log() {
                let words = match why {
                    Unwelcome::Unlisted => "User is not in the allow user list.",
                    _ => "User is in the deny user list.",
                };
                scribe.write(Event::Unwelcome(words));
            }
        }
    }

    /// A log-in that was refused. Its reply is still that name's, as in vsftpd.
    pub(super) fn record_denial(&mut self, name: &[u8], cause: &str) {
        if let Some(scribe) = &mut self.scribe {
            scribe.be(name, Account::Nobody, b"");
            scribe.write(Event::Login(Err(cause)));
        }
    }

    /// Something is undertaken with the file of this pathname: from now on
    /// its failure is written too. A transfer counts once there is a data
    /// connection to make.
    pub(super) fn undertake(&self, act: Act, pathname: &[u8]) {
        if self.scribe.is_none() || act.is_transfer() && matches!(self.endpoint, Endpoint::None) {
            return;
        }
        if let Ok(path) = self.path(pathname) {
            self.undertake_deed(|| Deed {
                ascii: matches!(self.representation.kind, Type::Ascii(_)),
                ..Deed::new(act, path.as_bytes())
            });
        }
    }

    /// The same of something that has more to it than a pathname.
    pub(super) fn undertake_deed(&self, deed: impl FnOnce() -> Deed) {
        if let Some(scribe) = &self.scribe {
            scribe.deed.replace(Some(deed()));
        }
    }

    /// What is undertaken is not done by this command.
    pub(super) fn put_off(&self) {
        if let Some(scribe) = &self.scribe {
            scribe.deed.replace(None);
        }
    }

    /// So much went over the data connection, and so much MODE Z made of it, in
    /// that time; and whether the client closed it without the end of its TLS
    /// session.
    pub(super) fn record_moved(
        &self,
        (moved, wire): (u64, Option<u64>),
        took: Duration,
        cut_off: bool,
    ) {
        if let Some(scribe) = &self.scribe
            && let Some(deed) = &mut *scribe.deed.borrow_mut()
        {
            (deed.moved, deed.wire) = (moved, wire);
            (deed.took, deed.cut_off) = (took, cut_off);
        }
    }

    /// What was undertaken is done, or has failed.
    pub(super) fn record_result(&self, result: &Result<Reply, Failure>) {
        let Some(scribe) = &self.scribe else { return };
        let Some(deed) = scribe.deed.take() else {
            return;
        };
        match result {
            Ok(_) => scribe.write(Event::Deed(&deed, Ok(()))),
            // Clients try whether a name is a directory by fetching it: noise,
            // which vsftpd leaves out too.
            Err(Failure::Fs(fs::Error::IsADirectory)) if deed.act == Act::Download => {}
            Err(failure) => scribe.write(Event::Deed(&deed, Err(&failure.to_string()))),
        }
    }
}
