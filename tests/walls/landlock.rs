//! Landlock: what a confined thread can still reach.

use crate::support::left_out;
use crate::support::temp::TempDir;
use crate::together::give_a_name_to_a_file_without;
use crate::{apart, call, errno};
use ironftpd::sys::file::{self, OpenHow};
use ironftpd::sys::landlock::{Access, Enforced, Extent, Network, confine};
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

/// A directory as a server holds its root: by an O_PATH descriptor.
fn root(path: &Path) -> OwnedFd {
    let options = libc::O_PATH | libc::O_DIRECTORY;
    let file = File::options().read(true).custom_flags(options).open(path);
    file.unwrap().into()
}

/// Confines the calling thread; `None`, with the reason told, where this
/// kernel does not enforce anything.
fn confined(place: &Path, access: Access) -> Option<Enforced> {
    let enforced = confine(&[(root(place).as_fd(), access)], Network::FREE).unwrap();
    at_work(enforced)
}

fn at_work(enforced: Enforced) -> Option<Enforced> {
    match enforced.extent {
        Extent::Full | Extent::Partial => Some(enforced),
        _ => {
            left_out(&enforced.to_string());
            None
        }
    }
}

struct Places {
    inside: TempDir,
    outside: TempDir,
}

fn places() -> Places {
    let (inside, outside) = (TempDir::new(), TempDir::new());
    inside.file("a/file", "content");
    inside.dir("b");
    outside.file("secret", "the secret");
    outside.dir("dir");
    inside.link("to-secret", outside.path().join("secret"));
    Places { inside, outside }
}

#[test]
fn a_writer_does_everything_inside() {
    let Places { inside, .. } = places();
    let at = |name: &str| inside.path().join(name);
    apart(|| {
        if confined(inside.path(), Access::ReadWrite).is_none() {
            return;
        }
        assert_eq!(fs::read(at("a/file")).unwrap(), b"content");
        assert_eq!(fs::read_dir(at("")).unwrap().count(), 3);
        fs::write(at("b/new"), "longer than before").unwrap();
        File::options().append(true).open(at("b/new")).unwrap();
        File::options()
            .write(true)
            .open(at("b/new"))
            .unwrap()
            .set_len(3)
            .unwrap();
        // Across directories: the right to refer.
        fs::rename(at("b/new"), at("a/moved")).unwrap();
        fs::hard_link(at("a/moved"), at("b/linked")).unwrap();
        fs::create_dir(at("a/sub")).unwrap();
        fs::rename(at("a/sub"), at("b/sub")).unwrap();
        symlink("anywhere", at("b/link")).unwrap();
        fs::remove_file(at("b/link")).unwrap();
        fs::remove_dir(at("b/sub")).unwrap();
        assert_eq!(fs::read(at("b/linked")).unwrap(), b"lon");
    });
}

#[test]
fn an_upload_without_a_name_gets_one() {
    let Places { inside, .. } = places();
    let directory = root(&inside.path().join("b"));
    apart(|| {
        if confined(inside.path(), Access::ReadWrite).is_none() {
            return;
        }
        give_a_name_to_a_file_without(&directory);
    });
}

#[test]
fn nothing_outside_can_be_opened_made_or_moved() {
    let Places { inside, outside } = places();
    let out = |name: &str| outside.path().join(name);
    apart(|| {
        if confined(inside.path(), Access::ReadWrite).is_none() {
            return;
        }
        let denied = libc::EACCES;
        assert_eq!(errno(fs::read(out("secret"))), denied);
        assert_eq!(errno(fs::read(inside.path().join("to-secret"))), denied);
        assert_eq!(errno(fs::read("/etc/passwd")), denied);
        assert_eq!(errno(fs::read_dir(outside.path())), denied);
        assert_eq!(errno(fs::read_dir("/")), denied);
        assert_eq!(errno(fs::write(out("new"), "")), denied);
        assert_eq!(errno(fs::create_dir(out("new"))), denied);
        assert_eq!(errno(fs::remove_dir(out("dir"))), denied);
        assert_eq!(errno(fs::remove_file(out("secret"))), denied);
        // Either way, and the kernel may say EXDEV for lack of the right.
        for (from, to) in [
            (out("secret"), inside.path().join("taken")),
            (inside.path().join("a/file"), out("given")),
        ] {
            let moved = errno(fs::rename(&from, &to));
            assert!(moved == denied || moved == libc::EXDEV, "{moved}");
            let linked = errno(fs::hard_link(&from, &to));
            assert!(linked == denied || linked == libc::EXDEV, "{linked}");
        }
    });
    assert_eq!(outside.read("secret"), b"the secret");
    // This thread is as free as before.
    fs::write(out("new"), "").unwrap();
}

