//! seccomp: calls that are allowed with some arguments and refused with others.

use crate::apart;
use crate::call;
use crate::seccomp::confined;
use crate::support::temp::TempDir;
use ironftpd::sys::seccomp::{Kind, Mode, refused_here};
use ironftpd::sys::socket::peer_user;
use ironftpd::sys::transfer::{receive_now, send};
use std::io::Write;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};

const REFUSED: Result<i64, i32> = Err(libc::EPERM);

/// A call in a session's worker, or in one of `kind`.
#[track_caller]
fn refused_in(kind: Kind, tries: &[(libc::c_long, [usize; 6])]) {
    apart(|| {
        if confined(kind, Mode::Refuse) {
            for &(number, arguments) in tries {
                let result = call(number, arguments);
                assert_eq!(result, REFUSED, "call {number} with {arguments:?}");
            }
        }
    });
}

/// The same calls let through: what they return is the kernel's own answer.
#[track_caller]
fn passed_in(kind: Kind, tries: &[(libc::c_long, [usize; 6])]) {
    apart(|| {
        if confined(kind, Mode::Refuse) {
            for &(number, arguments) in tries {
                let result = call(number, arguments);
                assert_ne!(result, REFUSED, "call {number} with {arguments:?}");
                if number == libc::SYS_socket {
                    let descriptor = usize::try_from(result.unwrap()).unwrap();
                    call(libc::SYS_close, [descriptor, 0, 0, 0, 0, 0]).unwrap();
                }
            }
        }
    });
}

const fn socket(family: i32, kind: i32, protocol: i32) -> (libc::c_long, [usize; 6]) {
    let arguments = [family as usize, kind as usize, protocol as usize, 0, 0, 0];
    (libc::SYS_socket, arguments)
}

const PLAIN: i32 = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
const NONBLOCKING: i32 = PLAIN | libc::SOCK_NONBLOCK;

#[test]
fn only_tcp_sockets_are_made() {
    passed_in(
        Kind::Session,
        &[
            socket(libc::AF_INET, PLAIN, 0),
            socket(libc::AF_INET, NONBLOCKING, libc::IPPROTO_TCP),
        ],
    );
    refused_in(
        Kind::Session,
        &[
            socket(libc::AF_INET, libc::SOCK_DGRAM, 0),
            socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_TCP),
            socket(libc::AF_INET, PLAIN, libc::IPPROTO_SCTP),
            socket(libc::AF_INET, PLAIN, libc::IPPROTO_MPTCP),
            socket(libc::AF_UNIX, PLAIN, 0),
            socket(libc::AF_NETLINK, libc::SOCK_RAW, 0),
            socket(libc::AF_PACKET, libc::SOCK_RAW, 0),
            socket(libc::AF_VSOCK, PLAIN, 0),
            socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0),
            // Only the lower 32 bits count, and they are -1.
            socket(-1, PLAIN, 0),
        ],
    );
    passed_in(
        Kind::Resolver,
        &[
            socket(libc::AF_INET, libc::SOCK_DGRAM, 0),
            socket(libc::AF_UNIX, PLAIN, 0),
            socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE),
        ],
    );
    refused_in(
        Kind::Resolver,
        &[socket(libc::AF_PACKET, libc::SOCK_RAW, 0)],
    );
    refused_in(Kind::WaitingRoom, &[socket(libc::AF_INET, PLAIN, 0)]);
}

#[test]
fn the_governor_answers_who_has_come_and_goes_nowhere() {
    apart(|| {
        let place = TempDir::new();
        let listener = UnixListener::bind(place.path().join("control")).unwrap();
        let path = place.path().join("control");
        let mut asker = UnixStream::connect(path).unwrap();
        asker.write_all(b"who").unwrap();
        if !confined(Kind::Governor, Mode::Refuse) {
            return;
        }
        let (here, _) = listener.accept().unwrap();
        let own = ironftpd::sys::process::effective_user();
        assert_eq!(peer_user(here.as_fd()).unwrap(), own);
        let mut question = [0; 8];
        assert_eq!(receive_now(here.as_fd(), &mut question).unwrap(), 3);
        assert_eq!(send(here.as_fd(), b"answer", false).unwrap(), 6);
        here.shutdown(Shutdown::Read).unwrap();
        assert_eq!(refused_here().0, 0);
    });
    let address = std::ptr::null::<u8>() as usize;
    refused_in(
        Kind::Governor,
        &[
            socket(libc::AF_INET, PLAIN, 0),
            socket(libc::AF_UNIX, PLAIN, 0),
            (libc::SYS_connect, [usize::MAX, address, 0, 0, 0, 0]),
            (libc::SYS_bind, [usize::MAX, address, 0, 0, 0, 0]),
            (libc::SYS_sendto, [usize::MAX, address, 0, 0, 1, 0]),
            (libc::SYS_sendmsg, [usize::MAX, address, 0, 0, 0, 0]),
            (libc::SYS_recvmsg, [usize::MAX, address, 0, 0, 0, 0]),
            (libc::SYS_openat, [usize::MAX, address, 0, 0, 0, 0]),
            (libc::SYS_openat2, [usize::MAX, address, 0, 0, 0, 0]),
            (libc::SYS_unlinkat, [usize::MAX, address, 0, 0, 0, 0]),
            (libc::SYS_kill, [0, 0, 0, 0, 0, 0]),
            (libc::SYS_clone, [0, 0, 0, 0, 0, 0]),
        ],
    );
    let of = |name| [usize::MAX, libc::SOL_SOCKET as usize, name, 0, 0, 0];
    let peer = of(libc::SO_PEERCRED as usize);
    passed_in(Kind::Governor, &[(libc::SYS_getsockopt, peer)]);
    let other = of(libc::SO_ERROR as usize);
    refused_in(Kind::Governor, &[(libc::SYS_getsockopt, other)]);
}

