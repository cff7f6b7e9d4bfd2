//! Somebody else moves, deletes or replaces the working directory, or one
//! that a session has just named: a server that keeps its place by a real
//! working directory then walks out with `..`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::confinement::attack::{fails, say};
use crate::confinement::commands::trials;
use crate::confinement::spelled::{User, account, furnish};
use crate::confinement::world::{Outside, date, marked};
use crate::support::data::{connect, read_all};
use crate::support::left_out;
use crate::support::server::Launch;

/// Where a moved directory comes to lie, in the tree outside.
const MOVED: &str = "moved";

/// Plays every trial with every one of `tops` after `happens`: the session is
/// in `/inside/deep` by then, and the tree outside is fresh.
fn after(happens: impl Fn(&Path, &Path), tops: &[&str]) {
    let mut user = account(Launch::new().without_landlock());
    let mut outside = Outside::new();
    for top in tops {
        for trial in trials() {
            furnish(&user.root);
            fs::create_dir_all(user.root.join("inside/deep")).unwrap();
            user.control.command("CWD /inside/deep", 250);
            outside.renew();
            happens(&user.root, outside.path());
            outside.settle();
            fails(&mut user.control, trial, top.as_bytes(), &outside);
            user.control.command("CWD /", 250);
        }
        let marked = marked(&user.root);
        assert!(marked.is_empty(), "{top}: {marked:?}");
    }
}

/// From `/inside/deep`, moved to `moved/deep` in the tree outside: that tree.
const WAYS_UP: &[&str] = &["../..", "./.././..", "../../../..", ".", "..", "~/../.."];

#[test]
fn a_working_directory_moved_out_of_the_root_takes_nobody_along() {
    let happens = |root: &Path, outside: &Path| {
        fs::rename(root.join("inside"), outside.join(MOVED)).unwrap();
    };
    after(happens, WAYS_UP);
}

#[test]
fn a_working_directory_that_is_deleted_leads_nowhere() {
    let happens = |root: &Path, _: &Path| fs::remove_dir_all(root.join("inside")).unwrap();
    after(happens, &["..", "../..", "../../..", "."]);
}

#[test]
fn a_working_directory_replaced_by_a_link_leads_nowhere() {
    let above = |root: &Path, outside: &Path| {
        fs::rename(root.join("inside"), root.join("aside")).unwrap();
        fs::create_dir(outside.join("deep")).unwrap();
        symlink(outside, root.join("inside")).unwrap();
    };
    after(above, &["..", ".", "../."]);
    let itself = |root: &Path, outside: &Path| {
        fs::remove_dir(root.join("inside/deep")).unwrap();
        symlink(outside, root.join("inside/deep")).unwrap();
    };
    after(itself, &[".", "", "..", "./."]);
}

#[test]
fn a_working_directory_renamed_within_the_root_is_no_way_out() {
    let happens = |root: &Path, _: &Path| {
        fs::rename(root.join("inside/deep"), root.join("shallow")).unwrap();
    };
    after(happens, &["../..", "../../..", "."]);
}

#[test]
fn a_root_that_is_moved_stays_the_root() {
    let mut user = account(Launch::new().without_landlock());
    let mut outside = Outside::new();
    let parked = outside.path().join(MOVED);
    fs::create_dir(&parked).unwrap();
    furnish(&user.root);
    fs::rename(&user.root, &parked).unwrap();
    outside.settle_around(MOVED);
    user.control.command("CWD /inside", 250);
    for top in ["..", "../..", "/..", "../../..", "~/.."] {
        for trial in trials() {
            fails(&mut user.control, trial, top.as_bytes(), &outside);
        }
    }
    let marked = marked(&parked);
    assert!(marked.is_empty(), "{marked:?}");
    // So that its own Drop finds it.
    fs::rename(&parked, &user.root).unwrap();
}

/// A user in whose `inside` there is a file of every name that there is
/// outside, and how to put a link to the outside in its place.
fn with_a_twin(atomic: &str) -> (User, Outside, impl Fn(&User, &Outside)) {
    let launch = Launch::new().option("atomic_uploads", atomic);
    let user = account(launch.without_landlock());
    furnish(&user.root);
    for name in ["secret", "vault/file"] {
        let path = user.root.join("inside").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "of the session's").unwrap();
    }
    let swap = |user: &User, outside: &Outside| {
        let (inside, aside) = (user.root.join("inside"), user.root.join("aside"));
        fs::rename(&inside, aside).unwrap();
        symlink(outside.path(), inside).unwrap();
    };
    (user, Outside::new(), swap)
}

