//! hide_file and force_dot_files: what listings show.

use crate::support::is_vsftpd;
use crate::support::server::{Launch, Server};

fn server(options: &[(&str, &str)]) -> Server {
    let launch = Launch::new().options(options);
    let root = launch.root();
    for name in ["a.txt", "b.tmp", "B.TMP", ".dot", "sub/c.txt", "sub/d.tmp"] {
        root.file(name, "12345");
    }
    root.file("sub/.hidden/z", "1");
    launch.start()
}

#[test]
fn what_hide_file_names_is_left_out_of_listings() {
    let server = server(&[
        ("hide_file", "{*.tmp,.hidden}"),
        ("ls_recurse_enable", "YES"),
    ]);
    let mut control = server.anonymous();
    assert_eq!(control.listing("NLST"), ["B.TMP", "a.txt", "sub"]);
    assert_eq!(control.listing("NLST sub"), ["sub/c.txt"]);
    assert_eq!(control.listing("NLST *"), ["B.TMP", "a.txt", "sub"]);
    assert_eq!(control.listing("NLST *.tmp"), [""; 0]);
    assert_eq!(control.listing("NLST b.tmp"), [""; 0]);
    assert_eq!(control.listing("LIST b.tmp"), [""; 0]);
    let all = control.listing("LIST -a sub");
    assert_eq!(all.len(), 3, "{all:?}");
    let tree = control.listing("LIST -aR");
    assert!(!tree.iter().any(|line| line.contains("hidden")), "{tree:?}");
    let status = control.command_any("STAT .", &[212, 213]).text();
    assert!(status.contains("a.txt") && !status.contains("b.tmp"));
    // Who knows the name can use it.
    assert_eq!(control.retrieve("b.tmp"), b"12345");
    control.command("SIZE sub/d.tmp", 213);
    assert_eq!(control.listing("NLST sub/.hidden"), ["sub/.hidden/z"]);
    control.command("CWD sub/.hidden", 250);
}

#[test]
fn a_text_hides_every_name_it_is_part_of() {
    let server = server(&[("hide_file", "tmp")]);
    let mut control = server.anonymous();
    assert_eq!(control.listing("NLST"), ["B.TMP", "a.txt", "sub"]);
}

#[test]
fn a_link_that_tells_a_hidden_name_is_hidden() {
    let server = server(&[("hide_file", "{*.tmp}")]);
    server.root().link("fair", "b.tmp");
    server.root().link("other", "a.txt");
    let mut control = server.anonymous();
    assert_eq!(control.listing("NLST"), ["B.TMP", "a.txt", "other", "sub"]);
    assert_eq!(control.retrieve("fair"), b"12345");
}

#[test]
fn mlsd_hides_and_mlst_tells_those_who_know() {
    if is_vsftpd() {
        return;
    }
    let server = server(&[("hide_file", "{*.tmp,.hidden,.dot}")]);
    let mut control = server.anonymous();
    let facts = control.listing("MLSD");
    let names: Vec<&str> = facts
        .iter()
        .filter(|line| !line.contains("type=cdir"))
        .filter_map(|line| line.split_once(' '))
        .map(|(_, name)| name)
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(!names.contains(&"b.tmp") && !names.contains(&".dot"));
    control.command("MLST b.tmp", 250);
    // Nor do wildcards find a way through what is hidden.
    assert_eq!(control.listing("NLST sub/.hid*/*"), [""; 0]);
}

#[test]
fn dot_files_are_shown_when_asked_for_or_forced() {
    let plain = server(&[]);
    let mut control = plain.anonymous();
    assert_eq!(control.listing("NLST"), ["B.TMP", "a.txt", "b.tmp", "sub"]);
    assert_eq!(control.listing("NLST .d*"), [".dot"]);
    let forced = server(&[("force_dot_files", "YES")]);
    let mut control = forced.anonymous();
    let names = [".dot", "B.TMP", "a.txt", "b.tmp", "sub"];
    assert_eq!(control.listing("NLST"), names);
    assert_eq!(control.listing("NLST *"), names);
    let all = control.listing("NLST -a");
    assert_eq!(all, [&[".", ".."][..], &names].concat());
    let long = control.listing("LIST");
    assert!(long[0].ends_with(" .dot"), "{long:?}");
    let sub = control.listing("NLST sub");
    assert_eq!(sub, ["sub/.hidden", "sub/c.txt", "sub/d.tmp"]);
}

#[test]
fn hide_file_goes_before_force_dot_files() {
    let server = server(&[("force_dot_files", "YES"), ("hide_file", ".dot")]);
    let mut control = server.anonymous();
    assert_eq!(control.listing("NLST"), ["B.TMP", "a.txt", "b.tmp", "sub"]);
    let all = control.listing("NLST -a");
    assert_eq!(all, [".", "..", "B.TMP", "a.txt", "b.tmp", "sub"]);
}
