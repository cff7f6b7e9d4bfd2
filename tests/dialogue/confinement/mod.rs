//! Nothing outside a session's root is reached: not by `..`, not through
//! symbolic links, not by a race, by no command and no kind of user.
//!
//! `world` is what lies outside, `commands` what is tried there, `spellings`
//! by which names, `attack` the way it is tried. Here: what a root does show.

mod attack;
mod commands;
mod homes;
mod kernel;
mod local;
mod moved;
mod own_files;
mod races;
mod spelled;
mod spellings;
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::server::{Launch, Server};

#[test]
fn links_that_stay_inside_work() {
    let server = Server::start(&[]);
    let root = server.root();
    root.file("inside/file", "content");
    root.link("near", "inside/file");
    root.link("absolute", "/inside");
    root.link("to-root", "/");
    root.link("inside/above", "../../../..");
    let mut control = server.anonymous();
    assert_eq!(control.retrieve("near"), b"content");
    // A link to / is the session's root, as in a chroot, and nothing is above.
    assert_eq!(control.retrieve("to-root/inside/file"), b"content");
    assert_eq!(control.retrieve("absolute/file"), b"content");
    assert_eq!(control.retrieve("inside/above/inside/file"), b"content");
    control.command("CWD to-root/inside", 250);
    control.command("SIZE file", 213);
}

#[test]
fn deleting_a_link_deletes_no_more_than_the_link() {
    let outside = world::Outside::new();
    let server = Server::writable();
    for name in ["secret", "vault", "new"] {
        server.root().link(name, outside.path().join(name));
        server.anonymous().command(format!("DELE {name}"), 250);
        assert!(!server.root().has(name));
    }
    assert!(outside.changes().is_empty(), "{:?}", outside.changes());
}

#[test]
fn links_in_a_circle_are_refused() {
    let server = Server::start(&[]);
    server.root().link("a", "b");
    server.root().link("b", "a");
    let mut control = server.anonymous();
    control.refused("RETR a", &[550]);
    control.command("CWD a", 550);
    control.command("CWD a/b/c", 550);
    assert!(!control.listing("NLST").is_empty());
}

#[test]
fn the_root_s_parent_shows_nothing_of_itself_in_a_listing() {
    let launch = Launch::new();
    let parent = launch.root().path().to_owned();
    let served = launch.root().dir("served");
    // Beside the mode, the number of links and the size may differ too.
    launch.root().dir("beside/deeper");
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o751)).unwrap();
    let server = launch
        .option("anon_root", &served.display().to_string())
        .start();
    let mut control = server.anonymous();
    for line in ["LIST -a", "LIST -a ..", "LIST -a /../.."] {
        let lines = control.listing(line);
        let before_name = |name: &str| {
            let mut found = lines.iter().filter_map(|line| line.strip_suffix(name));
            let columns = found.next().unwrap_or_else(|| panic!("{line}: {lines:?}"));
            assert_eq!(found.next(), None, "{line}: {lines:?}");
            columns.to_owned()
        };
        let root = before_name(" .");
        assert!(root.starts_with("drwxrwxrwx "), "{line}: {root}");
        assert_eq!(before_name(" .."), root, "{line}");
    }
}
