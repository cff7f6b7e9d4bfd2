//! AVBL and DSIZ (draft-peterson-streamlined-ftp-command-extensions).

use std::os::unix::fs::symlink;

use crate::support::server::{Launch, Server};

fn with_a_tree(options: &[(&str, &str)]) -> Server {
    let launch = Launch::new().options(options);
    let root = launch.root();
    root.file("one", vec![0; 1000]);
    root.file("dir/two", vec![0; 200]);
    root.file("dir/deeper/three", vec![0; 30]);
    root.file("dir/deeper/.hidden", vec![0; 4]);
    root.file("other/five", vec![0; 5]);
    // Neither these nor what they lead to count.
    symlink("../one", root.path().join("dir/link")).unwrap();
    symlink("/", root.path().join("dir/loop")).unwrap();
    root.dir("empty");
    launch.start()
}

#[test]
fn avbl_tells_uploaders_the_room_there_is() {
    let server = Server::writable();
    server.root().dir("dir");
    server.root().file("file", "");
    let mut control = server.anonymous();
    for line in ["AVBL", "AVBL /dir"] {
        let words = control.command(line, 213).words();
        assert!(words.parse::<u64>().unwrap() > 0, "{words}");
    }
    control.command("AVBL file", 550);
    control.command("AVBL missing", 550);
}

#[test]
fn avbl_tells_others_nothing() {
    let server = with_a_tree(&[]);
    server.anonymous().command("AVBL", 550);
    server.connect().command("AVBL", 530);
}

#[test]
fn dsiz_adds_up_what_is_in_and_below_a_directory() {
    let server = with_a_tree(&[]);
    let mut control = server.anonymous();
    for (line, bytes) in [
        ("DSIZ", "1239"),
        ("DSIZ /", "1239"),
        ("DSIZ dir", "234"),
        ("DSIZ dir/deeper", "34"),
        ("DSIZ empty", "0"),
    ] {
        assert_eq!(control.command(line, 213).words(), bytes, "{line}");
    }
    control.command("CWD dir", 250);
    assert_eq!(control.command("DSIZ", 213).words(), "234");
    control.command("DSIZ /one", 550);
    control.command("DSIZ /missing", 550);
    server.connect().command("DSIZ", 530);
}

#[test]
fn dsiz_counts_no_more_than_it_may() {
    // dir, dir/*, dir/deeper/*, empty, one, other, other/five
    let server = with_a_tree(&[("dsiz_max_entries", "11")]);
    assert_eq!(server.anonymous().command("DSIZ", 213).words(), "1239");
    let server = with_a_tree(&[("dsiz_max_entries", "10")]);
    let mut control = server.anonymous();
    control.command("DSIZ", 550);
    assert_eq!(control.command("DSIZ dir", 213).words(), "234");
    let server = with_a_tree(&[("dsiz_max_entries", "0")]);
    assert_eq!(server.anonymous().command("DSIZ", 213).words(), "1239");
}

#[test]
fn abor_ends_dsiz() {
    let server = with_a_tree(&[]);
    let mut control = server.anonymous();
    control.send("DSIZ\r\nABOR\r\n");
    control.expect(426);
    control.expect_any(&[225, 226]);
    control.goes_on();
}
