//! The floors of src/README.md as a test: no arrow climbs, `unsafe` stays in
//! `sys`, no async, no printing in the library, no file too long.
//!
//! The rules are plain functions over (name, text), so that the tests at the
//! end can show each of them a made-up breach.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::fs;
use std::path::Path;

/// Floor of each top-level module; a file may use only what stands lower.
const FLOORS: &[(&str, u8)] = &[
    ("main", 4),
    ("ironftpctl", 4),
    ("cli", 4),
    ("ctl", 4),
    ("server", 3),
    ("session", 2),
    ("control", 1),
    ("data", 1),
    ("fs", 1),
    ("auth", 1),
    ("tls", 1),
    ("config", 1),
    ("record", 1),
    ("protocol", 0),
    ("sys", 0),
];

/// Files that are a table and may be longer than [`LINES`].
const TABLES: &[&str] = &["src/config/options.rs", "src/protocol/command.rs"];

/// The most lines a file may have.
const LINES: usize = 500;

/// Folders and files named after nothing in particular.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "helper", "helpers", "common", "misc", "manager",
];

/// Packages that would bring an async runtime.
const RUNTIMES: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "mio",
    "async-io",
    "futures",
    "futures-util",
    "polling",
];

/// Where words for a person may be printed: the command lines.
const MAY_PRINT: &[&str] = &["main", "ironftpctl", "cli", "ctl"];

/// The top-level module of a file: `src/fs/root.rs` is of `fs`.
fn module_of(path: &str) -> &str {
    let rest = path.strip_prefix("src/").unwrap_or(path);
    let rest = rest.strip_prefix("bin/").unwrap_or(rest);
    let first = rest.split('/').next().unwrap_or(rest);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn floor_of(module: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, floor)| *floor)
}

/// The code without comments and without the contents of string literals, so
/// that prose about `unsafe` is not taken for it. Line breaks stay.
fn code_of(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let next = letters.get(at + 1).copied();
        match (letters[at], next) {
            ('/', Some('/')) => at = find(&letters, at, "\n"),
            ('/', Some('*')) => at = find(&letters, at + 2, "*/") + 2,
            // Raw strings; the letter of `br"` and `cr"` has been passed already.
            ('r', Some('"' | '#')) if !follows_a_word(&letters, at) => {
                let signs = letters[at + 1..]
                    .iter()
                    .take_while(|&&sign| sign == '#')
                    .count();
                if letters.get(at + 1 + signs) == Some(&'"') {
                    let end = format!("\"{}", "#".repeat(signs));
                    at = find(&letters, at + 2 + signs, &end) + 1 + signs;
                    code.push_str("\"\"");
                } else {
                    code.push('r');
                    at += 1;
                }
            }
            ('"', _) => {
                at = end_of_string(&letters, at + 1);
                code.push_str("\"\"");
            }
            ('\'', Some('\\')) => at = find(&letters, at + 3, "'") + 1,
            ('\'', Some(_)) if letters.get(at + 2) == Some(&'\'') => at += 3,
            (letter, _) => {
                code.push(letter);
                at += 1;
            }
        }
    }
    code
}

fn follows_a_word(letters: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| letters[before]);
    before.is_some_and(|sign| is_letter(sign) && sign != 'b' && sign != 'c')
}

fn find(letters: &[char], from: usize, wanted: &str) -> usize {
    let wanted: Vec<char> = wanted.chars().collect();
    let from = from.min(letters.len());
    let found = letters[from..]
        .windows(wanted.len())
        .position(|part| part == wanted);
    found.map_or(letters.len(), |found| from + found)
}

fn end_of_string(letters: &[char], mut at: usize) -> usize {
    while at < letters.len() && letters[at] != '"' {
        at += if letters[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn is_letter(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// Whether the code holds `word`, and not as the end of a longer one.
fn begins_word(code: &str, word: &str) -> bool {
    code.match_indices(word)
        .any(|(at, _)| !code[..at].ends_with(is_letter))
}

/// Whether the code holds `word` as a word of its own.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(is_letter) && !code[at + word.len()..].starts_with(is_letter)
    })
}

/// Every top-level module that the code names after `crate::`, or after as many
/// `super::` as it takes to get out of its own module.
fn used_modules(path: &str, code: &str) -> Vec<String> {
    let depth = path.trim_end_matches("/mod.rs").matches('/').count();
    let mut used = Vec::new();
    for prefix in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in code.match_indices(&prefix) {
            let after = &code[at + prefix.len()..];
            for name in heads(after.trim_start()) {
                let climbs = prefix.starts_with("super");
                // `super::super::x` from a nested test module may still be at
                // home, so only known names count there.
                if !climbs || floor_of(&name).is_some() {
                    used.push(name);
                }
            }
        }
    }
    used
}

