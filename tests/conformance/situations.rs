//! The situations in which `replies` looks at the codes of replies: each
//! command with arguments of every kind in every stage of a login, sequences
//! of commands, and transfers that end otherwise than well.

use std::net::TcpListener;

use ironftpd::protocol::{COMMANDS, UNIMPLEMENTED};

use super::replies::Walk;
use super::support::control::Control;
use super::support::data::port_line;
use super::support::server::{Launch, Server};

/// Well formed and not, by one who is logged in.
const PARAMETERS: &str = "TYPE A ; TYPE A X ; TYPE E T ; TYPE L 8 ; TYPE L 7 ; TYPE L ; STRU R ; \
    STRU P ; STRU X ; STRU F ; MODE B ; MODE Z ; MODE X ; MODE S ; REST 5 ; REST x ; ALLO 5 ; \
    ALLO 5 R 7 ; ALLO x ; ALLO 18446744073709551615 ; PORT 1,2 ; PORT 127,0,0,1,200,1 ; PORT 8,8,8,8,200,1 ; \
    PORT 127,0,0,1,0,25 ; EPRT |1|127.0.0.1|51201| ; EPRT |2|::1|51201| ; EPRT |1|8.8.8.8|51201| ; \
    EPRT x ; LPRT 4,4,127,0,0,1,2,200,1 ; LPRT 4,4,8,8,8,8,2,200,1 ; \
    LPRT 6,16,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,2,200,1 ; LPRT 4 ; EPSV 1 ; EPSV 2 ; EPSV x ; \
    LPSV ; PASV ; OPTS UTF8 ON ; OPTS UTF8 OFF ; OPTS MLST size; ; OPTS MLST ; OPTS HASH MD5 ; \
    OPTS HASH x ; OPTS MODE Z LEVEL 9 ; OPTS MODE Z LEVEL 99 ; OPTS x ; PRET RETR file ; \
    PRET PWD ; HELP RETR ; HELP x ; SITE HELP ; SITE UMASK ; SITE UMASK 22 ; SITE UMASK x ; \
    SITE CHMOD 644 file ; SITE CHMOD x ; SITE x ; SITE CHGRP 0 file ; SITE UTIME x ; \
    SITE UTIME 20200101000000 file ; SITE MKDIR a/b ; SITE MKDIR file ; SITE RMDIR a ; \
    SITE RMDIR missing ; SITE SYMLINK file lnk ; SITE CPTO x ; SITE CPFR missing ; SITE CPFR file ; \
    SITE CPTO copy ; SITE IDLE ; SITE IDLE 200 ; SITE IDLE 9999 ; SITE IDLE x ; SITE WHO ; \
    SITE QUOTA ; SITE TIME ; MFF modify=20200101000000; file ; MFF x=1; file ; MFF ; \
    MFCT 20200101000000 file ; MDTM 20210101000000 file ; MDTM 20210101000000 missing ; LANG zh ; LANG xx ; LANG ? ; LANG ; \
    CSID Name=x; ; CLNT x ; MFMT 20200101000000 file ; MFMT 20200101000000 missing ; \
    MFMT 20201301000000 file ; MFMT x ; RANG 1 0 ; RANG 1 5 ; MD5 file ; MMD5 file, file ; \
    MMD5 file, missing ; XCRC file 1 2 ; XCRC file 2 1 ; COMB new missing ; COMB new file ; \
    EPSV ALL ; PORT 127,0,0,1,200,1 ; PASV ; EPRT |1|127.0.0.1|51201| ; LPSV ; \
    LPRT 4,4,127,0,0,1,2,200,1 ; EPSV";

/// By one who is about to log in.
const LOGIN: &str = "HOST ftp.example.org ; HOST 192.0.2.1 ; HOST x:1 ; PASS x ; USER other ; \
    PASS x ; USER anonymous ; HOST ftp.example.org ; PASS x ; PASS x ; USER anonymous ; \
    USER other ; HOST ftp.example.org";

/// RNFR and RNTO, to all that is in the way.
const RENAMING: &str = "RNFR file ; RNTO new ; RNTO file ; RNFR new ; RNTO missing/x ; RNFR new ; \
    RNTO full ; RNFR full ; RNTO full/inside/x ; RNFR new ; RNTO file";

const DOWNLOADS: [&str; 4] = ["RETR file", "LIST", "NLST", "MLSD"];
const UPLOADS: [&str; 3] = ["STOR file", "APPE file", "STOU file"];

/// Puts back what the commands before have changed.
fn furnish(server: &Server) {
    let root = server.root();
    root.file("file", "content\n");
    root.file("full/inside", "");
    root.dir("empty");
    if !root.has("dangling") {
        root.link("dangling", "nowhere");
    }
}

/// What may follow a verb; some of it is there.
const ARGUMENTS: [&str; 18] = [
    "",
    "  ",
    " missing",
    " file",
    " file/",
    " full",
    " empty",
    " /",
    " ..",
    " *",
    " missing/deeper",
    " file/below",
    " dangling",
    " a b",
    " nul\0",
    " 7",
    " I",
    " 9 5",
];

/// The stages of a login.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Greeted,
    Named,
    In,
}

fn session(server: &Server, stage: Stage) -> Control {
    let mut control = server.connect();
    match stage {
        Stage::Greeted => {}
        Stage::Named => drop(control.command("USER anonymous", 331)),
        Stage::In => control.login_anonymous(),
    }
    control
}

