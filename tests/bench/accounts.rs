//! The users that servers see: an /etc of their own, shown to one server
//! alone. The system's stays as it is.
//!
//! As root, the anonymous account of vsftpd and Pure-FTPd is the system's
//! `ftp`, whose home is Pure-FTPd's root. Where users of the system log in
//! there is one more, [`NAME`], and a PAM file for it.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ironftpd::sys::crypt;

use crate::cases::{Check, Place};
use crate::servers::Site;

/// A user of the system.
pub const NAME: &str = "ftp-bench";

/// Its password.
pub const PASSWORD: &str = "bench";

/// The name of a PAM file.
pub fn service(check: Check) -> &'static str {
    match check {
        Check::Permit => "ftp-bench-permit",
        Check::Unix => "ftp-bench-unix",
    }
}

fn module(check: Check) -> &'static str {
    match check {
        Check::Permit => "pam_permit.so",
        Check::Unix => "pam_unix.so",
    }
}

/// The options with which users of the system may log in.
pub fn options(check: Check) -> String {
    let service = service(check);
    format!(
        "local_enable=YES\npam_service_name={service}\n\
         chroot_local_user=YES\nallow_writeable_chroot=YES\n"
    )
}

/// Directories below /etc that servers need.
const FOLDERS: [&str; 2] = ["pam.d", "security"];

/// The directory that a server at `site` shall see as /etc: a copy with other
/// users. A file laid over /etc/passwd alone would be gone as soon as somebody
/// adds a user to the system, whose tools put a new file in its place.
pub fn etc(site: Site<'_>, stem: &Path) -> Result<CString, String> {
    let etc = stem.with_extension("etc");
    copy(site, &etc).map_err(|error| format!("{}: {error}", etc.display()))?;
    CString::new(etc.as_os_str().as_bytes()).map_err(|error| error.to_string())
}

fn copy(site: Site<'_>, etc: &Path) -> io::Result<()> {
    let folders = [""].into_iter().chain(FOLDERS);
    for folder in folders {
        let to = etc.join(folder);
        fs::create_dir_all(&to)?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
        for entry in fs::read_dir(Path::new("/etc").join(folder))
            .into_iter()
            .flatten()
        {
            let entry = entry?;
            // A lock of one of those tools may be gone by now.
            if fs::metadata(entry.path()).is_ok_and(|about| about.is_file()) {
                let _ = fs::copy(entry.path(), to.join(entry.file_name()));
            }
        }
    }
    let users = fs::read_to_string("/etc/passwd")?;
    fs::write(etc.join("passwd"), passwd(&users, site.root))?;
    if let Place::Users(check) = site.place {
        fs::write(etc.join("shadow"), shadow().map_err(io::Error::other)?)?;
        let module = module(check);
        let text = format!("auth required {module}\naccount required {module}\n");
        fs::write(etc.join("pam.d").join(service(check)), text)?;
    }
    Ok(())
}

/// The system's users, with `ftp` at home in `root` and the user of ours.
fn passwd(system: &str, root: &Path) -> String {
    let ids = system
        .lines()
        .find_map(|line| line.strip_prefix("ftp:"))
        .map_or("x:65533:65534", |rest| {
            let end = rest
                .match_indices(':')
                .nth(2)
                .map_or(rest.len(), |(at, _)| at);
            &rest[..end]
        });
    let mut text: String = system
        .lines()
        .filter(|line| !line.starts_with("ftp:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let home = root.display();
    text.push_str(&format!("ftp:{ids}:ftp:{home}:/bin/sh\n"));
    text.push_str(&format!("{NAME}:x:65532:65534:bench:{home}:/bin/sh\n"));
    text
}

/// A password for the user of ours, with the cheapest hash that is still one
/// of today's.
fn shadow() -> Result<String, String> {
    let words = |error: crypt::CryptError| error.to_string();
    let setting = crypt::new_setting("$5$", 1000).map_err(words)?;
    let hash = crypt::hash(PASSWORD.as_bytes(), &setting).map_err(words)?;
    let hash = String::from_utf8_lossy(&hash);
    Ok(format!("{NAME}:{hash}:20000:0:99999:7:::\n"))
}
