//! What the authenticator is to the system: one process, alone, that leaves
//! nothing behind and does not outlive the server.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ironftpd::auth::Authenticator;
use ironftpd::auth::authenticator::{Settings, StartError};
use ironftpd::sys::fork::Process;
use ironftpd::sys::poll::{Interest, READABLE, poll};

use crate::Case;
use crate::answers::{PEER, attempt, denied, granted};
use crate::support::PATIENCE;
use crate::world::{Authenticators, PASSWORD, World, secret};

pub const CASES: &[Case] = &[
    (
        "it_has_a_name_and_only_its_own_descriptors",
        it_has_a_name_and_only_its_own_descriptors,
    ),
    (
        "no_descriptor_and_no_process_is_left_after_many_attempts",
        no_descriptor_and_no_process_is_left_after_many_attempts,
    ),
    (
        "it_does_not_outlive_the_server",
        it_does_not_outlive_the_server,
    ),
    (
        "signals_meant_for_the_server_do_not_end_it",
        signals_meant_for_the_server_do_not_end_it,
    ),
    (
        "it_is_not_started_beside_threads",
        it_is_not_started_beside_threads,
    ),
];

pub fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// Waits until something holds; for what no descriptor tells.
#[track_caller]
pub fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it never came to that");
        thread::yield_now();
    }
}

/// Waits until a process has ended.
#[track_caller]
pub fn gone(process: i32) {
    if let Ok(watch) = Process::from_bytes(process.to_ne_bytes()).watch() {
        let mut interest = [Interest::new(watch.as_fd(), READABLE)];
        assert!(
            poll(&mut interest, Some(PATIENCE)).unwrap(),
            "{process} goes on"
        );
    }
}

/// The children of a process, zombies among them.
pub fn children(process: i32) -> Vec<i32> {
    let all = fs::read_dir("/proc").unwrap();
    let numbers = all.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    numbers
        .filter(|number| parent(*number) == Some(process))
        .collect()
}

fn parent(process: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // pid (name) state ppid
    let after = stat.rsplit_once(')')?.1;
    after.split_whitespace().nth(1)?.parse().ok()
}

/// What the descriptors of a process lead to, those of 0 to 2 left out.
fn descriptors(process: i32) -> Vec<String> {
    let all = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let mut found = Vec::new();
    for entry in all {
        let path = entry.unwrap().path();
        let number: u32 = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        if number > 2
            && let Ok(to) = fs::read_link(&path)
        {
            found.push(to.to_string_lossy().into_owned());
        }
    }
    found
}

fn it_has_a_name_and_only_its_own_descriptors(world: &World, by: &Authenticators) {
    let process = by.unix.process_id();
    let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap();
    assert_eq!(name, "ironftpd-auth\n");
    let environment = fs::read(format!("/proc/{process}/status")).unwrap();
    let status = String::from_utf8(environment).unwrap();
    assert!(status.contains("Umask:\t0077"), "{status}");
    // The channel of calls, the two ends of reports, the signal.
    let found = descriptors(process);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.contains(&"anon_inode:[signalfd]".to_owned()));
    let listening: Vec<_> = (0..3)
        .map(|number| fs::read_link(format!("/proc/{process}/fd/{number}")).unwrap())
        .collect();
    assert_eq!(listening, ["/dev/null"; 3].map(std::path::PathBuf::from));
    // One that checks has its channel and the reports.
    thread::scope(|scope| {
        let slow = scope.spawn(|| attempt(&by.odd, "slow", "x"));
        let checking = world.begun.number();
        until(|| descriptors(checking).len() <= 3);
        let found = descriptors(checking);
        assert!(!found.iter().any(|to| to.contains("signalfd")), "{found:?}");
        world.waiting.release(1);
        granted(slow.join().unwrap());
    });
}

fn no_descriptor_and_no_process_is_left_after_many_attempts(world: &World, by: &Authenticators) {
    let own = i32::try_from(std::process::id()).unwrap();
    let places = [own, by.odd.process_id(), by.sessions.process_id()];
    let settled = || {
        places[1..]
            .iter()
            .all(|process| children(*process).is_empty())
    };
    until(settled);
    let before = places.map(|process| descriptors(process).len());
    for _ in 0..20 {
        granted(attempt(&by.odd, "somebody", "x"));
        denied(attempt(&by.odd, "crashes", "x"));
        denied(attempt(&by.odd, "quits", "x"));
        granted(attempt(&by.sessions, &world.ann.name, PASSWORD));
        denied(attempt(&by.sessions, &world.ann.name, "wrong"));
    }
    until(settled);
    assert_eq!(places.map(|process| descriptors(process).len()), before);
}

/// A server in a process of its own, with an authenticator and an attempt
/// that hangs: says the authenticator's number and stays. Never returns.
pub fn hold(service: &str) -> ! {
    let settings = Settings {
        service: service.as_bytes().to_vec(),
        ..Settings::default()
    };
    let authenticator = Authenticator::start(&settings).unwrap();
    println!("{}", authenticator.process_id());
    std::io::stdout().flush().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let deadline = Instant::now() + Duration::from_secs(3600);
            let _ = authenticator.attempt(b"hangs", &secret("x"), PEER, deadline);
        });
        // Until the test ends it, or has ended.
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0)
    })
}

fn it_does_not_outlive_the_server(world: &World, _: &Authenticators) {
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--hold", &world.odd.name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(server.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let authenticator: i32 = line.trim().parse().unwrap();
    let hanging = world.begun.number();
    server.kill().unwrap();
    server.wait().unwrap();
    gone(authenticator);
    gone(hanging);
}

fn signals_meant_for_the_server_do_not_end_it(_: &World, by: &Authenticators) {
    let process = by.odd.process_id().to_string();
    for signal in ["-TERM", "-INT", "-HUP", "-QUIT", "-PIPE"] {
        let sent = Command::new("kill")
            .args([signal, &process])
            .status()
            .unwrap();
        assert!(sent.success());
    }
    granted(attempt(&by.odd, "somebody", "x"));
}

fn it_is_not_started_beside_threads(world: &World, _: &Authenticators) {
    thread::scope(|scope| {
        let own = fs::metadata("/proc/self/task").unwrap().nlink();
        assert_eq!(own, 3, "two of a directory, one of the only thread");
        let other = scope.spawn(|| Authenticator::start(&world.settings(&world.unix)).err());
        match other.join().unwrap() {
            Some(StartError::System(error)) => assert_eq!(error.errno(), libc::EBUSY),
            other => panic!("{other:?}"),
        }
    });
}
