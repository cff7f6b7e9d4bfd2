//! wget: SYST PWD TYPE CWD SIZE, then PASV or PORT and RETR, recursively.

use crate::fixture::{Client, PASSWORD, large, library, share, shelf, url, user};
use crate::support::tree::{Compare, noise, same_tree};

fn wget() -> Client {
    Client::new("wget", "wget")
}

const QUIET: [&str; 3] = ["-nv", "--tries=1", "--timeout=20"];

fn fetches_the_library(words: &[&str]) {
    let server = library();
    let client = wget();
    let address = url(server.address(), "tree/");
    let recursive = ["-r", "-l", "inf", "-nH", "--restrict-file-names=nocontrol"];
    client
        .run(&[&QUIET[..], words, &recursive, &[&address]].concat())
        .succeed();
    // wget makes a directory when it puts the first file in.
    same_tree(&shelf(&server), &client.path("tree"), Compare::Files);
}

#[test]
fn a_tree_arrives_unchanged() {
    fetches_the_library(&[]);
}

#[test]
fn a_tree_arrives_unchanged_in_active_mode() {
    fetches_the_library(&["--no-passive-ftp"]);
}

#[test]
fn two_gib_arrive_unchanged() {
    let server = large();
    let address = url(server.address(), "large.bin");
    wget().run_for_sparse(&[&QUIET[..], &["-O", "-", &address]].concat());
}

#[test]
fn two_gib_arrive_unchanged_in_active_mode() {
    let server = large();
    let address = url(server.address(), "large.bin");
    wget().run_for_sparse(&[&QUIET[..], &["--no-passive-ftp", "-O", "-", &address]].concat());
}

#[test]
fn a_broken_download_is_resumed() {
    let server = library();
    let client = wget();
    let content = std::fs::read(shelf(&server).join("binary.bin")).unwrap();
    client.home().file("binary.bin", &content[..77_777]);
    let address = url(server.address(), "tree/binary.bin");
    client
        .run(&[&QUIET[..], &["-c", &address]].concat())
        .succeed();
    assert!(client.home().read("binary.bin") == content);
}

#[test]
fn a_second_run_with_timestamps_fetches_nothing() {
    let server = library();
    let client = wget();
    let address = url(server.address(), "tree/binary.bin");
    client
        .run(&[&QUIET[..], &["-N", &address]].concat())
        .succeed();
    let again = client
        .run(&["-N", "--tries=1", "--timeout=20", &address])
        .succeed();
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains("no newer than local"), "{said}");
}

#[test]
fn an_account_logs_in() {
    let server = share();
    let content = noise(100_000);
    server.root().file("a file", &content);
    let client = wget();
    let who = [
        format!("--user={}", user()),
        format!("--password={PASSWORD}"),
    ];
    let address = url(server.address(), "a file");
    client
        .run(&[&QUIET[..], &[&who[0], &who[1], &address]].concat())
        .succeed();
    assert!(client.home().read("a file") == content);
}
