//! The language of replies (LANG, RFC 2640 section 4) and the charset of names
//! (RFC 2640 section 2, client_charset, OPTS UTF8); names with line ends.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::abort::{under_way, with_a_large_file};
use crate::support::control::{Control, Reply};
use crate::support::server::{Launch, Server};

/// Whether a reply is in Chinese.
fn is_chinese(reply: &Reply) -> bool {
    let han = |sign: char| ('\u{4e00}'..='\u{9fff}').contains(&sign);
    std::str::from_utf8(reply.lines.last().unwrap())
        .unwrap()
        .contains(han)
}

/// The line of FEAT that begins with this word.
#[track_caller]
fn feature(control: &mut Control, word: &str) -> String {
    let text = control.command("FEAT", 211).text();
    let found = text
        .lines()
        .find(|line| line.trim_start().starts_with(word));
    found.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn lang_changes_the_language_of_replies_and_feat_tells() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    assert_eq!(feature(&mut control, "LANG"), " LANG EN*;ZH");
    let reply = control.command("LANG zh-CN", 200);
    assert!(is_chinese(&reply), "{}", reply.text());
    assert_eq!(feature(&mut control, "LANG"), " LANG EN;ZH*");
    assert!(is_chinese(&control.command("USER anonymous", 331)));
    assert!(is_chinese(&control.command("PASS x", 230)));
    assert!(is_chinese(&control.command("CWD missing", 550)));
    assert!(is_chinese(&control.command("XYZZY", 500)));
    assert!(is_chinese(&control.command("HELP NOOP", 214)));
    assert!(control.command("HELP NOOP", 214).text().contains("应答"));
    control.command("LANG de", 504);
    control.command("LANG not_a_tag", 501);
    assert!(is_chinese(&control.command("NOOP", 200)));
    assert!(!is_chinese(&control.command("LANG", 200)));
    assert_eq!(control.command("NOOP", 200).words(), "NOOP ok.");
    control.command("LANG ZH", 200);
    assert!(!is_chinese(&control.command("LANG en-GB", 200)));
}

#[test]
fn the_default_language_is_that_of_the_greeting_and_of_lang_alone() {
    let server = Server::start(&[("default_language", "zh")]);
    let mut control = Control::connect_ungreeted(server.address());
    assert!(is_chinese(&control.expect(220)));
    assert!(!is_chinese(&control.command("LANG en", 200)));
    assert!(is_chinese(&control.command("LANG", 200)));
    assert!(is_chinese(&control.command("QUIT", 221)));
}

#[test]
fn who_is_turned_away_reads_the_default_language() {
    let server = Server::start(&[("default_language", "zh"), ("max_clients", "1")]);
    let _first = server.anonymous();
    let mut second = Control::connect_ungreeted(server.address());
    assert!(is_chinese(&second.expect(421)));
}

#[test]
fn what_is_asked_during_a_transfer_is_answered_in_the_language_chosen() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    control.command("LANG zh", 200);
    let data = under_way(&mut control);
    control.line("STAT");
    let reply = control.expect(213);
    assert!(is_chinese(&reply) && reply.text().contains("/large"));
    assert!(is_chinese(&control.command("NOOP", 200)));
    control.line("ABOR");
    assert!(is_chinese(&control.expect(426)));
    assert!(is_chinese(&control.expect(226)));
    drop(data);
}

#[test]
fn what_programs_read_is_the_same_in_every_language() {
    let server = Server::writable();
    server.root().file("file", "content");
    // Their names are texts of replies.
    server.root().file("Goodbye.", "");
    let mut control = server.anonymous();
    let lines = ["MLST file", "SIZE file", "MDTM file", "SYST", "STAT /"];
    control.command("TYPE I", 200);
    let machine = |control: &mut Control, line: &str| {
        control.line(line);
        let mut reply = control.reply();
        // The words round the listing are for people.
        if reply.lines.len() > 1 {
            reply.lines.pop();
            reply.lines.remove(0);
        }
        reply
    };
    let english = lines.map(|line| machine(&mut control, line));
    control.command("LANG zh", 200);
    assert_eq!(lines.map(|line| machine(&mut control, line)), english);
    let passive = control.command("PASV", 227).text();
    assert!(
        passive.starts_with("227 Entering Passive Mode (127,0,0,1,"),
        "{passive}"
    );
    let passive = control.command("EPSV", 229).text();
    assert!(
        passive.starts_with("229 Entering Extended Passive Mode (|||"),
        "{passive}"
    );
    let reply = control.command("MKD it \"is\"", 257).text();
    assert!(reply.starts_with("257 \"/it \"\"is\"\"\" "), "{reply}");
    assert!(reply.contains("已创建"), "{reply}");
    let listing = control.listing("MLSD").join("\n");
    assert!(listing.contains(" Goodbye."), "{listing}");
    let _data = control.passive();
    let opening = control.command("RETR file", 150).text();
    assert!(opening.contains("(7 bytes)"), "{opening}");
    control.expect(226);
}

