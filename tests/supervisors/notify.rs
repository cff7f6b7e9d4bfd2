//! Word to the supervisor: what systemd would hear, on a socket of the test's.

use std::net::SocketAddr as InternetAddress;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;

use crate::kit::{Supervisor, connect_soon, signal, site};
use crate::support::PATIENCE;
use crate::support::process::run;
use crate::support::server::{IRONFTPD, Site, ironftpctl};
use crate::support::temp::TempDir;
use crate::support::tree::noise;

/// A server that is told where to give word.
struct Told {
    site: Site,
    supervisor: Supervisor,
    socket: UnixDatagram,
}

impl Told {
    fn start(name: &str, socket: UnixDatagram, site: Site, variables: &[(&str, &str)]) -> Told {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = Command::new(IRONFTPD);
        command.arg(&site.config).env("NOTIFY_SOCKET", name);
        for (name, value) in variables {
            command.env(name, value);
        }
        let supervisor = Supervisor::start(command);
        Told {
            site,
            supervisor,
            socket,
        }
    }

    fn new(options: &[(&str, &str)], variables: &[(&str, &str)]) -> Told {
        let site = site(options);
        let path = site.home.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Told::start(path.to_str().unwrap(), socket, site, variables)
    }

    /// The next word that begins like this; others are passed over.
    #[track_caller]
    fn hear(&self, beginning: &str) -> String {
        let mut passed = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            let length = match self.socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) => panic!("{error}: no word begins {beginning:?}: {passed:?}"),
            };
            let word = String::from_utf8(buffer[..length].to_vec()).unwrap();
            if word.starts_with(beginning) {
                return word;
            }
            passed.push(word);
        }
    }

    fn address(&self) -> InternetAddress {
        let line = self.supervisor.wait_for_log("listening on");
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

fn monotonic() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a live timespec for the call to fill.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

#[test]
fn readiness_reload_state_and_end_are_told() {
    let mut told = Told::new(&[("shutdown_grace", "30")], &[]);
    let ready = told.hear("READY=1");
    let number = format!("MAINPID={}", told.supervisor.pid());
    assert!(ready.lines().any(|line| line == number), "{ready}");
    // The server answers from that word on.
    let bytes = noise(20_000_000);
    told.site.root.file("large", &bytes);
    let mut control = connect_soon(told.address());
    control.expect(220);
    control.login_anonymous();
    assert_eq!(told.hear("STATUS=1"), "STATUS=1 session, 0 transfers");
    let data = control.passive();
    control.command("RETR large", 150);
    assert_eq!(told.hear("STATUS=1"), "STATUS=1 session, 1 transfer");

    let before = monotonic();
    signal(told.supervisor.pid(), libc::SIGHUP);
    let reloading = told.hear("RELOADING=1\n");
    let at = reloading.trim_end().rsplit('=').next().unwrap();
    let at: u64 = at.parse().unwrap();
    assert!((before..=monotonic()).contains(&at), "{reloading}");
    told.hear("READY=1");
    // One that fails is over as well.
    std::fs::write(&told.site.config, "nonsense\n").unwrap();
    signal(told.supervisor.pid(), libc::SIGHUP);
    told.hear("RELOADING=1\n");
    told.hear("READY=1");

    signal(told.supervisor.pid(), libc::SIGTERM);
    let stopping = told.hear("STOPPING=1\n");
    let time = stopping.lines().find_map(|line| {
        let number = line.strip_prefix("EXTEND_TIMEOUT_USEC=")?;
        number.parse::<u64>().ok()
    });
    assert!(time.unwrap() > 30_000_000, "{stopping}");
    assert!(crate::support::data::read_all(data) == bytes);
    control.expect(226);
    assert_eq!(told.supervisor.ended(), Some(0));
}

#[test]
fn a_drain_is_told_as_a_state_and_not_as_the_end() {
    let place = TempDir::new();
    let control_socket = place.path().join("control");
    let place = control_socket.to_str().unwrap();
    let mut told = Told::new(&[("control_socket", place)], &[]);
    told.hear("READY=1");
    let mut control = connect_soon(told.address());
    control.expect(220);
    let mut drain = Command::new(ironftpctl());
    drain.args(["--socket", place, "drain"]);
    run(&mut drain, b"", PATIENCE).succeed();
    let state = told.hear("STATUS=draining");
    assert_eq!(state, "STATUS=draining: 1 session, 0 transfers");
    // Of its own accord nothing more is to come: an end would have its time.
    control.command("QUIT", 221);
    assert_eq!(told.supervisor.ended(), Some(0));
    told.socket.set_nonblocking(true).unwrap();
    let mut buffer = [0; 4096];
    while let Ok(length) = told.socket.recv(&mut buffer) {
        let word = String::from_utf8_lossy(&buffer[..length]);
        assert!(!word.starts_with("STOPPING"), "{word}");
    }
}

#[test]
fn an_abstract_socket_is_found() {
    let name = format!("ironftpd-test-notify-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    let told = Told::start(&format!("@{name}"), socket, site(&[]), &[]);
    told.hear("READY=1");
}

#[test]
fn the_watchdog_gets_its_signs_of_life() {
    let told = Told::new(&[], &[("WATCHDOG_USEC", "200000")]);
    told.hear("READY=1");
    for _ in 0..3 {
        told.hear("WATCHDOG=1");
    }
    // One meant for another process gets none, and what follows comes first.
    let told = Told::new(&[], &[("WATCHDOG_USEC", "1000"), ("WATCHDOG_PID", "1")]);
    told.hear("READY=1");
    signal(told.supervisor.pid(), libc::SIGTERM);
    let mut words = Vec::new();
    let mut buffer = [0; 4096];
    while !words
        .iter()
        .any(|word: &String| word.starts_with("STOPPING"))
    {
        let length = told.socket.recv(&mut buffer).unwrap();
        words.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    assert!(!words.iter().any(|word| word == "WATCHDOG=1"), "{words:?}");
}
