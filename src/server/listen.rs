//! The sockets on which control connections arrive: opened here, or handed
//! over by a supervisor.

use super::StartError;
use super::activation::{self, Handed, Visitor};
use crate::config::Config;
use crate::{control, sys};
use socket2::{Domain, SockRef, Socket, Type};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd, RawFd};
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
    /// Clients may have been waiting there before it was prepared, so each
    /// connection is prepared by itself.
    pub(super) handed: bool,
}

impl Listener {
    /// Sets what connections shall inherit.
    pub(super) fn prepare(&self, config: &Config) -> Result<(), sys::Error> {
        control::prepare(self.socket.as_fd(), keepalive(config))
    }
}

/// Where clients come from.
#[derive(Debug)]
pub(super) enum Source {
    /// From sockets that the server has for as long as it lives.
    Sockets(Vec<Listener>),
    /// From one that a supervisor takes back while nobody comes.
    Lent(Listener),
    /// There is one already, and there will be no other.
    Visitor(Visitor, SocketAddr),
}

impl Source {
    /// What was handed over, or else the sockets that the configuration asks
    /// for. With `by_inetd` the former is a must.
    ///
    /// # Errors
    /// What is missing or cannot be used.
    pub(super) fn of(
        handed: Handed,
        config: &Config,
        by_inetd: bool,
    ) -> Result<Source, StartError> {
        if !handed.sockets.is_empty() {
            return of_systemd(handed.sockets, config);
        }
        match handed.input {
            Some(activation::Socket::Listening(socket)) => {
                Ok(Source::Lent(take_over(socket, config)?))
            }
            Some(activation::Socket::Connected(visitor)) => receive(visitor, config),
            None if by_inetd || config.listeners().is_empty() => Err(StartError::NoSocket),
            None => Ok(Source::Sockets(open(config)?)),
        }
    }

    /// The sockets that listen.
    pub(super) fn listeners(&self) -> &[Listener] {
        match self {
            Source::Sockets(listeners) => listeners,
            Source::Lent(listener) => std::slice::from_ref(listener),
            Source::Visitor(..) => &[],
        }
    }
}

fn of_systemd(sockets: Vec<(RawFd, OwnedFd)>, config: &Config) -> Result<Source, StartError> {
    let is_only = sockets.len() == 1;
    let mut listeners = Vec::new();
    for (number, socket) in sockets {
        match activation::Socket::of(socket) {
            Some(activation::Socket::Listening(socket)) => {
                listeners.push(take_over(socket, config)?);
            }
            Some(activation::Socket::Connected(visitor)) if is_only => {
                return receive(visitor, config);
            }
            _ => return Err(StartError::WrongSocket(number)),
        }
    }
    Ok(Source::Sockets(listeners))
}

/// A listening socket that was handed over.
fn take_over(socket: OwnedFd, config: &Config) -> Result<Listener, sys::Error> {
    let handle = SockRef::from(&socket);
    handle
        .set_nonblocking(true)
        .map_err(sys::Error::of("fcntl"))?;
    let address = handle.local_addr().map_err(sys::Error::of("getsockname"))?;
    let address = address
        .as_socket()
        .ok_or_else(|| sys::Error::new("getsockname", libc::EAFNOSUPPORT))?;
    let listener = Listener {
        socket,
        address,
        handed: true,
    };
    listener.prepare(config)?;
    Ok(listener)
}

/// A connection that was handed over.
fn receive(visitor: Visitor, config: &Config) -> Result<Source, StartError> {
    let Some(socket) = visitor.socket() else {
        return Err(StartError::NoSocket);
    };
    let handle = SockRef::from(&socket);
    let peer = handle.peer_addr();
    let peer = peer.ok().and_then(|peer| peer.as_socket());
    let peer = peer.ok_or(StartError::VisitorGone)?;
    handle
        .set_nonblocking(false)
        .map_err(sys::Error::of("fcntl"))?;
    control::prepare(socket, keepalive(config))?;
    Ok(Source::Visitor(visitor, peer))
}

/// Silence after which the kernel probes a connection (keepalive_interval).
pub(super) fn keepalive(config: &Config) -> Option<Duration> {
    let seconds = u64::from(config.keepalive_interval());
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Opens every socket the configuration asks for.
///
/// # Errors
/// The first that cannot be opened.
fn open(config: &Config) -> Result<Vec<Listener>, StartError> {
    let keepalive = keepalive(config);
    config
        .listeners()
        .iter()
        .map(|wanted| {
            open_one(wanted.address, wanted.only_v6, keepalive)
                .map_err(|error| StartError::Listen(wanted.address, error))
        })
        .collect()
}

/// Whether the sockets could be opened, without clients noticing: they do not
/// listen, and who has the ports may keep them.
///
/// # Errors
/// The first that could not be opened.
pub(super) fn rehearse(config: &Config) -> Result<(), StartError> {
    for wanted in config.listeners() {
        match bound(wanted.address, wanted.only_v6, None) {
            Err(error) if error.errno() != libc::EADDRINUSE => {
                return Err(StartError::Listen(wanted.address, error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn open_one(
    address: SocketAddr,
    only_v6: bool,
    keepalive: Option<Duration>,
) -> Result<Listener, sys::Error> {
    let socket = bound(address, only_v6, keepalive)?;
    socket.listen(BACKLOG).map_err(sys::Error::of("listen"))?;
    let bound = socket
        .local_addr()
        .map_err(sys::Error::of("getsockname"))?
        .as_socket();
    Ok(Listener {
        socket: socket.into(),
        address: bound.unwrap_or(address),
        handed: false,
    })
}

fn bound(
    address: SocketAddr,
    only_v6: bool,
    keepalive: Option<Duration>,
) -> Result<Socket, sys::Error> {
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
    Ok(socket)
}
