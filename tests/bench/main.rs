//! The benchmark: ironftpd beside vsftpd, Pure-FTPd, pyftpdlib and bare loops
//! of system calls, interleaved in one run, on the loopback interface.
//!
//! ```text
//! tests/bench/peers.sh                         # once: gets the other servers
//! cargo bench --bench ftp                      # everything, some 5 minutes, as root
//! cargo bench --bench ftp -- --quick           # small amounts, one round
//! cargo bench --bench ftp -- --only download,list-100k --servers ironftpd,vsftpd --rounds 5
//! cargo bench --bench ftp -- --strace          # system calls per operation too
//! ```
//!
//! The report goes to stdout and to `target/bench-report.md`. How to read it:
//! judge by server CPU per unit first and by the share of the bare loop second;
//! wall-clock rates of one run say little beside those of another.
//!
//! Root is needed for vsftpd and Pure-FTPd; without it they are reported as not
//! run. Everything binds addresses in 127.0.0.0/8 only, a server each and the
//! client another for each case, so that connections in TIME_WAIT never meet.
//! All servers run throughout (idle ones cost nothing) except for the idle
//! sessions, where each is started afresh and alone.
//!
//! `plan` is the command line, `client` a raw FTP client, `accounts` the users
//! that servers see, `cases` what is measured, `work` how, `limits` the bare
//! loops, `idle` memory and logins beside held sessions, `calls` strace,
//! `tls` a certificate
//! and the client's side of it, `servers` start and stop, `usage` their CPU and memory, `trees` the files,
//! `sys` every unsafe block, `report` the Markdown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]
#![allow(
    clippy::cast_lossless,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs
)]

mod accounts;
mod calls;
mod cases;
mod client;
mod idle;
mod limits;
mod plan;
mod report;
mod servers;
mod sys;
mod tls;
mod trees;
mod usage;
mod work;

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cases::{CASES, Case, Place};
use client::Route;
use plan::Plan;
use report::{Fact, Report, Row};
use servers::{Kind, Server, Site};
use trees::Trees;
use work::Bench;

/// The client's address: another for each case and round.
fn from(case: usize, round: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 1, case as u8 + 1, round as u8 + 1)
}

/// On a signal: ends the servers, removes the files, ends this process.
fn end_on_signal(remove: Vec<PathBuf>) {
    std::thread::spawn(move || {
        let signal = sys::wait_for_ending();
        servers::end_all();
        remove
            .iter()
            .for_each(|path| drop(fs::remove_dir_all(path)));
        eprintln!("ended by signal {signal}; no report");
        std::process::exit(128 + signal);
    });
}

/// Starts what is not running; a server that will not start is absent from
/// then on.
fn start(
    plan: &Plan,
    site: Site<'_>,
    absent: &mut BTreeMap<Kind, String>,
) -> BTreeMap<Kind, Server> {
    let mut running = BTreeMap::new();
    for kind in plan.servers.iter().copied() {
        if absent.contains_key(&kind) || !kind.serves(site.place) {
            continue;
        }
        match Server::start(kind, site, &plan.places) {
            Ok(server) => drop(running.insert(kind, server)),
            Err(reason) => drop(absent.insert(kind, reason)),
        }
    }
    running
}

/// Starts again what died in the last case, so that the next ones have figures.
fn revive(plan: &Plan, site: Site<'_>, running: &mut BTreeMap<Kind, Server>) {
    let dead = |(kind, server): (&Kind, &mut Server)| (!server.alive()).then_some(*kind);
    let dead: Vec<_> = running.iter_mut().filter_map(dead).collect();
    for kind in dead {
        drop(running.remove(&kind));
        match Server::start(kind, site, &plan.places) {
            Ok(server) => drop(running.insert(kind, server)),
            Err(reason) => eprintln!("{} died and does not start again: {reason}", kind.name()),
        }
    }
}