#[test]
fn what_was_named_for_a_rename_or_a_copy_is_looked_up_again() {
    for (first, second) in [
        ("RNFR inside/secret", "RNTO /taken"),
        ("RNFR inside/vault", "RNTO /taken"),
        ("RNFR own", "RNTO inside/new"),
        ("RNFR own", "RNTO inside/secret"),
        ("SITE CPFR inside/secret", "SITE CPTO /taken"),
        ("SITE CPFR own", "SITE CPTO inside/new"),
        ("SITE CPFR own", "SITE CPTO inside/secret"),
    ] {
        let (mut user, outside, swap) = with_a_twin("NO");
        user.control.command(first, 350);
        swap(&user, &outside);
        let (_, code) = say(&mut user.control, second.as_bytes());
        assert!(code >= 400, "{first}, {second}: {code}");
        assert!(
            outside.changes().is_empty(),
            "{first}: {:?}",
            outside.changes()
        );
        assert!(marked(&user.root).is_empty(), "{first}");
    }
}

/// Lets `happens` come between the opening of what `line` names and the data
/// connection; gives all that came.
fn between(
    user: &mut User,
    line: &str,
    stored: Option<&[u8]>,
    happens: impl FnOnce(&User),
) -> (Vec<u8>, u16) {
    use std::io::Write;
    let address = user.control.epsv();
    // The reply to NOOP goes out when the next command waits.
    user.control.send(format!("NOOP\r\n{line}\r\n"));
    user.control.expect(200);
    happens(user);
    let mut data = connect(address);
    user.control.expect(150);
    if let Some(stored) = stored {
        data.write_all(stored).unwrap();
        data.shutdown(std::net::Shutdown::Write).unwrap();
    }
    let bytes = read_all(data);
    (bytes, user.control.reply().code)
}

#[test]
fn a_listing_shows_nothing_of_the_directory_into_which_its_own_is_moved() {
    let mut user = account(Launch::new());
    let outside = Outside::new();
    for line in [
        "LIST -la inside/deep",
        "NLST -la inside/deep",
        "MLSD inside/deep",
    ] {
        furnish(&user.root);
        fs::create_dir_all(user.root.join("inside/deep")).unwrap();
        let (bytes, code) = between(&mut user, line, None, |user| {
            fs::rename(user.root.join("inside/deep"), outside.path().join(MOVED)).unwrap();
            fs::remove_dir(user.root.join("inside")).unwrap();
            date(outside.path());
        });
        assert_eq!(code, 226, "{line}");
        let told = outside.told_by(&bytes).map(<[u8]>::escape_ascii);
        assert!(told.is_none(), "{line}: {}", bytes.escape_ascii());
        fs::remove_dir(outside.path().join(MOVED)).unwrap();
    }
}

#[test]
fn the_order_of_a_listing_tells_nothing_of_the_root_s_parent() {
    let launch = Launch::new();
    let parent = launch.root().path().to_owned();
    let served = launch.root().dir("served");
    fs::write(served.join("new"), "").unwrap();
    date(&parent);
    let path = served.display().to_string();
    let server = launch.option("anon_root", &path).start();
    for line in ["LIST -at", "LIST -atr", "NLST -at", "NLST -lat"] {
        let lines = server.anonymous().listing(line);
        let at = |name: &str| {
            let ends = |line: &String| line == name || line.ends_with(&format!(" {name}"));
            lines.iter().position(ends).unwrap()
        };
        // As old as each other, so side by side.
        assert_eq!(at(".").abs_diff(at("..")), 1, "{line}: {lines:?}");
    }
}

#[test]
fn a_transfer_under_way_ends_in_the_directory_it_began_in() {
    for atomic in ["NO", "YES"] {
        for (line, stored) in [
            ("RETR inside/secret", None),
            ("STOR inside/new", Some(&b"stored"[..])),
            ("STOR inside/secret", Some(&b"stored"[..])),
            ("APPE inside/secret", Some(&b"stored"[..])),
            ("STOU inside/new", Some(&b"stored"[..])),
        ] {
            let (mut user, outside, swap) = with_a_twin(atomic);
            fs::remove_dir_all(user.root.join("inside/vault")).unwrap();
            let (bytes, code) = between(&mut user, line, stored, |user| swap(user, &outside));
            assert_eq!(code, 226, "{line}");
            assert!(outside.told_by(&bytes).is_none(), "{line}");
            assert!(
                outside.changes().is_empty(),
                "{line}: {:?}",
                outside.changes()
            );
            let count = fs::read_dir(user.root.join("aside")).unwrap().count();
            assert_eq!(count, if line.ends_with("new") { 2 } else { 1 }, "{line}");
        }
    }
}

#[test]
fn no_upload_gets_its_name_in_a_directory_moved_out_of_the_root() {
    let mut user = account(Launch::new().option("atomic_uploads", "YES"));
    let mut outside = Outside::new();
    furnish(&user.root);
    fs::create_dir(user.root.join("inside/deep")).unwrap();
    if user.server.log().contains("no Landlock") {
        return left_out("this kernel has no Landlock, and an open directory leads everywhere");
    }
    let stored = Some(&b"stored"[..]);
    let (_, code) = between(&mut user, "STOR inside/deep/new", stored, |user| {
        fs::rename(user.root.join("inside"), outside.path().join(MOVED)).unwrap();
        outside.settle();
    });
    assert!(code >= 400, "{code}");
    assert!(outside.changes().is_empty(), "{:?}", outside.changes());
}
