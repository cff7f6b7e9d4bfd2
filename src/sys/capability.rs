//! Capabilities, capabilities(7), of the calling thread: capget(2) and
//! capset(2), the bounding and the ambient set.
//!
//! Each thread has its own. They are given up here and never gained: a call
//! that fails leaves the thread with less than it had, or as it was.
//!
//! Leaves to others: changing users (`identity`), which on its own takes
//! capabilities away only when user 0 is left.

use super::Result;
use super::error::{Error, check};
use std::fmt;
use std::fs;

/// A capability this program has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// CAP_CHOWN: chown_uploads.
    Chown,
    /// CAP_DAC_READ_SEARCH: keys that others than root own.
    DacReadSearch,
    /// CAP_SETGID: a worker takes on a local user's groups.
    Setgid,
    /// CAP_SETUID: a worker becomes a local user.
    Setuid,
    /// CAP_SETPCAP: emptying the bounding set, at the start only.
    Setpcap,
    /// CAP_NET_BIND_SERVICE: ports below [`first_free_port`].
    NetBindService,
}

impl Capability {
    const ALL: [Capability; 6] = [
        Capability::Chown,
        Capability::DacReadSearch,
        Capability::Setgid,
        Capability::Setuid,
        Capability::Setpcap,
        Capability::NetBindService,
    ];

    /// Its number in <linux/capability.h>.
    const fn number(self) -> u32 {
        match self {
            Capability::Chown => 0,
            Capability::DacReadSearch => 2,
            Capability::Setgid => 6,
            Capability::Setuid => 7,
            Capability::Setpcap => 8,
            Capability::NetBindService => 10,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Capability::Chown => "CAP_CHOWN",
            Capability::DacReadSearch => "CAP_DAC_READ_SEARCH",
            Capability::Setgid => "CAP_SETGID",
            Capability::Setuid => "CAP_SETUID",
            Capability::Setpcap => "CAP_SETPCAP",
            Capability::NetBindService => "CAP_NET_BIND_SERVICE",
        })
    }
}

/// A set of capabilities, as the kernel has it: a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// None at all.
    pub const NONE: Capabilities = Capabilities(0);

    /// This set and `capability`.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 | 1 << capability.number())
    }

    /// This set, and `capability` if `needed`.
    #[must_use]
    pub const fn with_if(self, needed: bool, capability: Capability) -> Capabilities {
        if needed { self.with(capability) } else { self }
    }

    /// Whether `capability` is in it.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & 1 << capability.number() != 0
    }

    /// Whether it has nothing in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Capabilities) -> Capabilities {
        Capabilities(self.0 & other.0)
    }
}

/// By their names; those without a name here by their numbers.
impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let mut sign = "";
        for number in (0..64).filter(|number| self.0 & 1 << number != 0) {
            match Capability::ALL
                .iter()
                .find(|known| known.number() == number)
            {
                Some(known) => write!(f, "{sign}{known}")?,
                None => write!(f, "{sign}{number}")?,
            }
            sign = " ";
        }
        Ok(())
    }
}

/// The calling thread's sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sets {
    /// What counts when a call is made.
    pub effective: Capabilities,
    /// What may become effective.
    pub permitted: Capabilities,
    /// What goes through an execve(2), with more.
    pub inheritable: Capabilities,
}

/// _LINUX_CAPABILITY_VERSION_3: 64 bits in two halves.
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    /// 0 is the calling thread.
    thread: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// capget(2) for the calling thread.
///
/// # Errors
/// capget's own; there is none to expect.
pub fn current() -> Result<Sets> {
    let mut header = Header {
        version: VERSION,
        thread: 0,
    };
    let mut halves = [Half::default(); 2];
    // SAFETY: version 3 makes the kernel write two halves, which `halves` has
    // room for; `header` is a live header.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
    if result < 0 {
        return Err(Error::last("capget"));
    }
    let [low, high] = halves;
    let whole = |low: u32, high: u32| Capabilities(u64::from(high) << 32 | u64::from(low));
    Ok(Sets {
        effective: whole(low.effective, high.effective),
        permitted: whole(low.permitted, high.permitted),
        inheritable: whole(low.inheritable, high.inheritable),
    })
}

/// capset(2) for the calling thread.
fn set(sets: Sets) -> Result<()> {
    let half = |of: fn(u64) -> u64| -> Result<Half> {
        let part = |set: Capabilities| {
            u32::try_from(of(set.0)).map_err(|_| Error::new("capset", libc::EINVAL))
        };
        Ok(Half {
            effective: part(sets.effective)?,
            permitted: part(sets.permitted)?,
            inheritable: part(sets.inheritable)?,
        })
    };
    let header = Header {
        version: VERSION,
        thread: 0,
    };
    let halves = [half(|set| set & 0xFFFF_FFFF)?, half(|set| set >> 32)?];
    // SAFETY: version 3 makes the kernel read two halves.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, halves.as_ptr()) };
    if result < 0 {
        return Err(Error::last("capset"));
    }
    Ok(())
}

/// Whether the calling thread may use `capability` now.
#[must_use]
pub fn has(capability: Capability) -> bool {
    current().is_ok_and(|sets| sets.effective.has(capability))
}

