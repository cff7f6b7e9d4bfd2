//! Users of the system who may not come in: whatever the reason, a client
//! learns nothing from the reply or from when it comes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::accounts::{
    Account, LENIENT, PASSWORD, Service, User, etc_with_users, launch, may_mount, run,
    with_files_over,
};
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};

/// delay_failed_login of these servers.
const DELAY: Duration = Duration::from_secs(1);

/// What is asked of users: a shell of /etc/shells, the password, and that
/// the account has not expired.
const WHOLE: &str = "auth required pam_shells.so\nauth required pam_unix.so nullok\n\
                     account required pam_unix.so\n";

/// Accounts that are closed in one way or another.
struct Closed {
    good: User,
    others: Vec<(&'static str, User)>,
}

impl Closed {
    fn new() -> Closed {
        let closed = |way: &'static str, change: &[&str]| {
            let user = User::new("c");
            let name = user.account.name.clone();
            run(change[0], &[&change[1..], &[name.as_str()]].concat());
            (way, user)
        };
        Closed {
            good: User::new("good"),
            others: vec![
                ("locked by passwd", &["passwd", "-l"][..]),
                ("locked by usermod", &["usermod", "-L"]),
                ("expired", &["chage", "-E", "0"]),
                ("password expired", &["chage", "-d", "0"]),
                ("no shell", &["usermod", "-s", "/usr/sbin/nologin"]),
                ("odd shell", &["usermod", "-s", "/no/such/shell"]),
                ("no password", &["passwd", "-d"]),
            ]
            .into_iter()
            .map(|(way, change)| closed(way, change))
            .collect(),
        }
    }

