//! RETR, STOR, APPE and REST in stream mode (RFC 959 sections 3.4.1, 4.1.2 and
//! 4.1.3, RFC 3659 section 5), binary and ASCII.

use std::io::{Read, Write};

use crate::support::data::read_all;
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::tree::{check_sparse, noise, sparse_file};

#[test]
fn files_of_all_sizes_come_and_go_unchanged() {
    let server = Server::writable();
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    for size in [
        0, 1, 2, 4095, 4096, 65_536, 65_537, 1_048_576, 1_048_577, 9_000_001,
    ] {
        let content = noise(size);
        control.store(&format!("file {size}"), &content);
        assert!(
            server.root().read(format!("file {size}")) == content,
            "STOR of {size} bytes"
        );
        assert!(
            control.retrieve(&format!("file {size}")) == content,
            "RETR of {size} bytes"
        );
    }
}

#[test]
fn a_file_larger_than_a_32_bit_number_arrives_whole() {
    let launch = Launch::new();
    sparse_file(&launch.root().path().join("large"));
    let server = launch.start();
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    let mut data = control.passive();
    control.command("RETR large", 150);
    check_sparse(&mut data).unwrap();
    control.expect(226);
    let mut data = control.passive();
    control.command("REST 2147483637", 350);
    control.command("RETR large", 150);
    let mut end = Vec::new();
    data.read_to_end(&mut end).unwrap();
    assert_eq!(end.len(), 11);
    control.expect(226);
}

#[test]
fn stor_replaces_and_truncates() {
    let server = Server::writable();
    server.root().file("file", "a long old content");
    let mut control = server.anonymous();
    control.store("file", b"new");
    assert_eq!(server.root().read("file"), b"new");
}

#[test]
fn appe_adds_and_creates() {
    let server = Server::writable();
    server.root().file("file", "one ");
    let mut control = server.anonymous();
    control.give("APPE file", b"two");
    control.give("APPE fresh", b"three");
    assert_eq!(server.root().read("file"), b"one two");
    assert_eq!(server.root().read("fresh"), b"three");
}

#[test]
fn rest_before_retr_skips_and_is_used_up() {
    let server = Server::start(&[]);
    server.root().file("file", "0123456789");
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control.command("REST 7", 350);
    assert_eq!(control.retrieve("file"), b"789");
    assert_eq!(control.retrieve("file"), b"0123456789");
    control.command("REST 10", 350);
    assert_eq!(control.retrieve("file"), b"");
}

#[test]
fn rest_beyond_the_end_gives_nothing_or_a_refusal() {
    let server = Server::start(&[]);
    server.root().file("file", "0123456789");
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    for offset in ["11", "9223372036854775807"] {
        control.command(format!("REST {offset}"), 350);
        let data = control.passive();
        let reply = control.command_any("RETR file", &[150, 550, 551, 554]);
        if reply.code == 150 {
            assert_eq!(read_all(data), b"");
            control.expect_any(&[226, 426, 451]);
        }
        control.goes_on();
    }
    assert_eq!(control.retrieve("file"), b"0123456789");
}

#[test]
fn rest_before_stor_goes_on_where_an_upload_stopped() {
    let server = Server::writable();
    server.root().file("file", "0123456789");
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control.command("REST 8", 350);
    control.store("file", b"abcdef");
    assert_eq!(server.root().read("file"), b"01234567abcdef");
    // What lies behind stays, so that a file can be mended in its middle.
    control.command("REST 4", 350);
    control.store("file", b"four");
    assert_eq!(server.root().read("file"), b"0123fourabcdef");
    control.command("REST 0", 350);
    control.store("file", b"whole");
    assert_eq!(server.root().read("file"), b"whole");
}

