//! Passive mode: the address that is announced, and the range of ports.

use super::machine::Machine;
use super::{Found, own_addresses, range_option, serves};
use crate::config::{Config, Symptom};
use crate::protocol::PortSet;
use crate::protocol::address::parse_loose_ipv4;
use crate::protocol::networks::{AddressMap, is_local};
use std::net::{IpAddr, Ipv4Addr};

/// Judges what passive mode will meet.
pub(super) fn judge(config: &Config, machine: &Machine, found: &mut Found) {
    if !config.pasv_enable() {
        return;
    }
    found.extend(private_address(config, machine));
    let ports = config.passive_ports();
    let (option, chosen) = range_option(config);
    found.extend(few_ports(config, &ports).map(|symptom| (option, symptom)));
    // The default range is so wide that the ports of others make no
    // difference.
    if chosen {
        found.extend(ephemeral(config, machine, &ports).map(|symptom| (option, symptom)));
    }
}

/// Whether PASV announces private addresses to clients beyond a router. A map
/// for local clients says nothing of them.
fn private_address(config: &Config, machine: &Machine) -> Option<(&'static str, Symptom)> {
    if !serves(config, true) {
        return None;
    }
    let map = AddressMap::parse(config.pasv_address_map()).unwrap_or_default();
    let mapped = map.for_public_clients();
    let set = config.pasv_address();
    let by_name = config.pasv_addr_resolve() && !set.is_empty();
    let (option, mut announced) = if !mapped.is_empty() {
        // Any of them is for somebody.
        let private = mapped.into_iter().filter(|&address| is_local(address));
        ("pasv_address_map", private.collect())
    } else if let Some(address) = parse_loose_ipv4(set) {
        ("pasv_address", vec![address])
    } else if by_name {
        // The server looks it up, and says what it finds.
        ("pasv_address", Vec::new())
    } else {
        let own = own_addresses(config, machine).into_iter();
        let own = own.filter_map(|address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        });
        ("pasv_address", own.collect::<Vec<Ipv4Addr>>())
    };
    announced.sort_unstable();
    announced.dedup();
    let private = !announced.is_empty() && announced.iter().all(|&address| is_local(address));
    private.then_some((option, Symptom::PrivateAddress(announced)))
}

/// How many sessions one address may hold, and the option that says so.
fn sessions_per_address(config: &Config) -> (Option<u32>, &'static str) {
    match (config.max_per_ip(), config.max_clients()) {
        (0, 0) => (None, "max_per_ip"),
        (0, clients) => (Some(clients), "max_clients"),
        (each, clients) if clients > 0 && clients < each => (Some(clients), "max_clients"),
        (each, _) => (Some(each), "max_per_ip"),
    }
}

fn few_ports(config: &Config, ports: &PortSet) -> Option<Symptom> {
    let (sessions, limit) = sessions_per_address(config);
    (ports.count() < enough(config)).then(|| Symptom::FewPorts {
        ports: ports.count(),
        sessions,
        limit,
    })
}

/// How many ports are enough. For any number of sessions no range is, so
/// as many count as there would be by default.
fn enough(config: &Config) -> usize {
    let sessions = sessions_per_address(config).0;
    let sessions = sessions.unwrap_or_else(|| Config::default().max_clients());
    usize::try_from(sessions).unwrap_or(usize::MAX)
}

