//! Steps under TLS.
//!
//! `AUTH` goes on under it when it is accepted: as the usual client, or after
//! `certified`, `foreign` and `old` as one with a certificate of the authority
//! that the server knows, with one of another, with TLS 1.2 alone. `sealed` is
//! `get` and `put` with the data connection under TLS, which resumes the
//! session of the control connection: `sealed get`, `sealed put`; with `fresh`
//! it resumes none, with `cut` the client ends it without close_notify, and
//! with `half` it does so when it has all of a file.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::OnceLock;

use rustls::version::{TLS12, TLS13};

use super::steps::{USUAL, shown};
use super::support::control::Control;
use super::support::sealed::{Client, Stream, shake};
use super::support::tls::{Authority, Signed};

/// The server's, with its key.
pub fn certificate() -> &'static Signed {
    static MADE: OnceLock<Signed> = OnceLock::new();
    MADE.get_or_init(|| Authority::known().rsa_server())
}

/// The same for clients that know ECDSA.
pub fn other_certificate() -> &'static Signed {
    static MADE: OnceLock<Signed> = OnceLock::new();
    MADE.get_or_init(|| Authority::known().server(&[]))
}

/// A client without a certificate.
pub fn usual() -> Client {
    Client::new()
}

fn with_certificate_of(authority: &Authority) -> Client {
    Client::with(&[&TLS13, &TLS12], Some(&authority.user("alice")))
}

/// A step that ends under TLS, if its first word is of one.
pub fn say(control: &mut Control, how: &str, line: &str) -> Option<String> {
    let client = match how {
        "AUTH" => return Some(auth(control, &format!("AUTH {line}"), &usual())),
        "certified" => with_certificate_of(Authority::known()),
        "foreign" => with_certificate_of(&Authority::new()),
        "old" => Client::with(&[&TLS12], None),
        "sealed" => return Some(transfer(control, line)),
        _ => return None,
    };
    Some(auth(control, line, &client))
}

/// AUTH, and the handshake if it is accepted.
pub fn auth(control: &mut Control, line: &str, client: &Client) -> String {
    let answer = USUAL.converse(control, line, String::new);
    if !answer.starts_with("234") {
        return answer;
    }
    match control.secure(client) {
        Ok(()) => format!("{answer} TLS"),
        Err(_) => format!("{answer} no TLS"),
    }
}

fn transfer(control: &mut Control, step: &str) -> String {
    let (how, line) = step.split_once(' ').unwrap();
    let mut client = control.client().unwrap_or_else(usual);
    if how == "fresh" {
        // Nothing of what the control connection has agreed on.
        client = client.change(|config| config.resumption = rustls::client::Resumption::disabled());
    }
    let (line, text) = line.split_once(" = ").unwrap_or((line, ""));
    let socket = control.passive();
    USUAL.converse(control, line, || {
        let mut data = client.over(socket);
        match shake(&mut data) {
            Err(_) => "no TLS".to_owned(),
            Ok(_) => moved(data, how, line, text),
        }
    })
}

fn moved(mut data: Stream, how: &str, line: &str, text: &str) -> String {
    match how {
        "put" | "cut" => {
            let _ = data.write_all(text.as_bytes()).and_then(|()| data.flush());
            if how == "put" {
                data.conn.send_close_notify();
                let _ = data.flush();
            }
            // What the server has sent, tickets perhaps, shall not make the
            // end a reset.
            let _ = data.sock.shutdown(Shutdown::Write);
            let _ = std::io::copy(&mut data.sock, &mut std::io::sink());
            String::new()
        }
        _ => {
            let mut bytes = Vec::new();
            if data.read_to_end(&mut bytes).is_err() {
                return "cut off".to_owned();
            }
            if how != "half" {
                data.conn.send_close_notify();
                let _ = data.flush();
            }
            shown(line, &bytes)
        }
    }
}
