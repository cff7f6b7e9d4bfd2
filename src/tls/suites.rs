//! What the server offers: versions, cipher suites by OpenSSL's names
//! (ssl_ciphers, ciphers(1)), key exchange.
//!
//! Every suite here has forward secrecy and authenticated encryption; what
//! else OpenSSL knows has a name here only in so far as lists mention it.

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, default_provider, kx_group};
use rustls::{CipherSuite, SupportedCipherSuite};
use std::fmt;

/// A suite of TLS 1.2: OpenSSL's name and the families that it belongs to.
struct Known {
    suite: &'static SupportedCipherSuite,
    name: &'static str,
    families: &'static [&'static str],
}

/// Families of every suite here: ephemeral key exchange, version, strength.
///
/// The last two are what Red Hat's and SUSE's OpenSSL call the system's choice.
const ALL: &[&str] = &[
    "ALL",
    "DEFAULT",
    "HIGH",
    "TLSV1.2",
    "AEAD",
    "ECDHE",
    "EECDH",
    "KECDHE",
    "KEECDH",
    "ECDH",
    "PROFILE=SYSTEM",
    "DEFAULT_SUSE",
];

/// Best first, as for TLS 1.3: the strongest cipher that processors have
/// instructions for. The client's order decides.
static KNOWN: [Known; 6] = [
    Known {
        suite: &suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        name: "ECDHE-ECDSA-AES256-GCM-SHA384",
        families: &[
            "ECDSA",
            "AECDSA",
            "FIPS",
            "AES",
            "AES256",
            "AESGCM",
            "SHA384",
            "SUITEB192",
        ],
    },
    Known {
        suite: &suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        name: "ECDHE-RSA-AES256-GCM-SHA384",
        families: &["RSA", "ARSA", "FIPS", "AES", "AES256", "AESGCM", "SHA384"],
    },
    Known {
        suite: &suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        name: "ECDHE-ECDSA-AES128-GCM-SHA256",
        families: &[
            "ECDSA",
            "AECDSA",
            "FIPS",
            "AES",
            "AES128",
            "AESGCM",
            "SHA256",
            "SUITEB128",
        ],
    },
    Known {
        suite: &suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        name: "ECDHE-RSA-AES128-GCM-SHA256",
        families: &["RSA", "ARSA", "FIPS", "AES", "AES128", "AESGCM", "SHA256"],
    },
    Known {
        suite: &suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        name: "ECDHE-ECDSA-CHACHA20-POLY1305",
        families: &["ECDSA", "AECDSA", "CHACHA20", "SHA256"],
    },
    Known {
        suite: &suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        name: "ECDHE-RSA-CHACHA20-POLY1305",
        families: &["RSA", "ARSA", "CHACHA20", "SHA256"],
    },
];

/// Suites of TLS 1.3, which go by the names of RFC 8446 everywhere.
static KNOWN_13: [&SupportedCipherSuite; 3] = [
    &suite::TLS13_AES_256_GCM_SHA384,
    &suite::TLS13_AES_128_GCM_SHA256,
    &suite::TLS13_CHACHA20_POLY1305_SHA256,
];

/// A list of suites that leaves none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuites;

impl fmt::Display for NoSuites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("leaves no cipher suite: the server has ")?;
        for known in &KNOWN {
            write!(f, "{}, ", known.name)?;
        }
        f.write_str("and for TLS 1.3 TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256; HIGH stands for all of them")
    }
}

/// The suites that a list in OpenSSL's language names.
///
/// It speaks of TLS 1.2; those of TLS 1.3 stay as they are unless the list
/// names some of them. Names that mean nothing here are passed over, as
/// OpenSSL does.
///
/// # Errors
/// When nothing is left of TLS 1.2 and no suite of TLS 1.3 was named.
pub fn choose(list: &[u8]) -> Result<Vec<SupportedCipherSuite>, NoSuites> {
    let list = String::from_utf8_lossy(list);
    let mut chosen: Vec<&Known> = Vec::new();
    let mut banned: Vec<&str> = Vec::new();
    let mut named: Vec<SupportedCipherSuite> = Vec::new();
    for word in list.split([':', ',', ' ', ';']) {
        if let Some(suite) = version_13(word) {
            named.push(suite);
            continue;
        }
        let Some((sign, word)) = split_sign(word) else {
            continue;
        };
        let matching = KNOWN.iter().filter(|known| known.answers_to(word));
        for known in matching {
            let at = chosen.iter().position(|other| other.name == known.name);
            match (sign, at) {
                ('!', _) => {
                    banned.push(known.name);
                    chosen.retain(|other| other.name != known.name);
                }
                ('-', Some(at)) => drop(chosen.remove(at)),
                ('+', Some(at)) => {
                    let moved = chosen.remove(at);
                    chosen.push(moved);
                }
                (' ', None) if !banned.contains(&known.name) => chosen.push(known),
                _ => {}
            }
        }
    }
    if chosen.is_empty() && named.is_empty() {
        return Err(NoSuites);
    }
    if named.is_empty() {
        named = KNOWN_13.iter().map(|suite| **suite).collect();
    }
    named.extend(chosen.iter().map(|known| *known.suite));
    Ok(named)
}

