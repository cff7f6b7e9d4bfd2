//! Every command, in every situation that `situations` brings about, is
//! answered with a code of its row in `replies.txt` (RFC 959 section 5.4).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use ironftpd::protocol::{COMMANDS, UNIMPLEMENTED};

use super::support::control::Control;
use super::support::data::read_all;
use super::table::rows;

/// A code, and whether it came after a preliminary reply.
type Seen = (u16, bool);

/// What one command may be answered with.
#[derive(Default)]
struct Allowed {
    by_rfc: BTreeSet<Seen>,
    beyond: BTreeSet<Seen>,
}

/// Reads `200 (226 426) 550`.
fn codes(text: &str) -> impl Iterator<Item = Seen> {
    let mut after = false;
    text.split_whitespace().map(move |word| {
        after |= word.starts_with('(');
        let code = word.trim_matches(['(', ')']).parse().unwrap();
        let seen = (code, after);
        after &= !word.ends_with(')');
        seen
    })
}

fn table() -> BTreeMap<String, Allowed> {
    let mut table: BTreeMap<String, Allowed> = BTreeMap::new();
    let mut verb = String::new();
    for row in rows("replies.txt") {
        let text = row.text.trim();
        if let Some(rest) = text.strip_prefix('+') {
            let (code, reason) = rest.trim().split_once("  ").unwrap_or_default();
            assert!(!reason.is_empty(), "line {}: no reason", row.line);
            let allowed = table.get_mut(&verb).unwrap();
            for seen in codes(code) {
                let new = !allowed.by_rfc.contains(&seen) && allowed.beyond.insert(seen);
                assert!(new, "line {}: {code} twice", row.line);
            }
        } else {
            let (name, rest) = text.split_once(' ').unwrap();
            name.clone_into(&mut verb);
            let allowed = Allowed {
                by_rfc: codes(rest).collect(),
                ..Allowed::default()
            };
            let before = table.insert(verb.clone(), allowed);
            assert!(before.is_none(), "{verb} twice");
        }
    }
    table
}

/// Sends commands and compares the codes of their replies with the table.
pub struct Walk {
    table: BTreeMap<String, Allowed>,
    /// By verb.
    seen: BTreeMap<String, BTreeSet<Seen>>,
    /// With a line that was answered so.
    faults: BTreeMap<(String, Seen), String>,
}

impl Walk {
    /// Nothing has been sent yet.
    pub fn new() -> Walk {
        Walk {
            table: table(),
            seen: BTreeMap::new(),
            faults: BTreeMap::new(),
        }
    }

    /// Sends a command that needs no data connection, and takes all replies
    /// to it; gives the last one's code.
    pub fn say(&mut self, control: &mut Control, line: &str) -> u16 {
        control.line(line);
        self.hear(control, line)
    }

    /// Sends several, written with ` ; ` between them.
    pub fn say_all(&mut self, control: &mut Control, lines: &str) {
        for line in lines.split(" ; ") {
            self.say(control, line);
        }
    }

    /// Takes all replies to a command that has been sent.
    pub fn hear(&mut self, control: &mut Control, line: &str) -> u16 {
        let code = self.hear_one(control, line, false);
        if code < 200 {
            self.hear_end(control, line)
        } else {
            code
        }
    }

    /// Takes the first reply, or with `after` one that follows a preliminary
    /// one.
    pub fn hear_one(&mut self, control: &mut Control, line: &str, after: bool) -> u16 {
        let code = control.reply().code;
        self.note(line, (code, after));
        code
    }

    /// Takes the replies after a preliminary one.
    pub fn hear_end(&mut self, control: &mut Control, line: &str) -> u16 {
        loop {
            let code = self.hear_one(control, line, true);
            if code >= 200 {
                return code;
            }
        }
    }

    /// A command over a passive connection that stands ready: sends `upload`,
    /// or takes what comes.
    pub fn with_data(&mut self, control: &mut Control, line: &str, upload: Option<&[u8]>) {
        let mut data = control.passive();
        control.line(line);
        if self.hear_one(control, line, false) < 200 {
            match upload {
                Some(bytes) => {
                    // A refusal may come before all is written.
                    let _ = data.write_all(bytes);
                    drop(data);
                }
                None => drop(read_all(data)),
            }
            self.hear_end(control, line);
        }
    }

    fn note(&mut self, line: &str, seen: Seen) {
        let name = line.split(' ').next().unwrap().to_ascii_uppercase();
        let row = COMMANDS
            .iter()
            .find(|row| row.names.contains(&name.as_str()));
        let verb = row.map_or(name, |row| row.name().to_owned());
        let allowed = self
            .table
            .get(&verb)
            .unwrap_or_else(|| panic!("{verb} is not in replies.txt"));
        let not_served = seen.0 == 502 && UNIMPLEMENTED.contains(&verb.as_str());
        let known = allowed.by_rfc.contains(&seen) || allowed.beyond.contains(&seen);
        if !known && !not_served && seen.0 != 421 {
            let shown: String = line.chars().take(40).collect();
            self.faults.entry((verb.clone(), seen)).or_insert(shown);
        }
        self.seen.entry(verb).or_default().insert(seen);
    }

    /// Fails if a code was not in the table, or one with a reason beside it
    /// was never sent.
    pub fn finish(self) {
        let when = |after| {
            if after {
                " after a preliminary reply"
            } else {
                ""
            }
        };
        let mut faults: Vec<String> = self
            .faults
            .iter()
            .map(|((verb, seen), line)| format!("{verb}: {}{}, to {line:?}", seen.0, when(seen.1)))
            .collect();
        for (verb, allowed) in &self.table {
            let Some(seen) = self.seen.get(verb) else {
                faults.push(format!("{verb}: never sent"));
                continue;
            };
            for (code, after) in allowed.beyond.difference(seen) {
                let when = when(*after);
                faults.push(format!("{verb}: {code}{when} is not sent any more"));
            }
        }
        assert!(faults.is_empty(), "replies.txt\n{}", faults.join("\n"));
    }
}

#[test]
fn every_verb_has_a_row() {
    let table = table();
    let rows: BTreeSet<&str> = table.keys().map(String::as_str).collect();
    let served = COMMANDS.iter().map(|row| row.name());
    let known: BTreeSet<&str> = served.chain(UNIMPLEMENTED.iter().copied()).collect();
    assert_eq!(rows, known);
}