#[test]
fn ascii_downloads_turn_lf_into_crlf_where_enabled() {
    let server = Server::start(&[("ascii_download_enable", "YES")]);
    server.root().file("text", "one\n\ntwo\nno end");
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    assert_eq!(control.retrieve("text"), b"one\r\n\r\ntwo\r\nno end");
    control.command("TYPE I", 200);
    assert_eq!(control.retrieve("text"), b"one\n\ntwo\nno end");
}

#[test]
fn ascii_uploads_turn_crlf_into_lf_where_enabled() {
    let server = Launch::new()
        .writable()
        .option("ascii_upload_enable", "YES")
        .start();
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    control.store("text", b"one\r\n\r\ntwo\r\nno end");
    assert_eq!(server.root().read("text"), b"one\n\ntwo\nno end");
    control.store("bare", b"a\nb\rc\r\nd");
    assert_eq!(server.root().read("bare"), b"a\nb\rc\nd");
}

#[test]
fn a_crlf_cut_in_two_by_the_network_is_still_one_line_end() {
    let server = Launch::new()
        .writable()
        .option("ascii_upload_enable", "YES")
        .start();
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    let mut data = control.passive();
    data.set_nodelay(true).unwrap();
    control.command("STOR text", 150);
    for byte in b"a\r\nb\r\n\r" {
        data.write_all(&[*byte]).unwrap();
    }
    drop(data);
    control.expect(226);
    assert_eq!(server.root().read("text"), b"a\nb\n\r");
}

#[test]
fn large_ascii_files_survive_both_ways() {
    let launch = Launch::new().writable();
    let options = [
        ("ascii_upload_enable", "YES"),
        ("ascii_download_enable", "YES"),
    ];
    let server = launch.options(&options).start();
    let text: String = (0..200_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    let wire = text.replace('\n', "\r\n");
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    control.store("text", wire.as_bytes());
    assert!(server.root().read("text") == text.as_bytes());
    assert!(control.retrieve("text") == wire.as_bytes());
}

#[test]
fn ascii_changes_nothing_unless_enabled() {
    let server = Server::writable();
    server.root().file("text", "one\ntwo\n");
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    assert_eq!(control.retrieve("text"), b"one\ntwo\n");
    control.store("new", b"one\r\n");
    assert_eq!(server.root().read("new"), b"one\r\n");
}

#[test]
fn names_with_blanks_and_chinese_letters_are_files_too() {
    let server = Server::writable();
    let mut control = server.anonymous();
    for name in [
        "with blanks",
        " leading",
        "trailing ",
        "quo\"te",
        "文件 名",
        "-l",
        "*?[",
        "a'b",
    ] {
        control.store(name, name.as_bytes());
        assert_eq!(server.root().read(name), name.as_bytes());
        assert_eq!(control.retrieve(&format!("/{name}")), name.as_bytes());
    }
}

#[test]
fn two_sessions_transfer_at_once() {
    let server = Server::start(&[]);
    let content = noise(20_000_000);
    server.root().file("file", &content);
    let mut first = server.anonymous();
    let mut second = server.anonymous();
    let first_data = first.passive();
    first.command("RETR file", 150);
    // The first has not read a byte while the second gets all.
    assert!(second.retrieve("file") == content);
    assert!(read_all(first_data) == content);
    first.expect(226);
}

#[test]
fn the_server_closes_the_data_connection_before_the_client_does() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let mut data = control.passive();
    control.command("RETR file", 150);
    let mut content = Vec::new();
    data.read_to_end(&mut content).unwrap();
    // Our side is still open: clients that wait for the reply must not hang.
    control.expect(226);
    drop(data);
}

#[test]
fn a_stored_file_is_there_when_226_comes() {
    let home = TempDir::new();
    let launch = Launch::new().account("someone", "word", home.path());
    let server = launch.option("write_enable", "YES").start();
    let mut control = server.login("someone", "word");
    for round in 0..20 {
        let content = noise(10_000 + round);
        control.store("file", &content);
        assert!(home.read("file") == content, "round {round}");
    }
}