#[test]
fn descriptors_of_outside_are_no_way_out() {
    let Places { inside, outside } = places();
    // As a thread may have them whose siblings serve other roots.
    let directory = root(outside.path());
    let file = File::open(outside.path().join("secret")).unwrap();
    apart(|| {
        if confined(inside.path(), Access::ReadWrite).is_none() {
            return;
        }
        let how = |flags| OpenHow {
            flags,
            mode: 0,
            resolve: libc::RESOLVE_IN_ROOT,
        };
        let denied = libc::EACCES;
        let error = file::openat2(directory.as_fd(), b"secret", how(libc::O_RDONLY)).unwrap_err();
        assert_eq!(error.errno(), denied);
        let error = file::openat2(directory.as_fd(), b".", how(libc::O_DIRECTORY)).unwrap_err();
        assert_eq!(error.errno(), denied);
        for path in [
            format!("/proc/self/fd/{}", file.as_raw_fd()),
            format!("/proc/thread-self/fd/{}", file.as_raw_fd()),
            format!("/proc/self/fd/{}/secret", directory.as_raw_fd()),
            "/proc/self/cwd".to_owned(),
            format!("/proc/self/root{}/secret", outside.path().display()),
            "/proc/self/maps".to_owned(),
            "/proc/self/environ".to_owned(),
            "/dev/fd/0".to_owned(),
        ] {
            let found = errno(File::open(&path));
            assert_eq!(found, denied, "{path}");
        }
    });
}

#[test]
fn a_reader_changes_nothing() {
    let Places { inside, .. } = places();
    let at = |name: &str| inside.path().join(name);
    apart(|| {
        let Some(enforced) = confined(inside.path(), Access::ReadOnly) else {
            return;
        };
        assert_eq!(fs::read(at("a/file")).unwrap(), b"content");
        assert_eq!(fs::read_dir(at("a")).unwrap().count(), 1);
        let denied = libc::EACCES;
        let write = |append| {
            File::options()
                .write(true)
                .append(append)
                .open(at("a/file"))
        };
        assert_eq!(errno(write(false)), denied);
        assert_eq!(errno(write(true)), denied);
        assert_eq!(errno(fs::write(at("new"), "")), denied);
        assert_eq!(errno(fs::create_dir(at("new"))), denied);
        assert_eq!(errno(symlink("x", at("new"))), denied);
        assert_eq!(errno(fs::remove_file(at("a/file"))), denied);
        assert_eq!(errno(fs::remove_dir(at("b"))), denied);
        assert_eq!(errno(fs::rename(at("a/file"), at("a/renamed"))), denied);
        if enforced.abi >= 3 {
            let name = format!("{}\0", at("a/file").display());
            let arguments = [name.as_ptr() as usize, 0, 0, 0, 0, 0];
            assert_eq!(call(libc::SYS_truncate, arguments), Err(denied));
        }
    });
    assert_eq!(inside.read("a/file"), b"content");
}

#[test]
fn whoever_looks_up_files_by_name_cannot_list_them() {
    let Places { inside, .. } = places();
    apart(|| {
        if confined(inside.path(), Access::Lookup).is_none() {
            return;
        }
        assert_eq!(fs::read(inside.path().join("a/file")).unwrap(), b"content");
        // One that was put in the place of another, as a new accounts file is.
        assert_eq!(errno(fs::read_dir(inside.path())), libc::EACCES);
        assert_eq!(
            errno(fs::write(inside.path().join("a/file"), "")),
            libc::EACCES
        );
    });
}