/// Each command, with arguments of every kind, in every stage of a login.
fn matrix(walk: &mut Walk, server: &Server, data: bool) {
    let long = format!(" {}", "x".repeat(300));
    let longer = long.replace(' ', "/").repeat(15).replacen('/', " ", 1);
    let arguments = ARGUMENTS.iter().copied().chain([&*long, &*longer]);
    let served = COMMANDS.iter().flat_map(|row| row.names);
    for name in served.chain(UNIMPLEMENTED) {
        let uploads = ["STOR", "STOU", "APPE"].contains(name);
        let transfers = uploads || ["RETR", "LIST", "NLST", "MLSD"].contains(name);
        let ends = ["QUIT", "USER", "PASS", "REIN"].contains(name);
        for stage in [Stage::Greeted, Stage::Named, Stage::In] {
            furnish(server);
            let mut control = session(server, stage);
            for argument in arguments.clone() {
                let line = format!("{name}{argument}");
                walk.say(&mut control, &line);
                if ends {
                    control = session(server, stage);
                } else if transfers && data && stage == Stage::In {
                    walk.with_data(&mut control, &line, uploads.then_some(b"12345"));
                }
            }
        }
    }
}

/// Positions, ranges and blocks, right ones and wrong ones.
fn positions(walk: &mut Walk, server: &Server) {
    let mut control = server.anonymous();
    walk.say(&mut control, "TYPE I");
    for before in ["REST 3", "REST 900", "RANG 1 2"] {
        walk.say(&mut control, before);
        walk.with_data(&mut control, "RETR file", None);
        for line in UPLOADS {
            walk.say(&mut control, before);
            walk.with_data(&mut control, line, Some(b"x"));
        }
    }
    walk.say_all(&mut control, "RANG 1 2 ; TYPE A");
    walk.with_data(&mut control, "RETR file", None);
    walk.say_all(
        &mut control,
        "RANG 1 2 ; TYPE I ; RANG 90000 90001 ; HASH file ; MODE B",
    );
    for line in UPLOADS {
        // A marker and the end; cut off; a code that there is not.
        for blocks in [
            &b"\x10\x00\x01m\x40\x00\x01x"[..],
            b"\x00\x00",
            b"\x01\x00\x00",
        ] {
            walk.with_data(&mut control, line, Some(blocks));
        }
    }
    walk.say(&mut control, "REST 90000");
    walk.with_data(&mut control, "RETR file", None);
}

/// ABOR at work, nobody at the client's port, and a client that does not come.
fn interruptions(walk: &mut Walk, server: &Server) {
    let large = server.root().file("large", "");
    let file = std::fs::File::options().write(true).open(large).unwrap();
    file.set_len(1 << 40).unwrap();
    let mut control = server.anonymous();
    for line in UPLOADS.iter().chain(&["RETR large"]) {
        let data = control.passive();
        control.line(line);
        walk.hear_one(&mut control, line, false);
        if line.starts_with('R') {
            walk.say(&mut control, "STAT");
        }
        control.line("ABOR");
        walk.hear_end(&mut control, line);
        walk.hear(&mut control, "ABOR");
        drop(data);
    }
    for line in DOWNLOADS.iter().chain(&UPLOADS).chain(&["HASH large"]) {
        control.epsv();
        control.line(line);
        control.line("ABOR");
        walk.hear(&mut control, line);
        walk.hear(&mut control, "ABOR");
        let gone = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port_line(gone.local_addr().unwrap());
        drop(gone);
        walk.say(&mut control, &port);
        if !line.starts_with("HASH") {
            walk.say(&mut control, line);
        }
    }
    // Waits for accept_timeout; the other transfers wait in the same place.
    control.epsv();
    walk.say(&mut control, "RETR file");
    control.line("RETR large");
    walk.hear(&mut control, "RETR large");
    walk.say(&mut control, "QUIT");
}

/// What only an account may do, and a login that needs no password.
fn others(walk: &mut Walk) {
    let launch = Launch::new().option("write_enable", "YES");
    let home = launch.root().dir("home");
    let server = launch.account("someone", "word", &home).start();
    server.root().file("home/file", "content\n");
    let mut control = server.login("someone", "word");
    let lines = "SITE CHMOD 640 file ; SITE CHMOD 640 missing ; SITE CHMOD x file ; SITE UMASK ; \
        SITE UMASK 27 ; SITE UMASK x";
    walk.say_all(&mut control, lines);
    let server = Server::start(&[("no_anon_password", "YES")]);
    walk.say(&mut server.connect(), "USER anonymous");
}

#[test]
fn every_reply_is_one_that_the_rfcs_allow() {
    let mut walk = Walk::new();
    let off = [
        "port_enable",
        "pasv_enable",
        "hash_enable",
        "deflate_enable",
    ];
    let off = off
        .iter()
        .fold(Launch::new(), |launch, option| launch.option(option, "NO"));
    let writable = || Launch::new().writable().option("accept_timeout", "1");
    for (launch, data) in [(writable(), true), (Launch::new(), true), (off, false)] {
        let server = launch.start();
        matrix(&mut walk, &server, data);
        walk.say_all(&mut server.anonymous(), PARAMETERS);
        walk.say_all(&mut server.connect(), LOGIN);
    }
    let server = writable().start();
    furnish(&server);
    walk.say_all(&mut server.anonymous(), RENAMING);
    positions(&mut walk, &server);
    interruptions(&mut walk, &server);
    others(&mut walk);
    walk.finish();
}
