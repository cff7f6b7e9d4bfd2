//! Landlock, landlock(7): the calling thread sees only what lies beneath a
//! few directories, whatever names and descriptors it gets hold of.
//!
//! The restriction holds for the thread that takes it on and for those it
//! gives birth to, and nothing takes it away again. It governs what is
//! opened, made, renamed and removed; a file that is open already stays so.
//! The landlock crate asks for as much as the kernel has.
//!
//! Leaves to others: which directories, and saying in the log what this
//! kernel lacks.

use super::Result;
use super::error::Error;
use ::landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus,
    PathBeneath, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope,
};
use std::fmt;
use std::os::fd::BorrowedFd;

/// The newest version whose rights this program was tried with. Rights of
/// newer ones are not asked for: unknown restrictions are unknown faults.
const TRIED: ABI = ABI::V6;

/// What is allowed beneath a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Files are opened by their name and read; directories are not listed.
    Lookup,
    /// Files are read and directories listed.
    ReadOnly,
    /// Beside that, files, directories and symbolic links are made, written,
    /// renamed across directories, linked and removed. Not devices, sockets
    /// and named pipes, and nothing is executed.
    ReadWrite,
}

impl Access {
    fn rights(self) -> BitFlags<AccessFs> {
        let look = BitFlags::from(AccessFs::ReadFile);
        let read = look | AccessFs::ReadDir;
        match self {
            Access::Lookup => look,
            Access::ReadOnly => read,
            Access::ReadWrite => {
                read | AccessFs::WriteFile
                    | AccessFs::Truncate
                    | AccessFs::MakeReg
                    | AccessFs::MakeDir
                    | AccessFs::MakeSym
                    | AccessFs::RemoveFile
                    | AccessFs::RemoveDir
                    | AccessFs::Refer
            }
        }
    }
}

/// What is allowed of TCP. Ports are not told apart: a client of active mode
/// may name any port, and a passive one is any of a range of thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// connect(2): active mode.
    pub connect: bool,
    /// bind(2) to a port of one's own: passive mode, and active mode.
    pub bind: bool,
}

impl Network {
    /// Both.
    pub const FREE: Network = Network {
        connect: true,
        bind: true,
    };
    /// Neither; connections that are there go on.
    pub const CLOSED: Network = Network {
        connect: false,
        bind: false,
    };
}

/// How much of what was asked for this kernel enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Full,
    /// The rights that its version of Landlock knows.
    Partial,
    /// Nothing: the kernel was built without Landlock (or is older than
    /// 5.13).
    NotBuilt,
    /// Nothing: Landlock is not among the `lsm=` of the kernel's command line.
    NotEnabled,
    /// Nothing: version 1 would forbid every rename from one directory to
    /// another, and files may be renamed here.
    WouldForbidRenames,
}

/// What [`confine`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforced {
    /// How much.
    pub extent: Extent,
    /// The kernel's version of Landlock, as far as it is known here; 0 for
    /// none.
    pub abi: u32,
}

impl fmt::Display for Enforced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let abi = self.abi;
        match self.extent {
            Extent::Full => write!(f, "Landlock version {abi}, all that was asked for"),
            Extent::Partial => {
                write!(f, "Landlock version {abi}, without")?;
                let mut sign = " ";
                for (version, what) in [
                    (2, "renames"),
                    (3, "truncation"),
                    (4, "TCP"),
                    (5, "device controls"),
                    (6, "signals and abstract sockets"),
                ] {
                    if abi < version {
                        write!(f, "{sign}{what}")?;
                        sign = ", ";
                    }
                }
                Ok(())
            }
            Extent::NotBuilt => f.write_str("no Landlock: this kernel does not have it"),
            Extent::NotEnabled => f.write_str(
                "no Landlock: this kernel has it, but its command line leaves it out of lsm=",
            ),
            Extent::WouldForbidRenames => f.write_str(
                "no Landlock: version 1 (before Linux 5.19) would forbid renames \
                 from one directory to another",
            ),
        }
    }
}

