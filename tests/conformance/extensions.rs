//! Rules of RFC 2389, 2428, 2640, 3659 and later that no dialogue of a family
//! of commands shows; each test is named in `requirements.txt`.

use super::support::control::Control;
use super::support::data::connect;
use super::support::server::{Launch, Server};

/// Fails unless the line between the first and the last is one of facts.
fn facts(control: &mut Control, line: &str) -> String {
    let reply = control.command(line, 250);
    assert_eq!(reply.lines.len(), 3, "{}", reply.text());
    reply.text().lines().nth(1).unwrap().to_owned()
}

#[test]
fn feat_takes_no_argument_and_lists_each_feature_once() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command("FEAT x", 501);
    control.command("feat", 211);
    let reply = control.command("FEAT", 211);
    assert_eq!(reply.lines.last().unwrap(), b"211 End");
    let labels: Vec<String> = reply.lines[1..reply.lines.len() - 1]
        .iter()
        .map(|line| String::from_utf8(line[1..].to_vec()).unwrap())
        .collect();
    for (at, label) in labels.iter().enumerate() {
        let name = label.split(' ').next().unwrap();
        assert!(!name.is_empty(), "{label}");
        // Upper case as the RFCs advise; names of facts have their own.
        assert_eq!(name, name.to_uppercase());
        assert!(!labels[..at].contains(label), "{label} twice");
        assert!(!["FEAT", "OPTS"].contains(&name), "{label}");
    }
}

#[test]
fn opts_is_refused_with_501_for_what_has_no_options() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in [
        "OPTS FEAT",
        "OPTS OPTS",
        "OPTS RETR x",
        "OPTS XYZZY",
        "OPTS MLSD size;",
    ] {
        control.command(line, 501);
    }
    control.command("opts mlst TYPE;", 200);
}

#[test]
fn an_epsv_reply_holds_what_eprt_takes() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    let words = control.command("EPSV", 229).words();
    let (before, rest) = words.split_once('(').unwrap();
    let (inside, after) = rest.split_once(')').unwrap();
    assert!(
        !before.contains(')') && !after.contains(['(', ')']),
        "{words}"
    );
    let port = inside
        .strip_prefix("|||")
        .and_then(|rest| rest.strip_suffix('|'))
        .unwrap();
    let mut address = control.server();
    address.set_port(port.parse().unwrap());
    drop(connect(address));
}

#[test]
fn who_is_refused_a_protocol_is_told_which_there_are() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in [
        "EPRT |2|::1|51201|",
        "EPRT |7|127.0.0.1|51201|",
        "EPSV 2",
        "EPSV 9",
    ] {
        let words = control.command(line, 522).words();
        assert!(words.ends_with(" (1)"), "{line}: {words}");
        assert_eq!(words.matches(['(', ')']).count(), 2, "{words}");
    }
}

#[test]
fn blanks_after_the_first_belong_to_the_pathname() {
    let server = Server::writable();
    let mut control = server.anonymous();
    control.store("  foo.bar", b"content");
    assert!(server.root().has("  foo.bar"));
    control.command("TYPE I", 200);
    control.command("SIZE   foo.bar", 213);
    control.command("SIZE foo.bar", 550);
    control.command("MKD  d", 257);
    control.command("CWD  d", 250);
    let text = control.command("PWD", 257).text();
    assert!(text.starts_with("257 \"/ d\""), "{text}");
    control.command("CWD d", 550);
}

#[test]
fn nul_after_cr_is_taken_out_of_a_pathname() {
    let server = Server::writable();
    let mut control = server.anonymous();
    control.command("MKD a\r\0b", 257);
    assert!(server.root().has("a\rb"));
    control.command("RMD a\r\0b", 250);
    assert!(!server.root().has("a\rb"));
}

#[test]
fn host_undoes_lang_and_comes_again() {
    let server = Server::start(&[("host_names", "one.example.org,two.example.org")]);
    let mut control = server.connect();
    let english = control.command("NOOP", 200);
    control.command("LANG zh", 200);
    control.command("HOST one.example.org", 220);
    assert_eq!(control.command("NOOP", 200), english);
    // The last one counts, and one that is refused leaves things as they were.
    control.command("HOST two.example.org", 220);
    control.command("HOST three.example.org", 504);
    control.command("HOST one.example.org", 220);
    control.login_anonymous();
}

#[test]
fn the_recommended_facts_are_sent_unless_others_are_chosen() {
    let server = Server::writable();
    server.root().file("dir/file", "12345");
    let mut control = server.anonymous();
    let features = control.command("FEAT", 211).text();
    let line = features
        .lines()
        .find(|line| line.starts_with(" MLST "))
        .unwrap();
    for fact in ["type*;", "size*;", "modify*;", "perm*;", "unique*;"] {
        assert!(line.contains(fact), "{line}");
    }
    // Nobody has told the server in which language a file is.
    assert!(!line.to_lowercase().contains("lang"), "{line}");
    let file = facts(&mut control, "MLST dir/file");
    for fact in ["type=file;", "size=5;", "modify=", "perm=", "unique="] {
        assert!(file.contains(fact), "{file}");
    }
    let perm = file
        .split("perm=")
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    for letter in "adfrw".chars() {
        assert!(perm.contains(letter), "{perm}");
    }
    let unique = |facts: &str| {
        facts
            .split("unique=")
            .nth(1)
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned()
    };
    server.root().file("other", "");
    std::fs::hard_link(
        server.root().path().join("dir/file"),
        server.root().path().join("again"),
    )
    .unwrap();
    assert_eq!(unique(&file), unique(&facts(&mut control, "MLST again")));
    assert_ne!(unique(&file), unique(&facts(&mut control, "MLST other")));
}

