//! Which sockets the listening options ask for, and which ports those of
//! passive data connections.
//!
//! The options say it in several places; the server wants one list of each.
#![forbid(unsafe_code)]

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::network::{ipv6, passive_range};
use super::options::Config;
use crate::protocol::PortSet;
use crate::protocol::address::parse_loose_ipv4;

/// One socket to listen on for control connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Address and port; port 0 lets the system choose.
    pub address: SocketAddr,
    /// For an IPv6 socket, whether to set IPV6_V6ONLY. It is left off only
    /// where the one socket is to serve IPv4 clients as well.
    pub only_v6: bool,
}

impl Config {
    /// The sockets to listen on, IPv4 first; one or two in a configuration
    /// that was checked.
    ///
    /// listen=YES asks for IPv4, listen_ipv6=YES for IPv6; alone and without
    /// an address, listen_ipv6 serves both families on one socket, as
    /// vsftpd does.
    #[must_use]
    pub fn listeners(&self) -> Vec<Listener> {
        // A checked configuration holds numbers and addresses that parse.
        let port = u16::try_from(self.listen_port()).unwrap_or(21);
        let mut listeners = Vec::new();
        if self.listen() {
            let address = parse_loose_ipv4(self.listen_address()).unwrap_or(Ipv4Addr::UNSPECIFIED);
            listeners.push(Listener {
                address: (address, port).into(),
                only_v6: false,
            });
        }
        if self.listen_ipv6() {
            let address = ipv6(self.listen_address6()).unwrap_or(Ipv6Addr::UNSPECIFIED);
            listeners.push(Listener {
                address: (address, port).into(),
                only_v6: self.listen(),
            });
        }
        listeners
    }

    /// The ports PASV may give out: pasv_ports, or else the range.
    #[must_use]
    pub fn passive_ports(&self) -> PortSet {
        let (first, last) = passive_range(self);
        PortSet::parse(self.pasv_ports()).unwrap_or_else(|| PortSet::range(first, last))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn listeners(settings: &[&str]) -> Vec<(String, bool)> {
        Config::of_text(&settings.join("\n"))
            .listeners()
            .iter()
            .map(|l| (l.address.to_string(), l.only_v6))
            .collect()
    }

    #[test]
    fn default_is_every_ipv4_address() {
        assert_eq!(listeners(&[]), [("0.0.0.0:21".to_owned(), false)]);
    }

    #[test]
    fn ipv6_alone_serves_both_families_on_one_socket() {
        assert_eq!(
            listeners(&["listen=NO", "listen_ipv6=YES"]),
            [("[::]:21".to_owned(), false)]
        );
    }

    #[test]
    fn both_switches_make_two_sockets() {
        assert_eq!(
            listeners(&["listen_ipv6=YES", "listen_port=2121"]),
            [
                ("0.0.0.0:2121".to_owned(), false),
                ("[::]:2121".to_owned(), true)
            ]
        );
    }

    #[test]
    fn addresses_are_those_of_the_options() {
        assert_eq!(
            listeners(&[
                "listen_ipv6=YES",
                "listen_address=127.0.0.1",
                "listen_address6=::1"
            ]),
            [
                ("127.0.0.1:21".to_owned(), false),
                ("[::1]:21".to_owned(), true)
            ]
        );
    }

    #[test]
    fn passive_ports_are_the_list_or_else_the_range() {
        let ports = |settings: &[&str]| {
            let config = Config::of_text(&settings.join("\n"));
            config.passive_ports().to_string()
        };
        assert_eq!(ports(&[]), "5001-65535");
        assert_eq!(
            ports(&["pasv_min_port=0", "pasv_max_port=2000"]),
            "1024-2000"
        );
        assert_eq!(ports(&["pasv_ports=7,5", "pasv_max_port=6000"]), "5,7");
    }
}
