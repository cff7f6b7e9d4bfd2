//! The kernel's own file systems: a session that has /proc or /sys within its
//! root could read its server there, and walk through /proc/PID/root.

use std::fs;

use crate::confinement::attack::{fails, play_at, say};
use crate::confinement::commands::{Effect, trials};
use crate::confinement::spelled::{KEPT, User, account_at, furnish, try_everything};
use crate::confinement::world::Outside;
use crate::support::server::Launch;
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};

/// What stands in /proc/self/status, in /proc/self and in /proc.
const WORDS: &[&str] = &["CapPrm", "mountinfo", "oom_score", "meminfo", "cmdline"];

/// Mounts /proc at `proc`, /sys at `sys`, what is usually found below /sys at
/// `ctl` and something harmless at `other`,
/// for the server alone.
const MOUNT: &str = "mount --bind /proc $0/proc && mount --bind /proc/version $0/file && \
                     mount -t sysfs none $0/sys && mount -t fusectl none $0/ctl && \
                     mount -t tmpfs none $0/other && \
                     echo there > $0/other/file && exec \"$@\"";

/// A user within whose root all that is mounted.
fn within() -> User {
    let home = TempDir::new();
    for name in [KEPT, "sys", "ctl", "other"] {
        home.dir(name);
    }
    home.file("file", "");
    let path = home.path().to_str().unwrap().to_owned();
    let launch = Launch::new().through(&["unshare", "-m", "sh", "-c", MOUNT, &path]);
    account_at(home, launch.without_landlock())
}

/// The pathnames of a trial, in the order file, directory, empty one, new
/// name, and what they are in.
const PLACES: &[[&str; 5]] = &[
    [
        "proc/self/status",
        "proc/self",
        "proc/self/task",
        "proc/self/new",
        "proc",
    ],
    [
        "proc/thread-self/comm",
        "proc/self/fd",
        "proc/fs",
        "proc/new",
        "proc/self",
    ],
    [
        "proc/1/status",
        "proc/1",
        "proc/1/ns",
        "proc/sys/new",
        "proc/1",
    ],
    [
        "sys/kernel/mm/hugepages/x",
        "sys/kernel",
        "sys/fs",
        "sys/new",
        "sys",
    ],
    ["file", "proc", "sys", "sys/kernel/new", "sys/kernel"],
];

#[test]
fn within_a_root_they_are_refused_to_every_command() {
    if !is_root() {
        return left_out("mounting takes root");
    }
    let mut user = within();
    for names in PLACES {
        for trial in trials() {
            let _ = fs::write(user.root.join("own"), "own");
            let outcome = play_at(&mut user.control, trial, names, 0);
            let said = String::from_utf8_lossy(&outcome.said);
            let told = WORDS.iter().find(|word| said.contains(**word));
            assert!(told.is_none(), "{trial:?} at {names:?}: {said}");
            assert!(
                !said.contains("Linux version"),
                "{trial:?} at {names:?}: {said}"
            );
            let writes = matches!(trial.0, Effect::Changes | Effect::Succeeds);
            assert!(
                !writes || outcome.last >= 400,
                "{trial:?} at {names:?}: {said}"
            );
        }
    }
    for line in [
        "CWD ctl",
        "MLST ctl",
        "NLST ctl",
        "MKD ctl/new",
        "STOR ctl/new",
    ] {
        let (said, code) = say(&mut user.control, line.as_bytes());
        assert!(code >= 400, "{line}: {}", said.escape_ascii());
    }
    // Other mounts are the administrator's wish.
    assert_eq!(user.control.retrieve("other/file"), b"there\n");
    user.control.store("other/new", b"new");
}

#[test]
fn its_links_lead_nowhere_although_they_are_there() {
    if !is_root() {
        return left_out("mounting takes root");
    }
    let outside = Outside::new();
    try_everything(&outside, within);
}

#[test]
fn a_session_with_the_whole_machine_as_its_root_does_not_see_its_server() {
    let home = TempDir::new();
    let server = Launch::new().option("write_enable", "YES");
    let server = server.account("all", "secret", "/".as_ref()).start();
    let mut control = server.login("all", "secret");
    home.file("file", "seen");
    let path = home.path().join("file").display().to_string();
    assert_eq!(control.retrieve(&path), b"seen");
    let pid = server.pid();
    for name in [
        "/proc/self/status".to_owned(),
        "/proc/version".to_owned(),
        "/proc/thread-self/environ".to_owned(),
        format!("/proc/{pid}/maps"),
        format!("/proc/{pid}/root{path}"),
        format!("/proc/self/root{path}"),
        "/proc/self/fd/0".to_owned(),
        "/dev/fd/0".to_owned(),
        "/dev/stdin".to_owned(),
        "/sys/kernel/uevent_seqnum".to_owned(),
        "/proc/self/exe".to_owned(),
    ] {
        for verb in [
            "RETR",
            "SIZE",
            "MDTM",
            "HASH",
            "SITE CPFR",
            "MLST",
            "STOR",
            "LIST",
        ] {
            let (said, code) = say(&mut control, format!("{verb} {name}").as_bytes());
            // A link that leads nowhere is listed as such.
            let link = name.starts_with("/dev") && matches!(verb, "MLST" | "LIST");
            assert!(
                code >= 400 || link,
                "{verb} {name}: {}",
                said.escape_ascii()
            );
        }
    }
    for line in [
        "CWD /proc",
        "CWD /sys",
        "NLST /proc",
        "MLSD /proc/self",
        "NLST /proc/self/*",
    ] {
        let (said, code) = say(&mut control, line.as_bytes());
        assert!(code >= 400, "{line}: {}", said.escape_ascii());
    }
}

#[test]
fn a_root_on_proc_is_served_and_its_magic_links_are_not() {
    let launch = Launch::new().account("proc", "secret", "/proc".as_ref());
    let server = launch.start();
    let mut control = server.login("proc", "secret");
    let version = fs::read("/proc/version").unwrap();
    assert_eq!(control.retrieve("version"), version);
    control.command("CWD self", 250);
    assert!(control.listing("NLST").iter().any(|name| name == "status"));
    let outside = Outside::new();
    let path = outside.path().display().to_string();
    for top in [
        format!("/self/root{path}"),
        format!("root{path}"),
        format!("cwd/../../../../..{path}"),
        format!("/1/root{path}"),
        "fd/0".to_owned(),
        "exe".to_owned(),
    ] {
        for trial in trials()
            .into_iter()
            .filter(|trial| trial.0 == Effect::Tells)
        {
            fails(&mut control, trial, top.as_bytes(), &outside);
        }
        control.command("CWD /self", 250);
    }
    for name in ["exe", "fd/0", "fd/1", "cwd", "root", "ns/mnt"] {
        let (said, code) = say(&mut control, format!("RETR {name}").as_bytes());
        assert!(code >= 400, "{name}: {}", said.escape_ascii());
    }
}

#[test]
fn furnishing_leaves_the_mount_points() {
    let home = TempDir::new();
    home.dir(KEPT);
    furnish(home.path());
    assert!(home.has(KEPT) && home.has("own"));
}
