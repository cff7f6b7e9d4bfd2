//! The same for users of the system who are kept in (chroot_local_user), in a
//! server that is nobody, with all walls up.

use std::os::unix::fs::chown;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::confinement::spelled::{User, try_everything};
use crate::confinement::world::Outside;
use crate::support::accounts::{Account, PASSWORD, Service};
use crate::support::server::Launch;
use crate::support::temp::TempDir;
use crate::support::{is_root, left_out};

const PASSWORD_FILE: &str = "auth required pam_unix.so\naccount required pam_unix.so\n";

#[test]
fn no_spelling_leads_a_local_user_out() {
    if !is_root() {
        return left_out("accounts are made by root");
    }
    let service = Service::new("paths", PASSWORD_FILE);
    let home = TempDir::new();
    let account = Account::user("p", home.path().to_str().unwrap(), &[]);
    let ids = (account.number("-u"), account.number("-g"));
    // What stops him is not that it belongs to others.
    let mut outside = Outside::new();
    outside.give_to(ids.0, ids.1);
    let number = AtomicUsize::new(0);
    try_everything(&outside, || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let root = home.path().join(format!("root{number}"));
        std::fs::create_dir(&root).unwrap();
        chown(&root, Some(ids.0), Some(ids.1)).unwrap();
        let launch = Launch::new()
            .option("run_as_launching_user", "NO")
            .option("anonymous_enable", "NO")
            .option("local_enable", "YES")
            .option("pam_service_name", &service.name)
            .option("chroot_local_user", "YES")
            .option("local_root", root.to_str().unwrap())
            .option("write_enable", "YES")
            .option("mdtm_write", "YES")
            .option("ls_recurse_enable", "YES")
            // Half of them one way, half the other.
            .option("atomic_uploads", ["NO", "YES"][number % 2]);
        let server = launch.start();
        User::of(server, &account.name, PASSWORD, root)
    });
}
