//! One condition of an nftables rule (libnftables-json(5), EXPRESSIONS): which
//! clients' connections to this machine satisfy it?
//!
//! What is not understood is said to be unclear, and nothing is concluded
//! from it later.

use super::addresses;
use serde_json::Value;
use std::collections::HashMap;
use std::net::IpAddr;

/// Which of the clients; the order is that of how sure a way in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Share {
    /// None of them.
    Nobody,
    /// Those at certain interfaces or addresses.
    Some,
    /// Not to be told from the rules.
    Unclear,
    /// Every one.
    All,
}

/// The first packet of a TCP connection from another machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    /// IPv4, or else IPv6.
    pub(super) v4: bool,
    /// Connection tracking takes it for part of an FTP session.
    pub(super) related: bool,
    /// Connection tracking has seen it.
    pub(super) tracked: bool,
    /// The port it goes to.
    pub(super) port: u16,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// The same for every packet.
    Fixed(Share),
    /// By address family.
    Families { v4: bool, v6: bool },
    /// By connection state.
    States { new: bool, related: bool },
    /// By port: one of these ranges, or none of them.
    Ports {
        ranges: Vec<(u16, u16)>,
        inside: bool,
    },
}

impl Test {
    /// For which clients a packet satisfies it.
    pub(super) fn share(&self, packet: &Packet) -> Share {
        let holds = match self {
            Test::Fixed(share) => return *share,
            Test::Families { v4, v6 } => *if packet.v4 { v4 } else { v6 },
            Test::States { .. } if !packet.tracked => return Share::Unclear,
            Test::States { new, related } => *if packet.related { related } else { new },
            Test::Ports { ranges, inside } => {
                let port = packet.port;
                let found = ranges.iter().any(|&(a, b)| (a..=b).contains(&port));
                found == *inside
            }
        };
        if holds { Share::All } else { Share::Nobody }
    }

    fn plain(holds: Option<bool>) -> Test {
        Test::Fixed(match holds {
            Some(true) => Share::All,
            Some(false) => Share::Nobody,
            None => Share::Unclear,
        })
    }
}

/// What the conditions of a table may refer to.
#[derive(Debug, Default)]
pub(super) struct Surroundings<'a> {
    /// Elements of the named sets and maps.
    pub(super) sets: HashMap<&'a str, &'a Value>,
    /// Addresses that clients connect to.
    pub(super) own: &'a [IpAddr],
    /// Some rule somewhere translates destinations.
    pub(super) translates: bool,
}

/// The conditions that `left op right` amounts to; none if it always holds.
pub(super) fn tests(left: &Value, op: &str, right: &Value, around: &Surroundings) -> Vec<Test> {
    let members = members(right, around);
    let members = members.as_deref();
    let inner = |kind: &str, field: &str| left.get(kind)?.get(field)?.as_str();
    if let Some(key) = inner("meta", "key") {
        return vec![meta(key, op, members)];
    }
    if let Some(key) = inner("ct", "key") {
        return vec![tracked(key, op, members, around)];
    }
    let field = inner("payload", "field").unwrap_or_default();
    match inner("payload", "protocol") {
        Some("tcp" | "th") if field == "dport" => vec![ports(op, members)],
        Some("tcp" | "th") | None => vec![Test::Fixed(Share::Unclear)],
        Some("ip") => vec![
            Test::Families {
                v4: true,
                v6: false,
            },
            header(field, op, members, true, around),
        ],
        Some("ip6") => vec![
            Test::Families {
                v4: false,
                v6: true,
            },
            header(field, op, members, false, around),
        ],
        Some("ether") => vec![Test::Fixed(Share::Some)],
        // Of another transport, or of none.
        Some(_) => vec![Test::Fixed(Share::Nobody)],
    }
}

/// The values on the right, sets unfolded; `None` for a set that is unknown.
fn members<'a>(right: &'a Value, around: &Surroundings<'a>) -> Option<Vec<&'a Value>> {
    let list = match right.as_str().and_then(|text| text.strip_prefix('@')) {
        Some(name) => *around.sets.get(name)?,
        None => right.get("set").unwrap_or(right),
    };
    let bare = |value: &'a Value| {
        value
            .get("elem")
            .and_then(|e| e.get("val"))
            .unwrap_or(value)
    };
    Some(match list {
        Value::Array(values) => values.iter().map(bare).collect(),
        // A named set without elements.
        Value::Null => Vec::new(),
        value => vec![bare(value)],
    })
}