#[test]
fn no_memory_becomes_executable() {
    let page = 4096;
    let write = (libc::PROT_READ | libc::PROT_WRITE) as usize;
    let execute = (libc::PROT_READ | libc::PROT_EXEC) as usize;
    let anonymous = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
    for kind in [Kind::Session, Kind::Login, Kind::WaitingRoom, Kind::Main] {
        refused_in(
            kind,
            &[
                (libc::SYS_mmap, [0, page, execute, anonymous, usize::MAX, 0]),
                (libc::SYS_mprotect, [0, page, execute, 0, 0, 0]),
            ],
        );
        apart(|| {
            if confined(kind, Mode::Refuse) {
                let made = call(libc::SYS_mmap, [0, page, write, anonymous, usize::MAX, 0]);
                let at = usize::try_from(made.unwrap()).unwrap();
                let arguments = [at, page, libc::PROT_READ as usize, 0, 0, 0];
                assert_eq!(call(libc::SYS_mprotect, arguments), Ok(0));
                assert_eq!(call(libc::SYS_munmap, [at, page, 0, 0, 0, 0]), Ok(0));
            }
        });
    }
}

#[test]
fn signals_go_to_this_process_only() {
    let own = std::process::id() as usize;
    // SAFETY: takes nothing and cannot fail.
    let parent = unsafe { libc::getppid() } as usize;
    refused_in(
        Kind::Session,
        &[
            (libc::SYS_tgkill, [parent, parent, 0, 0, 0, 0]),
            (libc::SYS_tgkill, [1, 1, 0, 0, 0, 0]),
            (libc::SYS_kill, [own, 0, 0, 0, 0, 0]),
        ],
    );
    // No thread has this id.
    passed_in(
        Kind::Session,
        &[(libc::SYS_tgkill, [own, i32::MAX as usize, 0, 0, 0, 0])],
    );
}

#[test]
fn a_send_with_an_address_cannot_connect_a_socket() {
    let address = [0u8; 16];
    let at = address.as_ptr() as usize;
    let nowhere = usize::MAX;
    for kind in [Kind::Session, Kind::Login, Kind::WaitingRoom] {
        refused_in(
            kind,
            &[
                (
                    libc::SYS_sendto,
                    [nowhere, 0, 0, libc::MSG_FASTOPEN as usize, at, 16],
                ),
                // All but the lower half of the pointer is zero, or all but the upper.
                (libc::SYS_sendto, [nowhere, 0, 0, 0, 1, 0]),
                (libc::SYS_sendto, [nowhere, 0, 0, 0, 1 << 32, 0]),
            ],
        );
        passed_in(kind, &[(libc::SYS_sendto, [nowhere, 0, 0, 0, 0, 0])]);
        let fast = (libc::MSG_FASTOPEN | libc::MSG_NOSIGNAL) as usize;
        refused_in(kind, &[(libc::SYS_sendmsg, [nowhere, 0, fast, 0, 0, 0])]);
    }
}

