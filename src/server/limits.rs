//! How many sessions there may be: max_clients and max_per_ip, and how many
//! threads this system lets us have.

use crate::config::{Config, Finding, Note, Symptom};
use crate::record::NoSession;
use crate::sys::poll::Bell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the sessions there are.
#[derive(Debug, Default)]
pub(super) struct Census(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: u32,
    /// With those that have gone.
    ever: u64,
    by_address: HashMap<IpAddr, u32>,
    /// Rung when the last session has gone.
    bell: Option<Arc<Bell>>,
}

/// Which limit keeps a client out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// max_clients.
    Clients,
    /// max_per_ip.
    PerAddress,
}

/// A place in the census, given up on drop.
#[derive(Debug)]
pub(super) struct Admission {
    census: Arc<Census>,
    address: IpAddr,
    /// Sessions there were with this one, in all and at its address.
    counted: (u32, u32),
}

impl Admission {
    /// Which of these limits would have kept the client out; 0 is none.
    pub(super) fn exceeds(&self, max_clients: u32, max_per_ip: u32) -> Option<Full> {
        let (all, here) = self.counted;
        if max_clients > 0 && all > max_clients {
            Some(Full::Clients)
        } else if max_per_ip > 0 && here > max_per_ip {
            Some(Full::PerAddress)
        } else {
            None
        }
    }
}

impl Full {
    /// The same for the logs of transfers.
    pub(super) fn for_logs(self) -> NoSession {
        match self {
            Full::Clients => NoSession::TooMany,
            Full::PerAddress => NoSession::TooManyOfAddress,
        }
    }

    /// What the client is told, and the option that says so.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Full::Clients => (
                "There are too many connected users, please try later.",
                "max_clients",
            ),
            Full::PerAddress => (
                "There are too many connections from your internet address.",
                "max_per_ip",
            ),
        }
    }
}

impl Census {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Each change below is one addition; none is left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on `bell` is rung when the last session has gone.
    pub(super) fn tell_when_empty(&self, bell: &Arc<Bell>) {
        self.counts().bell = Some(Arc::clone(bell));
    }

    /// How many sessions there are.
    pub(super) fn sessions(&self) -> u32 {
        self.counts().all
    }

    /// How many sessions there have ever been.
    pub(super) fn sessions_ever(&self) -> u64 {
        self.counts().ever
    }

    /// Admits a client at `address` if the limits allow it; 0 is no limit.
    pub(super) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        max_clients: u32,
        max_per_ip: u32,
    ) -> Result<Admission, Full> {
        let mut counts = self.counts();
        if max_clients > 0 && counts.all >= max_clients {
            return Err(Full::Clients);
        }
        let here = counts.by_address.get(&address).copied().unwrap_or(0);
        if max_per_ip > 0 && here >= max_per_ip {
            return Err(Full::PerAddress);
        }
        counts.by_address.insert(address, here + 1);
        counts.all += 1;
        counts.ever += 1;
        Ok(Admission {
            census: Arc::clone(self),
            address,
            counted: (counts.all, here + 1),
        })
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut counts = self.census.counts();
        counts.all = counts.all.saturating_sub(1);
        if let Some(here) = counts.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                counts.by_address.remove(&self.address);
            }
        }
        if counts.all == 0
            && let Some(bell) = &counts.bell
        {
            bell.ring();
        }
    }
}

/// What of `config` this system has no room for; it has so many descriptors.
pub(super) fn findings(config: &Config, descriptors: u64) -> Vec<Finding> {
    let clients = config.max_clients();
    let mut found = Vec::new();
    let mut few = |symptom| found.push(Finding::of(config, "max_clients", Note::Machine(symptom)));
    // One descriptor per session, and three more while a transfer runs.
    if u64::from(clients) > descriptors.saturating_sub(64) {
        few(Symptom::FewDescriptors {
            clients,
            descriptors,
        });
    }
    let workers = max_workers();
    if workers < 64 {
        few(Symptom::FewWorkers(workers));
    }
    found
}

/// The most workers there may ever be. Each thread takes four mappings
/// (stack, guard, signal stack, guard), and where vm.max_map_count is spent
/// the standard library aborts the process instead of returning an error; so
/// half of that wall is the limit, and half of what the user and the cgroup
/// may have in threads.
pub(super) fn max_workers() -> usize {
    const MOST: u64 = 4096;
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    };
    let by_maps = read("/proc/sys/vm/max_map_count").map(|maps| maps / 8);
    let by_cgroup = own_cgroup()
        .and_then(|cgroup| read(&format!("/sys/fs/cgroup{cgroup}/pids.max")))
        .map(|pids| pids / 2);
    let by_user = crate::sys::process::thread_limit().map(|threads| threads / 2);
    let least = [by_maps, by_cgroup, by_user]
        .into_iter()
        .flatten()
        .fold(MOST, u64::min);
    usize::try_from(least.max(2)).unwrap_or(2)
}

/// Path of this process's cgroup (version 2) below the mount.
fn own_cgroup() -> Option<String> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(path.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::{Interest, READABLE, poll};
    use std::os::fd::AsFd;
    use std::time::Duration;

    #[test]
    fn places_come_free_again() {
        let census = Arc::new(Census::default());
        let here = IpAddr::from([127, 0, 0, 1]);
        let there = IpAddr::from([127, 0, 0, 2]);
        let first = census.admit(here, 2, 1).unwrap();
        assert_eq!(census.admit(here, 2, 1).unwrap_err(), Full::PerAddress);
        let second = census.admit(there, 2, 1).unwrap();
        assert_eq!(census.admit(there, 2, 0).unwrap_err(), Full::Clients);
        drop((first, second));
        assert!(census.counts().by_address.is_empty());
        assert!(census.admit(here, 1, 1).is_ok());
        assert_eq!((census.sessions(), census.sessions_ever()), (0, 3));
    }

    #[test]
    fn the_last_to_go_rings_the_bell() {
        let census = Arc::new(Census::default());
        let bell = Arc::new(Bell::new().unwrap());
        let rung = || {
            let mut one = [Interest::new(bell.as_fd(), READABLE)];
            poll(&mut one, Some(Duration::ZERO)).unwrap()
        };
        let here = IpAddr::from([127, 0, 0, 1]);
        drop(census.admit(here, 0, 0).unwrap());
        let (first, last) = (census.admit(here, 0, 0), census.admit(here, 0, 0));
        census.tell_when_empty(&bell);
        drop(first);
        assert!(!rung());
        drop(last);
        assert!(rung());
    }

    #[test]
    fn there_is_always_a_worker() {
        assert!(max_workers() >= 2);
    }
}
