//! LIST, NLST and STAT with a pathname (RFC 959 section 4.1.3, RFC 1123
//! section 4.1.3). The machine-readable forms are in `facts`.

use crate::support::control::Control;
use crate::support::server::Server;
use crate::support::temp::TempDir;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// The last column of a line of LIST: what follows date and time.
fn name_of(line: &str) -> String {
    let mut rest = line;
    for _ in 0..8 {
        let end = rest
            .find(' ')
            .unwrap_or_else(|| panic!("too few columns: {line:?}"));
        rest = rest[end..].trim_start_matches(' ');
    }
    rest.to_owned()
}

fn names(control: &mut Control, line: &str) -> Vec<String> {
    control
        .listing(line)
        .iter()
        .map(|line| name_of(line))
        .collect()
}

fn three_entries(root: &TempDir) {
    root.file("beta.txt", "12345");
    root.file("alpha with blanks", "x");
    root.file(".hidden", "");
    root.file("目录/里面", "y");
}

#[test]
fn list_shows_one_line_per_entry_sorted_by_name() {
    let server = Server::start(&[]);
    three_entries(server.root());
    let mut control = server.anonymous();
    let lines = control.listing("LIST");
    assert_eq!(
        names(&mut control, "LIST"),
        ["alpha with blanks", "beta.txt", "目录"]
    );
    let beta = &lines[1];
    assert!(beta.starts_with("-rw-rw-rw- "), "{beta}");
    assert_eq!(beta.split_whitespace().nth(4), Some("5"), "{beta}");
    assert!(lines[2].starts_with("drwxrwxrwx "), "{}", lines[2]);
}

#[test]
fn an_empty_directory_gives_an_empty_listing() {
    let server = Server::start(&[]);
    server.root().dir("empty");
    let mut control = server.anonymous();
    for line in ["LIST empty", "NLST empty", "MLSD empty"] {
        let lines = control.listing(line);
        let real = lines.iter().filter(|line| !line.contains("type=cdir"));
        let real = real.filter(|line| !line.contains("type=pdir")).count();
        assert_eq!(real, 0, "{line}: {lines:?}");
    }
}

#[test]
fn a_missing_name_gives_550_and_the_session_goes_on() {
    let server = Server::start(&[]);
    server.root().file("file", "");
    let mut control = server.anonymous();
    for line in [
        "LIST missing",
        "NLST missing",
        "LIST missing/deeper",
        "LIST -l missing",
    ] {
        control.refused(line, &[550]);
    }
    control.goes_on();
    assert_eq!(names(&mut control, "LIST"), ["file"]);
}

#[test]
fn list_of_a_file_shows_that_file() {
    let server = Server::start(&[]);
    server.root().file("dir/a file", "12345");
    let mut control = server.anonymous();
    let lines = control.listing("LIST dir/a file");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].ends_with(" a file"), "{lines:?}");
    assert!(!lines[0].contains("dir/"), "{lines:?}");
    assert_eq!(control.listing("NLST dir/a file").len(), 1);
}

#[test]
fn the_switches_of_list_do_what_they_do_in_ls() {
    let server = Server::start(&[]);
    three_entries(server.root());
    let mut control = server.anonymous();
    assert_eq!(
        names(&mut control, "LIST -a"),
        [
            ".",
            "..",
            ".hidden",
            "alpha with blanks",
            "beta.txt",
            "目录"
        ]
    );
    assert_eq!(names(&mut control, "LIST -l"), names(&mut control, "LIST"));
    assert_eq!(
        names(&mut control, "LIST -r"),
        ["目录", "beta.txt", "alpha with blanks"]
    );
    assert_eq!(names(&mut control, "LIST -la").len(), 6);
    assert_eq!(names(&mut control, "LIST -l -a").len(), 6);
    let folder = control.listing("LIST -F");
    assert!(
        folder.iter().any(|line| line.ends_with("目录/")),
        "{folder:?}"
    );
    assert!(control.listing("NLST -F").contains(&"目录/".to_owned()));
    let own = control.listing("LIST -d");
    assert_eq!(own.len(), 1, "{own:?}");
    assert!(own[0].starts_with('d') && own[0].ends_with('.'), "{own:?}");
    let own = control.listing("LIST -d 目录");
    assert_eq!(own.len(), 1, "{own:?}");
    assert!(own[0].starts_with('d'), "{own:?}");
}

