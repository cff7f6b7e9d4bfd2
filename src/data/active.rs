//! Active mode (RFC 959 section 3.2, PORT and EPRT): the server connects.
//!
//! The connection leaves from the control connection's local address and,
//! with connect_from_port_20, from ftp_data_port. Any number of clients
//! share that port, because the four-tuple differs; SO_REUSEADDR lets them.

use super::transfer::{Waiting, wait_for};
use super::{DataConnection, Interruption, Watch};
use crate::sys;
use crate::sys::poll::WRITABLE;
use crate::sys::socket::bind_address_only;
use socket2::{Domain, Socket, Type};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

/// Pauses, in microseconds, between attempts while the client's port is still taken by the
/// connection of before. A client acknowledges our end at once, or 40 to 200 ms
/// later; what is taken after the last pause is taken for a minute.
const PAUSES: [u64; 11] = [
    100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400,
];

/// Connects from the address of `local` (and from `port`, unless it is 0) to
/// `peer`. A client that listens on the same port again is in the way of
/// itself: this side has the last connection in TIME_WAIT. Linux connects all
/// the same if both sides use TCP timestamps; where one does not, the
/// connection leaves from another port rather than not at all.
///
/// # Errors
/// When the connection does not come about within `limit` or the control
/// connection ends the wait.
pub fn connect(
    mut local: SocketAddr,
    port: u16,
    mut peer: SocketAddr,
    watch: &mut dyn Watch,
    limit: Option<Duration>,
) -> Result<DataConnection, Interruption> {
    local.set_port(port);
    if let (SocketAddr::V6(own), SocketAddr::V6(theirs)) = (local, &mut peer) {
        // EPRT has no room for the interface of a link-local address; it is
        // the one the client is on.
        theirs.set_scope_id(own.scope_id());
    }
    let waiting = Waiting::new(limit);
    for pause in PAUSES {
        if let Some(attempt) = Attempt::begin(local, peer)? {
            return attempt.finish(watch, waiting);
        }
        std::thread::sleep(Duration::from_micros(pause));
    }
    if port != 0 {
        local.set_port(0);
        watch.port_taken(port, peer);
    }
    match Attempt::begin(local, peer)? {
        Some(attempt) => attempt.finish(watch, waiting),
        None => Err(Interruption::Network(sys::Error::new(
            "connect",
            libc::EADDRNOTAVAIL,
        ))),
    }
}

/// A connection on its way.
struct Attempt {
    socket: Socket,
    peer: SocketAddr,
    arrived: bool,
}

impl Attempt {
    /// Sets out from `local` to `peer`; `None` if a connection of before
    /// still has both these ends.
    fn begin(local: SocketAddr, peer: SocketAddr) -> Result<Option<Attempt>, Interruption> {
        let socket = bound(local)?;
        let arrived = match socket.connect(&peer.into()) {
            Ok(()) => true,
            Err(error) => match error.raw_os_error() {
                Some(libc::EINPROGRESS) => false,
                Some(libc::EADDRNOTAVAIL) => return Ok(None),
                _ => return Err(failed("connect")(error)),
            },
        };
        Ok(Some(Attempt {
            socket,
            peer,
            arrived,
        }))
    }

    /// Waits until it is there.
    fn finish(
        self,
        watch: &mut dyn Watch,
        waiting: Waiting,
    ) -> Result<DataConnection, Interruption> {
        if !self.arrived {
            wait_for(self.socket.as_fd(), WRITABLE, None, watch, 0, waiting)?;
            if let Some(error) = self.socket.take_error().map_err(failed("getsockopt"))? {
                return Err(failed("connect")(error));
            }
        }
        Ok(DataConnection {
            socket: self.socket.into(),
            peer: self.peer,
        })
    }
}

fn bound(local: SocketAddr) -> Result<Socket, Interruption> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(local), kind, None).map_err(failed("socket"))?;
    if local.port() == 0 {
        bind_address_only(socket.as_fd()).map_err(Interruption::Network)?;
    } else {
        // SO_REUSEADDR lets connections share the port. SO_REUSEPORT as well
        // spares bind(2) the walk over every TIME_WAIT of that port: 18 us
        // with 3,000 of them, 0.4 us with it (Linux 6.18).
        socket
            .set_reuse_address(true)
            .and_then(|()| socket.set_reuse_port(true))
            .map_err(failed("setsockopt"))?;
    }
    socket.bind(&local.into()).map_err(failed("bind"))?;
    Ok(socket)
}

fn failed(call: &'static str) -> impl Fn(std::io::Error) -> Interruption {
    move |error| Interruption::Network(sys::Error::of(call)(error))
}
