//! Where the password is, and where it is not.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::thread;

use crate::Case;
use crate::answers::{attempt, granted};
use crate::processes::children;
use crate::world::{Authenticators, PASSWORD, World};

pub const CASES: &[Case] = &[
    (
        "no_command_line_or_environment_has_the_password",
        no_command_line_or_environment_has_the_password,
    ),
    (
        "the_authenticator_never_has_the_password",
        the_authenticator_never_has_the_password,
    ),
    (
        "nothing_of_it_goes_into_a_core_file",
        nothing_of_it_goes_into_a_core_file,
    ),
];

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

fn no_command_line_or_environment_has_the_password(world: &World, by: &Authenticators) {
    const WORD: &str = "Never-On-A-Command-Line";
    thread::scope(|scope| {
        let slow = scope.spawn(|| attempt(&by.odd, "slow", WORD));
        let checking = world.begun.number();
        let mut seen = 0;
        for entry in fs::read_dir("/proc").unwrap() {
            let path = entry.unwrap().path();
            for file in ["cmdline", "environ"] {
                if let Ok(bytes) = fs::read(path.join(file)) {
                    assert!(!contains(&bytes, WORD.as_bytes()), "{path:?}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 2);
        // While it is where it has to be.
        assert!(memory_has(checking, WORD.as_bytes()));
        world.waiting.release(1);
        granted(slow.join().unwrap());
    });
}

fn the_authenticator_never_has_the_password(world: &World, by: &Authenticators) {
    let word = PASSWORD.as_bytes();
    let found = granted(attempt(&by.sessions, &world.ann.name, PASSWORD));
    assert!(!memory_has(
        by.sessions.process_id(),
        &[word, b"\0"].concat()
    ));
    // Whoever stays with a session has forgotten it.
    let holders = children(by.sessions.process_id());
    assert!(!holders.is_empty());
    for holder in holders {
        assert!(!memory_has(
            holder,
            &[world.ann.name.as_bytes(), b"\0\0\0", word].concat()
        ));
    }
    drop(found);
}

/// Whether a process has these bytes anywhere it can write.
fn memory_has(process: i32, wanted: &[u8]) -> bool {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut found = false;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let range = line.split(' ').next().unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        let (start, end) = (number(start), number(end));
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        if memory.read_exact_at(&mut bytes, start).is_ok() {
            found |= contains(&bytes, wanted);
        }
    }
    found
}

fn nothing_of_it_goes_into_a_core_file(_: &World, by: &Authenticators) {
    let process = by.odd.process_id();
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"]);
}
