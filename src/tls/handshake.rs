//! A handshake, from the client's first octet to the keys of a [`Channel`]:
//! octets in, octets out, no socket. rustls does it all; what is done here
//! is to hand it one record at a time, so that it never sees a record of
//! what comes after.

use super::channel::{Channel, last_ticket};
use super::credentials::Credentials;
use super::error::HandshakeError;
use super::record::{ALERT, Direction, FULL, HANDSHAKE, HEADER};
use super::report::Report;
use super::resumption::{Ear, Lineage};
use crate::protocol::protection::{LARGEST_RECORD, Negotiation, Turn};
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig, UnbufferedServerConnection};
use rustls::sign::CertifiedKey;
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus};
use rustls::{Error, HandshakeKind, ProtocolVersion};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What the client's first message asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) name: Option<String>,
    protocols: Vec<Vec<u8>>,
}

/// Hears what the client asks for, and answers with a certificate.
#[derive(Debug)]
pub(super) struct Listener {
    credentials: Arc<Credentials>,
    /// The only name that may be asked for, and whether asking for none is
    /// well too.
    wanted: Option<(String, bool)>,
    asked: Mutex<Asked>,
}

impl Listener {
    pub(super) fn new(credentials: Arc<Credentials>, wanted: Option<(String, bool)>) -> Listener {
        Listener {
            credentials,
            wanted,
            asked: Mutex::default(),
        }
    }

    fn asked(&self) -> Asked {
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn welcomes(&self, name: Option<&str>) -> bool {
        match (&self.wanted, name) {
            (None, _) => true,
            (Some((wanted, _)), Some(name)) => wanted.eq_ignore_ascii_case(name),
            (Some((_, none_too)), None) => *none_too,
        }
    }
}

impl ResolvesServerCert for Listener {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name();
        let protocols = hello
            .alpn()
            .map(|names| names.map(<[u8]>::to_vec).collect());
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Asked {
            name: name.map(str::to_owned),
            protocols: protocols.unwrap_or_default(),
        };
        if !self.welcomes(name) {
            return None;
        }
        self.credentials.choose(&hello)
    }
}

/// A handshake under way.
pub struct Handshake {
    connection: UnbufferedServerConnection,
    listener: Arc<Listener>,
    ear: Arc<Ear>,
    incoming: Vec<u8>,
    /// How much of that rustls may see: whole records, and no more than it
    /// needs. It remembers places in there, so that nothing is moved unless
    /// it says so.
    window: usize,
    outgoing: Vec<u8>,
    /// Where the last flight began within what has gone out: after a full
    /// handshake in version 1.3 it is the tickets.
    last_flight: Vec<u8>,
    done: bool,
    failed: Option<HandshakeError>,
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("incoming", &self.incoming.len())
            .field("outgoing", &self.outgoing.len())
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

/// What a handshake leaves behind.
#[derive(Debug)]
pub struct Agreed {
    /// The connection from now on.
    pub channel: Channel,
    /// Octets that came after the handshake: the first of the connection.
    pub rest: Vec<u8>,
    /// What was agreed on, for the log.
    pub report: Report,
    /// The client's certificates, its own first.
    pub certificates: Vec<CertificateDer<'static>>,
    /// For data connections, where this was a control connection.
    pub lineage: Lineage,
}

impl Handshake {
    pub(super) fn new(
        config: ServerConfig,
        listener: Arc<Listener>,
        ear: Arc<Ear>,
    ) -> Result<Handshake, Error> {
        Ok(Handshake {
            connection: UnbufferedServerConnection::new(Arc::new(config))?,
            listener,
            ear,
            incoming: Vec::new(),
            window: 0,
            outgoing: Vec::new(),
            last_flight: Vec::new(),
            done: false,
            failed: None,
        })
    }

    /// Why it has come to nothing, once it has.
    #[must_use]
    pub fn failure(&self) -> Option<&HandshakeError> {
        self.failed.as_ref()
    }

    /// The length of the next record, if it is whole.
    fn record(&self) -> Result<Option<usize>, HandshakeError> {
        let next = self.incoming.get(self.window..).unwrap_or_default();
        let Some((&header, _)) = next.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let [kind, major, _, high, low] = header;
        if !(20..=23).contains(&kind) || major != 3 {
            return Err(HandshakeError::NoTls(header));
        }
        let length = HEADER + usize::from(u16::from_be_bytes([high, low]));
        if length > LARGEST_RECORD {
            return Err(HandshakeError::NoTls(header));
        }
        Ok((next.len() >= length).then_some(length))
    }

    /// Goes on as far as it can, and says whose turn it is then.
    fn step(&mut self) -> Result<Turn, HandshakeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let turn = self.go_on();
        self.failed = turn.as_ref().err().cloned();
        turn
    }

    fn go_on(&mut self) -> Result<Turn, HandshakeError> {
        loop {
            if !self.outgoing.is_empty() {
                return Ok(Turn::Send);
            }
            if self.done {
                return Ok(Turn::Done);
            }
            // Once rustls has what it needs, the rest is not for it.
            if self.connection.is_handshaking() {
                match self.record()? {
                    Some(length) => self.window += length,
                    None => return Ok(Turn::Receive),
                }
            }
            self.process()?;
        }
    }

