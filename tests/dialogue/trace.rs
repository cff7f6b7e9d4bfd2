//! `--trace` and `trace_connections`: what is drawn of a session on standard
//! output, and what must never be.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use ironftpd::protocol::ladder::Ends;

use crate::support::control::Control;
use crate::support::data::{accept, connect, port_line, read_all};
use crate::support::ladders::{self, Scene};
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::tree::noise;

fn tracing(options: &[(&str, &str)]) -> Server {
    let server = Launch::new()
        .writable()
        .option("trace_connections", "YES")
        .options(options)
        .start();
    server.root().file("file", "content");
    server
}

/// Ends the session and gives its drawing.
#[track_caller]
fn drawn(server: &Server, mut control: Control) -> Vec<String> {
    control.command("QUIT", 221);
    control.expect_closed();
    server.wait_for_output("control connection closed by server")
}

/// The words of each line, the shafts of arrows shortened to one sign.
fn words(line: &str) -> String {
    let mut short = String::new();
    for sign in untimed(line).chars() {
        let repeated = matches!(sign, '-' | '=' | '.' | ' ') && short.ends_with(sign);
        if !repeated {
            short.push(sign);
        }
    }
    short
}

/// A line of session 1 without the number and the time.
fn untimed(line: &str) -> &str {
    &line[12..]
}

fn seconds(line: &str) -> f64 {
    line[3..11].trim().parse().unwrap()
}

/// The lines must come in this order, others between them or not.
#[track_caller]
fn in_order(lines: &[String], wanted: &[&str]) {
    let all: Vec<String> = lines.iter().map(|line| words(line)).collect();
    let mut rest = all.iter();
    for line in wanted {
        assert!(
            rest.any(|have| have == line),
            "{line:?} is not there, or not in its place:\n{}",
            all.join("\n")
        );
    }
}

#[test]
fn an_active_session_is_drawn_as_the_manual_shows_it() {
    let server = tracing(&[]);
    let mut control = server.anonymous();
    let own = control.local();
    let listener = control.active();
    control.command("LIST", 150);
    let (data, peer) = accept(&listener);
    let bytes = read_all(data).len() as u64;
    control.expect(226);
    let scene = Scene {
        session: 1,
        control: Ends {
            client: own,
            server: server.address(),
        },
        data: Ends {
            client: listener.local_addr().unwrap(),
            server: peer,
        },
        bytes,
    };
    same(&drawn(&server, control), &ladders::active(&scene));
}

#[test]
fn a_passive_session_is_drawn_as_the_manual_shows_it() {
    let server = tracing(&[]);
    let mut control = server.anonymous();
    let own = control.local();
    let address = control.pasv();
    let data = connect(address);
    let client = data.local_addr().unwrap();
    control.command("LIST", 150);
    let bytes = read_all(data).len() as u64;
    control.expect(226);
    let scene = Scene {
        session: 1,
        control: Ends {
            client: own,
            server: server.address(),
        },
        data: Ends {
            client,
            server: address,
        },
        bytes,
    };
    same(&drawn(&server, control), &ladders::passive(&scene));
}

#[track_caller]
fn same(have: &[String], wanted: &str) {
    let have: Vec<&str> = have.iter().map(|line| untimed(line)).collect();
    let wanted: Vec<&str> = wanted.lines().map(untimed).collect();
    assert_eq!(have, wanted);
}

#[test]
fn a_client_that_cannot_reach_the_port_is_drawn_as_the_manual_shows_it() {
    let server = tracing(&[]);
    let mut control = server.anonymous();
    let own = control.local();
    let address = control.pasv();
    drop(control);
    let scene = Scene {
        session: 1,
        control: Ends {
            client: own,
            server: server.address(),
        },
        data: Ends {
            client: own,
            server: address,
        },
        bytes: 0,
    };
    let lines = server.wait_for_output("control connection closed by client");
    same(&lines, &ladders::cut_off(&scene));
}

#[test]
fn a_wait_that_ends_in_vain_shows_how_long_it_was_and_the_option() {
    let server = tracing(&[("accept_timeout", "1")]);
    let mut control = server.anonymous();
    let port = control.pasv().port();
    control.command("LIST", 425);
    let lines = drawn(&server, control);
    in_order(
        &lines,
        &[
            &format!("|. nothing for 1 s (accept_timeout) .X {port}|"),
            "|<- 425 Failed to establish connection. -|",
        ],
    );
    let cut = lines.iter().find(|line| line.contains("..X")).unwrap();
    assert!(seconds(cut) >= 1.0, "{cut}");
}

