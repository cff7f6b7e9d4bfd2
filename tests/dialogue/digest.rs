//! HASH (draft-bryan-ftpext-hash), MD5 and MMD5 (draft-twine-ftpmd5), XCRC and
//! its like: the digests, the forms of their replies, and what ends them.

use std::fs::File;
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;

use crate::limits::until_admitted;
use crate::support::control::Control;
use crate::support::server::{Launch, Server};

const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABC_SHA512: &str = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                          2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
const ABC_SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
const ABC_MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
const ABC_CRC32: &str = "352441c2";
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn with_files(options: &[(&str, &str)]) -> Server {
    let launch = Launch::new().options(options);
    launch.root().file("abc", "abc");
    launch.root().file("a b", "abc");
    launch.root().file("long", "xxxabcxxx");
    launch.root().file("empty", "");
    launch.root().dir("dir");
    launch.start()
}

/// A server with a file that no one hashes to its end.
fn with_an_endless_file(options: &[(&str, &str)]) -> Server {
    let launch = Launch::new()
        .option("log_ftp_protocol", "YES")
        .options(options);
    let path = launch.root().file("endless", "");
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(1 << 42).unwrap();
    launch.root().file("abc", "abc");
    launch.start()
}

#[track_caller]
fn words(control: &mut Control, line: &str, code: u16) -> String {
    control.command(line, code).words()
}

#[test]
fn hash_gives_algorithm_range_digest_and_name() {
    let server = with_files(&[]);
    let mut control = server.anonymous();
    assert_eq!(
        words(&mut control, "HASH abc", 213),
        format!("SHA-256 0-2 {ABC_SHA256} abc")
    );
    assert_eq!(
        words(&mut control, "HASH /dir/../a b", 213),
        format!("SHA-256 0-2 {ABC_SHA256} /dir/../a b")
    );
    assert_eq!(
        words(&mut control, "HASH empty", 213),
        format!("SHA-256 0-0 {EMPTY_SHA256} empty")
    );
}

#[test]
fn opts_hash_shows_and_selects_and_feat_follows() {
    let server = with_files(&[]);
    let mut control = server.anonymous();
    assert_eq!(words(&mut control, "OPTS HASH", 200), "SHA-256");
    for (name, digest) in [
        ("SHA-512", ABC_SHA512),
        ("sha-1", ABC_SHA1),
        ("Md5", ABC_MD5),
        ("CRC32", ABC_CRC32),
        ("SHA-256", ABC_SHA256),
    ] {
        let upper = name.to_ascii_uppercase();
        assert_eq!(
            words(&mut control, &format!("OPTS HASH {name}"), 200),
            upper
        );
        assert_eq!(
            words(&mut control, "HASH abc", 213),
            format!("{upper} 0-2 {digest} abc")
        );
        let features = control.command("FEAT", 211).text();
        let line = features.lines().find(|line| line.starts_with(" HASH "));
        let line = line.unwrap().to_owned();
        assert!(line.contains(&format!("{upper}*")), "{line}");
        assert_eq!(line.matches('*').count(), 1, "{line}");
    }
    control.command("OPTS HASH SHA-384", 501);
    assert_eq!(words(&mut control, "opts hash", 200), "SHA-256");
    // The choice is this session's own.
    control.command("OPTS HASH MD5", 200);
    let mut other = server.anonymous();
    assert_eq!(words(&mut other, "OPTS HASH", 200), "SHA-256");
}

#[test]
fn hash_is_of_the_bytes_that_type_i_sends() {
    let server = with_files(&[("ascii_download_enable", "YES")]);
    server.root().file("lines", "abc");
    let mut control = server.anonymous();
    control.command("TYPE A", 200);
    assert!(words(&mut control, "HASH abc", 213).contains(ABC_SHA256));
}

#[test]
fn what_cannot_be_hashed_is_refused_with_the_code_of_its_draft() {
    let server = with_files(&[]);
    let mut control = server.anonymous();
    control.command("HASH missing", 550);
    control.command("HASH dir", 553);
    control.command("HASH abc/", 550);
    control.command("HASH", 501);
    control.command("MD5 missing", 550);
    control.command("MD5 dir", 504);
    control.command("MMD5 abc, missing", 504);
    control.command("MMD5 abc, dir", 504);
    control.command("MMD5 abc,", 501);
    control.command("XCRC missing", 550);
    control.command("XCRC dir", 550);
    control.command("XCRC \"abc\" 1", 501);
    control.command("XCRC \"abc\" 2 1", 550);
    control.command("XCRC \"abc\" 0 4", 550);
    control.command("XCRC \"abc\" 99999999999999999999 4", 501);
    control.goes_on();
}

#[test]
fn the_x_commands_give_the_digest_alone_in_upper_case() {
    let server = with_files(&[]);
    let mut control = server.anonymous();
    for (verb, digest) in [
        ("XCRC", ABC_CRC32),
        ("XMD5", ABC_MD5),
        ("XSHA", ABC_SHA1),
        ("XSHA1", ABC_SHA1),
        ("XSHA256", ABC_SHA256),
        ("xsha512", ABC_SHA512),
    ] {
        let digest = digest.to_ascii_uppercase();
        for argument in [
            "abc",
            "\"abc\"",
            "a b",
            "\"a b\"",
            "\"long\" 3 6",
            "long 3 6",
        ] {
            assert_eq!(
                words(&mut control, &format!("{verb} {argument}"), 250),
                digest,
                "{argument}"
            );
        }
    }
    assert_eq!(words(&mut control, "XCRC empty", 250), "00000000");
    assert_eq!(words(&mut control, "XCRC \"abc\" 1 1", 250), "00000000");
}