#[test]
fn perm_tells_a_reader_what_a_reader_may() {
    let server = Server::start(&[]);
    server.root().file("file", "12345");
    let mut control = server.anonymous();
    assert!(facts(&mut control, "MLST file").contains("perm=r;"));
    let root = facts(&mut control, "MLST /");
    assert!(root.contains("perm=el;"), "{root}");
}

#[test]
fn entries_of_mlsd_are_names_and_the_directory_is_told_with_its_type_alone() {
    let server = Server::start(&[]);
    server.root().file("dir/a name", "12345");
    let mut control = server.anonymous();
    let lines = control.listing("MLSD dir");
    let entry = lines
        .iter()
        .find(|line| line.contains("type=file;"))
        .unwrap();
    assert!(entry.ends_with("; a name"), "{entry}");
    // Which is the directory and which an entry of it cannot be told apart.
    control.command("OPTS MLST size;", 200);
    assert_eq!(control.listing("MLSD dir"), ["size=5; a name"]);
    // No facts: the blank before the name stays.
    control.command("OPTS MLST", 200);
    assert_eq!(control.listing("MLSD dir"), [" a name"]);
    let reply = control.command("MLST dir", 250).text();
    assert_eq!(reply.lines().nth(1), Some("  /dir"));
    control.command("MLSD dir/a name", 501);
}

#[test]
fn facts_of_size_and_time_are_exact() {
    let server = Server::writable();
    server.root().file("file", "12345");
    let mut control = server.anonymous();
    control.command("MFMT 20090213233130 file", 213);
    let facts = facts(&mut control, "MLST file");
    assert!(facts.contains("size=5;"), "{facts}");
    assert!(facts.contains("modify=20090213233130;"), "{facts}");
    for line in ["MDTM file", "SIZE file"] {
        let reply = control.command(line, 213);
        assert_eq!(reply.lines.len(), 1, "{}", reply.text());
        assert!(reply.words().bytes().all(|byte| byte.is_ascii_digit()));
    }
}

#[test]
fn appe_after_rest_is_stor_after_rest() {
    for verb in ["STOR", "APPE"] {
        let server = Server::writable();
        server.root().file("file", "0123456789");
        let mut control = server.anonymous();
        control.command("TYPE I", 200);
        control.command("REST 8", 350);
        control.give(format!("{verb} file"), b"abcdef");
        assert_eq!(server.root().read("file"), b"01234567abcdef", "{verb}");
    }
}

#[test]
fn a_pathname_from_the_root_is_the_same_everywhere() {
    let server = Server::start(&[]);
    server.root().file("a/b/file", "content");
    let mut control = server.anonymous();
    for (cwd, name) in [
        ("/", "a/b/file"),
        ("/a", "b/file"),
        ("/a/b", "file"),
        ("/a/b", "/a/b/file"),
        ("/a", "../a/b/file"),
    ] {
        control.command(format!("CWD {cwd}"), 250);
        assert_eq!(control.retrieve(name), b"content", "{cwd} {name}");
        let line = facts(&mut control, &format!("MLST {name}"));
        assert!(line.ends_with(" /a/b/file"), "{line}");
    }
}

#[test]
fn a_reply_of_mfmt_tells_the_time_that_was_set() {
    let server = Server::writable();
    server.root().file("file", "");
    let mut control = server.anonymous();
    let reply = control.command("MFMT 20200229120000 file", 213);
    assert_eq!(reply.words(), "Modify=20200229120000; file");
    control.command("MFMT 20210229120000 file", 501);
    control.command("MFMT 20200229120000", 501);
    control.command("MFMT 20200229120000 missing", 550);
    let words = control.command("MDTM file", 213).words();
    assert_eq!(words, "20200229120000");
}

#[test]
fn names_differ_by_every_letter_s_case() {
    let server = Launch::new().writable().start();
    let mut control = server.anonymous();
    control.store("file", b"small");
    control.store("FILE", b"large");
    assert_eq!(control.retrieve("file"), b"small");
    assert_eq!(control.retrieve("FILE"), b"large");
}

#[test]
fn times_are_in_utc_unless_use_localtime_says_otherwise() {
    // POSIX has the sign the other way round: three hours east of Greenwich.
    for (switch, told) in [("NO", "20090213233130"), ("YES", "20090214023130")] {
        let launch = Launch::new().writable().option("use_localtime", switch);
        let server = launch.through(&["env", "TZ=XYZ-3"]).start();
        server.root().file("file", "");
        let mut control = server.anonymous();
        control.command("MFMT 20090213233130 file", 213);
        assert_eq!(control.command("MDTM file", 213).words(), told);
        let facts = facts(&mut control, "MLST file");
        assert!(facts.contains("modify=20090213233130;"), "{facts}");
    }
}
