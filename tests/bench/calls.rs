//! System calls per operation, counted with `strace -f -c` attached to all of
//! a server's processes once a session is logged in, so that starting up and
//! logging in are not in the count (except where logging in is what is counted).

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::client::{Failure, Mode, Outcome, Route, Session, at};
use crate::servers::Server;
use crate::sys;
use crate::trees;

/// What is counted: a name for the row, and how many are done under the count.
pub const COUNTED: [(&str, usize); 6] = [
    ("RETR of 1 KiB", 50),
    ("STOR of 1 KiB", 50),
    ("LIST, smaller directory", 2),
    ("NLST, smaller directory", 2),
    ("NOOP", 100),
    ("login and QUIT", 20),
];

/// System calls per operation of row `which` of [`COUNTED`].
pub fn count(
    server: &Server,
    route: Route,
    mode: Mode,
    which: usize,
    scratch: &Path,
) -> Outcome<f64> {
    let times = COUNTED[which].1;
    let mut session = Session::binary(route)?;
    // Once before the count: what a server opens on first use is not the case.
    operate(&mut session, route, mode, which, 0)?;
    let output = scratch.join("strace.out");
    let tracer = attach(server, &output)?;
    let worked = (1..=times).try_for_each(|turn| operate(&mut session, route, mode, which, turn));
    server.meter.settled();
    detach(tracer)?;
    worked?;
    session.quit()?;
    let table = at("read strace's table", fs::read_to_string(&output))?;
    let total = table
        .lines()
        .rev()
        .find(|line| line.trim_end().ends_with("total"));
    // "100.00 seconds usecs/call calls [errors] total"
    let calls = total.and_then(|line| line.split_whitespace().nth(3)?.parse::<f64>().ok());
    calls
        .map(|calls| calls / times as f64)
        .ok_or_else(|| Failure::Other("strace counted nothing".into()))
}

fn operate(
    session: &mut Session,
    route: Route,
    mode: Mode,
    which: usize,
    turn: usize,
) -> Outcome<()> {
    match which {
        0 => session.retrieve(mode, &trees::small(turn)).map(drop),
        1 => session.store(mode, &format!("upload/s{turn}"), &[b'x'; 1024]),
        2 | 3 => {
            let command = format!(
                "{} /{}",
                if which == 2 { "LIST" } else { "NLST" },
                trees::LISTED[0]
            );
            let mut data = session.begin(mode, &command)?;
            at("receive listing", data.drain())?;
            drop(data);
            session.finish(&command)
        }
        4 => session.expect("NOOP", 200),
        _ => Session::login(route)?.quit(),
    }
}

/// Starts strace on every process and waits until it says it has them all.
fn attach(server: &Server, output: &Path) -> Outcome<Child> {
    // Sessions that are about to end must not be among those attached to.
    server.meter.settled();
    let processes = server.meter.processes();
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-o"]).arg(output);
    for pid in &processes {
        command.arg("-p").arg(pid.to_string());
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    sys::prepare(
        &mut command,
        sys::Birth {
            group: None,
            etc: None,
        },
    );
    let mut child = at("start strace", command.spawn())?;
    let said = child.stderr.take().map(BufReader::new);
    let mut lines = said.into_iter().flat_map(BufRead::lines);
    let mut attached = 0;
    while let Some(line) = lines.next() {
        let line = at("read strace's words", line)?;
        if !line.contains("attached") {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Failure::Other(line));
        }
        attached += 1;
        if attached == processes.len() {
            // It goes on saying so of each process forked; unread, it would block.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(child);
        }
    }
    let _ = child.wait();
    Err(Failure::Other("strace ended before it was attached".into()))
}

/// SIGINT makes strace let go and write its table.
fn detach(mut tracer: Child) -> Outcome<()> {
    sys::kill(tracer.id(), libc::SIGINT);
    at("wait for strace", tracer.wait()).map(drop)
}
