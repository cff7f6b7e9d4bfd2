//! Hundreds of sessions of different users at once, which share and change
//! workers all the time: nobody ever has another's ids, groups, umask or
//! working directory.
//!
//! What each kind of user is like is in `cast`.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use crate::cast::{Cast, Kind, Party};
use crate::support::accounts::PASSWORD;
use crate::support::control::Control;
use crate::support::server::Server;
use crate::support::{PATIENCE, is_root, left_out};

/// Sessions of each party, and the threads that play all of them.
const EACH: usize = 25;
const THREADS: usize = 16;

/// One session, and what it should have made.
struct Visit<'a> {
    party: &'a Party,
    number: usize,
    control: Control,
    made: Vec<Made>,
}

/// Whose session failed in which scene.
struct Told<'a>(&'a str, usize, usize);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let Told(login, number, scene) = self;
        if thread::panicking() {
            eprintln!("{login}, session {number}, scene {scene}");
        }
    }
}

struct Made {
    path: PathBuf,
    owner: (u32, u32),
    mode: u32,
    content: Option<String>,
    modified: Option<i64>,
}

impl<'a> Visit<'a> {
    fn new(party: &'a Party, number: usize, server: &Server) -> Visit<'a> {
        let mut control = server.connect();
        control.line(format!("USER {}", party.login()));
        Visit {
            party,
            number,
            control,
            made: Vec::new(),
        }
    }

    /// The directory of its own.
    fn place(&self) -> String {
        format!("s{}", self.number)
    }

    /// Given with SITE UMASK, which is not for all.
    fn mask(&self) -> u32 {
        if self.party.kind.gives_away() {
            return self.party.umask;
        }
        [0, 0o022, 0o077, 0o027, 0o137, 0o013][self.number % 6]
    }

    /// Given with SITE CHMOD.
    fn mode(&self) -> u32 {
        [0o600, 0o640, 0o604, 0o711, 0o666, 0o444][(self.number / 2) % 6]
    }

    /// Given with MFMT: seconds since 1970 from 1 January 2001 on.
    fn moment(&self) -> i64 {
        978_307_200 + i64::try_from(self.number).unwrap()
    }

    fn text(&self, word: &str) -> String {
        format!("{word} {} {}\n", self.party.login(), self.number)
    }

    fn stands_in(&mut self, below: &str) {
        let words = self.control.command("PWD", 257).words();
        let start = self.party.start.trim_end_matches('/');
        let here = format!("{start}{below}");
        let here = if here.is_empty() { "/" } else { &here };
        assert!(words.starts_with(&format!("\"{here}\"")), "{words}: {here}");
    }

    fn made(&mut self, name: &str, mode: u32, content: Option<String>) {
        let party = self.party;
        let mut path = party.home.join(self.place());
        if !name.is_empty() {
            path.push(name);
        }
        let gives = party.kind.gives_away() && content.is_some();
        self.made.push(Made {
            path,
            owner: (if gives { party.heir } else { party.uid }, party.gid),
            mode: if gives { party.heirs_mode } else { mode },
            content,
            modified: None,
        });
    }

    fn entry(&mut self, name: &str) -> &mut Made {
        let found = self.made.iter_mut().find(|made| made.path.ends_with(name));
        found.unwrap()
    }

    fn store(&mut self, name: &str, mask: u32) {
        let text = self.text(name);
        self.control.store(name, text.as_bytes());
        self.made(name, self.party.open_mode & !mask, Some(text));
    }

    /// A file is read, or it is not there for this user.
    fn reads(&mut self, name: &str, may: bool) {
        if may {
            assert_eq!(self.control.retrieve(name), b"for some\n", "{name}");
        } else {
            self.control.refused(format!("RETR {name}"), &[550]);
        }
    }

    /// The scene of this number, which is short: the others of the thread
    /// come in between.
    fn play(&mut self, scene: usize) {
        let _told = Told(self.party.login(), self.number, scene);
        let (place, mask, umask) = (self.place(), self.mask(), self.party.umask);
        match scene {
            0 => {
                self.control.expect(331);
                self.control.line(format!("PASS {PASSWORD}"));
            }
            1 => {
                self.control.expect(230);
                self.stands_in("");
            }
            2 => {
                self.control.command(format!("MKD {place}"), 257);
                self.made("", 0o777 & !umask, None);
                self.control.command(format!("CWD {place}"), 250);
            }
            3 => self.store("first", umask),
            4 => {
                let code = if self.party.kind.gives_away() {
                    550
                } else {
                    200
                };
                self.control.command(format!("SITE UMASK {mask:03o}"), code);
            }
            5 => self.store("second", mask),
            6 => {
                self.control.command("MKD sub", 257);
                self.made("sub", 0o777 & !mask, None);
                self.control.command("RNFR first", 350);
            }
            7 => {
                self.stands_in(&format!("/{place}"));
                self.control.command("RNFR first", 350);
            }
            8 => {
                self.control.command("RNTO renamed", 250);
                self.entry("first").path.set_file_name("renamed");
            }
            9 => self.changes_what_it_has(),
            10 => {
                if !self.party.kind.gives_away() {
                    let words = self.control.command("SITE UMASK", 200).words();
                    assert!(words.ends_with(&format!(" {mask:03o}")), "{words}");
                }
                self.store("third", mask);
            }
            11 => {
                self.control.command("CDUP", 250);
                self.looks_around();
            }
            12 => self.visits_others(),
            _ => self.stands_in(""),
        }
    }

    fn changes_what_it_has(&mut self) {
        if self.party.kind.gives_away() {
            // The files are the heir's.
            self.control.refused("APPE renamed", &[553]);
            self.control
                .command_any("MFMT 20010101000000 renamed", &[550]);
            self.control.command("SITE CHMOD 666 second", 550);
            return;
        }
        let (mode, moment) = (self.mode(), self.moment());
        let more = self.text("more");
        self.control.give("APPE renamed", more.as_bytes());
        let (minutes, seconds) = (self.number / 60, self.number % 60);
        let time = format!("2001010100{minutes:02}{seconds:02}");
        self.control.command(format!("MFMT {time} renamed"), 213);
        let renamed = self.entry("renamed");
        renamed.content.as_mut().unwrap().push_str(&more);
        renamed.modified = Some(moment);
        self.control
            .command(format!("SITE CHMOD {mode:03o} second"), 200);
        self.entry("second").mode = mode;
        let foreign = self.party.foreign_group;
        self.control
            .command(format!("SITE CHGRP {foreign} second"), 550);
        for group in self.party.groups.clone() {
            self.control
                .command(format!("SITE CHGRP {group} second"), 200);
            self.entry("second").owner.1 = group;
        }
    }

    fn looks_around(&mut self) {
        let party = self.party;
        self.reads("own", true);
        for (name, group) in &party.common_files {
            self.reads(name, party.groups.contains(group));
        }
        self.reads("siblings", false);
        self.control.refused("STOR siblings", &[553]);
        self.control.command("DELE /etc/passwd", 550);
    }

    fn visits_others(&mut self) {
        let Some(sibling) = &self.party.sibling else {
            return;
        };
        let sibling = sibling.display();
        if self.party.kind != Kind::Free {
            self.control.command(format!("CWD {sibling}"), 550);
            return;
        }
        self.reads(&format!("{sibling}/own"), false);
        for (name, group) in &self.party.common_files {
            let may = self.party.groups.contains(group);
            self.reads(&format!("{sibling}/{name}"), may);
        }
        self.control.refused(format!("STOR {sibling}/mine"), &[553]);
        self.control.command(format!("MKD {sibling}/mine"), 550);
    }
}

/// Plays some scenes of all sessions, each thread those of some: one scene of
/// every session before the next of any.
fn play(visits: &mut [Visit<'_>], scenes: Range<usize>) {
    let share = visits.len().div_ceil(THREADS);
    thread::scope(|scope| {
        for part in visits.chunks_mut(share) {
            let scenes = scenes.clone();
            scope.spawn(move || {
                for scene in scenes {
                    part.iter_mut().for_each(|visit| visit.play(scene));
                }
            });
        }
    });
}

/// How many workers the server has.
fn workers(server: &Server) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    // One that has just ended has no name any more.
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm"));
    tasks
        .filter_map(|task| name(task.unwrap()).ok())
        .filter(|name| name.trim_end() == "worker")
        .count()
}

/// Waits until the sessions are parked and their workers gone, so that others
/// must take them up.
fn all_fall_silent(server: &Server) {
    let end = Instant::now() + PATIENCE;
    // Four who greet stay, and four for anonymous users.
    while workers(server) > 8 {
        assert!(Instant::now() < end, "the workers stay");
        thread::yield_now();
    }
}

fn check(made: &Made) {
    let Made { path, .. } = made;
    let about = fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    assert_eq!((about.uid(), about.gid()), made.owner, "{path:?}");
    let mode = about.permissions().mode() & 0o7777;
    assert_eq!(mode, made.mode, "{path:?}: {mode:o}, not {:o}", made.mode);
    if let Some(content) = &made.content {
        assert_eq!(&fs::read_to_string(path).unwrap(), content, "{path:?}");
    }
    if let Some(modified) = made.modified {
        assert_eq!(about.mtime(), modified, "{path:?}");
    }
}

#[test]
fn hundreds_of_sessions_of_different_users_never_get_each_others_rights() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let cast = Cast::new();
    let server = cast.launch().start();
    // Each thread gets sessions of all.
    let mut visits: Vec<_> = (0..EACH)
        .flat_map(|number| cast.parties.iter().map(move |party| (party, number)))
        .map(|(party, number)| Visit::new(party, number, &server))
        .collect();
    assert!(visits.len() >= 300);
    play(&mut visits, 0..7);
    all_fall_silent(&server);
    play(&mut visits, 7..14);
    for visit in &visits {
        assert_eq!(visit.made.len(), 5);
        visit.made.iter().for_each(check);
    }
}
