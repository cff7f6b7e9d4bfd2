//! Files that decide who may do what, and whom the system lets change them.
#![forbid(unsafe_code)]

use super::check::Report;
use super::notes::Paper;
use crate::sys::regular::is_null;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Bits of a mode (inode(7)).
const BY_GROUP_OR_OTHERS: u32 = 0o022;
const BY_OTHERS: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Tells of each file in use that others than its owner may change. What is
/// said of virtual_users_file, `auth` says.
pub(super) fn check(report: &mut Report<'_>) {
    let config = report.config;
    let lists = config
        .login_lists()
        .filter_map(|list| Some((list.option, list.file?)));
    let banner = config.banner_file.as_deref();
    for (option, file) in lists.chain(banner.map(|file| ("banner_file", file))) {
        // All may write there, and must.
        if is_null(file) {
            continue;
        }
        writable(report, option, file);
        let directory = match file.parent() {
            Some(parent) if *parent == *"" => Path::new("."),
            Some(parent) => parent,
            None => continue,
        };
        // A sticky directory lets nobody replace what is another's.
        if mode_of(directory).is_some_and(|mode| mode & (BY_OTHERS | STICKY) == BY_OTHERS) {
            report.finding(option, Paper::ReplaceableByOthers(directory.to_owned()));
        }
    }
    if let Some(directory) = &config.user_config_dir {
        writable(report, "user_config_dir", directory);
    }
}

fn writable(report: &mut Report<'_>, option: &str, path: &Path) {
    if mode_of(path).is_some_and(|mode| mode & BY_GROUP_OR_OTHERS != 0) {
        report.finding(option, Paper::WritableByOthers(path.to_owned()));
    }
}

/// The mode of what is there.
fn mode_of(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|about| about.mode())
}

#[cfg(test)]
mod tests {
    use super::super::check::tests::judged;
    use super::super::load::Accounts;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    struct Place(PathBuf);

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn files_and_directories_that_others_may_change_are_told() {
        let name = format!("ironftpd-exposed-{}", std::process::id());
        let place = Place(std::env::temp_dir().join(name));
        fs::create_dir_all(&place.0).unwrap();
        let list = place.0.join("list");
        fs::write(&list, "").unwrap();
        let list_option = format!("userlist_file={}", list.display());
        let text = format!("userlist_enable=YES\n{list_option}\nlocal_enable=YES");
        let told = |text: &str| judged(text, Accounts::Configured).unwrap();
        set(&place.0, 0o755);
        set(&list, 0o644);
        assert_eq!(told(&text), [""; 0]);
        for mode in [0o664, 0o646, 0o666] {
            set(&list, mode);
            let [line] = told(&text).try_into().unwrap();
            assert!(line.starts_with("f:2: userlist_file: users other than its owner may write"));
            assert!(
                line.ends_with(&format!("chmod go-w {}", list.display())),
                "{line}"
            );
        }
        set(&list, 0o600);
        set(&place.0, 0o777);
        let [line] = told(&text).try_into().unwrap();
        assert!(
            line.contains("any user may put another file in its place"),
            "{line}"
        );
        set(&place.0, 0o1777);
        assert_eq!(told(&text), [""; 0]);
        // A null device with its usual mode, if one can be made.
        let null = place.0.join("null");
        let mut mknod = std::process::Command::new("mknod");
        let made = mknod.args(["-m", "666"]).arg(&null).args(["c", "1", "3"]);
        let made = made.output().is_ok_and(|done| done.status.success());
        let null = if made { &null } else { Path::new("/dev/null") };
        let empty = format!("banner_file={}", null.display());
        let [line] = told(&empty).try_into().unwrap();
        assert!(line.contains("is read as an empty file"), "{line}");
        set(&place.0, 0o777);
        let directory = format!("user_config_dir={}", place.0.display());
        assert_eq!(told(&directory).len(), 1);
        assert_eq!(told(&format!("userlist_file={}", list.display())), [""; 0]);
    }
}
