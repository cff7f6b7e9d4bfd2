//! Many clients at once, in one network with the server:
//!
//!     10.0.0.2, 10.0.1.1 ... 10.0.1.200 ---------- 10.0.0.1 server

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use socket2::{Domain, Socket, Type};

use crate::flat::{CLIENT, SERVER, all_from_port_20, network};
use crate::lab::{Host, possible};
use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::data::{accept, read_all};
use crate::support::raise_descriptors;
use crate::support::tree::noise;
use crate::visitors::Mode::Active;
use crate::visitors::{FILE, content, fetch, ftpd, ip, log_in, passive_works};

/// More than the buffers of a connection hold whose end does not read, so
/// that the transfer is under way until it does.
fn large() -> Vec<u8> {
    noise(1_500_000)
}

/// The address of client `number`, from 0 on.
fn address(number: usize) -> IpAddr {
    Ipv4Addr::new(10, 0, 1, u8::try_from(number + 1).unwrap()).into()
}

/// Gives the client's device the addresses of so many clients.
fn give_addresses(client: &Host, count: usize) {
    let mut lines = String::new();
    for number in 0..count {
        writeln!(lines, "addr add {}/16 dev wire", address(number)).unwrap();
    }
    client.ip(&lines);
}

/// A session of the client at `local`, logged in.
#[track_caller]
fn log_in_from(local: IpAddr) -> Control {
    let mut control = Control::connect_from((local, 0).into(), (ip(SERVER), 21).into());
    control.expect(220);
    control.login_anonymous();
    control
}

/// A connection from `local` that takes little before it is read from.
#[track_caller]
fn connect_narrow(local: IpAddr, to: SocketAddr) -> TcpStream {
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
fn all_arrive(transfers: Vec<(Control, TcpStream)>, content: &[u8]) {
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

#[test]
fn two_hundred_clients_at_two_hundred_addresses_transfer_at_once_over_one_passive_port() {
    if !possible() {
        return;
    }
    const COUNT: usize = 200;
    raise_descriptors();
    let (here, there) = network();
    give_addresses(&there, COUNT);
    let launch = ftpd().options(&[("pasv_min_port", "30000"), ("pasv_max_port", "30000")]);
    launch.root().file("large", large());
    let _server = here.start(launch);
    let one_port = SocketAddr::new(ip(SERVER), 30000);
    let transfers = there.inside(|| {
        let mut clients: Vec<Control> = (0..COUNT).map(|n| log_in_from(address(n))).collect();
        for control in &mut clients {
            assert_eq!(control.pasv(), one_port);
        }
        let data = (0..COUNT).map(|n| connect_narrow(address(n), one_port));
        let data: Vec<TcpStream> = data.collect();
        for control in &mut clients {
            control.line("RETR large");
        }
        for control in &mut clients {
            control.expect(150);
        }
        clients.into_iter().zip(data).collect::<Vec<_>>()
    });
    all_arrive(transfers, &large());
}

#[test]
fn clients_who_share_a_port_may_connect_in_any_order_and_after_their_command() {
    if !possible() {
        return;
    }
    const COUNT: usize = 20;
    let (here, there) = network();
    give_addresses(&there, COUNT);
    let launch = ftpd().option("pasv_ports", "30000");
    for number in 0..COUNT {
        launch
            .root()
            .file(format!("of-{number}"), noise(1000 + number));
    }
    let _server = here.start(launch);
    let one_port = SocketAddr::new(ip(SERVER), 30000);
    there.inside(|| {
        let mut clients: Vec<Control> = (0..COUNT).map(|n| log_in_from(address(n))).collect();
        for (number, control) in clients.iter_mut().enumerate() {
            assert_eq!(control.pasv(), one_port);
            control.line(format!("RETR of-{number}"));
        }
        // Each gets its own file, and no one another's.
        for (number, control) in clients.iter_mut().enumerate().rev() {
            let data = connect_narrow(address(number), one_port);
            control.expect(150);
            assert!(read_all(data) == noise(1000 + number));
            control.expect(226);
        }
    });
}

#[test]
fn who_never_connects_holds_up_nobody_at_the_same_port() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    give_addresses(&there, 2);
    let launch = ftpd().options(&[("pasv_ports", "30000"), ("accept_timeout", "1")]);
    let _server = here.start(launch);
    there.inside(|| {
        let mut absent = log_in_from(address(0));
        let mut present = log_in_from(address(1));
        absent.pasv();
        absent.line(format!("RETR {FILE}"));
        for _ in 0..5 {
            let to = present.pasv();
            let data = connect_narrow(address(1), to);
            present.command(format!("RETR {FILE}"), 150);
            assert!(read_all(data) == content());
            present.expect(226);
        }
        absent.expect(425);
        // In time for its own transfer, it is as welcome.
        let to = absent.pasv();
        absent.line(format!("RETR {FILE}"));
        let data = connect_narrow(address(0), to);
        absent.expect(150);
        assert!(read_all(data) == content());
        absent.expect(226);
    });
}

#[test]
fn two_sessions_of_one_address_never_share_a_port() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    let launch = ftpd().option("pasv_ports", "30000");
    launch.root().file("first", "of the first");
    launch.root().file("second", "of the second");
    let _server = here.start(launch);
    let mut first = log_in(&there, ip(SERVER));
    let mut second = log_in(&there, ip(SERVER));
    let to = first.pasv();
    second.command("PASV", 425);
    second.goes_on();
    let data = there.inside(|| connect_narrow(ip(CLIENT), to));
    first.command("RETR first", 150);
    assert_eq!(read_all(data), b"of the first");
    first.expect(226);
    assert_eq!(there.inside(|| second.retrieve("second")), b"of the second");
}

