//! Users of the system: getpwnam_r(3) and getgrouplist(3).
//!
//! The answers come from where nsswitch.conf(5) says, which may be a server
//! that takes its time (`names`).

use super::Result;
use super::error::Error;
use super::names;
use std::ffi::{CStr, CString};

/// A user of the system, as passwd(5) has it, with the groups of group(5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct User {
    /// The name.
    pub name: Vec<u8>,
    /// The user id.
    pub uid: u32,
    /// The group id of the passwd entry.
    pub gid: u32,
    /// All groups, `gid` among them.
    pub groups: Vec<u32>,
    /// The home as it stands, perhaps with a `/./` in it.
    pub home: Vec<u8>,
    /// The shell as it stands, perhaps nothing.
    pub shell: Vec<u8>,
}

/// Room for the strings of one entry: the first attempt and the last.
const ROOM: (usize, usize) = (1024, 1 << 20);

/// Groups a user can be in (NGROUPS_MAX).
const GROUPS_MAX: usize = 65_536;

impl User {
    /// The user of this name; `None` if there is none.
    ///
    /// # Errors
    /// When the database cannot be asked, which says nothing about the user.
    pub fn find(name: &[u8]) -> Result<Option<User>> {
        let Ok(wanted) = CString::new(name) else {
            return Ok(None);
        };
        names::ask(move || User::find_here(&wanted))
            .unwrap_or_else(|| Err(Error::new("getpwnam_r", libc::ETIMEDOUT).on(name)))
    }

    fn find_here(wanted: &CStr) -> Result<Option<User>> {
        let mut room = ROOM.0;
        loop {
            let mut strings = vec![0; room];
            match entry(wanted, &mut strings) {
                Err(libc::EINTR) => {}
                Err(libc::ERANGE) if room < ROOM.1 => room *= 4,
                // Some databases answer so when there is no such entry
                // (getpwnam(3), "RETURN VALUE").
                Err(libc::ENOENT | libc::ESRCH) | Ok(None) => return Ok(None),
                Err(errno) => return Err(Error::new("getpwnam_r", errno).on(wanted.to_bytes())),
                Ok(Some(mut user)) => {
                    user.groups = groups(wanted, user.gid);
                    return Ok(Some(user));
                }
            }
        }
    }
}

/// One question; the errno if it was not answered.
fn entry(name: &CStr, strings: &mut [libc::c_char]) -> std::result::Result<Option<User>, i32> {
    // SAFETY: passwd is integers and pointers, for which zeros are a value.
    let mut record: libc::passwd = unsafe { std::mem::zeroed() };
    let mut found = std::ptr::null_mut();
    // SAFETY: `name` ends in NUL; the other pointers are to live values, and
    // the length is that of the buffer that the entry's strings go into.
    let errno = unsafe {
        libc::getpwnam_r(
            name.as_ptr(),
            &raw mut record,
            strings.as_mut_ptr(),
            strings.len(),
            &raw mut found,
        )
    };
    if errno != 0 {
        return Err(errno);
    }
    if found.is_null() {
        return Ok(None);
    }
    let text = |string: *const libc::c_char| {
        if string.is_null() {
            return Vec::new();
        }
        // SAFETY: the call has filled the entry with strings that end in NUL
        // and lie in the buffer, which is still here.
        unsafe { CStr::from_ptr(string) }.to_bytes().to_vec()
    };
    Ok(Some(User {
        name: text(record.pw_name),
        uid: record.pw_uid,
        gid: record.pw_gid,
        groups: Vec::new(),
        home: text(record.pw_dir),
        shell: text(record.pw_shell),
    }))
}

/// The groups of a user, `gid` first. A database that cannot be asked leaves
/// that one, which takes rights away and gives none.
fn groups(name: &CStr, gid: u32) -> Vec<u32> {
    let mut room = 64;
    while room <= GROUPS_MAX {
        let mut groups = vec![gid; room];
        let Ok(mut count) = libc::c_int::try_from(room) else {
            break;
        };
        // SAFETY: `name` ends in NUL, and `groups` has room for the `count`
        // numbers that the call may write.
        let result =
            unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) };
        if result >= 0 {
            groups.truncate(usize::try_from(count).unwrap_or_default());
            return groups;
        }
        room *= 4;
    }
    vec![gid]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_with_home_shell_and_groups() {
        let root = User::find(b"root").unwrap().unwrap();
        assert_eq!(
            (root.name.as_slice(), root.uid, root.gid),
            (&b"root"[..], 0, 0)
        );
        assert!(root.home.starts_with(b"/") && root.shell.starts_with(b"/"));
        assert!(root.groups.contains(&0));
    }

    #[test]
    fn a_name_that_nobody_has_is_nobody() {
        for name in [&b"no such user"[..], b"", b"root\0x", b"root:x"] {
            assert_eq!(User::find(name), Ok(None), "{name:?}");
        }
    }
}
