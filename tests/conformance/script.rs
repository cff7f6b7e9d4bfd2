//! `dialogues.txt`: what is said to a server, and what it answers, in a form
//! in which two servers can be compared: codes, and of the words those that a
//! program reads.

use std::io::{Read, Write};
use std::net::SocketAddr;

use super::support::control::{Control, Reply};
use super::support::data::{accept, read_all};
use super::table::rows;

/// One thing said, and the answer.
#[derive(Debug)]
pub struct Answer {
    /// Dialogue and step, and a number from the second time on: `login: PWD`.
    pub step: String,
    /// `226`, `257 "/"`, `150 226 {two lines / of data}`, `closed`.
    pub answer: String,
}

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
        let answer = say(session, &row.text);
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

fn say(control: &mut Control, step: &str) -> String {
    let (how, line) = step.split_once(' ').unwrap_or((step, ""));
    match how {
        "get" => {
            let data = control.passive();
            converse(control, line, || shown(line, &read_all(data)))
        }
        "active" => {
            let listener = control.active();
            converse(control, line, || {
                shown(line, &read_all(accept(&listener).0))
            })
        }
        "put" => {
            let (line, text) = line.split_once(" = ").unwrap();
            let text = text.replace("\\r", "\r").replace("\\n", "\n");
            let mut data = control.passive();
            converse(control, line, || {
                data.write_all(text.as_bytes()).unwrap();
                drop(data);
                String::new()
            })
        }
        "lost" => {
            let mut data = control.passive();
            converse(control, line, || {
                data.read_exact(&mut [0; 100]).unwrap();
                drop(data);
                String::new()
            })
        }
        _ => converse(control, step, String::new),
    }
}

/// Sends a line and takes its replies; `transfer` moves the data after a
/// preliminary one.
fn converse(control: &mut Control, line: &str, transfer: impl FnOnce() -> String) -> String {
    control.line(line);
    let mut transfer = Some(transfer);
    let mut data = String::new();
    let mut parts = Vec::new();
    loop {
        if control.is_over() {
            parts.push("closed".to_owned());
            break;
        }
        let reply = control.reply();
        parts.push(telling(line, &reply));
        if reply.code >= 200 {
            break;
        }
        if let Some(transfer) = transfer.take() {
            data = transfer();
        }
    }
    parts.push(data);
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// The code, and what of the words a program reads.
fn telling(line: &str, reply: &Reply) -> String {
    let words = reply.words();
    let verb = line.split(' ').next().unwrap().to_ascii_uppercase();
    let read = match (reply.code, verb.as_str()) {
        (257, _) => words.rsplit_once('"').map(|(name, _)| format!("{name}\"")),
        (213, "SIZE" | "MDTM") => Some(words),
        (215, _) => words.get(..13).map(str::to_owned),
        (522, _) => words
            .rsplit_once('(')
            .map(|(_, numbers)| format!("({numbers}")),
        (250, "MLST") => Some(kind(reply.text().lines().nth(1).unwrap_or_default())),
        _ => None,
    };
    match read {
        Some(read) => format!("{} {read}", reply.code),
        None => reply.code.to_string(),
    }
}

/// Of a line of facts the type, where the RFC has a name for it, and the name.
fn kind(line: &str) -> String {
    let (facts, name) = line.trim_start().split_once(' ').unwrap_or_default();
    let kind = facts
        .split(';')
        .map(str::to_ascii_lowercase)
        .find(|fact| fact.starts_with("type=") && !fact.contains('.'));
    format!("{} {name}", kind.unwrap_or_default())
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
