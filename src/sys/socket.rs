//! The few things about sockets that neither std nor socket2 offers.

use super::Result;
use super::error::{Error, check, retry};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// accept4(2) on a non-blocking listener: a non-blocking connection and its
/// peer, in one call (socket2's accept would need two more for the flags).
///
/// # Errors
/// accept4's own; EAGAIN when nobody is waiting.
pub fn accept_non_blocking(listener: BorrowedFd<'_>) -> Result<(OwnedFd, SocketAddr)> {
    accept(listener, libc::SOCK_NONBLOCK)
}

/// accept4(2) giving a blocking connection; whether the call itself waits is
/// the listener's setting.
///
/// # Errors
/// accept4's own.
pub fn accept_blocking(listener: BorrowedFd<'_>) -> Result<(OwnedFd, SocketAddr)> {
    accept(listener, 0)
}

fn accept(listener: BorrowedFd<'_>, flags: i32) -> Result<(OwnedFd, SocketAddr)> {
    // SAFETY: sockaddr_storage is plain memory, for which all zeros is a value.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let fd = retry(|| {
        let mut length = libc::socklen_t::try_from(size_of::<libc::sockaddr_storage>())
            .map_err(|_| Error::new("accept4", libc::EINVAL))?;
        // SAFETY: `storage` has room for any address and `length` says so.
        check("accept4", unsafe {
            libc::accept4(
                listener.as_raw_fd(),
                (&raw mut storage).cast(),
                &raw mut length,
                flags | libc::SOCK_CLOEXEC,
            )
        })
    })?;
    // SAFETY: the kernel just returned this descriptor; nobody else has it.
    let connection = unsafe { OwnedFd::from_raw_fd(fd) };
    match address(&storage) {
        Some(peer) => Ok((connection, peer)),
        None => Err(Error::new("accept4", libc::EAFNOSUPPORT)),
    }
}

/// Reads an internet address out of a sockaddr_storage the kernel filled.
fn address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that a sockaddr_in lies here, and the
            // storage is larger and at least as aligned.
            let v4 = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddr::new(IpAddr::V4(ip), u16::from_be(v4.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for sockaddr_in6.
            let v6 = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddr::V6(std::net::SocketAddrV6::new(
                ip,
                u16::from_be(v6.sin6_port),
                v6.sin6_flowinfo,
                v6.sin6_scope_id,
            )))
        }
        _ => None,
    }
}

/// IP_BIND_ADDRESS_NO_PORT: a following bind to port 0 fixes the address
/// only, and connect picks the port by the whole four-tuple. Binding port 0
/// itself searches for a wholly free one, which takes milliseconds where
/// thousands are in TIME_WAIT.
///
/// # Errors
/// setsockopt's own.
pub fn bind_address_only(socket: BorrowedFd<'_>) -> Result<()> {
    let on: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of::<libc::c_int>())
        .map_err(|_| Error::new("setsockopt", libc::EINVAL))?;
    // SAFETY: `on` is a live int and its size is passed with it.
    check("setsockopt", unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size,
        )
    })
    .map(drop)
}

/// The effective user of the process at the other end of a Unix socket, as it
/// was when that end connected or was bound (SO_PEERCRED).
///
/// # Errors
/// getsockopt's own.
pub fn peer_user(socket: BorrowedFd<'_>) -> Result<u32> {
    // SAFETY: ucred is a plain struct of integers, for which all zeros is a value.
    let mut who: libc::ucred = unsafe { std::mem::zeroed() };
    let mut size = libc::socklen_t::try_from(size_of::<libc::ucred>())
        .map_err(|_| Error::new("getsockopt", libc::EINVAL))?;
    // SAFETY: `who` has room for a ucred, and `size` says so.
    check("getsockopt", unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut who).cast(),
            &raw mut size,
        )
    })?;
    Ok(who.uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    #[test]
    fn accept_tells_the_peer_of_both_families() {
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(place).unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (_, peer) = accept_blocking(listener.as_fd()).unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
    }

    #[test]
    fn the_other_end_of_a_pair_is_oneself() {
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert_eq!(
            peer_user(one.as_fd()),
            Ok(crate::sys::process::effective_user())
        );
    }

    #[test]
    fn an_empty_queue_would_block() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let error = accept_non_blocking(listener.as_fd()).unwrap_err();
        assert!(error.would_block());
    }
}
