//! COMB: parts appended to a target and deleted, and nothing lost on the way.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;

use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::tree::noise;

fn with_parts(root: &TempDir) {
    root.file("part 1", "one,");
    root.file("part 2", "two,");
    root.file("part3", "three");
}

fn writable() -> Server {
    let launch = Launch::new().writable();
    with_parts(launch.root());
    launch.start()
}

#[test]
fn parts_become_a_new_file_in_their_order() {
    let server = writable();
    let mut control = server.anonymous();
    control.command("COMB \"all of it\" \"part 1\" \"part 2\" part3", 250);
    assert_eq!(server.root().read("all of it"), b"one,two,three");
    for part in ["part 1", "part 2", "part3"] {
        assert!(!server.root().has(part), "{part}");
    }
    control.goes_on();
}

#[test]
fn parts_are_appended_to_a_file_that_is_there() {
    let server = writable();
    server.root().file("target", "zero,");
    let mut control = server.anonymous();
    control.command("COMB target \"part 2\"", 250);
    assert_eq!(server.root().read("target"), b"zero,two,");
    assert!(server.root().has("part 1") && !server.root().has("part 2"));
}

#[test]
fn a_missing_part_changes_nothing() {
    let server = writable();
    server.root().file("target", "zero,");
    let mut control = server.anonymous();
    control.command("COMB target part3 missing", 550);
    assert_eq!(server.root().read("target"), b"zero,");
    control.command("COMB new part3 missing", 550);
    assert!(!server.root().has("new"));
    control.command("COMB part3/new part3", 550);
    control.command("COMB / part3", 550);
    assert_eq!(server.root().read("part3"), b"three");
}

#[test]
fn no_file_is_taken_twice_under_whatever_name() {
    let server = writable();
    server.root().link("link", "part3");
    let mut control = server.anonymous();
    for line in [
        "COMB new part3 part3",
        "COMB new part3 link",
        "COMB part3 part3",
        "COMB link part3",
    ] {
        control.command(line, 501);
        assert_eq!(server.root().read("part3"), b"three");
        assert!(!server.root().has("new"));
    }
}

#[test]
fn what_is_no_list_of_names_is_refused() {
    let server = writable();
    let mut control = server.anonymous();
    for line in [
        "COMB",
        "COMB target",
        "COMB \"target\" \"part 1",
        "COMB \"a\"b c",
    ] {
        control.command(line, 501);
    }
    assert!(!server.root().has("target"));
}

#[test]
fn abor_leaves_the_target_as_it_was_and_every_part() {
    let launch = Launch::new().writable();
    with_parts(launch.root());
    launch.root().file("target", "zero,");
    let endless = launch.root().file("endless", "");
    let file = File::options().write(true).open(endless).unwrap();
    file.set_len(1 << 42).unwrap();
    let server = launch.start();
    let mut control = server.anonymous();
    for target in ["target", "new"] {
        control.line(format!("COMB {target} part3 endless"));
        control.line("ABOR");
        control.expect(426);
        control.expect_any(&[225, 226]);
        control.goes_on();
    }
    assert_eq!(server.root().read("target"), b"zero,");
    assert!(!server.root().has("new"));
    assert_eq!(server.root().read("part3"), b"three");
    assert!(server.root().has("endless"));
}

#[test]
fn a_target_that_cannot_take_them_all_is_cut_back() {
    let part = noise(700_000);
    let launch = Launch::new().writable();
    launch.root().file("a", &part);
    launch.root().file("b", &part);
    launch.root().file("target", "zero,");
    let server = launch
        .through(&["prlimit", "--fsize=1048576:1048576", "--"])
        .start();
    let mut control = server.anonymous();
    control.command("COMB target a b", 552);
    control.command("COMB new a b", 552);
    assert!(server.root().read("target") == b"zero,");
    assert!(!server.root().has("new"));
    assert!(server.root().read("a") == part && server.root().read("b") == part);
    control.command("COMB target a", 250);
    assert_eq!(server.root().read("target").len(), 700_005);
}

#[test]
fn who_may_not_write_and_delete_may_not_combine() {
    for options in [
        &[][..],
        &[("write_enable", "YES")],
        &[("write_enable", "YES"), ("anon_upload_enable", "YES")],
        &[("write_enable", "YES"), ("anon_other_write_enable", "YES")],
    ] {
        let launch = Launch::new().options(options);
        with_parts(launch.root());
        let server = launch.start();
        server.anonymous().command("COMB new part3", 550);
        assert!(server.root().has("part3") && !server.root().has("new"));
        server.connect().command("COMB new part3", 530);
    }
}

#[test]
fn what_may_not_be_fetched_is_no_part() {
    let server = writable();
    let path = server.root().path().join("part3");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o640)).unwrap();
    server.anonymous().command("COMB new part3", 550);
    assert!(server.root().has("part3") && !server.root().has("new"));
}
