//! Internet addresses as nft prints them (libnftables-json(5)): single ones,
//! prefixes, ranges, and sets of these. Do they hold all of others?

use serde_json::Value;
use std::net::IpAddr;

/// Number of an address, within its family.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// First and last number; `None` for what is no address of the family.
fn stretch(value: &Value, v4: bool) -> Option<(u128, u128)> {
    let address = |value: &Value| {
        let address: IpAddr = value.as_str()?.parse().ok()?;
        (address.is_ipv4() == v4).then(|| number(address))
    };
    if let Some(prefix) = value.get("prefix") {
        let length = u32::try_from(prefix.get("len")?.as_u64()?).ok()?;
        let behind = if v4 { 32u32 } else { 128 }.checked_sub(length)?;
        let ones = u128::MAX.checked_shr(128 - behind).unwrap_or(0);
        let first = address(prefix.get("addr")?)? & !ones;
        return Some((first, first | ones));
    }
    match value.get("range").and_then(Value::as_array) {
        Some(ends) => match ends.as_slice() {
            [first, last] => Some((address(first)?, address(last)?)),
            _ => None,
        },
        None => address(value).map(|address| (address, address)),
    }
}

/// Whether `members` hold every number from `first` to `last`.
fn cover(members: &[&Value], v4: bool, (first, last): (u128, u128)) -> bool {
    let stretches = members.iter().filter_map(|value| stretch(value, v4));
    let mut stretches: Vec<(u128, u128)> = stretches.collect();
    stretches.sort_unstable();
    let mut next = first;
    for (from, to) in stretches {
        if from <= next && next <= to {
            if to >= last {
                return true;
            }
            next = to + 1;
        }
    }
    false
}

/// Whether `members` are all addresses there are.
pub(super) fn are_all(members: &[&Value], v4: bool) -> bool {
    let last = if v4 { u128::from(u32::MAX) } else { u128::MAX };
    cover(members, v4, (0, last))
}

/// Whether each of `wanted` that is of the family is among `members`, and
/// there is one.
pub(super) fn hold(members: &[&Value], v4: bool, wanted: &[IpAddr]) -> bool {
    let mut wanted = wanted.iter().filter(|address| address.is_ipv4() == v4);
    let mut held = wanted.by_ref().map(|&address| {
        let number = number(address);
        cover(members, v4, (number, number))
    });
    held.next() == Some(true) && held.all(|held| held)
}

/// Whether these are addresses that no other machine has: one at least, and
/// all of them loopback.
pub(super) fn are_loopback(members: &[&Value], v4: bool) -> bool {
    let (first, last) = match v4 {
        true => (0x7f00_0000, 0x7fff_ffff),
        false => (1, 1),
    };
    let is = |value: &&Value| stretch(value, v4).is_some_and(|(a, b)| first <= a && b <= last);
    !members.is_empty() && members.iter().all(is)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prefix(address: &str, length: u32) -> Value {
        json!({"prefix": {"addr": address, "len": length}})
    }

    #[test]
    fn everybody_may_be_written_in_several_ways() {
        let all = |values: &[Value], v4| are_all(&values.iter().collect::<Vec<_>>(), v4);
        assert!(all(&[prefix("0.0.0.0", 0)], true));
        assert!(all(&[prefix("128.0.0.0", 1), prefix("0.0.0.0", 1)], true));
        assert!(all(
            &[json!({"range": ["0.0.0.0", "255.255.255.255"]})],
            true
        ));
        assert!(all(&[prefix("::", 0)], false));
        for nearly in [
            &[][..],
            &[prefix("0.0.0.0", 1)],
            &[prefix("128.0.0.0", 1)],
            &[json!({"range": ["0.0.0.1", "255.255.255.255"]})],
            &[json!({"range": ["0.0.0.0"]})],
            &[prefix("0.0.0.0", 33)],
            &[prefix("::", 0)],
            &[json!("0.0.0.0")],
            &[json!(0)],
        ] {
            assert!(!all(nearly, true), "{nearly:?}");
        }
    }

    #[test]
    fn every_address_of_the_family_has_to_be_held() {
        let wanted: Vec<IpAddr> = ["203.0.113.7", "203.0.113.9", "2001:db8::1"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        let held = |values: &[Value], v4| hold(&values.iter().collect::<Vec<_>>(), v4, &wanted);
        assert!(held(&[prefix("203.0.113.0", 28)], true));
        assert!(held(&[json!("203.0.113.9"), json!("203.0.113.7")], true));
        assert!(!held(&[json!("203.0.113.7")], true));
        assert!(held(&[json!("2001:db8::1")], false));
        let other = prefix("::", 0);
        assert!(!hold(&[&other], false, &wanted[..2]));
    }

    #[test]
    fn loopback_is_a_net_in_ipv4_and_an_address_in_ipv6() {
        let are = |value: Value, v4| are_loopback(&[&value], v4);
        assert!(are(json!("127.0.0.1"), true) && are(prefix("127.0.0.0", 8), true));
        assert!(are(json!("::1"), false));
        assert!(!are(prefix("126.0.0.0", 7), true) && !are(json!("::2"), false));
        assert!(!are_loopback(&[], true));
    }
}
