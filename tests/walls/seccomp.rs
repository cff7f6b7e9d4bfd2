//! seccomp: what is refused, how that is told, and what goes on working.

use crate::child::{alone, child, well};
use crate::support::left_out;
use crate::support::temp::TempDir;
use crate::{apart, call, errno};
use ironftpd::sys::poll::{Interest, READABLE, poll};
use ironftpd::sys::seccomp::{Filter, FilterError, Kind, Mode, Refusals, refused_here, trial};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

/// Confines the calling thread; false, with the reason told, where this
/// machine has no filters.
pub fn confined(kind: Kind, mode: Mode) -> bool {
    match Filter::new(kind, mode).and_then(|filter| filter.confine()) {
        Ok(()) => true,
        Err(error @ (FilterError::Architecture | FilterError::Install(_))) => {
            left_out(&error.to_string());
            false
        }
        Err(error) => panic!("{error}"),
    }
}

/// What a session's worker has no business with. Null arguments throughout:
/// if one is made all the same it fails, and not by EPERM.
pub const FORBIDDEN: &[(&str, libc::c_long)] = &[
    ("execve", libc::SYS_execve),
    ("execveat", libc::SYS_execveat),
    ("clone", libc::SYS_clone),
    ("clone3", libc::SYS_clone3),
    ("ptrace", libc::SYS_ptrace),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("openat", libc::SYS_openat),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("name_to_handle_at", libc::SYS_name_to_handle_at),
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("fsopen", libc::SYS_fsopen),
    ("move_mount", libc::SYS_move_mount),
    ("pivot_root", libc::SYS_pivot_root),
    ("chroot", libc::SYS_chroot),
    ("chdir", libc::SYS_chdir),
    ("unshare", libc::SYS_unshare),
    ("setns", libc::SYS_setns),
    ("bpf", libc::SYS_bpf),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("keyctl", libc::SYS_keyctl),
    ("init_module", libc::SYS_init_module),
    ("kexec_load", libc::SYS_kexec_load),
    ("mknodat", libc::SYS_mknodat),
    ("setuid", libc::SYS_setuid),
    ("setgid", libc::SYS_setgid),
    ("setreuid", libc::SYS_setreuid),
    ("setresuid", libc::SYS_setresuid),
    ("setresgid", libc::SYS_setresgid),
    ("setgroups", libc::SYS_setgroups),
    ("setfsuid", libc::SYS_setfsuid),
    ("capset", libc::SYS_capset),
    ("kill", libc::SYS_kill),
    ("tkill", libc::SYS_tkill),
    ("socketpair", libc::SYS_socketpair),
    ("sendmsg", libc::SYS_sendmsg),
    ("recvmsg", libc::SYS_recvmsg),
    ("memfd_create", libc::SYS_memfd_create),
    ("shmget", libc::SYS_shmget),
    ("mq_open", libc::SYS_mq_open),
    ("inotify_init1", libc::SYS_inotify_init1),
    ("personality", libc::SYS_personality),
    ("seccomp", libc::SYS_seccomp),
    ("landlock_create_ruleset", libc::SYS_landlock_create_ruleset),
    ("prlimit64", libc::SYS_prlimit64),
    ("setsid", libc::SYS_setsid),
    ("umask", libc::SYS_umask),
];

#[test]
fn a_session_s_worker_is_refused_what_it_has_no_business_with() {
    apart(|| {
        if !confined(Kind::Session, Mode::Refuse) {
            return;
        }
        for (told, &(name, number)) in (1..).zip(FORBIDDEN) {
            assert_eq!(call(number, [0; 6]), Err(libc::EPERM), "{name}");
            assert_eq!(refused_here(), (told, number as i32), "{name}");
        }
    });
    assert_eq!(refused_here().0, 0);
}

#[test]
fn a_call_of_the_future_is_not_there_yet() {
    apart(|| {
        if confined(Kind::Session, Mode::Refuse) {
            assert_eq!(call(5000, [0; 6]), Err(libc::ENOSYS));
            // The 32-bit-pointer calls of x86_64, which nobody uses.
            assert_eq!(call(0x4000_0000, [0; 6]), Err(libc::ENOSYS));
            assert_eq!(refused_here().0, 2);
        }
    });
}

