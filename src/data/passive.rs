//! Passive mode (RFC 959 section 3.2, PASV and EPSV): the client connects.
//!
//! A session is promised a port, says so to its client, and waits for the
//! client when the transfer begins. Several sessions may wait at one port
//! (see `ports`): each watches the listener and its own bell, and what one
//! accepts for another it hands over.

use super::ports::{Arrival, Handed, PassivePorts, Ticket};
use super::transfer::{Waiting, wait_for};
use super::{DataConnection, Interruption, Watch};
use crate::sys;
use crate::sys::poll::READABLE;
use crate::sys::socket::accept_non_blocking;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

/// A port promised to one session, from PASV to the client's connect.
#[derive(Debug)]
pub struct Promise {
    ticket: Ticket,
    ports: Arc<PassivePorts>,
    /// The client has come.
    kept: bool,
    dropped: Vec<SocketAddr>,
}

impl Promise {
    /// Promises a port of the address of `local` (whose own port does not
    /// matter) to a session whose data connection shall come from `client`,
    /// or from anywhere if `None` (pasv_promiscuous).
    ///
    /// # Errors
    /// EADDRINUSE when the range is spent, or whatever binding fails with.
    pub fn of(
        ports: &Arc<PassivePorts>,
        local: SocketAddr,
        client: Option<IpAddr>,
    ) -> Result<Promise, sys::Error> {
        let (ticket, dropped) = ports.take(local, client)?;
        Ok(Promise {
            ticket,
            ports: Arc::clone(ports),
            kept: false,
            dropped,
        })
    }

    /// The first of those who had connected to the port before it was
    /// promised, and were dropped; some of them may be strangers to others
    /// who hold the port.
    #[must_use]
    pub fn dropped(&self) -> &[SocketAddr] {
        &self.dropped
    }

