//! What is on the disk, and what a dialogue has changed of it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use super::stage::Stage;

/// Names below the stage's directory, and how each is.
pub type Tree = BTreeMap<String, String>;

/// Folders in which users have files.
const SERVED: [&str; 3] = ["home", "ftp", "srv"];

/// How it is now.
pub fn now(stage: &Stage) -> Tree {
    let mut tree = Tree::new();
    for folder in SERVED {
        walk(stage, &stage.root().path().join(folder), &mut tree);
    }
    tree
}

fn walk(stage: &Stage, path: &Path, tree: &mut Tree) {
    // Taken away by the server, or by a symbolic link that goes nowhere.
    let Ok(file) = fs::symlink_metadata(path) else {
        return;
    };
    let [owner, group] = [file.uid(), file.gid()].map(|number| stage.blur.number(number));
    let mode = file.mode() & 0o7777;
    let mut shown = format!("{mode:o} {owner}:{group}");
    if file.is_symlink() {
        let target = fs::read_link(path).unwrap();
        shown = format!("-> {}", target.display());
    } else if file.is_dir() {
        shown.push_str(" directory");
        for entry in fs::read_dir(path).unwrap() {
            walk(stage, &entry.unwrap().path(), tree);
        }
    } else {
        let content = fs::read(path).unwrap_or_default();
        shown.push(' ');
        shown.push_str(&content_of(&content));
        let age = SystemTime::now().duration_since(file.modified().unwrap());
        if age.is_ok_and(|age| age.as_secs() > 3600) {
            shown.push_str(&format!(" of {}", file.mtime()));
        }
    }
    tree.insert(stage.blur.text(&path.display().to_string()), shown);
}

/// A short text as it is, of a long one how much there is.
pub fn content_of(bytes: &[u8]) -> String {
    if bytes.len() <= 60 {
        format!("{:?}", String::from_utf8_lossy(bytes))
    } else {
        format!("{} bytes", bytes.len())
    }
}

/// What has come, gone, or changed.
pub fn changes(before: &Tree, after: &Tree) -> String {
    let mut changes = Vec::new();
    for (name, how) in after {
        match before.get(name) {
            None => changes.push(format!("+ {name} {how}")),
            Some(was) if was != how => changes.push(format!("~ {name} {how}")),
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    changes.extend(gone.map(|name| format!("- {name}")));
    if changes.is_empty() {
        return "as before".to_owned();
    }
    changes.join(" / ")
}
