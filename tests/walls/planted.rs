//! An intruder who runs code of his own in a session's worker, planted there
//! by a preloaded library (`planted.c`): what he tries is refused by the walls
//! that should, in every combination of walls.

use crate::call;
use crate::support::accounts::{Account, PASSWORD, Service, run};
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// Which walls stand.
#[derive(Clone, Copy, Debug)]
struct Walls {
    identity: bool,
    landlock: bool,
    seccomp: bool,
}

/// An attack, which of identity, Landlock and seccomp refuse it, and where
/// ironftpd-security(7) says so: the row, and the row's own words.
type Attack = (&'static str, [bool; 3], &'static str);

const ATTACKS: [Attack; 13] = [
    (
        "shadow",
        [true, true, false],
        "to read /etc/shadow Ta yes Ta yes Ta no",
    ),
    (
        "sibling",
        [true, true, false],
        "to read another account's files Ta by mode Ta yes Ta no",
    ),
    (
        "write",
        [false, true, false],
        "to write where only reading is meant Ta by mode Ta yes Ta no",
    ),
    (
        "exec",
        [false, true, true],
        "to execute a program Ta no Ta yes Ta yes",
    ),
    (
        "setuid",
        [true, false, true],
        "to become another user Ta yes Ta no Ta yes",
    ),
    (
        "kill",
        [true, true, true],
        "to signal or trace another process Ta by user Ta yes Ta yes",
    ),
    (
        "ptrace",
        [true, true, true],
        "to signal or trace another process Ta by user Ta yes Ta yes",
    ),
    (
        "memory",
        [true, true, false],
        "to look into another process's memory Ta by user Ta yes Ta no",
    ),
    (
        "unix",
        [false, false, true],
        "to open a socket that is not TCP Ta raw only Ta abstract Ta yes",
    ),
    (
        "raw",
        [true, false, true],
        "to open a socket that is not TCP Ta raw only Ta abstract Ta yes",
    ),
    (
        "mount",
        [true, true, true],
        "to mount a file system Ta yes Ta yes Ta yes",
    ),
    (
        "open",
        [false, false, true],
        "to open a file past openat2 Ta no Ta no Ta yes",
    ),
    (
        "rare",
        [false, false, true],
        "to use a hole in a rare system call Ta no Ta no Ta yes",
    ),
];

/// Everything the attacks need, and the accounts of intruder and sibling.
struct Scene {
    intruder: Account,
    _sibling: Account,
    homes: [TempDir; 2],
    library: PathBuf,
    directory: TempDir,
    victim: Child,
    service: Service,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

fn account(word: &str) -> (Account, TempDir) {
    let home = TempDir::new();
    let path = home.path().to_str().unwrap().to_owned();
    let account = Account::user(word, &path, &[]);
    home.file("own", "own");
    run("chown", &["-R", &format!("{}:", account.name), &path]);
    run("chmod", &["755", &path]);
    (account, home)
}

impl Scene {
    fn new() -> Scene {
        let directory = TempDir::new();
        let library = directory.path().join("planted.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/walls/planted.c");
        let (out, source) = (library.to_str().unwrap(), source.to_str().unwrap());
        run("cc", &["-shared", "-fPIC", "-o", out, source, "-ldl"]);
        let (intruder, home) = account("intruder");
        let (sibling, other) = account("sibling");
        run(
            "chmod",
            &["600", other.path().join("own").to_str().unwrap()],
        );
        Scene {
            intruder,
            _sibling: sibling,
            homes: [home, other],
            library,
            directory,
            victim: Command::new("sleep").arg("1000").spawn().unwrap(),
            service: Service::new(
                "planted",
                "auth required pam_unix.so\naccount required pam_unix.so\n",
            ),
        }
    }

