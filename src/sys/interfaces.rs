//! The machine's own internet addresses: getifaddrs(3).

use super::Result;
use super::error::check;
use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

/// An address of an interface; one that has several occurs as often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// The address.
    pub address: IpAddr,
    /// Whether it is a loopback interface.
    pub loopback: bool,
}

/// The addresses of every interface that is up, loopback included.
///
/// # Errors
/// getifaddrs' own.
pub fn addresses() -> Result<Vec<Interface>> {
    let mut list: *mut libc::ifaddrs = ptr::null_mut();
    // SAFETY: `list` is a live pointer that the call fills.
    check("getifaddrs", unsafe { libc::getifaddrs(&raw mut list) })?;
    let mut found = Vec::new();
    let mut next = list;
    // SAFETY: getifaddrs has made a list of nodes that stay until freeifaddrs
    // below; `next` is null at its end and a whole node before.
    while let Some(node) = unsafe { next.as_ref() } {
        next = node.ifa_next;
        let is = |flag: i32| i64::from(node.ifa_flags) & i64::from(flag) != 0;
        // SAFETY: a node of that list, which is still there.
        let Some(address) = (unsafe { address_of(node) }) else {
            continue;
        };
        if is(libc::IFF_UP) {
            // SAFETY: every node has a name that ends in NUL.
            let name = unsafe { CStr::from_ptr(node.ifa_name) };
            found.push(Interface {
                name: name.to_string_lossy().into_owned(),
                address,
                loopback: is(libc::IFF_LOOPBACK),
            });
        }
    }
    // SAFETY: the list came from getifaddrs and nothing borrows from it now.
    unsafe { libc::freeifaddrs(list) };
    Ok(found)
}

/// The internet address of a node, if it has one.
///
/// # Safety
/// The node is of a list that getifaddrs has made and nobody has freed.
unsafe fn address_of(node: &libc::ifaddrs) -> Option<IpAddr> {
    // SAFETY: an interface without an address has null here, others a
    // sockaddr of the family that it names.
    let family = unsafe { node.ifa_addr.as_ref() }?.sa_family;
    match i32::from(family) {
        libc::AF_INET => {
            // SAFETY: the family says that a sockaddr_in lies here; it is read
            // unaligned, since sockaddr promises less alignment.
            let address = unsafe { node.ifa_addr.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the same with a sockaddr_in6.
            let address = unsafe { node.ifa_addr.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_address_is_among_them() {
        let found = addresses().unwrap();
        let local = found.iter().find(|i| i.address == Ipv4Addr::LOCALHOST);
        assert!(
            local.is_some_and(|i| i.loopback && i.name == "lo"),
            "{found:?}"
        );
    }
}
