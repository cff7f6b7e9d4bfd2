//! Wildcards in the pathname of LIST, NLST and STAT. How names are matched is
//! tested in `protocol::pattern`; here it is where one looks for them, and
//! that no pattern can be made to cost without end (CVE-2010-2632,
//! CVE-2011-0762).

use std::time::{Duration, Instant};

use crate::support::server::Server;
use crate::support::temp::TempDir;

fn tree(root: &TempDir) {
    for name in [
        "one.txt",
        "two.txt",
        "three.c",
        ".hidden.txt",
        "docs/a.txt",
        "docs/b.c",
        "drafts/a.txt",
        "drafts/new/c.txt",
        "[2024]/x.txt",
        "{a,b}/y.txt",
    ] {
        root.file(name, "");
    }
}

#[test]
fn names_that_match_are_listed_as_they_were_asked_for() {
    let server = Server::start(&[]);
    tree(server.root());
    let mut control = server.anonymous();
    for (line, names) in [
        ("NLST *.txt", &["one.txt", "two.txt"][..]),
        ("NLST {one,three}.*", &["one.txt", "three.c"]),
        ("NLST .*.txt", &[".hidden.txt"]),
        ("NLST docs/*", &["docs/a.txt", "docs/b.c"]),
        ("NLST ./docs/*.c", &["./docs/b.c"]),
        ("NLST /docs/*.c", &["/docs/b.c"]),
        // In every part of the pathname.
        ("NLST d*/a.*", &["docs/a.txt", "drafts/a.txt"]),
        ("NLST /d*/?.txt", &["/docs/a.txt", "/drafts/a.txt"]),
        ("NLST */*/*.txt", &["drafts/new/c.txt"]),
        ("NLST d*/a.txt", &["docs/a.txt", "drafts/a.txt"]),
        ("NLST {docs,drafts}/new", &["drafts/new"]),
        ("NLST docs/../*.c", &["docs/../three.c"]),
        ("NLST */../*.c", &["three.c"]),
        // A directory of such a name comes before the pattern.
        ("NLST [2024]/*", &["[2024]/x.txt"]),
        ("NLST {a,b}/*", &["{a,b}/y.txt"]),
        ("NLST [2024]", &["[2024]/x.txt"]),
        // No match is no error.
        ("NLST *.none", &[]),
        ("NLST */*.none", &[]),
        ("NLST none*/x", &[]),
        ("NLST one.txt/*", &[]),
    ] {
        if line == "NLST one.txt/*" {
            control.refused(line, &[550]);
        } else {
            assert_eq!(control.listing(line), names, "{line}");
        }
    }
    control.refused("NLST none/*", &[550]);
    control.command("CWD [2024]", 250);
    assert_eq!(control.listing("NLST *.txt"), ["x.txt"]);
    assert_eq!(control.listing("NLST ../d*/b*"), ["/docs/b.c"]);
    control.goes_on();
}

#[test]
fn list_and_stat_match_as_nlst_does() {
    let server = Server::start(&[]);
    tree(server.root());
    let mut control = server.anonymous();
    let lines = control.listing("LIST *.txt");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].ends_with(" one.txt"), "{lines:?}");
    let lines = control.listing("LIST -l d*/a.txt");
    assert!(lines[1].ends_with(" drafts/a.txt"), "{lines:?}");
    let lines = control.listing("LIST d*");
    assert!(lines.iter().all(|line| line.starts_with('d')), "{lines:?}");
    assert!(control.listing("LIST *.none").is_empty());
    let text = control.command_any("STAT *.c", &[212, 213]).text();
    assert!(text.contains(" three.c") && !text.contains("one"), "{text}");
    control.command_any("STAT *.none", &[212, 213]);
    assert_eq!(control.listing("NLST -r *.txt"), ["two.txt", "one.txt"]);
}

#[test]
fn a_pattern_never_leads_out_of_the_root() {
    let outside = TempDir::new();
    outside.file("secret", "");
    let server = Server::start(&[]);
    server.root().link("out", outside.path());
    server.root().dir("in");
    let mut control = server.anonymous();
    for line in ["NLST o*/*", "NLST ../*/secret", "NLST */../../*/secret"] {
        assert!(control.listing(line).is_empty(), "{line}");
    }
}

#[test]
fn no_pattern_costs_without_end() {
    let server = Server::start(&[]);
    for one in 0..40 {
        for two in 0..40 {
            server
                .root()
                .dir(format!("{}{one}/{}{two}", "a".repeat(50), "a".repeat(50)));
        }
    }
    let mut control = server.anonymous();
    let begun = Instant::now();
    for pathname in [
        "*/../".repeat(100),
        "*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*".to_owned(),
        format!("{}b", "*a".repeat(250)),
        format!("{0}/{0}", "{a,aa,aaa}*".repeat(40)),
        format!("{}/x", "{*,*,*}".repeat(60)),
        "{{{{{{{{a,b},c},d},e},f},g},h},i}*/*".to_owned(),
        format!("{}{}", "{".repeat(250), "}".repeat(250)),
    ] {
        let _data = control.passive();
        control.line(format!("NLST {pathname}"));
        let first = control.reply();
        if first.code == 150 {
            // Whole, or the server says that it is not.
            control.expect_any(&[226, 451]);
        } else {
            assert_eq!(first.code, 550, "{}", first.text());
        }
        control.command_any(format!("STAT {pathname}"), &[212, 213, 550]);
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
    control.refused(format!("NLST {}", "*".repeat(600)), &[550]);
    control.goes_on();
}

#[test]
fn who_looks_into_too_many_directories_is_told_so() {
    let server = Server::start(&[]);
    for number in 0..1100 {
        server.root().file(format!("d{number:04}/f"), "");
    }
    let mut control = server.anonymous();
    let data = control.passive();
    control.command("NLST d*/f", 150);
    let bytes = crate::support::data::read_all(data);
    control.expect(451);
    let lines = crate::support::data::lines_of(&bytes);
    assert!((900..1100).contains(&lines.len()), "{} lines", lines.len());
    assert_eq!(lines[0], "d0000/f");
    assert_eq!(control.listing("NLST d000?/f").len(), 10);
}
