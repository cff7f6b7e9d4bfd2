//! Who is let in, who is not, and what is said of either.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ironftpd::auth::Authenticator;
use ironftpd::auth::authenticator::{Backend, Cause, Denied, Granted, Verdict, service_file};
use ironftpd::sys::passwd::User;

use crate::Case;
use crate::support::PATIENCE;
use crate::world::{Account, Authenticators, LENIENT, PASSWORD, World, secret};

pub const CASES: &[Case] = &[
    (
        "the_right_password_gives_the_whole_identity",
        the_right_password_gives_the_whole_identity,
    ),
    (
        "a_wrong_password_and_an_unknown_user_are_refused",
        a_wrong_password_and_an_unknown_user_are_refused,
    ),
    (
        "the_shipped_file_keeps_out_whom_it_should",
        the_shipped_file_keeps_out_whom_it_should,
    ),
    (
        "the_shadow_file_keeps_out_the_same_people",
        the_shadow_file_keeps_out_the_same_people,
    ),
    (
        "check_shell_decides_without_pam",
        check_shell_decides_without_pam,
    ),
    (
        "an_empty_password_lets_nobody_in",
        an_empty_password_lets_nobody_in,
    ),
    (
        "root_is_kept_out_unless_an_option_says_so",
        root_is_kept_out_unless_an_option_says_so,
    ),
    (
        "whom_pam_knows_and_the_system_does_not_has_no_account",
        whom_pam_knows_and_the_system_does_not_has_no_account,
    ),
    (
        "groups_that_pam_adds_are_handed_over",
        groups_that_pam_adds_are_handed_over,
    ),
    (
        "unfit_names_and_passwords_are_refused",
        unfit_names_and_passwords_are_refused,
    ),
    (
        "two_hundred_at_once_get_their_own_answers",
        two_hundred_at_once_get_their_own_answers,
    ),
    ("the_backend_is_known", the_backend_is_known),
    (
        "a_change_to_the_pam_file_counts_at_once",
        a_change_to_the_pam_file_counts_at_once,
    ),
];

/// A client's address (RFC 5737).
pub const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

pub fn attempt(by: &Authenticator, name: &str, password: &str) -> Verdict {
    attempt_from(PEER, by, name, password)
}

pub fn attempt_from(peer: IpAddr, by: &Authenticator, name: &str, password: &str) -> Verdict {
    let deadline = Instant::now() + PATIENCE;
    by.attempt(name.as_bytes(), &secret(password), peer, deadline)
        .unwrap()
}

#[track_caller]
pub fn granted(verdict: Verdict) -> Granted {
    match verdict {
        Verdict::Granted(granted) => granted,
        Verdict::Denied(denied) => panic!("{denied}"),
    }
}

/// The system's user who was let in.
#[track_caller]
pub fn account(verdict: Verdict) -> User {
    granted(verdict).account.expect("a user of the system")
}

#[track_caller]
pub fn denied(verdict: Verdict) -> Denied {
    match verdict {
        Verdict::Denied(denied) => denied,
        Verdict::Granted(granted) => panic!("let in: {granted:?}"),
    }
}

fn the_right_password_gives_the_whole_identity(world: &World, by: &Authenticators) {
    for authenticator in [&by.unix, &by.shipped, &by.shadow, &by.sessions] {
        let user = account(attempt(authenticator, &world.ann.name, PASSWORD));
        assert_eq!(user.name, world.ann.name.as_bytes());
        assert_eq!(user.uid, world.ann.number("-u"));
        assert_eq!(user.gid, world.ann.number("-g"));
        assert_eq!(user.home, b"/home of ann");
        assert_eq!(user.shell, b"/bin/sh");
        assert_eq!(user.groups.len(), 2, "{user:?}");
        assert!(user.groups.contains(&user.gid));
    }
}

fn a_wrong_password_and_an_unknown_user_are_refused(world: &World, by: &Authenticators) {
    for authenticator in [&by.unix, &by.shipped, &by.shadow] {
        for wrong in ["wrong", "", &PASSWORD.to_lowercase()] {
            denied(attempt(authenticator, &world.ann.name, wrong));
        }
        for unknown in ["nobody of that name", "../../etc/passwd", "-u"] {
            denied(attempt(authenticator, unknown, PASSWORD));
        }
    }
    let wrong = denied(attempt(&by.unix, &world.ann.name, "wrong"));
    assert_eq!(wrong.cause, Cause::Refused);
    assert!(wrong.detail.contains("pam_authenticate"), "{wrong}");
    // What pam_unix asks for, and nobody has waited for.
    assert!(
        wrong.delay >= Duration::from_millis(500),
        "{:?}",
        wrong.delay
    );
    let causes = [
        (world.ann.name.as_str(), "wrong", Cause::WrongPassword),
        ("nobody of that name", PASSWORD, Cause::UnknownUser),
    ];
    for (name, password, cause) in causes {
        assert_eq!(
            denied(attempt(&by.shadow, name, password)),
            cause_alone(cause)
        );
    }
}

fn cause_alone(cause: Cause) -> Denied {
    Denied {
        cause,
        detail: "".into(),
        delay: Duration::ZERO,
    }
}

/// Everyone who has a password, and must not get in with it.
fn outcasts(world: &World) -> [&Account; 4] {
    [&world.locked, &world.expired, &world.old, &world.nologin]
}

