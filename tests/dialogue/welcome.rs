//! Who is welcome, and with which options: userlist_file, the lists of e-mail
//! addresses, user_config_dir, chown_uploads, and pathnames with a tilde.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::support::control::Control;
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};

/// A server with its lists and files in a directory of its own.
struct Fixture {
    server: Server,
    place: TempDir,
}

impl Fixture {
    /// `files` are (option, name, text); `{}` in an option's value stands for
    /// the directory.
    fn new(launch: Launch, options: &[(&str, &str)], files: &[(&str, &str)]) -> Fixture {
        let place = TempDir::new();
        place.close_to_others();
        for (name, text) in files {
            private(&place.file(name, text));
        }
        let directory = place.path().display().to_string();
        let filled = |value: &str| value.replace("{}", &directory);
        let launch = options.iter().fold(launch, |launch, (name, value)| {
            launch.option(name, &filled(value))
        });
        Fixture {
            server: launch.option("delay_failed_login", "0").start(),
            place,
        }
    }
}

/// What others may write is warned of, and a user's file must not be.
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

fn account(home: &TempDir) -> Launch {
    Launch::new().account("ann", "word", home.path())
}

fn user(server: &Server, name: &str, code: u16) -> Control {
    let mut control = server.connect();
    control.command(format!("USER {name}"), code);
    control
}

#[test]
fn users_on_the_list_are_refused_before_their_password() {
    let home = TempDir::new();
    let options = [("userlist_enable", "YES"), ("userlist_file", "{}/list")];
    let fixture = Fixture::new(account(&home), &options, &[("list", "ann\nanonymous\n")]);
    let mut ann = fixture.server.connect();
    let reply = ann.command("USER ann", 530);
    assert_eq!(reply.text(), "530 Permission denied.");
    ann.command("PASS word", 503);
    user(&fixture.server, "anonymous", 530);
    user(&fixture.server, "Ann", 331);
    user(&fixture.server, "ftp", 331).command("PASS x", 230);
    fixture
        .server
        .wait_for_log("login of \"ann\" refused: in userlist_file");
    // The list is read anew, and the third refusal is the last.
    fixture.place.file("list", "other\n");
    user(&fixture.server, "ann", 331).command("PASS word", 230);
    let mut other = fixture.server.connect();
    for _ in 0..3 {
        other.command("USER other", 530);
    }
    other.expect_closed();
}

#[test]
fn with_userlist_deny_off_nobody_else_may_log_in() {
    let home = TempDir::new();
    let options = [
        ("userlist_enable", "YES"),
        ("userlist_deny", "NO"),
        ("userlist_file", "{}/list"),
    ];
    let fixture = Fixture::new(account(&home), &options, &[("list", "ann\r\n")]);
    user(&fixture.server, "ann", 331).command("PASS word", 230);
    for name in ["anonymous", "ftp", "bob", "ann2"] {
        user(&fixture.server, name, 530);
    }
}

#[test]
fn e_mail_addresses_can_be_banned_or_asked_for() {
    let banned = [
        ("deny_email_enable", "YES"),
        ("banned_email_file", "{}/list"),
    ];
    let fixture = Fixture::new(Launch::new(), &banned, &[("list", "a@b\n")]);
    let reply = user(&fixture.server, "ftp", 331).command("PASS a@b", 530);
    assert_eq!(reply.text(), "530 Login incorrect.");
    user(&fixture.server, "ftp", 331).command("PASS a@c", 230);
    let asked = [
        ("secure_email_list_enable", "YES"),
        ("email_password_file", "{}/list"),
    ];
    let fixture = Fixture::new(Launch::new(), &asked, &[("list", "a@b\n")]);
    let mut control = user(&fixture.server, "ftp", 331);
    control.command("PASS x", 530);
    control.command("USER ftp", 331);
    control.command("PASS a@b", 230);
    // Without a password there is none to be on the list.
    let unasked = [asked[0], asked[1], ("no_anon_password", "YES")];
    let fixture = Fixture::new(Launch::new(), &unasked, &[("list", "a@b\n")]);
    user(&fixture.server, "ftp", 530);
}

