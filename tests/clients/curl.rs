//! curl: EPSV first, URLs with %XX, resumption with REST and APPE.

use std::fmt::Write as _;

use crate::fixture::{Client, PASSWORD, files_below, large, library, share, shelf, url, user};
use crate::support::server::Server;
use crate::support::temp::TempDir;
use crate::support::tree::{Compare, noise, same_tree};

fn curl() -> Client {
    Client::new("curl", "curl")
}

/// Fetches the whole library in one run, over one control connection.
fn fetches_the_library(words: &[&str]) {
    let server = library();
    let client = curl();
    let mut config = String::new();
    for name in files_below(&shelf(&server)) {
        let url = url(server.address(), &format!("tree/{name}"));
        writeln!(config, "url = \"{url}\"\noutput = \"tree/{name}\"").unwrap();
    }
    client.home().file("list", config);
    let mut all = vec!["-sS", "--fail", "--create-dirs", "-K", "list"];
    all.extend(words);
    client.run(&all).succeed();
    same_tree(&shelf(&server), &client.path("tree"), Compare::Files);
}

#[test]
fn a_tree_arrives_unchanged() {
    fetches_the_library(&[]);
}

#[test]
fn a_tree_arrives_unchanged_in_active_mode() {
    fetches_the_library(&["--ftp-port", "-"]);
}

#[test]
fn a_tree_arrives_unchanged_with_pasv_and_port() {
    fetches_the_library(&["--disable-epsv"]);
    fetches_the_library(&["--ftp-port", "-", "--disable-eprt"]);
}

#[test]
fn two_gib_arrive_unchanged() {
    let server = large();
    let url = url(server.address(), "large.bin");
    curl().run_for_sparse(&["-sS", "--fail", &url]);
    curl().run_for_sparse(&["-sS", "--fail", "--ftp-port", "-", &url]);
}

#[test]
fn listings_show_all_names_and_an_empty_directory_none() {
    let server = library();
    let client = curl();
    for words in [&["-sS"][..], &["-sS", "-l"]] {
        let address = url(server.address(), "tree/");
        let finished = client.run(&[words, &[&address]].concat()).succeed();
        let text = String::from_utf8(finished.stdout).unwrap();
        for name in [
            "a name with spaces.txt",
            "中文 文件.txt",
            "empty directory",
            "目录",
        ] {
            assert!(
                text.lines().any(|line| line.ends_with(name)),
                "{name} is not in\n{text}"
            );
        }
        let address = url(server.address(), "tree/empty directory/");
        let finished = client.run(&[words, &[&address]].concat()).succeed();
        assert_eq!(finished.stdout, b"");
    }
}

#[test]
fn a_broken_download_is_resumed() {
    let server = library();
    let client = curl();
    let content = std::fs::read(shelf(&server).join("binary.bin")).unwrap();
    client.home().file("part", &content[..100_001]);
    let url = url(server.address(), "tree/binary.bin");
    client
        .run(&["-sS", "--fail", "-C", "-", "-o", "part", &url])
        .succeed();
    assert!(client.home().read("part") == content);
}

#[test]
fn a_missing_file_is_told_as_such() {
    let server = library();
    let finished = curl().run(&["-sS", &url(server.address(), "tree/missing")]);
    // 78: the remote file does not exist; 19: RETR was refused.
    assert!(
        matches!(finished.status.code(), Some(78 | 19)),
        "{}",
        finished.words()
    );
}

fn login() -> String {
    format!("{}:{PASSWORD}", user())
}

#[test]
fn uploads_of_odd_names_arrive_unchanged() {
    let server = share();
    let client = curl();
    let content = noise(3_000_000);
    client.home().file("local", &content);
    for (mode, name) in [
        ("--ftp-pasv", "a b"),
        ("--ftp-pasv", "中文/目录 二/文件"),
        ("--ftp-port=-", "active"),
    ] {
        let url = url(server.address(), name);
        let mode: Vec<&str> = mode.split('=').collect();
        let words = [
            "-sS",
            "--fail",
            "-u",
            &login(),
            "--ftp-create-dirs",
            "-T",
            "local",
            &url,
        ];
        client.run(&[&mode[..], &words].concat()).succeed();
        assert!(server.root().read(name) == content, "{name}");
    }
}

#[test]
fn a_broken_upload_is_resumed() {
    let server = share();
    let client = curl();
    let content = noise(500_000);
    client.home().file("local", &content);
    server.root().file("file", &content[..123_457]);
    let url = url(server.address(), "file");
    client
        .run(&[
            "-sS",
            "--fail",
            "-u",
            &login(),
            "-C",
            "-",
            "-T",
            "local",
            &url,
        ])
        .succeed();
    assert!(server.root().read("file") == content);
}

#[test]
fn appending_renaming_and_deleting_work() {
    let server = share();
    let root = server.root();
    let client = curl();
    client.home().file("local", "more");
    root.file("file", "some and ");
    root.file("doomed", "");
    let file = url(server.address(), "file");
    client
        .run(&["-sS", "-u", &login(), "--append", "-T", "local", &file])
        .succeed();
    assert_eq!(root.read("file"), b"some and more");
    let top = url(server.address(), "");
    let mut words = vec!["-sS".to_owned(), "-u".to_owned(), login(), top];
    for line in [
        "RNFR file",
        "RNTO renamed 文件",
        "DELE doomed",
        "MKD dir",
        "RMD dir",
    ] {
        words.extend(["-Q".to_owned(), line.to_owned()]);
    }
    client.run(&words).succeed();
    assert_eq!(root.read("renamed 文件"), b"some and more");
    assert!(!root.has("file") && !root.has("doomed") && !root.has("dir"));
}

#[test]
fn a_wrong_password_is_told_as_such() {
    let server = share();
    let finished = curl().run(&["-sS", "-u", "me:wrong", &url(server.address(), "")]);
    assert_eq!(finished.status.code(), Some(67), "{}", finished.words());
}

#[test]
fn a_folder_shared_with_one_command_is_readable_and_no_more() {
    let root = TempDir::new();
    root.file("file", "content");
    let server = Server::serve(root, &[], "");
    let client = curl();
    let address = url(server.address(), "file");
    assert_eq!(
        client.run(&["-sS", "--fail", &address]).succeed().stdout,
        b"content"
    );
    client.home().file("local", "x");
    let refused = client.run(&["-sS", "--fail", "-T", "local", &address]);
    assert_eq!(refused.status.code(), Some(25), "{}", refused.words());
    assert_eq!(server.root().read("file"), b"content");
}