    /// The port to announce.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ticket.address.port()
    }

    /// Lets go of the port: the client, if it has come already, and the first
    /// of the strangers who have.
    #[must_use]
    pub fn visitors(self) -> (Option<DataConnection>, Vec<SocketAddr>) {
        let strangers = self.ports.clear_queue(&self.ticket);
        (self.ports.arrived(&self.ticket), strangers)
    }

    /// Waits for the client. Others are dropped, and the wait goes on. The
    /// port is free again as soon as this returns.
    ///
    /// # Errors
    /// When nobody comes within `limit` or the control connection ends the wait.
    pub fn accept(
        mut self,
        watch: &mut dyn Watch,
        limit: Option<Duration>,
    ) -> Result<DataConnection, Interruption> {
        // One limit for the whole wait, however many strangers come.
        let waiting = Waiting::new(limit);
        let connection = loop {
            if let Some(connection) = self.ports.arrived(&self.ticket) {
                break connection;
            }
            match accept_non_blocking(self.ticket.listener.as_fd()) {
                Ok((socket, peer)) => {
                    let connection = DataConnection { socket, peer };
                    let client = self.ticket.client;
                    if client.is_none_or(|ip| ip == peer.ip().to_canonical()) {
                        break connection;
                    }
                    if self.ports.hand_over(&self.ticket, connection) == Handed::Nobodys {
                        watch.stranger(peer);
                    }
                    waiting.check()?;
                }
                Err(error) if error.would_block() => {
                    let arrival = self.ports.arrived_or_bell(&self.ticket);
                    match arrival.map_err(Interruption::Network)? {
                        Arrival::Here(connection) => break connection,
                        Arrival::Wait(bell) => {
                            let listener = self.ticket.listener.as_fd();
                            wait_for(listener, READABLE, Some(&bell), watch, 0, waiting)?;
                        }
                    }
                }
                // Gone again before it was taken, or a network error that
                // accept(2) reports for the connection: the next may be well.
                Err(error) if error.errno() == libc::ECONNABORTED => {}
                Err(error) => return Err(Interruption::Network(error)),
            }
        };
        self.kept = true;
        Ok(connection)
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.kept {
            // A client that has connected and gets no transfer is let go:
            // it goes to this holder, and that with it.
            self.ports.clear_queue(&self.ticket);
        }
        self.ports.give_back(&self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Heed;
    use crate::protocol::Marker;
    use crate::protocol::PortSet;
    use socket2::{Domain, Socket, Type};
    use std::collections::HashSet;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::fd::{BorrowedFd, OwnedFd};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    const LIMIT: Option<Duration> = Some(Duration::from_secs(20));

    /// A watch without a control connection that counts strangers.
    struct Nobody(OwnedFd, u32);

    impl Watch for Nobody {
        fn control(&self) -> (BorrowedFd<'_>, Heed) {
            (self.0.as_fd(), Heed::Nothing)
        }
        fn attend(&mut self, _: u64) -> Result<(), Interruption> {
            Ok(())
        }
        fn stranger(&mut self, _: SocketAddr) {
            self.1 += 1;
        }
        fn marker(&mut self, _theirs: &[u8], _ours: Marker) -> Result<(), Interruption> {
            Ok(())
        }

        fn port_taken(&mut self, _: u16, _: SocketAddr) {}
    }

    fn nobody() -> Nobody {
        Nobody(std::fs::File::open("/dev/null").unwrap().into(), 0)
    }

    /// Ports of a range of one, which is free.
    fn one_port() -> (Arc<PassivePorts>, u16) {
        let free = TcpListener::bind((HERE, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        (PassivePorts::new(PortSet::range(port, port)), port)
    }

    fn promise(ports: &Arc<PassivePorts>, client: IpAddr) -> Result<Promise, sys::Error> {
        Promise::of(ports, SocketAddr::new(HERE, 0), Some(client))
    }

    /// A client at `address` that connects to `port`.
    fn connect(address: IpAddr, port: u16) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(address, 0).into()).unwrap();
        socket.connect(&SocketAddr::new(HERE, port).into()).unwrap();
        socket.into()
    }

    fn came(connection: &DataConnection, client: &TcpStream) -> bool {
        connection.peer == client.local_addr().unwrap()
    }

    #[test]
    fn promises_to_one_address_never_share_a_port() {
        let ports = PassivePorts::new(PortSet::range(0, 0));
        let promises: Vec<Promise> = (0..50).map(|_| promise(&ports, HERE).unwrap()).collect();
        let different: HashSet<u16> = promises.iter().map(Promise::port).collect();
        assert_eq!(different.len(), 50);
    }

    #[test]
    fn a_spent_range_says_so_and_recovers() {
        let (ports, port) = one_port();
        let first = promise(&ports, HERE).unwrap();
        assert_eq!(promise(&ports, HERE).unwrap_err().errno(), libc::EADDRINUSE);
        drop(first);
        assert_eq!(promise(&ports, HERE).unwrap().port(), port);
    }

    #[test]
    fn who_waits_for_anybody_shares_with_nobody() {
        let (ports, _) = one_port();
        let anybody = || Promise::of(&ports, SocketAddr::new(HERE, 0), None);
        let first = promise(&ports, HERE).unwrap();
        assert_eq!(anybody().unwrap_err().errno(), libc::EADDRINUSE);
        drop(first);
        let _first = anybody().unwrap();
        assert!(promise(&ports, HERE).is_err());
        assert!(anybody().is_err());
    }

    #[test]
    fn clients_at_different_addresses_share_a_port_in_any_order() {
        let (ports, port) = one_port();
        let here = promise(&ports, HERE).unwrap();
        let there = promise(&ports, THERE).unwrap();
        assert_eq!((here.port(), there.port()), (port, port));
        // The other one's client is first in the queue.
        let client_there = connect(THERE, port);
        let client_here = connect(HERE, port);
        let mut watch = nobody();
        assert!(came(&here.accept(&mut watch, LIMIT).unwrap(), &client_here));
        assert!(came(
            &there.accept(&mut watch, LIMIT).unwrap(),
            &client_there
        ));
        assert_eq!(watch.1, 0, "no stranger");
    }

    #[test]
    fn a_holder_that_sleeps_is_woken_by_the_one_that_accepts_for_it() {
        for _ in 0..50 {
            let (ports, port) = one_port();
            let all = [2, 3, 4, 5, 6].map(|last| IpAddr::from([127, 0, 0, last]));
            let promises = all.map(|address| promise(&ports, address).unwrap());
            let waiting = promises.map(|promise| {
                std::thread::spawn(move || promise.accept(&mut nobody(), LIMIT).unwrap())
            });
            let clients = all.map(|address| connect(address, port));
            for (holder, client) in waiting.into_iter().zip(clients) {
                assert!(came(&holder.join().unwrap(), &client));
            }
        }
    }

    #[test]
    fn an_address_that_hoards_every_port_starves_only_itself() {
        let first = TcpListener::bind((HERE, 0)).unwrap();
        let base = first.local_addr().unwrap().port();
        drop(first);
        let ports = PassivePorts::new(PortSet::range(base, base.saturating_add(3)));
        let mut hoard = Vec::new();
        while let Ok(promise) = promise(&ports, THERE) {
            hoard.push(promise);
        }
        assert!(!hoard.is_empty());
        let other = promise(&ports, HERE).unwrap();
        let client = connect(HERE, other.port());
        assert!(came(&other.accept(&mut nobody(), LIMIT).unwrap(), &client));
    }

    #[test]
    fn ranges_share_what_they_have_in_common_and_give_it_back() {
        let (ports, port) = one_port();
        let own = ports.beside(PortSet::range(port, port));
        let here = promise(&ports, HERE).unwrap();
        assert!(promise(&own, HERE).is_err());
        let there = promise(&own, THERE).unwrap();
        let (client_here, client_there) = (connect(HERE, port), connect(THERE, port));
        let accepted = there.accept(&mut nobody(), LIMIT).unwrap();
        assert!(came(&accepted, &client_there));
        let accepted = here.accept(&mut nobody(), LIMIT).unwrap();
        assert!(came(&accepted, &client_here));
        drop(promise(&own, HERE).unwrap());
        // What nobody holds is nobody's obstacle, and gone with the range.
        let elsewhere = ports.beside(PortSet::range(0, 0));
        drop(promise(&elsewhere, HERE).unwrap());
        drop((own, elsewhere));
        assert!(TcpStream::connect((HERE, port)).is_err());
        assert_eq!(promise(&ports, HERE).unwrap().port(), port);
    }

    #[test]
    fn who_connected_before_the_promise_is_dropped() {
        let (ports, port) = one_port();
        drop(promise(&ports, HERE).unwrap());
        let _stale = connect(HERE, port);
        let fresh_one = promise(&ports, HERE).unwrap();
        let fresh = connect(HERE, port);
        let connection = fresh_one.accept(&mut nobody(), LIMIT).unwrap();
        assert!(came(&connection, &fresh));
        // And so it is where others hold the port.
        let _other = promise(&ports, THERE).unwrap();
        let _stale = connect(HERE, port);
        let fresh_one = promise(&ports, HERE).unwrap();
        let fresh = connect(HERE, port);
        let connection = fresh_one.accept(&mut nobody(), LIMIT).unwrap();
        assert!(came(&connection, &fresh));
    }

    #[test]
    fn a_promise_not_kept_takes_its_client_with_it() {
        let (ports, port) = one_port();
        let first = promise(&ports, HERE).unwrap();
        let other = promise(&ports, THERE).unwrap();
        let mut client = connect(HERE, port);
        let client_there = connect(THERE, port);
        drop(first);
        client.set_read_timeout(LIMIT).unwrap();
        let read = std::io::Read::read(&mut client, &mut [0]);
        let let_go = read.map_or_else(
            |error| error.kind() != std::io::ErrorKind::WouldBlock,
            |count| count == 0,
        );
        assert!(let_go, "the client waits on");
        let connection = other.accept(&mut nobody(), LIMIT).unwrap();
        assert!(came(&connection, &client_there));
    }

    #[test]
    fn a_stranger_is_dropped_and_the_client_still_served() {
        let (ports, port) = one_port();
        let here = promise(&ports, HERE).unwrap();
        let _stranger = connect(THERE, port);
        let client = connect(HERE, port);
        let mut watch = nobody();
        assert!(came(&here.accept(&mut watch, LIMIT).unwrap(), &client));
        assert_eq!(watch.1, 1);
    }

    #[test]
    fn a_wide_range_is_used_to_the_last_port() {
        // An address of this test's own, and ports that the kernel gives to
        // nobody: all 300 are free.
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let local = SocketAddr::from(([127, 66, high, low], 0));
        let ports = PassivePorts::new(PortSet::range(20_000, 20_299));
        let promises = |client| -> Vec<Promise> {
            let next = || Promise::of(&ports, local, Some(client)).ok();
            std::iter::from_fn(next).collect()
        };
        let first = promises(HERE);
        assert_eq!(first.len(), 300);
        // And as many clients more share them.
        assert_eq!(promises(THERE).len(), 300);
    }

    #[test]
    fn each_local_address_has_ports_that_lie_ready() {
        let ports = PassivePorts::new(PortSet::range(0, 0));
        let take = |local: IpAddr| {
            let local = SocketAddr::new(local, 0);
            Promise::of(&ports, local, Some(HERE)).unwrap().port()
        };
        for _ in 0..200 {
            take(HERE);
            take(THERE);
        }
        // A port comes again only if its listener lay ready meanwhile.
        for local in [HERE, THERE] {
            let drawn: Vec<u16> = (0..200).map(|_| take(local)).collect();
            let different: HashSet<u16> = drawn.iter().copied().collect();
            assert!(different.len() < 100, "{}", different.len());
        }
    }

    #[test]
    fn nobody_coming_is_a_timeout() {
        let ports = PassivePorts::new(PortSet::range(0, 0));
        let limit = Duration::from_millis(10);
        let result = promise(&ports, HERE)
            .unwrap()
            .accept(&mut nobody(), Some(limit));
        assert_eq!(result.unwrap_err(), Interruption::TimedOut(limit));
    }
}
