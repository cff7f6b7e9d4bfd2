//! TYPE, STRU and MODE as they look on the data connection (RFC 959 section
//! 3), and what SIZE and REST count in them (RFC 3659 sections 4 and 5).
//! Modes B and Z have files of their own.

use std::io::Write;

use crate::support::control::Control;
use crate::support::data::read_all;
use crate::support::modes::{
    Content, deflated, from_blocks, from_compressed, from_escaped, inflated, to_blocks,
    to_compressed, to_escaped,
};
use crate::support::server::{Launch, Server};
use crate::support::tree::noise;

/// A server that converts whatever can be converted.
fn converting() -> Server {
    let options = [
        ("ascii_upload_enable", "YES"),
        ("ascii_download_enable", "YES"),
    ];
    Launch::new().writable().options(&options).start()
}

fn set(control: &mut Control, parameters: &[&str]) {
    for line in parameters {
        control.command(line, 200);
    }
}

/// A STOR that is broken off by closing the data connection.
fn store_in_vain(control: &mut Control, line: &str, wire: &[u8], codes: &[u16]) {
    let mut data = control.passive();
    control.command(line, 150);
    // The server may have seen enough before all is written.
    let _ = data.write_all(wire);
    drop(data);
    control.expect_any(codes);
}

#[test]
fn what_was_stored_is_fetched_unchanged_in_every_representation() {
    let server = converting();
    let mut control = server.anonymous();
    let all: Vec<u8> = (0..=255)
        .flat_map(|octet| [octet, octet, octet, 7])
        .collect();
    for (kind, filler, line_end) in [
        ("TYPE I", 0, &b"\n"[..]),
        ("TYPE A", b' ', b"\r\n"),
        ("TYPE E", 0x40, b"\x15"),
        ("TYPE L 8", 0, b"\n"),
        ("TYPE A T", b' ', b"\r\n"),
        ("TYPE E C", 0x40, b"\x15"),
    ] {
        // Within a record, an octet that ends a line would end the record.
        let end = line_end[line_end.len() - 1];
        let octets: Vec<u8> = all.iter().copied().filter(|&octet| octet != end).collect();
        let long = noise(70_000);
        let long: Vec<u8> = long.into_iter().filter(|&octet| octet != end).collect();
        let records = [
            Content::of(&[], b""),
            Content::of(&[b""], b""),
            Content::of(&[b"one", b"", b"three  \0\0\0\0  "], b""),
            Content::of(&[b"one"], b"no end"),
            Content::of(&[&octets, &long], &octets),
        ];
        for content in records {
            set(&mut control, &[kind, "STRU R"]);
            in_every_mode(&mut control, filler, &content, kind);
            assert_eq!(
                server
                    .root()
                    .read("file")
                    .iter()
                    .filter(|&&byte| byte == b'\n')
                    .count(),
                content.records.len(),
                "records are lines"
            );
            set(&mut control, &["STRU F"]);
            let lines: Vec<&[u8]> = content.records.iter().map(Vec::as_slice).collect();
            let mut flat = lines.join(line_end);
            flat.extend_from_slice(if lines.is_empty() { b"" } else { line_end });
            flat.extend_from_slice(&content.rest);
            in_every_mode(&mut control, filler, &Content::of(&[], &flat), kind);
        }
    }
}

/// Stores and fetches `content` in each mode, and fetches it in each other.
fn in_every_mode(control: &mut Control, filler: u8, content: &Content, kind: &str) {
    let records = control.command("STAT", 211).text().contains("STRU: R");
    let stream = |content: &Content| {
        if records {
            to_escaped(content)
        } else {
            content.rest.clone()
        }
    };
    let from_stream = |wire: &[u8]| {
        if records {
            from_escaped(wire)
        } else {
            Content::of(&[], wire)
        }
    };
    for store in ["S", "B", "C", "Z"] {
        let wire = match store {
            "B" => to_blocks(content, 1000),
            "C" => to_compressed(content, filler),
            "Z" => deflated(&stream(content)),
            _ => stream(content),
        };
        control.command(format!("MODE {store}"), 200);
        control.store("file", &wire);
        for fetch in ["S", "B", "C", "Z"] {
            control.command(format!("MODE {fetch}"), 200);
            let wire = control.retrieve("file");
            let found = match fetch {
                "B" => from_blocks(&wire),
                "C" => from_compressed(&wire, filler),
                "Z" => from_stream(&inflated(&wire)),
                _ => from_stream(&wire),
            };
            assert!(
                found == *content,
                "{kind}, records {records}: stored in {store}, fetched in {fetch}: {:.300}",
                format!("{found:?}, should be {content:?}")
            );
        }
    }
    control.command("MODE S", 200);
}

