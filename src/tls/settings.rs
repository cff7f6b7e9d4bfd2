//! What the administrator wants of TLS, free of the option table's spelling.

use std::path::PathBuf;

/// Whether a data connection must resume the control connection's session
/// (require_ssl_reuse).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// Always, as in vsftpd.
    Always,
    /// Once the client has shown that it does.
    #[default]
    Automatic,
    /// Never.
    Never,
}

/// Which part of a client's certificate says who it is (client_cert_user).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The common name of its subject.
    CommonName,
    /// One of its alternative names: a mail address or a DNS name.
    AlternativeName,
    /// The SHA-256 of the certificate itself, in hexadecimal digits.
    Fingerprint,
}

/// A file of certificates, the server's own first, and that of their key;
/// without the latter the key is in the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairPaths {
    /// rsa_cert_file, dsa_cert_file.
    pub certificates: PathBuf,
    /// rsa_private_key_file, dsa_private_key_file.
    pub key: Option<PathBuf>,
}

/// What is wanted of certificates of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSettings {
    /// Clients are asked for one (ssl_request_cert).
    pub request: bool,
    /// Who has none is turned away (require_cert).
    pub require: bool,
    /// One that is not genuine is turned away (validate_cert).
    pub validate: bool,
    /// The authorities that may have signed them (ca_certs_file).
    pub authorities: Option<PathBuf>,
    /// What they have revoked (ssl_crl_file).
    pub revoked: Option<PathBuf>,
    /// How a certificate names a user who needs no password then.
    pub user: Option<NamedBy>,
}

/// See the head of this file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The pairs for clients that ask for no name, or for none there is.
    pub pairs: Vec<PairPaths>,
    /// A directory of further pairs, chosen by name (ssl_certs_dir).
    pub directory: Option<PathBuf>,
    /// The only name that clients may ask for (ssl_sni_hostname).
    pub host_name: Option<String>,
    /// Cipher suites in OpenSSL's language (ssl_ciphers).
    pub ciphers: Vec<u8>,
    /// TLS 1.2 is spoken.
    pub version_12: bool,
    /// TLS 1.3 is spoken.
    pub version_13: bool,
    /// Certificates of clients.
    pub clients: ClientSettings,
}

impl ClientSettings {
    /// Whether clients are to be asked: only for what somebody looks at. In
    /// vsftpd ssl_request_cert is YES from the start, and nearly everywhere
    /// nothing ever came of it.
    #[must_use]
    pub fn asked(&self) -> bool {
        let looked_at = self.validate || self.authorities.is_some() || self.user.is_some();
        self.require || (self.request && looked_at)
    }
}

impl Settings {
    /// Every file that is named, the directory's apart.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let pairs = self.pairs.iter();
        let pairs = pairs.flat_map(|pair| [Some(pair.certificates.clone()), pair.key.clone()]);
        let clients = [
            self.clients.authorities.clone(),
            self.clients.revoked.clone(),
        ];
        let mut files: Vec<PathBuf> = pairs.chain(clients).flatten().collect();
        files.sort();
        files.dedup();
        files
    }
}
