//! The unit files of etc/: as hardened as systemd itself judges, and free of
//! words that it does not know.

use std::path::Path;
use std::process::Command;

use crate::support::left_out;
use crate::support::temp::TempDir;

const UNITS: [&str; 3] = ["ironftpd.service", "ironftpd.socket", "ironftpd@.service"];

fn unit(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("etc").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn has_systemd_analyze() -> bool {
    let there = Command::new("systemd-analyze").arg("--version").output();
    let there = there.is_ok_and(|output| output.status.success());
    if !there {
        left_out("no systemd-analyze (package systemd)");
    }
    there
}

#[test]
fn services_are_exposed_no_more_than_ok() {
    if !has_systemd_analyze() {
        return;
    }
    for (name, addition) in [
        ("ironftpd.service", None),
        ("ironftpd@.service", None),
        ("ironftpd.service", Some("local-users.conf")),
    ] {
        let place = TempDir::new();
        let mut text = unit(name);
        if let Some(addition) = addition {
            // Later settings count, as in a drop-in.
            let (before, after) = text.split_once("[Install]").unwrap();
            text = format!("{before}{}\n[Install]{after}", unit(addition));
        }
        let file = place.file(name, text);
        let output = Command::new("systemd-analyze")
            .args(["security", "--no-pager", "--offline=true"])
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let verdict = text.lines().rfind(|line| line.contains("exposure level"));
        let verdict = verdict.unwrap_or_else(|| panic!("{text}"));
        eprintln!("{verdict}");
        let words = verdict.split_whitespace().collect::<Vec<_>>();
        let fine = words
            .iter()
            .any(|word| matches!(*word, "OK" | "SAFE" | "PERFECT"));
        assert!(fine, "{name}: {verdict}\n{text}");
    }
}

#[test]
fn units_are_understood() {
    if !has_systemd_analyze() {
        return;
    }
    let place = TempDir::new();
    for name in UNITS {
        // The program need not be installed here.
        let text = unit(name).replace("/usr/local/sbin/ironftpd", "/bin/true");
        let path = place.file(name, text);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(path, mode).unwrap();
    }
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(UNITS.map(|name| place.path().join(name)))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let wrong: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("ironftpd"))
        // Younger than the systemd of Debian 12, which then takes the line before.
        .filter(|line| !line.contains("notify-reload"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
