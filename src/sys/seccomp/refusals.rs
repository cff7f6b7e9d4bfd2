//! What happens to a call that a filter refuses: the kernel sends SIGSYS to
//! the thread instead of making it, and the handler here answers in the
//! kernel's place and leaves a note.
//!
//! The handler runs in the middle of whatever the thread was doing, perhaps
//! with the allocator's lock held, so it only touches atomics, a thread-local
//! without a destructor and an eventfd(2). A reader turns the notes into
//! [`Refusal`]s later.

use super::Kind;
use super::calls;
use crate::sys::Result;
use crate::sys::error::{Error, check};
use crate::sys::poll::Bell;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Notes that have not been read. A thread that is refused more than the
/// reader can take loses notes, not time.
static NOTES: [AtomicU64; 64] = [const { AtomicU64::new(0) }; 64];
static NEXT: AtomicUsize = AtomicUsize::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);

/// Rung at each note. Never dropped, so the handler may use it at any time.
static BELL: OnceLock<Bell> = OnceLock::new();

/// `si_code` of a SIGSYS that a filter sent (SYS_SECCOMP of
/// <asm-generic/siginfo.h>).
const FROM_A_FILTER: i32 = 1;

/// What the handler knows about its thread.
#[derive(Clone, Copy)]
struct Here {
    kind: u8,
    thread: u32,
    /// Calls refused so far, and the last of them.
    refused: (u64, i32),
}

thread_local! {
    // Constant and without a destructor, so that reading it is one plain
    // memory access: the handler may not meet an initialisation.
    static HERE: Cell<Here> = const { Cell::new(Here { kind: 0, thread: 0, refused: (0, 0) }) };
}

/// The beginning of siginfo_t as the kernel fills it for SIGSYS; the libc
/// crate does not show these fields. The same on every 64-bit architecture.
#[repr(C)]
struct RefusedCall {
    signal: i32,
    errno: i32,
    code: i32,
    padding: i32,
    address: *mut libc::c_void,
    call: i32,
    architecture: u32,
}

/// Makes ready for refusals in the calling thread.
pub(super) fn listen_here(kind: Kind) -> Result<()> {
    bell()?;
    let refused = HERE.get().refused;
    HERE.set(Here {
        kind: kind.number(),
        thread: thread(),
        refused,
    });
    unblock()
}

/// The calling thread's id.
fn thread() -> u32 {
    // SAFETY: gettid takes nothing.
    unsafe { libc::gettid() }.cast_unsigned()
}

/// Where SIGSYS is blocked the kernel ends the process rather than calling
/// the handler, and whoever started us may have blocked it.
fn unblock() -> Result<()> {
    // SAFETY: sigset_t is plain memory, for which all zeros is a value.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is a live sigset_t that both calls fill or read; a null
    // old set is allowed.
    let error = unsafe {
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGSYS);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut())
    };
    match error {
        0 => Ok(()),
        error => Err(Error::new("pthread_sigmask", error)),
    }
}

/// The bell, with the handler installed behind it, once for the process.
fn bell() -> Result<&'static Bell> {
    if let Some(bell) = BELL.get() {
        return Ok(bell);
    }
    let bell = Bell::new()?;
    // SAFETY: sigaction is a plain struct, for which all zeros is a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = refused;
    action.sa_sigaction = handler as libc::sighandler_t;
    // On the signal stack: the thread's own may be nearly used up.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: `action` is whole, and the handler is async-signal-safe as told
    // at this file's head.
    check("sigaction", unsafe {
        libc::sigaction(libc::SIGSYS, &raw const action, ptr::null_mut())
    })?;
    Ok(BELL.get_or_init(|| bell))
}

/// The handler.
extern "C" fn refused(_: i32, information: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a whole siginfo_t, 128 bytes
    // of which RefusedCall is the beginning.
    let (code, call) = unsafe {
        let information = information.cast::<RefusedCall>();
        ((*information).code, (*information).call)
    };
    // Somebody's kill(2): no call waits for an answer.
    if code != FROM_A_FILTER {
        return;
    }
    let errno = if libc::c_long::from(call) > calls::NEWEST {
        libc::ENOSYS
    } else {
        libc::EPERM
    };
    // SAFETY: with SA_SIGINFO the third argument is the interrupted thread's
    // ucontext_t, and this thread alone uses it until the handler returns.
    unsafe { answer(context.cast(), errno) };
    // SAFETY: errno's place is the thread's own; `note` may overwrite it by
    // ringing, and the code that was interrupted may be about to read it.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let kept = unsafe { *place };
    note(call);
    // SAFETY: as above.
    unsafe { *place = kept };
}

/// Puts `-errno` where the thread will find the result of its call.
///
/// # Safety
/// `context` is the ucontext_t that a signal handler of this thread got.
#[cfg(target_arch = "x86_64")]
unsafe fn answer(context: *mut libc::ucontext_t, errno: i32) {
    // libc counts its registers by c_int.
    let result = usize::try_from(libc::REG_RAX).unwrap_or_default();
    // SAFETY: the caller's promise.
    let registers = unsafe { &mut (*context).uc_mcontext.gregs };
    if let Some(register) = registers.get_mut(result) {
        *register = -i64::from(errno);
    }
}

