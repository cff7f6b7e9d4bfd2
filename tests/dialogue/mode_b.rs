//! Block mode and its restart markers (RFC 959 sections 3.4.2 and 3.5, RFC
//! 1123 section 4.1.3.4), in both directions.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::control::Control;
use crate::support::modes::{
    Content, EOF, EOR, MARKER, SUSPECT, block, from_blocks, from_compressed,
};
use crate::support::server::{Launch, Server};
use crate::support::tree::noise;

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

/// A file of text and noise, long enough for several markers.
fn long_file() -> Vec<u8> {
    let text: String = (0..200_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    [text.into_bytes(), noise(1_500_000)].concat()
}

/// A STOR under way in MODE B.
struct Upload<'control> {
    control: &'control mut Control,
    data: TcpStream,
}

impl Upload<'_> {
    #[track_caller]
    fn begin<'control>(control: &'control mut Control, line: &str) -> Upload<'control> {
        let data = control.passive();
        control.command(line, 150);
        Upload { control, data }
    }

    #[track_caller]
    fn block(&mut self, code: u8, octets: &[u8]) {
        self.data.write_all(&block(code, octets)).unwrap();
    }

    /// Sends a marker; gives the server's answer to it.
    #[track_caller]
    fn mark(&mut self, text: &str) -> String {
        self.block(MARKER, text.as_bytes());
        let words = self.control.expect(110).words();
        let start = format!("MARK {text} = ");
        let ours = words.strip_prefix(&start);
        ours.unwrap_or_else(|| panic!("{words}")).to_owned()
    }

    #[track_caller]
    fn end(mut self, code: u16) -> String {
        self.block(EOF, b"");
        self.control.expect(code).words()
    }

    /// Is cut off.
    #[track_caller]
    fn lose(self, code: u16) {
        drop(self.data);
        self.control.expect(code);
    }
}

#[test]
fn a_block_ends_the_file_and_the_connection_need_not() {
    let server = Server::writable();
    let mut control = server.anonymous();
    set(&mut control, &["TYPE I", "MODE B"]);
    let mut upload = Upload::begin(&mut control, "STOR file");
    upload.block(0, b"one");
    upload.block(0, b"");
    upload.block(EOF, b"two");
    // Nobody has closed the data connection.
    upload.control.expect(226);
    let mut byte = [0];
    assert_eq!(
        upload.data.read(&mut byte).unwrap(),
        0,
        "the server closes it"
    );
    assert_eq!(server.root().read("file"), b"onetwo");
}

#[test]
fn every_marker_of_a_download_restarts_it_there() {
    let server = converting();
    server.root().file("file", long_file());
    let mut control = server.anonymous();
    for kind in ["TYPE I", "TYPE A", "TYPE E"] {
        for structure in ["STRU F", "STRU R"] {
            for mode in ["MODE B", "MODE C"] {
                set(&mut control, &[kind, structure, mode]);
                let filler = match kind {
                    "TYPE I" => 0,
                    "TYPE A" => b' ',
                    _ => 0x40,
                };
                let open = |wire: Vec<u8>| match mode {
                    "MODE B" => from_blocks(&wire),
                    _ => from_compressed(&wire, filler),
                };
                let all = |content: &Content| {
                    let mut octets = content.records.join(&b"<end of record>"[..]);
                    octets.extend_from_slice(b"<end of record>");
                    octets.extend_from_slice(&content.rest);
                    octets
                };
                let whole = open(control.retrieve("file"));
                assert_eq!(whole.markers.len(), 3, "{kind} {structure} {mode}");
                for (_, marker) in &whole.markers {
                    control.command(format!("REST {marker}"), 350);
                    let rest = open(control.retrieve("file"));
                    assert!(
                        all(&whole)
                            .ends_with(&all(&rest)[15 * usize::from(rest.records.is_empty())..]),
                        "{kind} {structure} {mode} at {marker}"
                    );
                }
                if structure == "STRU F" {
                    let (at, marker) = &whole.markers[1];
                    control.command(format!("REST {marker}"), 350);
                    let rest = open(control.retrieve("file")).rest;
                    assert!(rest == whole.rest[*at..], "{kind} {mode}");
                }
            }
        }
    }
}

#[test]
fn a_marker_is_answered_at_once_and_an_upload_goes_on_there() {
    let server = Server::writable();
    let mut control = server.anonymous();
    set(&mut control, &["TYPE I", "MODE B"]);
    let mut upload = Upload::begin(&mut control, "STOR file");
    upload.block(0, b"0123456789");
    let first = upload.mark("first");
    // What it answers for is in the file.
    assert_eq!(server.root().read("file"), b"0123456789");
    upload.block(0, b"abcdef");
    let second = upload.mark("a second one");
    upload.block(0, b"lost on the way");
    upload.lose(426);
    assert_eq!((first.as_str(), second.as_str()), ("10", "16"));
    control.command(format!("REST {second}"), 350);
    let mut upload = Upload::begin(&mut control, "STOR file");
    upload.block(0, b"the rest");
    assert_eq!(upload.mark("third"), "24");
    upload.end(226);
    assert_eq!(server.root().read("file"), b"0123456789abcdefthe rest");
    control.command(format!("REST {first}"), 350);
    Upload::begin(&mut control, "STOR file").end(226);
    assert_eq!(server.root().read("file"), b"0123456789");
}