#[test]
fn options_of_one_user_count_for_that_user_alone() {
    let (ann, bob) = (TempDir::new(), TempDir::new());
    ann.file("f", "0123456789");
    let launch = account(&ann).account("bob", "word", bob.path());
    let personal = "write_enable=YES\nlocal_umask=027\nlocal_max_rate=77777\nlisten_port=1\n";
    let fixture = Fixture::new(launch, &[("user_config_dir", "{}")], &[("ann", personal)]);
    let mut control = fixture.server.login("ann", "word");
    assert!(control.command("STAT", 211).text().contains("77777"));
    control.store("new", b"x");
    let mode = fs::metadata(ann.path().join("new")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o640);
    fixture
        .server
        .wait_for_log("ann:4: listen_port: has no effect in the file of one user");
    let mut other = fixture.server.login("bob", "word");
    assert!(!other.command("STAT", 211).text().contains("77777"));
    other.refused("STOR new", &[550]);
    // The next log-in sees the change, the session of before does not.
    private(&fixture.place.file("ann", "write_enable=NO\n"));
    fixture
        .server
        .login("ann", "word")
        .refused("STOR other", &[550]);
    control.store("other", b"x");
    // After REIN the options are the server's again.
    control.command("REIN", 220);
    control.command("USER bob", 331);
    control.command("PASS word", 230);
    assert!(!control.command("STAT", 211).text().contains("77777"));
}

#[test]
fn a_user_may_have_ports_and_an_address_of_his_own() {
    let home = TempDir::new();
    home.file("f", "0123456789");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let personal = format!("pasv_address=192.0.2.7\npasv_min_port={port}\npasv_max_port={port}\n");
    let files = [("ann", personal.as_str())];
    let fixture = Fixture::new(account(&home), &[("user_config_dir", "{}")], &files);
    let mut ann = fixture.server.login("ann", "word");
    let told = format!("(192,0,2,7,{},{})", port / 256, port % 256);
    assert!(ann.command("PASV", 227).text().contains(&told));
    let told = format!("(|||{port}|)");
    assert!(ann.command("EPSV", 229).text().contains(&told));
    assert_eq!(ann.retrieve("f"), b"0123456789");
    // After REIN they are the server's again.
    ann.command("REIN", 220);
    ann.command("USER ftp", 331);
    ann.command("PASS x", 230);
    assert!(!ann.command("PASV", 227).text().contains("192,0,2,7"));
}

#[test]
fn a_user_whose_options_are_wrong_is_not_let_in() {
    let home = TempDir::new();
    let files = [("ann", "wite_enable=YES\n")];
    let fixture = Fixture::new(account(&home), &[("user_config_dir", "{}")], &files);
    let mut ann = user(&fixture.server, "ann", 331);
    let reply = ann.command("PASS word", 500);
    assert!(reply.text().starts_with("500 OOPS: "), "{}", reply.text());
    assert!(!reply.text().contains('/'), "{}", reply.text());
    ann.expect_closed();
    fixture
        .server
        .wait_for_log("ann:1: unknown option \"wite_enable\": did you mean");
    // Who does not know the password learns nothing of it.
    user(&fixture.server, "ann", 331).command("PASS wrong", 530);
    fixture.server.anonymous().goes_on();
}

#[test]
fn anonymous_users_have_the_options_of_ftp_username() {
    let files = [("ftp", "anon_root={}\nanon_max_rate=4242\n")];
    let elsewhere = TempDir::new();
    elsewhere.file("here", "x");
    let text = files[0]
        .1
        .replace("{}", &elsewhere.path().display().to_string());
    let launch = Launch::new();
    launch.root().file("there", "x");
    let fixture = Fixture::new(launch, &[("user_config_dir", "{}")], &[("ftp", &text)]);
    let mut control = fixture.server.anonymous();
    assert_eq!(control.listing("NLST"), ["here"]);
    assert!(control.command("STAT", 211).text().contains("4242"));
    fs::remove_file(fixture.place.path().join("ftp")).unwrap();
    assert_eq!(fixture.server.anonymous().listing("NLST"), ["there"]);
}

#[test]
fn a_tilde_is_where_the_session_began() {
    let server = Server::writable();
    server.root().dir("sub");
    server.root().file("sub/f", "of sub");
    server
        .root()
        .file("etc/passwd", "ann:x:1:1::/sub:/bin/sh\n");
    let mut control = server.anonymous();
    control.command("CWD sub", 250);
    control.command("CWD ~", 250);
    assert_eq!(control.command("PWD", 257).text()[..7], *"257 \"/\"");
    control.command("CWD etc", 250);
    assert_eq!(control.retrieve("~/sub/f"), b"of sub");
    assert_eq!(control.listing("NLST ~/sub"), ["~/sub/f"]);
    control.store("~/sub/g", b"g");
    control.command("RNFR ~/sub/g", 350);
    control.command("RNTO ~/sub/h", 250);
    assert_eq!(server.root().read("sub/h"), b"g");
    // Names of users mean something only with tilde_user_enable.
    control.command("CWD ~ann", 550);
    control.command("MKD ~ann", 257);
    assert!(server.root().has("etc/~ann"));
}

