//! Certificates of one process, made when first asked for: an authority, a
//! server's certificate for localhost and 127.0.0.1, users' certificates.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rcgen::{
    CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_RSA_SHA256, RsaKeySize, SanType,
};

use super::server::Launch;
use super::temp::TempDir;

/// An authority that signs certificates of servers and users.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key as PEM.
#[derive(Clone)]
pub struct Signed {
    pub certificate: String,
    pub key: String,
    /// The certificate in DER.
    pub der: Vec<u8>,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![
            rcgen::KeyUsagePurpose::KeyCertSign,
            rcgen::KeyUsagePurpose::CrlSign,
        ];
        params
            .distinguished_name
            .push(DnType::CommonName, "authority of the tests");
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// The one that clients of this process's tests know.
    pub fn known() -> &'static Authority {
        static KNOWN: OnceLock<Authority> = OnceLock::new();
        KNOWN.get_or_init(Authority::new)
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate of a server at this machine's own addresses, and with
    /// these names.
    pub fn server(&self, names: &[&str]) -> Signed {
        self.server_until(names, 2090)
    }

    /// The same that ends with the beginning of `year`.
    pub fn server_until(&self, names: &[&str], year: i32) -> Signed {
        let mut all = vec!["localhost".to_owned()];
        all.extend(names.iter().map(ToString::to_string));
        let mut params = CertificateParams::new(all).unwrap();
        for address in [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ] {
            params.subject_alt_names.push(SanType::IpAddress(address));
        }
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        params.distinguished_name.push(DnType::CommonName, "server");
        self.sign(&params)
    }

    /// The same with a key for RSA, which vsftpd's ciphers want.
    pub fn rsa_server(&self) -> Signed {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "server");
        let size = RsaKeySize::_2048;
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).unwrap();
        self.sign_for(&params, &key)
    }

    /// A certificate of a user with this common name.
    pub fn user(&self, name: &str) -> Signed {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Signed {
        self.sign_for(params, &KeyPair::generate().unwrap())
    }

    fn sign_for(&self, params: &CertificateParams, key: &KeyPair) -> Signed {
        let certificate = params.signed_by(key, &self.0).unwrap();
        Signed {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().to_vec(),
        }
    }
}

/// The files of a server: certificate, key, and the authority of both it and
/// its users.
pub struct Files {
    pub home: TempDir,
}

impl Files {
    pub fn new() -> Files {
        let files = Files {
            home: TempDir::new(),
        };
        files.renew(&Authority::known().server(&[]));
        files.home.file("authority.pem", Authority::known().pem());
        files
    }

    /// Puts another certificate in place, as certbot does it: by rename, key
    /// first.
    pub fn renew(&self, signed: &Signed) {
        self.replace("key.pem", &signed.key);
        self.replace("certificate.pem", &signed.certificate);
    }

    /// One file replaced in one step, readable by its owner alone.
    pub fn replace(&self, name: &str, text: &str) {
        let fresh = self.home.file(format!("{name}.new"), text);
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(&fresh, self.path(name)).unwrap();
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.home.path().join(name)
    }

    /// The options with which a server has TLS with these files.
    pub fn options(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.path(name).display().to_string();
        [
            ("ssl_enable", "YES".to_owned()),
            ("rsa_cert_file", path("certificate.pem")),
            ("rsa_private_key_file", path("key.pem")),
            ("allow_anon_ssl", "YES".to_owned()),
            ("debug_ssl", "YES".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

impl Launch {
    /// With TLS, and anonymous users who may use it.
    pub fn tls(self, files: &Files) -> Launch {
        let options = files.options();
        options
            .iter()
            .fold(self, |launch, (name, value)| launch.option(name, value))
    }
}
