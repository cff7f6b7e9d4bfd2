//! TYPE, STRU, MODE, OPTS, ALLO and REST as parameters (RFC 959 section 4.1.2,
//! RFC 2389). PORT and PASV and their extended forms are in `active` and
//! `passive`.

use crate::support::server::Server;

#[test]
fn the_types_that_exist_are_taken() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in [
        "TYPE A", "TYPE A N", "TYPE I", "TYPE L 8", "type a", "type i", "TYPE a n",
    ] {
        control.command(line, 200);
    }
}

#[test]
fn the_types_that_do_not_exist_are_refused() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in [
        "TYPE E",
        "TYPE E N",
        "TYPE A T",
        "TYPE A C",
        "TYPE L 7",
        "TYPE L 36",
    ] {
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
    control.command("TYPE E", 504);
    assert_eq!(control.retrieve("file"), b"a\r\nb\r\n");
    control.command("TYPE I", 200);
    control.command("TYPE A T", 504);
    assert_eq!(control.retrieve("file"), b"a\nb\n");
}

#[test]
fn file_structure_and_stream_mode_are_the_only_ones() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.command("STRU F", 200);
    control.command("stru f", 200);
    control.command("MODE S", 200);
    control.command("mode s", 200);
    for line in ["STRU R", "STRU P", "MODE B", "MODE C"] {
        control.command(line, 504);
    }
    for line in ["STRU X", "MODE X", "STRU FF"] {
        control.command_any(line, &[501, 504]);
    }
    control.command("STRU", 501);
    control.command("MODE", 501);
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
