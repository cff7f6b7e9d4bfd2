//! Who speaks with whom: HOST (RFC 7151), CLNT and CSID.

use super::state::Stage;
use super::{Failure, Session};
use crate::protocol::host::Host;
use crate::protocol::{Code, Escaped, Reply};

type Answer = Result<Reply, Failure>;

impl Session {
    /// `HOST <SP> hostname` (RFC 7151 section 3): one server serves all hosts
    /// it is, so nothing but the reply depends on it. It undoes LANG (RFC 2640
    /// section 4.1).
    pub(super) fn host(&mut self, argument: &[u8]) -> Answer {
        if !matches!(self.stage, Stage::Greeted) {
            return Err(Failure::refused(
                Code::BadSequence,
                "HOST comes before USER.",
            ));
        }
        let host = Host::parse(argument.trim_ascii()).ok_or_else(|| {
            Failure::refused(
                Code::ArgumentError,
                "Not a host name, or an address in brackets; a port does not belong to it.",
            )
        })?;
        if !self
            .service
            .host_names
            .serve(&host, self.control.local().ip())
        {
            return Err(Failure::refused(
                Code::ParameterNotImplemented,
                "This server is no such host.",
            ));
        }
        log::info!("{}: asks for host {}", self.tag, Escaped(argument));
        self.voice.language = self.service.language;
        Ok(Reply::new(Code::ServiceReady, "Host accepted."))
    }

    /// `CLNT <SP> client`: for the log, nothing depends on it.
    pub(super) fn clnt(&mut self, argument: &[u8]) -> Answer {
        log::info!("{}: the client is {}", self.tag, Escaped(argument));
        Ok(Reply::new(Code::CommandOk, "Noted."))
    }

    /// `CSID <SP> Name=client; [ Version=version; ]`. Which version this is,
    /// only those who may log in learn, as with STAT.
    pub(super) fn csid(&mut self, argument: &[u8]) -> Answer {
        let names_itself = argument.split(|octet| *octet == b';').any(|fact| {
            matches!(
                fact.trim_ascii().get(..5),
                Some(b"Name=" | b"name=" | b"NAME=")
            )
        });
        if !names_itself {
            return Err(Failure::refused(
                Code::ArgumentError,
                "Syntax: CSID Name=client; Version=version;",
            ));
        }
        log::info!("{}: the client is {}", self.tag, Escaped(argument));
        let version = match self.stage {
            Stage::In(_) => concat!(" Version=", env!("CARGO_PKG_VERSION"), ";"),
            _ => "",
        };
        Ok(Reply::new(
            Code::CommandOk,
            format!("Name=ironftpd;{version} CaseSensitive=1; DirSep=/;"),
        ))
    }
}
