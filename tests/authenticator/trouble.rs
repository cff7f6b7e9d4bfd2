//! Modules that hang, crash or go their own ways, while others log in.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use ironftpd::auth::authenticator::{AttemptError, Cause};

use crate::Case;
use crate::answers::{PEER, attempt, denied, granted};
use crate::processes::gone;
use crate::world::{Authenticators, World, secret};

pub const CASES: &[Case] = &[
    (
        "a_slow_module_delays_nobody_else",
        a_slow_module_delays_nobody_else,
    ),
    (
        "a_module_that_crashes_harms_nobody_else",
        a_module_that_crashes_harms_nobody_else,
    ),
    (
        "a_module_that_exits_lets_nobody_in",
        a_module_that_exits_lets_nobody_in,
    ),
    (
        "a_module_that_hangs_is_ended_in_time",
        a_module_that_hangs_is_ended_in_time,
    ),
    (
        "whoever_waits_no_longer_is_not_checked_any_further",
        whoever_waits_no_longer_is_not_checked_any_further,
    ),
    (
        "what_a_hanging_module_started_goes_with_it",
        what_a_hanging_module_started_goes_with_it,
    ),
    (
        "several_prompts_and_remarks_are_answered",
        several_prompts_and_remarks_are_answered,
    ),
    (
        "no_module_makes_anyone_wait_after_a_failure",
        no_module_makes_anyone_wait_after_a_failure,
    ),
    (
        "modules_that_do_harm_when_loaded_do_it_in_one_check_only",
        modules_that_do_harm_when_loaded_do_it_in_one_check_only,
    ),
];

fn a_slow_module_delays_nobody_else(world: &World, by: &Authenticators) {
    const SLOW: usize = 5;
    let released = AtomicBool::new(false);
    thread::scope(|scope| {
        let slow: Vec<_> = (0..SLOW)
            .map(|_| {
                scope.spawn(|| {
                    let verdict = attempt(&by.odd, "slow", "x");
                    assert!(released.load(SeqCst), "not slow at all");
                    verdict
                })
            })
            .collect();
        for _ in 0..SLOW {
            world.begun.number();
        }
        for _ in 0..20 {
            granted(attempt(&by.odd, "somebody", "x"));
        }
        released.store(true, SeqCst);
        world.waiting.release(SLOW);
        for one in slow {
            granted(one.join().unwrap());
        }
    });
}

fn a_module_that_crashes_harms_nobody_else(_: &World, by: &Authenticators) {
    thread::scope(|scope| {
        for turn in 0..20 {
            scope.spawn(move || match turn % 2 {
                0 => {
                    let found = denied(attempt(&by.odd, "crashes", "x"));
                    assert_eq!((found.cause, &*found.detail), (Cause::Crashed, "signal 11"));
                }
                _ => drop(granted(attempt(&by.odd, "somebody", "x"))),
            });
        }
    });
}

fn a_module_that_exits_lets_nobody_in(_: &World, by: &Authenticators) {
    let found = denied(attempt(&by.odd, "quits", "x"));
    assert_eq!(
        (found.cause, &*found.detail),
        (Cause::Crashed, "exit code 0")
    );
}

fn a_module_that_hangs_is_ended_in_time(world: &World, by: &Authenticators) {
    let began = Instant::now();
    let found = denied(attempt(&by.brief, "hangs", "x"));
    assert_eq!(found.cause, Cause::TimedOut, "{found}");
    assert!(began.elapsed() >= Duration::from_secs(3));
    gone(world.begun.number());
    granted(attempt(&by.brief, "somebody", "x"));
}

fn whoever_waits_no_longer_is_not_checked_any_further(world: &World, by: &Authenticators) {
    let hanging = thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let deadline = Instant::now() + Duration::from_secs(3);
            by.odd.attempt(b"hangs", &secret("x"), PEER, deadline)
        });
        let hanging = world.begun.number();
        let answer = waiting.join().unwrap();
        assert!(matches!(answer, Err(AttemptError::Deadline)), "{answer:?}");
        hanging
    });
    gone(hanging);
    let over = by
        .odd
        .attempt(b"somebody", &secret("x"), PEER, Instant::now());
    assert!(matches!(over, Err(AttemptError::Deadline)));
}

fn what_a_hanging_module_started_goes_with_it(world: &World, by: &Authenticators) {
    let found = denied(attempt(&by.brief, "starts", "x"));
    assert_eq!(found.cause, Cause::TimedOut);
    gone(world.begun.number());
}

fn several_prompts_and_remarks_are_answered(_: &World, by: &Authenticators) {
    granted(attempt(&by.odd, "talks", "right"));
    let found = denied(attempt(&by.odd, "talks", "wrong"));
    assert_eq!(found.cause, Cause::Refused);
    // One line, whatever a module says.
    assert!(
        found.detail.contains(r"Hear, hear.\nforged\nline"),
        "{found}"
    );
    assert!(!found.to_string().contains('\n'));
    // Nothing to answer a prompt with is no answer, rather than an empty one.
    denied(attempt(&by.odd, "talks", ""));
}

fn no_module_makes_anyone_wait_after_a_failure(_: &World, by: &Authenticators) {
    let began = Instant::now();
    let found = denied(attempt(&by.odd, "delays", "x"));
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "half a minute was asked for"
    );
    assert!(found.delay >= Duration::from_secs(10), "{:?}", found.delay);
}

fn modules_that_do_harm_when_loaded_do_it_in_one_check_only(_: &World, by: &Authenticators) {
    for _ in 0..3 {
        let found = denied(attempt(&by.fragile, "somebody", "x"));
        assert_eq!((found.cause, &*found.detail), (Cause::Crashed, "signal 11"));
        granted(attempt(&by.threaded, "somebody", "x"));
    }
}