#[test]
fn list_t_puts_the_newest_first() {
    let server = Server::start(&[]);
    let start = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    for (name, hours) in [("middle", 5), ("newest", 9), ("oldest", 1)] {
        let path = server.root().file(name, "");
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(start + std::time::Duration::from_secs(hours * 3600))
            .unwrap();
    }
    let mut control = server.anonymous();
    assert_eq!(
        names(&mut control, "LIST -t"),
        ["newest", "middle", "oldest"]
    );
    assert_eq!(
        names(&mut control, "LIST -tr"),
        ["oldest", "middle", "newest"]
    );
    let line = &control.listing("LIST oldest")[0];
    assert!(line.contains("Sep 13  2020"), "{line}");
}

#[test]
fn list_r_walks_down_only_where_ls_recurse_enable_says_so() {
    let server = Server::start(&[("ls_recurse_enable", "YES")]);
    server.root().file("a/b/deep", "");
    let lines = server.anonymous().listing("LIST -R");
    assert!(
        lines.iter().any(|line| line.ends_with(" deep")),
        "{lines:?}"
    );
    let server = Server::start(&[]);
    server.root().file("a/b/deep", "");
    let lines = server.anonymous().listing("LIST -R");
    assert!(
        !lines.iter().any(|line| line.ends_with(" deep")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.ends_with(" a")), "{lines:?}");
}

#[test]
fn names_below_a_heading_of_nlst_r_can_be_fetched_as_they_are() {
    let server = Server::start(&[("ls_recurse_enable", "YES")]);
    server.root().file("a/b/deep", "content");
    let mut control = server.anonymous();
    for (line, deep) in [
        ("NLST -R", "./a/b/deep"),
        ("NLST -R a", "a/b/deep"),
        ("NLST -R a/", "a/b/deep"),
        ("NLST -R /", "/a/b/deep"),
        ("NLST -R /a", "/a/b/deep"),
    ] {
        let names = control.listing(line);
        let [.., heading, name] = &names[..] else {
            panic!("{line}: {names:?}");
        };
        assert_eq!(name, deep, "{line}");
        assert_eq!(*heading, deep.replace("/deep", ":"), "{line}");
        assert_eq!(control.retrieve(name), b"content");
    }
    // Long lines have the names alone, and the same headings.
    let lines = control.listing("LIST -R a");
    assert!(lines.contains(&"a/b:".to_owned()), "{lines:?}");
    assert!(lines.last().unwrap().ends_with(" deep"), "{lines:?}");
}

#[test]
fn a_link_that_leads_in_a_circle_does_not_hold_list_r_for_ever() {
    let server = Server::start(&[("ls_recurse_enable", "YES")]);
    server.root().dir("a");
    server.root().link("a/up", "..");
    let lines = server.anonymous().listing("LIST -R");
    assert!(lines.len() < 100, "{} lines", lines.len());
}

#[test]
fn nlst_gives_names_and_nothing_else() {
    let server = Server::start(&[]);
    three_entries(server.root());
    let mut control = server.anonymous();
    let expected = ["alpha with blanks", "beta.txt", "目录"];
    assert_eq!(control.listing("NLST"), expected);
    // ncftp asks so; `-1` is no file name.
    assert_eq!(control.listing("NLST -1"), expected);
    assert_eq!(
        control.listing("NLST -r"),
        ["目录", "beta.txt", "alpha with blanks"]
    );
    assert!(control.listing("NLST -a").contains(&".hidden".to_owned()));
    // What comes can be given to RETR as it is (RFC 1123 section 4.1.2.7).
    for (line, name) in [
        ("NLST 目录", "目录/里面"),
        ("NLST 目录/", "目录/里面"),
        ("NLST /目录", "/目录/里面"),
        ("NLST ./目录/*", "./目录/里面"),
    ] {
        assert_eq!(control.listing(line), [name], "{line}");
    }
    assert_eq!(control.listing("NLST ."), expected);
    control.goes_on();
}

