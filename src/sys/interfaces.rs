//! The machine's own internet addresses: getifaddrs(3).

use super::Result;
use super::error::check;
use std::net::Ipv4Addr;
use std::ptr;

/// The IPv4 addresses of every interface that is up, loopback included.
///
/// # Errors
/// getifaddrs' own.
pub fn ipv4_addresses() -> Result<Vec<Ipv4Addr>> {
    let mut list: *mut libc::ifaddrs = ptr::null_mut();
    // SAFETY: `list` is a live pointer that the call fills.
    check("getifaddrs", unsafe { libc::getifaddrs(&raw mut list) })?;
    let mut addresses = Vec::new();
    let mut next = list;
    // SAFETY: getifaddrs has made a list of nodes that stay until freeifaddrs
    // below; `next` is null at its end and a whole node before.
    while let Some(node) = unsafe { next.as_ref() } {
        next = node.ifa_next;
        let is_up = i64::from(node.ifa_flags) & i64::from(libc::IFF_UP) != 0;
        // SAFETY: an interface without an address has null here, others a
        // sockaddr of the family that it names.
        let Some(address) = (unsafe { node.ifa_addr.as_ref() }) else {
            continue;
        };
        if is_up && i32::from(address.sa_family) == libc::AF_INET {
            // SAFETY: the family says that a sockaddr_in lies here; it is read
            // unaligned, since sockaddr promises less alignment.
            let address = unsafe { node.ifa_addr.cast::<libc::sockaddr_in>().read_unaligned() };
            addresses.push(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)));
        }
    }
    // SAFETY: the list came from getifaddrs and nothing borrows from it now.
    unsafe { libc::freeifaddrs(list) };
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_address_is_among_them() {
        assert!(ipv4_addresses().unwrap().contains(&Ipv4Addr::LOCALHOST));
    }
}
