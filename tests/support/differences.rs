//! What other servers answer beside what ironftpd does. Where they differ, a
//! table has a row with the reason; one without a row, and a row whose
//! difference is gone, fail.
//!
//! A row is `step | ours | theirs ... | why`, where `=` stands for the same
//! answer as ours. `UPDATE_DIFFERENCES=1` in the environment writes the rows
//! anew, keeping reasons, with `?` where one is to be found.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

/// One thing said, and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was said, and where; no two are alike.
    pub step: String,
    /// In a form that can be compared.
    pub answer: String,
}

/// Stands for the same answer as ours.
const SAME: &str = "=";

/// The columns after the step.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Difference {
    ours: String,
    theirs: Vec<String>,
    reason: String,
}

/// Known differences by step, in the order of the file.
fn known(text: &str, peers: usize) -> Vec<(String, Difference)> {
    let read = |text: &str| {
        let columns: Vec<&str> = text.split(" | ").map(str::trim).collect();
        assert_eq!(columns.len(), peers + 3, "{text}: columns");
        let difference = Difference {
            ours: columns[1].to_owned(),
            theirs: columns[2..2 + peers]
                .iter()
                .map(|&text| text.into())
                .collect(),
            reason: columns[2 + peers].to_owned(),
        };
        (columns[0].to_owned(), difference)
    };
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.filter(|line| !line.trim().is_empty())
        .map(read)
        .collect()
}

/// The answers of a server by what was said.
pub type Answers = HashMap<String, String>;

/// Answers in a form in which they are looked up.
pub fn by_step(answers: Vec<Answer>) -> Answers {
    let answers = answers.into_iter();
    answers.map(|answer| (answer.step, answer.answer)).collect()
}

/// What the row of this step has to be; none where nothing differs. A peer
/// that is not there has the column it has already.
fn found(
    ours: &Answer,
    peers: &[Option<Answers>],
    known: Option<&Difference>,
) -> Option<Difference> {
    let theirs = peers.iter().enumerate().map(|(at, peer)| {
        match (peer, known) {
            (None, Some(known)) => known.theirs[at].clone(),
            (None, None) => SAME.to_owned(),
            (Some(answers), _) => match answers.get(&ours.step) {
                // Its connection was closed before it came to this.
                None => "closed before".to_owned(),
                Some(answer) if *answer == ours.answer => SAME.to_owned(),
                Some(answer) => answer.clone(),
            },
        }
    });
    let theirs: Vec<String> = theirs.collect();
    theirs
        .iter()
        .any(|answer| answer != SAME)
        .then(|| Difference {
            ours: ours.answer.clone(),
            theirs,
            reason: known.map_or("?".to_owned(), |known| known.reason.clone()),
        })
}

/// Holds the answers against each other and the table at `place`. Of the table
/// only rows are looked at whose step `counts`.
#[track_caller]
pub fn compare(
    place: &Path,
    ours: &[Answer],
    peers: &[Option<Answers>],
    counts: impl Fn(&str) -> bool,
) {
    let old =
        fs::read_to_string(place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    let rows = known(&old, peers.len());
    let mut left: BTreeMap<&str, &Difference> = rows
        .iter()
        .map(|(step, row)| (step.as_str(), row))
        .collect();
    assert_eq!(left.len(), rows.len(), "a step twice");
    let mut faults = Vec::new();
    let mut text = String::new();
    for answer in ours {
        let row = left.remove(answer.step.as_str());
        let found = found(answer, peers, row);
        if found.as_ref() != row {
            let step = &answer.step;
            faults.push(format!("{step}:\n  is {found:?}\n  known {row:?}"));
        }
        if let Some(found) = found {
            let step = &answer.step;
            let theirs = found.theirs.join(" | ");
            let (ours, reason) = (&found.ours, &found.reason);
            text.push_str(&format!("{step} | {ours} | {theirs} | {reason}\n"));
            if reason == "?" {
                faults.push(format!("{step}: no reason"));
            }
        }
    }
    let gone = left.keys().filter(|step| counts(step));
    faults.extend(gone.map(|step| format!("{step}: nobody says that")));
    if std::env::var_os("UPDATE_DIFFERENCES").is_some() {
        let remarks = old.lines().take_while(|line| line.starts_with('#'));
        let head: String = remarks.map(|line| format!("{line}\n")).collect();
        fs::write(place, format!("{head}\n{text}")).unwrap();
        return;
    }
    let name = place.display();
    assert!(faults.is_empty(), "{name}\n{}", faults.join("\n"));
}