#[test]
fn type_e_is_ebcdic_of_the_code_page_that_is_set() {
    let server = Server::writable();
    server.root().file("text", "A[1]\n");
    let mut control = server.anonymous();
    control.command("TYPE E", 200);
    assert_eq!(control.retrieve("text"), b"\xC1\xAD\xF1\xBD\x15");
    control.store("new", b"\x88\x85\x93\x93\x96\x15");
    assert_eq!(server.root().read("new"), b"hello\n");
    let launch = Launch::new().option("ebcdic_code_page", "037");
    launch.root().file("text", "A[1]\n");
    let server = launch.start();
    let mut control = server.anonymous();
    control.command("TYPE E", 200);
    assert_eq!(control.retrieve("text"), b"\xC1\xBA\xF1\xBB\x15");
}

#[test]
fn records_are_lines_whatever_the_ascii_switches_say() {
    let server = Server::writable();
    server.root().file("text", b"one\ntwo\xFF\nrest");
    let mut control = server.anonymous();
    set(&mut control, &["TYPE A", "STRU R"]);
    let wire = b"one\xFF\x01two\xFF\xFF\xFF\x01rest\xFF\x02";
    assert_eq!(control.retrieve("text"), wire);
    // RFC 959 section 3.4.1: the end of record and of file in one code.
    control.store("new", b"one\xFF\x01two\xFF\x03");
    assert_eq!(server.root().read("new"), b"one\ntwo\n");
}

#[test]
fn listings_go_through_the_representation() {
    let server = Server::start(&[]);
    for name in ["alpha", "beta", "gamma 1"] {
        server.root().file(name, "");
    }
    let mut control = server.anonymous();
    let plain = control.fetch("NLST");
    assert_eq!(plain, b"alpha\r\nbeta\r\ngamma 1\r\n");
    let long = control.fetch("LIST");
    let facts = control.fetch("MLSD");
    for (line, plain) in [("NLST", plain), ("LIST", long), ("MLSD", facts)] {
        let text = String::from_utf8(plain.clone()).unwrap();
        let lines: Vec<&[u8]> = text.lines().map(str::as_bytes).collect();
        for kind in ["TYPE A", "TYPE I"] {
            set(&mut control, &[kind, "STRU R"]);
            assert_eq!(from_escaped(&control.fetch(line)), Content::of(&lines, b""));
            control.command("MODE B", 200);
            assert_eq!(from_blocks(&control.fetch(line)), Content::of(&lines, b""));
            set(&mut control, &["STRU F"]);
            assert_eq!(from_blocks(&control.fetch(line)).rest, plain);
            control.command("MODE C", 200);
            let filler = if kind == "TYPE A" { b' ' } else { 0 };
            assert_eq!(from_compressed(&control.fetch(line), filler).rest, plain);
            control.command("MODE Z", 200);
            assert_eq!(inflated(&control.fetch(line)), plain);
            control.command("MODE S", 200);
            assert_eq!(control.fetch(line), plain);
        }
    }
    control.command("TYPE E", 200);
    let wire = control.fetch("NLST");
    assert_eq!(
        wire,
        b"\x81\x93\x97\x88\x81\x15\x82\x85\xA3\x81\x15\x87\x81\x94\x94\x81\x40\xF1\x15"
    );
}

