//! Certificates and keys: which pair a client gets, and what is none.

use super::*;
use rustls::pki_types::pem::PemObject;

/// The certificate that a client sees which asks for `name`.
fn shown(tls: &Tls, roots: &RootCertStore, name: &str) -> Option<Certificate> {
    let mut config = client_of(roots, &TLS13);
    config.alpn_protocols = vec![b"ftp".to_vec()];
    let pipe = shake(tls.control().unwrap(), &Arc::new(config), name, 4096).ok()?;
    let chain = pipe.client.peer_certificates()?;
    Certificate::read(&chain[0]).ok()
}

fn refused(settings: Settings, files: &Material) -> TlsError {
    Tls::of(settings, files).unwrap_err()
}

#[test]
fn certificates_are_chosen_by_name() {
    let authority = Authority::new("a");
    let default = authority.sign(&["ftp.example"]);
    let one = authority.sign(&["one.example", "uno.example"]);
    let many = authority.sign(&["*.many.example"]);
    let both = format!("{}{}", many.certificate, many.key);
    let files = material(&[
        ("/cert", &default.certificate),
        ("/key", &default.key),
        ("/certs/one.crt", &one.certificate),
        ("/certs/one.key", &one.key),
        ("/certs/many.pem", &both),
    ]);
    let mut settings = settings();
    settings.directory = Some("/certs".into());
    let tls = Tls::of(settings, &files).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    for (asked, answer) in [
        ("ftp.example", "ftp.example"),
        ("one.example", "one.example"),
        ("uno.example", "one.example"),
        ("a.many.example", "*.many.example"),
    ] {
        let certificate = shown(&tls, &roots, asked).unwrap();
        assert_eq!(certificate.common_name.unwrap(), answer, "{asked}");
    }
    // It gets the default one and does not like it.
    assert!(shown(&tls, &roots, "many.example").is_none());
}

#[test]
fn a_bad_pair_in_the_directory_leaves_the_others_alone() {
    let authority = Authority::new("a");
    let good = authority.sign(&["good.example"]);
    let bad = authority.sign(&["bad.example"]);
    let files = material(&[
        ("/certs/good.crt", &good.certificate),
        ("/certs/good.key", &good.key),
        ("/certs/bad.crt", &bad.certificate),
        ("/certs/bad.key", &good.key),
    ]);
    let mut settings = settings();
    settings.pairs.clear();
    settings.directory = Some("/certs".into());
    let tls = Tls::of(settings, &files).unwrap();
    let credentials = tls.credentials();
    assert_eq!(credentials.named.len(), 1);
    assert_eq!(
        credentials.faults[0].to_string(),
        "\"/certs/bad.crt\": the private key in \"/certs/bad.key\" belongs to another certificate"
    );
}

#[test]
fn keys_of_every_kind_will_do() {
    for algorithm in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
    ] {
        let authority = Authority::new("a");
        let signed = authority.sign_with(&["ftp.example"], |_| {}, algorithm);
        let files = material(&[("/cert", &signed.certificate), ("/key", &signed.key)]);
        let tls = Tls::of(settings(), &files).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.root()).unwrap();
        for version in [&TLS12, &TLS13] {
            control(&tls, &Arc::new(client_of(&roots, version)));
        }
    }
}

#[test]
fn of_two_kinds_of_key_the_cheaper_one_is_used() {
    let authority = Authority::new("a");
    let rsa = authority.sign_with(&["ftp.example"], |_| {}, &rcgen::PKCS_RSA_SHA256);
    let mut settings = settings();
    let ecdsa = authority.sign_with(
        &["ftp.example"],
        |params| params.distinguished_name.push(DnType::CommonName, "ecdsa"),
        &rcgen::PKCS_ECDSA_P256_SHA256,
    );
    settings.pairs.push(PairPaths {
        certificates: "/ecdsa".into(),
        key: None,
    });
    let both = format!("{}{}", ecdsa.key, ecdsa.certificate);
    let files = material(&[
        ("/cert", &rsa.certificate),
        ("/key", &rsa.key),
        ("/ecdsa", &both),
    ]);
    let tls = Tls::of(settings, &files).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    let certificate = shown(&tls, &roots, "ftp.example").unwrap();
    assert_eq!(certificate.common_name.unwrap(), "ecdsa");
}