    /// Lets rustls see its window, until it wants more.
    fn process(&mut self) -> Result<(), HandshakeError> {
        self.last_flight.clear();
        loop {
            let window = self.incoming.get_mut(..self.window).unwrap_or_default();
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(window);
            let outcome = match state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    append(&mut self.outgoing, |room| data.encode(room)).map(|()| true)
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    Ok(true)
                }
                Ok(ConnectionState::WriteTraffic(_)) => {
                    self.done = true;
                    Ok(false)
                }
                Ok(ConnectionState::BlockedHandshake) => Ok(false),
                Ok(other) => Err(HandshakeError::Failed(format!("{other:?} in a handshake"))),
                Err(error) => Err(self.explain(error)),
            };
            let discard = discard.min(self.window);
            self.incoming.drain(..discard);
            self.window -= discard;
            match outcome {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.collect_alert();
                    return Err(error);
                }
            }
        }
        if let Some(kind) = self.connection.handshake_kind() {
            self.ear.settle(kind == HandshakeKind::Resumed);
        }
        if self.done {
            self.last_flight.clone_from(&self.outgoing);
            if self.window != 0 {
                let what = "a record with more in it than the handshake";
                return Err(HandshakeError::Failed(what.to_owned()));
            }
        }
        Ok(())
    }

    /// What rustls wants to tell the client before it gives up. It must not
    /// be asked for anything else then: it would look at the same octets
    /// again and panic.
    fn collect_alert(&mut self) {
        while self.connection.wants_write() {
            let window = self.incoming.get_mut(..self.window).unwrap_or_default();
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(window);
            let Ok(ConnectionState::EncodeTlsData(mut data)) = state else {
                return;
            };
            if append(&mut self.outgoing, |room| data.encode(room)).is_err() {
                return;
            }
            let discard = discard.min(self.window);
            self.incoming.drain(..discard);
            self.window -= discard;
        }
    }

    fn explain(&self, error: Error) -> HandshakeError {
        let asked = self.listener.asked();
        match error {
            Error::NoApplicationProtocol => HandshakeError::OtherProtocol(asked.protocols),
            Error::AlertReceived(alert) => HandshakeError::Alert(alert.into()),
            Error::InvalidCertificate(what) => HandshakeError::Certificate(what.to_string()),
            Error::NoCertificatesPresented => {
                HandshakeError::Certificate("none was shown (require_cert)".to_owned())
            }
            Error::General(_) if !self.listener.welcomes(asked.name.as_deref()) => {
                HandshakeError::WrongName(asked.name)
            }
            other => HandshakeError::Failed(other.to_string()),
        }
    }

    /// Takes what was agreed on, once it is [`Turn::Done`].
    ///
    /// # Errors
    /// Should rustls keep the keys to itself.
    pub fn finish(self) -> Result<Agreed, HandshakeError> {
        let failed = |what: &str| HandshakeError::Failed(what.to_owned());
        let connection = &self.connection;
        let asked = self.listener.asked();
        let report = Report::of(connection, asked.name, self.ear.shown());
        let version_13 = connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let certificates = connection.peer_certificates().unwrap_or_default();
        let certificates = certificates.iter().map(|one| one.clone().into_owned());
        let certificates = certificates.collect();
        let (secrets, keys) = self
            .connection
            .dangerous_into_kernel_connection()
            .map_err(|error| HandshakeError::Failed(error.to_string()))?;
        let sending = Direction::new(secrets.tx, version_13);
        let sending = sending.ok_or_else(|| failed("a cipher without a name"))?;
        let receiving = Direction::new(secrets.rx, version_13);
        let receiving = receiving.ok_or_else(|| failed("a cipher without a name"))?;
        let ticket = version_13.then(|| ticket(&sending, &self.last_flight));
        let keys = version_13.then(|| Box::new(keys));
        Ok(Agreed {
            channel: Channel::new(sending, receiving, keys, ticket.flatten()),
            rest: self.incoming,
            report,
            certificates,
            lineage: self.ear.lineage(),
        })
    }
}

impl Negotiation for Handshake {
    fn turn(&mut self) -> Turn {
        self.step().unwrap_or(Turn::Failed)
    }

    fn feed(&mut self, octets: &[u8]) {
        self.incoming.extend_from_slice(octets);
    }

    fn outgoing(&self) -> &[u8] {
        &self.outgoing
    }

    fn sent(&mut self, count: usize) {
        self.outgoing.drain(..count.min(self.outgoing.len()));
    }
}

/// Grows `out` by what `encode` writes.
fn append(
    out: &mut Vec<u8>,
    mut encode: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>,
) -> Result<(), HandshakeError> {
    let start = out.len();
    let mut room = 0;
    loop {
        out.resize(start + room, 0);
        match encode(out.get_mut(start..).unwrap_or_default()) {
            Ok(made) => {
                out.truncate(start + made);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(size)) if size.required_size > room => {
                room = size.required_size;
            }
            Err(error) => return Err(HandshakeError::Failed(error.to_string())),
        }
    }
}

/// The last ticket of a flight that we have sealed ourselves, opened with
/// the key that it was sealed with.
fn ticket(sending: &Direction, flight: &[u8]) -> Option<Box<[u8]>> {
    let mut keys = sending.rewound();
    let mut messages = Vec::new();
    let mut rest = flight;
    while keys.sequence() < sending.sequence() {
        let (&[kind, _, _, high, low], after) = rest.split_first_chunk::<HEADER>()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (body, after) = after.split_at_checked(length)?;
        rest = after;
        // What is not hidden stands in between and has no number.
        if matches!(kind, ALERT | HANDSHAKE | 20) {
            continue;
        }
        let mut clear = vec![0; FULL + 256];
        let (kind, length) = keys.open(kind, body, &mut clear).ok()?;
        if kind == HANDSHAKE {
            messages.extend_from_slice(clear.get(..length)?);
        }
    }
    last_ticket(&messages)
}
