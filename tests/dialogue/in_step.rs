//! Clients that fall out of step: whatever comes, and however it is cut, each
//! command gets exactly one completion reply, in the order of the commands
//! (RFC 959 section 5.4).

use std::io::{Read, Write};
use std::net::Shutdown;

use ironftpd::protocol::COMMANDS;

use crate::abort::{under_way, with_a_large_file};
use crate::support::control::{Control, Reply};
use crate::support::data::{connect, pasv_address, read_all};
use crate::support::server::{Launch, Server};
use crate::support::tls::Files;

/// The next completion reply; preliminary ones are passed over.
#[track_caller]
fn completion(control: &mut Control) -> Reply {
    loop {
        let reply = control.reply();
        if reply.code >= 200 {
            return reply;
        }
    }
}

/// Nothing is left over: the next reply is the one to this command.
#[track_caller]
fn in_step(control: &mut Control) {
    control.command("SYST", 215);
}

#[test]
fn every_command_gets_one_completion_reply_with_and_without_an_argument() {
    let files = Files::new();
    let launch = Launch::new().writable().tls(&files);
    let server = launch.option("ccc_enable", "YES").start();
    server.root().file("x", "content");
    for row in COMMANDS {
        for name in row.names.iter().filter(|name| **name != "QUIT") {
            for line in [(*name).to_owned(), format!("{name} x"), format!("{name}  ")] {
                for logged_in in [false, true] {
                    let mut control = server.connect();
                    if logged_in {
                        control.login_anonymous();
                    }
                    control.line(&line);
                    let reply = completion(&mut control);
                    assert_ne!(reply.words(), "Unknown command.", "{line}");
                    assert_ne!(reply.code, 502, "{line}");
                    in_step(&mut control);
                }
            }
        }
    }
}

#[test]
fn every_verb_of_the_registry_is_known() {
    // RFC 5797 section 3, and what came after it (RFC 7151).
    let registry = "ABOR ACCT ADAT ALLO APPE AUTH CCC CDUP CONF CWD DELE ENC EPRT EPSV FEAT HELP \
                    HOST LANG LIST LPRT LPSV MDTM MIC MKD MLSD MLST MODE NLST NOOP OPTS PASS PASV \
                    PBSZ PORT PROT PWD REIN REST RETR RMD RNFR RNTO SITE SIZE SMNT STAT STOR STOU \
                    STRU SYST TYPE USER XCUP XCWD XMKD XPWD XRMD QUIT";
    let server = Server::writable();
    for verb in registry.split_whitespace() {
        let mut control = server.anonymous();
        control.line(verb);
        assert_ne!(completion(&mut control).code, 500, "{verb}");
    }
}

#[test]
fn a_whole_session_in_one_packet_is_answered_in_order() {
    let server = Server::writable();
    let mut control = server.connect();
    control.send(
        "USER anonymous\r\nPASS x\r\nMKD d\r\nCWD d\r\nPWD\r\nRNFR a\r\nRNTO b\r\nXYZZY\r\n\
         TYPE\r\nREST 7\r\nRETR a\r\nCDUP\r\nRMD d\r\nREIN\r\nPWD\r\nQUIT\r\nNOOP\r\n",
    );
    for code in [
        331, 230, 257, 250, 257, 550, 503, 500, 501, 350, 550, 250, 250, 220, 530, 221,
    ] {
        control.expect(code);
    }
    control.expect_closed();
}

#[test]
fn abor_cut_at_any_byte_ends_the_transfer() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    for abor in [&b"ABOR\r\n"[..], b"\xff\xf4\xff\xf2ABOR\r\n", b"abor \n"] {
        for cut in 0..abor.len() {
            let data = under_way(&mut control);
            let (before, after) = abor.split_at(cut);
            control.send(before);
            // The first part has been read once the server has gone on.
            let mut some = [0; 65536];
            (&data).read_exact(&mut some).unwrap();
            control.send(after);
            control.expect(426);
            control.expect(226);
            in_step(&mut control);
        }
    }
}

