//! Python's ftplib: SIZE in TYPE A, ABOR as urgent data, MLSD.

use crate::fixture::{Client, PASSWORD, large, library, share, shelf, user};
use crate::support::server::Server;
use crate::support::tree::{Compare, noise, same_tree};

fn python() -> Client {
    Client::new("python3", "python3")
}

/// What every script begins with: `ftp` is logged in.
const LOGIN: &str = r#"
import ftplib, io, os, sys
host, port, user, password, passive = sys.argv[1:6]
ftp = ftplib.FTP(timeout=20)
ftp.connect(host, int(port))
ftp.login(user, password)
ftp.set_pasv(passive == "passive")
"#;

fn words(server: &Server, user: &str, mode: &str, script: &str) -> Vec<String> {
    let address = server.address();
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let code = format!("{LOGIN}{script}");
    ["-I", "-c", &code, &host, &port, user, PASSWORD, mode]
        .map(str::to_owned)
        .into()
}

fn fetches_the_library(mode: &str, lister: &str) {
    const WALK: &str = r#"
def walk(remote, local):
    os.mkdir(local)
    for name, is_directory in entries(remote):
        if is_directory:
            walk(remote + "/" + name, os.path.join(local, name))
        else:
            with open(os.path.join(local, name), "wb") as out:
                ftp.retrbinary("RETR " + remote + "/" + name, out.write)
walk("tree", "tree")
print(ftp.quit())
"#;
    let server = library();
    let client = python();
    let script = format!("{lister}{WALK}");
    let finished = client
        .run(&words(&server, "anonymous", mode, &script))
        .succeed();
    assert!(finished.stdout.starts_with(b"221"), "{}", finished.words());
    same_tree(&shelf(&server), &client.path("tree"), Compare::Everything);
}

/// Lists by the facts of MLSD.
const BY_FACTS: &str = r#"
def entries(remote):
    for name, facts in list(ftp.mlsd(remote, ["type"])):
        if facts["type"] in ("file", "dir"):
            yield name, facts["type"] == "dir"
"#;

/// Lists by NLST, and by whether CWD leads there.
const BY_NAMES: &str = r#"
def entries(remote):
    for name in ftp.nlst(remote):
        name = name.rsplit("/", 1)[-1]
        try:
            ftp.cwd("/" + remote + "/" + name)
            is_directory = True
        except ftplib.error_perm:
            is_directory = False
        ftp.cwd("/")
        yield name, is_directory
"#;

#[test]
fn a_tree_arrives_unchanged_by_mlsd() {
    fetches_the_library("passive", BY_FACTS);
}

#[test]
fn a_tree_arrives_unchanged_by_mlsd_in_active_mode() {
    fetches_the_library("active", BY_FACTS);
}

#[test]
fn a_tree_arrives_unchanged_by_nlst() {
    fetches_the_library("passive", BY_NAMES);
}

#[test]
fn two_gib_arrive_unchanged() {
    let server = large();
    let script = "ftp.retrbinary('RETR large.bin', sys.stdout.buffer.write, 1 << 20)\nftp.quit()\n";
    python().run_for_sparse(&words(&server, "anonymous", "passive", script));
}

#[test]
fn abort_in_mid_transfer_leaves_a_session_that_works() {
    let server = large();
    server.root().file("small", "content");
    let script = r#"
ftp.voidcmd("TYPE I")
data = ftp.transfercmd("RETR large.bin")
data.recv(100)
print(ftp.abort())
print(ftp.getresp())
data.close()
ftp.retrbinary("RETR small", lambda part: print(part.decode()))
print(ftp.size("small"))
ftp.quit()
"#;
    let finished = python()
        .run(&words(&server, "anonymous", "passive", script))
        .succeed();
    let text = String::from_utf8(finished.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("426"), "{text}");
    assert!(lines[1].starts_with("22"), "{text}");
    assert_eq!(lines[2..], ["content", "7"], "{text}");
}

#[test]
fn size_is_answered_in_type_a() {
    let server = library();
    let script = "ftp.voidcmd('TYPE A')\nprint(ftp.size('tree/plain.txt'))\nftp.quit()\n";
    let finished = python()
        .run(&words(&server, "anonymous", "passive", script))
        .succeed();
    assert_eq!(finished.stdout, b"8\n");
}

#[test]
fn files_are_stored_resumed_renamed_and_deleted() {
    for mode in ["passive", "active"] {
        let server = share();
        let root = server.root();
        let client = python();
        let content = noise(500_000);
        client.home().file("local", &content);
        root.file("part", &content[..123_456]);
        root.file("doomed", "");
        let script = r#"
content = open("local", "rb").read()
ftp.storbinary("STOR a file 文件", io.BytesIO(content))
done = ftp.size("part")
ftp.storbinary("STOR part", io.BytesIO(content[done:]), rest=done)
ftp.storlines("STOR text", io.BytesIO(b"one\ntwo\n"))
out = io.BytesIO(content[:1000])
out.seek(0, 2)
ftp.retrbinary("RETR part", out.write, rest=1000)
assert out.getvalue() == content
ftp.rename("text", "新 text")
ftp.delete("doomed")
assert ftp.mkd("made \"here\"") == "/made \"here\""
ftp.cwd("made \"here\"")
assert ftp.pwd() == "/made \"here\""
ftp.cwd("..")
ftp.rmd("made \"here\"")
lines = []
ftp.retrlines("LIST", lines.append)
assert len(lines) == 3, lines
ftp.quit()
"#;
        client.run(&words(&server, user(), mode, script)).succeed();
        assert!(root.read("a file 文件") == content);
        assert!(root.read("part") == content);
        assert!(root.has("新 text") && !root.has("doomed"));
    }
}
