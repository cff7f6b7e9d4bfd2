//! What the options about addresses and ports say together: where clients
//! come in, and where data connections do.
#![forbid(unsafe_code)]

use std::net::{Ipv4Addr, Ipv6Addr};

use super::check::Report;
use super::error::Problem;
use super::finding::Note;
use super::notes::{Away, Slip, Vain};
use super::options::Config;
use super::parse::shown;
use crate::protocol::PortSet;
use crate::protocol::address::parse_loose_ipv4;
use crate::protocol::networks::AddressMap;

/// An IPv6 address in bytes.
pub(super) fn ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

pub(super) fn check(report: &mut Report<'_>) {
    listening(report);
    announced(report);
    ports(report);
}

fn listening(report: &mut Report<'_>) {
    let config = report.config;
    if !config.listen && !config.listen_ipv6 {
        report.finding("listen", Away::ByInetdOnly);
    }
    // An address that no socket is for does no harm, whatever it is.
    let four = &config.listen_address;
    if config.listen && !four.is_empty() && !oddly(report, "listen_address", four) {
        report.error("listen_address", Problem::BadIpv4(shown(four)));
    }
    let six = &config.listen_address6;
    if config.listen_ipv6 && !six.is_empty() && ipv6(six).is_none() {
        report.error("listen_address6", Problem::BadIpv6(shown(six)));
    }
}

/// Whether `text` is an IPv4 address, and tells if it is one that few would
/// recognise.
fn oddly(report: &mut Report<'_>, option: &str, text: &[u8]) -> bool {
    let Some(taken) = parse_loose_ipv4(text) else {
        return false;
    };
    let written = shown(text);
    if written.parse::<Ipv4Addr>().is_err() {
        report.finding(option, Slip::OddAddress { written, taken });
    }
    true
}

fn announced(report: &mut Report<'_>) {
    let config = report.config;
    if AddressMap::parse(&config.pasv_address_map).is_none() {
        let text = shown(&config.pasv_address_map);
        report.error("pasv_address_map", Problem::BadAddressMap(text));
    }
    let address = &config.pasv_address;
    if !address.is_empty() && !oddly(report, "pasv_address", address) && !config.pasv_addr_resolve {
        report.finding("pasv_address", Note::NotAnnounced(shown(address)));
    }
}

/// Ports below are those of services, for which a server that has given up
/// root may not listen.
const LOWEST: u16 = 1024;

/// The lowest and the highest passive port, of which one that makes no sense
/// does not count: vsftpd's rule.
pub(super) fn passive_range(config: &Config) -> (u16, u16) {
    let port = |value: u32, from| u16::try_from(value).ok().filter(|&port| port >= from);
    let first = port(config.pasv_min_port(), LOWEST).unwrap_or(LOWEST);
    let last = port(config.pasv_max_port(), first).unwrap_or(u16::MAX);
    (first, last)
}

fn ports(report: &mut Report<'_>) {
    let config = report.config;
    if !config.pasv_ports.is_empty() {
        if PortSet::parse(&config.pasv_ports).is_none() {
            report.error("pasv_ports", Problem::BadPorts(shown(&config.pasv_ports)));
        }
        return;
    }
    let (first, last) = passive_range(config);
    for (option, written, taken) in [
        ("pasv_min_port", config.pasv_min_port, first),
        ("pasv_max_port", config.pasv_max_port, last),
    ] {
        if written != 0 && written != u32::from(taken) {
            report.finding(option, Vain::NoSuchPort { first, last });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::tests::{errors, judged};
    use super::super::load::Accounts;

    fn told(text: &str) -> Vec<String> {
        judged(text, Accounts::Configured).unwrap()
    }

    #[test]
    fn lists_of_ports_and_maps_must_be_some() {
        assert_eq!(
            errors("pasv_ports=5-4"),
            ["f:1: pasv_ports: \"5-4\" is not a list of ports such as 30000-30009,30020"]
        );
        assert_eq!(errors("pasv_address_map=10.0.0.1/8=1.2.3.4").len(), 1);
        assert_eq!(told("pasv_ports=5000-5009,5020\npasv_max_port=1"), [""; 0]);
    }

    #[test]
    fn a_passive_port_that_makes_no_sense_does_not_count() {
        assert_eq!(
            told("pasv_min_port=6000\npasv_max_port=5999"),
            [
                "f:2: pasv_max_port: does not count, as in vsftpd, since it is not between the lowest \
                 port and 65535: passive ports are 6000-65535, which a firewall must let in"
            ]
        );
        // The default lowest port counts as well.
        assert!(told("pasv_max_port=5000")[0].contains("are 5001-65535"));
        assert!(told("pasv_min_port=0\npasv_max_port=1023")[0].contains("are 1024-65535"));
        assert_eq!(told("pasv_min_port=70000\npasv_max_port=80000").len(), 2);
        assert!(told("pasv_min_port=500\npasv_max_port=600")[1].contains("are 1024-65535"));
        for fine in [
            "pasv_min_port=6000\npasv_max_port=6000",
            "pasv_min_port=0",
            "pasv_min_port=0\npasv_max_port=1024",
        ] {
            assert_eq!(told(fine), [""; 0], "{fine}");
        }
    }

    #[test]
    fn addresses_must_be_numeric_and_of_their_family() {
        assert_eq!(
            errors("listen_address=::1"),
            ["f:1: listen_address: \"::1\" is not a numeric IPv4 address"]
        );
        assert_eq!(
            errors("listen_ipv6=YES\nlisten_address6=127.0.0.1").len(),
            1
        );
        assert_eq!(
            told("listen_address=127.1"),
            ["f:1: listen_address: \"127.1\" is read as 127.0.0.1, as in vsftpd: write 127.0.0.1"]
        );
    }

    #[test]
    fn an_address_that_no_socket_is_for_is_only_told() {
        for (text, told_first) in [
            (
                "listen=NO\nlisten_ipv6=YES\nlisten_address=2001:db8::1",
                "f:3: listen_address: has no effect while listen is NO",
            ),
            (
                "listen_address6=127.0.0.1",
                "f:1: listen_address6: has no effect while listen_ipv6 is NO",
            ),
        ] {
            assert!(told(text)[0].starts_with(told_first), "{text}");
        }
    }

    #[test]
    fn a_passive_address_that_is_none_is_told_and_not_announced() {
        let words = told("pasv_address=ftp.example");
        assert!(words[0].contains("set pasv_addr_resolve=YES"), "{words:?}");
        for fine in [
            "pasv_address=ftp.example\npasv_addr_resolve=YES",
            "pasv_address=192.0.2.1",
        ] {
            assert_eq!(told(fine), [""; 0], "{fine}");
        }
    }

    #[test]
    fn listening_to_nothing_is_for_inetd() {
        let told = told("listen=NO");
        assert!(told[0].starts_with("f:1: listen: neither listen nor listen_ipv6"));
        assert!(judged("listen=NO\nlisten_ipv6=YES", Accounts::Configured).is_ok());
        assert!(judged("listen=YES\nlisten_ipv6=YES", Accounts::Configured).is_ok());
    }
}
