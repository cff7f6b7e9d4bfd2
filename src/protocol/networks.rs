//! IPv4 networks in CIDR notation (RFC 4632), and a map from the client's
//! network to the address that PASV announces to it.
#![forbid(unsafe_code)]

use std::net::Ipv4Addr;

/// A network such as `192.168.0.0/16`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Network {
    address: u32,
    mask: u32,
}

impl Network {
    /// An address without a length is a network of one.
    fn parse(text: &str) -> Option<Network> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, length.parse().ok()?),
            None => (text, 32),
        };
        let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
        let mask = match length {
            0 => 0,
            1..=32 => u32::MAX << (32 - length),
            _ => return None,
        };
        // A bit set behind the length is a slip of the pen.
        (address & !mask == 0).then_some(Network { address, mask })
    }

    /// Whether an address in it is no local one. Networks begin and end at
    /// powers of two: one with two local ends is within a local network.
    fn is_public(self) -> bool {
        let ends = [self.address, self.address | !self.mask];
        ends.into_iter().any(|end| !is_local(Ipv4Addr::from(end)))
    }

    fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & self.mask == self.address
    }
}

/// Which address to announce to which clients.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AddressMap(Vec<(Network, Ipv4Addr)>);

impl AddressMap {
    /// `network=address` pairs parted by commas; nothing is an empty map.
    /// `None` if `text` is anything else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<AddressMap> {
        let text = std::str::from_utf8(text).ok()?;
        if text.is_empty() {
            return Some(AddressMap::default());
        }
        let pair = |part: &str| {
            let (network, address) = part.split_once('=')?;
            Some((Network::parse(network)?, address.parse().ok()?))
        };
        text.split(',')
            .map(pair)
            .collect::<Option<Vec<_>>>()
            .map(AddressMap)
    }

    /// The address for a client at `client`: that of the smallest network it
    /// is in, `None` if it is in none.
    #[must_use]
    pub fn address_for(&self, client: Ipv4Addr) -> Option<Ipv4Addr> {
        let matching = self
            .0
            .iter()
            .filter(|(network, _)| network.contains(client));
        matching
            .max_by_key(|(network, _)| network.mask)
            .map(|&(_, address)| address)
    }
}

impl AddressMap {
    /// The addresses for clients elsewhere than in local networks; none if
    /// the map is about local clients only.
    #[must_use]
    pub fn for_public_clients(&self) -> Vec<Ipv4Addr> {
        let public = self.0.iter().filter(|(network, _)| network.is_public());
        public.map(|&(_, address)| address).collect()
    }
}

/// Whether packets to `address` find their way only within a site or a
/// machine: private use (RFC 1918), shared (RFC 6598), link-local, loopback.
#[must_use]
pub fn is_local(address: Ipv4Addr) -> bool {
    let shared = matches!(address.octets(), [100, 64..=127, ..]);
    address.is_private() || address.is_link_local() || address.is_loopback() || shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn the_smallest_network_decides() {
        let map = AddressMap::parse(b"0.0.0.0/0=203.0.113.7,10.0.0.0/8=10.0.0.5,10.1.2.3=10.9.9.9");
        let map = map.unwrap();
        for (client, announced) in [
            ("198.51.100.1", "203.0.113.7"),
            ("10.200.0.1", "10.0.0.5"),
            ("10.1.2.3", "10.9.9.9"),
        ] {
            assert_eq!(map.address_for(address(client)), Some(address(announced)));
        }
        let map = AddressMap::parse(b"10.0.0.0/8=10.0.0.5").unwrap();
        assert_eq!(map.address_for(address("11.0.0.1")), None);
        assert_eq!(AddressMap::parse(b""), Some(AddressMap::default()));
    }

    #[test]
    fn addresses_for_public_clients_are_those_of_networks_that_reach_beyond() {
        let public = |text: &str| {
            let map = AddressMap::parse(text.as_bytes()).unwrap();
            let addresses = map.for_public_clients();
            addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            public("10.0.0.0/8=10.0.0.5,192.168.7.0/24=192.168.7.5"),
            [""; 0]
        );
        assert_eq!(public("0.0.0.0/0=203.0.113.7"), ["203.0.113.7"]);
        assert_eq!(public("198.51.100.0/24=10.0.0.5"), ["10.0.0.5"]);
        assert_eq!(
            public("10.0.0.0/7=10.0.0.5,127.0.0.0/8=127.0.0.1"),
            ["10.0.0.5"]
        );
    }

    #[test]
    fn what_is_no_map_is_refused() {
        for text in [
            "10.0.0.0/8",
            "10.0.0.1/8=1.2.3.4",
            "10.0.0.0/33=1.2.3.4",
            "10.0.0.0/-1=1.2.3.4",
            "=1.2.3.4",
            "10.0.0.0/8=",
            "10.0.0.0/8=host",
            "10.0.0.0/8=1.2.3.4,",
            " 10.0.0.0/8=1.2.3.4",
        ] {
            assert_eq!(AddressMap::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn local_addresses_are_told_from_public_ones() {
        for text in [
            "10.1.1.1",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.0.1",
            "127.0.0.1",
            "100.64.0.1",
        ] {
            assert!(is_local(address(text)), "{text}");
        }
        for text in ["172.32.0.1", "100.128.0.1", "203.0.113.7", "8.8.8.8"] {
            assert!(!is_local(address(text)), "{text}");
        }
    }
}