    /// A server with the intruder in it, behind these walls.
    fn server(&self, walls: Walls) -> Server {
        let results = self
            .directory
            .file("results", [0; 4096].as_slice())
            .display()
            .to_string();
        let [own, other] = &self.homes;
        let mut words = vec![
            "env".to_owned(),
            format!("LD_PRELOAD={}", self.library.display()),
            format!("PLANT_RESULTS={results}"),
            format!("PLANT_WRITE={}", own.path().join("own").display()),
            format!("PLANT_ROOT={}", own.path().display()),
            format!("PLANT_SIBLING={}", other.path().join("own").display()),
            format!("PLANT_VICTIM={}", self.victim.id()),
        ];
        if !walls.landlock {
            words.push("PLANT_NO_LANDLOCK=1".to_owned());
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let yes_or_no = |yes| if yes { "YES" } else { "NO" };
        let mut server = Launch::new()
            .option("anon_root", own.path().to_str().unwrap())
            .option("local_enable", "YES")
            .option("chroot_local_user", "YES")
            .option("pam_service_name", &self.service.name)
            .option("run_as_launching_user", yes_or_no(!walls.identity))
            .option("seccomp_sandbox", yes_or_no(walls.seccomp))
            .option("seccomp_strict", "NO")
            .through(&words)
            .start();
        server.expect_refusals();
        server
    }

    /// What came of every attack: the errno, 0 for success.
    fn attack(&self, walls: Walls) -> Vec<(String, i32)> {
        let mut server = self.server(walls);
        // Root, without the wall of identity: anonymous users of a server
        // that stays who it is.
        let mut control = if walls.identity {
            server.login(&self.intruder.name, PASSWORD)
        } else {
            server.anonymous()
        };
        for (name, ..) in ATTACKS {
            control.command(format!("CWD plant-{name}"), 550);
        }
        control.command("QUIT", 221);
        let log = server.whole_log();
        let told = log.contains("system call refused by seccomp: setresuid (");
        assert_eq!(told, walls.seccomp, "{walls:?}\n{log}");
        let results = self.directory.read("results");
        let results = String::from_utf8(results).unwrap();
        let results = results.trim_end_matches('\0').lines();
        results
            .map(|line| {
                let (name, errno) = line.split_once(' ').unwrap();
                (name.to_owned(), errno.parse().unwrap())
            })
            .collect()
    }
}

/// The kernel's version of Landlock.
fn landlock_version() -> i64 {
    call(libc::SYS_landlock_create_ruleset, [0, 0, 1, 0, 0, 0]).unwrap_or(0)
}

#[test]
fn what_an_intruder_tries_is_refused_by_the_walls_that_should() {
    if !is_root() {
        return left_out("an intruder among users takes root");
    }
    if landlock_version() < 6 {
        return left_out("this kernel's Landlock knows no signals");
    }
    let scene = Scene::new();
    for bits in 0..8 {
        let walls = Walls {
            identity: bits & 1 != 0,
            landlock: bits & 2 != 0,
            seccomp: bits & 4 != 0,
        };
        let standing = [walls.identity, walls.landlock, walls.seccomp];
        let came = scene.attack(walls);
        assert_eq!(came.len(), ATTACKS.len(), "{walls:?}: {came:?}");
        for ((name, refusing, _), (said, errno)) in ATTACKS.iter().zip(came) {
            assert_eq!(*name, said);
            let wanted = refusing
                .iter()
                .zip(standing)
                .any(|(no, there)| *no && there);
            let refused = [libc::EPERM, libc::EACCES].contains(&errno);
            assert_eq!(refused, wanted, "{name}, {walls:?}: errno {errno}");
        }
    }
}

#[test]
fn the_manual_says_the_same() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/ironftpd-security.7");
    let manual = std::fs::read_to_string(manual).unwrap();
    for (name, refusing, row) in ATTACKS {
        assert!(manual.contains(&format!(".It {row}\n")), "{row}");
        // A plain yes or no is what the attack met.
        let cells = row.split(" Ta ").skip(1).zip(refusing);
        for (cell, refused) in cells {
            let said = match cell {
                "yes" => true,
                "no" => false,
                _ => continue,
            };
            assert_eq!(said, refused, "{name}: {row}");
        }
    }
}
