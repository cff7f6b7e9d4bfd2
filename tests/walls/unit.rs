//! The systemd unit lets through what the server's own lists allow: two walls
//! of the same kind must not stand in each other's way.

use crate::support::left_out;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

fn text(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// systemd's own sets of calls: name and members, other sets among them.
fn sets() -> Option<BTreeMap<String, Vec<String>>> {
    let output = Command::new("systemd-analyze")
        .arg("syscall-filter")
        .output();
    let output = output.ok().filter(|output| output.status.success())?;
    let mut sets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let member = line.trim();
        if member.is_empty() || member.starts_with('#') {
            continue;
        }
        if line.starts_with('@') {
            current = member.to_owned();
            sets.entry(current.clone()).or_default();
        } else if let Some(set) = sets.get_mut(&current) {
            set.push(member.to_owned());
        }
    }
    Some(sets)
}

fn expand<'a>(sets: &'a BTreeMap<String, Vec<String>>, name: &'a str, all: &mut BTreeSet<&'a str>) {
    match sets.get(name) {
        Some(members) => {
            for member in members {
                expand(sets, member, all);
            }
        }
        None => {
            all.insert(name);
        }
    }
}

#[test]
fn the_unit_allows_what_the_lists_allow() {
    let Some(sets) = sets() else {
        return left_out("no systemd-analyze (package systemd)");
    };
    let unit = text("etc/ironftpd.service");
    let mut allowed = BTreeSet::new();
    for line in unit.lines() {
        if let Some(names) = line.strip_prefix("SystemCallFilter=") {
            for name in names.split_whitespace() {
                expand(&sets, name, &mut allowed);
            }
        }
    }
    let mut known = BTreeSet::new();
    expand(&sets, "@known", &mut known);
    let list = text("etc/seccomp.list");
    let rules = list.lines().filter_map(|line| line.split_once('#'));
    let mut calls = 0;
    let mut missing = BTreeSet::new();
    for (rule, _) in rules {
        let Some(name) = rule.split_whitespace().next() else {
            continue;
        };
        let name = name.split('@').next().unwrap();
        // What this systemd has not heard of it answers with ENOSYS.
        if known.contains(name) {
            calls += 1;
            if !allowed.contains(name) {
                missing.insert(name);
            }
        }
    }
    assert!(missing.is_empty(), "refused by the unit: {missing:?}");
    assert!(calls > 100, "{calls}");
}
