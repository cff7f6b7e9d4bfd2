//! Certificates of clients: asked for, required, checked, revoked, and whom
//! they name.

use super::*;
use crate::config::NamedBy;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, UnixTime};

/// A server whose clients' certificates come from an authority; and a way to
/// make clients of it.
struct World {
    server_files: Vec<(String, String)>,
    roots: RootCertStore,
    authority: Authority,
}

impl World {
    fn new() -> World {
        let authority = Authority::new("people");
        let signed = authority.sign(&["ftp.example"]);
        let mut roots = RootCertStore::empty();
        roots.add(authority.root()).unwrap();
        World {
            server_files: vec![
                ("/cert".to_owned(), signed.certificate),
                ("/key".to_owned(), signed.key),
                ("/ca".to_owned(), authority.pem()),
                ("/crl".to_owned(), authority.revoke(666)),
            ],
            roots,
            authority,
        }
    }

    fn tls(&self, change: impl FnOnce(&mut ClientSettings)) -> Result<Tls, TlsError> {
        let mut settings = settings();
        settings.clients.request = true;
        change(&mut settings.clients);
        let files: Vec<(&str, &str)> = self
            .server_files
            .iter()
            .map(|(path, text)| (&path[..], &text[..]))
            .collect();
        Tls::of(settings, &material(&files))
    }

    fn client(&self, signed: Option<&Signed>) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone());
        Arc::new(match signed {
            Some(signed) => {
                let chain = CertificateDer::pem_slice_iter(signed.certificate.as_bytes());
                let chain = chain.map(Result::unwrap).collect();
                let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
            None => builder.with_no_client_auth(),
        })
    }

    fn ann(&self, serial: u64) -> Signed {
        self.authority.sign_with(
            &["ann"],
            |params| {
                params.serial_number = Some(serial.into());
                params.subject_alt_names =
                    vec![SanType::Rfc822Name("ann@example".try_into().unwrap())];
            },
            &rcgen::PKCS_ECDSA_P256_SHA256,
        )
    }

    fn connect(&self, tls: &Tls, signed: Option<&Signed>) -> Result<Pipe, HandshakeError> {
        let config = self.client(signed);
        shake(tls.control().unwrap(), &config, "ftp.example", 4096)
    }
}

fn names(tls: &Tls, pipe: &Pipe) -> Vec<String> {
    tls.clients().names(&pipe.certificates, UnixTime::now())
}

#[test]
fn nobody_is_asked_for_what_nobody_looks_at() {
    let world = World::new();
    let tls = world.tls(|_| {}).unwrap();
    let pipe = world.connect(&tls, Some(&world.ann(1))).unwrap();
    assert!(pipe.certificates.is_empty());
    assert!(!tls.clients().are_asked());
}

#[test]
fn a_required_certificate_must_be_there() {
    let world = World::new();
    let tls = world.tls(|clients| clients.require = true).unwrap();
    let refused = world.connect(&tls, None).map(drop).unwrap_err();
    assert!(refused.to_string().contains("require_cert"), "{refused}");
    // Without validate_cert any will do.
    let stranger = Authority::new("strangers").sign(&["eve"]);
    let pipe = world.connect(&tls, Some(&stranger)).unwrap();
    assert_eq!(pipe.certificates.len(), 1);
}

#[test]
fn a_certificate_that_is_checked_must_be_genuine() {
    let world = World::new();
    let tls = world.tls(|clients| {
        clients.validate = true;
        clients.authorities = Some("/ca".into());
    });
    let tls = tls.unwrap();
    world.connect(&tls, Some(&world.ann(1))).unwrap();
    world.connect(&tls, None).unwrap();
    let stranger = Authority::new("strangers").sign(&["ann"]);
    let refused = world.connect(&tls, Some(&stranger)).map(drop).unwrap_err();
    assert!(
        matches!(refused, HandshakeError::Certificate(_)),
        "{refused}"
    );
}

