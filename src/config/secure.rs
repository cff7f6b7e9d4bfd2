//! What the options of TLS say together.
#![forbid(unsafe_code)]

use super::check::Report;
use super::error::Problem;
use super::notes::Vain;
use super::options::Config;
use super::parse::{self, Value, shown};
use super::spec::Kind;

/// Versions that are not spoken any more.
const OLD_VERSIONS: [&str; 5] = [
    "ssl_tlsv1",
    "ssl_tlsv1_1",
    "ssl_tlsv11",
    "ssl_sslv2",
    "ssl_sslv3",
];

/// What require_ssl_reuse may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// YES: demanded of every client.
    Always,
    /// AUTO: of each client from the moment on at which it has done so.
    Automatic,
    /// NO: of none.
    Never,
}

/// What client_cert_user may say: which part of a client's certificate says
/// who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The common name of its subject.
    CommonName,
    /// One of its alternative names: a mail address or a DNS name.
    AlternativeName,
    /// The SHA-256 of the certificate itself, in hexadecimal digits.
    Fingerprint,
}

impl Config {
    /// Of whom session reuse is demanded.
    pub(crate) fn ssl_reuse(&self) -> Reuse {
        reuse(self.require_ssl_reuse()).unwrap_or(Reuse::Always)
    }

    /// Which part of a certificate names a user who needs no password then.
    pub(crate) fn users_by_certificate(&self) -> Option<NamedBy> {
        named_by(self.client_cert_user()).flatten()
    }

    /// A version of TLS that is not spoken any more, and is switched on.
    pub(crate) fn old_versions(&self) -> impl Iterator<Item = &'static str> {
        let on = [
            self.ssl_tlsv1(),
            self.ssl_tlsv1_1(),
            self.ssl_tlsv11(),
            self.ssl_sslv2(),
            self.ssl_sslv3(),
        ];
        let rows = OLD_VERSIONS.into_iter().zip(on);
        rows.filter(|(_, on)| *on).map(|(name, _)| name)
    }
}

fn reuse(text: &[u8]) -> Option<Reuse> {
    if text.eq_ignore_ascii_case(b"AUTO") {
        return Some(Reuse::Automatic);
    }
    match parse::value(Kind::Bool, text) {
        Ok((Value::Bool(true), _)) => Some(Reuse::Always),
        Ok((Value::Bool(false), _)) => Some(Reuse::Never),
        _ => None,
    }
}

fn named_by(text: &[u8]) -> Option<Option<NamedBy>> {
    let is = |word: &str| text.eq_ignore_ascii_case(word.as_bytes());
    Some(match text {
        b"" => None,
        _ if is("CN") => Some(NamedBy::CommonName),
        _ if is("SAN") => Some(NamedBy::AlternativeName),
        _ if is("fingerprint") => Some(NamedBy::Fingerprint),
        _ => return None,
    })
}

/// The files themselves are read when TLS is set up: only root may read some.
pub(super) fn check(report: &mut Report<'_>) {
    let config = report.config;
    if reuse(&config.require_ssl_reuse).is_none() {
        let text = shown(&config.require_ssl_reuse);
        report.error("require_ssl_reuse", Problem::BadReuse(text));
    }
    if named_by(&config.client_cert_user).is_none() {
        let text = shown(&config.client_cert_user);
        report.error("client_cert_user", Problem::BadCertUser(text));
    }
    for name in config.old_versions() {
        report.finding(name, Vain::OldVersion);
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::tests::{errors, judged};
    use super::super::load::Accounts;
    use super::*;

    #[test]
    fn session_reuse_is_one_of_three() {
        assert_eq!(reuse(b"yes"), Some(Reuse::Always));
        assert_eq!(reuse(b"0"), Some(Reuse::Never));
        assert_eq!(reuse(b"Auto"), Some(Reuse::Automatic));
        assert_eq!(
            errors("require_ssl_reuse=perhaps"),
            ["f:1: require_ssl_reuse: \"perhaps\" is neither YES nor NO nor AUTO"]
        );
        assert_eq!(Config::default().ssl_reuse(), Reuse::Always);
    }

    #[test]
    fn users_are_named_by_parts_of_certificates_that_there_are() {
        assert_eq!(named_by(b"san"), Some(Some(NamedBy::AlternativeName)));
        assert_eq!(errors("client_cert_user=DN").len(), 1);
        assert_eq!(Config::default().users_by_certificate(), None);
    }

    #[test]
    fn versions_of_before_are_told_and_stay_off() {
        let told = judged(
            "ssl_sslv3=YES\nssl_tlsv1=YES\nssl_sslv2=NO",
            Accounts::Configured,
        );
        let told = told.unwrap();
        assert_eq!(told.len(), 2);
        assert!(told[1].starts_with("f:1: ssl_sslv3: stays off"), "{told:?}");
    }
}
