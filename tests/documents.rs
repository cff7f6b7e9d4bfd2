//! The documents that are made from the tables of the program: the sample
//! configuration and parts of the manual.
//!
//! Each is made again and compared. `UPDATE_DOCUMENTS=1 cargo test --test
//! documents` writes them instead.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

#[path = "support/ladders.rs"]
mod ladders;

use ladders::Scene;

use ironftpd::cli::{self, EXITS, FLAGS};
use ironftpd::config::{self, MOOT, OPTIONS, manual, print};

fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(place(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Compares the document with what it should be, or writes it.
fn same(name: &str, wanted: &str) {
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        fs::write(place(name), wanted).unwrap();
        return;
    }
    let have = text(name);
    let first = have.lines().zip(wanted.lines()).position(|(a, b)| a != b);
    let line = first.unwrap_or_else(|| have.lines().count().min(wanted.lines().count()));
    assert!(
        have == wanted,
        "{name}:{}: is {:?}, should be {:?}; UPDATE_DOCUMENTS=1 cargo test --test documents writes it",
        line + 1,
        have.lines().nth(line),
        wanted.lines().nth(line)
    );
}

/// The page with what stands between the marks of each part replaced.
fn page_with(name: &str, parts: &[(&str, String)]) -> String {
    let mut page = text(name);
    for (mark, body) in parts {
        let begin = format!(".\\\" BEGIN {mark}\n");
        let end = format!(".\\\" END {mark}\n");
        let (before, rest) = page
            .split_once(&begin)
            .unwrap_or_else(|| panic!("{name}: no BEGIN {mark}"));
        let (_, after) = rest
            .split_once(&end)
            .unwrap_or_else(|| panic!("{name}: no END {mark}"));
        page = format!("{before}{begin}{body}{end}{after}");
    }
    page
}

#[test]
fn sample_configuration_is_up_to_date() {
    same("etc/ironftpd.conf", &print::sample());
}

#[test]
fn manual_of_the_configuration_is_up_to_date() {
    let parts = [
        ("OPTIONS", manual::options()),
        ("WITHOUT EFFECT", manual::moot()),
    ];
    same(
        "man/ironftpd.conf.5",
        &page_with("man/ironftpd.conf.5", &parts),
    );
}

#[test]
fn manual_of_the_daemon_is_up_to_date() {
    let parts = [
        ("FLAGS", cli::manual_flags()),
        ("EXITS", cli::manual_exits()),
        ("AT THE START", manual::at_the_start()),
        ("COMMANDS", cli::manual_commands()),
        ("ACTIVE LADDER", literal(&active())),
        ("PASSIVE LADDER", literal(&ladders::part(&passive()))),
        ("CUT LADDER", literal(&ladders::part(&cut_off()))),
    ];
    same("man/ironftpd.8", &page_with("man/ironftpd.8", &parts));
}

fn active() -> String {
    ladders::active(&Scene::shown(1, 50_000, 20))
}

fn passive() -> String {
    ladders::passive(&Scene::shown(2, 50_001, 30_004))
}

fn cut_off() -> String {
    ladders::cut_off(&Scene::shown(3, 50_002, 30_009))
}

/// A drawing as mdoc(7).
fn literal(drawing: &str) -> String {
    let drawing = drawing.replace('\\', "\\e").replace('-', "\\-");
    format!(".Bd -literal\n{drawing}.Ed\n")
}

#[test]
fn ladders_of_the_readme_are_what_the_server_draws() {
    let readme = text("README.md");
    for drawing in [active(), passive()] {
        let lines: Vec<String> = ladders::part(&drawing)
            .lines()
            .map(|line| format!("    {line}\n"))
            .collect();
        let wanted = lines.concat();
        assert!(readme.contains(&wanted), "not in README.md:\n{wanted}");
    }
}

#[test]
fn sample_configuration_is_accepted() {
    let mut reading = config::Reading::new();
    reading.text(
        "etc/ironftpd.conf".as_ref(),
        text("etc/ironftpd.conf").as_bytes(),
    );
    let (config, findings) = reading.finish(config::Accounts::Configured).unwrap();
    let defaults = config::Config::default();
    assert_eq!(config.differing(&defaults), ["require_ssl_reuse"]);
    assert!(findings.is_empty());
}

#[test]
fn every_option_flag_and_exit_code_is_in_the_manual() {
    let options = text("man/ironftpd.conf.5");
    for name in OPTIONS
        .iter()
        .map(|spec| spec.name)
        .chain(MOOT.iter().map(|row| row.name))
    {
        let found = options
            .split([' ', '\n', ',', '.'])
            .any(|word| word == name);
        assert!(found, "{name} is not in ironftpd.conf(5)");
    }
    let daemon = text("man/ironftpd.8");
    for flag in FLAGS {
        assert!(
            daemon.contains(&format!("Fl -{}", flag.long)),
            "--{} is not in ironftpd(8)",
            flag.long
        );
    }
    for (exit, name, _) in EXITS {
        assert!(
            daemon.contains(&format!(".It {} Pq Dv {name}", exit.code())),
            "{name} is not in ironftpd(8)"
        );
    }
}

#[test]
fn settings_shown_as_examples_are_accepted() {
    let page = text("man/ironftpd.conf.5");
    for example in page.split(".Bd -literal").skip(1) {
        let (settings, _) = example.split_once(".Ed").unwrap();
        let settings = settings.split_once('\n').unwrap().1;
        let mut config = config::Config::default();
        for line in settings.lines() {
            let (name, value) = line.split_once('=').unwrap();
            config
                .set(
                    name.as_bytes(),
                    value.as_bytes(),
                    &config::Origin::CommandLine,
                )
                .unwrap();
        }
    }
}

#[test]
fn manual_pages_are_well_formed() {
    for name in [
        "man/ironftpctl.8",
        "man/ironftpd.8",
        "man/ironftpd.conf.5",
        "man/ironftpd-security.7",
    ] {
        match Command::new("mandoc")
            .args(["-T", "lint"])
            .arg(place(name))
            .output()
        {
            Ok(output) => {
                // Which other manuals are installed is the machine's affair.
                let faults: Vec<String> = String::from_utf8_lossy(&output.stdout)
                    .lines()
                    .filter(|line| !line.contains("referenced manual not found"))
                    .map(str::to_owned)
                    .collect();
                assert_eq!(faults, [""; 0]);
            }
            Err(error) => eprintln!("not shown, mandoc cannot be run: {error}"),
        }
    }
}
