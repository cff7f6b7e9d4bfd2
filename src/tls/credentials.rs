//! The server's own certificates and keys: a chain and the key that belongs
//! to it, or neither; and which of them a client gets (RFC 6066 section 3).

use super::certificate::Certificate;
use super::error::{PairError, TlsError};
use super::material::Material;
use super::selfsigned::SelfSigned;
use super::settings::{PairPaths, Settings};
use rustls::SignatureAlgorithm;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ClientHello;
use rustls::sign::{CertifiedKey, SigningKey};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A chain with its key.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Where the chain is from.
    pub path: PathBuf,
    /// The first certificate of the chain, the server's own.
    pub certificate: Certificate,
    /// How many certificates there are.
    pub length: usize,
    /// Everybody on the machine may read the key.
    pub exposed: Option<PathBuf>,
    key: Arc<CertifiedKey>,
}

/// All pairs of a server.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// For clients that ask for nothing else.
    pub defaults: Vec<Pair>,
    /// By name.
    pub named: Vec<Pair>,
    /// What was wrong with pairs of the directory; they are left out.
    pub faults: Vec<TlsError>,
}

impl Credentials {
    /// Makes pairs of what the files hold.
    ///
    /// # Errors
    /// When one of the pairs that are named by an option is none. Those of
    /// the directory are left out one by one.
    pub(super) fn new(
        settings: &Settings,
        material: &Material,
        provider: &CryptoProvider,
    ) -> Result<Credentials, TlsError> {
        let mut credentials = Credentials::default();
        for paths in &settings.pairs {
            let pair = Pair::new(paths, material, provider)?;
            credentials.defaults.push(pair);
        }
        for paths in pairs_of_directory(settings, material) {
            match Pair::new(&paths, material, provider) {
                Ok(pair) => credentials.named.push(pair),
                Err(error) => credentials.faults.push(error),
            }
        }
        if let Some(directory) = &settings.directory
            && let Some(Err(errno)) = material.0.get(directory)
        {
            return Err(TlsError::unreadable(directory, *errno));
        }
        if credentials.defaults.is_empty() && credentials.named.is_empty() {
            return Err(TlsError::NoPair);
        }
        Ok(credentials)
    }

    /// One pair, of the server's own making.
    ///
    /// # Errors
    /// Should that not be a pair.
    pub(super) fn own(own: SelfSigned, provider: &CryptoProvider) -> Result<Credentials, TlsError> {
        let pair = Pair::own(own, provider);
        let pair = pair.map_err(|error| TlsError::Refused(error.to_string()))?;
        Ok(Credentials {
            defaults: vec![pair],
            ..Credentials::default()
        })
    }

    /// Every pair.
    pub fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.defaults.iter().chain(&self.named)
    }

    /// The pair for a client: one with the name that it asks for, else a
    /// default one, else any; among them one of a kind that the client
    /// knows, and not RSA if there is a choice, for it costs the server
    /// twenty times as much.
    pub(super) fn choose(&self, hello: &ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name();
        let fits = |pair: &&Pair| pair.fits(hello);
        let by_name = self.pairs().filter(|pair| {
            let name = name.is_some_and(|name| pair.certificate.serves(name));
            name && pair.fits(hello)
        });
        let best = |found: &mut dyn Iterator<Item = &Pair>| {
            found
                .min_by_key(|pair| pair.key.key.algorithm() == SignatureAlgorithm::RSA)
                .map(|pair| Arc::clone(&pair.key))
        };
        best(&mut by_name.into_iter())
            .or_else(|| best(&mut self.defaults.iter().filter(fits)))
            .or_else(|| best(&mut self.named.iter().filter(fits)))
            // Rather a handshake that fails with the true reason.
            .or_else(|| best(&mut self.pairs()))
    }
}

