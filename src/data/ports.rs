//! The passive ports: which are bound, and who has been promised which.
//!
//! Binding a port for each transfer costs a quarter of a small one and can
//! lose a race for the port. So listeners stay bound between transfers: some
//! lie ready, and each PASV draws one of them at random. A listener is
//! closed after a number of promises, so that the ports in use wander over
//! the range.
//!
//! Once every port of the range is promised, clients at different addresses
//! share: whoever accepts a connection hands it to the holder whose client
//! has that address. So the number of ports bounds the transfers of one
//! address, not those of the server, and an address that hoards ports keeps
//! only itself waiting. Two clients of one address cannot be told apart and
//! never share.
//!
//! Some users have a range of their own, and a server that has read its
//! configuration again another than before. All ranges know of the same
//! listeners, so that none keeps a port bound that another could use.

use super::DataConnection;
use crate::protocol::PortSet;
use crate::sys;
use crate::sys::poll::Bell;
use crate::sys::socket::accept_non_blocking;
use socket2::{Domain, Socket, Type};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Listeners that lie ready for each local address: among so many a PASV
/// draws, and so many descriptors they take.
const READY: usize = 32;

/// The same for all local addresses together, of a machine that has many.
const READY_IN_ALL: usize = 256;

/// Promises after which a listener is closed.
const PROMISES: u8 = 16;

/// Room in a listener's queue (the kernel cuts it down to
/// net.core.somaxconn): a stranger who fills it keeps the client out.
const BACKLOG: i32 = 4096;

/// Dropped connections that are told of.
const TOLD: usize = 3;

/// Ports of a wide range tried at random before it is walked from end to end.
const DRAWS: usize = 64;

/// A range of passive ports, and the listeners of all ranges.
#[derive(Debug)]
pub struct PassivePorts {
    ports: PortSet,
    store: Arc<Mutex<Store>>,
}

#[derive(Debug, Default)]
struct Store {
    /// Every port that is bound. Local addresses are one or a few.
    bound: HashMap<SocketAddr, Port>,
    /// Those of them that nobody holds, the longest free first.
    ready: Vec<SocketAddr>,
    holders: u64,
    drawn: u64,
    keys: RandomState,
}

#[derive(Debug)]
struct Port {
    listener: Arc<OwnedFd>,
    promises_left: u8,
    /// More than one only if each waits for a client of its own address.
    holders: Vec<Holder>,
}

/// A session to which a port is promised.
#[derive(Debug)]
struct Holder {
    number: u64,
    client: Option<IpAddr>,
    /// False until what queued up before the promise is cleared away.
    expecting: bool,
    /// What another holder of the port has accepted for this one.
    arrived: Option<DataConnection>,
    /// Rung at that, once the holder waits.
    bell: Option<Arc<Bell>>,
}

/// A holder's right to a port.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) address: SocketAddr,
    pub(super) listener: Arc<OwnedFd>,
    /// The client it is for; anybody if `None`.
    pub(super) client: Option<IpAddr>,
    number: u64,
}

/// What a holder finds when it asks for its client.
pub(super) enum Arrival {
    /// Another holder has accepted it.
    Here(DataConnection),
    /// Nothing; this is rung when that changes.
    Wait(Arc<Bell>),
}

impl Port {
    /// Whether a further holder, for `client`, could be told from the others.
    fn has_room_for(&self, client: Option<IpAddr>) -> bool {
        client.is_some()
            && self
                .holders
                .iter()
                .all(|holder| holder.client.is_some() && holder.client != client)
    }
}

impl Holder {
    fn expects(&self, client: IpAddr) -> bool {
        self.expecting && self.client.is_none_or(|own| own == client)
    }
}

impl Store {
    /// An unpredictable number below `bound`: the hash of a counter under
    /// keys that nobody outside knows (SipHash is made for this).
    fn draw(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        let hash = self.keys.hash_one(self.drawn);
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(hash % bound).unwrap_or(0)
    }

    fn holder(&mut self, ticket: &Ticket) -> Option<&mut Holder> {
        let port = self.bound.get_mut(&ticket.address)?;
        let mut holders = port.holders.iter_mut();
        holders.find(|holder| holder.number == ticket.number)
    }

    /// How many of these ports lie ready.
    fn ready_among(&self, suits: impl Fn(&SocketAddr) -> bool) -> usize {
        self.ready.iter().filter(|address| suits(address)).count()
    }

    /// Takes one of these ports that lie ready, if there are any.
    fn take_ready(&mut self, suits: impl Fn(&SocketAddr) -> bool) -> Option<SocketAddr> {
        let count = self.ready_among(&suits);
        let drawn = self.draw(count);
        let mut places = self.ready.iter().enumerate().filter(|(_, at)| suits(at));
        let (place, _) = places.nth(drawn)?;
        Some(self.ready.swap_remove(place))
    }

