//! Reading `etc/seccomp.list`: which kind of thread may make which call,
//! under which conditions, and why. The format is told at the list's head.
//!
//! Leaves to others: making a program of it (`filter`).

use super::calls;
use super::constants;
use std::fmt;

/// The list as it stood in `etc/` when the program was built.
pub(super) const TEXT: &str = include_str!("../../../etc/seccomp.list");

/// How a call that a line names is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is made.
    Allow,
    /// ENOSYS, as if the kernel did not have it.
    NotThere,
}

/// What a condition asks of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// The low 32 bits are this.
    Is(u32),
    /// The low 32 bits are not this.
    IsNot(u32),
    /// The low 32 bits, of which only those of the mask count, are this.
    Masked(u32, u32),
    /// All 64 bits are zero.
    Null,
}

/// A condition: which argument, from 0, and what is asked of it.
pub(super) type Condition = (u8, Test);

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The call's number on this architecture.
    pub(super) call: libc::c_long,
    /// All of them have to hold.
    pub(super) conditions: Vec<Condition>,
    pub(super) answer: Answer,
}

/// What is wrong with the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListError {
    /// Line, from 1; 0 for the whole.
    pub line: usize,
    /// What.
    pub problem: Problem,
}

/// A fault in the list. Each is one of the build, and a test finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No section of this name.
    NoSection(String),
    /// A line before the first section.
    Homeless,
    /// A line without a reason.
    NoReason,
    /// A call this architecture does not have, and the line does not say so.
    NoCall(String),
    /// A value that is neither a number nor a known constant.
    NoValue(String),
    /// Not a condition.
    NoCondition(String),
    /// An answer that is not ENOSYS.
    NoAnswer(String),
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "etc/seccomp.list:{}: ", self.line)?;
        match &self.problem {
            Problem::NoSection(name) => write!(f, "there is no section [{name}]"),
            Problem::Homeless => f.write_str("a line before the first section"),
            Problem::NoReason => f.write_str("a call without a reason"),
            Problem::NoCall(name) => write!(f, "no system call {name:?} here"),
            Problem::NoValue(text) => write!(f, "{text:?} is no number and no known constant"),
            Problem::NoCondition(text) => write!(f, "{text:?} is no condition"),
            Problem::NoAnswer(text) => write!(f, "{text:?} is no answer"),
        }
    }
}

impl std::error::Error for ListError {}

/// The lines of section `name` and of those it builds upon.
///
/// # Errors
/// The first fault met on the way.
pub(super) fn entries(text: &str, name: &str) -> Result<Vec<Entry>, ListError> {
    let mut found = Vec::new();
    let mut wanted = vec![name];
    let mut at = 0;
    while let Some(&section) = wanted.get(at) {
        at += 1;
        let (others, lines) = section_of(text, section)?;
        // A section wanted by two others is read once; so is a circle.
        for other in others {
            if !wanted.contains(&other) {
                wanted.push(other);
            }
        }
        for (line, content) in lines {
            let fault = |problem| ListError { line, problem };
            found.extend(entry(content).map_err(fault)?);
        }
    }
    Ok(found)
}

/// Names of the sections a section builds upon, and its lines with numbers.
type Section<'a> = (Vec<&'a str>, Vec<(usize, &'a str)>);

fn section_of<'a>(text: &'a str, name: &str) -> Result<Section<'a>, ListError> {
    let mut inside = None;
    let mut lines = Vec::new();
    let mut any = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(head) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            let (this, others) = head.split_once(':').unwrap_or((head, ""));
            any = true;
            if this.trim() == name {
                inside = Some(others.split_whitespace().collect());
            } else if inside.is_some() {
                break;
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            if !any {
                let problem = Problem::Homeless;
                return Err(ListError {
                    line: number,
                    problem,
                });
            }
            if inside.is_some() {
                lines.push((number, line));
            }
        }
    }
    match inside {
        Some(others) => Ok((others, lines)),
        None => Err(ListError {
            line: 0,
            problem: Problem::NoSection(name.to_owned()),
        }),
    }
}