/// Gives up everything but `kept` in the calling thread, for good: permitted
/// and effective become `kept`, inheritable, ambient and, where that is
/// permitted, the bounding set become empty. Then looks whether it is so.
///
/// # Errors
/// EPERM when `kept` holds what the thread does not have: nothing has changed
/// but the bounding set then. Otherwise the kernel's own.
pub fn keep_only(kept: Capabilities) -> Result<()> {
    // Needs CAP_SETPCAP, which goes with the next step.
    if has(Capability::Setpcap) {
        empty_bounding_set()?;
    }
    let wanted = Sets {
        effective: kept,
        permitted: kept,
        inheritable: Capabilities::NONE,
    };
    set(wanted)?;
    clear_ambient()?;
    if current()? == wanted {
        Ok(())
    } else {
        Err(Error::new("capget", libc::EPERM).on(b"capset had no effect"))
    }
}

/// Makes the permitted capabilities effective again, as after leaving user 0
/// with [`keep_over_change_of_user`].
///
/// # Errors
/// capset's own.
pub(super) fn raise(wanted: Capabilities) -> Result<()> {
    let mut sets = current()?;
    sets.effective = Capabilities(sets.effective.0 | sets.permitted.and(wanted).0);
    set(sets)
}

/// Makes the permitted set outlive the change from user 0 to another, in the
/// calling thread and until told otherwise.
///
/// # Errors
/// EPERM where the securebits of the process are locked.
pub(super) fn keep_over_change_of_user(keep: bool) -> Result<()> {
    prctl(libc::PR_SET_KEEPCAPS, libc::c_ulong::from(keep), 0).map(drop)
}

/// Makes user 0 a user like others: from now on neither being it nor becoming
/// it by execve(2) gives capabilities, in this thread and those born of it.
/// Needs CAP_SETPCAP; without it, nothing happens.
///
/// # Errors
/// prctl's own.
pub(super) fn take_root_s_magic() -> Result<()> {
    // <linux/securebits.h>: a bit and, above it, the bit that locks it.
    const NO_ROOT: libc::c_ulong = 0b11;
    const NO_AMBIENT_RAISE: libc::c_ulong = 0b11 << 6;
    if !has(Capability::Setpcap) {
        return Ok(());
    }
    let bits = prctl(libc::PR_GET_SECUREBITS, 0, 0)?;
    let bits = libc::c_ulong::from(bits.cast_unsigned());
    prctl(
        libc::PR_SET_SECUREBITS,
        bits | NO_ROOT | NO_AMBIENT_RAISE,
        0,
    )
    .map(drop)
}

fn empty_bounding_set() -> Result<()> {
    // The kernel knows some 41; the first it does not know ends the loop.
    for number in 0..64 {
        match prctl(libc::PR_CAPBSET_DROP, number, 0) {
            Ok(_) => {}
            Err(error) if error.errno() == libc::EINVAL && number > 0 => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn clear_ambient() -> Result<()> {
    let clear = libc::PR_CAP_AMBIENT_CLEAR_ALL;
    let clear = libc::c_ulong::try_from(clear).unwrap_or_default();
    prctl(libc::PR_CAP_AMBIENT, clear, 0).map(drop)
}

fn prctl(option: libc::c_int, first: libc::c_ulong, second: libc::c_ulong) -> Result<libc::c_int> {
    let none: libc::c_ulong = 0;
    // SAFETY: the options used in this file take integers only.
    check("prctl", unsafe {
        libc::prctl(option, first, second, none, none)
    })
}

/// The first port that needs no privilege: net.ipv4.ip_unprivileged_port_start
/// of the network namespace the process is in, 1024 where that cannot be read.
#[must_use]
pub fn first_free_port() -> u16 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1024)
}

/// CAP_NET_BIND_SERVICE if `port` needs it, otherwise nothing. 0 is any port,
/// which needs none.
#[must_use]
pub fn needed_for_port(port: u16) -> Capabilities {
    let needed = port != 0 && port < first_free_port();
    Capabilities::NONE.with_if(needed, Capability::NetBindService)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_told_by_name() {
        let both = Capabilities::NONE
            .with(Capability::Setuid)
            .with(Capability::NetBindService);
        assert_eq!(both.to_string(), "CAP_SETUID CAP_NET_BIND_SERVICE");
        assert_eq!(Capabilities(1 << 40).to_string(), "40");
        assert_eq!(Capabilities::NONE.to_string(), "none");
        assert!(both.has(Capability::Setuid) && !both.has(Capability::Setgid));
    }

    #[test]
    fn numbers_are_those_the_kernel_shows() {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            Capabilities(u64::from_str_radix(line.unwrap().trim(), 16).unwrap())
        };
        let sets = current().unwrap();
        assert_eq!(sets.effective, of("CapEff:"));
        assert_eq!(sets.permitted, of("CapPrm:"));
        assert_eq!(sets.inheritable, of("CapInh:"));
    }

    #[test]
    fn any_port_needs_nothing() {
        assert!(needed_for_port(0).is_empty());
        assert!(needed_for_port(u16::MAX).is_empty());
    }
}
