//! What a server costs: CPU time and memory of all its processes.
//!
//! Each server lives in a cgroup of its own where one can be made: its CPU
//! counter is exact to the microsecond and keeps what finished processes used
//! (cgroup v2 `cpu.stat`, or v1 `cpuacct.usage`). Elsewhere /proc is summed
//! over the process tree, own and reaped children's time, in clock ticks.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::sys;

/// A cgroup holding one server and whatever it forks.
pub struct Group {
    dir: PathBuf,
    counter: PathBuf,
}

impl Group {
    /// Makes a group in the first hierarchy that lets this process, or `None`.
    pub fn create(name: &str) -> Option<Group> {
        let mounts = fs::read_to_string("/proc/mounts").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mut places = Vec::new();
        for line in mounts.lines() {
            let mut fields = line.split(' ').skip(1);
            let (Some(at), Some(kind)) = (fields.next(), fields.next()) else {
                continue;
            };
            let (tag, counter) = match kind {
                "cgroup2" => ("::", "cpu.stat"),
                "cgroup" if at.ends_with("cpuacct") => (":cpuacct:", "cpuacct.usage"),
                _ => continue,
            };
            let path = own
                .lines()
                .find_map(|line| Some(line.split_once(tag)?.1))
                .unwrap_or("/");
            places.push((Path::new(at).join(path.trim_start_matches('/')), counter));
        }
        places
            .into_iter()
            .find_map(|(parent, counter)| Group::within(&parent, name, counter))
    }

    fn within(parent: &Path, name: &str, counter: &str) -> Option<Group> {
        let dir = parent.join(format!("ftp-bench-{}-{name}", std::process::id()));
        fs::create_dir(&dir).ok()?;
        let group = Group {
            counter: dir.join(counter),
            dir,
        };
        // A group whose members cannot be set or whose time cannot be read is
        // no use; dropping it takes the directory away again.
        (group.members().is_some() && group.seconds().is_some()).then_some(group)
    }

    /// The file a process writes "0" to in order to join.
    pub fn members(&self) -> Option<File> {
        File::options()
            .write(true)
            .open(self.dir.join("cgroup.procs"))
            .ok()
    }

    /// The processes in it now.
    pub fn processes(&self) -> Vec<u32> {
        let list = fs::read_to_string(self.dir.join("cgroup.procs")).unwrap_or_default();
        list.lines().filter_map(|line| line.parse().ok()).collect()
    }

    fn seconds(&self) -> Option<f64> {
        let text = fs::read_to_string(&self.counter).ok()?;
        match text.strip_prefix("usage_usec ") {
            Some(rest) => Some(rest.lines().next()?.parse::<f64>().ok()? / 1e6),
            None => Some(text.trim().parse::<f64>().ok()? / 1e9),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // rmdir is refused until the last process has been reaped.
        let end = Instant::now() + Duration::from_secs(5);
        while fs::remove_dir(&self.dir).is_err() && self.dir.exists() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Reads the CPU time of one server.
pub struct Meter {
    /// The server's first process.
    pub pid: u32,
    /// Its group, where there is one.
    pub group: Option<Group>,
}

impl Meter {
    /// Every process of the server now.
    pub fn processes(&self) -> Vec<u32> {
        match &self.group {
            Some(group) => group.processes(),
            None => tree(self.pid),
        }
    }

    fn seconds(&self) -> f64 {
        match &self.group {
            Some(group) => group.seconds().unwrap_or(0.0),
            None => tree(self.pid).into_iter().filter_map(process_seconds).sum(),
        }
    }

    /// CPU seconds used so far, read once the server has come to rest: what a
    /// session's end costs belongs to the session.
    pub fn settled(&self) -> f64 {
        let end = Instant::now() + Duration::from_millis(500);
        let mut last = self.seconds();
        loop {
            std::thread::sleep(Duration::from_millis(4));
            let now = self.seconds();
            if now - last < 50e-6 || Instant::now() > end {
                return now;
            }
            last = now;
        }
    }

    /// Proportional set size of all processes, in bytes (shared pages divided
    /// among those that map them); 0 where /proc does not tell.
    pub fn memory(&self) -> u64 {
        self.processes().into_iter().filter_map(proportional).sum()
    }
}

fn proportional(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// The fields of /proc/PID/stat after the name, from the state (field 3) on.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(
        text.rsplit_once(") ")?
            .1
            .split(' ')
            .map(str::to_owned)
            .collect(),
    )
}

/// utime, stime, cutime and cstime (fields 14 to 17 of proc(5)).
fn process_seconds(pid: u32) -> Option<f64> {
    let ticks: f64 = stat(pid)?
        .get(11..15)?
        .iter()
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Some(ticks / sys::ticks_per_second())
}

fn families() -> HashMap<u32, Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        let parent = stat(pid).and_then(|fields| fields.get(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    children
}

/// The children of a process, ended ones not yet reaped included.
pub fn children(pid: u32) -> Vec<u32> {
    families().remove(&pid).unwrap_or_default()
}

fn tree(root: u32) -> Vec<u32> {
    let mut children = families();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    found
}