/// What strace does to have a call fail: the number becomes -1.
#[test]
fn a_call_that_a_tracer_has_skipped_is_let_pass() {
    apart(|| {
        if confined(Kind::Session, Mode::Refuse) {
            assert_eq!(call(-1, [0; 6]), Err(libc::ENOSYS));
            assert_eq!(refused_here().0, 0);
        }
    });
}

#[test]
fn work_goes_on_as_before() {
    let place = TempDir::new();
    let file = std::fs::File::create(place.path().join("log")).unwrap();
    apart(move || {
        if !confined(Kind::Session, Mode::Refuse) {
            return;
        }
        // Both families, both ends, and what std does around them.
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue;
            };
            let mut there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (here, _) = listener.accept().unwrap();
            here.set_nodelay(true).unwrap();
            here.set_nonblocking(false).unwrap();
            here.set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            there.write_all(b"hello").unwrap();
            there.shutdown(std::net::Shutdown::Write).unwrap();
            let mut words = String::new();
            here.try_clone()
                .unwrap()
                .read_to_string(&mut words)
                .unwrap();
            assert_eq!(words, "hello");
        }
        // The allocator's ways: small, large, growing, given back.
        let mut large = vec![1u8; 64 << 20];
        large.resize(96 << 20, 2);
        drop(large);
        let map: HashMap<u32, Vec<u8>> = (0..10_000).map(|n| (n, vec![0; 500])).collect();
        assert_eq!(map.len(), 10_000);
        (&file).write_all(b"words").unwrap();
        file.sync_all().unwrap();
        std::thread::sleep(Duration::from_micros(10));
        assert!(std::thread::available_parallelism().is_ok());
        assert!(std::process::id() > 0);
        assert_eq!(ironftpd::sys::process::effective_user(), {
            // SAFETY: takes nothing and cannot fail.
            unsafe { libc::geteuid() }
        });
    });
}

#[test]
fn a_panic_is_told_and_caught_and_locks_nothing() {
    let said = apart(|| {
        if !confined(Kind::Session, Mode::Refuse) {
            return String::new();
        }
        // What RUST_BACKTRACE=1 does in a panic: it reads /proc/self/maps and
        // the program, which it may not, and has to do without.
        let trace = std::backtrace::Backtrace::force_capture().to_string();
        assert!(!trace.is_empty());
        let panic = std::panic::catch_unwind(|| panic!("a fault")).unwrap_err();
        (*panic.downcast::<&str>().unwrap()).to_owned()
    });
    assert!(said == "a fault" || said.is_empty());
}

#[test]
fn refusals_are_told_with_call_kind_and_thread() {
    alone(|| {
        let mut refusals = Refusals::new().unwrap();
        let ready = |refusals: &Refusals| {
            let mut one = [Interest::new(refusals.as_fd(), READABLE)];
            poll(&mut one, Some(Duration::ZERO)).unwrap()
        };
        assert!(!ready(&refusals));
        let thread = apart(|| {
            if !confined(Kind::Session, Mode::Refuse) {
                return None;
            }
            for _ in 0..25 {
                assert_eq!(call(libc::SYS_execve, [0; 6]), Err(libc::EPERM));
            }
            assert_eq!(call(libc::SYS_ptrace, [0; 6]), Err(libc::EPERM));
            Some(call(libc::SYS_gettid, [0; 6]).unwrap())
        });
        let Some(thread) = thread else { return };
        assert!(ready(&refusals));
        let told = refusals.take();
        let of = |number: libc::c_long| -> Vec<u64> {
            let same = told.iter().filter(|told| i64::from(told.call) == number);
            same.map(|told| told.times).collect()
        };
        // The first and the tenth of 25.
        assert_eq!(of(libc::SYS_execve), [1, 10]);
        assert_eq!(of(libc::SYS_ptrace), [1]);
        for refusal in &told {
            assert_eq!(refusal.kind, Kind::Session);
            assert_eq!(i64::from(refusal.thread), thread);
        }
        assert!(told[0].to_string().contains("execve"), "{}", told[0]);
        assert!(!ready(&refusals));
        assert_eq!(refusals.take(), []);
        assert_eq!(refusals.lost(), 0);
        trial().unwrap();
        assert_eq!(refusals.take(), [], "a trial is nobody's business");
    });
}