/// The sign that a word begins with, or a blank, and the rest, without what
/// is no name (`@STRENGTH`, `@SECLEVEL=2`).
fn split_sign(word: &str) -> Option<(char, &str)> {
    let word = word.split('@').next()?;
    let first = word.chars().next()?;
    match first {
        '!' | '-' | '+' => Some((first, word.get(1..)?)),
        _ => Some((' ', word)),
    }
}

impl Known {
    /// Whether a word means this suite: its name, or families joined by `+`.
    fn answers_to(&self, word: &str) -> bool {
        if word.eq_ignore_ascii_case(self.name) {
            return true;
        }
        !word.is_empty()
            && word.split('+').all(|family| {
                let family = family.to_ascii_uppercase();
                let mut families = self.families.iter().chain(ALL);
                families.any(|name| *name == family)
            })
    }
}

fn version_13(word: &str) -> Option<SupportedCipherSuite> {
    let found = KNOWN_13
        .iter()
        .find(|suite| name(suite.suite()).eq_ignore_ascii_case(word));
    found.map(|suite| **suite)
}

/// The name by which OpenSSL knows a suite of this server.
#[must_use]
pub fn name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        other => {
            let known = KNOWN.iter().find(|known| known.suite.suite() == other);
            known.map_or("unknown", |known| known.name)
        }
    }
}

/// The suites as rustls wants them, with the key exchanges: first the hybrid
/// that also holds against quantum computers (X25519MLKEM768). The client's
/// order decides here too.
pub(super) fn provider(suites: Vec<SupportedCipherSuite>) -> CryptoProvider {
    CryptoProvider {
        cipher_suites: suites,
        kx_groups: vec![
            kx_group::X25519MLKEM768,
            kx_group::X25519,
            kx_group::SECP256R1,
            kx_group::SECP384R1,
            kx_group::SECP256R1MLKEM768,
        ],
        ..default_provider()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of TLS 1.2 suites that a list leaves.
    fn names(list: &str) -> Vec<&'static str> {
        let suites = choose(list.as_bytes()).unwrap_or_default();
        let suites = suites.iter().filter(|suite| suite.tls13().is_none());
        suites.map(|suite| name(suite.suite())).collect()
    }

    #[test]
    fn usual_lists_leave_what_openssl_would_leave_of_these_suites() {
        assert_eq!(names("HIGH").len(), 6);
        assert_eq!(names("DEFAULT@SECLEVEL=2").len(), 6);
        assert_eq!(names("PROFILE=SYSTEM").len(), 6);
        assert_eq!(names("DEFAULT_SUSE:!aRSA").len(), 3);
        assert_eq!(names("DEFAULT:@SECLEVEL=2").len(), 6);
        assert_eq!(names("ALL:!aNULL:!eNULL:!MD5:@STRENGTH").len(), 6);
        assert_eq!(
            names("ECDHE-RSA-AES256-GCM-SHA384"),
            ["ECDHE-RSA-AES256-GCM-SHA384"]
        );
        assert_eq!(names("EECDH+AESGCM:EDH+AESGCM").len(), 4);
        assert_eq!(
            names("kEECDH+aRSA+CHACHA20"),
            ["ECDHE-RSA-CHACHA20-POLY1305"]
        );
        assert_eq!(
            names("HIGH:!ECDSA:!CHACHA20:-AES128"),
            ["ECDHE-RSA-AES256-GCM-SHA384"]
        );
    }

    #[test]
    fn order_is_that_of_the_list() {
        assert_eq!(
            names("ECDHE+CHACHA20:HIGH:!aECDSA")[0],
            "ECDHE-RSA-CHACHA20-POLY1305"
        );
        assert_eq!(
            names("HIGH:!aECDSA:+AES256").last(),
            Some(&"ECDHE-RSA-AES256-GCM-SHA384")
        );
    }

    #[test]
    fn what_is_banned_does_not_come_back() {
        assert_eq!(names("!aRSA:HIGH").len(), 3);
        assert_eq!(names("HIGH:-aRSA:aRSA").len(), 6);
    }

    #[test]
    fn a_list_that_leaves_nothing_is_an_error() {
        for list in [
            "AES128-SHA:DES-CBC3-SHA",
            "RC4-SHA",
            "NONSENSE",
            "HIGH:!ALL",
            "",
            "::",
        ] {
            assert_eq!(choose(list.as_bytes()), Err(NoSuites), "{list}");
        }
    }

    #[test]
    fn suites_of_1_3_stay_unless_some_are_named() {
        let of_13 = |list: &str| {
            let suites = choose(list.as_bytes()).unwrap();
            suites
                .iter()
                .filter(|suite| suite.tls13().is_some())
                .count()
        };
        assert_eq!(of_13("ECDHE-RSA-AES256-GCM-SHA384"), 3);
        assert_eq!(of_13("HIGH:TLS_AES_128_GCM_SHA256"), 1);
        assert_eq!(choose(b"TLS_AES_256_GCM_SHA384").unwrap().len(), 1);
    }
}