#[test]
fn abor_behind_a_transfer_that_may_have_ended_gets_its_own_reply() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    for _ in 0..50 {
        let data = control.passive();
        control.send("RETR file\r\nABOR\r\n");
        let transfer = completion(&mut control).code;
        assert!([226, 426].contains(&transfer), "{transfer}");
        // Whether there was still something to end.
        let abor = if transfer == 426 { 226 } else { 225 };
        assert_eq!(completion(&mut control).code, abor);
        in_step(&mut control);
        drop(data);
    }
}

#[test]
fn two_abors_get_two_replies() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    let data = under_way(&mut control);
    control.send("ABOR\r\nABOR\r\n");
    for code in [426, 226, 225] {
        control.expect(code);
    }
    in_step(&mut control);
    drop(data);
}

#[test]
fn what_comes_before_abor_in_a_transfer_is_answered_after_it_and_before_abor_s_reply() {
    let server = with_a_large_file(&[]);
    let mut control = server.anonymous();
    let data = under_way(&mut control);
    control.send("PWD\r\nNOOP\r\nABOR\r\nSTAT\r\n");
    for code in [426, 257, 200, 226, 211] {
        control.expect(code);
    }
    in_step(&mut control);
    drop(data);
}

#[test]
fn rnto_needs_the_rnfr_right_before_it() {
    let server = Server::writable();
    server.root().file("a", "");
    server.root().file("b", "");
    let mut control = server.anonymous();
    control.command("RNTO c", 503);
    control.command("RNFR a", 350);
    control.command("PWD", 257);
    control.command("RNTO c", 503);
    control.command("RNFR a", 350);
    control.command("XYZZY", 500);
    control.command("RNFR b", 350);
    control.command("RNTO c", 250);
    control.command("RNTO d", 503);
    assert!(server.root().has("a") && server.root().has("c"));
    control.command("RNFR a", 350);
    control.command("RNFR missing", 550);
    control.command("RNTO c", 503);
    in_step(&mut control);
}

#[test]
fn rest_is_for_the_next_transfer_and_none_after_it() {
    let server = Server::writable();
    server.root().file("file", "0123456789");
    let mut control = server.anonymous();
    control.command("REST 7", 350);
    assert_eq!(control.retrieve("file"), b"789");
    assert_eq!(control.retrieve("file"), b"0123456789");
    // Whatever transfers uses it up, whether it knows offsets or not.
    control.command("REST 7", 350);
    control.fetch("NLST");
    assert_eq!(control.retrieve("file"), b"0123456789");
    control.command("REST 7", 350);
    control.refused("RETR missing", &[550]);
    assert_eq!(control.retrieve("file"), b"0123456789");
    control.command("REST 7", 350);
    control.command("REST x", 501);
    control.command("REST 9", 350);
    assert_eq!(control.retrieve("file"), b"9");
    in_step(&mut control);
}

#[test]
fn after_epsv_all_every_other_way_to_a_data_connection_is_refused() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    control.command("EPSV ALL", 200);
    for line in [
        "PORT 127,0,0,1,200,1",
        "EPRT |1|127.0.0.1|51201|",
        "LPRT 4,4,127,0,0,1,2,200,1",
        "PASV",
        "LPSV",
    ] {
        control.command(line, 501);
        control.command("RETR file", 425);
    }
    assert_eq!(control.retrieve("file"), b"content");
    // It is of the session, and ends with it (RFC 2428 section 4).
    control.command("REIN", 220);
    control.login_anonymous();
    control.pasv();
    in_step(&mut control);
}

#[test]
fn verbs_of_eight_bits_are_one_unknown_command_each() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in [
        &b"\xD0\xEF\xEF\xD0"[..],
        b"\x80",
        b"NOO\xD0",
        b"\xC3\x8E\xC3\x8F",
        b"USER\xA0x",
        b"\xEF\xBB\xBFSYST",
    ] {
        control.line(line);
        assert_eq!(completion(&mut control).code, 500, "{line:?}");
        in_step(&mut control);
    }
}