#[test]
fn a_thread_under_its_parent_s_filter_is_told_of_too() {
    alone(|| {
        let mut refusals = Refusals::new().unwrap();
        let thread = apart(|| {
            confined(Kind::Main, Mode::Refuse).then(|| {
                apart(|| {
                    assert_eq!(call(libc::SYS_ptrace, [0; 6]), Err(libc::EPERM));
                    call(libc::SYS_gettid, [0; 6]).unwrap()
                })
            })
        });
        if let Some(thread) = thread {
            let told = refusals.take();
            assert_eq!(told.len(), 1);
            assert_eq!(told[0].kind, Kind::Main);
            assert_eq!(i64::from(told[0].thread), thread);
        }
    });
}

#[test]
fn a_flood_of_refusals_loses_notes_and_nothing_else() {
    alone(|| {
        let mut refusals = Refusals::new().unwrap();
        let confined = apart(|| {
            if !confined(Kind::Session, Mode::Refuse) {
                return false;
            }
            for _ in 0..10_000 {
                assert_eq!(call(libc::SYS_execve, [0; 6]), Err(libc::EPERM));
            }
            true
        });
        if confined {
            assert!(refusals.take().len() <= 64);
            assert_eq!(refusals.lost(), 10_000 - 64);
        }
    });
}

#[test]
fn errno_of_an_interrupted_call_is_the_refusal_s_own() {
    apart(|| {
        if !confined(Kind::Session, Mode::Refuse) {
            return;
        }
        // The handler rings a bell, which may set errno on its way.
        let missing = errno(std::fs::metadata("/no/such/file"));
        assert_eq!(missing, libc::ENOENT);
        assert_eq!(errno(std::fs::File::open("/etc/passwd")), libc::EPERM);
    });
}

#[test]
fn the_strict_mode_ends_the_process() {
    let ended = child(|| {
        if confined(Kind::Session, Mode::Kill) {
            let _ = call(libc::SYS_ptrace, [0; 6]);
        }
    });
    if !ended.success() {
        assert_eq!(ended.signal(), Some(libc::SIGSYS), "{ended}");
    }
    assert!(!ended.success() || Filter::new(Kind::Session, Mode::Kill).is_err());
}

#[test]
fn a_signal_of_that_name_from_elsewhere_is_no_refusal() {
    alone(|| {
        Refusals::new().unwrap();
        // SAFETY: the handler is installed; it ignores what no filter sent.
        assert_eq!(unsafe { libc::raise(libc::SIGSYS) }, 0);
        assert_eq!(refused_here().0, 0);
    });
}

#[test]
fn a_thread_that_was_started_with_the_signal_blocked_is_refused_all_the_same() {
    well(|| {
        // SAFETY: sigset_t is plain memory; the calls fill and read it.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
        }
        if confined(Kind::Session, Mode::Refuse) {
            assert_eq!(call(libc::SYS_ptrace, [0; 6]), Err(libc::EPERM));
        }
    });
}

#[test]
fn the_main_thread_gives_birth_to_threads_and_to_nothing_else() {
    apart(|| {
        if !confined(Kind::Main, Mode::Refuse) {
            return;
        }
        for round in 0..3 {
            assert_eq!(apart(move || round), round);
        }
        assert_eq!(call(libc::SYS_clone3, [0; 6]), Err(libc::ENOSYS));
        assert_eq!(refused_here().0, 0);
        // SAFETY: if it is made, the child leaves at once.
        let born = unsafe { libc::fork() };
        if born == 0 {
            // SAFETY: as above.
            unsafe { libc::_exit(0) };
        }
        assert_eq!((born, refused_here().0), (-1, 1));
        let new_user = (libc::CLONE_THREAD | libc::CLONE_NEWUSER) as usize;
        assert_eq!(
            call(libc::SYS_clone, [new_user, 0, 0, 0, 0, 0]),
            Err(libc::EPERM)
        );
    });
}