#[test]
fn a_connection_for_which_no_transfer_began_is_drawn() {
    let server = tracing(&[]);
    let mut control = server.anonymous();
    let address = control.epsv();
    let data = connect(address);
    control.command("RETR missing", 550);
    let (client, port) = (data.local_addr().unwrap().port(), address.port());
    let again = control.epsv().port();
    in_order(
        &drawn(&server, control),
        &[
            "|- RETR missing ->|",
            &format!("|{client} = data connection => {port}|"),
            &format!("|{client} <= closed by server: no transfer began = {port}|"),
            "|<- 550 Failed to open file. No such file or directory. -|",
            &format!("|. nobody has come .X {again}|"),
        ],
    );
}

#[test]
fn the_flag_does_what_the_option_does_and_without_either_nothing_is_drawn() {
    let root = TempDir::new();
    let server = Server::serve(root, &["--trace"], "");
    let control = server.connect();
    drawn(&server, control);
    let root = TempDir::new();
    let mut server = Server::serve(root, &[], "");
    server.connect().command("QUIT", 221);
    server.signal(libc::SIGTERM);
    server.wait_for_end().unwrap();
    let output = server.whole_output();
    assert!(output.contains("Stop") && !output.contains('|'), "{output}");
}

#[test]
fn an_upload_shows_which_way_the_bytes_went_and_who_closed() {
    let server = tracing(&[]);
    let mut control = server.anonymous();
    let address = control.epsv();
    let mut data = connect(address);
    let (client, port) = (data.local_addr().unwrap().port(), address.port());
    control.command("STOR new", 150);
    data.write_all(b"x").unwrap();
    drop(data);
    control.expect(226);
    in_order(
        &drawn(&server, control),
        &[
            "|- STOR new ->|",
            &format!("|{client} = data connection => {port}|"),
            &format!("|{client} = 1 byte => {port}|"),
            &format!("|{client} = closed by client => {port}|"),
            "|<- 226 Transfer complete. -|",
        ],
    );
}

#[test]
fn a_refused_port_shows_the_address_and_the_option() {
    let server = tracing(&[("pasv_enable", "NO")]);
    let mut control = server.anonymous();
    control.command("PORT 192,0,2,66,200,1", 500);
    control.command("PORT 127,0,0,1,0,25", 500);
    control.command("PASV", 550);
    in_order(
        &drawn(&server, control),
        &[
            "|- PORT 192,0,2,66,200,1 ->|",
            "| client will listen on 192.0.2.66:51201 |",
            "| not the client's address (port_promiscuous) |",
            "|<- 500 Illegal PORT command. -|",
            "| client will listen on 127.0.0.1:25 |",
            "| a port of the system |",
            "|<- 500 Illegal PORT command. -|",
            "| passive mode is off (pasv_enable) |",
        ],
    );
}

#[test]
fn a_client_that_does_not_listen_is_an_arrow_with_an_x() {
    let server = tracing(&[]);
    let mut control = server.anonymous();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    control.command(port_line(address), 200);
    control.command("LIST", 425);
    let port = address.port();
    let refused = format!("|{port} X= connect(): Connection refused =|");
    in_order(
        &drawn(&server, control),
        &[&refused, "|<- 425 Failed to establish connection. -|"],
    );
}

#[test]
fn a_stranger_is_drawn_with_the_option_and_the_client_is_still_served() {
    let server = tracing(&[]);
    let mut control = server.anonymous();
    let address = control.epsv();
    let elsewhere = SocketAddr::from(([127, 0, 0, 2], 0));
    let kind = socket2::Type::STREAM;
    let stranger = socket2::Socket::new(socket2::Domain::IPV4, kind, None).unwrap();
    stranger.bind(&elsewhere.into()).unwrap();
    stranger.connect(&address.into()).unwrap();
    let stranger = stranger.local_addr().unwrap().as_socket().unwrap();
    let data = connect(address);
    let client = data.local_addr().unwrap().port();
    control.command("RETR file", 150);
    assert_eq!(read_all(data), b"content");
    control.expect(226);
    in_order(
        &drawn(&server, control),
        &[
            &format!("|{stranger} = dropped (pasv_promiscuous) =X|"),
            &format!("|{client} = data connection => {}|", address.port()),
        ],
    );
}

