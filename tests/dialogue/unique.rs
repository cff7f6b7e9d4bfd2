//! STOU (RFC 959 section 4.1.3, RFC 1123 section 4.1.2.9), and ALLO.

use std::io::Write;

use crate::support::control::Control;
use crate::support::server::{Launch, Server};

/// STOU to its 226: the name that the 150 told, and the words of the 226.
fn store_unique(control: &mut Control, line: &str, bytes: &[u8]) -> (String, String) {
    let mut data = control.passive();
    let words = control.command(line, 150).words();
    let name = words.strip_prefix("FILE: ").unwrap().to_owned();
    data.write_all(bytes).unwrap();
    drop(data);
    (name, control.expect(226).words())
}

/// The same where the name given is not to be had.
fn store_beside(control: &mut Control, line: &str, bytes: &[u8]) -> String {
    let (name, words) = store_unique(control, line, bytes);
    assert_eq!(words, format!("Transfer complete: {name}"));
    name
}

#[test]
fn with_better_stou_a_name_that_is_free_gets_something_behind_it_too() {
    let server = Launch::new()
        .writable()
        .option("better_stou", "YES")
        .start();
    let mut control = server.anonymous();
    let name = store_beside(&mut control, "STOU free", b"1");
    assert!(name.starts_with("free."), "{name}");
    control.command("SIZE free", 550);
}

#[test]
fn stou_makes_a_name_and_tells_it() {
    let server = Server::writable();
    server.root().dir("dir");
    server.root().dir("taken");
    server.root().file("scan 一", "kept");
    server.root().link("dangling", "elsewhere");
    let mut control = server.anonymous();
    let mut names = Vec::new();
    for (line, begin) in [
        ("STOU", "STOU."),
        ("STOU", "STOU."),
        ("STOU scan 一", "scan 一."),
        ("STOU scan 一", "scan 一."),
        ("STOU /taken", "/taken."),
        ("STOU dangling", "dangling."),
    ] {
        let name = store_beside(&mut control, line, line.as_bytes());
        assert!(name.starts_with(begin), "{name}");
        let path = name.trim_start_matches('/');
        assert_eq!(server.root().read(path), line.as_bytes());
        assert!(!names.contains(&name), "{name} twice");
        names.push(name);
    }
    assert_eq!(server.root().read("scan 一"), "kept".as_bytes());
    assert!(!server.root().has("elsewhere"));
    control.goes_on();
}

#[test]
fn stou_takes_the_name_given_where_nothing_has_it() {
    let server = Server::writable();
    server.root().dir("dir");
    let mut control = server.anonymous();
    for name in ["new one", "/dir/x", "STOU"] {
        let (told, words) = store_unique(&mut control, &format!("STOU {name}"), b"first");
        assert_eq!((&*told, &*words), (name, "Transfer complete."));
        let next = store_beside(&mut control, &format!("STOU {name}"), b"second");
        let read = |name: &str| server.root().read(name.trim_start_matches('/'));
        assert_eq!(
            (read(name), read(&next)),
            (b"first".into(), b"second".into())
        );
    }
}

#[test]
fn of_many_who_want_one_name_at_once_each_gets_another() {
    let server = Server::writable();
    let mut controls: Vec<_> = (0..8).map(|_| server.anonymous()).collect();
    let data: Vec<_> = controls.iter_mut().map(Control::passive).collect();
    controls.iter_mut().for_each(|it| it.line("STOU same"));
    let mut names: Vec<_> = controls
        .iter_mut()
        .map(|it| it.expect(150).words())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 8);
    assert_eq!(names.iter().filter(|it| *it == "FILE: same").count(), 1);
    drop(data);
    controls.iter_mut().for_each(|it| drop(it.expect(226)));
}

#[test]
fn an_atomic_stou_is_never_told_a_name_that_another_can_take() {
    let server = Launch::new()
        .writable()
        .option("atomic_uploads", "YES")
        .start();
    let mut control = server.anonymous();
    let name = store_beside(&mut control, "STOU new", b"x");
    assert!(name.starts_with("new."), "{name}");
    assert!(!server.root().has("new"));
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
        for line in ["STOU", "STOU STOU"] {
            let name = store_beside(&mut control, line, b"new");
            assert_eq!(server.root().read("STOU"), b"kept");
            assert_eq!(server.root().read(&name), b"new");
        }
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