#[test]
fn a_name_that_ends_in_numbers_is_a_name_if_there_is_such_a_file() {
    let server = with_files(&[]);
    server.root().file("long 3 6", "abc");
    server.root().file("with \"quotes\"", "abc");
    let mut control = server.anonymous();
    let crc = ABC_CRC32.to_ascii_uppercase();
    assert_eq!(words(&mut control, "XCRC long 3 6", 250), crc);
    assert_eq!(words(&mut control, "XCRC \"long 3 6\" 0 3", 250), crc);
    assert_eq!(
        words(&mut control, "XCRC \"with \"\"quotes\"\"\"", 250),
        crc
    );
}

#[test]
fn md5_repeats_the_name_as_it_was_written() {
    let server = with_files(&[]);
    let mut control = server.anonymous();
    let md5 = ABC_MD5.to_ascii_uppercase();
    assert_eq!(words(&mut control, "MD5 abc", 251), format!("abc {md5}"));
    assert_eq!(
        words(&mut control, "MD5 \"a b\"", 251),
        format!("\"a b\" {md5}")
    );
    assert_eq!(words(&mut control, "MMD5 abc", 251), format!("abc {md5}"));
    assert_eq!(
        words(&mut control, "MMD5 abc, \"a b\",a b", 252),
        format!("abc {md5}, \"a b\" {md5}, a b {md5}")
    );
}

#[test]
fn who_may_not_fetch_a_file_may_not_have_its_digest() {
    let server = with_files(&[]);
    let path = server.root().file("secret", "abc");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o640)).unwrap();
    let mut control = server.anonymous();
    for line in ["HASH secret", "XCRC secret", "MD5 secret"] {
        let words = control.command(line, 550).words();
        assert_eq!(words, "Permission denied.", "{line}");
    }
    control.command("MMD5 abc, secret", 504);
    let mut stranger = server.connect();
    stranger.command("HASH abc", 530);
    stranger.command("XCRC abc", 530);
}

#[test]
fn hash_enable_takes_the_commands_away() {
    let server = with_files(&[("hash_enable", "NO")]);
    let mut control = server.anonymous();
    let features = control.command("FEAT", 211).text();
    let help = control.command("HELP", 214).text();
    for verb in [
        "HASH", "MD5", "MMD5", "XCRC", "XMD5", "XSHA", "XSHA1", "XSHA256", "XSHA512",
    ] {
        control.command(format!("{verb} abc"), 502);
        control.command_any(format!("HELP {verb}"), &[501, 502]);
        assert!(!features.contains(verb) && !help.contains(verb), "{verb}");
    }
    control.command("OPTS HASH", 501);
    control.command("OPTS HASH MD5", 501);
    assert!(features.contains("RANG STREAM"), "{features}");
}

#[test]
fn abor_ends_hashing_with_426_and_226() {
    let server = with_an_endless_file(&[]);
    let mut control = server.anonymous();
    for line in ["HASH endless", "XSHA512 endless", "MMD5 abc, endless"] {
        control.line(line);
        control.line("ABOR");
        control.expect(426);
        control.expect_any(&[225, 226]);
        control.goes_on();
    }
    assert!(words(&mut control, "HASH abc", 213).contains(ABC_SHA256));
}

#[test]
fn abor_in_the_middle_of_hashing_ends_it() {
    let server = with_an_endless_file(&[]);
    let mut control = server.anonymous();
    control.line("HASH endless");
    server.wait_for_log("-> HASH endless");
    control.send_urgent("ABOR\r\n");
    control.expect(426);
    control.expect_any(&[225, 226]);
    control.goes_on();
}

#[test]
fn a_client_that_half_closes_gets_its_digest() {
    let server = with_files(&[]);
    let mut control = server.anonymous();
    control.line("HASH abc");
    control.line("QUIT");
    control.writer().shutdown(Shutdown::Write).unwrap();
    control.expect(213);
    control.expect(221);
    control.expect_closed();
}

#[test]
fn commands_during_hashing_wait_for_its_reply() {
    let server = with_an_endless_file(&[]);
    let mut control = server.anonymous();
    control.line("HASH endless");
    control.line("NOOP");
    control.line("STAT");
    control.line("ABOR");
    control.expect(426);
    control.expect(200);
    control.expect(211);
    control.expect_any(&[225, 226]);
    control.goes_on();
}

#[test]
fn a_client_that_goes_while_hashing_frees_its_place() {
    let server = with_an_endless_file(&[("max_clients", "1")]);
    for by_reset in [false, true] {
        let mut control = until_admitted(&server);
        control.line("HASH endless");
        server.wait_for_log("-> HASH endless");
        if by_reset {
            control.reset();
        } else {
            drop(control);
        }
    }
    until_admitted(&server).goes_on();
}
