//! Command lines as no honest client sends them: too long, with NUL, bare CR or
//! LF, telnet bytes, 8-bit names, thousands at once. Each gets its replies and
//! the session goes on.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::thread;

use crate::support::server::Server;

#[test]
fn a_line_too_long_gets_one_500_and_its_rest_is_thrown_away() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for length in [20_000, 100_000, 3_000_000] {
        let mut line = b"RETR ".to_vec();
        line.resize(length, b'x');
        control.line(&line);
        control.expect(500);
        control.goes_on();
    }
    // The tail must never be taken for a command of its own.
    let line = format!("NOOP {}", "DELE file ".repeat(10_000));
    control.line(line);
    control.expect(500);
    control.goes_on();
}

#[test]
fn a_line_too_long_is_refused_before_log_in_too() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.line("U".repeat(100_000));
    control.expect(500);
    control.login_anonymous();
}

#[test]
fn an_endless_line_uses_no_endless_memory() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap()
            .to_owned();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let before = resident();
    let block = vec![b'y'; 1 << 20];
    for _ in 0..32 {
        control.send(&block);
    }
    control.line("");
    control.expect(500);
    control.goes_on();
    assert!(
        resident() < before + 16 * 1024,
        "{before} KiB before, {} after",
        resident()
    );
}

#[test]
fn a_nul_is_refused() {
    let server = Server::writable();
    server.root().file("file", "x");
    let mut control = server.anonymous();
    for line in ["SIZE file\0", "SIZE fi\0le", "MKD a\0b", "\0", "NO\0OP"] {
        control.command_any(line, &[500, 501]);
        control.goes_on();
    }
    assert!(!server.root().has("a"));
}

#[test]
fn a_bare_lf_ends_a_line_once() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.send("NOOP\n");
    control.expect_any(&[200, 500]);
    control.command("SYST", 215);
}

#[test]
fn a_bare_cr_ends_no_line() {
    let server = Server::start(&[]);
    server.root().file("file", "x");
    let mut control = server.anonymous();
    // One line, so one reply: not a PWD with a DELE behind it.
    control.line("SIZE file\rDELE file");
    control.expect_any(&[500, 501, 550]);
    control.command("SYST", 215);
    control.send("NOOP\r");
    control.send("\r\n");
    control.reply();
    control.command("SYST", 215);
    assert!(server.root().has("file"));
}

#[test]
fn a_name_with_cr_cannot_forge_a_reply_line() {
    let server = Server::writable();
    std::fs::create_dir(server.root().path().join("d\rx")).unwrap();
    let mut control = server.anonymous();
    // Taken for the name or refused; if taken, PWD must escape it, which the
    // strict reader of replies checks.
    for line in ["CWD d\rx", "CWD d\r\0x"] {
        control.command_any(line, &[250, 500, 501, 550]);
        control.command("PWD", 257);
        control.command("CWD /", 250);
    }
    control.command_any("MKD e\r\0y", &[257, 500, 501, 550, 553]);
    control.goes_on();
}

#[test]
fn an_empty_line_is_ignored() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.send("\r\n\r\nNOOP\r\n");
    control.expect(200);
    control.command("SYST", 215);
}

#[test]
fn telnet_commands_within_a_line_are_taken_out() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    // IP and data mark; WILL, WONT, DO and DONT with their option.
    for prefix in [
        &b"\xff\xf4\xff\xf2"[..],
        b"\xff\xfb\x01",
        b"\xff\xfc\x01",
        b"\xff\xfd\x06",
        b"\xff\xfe\x06",
        b"\xff\xf1",
    ] {
        let mut line = prefix.to_vec();
        line.extend_from_slice(b"SYST");
        control.command(line, 215);
    }
    control.command(b"SY\xff\xf4ST", 215);
    control.goes_on();
}

#[test]
fn ten_thousand_telnet_bytes_harm_nobody() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.send(b"\xff\xf4".repeat(10_000));
    control.send(b"\xff\xfb\x01".repeat(10_000));
    control.line("");
    // Whether that is an empty line or one too long, the session goes on.
    control.line("XYZZY");
    control.expect_any(&[500, 530]);
    control.line("USER anonymous");
    let reply = control.reply();
    if reply.code != 331 {
        assert!([500, 530].contains(&reply.code), "{}", reply.text());
        control.expect(331);
    }
    control.command("PASS x", 230);
}

