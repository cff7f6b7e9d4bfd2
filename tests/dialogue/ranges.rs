//! RANG (draft-bryan-ftp-range) with RETR and HASH, and beside REST.

use crate::support::control::Control;
use crate::support::server::{Launch, Server};

fn with_digits(options: &[(&str, &str)]) -> Server {
    let launch = Launch::new().writable().options(options);
    launch.root().file("digits", "0123456789");
    launch.root().file("empty", "");
    launch.start()
}

fn in_image_type(server: &Server) -> Control {
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    control
}

/// What RETR sends after a command.
#[track_caller]
fn after(control: &mut Control, line: &str) -> String {
    control.command(line, 350);
    String::from_utf8(control.retrieve("digits")).unwrap()
}

#[test]
fn retr_sends_the_range_with_both_its_ends() {
    let server = with_digits(&[]);
    let mut control = in_image_type(&server);
    assert_eq!(after(&mut control, "RANG 3 5"), "345");
    assert_eq!(after(&mut control, "RANG 0 0"), "0");
    assert_eq!(after(&mut control, "RANG 9 9"), "9");
    assert_eq!(after(&mut control, "RANG 0 9"), "0123456789");
}

#[test]
fn the_end_of_the_file_ends_a_range() {
    let server = with_digits(&[]);
    let mut control = in_image_type(&server);
    assert_eq!(after(&mut control, "RANG 8 1000"), "89");
    assert_eq!(
        after(&mut control, "RANG 0 9223372036854775807"),
        "0123456789"
    );
    assert_eq!(after(&mut control, "RANG 10 20"), "");
    assert_eq!(after(&mut control, "RANG 100 200"), "");
    control.command("RANG 0 5", 350);
    assert_eq!(control.retrieve("empty"), b"");
}

#[test]
fn a_range_is_for_one_transfer() {
    let server = with_digits(&[]);
    let mut control = in_image_type(&server);
    assert_eq!(after(&mut control, "RANG 3 5"), "345");
    assert_eq!(control.retrieve("digits"), b"0123456789");
    // A transfer that is refused uses it up as well.
    control.command("RANG 3 5", 350);
    control.refused("RETR missing", &[550]);
    assert_eq!(control.retrieve("digits"), b"0123456789");
    // What comes in between does not.
    control.command("RANG 3 5", 350);
    control.goes_on();
    control.command("SIZE digits", 213);
    assert_eq!(control.retrieve("digits"), b"345");
}

#[test]
fn range_and_restart_take_the_place_of_each_other() {
    let server = with_digits(&[]);
    let mut control = in_image_type(&server);
    control.command("REST 7", 350);
    assert_eq!(after(&mut control, "RANG 3 5"), "345");
    control.command("RANG 3 5", 350);
    assert_eq!(after(&mut control, "REST 7"), "789");
    control.command("REST 7", 350);
    assert_eq!(after(&mut control, "RANG 1 0"), "0123456789");
}

#[test]
fn one_and_nought_resets_and_what_is_no_range_does_too() {
    let server = with_digits(&[]);
    let mut control = in_image_type(&server);
    control.command("RANG 3 5", 350);
    assert_eq!(after(&mut control, "RANG 1 0"), "0123456789");
    for bad in [
        "5 3",
        "2 0",
        "1",
        "-1 5",
        "0 18446744073709551615",
        "a b",
        "1 2 3",
    ] {
        control.command("RANG 3 5", 350);
        control.command(format!("RANG {bad}"), 501);
        assert_eq!(control.retrieve("digits"), b"0123456789", "{bad}");
    }
    control.command("RANG", 501);
}

#[test]
fn a_range_needs_type_i() {
    let server = with_digits(&[("ascii_download_enable", "YES")]);
    let mut control = server.anonymous();
    control.command("RANG 3 5", 551);
    // Nothing to refuse in taking it back.
    control.command("RANG 1 0", 350);
    control.command("TYPE I", 200);
    control.command("RANG 3 5", 350);
    control.command("TYPE A", 200);
    control.refused("RETR digits", &[551]);
    control.goes_on();
}

#[test]
fn hash_hashes_the_range_once() {
    let server = with_digits(&[]);
    let mut control = in_image_type(&server);
    control.command("OPTS HASH CRC32", 200);
    control.command("RANG 3 5", 350);
    let part = control.command("HASH digits", 213).words();
    // The CRC of "345", and then that of all ten digits.
    assert_eq!(part, "CRC32 3-5 34f5b50f digits");
    let whole = control.command("HASH digits", 213).words();
    assert_eq!(whole, "CRC32 0-9 a684c7c6 digits");
    control.command("RANG 8 100", 350);
    let end = control.command("HASH digits", 213).words();
    assert!(end.starts_with("CRC32 8-9 "), "{end}");
    control.command("RANG 10 20", 350);
    control.command("HASH digits", 551);
}

#[test]
fn uploads_into_a_range_are_refused_and_change_nothing() {
    let server = with_digits(&[]);
    let mut control = in_image_type(&server);
    for verb in ["STOR", "APPE"] {
        control.command("RANG 3 5", 350);
        control.refused(format!("{verb} digits"), &[504]);
        assert_eq!(server.root().read("digits"), b"0123456789");
    }
    control.store("digits", b"new");
    assert_eq!(server.root().read("digits"), b"new");
}
