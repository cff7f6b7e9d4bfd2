//! A certificate of the server's own making, for a server that is wanted at
//! once and has none (--serve --tls). Clients cannot know whom it is from;
//! its fingerprint lets people compare.

use super::clients::fingerprint;
use super::error::TlsError;
use crate::protocol::Timestamp;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::IpAddr;

/// A certificate and its key, in DER.
pub struct SelfSigned {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl SelfSigned {
    /// Makes one that is good from yesterday for a month, for these names
    /// and addresses.
    ///
    /// # Errors
    /// When a name cannot be in a certificate, or no key can be made.
    pub fn new(names: &[String], addresses: &[IpAddr], now: i64) -> Result<SelfSigned, TlsError> {
        let refused = |error: rcgen::Error| TlsError::Refused(error.to_string());
        let mut params = CertificateParams::new(names.to_vec()).map_err(refused)?;
        let addresses = addresses.iter().copied();
        params
            .subject_alt_names
            .extend(addresses.map(rcgen::SanType::IpAddress));
        let day = 24 * 3600;
        let moment = |seconds| {
            let day = Timestamp {
                seconds,
                nanoseconds: 0,
            };
            let day = day.civil();
            date_time_ymd(
                i32::try_from(day.year).unwrap_or(1970),
                u8::try_from(day.month).unwrap_or(1),
                u8::try_from(day.day).unwrap_or(1),
            )
        };
        params.not_before = moment(now - day);
        params.not_after = moment(now + 30 * day);
        params
            .distinguished_name
            .push(DnType::CommonName, "ironftpd");
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(refused)?;
        let certificate = params.self_signed(&key).map_err(refused)?;
        Ok(SelfSigned {
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        })
    }

    /// The SHA-256 of the certificate, in pairs of hexadecimal digits with
    /// colons between, as clients show it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digits = fingerprint(&self.certificate).to_ascii_uppercase();
        let pairs: Vec<&str> = digits
            .as_bytes()
            .chunks(2)
            .filter_map(|pair| std::str::from_utf8(pair).ok())
            .collect();
        pairs.join(":")
    }
}