#[test]
fn where_anybody_may_connect_a_port_is_not_shared() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    give_addresses(&there, 2);
    // Nothing would tell one client's connection from another's.
    let launch = ftpd().options(&[("pasv_ports", "30000"), ("pasv_promiscuous", "YES")]);
    let _server = here.start(launch);
    there.inside(|| {
        let mut first = log_in_from(address(0));
        let mut second = log_in_from(address(1));
        let to = first.pasv();
        second.command("PASV", 425);
        let data = connect_narrow(address(1), to);
        first.command(format!("RETR {FILE}"), 150);
        assert!(read_all(data) == content());
        first.expect(226);
    });
}

#[test]
fn an_address_that_hoards_passive_ports_starves_no_other() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    give_addresses(&there, 3);
    let _server = here.start(ftpd().option("pasv_ports", "30000-30003"));
    let mut hoard: Vec<Control> = (0..12).map(|_| log_in(&there, ip(SERVER))).collect();
    let mut got = 0;
    for control in &mut hoard {
        if control.command_any("PASV", &[227, 425]).code == 227 {
            got += 1;
        }
    }
    assert!(got >= 4, "{got} of four ports");
    // Others go on as if nothing were, all at once.
    there.inside(|| {
        let mut others: Vec<Control> = (0..3).map(|n| log_in_from(address(n))).collect();
        let told: Vec<SocketAddr> = others.iter_mut().map(Control::pasv).collect();
        for (number, control) in others.iter_mut().enumerate() {
            assert!((30000..=30003).contains(&told[number].port()));
            let data = connect_narrow(address(number), told[number]);
            control.command(format!("RETR {FILE}"), 150);
            assert!(read_all(data) == content());
            control.expect(226);
        }
    });
    // What the hoarder lets go of, it can have again.
    let mut last = hoard.swap_remove(11);
    drop(hoard);
    let end = Instant::now() + PATIENCE;
    while last.command_any("PASV", &[227, 425]).code == 425 {
        assert!(Instant::now() < end, "its ports are not free again");
    }
    passive_works(&there, &mut last);
}
