//! TLS for control and data connections (RFC 4217, RFC 8446, RFC 5246).
//!
//! [`Tls`] is what a server has once: certificates, suites, the keys of
//! tickets. It begins handshakes ([`Handshake`]), each of which ends in a
//! [`Channel`]: keys that turn octets in the clear into records and back. No
//! part of this touches a socket; who does is told whose turn it is. So a
//! handshake can be parked in the middle, and costs no thread.
//!
//! rustls does the handshakes. Records are sealed and opened here, with
//! rustls's keys (`record`), for three reasons: nothing is copied on the
//! way, an idle session keeps keys and nothing else, and a ticket can be
//! given again (`Channel::give_ticket`), which rustls cannot do and without
//! which clients that use each ticket once run dry.
#![forbid(unsafe_code)]

mod certificate;
mod channel;
mod clients;
mod credentials;
mod error;
mod handshake;
mod keeper;
mod material;
mod record;
mod remarks;
mod report;
mod resumption;
mod selfsigned;
mod settings;
mod suites;
#[cfg(test)]
mod tests;
mod tickets;

pub use certificate::Certificate;
pub use channel::Channel;
pub use clients::{Clients, fingerprint};
pub use credentials::{Credentials, Pair};
pub use error::{HandshakeError, PairError, TlsError};
pub use handshake::{Agreed, Handshake};
pub use keeper::Source;
pub use material::{Content, Material, Stamps, stamps};
pub use remarks::Remark;
pub use report::Report;
pub use resumption::{Lineage, Shown};
pub use selfsigned::SelfSigned;
pub use settings::{ClientSettings, PairPaths, Settings};
pub use suites::NoSuites;

use crate::sys::fork::Ended;
use handshake::Listener;
use resumption::Ear;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use std::sync::{Arc, Mutex, PoisonError};
use tickets::Tickets;

/// Tickets that a control connection begins with. Most clients keep one and
/// use it again and again; one that opens the next connection before it has
/// read what came with the last reply needs another.
const TICKETS: usize = 2;

/// TLS as a server offers it.
#[derive(Debug)]
pub struct Tls {
    settings: Settings,
    provider: Arc<CryptoProvider>,
    tickets: Arc<Tickets>,
    /// Where certificates come from; none, if they are of its own making.
    source: Option<Arc<Source>>,
    current: Mutex<Arc<Current>>,
}

/// What may change while the server runs.
#[derive(Debug)]
struct Current {
    credentials: Arc<Credentials>,
    clients: Arc<Clients>,
    /// What every handshake begins with.
    config: ServerConfig,
}

impl Tls {
    /// TLS with the certificates that `source` has.
    ///
    /// # Errors
    /// See [`TlsError`]; there is no TLS then.
    pub fn new(settings: Settings, source: Source) -> Result<Tls, TlsError> {
        let material = source.all(&settings)?;
        let mut tls = Tls::of(settings, &material)?;
        tls.source = Some(Arc::new(source));
        Ok(tls)
    }

    /// TLS with the certificates in these files, for good.
    ///
    /// # Errors
    /// See [`TlsError`]; there is no TLS then.
    pub fn of(settings: Settings, material: &Material) -> Result<Tls, TlsError> {
        let provider = provider(&settings)?;
        let credentials = Credentials::new(&settings, material, &provider)?;
        Tls::with(settings, material, provider, credentials)
    }