/// Whether the comparison holds for a packet of which `is` says to which
/// values it is equal.
fn holds(
    op: &str,
    members: Option<&[&Value]>,
    is: impl Fn(&Value) -> Option<bool>,
) -> Option<bool> {
    let equal = members?
        .iter()
        .try_fold(false, |any, value| Some(any | is(value)?))?;
    match op {
        "==" | "in" => Some(equal),
        "!=" => Some(!equal),
        _ => None,
    }
}

fn is_word(word: &str) -> impl Fn(&Value) -> Option<bool> {
    move |value| value.as_str().map(|text| text == word)
}

fn is_tcp(value: &Value) -> Option<bool> {
    match value {
        Value::String(name) => Some(name == "tcp"),
        number => number.as_u64().map(|number| number == 6),
    }
}

fn meta(key: &str, op: &str, members: Option<&[&Value]>) -> Test {
    let family = |word| holds(op, members, is_word(word));
    match key {
        "l4proto" => Test::plain(holds(op, members, is_tcp)),
        "nfproto" => families(family("ipv4"), family("ipv6")),
        "protocol" => families(family("ip"), family("ip6")),
        "pkttype" => Test::plain(holds(op, members, |value| {
            value
                .as_str()
                .map(|text| matches!(text, "host" | "unicast"))
        })),
        "iif" | "iifname" => {
            let only_loopback = members.is_some_and(|members| {
                let lo = |value: &&Value| value.as_str() == Some("lo");
                !members.is_empty() && members.iter().all(lo)
            });
            match (only_loopback, op) {
                (true, "==") => Test::Fixed(Share::Nobody),
                (true, "!=") => Test::Fixed(Share::All),
                _ => Test::Fixed(Share::Some),
            }
        }
        "iifgroup" | "iiftype" | "iifkind" | "ibrname" | "ibriport" => Test::Fixed(Share::Some),
        _ => Test::Fixed(Share::Unclear),
    }
}

fn families(v4: Option<bool>, v6: Option<bool>) -> Test {
    match (v4, v6) {
        (Some(v4), Some(v6)) => Test::Families { v4, v6 },
        _ => Test::Fixed(Share::Unclear),
    }
}

/// What connection tracking knows of the packet.
fn tracked(key: &str, op: &str, members: Option<&[&Value]>, around: &Surroundings) -> Test {
    match key {
        "state" => {
            let state = |word| holds(op, members, is_word(word));
            match (state("new"), state("related")) {
                (Some(new), Some(related)) => Test::States { new, related },
                _ => Test::Fixed(Share::Unclear),
            }
        }
        "direction" => Test::plain(holds(op, members, is_word("original"))),
        // Only what was translated has this status.
        "status" if !around.translates => {
            let other = |value: &Value| match value.as_str() {
                Some("dnat") => Some(false),
                _ => None,
            };
            Test::plain(holds(op, members, other))
        }
        _ => Test::Fixed(Share::Unclear),
    }
}

/// A field of the IP header.
fn header(
    field: &str,
    op: &str,
    members: Option<&[&Value]>,
    v4: bool,
    around: &Surroundings,
) -> Test {
    match field {
        "protocol" | "nexthdr" => Test::plain(holds(op, members, is_tcp)),
        "saddr" | "daddr" => {
            let members = members.unwrap_or_default();
            let everybody = match field {
                "saddr" => addresses::are_all(members, v4),
                _ => addresses::hold(members, v4, around.own),
            };
            if everybody {
                Test::plain(holds(op, Some(&[&Value::Null]), |_| Some(true)))
            } else if addresses::are_loopback(members, v4) {
                Test::plain(Some(op == "!="))
            } else if op == "!=" {
                // A few addresses are left out, or very many.
                Test::Fixed(Share::Unclear)
            } else {
                Test::Fixed(Share::Some)
            }
        }
        _ => Test::Fixed(Share::Unclear),
    }
}

