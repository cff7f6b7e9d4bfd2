//! Users and groups of one thread: setgroups(2), setresgid(2), setresuid(2)
//! as raw system calls.
//!
//! For Linux credentials belong to a thread. The C library's functions of the
//! same names change all threads of the process, as POSIX wants it, so none of
//! them is used here: a worker becomes a user while its siblings serve others.
//!
//! Leaves to others: who may become whom (`auth`), and what the thread keeps
//! of capabilities afterwards (`capability`).

use super::capability::{self, Capabilities, Capability};
use super::error::Error;
use super::{Result, process};
use std::fmt;

/// Numbers of the calls that take ids of 32 bits. The plain names are those
/// of 16 bits on architectures that had Unix before they had many users.
mod number {
    #[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
    pub(super) use libc::{
        SYS_getgroups as GETGROUPS, SYS_getresgid as GETRESGID, SYS_getresuid as GETRESUID,
        SYS_setfsgid as SETFSGID, SYS_setfsuid as SETFSUID, SYS_setgroups as SETGROUPS,
        SYS_setresgid as SETRESGID, SYS_setresuid as SETRESUID,
    };
    #[cfg(any(target_arch = "x86", target_arch = "arm"))]
    pub(super) use libc::{
        SYS_getgroups32 as GETGROUPS, SYS_getresgid32 as GETRESGID, SYS_getresuid32 as GETRESUID,
        SYS_setfsgid32 as SETFSGID, SYS_setfsuid32 as SETFSUID, SYS_setgroups32 as SETGROUPS,
        SYS_setresgid32 as SETRESGID, SYS_setresuid32 as SETRESUID,
    };
}

/// What setresuid(2) takes for "leave it": no user has it.
const NO_CHANGE: u32 = u32::MAX;

/// A user, its group and its other groups, by numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    uid: u32,
    gid: u32,
    /// Sorted, each once.
    groups: Vec<u32>,
}

/// An identity nobody may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoIdentity {
    /// User 0, where root was not meant.
    Root,
    /// 4294967295, which the kernel takes for "no change".
    NoChange,
}

impl fmt::Display for NoIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoIdentity::Root => "user 0 (root)",
            NoIdentity::NoChange => "user or group 4294967295 (-1)",
        })
    }
}

impl std::error::Error for NoIdentity {}

impl Identity {
    /// A user other than root.
    ///
    /// # Errors
    /// For user 0, and for numbers that mean something else.
    pub fn new(uid: u32, gid: u32, groups: &[u32]) -> std::result::Result<Identity, NoIdentity> {
        if uid == 0 {
            return Err(NoIdentity::Root);
        }
        Identity::even_root(uid, gid, groups)
    }

    /// Any user, root included; for where an option says so.
    ///
    /// # Errors
    /// For numbers that mean something else.
    pub fn even_root(
        uid: u32,
        gid: u32,
        groups: &[u32],
    ) -> std::result::Result<Identity, NoIdentity> {
        if uid == NO_CHANGE || gid == NO_CHANGE || groups.contains(&NO_CHANGE) {
            return Err(NoIdentity::NoChange);
        }
        let mut groups = groups.to_vec();
        groups.sort_unstable();
        groups.dedup();
        Ok(Identity { uid, gid, groups })
    }

    /// The user.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The user's own group.
    #[must_use]
    pub fn gid(&self) -> u32 {
        self.gid
    }

    /// The supplementary groups, sorted.
    #[must_use]
    pub fn groups(&self) -> &[u32] {
        &self.groups
    }
}

/// What the kernel holds the calling thread for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Real, effective, saved and file-system user.
    pub users: [u32; 4],
    /// Real, effective, saved and file-system group.
    pub groups: [u32; 4],
    /// Supplementary groups, sorted.
    pub others: Vec<u32>,
}

impl Credentials {
    /// Whether they are those of `identity`, with `behind` as the real and the
    /// saved user.
    fn are(&self, identity: &Identity, behind: u32) -> bool {
        self.users == [behind, identity.uid, behind, identity.uid]
            && self.groups == [identity.gid; 4]
            && self.others == identity.groups
    }
}

