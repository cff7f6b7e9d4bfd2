//! Making a program of a section of the list, and taking it on.

use super::list::{Answer, Condition, Entry, ListError, TEXT, Test, entries};
use super::{calls, refusals};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::fmt;

/// The kinds of thread; each is a section of `etc/seccomp.list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Gives birth to the others; its list holds all that they do before
    /// they narrow themselves.
    Main,
    /// The same where root may log in.
    MainWithRoot,
    /// Watches silent sessions.
    WaitingRoom,
    /// Writes what others have queued, to descriptors that are open.
    Writer,
    /// Greets, and checks who somebody is.
    Login,
    /// Serves a session that has logged in.
    Session,
    /// Asks name services: for hosts, users and groups.
    Resolver,
    /// Answers the administrator.
    Governor,
    /// Asks hosts.allow and hosts.deny, and name services, who may connect.
    Gatekeeper,
    /// The scratch thread of [`super::trial`], with the list of a session.
    Trial,
}

impl Kind {
    /// All there are.
    pub const ALL: [Kind; 10] = [
        Kind::Main,
        Kind::MainWithRoot,
        Kind::WaitingRoom,
        Kind::Writer,
        Kind::Login,
        Kind::Session,
        Kind::Resolver,
        Kind::Governor,
        Kind::Gatekeeper,
        Kind::Trial,
    ];

    fn section(self) -> &'static str {
        match self {
            Kind::Main => "main",
            Kind::MainWithRoot => "main-root",
            Kind::WaitingRoom => "waiting-room",
            Kind::Writer => "writer",
            Kind::Login => "login",
            Kind::Session | Kind::Trial => "session",
            Kind::Resolver => "resolver",
            Kind::Governor => "governor",
            Kind::Gatekeeper => "gatekeeper",
        }
    }

    /// A number from 1, for one byte of a report.
    pub(super) fn number(self) -> u8 {
        (1..)
            .zip(Kind::ALL)
            .find_map(|(number, kind)| (kind == self).then_some(number))
            .unwrap_or(0)
    }

    /// The kind with that number.
    pub(super) fn numbered(number: u8) -> Option<Kind> {
        let at = usize::from(number).checked_sub(1)?;
        Kind::ALL.get(at).copied()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Main | Kind::MainWithRoot => "main thread",
            Kind::WaitingRoom => "waiting room",
            Kind::Writer => "writer",
            Kind::Login => "login worker",
            Kind::Session => "session worker",
            Kind::Resolver => "resolver",
            Kind::Governor => "governor",
            Kind::Gatekeeper => "gatekeeper",
            Kind::Trial => "trial",
        })
    }
}

/// What a call that is not in the list leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// EPERM and a [`super::Refusal`].
    Refuse,
    /// The end of the process by SIGSYS; the kernel's log names the call.
    Kill,
}

/// Why a thread goes without a filter.
#[derive(Debug)]
pub enum FilterError {
    /// No names of calls, or no compiler, for this architecture.
    Architecture,
    /// The list built into the program is wrong.
    List(ListError),
    /// The program could not be made of the list.
    Compile(String),
    /// The kernel did not take it; an errno. EINVAL or ENOSYS from a kernel
    /// that has no seccomp filters.
    Install(i32),
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FilterError::Architecture => {
                write!(f, "no system-call lists for {}", std::env::consts::ARCH)
            }
            FilterError::List(error) => error.fmt(f),
            FilterError::Compile(reason) => write!(f, "the system-call list: {reason}"),
            FilterError::Install(errno) => super::super::Error::new("seccomp", *errno).fmt(f),
        }
    }
}

impl std::error::Error for FilterError {}

impl From<seccompiler::BackendError> for FilterError {
    fn from(error: seccompiler::BackendError) -> FilterError {
        FilterError::Compile(error.to_string())
    }
}

impl From<seccompiler::Error> for FilterError {
    fn from(error: seccompiler::Error) -> FilterError {
        match error {
            seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error) => {
                FilterError::Install(error.raw_os_error().unwrap_or(libc::EIO))
            }
            other => FilterError::Compile(other.to_string()),
        }
    }
}

/// The filter of one kind of thread, ready to be taken on by many.
#[derive(Clone, Debug)]
pub struct Filter {
    kind: Kind,
    mode: Mode,
    /// In the order in which they are taken on. The list itself comes last,
    /// because it need not allow seccomp(2) any more.
    programs: Vec<BpfProgram>,
}

impl Filter {
    /// Compiles the list of `kind`. The list names this process by its id,
    /// so a filter is made after the last fork(2).
    ///
    /// # Errors
    /// On an architecture without lists; what else is a fault of the build.
    pub fn new(kind: Kind, mode: Mode) -> Result<Filter, FilterError> {
        Filter::of(TEXT, kind, mode)
    }