/// All rounds of one case: the bare loop first, then the servers, a different
/// one leading each round.
fn measure(
    plan: &Plan,
    bench: &Bench,
    case: &Case,
    running: &mut BTreeMap<Kind, Server>,
    number: usize,
) -> Row {
    let mut cells: Vec<Result<Vec<_>, String>> = plan
        .servers
        .iter()
        .map(|kind| {
            if running.contains_key(kind) {
                Ok(Vec::new())
            } else {
                Err("not run".into())
            }
        })
        .collect();
    let mut limit = Vec::new();
    if case.unit != cases::Unit::Operations {
        // Once unread: whoever comes first finds the caches cold.
        drop(bench.limit(case));
    }
    for round in 0..plan.rounds {
        match bench.limit(case) {
            Some(Ok(sample)) => limit.push(sample),
            Some(Err(failure)) => eprintln!("{}: {failure}", case.name),
            None => {}
        }
        for turn in 0..plan.servers.len() {
            let column = (turn + round) % plan.servers.len();
            let Some(server) = running.get_mut(&plan.servers[column]) else {
                continue;
            };
            let Ok(samples) = &mut cells[column] else {
                continue;
            };
            eprintln!(
                "{} {}/{} {}",
                case.name,
                round + 1,
                plan.rounds,
                server.kind.name()
            );
            match bench.run(case, server, from(number, round)) {
                Ok(sample) => samples.push(sample),
                Err(failure) if server.alive() => cells[column] = Err(failure.to_string()),
                Err(failure) => {
                    cells[column] = Err(format!("died: {failure}; {}", server.last_words()))
                }
            }
        }
    }
    Row {
        label: case.describe(plan.sizes),
        unit: case.unit,
        limit,
        cells,
    }
}

/// The figures that came along with a row's rates.
fn facts_of(row: &Row, facts: &mut Vec<Fact>) {
    type Pick = fn(&cases::Sample) -> Option<f64>;
    let picks: [(&str, Pick); 2] = [
        ("first byte, ms", |sample| sample.first_byte),
        ("99th percentile of an operation, ms", |sample| sample.p99),
    ];
    for (name, pick) in picks {
        let cells: Vec<_> = row.cells.iter().map(|cell| middle(cell, pick)).collect();
        if cells.iter().any(Result::is_ok) {
            facts.push(Fact {
                label: format!("{}: {name}", row.label),
                digits: 2,
                cells,
            });
        }
    }
}

fn middle(
    cell: &Result<Vec<cases::Sample>, String>,
    pick: fn(&cases::Sample) -> Option<f64>,
) -> Result<f64, String> {
    let mut values: Vec<_> = cell
        .as_ref()
        .map_err(String::clone)?
        .iter()
        .filter_map(pick)
        .collect();
    if values.is_empty() {
        Err("-".into())
    } else {
        Ok(cases::quantile(&mut values, 0.5) * 1e3)
    }
}

/// The rows of held sessions, each server alone.
fn idle_facts(
    plan: &Plan,
    trees: &Trees,
    absent: &BTreeMap<Kind, String>,
    number: usize,
) -> Vec<Fact> {
    let limit = sys::raise_descriptors();
    let mut columns = Vec::new();
    let site = Site {
        root: &trees.memory,
        place: Place::Memory,
    };
    for kind in plan.servers.iter().copied() {
        eprintln!("idle {}", kind.name());
        let started = match absent.contains_key(&kind) {
            true => Err("not run".into()),
            false => Server::start(kind, site, &plan.places),
        };
        columns.push(started.map(|server| idle::run(&server, from(number, 0), &plan.sizes.idle)));
    }
    let mut facts = Vec::new();
    for (at, sessions) in [0].into_iter().chain(plan.sizes.idle).enumerate() {
        let mut fact = |name: &str, digits, pick: fn(&idle::Held) -> f64| {
            let cell = |column: &Result<Vec<client::Outcome<idle::Held>>, String>| match column
                .as_ref()
                .map(|stages| stages.get(at))
            {
                Ok(Some(Ok(held))) => Ok(pick(held)),
                Ok(Some(Err(failure))) => Err(format!("does not hold them: {failure}")),
                Ok(None) => Err("does not hold them".into()),
                Err(reason) => Err(reason.clone()),
            };
            let label = format!("{} idle sessions: {name}", sessions);
            facts.push(Fact {
                label,
                digits,
                cells: columns.iter().map(cell).collect(),
            });
        };
        if sessions == 0 {
            fact("memory (PSS), MiB", 1, |held| {
                held.memory as f64 / 1048576.0
            });
        } else {
            fact("memory (PSS) of each, KiB", 1, |held| {
                held.per_session / 1024.0
            });
        }
        fact("one more login, ms", 2, |held| held.login * 1e3);
    }
    if (plan.sizes.idle[1] as u64) + 200 > limit {
        eprintln!(
            "idle: this process may open {limit} files only; the last stage will fail in the client"
        );
    }
    facts
}

