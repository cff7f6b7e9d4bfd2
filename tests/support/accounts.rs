//! What tests change of the machine's users, all of it taken back at the end:
//! accounts, files in /etc/pam.d, and PAM modules of the tests' own. Only root
//! can.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use ironftpd::sys::crypt;

use super::control::Control;
use super::server::{Launch, Server};
use super::temp::TempDir;

/// The password of every account that has one.
pub const PASSWORD: &str = "Tr1ckle&Quench";

/// A PAM file that lets everybody in.
pub const LENIENT: &str = "auth required pam_permit.so\naccount required pam_permit.so\n";

/// A PAM file that asks the password file alone.
pub const PASSWORD_FILE: &str = "auth required pam_unix.so\naccount required pam_unix.so\n";

/// useradd(8) and the like wait whole seconds for each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn output(program: &str, arguments: &[&str]) -> std::io::Result<Output> {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    Command::new(program).args(arguments).output()
}

/// Runs a program to its end; it must succeed.
#[track_caller]
pub fn run(program: &str, arguments: &[&str]) {
    let output = output(program, arguments);
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {words}");
}

/// A number that no other name of this process has.
fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An account of the system, or a group, removed when dropped.
pub struct Account {
    pub name: String,
    remove: &'static str,
}

impl Account {
    /// An account whose name ends in `word`, with the home directory `home`,
    /// which is not made, and further arguments of useradd(8).
    pub fn user(word: &str, home: &str, arguments: &[&str]) -> Account {
        Account::user_in(word, |_| home.to_owned(), arguments)
    }

    /// The same, with a home that goes by the name.
    pub fn user_in(word: &str, home: impl Fn(&str) -> String, arguments: &[&str]) -> Account {
        let name = format!("ift{}x{}{word}", id(), number());
        let home = home(&name);
        let setting = crypt::new_setting("$6$", 1000).unwrap();
        let hash = crypt::hash(PASSWORD.as_bytes(), &setting).unwrap();
        let hash = String::from_utf8(hash).unwrap();
        let mut all = vec!["-M", "-d", &home, "-p", &hash];
        all.extend(arguments);
        all.push(&name);
        run("useradd", &all);
        Account {
            name,
            remove: "userdel",
        }
    }

    /// The group of such a name.
    pub fn group(word: &str) -> Account {
        let name = format!("ift{}x{}{word}", id(), number());
        run("groupadd", &[&name]);
        Account {
            name,
            remove: "groupdel",
        }
    }

    /// A number of the account's, as id(1) prints it.
    pub fn number(&self, option: &str) -> u32 {
        let output = Command::new("id").args([option, &self.name]).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.trim().parse().unwrap()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = output(self.remove, &[&self.name]);
    }
}

/// An account and the home it has, which nobody else may enter.
pub struct User {
    pub account: Account,
    pub home: TempDir,
}

impl User {
    pub fn new(word: &str) -> User {
        let home = TempDir::new();
        let path = home.path().to_str().unwrap().to_owned();
        let account = Account::user(word, &path, &["-s", "/bin/sh"]);
        run("chown", &[&format!("{}:", account.name), &path]);
        run("chmod", &["700", &path]);
        User { account, home }
    }

    /// Logs in with the right password.
    #[track_caller]
    pub fn log_in(&self, server: &Server) -> Control {
        server.login(&self.account.name, PASSWORD)
    }
}

/// A file in /etc/pam.d, removed when dropped.
pub struct Service {
    pub name: String,
}

impl Service {
    pub fn new(word: &str, lines: &str) -> Service {
        let name = format!("ironftpd-test-{}-{}-{word}", id(), number());
        let service = Service { name };
        service.rewrite(lines);
        service
    }

    pub fn rewrite(&self, lines: &str) {
        fs::write(Path::new("/etc/pam.d").join(&self.name), lines).unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = fs::remove_file(Path::new("/etc/pam.d").join(&self.name));
    }
}

/// Compiles tests/authenticator/module.c with `flag` into `directory`, and
/// gives the module.
pub fn module(directory: &TempDir, flag: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authenticator/module.c");
    let module = directory.path().join(format!("pam{flag}.so"));
    let (from, to) = (source.to_str().unwrap(), module.to_str().unwrap());
    run(
        "cc",
        &["-shared", "-fPIC", "-pthread", flag, "-o", to, from],
    );
    module
}

/// A server that becomes nobody, for users of the system whom `service`
/// checks.
pub fn launch(service: &Service) -> Launch {
    let launch = Launch::new()
        .option("run_as_launching_user", "NO")
        .option("local_enable", "YES")
        .option("pam_service_name", &service.name)
        .option("write_enable", "YES")
        .option("local_umask", "027")
        .option("chroot_local_user", "YES");
    // Not written to by anonymous users, who then need no user of their own.
    launch.root().close_to_others();
    launch
}

/// A copy of what is needed of /etc, to be laid over it ([`with_files_over`])
/// with users of its own in `passwd`. A file laid over /etc/passwd alone would
/// be gone as soon as another test adds a user to the system.
pub fn etc_with_users(directory: &TempDir, passwd: &str) -> PathBuf {
    for folder in ["", "pam.d", "security"] {
        let copy = directory.dir(Path::new("etc").join(folder));
        run("chmod", &["755", copy.to_str().unwrap()]);
        for entry in fs::read_dir(Path::new("/etc").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            // The locks and copies of other tests' tools come and go.
            if path.is_file() {
                let _ = fs::copy(&path, copy.join(path.file_name().unwrap()));
            }
        }
    }
    fs::write(directory.path().join("etc/passwd"), passwd).unwrap();
    directory.path().join("etc")
}

/// Words for [`Launch::through`] that lay `files` over others of the machine,
/// for the server alone: a name and what it shows instead.
pub fn with_files_over(files: &[(&Path, &str)]) -> Vec<String> {
    let mut script = String::new();
    let mut words: Vec<String> = ["unshare", "--mount", "sh", "-ec"].map(String::from).into();
    for (instead, file) in files {
        script.push_str(&format!("mount --bind '{}' '{file}'\n", instead.display()));
    }
    words.push(script + "exec \"$@\"");
    words.push("sh".to_owned());
    words
}

/// Whether this machine lets root lay files over others for one process.
pub fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["--mount", "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}

/// Starts a server whose virtual users ann and bob have the folder `home` of
/// its root for their own, and ann these options (user_config_dir).
pub fn start_for_ann_and_bob(launch: Launch, options_of_ann: &str) -> Server {
    launch.root().file("users/ann", options_of_ann);
    let home = launch.root().path().join("home");
    let users = launch.root().path().join("users");
    launch
        .option("user_config_dir", users.to_str().unwrap())
        .account("ann", "secret", &home)
        .account("bob", "secret", &home)
        .start()
}