#[test]
fn a_revoked_certificate_is_refused() {
    let world = World::new();
    let tls = world.tls(|clients| {
        clients.validate = true;
        clients.authorities = Some("/ca".into());
        clients.revoked = Some("/crl".into());
    });
    let tls = tls.unwrap();
    world.connect(&tls, Some(&world.ann(1))).unwrap();
    let refused = world
        .connect(&tls, Some(&world.ann(666)))
        .map(drop)
        .unwrap_err();
    assert!(
        matches!(refused, HandshakeError::Certificate(_)),
        "{refused}"
    );
}

#[test]
fn a_certificate_names_its_user_as_the_option_says() {
    let world = World::new();
    let ann = world.ann(1);
    let der = CertificateDer::from_pem_slice(ann.certificate.as_bytes()).unwrap();
    for (by, expected) in [
        (NamedBy::CommonName, "ann".to_owned()),
        (NamedBy::AlternativeName, "ann@example".to_owned()),
        (NamedBy::Fingerprint, fingerprint(&der)),
    ] {
        let tls = world.tls(|clients| {
            clients.authorities = Some("/ca".into());
            clients.user = Some(by);
        });
        let tls = tls.unwrap();
        let pipe = world.connect(&tls, Some(&ann)).unwrap();
        assert_eq!(names(&tls, &pipe), [expected]);
        assert!(names(&tls, &world.connect(&tls, None).unwrap()).is_empty());
    }
}

#[test]
fn a_certificate_that_is_not_genuine_names_nobody() {
    let world = World::new();
    let tls = world.tls(|clients| {
        clients.authorities = Some("/ca".into());
        clients.revoked = Some("/crl".into());
        clients.user = Some(NamedBy::CommonName);
    });
    let tls = tls.unwrap();
    // They may come in all the same, and need a password.
    let stranger = Authority::new("strangers").sign(&["ann"]);
    let pipe = world.connect(&tls, Some(&stranger)).unwrap();
    assert!(names(&tls, &pipe).is_empty());
    let pipe = world.connect(&tls, Some(&world.ann(666))).unwrap();
    assert!(names(&tls, &pipe).is_empty());
}

#[test]
fn a_server_certificate_is_no_client_certificate() {
    let world = World::new();
    let tls = world.tls(|clients| {
        clients.validate = true;
        clients.authorities = Some("/ca".into());
    });
    let server = world.authority.sign_with(
        &["ann"],
        |params| {
            params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        },
        &rcgen::PKCS_ECDSA_P256_SHA256,
    );
    assert!(world.connect(&tls.unwrap(), Some(&server)).is_err());
}

#[test]
fn checks_without_an_authority_are_an_error_at_the_start() {
    let world = World::new();
    let refused = world.tls(|clients| {
        clients.require = true;
        clients.validate = true;
    });
    assert_eq!(refused.map(drop), Err(TlsError::NoAuthorities));
    let refused = world.tls(|clients| clients.user = Some(NamedBy::CommonName));
    assert_eq!(refused.map(drop), Err(TlsError::NoAuthorities));
    let refused = world.tls(|clients| clients.authorities = Some("/key".into()));
    assert!(matches!(refused, Err(TlsError::Authorities(..))));
}

#[test]
fn with_certificates_only_data_connections_resume() {
    let world = World::new();
    let tls = world.tls(|clients| clients.require = true).unwrap();
    let config = world.client(Some(&world.ann(1)));
    let mut first = shake(tls.control().unwrap(), &config, "ftp.example", 4096).unwrap();
    first.say(b"220 hello\r\n");
    let second = shake(tls.control().unwrap(), &config, "ftp.example", 4096).unwrap();
    assert!(!second.report.resumed);
    let mut third = shake(tls.control().unwrap(), &config, "ftp.example", 4096).unwrap();
    third.say(b"220 hello\r\n");
    let transfer = data(&tls, &config, &third.lineage);
    assert_eq!(transfer.certificates, third.certificates);
}
