//! What an idle logged-in session costs, and whether many of them slow a login.
//!
//! Each server is started afresh and alone: the proportional set size divides
//! pages among those that map them, so a second instance would flatter it.

use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::cases::quantile;
use crate::client::{Outcome, Route, Session};
use crate::servers::Server;

/// Logins timed at each stage.
const LOGINS: usize = 60;

/// Threads that open the sessions: enough to keep the server busy.
const OPENERS: usize = 4;

/// With the sessions of a stage held.
pub struct Held {
    /// All the server's processes, in bytes.
    pub memory: u64,
    /// Beyond the memory with no session, per session, in bytes.
    pub per_session: f64,
    /// Median time from connect to 230, in seconds.
    pub login: f64,
}

/// Holds 0, `stages[0]`, `stages[1]`... sessions and measures at each. A stage
/// that fails is the last.
pub fn run(server: &Server, from: Ipv4Addr, stages: &[usize]) -> Vec<Outcome<Held>> {
    let route = Route {
        from,
        to: server.address,
        tls: false,
    };
    let processes = server.meter.processes().len();
    let (mut held, mut done, mut base) = (Vec::new(), Vec::new(), 0);
    for sessions in [0].iter().chain(stages).copied() {
        let result = stage(server, route, &mut held, sessions, base);
        let failed = result.is_err();
        if let (0, Ok(now)) = (sessions, &result) {
            base = now.memory;
        }
        done.push(result);
        if failed {
            break;
        }
    }
    drop(held);
    server.shrink_to(processes);
    done
}

fn stage(
    server: &Server,
    route: Route,
    held: &mut Vec<Session>,
    sessions: usize,
    base: u64,
) -> Outcome<Held> {
    extend(route, held, sessions)?;
    server.meter.settled();
    let memory = server.meter.memory();
    let mut times = Vec::with_capacity(LOGINS);
    for _ in 0..LOGINS {
        let start = Instant::now();
        let session = Session::login(route)?;
        times.push(start.elapsed().as_secs_f64());
        session.quit()?;
    }
    // Sessions that were dropped in silence would be cheap to hold.
    for session in held.iter_mut().step_by(17) {
        session.expect("NOOP", 200)?;
    }
    let per_session = memory.saturating_sub(base) as f64 / sessions.max(1) as f64;
    Ok(Held {
        memory,
        per_session,
        login: quantile(&mut times, 0.5),
    })
}

fn extend(route: Route, held: &mut Vec<Session>, sessions: usize) -> Outcome<()> {
    let missing = sessions.saturating_sub(held.len());
    let (taken, opened) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(missing)));
    thread::scope(|scope| {
        let open = || {
            while taken.fetch_add(1, Ordering::Relaxed) < missing {
                let session = Session::login(route)?;
                opened.lock().expect("no opener panicked").push(session);
            }
            Ok(())
        };
        let openers: Vec<_> = (0..OPENERS).map(|_| scope.spawn(open)).collect();
        openers
            .into_iter()
            .map(|opener| opener.join().expect("opener"))
            .collect::<Outcome<Vec<()>>>()
    })?;
    held.append(&mut opened.into_inner().expect("no opener panicked"));
    Ok(())
}
