//! A process that stays behind with rights which the server gives up, and
//! does one small thing when it is asked by one octet.
//!
//! Leaves to others: what it does, and what the server's end of the channel
//! is ([`crate::sys::channel`], or a stream).
#![forbid(unsafe_code)]

use super::Result;
use super::birth;
use super::capability::{self, Capabilities};
use super::channel;
use super::fork::{self, Process};
use super::process::forbid_new_privileges;
use std::ffi::CStr;
use std::os::fd::AsFd;

/// What a keeper is.
#[derive(Clone, Copy, Debug)]
pub struct Post<'a> {
    /// The name that ps(1) shows, 15 bytes of it.
    pub name: &'a CStr,
    /// The capabilities that it keeps, of those that there are.
    pub rights: Capabilities,
}

/// Forks a keeper, before the first thread is born. It ends when the other
/// end of `served` is closed, as the server's end closes it.
///
/// `arrange` makes what it needs for its task, alone in its process, while
/// privileges are whole; it may wall itself in at the end of it. `answer` is
/// then called for each octet, and ends the process by an error. Everything
/// else of the server's that holds a descriptor must not be touched in there.
///
/// # Errors
/// fork's; what goes wrong later is the process's exit code 1.
pub fn spawn<C: AsFd, S>(
    post: Post<'_>,
    mut served: C,
    arrange: impl FnOnce() -> Result<S>,
    mut answer: impl FnMut(&mut S, u8, &mut C) -> Result<()>,
) -> Result<Process> {
    let parent = Process::current();
    fork::spawn(move || {
        let life = || {
            birth::stand_alone(post.name, parent, [served.as_fd()])?;
            forbid_new_privileges()?;
            let mut task = arrange()?;
            capability::keep_only(post.rights.and(capability::current()?.permitted))?;
            let mut question = [0];
            while channel::receive(served.as_fd(), &mut question)? > 0 {
                let [asked] = question;
                answer(&mut task, asked, &mut served)?;
            }
            Ok(())
        };
        let ended: Result<()> = life();
        i32::from(ended.is_err())
    })
}