/// One line; `None` where it is for another architecture.
fn entry(line: &str) -> Result<Option<Entry>, Problem> {
    let (rule, reason) = line.split_once('#').ok_or(Problem::NoReason)?;
    if reason.trim().is_empty() {
        return Err(Problem::NoReason);
    }
    let (rule, answer) = match rule.split_once("->") {
        None => (rule, Answer::Allow),
        Some((rule, answer)) if answer.trim() == "ENOSYS" => (rule, Answer::NotThere),
        Some((_, answer)) => return Err(Problem::NoAnswer(answer.trim().to_owned())),
    };
    let rule = rule.trim();
    let (name, conditions) = rule.split_once(char::is_whitespace).unwrap_or((rule, ""));
    let (name, architecture) = match name.split_once('@') {
        Some((name, architecture)) => (name, Some(architecture)),
        None => (name, None),
    };
    if architecture.is_some_and(|wanted| wanted != std::env::consts::ARCH) {
        return Ok(None);
    }
    let call = calls::number(name).ok_or_else(|| Problem::NoCall(name.to_owned()))?;
    let conditions = conditions
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(condition)
        .collect::<Result<_, _>>()?;
    Ok(Some(Entry {
        call,
        conditions,
        answer,
    }))
}

/// `a1 & MASK = VALUE`, `a1 = VALUE`, `a1 != VALUE` or `a1 = NULL`.
fn condition(text: &str) -> Result<Condition, Problem> {
    let unclear = || Problem::NoCondition(text.to_owned());
    let words: Vec<&str> = text.split_whitespace().collect();
    let (argument, test) = match words.as_slice() {
        [argument, "=", "NULL"] => (argument, Test::Null),
        [argument, "=", value] => (argument, Test::Is(value_of(value)?)),
        [argument, "!=", value] => (argument, Test::IsNot(value_of(value)?)),
        [argument, "&", mask, "=", value] => {
            let (mask, value) = (value_of(mask)?, value_of(value)?);
            // Bits that the mask takes away can never be as they should.
            if value & !mask != 0 {
                return Err(unclear());
            }
            (argument, Test::Masked(mask, value))
        }
        _ => return Err(unclear()),
    };
    match argument.strip_prefix('a').map(str::parse::<u8>) {
        Some(Ok(number)) if number < 6 => Ok((number, test)),
        _ => Err(unclear()),
    }
}

