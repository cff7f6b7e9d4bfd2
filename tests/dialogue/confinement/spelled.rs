//! Every command with every spelling, by every kind of user.

use std::fs;
use std::path::{Path, PathBuf};

use crate::confinement::attack::{fails, play};
use crate::confinement::commands::{Effect, trials};
use crate::confinement::spellings::{self, Spelling};
use crate::confinement::world::{Outside, marked, plant, state};
use crate::support::control::Control;
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;

/// Where something may be mounted, for the server alone.
pub const KEPT: &str = "proc";

/// What the session has of its own.
pub fn furnish(root: &Path) {
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(KEPT) {
            continue;
        }
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
    }
    fs::create_dir(root.join("inside")).unwrap();
    replenish(root);
}

/// Those files that trials use up.
pub fn replenish(root: &Path) {
    for name in ["own", "part"] {
        // Some file systems write at once what replaces a file.
        if fs::read(root.join(name)).ok().as_deref() != Some(name.as_bytes()) {
            let _ = fs::remove_file(root.join(name));
            fs::write(root.join(name), name).unwrap();
        }
    }
}

/// Tries all commands with all of `spellings`.
fn try_all(control: &mut Control, root: &Path, outside: &Outside, spellings: &[Spelling]) {
    for spelling in spellings {
        furnish(root);
        spelling.lay(root);
        for trial in trials() {
            fails(control, trial, &spelling.top, outside);
            if trial.0 == Effect::Changes {
                replenish(root);
                spelling.lay(root);
            }
        }
        let marked = marked(root);
        assert!(
            marked.is_empty(),
            "{}: {marked:?}",
            spelling.top.escape_ascii()
        );
    }
    control.goes_on();
}

/// A session, the directory that is its root, and what both live in.
pub struct User {
    pub control: Control,
    pub root: PathBuf,
    pub server: Server,
    _home: Option<TempDir>,
}

impl User {
    /// Logs in to a server whose sessions of this user have the root `root`.
    pub fn of(server: Server, name: &str, password: &str, root: PathBuf) -> User {
        User {
            control: server.login(name, password),
            root,
            server,
            _home: None,
        }
    }
}

/// A virtual account with all rights.
pub fn account(launch: Launch) -> User {
    account_at(TempDir::new(), launch)
}

pub fn account_at(home: TempDir, launch: Launch) -> User {
    let server = launch
        .option("write_enable", "YES")
        .option("mdtm_write", "YES")
        .option("ls_recurse_enable", "YES")
        .account("ann", "secret", home.path())
        .start();
    User {
        control: server.login("ann", "secret"),
        root: home.path().to_owned(),
        server,
        _home: Some(home),
    }
}

fn anonymous(launch: Launch) -> User {
    let launch = launch.writable().option("ls_recurse_enable", "YES");
    let server = launch.start();
    User {
        control: server.anonymous(),
        root: server.root().path().to_owned(),
        server,
        _home: None,
    }
}

/// Users at once, since most of the time is spent in waiting for each other.
const USERS: usize = 4;

/// Tries everything with users of one kind, each of whom has a share of the
/// spellings. `outside` is theirs to change, were it not outside.
pub fn try_everything(outside: &Outside, user: impl Fn() -> User + Sync) {
    let name = outside.path().to_str().unwrap();
    let (texts, links) = (spellings::texts(name), spellings::links(name));
    share(outside, texts.into_iter().chain(links).collect(), user);
}

fn share(outside: &Outside, all: Vec<Spelling>, user: impl Fn() -> User + Sync) {
    std::thread::scope(|scope| {
        for part in all.chunks(all.len().div_ceil(USERS)) {
            let user = &user;
            scope.spawn(move || {
                let mut user = user();
                try_all(&mut user.control, &user.root, outside, part);
            });
        }
    });
}

/// Who writes what the table promises: else it would prove nothing.
#[test]
fn where_the_pathname_may_lead_every_trial_tells_or_changes_something() {
    for atomic in ["NO", "YES"] {
        let mut user = account(Launch::new().option("atomic_uploads", atomic));
        let outside = Outside::new();
        let real = user.root.join("real");
        for trial in trials() {
            furnish(&user.root);
            plant(&real);
            let before = state(&real);
            let outcome = play(&mut user.control, trial, b"/real", outside.group());
            let changed = state(&real) != before;
            let told = outside.told_by(&outcome.said).is_some();
            let holds = match trial.0 {
                Effect::Tells => told,
                Effect::Changes => changed,
                Effect::Succeeds => outcome.last < 400,
                Effect::Nothing => !told && !changed,
            };
            let said = outcome.said.escape_ascii();
            assert!(holds, "{trial:?}, atomic_uploads={atomic}: {said}");
        }
    }
}

#[test]
fn no_spelling_leads_an_account_out_with_openat2_alone() {
    try_everything(&Outside::new(), || {
        let user = account(Launch::new().without_landlock());
        user.server.wait_for_log("no Landlock");
        user
    });
}

#[test]
fn no_spelling_leads_an_account_out_while_uploads_are_atomic() {
    try_everything(&Outside::new(), || {
        account(
            Launch::new()
                .without_landlock()
                .option("atomic_uploads", "YES"),
        )
    });
}

#[test]
fn no_spelling_leads_an_anonymous_user_out() {
    try_everything(&Outside::new(), || {
        anonymous(Launch::new().option("atomic_uploads", "YES"))
    });
}

#[test]
fn no_charset_hides_a_way_out() {
    // One in which a second octet may be a backslash, and one in which every
    // octet is something.
    for charset in ["Shift_JIS", "windows-1252"] {
        let outside = Outside::new();
        let texts = spellings::texts(outside.path().to_str().unwrap());
        share(&outside, texts, || {
            account(Launch::new().option("client_charset", charset))
        });
    }
}