/// Certificates in ssl_certs_dir, each with the file its key is in: `x.key`
/// beside `x.pem` or `x.crt`, or else the same file.
fn pairs_of_directory(settings: &Settings, material: &Material) -> Vec<PairPaths> {
    let Some(directory) = &settings.directory else {
        return Vec::new();
    };
    let inside = material
        .0
        .keys()
        .filter(|path| path.parent() == Some(directory) && path.extension().is_some());
    let named = settings.files();
    // A pair that is named by an option may lie in the directory as well.
    let mut found = BTreeMap::new();
    for path in inside {
        if path.extension().is_some_and(|extension| extension != "key") && !named.contains(path) {
            let key = path.with_extension("key");
            let key = material.0.contains_key(&key).then_some(key);
            found.insert(path.clone(), key);
        }
    }
    found
        .into_iter()
        .map(|(certificates, key)| PairPaths { certificates, key })
        .collect()
}

impl Pair {
    fn new(
        paths: &PairPaths,
        material: &Material,
        provider: &CryptoProvider,
    ) -> Result<Pair, TlsError> {
        let path = &paths.certificates;
        let key_path = paths.key.as_ref().unwrap_or(path);
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |errno| TlsError::unreadable(&path, errno)
        };
        let wrong = |path: &Path, error: PairError| TlsError::Pair(path.to_owned(), error);
        let text = material.get(path).map_err(unreadable(path))?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text.bytes).collect();
        let chain = chain.map_err(|error| wrong(path, PairError::Pem(error.to_string())))?;
        let first = chain.first();
        let first = first.ok_or_else(|| wrong(path, PairError::NoCertificate))?;
        let certificate =
            Certificate::read(first).map_err(|_| wrong(path, PairError::NoCertificate))?;
        let text = material.get(key_path).map_err(unreadable(key_path))?;
        let exposed = text.mode & 0o004 != 0;
        let key = PrivateKeyDer::from_pem_slice(&text.bytes)
            .map_err(|error| wrong(key_path, PairError::no_key(&error, &text.bytes)))?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|error| wrong(key_path, PairError::Key(error.to_string())))?;
        let pair = Pair::assemble(path.clone(), certificate, chain, key);
        let mut pair = pair.map_err(|error| match error {
            PairError::Mismatch(_) => wrong(path, PairError::Mismatch(key_path.clone())),
            error => wrong(path, error),
        })?;
        pair.exposed = exposed.then(|| key_path.clone());
        Ok(pair)
    }

    fn assemble(
        path: PathBuf,
        certificate: Certificate,
        chain: Vec<CertificateDer<'static>>,
        key: Arc<dyn SigningKey>,
    ) -> Result<Pair, PairError> {
        let length = chain.len();
        // Not rustls's keys_match, which reads no certificates of version 1:
        // clients that check refuse those, others are content, and sites have
        // them, as `openssl x509 -req` makes them.
        let about = key.public_key();
        if about.is_some_and(|key| !certificate.is_about(&key)) {
            return Err(PairError::Mismatch(path));
        }
        let key = CertifiedKey::new(chain, key);
        Ok(Pair {
            path,
            certificate,
            length,
            exposed: None,
            key: Arc::new(key),
        })
    }

    /// A pair of the server's own making.
    fn own(own: SelfSigned, provider: &CryptoProvider) -> Result<Pair, PairError> {
        let certificate = Certificate::read(&own.certificate);
        let certificate = certificate.map_err(|_| PairError::NoCertificate)?;
        let key = provider.key_provider.load_private_key(own.key);
        let key = key.map_err(|error| PairError::Key(error.to_string()))?;
        let path = PathBuf::from("(self-signed)");
        Pair::assemble(path, certificate, vec![own.certificate], key)
    }

    /// Whether the client knows the kind of its key.
    fn fits(&self, hello: &ClientHello<'_>) -> bool {
        let schemes = hello.signature_schemes();
        self.key.key.choose_scheme(schemes).is_some()
    }

    /// The chain, the server's own certificate first, in DER.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.key.cert.iter().map(AsRef::as_ref)
    }
}
