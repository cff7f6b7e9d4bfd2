//! Every row of `requirements.txt` names tests that exist, and a row that is
//! not followed says why.

use std::collections::{HashMap, HashSet};

use super::table::{project, rows};

/// What the table must have rows of.
const DOCUMENTS: &[&str] = &[
    "RFC 959",
    "RFC 1123",
    "RFC 1639",
    "RFC 2228",
    "RFC 2389",
    "RFC 2428",
    "RFC 2577",
    "RFC 2640",
    "RFC 3659",
    "RFC 4217",
    "RFC 5797",
    "RFC 7151",
    "draft-somers-ftp-mfxx-03",
    "draft-bryan-ftpext-hash-02",
    "draft-bryan-ftp-range-08",
    "draft-twine-ftpmd5-00",
    "draft-preston-ftpext-deflate-04",
    "draft-peterson-streamlined-ftp-command-extensions-10",
];

const KEYWORDS: &[&str] = &["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"];

/// The names of the tests in a file: `fn name` right below `#[test]`.
fn tests_in(text: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" {
            marked = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            if marked {
                found.extend(rest.split('(').next().map(str::to_owned));
            }
            marked = false;
        }
    }
    found
}

/// Whether `target::module::name` is a test: of `tests/target/module.rs`, of
/// `tests/target.rs`, or beside the code, where the target is `src`.
fn exists(test: &str, read: &mut HashMap<String, HashSet<String>>) -> bool {
    let Some((module, name)) = test.rsplit_once("::") else {
        return false;
    };
    let folders = module.replace("::", "/");
    let places = if folders.starts_with("src/") {
        [
            format!("{folders}.rs"),
            format!("{folders}/tests.rs"),
            format!("{folders}/mod.rs"),
        ]
    } else {
        [
            format!("tests/{folders}.rs"),
            format!("tests/{folders}/mod.rs"),
            String::new(),
        ]
    };
    places
        .into_iter()
        .filter(|place| !place.is_empty())
        .any(|place| {
            let tests = read.entry(place).or_insert_with_key(|place| {
                let text = std::fs::read_to_string(project().join(place));
                tests_in(&text.unwrap_or_default())
            });
            tests.contains(name)
        })
}

#[test]
fn every_row_names_tests_that_exist() {
    let mut faults = Vec::new();
    let mut document = String::new();
    let mut documents = HashSet::new();
    let mut seen = HashSet::new();
    let mut read = HashMap::new();
    let mut followed = 0;
    for row in rows("requirements.txt") {
        let mut fault = |what: String| faults.push(format!("line {}: {what}", row.line));
        if let Some(heading) = row.text.strip_prefix('[') {
            document = heading.split(']').next().unwrap().to_owned();
            if !DOCUMENTS.contains(&document.as_str()) || !documents.insert(document.clone()) {
                fault(format!("{document}: unknown, or twice"));
            }
            continue;
        }
        let columns = row.columns();
        let (section, keyword, rule, tests, instead) = match columns[..] {
            [section, keyword, rule, tests] => (section, keyword, rule, tests, None),
            [section, keyword, rule, tests, instead] => {
                (section, keyword, rule, tests, Some(instead))
            }
            _ => {
                fault(format!("{} columns", columns.len()));
                continue;
            }
        };
        if columns.contains(&"") {
            fault("an empty column".to_owned());
        }
        if !KEYWORDS.contains(&keyword) {
            fault(format!("{keyword}: none of {KEYWORDS:?}"));
        }
        if !seen.insert(format!("{document} {section} {rule}")) {
            fault(format!("{rule}: twice"));
        }
        match instead {
            // What MAY be left out needs no excuse, so it has none.
            Some(reason) if !reason.starts_with("instead: ") || keyword == "MAY" => {
                fault(format!(
                    "{reason}: a rule that is not followed says `instead: why`"
                ));
            }
            Some(_) => {}
            None => followed += 1,
        }
        for test in tests.split(',').map(str::trim) {
            if !exists(test, &mut read) {
                fault(format!("{test}: no such test"));
            }
        }
    }
    let missing = DOCUMENTS.iter().filter(|name| !documents.contains(**name));
    faults.extend(missing.map(|name| format!("no rows of {name}")));
    assert!(faults.is_empty(), "requirements.txt\n{}", faults.join("\n"));
    assert!(followed > 0);
}

#[test]
fn a_test_is_found_by_its_mark_and_by_its_place() {
    let text = "#[test]\nfn one() {}\nfn two() {}\n#[test]\n#[cfg(x)]\nfn three() {}\n";
    let mut names: Vec<_> = tests_in(text).into_iter().collect();
    names.sort();
    assert_eq!(names, ["one", "three"]);
    let read = &mut HashMap::new();
    let here = "conformance::requirements::a_test_is_found_by_its_mark_and_by_its_place";
    assert!(exists(here, read));
    assert!(exists("documents::sample_configuration_is_accepted", read));
    assert!(exists(
        "src::protocol::parse::an_empty_password_is_an_argument",
        read
    ));
    for missing in [
        "conformance::requirements::tests_in",
        "conformance::replies::a_test_is_found_by_its_mark_and_by_its_place",
        "nowhere",
        "",
    ] {
        assert!(!exists(missing, read), "{missing}");
    }
}
