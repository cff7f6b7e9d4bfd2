//! Files the server reads for itself when somebody logs in: options of one
//! user, lists of names, accounts. What stands there must neither hold it up
//! nor be looked for elsewhere.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::support::accounts::{Account, PASSWORD, Service};
use crate::support::process::run;
use crate::support::server::{IRONFTPD, Launch};
use crate::support::temp::TempDir;
use crate::support::{PATIENCE, is_root, left_out};

/// mkfifo(3).
fn fifo(path: &Path) {
    let name = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: `name` ends in NUL and outlives the call.
    let made = unsafe { libc::mkfifo(name.as_ptr(), 0o666) };
    assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
}

/// Puts something at `path` that is no regular file, or leads to none.
type Put = fn(&Path);

const ODD: &[(&str, Put)] = &[
    ("fifo", fifo),
    ("directory", |path| fs::create_dir(path).unwrap()),
    ("to-fifo", |path| {
        fifo(&path.with_extension("real"));
        symlink(path.with_extension("real"), path).unwrap();
    }),
    ("to-zero", |path| symlink("/dev/zero", path).unwrap()),
    ("to-random", |path| symlink("/dev/urandom", path).unwrap()),
    ("to-terminal", |path| symlink("/dev/ptmx", path).unwrap()),
    ("to-itself", |path| symlink(path, path).unwrap()),
    ("to-nothing", |path| {
        symlink("/nonexistent/options", path).unwrap()
    }),
    ("to-memory", |path| symlink("/proc/self/mem", path).unwrap()),
    ("socket", |path| {
        drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    }),
];

#[test]
fn options_that_are_no_file_let_their_user_not_in_and_hold_nobody_up() {
    let (home, options) = (TempDir::new(), TempDir::new());
    options.close_to_others();
    let path = options.path().display().to_string();
    let mut launch = Launch::new().option("user_config_dir", &path);
    for (name, put) in ODD {
        put(&options.path().join(name));
        launch = launch.account(name, "secret", home.path());
    }
    let server = launch.account("plain", "secret", home.path()).start();
    for (name, _) in ODD {
        let mut control = server.connect();
        control.command(format!("USER {name}"), 331);
        control.command("PASS secret", 500);
        server.login("plain", "secret").goes_on();
    }
}

/// Whom PAM lets in whatever he is called.
const ANYBODY: &str = "auth required pam_permit.so\naccount required pam_permit.so\n";

#[test]
fn a_name_that_is_a_pathname_finds_no_options() {
    if !is_root() {
        return left_out("a PAM service is made by root");
    }
    let service = Service::new("names", ANYBODY);
    let place = TempDir::new();
    let guest = Account::user("g", place.path().to_str().unwrap(), &[]);
    fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
    // Who finds it sees the machine.
    for name in ["evil", "options/sub/evil"] {
        place.file(name, "local_root=/\nwrite_enable=YES\n");
        fs::set_permissions(place.path().join(name), PermissionsExt::from_mode(0o644)).unwrap();
    }
    place.dir("root");
    let (options, root) = (place.path().join("options"), place.path().join("root"));
    let server = Launch::new()
        .option("run_as_launching_user", "NO")
        .option("local_enable", "YES")
        .option("guest_enable", "YES")
        .option("guest_username", &guest.name)
        .option("pam_service_name", &service.name)
        .option("user_config_dir", options.to_str().unwrap())
        .option("local_root", root.to_str().unwrap())
        .start();
    let absolute = place.path().join("evil").display().to_string();
    for name in [
        "..",
        ".",
        "../evil",
        "sub/evil",
        "./sub/evil",
        "sub/../../evil",
        "/etc/passwd",
        &absolute,
        "~/evil",
        "..\0evil",
        "a/../../evil",
    ] {
        let mut control = server.connect();
        if control
            .command_any(format!("USER {name}"), &[331, 500, 501, 530])
            .code
            == 331
        {
            control.command_any(format!("PASS {PASSWORD}"), &[500, 530]);
        }
    }
    for name in [
        "%2e%2e%2fevil",
        "..%2fevil",
        "..\\evil",
        "...",
        "sub",
        "evil",
    ] {
        let mut control = server.connect();
        control.command(format!("USER {name}"), 331);
        if control
            .command_any(format!("PASS {PASSWORD}"), &[230, 500])
            .code
            == 230
        {
            control.refused("NLST /etc", &[550]);
        }
    }
}

#[test]
fn a_list_or_the_accounts_that_become_a_fifo_hold_nobody_up() {
    let home = TempDir::new();
    let list = home.file("users", "mallory\n");
    let launch = Launch::new()
        .option("userlist_enable", "YES")
        .option("userlist_file", list.to_str().unwrap());
    let server = launch.account("ann", "secret", home.path()).start();
    let accounts = server.accounts_file();
    for path in [&list, &accounts] {
        fs::remove_file(path).unwrap();
        fifo(path);
        // As they were before: who is kept out stays out.
        server.login("ann", "secret").goes_on();
        server.connect().command("USER mallory", 530);
    }
}

#[test]
fn a_file_of_the_start_that_is_none_is_told_and_not_waited_for() {
    let place = TempDir::new();
    place.close_to_others();
    fifo(&place.path().join("fifo"));
    place.file("empty", "");
    let root = place.path().display();
    for option in [
        "banner_file",
        "userlist_file",
        "banned_email_file",
        "email_password_file",
        "virtual_users_file",
    ] {
        for odd in ["fifo", ".", "../../../../dev/zero", "../../../../dev/ptmx"] {
            let config = place.file(
                "ironftpd.conf",
                format!(
                    "listen=YES\nlisten_ipv6=NO\nlisten_port=0\nbackground=NO\n\
                     run_as_launching_user=YES\nanon_root={root}\nuserlist_enable=YES\n\
                     userlist_deny=NO\n\
                     deny_email_enable=YES\n\
                     secure_email_list_enable=YES\nuserlist_file={root}/empty\n\
                     banned_email_file={root}/empty\n\
                     email_password_file={root}/empty\n"
                ),
            );
            let setting = format!("{option}={root}/{odd}");
            let mut command = Command::new(IRONFTPD);
            command.arg(&config).args(["-o", &setting]);
            let finished = run(&mut command, b"", PATIENCE);
            assert!(
                !finished.status.success(),
                "{setting}: {}",
                finished.words()
            );
            let said = finished.words();
            assert!(said.contains("not a regular file"), "{setting}: {said}");
        }
    }
}