/// Puts `-errno` where the thread will find the result of its call.
///
/// # Safety
/// `context` is the ucontext_t that a signal handler of this thread got.
#[cfg(target_arch = "aarch64")]
unsafe fn answer(context: *mut libc::ucontext_t, errno: i32) {
    // SAFETY: the caller's promise.
    let registers = unsafe { &mut (*context).uc_mcontext.regs };
    if let Some(register) = registers.first_mut() {
        *register = (-i64::from(errno)).cast_unsigned();
    }
}

/// Elsewhere no filter can be made (`calls::known`), so nothing comes here.
///
/// # Safety
/// None needed.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn answer(_: *mut libc::ucontext_t, _: i32) {}

/// Leaves a note and rings. Async-signal-safe.
fn note(call: i32) {
    let mut here = HERE.get();
    // A thread that has not taken on a filter of its own is under the one it
    // was born with, the main thread's.
    if here.kind == 0 {
        here.kind = Kind::Main.number();
        here.thread = thread();
    }
    here.refused = (here.refused.0.saturating_add(1), call);
    HERE.set(here);
    let at = NEXT.fetch_add(1, Ordering::Relaxed) % NOTES.len();
    if let Some(place) = NOTES.get(at)
        && place.swap(packed(here.kind, here.thread, call), Ordering::AcqRel) != 0
    {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
    if let Some(bell) = BELL.get() {
        bell.ring();
    }
}

/// A note as one number: kind, thread (below 2^22 on every Linux), call. The
/// kind is never 0, so neither is a note.
fn packed(kind: u8, thread: u32, call: i32) -> u64 {
    u64::from(kind) << 56 | u64::from(thread & 0x00FF_FFFF) << 32 | u64::from(call.cast_unsigned())
}

fn unpacked(note: u64) -> Option<(Kind, u32, i32)> {
    let [kind, a, b, c, call @ ..] = note.to_be_bytes();
    let thread = u32::from_be_bytes([0, a, b, c]);
    Some((Kind::numbered(kind)?, thread, i32::from_be_bytes(call)))
}

/// How many calls this thread has been refused, and the number of the last.
#[must_use]
pub fn refused_here() -> (u64, i32) {
    HERE.get().refused
}

/// A call that a thread was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Kind of the thread.
    pub kind: Kind,
    /// The thread's id, one of those that did.
    pub thread: u32,
    /// Number of the call.
    pub call: i32,
    /// How often this kind of thread has been refused this call since the
    /// start, this time included.
    pub times: u64,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal {
            kind,
            thread,
            call,
            times,
        } = self;
        let name = calls::name(libc::c_long::from(*call)).unwrap_or("a call without a name here");
        write!(
            f,
            "system call refused by seccomp: {name} ({call}), {kind}, thread {thread}"
        )?;
        if *times > 1 {
            write!(f, ", {times} times so far")?;
        }
        Ok(())
    }
}

/// The reading side of all refusals of the process. Its descriptor is
/// readable when there is something to [`Refusals::take`].
#[derive(Debug)]
pub struct Refusals {
    bell: &'static Bell,
    counts: BTreeMap<(Kind, i32), u64>,
}

impl Refusals {
    /// Opens the reading side. More than one may read; each note goes to one.
    ///
    /// # Errors
    /// eventfd's and sigaction's own.
    pub fn new() -> Result<Refusals> {
        Ok(Refusals {
            bell: bell()?,
            counts: BTreeMap::new(),
        })
    }

    /// What came since the last time and is worth a line: of each kind of
    /// thread and call the first, the tenth, the hundredth and so on, so that
    /// a thread run wild does not fill the log.
    pub fn take(&mut self) -> Vec<Refusal> {
        self.bell.hush();
        let mut worth = Vec::new();
        for place in &NOTES {
            let Some((kind, thread, call)) = unpacked(place.swap(0, Ordering::AcqRel)) else {
                continue;
            };
            if kind == Kind::Trial {
                continue;
            }
            let times = self.counts.entry((kind, call)).or_default();
            *times += 1;
            if is_power_of_ten(*times) {
                worth.push(Refusal {
                    kind,
                    thread,
                    call,
                    times: *times,
                });
            }
        }
        worth
    }

    /// How many refusals since the start came too fast to be read; they are
    /// in no count.
    #[must_use]
    pub fn lost(&self) -> u64 {
        LOST.load(Ordering::Relaxed)
    }
}

impl AsFd for Refusals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

fn is_power_of_ten(number: u64) -> bool {
    number
        .checked_ilog10()
        .is_some_and(|digits| number == 10u64.pow(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        for (kind, thread, call) in [
            (Kind::Main, 1, 0),
            (Kind::Session, 4_194_303, 59),
            (Kind::Trial, 77, i32::MIN),
        ] {
            let note = packed(kind.number(), thread, call);
            assert_eq!(unpacked(note), Some((kind, thread, call)));
        }
        assert_eq!(unpacked(0), None);
    }

    #[test]
    fn a_refusal_names_call_and_thread() {
        let refusal = Refusal {
            kind: Kind::Session,
            thread: 12,
            call: i32::try_from(libc::SYS_execve).unwrap(),
            times: 1,
        };
        let number = libc::SYS_execve;
        assert_eq!(
            refusal.to_string(),
            format!("system call refused by seccomp: execve ({number}), session worker, thread 12")
        );
    }

    #[test]
    fn one_line_of_a_power_of_ten() {
        let told: Vec<u64> = (0..=1000).filter(|&n| is_power_of_ten(n)).collect();
        assert_eq!(told, [1, 10, 100, 1000]);
    }
}
