//! Virtual accounts: `virtual_users_file` and `ironftpctl user`.

use std::time::Duration;

use crate::support::server::{Launch, Server, add_account, change_account};
use crate::support::temp::TempDir;

struct Fixture {
    server: Server,
    first: TempDir,
    second: TempDir,
}

fn two_accounts() -> Fixture {
    let first = TempDir::new();
    let second = TempDir::new();
    first.file("first", "of the first");
    second.file("second", "of the second");
    let launch = Launch::new()
        .account("first", "word one", first.path())
        .read_only_account("second", "wörter 二", second.path())
        .option("write_enable", "YES");
    launch.root().file("public", "of all");
    Fixture {
        server: launch.start(),
        first,
        second,
    }
}

#[test]
fn each_account_sees_its_own_home_as_root() {
    let fixture = two_accounts();
    let mut first = fixture.server.login("first", "word one");
    let mut second = fixture.server.login("second", "wörter 二");
    let mut guest = fixture.server.anonymous();
    assert_eq!(first.listing("NLST /"), ["/first"]);
    assert_eq!(second.listing("NLST ../.."), ["../../second"]);
    assert_eq!(guest.listing("NLST"), ["public"]);
    assert_eq!(first.command("PWD", 257).text()[..7], *"257 \"/\"");
    first.refused("RETR /second", &[550]);
}

#[test]
fn a_wrong_password_an_unknown_and_an_empty_one_get_the_same_reply() {
    let fixture = two_accounts();
    let mut replies = Vec::new();
    for (name, password) in [
        ("first", "wrong"),
        ("nosuch", "word one"),
        ("first", ""),
        ("root", "x"),
        ("first", "!"),
    ] {
        let mut control = fixture.server.connect();
        let user = control.command(format!("USER {name}"), 331).text();
        let pass = control.command(format!("PASS {password}"), 530).text();
        replies.push((user.replace(name, "?"), pass));
    }
    replies.dedup();
    assert_eq!(replies.len(), 1, "{replies:?}");
}

/// What the threads of a process have used of the processors so far.
fn processor_time(pid: libc::pid_t) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let used = tasks.filter_map(|task| {
        // A thread may end meanwhile.
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(used.sum())
}

#[test]
fn an_unknown_user_costs_as_much_as_a_wrong_password() {
    let fixture = two_accounts();
    // Processor time, and the least of several: a busy machine makes waits
    // longer, not work.
    let quickest = |name: &str| {
        let times = (0..5).map(|_| {
            let mut control = fixture.server.connect();
            control.command(format!("USER {name}"), 331);
            let before = processor_time(fixture.server.pid());
            control.command("PASS wrong", 530);
            processor_time(fixture.server.pid()).saturating_sub(before)
        });
        times.min().unwrap()
    };
    let known = quickest("first");
    let unknown = quickest("nosuch");
    assert!(
        unknown * 2 > known && known * 2 > unknown,
        "known {known:?}, unknown {unknown:?}"
    );
    assert!(
        known > Duration::from_millis(1),
        "a hash that costs {known:?} protects nobody"
    );
}

#[test]
fn an_account_writes_where_write_enable_allows() {
    let fixture = two_accounts();
    let mut control = fixture.server.login("first", "word one");
    control.store("new", b"new");
    control.give("APPE new", b"er");
    control.command("MKD dir", 257);
    control.command("RNFR new", 350);
    control.command("RNTO dir/newer", 250);
    assert_eq!(fixture.first.read("dir/newer"), b"newer");
    control.command("DELE dir/newer", 250);
    control.command("RMD dir", 250);
}

#[test]
fn a_read_only_account_changes_nothing() {
    let fixture = two_accounts();
    let mut control = fixture.server.login("second", "wörter 二");
    assert_eq!(control.retrieve("second"), b"of the second");
    for line in [
        "STOR new",
        "APPE second",
        "DELE second",
        "MKD dir",
        "RNFR second",
        "RMD x",
        "MFMT 20200101000000 second",
        "SITE CHMOD 600 second",
    ] {
        control.refused(line, &[550]);
    }
    assert_eq!(fixture.second.read("second"), b"of the second");
    control.goes_on();
}

#[test]
fn the_accounts_file_holds_no_password_and_is_not_for_everyone() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = two_accounts();
    let path = fixture.server.accounts_file();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("word one"), "{text}");
    let fields: Vec<_> = text.lines().next().unwrap().split(':').collect();
    assert_eq!(fields.len(), 7, "{text}");
    assert_eq!(fields[0], "first");
    assert!(fields[1].starts_with('$'), "{text}");
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "{mode:o}");
}

