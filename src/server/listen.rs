//! The sockets on which control connections arrive.

use super::StartError;
use crate::config::Config;
use crate::{control, sys};
use socket2::{Domain, Socket, Type};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// The kernel cuts this down to net.core.somaxconn (4096 unless the
/// administrator raises it), so that a burst of clients finds all the room
/// there may be.
const BACKLOG: i32 = i32::MAX;

/// A listening, non-blocking socket and where it listens.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: OwnedFd,
    pub(super) address: SocketAddr,
}

/// Opens every socket the configuration asks for.
///
/// # Errors
/// The first that cannot be opened.
pub(super) fn open(config: &Config) -> Result<Vec<Listener>, StartError> {
    let seconds = u64::from(config.keepalive_interval());
    let keepalive = (seconds > 0).then(|| Duration::from_secs(seconds));
    config
        .listeners()
        .iter()
        .map(|wanted| {
            open_one(wanted.address, wanted.only_v6, keepalive)
                .map_err(|error| StartError::Listen(wanted.address, error))
        })
        .collect()
}

fn open_one(
    address: SocketAddr,
    only_v6: bool,
    keepalive: Option<Duration>,
) -> Result<Listener, sys::Error> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket =
        Socket::new(Domain::for_address(address), kind, None).map_err(sys::Error::of("socket"))?;
    // A restart shall not wait for the sessions of before to leave TIME_WAIT.
    socket
        .set_reuse_address(true)
        .map_err(sys::Error::of("setsockopt"))?;
    if address.is_ipv6() {
        socket
            .set_only_v6(only_v6)
            .map_err(sys::Error::of("setsockopt"))?;
    }
    control::prepare(socket.as_fd(), keepalive)?;
    socket
        .bind(&address.into())
        .map_err(sys::Error::of("bind"))?;
    socket.listen(BACKLOG).map_err(sys::Error::of("listen"))?;
    let bound = socket
        .local_addr()
        .map_err(sys::Error::of("getsockname"))?
        .as_socket();
    Ok(Listener {
        socket: socket.into(),
        address: bound.unwrap_or(address),
    })
}