    /// Makes a session a holder of a bound port.
    fn join(&mut self, address: SocketAddr, client: Option<IpAddr>) -> Option<Ticket> {
        let port = self.bound.get_mut(&address)?;
        self.holders += 1;
        port.promises_left = port.promises_left.saturating_sub(1);
        port.holders.push(Holder {
            number: self.holders,
            client,
            expecting: false,
            arrived: None,
            bell: None,
        });
        Some(Ticket {
            address,
            listener: Arc::clone(&port.listener),
            client,
            number: self.holders,
        })
    }

    /// Lets go of `ticket`, and of a port that nobody holds any more and
    /// that has served long enough.
    fn part(&mut self, ticket: &Ticket) {
        let Some(port) = self.bound.get_mut(&ticket.address) else {
            return;
        };
        port.holders.retain(|holder| holder.number != ticket.number);
        if !port.holders.is_empty() {
            return;
        }
        if port.promises_left == 0 {
            self.bound.remove(&ticket.address);
            return;
        }
        self.ready.push(ticket.address);
        let local = with_port(ticket.address, 0);
        let here = |address: &SocketAddr| with_port(*address, 0) == local;
        let oldest = if self.ready.len() > READY_IN_ALL {
            Some(0)
        } else if self.ready_among(here) > READY {
            self.ready.iter().position(here)
        } else {
            None
        };
        if let Some(oldest) = oldest {
            let address = self.ready.remove(oldest);
            self.bound.remove(&address);
        }
    }
}

impl PassivePorts {
    /// The ports of `ports`; port 0 lets the system choose.
    #[must_use]
    pub fn new(ports: PortSet) -> Arc<PassivePorts> {
        Arc::new(PassivePorts {
            ports,
            store: Arc::default(),
        })
    }

    /// Another range, which may have ports in common with this one.
    #[must_use]
    pub fn beside(&self, ports: PortSet) -> Arc<PassivePorts> {
        Arc::new(PassivePorts {
            ports,
            store: Arc::clone(&self.store),
        })
    }

