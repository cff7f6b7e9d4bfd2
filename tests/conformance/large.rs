//! A large directory: the first lines of MLSD are sent before the rest is read
//! (RFC 3659 section 7 asks for no order). What the server holds of such a
//! directory is measured in tests/dialogue/large.rs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::left_out;
use super::support::server::Launch;
use super::support::temp::TempDir;

const ENTRIES: usize = 10_000;

/// Fills a directory with empty files, each a name of the same one where that
/// can be: it takes half the time.
fn fill(directory: &Path, count: usize) {
    std::fs::create_dir(directory).unwrap();
    let mut first = directory.join("an entry with a name of some length 0");
    File::create(&first).unwrap();
    for number in 1..count {
        let name = directory.join(format!("an entry with a name of some length {number}"));
        // A file system limits how many names a file may have.
        if std::fs::hard_link(&first, &name).is_err() {
            File::create(&name).unwrap();
            first = name;
        }
    }
}

/// strace as a child of the server, where this machine lets one process look
/// at another.
fn strace(file: &Path) -> Option<Vec<String>> {
    let words = [
        "strace",
        "-D",
        "-f",
        "--seccomp-bpf",
        "-e",
        "trace=getdents64,sendto,write",
        "-o",
    ];
    let words: Vec<String> = words
        .iter()
        .map(|word| (*word).to_owned())
        .chain([file.display().to_string()])
        .collect();
    let tried = Command::new(&words[0])
        .args(&words[1..])
        .arg("true")
        .output();
    tried
        .is_ok_and(|output| output.status.success())
        .then_some(words)
}

#[test]
fn the_first_lines_of_mlsd_are_sent_before_the_directory_has_been_read() {
    let scratch = TempDir::new();
    let file: PathBuf = scratch.path().join("calls");
    let Some(words) = strace(&file) else {
        left_out("strace cannot look at another process here");
        return;
    };
    let launch = Launch::new();
    fill(&launch.root().path().join("dir"), ENTRIES);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut server = launch.through(&words).start();
    assert!(server.anonymous().listing("MLSD dir").len() > ENTRIES);
    server.whole_log();
    let calls = std::fs::read_to_string(&file).unwrap();
    let (_, calls) = calls.split_once("\"150 ").expect("the listing");
    let (before, after) = calls.split_once("\"type=cdir;").expect("the first lines");
    let reads = |text: &str| text.matches("getdents64(").count();
    assert!(reads(before) <= 1, "{before}");
    assert!(reads(after) > 5, "{} more", reads(after));
}
