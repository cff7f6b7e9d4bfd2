//! Steps of a dialogue as the tables of dialogues write them, and answers in a
//! form in which two servers can be compared: codes, and of the words those
//! that a program reads.
//!
//! A step is a line to be sent. `get`, `active`, `put` and `lost` before it
//! come with a data connection: passive, active, one that takes what stands
//! behind ` = `, and one that the client closes early.

use std::io::{Read, Write};

use super::control::{Control, Reply};
use super::data::{accept, read_all};

/// What of a reply to a line is written down.
pub type Telling = fn(&str, &Reply) -> String;

/// What of the data that a line brought is written down.
pub type Showing = fn(&str, &[u8]) -> String;

/// How replies and data are written down.
#[derive(Clone, Copy)]
pub struct Scribe {
    pub telling: Telling,
    pub showing: Showing,
}

impl Scribe {
    /// Takes one step: `226`, `257 "/"`, `150 226 {two lines / of data}`,
    /// `closed`.
    pub fn say(self, control: &mut Control, step: &str) -> String {
        let (how, line) = step.split_once(' ').unwrap_or((step, ""));
        match how {
            "get" => {
                let data = control.passive();
                self.converse(control, line, || (self.showing)(line, &read_all(data)))
            }
            "active" => {
                let listener = control.active();
                self.converse(control, line, || {
                    (self.showing)(line, &read_all(accept(&listener).0))
                })
            }
            "put" => {
                let (line, text) = line.split_once(" = ").unwrap();
                let text = text.replace("\\r", "\r").replace("\\n", "\n");
                let mut data = control.passive();
                self.converse(control, line, || {
                    data.write_all(text.as_bytes()).unwrap();
                    drop(data);
                    String::new()
                })
            }
            "lost" => {
                let mut data = control.passive();
                self.converse(control, line, || {
                    data.read_exact(&mut [0; 100]).unwrap();
                    drop(data);
                    String::new()
                })
            }
            _ => self.converse(control, step, String::new),
        }
    }

    /// Sends a line and takes its replies; `transfer` moves the data after a
    /// preliminary one.
    pub fn converse(
        self,
        control: &mut Control,
        line: &str,
        transfer: impl FnOnce() -> String,
    ) -> String {
        control.line(line);
        self.hear(control, line, transfer)
    }

    /// Takes the replies to what was sent.
    pub fn hear(
        self,
        control: &mut Control,
        line: &str,
        transfer: impl FnOnce() -> String,
    ) -> String {
        let mut transfer = Some(transfer);
        let mut data = String::new();
        let mut parts = Vec::new();
        loop {
            if control.is_over() {
                parts.push("closed".to_owned());
                break;
            }
            let reply = control.reply();
            parts.push((self.telling)(line, &reply));
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
}

/// The code, and what of the words a program reads.
pub fn telling(line: &str, reply: &Reply) -> String {
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
pub fn kind(line: &str) -> String {
    let (facts, name) = line.trim_start().split_once(' ').unwrap_or_default();
    let kind = facts
        .split(';')
        .map(str::to_ascii_lowercase)
        .find(|fact| fact.starts_with("type=") && !fact.contains('.'));
    format!("{} {name}", kind.unwrap_or_default())
}