fn ports(op: &str, members: Option<&[&Value]>) -> Test {
    let ranges = members.and_then(|members| members.iter().map(|value| range(value)).collect());
    let one = |ranges: &[(u16, u16)]| match ranges {
        [(first, last)] if first == last => Some(*first),
        _ => None,
    };
    let test = ranges.and_then(|ranges: Vec<(u16, u16)>| {
        let (ranges, inside) = match (op, one(&ranges)) {
            ("==" | "in", _) => (ranges, true),
            ("!=", _) => (ranges, false),
            (">=", Some(port)) => (vec![(port, u16::MAX)], true),
            ("<", Some(port)) => (vec![(port, u16::MAX)], false),
            ("<=", Some(port)) => (vec![(0, port)], true),
            (">", Some(port)) => (vec![(0, port)], false),
            _ => return None,
        };
        Some(Test::Ports { ranges, inside })
    });
    test.unwrap_or(Test::Fixed(Share::Unclear))
}

fn range(value: &Value) -> Option<(u16, u16)> {
    let port = |value: &Value| u16::try_from(value.as_u64()?).ok();
    match value.get("range").and_then(Value::as_array) {
        Some(ends) => match ends.as_slice() {
            [first, last] => Some((port(first)?, port(last)?)),
            _ => None,
        },
        None => port(value).map(|port| (port, port)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::net::Ipv4Addr;

    const NEW: Packet = Packet {
        v4: true,
        related: false,
        tracked: true,
        port: 21,
    };

    /// Who satisfies a match statement with a packet.
    fn who(statement: &Value, packet: &Packet) -> Share {
        let elements = json!([21, {"range": [100, 200]}]);
        let nothing = Value::Null;
        let around = Surroundings {
            sets: HashMap::from([("ok", &elements), ("none", &nothing)]),
            own: &[IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7))],
            translates: false,
        };
        let part = |name: &str| statement.get(name).unwrap();
        let op = part("op").as_str().unwrap();
        tests(part("left"), op, part("right"), &around)
            .iter()
            .map(|test| test.share(packet))
            .min()
            .unwrap_or(Share::All)
    }

    fn compare(left: Value, op: &str, right: Value) -> Share {
        who(&json!({"op": op, "left": left, "right": right}), &NEW)
    }

    fn dport() -> Value {
        json!({"payload": {"protocol": "tcp", "field": "dport"}})
    }

    #[test]
    fn ports_are_compared_with_numbers_ranges_and_sets() {
        for (op, right, share) in [
            ("==", json!(21), Share::All),
            ("==", json!(22), Share::Nobody),
            ("!=", json!(22), Share::All),
            ("==", json!({"range": [20, 30]}), Share::All),
            ("==", json!({"set": [80, 21]}), Share::All),
            (
                "==",
                json!({"set": [80, {"range": [22, 90]}]}),
                Share::Nobody,
            ),
            (
                "==",
                json!({"set": [{"elem": {"val": 21, "timeout": 9}}]}),
                Share::All,
            ),
            ("==", json!("@ok"), Share::All),
            ("!=", json!("@ok"), Share::Nobody),
            ("==", json!("@none"), Share::Nobody),
            ("==", json!("@unknown"), Share::Unclear),
            (">=", json!(21), Share::All),
            (">", json!(21), Share::Nobody),
            ("<=", json!(21), Share::All),
            ("<", json!(21), Share::Nobody),
            ("<", json!({"set": [21, 22]}), Share::Unclear),
            ("==", json!(70000), Share::Unclear),
            ("==", json!("ftp"), Share::Unclear),
            ("==", json!({"range": [1]}), Share::Unclear),
            ("~", json!(21), Share::Unclear),
        ] {
            assert_eq!(compare(dport(), op, right.clone()), share, "{op} {right}");
        }
    }

    #[test]
    fn states_are_those_of_a_first_packet() {
        let state = || json!({"ct": {"key": "state"}});
        for (op, right, new, related) in [
            ("in", json!("new"), Share::All, Share::Nobody),
            (
                "in",
                json!(["established", "related"]),
                Share::Nobody,
                Share::All,
            ),
            ("==", json!("invalid"), Share::Nobody, Share::Nobody),
            ("!=", json!("invalid"), Share::All, Share::All),
            (
                "in",
                json!({"set": ["new", "untracked"]}),
                Share::All,
                Share::Nobody,
            ),
            ("in", json!(8), Share::Unclear, Share::Unclear),
        ] {
            let statement = json!({"op": op, "left": state(), "right": right});
            assert_eq!(who(&statement, &NEW), new, "{statement}");
            let packet = Packet {
                related: true,
                ..NEW
            };
            assert_eq!(who(&statement, &packet), related, "{statement}");
            let packet = Packet {
                tracked: false,
                ..NEW
            };
            assert_eq!(who(&statement, &packet), Share::Unclear, "{statement}");
        }
    }

    #[test]
    fn interfaces_and_addresses_single_clients_out_and_loopback_nobody() {
        let meta = |key: &str| json!({"meta": {"key": key}});
        let ip = |field: &str| json!({"payload": {"protocol": "ip", "field": field}});
        let prefix = |address, length| json!({"prefix": {"addr": address, "len": length}});
        for (left, op, right, share) in [
            (meta("iifname"), "==", json!("lo"), Share::Nobody),
            (meta("iif"), "!=", json!("lo"), Share::All),
            (meta("iifname"), "==", json!("eth0"), Share::Some),
            (meta("iifname"), "!=", json!("eth0"), Share::Some),
            (
                meta("iifname"),
                "==",
                json!({"set": ["lo", "eth0"]}),
                Share::Some,
            ),
            (ip("saddr"), "==", json!("10.0.0.1"), Share::Some),
            (ip("saddr"), "!=", json!("@unknown"), Share::Unclear),
            (ip("saddr"), "==", prefix("127.0.0.0", 8), Share::Nobody),
            (ip("daddr"), "!=", json!("127.0.0.1"), Share::All),
            (ip("saddr"), "==", prefix("0.0.0.0", 0), Share::All),
            (ip("saddr"), "!=", prefix("0.0.0.0", 0), Share::Nobody),
            (ip("daddr"), "==", json!("203.0.113.7"), Share::All),
            (ip("daddr"), "!=", json!("203.0.113.7"), Share::Nobody),
            (ip("daddr"), "==", prefix("203.0.113.0", 24), Share::All),
            (ip("daddr"), "==", json!("203.0.113.8"), Share::Some),
            (ip("ttl"), "==", json!(1), Share::Unclear),
            (meta("mark"), "==", json!(1), Share::Unclear),
            (meta("skuid"), "==", json!(1), Share::Unclear),
            (json!({"fib": {}}), "==", json!("local"), Share::Unclear),
        ] {
            assert_eq!(
                compare(left.clone(), op, right.clone()),
                share,
                "{left} {right}"
            );
        }
    }

    #[test]
    fn protocols_and_families_other_than_the_packet_s_are_nobody_s() {
        let meta = |key: &str| json!({"meta": {"key": key}});
        let payload = |protocol: &str, field: &str| json!({"payload": {"protocol": protocol, "field": field}});
        for (left, right, share) in [
            (meta("l4proto"), json!("tcp"), Share::All),
            (
                meta("l4proto"),
                json!({"set": ["icmp", "ipv6-icmp"]}),
                Share::Nobody,
            ),
            (meta("l4proto"), json!(6), Share::All),
            (meta("nfproto"), json!("ipv4"), Share::All),
            (meta("nfproto"), json!("ipv6"), Share::Nobody),
            (meta("protocol"), json!("ip6"), Share::Nobody),
            (meta("pkttype"), json!("multicast"), Share::Nobody),
            (payload("ip", "protocol"), json!("tcp"), Share::All),
            (payload("ip6", "saddr"), json!("fe80::1"), Share::Nobody),
            (payload("udp", "dport"), json!(21), Share::Nobody),
            (
                payload("icmp", "type"),
                json!("echo-request"),
                Share::Nobody,
            ),
            (payload("tcp", "sport"), json!(20), Share::Unclear),
            (payload("th", "dport"), json!(21), Share::All),
        ] {
            assert_eq!(compare(left.clone(), "==", right), share, "{left}");
        }
    }

    #[test]
    fn translated_connections_are_nobody_s_where_nothing_translates() {
        let status = || json!({"ct": {"key": "status"}});
        assert_eq!(compare(status(), "in", json!("dnat")), Share::Nobody);
        assert_eq!(compare(status(), "in", json!("assured")), Share::Unclear);
    }
}