    fn of(text: &str, kind: Kind, mode: Mode) -> Result<Filter, FilterError> {
        let here = TargetArch::try_from(std::env::consts::ARCH);
        let (Ok(architecture), true) = (here, calls::known()) else {
            return Err(FilterError::Architecture);
        };
        let entries = entries(text, kind.section()).map_err(FilterError::List)?;
        let otherwise = match mode {
            Mode::Refuse => SeccompAction::Trap,
            Mode::Kill => SeccompAction::KillProcess,
        };
        let not_there: Vec<Entry> = entries
            .iter()
            .filter(|entry| entry.answer == Answer::NotThere)
            .cloned()
            .collect();
        let mut programs = Vec::new();
        // Of two filters the stricter answer counts, and an errno is stricter
        // than leave: so what the list lets pass is answered by this one.
        if !not_there.is_empty() {
            let errno = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
            let filter = SeccompFilter::new(
                rules(&not_there)?,
                SeccompAction::Allow,
                errno,
                architecture,
            )?;
            programs.push(BpfProgram::try_from(filter)?);
        }
        let filter = SeccompFilter::new(
            rules(&entries)?,
            otherwise,
            SeccompAction::Allow,
            architecture,
        )?;
        programs.push(BpfProgram::try_from(filter)?);
        Ok(Filter {
            kind,
            mode,
            programs,
        })
    }

    /// Confines the calling thread to this list, for good. Its siblings stay
    /// as they are; a thread it gives birth to inherits the filter, and may
    /// take on a narrower one. Sets no_new_privs for this thread, without
    /// which the kernel takes no filter from the unprivileged.
    ///
    /// # Errors
    /// When the kernel does not take it: the list is then not in force.
    pub fn confine(&self) -> Result<(), FilterError> {
        if self.mode == Mode::Refuse {
            refusals::listen_here(self.kind)
                .map_err(|error| FilterError::Install(error.errno()))?;
        }
        for program in &self.programs {
            seccompiler::apply_filter(program)?;
        }
        Ok(())
    }

    /// The kind of thread this is for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// Lines by call: several lines of one call are alternatives, and one without
/// conditions makes the others pointless.
fn rules(entries: &[Entry]) -> Result<BTreeMap<i64, Vec<SeccompRule>>, FilterError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let free = |call| {
        entries
            .iter()
            .any(|entry| entry.call == call && entry.conditions.is_empty())
    };
    for entry in entries {
        // No rule at all stands for "whatever the arguments".
        let alternatives = rules.entry(entry.call).or_default();
        if !free(entry.call) {
            let conditions = entry
                .conditions
                .iter()
                .map(compiled)
                .collect::<Result<_, _>>()?;
            alternatives.push(SeccompRule::new(conditions)?);
        }
    }
    Ok(rules)
}

fn compiled(&(argument, test): &Condition) -> Result<SeccompCondition, FilterError> {
    let (length, operator, value) = match test {
        Test::Is(value) => (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value),
        Test::IsNot(value) => (SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, value),
        Test::Masked(mask, value) => (
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(u64::from(mask)),
            value,
        ),
        Test::Null => (SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0),
    };
    let value = u64::from(value);
    Ok(SeccompCondition::new(argument, length, operator, value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_s_list_compiles_in_both_modes() {
        for kind in Kind::ALL {
            for mode in [Mode::Refuse, Mode::Kill] {
                let filter = Filter::new(kind, mode).unwrap();
                let parts = match kind {
                    Kind::Main | Kind::MainWithRoot => 2,
                    _ => 1,
                };
                assert_eq!(filter.programs.len(), parts, "{kind}");
            }
            assert_eq!(Kind::numbered(kind.number()), Some(kind));
        }
        assert_eq!(Kind::numbered(0), None);
    }

    /// A thread inherits the main thread's filter, so whatever another kind
    /// may do is in vain unless the main thread may do it too.
    #[test]
    fn the_main_thread_may_do_what_its_children_do() {
        let main = entries(TEXT, "main").unwrap();
        for section in ["login", "session", "waiting-room", "writer"] {
            for entry in entries(TEXT, section).unwrap() {
                assert!(main.contains(&entry), "[{section}] {entry:?}");
            }
        }
    }

    #[test]
    fn a_line_without_conditions_makes_alternatives_pointless() {
        let text =
            "[session]\nmmap a2 = 1 # x\nmmap # x\nmprotect a2 = 1 # x\nmprotect a2 = 2 # x\n";
        let rules = rules(&entries(text, "session").unwrap()).unwrap();
        assert_eq!(rules[&libc::SYS_mmap].len(), 0);
        assert_eq!(rules[&libc::SYS_mprotect].len(), 2);
    }
}
