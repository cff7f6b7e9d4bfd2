//! No option of vsftpd without a dialogue, or the reason why there is none.

use std::collections::BTreeMap;

use ironftpd::config::{MOOT, OPTIONS, OptionSpec};

use super::table::{dialogues, text};

/// `unseen.txt`: option and reason.
fn unseen() -> BTreeMap<String, String> {
    let text = text("unseen.txt");
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| line.split_once(" | "))
        .map(|(option, reason)| (option.trim().to_owned(), reason.trim().to_owned()))
        .collect()
}

/// Whether vsftpd does not know the option.
pub fn is_own(row: &OptionSpec) -> bool {
    let note = row.note.unwrap_or_default();
    note.starts_with("Not an option of vsftpd")
}

/// Options of vsftpd that ironftpd reads, or accepts without an effect.
fn options() -> Vec<&'static str> {
    let served = OPTIONS.iter().filter(|row| !is_own(row));
    let served = served.map(|row| row.name);
    served.chain(MOOT.iter().map(|row| row.name)).collect()
}

#[test]
fn every_option_has_a_dialogue_or_a_reason_why_no_client_sees_it() {
    let (_, dialogues) = dialogues(&text("options.txt"));
    let spoken = |option: &str| {
        dialogues
            .iter()
            .any(|one| one.option.as_deref() == Some(option))
    };
    let unseen = unseen();
    let mut faults = Vec::new();
    for option in options() {
        match (spoken(option), unseen.get(option)) {
            (false, None) => faults.push(format!("{option}: neither dialogue nor reason")),
            (true, Some(_)) => faults.push(format!("{option}: unseen, and yet a dialogue")),
            (false, Some(reason)) if reason.len() < 20 => faults.push(format!("{option}: why?")),
            _ => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_heading_and_every_reason_is_of_an_option_that_vsftpd_has() {
    let all = OPTIONS.iter().map(|row| row.name);
    let all: Vec<&str> = all.chain(MOOT.iter().map(|row| row.name)).collect();
    let (_, dialogues) = dialogues(&text("options.txt"));
    let mut titles: Vec<&str> = dialogues.iter().map(|one| &*one.title).collect();
    let named = dialogues.iter().filter_map(|one| one.option.clone());
    for option in named.chain(unseen().into_keys()) {
        assert!(all.contains(&&*option), "{option}: there is no such option");
    }
    let count = titles.len();
    titles.sort_unstable();
    titles.dedup();
    assert_eq!(titles.len(), count, "a heading twice");
}
