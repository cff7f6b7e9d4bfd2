//! What the administrator wants of TLS, free of the option table's spelling.

use crate::config::{Config, NamedBy};
use std::path::{Path, PathBuf};

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
    /// Those of `config`; `None` where TLS is not wanted.
    #[must_use]
    pub fn of(config: &Config) -> Option<Settings> {
        config.ssl_enable().then(|| Settings {
            pairs: pairs(config),
            directory: config.ssl_certs_dir().map(Path::to_owned),
            host_name: String::from_utf8(config.ssl_sni_hostname().to_vec())
                .ok()
                .filter(|name| !name.is_empty()),
            ciphers: config.ssl_ciphers().to_vec(),
            version_12: config.ssl_tlsv1_2() && config.ssl_tlsv12(),
            version_13: config.ssl_tlsv1_3() && config.ssl_tlsv13(),
            clients: ClientSettings {
                request: config.ssl_request_cert(),
                require: config.require_cert(),
                validate: config.validate_cert(),
                authorities: config.ca_certs_file().map(Path::to_owned),
                revoked: config.ssl_crl_file().map(Path::to_owned),
                user: config.users_by_certificate(),
            },
        })
    }

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

/// The pairs that are named by options. The file that vsftpd has for
/// certificates unless told otherwise is not looked for where another is named.
fn pairs(config: &Config) -> Vec<PairPaths> {
    let is_set = config
        .differing(&Config::default())
        .contains(&"rsa_cert_file");
    let others = config.dsa_cert_file().is_some() || config.ssl_certs_dir().is_some();
    let rsa = config.rsa_cert_file().filter(|_| is_set || !others);
    let both = [
        (rsa, config.rsa_private_key_file()),
        (config.dsa_cert_file(), config.dsa_private_key_file()),
    ];
    let both = both.into_iter().filter_map(|(certificates, key)| {
        Some(PairPaths {
            certificates: certificates?.to_owned(),
            key: key.map(Path::to_owned),
        })
    });
    both.collect()
}
