//! The groups of the calling process, for one with a single thread: the
//! library's functions, which mean all threads.

use super::Result;
use super::error::check;

/// NGROUPS_MAX of Linux.
const GROUPS_MAX: usize = 65536;

/// setgroups(2) for the whole process: for one with a single thread.
///
/// # Errors
/// setgroups' own.
pub fn set(groups: &[u32]) -> Result<()> {
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
pub fn current() -> Result<Vec<u32>> {
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
    fn what_is_there_may_be_set_again_by_root_alone() {
        let own = current().unwrap();
        if crate::sys::process::effective_user() == 0 {
            set(&own).unwrap();
            assert_eq!(current().unwrap(), own);
        } else {
            assert_eq!(set(&own).unwrap_err().errno(), libc::EPERM);
        }
    }
}