    /// TLS by other settings, with which sessions go on that have begun under
    /// these.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn again(&self, settings: Settings) -> Result<Tls, TlsError> {
        let material = match &self.source {
            Some(source) => source.all(&settings)?,
            None => Material::default(),
        };
        let mut tls = Tls::of(settings, &material)?;
        tls.tickets = Arc::clone(&self.tickets);
        tls.source = self.source.clone();
        Ok(tls)
    }

    /// Looks whether files have changed, and takes on what they hold then.
    /// True if it did.
    ///
    /// # Errors
    /// What is wrong with them; all stays as it was.
    pub fn look(&self) -> Result<bool, TlsError> {
        let Some(source) = &self.source else {
            return Ok(false);
        };
        match source.changed(&self.settings)? {
            Some(material) => self.renew(&material).map(|()| true),
            None => Ok(false),
        }
    }

    /// How the process that reads certificates has ended, if it has, told
    /// once.
    #[must_use]
    pub fn keeper_ended(&self) -> Option<Ended> {
        self.source.as_ref()?.ended()
    }

    /// TLS with a certificate of the server's own making.
    ///
    /// # Errors
    /// See [`TlsError`]; there is no TLS then.
    pub fn self_signed(settings: Settings, own: SelfSigned) -> Result<Tls, TlsError> {
        let provider = provider(&settings)?;
        let credentials = Credentials::own(own, &provider)?;
        Tls::with(settings, &Material::default(), provider, credentials)
    }

    fn with(
        settings: Settings,
        material: &Material,
        provider: Arc<CryptoProvider>,
        credentials: Credentials,
    ) -> Result<Tls, TlsError> {
        let clients = Clients::new(&settings, material, &provider)?;
        let current = Current::new(&settings, &provider, credentials, clients)?;
        let tickets = Tickets::new().map_err(|error| TlsError::Refused(error.to_string()))?;
        // The first draw opens what later ones need, and later ones are made
        // where nothing can be opened.
        let _ = aws_lc_rs::rand::fill(&mut [0]);
        Ok(Tls {
            settings,
            provider,
            tickets: Arc::new(tickets),
            source: None,
            current: Mutex::new(Arc::new(current)),
        })
    }

    /// Takes on what the files hold now: all of it or, if anything is wrong,
    /// nothing. Connections that stand keep what they began with.
    ///
    /// # Errors
    /// What is wrong; all stays as it was.
    pub fn renew(&self, material: &Material) -> Result<(), TlsError> {
        let credentials = Credentials::new(&self.settings, material, &self.provider)?;
        let clients = Clients::new(&self.settings, material, &self.provider)?;
        let current = Current::new(&self.settings, &self.provider, credentials, clients)?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(current);
        Ok(())
    }

    fn current(&self) -> Arc<Current> {
        let current = self.current.lock();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// What was asked for.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The server's certificates, as they are now.
    #[must_use]
    pub fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&self.current().credentials)
    }

    /// Who judges certificates of clients.
    #[must_use]
    pub fn clients(&self) -> Arc<Clients> {
        Arc::clone(&self.current().clients)
    }

    /// Whom a client's certificates name, its own first; nobody if they are
    /// not genuine at this moment.
    #[must_use]
    pub fn names(&self, certificates: &[CertificateDer<'_>]) -> Vec<String> {
        self.clients().names(certificates, UnixTime::now())
    }

    /// Begins the handshake of a control connection.
    ///
    /// # Errors
    /// When the system has no random octets.
    pub fn control(&self) -> Result<Handshake, HandshakeError> {
        let current = self.current();
        // A resumed session brings its client's certificate along, and that
        // may have been revoked since.
        let may_resume = !current.clients.are_asked();
        let ear = Ear::control(&self.tickets, may_resume).map_err(failed)?;
        let wanted = self.settings.host_name.clone();
        let wanted = wanted.map(|name| (name, false));
        let mut config = current.config.clone();
        config.alpn_protocols = vec![b"ftp".to_vec()];
        config.send_tls13_tickets = TICKETS;
        begin(config, &current, wanted, ear)
    }

    /// Begins the handshake of a data connection.
    ///
    /// # Errors
    /// When rustls refuses.
    pub fn data(&self, lineage: &Arc<Lineage>) -> Result<Handshake, HandshakeError> {
        let current = self.current();
        let ear = Ear::data(&self.tickets, lineage);
        // Clients that name the server need not do so twice.
        let wanted = self.settings.host_name.clone();
        let wanted = wanted.map(|name| (name, true));
        let mut config = current.config.clone();
        // FileZilla has a name of its own for data connections.
        config.alpn_protocols = vec![b"ftp-data".to_vec(), b"ftp".to_vec()];
        config.send_tls13_tickets = 0;
        begin(config, &current, wanted, ear)
    }
}

fn failed(error: impl std::fmt::Display) -> HandshakeError {
    HandshakeError::Failed(error.to_string())
}

fn begin(
    mut config: ServerConfig,
    current: &Current,
    wanted: Option<(String, bool)>,
    ear: Ear,
) -> Result<Handshake, HandshakeError> {
    let ear = Arc::new(ear);
    let listener = Arc::new(Listener::new(Arc::clone(&current.credentials), wanted));
    config.ticketer = Arc::<Ear>::clone(&ear);
    config.session_storage = Arc::<Ear>::clone(&ear);
    config.cert_resolver = Arc::<Listener>::clone(&listener);
    Handshake::new(config, listener, ear).map_err(failed)
}

fn provider(settings: &Settings) -> Result<Arc<CryptoProvider>, TlsError> {
    let suites = suites::choose(&settings.ciphers).map_err(TlsError::Ciphers)?;
    if !settings.version_12 && !settings.version_13 {
        return Err(TlsError::NoVersion);
    }
    let usable = suites.iter().any(|suite| match suite.tls13() {
        Some(_) => settings.version_13,
        None => settings.version_12,
    });
    if !usable {
        return Err(TlsError::Ciphers(NoSuites));
    }
    Ok(Arc::new(suites::provider(suites)))
}

impl Current {
    fn new(
        settings: &Settings,
        provider: &Arc<CryptoProvider>,
        credentials: Credentials,
        clients: Clients,
    ) -> Result<Current, TlsError> {
        let refused = |error: rustls::Error| TlsError::Refused(error.to_string());
        let has = |version_13: bool| {
            let mut suites = provider.cipher_suites.iter();
            suites.any(|suite| suite.tls13().is_some() == version_13)
        };
        let mut versions = Vec::new();
        if settings.version_13 && has(true) {
            versions.push(&TLS13);
        }
        if settings.version_12 && has(false) {
            versions.push(&TLS12);
        }
        let clients = Arc::new(clients);
        let credentials = Arc::new(credentials);
        let listener = Listener::new(Arc::clone(&credentials), None);
        let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_protocol_versions(&versions)
            .map_err(refused)?
            .with_client_cert_verifier(Arc::<Clients>::clone(&clients))
            .with_cert_resolver(Arc::new(listener));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // For `record`, which takes over when the handshake is done.
        config.enable_secret_extraction = true;
        Ok(Current {
            credentials,
            clients,
            config,
        })
    }
}