#[test]
fn a_telnet_command_cut_off_by_the_line_end_is_no_end_of_the_session() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    control.send(b"SYST\xff\r\n");
    control.send(b"SYST\r\n");
    control.expect_any(&[215, 500, 501]);
    control.command_any("NOOP", &[200, 215, 500, 501]);
    control.line("PWD");
    while control.reply().code != 257 {}
    control.goes_on();
}

#[test]
fn names_of_any_bytes_are_served() {
    let server = Server::writable();
    // Latin-1 that is no UTF-8, GBK, and 255, which telnet doubles.
    for name in [
        &b"caf\xe9"[..],
        b"\xb0\xa1\xce\xc4\xbc\xfe",
        b"\x80\x81",
        b"y\xff\xffz",
    ] {
        let wire = name;
        let disk: Vec<u8> = match name {
            b"y\xff\xffz" => b"y\xffz".to_vec(),
            _ => name.to_vec(),
        };
        let path = server
            .root()
            .path()
            .join(std::ffi::OsStr::from_bytes(&disk));
        let mut control = server.anonymous();
        control.command([b"MKD ", wire].concat(), 257);
        assert!(path.is_dir(), "{disk:?}");
        control.command([b"CWD ", wire].concat(), 250);
        let reply = control.command("PWD", 257);
        let expected = [b"257 \"/", wire, b"\""].concat();
        assert!(
            reply.lines[0].starts_with(&expected),
            "{:?}",
            reply.lines[0]
        );
        control.command("CDUP", 250);
        control.command([b"RMD ", wire].concat(), 250);
        assert!(!path.exists());
    }
}

#[test]
fn a_listing_gives_8_bit_names_as_they_are() {
    let server = Server::start(&[]);
    let name = b"caf\xe9 \xff";
    std::fs::write(
        server.root().path().join(std::ffi::OsStr::from_bytes(name)),
        "",
    )
    .unwrap();
    let mut control = server.anonymous();
    // No telnet doubling on the data connection.
    assert_eq!(control.fetch("NLST"), b"caf\xe9 \xff\r\n");
    let bytes = control.fetch("LIST");
    assert!(bytes.ends_with(b" caf\xe9 \xff\r\n"), "{bytes:?}");
}

#[test]
fn verbs_of_any_bytes_are_unknown() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in [
        &b"\xc3\xa9t\xc3\xa9"[..],
        b"\x80\x81\x82\x83",
        b"NOOP\xe9",
        b"\x01\x02",
        b"  NOOP",
        b"%s%s%s%n",
        b"NOOP\tx",
    ] {
        let reply = control.command_any(line, &[500, 501, 200]);
        if reply.code == 200 {
            assert!(line.ends_with(b"NOOP"), "{line:?} was taken");
        }
        control.goes_on();
    }
}

#[test]
fn five_thousand_pipelined_commands_get_five_thousand_replies_in_order() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    let kinds = [
        ("NOOP", 200),
        ("PWD", 257),
        ("SYST", 215),
        ("XYZZY", 500),
        ("SIZE x", 550),
    ];
    let mut writer = control.writer();
    let sender = thread::spawn(move || {
        for round in 0..5000 {
            let line = format!("{}\r\n", kinds[round % kinds.len()].0);
            writer.write_all(line.as_bytes()).unwrap();
        }
    });
    for round in 0..5000 {
        control.expect(kinds[round % kinds.len()].1);
    }
    sender.join().unwrap();
    control.command("STRU F", 200);
}

#[test]
fn pipelined_commands_in_one_packet_wait_for_the_transfer_between_them() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    let data = control.passive();
    control.send("RETR file\r\nSYST\r\nPWD\r\n");
    control.expect(150);
    assert_eq!(crate::support::data::read_all(data), b"content");
    control.expect(226);
    control.expect(215);
    control.expect(257);
}

#[test]
fn a_command_that_comes_byte_by_byte_is_one_command() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for byte in b"SYST\r\n" {
        control.send([*byte]);
    }
    control.expect(215);
    control.goes_on();
}

#[test]
fn half_a_line_and_then_the_end_harms_nobody() {
    let server = Server::start(&[("max_clients", "1")]);
    let mut control = server.anonymous();
    control.send("RETR fi");
    drop(control);
    crate::limits::until_admitted(&server).goes_on();
}
