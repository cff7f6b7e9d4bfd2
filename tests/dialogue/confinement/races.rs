//! A thread that swaps a directory for a link to the outside, and back, in one
//! step (renameat2, RENAME_EXCHANGE), while sessions work through its name.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::confinement::attack::say;
use crate::confinement::spelled::{account, furnish};
use crate::confinement::world::{Outside, marked};
use crate::support::control::Control;
use crate::support::server::Launch;

/// Exchanges there are at least.
const SWAPS: usize = 20_000;

/// Sessions at work.
const SESSIONS: usize = 4;

/// Rounds that each session makes through all lines at least.
const ROUNDS: usize = 12;

/// Lines that name what lies behind `flip`, which is a directory of the
/// session's with `secret`, `vault` and `empty` in it, or a link to such a
/// one outside. `{}` is the session's number.
const LINES: &[&str] = &[
    "RETR flip/secret",
    "RETR flip/deep/../secret",
    "SIZE flip/secret",
    "MDTM flip/secret",
    "HASH flip/secret",
    "XCRC flip/secret",
    "LIST flip",
    "LIST flip/",
    "LIST -aR flip/",
    "NLST flip/vault",
    "NLST flip/*/*",
    "MLSD flip",
    "MLST flip/secret",
    "STAT flip/vault",
    "DSIZ flip/vault",
    "STOR flip/new{}",
    "APPE flip/new{}",
    "STOR flip/secret",
    "STOU flip/new{}",
    "RNFR flip/new{}",
    "RNTO flip/old{}",
    "DELE flip/old{}",
    "MKD flip/made{}",
    "SITE MKDIR flip/made{}/deep",
    "SITE CHMOD 700 flip/made{}",
    "SITE CHMOD 666 flip/secret",
    "SITE RMDIR flip/made{}",
    "RMD flip/empty",
    "MKD flip/empty",
    "MFMT 20020202020202 flip/secret",
    "MFF UNIX.mode=0640; flip/secret",
    "SITE UTIME 200202020202 flip/vault",
    "SITE SYMLINK flip/secret flip/lead{}",
    "DELE flip/lead{}",
    "SITE CPFR flip/secret",
    "SITE CPTO loot{}",
    "RETR loot{}",
    "SITE CPFR own",
    "SITE CPTO flip/copy{}",
    "COMB flip/comb{} flip/copy{}",
    "DELE flip/comb{}",
    "CWD flip/vault",
    "NLST",
    "CWD ..",
    "LIST",
    "CWD /",
    "RNFR own",
    "RNTO flip/secret",
    "RNFR flip/vault",
    "RNTO taken{}",
    "RNFR taken{}",
    "RNTO flip/vault",
    // What has been used up.
    "STOR own",
    "SITE MKDIR flip/vault",
    "STOR flip/vault/file",
];

/// Exchanges two names in one step, as rename(2) cannot.
fn exchange(one: &Path, other: &Path) {
    let [one, other] = [one, other].map(|path| CString::new(path.as_os_str().as_bytes()).unwrap());
    // SAFETY: both names end in NUL and outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            one.as_ptr(),
            libc::AT_FDCWD,
            other.as_ptr(),
            libc::RENAME_EXCHANGE,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// What a session did: for each line how often it was obeyed and refused.
type Count = BTreeMap<&'static str, [usize; 2]>;

fn work(control: &mut Control, number: usize, outside: &Outside, swaps: &AtomicUsize) -> Count {
    let mut count = Count::new();
    let mut rounds = 0;
    while rounds < ROUNDS || swaps.load(Ordering::Relaxed) < SWAPS {
        rounds += 1;
        for line in LINES {
            let said = line.replace("{}", &number.to_string());
            let (all, code) = say(control, said.as_bytes());
            let told = outside.told_by(&all).map(<[u8]>::escape_ascii);
            assert!(told.is_none(), "{said}: {}", all.escape_ascii());
            count.entry(line).or_default()[usize::from(code >= 400)] += 1;
        }
    }
    count
}

fn race(launch: Launch) {
    let first = account(launch);
    let root = first.root.clone();
    furnish(&root);
    for name in ["flip/secret", "flip/vault/file", "flip/deep/file"] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "mine").unwrap();
    }
    fs::create_dir(root.join("flip/empty")).unwrap();
    let outside = Outside::new();
    // The link lies where the directory is while it does not.
    symlink(outside.path(), root.join("real")).unwrap();
    let (swaps, working) = (AtomicUsize::new(0), AtomicUsize::new(SESSIONS));
    let mut total = Count::new();
    std::thread::scope(|scope| {
        let begin = |number| {
            let server = &first.server;
            let (outside, swaps, working) = (&outside, &swaps, &working);
            scope.spawn(move || {
                let _leaving = Leaving(working);
                let mut control = server.login("ann", "secret");
                work(&mut control, number, outside, swaps)
            })
        };
        let sessions: Vec<_> = (0..SESSIONS).map(begin).collect();
        while working.load(Ordering::Relaxed) > 0 {
            exchange(&root.join("flip"), &root.join("real"));
            swaps.fetch_add(1, Ordering::Relaxed);
        }
        for session in sessions {
            for (line, [obeyed, refused]) in session.join().unwrap() {
                let sum = total.entry(line).or_default();
                *sum = [sum[0] + obeyed, sum[1] + refused];
            }
        }
    });
    let changes = outside.changes();
    assert!(changes.is_empty(), "{changes:#?}");
    assert!(marked(&root).is_empty(), "{:?}", marked(&root));
    assert!(swaps.load(Ordering::Relaxed) >= SWAPS);
    // It was a race only if both sides were met.
    for line in [
        "RETR flip/secret",
        "SIZE flip/secret",
        "MLSD flip",
        "STOR flip/new{}",
    ] {
        let [obeyed, refused] = total[line];
        assert!(obeyed > 0 && refused > 0, "{line}: {total:?}");
    }
}

/// Counts a thread out, whatever its end.
struct Leaving<'count>(&'count AtomicUsize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn swapping_a_directory_for_a_link_does_not_help() {
    race(Launch::new().without_landlock());
}

#[test]
fn swapping_a_directory_for_a_link_does_not_help_while_uploads_are_atomic() {
    race(
        Launch::new()
            .option("atomic_uploads", "YES")
            .without_landlock(),
    );
}
