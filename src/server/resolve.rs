//! The thread that looks up the host name of pasv_address, at start and on a
//! timer: getaddrinfo(3) may block for many seconds, so no session does it.

use super::narrow::Walls;
use crate::session::{Announced, Service};
use crate::sys;
use crate::sys::seccomp::Kind;
use std::io;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// How long the start waits for the first answer, so that the first client
/// is told the right address. A name service that is down shall not keep
/// the server down.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// Starts the thread if `service` needs it, and waits a little for the first
/// address.
///
/// # Errors
/// When the thread cannot be born.
pub(super) fn start(service: &Arc<Service>, walls: &Arc<Walls>) -> Result<(), sys::Error> {
    let Some(name) = service.announced().name() else {
        return Ok(());
    };
    let (answered, first) = channel();
    let (announced, walls) = (Arc::clone(service.announced()), Arc::clone(walls));
    // The default stack: what getaddrinfo loads (nsswitch.conf(5)) is unknown.
    std::thread::Builder::new()
        .name("resolver".to_owned())
        .spawn(move || match walls.enclose(Kind::Resolver) {
            Ok(()) => keep(&announced, &answered),
            Err(error) => log::error!("pasv_address is not looked up: {error}"),
        })
        .map_err(|error| sys::Error::from_io("clone", &error))?;
    if first.recv_timeout(FIRST_ANSWER).is_err() {
        log::warn!(
            "pasv_address {name:?} is still being looked up, \
             the local address is announced meanwhile"
        );
    }
    Ok(())
}

/// The thread: looks up as long as there is a reason to.
fn keep(announced: &Announced, answered: &Sender<()>) {
    loop {
        for news in announced.look_up(resolve) {
            let name = announced.name().unwrap_or_default();
            if news.is_bad() {
                log::warn!("pasv_address {name:?} {news}");
            } else {
                log::info!("pasv_address {name:?} {news}");
            }
        }
        // Nobody listens after the first.
        let _ = answered.send(());
        match announced.pause() {
            Some(pause) => std::thread::sleep(pause),
            None => return,
        }
    }
}

/// The IPv4 addresses of a host that a client could connect to.
fn resolve(name: &str) -> io::Result<Vec<Ipv4Addr>> {
    let mut addresses: Vec<Ipv4Addr> = (name, 0)
        .to_socket_addrs()?
        .filter_map(|address| match address.ip() {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(_) => None,
        })
        // Name services that block a name answer 0.0.0.0.
        .filter(|v4| !v4.is_unspecified() && !v4.is_broadcast() && !v4.is_multicast())
        .collect();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the name has no IPv4 address",
        ));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_resolve_to_themselves_and_useless_ones_to_nothing() {
        assert_eq!(resolve("192.0.2.7").unwrap(), [Ipv4Addr::new(192, 0, 2, 7)]);
        for useless in ["0.0.0.0", "224.0.0.1", "::1", "", "a\0b"] {
            assert!(resolve(useless).is_err(), "{useless:?}");
        }
    }
}
