//! ncftp: whole trees with ncftpget -R and ncftpput -R, `NLST -1` by ncftpls.

use crate::fixture::{Client, PASSWORD, large, library, library_of, share, shelf, user};
use crate::support::server::{Launch, Server};
use crate::support::tree::{Compare, noise, odd_tree, same_tree};

fn ncftp(program: &str) -> Client {
    Client::new(program, "ncftp")
}

fn port(server: &Server) -> String {
    server.address().port().to_string()
}

fn fetches_the_library(server: &Server, mode: &str) {
    let client = ncftp("ncftpget");
    let words = [
        "-R",
        "-T",
        "-V",
        "-t",
        "20",
        mode,
        "-P",
        &port(server),
        "127.0.0.1",
        ".",
        "tree",
    ];
    client.run(&words).succeed();
    same_tree(&shelf(server), &client.path("tree"), Compare::Everything);
}

#[test]
fn a_tree_arrives_unchanged() {
    fetches_the_library(&library(), "-F");
}

#[test]
fn a_tree_arrives_unchanged_in_active_mode() {
    fetches_the_library(&library(), "-E");
}

#[test]
fn a_tree_that_is_listed_all_at_once_arrives_unchanged() {
    let launch = Launch::new().option("ls_recurse_enable", "YES");
    fetches_the_library(&library_of(launch), "-F");
}

#[test]
fn two_gib_arrive_unchanged() {
    let server = large();
    let words = ["-c", "-V", "-P", &port(&server), "127.0.0.1", "large.bin"];
    ncftp("ncftpget").run_for_sparse(&words);
}

#[test]
fn ncftpls_sees_every_name() {
    let server = library();
    let client = ncftp("ncftpls");
    for switch in ["-1", "-l"] {
        let address = format!("ftp://127.0.0.1:{}/tree/", port(&server));
        let finished = client.run(&[switch, &address]).succeed();
        let text = String::from_utf8(finished.stdout).unwrap();
        for name in ["a name with spaces.txt", "binary.bin", "empty directory"] {
            assert!(text.contains(name), "{name} is not in\n{text}");
        }
    }
}

#[test]
fn a_broken_download_is_resumed() {
    let server = library();
    let client = ncftp("ncftpget");
    let content = std::fs::read(shelf(&server).join("binary.bin")).unwrap();
    let part = client.home().file("binary.bin", &content[..50_001]);
    // An older time than the server's tells ncftp that this is a part of it.
    let remote = std::fs::metadata(shelf(&server).join("binary.bin")).unwrap();
    let file = std::fs::File::options().write(true).open(part).unwrap();
    file.set_modified(remote.modified().unwrap()).unwrap();
    let words = [
        "-z",
        "-V",
        "-P",
        &port(&server),
        "127.0.0.1",
        ".",
        "tree/binary.bin",
    ];
    client.run(&words).succeed();
    assert!(client.home().read("binary.bin") == content);
}

#[test]
fn ncftpput_uploads_a_tree_unchanged() {
    for mode in ["-F", "-E"] {
        let server = share();
        let client = ncftp("ncftpput");
        let local = crate::support::temp::TempDir::new();
        odd_tree(&local);
        std::fs::rename(local.path(), client.path("sent")).unwrap();
        let words = [
            "-R",
            "-V",
            "-t",
            "20",
            mode,
            "-u",
            user(),
            "-p",
            PASSWORD,
            "-P",
            &port(&server),
            "127.0.0.1",
            "/",
            "sent",
        ];
        client.run(&words).succeed();
        same_tree(
            &client.path("sent"),
            &server.root().path().join("sent"),
            Compare::Everything,
        );
    }
}

#[test]
fn ncftpput_appends_and_makes_directories() {
    let server = share();
    let client = ncftp("ncftpput");
    let content = noise(60_000);
    client.home().file("local", &content);
    let common = ["-V", "-u", user(), "-p", PASSWORD, "-P", &port(&server)];
    client
        .run(&[&common[..], &["-m", "127.0.0.1", "a/b", "local"]].concat())
        .succeed();
    assert!(server.root().read("a/b/local") == content);
    client
        .run(&[&common[..], &["-A", "127.0.0.1", "a/b", "local"]].concat())
        .succeed();
    assert_eq!(server.root().read("a/b/local").len(), 2 * content.len());
}
