//! Users and groups: who this thread is, what their names are, and the group
//! of a file. geteuid(2), getegid(2), getpwuid_r(3),
//! getgrgid_r(3), getgrnam_r(3), fchownat(2).
//!
//! Names come from where nsswitch.conf(5) says, which may be a server that
//! takes its time (`names`); remembering them is the caller's business.

use super::Result;
use super::error::check;
use super::{groups, names};
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Who the calling thread is to the file system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Effective user.
    pub uid: u32,
    /// Effective group and the others, in no order.
    pub gids: Vec<u32>,
}

impl Identity {
    /// That of the calling thread.
    #[must_use]
    pub fn current() -> Identity {
        // SAFETY: neither can fail, and neither takes anything.
        let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
        let mut gids = groups::current().unwrap_or_default();
        gids.push(gid);
        Identity { uid, gids }
    }

    /// Whether file permissions do not count.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// What a file with this owner, group and mode lets this identity do:
    /// bits as in one digit of the mode, 4 to read, 2 to write, 1 to search
    /// or execute. Access control lists are not looked at.
    #[must_use]
    pub fn bits(&self, uid: u32, gid: u32, mode: u32) -> u32 {
        if self.is_root() {
            7
        } else if self.uid == uid {
            mode >> 6 & 7
        } else if self.gids.contains(&gid) {
            mode >> 3 & 7
        } else {
            mode & 7
        }
    }
}

/// Room for a record of the user or group database; a group lists its
/// members, so some need more than others.
const FIRST: usize = 1024;
const MOST: usize = 1 << 20;

/// Calls `get` with ever more room until that suffices. `None` if it has
/// nothing to give, or fails.
fn with_room<T>(mut get: impl FnMut(&mut [libc::c_char]) -> (libc::c_int, Option<T>)) -> Option<T> {
    let mut room = FIRST;
    while room <= MOST {
        let mut buffer = vec![0; room];
        match get(&mut buffer) {
            (libc::ERANGE, _) => room *= 4,
            (libc::EINTR, _) => {}
            (_, found) => return found,
        }
    }
    None
}

/// Name of a user; `None` if there is none or the database cannot be asked.
#[must_use]
pub fn user_name(uid: u32) -> Option<Vec<u8>> {
    names::ask(move || user_name_here(uid))?
}

fn user_name_here(uid: u32) -> Option<Vec<u8>> {
    with_room(|buffer| {
        // SAFETY: passwd is integers and pointers, for which zeros are a value.
        let mut record: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: all pointers are to live values, and the length is that of
        // the buffer, which the record's strings are put into.
        let result = unsafe {
            libc::getpwuid_r(
                uid,
                &raw mut record,
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut found,
            )
        };
        let name = (result == 0 && !found.is_null()).then(|| {
            // SAFETY: the call has found a record, whose name is a string in
            // the buffer, and that is still here.
            unsafe { CStr::from_ptr(record.pw_name) }
                .to_bytes()
                .to_vec()
        });
        (result, name)
    })
}

/// Name of a group; `None` if there is none or the database cannot be asked.
#[must_use]
pub fn group_name(gid: u32) -> Option<Vec<u8>> {
    names::ask(move || group_name_here(gid))?
}

fn group_name_here(gid: u32) -> Option<Vec<u8>> {
    with_room(|buffer| {
        // SAFETY: group is integers and pointers, for which zeros are a value.
        let mut record: libc::group = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: as for getpwuid_r above.
        let result = unsafe {
            libc::getgrgid_r(
                gid,
                &raw mut record,
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut found,
            )
        };
        let name = (result == 0 && !found.is_null()).then(|| {
            // SAFETY: the call has found a record, whose name is a string in
            // the buffer, and that is still here.
            unsafe { CStr::from_ptr(record.gr_name) }
                .to_bytes()
                .to_vec()
        });
        (result, name)
    })
}

/// Number of the group of this name.
#[must_use]
pub fn group_id(name: &[u8]) -> Option<u32> {
    let name = CString::new(name).ok()?;
    names::ask(move || group_id_here(&name))?
}

fn group_id_here(name: &CStr) -> Option<u32> {
    with_room(|buffer| {
        // SAFETY: group is integers and pointers, for which zeros are a value.
        let mut record: libc::group = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: `name` ends in NUL; the rest as for getpwuid_r above.
        let result = unsafe {
            libc::getgrnam_r(
                name.as_ptr(),
                &raw mut record,
                buffer.as_mut_ptr(),
                buffer.len(),
                &raw mut found,
            )
        };
        (
            result,
            (result == 0 && !found.is_null()).then_some(record.gr_gid),
        )
    })
}

/// Gives the file behind `file`, which may be O_PATH, to the group `gid`.
///
/// # Errors
/// fchownat's own.
pub fn set_group(file: BorrowedFd<'_>, gid: u32) -> Result<()> {
    // SAFETY: the name is a NUL-terminated literal; the rest are integers.
    check("fchownat", unsafe {
        libc::fchownat(
            file.as_raw_fd(),
            c"".as_ptr(),
            u32::MAX,
            gid,
            libc::AT_EMPTY_PATH,
        )
    })
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn root_has_a_name_and_a_number_nobody_has_none() {
        assert_eq!(user_name(0).as_deref(), Some(&b"root"[..]));
        assert_eq!(group_id(&group_name(0).unwrap()), Some(0));
        assert_eq!(user_name(4_000_000_123), None);
        assert_eq!(group_name(4_000_000_123), None);
        assert_eq!(group_id(b"no such group, I hope"), None);
        assert_eq!(group_id(b"a\0b"), None);
    }

    #[test]
    fn the_first_digit_that_fits_decides() {
        let someone = Identity {
            uid: 10,
            gids: vec![20, 30],
        };
        assert_eq!(someone.bits(10, 20, 0o047), 0, "an owner is no other");
        assert_eq!(someone.bits(11, 30, 0o742), 4);
        assert_eq!(someone.bits(11, 40, 0o741), 1);
        let root = Identity::default();
        assert_eq!(root.bits(11, 40, 0), 7);
    }

    #[test]
    fn a_file_may_be_given_to_an_own_group() {
        let who = Identity::current();
        let gid = *who.gids.last().unwrap();
        let path = std::env::temp_dir().join(format!("ironftpd-group-{}", std::process::id()));
        let made = std::fs::File::create(&path).unwrap();
        assert_eq!(set_group(made.as_fd(), gid), Ok(()));
        std::fs::remove_file(&path).unwrap();
    }
}