#[test]
fn accounts_changed_with_ironftpctl_count_at_the_next_log_in() {
    let fixture = two_accounts();
    let server = &fixture.server;
    let file = server.accounts_file();
    let refused = |name: &str, password: &str| {
        let mut control = server.connect();
        control.command(format!("USER {name}"), 331);
        control.command(format!("PASS {password}"), 530);
    };
    change_account(&file, "passwd", "first", "another\n").succeed();
    refused("first", "word one");
    server.login("first", "another");
    change_account(&file, "lock", "first", "").succeed();
    refused("first", "another");
    let home = TempDir::new();
    add_account(&file, "third", "word three", home.path(), false).succeed();
    server.login("third", "word three");
    change_account(&file, "del", "third", "").succeed();
    refused("third", "word three");
    let listed = change_account(&file, "list", "", "").succeed();
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(
        text.contains("first") && text.contains("second") && !text.contains("third"),
        "{text}"
    );
    assert!(!text.contains('$'), "{text}");
}

#[test]
fn ironftpctl_refuses_what_makes_no_account() {
    let directory = TempDir::new();
    let file = directory.path().join("users");
    for name in ["", "with:colon", "with\nline", "../x", "anonymous", "ftp"] {
        let made = add_account(&file, name, "word", directory.path(), false);
        assert!(!made.status.success(), "{name:?} was taken");
    }
    assert!(
        !add_account(&file, "empty", "", directory.path(), false)
            .status
            .success()
    );
    add_account(&file, "good", "word", directory.path(), false).succeed();
    assert!(
        !add_account(&file, "good", "word", directory.path(), false)
            .status
            .success()
    );
    assert!(!change_account(&file, "del", "nosuch", "").status.success());
    assert!(
        !change_account(&file, "passwd", "nosuch", "x\n")
            .status
            .success()
    );
}

#[test]
fn without_anonymous_only_accounts_enter() {
    let home = TempDir::new();
    let launch = Launch::new().account("someone", "word", home.path());
    let server = launch.option("anonymous_enable", "NO").start();
    let mut control = server.connect();
    control.command("USER anonymous", 331);
    control.command("PASS word", 530);
    control.login("someone", "word");
    control.goes_on();
}

#[test]
fn serve_asks_its_password_on_standard_input() {
    let root = TempDir::new();
    root.file("file", "content");
    let words = ["--address", "127.0.0.1", "--write", "--user", "me"];
    let server = Server::serve(root, &words, "the word\n");
    let mut control = server.login("me", "the word");
    assert_eq!(control.retrieve("file"), b"content");
    control.store("new", b"x");
    assert_eq!(server.root().read("new"), b"x");
    let mut control = server.connect();
    control.command("USER anonymous", 331);
    control.command("PASS the word", 530);
}

#[test]
fn serve_without_a_user_serves_anonymous_read_only() {
    let root = TempDir::new();
    root.file("file", "content");
    let server = Server::serve(root, &[], "");
    assert!(server.address().ip().is_loopback(), "{}", server.address());
    // It says that no password is needed, and so asks for none.
    let mut control = server.connect();
    control.command("USER anonymous", 230);
    control.command("PASS any@where", 230);
    assert_eq!(control.retrieve("file"), b"content");
    control.refused("STOR new", &[550]);
    control.command("DELE file", 550);
    control.command("MKD dir", 550);
}
