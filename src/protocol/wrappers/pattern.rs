//! Lists of daemons and clients, and the patterns in them (hosts_access(5)).
#![forbid(unsafe_code)]

use super::{HostName, Lookups, Visit};
use crate::protocol::pattern::{Budget, Pattern};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Files of patterns within files of patterns.
const DEPTH: u32 = 4;

/// Whether a list of daemons holds this server.
pub(super) fn daemons_hold(
    list: &[u8],
    names: &[&[u8]],
    visit: Visit,
    lookups: &mut dyn Lookups,
) -> bool {
    holds(words(list), &mut |word| {
        let (daemon, host) = at_host(word);
        names.iter().any(|name| matches(daemon, name))
            && host.is_none_or(|host| is_host(host, visit.server, lookups, DEPTH))
    })
}

/// Whether a list of clients holds this one. Who its user is, is not asked.
pub(super) fn clients_hold(list: &[u8], visit: Visit, lookups: &mut dyn Lookups) -> bool {
    holds(words(list), &mut |word| match at_host(word) {
        (host, None) => is_host(host, visit.client, lookups, DEPTH),
        (user, Some(host)) => {
            matches(user, b"unknown") && is_host(host, visit.client, lookups, DEPTH)
        }
    })
}

/// The words of a list.
fn words(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| matches!(byte, b' ' | b',' | b'\t' | b'\r' | b'\n'))
        .filter(|word| !word.is_empty())
}

/// Whether a list holds what `is_meant` knows: one of its words, unless the
/// list behind EXCEPT holds it too.
fn holds<'list>(
    mut words: impl Iterator<Item = &'list [u8]>,
    is_meant: &mut dyn FnMut(&'list [u8]) -> bool,
) -> bool {
    // Each EXCEPT turns round what those before it have come to.
    let mut held = false;
    let mut turned = false;
    loop {
        let found = loop {
            match words.next() {
                None => break None,
                Some(word) if word.eq_ignore_ascii_case(b"EXCEPT") => break Some(false),
                Some(word) if is_meant(word) => break Some(true),
                Some(_) => {}
            }
        };
        match found {
            Some(true) => held = !turned,
            // Nothing in this part holds it: what is behind does not count.
            _ => return held,
        }
        let is_except = |word: &[u8]| word.eq_ignore_ascii_case(b"EXCEPT");
        if !words.any(is_except) {
            return held;
        }
        turned = !turned;
    }
}

/// `word@host`; an `@` at the beginning is part of the word.
fn at_host(word: &[u8]) -> (&[u8], Option<&[u8]>) {
    let at = word.iter().skip(1).position(|&byte| byte == b'@');
    match at {
        Some(at) => (
            word.get(..=at).unwrap_or(word),
            Some(word.get(at + 2..).unwrap_or_default()),
        ),
        None => (word, None),
    }
}

/// Whether a pattern is about the host of this address.
fn is_host(pattern: &[u8], address: IpAddr, lookups: &mut dyn Lookups, depth: u32) -> bool {
    match pattern {
        [b'@', group @ ..] => {
            let name = lookups.name_of(address);
            lookups.is_in_netgroup(group, name.as_bytes())
        }
        [b'/', ..] => {
            let text = lookups.patterns_in(pattern);
            depth > 0 && words(&text).any(|word| is_host(word, address, lookups, depth - 1))
        }
        [b'[', ..] => is_in_brackets(pattern, address),
        _ if pattern.eq_ignore_ascii_case(b"KNOWN") => {
            matches!(lookups.name_of(address), HostName::Known(_))
        }
        _ if pattern.eq_ignore_ascii_case(b"LOCAL") => {
            matches!(lookups.name_of(address), HostName::Known(name) if !name.contains(&b'.'))
        }
        _ if pattern.contains(&b'/') => is_in_network(pattern, address),
        _ => {
            let is_numeric = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
            matches(pattern, address.to_string().as_bytes())
                || (!pattern.iter().all(is_numeric)
                    && matches(pattern, lookups.name_of(address).as_bytes()))
        }
    }
}

/// Whether a pattern is about this text: a name, an address, a daemon.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    if pattern.iter().any(|byte| matches!(byte, b'*' | b'?')) {
        return is_like(pattern, text);
    }
    if pattern.eq_ignore_ascii_case(b"ALL") {
        return true;
    }
    if pattern.eq_ignore_ascii_case(b"KNOWN") {
        return text != b"unknown";
    }
    match pattern {
        [b'.', ..] => {
            let at = text.len().saturating_sub(pattern.len());
            let end = text.get(at..).unwrap_or_default();
            at > 0 && end.eq_ignore_ascii_case(pattern)
        }
        [.., b'.'] => text
            .get(..pattern.len())
            .is_some_and(|beginning| beginning.eq_ignore_ascii_case(pattern)),
        _ => text.eq_ignore_ascii_case(pattern),
    }
}

/// `*` and `?`, whatever the case.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    let plain = |byte: &u8| match byte {
        // What means something to a shell means itself here.
        b'[' | b'{' | b'}' | b'\\' | b',' => vec![b'\\', *byte],
        byte => vec![byte.to_ascii_lowercase()],
    };
    let pattern: Vec<u8> = pattern.iter().flat_map(plain).collect();
    Pattern::new(&pattern).is_some_and(|pattern| {
        let text = text.to_ascii_lowercase();
        let budget = &mut Budget::new(u64::MAX);
        pattern.with_dots().matches(&text, budget)
    })
}

/// `address/mask` and `address/bits`.
fn is_in_network(pattern: &[u8], address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else {
        return false;
    };
    let Ok(text) = str::from_utf8(pattern) else {
        return false;
    };
    let Some((network, mask)) = text.split_once('/') else {
        return false;
    };
    let Ok(network) = network.parse::<Ipv4Addr>() else {
        return false;
    };
    let mask = match mask.parse::<Ipv4Addr>() {
        Ok(mask) => mask.to_bits(),
        Err(_) => match bits(mask, 32) {
            Some(bits) => u32::try_from(ones(bits, 32)).unwrap_or(u32::MAX),
            None => return false,
        },
    };
    address.to_bits() & mask == network.to_bits()
}

/// `[address]` and `[address]/bits`, of IPv6.
fn is_in_brackets(pattern: &[u8], address: IpAddr) -> bool {
    let IpAddr::V6(address) = address else {
        return false;
    };
    let text = str::from_utf8(pattern).unwrap_or_default();
    let Some((network, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return false;
    };
    let length = match rest.strip_prefix('/') {
        Some(length) => bits(length, 128),
        None if rest.is_empty() => Some(128),
        None => None,
    };
    let (Ok(network), Some(length)) = (network.parse::<Ipv6Addr>(), length) else {
        return false;
    };
    address.to_bits() & ones(length, 128) == network.to_bits() & ones(length, 128)
}

/// A number of bits, at most `most`.
fn bits(text: &str, most: u32) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let bits: u32 = text.parse().ok().filter(|_| is_plain)?;
    (bits <= most).then_some(bits)
}

/// `count` ones and then zeros, `width` bits in all.
fn ones(count: u32, width: u32) -> u128 {
    let all = u128::MAX >> (128 - width);
    all & !all.checked_shr(count).unwrap_or(0)
}