#[test]
fn a_pair_is_renewed_as_a_pair_or_not_at_all() {
    let authority = Authority::new("a");
    let old = authority.sign(&["ftp.example"]);
    let new = authority.sign(&["ftp.example", "new.example"]);
    let files = material(&[("/cert", &old.certificate), ("/key", &old.key)]);
    let tls = Tls::of(settings(), &files).unwrap();
    // The certificate is there already, its key not yet.
    let half = material(&[("/cert", &new.certificate), ("/key", &old.key)]);
    assert!(matches!(
        tls.renew(&half),
        Err(TlsError::Pair(_, PairError::Mismatch(_)))
    ));
    assert_eq!(tls.credentials().defaults[0].certificate.names.len(), 1);
    let whole = material(&[("/cert", &new.certificate), ("/key", &new.key)]);
    tls.renew(&whole).unwrap();
    assert_eq!(tls.credentials().defaults[0].certificate.names.len(), 2);
    assert!(tls.renew(&material(&[])).is_err());
    assert_eq!(tls.credentials().defaults[0].certificate.names.len(), 2);
}

#[test]
fn what_is_no_pair_says_why() {
    let signed = Authority::new("a").sign(&["ftp.example"]);
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (certificate, key, error) in [
        ("", &signed.key[..], PairError::NoCertificate),
        (&signed.certificate[..], "", PairError::NoKey),
        (&signed.certificate, locked, PairError::Encrypted),
    ] {
        let files = material(&[("/cert", certificate), ("/key", key)]);
        let found = refused(settings(), &files);
        assert!(
            matches!(&found, TlsError::Pair(_, why) if *why == error),
            "{found}"
        );
    }
    let found = refused(settings(), &material(&[]));
    assert_eq!(found, TlsError::Unreadable("/cert".into(), libc::ENOENT));
    let mut nothing = settings();
    nothing.pairs.clear();
    assert_eq!(refused(nothing, &material(&[])), TlsError::NoPair);
}

#[test]
fn nothing_to_offer_is_an_error() {
    let signed = Authority::new("a").sign(&["ftp.example"]);
    let files = material(&[("/cert", &signed.certificate), ("/key", &signed.key)]);
    let with = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        refused(settings, &files)
    };
    assert_eq!(
        with(&|settings| {
            settings.version_12 = false;
            settings.version_13 = false;
        }),
        TlsError::NoVersion
    );
    assert!(matches!(
        with(&|settings| settings.ciphers = b"RC4-SHA".to_vec()),
        TlsError::Ciphers(_)
    ));
    assert!(matches!(
        with(&|settings| {
            settings.ciphers = b"TLS_AES_128_GCM_SHA256".to_vec();
            settings.version_13 = false;
        }),
        TlsError::Ciphers(_)
    ));
}

#[test]
fn a_certificate_tells_names_and_dates() {
    let authority = Authority::new("a");
    let signed = authority.sign_with(
        &["ftp.example", "*.ftp.example"],
        |params| {
            params.not_before = rcgen::date_time_ymd(2024, 2, 29);
            params.not_after = rcgen::date_time_ymd(2051, 3, 4);
            params
                .subject_alt_names
                .push(SanType::Rfc822Name("ann@example".try_into().unwrap()));
        },
        &rcgen::PKCS_ECDSA_P256_SHA256,
    );
    let files = material(&[("/cert", &signed.certificate), ("/key", &signed.key)]);
    let tls = Tls::of(settings(), &files).unwrap();
    let credentials = tls.credentials();
    let certificate = &credentials.defaults[0].certificate;
    assert_eq!(certificate.not_before, 1_709_164_800);
    assert_eq!(certificate.last_day(), "2051-03-04");
    assert_eq!(
        certificate.days_left(certificate.not_after - 86_400 * 30),
        30
    );
    assert!(certificate.days_left(certificate.not_after + 1) < 0);
    assert_eq!(certificate.common_name.as_deref(), Some("ftp.example"));
    assert_eq!(
        certificate.names,
        ["ftp.example", "*.ftp.example", "ann@example"]
    );
    assert!(!certificate.self_issued);
    assert!(certificate.serves("FTP.EXAMPLE") && certificate.serves("a.ftp.example"));
    assert!(!certificate.serves("a.b.ftp.example") && !certificate.serves("example"));
}

