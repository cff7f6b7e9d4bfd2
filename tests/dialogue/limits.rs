//! How many and how fast: max_clients, max_per_ip, the rates.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use crate::support::PATIENCE;
use crate::support::control::Control;
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::tree::noise;

/// Tries again until the server has a place and the log-in is done: it learns
/// a moment later than we do that somebody has left.
#[track_caller]
pub fn until_admitted(server: &Server) -> Control {
    let end = Instant::now() + PATIENCE;
    loop {
        let mut control = Control::connect_ungreeted(server.address());
        match control.reply().code {
            220 => {
                control.login_anonymous();
                return control;
            }
            421 => assert!(Instant::now() < end, "no place becomes free"),
            other => panic!("greeted with {other}"),
        }
    }
}

#[track_caller]
fn turned_away(mut control: Control) {
    control.expect(421);
    control.expect_closed();
}

#[test]
fn one_more_than_max_clients_is_turned_away_at_once() {
    let server = Server::start(&[("max_clients", "2")]);
    let mut first = server.anonymous();
    // One that has not logged in counts too.
    let mut second = server.connect();
    turned_away(Control::connect_ungreeted(server.address()));
    first.goes_on();
    second.login_anonymous();
    turned_away(Control::connect_ungreeted(server.address()));
    first.command("QUIT", 221);
    until_admitted(&server).goes_on();
}

#[test]
fn one_more_than_max_per_ip_is_turned_away_but_other_addresses_are_not() {
    let server = Server::start(&[("max_per_ip", "1")]);
    let mut first = server.anonymous();
    turned_away(Control::connect_ungreeted(server.address()));
    let elsewhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3)), 0);
    let mut other = Control::connect_from(elsewhere, server.address());
    other.expect(220);
    other.login_anonymous();
    turned_away(Control::connect_from(elsewhere, server.address()));
    first.goes_on();
    drop(first);
    until_admitted(&server).goes_on();
}

#[test]
fn anon_max_rate_slows_both_directions() {
    let server = Launch::new()
        .writable()
        .option("anon_max_rate", "200000")
        .start();
    let content = noise(400_000);
    server.root().file("file", &content);
    let mut control = server.anonymous();
    let start = Instant::now();
    assert!(control.retrieve("file") == content);
    assert!(
        start.elapsed() > Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    let start = Instant::now();
    control.store("new", &content);
    assert!(
        start.elapsed() > Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    assert!(server.root().read("new") == content);
}

#[test]
fn local_max_rate_slows_accounts_and_not_anonymous() {
    let home = TempDir::new();
    let content = noise(400_000);
    home.file("file", &content);
    let launch = Launch::new().account("someone", "word", home.path());
    launch.root().file("file", &content);
    let server = launch.option("local_max_rate", "200000").start();
    let start = Instant::now();
    assert!(server.login("someone", "word").retrieve("file") == content);
    let slow = start.elapsed();
    assert!(slow > Duration::from_secs(1), "{slow:?}");
    let start = Instant::now();
    assert!(server.anonymous().retrieve("file") == content);
    assert!(start.elapsed() < slow, "{:?}", start.elapsed());
}
