//! What is to be said of the server's own certificates: when they are over,
//! whom they are for, who could read their keys.

use super::credentials::{Credentials, Pair};
use std::fmt;
use std::path::{Path, PathBuf};

/// How long before its end a certificate is talked of, in days.
const AHEAD: i64 = 30;

/// One remark on a certificate, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The file that it is about, if it is one.
    pub path: Option<PathBuf>,
    text: String,
}

impl Remark {
    /// What is to be said of this file.
    fn of(path: &Path, text: &str) -> Remark {
        Remark {
            path: Some(path.to_owned()),
            text: format!("{path:?}: {text}"),
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Credentials {
    /// What is wrong, or soon will be, at the moment `now` in seconds since
    /// 1970.
    #[must_use]
    pub fn remarks(&self, now: i64) -> Vec<Remark> {
        let faults = self.faults.iter().map(|fault| Remark {
            path: fault.path().map(Path::to_owned),
            text: fault.to_string(),
        });
        let mut remarks: Vec<_> = faults.collect();
        for pair in self.pairs() {
            remarks.extend(exposure(pair));
            remarks.extend(term(pair, now));
            remarks.extend(company(pair));
        }
        remarks
    }

    /// What there is, one line for each pair, for people to compare.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        self.pairs().map(summary).collect()
    }
}

fn summary(pair: &Pair) -> String {
    let certificate = &pair.certificate;
    let names = match (certificate.names.as_slice(), &certificate.common_name) {
        ([], None) => "nobody by name".to_owned(),
        ([], Some(name)) => name.escape_debug().to_string(),
        (names, _) => names
            .iter()
            .map(|name| name.escape_debug().to_string())
            .collect::<Vec<_>>()
            .join(", "),
    };
    format!(
        "{:?}: for {names}; good until {}; {} in the chain",
        pair.path,
        certificate.last_day(),
        pair.length
    )
}

fn exposure(pair: &Pair) -> Option<Remark> {
    let path = pair.exposed.as_ref()?;
    let text = "everybody on this machine may read the private key: chmod o-r takes that away";
    Some(Remark::of(path, text))
}

fn term(pair: &Pair, now: i64) -> Option<Remark> {
    let certificate = &pair.certificate;
    let end = certificate.last_day();
    let days = certificate.days_left(now);
    let text = if now < certificate.not_before {
        "this certificate is not good yet, and clients that check refuse it: look at the clock"
            .to_owned()
    } else {
        match days {
            ..0 => {
                format!("this certificate ended on {end}: clients that check refuse it: renew it")
            }
            0..AHEAD => format!("this certificate ends on {end}, in {days} days: renew it"),
            _ => return None,
        }
    };
    Some(Remark::of(&pair.path, &text))
}

/// A certificate that is not its own authority comes with others, up to one
/// that clients know.
fn company(pair: &Pair) -> Option<Remark> {
    let certificate = &pair.certificate;
    let text = if certificate.names.is_empty() {
        "this certificate names no host, and clients that check will refuse it: have one made \
         with the server's names in it (subjectAltName)"
    } else if pair.length == 1 && !certificate.self_issued {
        "this certificate comes alone: unless its authority is one that clients know themselves, \
         the certificates that lead there belong behind it"
    } else {
        return None;
    };
    Some(Remark::of(&pair.path, text))
}
