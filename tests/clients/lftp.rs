//! lftp: mirror both ways, several connections at once, resumption.

use crate::fixture::{Client, PASSWORD, large, library, share, shelf, user};
use crate::support::server::Server;
use crate::support::temp::TempDir;
use crate::support::tree::{Compare, noise, odd_tree, own_sources, same_tree};

fn lftp() -> Client {
    Client::new("lftp", "lftp")
}

/// Commands that make lftp fail instead of trying for ever.
const SETTINGS: &str = "set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 20; \
    set net:reconnect-interval-base 1; set ftp:ssl-allow no; set cmd:verify-path no; \
    set cmd:save-cwd-history no; set cmd:save-rl-history no;";

fn script(server: &Server, user: &str, commands: &str) -> String {
    let port = server.address().port();
    format!("{SETTINGS} open -u {user},{PASSWORD} -p {port} ftp://127.0.0.1; {commands}")
}

fn mirrors_the_library(settings: &str) {
    let server = library();
    let client = lftp();
    let commands = format!("{settings} mirror tree fetched");
    client
        .run(&["-c", &script(&server, "anonymous", &commands)])
        .succeed();
    same_tree(
        &shelf(&server),
        &client.path("fetched"),
        Compare::Everything,
    );
}

#[test]
fn mirror_fetches_a_tree_unchanged() {
    mirrors_the_library("");
}

#[test]
fn mirror_fetches_a_tree_unchanged_in_active_mode() {
    mirrors_the_library("set ftp:passive-mode off; set ftp:prefer-epsv no;");
}

#[test]
fn mirror_fetches_a_tree_over_five_connections() {
    mirrors_the_library("set mirror:parallel-transfer-count 5; set ftp:prefer-epsv yes;");
}

#[test]
fn mirror_fetches_a_tree_by_list_instead_of_mlsd() {
    mirrors_the_library("set ftp:use-mlsd no;");
}

#[test]
fn mirror_fetches_a_tree_unchanged_in_mode_z() {
    mirrors_the_library("set ftp:use-mode-z yes; set ftp:mode-z-level 3;");
}

#[test]
fn two_gib_arrive_unchanged() {
    let server = large();
    lftp().run_for_sparse(&["-c", &script(&server, "anonymous", "cat large.bin")]);
}

#[test]
fn parts_of_a_file_fetched_side_by_side_make_the_whole() {
    let server = library();
    let client = lftp();
    let commands = "pget -n 4 tree/binary.bin -o whole";
    client
        .run(&["-c", &script(&server, "anonymous", commands)])
        .succeed();
    let content = std::fs::read(shelf(&server).join("binary.bin")).unwrap();
    assert!(client.home().read("whole") == content);
}

#[test]
fn mirror_r_uploads_a_tree_unchanged() {
    let server = share();
    let client = lftp();
    let local = TempDir::new();
    odd_tree(&local);
    own_sources(&local);
    let commands = format!("mirror -R {} sent", local.path().display());
    client
        .run(&["-c", &script(&server, user(), &commands)])
        .succeed();
    same_tree(
        local.path(),
        &server.root().path().join("sent"),
        Compare::Everything,
    );
    // A second run finds nothing to do: sizes and times are as they were.
    let again = format!("mirror -R --verbose=3 {} sent", local.path().display());
    let again = client
        .run(&["-c", &script(&server, user(), &again)])
        .succeed();
    let said = again.words();
    assert!(!said.contains("Transferring"), "{said}");
}

#[test]
fn files_go_and_come_and_are_resumed_in_mode_z() {
    let server = share();
    let client = lftp();
    let text = "a line that repeats\n".repeat(20_000).into_bytes();
    let content = [noise(200_000), text].concat();
    client.home().file("up", &content);
    client.home().file("empty", "");
    server.root().file("down", &content);
    server.root().file("part", &content[..150_001]);
    client.home().file("part", &content);
    client.home().file("down", &content[..250_003]);
    let commands = "debug 5; set ftp:use-mode-z yes; put up; put empty; put -c part; get -c down; \
                    get empty -o nothing";
    let finished = client
        .run(&["-c", &script(&server, user(), commands)])
        .succeed();
    assert!(server.root().read("up") == content);
    assert!(server.root().read("part") == content);
    assert!(client.home().read("down") == content);
    assert!(server.root().read("empty").is_empty() && client.home().read("nothing").is_empty());
    let said = finished.words();
    let opened: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("- 150 "))
        .collect();
    assert!(
        opened.len() == 5 && opened.iter().all(|line| line.contains("MODE Z")),
        "{said}"
    );
}

#[test]
fn broken_transfers_are_resumed_both_ways() {
    let server = share();
    let client = lftp();
    let content = noise(400_000);
    server.root().file("down", &content);
    server.root().file("up", &content[..300_001]);
    client.home().file("down", &content[..200_003]);
    client.home().file("up", &content);
    client
        .run(&["-c", &script(&server, user(), "get -c down; put -c up")])
        .succeed();
    assert!(client.home().read("down") == content);
    assert!(server.root().read("up") == content);
}

#[test]
fn names_are_made_renamed_changed_and_removed() {
    let server = share();
    let root = server.root();
    root.file("old name", "content");
    root.file("doomed/inner/file", "x");
    let commands = "mkdir -p 'new dir/目录'; mv 'old name' 'new dir/目录/新 名'; rm -r doomed; \
                    chmod 600 'new dir/目录/新 名'; mkdir gone; rmdir gone";
    lftp()
        .run(&["-c", &script(&server, user(), commands)])
        .succeed();
    assert_eq!(root.read("new dir/目录/新 名"), b"content");
    assert!(!root.has("old name") && !root.has("doomed") && !root.has("gone"));
}