#[test]
fn an_upload_of_text_goes_on_at_a_marker_wherever_it_stands() {
    let server = converting();
    let mut control = server.anonymous();
    let octets = b"one\r\n\r\ntwo\r\r\n\n\rend\r";
    control.command("TYPE A", 200);
    control.store("whole", octets);
    let whole = server.root().read("whole");
    control.command("MODE B", 200);
    for at in 0..=octets.len() {
        let mut upload = Upload::begin(&mut control, "STOR file");
        upload.block(0, &octets[..at]);
        let marker = upload.mark("m");
        upload.block(0, b"\nlost");
        upload.lose(426);
        control.command(format!("REST {marker}"), 350);
        let mut upload = Upload::begin(&mut control, "STOR file");
        upload.block(0, &octets[at..]);
        upload.end(226);
        assert_eq!(
            server.root().read("file"),
            whole,
            "at {at}, marker {marker}"
        );
    }
}

#[test]
fn records_go_on_at_a_marker() {
    let server = Server::writable();
    let mut control = server.anonymous();
    set(&mut control, &["TYPE E", "STRU R", "MODE B"]);
    let mut upload = Upload::begin(&mut control, "STOR file");
    upload.block(EOR, b"\xC1\xC1");
    upload.block(0, b"\xC2");
    let marker = upload.mark("in a record");
    upload.lose(426);
    assert_eq!(server.root().read("file"), b"AA\nB");
    control.command(format!("REST {marker}"), 350);
    let mut upload = Upload::begin(&mut control, "STOR file");
    upload.block(EOR, b"\xC2");
    upload.block(EOR | EOF, b"\xC3");
    upload.control.expect(226);
    assert_eq!(server.root().read("file"), b"AA\nBB\nC\n");
}

#[test]
fn markers_of_mode_c_are_answered_too() {
    let server = Server::writable();
    let mut control = server.anonymous();
    set(&mut control, &["TYPE I", "MODE C"]);
    let mut data = control.passive();
    control.command("STOR file", 150);
    data.write_all(b"\x03abc\x85x\x00\x10\x02m1").unwrap();
    assert_eq!(control.expect(110).words(), "MARK m1 = 8");
    data.write_all(b"\x03out").unwrap();
    drop(data);
    control.expect(426);
    control.command("REST 8", 350);
    control.store("file", b"\x02yz\x00\x40\xC0");
    assert_eq!(server.root().read("file"), b"abcxxxxxyz");
}

#[test]
fn appended_blocks_are_counted_from_the_beginning_of_the_file() {
    let server = Server::writable();
    server.root().file("file", "0123456789");
    let mut control = server.anonymous();
    set(&mut control, &["TYPE I", "MODE B"]);
    let mut upload = Upload::begin(&mut control, "APPE file");
    upload.block(0, b"abc");
    assert_eq!(upload.mark("m"), "13");
    upload.end(226);
    assert_eq!(server.root().read("file"), b"0123456789abc");
}

#[test]
fn a_marker_s_text_forges_no_reply() {
    let server = Server::writable();
    let mut control = server.anonymous();
    set(&mut control, &["TYPE I", "MODE B"]);
    let mut upload = Upload::begin(&mut control, "STOR file");
    upload.block(MARKER, b"x\r\n226 Done\r\n\xFF\xF4");
    // The strict reader of replies has looked at the line.
    let reply = upload.control.expect(110);
    assert_eq!(reply.lines.len(), 1);
    upload.block(MARKER, &[b'9'; 256]);
    upload.control.expect(451);
    control.goes_on();
}

#[test]
fn suspected_errors_are_stored_and_told() {
    let server = Server::writable();
    let mut control = server.anonymous();
    set(&mut control, &["TYPE I", "MODE B"]);
    let mut upload = Upload::begin(&mut control, "STOR file");
    upload.block(SUSPECT, b"maybe");
    let words = upload.end(226);
    assert!(words.contains("suspects errors"), "{words}");
    assert_eq!(server.root().read("file"), b"maybe");
}

#[test]
fn broken_blocks_end_the_transfer_and_nothing_else() {
    let server = Server::writable();
    let mut control = server.anonymous();
    set(&mut control, &["TYPE I", "MODE B"]);
    for (wire, kept, code) in [
        (&b""[..], &b""[..], 426),
        (b"\x00\x00\x03abc", b"abc", 426),
        (b"\x00\x00\x05abc", b"abc", 426),
        (b"\x40\x00", b"", 426),
        (b"\x10\x00\x041", b"", 426),
        (b"\x00\x00\x01a\x01\x00\x01b", b"a", 451),
        (b"GET / HTTP/1.1\r\n\r\n", b"", 451),
    ] {
        let mut data = control.passive();
        control.command("STOR file", 150);
        let _ = data.write_all(wire);
        drop(data);
        control.expect(code);
        assert_eq!(server.root().read("file"), kept, "{wire:?}");
        control.goes_on();
    }
}

#[test]
fn a_restart_position_is_checked_when_it_is_used() {
    let server = Server::writable();
    server.root().file("file", "0123456789");
    let mut control = server.anonymous();
    set(&mut control, &["TYPE I", "MODE B"]);
    control.command("REST 11", 350);
    control.refused("RETR file", &[554]);
    control.command("REST 10", 350);
    assert_eq!(control.retrieve("file"), block(EOF, b""));
    control.command("REST nonsense", 501);
    control.command("REST 5+", 350);
    control.refused("RETR file", &[554]);
    control.command("MODE S", 200);
    control.command("REST 5+", 501);
    control.goes_on();
}