/// Confines the calling thread to what lies beneath `roots` (descriptors of
/// directories or files, O_PATH will do), and to `network`. From then on it
/// reaches no abstract socket and no process outside by signals, where the
/// kernel can tell. Sets no_new_privs for this thread.
///
/// # Errors
/// When a descriptor is no file of a file system, or the kernel refuses for
/// want of memory. What this kernel cannot do is no error, see [`Extent`].
pub fn confine(roots: &[(BorrowedFd<'_>, Access)], network: Network) -> Result<Enforced> {
    let status = restrict(roots, network).map_err(|error| failure(&error))?;
    let abi = match status.landlock {
        LandlockStatus::Available {
            effective_abi,
            kernel_abi,
        } => kernel_abi
            .and_then(|abi| u32::try_from(abi).ok())
            .unwrap_or(effective_abi as u32),
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => 0,
    };
    let extent = match (status.ruleset, status.landlock) {
        (RulesetStatus::FullyEnforced, _) => Extent::Full,
        (RulesetStatus::PartiallyEnforced, _) => Extent::Partial,
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => Extent::NotEnabled,
        (RulesetStatus::NotEnforced, LandlockStatus::NotImplemented) => Extent::NotBuilt,
        (RulesetStatus::NotEnforced, LandlockStatus::Available { .. }) => {
            Extent::WouldForbidRenames
        }
    };
    Ok(Enforced { extent, abi })
}

fn restrict(
    roots: &[(BorrowedFd<'_>, Access)],
    network: Network,
) -> std::result::Result<RestrictionStatus, RulesetError> {
    let renames = roots.iter().any(|(_, access)| *access == Access::ReadWrite);
    let mut rules = Ruleset::default();
    // Without the right to grant renames the kernel grants none. Of a
    // requirement that is not met the crate makes an empty rule set.
    if renames {
        rules = rules
            .set_compatibility(CompatLevel::SoftRequirement)
            .handle_access(AccessFs::Refer)?
            .set_compatibility(CompatLevel::BestEffort);
    }
    rules = rules
        .handle_access(AccessFs::from_all(TRIED))?
        .scope(Scope::from_all(TRIED))?;
    if !network.connect {
        rules = rules.handle_access(AccessNet::ConnectTcp)?;
    }
    if !network.bind {
        rules = rules.handle_access(AccessNet::BindTcp)?;
    }
    let mut created = rules.create()?;
    for (root, access) in roots {
        created = created.add_rule(PathBeneath::new(root, access.rights()))?;
    }
    created.restrict_self()
}

/// The crate's error as ours. Its own text names the step; the errno is that
/// of the call, or EINVAL where no call was made.
fn failure(error: &RulesetError) -> Error {
    let call = match error {
        RulesetError::AddRules(_) => "landlock_add_rule",
        RulesetError::RestrictSelf(_) => "landlock_restrict_self",
        _ => "landlock_create_ruleset",
    };
    let errno = *::landlock::Errno::from(error);
    Error::new(call, errno).on(error.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_lacks_is_named() {
        let of = |extent, abi| Enforced { extent, abi }.to_string();
        assert_eq!(
            of(Extent::Partial, 2),
            "Landlock version 2, without truncation, TCP, device controls, signals and abstract sockets"
        );
        assert_eq!(
            of(Extent::Partial, 5),
            "Landlock version 5, without signals and abstract sockets"
        );
        assert!(of(Extent::NotBuilt, 0).starts_with("no Landlock"));
    }

    #[test]
    fn reading_allows_no_change_and_nothing_is_executed() {
        let read = Access::ReadOnly.rights();
        assert!(!read.intersects(AccessFs::from_write(TRIED)));
        let write = Access::ReadWrite.rights();
        assert!(write.contains(AccessFs::Refer | AccessFs::Truncate));
        let devices = AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev;
        assert!(!write.intersects(devices | AccessFs::Execute | AccessFs::MakeSock));
    }
}