    /// Names and passwords with which nobody may come in, and why.
    fn attempts(&self) -> Vec<(&'static str, String, &'static str)> {
        let of = |(way, user): &(&'static str, User)| (*way, user.account.name.clone(), PASSWORD);
        let mut all: Vec<_> = self.others.iter().map(of).collect();
        let good = &self.good.account.name;
        let nobody = "ifl-nobody-of-this-name";
        all.push(("wrong password", good.clone(), "wrong"));
        all.push(("empty password", good.clone(), ""));
        all.push(("unknown", nobody.to_owned(), PASSWORD));
        all.push(("unknown, too", nobody.to_owned(), ""));
        all.push(("path for a name", "../../etc/passwd".to_owned(), PASSWORD));
        all.push(("root", "root".to_owned(), PASSWORD));
        all.push(("no password, none given", all[6].1.clone(), ""));
        all
    }
}

/// Tries to log in: all replies, and the time from the question on until the
/// refusal.
fn refusal(server: &Server, name: &str, password: &str) -> (String, String, Duration) {
    let mut control = server.connect();
    let asked = control.command(format!("USER {name}"), 331).text();
    let began = Instant::now();
    let told = control.command(format!("PASS {password}"), 530).text();
    let took = began.elapsed();
    // And it is a session like any other.
    control.goes_on();
    (asked, told, took)
}

/// Nobody who may not come in learns why, at whatever time they ask.
fn all_are_told_the_same(closed: &Closed, server: &Server) {
    let attempts = closed.attempts();
    let replies: Vec<_> = thread::scope(|scope| {
        let ask = |(_, name, password): &(_, String, &'static str)| {
            let (name, password) = (name.clone(), *password);
            scope.spawn(move || refusal(server, &name, password))
        };
        let threads: Vec<_> = attempts.iter().map(ask).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    for ((way, ..), (asked, told, took)) in attempts.iter().zip(replies) {
        assert_eq!(asked, "331 Please specify the password.", "{way}");
        assert_eq!(told, "530 Login incorrect.", "{way}");
        assert!(took >= DELAY, "{way}: after {took:?}");
    }
    // The log knows.
    for (_, user) in &closed.others {
        server.wait_for_log(&format!("login of \"{}\" refused: ", user.account.name));
    }
    closed.good.log_in(server).goes_on();
}

#[test]
fn all_who_may_not_come_in_are_told_the_same_by_pam() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let service = Service::new("denied", WHOLE);
    let closed = Closed::new();
    let server = launch(&service).option("delay_failed_login", "1").start();
    all_are_told_the_same(&closed, &server);
}

/// Everything that could be taken for libpam here.
fn pam_libraries() -> Vec<PathBuf> {
    let known = Command::new("ldconfig").arg("-p").output().unwrap();
    let text = String::from_utf8(known.stdout).unwrap();
    text.lines()
        .filter(|line| line.trim_start().starts_with("libpam.so.0 "))
        .filter_map(|line| Some(line.split_once(" => ")?.1.into()))
        .collect()
}

/// A server for which there is no libpam.
fn without_pam(service: &Service) -> Launch {
    let libraries = pam_libraries();
    let over: Vec<_> = libraries
        .iter()
        .map(|library| (Path::new("/dev/null"), library.to_str().unwrap()))
        .collect();
    launch(service).through(&with_files_over(&over))
}

#[test]
fn all_who_may_not_come_in_are_told_the_same_without_pam() {
    if !is_root() || !may_mount() {
        return left_out("accounts are made, and libpam is hidden, by root");
    }
    let service = Service::new("denied", WHOLE);
    let closed = Closed::new();
    let server = without_pam(&service)
        .option("delay_failed_login", "1")
        .start();
    server.wait_for_log("without PAM");
    all_are_told_the_same(&closed, &server);
}

#[test]
fn a_shell_of_no_list_is_let_in_only_where_check_shell_says_so() {
    if !is_root() || !may_mount() {
        return left_out("accounts are made, and libpam is hidden, by root");
    }
    let service = Service::new("shells", WHOLE);
    let user = User::new("nosh");
    run("usermod", &["-s", "/usr/sbin/nologin", &user.account.name]);
    let strict = without_pam(&service).start();
    let (.., told, _) = refusal(&strict, &user.account.name, PASSWORD);
    assert_eq!(told, "530 Login incorrect.");
    let lenient = without_pam(&service).option("check_shell", "NO").start();
    user.log_in(&lenient).store("file", b"");
}

#[test]
fn who_is_listed_is_told_nothing_about_the_account_either() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let service = Service::new("listed", WHOLE);
    let (user, other, options) = (User::new("li"), User::new("ot"), TempDir::new());
    let names = format!("{}\nifl-listed-and-unknown\nroot\n", user.account.name);
    let list = options.file("list", names);
    let server = launch(&service)
        .option("delay_failed_login", "1")
        .option("userlist_enable", "YES")
        .option("userlist_file", list.to_str().unwrap())
        .start();
    let listed = [user.account.name.as_str(), "ifl-listed-and-unknown", "root"];
    thread::scope(|scope| {
        for name in listed {
            let mut control = server.connect();
            scope.spawn(move || {
                // Before the password, which need not cross the network.
                let began = Instant::now();
                let told = control.command(format!("USER {name}"), 530).text();
                assert_eq!(told, "530 Permission denied.");
                assert!(began.elapsed() >= DELAY);
                control.command(format!("PASS {PASSWORD}"), 503);
            });
        }
    });
    other.log_in(&server).goes_on();
}

/// A server that sees two users whose id is 0, root among them, with homes in
/// `home`; their passwords do not matter.
fn with_roots(service: &Service, home: &TempDir) -> Launch {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let mut text: String = users
        .lines()
        .filter(|line| !line.starts_with("root:"))
        .map(|line| format!("{line}\n"))
        .collect();
    for name in ["root", "toor"] {
        let place = home.dir(name);
        run("chmod", &["700", place.to_str().unwrap()]);
        text.push_str(&format!("{name}:x:0:0::{}:/bin/sh\n", place.display()));
    }
    let etc = etc_with_users(home, &text);
    launch(service).through(&with_files_over(&[(&etc, "/etc")]))
}

#[test]
fn nobody_becomes_root_unless_an_option_says_so() {
    if !is_root() || !may_mount() {
        return left_out("a second root is shown to a server by root");
    }
    let (service, home) = (Service::new("roots", LENIENT), TempDir::new());
    let server = with_roots(&service, &home)
        .option("delay_failed_login", "1")
        .start();
    thread::scope(|scope| {
        for name in ["root", "toor", "ifl-nobody-of-this-name"] {
            let server = &server;
            scope.spawn(move || {
                let (.., told, took) = refusal(server, name, "any");
                assert_eq!(told, "530 Login incorrect.", "{name}");
                assert!(took >= DELAY, "{name}");
            });
        }
    });
    // Nor does a guest.
    let guests = with_roots(&service, &home)
        .option("guest_enable", "YES")
        .option("guest_username", "toor")
        .start();
    refusal(&guests, "anybody", "any");
    guests.wait_for_log("allow_root_login");
}

#[test]
fn with_allow_root_login_root_is_a_user_without_capabilities() {
    if !is_root() || !may_mount() {
        return left_out("a second root is shown to a server by root");
    }
    let (service, home) = (Service::new("roots", LENIENT), TempDir::new());
    let other = Account::user("other", "/", &[]);
    let server = with_roots(&service, &home)
        .option("allow_root_login", "YES")
        .start();
    for name in ["root", "toor"] {
        let closed = home.file(format!("{name}/closed"), "secret");
        run("chmod", &["600", closed.to_str().unwrap()]);
        run("chown", &[&other.name, closed.to_str().unwrap()]);
        let mut control = server.login(name, "any");
        control.store("file", b"content");
        let about = fs::metadata(home.path().join(name).join("file")).unwrap();
        assert_eq!((about.uid(), about.gid()), (0, 0));
        // Root's rights over other users' files are capabilities.
        control.refused("RETR closed", &[550]);
    }
}