fn ephemeral(config: &Config, machine: &Machine, ports: &PortSet) -> Option<Symptom> {
    let mut range = machine.local_ports.split_whitespace();
    let first: u16 = range.next()?.parse().ok()?;
    let last: u16 = range.next()?.parse().ok()?;
    let reserved = PortSet::parse(machine.reserved_ports.trim().as_bytes());
    let is_reserved = |port| reserved.as_ref().is_some_and(|set| set.contains(port));
    let is_at_risk = |port: &u16| (first..=last).contains(port) && !is_reserved(*port);
    let at_risk = PortSet::of(ports.iter().filter(is_at_risk))?;
    // The setting replaces what is there, so it has to say both.
    let both = (0..=u16::MAX).filter(|&port| is_reserved(port) || at_risk.contains(port));
    Some(Symptom::Ephemeral {
        ports: at_risk.to_string(),
        range: (first, last),
        reserve: PortSet::of(both)?.to_string(),
        // PASV tries other ports: a wide range can spare half of these.
        enough: ports.count() - at_risk.count() / 2 >= enough(config),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn machine(addresses: &[&str], reserved: &str) -> Machine {
        Machine {
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            local_ports: "32768\t60999\n".to_owned(),
            reserved_ports: format!("{reserved}\n"),
            ..Machine::default()
        }
    }

    fn lines(text: &str, addresses: &[&str], reserved: &str) -> Vec<String> {
        told(judge, text, &machine(addresses, reserved))
    }

    #[test]
    fn a_machine_with_private_addresses_only_is_told_of_pasv_address() {
        let private = ["127.0.0.1", "192.168.1.2", "10.0.0.1"];
        let [line] = lines("", &private, "").try_into().unwrap();
        assert!(line.starts_with("Info default: pasv_address: "), "{line}");
        assert!(line.contains("(10.0.0.1, 192.168.1.2)"), "{line}");
        for (text, addresses) in [
            ("", &["127.0.0.1", "192.168.1.2", "203.0.113.7"][..]),
            ("", &["127.0.0.1"]),
            ("", &[]),
            ("pasv_address=203.0.113.7", &private),
            (
                "pasv_address_map=10.0.0.0/8=10.0.0.1,0.0.0.0/0=203.0.113.7",
                &private,
            ),
            ("pasv_address_map=198.51.100.0/24=203.0.113.7", &private),
            ("pasv_address=ftp.example\npasv_addr_resolve=YES", &private),
            ("pasv_enable=NO", &private),
            ("listen_address=203.0.113.7", &private),
            (
                "listen=NO\nlisten_ipv6=YES\nlisten_address6=fd00::1",
                &private,
            ),
        ] {
            assert_eq!(lines(text, addresses, ""), [""; 0], "{text}");
        }
        let one = lines("listen_address=10.0.0.1", &["203.0.113.7"], "");
        assert!(one[0].contains("(10.0.0.1)"), "{one:?}");
        let mapped = lines("listen=NO\nlisten_ipv6=YES", &["10.0.0.1"], "");
        assert!(mapped[0].contains("(10.0.0.1)"), "{mapped:?}");
    }

    #[test]
    fn a_map_for_local_clients_and_a_private_pasv_address_are_told() {
        let own = ["192.168.7.5"];
        for (text, option, address) in [
            (
                "pasv_address_map=192.168.7.0/24=192.168.7.5",
                "default: pasv_address:",
                "192.168.7.5",
            ),
            ("pasv_address=10.0.0.9", "f:1: pasv_address:", "10.0.0.9"),
            (
                "pasv_address=10.0.0.9\npasv_address_map=10.0.0.0/8=10.0.0.7",
                "f:1: pasv_address:",
                "10.0.0.9",
            ),
            (
                "pasv_address_map=0.0.0.0/0=10.0.0.7,8.0.0.0/8=203.0.113.7",
                "f:1: pasv_address_map:",
                "10.0.0.7",
            ),
        ] {
            let [line] = lines(text, &own, "").try_into().unwrap();
            assert!(line.starts_with(&format!("Info {option} ")), "{line}");
            assert!(line.contains(&format!("({address})")), "{line}");
        }
    }

    #[test]
    fn a_range_below_the_sessions_of_one_address_is_told() {
        let [line] = lines("\npasv_ports=5000-5009", &[], "").try_into().unwrap();
        assert!(
            line.starts_with("Warning f:2: pasv_ports: 10 ports, but 50 sessions"),
            "{line}"
        );
        for (text, told) in [
            ("pasv_ports=5000-5049", None),
            ("pasv_ports=5000-5009\nmax_per_ip=10", None),
            ("pasv_ports=5000-5009\nmax_clients=10", None),
            ("pasv_ports=5000-5009\nmax_per_ip=11", Some("max_per_ip=11")),
            (
                "pasv_ports=5000-5009\nmax_clients=11",
                Some("max_clients=11"),
            ),
            (
                "pasv_ports=5000-6000\nmax_per_ip=0",
                Some("max_clients=2000"),
            ),
            ("max_per_ip=0", None),
            ("max_per_ip=0\nmax_clients=0", None),
            (
                "max_per_ip=0\nmax_clients=0\npasv_ports=5000-5999",
                Some("max_per_ip=0"),
            ),
        ] {
            let lines = lines(text, &[], "");
            assert_eq!(lines.len(), usize::from(told.is_some()), "{lines:?}");
            for line in lines {
                assert!(line.contains(told.unwrap()), "{line}");
            }
        }
    }

    #[test]
    fn a_chosen_range_among_the_kernel_s_own_ports_is_told() {
        let range = "pasv_min_port=32000\npasv_max_port=33000\nmax_per_ip=1000";
        let [line] = lines(range, &[], "8080,40000-40010").try_into().unwrap();
        assert!(line.starts_with("Warning f:2: pasv_max_port: "), "{line}");
        assert!(line.contains("ports 32768-33000 to outgoing"), "{line}");
        assert!(
            line.contains("ip_local_reserved_ports=8080,32768-33000,40000-40010 "),
            "{line}"
        );
        assert_eq!(lines(range, &[], "32768-33000"), [""; 0]);
        let low = "pasv_min_port=30000\npasv_max_port=30100";
        assert_eq!(lines(low, &[], ""), [""; 0]);
        assert_eq!(lines("", &[], ""), [""; 0]);
    }

    #[test]
    fn a_range_that_can_spare_some_ports_is_only_noted() {
        for wide in [
            "pasv_min_port=32000\npasv_max_port=33000",
            "pasv_min_port=40000\npasv_max_port=50000",
        ] {
            let [line] = lines(wide, &[], "").try_into().unwrap();
            assert!(line.starts_with("Info f:2: pasv_max_port: "), "{line}");
            assert!(line.contains("the range can spare some"), "{line}");
        }
    }

    #[test]
    fn what_the_kernel_does_not_say_is_no_finding() {
        for text in ["", "x", "1", "1 x", "70000 80000"] {
            let machine = Machine {
                local_ports: text.to_owned(),
                ..Machine::default()
            };
            let range = "pasv_min_port=32000\npasv_max_port=33000";
            assert_eq!(told(judge, range, &machine), [""; 0], "{text:?}");
        }
    }
}