fn path(server: &Server, name: &[u8]) -> std::path::PathBuf {
    server.root().path().join(OsStr::from_bytes(name))
}

/// A server with names a GBK client has, has not, and no charset has.
fn gbk_server() -> (Server, [Vec<u8>; 4]) {
    let server = Launch::new()
        .writable()
        .option("client_charset", "GBK")
        .start();
    let names: [&[u8]; 4] = ["你好.txt".as_bytes(), "🦀".as_bytes(), b"caf\xe9", b"50%E9"];
    for name in names {
        std::fs::write(path(&server, name), name).unwrap();
    }
    (server, names.map(<[u8]>::to_vec))
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let text = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
        .collect()
}

#[test]
fn a_legacy_client_lists_fetches_renames_and_deletes_every_name() {
    let (server, names) = gbk_server();
    let mut control = server.anonymous();
    let listed = lines(&control.fetch("NLST"));
    assert!(
        listed.contains(&b"\xc4\xe3\xba\xc3.txt".to_vec()),
        "{listed:?}"
    );
    assert!(listed.contains(&b"%F0%9F%A6%80".to_vec()), "{listed:?}");
    assert_eq!(listed.len(), names.len());
    for wire in &listed {
        let content = control.fetch([b"RETR ", &wire[..]].concat());
        assert!(names.contains(&content), "{wire:?}");
        let facts = control.command([b"MLST ", &wire[..]].concat(), 250);
        let line = &facts.lines[1];
        assert!(line.ends_with(&[b" /", &wire[..]].concat()), "{line:?}");
    }
    for command in ["LIST", "MLSD"] {
        let bytes = control.fetch(command);
        for wire in &listed {
            let end = [b" ", &wire[..], b"\r\n"].concat();
            assert!(
                bytes.windows(end.len()).any(|part| part == end),
                "{command}"
            );
        }
    }
    let status = control.command("STAT /", 212);
    assert!(
        status
            .lines
            .iter()
            .any(|line| line.ends_with(b" \xc4\xe3\xba\xc3.txt"))
    );
    for wire in &listed {
        control.command([b"RNFR ", &wire[..]].concat(), 350);
        control.command([b"RNTO ", &wire[..], b"\xb6\xfe"].concat(), 250);
        control.command([b"DELE ", &wire[..], b"\xb6\xfe"].concat(), 250);
    }
    assert_eq!(std::fs::read_dir(server.root().path()).unwrap().count(), 0);
}

#[test]
fn a_legacy_client_makes_names_that_are_utf8_on_the_disk() {
    let (server, _) = gbk_server();
    let mut control = server.anonymous();
    let reply = control.command(b"MKD \xd6\xd0\xce\xc4", 257);
    assert!(
        reply.lines[0].starts_with(b"257 \"/\xd6\xd0\xce\xc4\""),
        "{reply:?}"
    );
    assert!(path(&server, "中文".as_bytes()).is_dir());
    control.command(b"CWD \xd6\xd0\xce\xc4", 250);
    let reply = control.command("PWD", 257);
    assert!(
        reply.lines[0].starts_with(b"257 \"/\xd6\xd0\xce\xc4\""),
        "{reply:?}"
    );
    // Replies are in the charset too.
    control.command("LANG zh", 200);
    assert_eq!(
        control.command("NOOP", 200).lines[0],
        b"200 NOOP \xb3\xc9\xb9\xa6\xa1\xa3"
    );
}

#[test]
fn opts_utf8_on_ends_the_conversion_and_off_takes_it_back() {
    let (server, _) = gbk_server();
    let mut control = server.anonymous();
    control.command("OPTS UTF8 ON", 200);
    control.command("TYPE I", 200);
    control.command("SIZE 你好.txt", 213);
    let listed = lines(&control.fetch("NLST"));
    assert!(listed.contains(&"你好.txt".into()), "{listed:?}");
    assert!(listed.contains(&b"caf\xe9".to_vec()), "{listed:?}");
    control.command("OPTS UTF8 OFF", 200);
    control.command(b"SIZE \xc4\xe3\xba\xc3.txt", 213);
    control.command("OPTS UTF8 maybe", 501);
    control.command("OPTS UTF8", 200);
    control.command("SIZE 你好.txt", 213);
}