#[test]
fn absolute_names_with_blanks_and_chinese_letters_are_listed() {
    let server = Server::start(&[]);
    server.root().file("a dir/目录 二/文件 三", "x");
    let mut control = server.anonymous();
    for line in [
        "LIST /a dir/目录 二",
        "LIST -a /a dir/目录 二",
        "LIST -la a dir/目录 二/",
    ] {
        let found = names(&mut control, line);
        assert!(found.contains(&"文件 三".to_owned()), "{line}: {found:?}");
    }
    assert_eq!(control.listing("NLST /a dir/目录 二").len(), 1);
}

#[test]
fn hide_ids_shows_ftp_as_owner_and_group() {
    let server = Server::start(&[("hide_ids", "YES")]);
    server.root().file("file", "");
    let line = &server.anonymous().listing("LIST")[0];
    let columns: Vec<_> = line.split_whitespace().collect();
    assert_eq!(columns[2..4], ["ftp", "ftp"], "{line}");
}

#[test]
fn ten_thousand_entries_are_all_there() {
    let server = Server::start(&[]);
    for number in 0..10_000 {
        fs::write(server.root().path().join(format!("file-{number:05}")), "").unwrap();
    }
    let mut control = server.anonymous();
    let expected: Vec<_> = (0..10_000)
        .map(|number| format!("file-{number:05}"))
        .collect();
    assert!(names(&mut control, "LIST") == expected);
    assert!(control.listing("NLST") == expected);
    let mut facts = control.listing("MLSD");
    facts.retain(|line| line.contains("type=file;"));
    assert_eq!(facts.len(), 10_000);
}

#[test]
fn stat_of_a_directory_lists_it_over_the_control_connection() {
    let server = Server::start(&[]);
    three_entries(server.root());
    let mut control = server.anonymous();
    let text = control.command_any("STAT /", &[212, 213]).text();
    assert!(text.contains("beta.txt") && text.contains("目录"), "{text}");
    let text = control.command_any("STAT beta.txt", &[212, 213]).text();
    assert!(
        text.contains("beta.txt") && !text.contains("alpha"),
        "{text}"
    );
    control.command_any("STAT missing", &[450, 550]);
    control.goes_on();
}

#[test]
fn a_link_is_shown_as_a_link() {
    let server = Server::start(&[]);
    server.root().file("target", "12345");
    server.root().link("link", "target");
    let lines = server.anonymous().listing("LIST");
    let line = lines.iter().find(|line| line.contains("link")).unwrap();
    assert!(
        line.starts_with('l') && line.ends_with("link -> target"),
        "{line}"
    );
}

#[test]
fn a_listing_works_actively_and_in_any_type() {
    let server = Server::start(&[]);
    server.root().file("file", "");
    let mut control = server.anonymous();
    for kind in ["TYPE A", "TYPE I"] {
        control.command(kind, 200);
        let listener = control.active();
        control.command("NLST", 150);
        let bytes = crate::support::data::read_all(crate::support::data::accept(&listener).0);
        assert_eq!(crate::support::data::lines_of(&bytes), ["file"]);
        control.expect(226);
    }
}

#[test]
fn text_userdb_names_shows_names_of_owners() {
    if !crate::support::is_root() {
        return crate::support::left_out("files of root need root");
    }
    let server = Server::start(&[("text_userdb_names", "YES")]);
    server.root().file("file", "");
    let line = &server.anonymous().listing("LIST")[0];
    assert_eq!(line.split_whitespace().nth(2), Some("root"), "{line}");
    let server = Server::start(&[]);
    server.root().file("file", "");
    let line = &server.anonymous().listing("LIST")[0];
    assert_eq!(line.split_whitespace().nth(2), Some("0"), "{line}");
}

#[test]
fn anonymous_users_see_no_names_of_a_directory_that_is_not_everybodys_to_read() {
    let server = Server::start(&[("ls_recurse_enable", "YES")]);
    let closed = server.root().dir("closed");
    server.root().file("closed/secret", "");
    fs::set_permissions(&closed, PermissionsExt::from_mode(0o711)).unwrap();
    let mut control = server.anonymous();
    for line in ["LIST closed", "NLST closed", "MLSD closed", "NLST closed/*"] {
        control.refused(line, &[550]);
    }
    assert!(!control.listing("LIST -R").join("\n").contains("secret"));
    // A name that is known may be used, as in such a directory of the system.
    control.command("SIZE closed/secret", 213);
    fs::set_permissions(&closed, PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(control.listing("NLST closed"), ["closed/secret"]);
}
