//! Passive mode (RFC 959 section 3.2, PASV and EPSV): the client connects.
//!
//! Binding a port for each transfer costs a quarter of a small one and can
//! lose a race for the port. So listeners stay bound between transfers: a
//! store of them, from which each PASV is given one at random and to which
//! it returns once the client has connected. A listener is closed after a
//! number of promises, so that the ports in use wander over the range.
//! What connected to a listener while nobody was promised it is dropped
//! before the next promise.

use super::transfer::wait_for;
use super::{DataConnection, Interruption, Watch};
use crate::protocol::PortSet;
use crate::sys;
use crate::sys::poll::READABLE;
use crate::sys::socket::accept_non_blocking;
use socket2::{Domain, Socket, Type};
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Listeners that lie ready: among so many a PASV draws, and so many
/// descriptors they take.
const READY: usize = 32;

/// Promises after which a listener is closed.
const PROMISES: u8 = 16;

/// Room in a listener's queue: a stranger who fills it keeps the client out.
const BACKLOG: i32 = 512;

/// Ports tried at random before the range is walked from end to end.
const DRAWS: usize = 64;

/// The passive ports and their listeners, shared by all sessions.
#[derive(Debug)]
pub struct PassivePorts {
    ports: PortSet,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Of all local addresses; there is one of them, or a few.
    ready: Vec<Listener>,
    /// Every address and port that one of our listeners has, promised or ready.
    bound: HashSet<SocketAddr>,
    drawn: u64,
    keys: RandomState,
}

#[derive(Debug)]
struct Listener {
    socket: OwnedFd,
    address: SocketAddr,
    promises_left: u8,
}

impl State {
    /// An unpredictable number below `bound`: the hash of a counter under
    /// keys that nobody outside knows (SipHash is made for this).
    fn draw(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        let hash = self.keys.hash_one(self.drawn);
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(hash % bound).unwrap_or(0)
    }
}

