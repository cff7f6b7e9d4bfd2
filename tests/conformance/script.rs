//! `dialogues.txt`: what is said to a server, and what it answers, in a form
//! in which two servers can be compared: codes, and of the words those that a
//! program reads.

use std::net::SocketAddr;

use super::support::control::Control;
use super::support::differences::Answer;
use super::support::script::{Scribe, kind, telling};
use super::table::rows;

/// Of the data, what no two servers have to say otherwise.
const SCRIBE: Scribe = Scribe {
    telling,
    showing: shown,
};

/// Says everything to the server at this address.
pub fn perform(server: SocketAddr) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    let mut dialogue = String::new();
    let mut control = None;
    for row in rows("dialogues.txt") {
        if let Some(heading) = row.text.strip_prefix('[') {
            let (name, stage) = heading.split_once(']').unwrap();
            name.clone_into(&mut dialogue);
            let mut session = Control::connect(server);
            match stage.trim() {
                "" => {}
                "anonymous" => session.login_anonymous(),
                other => panic!("line {}: {other}", row.line),
            }
            control = Some(session);
            continue;
        }
        // Nothing more can be said on a connection that is closed.
        let Some(session) = &mut control else {
            continue;
        };
        let said = format!("{dialogue}: {}", row.text);
        let answer = SCRIBE.say(session, &row.text);
        if answer == "closed" {
            control = None;
        }
        let again = |answer: &&Answer| answer.step.split(" (#").next() == Some(&*said);
        let times = answers.iter().filter(again).count();
        let step = match times {
            0 => said,
            times => format!("{said} (#{})", times + 1),
        };
        answers.push(Answer { step, answer });
    }
    answers
}

/// Of a line of LIST the permissions, the size of what has one, and the name:
/// owners, links and times are not the same for all servers.
fn entry(line: &str) -> String {
    let mut rest = line;
    let mut columns = Vec::new();
    for _ in 0..8 {
        let (column, after) = rest.trim_start().split_once(' ').unwrap_or((rest, ""));
        columns.push(column);
        rest = after;
    }
    let size = if line.starts_with('-') {
        columns[4]
    } else {
        ""
    };
    [columns[0], size, rest].join(" ").replace("  ", " ")
}

/// Data as the table shows it.
fn shown(line: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let verb = line.split(' ').next().unwrap();
    if verb == "RETR" {
        return format!("{text:?}");
    }
    let mut lines: Vec<String> = text
        .split_terminator("\r\n")
        .map(|line| match verb {
            "LIST" => entry(line),
            "MLSD" => kind(line),
            _ => line.to_owned(),
        })
        .collect();
    if verb != "LIST" {
        // No order is promised, nor that the directory itself is told.
        lines.sort();
        lines.retain(|line| !line.starts_with("type=cdir") && !line.starts_with("type=pdir"));
    }
    format!("{{{}}}", lines.join(" / "))
}