/// The calling thread's credentials, from the kernel and not from a copy the
/// C library may keep.
///
/// # Errors
/// The calls' own; there is none to expect.
pub fn current() -> Result<Credentials> {
    let users = three("getresuid", number::GETRESUID)?;
    let groups = three("getresgid", number::GETRESGID)?;
    Ok(Credentials {
        users: [users[0], users[1], users[2], of_files(number::SETFSUID)],
        groups: [groups[0], groups[1], groups[2], of_files(number::SETFSGID)],
        others: others()?,
    })
}

/// getresuid(2) or getresgid(2).
fn three(name: &'static str, call: libc::c_long) -> Result<[u32; 3]> {
    let [mut real, mut effective, mut saved] = [NO_CHANGE; 3];
    // SAFETY: both calls write three 32-bit numbers to the three places.
    let result = unsafe { libc::syscall(call, &raw mut real, &raw mut effective, &raw mut saved) };
    if result < 0 {
        return Err(Error::last(name));
    }
    Ok([real, effective, saved])
}

/// setfsuid(2) or setfsgid(2) with a number that is no user: they then change
/// nothing, and return what is.
fn of_files(call: libc::c_long) -> u32 {
    // SAFETY: only integers are passed.
    let id = unsafe { libc::syscall(call, NO_CHANGE) };
    // Ids are 32 bits without a sign in a wider result.
    u32::try_from(id & 0xFFFF_FFFF).unwrap_or(NO_CHANGE)
}