#[test]
fn neither_devices_nor_sockets_nor_pipes_are_made() {
    let Places { inside, .. } = places();
    apart(|| {
        if confined(inside.path(), Access::ReadWrite).is_none() {
            return;
        }
        for kind in [libc::S_IFIFO, libc::S_IFSOCK, libc::S_IFCHR, libc::S_IFBLK] {
            let name = format!("{}\0", inside.path().join("node").display());
            let mode = kind as usize | 0o600;
            // Character device 1:3 is /dev/null; the number does not count for others.
            let arguments = [
                libc::AT_FDCWD as usize,
                name.as_ptr() as usize,
                mode,
                0x103,
                0,
                0,
            ];
            let error = call(libc::SYS_mknodat, arguments).unwrap_err();
            // Without root the kernel refuses devices before Landlock is asked.
            assert!(
                error == libc::EACCES || error == libc::EPERM,
                "{kind:o}: {error}"
            );
        }
        assert_eq!(
            errno(UnixListener::bind(inside.path().join("sock"))),
            libc::EACCES
        );
    });
}

#[test]
fn two_roots_have_each_their_own_rights() {
    let Places { inside, outside } = places();
    let roots = [root(inside.path()), root(outside.path())];
    apart(|| {
        let rules = [
            (roots[0].as_fd(), Access::ReadWrite),
            (roots[1].as_fd(), Access::ReadOnly),
        ];
        if at_work(confine(&rules, Network::FREE).unwrap()).is_none() {
            return;
        }
        fs::write(inside.path().join("new"), "x").unwrap();
        fs::read(outside.path().join("secret")).unwrap();
        assert_eq!(
            errno(fs::write(outside.path().join("new"), "x")),
            libc::EACCES
        );
    });
}

#[test]
fn without_a_root_nothing_is_opened_and_a_second_wall_only_narrows() {
    let Places { inside, .. } = places();
    apart(|| {
        if at_work(confine(&[], Network::CLOSED).unwrap()).is_none() {
            return;
        }
        assert_eq!(errno(fs::read(inside.path().join("a/file"))), libc::EACCES);
        confined(inside.path(), Access::ReadWrite).unwrap();
        assert_eq!(errno(fs::read(inside.path().join("a/file"))), libc::EACCES);
    });
}

#[test]
fn the_network_is_closed_where_nobody_needs_it() {
    let Places { inside, .. } = places();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let root = root(inside.path());
    let with = |network| confine(&[(root.as_fd(), Access::ReadOnly)], network).unwrap();
    apart(|| {
        let Some(enforced) = at_work(with(Network {
            connect: false,
            bind: true,
        })) else {
            return;
        };
        if enforced.abi < 4 {
            return left_out("this kernel's Landlock does not know TCP (Linux 6.7)");
        }
        assert_eq!(errno(TcpStream::connect(address)), libc::EACCES);
        TcpListener::bind("127.0.0.1:0").unwrap();
        with(Network::CLOSED);
        assert_eq!(errno(TcpListener::bind("127.0.0.1:0")), libc::EACCES);
    });
    apart(|| {
        with(Network::FREE);
        TcpStream::connect(address).unwrap();
        listener.accept().unwrap();
        TcpListener::bind("127.0.0.1:0").unwrap();
    });
}

#[test]
fn abstract_sockets_and_other_processes_are_out_of_reach() {
    let Places { inside, .. } = places();
    let name = inside.path().as_os_str().as_encoded_bytes();
    let address = SocketAddr::from_abstract_name(name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    // Ends when its input does.
    let mut other = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let signal = [other.id() as usize, 0, 0, 0, 0, 0];
    assert_eq!(call(libc::SYS_kill, signal), Ok(0));
    apart(|| {
        let Some(enforced) = confined(inside.path(), Access::ReadWrite) else {
            return;
        };
        if enforced.abi < 6 {
            return left_out("this kernel's Landlock knows neither signals nor abstract sockets");
        }
        assert_eq!(errno(UnixStream::connect_addr(&address)), libc::EPERM);
        assert_eq!(call(libc::SYS_kill, signal), Err(libc::EPERM));
    });
    drop(other.stdin.take());
    other.wait().unwrap();
}

#[test]
fn a_descriptor_that_is_no_file_is_refused() {
    let (socket, _other) = UnixStream::pair().unwrap();
    apart(|| {
        let result = confine(&[(socket.as_fd(), Access::ReadOnly)], Network::FREE);
        match result {
            Err(error) => assert_eq!(error.errno(), libc::EBADFD, "{error}"),
            // Nobody looked.
            Ok(enforced) => assert!(at_work(enforced).is_none()),
        }
        fs::read("/etc/passwd").unwrap();
    });
}
