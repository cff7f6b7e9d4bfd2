//! Directories of very many entries: what the server holds of them, and when
//! it begins to send.

use std::fs;

use crate::support::server::Server;

const ENTRIES: usize = 40_000;

/// A server with a directory of [`ENTRIES`] entries and one of ten.
fn with_large_directory(options: &[(&str, &str)]) -> Server {
    let server = Server::start(options);
    for (name, count) in [("large", ENTRIES), ("small", 10)] {
        let directory = server.root().dir(name);
        let first = directory.join(format!("{:0200}", 0));
        fs::write(&first, "").unwrap();
        for number in 1..count {
            // A second name of a file costs the file system less than a file.
            fs::hard_link(&first, directory.join(format!("{number:0200}"))).unwrap();
        }
    }
    server
}

/// Forgets the most memory the server has held so far: from here on it is
/// what it holds now (proc(5), clear_refs).
fn forget_peak(server: &Server) {
    fs::write(format!("/proc/{}/clear_refs", server.pid()), "5").unwrap();
}

/// The most memory the server has held, in KiB.
fn peak(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

/// How much more the server holds at `line` of the large directory than at
/// the same of the small one, in KiB.
fn growth(server: &Server, line: &str) -> u64 {
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control.listing(format!("{line} small"));
    forget_peak(server);
    let before = peak(server);
    let lines = control.listing(format!("{line} large"));
    assert!(lines.len() >= ENTRIES, "{line}: {}", lines.len());
    let mut lines: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.rsplit([' ', '/']).next())
        .filter(|name| name.len() == 200)
        .collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), ENTRIES, "{line}: each once");
    peak(server) - before
}

/// KiB that a listing may hold beside the directory's names.
const ROOM: u64 = 3 * 1024;

/// KiB of the names themselves.
const NAMES: u64 = ENTRIES as u64 * 200 / 1024;

#[test]
fn mlsd_holds_nothing_of_a_large_directory() {
    let server = with_large_directory(&[]);
    let growth = growth(&server, "MLSD");
    assert!(growth < ROOM, "{growth} KiB, names are {NAMES} KiB");
}

#[test]
fn above_list_sort_limit_the_sorted_forms_hold_nothing_either() {
    let server = with_large_directory(&[("list_sort_limit", "1000")]);
    for line in ["LIST -t", "NLST", "LIST", "NLST -r", "LIST -a"] {
        let growth = growth(&server, line);
        assert!(growth < ROOM, "{line}: {growth} KiB, names are {NAMES} KiB");
    }
}

#[test]
fn below_the_limit_names_are_sorted() {
    let server = with_large_directory(&[]);
    let mut control = server.anonymous();
    let lines = control.listing("NLST large");
    assert!(lines.is_sorted() && lines.len() == ENTRIES);
}

#[test]
fn a_limit_of_one_is_no_reason_to_lose_names() {
    let server = Server::start(&[("list_sort_limit", "1"), ("ls_recurse_enable", "YES")]);
    for name in ["b", "a", "dir/c", "dir/sub/d"] {
        server.root().file(name, "");
    }
    let mut control = server.anonymous();
    let mut names = control.listing("NLST");
    names.sort();
    assert_eq!(names, ["a", "b", "dir"]);
    let mut names = control.listing("NLST -a");
    names.sort();
    assert_eq!(names, [".", "..", "a", "b", "dir"]);
    let names = control.listing("NLST -R");
    for name in ["a", "b", "./dir:", "./dir/c", "./dir/sub:", "./dir/sub/d"] {
        assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
    }
}