#[test]
fn a_name_that_can_only_be_utf8_ends_the_conversion() {
    let (server, _) = gbk_server();
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    // Three octets are no GBK, nine are none either.
    control.command("MKD 你", 257);
    server.wait_for_log("names are UTF-8, not GBK");
    control.command("SIZE 你好.txt", 213);
    assert!(path(&server, "你".as_bytes()).is_dir());
}

#[test]
fn without_a_charset_utf8_cannot_be_turned_off() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command("OPTS UTF8 OFF", 501);
    control.command("OPTS UTF8 ON", 200);
    control.command("OPTS UTF8", 200);
}

#[test]
fn names_of_every_octet_come_back_from_listings_in_every_charset() {
    for charset in ["", "GBK", "Shift_JIS", "windows-1251", "Big5"] {
        let server = Launch::new()
            .writable()
            .option("client_charset", charset)
            .start();
        let mut count = 0;
        for octet in 1..=255_u8 {
            if octet != b'/' {
                std::fs::write(path(&server, &[b'n', octet, b'x']), [octet]).unwrap();
                count += 1;
            }
        }
        let mut control = server.anonymous();
        let listed = lines(&control.fetch("NLST"));
        assert_eq!(listed.len(), count, "{charset}");
        for name in listed {
            // Telnet's own octet is doubled on the control connection.
            let mut wire = Vec::new();
            for octet in &name {
                wire.extend(std::iter::repeat_n(*octet, 1 + usize::from(*octet == 0xff)));
            }
            let content = control.fetch([b"RETR ", &wire[..]].concat());
            assert_eq!(content.len(), 1);
            control.command([b"DELE ", &wire[..]].concat(), 250);
            assert!(
                !path(&server, &[b'n', content[0], b'x']).exists(),
                "{charset} {name:?}"
            );
        }
    }
}

#[test]
fn names_with_line_ends_are_listed_fetched_and_deleted_and_forge_nothing() {
    let server = Server::writable();
    let evil: [&[u8]; 4] = [
        b"a\r\n226 Done.\r\nb",
        b"\n",
        b"a%0Ab",
        b"x\r\n-rw-r--r--    1 0 0 1 Jan 01 2000 y",
    ];
    for name in evil {
        std::fs::write(path(&server, name), name).unwrap();
    }
    let mut control = server.anonymous();
    for command in ["LIST", "NLST", "MLSD"] {
        let extra = usize::from(command == "MLSD");
        let listed = lines(&control.fetch(command));
        assert_eq!(listed.len(), evil.len() + extra, "{listed:?}");
    }
    assert_eq!(control.command("STAT /", 212).lines.len(), evil.len() + 4);
    let listed = lines(&control.fetch("NLST"));
    assert!(
        listed.contains(&b"a%0D%0A226 Done.%0D%0Ab".to_vec()),
        "{listed:?}"
    );
    assert!(listed.contains(&b"a%250Ab".to_vec()), "{listed:?}");
    for name in &listed {
        let content = control.fetch([b"RETR ", &name[..]].concat());
        assert!(evil.contains(&&content[..]), "{name:?}");
        control.command([b"MLST ", &name[..]].concat(), 250);
        control.command([b"DELE ", &name[..]].concat(), 250);
        assert!(!path(&server, &content).exists());
    }
    server.wait_for_log("deleted /a\\x0D\\x0A226 Done.");
    let log = server.log();
    assert!(!log.lines().any(|line| line.starts_with("226")), "{log}");
}

#[test]
fn a_directory_with_line_ends_in_its_name_can_be_entered_and_told() {
    let server = Server::writable();
    std::fs::create_dir(path(&server, b"d\r\nx")).unwrap();
    let mut control = server.anonymous();
    control.command("CWD d%0D%0Ax", 250);
    let reply = control.command("PWD", 257).text();
    assert!(reply.starts_with("257 \"/d%0D%0Ax\""), "{reply}");
    let reply = control.command("MKD sub", 257).text();
    assert!(reply.starts_with("257 \"/d%0D%0Ax/sub\""), "{reply}");
    // The way of RFC 2640 for CR is understood as well.
    std::fs::create_dir(path(&server, b"e\rf")).unwrap();
    control.command("CWD /e\r\0f", 250);
    let reply = control.command("PWD", 257).text();
    assert!(reply.starts_with("257 \"/e%0Df\""), "{reply}");
    let names = control.fetch("NLST /d%0D%0Ax/*");
    assert_eq!(names, b"/d%0D%0Ax/sub\r\n");
}
