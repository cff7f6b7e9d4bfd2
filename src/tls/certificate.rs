//! What is read out of a certificate (RFC 5280): how long it is good, and
//! the names it gives its owner. Whether it is genuine is rustls-webpki's
//! business; nothing here decides that.

use crate::protocol::Timestamp;
use crate::protocol::time::parse_mdtm;
use std::fmt;

/// A certificate, as far as it is read here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Seconds since 1970 from which on it is good.
    pub not_before: i64,
    /// Seconds since 1970 up to which it is good.
    pub not_after: i64,
    /// The common name of its owner, if there is one.
    pub common_name: Option<String>,
    /// DNS names and mail addresses of its owner (subjectAltName).
    pub names: Vec<String>,
    /// Issuer and subject are the same.
    pub self_issued: bool,
    /// The content of its subjectPublicKeyInfo, in DER.
    public_key: Vec<u8>,
}

/// A certificate that is not made as RFC 5280 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garbled;

impl fmt::Display for Garbled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a certificate")
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING_CONTEXT_3: u8 = 0xA3;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xA0;

/// 2.5.4.3, id-at-commonName.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.17, id-ce-subjectAltName.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1D, 0x11];
/// rfc822Name and dNSName in a GeneralName.
const MAIL: u8 = 0x81;
const DNS: u8 = 0x82;

/// Reads values of DER (X.690) one after the other.
struct Reader<'der>(&'der [u8]);

impl<'der> Reader<'der> {
    /// The next value: its tag and content.
    fn next(&mut self) -> Option<(u8, &'der [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7F => (usize::from(first), rest),
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
                let length = octets
                    .iter()
                    .fold(0_usize, |sum, &octet| (sum << 8) | usize::from(octet));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The next value, which must have this tag.
    fn expect(&mut self, tag: u8) -> Option<&'der [u8]> {
        let (found, content) = self.next()?;
        (found == tag).then_some(content)
    }

    /// The next value if it has this tag.
    fn maybe(&mut self, tag: u8) -> Option<&'der [u8]> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.expect(tag)
    }
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// When it is not one.
    pub fn read(der: &[u8]) -> Result<Certificate, Garbled> {
        read(der).ok_or(Garbled)
    }

    /// Whether it is about this public key, a SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn is_about(&self, public_key: &[u8]) -> bool {
        Reader(public_key).expect(SEQUENCE) == Some(&self.public_key)
    }

    /// The last day on which it is good, in UTC.
    #[must_use]
    pub fn last_day(&self) -> String {
        let end = Timestamp {
            seconds: self.not_after,
            nanoseconds: 0,
        };
        let end = end.civil();
        format!("{:04}-{:02}-{:02}", end.year, end.month, end.day)
    }

    /// Whole days from `now` on for which it is good; negative ones since it
    /// is not.
    #[must_use]
    pub fn days_left(&self, now: i64) -> i64 {
        (self.not_after - now).div_euclid(24 * 3600)
    }

    /// Whether it is good for a host of this name, in lower case.
    #[must_use]
    pub fn serves(&self, host: &str) -> bool {
        self.names.iter().any(|name| matches(name, host))
    }
}

/// Whether a name in a certificate means this host; `*.` stands for one
/// label (RFC 6125 section 6.4.3).
fn matches(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(domain) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
        None => name.eq_ignore_ascii_case(host),
    }
}

fn read(der: &[u8]) -> Option<Certificate> {
    let mut outer = Reader(Reader(der).expect(SEQUENCE)?);
    let mut body = Reader(outer.expect(SEQUENCE)?);
    body.maybe(VERSION);
    body.expect(INTEGER)?;
    body.expect(SEQUENCE)?;
    let issuer = body.expect(SEQUENCE)?;
    let mut validity = Reader(body.expect(SEQUENCE)?);
    let not_before = time(validity.next()?)?;
    let not_after = time(validity.next()?)?;
    let subject = body.expect(SEQUENCE)?;
    let public_key = body.expect(SEQUENCE)?.to_vec();
    let mut names = Vec::new();
    // Unique identifiers may stand before the extensions.
    while let Some((tag, content)) = body.next() {
        if tag == BIT_STRING_CONTEXT_3 {
            names = alternative_names(content)?;
        }
    }
    Some(Certificate {
        not_before,
        not_after,
        common_name: common_name(subject),
        names,
        self_issued: issuer == subject,
        public_key,
    })
}

fn common_name(subject: &[u8]) -> Option<String> {
    let mut sets = Reader(subject);
    let mut found = None;
    while let Some(set) = sets.expect(SET) {
        let mut attributes = Reader(set);
        while let Some(attribute) = attributes.expect(SEQUENCE) {
            let mut attribute = Reader(attribute);
            if attribute.expect(OBJECT) == Some(COMMON_NAME) {
                let (_, text) = attribute.next()?;
                found = text_of(text);
            }
        }
    }
    found
}

/// Text as it is given to people: none that holds a NUL or is no UTF-8,
/// which could pass for another name.
fn text_of(octets: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(octets).ok()?;
    (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned())
}

fn alternative_names(content: &[u8]) -> Option<Vec<String>> {
    let mut extensions = Reader(Reader(content).expect(SEQUENCE)?);
    let mut names = Vec::new();
    while let Some(extension) = extensions.expect(SEQUENCE) {
        let mut extension = Reader(extension);
        if extension.expect(OBJECT) != Some(ALTERNATIVE_NAMES) {
            continue;
        }
        // Whether it is critical may stand in between.
        while let Some((tag, value)) = extension.next() {
            if tag != OCTET_STRING {
                continue;
            }
            let mut general = Reader(Reader(value).expect(SEQUENCE)?);
            while let Some((tag, name)) = general.next() {
                if tag == MAIL || tag == DNS {
                    names.extend(text_of(name));
                }
            }
        }
    }
    Some(names)
}

/// Seconds since 1970 of a Time: `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time((tag, text): (u8, &[u8])) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match tag {
        // RFC 5280 section 4.1.2.5.1: 50 to 99 are of the last century.
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    parse_mdtm(text.as_bytes()).map(|time| time.seconds)
}
