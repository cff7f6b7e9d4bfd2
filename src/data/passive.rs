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
use crate::sys;
use crate::sys::poll::READABLE;
use crate::sys::socket::accept_non_blocking;
use socket2::{Domain, Socket, Type};
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Listeners that lie ready for each local address: among so many a PASV
/// draws, and so many descriptors they take.
const READY: usize = 32;

/// Promises after which a listener is closed.
const PROMISES: u8 = 200;

/// Ports tried at random before the range is walked from end to end.
const DRAWS: usize = 64;

/// The passive port range and its listeners, shared by all sessions.
#[derive(Debug)]
pub struct PassivePorts {
    first: u16,
    last: u16,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ready: HashMap<IpAddr, Vec<Listener>>,
    /// Every port that one of our listeners has, promised or ready.
    bound: HashSet<(IpAddr, u16)>,
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
    /// The ports `first` to `last`, both included; port 0 lets the system choose.
    #[must_use]
    pub fn new(first: u16, last: u16) -> Arc<PassivePorts> {
        Arc::new(PassivePorts {
            first,
            last: last.max(first),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The sets stay consistent between any two statements below.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Promises a port of the local address `local` to one session.
    ///
    /// # Errors
    /// EADDRINUSE when the range is spent, or whatever binding fails with.
    pub fn promise(self: &Arc<Self>, local: IpAddr) -> Result<Promise, sys::Error> {
        let mut listener = self.take(local)?;
        listener.promises_left = listener.promises_left.saturating_sub(1);
        // Who connected before the promise is not the one it is made to.
        while accept_non_blocking(listener.socket.as_fd()).is_ok() {}
        Ok(Promise {
            listener: Some(listener),
            ports: Arc::clone(self),
        })
    }

    fn take(&self, local: IpAddr) -> Result<Listener, sys::Error> {
        let mut state = self.state();
        let ready = state.ready.get(&local).map_or(0, Vec::len);
        let fresh = if ready < READY {
            self.bind_one(&mut state, local)
        } else {
            Err(sys::Error::new("bind", libc::EADDRINUSE))
        };
        match fresh {
            Ok(listener) => Ok(listener),
            Err(error) => {
                let at = state.draw(ready);
                match state.ready.get_mut(&local) {
                    Some(listeners) if at < listeners.len() => Ok(listeners.swap_remove(at)),
                    _ => Err(error),
                }
            }
        }
    }

    fn bind_one(&self, state: &mut State, local: IpAddr) -> Result<Listener, sys::Error> {
        let width = usize::from(self.last - self.first) + 1;
        let mut failure = sys::Error::new("bind", libc::EADDRINUSE);
        let start = state.draw(width);
        let draws = DRAWS.min(width);
        // A small range is walked whole; of a large one, that many ports of
        // others' in a row mean that something else is wrong.
        let tries = if width <= 4 * DRAWS { width } else { draws };
        for step in 0..tries {
            let at = if width <= 4 * DRAWS {
                (start + step) % width
            } else {
                state.draw(width)
            };
            let port = self.first.saturating_add(u16::try_from(at).unwrap_or(0));
            if port != 0 && state.bound.contains(&(local, port)) {
                continue;
            }
            match listen(SocketAddr::new(local, port)) {
                Ok(listener) => {
                    state.bound.insert((local, listener.address.port()));
                    return Ok(listener);
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn give_back(&self, listener: Listener) {
        let mut state = self.state();
        let ip = listener.address.ip();
        let ready = state.ready.entry(ip).or_default();
        if listener.promises_left > 0 && ready.len() < READY {
            ready.push(listener);
        } else {
            state.bound.remove(&(ip, listener.address.port()));
        }
    }
}

fn listen(address: SocketAddr) -> Result<Listener, sys::Error> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(address), kind, None).map_err(failed("socket"))?;
    // Transfers of a moment ago leave the port in TIME_WAIT.
    socket
        .set_reuse_address(true)
        .map_err(failed("setsockopt"))?;
    socket.bind(&address.into()).map_err(failed("bind"))?;
    socket.listen(16).map_err(failed("listen"))?;
    let bound = socket
        .local_addr()
        .map_err(failed("getsockname"))?
        .as_socket();
    Ok(Listener {
        socket: socket.into(),
        address: bound.unwrap_or(address),
        promises_left: PROMISES,
    })
}

fn failed(call: &'static str) -> impl Fn(std::io::Error) -> sys::Error {
    move |error| sys::Error::from_io(call, &error)
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
    loop {
        match accept_non_blocking(listener.socket.as_fd()) {
            Ok((socket, peer)) => {
                if expected.is_none_or(|ip| ip == peer.ip().to_canonical()) {
                    return Ok(DataConnection { socket, peer });
                }
                watch.stranger(peer);
            }
            Err(error) if error.would_block() => {
                wait_for(listener.socket.as_fd(), READABLE, watch, 0, limit)?;
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
            self.ports.give_back(listener);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpStream};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

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
        let ports = PassivePorts::new(0, 0);
        let promises: Vec<Promise> = (0..50).map(|_| ports.promise(HERE).unwrap()).collect();
        let different: HashSet<u16> = promises.iter().map(Promise::port).collect();
        assert_eq!(different.len(), 50);
    }

    #[test]
    fn a_spent_range_says_so_and_recovers() {
        let port = listen(SocketAddr::new(HERE, 0)).unwrap().address.port();
        let ports = PassivePorts::new(port, port);
        let promise = ports.promise(HERE).unwrap();
        let error = ports.promise(HERE).unwrap_err();
        assert_eq!(error.errno(), libc::EADDRINUSE);
        drop(promise);
        assert_eq!(ports.promise(HERE).unwrap().port(), port);
    }

    #[test]
    fn who_connected_before_the_promise_is_dropped() {
        let port = listen(SocketAddr::new(HERE, 0)).unwrap().address.port();
        let ports = PassivePorts::new(port, port);
        drop(ports.promise(HERE).unwrap());
        let _stale = TcpStream::connect((HERE, port)).unwrap();
        let promise = ports.promise(HERE).unwrap();
        let fresh = TcpStream::connect((HERE, port)).unwrap();
        let limit = Some(Duration::from_secs(20));
        let connection = promise.accept(Some(HERE), &mut nobody(), limit).unwrap();
        assert_eq!(connection.peer, fresh.local_addr().unwrap());
    }

    #[test]
    fn nobody_coming_is_a_timeout() {
        let ports = PassivePorts::new(0, 0);
        let limit = Duration::from_millis(10);
        let result = ports
            .promise(HERE)
            .unwrap()
            .accept(Some(HERE), &mut nobody(), Some(limit));
        assert_eq!(result.unwrap_err(), Interruption::TimedOut(limit));
    }
}
