//! The system's accounts: getpwnam_r(3), getgrouplist(3), and the groups of
//! the calling process.
//!
//! The lookups go through NSS, which may load modules and ask servers, and so
//! belong in a process of their own. Leaves to others: passwords.

use super::error::{Error, check};
use super::{Result, wipe::wipe};
use std::ffi::{CStr, c_char};
use std::ptr;

/// The largest buffer a passwd entry may need.
const ENTRY_MAX: usize = 1024 * 1024;
/// NGROUPS_MAX of Linux.
const GROUPS_MAX: usize = 65536;

/// An entry of the passwd database.
pub struct User {
    /// pw_name: as the database spells it.
    pub name: Vec<u8>,
    /// pw_passwd: `x` where the hash is in the shadow file.
    pub password: Vec<u8>,
    /// pw_uid.
    pub uid: u32,
    /// pw_gid.
    pub gid: u32,
    /// pw_dir.
    pub home: Vec<u8>,
    /// pw_shell.
    pub shell: Vec<u8>,
}

/// getpwnam_r(3); `None` where there is no such user.
///
/// # Errors
/// Its errno: where the database could not be asked, say.
pub fn find(name: &CStr) -> Result<Option<User>> {
    let mut size = 2048;
    loop {
        let mut buffer = vec![0_u8; size];
        // SAFETY: passwd is a plain struct of pointers and integers, for
        // which all zeros is a value.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found: *mut libc::passwd = ptr::null_mut();
        // SAFETY: the pointers are to live values and `buffer` is as long as said.
        let errno = unsafe {
            libc::getpwnam_r(
                name.as_ptr(),
                &raw mut entry,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut found,
            )
        };
        match errno {
            libc::ERANGE if size < ENTRY_MAX => size *= 4,
            _ if !found.is_null() => {
                // SAFETY: found, so the strings of `entry` lie in `buffer`
                // and end in a NUL.
                let user = unsafe { user_of(&entry) };
                wipe(&mut buffer);
                return Ok(Some(user));
            }
            // These all mean "not found", see the manual page.
            0 | libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            _ => return Err(Error::new("getpwnam_r", errno).on(name.to_bytes())),
        }
    }
}

/// # Safety
/// The strings of `entry` are null or end in a NUL.
unsafe fn user_of(entry: &libc::passwd) -> User {
    let bytes = |text: *const c_char| {
        if text.is_null() {
            Vec::new()
        } else {
            // SAFETY: the caller's promise.
            unsafe { CStr::from_ptr(text) }.to_bytes().to_vec()
        }
    };
    User {
        name: bytes(entry.pw_name),
        password: bytes(entry.pw_passwd),
        uid: entry.pw_uid,
        gid: entry.pw_gid,
        home: bytes(entry.pw_dir),
        shell: bytes(entry.pw_shell),
    }
}

/// getgrouplist(3): every group of a user, `gid` among them; the list that
/// initgroups(3) would set.
///
/// # Errors
/// EINVAL where the list never fits.
pub fn groups_of(name: &CStr, gid: u32) -> Result<Vec<u32>> {
    let mut room = 64;
    loop {
        let mut groups = vec![0_u32; room];
        let mut count = i32::try_from(room).unwrap_or(i32::MAX);
        // SAFETY: `groups` has room for `count` ids, and `name` ends in a NUL.
        let result =
            unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) };
        let count = usize::try_from(count).unwrap_or(0);
        if result >= 0 && count <= room {
            groups.truncate(count);
            return Ok(groups);
        }
        if room >= GROUPS_MAX {
            return Err(Error::new("getgrouplist", libc::EINVAL).on(name.to_bytes()));
        }
        room = (room * 2).max(count).min(GROUPS_MAX);
    }
}

/// setgroups(2) for the whole process: for one with a single thread.
///
/// # Errors
/// setgroups' own.
pub fn set_groups(groups: &[u32]) -> Result<()> {
    // SAFETY: the pointer and length are those of one live slice.
    check("setgroups", unsafe {
        libc::setgroups(groups.len(), groups.as_ptr())
    })
    .map(drop)
}

/// getgroups(2).
///
/// # Errors
/// getgroups' own.
pub fn groups() -> Result<Vec<u32>> {
    let mut groups = vec![0_u32; GROUPS_MAX];
    let room = i32::try_from(groups.len()).unwrap_or(i32::MAX);
    // SAFETY: `groups` has room for the number of ids said.
    let count = check("getgroups", unsafe {
        libc::getgroups(room, groups.as_mut_ptr())
    })?;
    groups.truncate(usize::try_from(count).unwrap_or(0));
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_with_home_and_groups() {
        let root = find(c"root").unwrap().unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert!(root.home.starts_with(b"/") && root.name == b"root");
        assert!(groups_of(c"root", 0).unwrap().contains(&0));
    }

    #[test]
    fn nobody_of_that_name_is_no_error() {
        assert!(find(c"no such user, ever").unwrap().is_none());
        assert!(find(c"").unwrap().is_none());
    }

    #[test]
    fn the_group_of_the_entry_is_always_in_the_list() {
        assert_eq!(groups_of(c"no such user, ever", 4711).unwrap(), [4711]);
    }
}