fn call_facts(
    plan: &Plan,
    running: &BTreeMap<Kind, Server>,
    trees: &Trees,
    number: usize,
) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (which, (name, _)) in calls::COUNTED.iter().enumerate() {
        eprintln!("calls {name}");
        let cell = |kind: &Kind| {
            let server = running.get(kind).ok_or("not run")?;
            let route = Route {
                from: from(number, which),
                to: server.address,
                tls: false,
            };
            let counted = calls::count(server, route, plan.passive, which, &plan.places.scratch);
            trees::empty(&trees.memory.join("upload"));
            counted.map_err(|failure| failure.to_string())
        };
        let cells = plan.servers.iter().map(cell).collect();
        facts.push(Fact {
            label: format!("system calls: {name}"),
            digits: 1,
            cells,
        });
    }
    facts
}

fn notes(plan: &Plan, trees: &Trees) -> Vec<String> {
    let read = |path| fs::read_to_string(path).map_or("?".into(), |text| text.trim().to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut notes = vec![
        format!("{cores} cores, Linux {}, loopback, data in the page cache", read("/proc/sys/kernel/osrelease")),
        format!("load average at the start: {} (anything beside this run is noise)", read("/proc/loadavg")),
        format!("{} rounds{}", plan.rounds, if plan.quick { ", --quick: amounts too small to judge by" } else { "" }),
        "rates drift from run to run by far more than server CPU does: judge by CPU, then by the share of the bare loop".into(),
    ];
    let metered = usage::Group::create("probe").is_some();
    notes.push(if metered {
        "server CPU from a cgroup per server: all its processes, finished ones too".into()
    } else {
        "server CPU from /proc in clock ticks (no cgroup could be made): coarse for short cases"
            .into()
    });
    notes.extend(trees.note.clone());
    notes
}

/// A directory removed when this goes, also by a panic.
struct Scratch<'a>(&'a Path);

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0);
    }
}

fn run(plan: &Plan) -> std::io::Result<String> {
    let _scratch = Scratch(&plan.places.scratch);
    fs::create_dir_all(&plan.places.scratch)?;
    sys::raise_descriptors();
    let trees = Trees::build(&plan.disk, plan.sizes)?;
    let mut remove = trees.places().to_vec();
    remove.push(plan.places.scratch.clone());
    end_on_signal(remove);
    let bench = Bench {
        sizes: plan.sizes,
        trees: &trees,
        passive: plan.passive,
    };
    let (mut rows, mut facts, mut absent) = (Vec::new(), Vec::new(), BTreeMap::new());
    let notes = notes(plan, &trees);
    for place in cases::PLACES {
        let chosen: Vec<_> = CASES
            .iter()
            .enumerate()
            .filter(|(_, case)| case.place == place && plan.wants(case.name))
            .collect();
        let counts = plan.strace && place == Place::Memory;
        if chosen.is_empty() && !counts {
            continue;
        }
        let site = Site {
            root: trees.root(place),
            place,
        };
        let mut running = start(plan, site, &mut absent);
        for (number, case) in chosen {
            let row = measure(plan, &bench, case, &mut running, number);
            facts_of(&row, &mut facts);
            rows.push((number, row));
            revive(plan, site, &mut running);
        }
        if counts {
            facts.extend(call_facts(plan, &running, &trees, CASES.len()));
        }
    }
    if plan.wants("idle") {
        facts.extend(idle_facts(plan, &trees, &absent, CASES.len() + 1));
    }
    rows.sort_by_key(|(number, _)| *number);
    let report = Report {
        servers: plan.servers.clone(),
        absent: absent.into_iter().collect(),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        facts,
        notes,
    };
    Ok(report.markdown())
}

fn main() -> ExitCode {
    let plan = match plan::read() {
        Ok(Some(plan)) => plan,
        Ok(None) => return ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("bench: {reason}");
            return ExitCode::from(2);
        }
    };
    sys::adopt_orphans();
    // Before any thread exists, so that all of them inherit it.
    sys::block_ending();
    match run(&plan) {
        Ok(text) => {
            println!("{text}");
            match fs::write(&plan.output, &text) {
                Ok(()) => eprintln!("bench: the report is in {}", plan.output.display()),
                Err(error) => eprintln!("bench: {}: {error}", plan.output.display()),
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
