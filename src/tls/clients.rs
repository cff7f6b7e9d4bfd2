//! Certificates of clients: which are asked for, which are taken, and whom
//! they name (RFC 8446 section 4.4.2, RFC 5280 section 6).

use super::certificate::Certificate;
use super::error::TlsError;
use super::material::Material;
use super::settings::{ClientSettings, Settings};
use crate::config::NamedBy;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// Judges what clients show. rustls asks it in the handshake; the session
/// asks it for the user.
#[derive(Debug)]
pub struct Clients {
    settings: ClientSettings,
    /// Tells genuine certificates from others, if authorities are known.
    judge: Option<Arc<dyn ClientCertVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Clients {
    /// Reads authorities and revocations.
    ///
    /// # Errors
    /// When they are not what they should be, or are needed and not there.
    pub(super) fn new(
        settings: &Settings,
        material: &Material,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Clients, TlsError> {
        let clients = settings.clients.clone();
        let named = matches!(
            clients.user,
            Some(NamedBy::CommonName | NamedBy::AlternativeName)
        );
        let judge = match &clients.authorities {
            Some(path) => Some(judge(path, &clients, material, provider)?),
            None if named || (clients.require && clients.validate) => {
                return Err(TlsError::NoAuthorities);
            }
            None => None,
        };
        Ok(Clients {
            settings: clients,
            judge,
            algorithms: provider.signature_verification_algorithms,
        })
    }

    /// Whether a client is asked for a certificate at all.
    #[must_use]
    pub fn are_asked(&self) -> bool {
        self.settings.asked()
    }

    /// The names that a chain of certificates gives to the client, of which
    /// one may log in without a password; none if it is not genuine.
    #[must_use]
    pub fn names(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Vec<String> {
        let (Some(by), Some((own, others))) = (self.settings.user, chain.split_first()) else {
            return Vec::new();
        };
        if by == NamedBy::Fingerprint {
            // Whose fingerprint it is was decided by hand; nobody has to
            // have signed it, unless that was asked for.
            let genuine = !self.settings.validate || self.check(own, others, now).is_ok();
            return if genuine {
                vec![fingerprint(own)]
            } else {
                Vec::new()
            };
        }
        let (Ok(()), Ok(certificate)) = (self.check(own, others, now), Certificate::read(own))
        else {
            return Vec::new();
        };
        match by {
            NamedBy::CommonName => certificate.common_name.into_iter().collect(),
            NamedBy::AlternativeName => certificate.names,
            NamedBy::Fingerprint => Vec::new(),
        }
    }

    fn check(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let judge = self
            .judge
            .as_ref()
            .ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        judge.verify_client_cert(own, others, now).map(drop)
    }
}

fn judge(
    path: &Path,
    clients: &ClientSettings,
    material: &Material,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let wrong = |path: &Path, what: String| TlsError::Authorities(path.to_owned(), what);
    let text = material
        .get(path)
        .map_err(|errno| TlsError::unreadable(path, errno))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text.bytes) {
        let certificate = certificate.map_err(|error| wrong(path, error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(path, error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong(path, "holds no certificate".to_owned()));
    }
    let roots = Arc::new(roots);
    let mut builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
    if let Some(path) = &clients.revoked {
        let text = material
            .get(path)
            .map_err(|errno| TlsError::unreadable(path, errno))?;
        let lists: Result<Vec<_>, _> =
            CertificateRevocationListDer::pem_slice_iter(&text.bytes).collect();
        let lists = lists.map_err(|error| wrong(path, error.to_string()))?;
        if lists.is_empty() {
            return Err(wrong(path, "holds no revocation list".to_owned()));
        }
        // As OpenSSL: the client's own certificate has to be on the list of
        // its authority, or rather that list has to be there and be fresh.
        builder = builder
            .with_crls(lists)
            .only_check_end_entity_revocation()
            .enforce_revocation_expiration();
    }
    let path = clients.revoked.as_deref().unwrap_or(path);
    builder
        .build()
        .map_err(|error| wrong(path, error.to_string()))
}

/// The SHA-256 of a certificate, as it is written: lower case, no colons.
#[must_use]
pub fn fingerprint(der: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for octet in Sha256::digest(der) {
        // A String takes everything.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

impl ClientCertVerifier for Clients {
    fn offer_client_auth(&self) -> bool {
        self.are_asked()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.settings.require
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Named only where nothing else will do: many clients show none at
        // all when they have none of these.
        match &self.judge {
            Some(judge) if self.settings.validate => judge.root_hint_subjects(),
            _ => &[],
        }
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.settings.validate {
            self.check(own, others, now)?;
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
