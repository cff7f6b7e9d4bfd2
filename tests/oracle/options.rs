//! The dialogues of `options.txt` with both servers.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ironftpd::config::MOOT;

use super::dialogue::perform;
use super::logs::leave_what_differs;
use super::servers::Which;
use super::stage::Stage;
use super::support::differences::{Answer, by_step, compare};
use super::support::peers;
use super::support::{is_root, left_out};
use super::table::{Dialogue, dialogues, name, place, text};

/// How many dialogues go on at a time; many of them wait.
const STAGES: usize = 4;

/// Which dialogues to hold, by the beginning of their headings; all otherwise.
const ONLY: &str = "ORACLE";

/// Debian's vsftpd, or why there is nothing to compare with.
pub fn oracle() -> Result<Which, String> {
    if !is_root() {
        return Err("vsftpd serves nobody when root does not start it".to_owned());
    }
    peers::vsftpd().map(Which::Vsftpd)
}

/// Answers of both servers to one dialogue, and whose were the same without
/// the option.
struct Held {
    ours: Vec<Answer>,
    theirs: Vec<Answer>,
    idle: Vec<Which>,
}

fn hold(stage: &Stage, vsftpd: &Which, base: &Dialogue, dialogue: &Dialogue) -> Held {
    let settings = base.settings.iter().chain(&dialogue.settings);
    let lines: Vec<String> = settings.cloned().collect();
    let both = [Which::Ironftpd, vsftpd.clone()];
    let held = || {
        both.each_ref()
            .map(|which| perform(which, stage, &lines, dialogue))
    };
    let [mut ours, mut theirs] = held();
    if ours != theirs && dialogue.is_timed() {
        // A machine that was busy elsewhere for a second is no difference.
        [ours, theirs] = held();
    }
    let mut idle = Vec::new();
    if let Some(option) = dialogue.option.as_deref() {
        let mut lines = lines.clone();
        lines.retain(|line| name(line) != Some(option));
        lines.extend(dialogue.otherwise.iter().cloned());
        for (which, answers) in both.into_iter().zip([&ours, &theirs]) {
            // What does nothing here has a reason in the table.
            let moot = which == Which::Ironftpd && MOOT.iter().any(|row| row.name == option);
            if !moot && perform(&which, stage, &lines, dialogue) == *answers {
                idle.push(which);
            }
        }
    }
    Held { ours, theirs, idle }
}

/// Holds all dialogues, several at a time, and gives what was answered in the
/// order of the table.
fn hold_all(vsftpd: &Which, base: &Dialogue, dialogues: &[Dialogue]) -> Vec<Held> {
    let next = AtomicUsize::new(0);
    let held = Mutex::new(HashMap::new());
    thread::scope(|scope| {
        for _ in 0..STAGES {
            scope.spawn(|| {
                let stage = Stage::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(dialogue) = dialogues.get(at) else {
                        break;
                    };
                    let answers = hold(&stage, vsftpd, base, dialogue);
                    held.lock().unwrap().insert(at, answers);
                }
            });
        }
    });
    let mut held = held.into_inner().unwrap();
    (0..dialogues.len())
        .map(|at| held.remove(&at).unwrap())
        .collect()
}

/// Where vsftpd's words of a 550 begin ours, what follows them is the cause,
/// which vsftpd does not tell.
fn leave_causes_away(ours: &mut [Answer], theirs: &[Answer]) {
    for our in ours.iter_mut() {
        let their = theirs.iter().find(|their| their.step == our.step);
        let begins = |their: &&Answer| {
            let rest = our.answer.strip_prefix(&their.answer);
            their.answer.starts_with("550 ") && rest.is_some_and(|rest| rest.starts_with(' '))
        };
        if let Some(their) = their.filter(begins) {
            our.answer.clone_from(&their.answer);
        }
    }
}

#[test]
fn each_option_has_the_effect_that_it_has_in_vsftpd() {
    let vsftpd = match oracle() {
        Ok(vsftpd) => vsftpd,
        Err(reason) => return left_out(&reason),
    };
    let only = std::env::var(ONLY).unwrap_or_default();
    let (base, mut dialogues) = dialogues(&text("options.txt"));
    dialogues.retain(|dialogue| dialogue.title.starts_with(&only));
    let held = hold_all(&vsftpd, &base, &dialogues);
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    let mut idle = Vec::new();
    for (dialogue, held) in dialogues.iter().zip(held) {
        let title = &dialogue.title;
        idle.extend(held.idle.iter().map(|which| format!("{title}: {which:?}")));
        if !only.is_empty() {
            for (ours, theirs) in held.ours.iter().zip(&held.theirs) {
                println!("{}\n  {}\n  {}", ours.step, ours.answer, theirs.answer);
            }
        }
        ours.extend(held.ours);
        theirs.extend(held.theirs);
    }
    leave_what_differs(&mut ours, &mut theirs);
    leave_causes_away(&mut ours, &theirs);
    let theirs = by_step(theirs);
    compare(&place("differences.txt"), &ours, &[Some(theirs)], |step| {
        !only.is_empty() && step.starts_with(&only) || only.is_empty()
    });
    assert_eq!(idle, [""; 0], "answers the same without the option");
}