fn the_shipped_file_keeps_out_whom_it_should(world: &World, by: &Authenticators) {
    if !Path::new("/etc/pam.d/common-auth").exists() {
        return crate::left_out("the PAM file as it stands in the sources is Debian's");
    }
    let cause = |account: &Account| denied(attempt(&by.shipped, &account.name, PASSWORD)).cause;
    assert_eq!(cause(&world.old), Cause::PasswordExpired);
    assert_eq!(cause(&world.locked), Cause::Refused);
    // common-account makes one refusal of all, and pam_unix says why.
    let expired = denied(attempt(&by.shipped, &world.expired.name, PASSWORD));
    assert_eq!(expired.cause, Cause::Refused);
    assert!(expired.detail.contains("has expired"), "{expired}");
    let told = denied(attempt(&by.unix, &world.expired.name, PASSWORD)).cause;
    assert_eq!(told, Cause::AccountExpired);
    assert_eq!(cause(&world.nologin), Cause::Refused);
}

fn the_shadow_file_keeps_out_the_same_people(world: &World, by: &Authenticators) {
    let causes = [
        Cause::Locked,
        Cause::AccountExpired,
        Cause::PasswordExpired,
        Cause::Shell,
    ];
    for (account, cause) in outcasts(world).into_iter().zip(causes) {
        assert_eq!(
            denied(attempt(&by.shadow, &account.name, PASSWORD)).cause,
            cause
        );
        // Without the password nothing is told of the rest.
        if cause != Cause::Locked {
            let wrong = denied(attempt(&by.shadow, &account.name, "wrong"));
            assert_eq!(wrong.cause, Cause::WrongPassword);
        }
    }
}

fn check_shell_decides_without_pam(world: &World, by: &Authenticators) {
    denied(attempt(&by.shadow, &world.nologin.name, PASSWORD));
    granted(attempt(&by.any_shell, &world.nologin.name, PASSWORD));
    // With PAM that is pam_shells' business.
    granted(attempt(&by.unix, &world.nologin.name, PASSWORD));
    // No shell means /bin/sh, as passwd(5) has it.
    for authenticator in [&by.shadow, &by.shipped] {
        granted(attempt(authenticator, &world.shellless.name, PASSWORD));
    }
}

fn an_empty_password_lets_nobody_in(world: &World, by: &Authenticators) {
    // pam_unix has nullok there, as Debian's common-auth has it.
    for authenticator in [&by.unix, &by.shipped, &by.shadow] {
        for password in ["", "x"] {
            denied(attempt(authenticator, &world.empty.name, password));
        }
    }
    let found = denied(attempt(&by.shadow, &world.empty.name, ""));
    assert_eq!(found.cause, Cause::NoPassword);
}

fn root_is_kept_out_unless_an_option_says_so(_: &World, by: &Authenticators) {
    // PAM says yes to both.
    assert_eq!(denied(attempt(&by.lenient, "root", "x")).cause, Cause::Root);
    assert_eq!(account(attempt(&by.for_root, "root", "x")).uid, 0);
}

fn whom_pam_knows_and_the_system_does_not_has_no_account(_: &World, by: &Authenticators) {
    let found = granted(attempt(&by.lenient, "somebody virtual", "x"));
    assert!(found.account.is_none(), "{found:?}");
}

fn groups_that_pam_adds_are_handed_over(world: &World, by: &Authenticators) {
    let groups = account(attempt(&by.odd, &world.ann.name, "x")).groups;
    assert!(groups.contains(&54321) && groups.len() == 3, "{groups:?}");
}

fn unfit_names_and_passwords_are_refused(world: &World, by: &Authenticators) {
    let long = "x".repeat(1000);
    for (name, password) in [
        ("", PASSWORD),
        ("root\nroot", PASSWORD),
        (&long, PASSWORD),
        (&world.ann.name, &long),
        (&world.ann.name, &format!("{PASSWORD}\0")),
    ] {
        let found = denied(attempt(&by.unix, name, password));
        assert_eq!(found, cause_alone(Cause::Unfit));
    }
}

fn two_hundred_at_once_get_their_own_answers(world: &World, by: &Authenticators) {
    for authenticator in [&by.narrow, &by.unix] {
        let uids: BTreeSet<u32> = thread::scope(|scope| {
            let attempts: Vec<_> = (0..200)
                .map(|turn| {
                    let (wanted, fits) = match turn % 4 {
                        0 => (&world.ann, true),
                        1 => (&world.nologin, true),
                        2 => (&world.ann, false),
                        _ => (&world.locked, false),
                    };
                    scope.spawn(move || {
                        let password = if turn % 4 == 2 { "wrong" } else { PASSWORD };
                        let verdict = attempt(authenticator, &wanted.name, password);
                        match fits {
                            true => {
                                let user = account(verdict);
                                assert_eq!(user.name, wanted.name.as_bytes());
                                Some(user.uid)
                            }
                            false => {
                                denied(verdict);
                                None
                            }
                        }
                    })
                })
                .collect();
            attempts
                .into_iter()
                .filter_map(|attempt| attempt.join().unwrap())
                .collect()
        });
        assert_eq!(
            uids,
            BTreeSet::from([world.ann.number("-u"), world.nologin.number("-u")])
        );
    }
}

fn the_backend_is_known(world: &World, by: &Authenticators) {
    assert_eq!(*by.unix.backend(), Backend::Pam);
    match by.shadow.backend() {
        Backend::Shadow(words) => assert!(words.contains("libironftpd-no-pam.so.0"), "{words}"),
        other => panic!("{other:?}"),
    }
    assert!(service_file(world.unix.name.as_bytes()).is_some());
}

fn a_change_to_the_pam_file_counts_at_once(world: &World, by: &Authenticators) {
    let name = &world.ann.name;
    granted(attempt(&by.lenient, name, "x"));
    world
        .lenient
        .rewrite("auth required pam_deny.so\naccount required pam_permit.so\n");
    denied(attempt(&by.lenient, name, "x"));
    world.lenient.rewrite(LENIENT);
    granted(attempt(&by.lenient, name, "x"));
}