impl PassivePorts {
    /// The ports of `ports`; port 0 lets the system choose.
    #[must_use]
    pub fn new(ports: PortSet) -> Arc<PassivePorts> {
        Arc::new(PassivePorts {
            ports,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The sets stay consistent between any two statements below.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Promises a port of the address of `local` (whose own port does not
    /// matter) to one session.
    ///
    /// # Errors
    /// EADDRINUSE when the range is spent, or whatever binding fails with.
    pub fn promise(self: &Arc<Self>, local: SocketAddr) -> Result<Promise, sys::Error> {
        let mut listener = self.take(local)?;
        listener.promises_left = listener.promises_left.saturating_sub(1);
        // Who connected before the promise is not the one it is made to.
        while accept_non_blocking(listener.socket.as_fd()).is_ok() {}
        Ok(Promise {
            listener: Some(listener),
            ports: Arc::clone(self),
        })
    }

    fn take(&self, local: SocketAddr) -> Result<Listener, sys::Error> {
        let mut state = self.state();
        let here = |listener: &Listener| with_port(listener.address, 0) == with_port(local, 0);
        let ready = state.ready.iter().filter(|l| here(l)).count();
        let fresh = if ready < READY {
            self.bind_one(&mut state, local)
        } else {
            Err(sys::Error::new("bind", libc::EADDRINUSE))
        };
        fresh.or_else(|error| {
            let drawn = state.draw(ready);
            let mut places = state.ready.iter().enumerate().filter(|(_, l)| here(l));
            let place = places.nth(drawn).map(|(place, _)| place);
            place
                .map(|place| state.ready.swap_remove(place))
                .ok_or(error)
        })
    }

    fn bind_one(&self, state: &mut State, local: SocketAddr) -> Result<Listener, sys::Error> {
        let width = self.ports.count();
        // A small range is walked whole; of a large one, that many ports of
        // others' in a row mean that something else is wrong.
        let walk = width <= 4 * DRAWS;
        let tries = if walk { width } else { DRAWS };
        let start = state.draw(width);
        let mut failure = sys::Error::new("bind", libc::EADDRINUSE);
        for step in 0..tries {
            let at = if walk {
                (start + step) % width
            } else {
                state.draw(width)
            };
            let Some(port) = self.ports.nth(at) else {
                continue;
            };
            let address = with_port(local, port);
            if port != 0 && state.bound.contains(&address) {
                continue;
            }
            match listen(address) {
                Ok(listener) => {
                    state.bound.insert(listener.address);
                    return Ok(listener);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn give_back(&self, listener: Listener) {
        let mut state = self.state();
        if listener.promises_left == 0 {
            state.bound.remove(&listener.address);
            return;
        }
        state.ready.push(listener);
        if state.ready.len() > READY {
            // The one that has lain longest; it may be another address's.
            let oldest = state.ready.remove(0);
            state.bound.remove(&oldest.address);
        }
    }
}

/// `address` with another port and without a flow label, so that two of
/// them are equal when they mean the same.
fn with_port(address: SocketAddr, port: u16) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => SocketAddr::from((*v4.ip(), port)),
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), port, 0, v6.scope_id()).into(),
    }
}

fn listen(address: SocketAddr) -> Result<Listener, sys::Error> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket =
        Socket::new(Domain::for_address(address), kind, None).map_err(sys::Error::of("socket"))?;
    // Transfers of a moment ago leave the port in TIME_WAIT.
    socket
        .set_reuse_address(true)
        .map_err(sys::Error::of("setsockopt"))?;
    socket
        .bind(&address.into())
        .map_err(sys::Error::of("bind"))?;
    socket.listen(BACKLOG).map_err(sys::Error::of("listen"))?;
    let mut bound = address;
    if address.port() == 0 {
        let chosen = socket.local_addr().map_err(sys::Error::of("getsockname"))?;
        bound.set_port(chosen.as_socket().map_or(0, |chosen| chosen.port()));
    }
    Ok(Listener {
        socket: socket.into(),
        address: bound,
        promises_left: PROMISES,
    })
}

/// A port promised to one session, from PASV to the client's connect.
#[derive(Debug)]
pub struct Promise {
    /// Always there until drop.
    listener: Option<Listener>,
    ports: Arc<PassivePorts>,
}

impl Promise {
    /// The port to announce.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listener
            .as_ref()
            .map_or(0, |listener| listener.address.port())
    }

    /// Waits for the client: `expected`, or anybody if `None` (pasv_promiscuous).
    /// Others are dropped, and the wait goes on. The port is free again as
    /// soon as this returns.
    ///
    /// # Errors
    /// When nobody comes within `limit` or the control connection ends the wait.
    pub fn accept(
        mut self,
        expected: Option<IpAddr>,
        watch: &mut dyn Watch,
        limit: Option<Duration>,
    ) -> Result<DataConnection, Interruption> {
        let Some(listener) = self.listener.take() else {
            unreachable!("only this method and drop take the listener, and both end the promise");
        };
        let result = accept(&listener, expected, watch, limit);
        self.ports.give_back(listener);
        result
    }
}

fn accept(
    listener: &Listener,
    expected: Option<IpAddr>,
    watch: &mut dyn Watch,
    limit: Option<Duration>,
) -> Result<DataConnection, Interruption> {
    // One limit for the whole wait, however many strangers come.
    let deadline = limit.map(|limit| (limit, Instant::now() + limit));
    loop {
        let left = deadline.map(|(_, at)| at.saturating_duration_since(Instant::now()));
        match accept_non_blocking(listener.socket.as_fd()) {
            Ok((socket, peer)) => {
                if expected.is_none_or(|ip| ip == peer.ip().to_canonical()) {
                    return Ok(DataConnection { socket, peer });
                }
                watch.stranger(peer);
                if let (Some((limit, _)), Some(Duration::ZERO)) = (deadline, left) {
                    return Err(Interruption::TimedOut(limit));
                }
            }
            Err(error) if error.would_block() => {
                wait_for(listener.socket.as_fd(), READABLE, watch, 0, left).map_err(
                    |why| match (why, limit) {
                        (Interruption::TimedOut(_), Some(limit)) => Interruption::TimedOut(limit),
                        (why, _) => why,
                    },
                )?;
            }
            // Gone again before it was taken, or a network error that
            // accept(2) reports for the connection: the next may be well.
            Err(error) if error.errno() == libc::ECONNABORTED => {}
            Err(error) => return Err(Interruption::Network(error)),
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.take() {
            // A client that has connected and gets no transfer is let go.
            while accept_non_blocking(listener.socket.as_fd()).is_ok() {}
            self.ports.give_back(listener);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpStream};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn here() -> SocketAddr {
        SocketAddr::new(HERE, 0)
    }

    struct Nobody(OwnedFd);

    impl Watch for Nobody {
        fn control(&self) -> (std::os::fd::BorrowedFd<'_>, crate::data::Heed) {
            (self.0.as_fd(), crate::data::Heed::Nothing)
        }
        fn attend(&mut self, _: u64) -> Result<(), Interruption> {
            Ok(())
        }
        fn stranger(&mut self, _: SocketAddr) {}
    }

    fn nobody() -> Nobody {
        Nobody(std::fs::File::open("/dev/null").unwrap().into())
    }

    #[test]
    fn two_promises_never_share_a_port() {
        let ports = PassivePorts::new(PortSet::range(0, 0));
        let promises: Vec<Promise> = (0..50).map(|_| ports.promise(here()).unwrap()).collect();
        let different: HashSet<u16> = promises.iter().map(Promise::port).collect();
        assert_eq!(different.len(), 50);
    }

    #[test]
    fn a_spent_range_says_so_and_recovers() {
        let port = listen(here()).unwrap().address.port();
        let ports = PassivePorts::new(PortSet::range(port, port));
        let promise = ports.promise(here()).unwrap();
        let error = ports.promise(here()).unwrap_err();
        assert_eq!(error.errno(), libc::EADDRINUSE);
        drop(promise);
        assert_eq!(ports.promise(here()).unwrap().port(), port);
    }

    #[test]
    fn who_connected_before_the_promise_is_dropped() {
        let port = listen(here()).unwrap().address.port();
        let ports = PassivePorts::new(PortSet::range(port, port));
        drop(ports.promise(here()).unwrap());
        let _stale = TcpStream::connect((HERE, port)).unwrap();
        let promise = ports.promise(here()).unwrap();
        let fresh = TcpStream::connect((HERE, port)).unwrap();
        let limit = Some(Duration::from_secs(20));
        let connection = promise.accept(Some(HERE), &mut nobody(), limit).unwrap();
        assert_eq!(connection.peer, fresh.local_addr().unwrap());
    }

    #[test]
    fn nobody_coming_is_a_timeout() {
        let ports = PassivePorts::new(PortSet::range(0, 0));
        let limit = Duration::from_millis(10);
        let result = ports
            .promise(here())
            .unwrap()
            .accept(Some(HERE), &mut nobody(), Some(limit));
        assert_eq!(result.unwrap_err(), Interruption::TimedOut(limit));
    }
}
