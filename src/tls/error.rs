//! Why TLS cannot be offered, or a handshake came to nothing.

use super::suites::NoSuites;
use crate::protocol::protection::{Breach, alert_name};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What keeps certificate and key from being a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairError {
    /// Not the base64 text that it should be.
    Pem(String),
    /// There is no certificate in the file.
    NoCertificate,
    /// There is no private key in the file.
    NoKey,
    /// The key is locked with a password.
    Encrypted,
    /// A key that cannot be used, or a certificate that cannot be read.
    Key(String),
    /// The key in this file belongs to another certificate.
    Mismatch(PathBuf),
}

impl PairError {
    /// Why no key was found in `text`.
    pub(super) fn no_key(error: &rustls::pki_types::pem::Error, text: &[u8]) -> PairError {
        let needle = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
        let locked = text.windows(needle.len()).any(|part| part == needle);
        match error {
            rustls::pki_types::pem::Error::NoItemsFound if locked => PairError::Encrypted,
            rustls::pki_types::pem::Error::NoItemsFound => PairError::NoKey,
            other => PairError::Pem(other.to_string()),
        }
    }
}

impl fmt::Display for PairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PairError::Pem(what) => write!(f, "not a PEM file: {what}"),
            PairError::NoCertificate => f.write_str("holds no certificate"),
            PairError::NoKey => f.write_str("holds no private key"),
            PairError::Encrypted => f.write_str(
                "the private key is locked with a password, which nobody could type at a start: \
                 openssl pkey -in FILE -out UNLOCKED takes it off",
            ),
            PairError::Key(what) => f.write_str(what),
            PairError::Mismatch(key) => {
                write!(
                    f,
                    "the private key in {key:?} belongs to another certificate"
                )
            }
        }
    }
}

/// Why TLS cannot be offered as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsError {
    /// A file cannot be read.
    Unreadable(PathBuf, i32),
    /// A file does not hold what it should.
    Pair(PathBuf, PairError),
    /// Nothing says where certificate and key are.
    NoPair,
    /// ssl_ciphers leaves nothing.
    Ciphers(NoSuites),
    /// Both versions are switched off.
    NoVersion,
    /// ca_certs_file or ssl_crl_file is not one.
    Authorities(PathBuf, String),
    /// Clients are to be checked, and nothing says by whom.
    NoAuthorities,
    /// What rustls or the system refused.
    Refused(String),
}

impl TlsError {
    pub(super) fn unreadable(path: &Path, errno: i32) -> TlsError {
        TlsError::Unreadable(path.to_owned(), errno)
    }

    /// The file that it is about, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            TlsError::Unreadable(path, _)
            | TlsError::Pair(path, _)
            | TlsError::Authorities(path, _) => Some(path),
            _ => None,
        }
    }

    /// Whether it is only that somebody with more rights would have to read.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self, TlsError::Unreadable(_, libc::EACCES | libc::EPERM))
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::Unreadable(path, errno) => {
                let reason = io::Error::from_raw_os_error(*errno);
                write!(f, "cannot read {path:?}: {reason}")
            }
            TlsError::Pair(path, error) => write!(f, "{path:?}: {error}"),
            TlsError::NoPair => f.write_str(
                "there is no certificate: rsa_cert_file names none, and ssl_certs_dir has none",
            ),
            TlsError::Ciphers(error) => write!(f, "ssl_ciphers {error}"),
            TlsError::NoVersion => {
                f.write_str("ssl_tlsv1_2 and ssl_tlsv1_3 are both NO: no version is left")
            }
            TlsError::Authorities(path, what) => write!(f, "{path:?}: {what}"),
            TlsError::NoAuthorities => f.write_str(
                "certificates of clients are to be checked (validate_cert, client_cert_user), \
                 but ca_certs_file does not say who may have signed them",
            ),
            TlsError::Refused(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for TlsError {}

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// What came was no TLS.
    NoTls([u8; 5]),
    /// The client offered protocols over TLS, and FTP was not among them:
    /// what it takes for its own server is this one (RFC 7301, ALPACA).
    OtherProtocol(Vec<Vec<u8>>),
    /// The client asked for this name, or for none (ssl_sni_hostname).
    WrongName(Option<String>),
    /// It was not over in time (ssl_handshake_timeout).
    TooSlow,
    /// The client gave up, with this number of an alert.
    Alert(u8),
    /// The client's certificate was refused.
    Certificate(String),
    /// Anything else that rustls says.
    Failed(String),
}

impl From<Breach> for HandshakeError {
    fn from(breach: Breach) -> HandshakeError {
        match breach {
            Breach::NoRecord(octets) => HandshakeError::NoTls(octets),
            Breach::Alert(number) => HandshakeError::Alert(number),
            other => HandshakeError::Failed(other.to_string()),
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::NoTls(octets) => {
                write!(f, "what came was no TLS: {}", octets.escape_ascii())
            }
            HandshakeError::OtherProtocol(offered) => {
                let offered: Vec<String> = offered
                    .iter()
                    .map(|name| name.escape_ascii().to_string())
                    .collect();
                let offered = offered.join(", ");
                write!(f, "the client speaks {offered} and not ftp (ALPN)")
            }
            HandshakeError::WrongName(Some(name)) => {
                let name = name.escape_debug();
                write!(f, "the client asked for {name} (ssl_sni_hostname)")
            }
            HandshakeError::WrongName(None) => {
                f.write_str("the client did not say for whom it asks (ssl_sni_hostname)")
            }
            HandshakeError::Alert(number) => match alert_name(*number) {
                Some(name) => write!(f, "the client sent the TLS alert {name}"),
                None => write!(f, "the client sent the TLS alert {number}"),
            },
            HandshakeError::TooSlow => f.write_str("it takes too long (ssl_handshake_timeout)"),
            HandshakeError::Certificate(what) => write!(f, "the client's certificate: {what}"),
            HandshakeError::Failed(what) => f.write_str(what),
        }
    }
}
