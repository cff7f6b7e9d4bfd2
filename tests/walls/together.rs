//! All walls in the order in which a server raises them.

use crate::child::{status, well};
use crate::seccomp::{FORBIDDEN, confined};
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};
use crate::{apart, call};
use ironftpd::sys::capability::{Capabilities, Capability, keep_only};
use ironftpd::sys::file::{self, OpenHow};
use ironftpd::sys::identity::{Identity, become_for_good, drop_process_to};
use ironftpd::sys::landlock::{Access, Network, confine};
use ironftpd::sys::process;
use ironftpd::sys::seccomp::{Filter, Kind, Mode};
use ironftpd::sys::transfer::write_all;
use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

/// The worker of a local user, from its birth to its first upload.
fn serve(user: &Identity, home: &std::path::Path, filter: &Filter) {
    become_for_good(user, Capabilities::NONE).unwrap();
    // Opened as the user, before names of other places go.
    let root: OwnedFd = File::open(home).unwrap().into();
    confine(&[(root.as_fd(), Access::ReadWrite)], Network::FREE).unwrap();
    filter.confine().unwrap();
    for name in [b"upload", b"second"] {
        let how = OpenHow {
            flags: libc::O_WRONLY | libc::O_CREAT,
            mode: 0o640,
            resolve: libc::RESOLVE_IN_ROOT | libc::RESOLVE_NO_MAGICLINKS,
        };
        let file = file::openat2(root.as_fd(), name, how).unwrap();
        write_all(file.as_fd(), b"bytes").unwrap();
    }
    give_a_name_to_a_file_without(&root);
    for &(name, number) in FORBIDDEN {
        assert_eq!(call(number, [0; 6]), Err(libc::EPERM), "{name}");
    }
}

/// An upload that gets its name when it is whole: through /proc/self/fd, whose
/// files belong to root here, as the process may not be dumped.
pub fn give_a_name_to_a_file_without(root: &OwnedFd) {
    let how = OpenHow {
        flags: libc::O_TMPFILE | libc::O_WRONLY,
        mode: 0o600,
        resolve: libc::RESOLVE_IN_ROOT,
    };
    let file = match file::openat2(root.as_fd(), b".", how) {
        Ok(file) => file,
        Err(error) if error.errno() == libc::EOPNOTSUPP => {
            return left_out("the temporary directory has no O_TMPFILE");
        }
        Err(error) => panic!("{error}"),
    };
    let from = format!("/proc/self/fd/{}\0", file.as_raw_fd());
    let arguments = [
        libc::AT_FDCWD as usize,
        from.as_ptr() as usize,
        root.as_raw_fd() as usize,
        c"whole".as_ptr() as usize,
        libc::AT_SYMLINK_FOLLOW as usize,
        0,
    ];
    assert_eq!(call(libc::SYS_linkat, arguments), Ok(0));
}

#[test]
fn a_server_and_its_users_workers() {
    if !is_root() {
        return left_out("becoming another user takes root");
    }
    let homes: Vec<(Identity, TempDir)> = (0..4)
        .map(|number| {
            let user = Identity::new(41_000 + number, 51_000 + number, &[]).unwrap();
            let home = TempDir::new();
            fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
            chown(home.path(), Some(user.uid()), Some(user.gid())).unwrap();
            (user, home)
        })
        .collect();
    well(|| {
        process::forbid_core_files().unwrap();
        let keys = Capabilities::NONE
            .with(Capability::Setuid)
            .with(Capability::Setgid);
        drop_process_to(&Identity::new(40_100, 40_100, &[]).unwrap(), keys).unwrap();
        process::forbid_dumps().unwrap();
        process::forbid_new_privileges().unwrap();
        if !confined(Kind::Main, Mode::Refuse) {
            return;
        }
        let filter = Filter::new(Kind::Session, Mode::Refuse).unwrap();
        std::thread::scope(|scope| {
            for (user, home) in &homes {
                scope.spawn(|| serve(user, home.path(), &filter));
            }
        });
        assert_eq!(status("Uid"), "40100 40100 40100 40100");
    });
    for (user, home) in &homes {
        for name in ["upload", "second"] {
            let found = home.path().join(name).metadata().unwrap();
            assert_eq!((found.uid(), found.gid()), (user.uid(), user.gid()));
            assert_eq!(home.read(name), b"bytes");
        }
    }
}

#[test]
fn a_server_of_an_ordinary_user_raises_what_it_may() {
    let root = TempDir::new();
    root.file("file", "content");
    root.dir("inbox");
    well(|| {
        if is_root() {
            drop_process_to(
                &Identity::new(40_100, 40_100, &[]).unwrap(),
                Capabilities::NONE,
            )
            .unwrap();
        }
        process::forbid_dumps().unwrap();
        process::forbid_new_privileges().unwrap();
        keep_only(Capabilities::NONE).unwrap();
        if !confined(Kind::Main, Mode::Refuse) {
            return;
        }
        let filter = Filter::new(Kind::Session, Mode::Refuse).unwrap();
        apart(|| {
            let directory: OwnedFd = File::open(root.path()).unwrap().into();
            let inbox: OwnedFd = File::open(root.path().join("inbox")).unwrap().into();
            let roots = [
                (directory.as_fd(), Access::ReadOnly),
                (inbox.as_fd(), Access::ReadWrite),
            ];
            confine(&roots, Network::FREE).unwrap();
            filter.confine().unwrap();
            let how = |flags| OpenHow {
                flags,
                mode: 0,
                resolve: libc::RESOLVE_IN_ROOT,
            };
            file::openat2(directory.as_fd(), b"file", how(libc::O_RDONLY)).unwrap();
            let error = file::openat2(directory.as_fd(), b"file", how(libc::O_WRONLY)).unwrap_err();
            assert_eq!(error.errno(), libc::EACCES);
            give_a_name_to_a_file_without(&inbox);
        });
    });
}
