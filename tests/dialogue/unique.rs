//! STOU (RFC 959 section 4.1.3, RFC 1123 section 4.1.2.9), and ALLO.

use std::io::Write;

use crate::support::control::Control;
use crate::support::server::{Launch, Server};

/// STOU to its 226: the name that the 150 told.
fn store_unique(control: &mut Control, line: &str, bytes: &[u8]) -> String {
    let mut data = control.passive();
    let words = control.command(line, 150).words();
    let name = words.strip_prefix("FILE: ").unwrap().to_owned();
    data.write_all(bytes).unwrap();
    drop(data);
    let words = control.expect(226).words();
    assert!(words.ends_with(&name), "{words}");
    name
}

#[test]
fn stou_makes_a_name_and_tells_it() {
    let server = Server::writable();
    server.root().dir("dir");
    let mut control = server.anonymous();
    let mut names = Vec::new();
    for (line, begin) in [
        ("STOU", "STOU."),
        ("STOU", "STOU."),
        ("STOU scan 一", "scan 一."),
        ("STOU /dir/x", "/dir/x."),
    ] {
        let name = store_unique(&mut control, line, line.as_bytes());
        assert!(name.starts_with(begin), "{name}");
        let path = name.trim_start_matches('/');
        assert_eq!(server.root().read(path), line.as_bytes());
        assert!(!names.contains(&name), "{name} twice");
        names.push(name);
    }
    control.goes_on();
}

#[test]
fn stou_serves_anonymous_uploads_and_replaces_nothing() {
    for atomic in ["NO", "YES"] {
        let server = Server::start(&[
            ("write_enable", "YES"),
            ("anon_upload_enable", "YES"),
            ("atomic_uploads", atomic),
        ]);
        server.root().file("STOU", "kept");
        let mut control = server.anonymous();
        let name = store_unique(&mut control, "STOU", b"new");
        assert_eq!(server.root().read("STOU"), b"kept");
        assert_eq!(server.root().read(&name), b"new");
    }
}

#[test]
fn stou_needs_a_place_a_right_and_a_data_connection() {
    let server = Server::writable();
    let mut control = server.anonymous();
    control.command("STOU", 425);
    control.refused("STOU missing/x", &[553]);
    let server = Server::start(&[]);
    server.anonymous().refused("STOU", &[550]);
}

#[test]
fn allo_refuses_what_cannot_have_room() {
    let server = Server::writable();
    let mut control = server.anonymous();
    control.command("ALLO 10", 200);
    control.command("ALLO 10 R 5", 200);
    control.command("ALLO 18446744073709551615", 552);
    for line in ["ALLO", "ALLO x", "ALLO 10 R", "ALLO 10 X 5", "ALLO -1"] {
        control.command(line, 501);
    }
    // Who may not upload learns nothing about the room.
    let server = Launch::new().start();
    let mut control = server.anonymous();
    control.command("ALLO 18446744073709551615", 200);
}
