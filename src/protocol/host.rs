//! Host names of HOST (RFC 7151 section 3.2): a domain name, or an address
//! as a literal. Never with a port.
#![forbid(unsafe_code)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host as a client names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Host {
    /// A domain name: lower case, without the dot at its end.
    Name(String),
    /// An address; an IPv4-mapped one as IPv4.
    Address(IpAddr),
}

impl Host {
    /// Reads `ftp.example.org`, `192.0.2.1`, `[192.0.2.1]` or `[2001:db8::1]`.
    /// Names of other scripts come as A-labels (RFC 7151 section 3.2.2).
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Host> {
        let text = str::from_utf8(text).ok()?;
        if let Some(literal) = text.strip_prefix('[') {
            let address: IpAddr = literal.strip_suffix(']')?.parse().ok()?;
            return Some(Host::Address(address.to_canonical()));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Host::Address(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let well_formed = (1..=253).contains(&name.len()) && name.split('.').all(is_label);
        well_formed.then(|| Host::Name(name.to_ascii_lowercase()))
    }
}

/// Letters, digits, hyphens within; and the underscore, which is in no
/// standard and in many a network.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}

/// The hosts a server is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HostNames(Vec<Host>);

impl HostNames {
    /// Reads a list with commas; blanks round the names are forgiven.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<HostNames> {
        if text.trim_ascii().is_empty() {
            return Some(HostNames::default());
        }
        let names = text.split(|octet| *octet == b',').map(<[u8]>::trim_ascii);
        // An IPv6 address may be written without brackets here.
        let read = |name: &[u8]| {
            let bare = str::from_utf8(name).ok()?.parse::<Ipv6Addr>();
            let bare = bare.map(|address| Host::Address(IpAddr::V6(address).to_canonical()));
            bare.ok().or_else(|| Host::parse(name))
        };
        names.map(read).collect::<Option<_>>().map(HostNames)
    }

    /// Whether `host` is one of them. Without a list every name is; the
    /// address the client has reached, `own`, always is.
    #[must_use]
    pub fn serve(&self, host: &Host, own: IpAddr) -> bool {
        self.0.contains(host)
            || match host {
                Host::Name(_) => self.0.is_empty(),
                Host::Address(address) => *address == own.to_canonical(),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Host {
        Host::Address(text.parse().unwrap())
    }

    #[test]
    fn names_and_literals_are_read() {
        for (text, host) in [
            ("ftp.Example.ORG", Host::Name("ftp.example.org".into())),
            ("ftp.example.org.", Host::Name("ftp.example.org".into())),
            (
                "xn--bcher-kva.example",
                Host::Name("xn--bcher-kva.example".into()),
            ),
            ("nas_2", Host::Name("nas_2".into())),
            ("192.0.2.1", address("192.0.2.1")),
            ("[192.0.2.1]", address("192.0.2.1")),
            ("[2001:DB8::1]", address("2001:db8::1")),
            ("[::ffff:192.0.2.1]", address("192.0.2.1")),
        ] {
            assert_eq!(Host::parse(text.as_bytes()), Some(host), "{text}");
        }
    }

    #[test]
    fn ports_and_other_forms_are_refused() {
        let long = "a.".repeat(128);
        for text in [
            "",
            ".",
            "a..b",
            "-a",
            "a-",
            "a b",
            "a:21",
            "192.0.2.1:21",
            "[::1]:21",
            "::1",
            "[::1",
            "[ftp.example.org]",
            "b\u{fc}cher.example",
            "a/b",
            "a,b",
            long.as_str(),
        ] {
            assert_eq!(Host::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Host::parse(&[b'a'; 64]), None);
    }

    #[test]
    fn without_a_list_every_name_is_served_and_the_own_address() {
        let all = HostNames::parse(b" ").unwrap();
        let own = "192.0.2.1".parse().unwrap();
        assert!(all.serve(&Host::Name("any.example".into()), own));
        assert!(all.serve(&address("192.0.2.1"), own));
        assert!(!all.serve(&address("192.0.2.2"), own));
    }

    #[test]
    fn with_a_list_its_members_are_served_and_the_own_address() {
        let some = HostNames::parse(b"FTP.example.org, 203.0.113.7,2001:db8::1").unwrap();
        let own = "::ffff:192.0.2.1".parse().unwrap();
        for host in [
            "ftp.example.org",
            "203.0.113.7",
            "[2001:db8::1]",
            "192.0.2.1",
        ] {
            assert!(
                some.serve(&Host::parse(host.as_bytes()).unwrap(), own),
                "{host}"
            );
        }
        assert!(!some.serve(&Host::Name("example.org".into()), own));
        assert_eq!(HostNames::parse(b"a,,b"), None);
        assert_eq!(HostNames::parse(b"a:21"), None);
    }
}
