//! tnftp, Debian's `ftp`: a script of commands on its standard input; EPSV and
//! EPRT first.

use std::fmt::Write as _;

use crate::fixture::{Client, PASSWORD, files_below, large, library, share, shelf, url, user};
use crate::support::process::Finished;
use crate::support::server::Server;
use crate::support::tree::{Compare, noise, same_tree};

fn tnftp() -> Client {
    Client::new("tnftp", "tnftp")
}

/// Runs commands after log-in. tnftp ends with 0 whatever happened, so the
/// caller looks at what arrived.
#[track_caller]
fn session(client: &Client, mode: &str, server: &Server, user: &str, commands: &str) -> Finished {
    let port = server.address().port();
    let script =
        format!("open 127.0.0.1 {port}\nuser {user} {PASSWORD}\nbinary\n{commands}\nbye\n");
    client.run_script(&["-n", "-i", "-v", mode], &script)
}

fn fetches_the_library(mode: &str) {
    let server = library();
    let client = tnftp();
    let mut commands = String::new();
    for name in files_below(&shelf(&server)) {
        client
            .home()
            .dir(client.path("tree").join(&name).parent().unwrap());
        writeln!(commands, "get \"tree/{name}\" \"tree/{name}\"").unwrap();
    }
    let finished = session(&client, mode, &server, "anonymous", &commands);
    assert!(client.home().has("tree/plain.txt"), "{}", finished.words());
    same_tree(&shelf(&server), &client.path("tree"), Compare::Files);
}

#[test]
fn a_tree_arrives_unchanged() {
    fetches_the_library("-p");
}

#[test]
fn a_tree_arrives_unchanged_in_active_mode() {
    fetches_the_library("-A");
}

#[test]
fn mget_fetches_what_nlst_names() {
    let server = library();
    let client = tnftp();
    let finished = session(
        &client,
        "-p",
        &server,
        "anonymous",
        "cd tree/many\nmget file-*",
    );
    assert!(client.home().has("file-00"), "{}", finished.words());
    assert!(client.home().has("file-39"), "{}", finished.words());
    assert_eq!(
        client.home().read("file-39"),
        std::fs::read(shelf(&server).join("many/file-39")).unwrap()
    );
}

#[test]
fn two_gib_arrive_unchanged() {
    let server = large();
    tnftp().run_for_sparse(&["-V", "-o", "-", &url(server.address(), "large.bin")]);
}

#[test]
fn a_broken_download_is_resumed() {
    let server = library();
    let client = tnftp();
    let content = std::fs::read(shelf(&server).join("binary.bin")).unwrap();
    client.home().file("binary.bin", &content[..99_999]);
    let commands = "cd tree\nreget binary.bin";
    let finished = session(&client, "-p", &server, "anonymous", commands);
    assert!(
        client.home().read("binary.bin") == content,
        "{}",
        finished.words()
    );
}

#[test]
fn files_are_stored_appended_resumed_renamed_and_deleted() {
    for mode in ["-p", "-A"] {
        let server = share();
        let root = server.root();
        let client = tnftp();
        let content = noise(200_000);
        client.home().file("local", &content);
        client.home().file("end", "the end");
        root.file("part", &content[..100_000]);
        root.file("doomed", "");
        let commands = "put local \"a file 文件\"\nput end text\nappend end text\n\
                        restart 100000\nput local part\nrename text \"new text\"\n\
                        delete doomed\nmkdir dir\nmkdir gone\nrmdir gone\n\
                        cd dir\nput end\nchmod 600 end\nsize end\nmodtime end";
        let finished = session(&client, mode, &server, user(), commands);
        let said = finished.words();
        assert!(root.read("a file 文件") == content, "{said}");
        assert_eq!(root.read("new text"), b"the endthe end", "{said}");
        assert_eq!(root.read("dir/end"), b"the end", "{said}");
        assert!(
            !root.has("doomed") && !root.has("gone") && !root.has("text"),
            "{said}"
        );
    }
}
