//! One dialogue with one server, from its start to what it leaves behind.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::sealed;
use super::servers::{Running, Which, start, value};
use super::stage::{Stage, kind};
use super::steps::{USUAL, say};
use super::support::accounts::PASSWORD;
use super::support::control::Control;
use super::support::differences::Answer;
use super::table::{Dialogue, Seal, Visit};
use super::tree;
use ironftpd::config::Kind;

/// Says all that the dialogue has to say to that server.
pub fn perform(which: &Which, stage: &Stage, lines: &[String], dialogue: &Dialogue) -> Vec<Answer> {
    stage.furnish(&dialogue.placed);
    let before = tree::now(stage);
    let mut notes = Notes {
        title: &dialogue.title,
        stage,
        answers: Vec::new(),
    };
    match start(which, stage, lines) {
        Err(words) => notes.take("start", &words),
        Ok(running) => {
            notes.take("start", "listens");
            visits(&running, &mut notes, &dialogue.visits);
            running.end();
        }
    }
    let changes = tree::changes(&before, &tree::now(stage));
    notes.take("on the disk", &changes);
    logs(lines, &mut notes);
    notes.answers
}

/// What has been answered so far.
struct Notes<'a> {
    title: &'a str,
    stage: &'a Stage,
    answers: Vec<Answer>,
}

impl Notes<'_> {
    /// Writes an answer down, in one line without the table's marks.
    fn take(&mut self, said: &str, answer: &str) {
        let said = format!("{}: {said}", self.title);
        let again = |answer: &&Answer| answer.step.split(" (#").next() == Some(&*said);
        let times = self.answers.iter().filter(again).count();
        let step = match times {
            0 => said,
            times => format!("{said} (#{})", times + 1),
        };
        let answer = self.stage.blur.text(answer);
        let answer = answer.trim().replace("\r\n", " / ").replace('\n', " / ");
        let answer = answer.replace(" | ", " ¦ ").replace('\t', "\\t");
        self.answers.push(Answer { step, answer });
    }
}

fn visits(running: &Running, notes: &mut Notes, visits: &[Visit]) {
    let mut open: Vec<Control> = Vec::new();
    for visit in visits {
        if !visit.also {
            for mut control in open.drain(..) {
                leave(&mut control);
            }
        }
        let stage = notes.stage;
        let also = if visit.also { "also " } else { "" };
        let seal = match visit.seal {
            Seal::Later => "",
            Seal::Explicit => "tls ",
            Seal::Implicit => "implicit ",
        };
        let who = match &visit.at {
            Some(at) => format!("{also}{seal}{}@{at}", visit.who),
            None => format!("{also}{seal}{}", visit.who),
        };
        let Some(mut control) = running.connect(visit.at.as_deref()) else {
            notes.take(&who, "no connection");
            continue;
        };
        let mut answer = step(|| greet(&mut control, stage, visit));
        notes.take(&who, &answer);
        for said in &visit.steps {
            // Nothing more can be said on a connection that is closed, or
            // about to be.
            let over = answer.starts_with("500 OOPS") || answer.starts_with("421");
            if over || answer.ends_with("closed") || answer.starts_with("fault") {
                break;
            }
            answer = step(|| say(stage, &mut control, &stage.real(said)));
            notes.take(said, &answer);
        }
        open.push(control);
    }
    for mut control in open {
        leave(&mut control);
    }
}

/// What a server says that breaks the rules of replies is an answer too.
fn step(say: impl FnOnce() -> String) -> String {
    let said = catch_unwind(AssertUnwindSafe(say));
    said.unwrap_or_else(|fault| {
        let words = fault.downcast_ref::<String>().cloned();
        let words = words.unwrap_or_default();
        if words.contains("has closed the control connection") {
            return "closed".to_owned();
        }
        format!("fault: {words}")
    })
}

/// The server is through with a session when its connection is closed.
fn leave(control: &mut Control) {
    let mut socket = control.writer();
    if control.client().is_some() {
        // Whoever may speak no more is heard no more either.
        let _ = catch_unwind(AssertUnwindSafe(|| control.line("QUIT")));
    } else {
        let _ = socket.write_all(b"QUIT\r\n");
    }
    let _ = std::io::copy(&mut socket, &mut std::io::sink());
}

/// The greeting of `connect`, and of all others how logging in ended.
fn greet(control: &mut Control, stage: &Stage, visit: &Visit) -> String {
    if visit.seal == Seal::Implicit && control.secure(&sealed::usual()).is_err() {
        return "no TLS".to_owned();
    }
    let greeting = USUAL.hear(control, "", String::new);
    let refused = !greeting.starts_with("220");
    if refused {
        return greeting;
    }
    if visit.seal == Seal::Explicit {
        let answer = sealed::auth(control, "AUTH TLS", &sealed::usual());
        if answer != "234 TLS" {
            return answer;
        }
        USUAL.converse(control, "PBSZ 0", String::new);
        USUAL.converse(control, "PROT P", String::new);
    }
    if visit.who == "connect" {
        return greeting;
    }
    let user = format!("USER {}", stage.real(&visit.who));
    let answer = USUAL.converse(control, &user, String::new);
    if !answer.starts_with("331") {
        return answer;
    }
    let usual = match &*visit.who {
        "anonymous" => "someone@example.org",
        _ => PASSWORD,
    };
    let password = visit.password.as_deref().unwrap_or(usual);
    USUAL.converse(control, &format!("PASS {password}"), String::new)
}

/// The logs that the settings name, where they are for one that is on.
fn logs(lines: &[String], notes: &mut Notes) {
    let switches = ["xferlog_enable", "dual_log_enable"];
    if !switches
        .iter()
        .any(|switch| value(lines, switch) == Some("YES"))
    {
        return;
    }
    for option in ["vsftpd_log_file", "xferlog_file"] {
        assert_eq!(kind(option), Some(Kind::Path));
        let Some(file) = value(lines, option) else {
            continue;
        };
        let text = std::fs::read(notes.stage.path(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        notes.take(&format!("in the log {file}"), &text);
    }
}
