//! Many clients at once, in one network with the server:
//!
//!     10.0.0.2, 10.0.1.1 ... 10.0.1.200 ---------- 10.0.0.1 server

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use socket2::{Domain, Socket, Type};

use crate::flat::{CLIENT, SERVER, all_from_port_20, network};
use crate::lab::{Host, possible};
use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::data::{accept, read_all};
use crate::support::tree::noise;
use crate::visitors::Mode::Active;
use crate::visitors::{fetch, ftpd, ip};

/// More than the buffers of a connection hold whose end does not read, so
/// that the transfer is under way until it does.
pub fn large() -> Vec<u8> {
    noise(1_500_000)
}

/// The address of client `number`, from 0 on.
pub fn address(number: usize) -> IpAddr {
    Ipv4Addr::new(10, 0, 1, u8::try_from(number + 1).unwrap()).into()
}

/// Gives the client's device the addresses of so many clients.
pub fn give_addresses(client: &Host, count: usize) {
    let mut lines = String::new();
    for number in 0..count {
        writeln!(lines, "addr add {}/16 dev wire", address(number)).unwrap();
    }
    client.ip(&lines);
}

/// A session of the client at `local`, logged in.
#[track_caller]
pub fn log_in_from(local: IpAddr) -> Control {
    let mut control = Control::connect_from((local, 0).into(), (ip(SERVER), 21).into());
    control.expect(220);
    control.login_anonymous();
    control
}

/// A connection from `local` that takes little before it is read from.
#[track_caller]
pub fn connect_narrow(local: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(&SocketAddr::new(local, 0).into()).unwrap();
    socket.connect_timeout(&to.into(), PATIENCE).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.into()
}

/// The transfer is under way: it has not been answered.
#[track_caller]
fn is_under_way(control: &Control) {
    let stream = control.writer();
    stream.set_nonblocking(true).unwrap();
    let nothing = stream.peek(&mut [0]).map_err(|error| error.kind());
    stream.set_nonblocking(false).unwrap();
    assert_eq!(nothing, Err(ErrorKind::WouldBlock), "it is over");
}

/// All those transfers arrive whole, whoever is read from first.
#[track_caller]
pub fn all_arrive(transfers: Vec<(Control, TcpStream)>, content: &[u8]) {
    for (control, _) in &transfers {
        is_under_way(control);
    }
    for (mut control, data) in transfers {
        assert!(read_all(data) == content);
        control.expect(226);
        control.goes_on();
    }
}

#[test]
fn twenty_clients_at_once_are_all_served_from_port_20() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    give_addresses(&there, 10);
    let launch = ftpd();
    launch.root().file("large", large());
    let _server = here.start(launch);
    let seen = there.watch();
    // Ten addresses, and ten ports of one more.
    let transfers = there.inside(|| {
        let addresses = (0..10).map(address).chain([ip(CLIENT); 10]);
        let mut waiting: Vec<(Control, TcpListener)> = addresses
            .map(|local| {
                let mut control = log_in_from(local);
                let listener = control.active();
                (control, listener)
            })
            .collect();
        for (control, _) in &mut waiting {
            control.line("RETR large");
        }
        let open = |(mut control, listener): (Control, TcpListener)| {
            let (data, peer) = accept(&listener);
            assert_eq!(peer, (ip(SERVER), 20).into());
            control.expect(150);
            (control, data)
        };
        waiting.into_iter().map(open).collect::<Vec<_>>()
    });
    all_arrive(transfers, &large());
    all_from_port_20(&seen, 20);
}

#[test]
fn twenty_curls_at_once_are_all_served_from_port_20() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    let _server = here.start(ftpd());
    let seen = there.watch();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| fetch(&there, "curl", Active, ip(SERVER)).arrived());
        }
    });
    all_from_port_20(&seen, 20);
}
