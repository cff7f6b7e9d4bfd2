//! One passive port for many clients, who are told apart by their address.
//! The network is that of `many`.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use crate::flat::{CLIENT, SERVER, network};
use crate::lab::possible;
use crate::many::{address, all_arrive, connect_narrow, give_addresses, large, log_in_from};
use crate::support::control::Control;
use crate::support::data::read_all;
use crate::support::tree::noise;
use crate::support::{PATIENCE, raise_descriptors};
use crate::visitors::{FILE, content, ftpd, ip, log_in, passive_works};

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

/// Whose transfer is whose, where a port has been used before: another
/// client holds it all the time, so that its socket stays.
fn with_one_busy_port(work: impl FnOnce(&dyn Fn() -> Control, SocketAddr) + Send) {
    let (here, there) = network();
    give_addresses(&there, 1);
    let launch = ftpd().option("pasv_ports", "30000");
    launch.root().file("second", "of the second");
    let _server = here.start(launch);
    there.inside(|| {
        let mut holder = log_in_from(address(0));
        let one_port = holder.pasv();
        work(&|| log_in_from(ip(CLIENT)), one_port);
        let data = connect_narrow(address(0), one_port);
        holder.command(format!("RETR {FILE}"), 150);
        assert!(read_all(data) == content());
        holder.expect(226);
    });
}

/// The second session's transfer goes over the connection that it makes, and
/// the one left over from before gets nothing.
#[track_caller]
fn gets_its_own(second: &mut Control, left_over: TcpStream) {
    let to = second.pasv();
    let data = connect_narrow(ip(CLIENT), to);
    second.command("RETR second", 150);
    assert_eq!(read_all(data), b"of the second");
    second.expect(226);
    gets_nothing(left_over);
}

/// A reset is as good an answer as an end.
#[track_caller]
fn gets_nothing(mut left_over: TcpStream) {
    let mut got = Vec::new();
    let end = left_over
        .read_to_end(&mut got)
        .map_err(|error| error.kind());
    assert_eq!(got, b"");
    assert!(
        matches!(end, Ok(0) | Err(ErrorKind::ConnectionReset)),
        "{end:?}"
    );
}

#[test]
fn a_connection_too_many_does_not_get_the_next_transfer() {
    if !possible() {
        return;
    }
    with_one_busy_port(|log_in, one_port| {
        let (mut first, mut second) = (log_in(), log_in());
        assert_eq!(first.pasv(), one_port);
        let data = connect_narrow(ip(CLIENT), one_port);
        let too_many = connect_narrow(ip(CLIENT), one_port);
        first.command(format!("RETR {FILE}"), 150);
        assert!(read_all(data) == content());
        first.expect(226);
        gets_its_own(&mut second, too_many);
    });
}

#[test]
fn the_connection_of_a_session_that_has_ended_does_not_get_the_next_transfer() {
    if !possible() {
        return;
    }
    with_one_busy_port(|log_in, one_port| {
        let (mut first, mut second) = (log_in(), log_in());
        assert_eq!(first.pasv(), one_port);
        let orphan = connect_narrow(ip(CLIENT), one_port);
        first.command("QUIT", 221);
        let end = Instant::now() + PATIENCE;
        while second.command_any("PASV", &[227, 425]).code == 425 {
            assert!(Instant::now() < end, "the port is not free again");
        }
        gets_its_own(&mut second, orphan);
    });
}

#[test]
fn a_second_pasv_takes_no_connection_made_for_the_first() {
    if !possible() {
        return;
    }
    with_one_busy_port(|log_in, one_port| {
        let mut session = log_in();
        assert_eq!(session.pasv(), one_port);
        let early = connect_narrow(ip(CLIENT), one_port);
        gets_its_own(&mut session, early);
    });
}

#[test]
fn a_connection_made_before_any_pasv_gets_nothing() {
    if !possible() {
        return;
    }
    with_one_busy_port(|log_in, one_port| {
        let mut session = log_in();
        let early = connect_narrow(ip(CLIENT), one_port);
        gets_its_own(&mut session, early);
    });
}