#[test]
fn a_tilde_and_a_name_is_the_home_that_the_session_sees() {
    let launch = Launch::new().option("tilde_user_enable", "YES");
    launch.root().file("home/ann/f", "of ann");
    let passwd = "ann:x:1:1::/home/ann:/bin/sh\nout:x:1:1::/../../../etc:\n";
    launch.root().file("etc/passwd", passwd);
    let server = launch.start();
    let mut control = server.anonymous();
    assert_eq!(control.retrieve("~ann/f"), b"of ann");
    control.command("CWD ~ann", 250);
    assert!(control.command("PWD", 257).text().contains("\"/home/ann\""));
    control.command("CWD ~root", 550);
    control.command("CWD ~out", 250);
    assert!(control.command("PWD", 257).text().contains("\"/etc\""));
    assert_eq!(control.listing("NLST"), ["passwd"]);
}

#[test]
fn uploads_of_anonymous_users_are_given_away() {
    if !is_root() {
        return left_out("chown_uploads needs root");
    }
    let daemon = fs::read_to_string("/etc/passwd").unwrap();
    let daemon = daemon
        .lines()
        .find(|line| line.starts_with("daemon:"))
        .unwrap();
    let uid: u32 = daemon.split(':').nth(2).unwrap().parse().unwrap();
    for atomic in ["NO", "YES"] {
        let launch = Launch::new()
            .writable()
            .option("atomic_uploads", atomic)
            .option("chown_uploads", "YES")
            .option("chown_username", "daemon")
            .option("chown_upload_mode", "0640");
        launch.root().file("there", "old content");
        let server = launch.start();
        let mut control = server.anonymous();
        for line in ["STOR new", "STOR there", "APPE there"] {
            control.give(line, b"content");
            let name = line.split_once(' ').unwrap().1;
            let about = fs::metadata(server.root().path().join(name)).unwrap();
            let found = (about.uid(), about.mode() & 0o7777);
            assert_eq!(found, (uid, 0o640), "{line}, {atomic}");
        }
        assert_eq!(server.root().read("new"), b"content");
        assert_eq!(server.root().read("there"), b"contentcontent");
    }
}

#[test]
fn an_upload_that_cannot_be_given_away_is_refused_and_leaves_nothing() {
    for atomic in ["NO", "YES"] {
        let mut launch = Launch::new()
            .writable()
            .option("atomic_uploads", atomic)
            .option("chown_uploads", "YES")
            .option("chown_username", "daemon");
        if is_root() {
            launch = launch.through(&["setpriv", "--inh-caps=-chown", "--bounding-set=-chown"]);
        }
        let server = launch.start();
        server.anonymous().refused("STOR new", &[553]);
        assert!(!server.root().has("new"));
        server.wait_for_log("fchown");
    }
}

#[test]
fn uploads_of_accounts_stay_their_own() {
    let home = TempDir::new();
    let launch = account(&home)
        .writable()
        .option("chown_uploads", "YES")
        .option("chown_username", "daemon");
    let server = launch.start();
    server.login("ann", "word").store("new", b"content");
    let about = fs::metadata(home.path().join("new")).unwrap();
    assert_eq!(
        about.uid(),
        fs::metadata(server.accounts_file()).unwrap().uid()
    );
}

#[test]
fn the_kernel_s_own_files_are_no_part_of_a_root() {
    let home = TempDir::new();
    let root = Path::new("/");
    let launch =
        Launch::new()
            .account("all", "word", root)
            .account("proc", "word", Path::new("/proc"));
    let server = launch.account("ann", "word", home.path()).start();
    let mut all = server.login("all", "word");
    for line in [
        "CWD /proc",
        "CWD /proc/self",
        "SIZE /proc/self/status",
        "MLST /sys/kernel",
        "CWD /sys",
        "MDTM /proc/cpuinfo",
    ] {
        all.command(line, 550);
    }
    all.refused("RETR /proc/self/environ", &[550]);
    all.refused("LIST /proc/", &[550]);
    all.refused("NLST /proc/*", &[550]);
    all.command("CWD /etc", 250);
    // A root of that kind is somebody's decision.
    let mut proc = server.login("proc", "word");
    proc.command("CWD /self", 250);
    assert!(!proc.retrieve("/version").is_empty());
}
