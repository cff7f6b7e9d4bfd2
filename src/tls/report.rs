//! What a handshake agreed on, for the log (debug_ssl) and for the session.

use super::resumption::Shown;
use super::suites;
use rustls::server::UnbufferedServerConnection;
use rustls::{CipherSuite, HandshakeKind, NamedGroup, ProtocolVersion};
use std::fmt;

/// See the head of this file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    version: Option<ProtocolVersion>,
    suite: Option<CipherSuite>,
    group: Option<NamedGroup>,
    /// An earlier session was resumed: on a data connection, that of its own
    /// control connection.
    pub resumed: bool,
    /// What the client showed in order to resume.
    pub shown: Shown,
    /// The name that the client asked for.
    pub name: Option<String>,
}

impl Report {
    pub(super) fn of(
        connection: &UnbufferedServerConnection,
        name: Option<String>,
        shown: Shown,
    ) -> Report {
        let suite = connection.negotiated_cipher_suite();
        let group = connection.negotiated_key_exchange_group();
        Report {
            version: connection.protocol_version(),
            suite: suite.map(|suite| suite.suite()),
            group: group.map(rustls::crypto::SupportedKxGroup::name),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            shown,
            name,
        }
    }

    /// Version 1.3.
    #[must_use]
    pub fn is_version_13(&self) -> bool {
        self.version == Some(ProtocolVersion::TLSv1_3)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_version_13() {
            "TLSv1.3"
        } else {
            "TLSv1.2"
        })?;
        if let Some(suite) = self.suite {
            write!(f, ", {}", suites::name(suite))?;
        }
        if let Some(group) = self.group {
            write!(f, ", {group:?}")?;
        }
        f.write_str(if self.resumed {
            ", resumed"
        } else {
            ", full handshake"
        })
    }
}
