//! Data connections under TLS (RFC 4217 sections 9 and 10): the handshake,
//! and whether it shows that the client is that of the control connection.

use super::scribe::Protocol;
use super::security::sequence;
use super::transfer::Attendant;
use super::{Failure, Session};
use crate::config::Reuse;
use crate::data::{Interruption, Transfer, negotiate};
use crate::protocol::ladder::{Fact, Side};
use crate::protocol::protection::Protection;
use crate::sys::transfer::send;
use crate::tls::{Channel, Report};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// The keys of a data connection, and what came behind the handshake.
pub(super) struct Sealing {
    pub(super) channel: Channel,
    pub(super) rest: Vec<u8>,
}

impl Session {
    /// Agrees on TLS for a data connection, where PROT asks for it.
    pub(super) fn seal_data(
        &mut self,
        socket: BorrowedFd<'_>,
        subject: &[u8],
    ) -> Result<Option<Sealing>, Failure> {
        if !self.protects_data() {
            return Ok(None);
        }
        let result = self.agree_on_data(socket, subject);
        if let Err(failure @ (Failure::NoTls(_) | Failure::NoReuse(_))) = &result {
            self.trace(&Fact::Reason(&failure.to_string()));
            // The ticket that it came with may be spent all the same.
            self.after_sealed();
        }
        result.map(Some)
    }

    fn agree_on_data(
        &mut self,
        socket: BorrowedFd<'_>,
        subject: &[u8],
    ) -> Result<Sealing, Failure> {
        let no_tls = |why: &dyn std::fmt::Display| Failure::NoTls(why.to_string());
        let service = Arc::clone(&self.service);
        let (Some(tls), Some(secured)) = (service.tls(), self.secured()) else {
            return Err(sequence("AUTH comes first."));
        };
        let handshake = tls.data(&secured.lineage);
        let mut handshake = handshake.map_err(|error| no_tls(&error))?;
        let limit = self.handshake_limit();
        let trace = self.trace.as_deref();
        let protocol = Protocol::of(&self.config, &self.tag, self.scribe.as_deref());
        let told = (trace, protocol);
        let mut watch = Attendant::new(&mut self.control, &self.tag, told, self.voice, subject);
        let result = watch
            .look_for_abort()
            .and_then(|()| negotiate(socket, &mut watch, limit, &mut handshake));
        match result {
            Ok(true) => {}
            Ok(false) => {
                let why = handshake.failure().map(ToString::to_string);
                return Err(Failure::NoTls(why.unwrap_or_default()));
            }
            Err(
                why @ (Interruption::Aborted | Interruption::ControlLost | Interruption::Dismissed),
            ) => {
                return Err(Failure::Transfer(why));
            }
            Err(why) => return Err(no_tls(&why)),
        }
        let mut agreed = handshake.finish().map_err(|error| no_tls(&error))?;
        if self.config.debug_ssl() {
            log::info!("{}: data connection: {}", self.tag, agreed.report);
        }
        if let Err(failure) = self.judge_descent(&agreed.report) {
            let _ = send(socket, &agreed.channel.close(), false);
            return Err(failure);
        }
        Ok(Sealing {
            channel: agreed.channel,
            rest: agreed.rest,
        })
    }

    /// Refuses a data connection that does not show that it descends from
    /// this control connection, where that is demanded (require_ssl_reuse).
    fn judge_descent(&mut self, report: &Report) -> Result<(), Failure> {
        if report.resumed {
            self.note_resumption();
            return Ok(());
        }
        let demanded = match self.config.ssl_reuse() {
            Reuse::Always => true,
            // After CCC no tickets come, and a client that has used its last
            // looks like one that never had any.
            Reuse::Automatic => {
                self.control.is_secure() && self.secured().is_some_and(|secured| secured.resumes)
            }
            Reuse::Never => false,
        };
        if !demanded {
            return Ok(());
        }
        Err(Failure::NoReuse(report.shown))
    }

    /// What has to be said on the control connection once a data connection
    /// under TLS is over: clients that use each ticket once need another one.
    pub(super) fn after_sealed(&mut self) {
        if self.secured().is_some_and(|secured| secured.resumes) {
            self.control.give_ticket();
        }
    }
}

/// Ends the TLS session of a transfer whose octets went out `from` that side.
/// One that went wrong is not ended like one that went well.
///
/// # Errors
/// When the client does not take the end of a download, or with `wait` does
/// not answer it (strict_ssl_write_shutdown).
pub(super) fn end_sealed(
    transfer: &mut Transfer<'_>,
    from: Side,
    wait: bool,
) -> Result<(), Interruption> {
    match from {
        Side::Server => transfer.end_protection(wait),
        Side::Client => {
            // All has come; who has closed already hears nothing.
            let _ = transfer.end_protection(false);
            Ok(())
        }
    }
}
