//! The answers of other servers to `dialogues.txt` beside ours. Where they
//! differ, `differences.txt` has a row with the reason; one without a row, and
//! a row whose difference is gone, fail.
//!
//! `UPDATE_DIFFERENCES=1 cargo test --test conformance differences` writes the
//! rows anew, keeping reasons, with `?` where one is to be found.

use std::collections::{BTreeMap, HashMap};

use super::peers::{Peer, ironftpd};
use super::script::{Answer, perform};
use super::support::left_out;
use super::table::{place, rows};

const PEERS: [Peer; 2] = [Peer::Vsftpd, Peer::Proftpd];

/// Stands for the same answer as ours.
const SAME: &str = "=";

/// The columns after the step.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Difference {
    ours: String,
    theirs: [String; 2],
    reason: String,
}

/// Known differences by step, in the order of the file.
fn known() -> Vec<(String, Difference)> {
    let read = |text: &str| {
        let columns: Vec<&str> = text.split(" | ").map(str::trim).collect();
        let [step, ours, vsftpd, proftpd, reason] = columns[..] else {
            panic!("{text}: {} columns", columns.len());
        };
        let difference = Difference {
            ours: ours.to_owned(),
            theirs: [vsftpd, proftpd].map(str::to_owned),
            reason: reason.to_owned(),
        };
        (step.to_owned(), difference)
    };
    let rows = rows("differences.txt");
    rows.iter().map(|row| read(&row.text)).collect()
}

/// The answers of a peer by step, or nothing where it cannot be had.
fn answers(peer: Peer) -> Option<HashMap<String, String>> {
    match peer.start() {
        Ok(running) => {
            let answers = perform(running.address).into_iter();
            Some(answers.map(|answer| (answer.step, answer.answer)).collect())
        }
        Err(reason) => {
            left_out(&format!("{peer:?}: {reason}"));
            None
        }
    }
}

/// What the row of this step has to be; none where nothing differs. A peer
/// that is not there has the column it has already.
fn found(
    ours: &Answer,
    peers: &[Option<HashMap<String, String>>; 2],
    known: Option<&Difference>,
) -> Option<Difference> {
    let theirs = [0, 1].map(|at| match (&peers[at], known) {
        (None, Some(known)) => known.theirs[at].clone(),
        (None, None) => SAME.to_owned(),
        (Some(answers), _) => match answers.get(&ours.step) {
            // Its connection was closed before it came to this.
            None => "closed before".to_owned(),
            Some(answer) if *answer == ours.answer => SAME.to_owned(),
            Some(answer) => answer.clone(),
        },
    });
    (theirs != [SAME, SAME]).then(|| Difference {
        ours: ours.answer.clone(),
        theirs,
        reason: known.map_or("?".to_owned(), |known| known.reason.clone()),
    })
}

#[test]
fn other_servers_answer_alike_but_for_what_is_known() {
    let peers = PEERS.map(answers);
    if peers.iter().all(Option::is_none) {
        return;
    }
    let server = ironftpd();
    let ours = perform(server.address());
    let rows = known();
    let mut left: BTreeMap<&str, &Difference> = rows
        .iter()
        .map(|(step, row)| (step.as_str(), row))
        .collect();
    assert_eq!(left.len(), rows.len(), "a step twice");
    let mut faults = Vec::new();
    let mut text = String::new();
    for answer in &ours {
        let row = left.remove(answer.step.as_str());
        let found = found(answer, &peers, row);
        if found.as_ref() != row {
            faults.push(format!("{}:\n  is {found:?}\n  known {row:?}", answer.step));
        }
        if let Some(Difference {
            ours,
            theirs,
            reason,
        }) = &found
        {
            let [vsftpd, proftpd] = theirs;
            let step = &answer.step;
            text.push_str(&format!(
                "{step} | {ours} | {vsftpd} | {proftpd} | {reason}\n"
            ));
            if reason == "?" {
                faults.push(format!("{step}: no reason"));
            }
        }
    }
    faults.extend(left.keys().map(|step| format!("{step}: nobody says that")));
    if std::env::var_os("UPDATE_DIFFERENCES").is_some() {
        let old = std::fs::read_to_string(place("differences.txt")).unwrap();
        let remarks = old.lines().take_while(|line| line.starts_with('#'));
        let head: String = remarks.map(|line| format!("{line}\n")).collect();
        std::fs::write(place("differences.txt"), format!("{head}\n{text}")).unwrap();
        return;
    }
    assert!(faults.is_empty(), "differences.txt\n{}", faults.join("\n"));
}
