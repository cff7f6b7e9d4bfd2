//! Handshakes and connections in memory, with rustls's own client at the
//! other end.

#![forbid(unsafe_code)]

mod channels;
mod handshakes;
mod identities;
mod pairs;
mod sessions;

use super::*;
use crate::protocol::protection::{Breach, LARGEST_RECORD, Negotiation, Protection, Turn};
use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::client::{ClientConfig, ClientConnection};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, SupportedProtocolVersion};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// An authority, and what it signs.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key as PEM.
#[derive(Clone)]
pub(super) struct Signed {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![
            rcgen::KeyUsagePurpose::KeyCertSign,
            rcgen::KeyUsagePurpose::CrlSign,
        ];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(super) fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A certificate for these DNS names, the first also its common name.
    pub(super) fn sign(&self, names: &[&str]) -> Signed {
        self.sign_with(names, |_| {}, &rcgen::PKCS_ECDSA_P256_SHA256)
    }

    pub(super) fn sign_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
        algorithm: &'static rcgen::SignatureAlgorithm,
    ) -> Signed {
        let dns: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(dns).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, names[0]);
        change(&mut params);
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Signed {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// A revocation list with this serial number on it.
    pub(super) fn revoke(&self, serial: u64) -> String {
        let far = rcgen::date_time_ymd(2090, 1, 1);
        let params = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2020, 1, 1),
            next_update: far,
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: vec![rcgen::RevokedCertParams {
                serial_number: serial.into(),
                revocation_time: rcgen::date_time_ymd(2021, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().pem().unwrap()
    }
}

/// Files by name, all readable by their owner only.
pub(super) fn material(files: &[(&str, &str)]) -> Material {
    let files = files.iter().map(|(path, text)| {
        let content = Content {
            bytes: text.as_bytes().to_vec(),
            mode: 0o600,
        };
        (PathBuf::from(path), Ok(content))
    });
    Material(files.collect::<BTreeMap<_, _>>())
}

/// Settings with the pair /cert, /key, all else usual.
pub(super) fn settings() -> Settings {
    Settings {
        pairs: vec![PairPaths {
            certificates: "/cert".into(),
            key: Some("/key".into()),
        }],
        ciphers: b"HIGH".to_vec(),
        version_12: true,
        version_13: true,
        ..Settings::default()
    }
}

/// A server with one certificate for ftp.example, and whom to trust for it.
pub(super) fn server_with(change: impl FnOnce(&mut Settings)) -> (Tls, RootCertStore) {
    let authority = Authority::new("test authority");
    let signed = authority.sign(&["ftp.example"]);
    let mut settings = settings();
    change(&mut settings);
    let files = material(&[("/cert", &signed.certificate), ("/key", &signed.key)]);
    let mut roots = RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    (Tls::of(settings, &files).unwrap(), roots)
}

pub(super) fn server() -> (Tls, RootCertStore) {
    server_with(|_| {})
}

/// A client of one version with an empty memory.
pub(super) fn client_of(
    roots: &RootCertStore,
    version: &'static SupportedProtocolVersion,
) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots.clone())
        .with_no_client_auth()
}

pub(super) fn client(roots: &RootCertStore) -> Arc<ClientConfig> {
    Arc::new(client_of(roots, &TLS13))
}

/// Both ends of a connection, and what lies between.
pub(super) struct Pipe {
    pub(super) client: ClientConnection,
    pub(super) channel: Channel,
    pub(super) report: Report,
    pub(super) lineage: Arc<Lineage>,
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// Octets on their way to the server.
    pub(super) up: Vec<u8>,
}

/// Runs a handshake to its end, in pieces of `step` octets.
pub(super) fn shake(
    mut handshake: Handshake,
    config: &Arc<ClientConfig>,
    name: &str,
    step: usize,
) -> Result<Pipe, HandshakeError> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut up = Vec::new();
    loop {
        while client.wants_write() {
            client.write_tls(&mut up).unwrap();
        }
        let turn = handshake.turn();
        let down = handshake.outgoing().to_vec();
        handshake.sent(down.len());
        let mut rest = &down[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            // The client may give up, and say so in its next octets.
            let _ = client.process_new_packets();
        }
        match turn {
            Turn::Failed => return Err(handshake.failure().unwrap().clone()),
            Turn::Send => {}
            Turn::Receive if up.is_empty() && !client.wants_write() => {
                return Err(HandshakeError::Failed("both wait".to_owned()));
            }
            Turn::Receive => {
                let count = step.min(up.len());
                handshake.feed(&up[..count]);
                up.drain(..count);
            }
            Turn::Done => break,
        }
    }
    let agreed = handshake.finish()?;
    let mut left = agreed.rest;
    left.extend_from_slice(&up);
    Ok(Pipe {
        client,
        channel: agreed.channel,
        report: agreed.report,
        lineage: Arc::new(agreed.lineage),
        certificates: agreed.certificates,
        up: left,
    })
}

/// A control connection.
pub(super) fn control(tls: &Tls, config: &Arc<ClientConfig>) -> Pipe {
    shake(tls.control().unwrap(), config, "ftp.example", 4096).unwrap()
}

/// A data connection of that control connection.
pub(super) fn data(tls: &Tls, config: &Arc<ClientConfig>, lineage: &Arc<Lineage>) -> Pipe {
    shake(tls.data(lineage).unwrap(), config, "ftp.example", 4096).unwrap()
}

impl Pipe {
    /// The client takes what the server sends; gives its clear text.
    pub(super) fn deliver(&mut self, mut wire: &[u8]) -> Vec<u8> {
        let mut clear = Vec::new();
        while !wire.is_empty() {
            self.client.read_tls(&mut wire).unwrap();
            self.client.process_new_packets().unwrap();
            // Nothing more to read is no failure here.
            let _ = self.client.reader().read_to_end(&mut clear);
        }
        clear
    }

    /// The server says something.
    pub(super) fn say(&mut self, text: &[u8]) -> Vec<u8> {
        let mut wire = vec![0; self.channel.room(text.len())];
        let sealed = self.channel.seal(text, &mut wire);
        assert_eq!(sealed.taken, text.len());
        let wire = wire[..sealed.made].to_vec();
        self.deliver(&wire)
    }

    /// The client says something, and the server takes what has come.
    pub(super) fn hear(&mut self, text: &[u8]) -> Result<(Vec<u8>, bool), Breach> {
        self.client.writer().write_all(text).unwrap();
        self.take()
    }

    pub(super) fn take(&mut self) -> Result<(Vec<u8>, bool), Breach> {
        while self.client.wants_write() {
            self.client.write_tls(&mut self.up).unwrap();
        }
        let mut heard = Vec::new();
        loop {
            let mut clear = vec![0; LARGEST_RECORD];
            let opened = self.channel.open(&self.up, &mut clear)?;
            self.up.drain(..opened.used);
            heard.extend_from_slice(&clear[..opened.made]);
            if opened.ended || opened.used == 0 {
                return Ok((heard, opened.ended));
            }
        }
    }
}