#[test]
fn sockets_take_no_programs_and_no_other_protocols() {
    let nowhere = usize::MAX;
    let set = |level: i32, option: i32| {
        let arguments = [nowhere, level as usize, option as usize, 0, 0, 0];
        (libc::SYS_setsockopt, arguments)
    };
    refused_in(
        Kind::Session,
        &[
            set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER),
            set(libc::SOL_SOCKET, libc::SO_ATTACH_BPF),
            set(libc::SOL_SOCKET, libc::SO_ATTACH_REUSEPORT_CBPF),
            set(libc::SOL_SOCKET, libc::SO_MARK),
            set(libc::IPPROTO_TCP, libc::TCP_ULP),
            set(libc::IPPROTO_TCP, libc::TCP_REPAIR),
            // IPT_SO_SET_REPLACE.
            set(libc::IPPROTO_IP, 64),
            set(libc::SOL_NETLINK, 1),
        ],
    );
    passed_in(
        Kind::Session,
        &[
            set(libc::SOL_SOCKET, libc::SO_REUSEADDR),
            set(libc::IPPROTO_TCP, libc::TCP_NODELAY),
            set(libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT),
        ],
    );
}

#[test]
fn process_wide_settings_stay() {
    let prctl = |option: i32, value: usize| (libc::SYS_prctl, [option as usize, value, 0, 0, 0, 0]);
    refused_in(
        Kind::Session,
        &[
            prctl(libc::PR_SET_DUMPABLE, 1),
            prctl(libc::PR_SET_KEEPCAPS, 1),
            prctl(libc::PR_SET_SECCOMP, 0),
            prctl(libc::PR_SET_PTRACER, 1),
            prctl(libc::PR_SET_MM, 0),
        ],
    );
    // Terminal control, with which input can be put into a shell's mouth.
    let ioctl = |request: usize| (libc::SYS_ioctl, [0, request, 0, 0, 0, 0]);
    refused_in(Kind::Session, &[ioctl(libc::TIOCSTI as usize), ioctl(0)]);
    let fcntl = |command: i32| (libc::SYS_fcntl, [0, command as usize, 0, 0, 0, 0]);
    refused_in(
        Kind::Session,
        &[
            fcntl(libc::F_SETOWN),
            fcntl(libc::F_NOTIFY),
            fcntl(libc::F_SETPIPE_SZ),
        ],
    );
    passed_in(Kind::Session, &[fcntl(libc::F_GETFD), fcntl(libc::F_GETFL)]);
}

#[test]
fn the_main_thread_s_children_never_become_root() {
    let same = usize::MAX;
    let set = |real, effective, saved| (libc::SYS_setresuid, [real, effective, saved, 0, 0, 0]);
    refused_in(
        Kind::Main,
        &[
            set(0, 0, 0),
            set(same, 0, same),
            set(0, same, same),
            set(same, same, 0),
            // The kernel looks at 32 bits.
            set(1 << 32, same, same),
            (libc::SYS_setuid, [0; 6]),
            (libc::SYS_setfsuid, [0; 6]),
        ],
    );
    passed_in(Kind::Main, &[set(same, same, same)]);
    passed_in(Kind::MainWithRoot, &[set(same, same, same)]);
    // The kernel's own no is EPERM too, so only where it says yes.
    if crate::support::is_root() {
        passed_in(Kind::MainWithRoot, &[set(0, 0, 0)]);
    }
    refused_in(
        Kind::Login,
        &[set(same, same, same), (libc::SYS_setgroups, [0; 6])],
    );
}

#[test]
fn filters_are_for_one_thread() {
    let filter = [
        libc::SECCOMP_SET_MODE_FILTER as usize,
        libc::SECCOMP_FILTER_FLAG_TSYNC as usize,
    ];
    refused_in(
        Kind::Main,
        &[
            (libc::SYS_seccomp, [filter[0], filter[1], 0, 0, 0, 0]),
            (
                libc::SYS_seccomp,
                [libc::SECCOMP_SET_MODE_STRICT as usize, 0, 0, 0, 0, 0],
            ),
        ],
    );
}

#[test]
fn a_login_worker_opens_files_and_asks_the_authenticator() {
    passed_in(
        Kind::Login,
        &[
            (libc::SYS_openat, [0; 6]),
            (
                libc::SYS_sendmsg,
                [usize::MAX, 0, libc::MSG_NOSIGNAL as usize, 0, 0, 0],
            ),
            (libc::SYS_recvmsg, [usize::MAX, 0, 0, 0, 0, 0]),
            (
                libc::SYS_socketpair,
                [
                    libc::AF_UNIX as usize,
                    libc::SOCK_SEQPACKET as usize,
                    0,
                    0,
                    0,
                    0,
                ],
            ),
        ],
    );
    refused_in(
        Kind::Login,
        &[
            (
                libc::SYS_socketpair,
                [libc::AF_INET as usize, PLAIN as usize, 0, 0, 0, 0],
            ),
            (libc::SYS_execve, [0; 6]),
            (libc::SYS_clone, [0; 6]),
        ],
    );
}