    /// Whether a port that was bound may serve this range.
    fn has(&self, port: u16) -> bool {
        self.ports.contains(port) || self.ports.contains(0)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // The maps stay consistent between any two statements of Store.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket for a port of the address of `local` (whose own port does
    /// not matter), for a session that waits for `client`, or for anybody;
    /// and who had come there before and was dropped.
    ///
    /// # Errors
    /// EADDRINUSE when every port is held by somebody from whom `client`
    /// could not be told, or whatever binding fails with.
    pub(super) fn take(
        &self,
        local: SocketAddr,
        client: Option<IpAddr>,
    ) -> Result<(Ticket, Vec<SocketAddr>), sys::Error> {
        let local = with_port(local, 0);
        let mine =
            |address: &SocketAddr| with_port(*address, 0) == local && self.has(address.port());
        let mut store = self.store();
        let enough = store.ready_among(mine) >= READY || store.ready.len() >= READY_IN_ALL;
        let ready = enough.then(|| store.take_ready(mine)).flatten();
        let address = match ready {
            Some(ready) => ready,
            None => self.bind_one(&mut store, local).or_else(|error| {
                let ready = store.take_ready(mine);
                ready
                    .or_else(|| self.find_shared(&mut store, local, client))
                    .ok_or(error)
            })?,
        };
        let Some(ticket) = store.join(address, client) else {
            unreachable!("the port was found in this store a moment ago, under this lock");
        };
        drop(store);
        let dropped = self.clear_queue(&ticket);
        if let Some(holder) = self.store().holder(&ticket) {
            holder.expecting = true;
        }
        Ok((ticket, dropped))
    }

    /// Asks `suits` about ports of the range until it gives something: at
    /// random first, then all of them from anywhere on.
    fn search<T>(
        &self,
        store: &mut Store,
        local: SocketAddr,
        mut suits: impl FnMut(&mut Store, SocketAddr) -> Option<T>,
    ) -> Option<T> {
        let width = self.ports.count();
        let draws = if width > 4 * DRAWS { DRAWS } else { 0 };
        let start = store.draw(width);
        for step in 0..draws + width {
            let place = match step.checked_sub(draws) {
                Some(step) => (start + step) % width,
                None => store.draw(width),
            };
            let port = self.ports.nth(place)?;
            if let Some(found) = suits(store, with_port(local, port)) {
                return Some(found);
            }
        }
        None
    }

    fn bind_one(&self, store: &mut Store, local: SocketAddr) -> Result<SocketAddr, sys::Error> {
        let mut failure = sys::Error::new("bind", libc::EADDRINUSE);
        let found = self.search(store, local, |store, address| {
            if store.bound.contains_key(&address) {
                return None;
            }
            match listen(address) {
                Ok((listener, address)) => {
                    let port = Port {
                        listener: Arc::new(listener),
                        promises_left: PROMISES,
                        holders: Vec::new(),
                    };
                    store.bound.insert(address, port);
                    Some(Ok(address))
                }
                Err(error) if error.errno() == libc::EADDRINUSE => None,
                // It would go no better at the next port.
                Err(error) if !matches!(error.errno(), libc::EACCES | libc::EPERM) => {
                    Some(Err(error))
                }
                Err(error) => {
                    failure = error;
                    None
                }
            }
        });
        found.unwrap_or(Err(failure))
    }

    /// A port that others hold and `client` may share.
    fn find_shared(
        &self,
        store: &mut Store,
        local: SocketAddr,
        client: Option<IpAddr>,
    ) -> Option<SocketAddr> {
        self.search(store, local, |store, address| {
            let port = store.bound.get(&address)?;
            port.has_room_for(client).then_some(address)
        })
    }

    /// Accepts what has queued up at a port and hands it to its holders.
    /// What is nobody's is dropped: a stranger, or a client that came before
    /// the promise. Gives the first of those.
    pub(super) fn clear_queue(&self, ticket: &Ticket) -> Vec<SocketAddr> {
        let mut dropped = Vec::new();
        // Nobody shall be kept busy by connecting faster than this.
        for _ in 0..=BACKLOG {
            let Ok((socket, peer)) = accept_non_blocking(ticket.listener.as_fd()) else {
                break;
            };
            let handed = self.hand_over(ticket, DataConnection { socket, peer });
            if handed == Handed::Nobodys && dropped.len() < TOLD {
                dropped.push(peer);
            }
        }
        dropped
    }

    /// Hands a connection to that holder of the ticket's port whose client
    /// it is, or drops it.
    pub(super) fn hand_over(&self, ticket: &Ticket, connection: DataConnection) -> Handed {
        let client = connection.peer.ip().to_canonical();
        let mut store = self.store();
        let Some(port) = store.bound.get_mut(&ticket.address) else {
            return Handed::Nobodys;
        };
        let mut holders = port.holders.iter_mut();
        let Some(holder) = holders.find(|holder| holder.expects(client)) else {
            return Handed::Nobodys;
        };
        if holder.arrived.is_some() {
            return Handed::Twice;
        }
        holder.arrived = Some(connection);
        if let Some(bell) = &holder.bell {
            bell.ring();
        }
        Handed::Over
    }

    /// What another holder has accepted for this one.
    pub(super) fn arrived(&self, ticket: &Ticket) -> Option<DataConnection> {
        self.store().holder(ticket)?.arrived.take()
    }

    /// The same, with what to wait for when there is nothing.
    ///
    /// # Errors
    /// When the system gives no eventfd.
    pub(super) fn arrived_or_bell(&self, ticket: &Ticket) -> Result<Arrival, sys::Error> {
        let mut store = self.store();
        let Some(holder) = store.holder(ticket) else {
            unreachable!("a ticket's holder is there until the ticket is given back");
        };
        if let Some(connection) = holder.arrived.take() {
            return Ok(Arrival::Here(connection));
        }
        let bell = match &holder.bell {
            Some(bell) => Arc::clone(bell),
            None => Arc::clone(holder.bell.insert(Arc::new(Bell::new()?))),
        };
        Ok(Arrival::Wait(bell))
    }

    /// The port is free again, as far as this holder is concerned.
    pub(super) fn give_back(&self, ticket: &Ticket) {
        self.store().part(ticket);
    }
}

impl Drop for PassivePorts {
    /// What lies ready in a range that nobody has any more is given back to
    /// the system.
    fn drop(&mut self) {
        let mut store = self.store();
        let Store { bound, ready, .. } = &mut *store;
        ready.retain(|address| {
            let stays = !self.has(address.port());
            if !stays {
                bound.remove(address);
            }
            stays
        });
    }
}

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handed {
    /// A holder has it.
    Over,
    /// Its holder had one already.
    Twice,
    /// No holder waits for it.
    Nobodys,
}

/// `address` with another port and without a flow label, so that two of
/// them are equal when they mean the same.
fn with_port(address: SocketAddr, port: u16) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => SocketAddr::from((*v4.ip(), port)),
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), port, 0, v6.scope_id()).into(),
    }
}

/// A listener on `address` and where it listens, should the port be 0.
fn listen(address: SocketAddr) -> Result<(OwnedFd, SocketAddr), sys::Error> {
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
    Ok((socket.into(), bound))
}
