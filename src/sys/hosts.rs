//! The name of an address, and netgroups: getnameinfo(3), innetgr(3). Both ask
//! what nsswitch.conf names, and may take long.

use socket2::SockAddr;
use std::ffi::CStr;
#[cfg(target_env = "gnu")]
use std::ffi::CString;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::ptr;

/// Octets of the longest host name (NI_MAXHOST).
const LONGEST: usize = 1025;

#[cfg(target_env = "gnu")]
unsafe extern "C" {
    /// innetgr(3); the libc crate has it not.
    fn innetgr(
        netgroup: *const libc::c_char,
        host: *const libc::c_char,
        user: *const libc::c_char,
        domain: *const libc::c_char,
    ) -> libc::c_int;
}

/// The name of an address; `None` if it has none, or nobody answers. Whoever
/// has the address chooses the name: that it leads back must be asked.
#[must_use]
pub fn name_of(address: IpAddr) -> Option<String> {
    let address = SockAddr::from(SocketAddr::new(address, 0));
    let mut name = [0_u8; LONGEST];
    let room = libc::socklen_t::try_from(name.len()).unwrap_or(0);
    // SAFETY: socket2 gives a socket address and its length, both live through
    // the call; the buffer is as long as said, and no service is asked for.
    let result = unsafe {
        libc::getnameinfo(
            address.as_ptr().cast(),
            address.len(),
            name.as_mut_ptr().cast(),
            room,
            ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if result != 0 {
        return None;
    }
    let name = CStr::from_bytes_until_nul(&name).ok()?;
    name.to_str().ok().map(str::to_owned)
}

/// Whether a name that was given for an address leads back to it. One that
/// looks like an address does not: it could pass for one in a rule.
#[must_use]
pub fn leads_to(name: &str, address: IpAddr) -> bool {
    let found = (name, 0).to_socket_addrs();
    name.parse::<IpAddr>().is_err()
        && found.is_ok_and(|mut found| found.any(|found| found.ip().to_canonical() == address))
}

/// Whether the netgroup `group` holds the host `name`.
#[must_use]
#[cfg(target_env = "gnu")]
pub fn is_in_netgroup(group: &[u8], name: &[u8]) -> bool {
    let (Ok(group), Ok(name)) = (CString::new(group), CString::new(name)) else {
        return false;
    };
    // SAFETY: both are strings with an end that live through the call; NULL
    // stands for any user and domain.
    unsafe { innetgr(group.as_ptr(), name.as_ptr(), ptr::null(), ptr::null()) == 1 }
}

/// Other C libraries know no netgroups.
#[must_use]
#[cfg(not(target_env = "gnu"))]
pub fn is_in_netgroup(_group: &[u8], _name: &[u8]) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_texts_and_odd_questions_have_answers() {
        let here = "127.0.0.1".parse().unwrap();
        let name = name_of(here);
        assert!(name.is_none_or(|name| !name.is_empty()));
        assert!(!leads_to("127.0.0.1", here) && !leads_to("", here));
        assert!(!is_in_netgroup(b"no such group", b"localhost"));
        assert!(!is_in_netgroup(b"a\0b", b"localhost"));
    }
}
