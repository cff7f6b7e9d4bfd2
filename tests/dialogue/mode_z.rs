//! Deflate mode (draft-preston-ftpext-deflate): what it saves, and what a
//! hostile stream must not do.

use std::io::{Read, Write};

use crate::support::modes::{deflated, inflated};
use crate::support::server::{Launch, Server};
use crate::support::tree::noise;

#[test]
fn files_of_all_sizes_come_and_go_unchanged() {
    let server = Server::writable();
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control.command("MODE Z", 200);
    for level in ["0", "1", "9"] {
        control.command(format!("OPTS MODE Z LEVEL {level}"), 200);
        for size in [0, 1, 65_536, 1_048_577, 3_000_001] {
            let content = noise(size);
            control.store("file", &deflated(&content));
            assert!(
                server.root().read("file") == content,
                "STOR of {size} bytes"
            );
            let fetched = inflated(&control.retrieve("file"));
            assert!(fetched == content, "RETR of {size} bytes at level {level}");
        }
    }
}

#[test]
fn a_text_takes_a_fraction_and_the_level_counts() {
    let server = Server::start(&[]);
    let text: String = (0..100_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    server.root().file("text", &text);
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control.command("MODE Z", 200);
    let mut sizes = Vec::new();
    for level in ["0", "1", "9"] {
        control.command(format!("OPTS MODE Z LEVEL {level}"), 200);
        let wire = control.retrieve("text");
        assert!(inflated(&wire) == text.as_bytes());
        sizes.push(wire.len());
    }
    assert!(sizes[0] > text.len(), "{sizes:?}");
    assert!(
        sizes[1] < text.len() / 2 && sizes[2] < sizes[1],
        "{sizes:?}"
    );
}

#[test]
fn a_stream_that_ends_is_a_file_that_ends() {
    let server = Server::writable();
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control.command("MODE Z", 200);
    let mut data = control.passive();
    control.command("STOR file", 150);
    data.write_all(&deflated(b"content")).unwrap();
    // The checksum has come: there is nothing to wait for.
    control.expect(226);
    assert_eq!(server.root().read("file"), b"content");
    let mut byte = [0];
    assert_eq!(data.read(&mut byte).unwrap(), 0);
}

#[test]
fn broken_streams_end_the_transfer_and_nothing_else() {
    let server = Server::writable();
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control.command("MODE Z", 200);
    let content = noise(300_000);
    let whole = deflated(&content);
    let mut wrong_sum = whole.clone();
    *wrong_sum.last_mut().unwrap() ^= 1;
    for (wire, code) in [
        (&b""[..], 426),
        (&whole[..whole.len() / 2], 426),
        (&whole[..whole.len() - 1], 426),
        (&wrong_sum, 451),
        (b"this is no zlib stream", 451),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 451),
    ] {
        let mut data = control.passive();
        control.command("STOR file", 150);
        let _ = data.write_all(wire);
        drop(data);
        control.expect(code);
        let kept = server.root().read("file");
        assert!(content.starts_with(&kept), "{} bytes", kept.len());
        control.goes_on();
    }
}

#[test]
fn a_bomb_goes_off_no_faster_than_the_rate_and_can_be_stopped() {
    let server = Launch::new()
        .writable()
        .option("anon_max_rate", "2000000")
        .start();
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control.command("MODE Z", 200);
    let bomb = deflated(&vec![0; 100 << 20]);
    assert!(bomb.len() < 200_000);
    let mut data = control.passive();
    control.command("STOR file", 150);
    data.write_all(&bomb).unwrap();
    // Some of it is in the file by the time this is answered.
    control.line("STAT");
    control.expect(213);
    control.line("ABOR");
    control.expect(426);
    control.expect(226);
    let size = server.root().read("file").len();
    assert!(size < 50 << 20, "{size} bytes");
    control.goes_on();
}

#[test]
fn a_file_that_deflates_to_nothing_is_sent_no_faster_than_the_rate() {
    let server = crate::abort::with_a_large_file(&[("anon_max_rate", "20000000")]);
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control.command("MODE Z", 200);
    // Two GiB of holes: a hundred seconds at this rate, although the wire
    // would carry them in one.
    let data = control.passive();
    control.command("RETR large", 150);
    control.line("STAT");
    control.expect(213);
    control.line("ABOR");
    control.expect(426);
    control.expect(226);
    drop(data);
    control.goes_on();
}