/// First identifiers of a path or of each path in a `{…}` group.
fn heads(after: &str) -> Vec<String> {
    let word =
        |text: &str| -> String { text.chars().take_while(|sign| is_letter(*sign)).collect() };
    let Some(group) = after.strip_prefix('{') else {
        return vec![word(after)];
    };
    let mut found = Vec::new();
    let mut level = 0_usize;
    let mut fresh = true;
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => level += 1,
            '}' if level == 0 => break,
            '}' => level -= 1,
            ',' if level == 0 => fresh = true,
            sign if sign.is_whitespace() => {}
            _ if fresh => {
                found.push(word(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    found
}

/// Arrows of one file that climb, or that go to a neighbour.
fn arrows(path: &str, text: &str) -> Vec<String> {
    let from = module_of(path);
    if from == "lib" {
        return Vec::new();
    }
    let Some(floor) = floor_of(from) else {
        return vec![format!("{path}: the module `{from}` has no floor")];
    };
    let mut found = Vec::new();
    for to in used_modules(path, &code_of(text)) {
        if to == from || (to == "super" || to == "self") {
            continue;
        }
        let allowed = match floor_of(&to) {
            None => false,
            Some(below) if below < floor => true,
            // The command lines are one floor, and all may read the settings.
            Some(below) => below == floor && (floor == 4 || (floor == 1 && to == "config")),
        };
        if !allowed {
            found.push(format!("{path}: `{from}` may not use `{to}`"));
        }
    }
    found
}

/// `unsafe` outside `sys`, and modules that do not forbid it.
fn unsafety(path: &str, text: &str) -> Vec<String> {
    let module = module_of(path);
    let code = code_of(text);
    let mut found = Vec::new();
    if module == "sys" {
        return found;
    }
    if has_word(&code, "unsafe") {
        found.push(format!("{path}: unsafe outside src/sys"));
    }
    // The library's root must let `sys` through; all others forbid it, and
    // what a mod.rs forbids is forbidden in its folder.
    let heads_a_module = path.ends_with("/mod.rs") || path.matches('/').count() == 1;
    let is_binary = path.starts_with("src/bin/");
    if module != "lib" && (heads_a_module || is_binary) && !code.contains("#![forbid(unsafe_code)]")
    {
        found.push(format!("{path}: no #![forbid(unsafe_code)]"));
    }
    found
}

/// Async code.
fn asynchrony(path: &str, text: &str) -> Vec<String> {
    let code = code_of(text);
    let mut found = Vec::new();
    if has_word(&code, "async") || code.contains(".await") {
        found.push(format!("{path}: async"));
    }
    for runtime in RUNTIMES {
        if begins_word(&code, &format!("{}::", runtime.replace('-', "_"))) {
            found.push(format!("{path}: {runtime}"));
        }
    }
    found
}

/// Async runtimes in a lock file.
fn runtimes(lock: &str) -> Vec<String> {
    let name = |line: &str| {
        line.strip_prefix("name = \"")?
            .strip_suffix('"')
            .map(String::from)
    };
    lock.lines()
        .filter_map(name)
        .filter(|name| RUNTIMES.contains(&name.as_str()))
        .collect()
}

/// Printing where the log is the way to speak.
fn printing(path: &str, text: &str) -> Vec<String> {
    if MAY_PRINT.contains(&module_of(path)) {
        return Vec::new();
    }
    let code = code_of(text);
    let macros = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
    let used = macros.iter().filter(|name| begins_word(&code, name));
    used.map(|name| format!("{path}: {name}")).collect()
}

/// Files that are too long, too deep or named after nothing.
fn shape(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LINES && !TABLES.contains(&path) {
        found.push(format!("{path}: {lines} lines"));
    }
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    if let Some(name) = parts.iter().find(|part| EMPTY_NAMES.contains(part)) {
        found.push(format!("{path}: `{name}` says nothing"));
    }
    if parts.len() > 4 {
        found.push(format!("{path}: a folder too deep"));
    }
    if !text.trim_start().starts_with("//!") {
        found.push(format!("{path}: does not begin by saying what it is"));
    }
    found
}

/// All Rust files below a folder of the project: (name, text).
fn files(folder: &str) -> Vec<(String, String)> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut left = vec![project.join(folder)];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(project)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "no files in {folder}");
    found.sort();
    found
}

#[track_caller]
fn none(folders: &[&str], rule: impl Fn(&str, &str) -> Vec<String>) {
    let all = folders.iter().flat_map(|folder| files(folder));
    let found: Vec<String> = all.flat_map(|(path, text)| rule(&path, &text)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_arrow_climbs() {
    none(&["src"], arrows);
}

#[test]
fn unsafe_stays_in_sys() {
    none(&["src"], unsafety);
}

#[test]
fn nothing_is_async() {
    none(&["src", "tests"], asynchrony);
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    assert_eq!(runtimes(&fs::read_to_string(lock).unwrap()), [""; 0]);
}

#[test]
fn the_library_prints_nothing() {
    none(&["src"], printing);
}

#[test]
fn files_are_short_and_named_after_something() {
    none(&["src", "tests"], shape);
}

#[test]
fn a_made_up_arrow_that_climbs_is_found() {
    let breaches = [
        ("src/protocol/path.rs", "use crate::fs::Root;"),
        ("src/protocol/path.rs", "use crate::sys::fd;"),
        ("src/sys/file.rs", "fn f() { crate::protocol::reply(); }"),
        ("src/fs/root.rs", "use crate::data::Sender;"),
        (
            "src/control/mod.rs",
            "use crate::{config::Config, session::{Login, x}};",
        ),
        ("src/config/parse.rs", "use crate::{\n    fs,\n};"),
        ("src/session/dispatch.rs", "use crate::server::registry;"),
        ("src/data/mod.rs", "use super::fs::Root;"),
        ("src/data/send.rs", "use super::super::fs::Root;"),
        ("src/server/mod.rs", "use crate::cli::Words;"),
        ("src/session/mod.rs", "use crate::Everything;"),
        ("src/newcomer.rs", ""),
    ];
    for (path, text) in breaches {
        assert_eq!(arrows(path, text).len(), 1, "{path}: {text}");
    }
}

#[test]
fn arrows_that_descend_are_let_be() {
    let honest = [
        (
            "src/fs/root.rs",
            "use crate::config::Config; use crate::sys::fd; use crate::fs::x;",
        ),
        (
            "src/session/mod.rs",
            "use crate::{auth, control::{Lines, server}, protocol::reply};",
        ),
        (
            "src/server/pool.rs",
            "//! See crate::cli.\nuse crate::session::Session; // crate::cli",
        ),
        (
            "src/protocol/mod.rs",
            "const WORDS: &str = \"use crate::server;\";",
        ),
        (
            "src/data/send.rs",
            "mod tests { use super::*; use super::super::rate; }",
        ),
        ("src/cli.rs", "use crate::ctl; use crate::server;"),
        ("src/lib.rs", "pub use crate::server;"),
    ];
    for (path, text) in honest {
        assert_eq!(arrows(path, text), [""; 0], "{path}: {text}");
    }
}

#[test]
fn a_made_up_unsafe_is_found() {
    assert_eq!(
        unsafety("src/fs/root.rs", "fn f() { unsafe { g() } }").len(),
        1
    );
    assert_eq!(
        unsafety("src/fs/mod.rs", "// #![forbid(unsafe_code)]").len(),
        1
    );
    assert_eq!(unsafety("src/cli.rs", "").len(), 1);
    assert_eq!(
        unsafety("src/fs/mod.rs", "#![forbid(unsafe_code)] // unsafe"),
        [""; 0]
    );
    assert_eq!(unsafety("src/sys/fd.rs", "unsafe { g() }"), [""; 0]);
    assert_eq!(
        unsafety(
            "src/fs/a.rs",
            "let a = \"unsafe\"; let b = '\"'; r#\"unsafe\"#;"
        ),
        [""; 0]
    );
}

#[test]
fn a_made_up_async_is_found() {
    assert_eq!(asynchrony("src/a.rs", "async fn f() {}").len(), 1);
    assert_eq!(asynchrony("src/a.rs", "x.await").len(), 1);
    assert_eq!(asynchrony("src/a.rs", "use tokio::net;").len(), 1);
    assert_eq!(
        asynchrony("src/a.rs", "// no async here\nlet asynchronous = 1;"),
        [""; 0]
    );
    assert_eq!(
        runtimes("[[package]]\nname = \"mio\"\nversion = \"1\"").len(),
        1
    );
    assert_eq!(runtimes("name = \"memchr\""), [""; 0]);
}

#[test]
fn a_made_up_print_is_found() {
    assert_eq!(printing("src/fs/root.rs", "println!(\"x\")").len(), 1);
    assert_eq!(printing("src/fs/root.rs", "eprint!(\"x\")").len(), 1);
    assert_eq!(
        printing("src/fs/root.rs", "// println!()\nwriteln!(x)"),
        [""; 0]
    );
    assert_eq!(printing("src/bin/ironftpctl.rs", "println!()"), [""; 0]);
}

#[test]
fn a_made_up_shapeless_file_is_found() {
    let long = "//! x\n".repeat(LINES + 1);
    assert_eq!(shape("src/fs/root.rs", &long).len(), 1);
    assert_eq!(shape("src/config/options.rs", &long), [""; 0]);
    assert_eq!(shape("src/fs/util.rs", "//! x").len(), 1);
    assert_eq!(shape("src/a/b/c/d.rs", "//! x").len(), 1);
    assert_eq!(shape("src/fs/root.rs", "use x;").len(), 1);
}