#[test]
fn telnet_within_a_name_is_taken_out_and_255_is_doubled() {
    use std::os::unix::ffi::OsStrExt;
    let server = Server::start(&[]);
    let name = std::ffi::OsStr::from_bytes(b"a\xffb");
    server.root().file(name, "content");
    let mut control = server.anonymous();
    control.command(b"SIZE a\xff\xffb", 213);
    control.command(b"SIZE a\xff\xff\xff\xf1b", 213);
    control.command(b"SI\xff\xfd\x06ZE a\xff\xffb", 213);
    control.command(b"SIZE \xff\xfa\x18\x01\xff\xf0a\xff\xffb", 213);
    // IAC WILL takes an octet with it.
    control.command(b"SIZE a\xff\xfbQ\xff\xffb", 213);
    control.command(b"SIZE a\xff\xfb\xff\xff\xffb", 213);
    in_step(&mut control);
}

#[test]
fn what_was_sent_before_a_half_close_is_answered() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    control.send("PWD\r\nSYST\r\nNOO");
    control.writer().shutdown(Shutdown::Write).unwrap();
    control.expect(257);
    control.expect(215);
    control.expect_closed();

    let mut control = server.anonymous();
    let data = control.passive();
    control.send("RETR file\r\nQUIT\r\n");
    control.writer().shutdown(Shutdown::Write).unwrap();
    control.expect(150);
    assert_eq!(read_all(data), b"content");
    control.expect(226);
    control.expect(221);
    control.expect_closed();
}

#[test]
fn a_half_closed_data_connection_ends_a_stor_and_not_the_session() {
    let server = Server::writable();
    let mut control = server.anonymous();
    let mut data = control.passive();
    control.command("STOR new", 150);
    data.write_all(b"content").unwrap();
    data.shutdown(Shutdown::Write).unwrap();
    control.expect(226);
    assert_eq!(server.root().read("new"), b"content");
    in_step(&mut control);
}

#[test]
fn login_commands_out_of_order_are_answered_one_by_one() {
    let server = Server::start(&[]);
    let mut control = server.connect();
    control.command("PASS x", 503);
    control.command("ACCT x", 202);
    control.command("USER anonymous", 331);
    control.command("USER anonymous", 331);
    control.command("ACCT x", 202);
    control.command("NOOP", 200);
    control.command("PASS x", 230);
    control.command("PASS x", 230);
    control.command("USER anonymous", 530);
    in_step(&mut control);
}

#[test]
fn the_same_user_may_log_in_once_more_and_no_other() {
    let launch = Launch::new();
    let [ann, bob] = ["ann", "bob"].map(|name| launch.root().dir(name));
    launch.root().file("ann/of-ann", "x");
    let server = launch
        .account("ann", "secret", &ann)
        .account("bob", "secret", &bob)
        .start();
    let mut control = server.login("ann", "secret");
    let words = control.command("USER ann", 331).words();
    assert_eq!(words, "Any password will do.");
    let words = control.command("PASS wrong", 230).words();
    assert_eq!(words, "Already logged in.");
    let words = control.command("USER bob", 530).words();
    assert_eq!(words, "Can't change to another user.");
    control.command("PASS secret", 230);
    assert_eq!(control.listing("NLST"), ["of-ann"]);
    let mut control = server.anonymous();
    let words = control.command("USER anonymous", 530).words();
    assert_eq!(words, "Can't change from guest user.");
    control.command("PASS x", 230);
    in_step(&mut control);
}

#[test]
fn a_port_asked_for_together_with_its_transfer_is_told_in_time() {
    let server = Server::start(&[]);
    server.root().file("file", "content");
    let mut control = server.anonymous();
    for verb in ["RETR file", "LIST", "MLSD"] {
        control.send(format!("NOOP\r\nPASV\r\n{verb}\r\n"));
        control.expect(200);
        let address = pasv_address(&control.expect(227));
        let data = connect(address);
        control.expect(150);
        assert!(!read_all(data).is_empty());
        control.expect(226);
    }
}