#[test]
fn an_aborted_transfer_says_how_far_it_came_and_why_it_ended() {
    let server = tracing(&[]);
    server.root().file("large", noise(30_000_000));
    let mut control = server.anonymous();
    let address = control.epsv();
    let data = connect(address);
    control.command("RETR large", 150);
    control.command("STAT", 213);
    control.line("ABOR");
    control.expect(426);
    control.expect(226);
    let client = data.local_addr().unwrap().port();
    let port = address.port();
    let lines = drawn(&server, control);
    in_order(
        &lines,
        &[
            "|- STAT ->|",
            &format!("|{client} <= closed by server: ABOR came = {port}|"),
            "|<- 426 Transfer aborted. -|",
            "|- ABOR ->|",
            "|<- 226 ABOR successful. -|",
        ],
    );
    let bytes = format!("|{client} <= ");
    assert!(
        lines
            .iter()
            .any(|line| words(line).starts_with(&bytes) && line.contains(" bytes =")),
        "{}",
        lines.join("\n")
    );
}

#[test]
fn a_client_that_closes_or_falls_silent_is_named_at_the_end() {
    let server = tracing(&[("idle_session_timeout", "1")]);
    let silent = server.connect();
    let lines = server.wait_for_output("closed by server");
    in_order(
        &lines,
        &[
            "| idle for too long (idle_session_timeout) |",
            "|<- 421 Timeout. -|",
        ],
    );
    drop(silent);
    drop(server.connect());
    let lines = server.wait_for_output("control connection closed by client");
    assert!(lines.last().unwrap().starts_with("#2 "));
}

#[test]
fn passwords_and_what_is_no_command_are_not_shown_before_login() {
    let home = TempDir::new();
    let server = Launch::new()
        .option("trace_connections", "YES")
        .account("ann", "opensesame", home.path())
        .start();
    let mut control = server.connect();
    control.command("USER ann", 331);
    control.command("PASS sesame wrong", 530);
    control.command("sesame typed too late", 500);
    control.command("USER ann", 331);
    control.command("pass opensesame", 230);
    control.command("XYZZY now", 500);
    let lines = drawn(&server, control);
    in_order(
        &lines,
        &[
            "|- USER ann ->|",
            "|- PASS <hidden> ->|",
            "|<- 530 Login incorrect. -|",
            "|- <no command> ->|",
            "|- PASS <hidden> ->|",
            "|<- 230 Login successful. -|",
            "|- XYZZY now ->|",
        ],
    );
    assert!(!server.output().contains("sesame"), "{}", lines.join("\n"));
    assert!(lines.iter().any(|line| line.contains("login refused: ")));
}

#[test]
fn hostile_bytes_are_escaped_and_lines_stay_in_the_ladder() {
    let server = tracing(&[]);
    let mut control = server.anonymous();
    // A telnet NUL after CR leaves a bare CR in the name (RFC 2640).
    control.command(b"SIZE \x1B[2J\x07\r\0#1    0.000 |<--- 226 forged", 550);
    let mut long = b"DELE ".to_vec();
    long.extend(std::iter::repeat_n(0x80, 1500));
    control.command(long, 550);
    let lines = drawn(&server, control);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("SIZE \\x1B[2J\\x07\\x0D#1 "))
    );
    for line in lines {
        let rung = untimed(&line);
        assert!(line.starts_with("#1 ") && line.len() <= 79, "{line}");
        assert!(line.bytes().all(|byte| (32..127).contains(&byte)), "{line}");
        assert!(rung.starts_with('|') && rung.ends_with('|') || rung.starts_with("client "));
        assert!(!rung.starts_with("|<--- 226 forged"));
    }
}

#[test]
fn sessions_at_the_same_time_keep_their_numbers() {
    let server = tracing(&[]);
    let mut one = server.connect();
    let mut other = server.connect();
    one.command("NOOP", 200);
    other.command("SYST", 215);
    one.command("QUIT", 221);
    other.command("QUIT", 221);
    server.wait_for_output("closed by server");
    other.expect_closed();
    let output = server.output();
    assert!(
        output
            .lines()
            .any(|line| line.starts_with("#1 ") && line.contains(" NOOP "))
    );
    assert!(
        output
            .lines()
            .any(|line| line.starts_with("#2 ") && line.contains(" SYST "))
    );
    assert!(
        output
            .lines()
            .all(|line| line.starts_with("#1 ") || line.starts_with("#2 "))
    );
}

#[test]
fn a_reader_who_goes_away_harms_no_session() {
    let server = tracing(&[]);
    let mut control = server.anonymous();
    server.hear_no_more(|| control.goes_on());
    control.goes_on();
    assert_eq!(control.retrieve("file"), b"content");
    assert_eq!(server.anonymous().retrieve("file"), b"content");
}