#[test]
fn a_certificate_cut_or_changed_is_garbled_or_another_and_no_panic() {
    let own = SelfSigned::new(&["localhost".to_owned()], &[], 1_700_000_000).unwrap();
    let der = own.certificate.to_vec();
    assert!(Certificate::read(&der).is_ok());
    for at in 0..der.len() {
        assert!(Certificate::read(&der[..at]).is_err(), "{at}");
        let mut changed = der.clone();
        changed[at] ^= 0xFF;
        // Whatever it says now.
        let _ = Certificate::read(&changed);
    }
}

#[test]
fn a_certificate_of_its_own_making_serves() {
    let now = UnixTime::now().as_secs();
    let now = i64::try_from(now).unwrap();
    let addresses = ["127.0.0.1".parse().unwrap()];
    let own = SelfSigned::new(&["ftp.example".to_owned()], &addresses, now).unwrap();
    let fingerprint = own.fingerprint();
    assert_eq!(fingerprint.len(), 32 * 3 - 1);
    let mut roots = RootCertStore::empty();
    roots.add(own.certificate.clone()).unwrap();
    let mut settings = settings();
    settings.pairs.clear();
    let tls = Tls::self_signed(settings, own).unwrap();
    control(&tls, &client(&roots));
    assert!(shown(&tls, &roots, "127.0.0.1").unwrap().self_issued);
}

#[test]
fn a_key_that_everybody_may_read_is_noticed() {
    let signed = Authority::new("a").sign(&["ftp.example"]);
    let mut files = material(&[("/cert", &signed.certificate), ("/key", &signed.key)]);
    let tls = Tls::of(settings(), &files).unwrap();
    assert_eq!(tls.credentials().defaults[0].exposed, None);
    if let Some(Ok(key)) = files.0.get_mut(Path::new("/key")) {
        key.mode = 0o644;
    }
    tls.renew(&files).unwrap();
    let exposed = tls.credentials().defaults[0].exposed.clone();
    assert_eq!(exposed, Some("/key".into()));
}

/// One value of DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], &length[..], content].concat()
}

/// The same certificate without version and extensions, in the form of 1988;
/// its signature is not right any more, which is the client's affair.
fn of_version_1(certificate: &[u8]) -> Vec<u8> {
    let value = |der: &[u8]| {
        let (head, length) = match der[1] {
            short @ ..=0x7F => (2, usize::from(short)),
            0x81 => (3, usize::from(der[2])),
            _ => (4, usize::from(u16::from_be_bytes([der[2], der[3]]))),
        };
        (head, head + length)
    };
    let (head, _) = value(certificate);
    let outer = &certificate[head..];
    let (head, end) = value(outer);
    let (mut body, rest) = (&outer[head..end], &outer[end..]);
    let mut kept = Vec::new();
    while !body.is_empty() {
        let (_, end) = value(body);
        // Their tags are of the context: [0] and [3].
        if body[0] < 0xA0 {
            kept.extend_from_slice(&body[..end]);
        }
        body = &body[end..];
    }
    der(0x30, &[der(0x30, &kept), rest.to_vec()].concat())
}

/// A certificate as PEM (RFC 7468).
fn armoured(der: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for three in der.chunks(3) {
        let octet = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for at in 0..4 {
            let sign = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap();
            let sign = if at > three.len() { b'=' } else { SIGNS[sign] };
            text.push(sign.into());
        }
        if text.len() % 65 > 60 {
            text.push('\n');
        }
    }
    text + "\n-----END CERTIFICATE-----\n"
}

#[test]
fn a_certificate_of_version_1_is_shown_and_must_be_about_the_key() {
    let authority = Authority::new("a");
    let pair = authority.sign(&["ftp.example"]);
    let own = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let old = of_version_1(&own);
    let text = Certificate::read(&old).unwrap();
    assert!(text.names.is_empty() && text.common_name.is_some());
    let old = armoured(&old);
    let files = material(&[("/cert", &old), ("/key", &pair.key)]);
    let tls = Tls::of(settings(), &files).unwrap();
    assert_eq!(tls.credentials().defaults[0].certificate, text);
    let other = authority.sign(&["ftp.example"]);
    let files = material(&[("/cert", &old), ("/key", &other.key)]);
    assert!(matches!(
        refused(settings(), &files),
        TlsError::Pair(_, PairError::Mismatch(_))
    ));
}
