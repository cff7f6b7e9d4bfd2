//! Users and groups of single threads.

use crate::child::{status, well};
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};
use crate::{apart, call, errno};
use ironftpd::sys::capability::{self, Capabilities, Capability};
use ironftpd::sys::identity::{Identity, become_for_good, become_user, current, drop_process_to};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::sync::Barrier;

/// Ids that belong to nobody; tests need no accounts for them.
fn somebody(number: u32) -> Identity {
    Identity::new(40_000 + number, 50_000 + number, &[60_000 + number, 7]).unwrap()
}

fn needs_root() -> bool {
    if is_root() {
        return false;
    }
    left_out("becoming another user takes root");
    true
}

/// Tries what would lead back to root.
#[track_caller]
fn there_is_no_way_back() {
    let same = usize::MAX;
    for arguments in [[0, 0, 0], [same, 0, same], [0, same, same], [same, same, 0]] {
        let [real, effective, saved] = arguments;
        let arguments = [real, effective, saved, 0, 0, 0];
        for number in [libc::SYS_setresuid, libc::SYS_setresgid] {
            assert_eq!(call(number, arguments), Err(libc::EPERM));
        }
    }
    assert_eq!(call(libc::SYS_setgroups, [0; 6]), Err(libc::EPERM));
}

#[test]
fn threads_are_different_users_at_the_same_time() {
    if needs_root() {
        return;
    }
    const THREADS: u32 = 8;
    const FILES: u32 = 50;
    let place = TempDir::new();
    let before = current().unwrap();
    let together = Barrier::new(THREADS as usize);
    std::thread::scope(|scope| {
        for number in 0..THREADS {
            let (place, together) = (&place, &together);
            scope.spawn(move || {
                let me = somebody(number);
                become_user(&me).unwrap();
                together.wait();
                for file in 0..FILES {
                    let path = place.path().join(format!("{number}-{file}"));
                    fs::write(&path, "x").unwrap();
                }
                let ids = |id: u32| [id; 4].map(|id| id.to_string()).join(" ");
                assert_eq!(status("Uid"), ids(me.uid()));
                assert_eq!(status("Gid"), ids(me.gid()));
                assert_eq!(status("Groups"), format!("7 {}", 60_000 + number));
            });
        }
    });
    for number in 0..THREADS {
        let me = somebody(number);
        for file in 0..FILES {
            let found = fs::metadata(place.path().join(format!("{number}-{file}"))).unwrap();
            assert_eq!((found.uid(), found.gid()), (me.uid(), me.gid()));
        }
    }
    assert_eq!(
        current().unwrap(),
        before,
        "this thread was not asked to change"
    );
}

#[test]
fn groups_open_what_they_should_and_nothing_else() {
    if needs_root() {
        return;
    }
    let place = TempDir::new();
    let file = place.file("group-only", "for group 60001");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    chown(&file, Some(0), Some(60_001)).unwrap();
    apart(|| {
        become_user(&somebody(1)).unwrap();
        fs::read(&file).unwrap();
        assert_eq!(errno(fs::write(&file, "")), libc::EACCES);
    });
    apart(|| {
        become_user(&somebody(2)).unwrap();
        assert_eq!(errno(fs::read(&file)), libc::EACCES);
    });
    apart(|| {
        become_user(&Identity::new(40_001, 50_001, &[]).unwrap()).unwrap();
        assert_eq!(errno(fs::read(&file)), libc::EACCES);
        assert_eq!(status("Groups"), "");
    });
}

#[test]
fn leaving_root_takes_every_capability_along() {
    if needs_root() {
        return;
    }
    apart(|| {
        become_user(&somebody(1)).unwrap();
        assert!(capability::current().unwrap().permitted.is_empty());
        there_is_no_way_back();
        assert_eq!(become_user(&somebody(2)).unwrap_err().errno(), libc::EPERM);
    });
}

#[test]
fn an_unprivileged_server_s_worker_closes_the_way_back() {
    if needs_root() {
        return;
    }
    // The server's own user, with the two capabilities that make others.
    let keys = Capabilities::NONE
        .with(Capability::Setuid)
        .with(Capability::Setgid);
    well(|| {
        drop_process_to(&somebody(1), keys).unwrap();
        apart(|| {
            become_user(&somebody(2)).unwrap();
            // Not from user 0, so nothing went by itself.
            assert!(capability::has(Capability::Setuid));
            become_user(&somebody(1)).unwrap();
            become_for_good(&somebody(3), Capabilities::NONE).unwrap();
            // What others may do to this thread goes by the first and third.
            assert_eq!(status("Uid"), "40001 40003 40001 40003");
            assert_eq!(
                status("Gid"),
                [50_003; 4].map(|id| id.to_string()).join(" ")
            );
            there_is_no_way_back();
            assert_eq!(become_user(&somebody(1)).unwrap_err().errno(), libc::EPERM);
        });
        assert_eq!(current().unwrap().users, [40_001; 4]);
        assert_eq!(capability::current().unwrap().effective, keys);
    });
}

#[test]
fn root_s_worker_leaves_nothing_of_root_behind() {
    if needs_root() {
        return;
    }
    apart(|| {
        become_for_good(&somebody(3), Capabilities::NONE).unwrap();
        assert_eq!(
            status("Uid"),
            [40_003; 4].map(|id| id.to_string()).join(" ")
        );
        there_is_no_way_back();
    });
}

#[test]
fn nobody_is_somebody_for_good_with_a_way_back() {
    for key in [Capability::Setuid, Capability::Setgid] {
        let kept = Capabilities::NONE.with(key);
        let error = apart(|| become_for_good(&somebody(1), kept).unwrap_err());
        assert_eq!(error.errno(), libc::EINVAL);
    }
}

#[test]
fn a_dropped_process_keeps_what_it_was_told_to_and_no_more() {
    if needs_root() {
        return;
    }
    let kept = Capabilities::NONE.with(Capability::NetBindService);
    well(|| {
        drop_process_to(&somebody(3), kept).unwrap();
        let bit = format!("{:016x}", 1 << 10);
        let none = format!("{:016x}", 0);
        for (field, wanted) in [
            ("Uid", "40003 40003 40003 40003"),
            ("Gid", "50003 50003 50003 50003"),
            ("Groups", "7 60003"),
            ("CapInh", &none),
            ("CapPrm", &bit),
            ("CapEff", &bit),
            ("CapBnd", &none),
            ("CapAmb", &none),
        ] {
            assert_eq!(status(field), wanted, "{field}");
        }
        // NOROOT and NO_CAP_AMBIENT_RAISE, both locked; KEEP_CAPS is off.
        let bits = call(
            libc::SYS_prctl,
            [libc::PR_GET_SECUREBITS as usize, 0, 0, 0, 0, 0],
        );
        assert_eq!(bits, Ok(0b1100_0011));
        there_is_no_way_back();
        // Whoever is born later is no more.
        apart(|| assert_eq!(status("CapPrm"), bit));
    });
}

#[test]
fn a_process_without_privilege_cannot_be_dropped() {
    if needs_root() {
        return;
    }
    well(|| {
        drop_process_to(&somebody(1), Capabilities::NONE).unwrap();
        let error = drop_process_to(&somebody(2), Capabilities::NONE).unwrap_err();
        assert_eq!(error.errno(), libc::EPERM);
        // Once more the same is no harm.
        drop_process_to(&somebody(1), Capabilities::NONE).unwrap();
    });
}