fn value_of(text: &str) -> Result<u32, Problem> {
    constants::value(text)
        .or_else(|| text.parse().ok())
        .ok_or_else(|| Problem::NoValue(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "# head\n[a]\nread # why\nmmap a2 & PROT_EXEC = 0 # why\n\n\
                         [b: a]\nclone3 -> ENOSYS # why\nopen@pdp11 # why\n";

    #[test]
    fn a_section_has_its_own_lines_and_those_it_builds_upon() {
        let a = entries(SMALL, "a").unwrap();
        assert_eq!(a.len(), 2);
        assert_eq!(a[1].conditions, [(2, Test::Masked(4, 0))]);
        let b = entries(SMALL, "b").unwrap();
        assert_eq!(b.len(), 3);
        assert_eq!(b[0].answer, Answer::NotThere);
        assert_eq!(b[1..], a[..]);
    }

    #[test]
    fn conditions_are_read_as_they_stand() {
        let of = |text: &str| entry(text).unwrap().unwrap().conditions;
        assert_eq!(
            of("socket a0 = AF_INET, a1 & SOCK_TYPE = SOCK_STREAM, a2 = 0 # x"),
            [(0, Test::Is(2)), (1, Test::Masked(15, 1)), (2, Test::Is(0))]
        );
        assert_eq!(of("sendto a4 = NULL # x"), [(4, Test::Null)]);
        assert_eq!(of("setresuid a0 != 0 # x"), [(0, Test::IsNot(0))]);
        assert_eq!(of("setfsuid a0 = ALL_ONES # x"), [(0, Test::Is(u32::MAX))]);
        let own = std::process::id();
        assert_eq!(of("tgkill a0 = OWN_PROCESS # x"), [(0, Test::Is(own))]);
    }

    #[test]
    fn faults_are_found_and_placed() {
        for (text, line, problem) in [
            ("[a]\nread\n", 2, Problem::NoReason),
            ("[a]\nread #\n", 2, Problem::NoReason),
            ("read # x\n[a]\n", 1, Problem::Homeless),
            ("[b]\n", 0, Problem::NoSection("a".into())),
            ("[a: c]\n", 0, Problem::NoSection("c".into())),
            ("[a]\nraed # x\n", 2, Problem::NoCall("raed".into())),
            (
                "[a]\nread a0 # x\n",
                2,
                Problem::NoCondition("a0".to_owned()),
            ),
            (
                "[a]\nread a6 = 0 # x\n",
                2,
                Problem::NoCondition("a6 = 0".into()),
            ),
            (
                "[a]\nread a0 & 1 = 2 # x\n",
                2,
                Problem::NoCondition("a0 & 1 = 2".into()),
            ),
            ("[a]\nread a0 = X # x\n", 2, Problem::NoValue("X".into())),
            ("[a]\nread -> EIO # x\n", 2, Problem::NoAnswer("EIO".into())),
        ] {
            assert_eq!(
                entries(text, "a"),
                Err(ListError { line, problem }),
                "{text}"
            );
        }
    }

    #[test]
    fn a_circle_of_sections_ends() {
        assert_eq!(
            entries("[a: b]\nread # x\n[b: a]\nwrite # x\n", "a").map(|all| all.len()),
            Ok(2)
        );
    }

    /// A build for another architecture must not be the first to find out.
    #[test]
    fn calls_of_one_architecture_say_so() {
        for (number, line) in (1..).zip(TEXT.lines()) {
            let Some((rule, _)) = line.split_once('#') else {
                continue;
            };
            let Some(name) = rule.split_whitespace().next() else {
                continue;
            };
            let plain = !name.contains('@');
            assert!(
                !plain || calls::is_everywhere(name),
                "line {number}: {name} is not on every architecture"
            );
        }
    }

    /// What nobody who serves files needs, whatever else the list says.
    #[test]
    fn dangerous_calls_are_in_no_section() {
        let heads = TEXT.lines().filter_map(|line| line.strip_prefix('['));
        let names: Vec<&str> = heads
            .map(|head| head.split([':', ']']).next().unwrap())
            .collect();
        assert!(names.len() >= 6, "{names:?}");
        for name in names {
            let allowed = entries(TEXT, name).unwrap();
            for call in [
                "execve",
                "execveat",
                "ptrace",
                "process_vm_readv",
                "process_vm_writev",
                "process_madvise",
                "pidfd_getfd",
                "pidfd_open",
                "kcmp",
                "open_by_handle_at",
                "mount",
                "umount2",
                "move_mount",
                "open_tree",
                "fsopen",
                "pivot_root",
                "chroot",
                "unshare",
                "setns",
                "bpf",
                "perf_event_open",
                "userfaultfd",
                "io_uring_setup",
                "io_uring_enter",
                "keyctl",
                "add_key",
                "init_module",
                "finit_module",
                "kexec_load",
                "reboot",
                "swapon",
                "mknodat",
                "setuid",
                "setgid",
                "setreuid",
                "setregid",
                "kill",
                "tkill",
                "pidfd_send_signal",
                "rt_sigqueueinfo",
                "memfd_create",
                "personality",
                "quotactl",
                "sethostname",
                "settimeofday",
                "acct",
                "syslog",
                "umask",
                "chdir",
                "fchdir",
            ] {
                let number = calls::number(call).unwrap();
                assert!(
                    !allowed.iter().any(|entry| entry.call == number),
                    "[{name}] allows {call}"
                );
            }
        }
    }
}
