//! The command line of the benchmark.

use std::path::{Path, PathBuf};

use crate::cases::{CASES, FULL, QUICK, Sizes};
use crate::client::Mode;
use crate::servers::{self, Kind, Places};

/// What this run is to do.
pub struct Plan {
    /// Amounts.
    pub sizes: &'static Sizes,
    /// Whether they are the quick ones.
    pub quick: bool,
    /// Rounds of each case.
    pub rounds: usize,
    /// The cases asked for; all if empty.
    pub only: Vec<String>,
    /// The report's columns.
    pub servers: Vec<Kind>,
    /// How passive data connections are asked for.
    pub passive: Mode,
    /// Whether to count system calls.
    pub strace: bool,
    /// A directory on the disk to upload to.
    pub disk: PathBuf,
    /// Where the report goes beside stdout.
    pub output: PathBuf,
    /// Programs and scratch.
    pub places: Places,
}

impl Plan {
    /// Whether the case of that name is asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

fn options() -> getopts::Options {
    let mut options = getopts::Options::new();
    options.optflag("", "quick", "small amounts, one round");
    options.optopt("", "rounds", "rounds of each case (5; 1 with --quick)", "N");
    options.optopt(
        "",
        "only",
        "these cases; `idle` and `calls` are cases too",
        "CASE,..",
    );
    options.optopt("", "servers", "these servers", "NAME,..");
    options.optopt("", "ironftpd", "the ironftpd to measure", "PATH");
    options.optopt("", "peers", "where peers.sh put the others", "DIR");
    options.optopt("", "disk", "a directory on the disk to upload to", "DIR");
    options.optflag("", "epsv", "EPSV in place of PASV");
    options.optflag("", "strace", "count system calls too");
    options.optflag("h", "help", "this text");
    options.optflag("", "bench", "(given by cargo)");
    options
}

/// Reads the command line: a plan, or nothing where help was asked for and
/// given; the error is for the user.
pub fn read() -> Result<Option<Plan>, String> {
    let options = options();
    let given = options
        .parse(std::env::args_os().skip(1))
        .map_err(|error| error.to_string())?;
    if given.opt_present("help") {
        let cases: Vec<_> = CASES
            .iter()
            .map(|case| case.name)
            .chain(["idle", "calls"])
            .collect();
        println!(
            "{}\nCases: {}",
            options.usage("cargo bench --bench ftp -- [options]"),
            cases.join(" ")
        );
        return Ok(None);
    }
    let list = |name: &str| -> Vec<String> {
        let text = given.opt_str(name).unwrap_or_default();
        text.split(',')
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let known = |name: &String| {
        ["idle", "calls"].contains(&name.as_str()) || CASES.iter().any(|case| case.name == name)
    };
    let only = list("only");
    if let Some(name) = only.iter().find(|name| !known(name)) {
        return Err(format!("no case is called {name} (--help names them)"));
    }
    let named = list("servers");
    if let Some(name) = named
        .iter()
        .find(|name| servers::ALL.iter().all(|kind| kind.name() != *name))
    {
        return Err(format!("no server is called {name}"));
    }
    let chosen = servers::ALL
        .into_iter()
        .filter(|kind| named.is_empty() || named.iter().any(|name| name == kind.name()));
    let quick = given.opt_present("quick");
    let rounds = given
        .opt_get_default("rounds", if quick { 1usize } else { 5 })
        .map_err(|_| "--rounds takes a number")?;
    // The directory cargo gives benchmarks is target/tmp.
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let target = scratch.parent().unwrap_or(scratch);
    let path = |name, default: PathBuf| given.opt_str(name).map_or(default, PathBuf::from);
    Ok(Some(Plan {
        sizes: if quick { &QUICK } else { &FULL },
        quick,
        rounds: rounds.max(1),
        strace: given.opt_present("strace") || only.iter().any(|name| name == "calls"),
        only,
        servers: chosen.collect(),
        passive: if given.opt_present("epsv") {
            Mode::Epsv
        } else {
            Mode::Pasv
        },
        disk: path("disk", scratch.into()),
        output: target.join("bench-report.md"),
        places: Places {
            ironftpd: path("ironftpd", env!("CARGO_BIN_EXE_ironftpd").into()),
            peers: path("peers", target.join("bench-peers")),
            scratch: scratch.join(format!("ftp-bench-{}", std::process::id())),
        },
    }))
}