fn others() -> Result<Vec<u32>> {
    let none = std::ptr::null_mut::<u32>();
    // SAFETY: with a size of 0 the call writes nothing.
    let count = unsafe { libc::syscall(number::GETGROUPS, 0, none) };
    let mut groups = vec![0; usize::try_from(count).map_err(|_| Error::last("getgroups"))?];
    // SAFETY: the call writes at most as many ids as it is told of. No other
    // thread changes this thread's groups between the two calls.
    let count = unsafe { libc::syscall(number::GETGROUPS, groups.len(), groups.as_mut_ptr()) };
    groups.truncate(usize::try_from(count).map_err(|_| Error::last("getgroups"))?);
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

/// Turns the calling thread into `identity`, and no other thread: groups
/// first, while it may still set them. Capabilities are not touched unless
/// the kernel does (leaving user 0 takes them away): as long as CAP_SETUID is
/// there, there is a way back. [`become_for_good`] closes it.
///
/// The kernel is then asked who the thread is. If that is not `identity` the
/// process is aborted: calls that succeed without effect mean that something
/// between us and the kernel lies (a broken seccomp policy once made a setuid
/// "succeed"), every other check in this process rests on the same calls, and
/// a session served under wrong rights is worse than none served.
///
/// # Errors
/// EPERM without CAP_SETUID and CAP_SETGID, unless the thread is `identity`
/// already; EINVAL for ids that this user namespace does not have. The thread
/// may have taken on a part by then and must end without serving anybody.
pub fn become_user(identity: &Identity) -> Result<()> {
    change_to(identity, identity.uid)
}

fn change_to(identity: &Identity, behind: u32) -> Result<()> {
    if current()?.are(identity, behind) {
        return Ok(());
    }
    let groups = &identity.groups;
    // SAFETY: the pointer is to as many ids as the call is told of.
    succeeds("setgroups", unsafe {
        libc::syscall(number::SETGROUPS, groups.len(), groups.as_ptr())
    })?;
    let gid = identity.gid;
    // SAFETY: only integers are passed.
    succeeds("setresgid", unsafe {
        libc::syscall(number::SETRESGID, gid, gid, gid)
    })?;
    let uid = identity.uid;
    // SAFETY: only integers are passed.
    succeeds("setresuid", unsafe {
        libc::syscall(number::SETRESUID, behind, uid, behind)
    })?;
    match current() {
        Ok(credentials) if credentials.are(identity, behind) => Ok(()),
        _ => std::process::abort(),
    }
}

fn succeeds(name: &'static str, result: libc::c_long) -> Result<()> {
    if result < 0 {
        return Err(Error::last(name));
    }
    Ok(())
}

/// Lets the calling thread act as `identity`, with no more than `kept`: what a
/// worker does that serves this user and no other from now on. `kept` may not
/// hold CAP_SETUID or CAP_SETGID, with which there is a way to anybody.
///
/// Effective and file-system user are those of `identity`, and so are all
/// groups. Real and saved user stay the process's own, unless that is root:
/// they are what kill(2), prlimit(2) and ptrace(2) ask for, and what they do
/// to one thread they do to the process. With all four, any program of the
/// user's could end the server, stop it or take its descriptors away. The
/// worker may therefore go back to being the server's own user, which has no
/// rights; [`become_user`] describes what is checked.
///
/// # Errors
/// Those of the two; EINVAL for a `kept` with a way back. The thread must
/// then end without serving anybody.
pub fn become_for_good(identity: &Identity, kept: Capabilities) -> Result<()> {
    if kept.has(Capability::Setuid) || kept.has(Capability::Setgid) {
        return Err(Error::new("capset", libc::EINVAL).on(b"a way back"));
    }
    let [real, _, saved, _] = current()?.users;
    let behind = if real == 0 || saved == 0 {
        identity.uid
    } else {
        real
    };
    change_to(identity, behind)?;
    capability::keep_only(kept)
}

/// Turns the whole process into `identity` before it has a second thread,
/// keeping `kept` of its capabilities and nothing else: what is inheritable,
/// ambient and bounding is emptied, and user 0 loses its magic where that is
/// permitted.
///
/// As in [`become_user`] the process is aborted if the kernel then says that
/// it is somebody else.
///
/// # Errors
/// EBUSY when there is more than one thread: the others would stay what they
/// are. EPERM when the process is not privileged, or `kept` holds what it
/// does not have. The process is then something in between and must end.
pub fn drop_process_to(identity: &Identity, kept: Capabilities) -> Result<()> {
    if process::threads().is_some_and(|threads| threads > 1) {
        return Err(Error::new("setresuid", libc::EBUSY).on(b"not the only thread"));
    }
    capability::take_root_s_magic()?;
    capability::keep_over_change_of_user(true)?;
    become_user(identity)?;
    // Leaving user 0 has emptied the effective set, the permitted one was kept.
    capability::raise(kept.with(Capability::Setpcap))?;
    capability::keep_only(kept)?;
    capability::keep_over_change_of_user(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_no_change_are_nobody() {
        assert_eq!(Identity::new(0, 5, &[]), Err(NoIdentity::Root));
        for (uid, gid, groups) in [
            (NO_CHANGE, 5, vec![]),
            (5, NO_CHANGE, vec![]),
            (5, 5, vec![5, NO_CHANGE]),
        ] {
            assert_eq!(Identity::new(uid, gid, &groups), Err(NoIdentity::NoChange));
        }
        assert_eq!(Identity::even_root(0, 0, &[]).unwrap().uid(), 0);
        let identity = Identity::new(7, 8, &[9, 3, 9]).unwrap();
        assert_eq!(identity.groups(), [3, 9]);
    }

    #[test]
    fn credentials_are_those_proc_shows() {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let of = |name: &str| -> Vec<u32> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let numbers = line.unwrap().split_whitespace();
            numbers.map(|number| number.parse().unwrap()).collect()
        };
        let credentials = current().unwrap();
        assert_eq!(credentials.users.to_vec(), of("Uid:"));
        assert_eq!(credentials.groups.to_vec(), of("Gid:"));
        assert_eq!(credentials.others, of("Groups:"));
    }

    #[test]
    fn becoming_oneself_needs_no_privilege() {
        let here = current().unwrap();
        let me = Identity::even_root(here.users[1], here.groups[1], &here.others).unwrap();
        become_user(&me).unwrap();
    }

    #[test]
    fn a_process_with_threads_is_not_dropped() {
        let nobody = Identity::new(65534, 65534, &[]).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let error = drop_process_to(&nobody, Capabilities::NONE).unwrap_err();
                assert_eq!(error.errno(), libc::EBUSY);
            });
        });
    }
}