#[test]
fn size_is_what_retr_sends() {
    let server = converting();
    let mut control = server.anonymous();
    let mut text: Vec<u8> = (0..30_000)
        .flat_map(|n| format!("{n}\n").into_bytes())
        .collect();
    text.extend_from_slice(b"\r\xFF\xFFno end");
    // Long enough for restart markers.
    text.extend(noise(2_500_000));
    server.root().file("file", &text);
    for kind in ["TYPE I", "TYPE A", "TYPE E"] {
        for structure in ["STRU F", "STRU R"] {
            for mode in ["MODE S", "MODE B", "MODE C", "MODE Z"] {
                set(&mut control, &[kind, structure, mode]);
                let wire = control.retrieve("file");
                let sent = if mode == "MODE Z" {
                    inflated(&wire).len()
                } else {
                    wire.len()
                };
                let told = control.command("SIZE file", 213).words();
                assert_eq!(told, sent.to_string(), "{kind} {structure} {mode}");
            }
        }
    }
}

#[test]
fn size_is_refused_where_counting_would_take_too_long() {
    let server = Server::start(&[("ascii_download_enable", "YES"), ("ascii_size_limit", "10")]);
    server.root().file("small", "12345678\n\n");
    server.root().file("large", "12345678\n\n\n");
    let mut control = server.anonymous();
    assert_eq!(control.command("SIZE small", 213).words(), "12");
    let words = control.command("SIZE large", 550).words();
    assert!(words.contains("TYPE I"), "{words}");
    control.command("TYPE I", 200);
    assert_eq!(control.command("SIZE large", 213).words(), "11");
    // One octet for each byte: nothing needs to be counted.
    control.command("TYPE E", 200);
    assert_eq!(control.command("SIZE large", 213).words(), "11");
    control.command("SIZE nothing", 550);
}

/// A text in which everything awkward follows everything else.
const AWKWARD: &[u8] = b"one\n\ntwo\r\n\r\r\n\xFF\n\xFF\xFFno end\r";

#[test]
fn rest_before_retr_counts_octets_of_the_representation() {
    let server = converting();
    server.root().file("file", AWKWARD);
    let mut control = server.anonymous();
    for kind in ["TYPE A", "TYPE E", "TYPE I"] {
        for structure in ["STRU F", "STRU R"] {
            for mode in ["MODE S", "MODE Z"] {
                set(&mut control, &[kind, structure, mode]);
                let open = |wire: Vec<u8>| match mode {
                    "MODE Z" => inflated(&wire),
                    _ => wire,
                };
                let whole = open(control.retrieve("file"));
                for at in 1..=whole.len() {
                    control.command(format!("REST {at}"), 350);
                    let rest = open(control.retrieve("file"));
                    assert_eq!(rest, whole[at..], "{kind} {structure} {mode} at {at}");
                }
                control.command(format!("REST {}", whole.len() + 1), 350);
                control.refused("RETR file", &[554]);
            }
        }
    }
}

