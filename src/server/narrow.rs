//! What each thread of the server gives up, and when: the walls around
//! sessions (ironftpd-security(7)).
//!
//! The process gives up root once its ports are bound. Workers narrow
//! themselves further at their birth, for good, to what their class needs: a
//! user, no capabilities but those it uses, the files of one home. A thread
//! inherits from the one that creates it, so the main thread stays wide
//! enough for all classes, and gives birth to all.

use super::StartError;
use super::filters::Filters;
use super::plan::Plan;
use super::prospects::Prospects;
use crate::auth::Becomes;
use crate::config::Config;
use crate::fs::Root;
use crate::session::{Class, Home, Service};
use crate::sys;
use crate::sys::capability::{self, Capabilities};
use crate::sys::identity::{self, Identity};
use crate::sys::landlock::{self, Access, Extent, Network};
use crate::sys::seccomp::Kind;
use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

/// What threads may keep.
#[derive(Debug)]
pub(super) struct Walls {
    plan: Plan,
    /// What threads may ask of the kernel.
    filters: Arc<Filters>,
    /// The main thread's list.
    main: Kind,
    /// What a worker may ask of TCP.
    network: Network,
    /// What those who greet may read.
    papers: Vec<Root>,
    /// The kernel's lack of Landlock is told once.
    told: Arc<Once>,
}

/// What workers of sessions may ask of TCP.
fn network(config: &Config) -> Network {
    if config.user_config_dir().is_some() {
        // A user's own file may allow what the server's does not.
        return Network::FREE;
    }
    Network {
        connect: config.port_enable(),
        bind: config.port_enable() || config.pasv_enable(),
    }
}

/// The directories of the files that are looked at anew when somebody logs
/// in: files are replaced by others of the same name, which a rule for the
/// file itself would not cover. A link counts with where it leads now.
fn papers(config: &Config) -> Vec<Root> {
    let lists = config.login_lists().filter_map(|list| list.file);
    let files = lists.chain(config.virtual_users_file());
    let mut directories: BTreeSet<PathBuf> = BTreeSet::new();
    for file in files {
        directories.extend(file.parent().map(Path::to_owned));
        let real = file.canonicalize().ok();
        directories.extend(real.as_deref().and_then(Path::parent).map(Path::to_owned));
    }
    directories.extend(config.user_config_dir().map(Path::to_owned));
    // What is not there has no file that could be read.
    let roots = directories.iter().map(|directory| Root::open(directory));
    roots.filter_map(Result::ok).collect()
}

impl Walls {
    /// Gives up for the whole process, which has one thread yet, what no
    /// thread will need.
    ///
    /// # Errors
    /// When the process cannot become what it should: it must not go on.
    pub(super) fn raise(service: &Service, prospects: &Prospects) -> Result<Walls, StartError> {
        let config = service.config();
        let plan = Plan::with(service, prospects)?;
        match &plan.becomes {
            Becomes::User(user) => {
                let identity = Identity::new(user.uid, user.gid, &[])
                    .map_err(|_| sys::Error::new("setresuid", libc::EINVAL))?;
                let main = plan.main();
                identity::drop_process_to(&identity, main)?;
                log::info!(
                    "running as {}, capabilities: {main}",
                    user.name.escape_ascii()
                );
            }
            Becomes::Stays if plan.stays_root() => log::warn!(
                "running as root (run_as_launching_user): \
                 sessions act with root's rights inside their directories"
            ),
            Becomes::Stays => {}
        }
        sys::process::forbid_new_privileges()?;
        sys::process::forbid_dumps()?;
        Ok(Walls {
            filters: Arc::new(Filters::of(config)?),
            network: network(config),
            papers: papers(prospects.widest(config)),
            main: if config.allow_root_login() {
                Kind::MainWithRoot
            } else {
                Kind::Main
            },
            plan,
            told: Arc::new(Once::new()),
        })
    }

