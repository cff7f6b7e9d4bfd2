//! Servers that are not ours: as installed, or unpacked by
//! `tests/conformance/peers.sh`, which installs nothing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::temp::TempDir;

/// Where a server's program is; the error says why there is none. `version` is
/// what its `-v` has to say.
pub fn program(name: &str, package: &str, version: &str) -> Result<PathBuf, String> {
    let installed = Path::new("/usr/sbin").join(name);
    let unpacked = unpacked().join(package).join("usr/sbin").join(name);
    let found = [installed, unpacked]
        .into_iter()
        .find(|path| path.is_file());
    let program = found.ok_or_else(|| {
        let missing = unpacked_missing(name);
        missing.unwrap_or_else(|| "run tests/conformance/peers.sh".to_owned())
    })?;
    let home = TempDir::new();
    let mut asking = Command::new(&program);
    let shown = speaking(asking.arg("-v"), &home, "version");
    let _ = shown.map(|mut child| child.wait());
    let shown = fs::read_to_string(home.path().join("version")).unwrap_or_default();
    if !shown.contains(version) {
        let shown = shown.trim();
        return Err(format!("is {shown:?}, and written down is {version}"));
    }
    Ok(program)
}

/// Debian's vsftpd, whose answers are written down.
pub fn vsftpd() -> Result<PathBuf, String> {
    program("vsftpd", "vsftpd", "version 3.0.3")
}

/// Starts a program with all it says going to a file of `home`.
pub fn speaking(command: &mut Command, home: &TempDir, file: &str) -> std::io::Result<Child> {
    let output = File::create(home.path().join(file))?;
    command
        .env("LD_LIBRARY_PATH", libraries())
        .current_dir(home.path())
        // vsftpd speaks on descriptor 0.
        .stdin(output.try_clone()?)
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
}

/// Where `peers.sh` unpacks: beside what cargo builds.
fn unpacked() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("peers")
}

/// Why it could not.
fn unpacked_missing(name: &str) -> Option<String> {
    let reason = fs::read_to_string(unpacked().join(format!("{name}.missing")));
    reason.ok().map(|reason| reason.trim().to_owned())
}

/// Folders of the libraries it unpacked, as the loader wants them.
pub fn libraries() -> String {
    let folders = ["lib/usr/lib", "lib/lib"].into_iter().flat_map(|folder| {
        let entries = fs::read_dir(unpacked().join(folder));
        entries.into_iter().flatten().flatten()
    });
    let paths: Vec<String> = folders
        .map(|entry| entry.path().display().to_string())
        .collect();
    paths.join(":")
}
