//! Malformed PORT, EPRT and REST: every number that is none, too large or too
//! many, and none of them remembered.

use crate::support::server::Server;

#[test]
fn malformed_port_gives_500() {
    let server = Server::start(&[]);
    server.root().file("file", "x");
    let mut control = server.anonymous();
    control.command("PORT", 501);
    for line in [
        "PORT 1",
        "PORT 127,0,0,1,200",
        "PORT 127,0,0,1,200,1,7",
        "PORT 127,0,0,1,,1",
        "PORT 256,0,0,1,200,1",
        "PORT 127,0,0,1,256,1",
        "PORT 127,0,0,1,200,256",
        "PORT -1,0,0,1,200,1",
        "PORT 127,0,0,1,-200,1",
        "PORT a,b,c,d,e,f",
        "PORT 99999999999999999999,0,0,1,200,1",
        "PORT 127,0,0,1,4294967496,1",
        "PORT 127.0.0.1.200.1",
        "PORT 127,0,0,1,200,1x",
        "PORT 127,0,0,1,0x20,1",
        "PORT ,,,,,",
        "PORT +127,0,0,1,200,1",
    ] {
        control.command(line, 500);
        control.goes_on();
    }
    control.command("RETR file", 425);
}

#[test]
fn malformed_eprt_gives_500() {
    let server = Server::start(&[]);
    server.root().file("file", "x");
    let mut control = server.anonymous();
    control.command("EPRT", 501);
    for line in [
        "EPRT hello",
        "EPRT |",
        "EPRT ||||",
        "EPRT |1|127.0.0.1|",
        "EPRT |1|127.0.0.1||",
        "EPRT |1|127.0.0.1|99999|",
        "EPRT |1|127.0.0.1|65536|",
        "EPRT |1|127.0.0.1|-5|",
        "EPRT |1|127.0.0.1|18446744073709551617|",
        "EPRT |1|300.0.0.1|50000|",
        "EPRT |1|127.0.0.1|50000",
        "EPRT |1|127.0.0.1|50000|x",
        "EPRT |1|localhost|50000|",
        "EPRT |1|::1|50000|",
        "EPRT |one|127.0.0.1|50000|",
        "EPRT |1|127.0.0|50000|",
        "EPRT 1|127.0.0.1|50000|",
    ] {
        control.command(line, 500);
        control.goes_on();
    }
    control.command("RETR file", 425);
}

#[test]
fn malformed_rest_gives_501_and_moves_nothing() {
    let server = Server::start(&[]);
    server.root().file("file", "0123456789");
    let mut control = server.anonymous();
    control.command("TYPE I", 200);
    for line in [
        "REST",
        "REST -1",
        "REST abc",
        "REST 1x",
        "REST 0x10",
        "REST +5",
        "REST 1 2",
        "REST 1.5",
        "REST 18446744073709551616",
        "REST 99999999999999999999999999999999",
        "REST 9223372036854775808",
    ] {
        control.command(line, 501);
        assert_eq!(control.retrieve("file"), b"0123456789", "{line}");
    }
}

#[test]
fn malformed_parameters_leave_the_session_as_it_was() {
    let server = Server::start(&[]);
    server.root().file("file", "0123456789");
    let mut control = server.anonymous();
    for line in [
        "TYPE",
        "STRU",
        "MODE",
        "RETR",
        "STOR",
        "APPE",
        "RNFR",
        "RMD",
        "ALLO x y z",
    ] {
        control.command_any(line, &[501, 504]);
    }
    assert_eq!(control.retrieve("file"), b"0123456789");
}

#[test]
fn arguments_where_there_is_none_are_refused_or_ignored() {
    let server = Server::start(&[]);
    let mut control = server.anonymous();
    for line in ["PWD x", "CDUP x", "SYST x", "PASV x"] {
        control.line(line);
        let reply = control.reply();
        assert!(
            reply.code < 400 || reply.code == 501,
            "{line}: {}",
            reply.text()
        );
    }
    control.goes_on();
}
