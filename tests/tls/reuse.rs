//! Data connections descend from their own control connection.

use std::io::Read;

use super::secure::{Client, Secure, VERSIONS, shake};
use super::support::server::{Launch, Server};
use super::support::tls::Files;

fn server(reuse: &str) -> Server {
    let files = Files::new();
    let server = Launch::new()
        .writable()
        .tls(&files)
        .option("require_ssl_reuse", reuse)
        .start();
    server.root().file("file", "content");
    server
}

/// A client that resumes nothing.
fn forgetful(client: &Client) -> Client {
    client
        .clone()
        .change(|config| config.resumption = rustls::client::Resumption::disabled())
}

#[test]
fn hundreds_of_transfers_resume_each_with_a_ticket_used_once() {
    let server = server("YES");
    for version in VERSIONS {
        let client = Client::with(&[version], None);
        let mut secure = Secure::anonymous(server.address(), &client);
        for round in 0..200 {
            assert_eq!(secure.fetch("file"), (b"content".to_vec(), true), "{round}");
            if round % 10 == 0 {
                secure.store("up", b"other");
            }
        }
    }
}

#[test]
fn a_data_connection_that_resumes_nothing_is_refused() {
    let server = server("YES");
    for version in VERSIONS {
        let client = Client::with(&[version], None);
        let mut secure = Secure::anonymous(server.address(), &client);
        let other = forgetful(&client);
        let socket = secure.passive();
        secure.command("RETR file", 150);
        let mut data = other.over(socket);
        shake(&mut data).unwrap();
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"");
        secure.expect(522);
        server.wait_for_log("showed no TLS session to resume");
        // The session goes on.
        assert_eq!(secure.fetch("file"), (b"content".to_vec(), true));
    }
}

#[test]
fn the_session_of_another_control_connection_is_refused() {
    let server = server("YES");
    for version in VERSIONS {
        let own = Client::with(&[version], None);
        let foreign = Client::with(&[version], None);
        let mut secure = Secure::anonymous(server.address(), &own);
        let thief = Secure::anonymous(server.address(), &foreign);
        let socket = secure.passive();
        secure.command("RETR file", 150);
        // It has the thief's sessions.
        let mut data = thief.client.over(socket);
        shake(&mut data).unwrap();
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"");
        secure.expect(522);
        server.wait_for_log("showed the TLS session of another control connection");
    }
}

#[test]
fn auto_demands_it_of_who_has_shown_that_it_can() {
    let server = server("AUTO");
    let client = Client::new();
    let mut secure = Secure::anonymous(server.address(), &forgetful(&client));
    for _ in 0..3 {
        assert_eq!(secure.fetch("file"), (b"content".to_vec(), false));
    }
    let mut secure = Secure::anonymous(server.address(), &client);
    assert_eq!(secure.fetch("file"), (b"content".to_vec(), true));
    let (mut data, _) = secure.open_by("RETR file", &forgetful(&client));
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"");
    secure.expect(522);
}

#[test]
fn no_asks_nobody() {
    let server = server("NO");
    let client = Client::new();
    let mut secure = Secure::anonymous(server.address(), &client);
    assert_eq!(secure.fetch("file"), (b"content".to_vec(), true));
    let (mut data, resumed) = secure.open_by("RETR file", &forgetful(&client));
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).unwrap();
    secure.expect(226);
    assert_eq!((bytes, resumed), (b"content".to_vec(), false));
}

#[test]
fn a_session_resumed_from_an_earlier_one_resumes_on() {
    let server = server("YES");
    for version in VERSIONS {
        let client = Client::with(&[version], None);
        let mut first = Secure::anonymous(server.address(), &client);
        first.fetch("file");
        first.command("QUIT", 221);
        drop(first);
        let mut second = Secure::anonymous(server.address(), &client);
        for _ in 0..5 {
            assert_eq!(second.fetch("file"), (b"content".to_vec(), true));
        }
    }
    server.wait_for_log("resumed");
}