    /// Whether workers may become other users than the server.
    pub(super) fn let_change_user(&self) -> bool {
        self.plan.lets_change_user()
    }

    /// Walls for a configuration that was read again. What was given up at
    /// the start stays so.
    pub(super) fn again(&self, config: &Config) -> Walls {
        Walls {
            plan: self.plan.clone(),
            filters: Arc::clone(&self.filters),
            main: self.main,
            network: network(config),
            papers: papers(config),
            told: Arc::clone(&self.told),
        }
    }

    /// Walls around nothing, for tests of what is inside.
    #[cfg(test)]
    pub(super) fn none() -> Walls {
        Walls {
            filters: Arc::default(),
            network: Network::FREE,
            papers: Vec::new(),
            main: Kind::Main,
            plan: Plan::staying(),
            told: Arc::new(Once::new()),
        }
    }

    /// For the main thread, once all threads but the workers are born: they
    /// may do what it may not.
    ///
    /// # Errors
    /// When the kernel refuses; the server must end then.
    pub(super) fn limit_main(&self) -> Result<(), sys::Error> {
        self.filters.confine(self.main)
    }

    /// For the calling thread, which is of `kind` and serves no session.
    ///
    /// # Errors
    /// When the kernel refuses; the thread must end then.
    pub(super) fn enclose(&self, kind: Kind) -> Result<(), sys::Error> {
        self.keep(Capabilities::NONE)?;
        self.filters.confine(kind)
    }

    fn keep(&self, wanted: Capabilities) -> Result<(), sys::Error> {
        // Told to stay root, it keeps root's rights inside the homes.
        if self.plan.stays_root() {
            return Ok(());
        }
        // Where an ordinary user has started the server there may be less.
        capability::keep_only(wanted.and(capability::current()?.permitted))
    }

    /// Makes of the calling thread a worker of `class`, and gives the root of
    /// its home; `opened` is the root if another worker has opened it.
    ///
    /// # Errors
    /// When the home cannot be served; the thread must end then.
    pub(super) fn narrow(
        &self,
        class: &Class,
        opened: Option<&Arc<Root>>,
        service: &Service,
    ) -> Result<Option<Arc<Root>>, sys::Error> {
        let Class::Home(home) = class else {
            let papers: Vec<_> = self.papers.iter().map(AsFd::as_fd).collect();
            self.see_only(&papers, Access::Lookup, Network::CLOSED)?;
            self.enclose(Kind::Login)?;
            return Ok(None);
        };
        self.become_its_user(home)?;
        let root = match opened {
            Some(root) => Arc::clone(root),
            None => service.root_of(home)?,
        };
        let access = if home.writable {
            Access::ReadWrite
        } else {
            Access::ReadOnly
        };
        self.see_only(&[root.as_fd()], access, self.network)?;
        self.filters.confine(Kind::Session)?;
        Ok(Some(root))
    }

    /// Hides from the calling thread all that is not beneath `roots`.
    fn see_only(
        &self,
        roots: &[BorrowedFd<'_>],
        access: Access,
        network: Network,
    ) -> Result<(), sys::Error> {
        let roots: Vec<_> = roots.iter().map(|&root| (root, access)).collect();
        let enforced = landlock::confine(&roots, network)?;
        if enforced.extent != Extent::Full {
            self.told.call_once(|| log::warn!("{enforced}"));
        }
        Ok(())
    }

    fn become_its_user(&self, home: &Home) -> Result<(), sys::Error> {
        let wanted = self.plan.worker(home.gives_away);
        let Some(user) = &home.user else {
            return self.keep(wanted);
        };
        let identity = Identity::even_root(user.uid, user.gid, &user.groups)
            .map_err(|_| sys::Error::new("setresuid", libc::EINVAL))?;
        let kept = wanted.and(capability::current()?.permitted);
        identity::become_for_good(&identity, kept)?;
        // A change of user makes the process what fs.suid_dumpable says.
        sys::process::forbid_dumps()
    }
}
