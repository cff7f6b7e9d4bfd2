//! TYPE, STRU, MODE, OPTS, ALLO and REST as parameters (RFC 959 section 4.1.2,
//! RFC 2389). PORT and PASV and their extended forms are in `active` and
//! `passive`.

use crate::support::server::Server;

#[test]
fn the_types_that_exist_are_taken() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in [
        "TYPE A", "TYPE A N", "TYPE A T", "TYPE A C", "TYPE E", "TYPE E N", "TYPE E T", "TYPE E C",
        "TYPE I", "TYPE L 8", "type a", "type i", "TYPE a n", "type e",
    ] {
        control.command(line, 200);
    }
}

#[test]
fn the_types_that_do_not_exist_are_refused() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in ["TYPE A X", "TYPE E X", "TYPE L 7", "TYPE L 36"] {
        control.command(line, 504);
    }
    for line in ["TYPE X", "TYPE AA", "TYPE L", "TYPE I I", "TYPE L eight"] {
        control.command_any(line, &[501, 504]);
    }
    control.command("TYPE", 501);
    control.goes_on();
}

#[test]
fn a_refused_type_leaves_the_old_one() {
    let server = Server::start(&[("ascii_download_enable", "YES")]);
    server.root().file("file", "a\nb\n");
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    control.command("TYPE L 7", 504);
    assert_eq!(control.retrieve("file"), b"a\r\nb\r\n");
    control.command("TYPE I", 200);
    control.command("TYPE A X", 504);
    assert_eq!(control.retrieve("file"), b"a\nb\n");
}

#[test]
fn structures_and_modes_are_taken_but_for_pages() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in [
        "STRU R", "STRU F", "stru r", "stru f", "MODE B", "MODE C", "MODE Z", "MODE S", "mode z",
        "mode s",
    ] {
        control.command(line, 200);
    }
    control.command("STRU P", 504);
    for line in ["STRU X", "MODE X", "STRU FF"] {
        control.command(line, 501);
    }
    control.command("STRU", 501);
    control.command("MODE", 501);
}

#[test]
fn stat_and_the_opening_reply_show_what_is_set() {
    let server = Server::start(&[]);
    server.root().file("file", "text\n");
    let mut control = server.anonymous();
    let shown = |control: &mut crate::support::control::Control, wanted: &str| {
        let text = control.command("STAT", 211).text();
        assert!(text.contains(wanted), "{text}");
    };
    shown(&mut control, "TYPE: ASCII, STRU: F, MODE: S");
    for line in ["TYPE E T", "STRU R", "MODE B"] {
        control.command(line, 200);
    }
    shown(&mut control, "TYPE: EBCDIC T, STRU: R, MODE: B");
    let data = control.passive();
    let words = control.command("RETR file", 150).words();
    assert_eq!(
        words,
        "Opening EBCDIC mode data connection for file (5 bytes), STRU R, MODE B."
    );
    crate::support::data::read_all(data);
    control.expect(226);
}

#[test]
fn mode_z_is_on_offer_only_where_it_is_on() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    assert!(control.command("FEAT", 211).text().contains("\n MODE Z\n"));
    for line in [
        "OPTS MODE Z LEVEL 9",
        "opts mode z level 0",
        "OPTS MODE Z ENGINE ZLIB LEVEL 1",
        "OPTS MODE Z BLOCKSIZE 4096",
        "OPTS MODE Z",
    ] {
        control.command(line, 200);
    }
    for line in [
        "OPTS MODE Z LEVEL 10",
        "OPTS MODE Z ENGINE LZMA",
        "OPTS MODE Z LEVEL",
        "OPTS MODE Z XYZZY 1",
        "OPTS MODE B",
    ] {
        control.command(line, 501);
    }
    let server = Server::start(&[("deflate_enable", "NO")]);
    let mut control = server.anonymous();
    assert!(!control.command("FEAT", 211).text().contains("MODE Z"));
    control.command("MODE Z", 504);
    control.command("OPTS MODE Z LEVEL 9", 501);
    control.command("MODE B", 200);
}

#[test]
fn opts_utf8_on_is_taken() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command("OPTS UTF8 ON", 200);
    control.command("opts utf8 on", 200);
    control.command("OPTS XYZZY", 501);
    control.command("OPTS", 501);
}

#[test]
fn opts_mlst_tells_the_facts_it_will_send() {
    let server = Server::start(&[]);
    server.root().file("file", "12345");
    let mut control = server.anonymous();
    // RFC 3659 section 7.9.
    let words = control
        .command("OPTS MLST size;type;nonsense;", 200)
        .words();
    assert_eq!(
        words.to_lowercase(),
        "mlst opts type;size;",
        "facts in the order of FEAT"
    );
    let text = control.command("MLST file", 250).text();
    let facts = text.lines().nth(1).unwrap().to_lowercase();
    assert!(
        facts.contains("size=5;") && facts.contains("type=file;"),
        "{facts}"
    );
    assert!(!facts.contains("modify="), "{facts}");
    let features = control.command("FEAT", 211).text().to_lowercase();
    assert!(
        features.contains("size*;") && features.contains("modify;"),
        "{features}"
    );
    let words = control.command("OPTS MLST", 200).words();
    assert_eq!(words.trim_end().to_lowercase(), "mlst opts");
    let text = control.command("MLST file", 250).text();
    assert_eq!(
        text.lines().nth(1).unwrap().trim_start_matches(' '),
        "/file"
    );
}

#[test]
fn allo_is_taken_and_does_nothing() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command("ALLO 1000", 200);
    control.command("ALLO 1000 R 80", 200);
    control.goes_on();
}

#[test]
fn rest_is_acknowledged_with_350() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command("REST 0", 350);
    control.command("REST 4294967296", 350);
    control.command("REST 9223372036854775807", 350);
}

#[test]
fn verbs_of_the_rfc_that_are_not_served_are_told_apart_from_unknown_ones() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in ["SMNT /", "AUTH TLS", "PBSZ 0"] {
        control.command(line, 502);
    }
    for line in [
        "XYZZY",
        "FOO bar",
        "A",
        "RETRX file",
        "RET file",
        "NOOPNOOP",
    ] {
        control.command(line, 500);
    }
    control.goes_on();
}
