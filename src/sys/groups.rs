//! The groups of the calling process, for one with a single thread: the
//! library's functions, which mean all threads.

use super::Result;
use super::error::check;

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
    // SAFETY: with 0 nothing is written, and the number of groups comes back.
    let room = check("getgroups", unsafe {
        libc::getgroups(0, std::ptr::null_mut())
    })?;
    let mut groups = vec![0_u32; usize::try_from(room).unwrap_or(0)];
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