#[test]
fn rest_before_retr_of_a_large_text_finds_its_place() {
    let server = converting();
    let text: String = (0..400_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    server.root().file("text", &text);
    let wire = text.replace('\n', "\r\n");
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    for at in [
        1,
        262_144,
        262_145,
        1_048_577,
        2_000_001,
        wire.len() - 1,
        wire.len(),
    ] {
        control.command(format!("REST {at}"), 350);
        assert!(control.retrieve("text") == wire.as_bytes()[at..], "at {at}");
    }
}

#[test]
fn an_upload_in_type_a_may_be_cut_anywhere_and_goes_on() {
    let server = converting();
    let mut control = server.anonymous();
    // No bare LF, which would be counted as the CRLF it becomes.
    let wire = b"one\r\n\r\ntwo\r\r\n\rend\r";
    control.store("whole", wire);
    let whole = server.root().read("whole");
    for mode in ["MODE S", "MODE Z"] {
        control.command(mode, 200);
        let close = |octets: &[u8]| match mode {
            "MODE Z" => deflated(octets),
            _ => octets.to_vec(),
        };
        for at in 1..wire.len() {
            control.store("file", &close(&wire[..at]));
            control.command(format!("REST {at}"), 350);
            control.store("file", &close(&wire[at..]));
            assert_eq!(server.root().read("file"), whole, "{mode} at {at}");
        }
    }
}

#[test]
fn an_upload_of_records_may_be_cut_anywhere_and_goes_on() {
    let server = converting();
    let mut control = server.anonymous();
    let wire = b"one\xFF\x01\xFF\x01a\xFF\xFF\xFF\x01\xFF\xFFend\xFF\x02";
    for kind in ["TYPE I", "TYPE A", "TYPE E"] {
        set(&mut control, &[kind, "STRU R"]);
        control.store("whole", wire);
        let whole = server.root().read("whole");
        for at in 1..wire.len() - 1 {
            store_in_vain(&mut control, "STOR file", &wire[..at], &[426]);
            control.command(format!("REST {at}"), 350);
            let data = control.passive();
            let reply = control.command_any("STOR file", &[150, 554]);
            if reply.code == 554 {
                // Half of a pair never came into the file: go back by one.
                assert_eq!(wire[at - 1], 0xFF, "{kind} at {at}");
                drop(data);
                control.command(format!("REST {}", at - 1), 350);
                control.store("file", &wire[at - 1..]);
            } else {
                let mut data = data;
                data.write_all(&wire[at..]).unwrap();
                drop(data);
                control.expect(226);
            }
            assert_eq!(server.root().read("file"), whole, "{kind} at {at}");
        }
    }
}

#[test]
fn rest_beyond_the_end_of_a_converted_file_is_refused_before_anything_changes() {
    let server = converting();
    server.root().file("file", "a\nb\n");
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    control.command("REST 7", 350);
    control.refused("STOR file", &[554]);
    assert_eq!(server.root().read("file"), b"a\nb\n");
    control.command("REST 6", 350);
    control.store("file", b"c\r\n");
    assert_eq!(server.root().read("file"), b"a\nb\nc\n");
}

#[test]
fn records_without_an_end_of_file_are_a_broken_transfer() {
    let server = Server::writable();
    let mut control = server.anonymous();
    set(&mut control, &["TYPE I", "STRU R"]);
    for (wire, kept, code) in [
        (&b"one\xFF\x01two"[..], &b"one\ntwo"[..], 426),
        (b"one\xFF\x01\xFF", b"one\n", 426),
        (b"", b"", 426),
        (b"one\xFF\x01\xFF\x07x", b"one\n", 451),
    ] {
        store_in_vain(&mut control, "STOR file", wire, &[code]);
        assert_eq!(server.root().read("file"), kept, "{wire:?}");
        control.goes_on();
    }
}

#[test]
fn mode_c_compresses_what_repeats_and_takes_every_form() {
    let server = Server::writable();
    let mut control = server.anonymous();
    set(&mut control, &["TYPE I", "MODE C"]);
    server.root().file("zeros", vec![0; 1_000_000]);
    let wire = control.retrieve("zeros");
    assert!(wire.len() < 17_000, "{} octets", wire.len());
    assert_eq!(from_compressed(&wire, 0).rest, vec![0; 1_000_000]);
    // String, repetition, filler, an empty one of each, two escapes in a row,
    // and the end left without a string.
    control.store(
        "file",
        b"\x02ab\x83c\xC2\x80x\xC0\x00\x80\x00\x20\x01d\x00\x40",
    );
    assert_eq!(server.root().read("file"), b"abccc\0\0d");
    for (wire, code) in [
        (&b"\x05ab"[..], 426),
        (b"\x01a\x00\x01", 451),
        (b"\x83", 426),
    ] {
        store_in_vain(&mut control, "STOR broken", wire, &[code]);
    }
    control.goes_on();
}

#[test]
fn a_transfer_in_any_mode_can_be_aborted() {
    let server = crate::abort::with_a_large_file(&[]);
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    for mode in ["MODE B", "MODE C", "MODE Z"] {
        control.command(mode, 200);
        let data = control.passive();
        control.command("RETR large", 150);
        control.line("ABOR");
        control.expect(426);
        control.expect(226);
        drop(data);
        let data = control.passive();
        control.command("STOR new", 150);
        control.line("ABOR");
        control.expect(426);
        control.expect(226);
        drop(data);
        control.goes_on();
    }
    control.command("MODE S", 200);
    assert_eq!(control.retrieve("file"), b"content");
    let data = control.passive();
    control.command("NLST", 150);
    read_all(data);
    control.expect(226);
}

#[test]
fn rein_sets_everything_back() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    set(&mut control, &["TYPE E", "STRU R", "MODE Z"]);
    control.command("REIN", 220);
    control.login_anonymous();
    let text = control.command("STAT", 211).text();
    assert!(text.contains("TYPE: ASCII, STRU: F, MODE: S"), "{text}");
}
