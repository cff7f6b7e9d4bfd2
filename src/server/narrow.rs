//! What each thread of the server gives up, and when: the walls around
//! sessions (ironftpd-security(7)).
//!
//! The process gives up root once its ports are bound. Workers narrow
//! themselves further at their birth, for good, to what their class needs: a
//! user, no capabilities but those it uses, the files of one home. A thread
//! inherits from the one that creates it, so the main thread stays wide
//! enough for all classes, and gives birth to all.

use super::StartError;
use crate::auth::Becomes;
use crate::config::Config;
use crate::fs::Root;
use crate::session::{Class, Home, Service};
use crate::sys;
use crate::sys::capability::{self, Capabilities, Capability};
use crate::sys::identity::{self, Identity};
use crate::sys::landlock::{self, Access, Extent, Network};
use crate::sys::passwd::User;
use crate::sys::process::effective_user;
use std::os::fd::AsFd;
use std::sync::{Arc, Once};

/// What threads may keep.
#[derive(Debug)]
pub(super) struct Walls {
    /// Capabilities of a worker that serves a home.
    serving: Capabilities,
    /// The process stays root because it was told to: its workers keep root's
    /// rights inside their homes.
    stays_root: bool,
    /// The kernel's lack of Landlock is told once.
    told: Once,
}

/// The capabilities that `config` needs: those of the main thread, which
/// hands them down, and of a worker that serves a home.
fn needed(config: &Config, changes_user: bool) -> (Capabilities, Capabilities) {
    let port = u16::try_from(config.ftp_data_port()).unwrap_or(0);
    let mut serving = Capabilities::NONE;
    if config.connect_from_port_20() && config.port_enable() {
        serving = capability::needed_for_port(port);
    }
    let serving = serving.with_if(config.chown_uploads(), Capability::Chown);
    let main = serving
        .with_if(changes_user, Capability::Setuid)
        .with_if(changes_user, Capability::Setgid);
    (main, serving)
}

impl Walls {
    /// Gives up for the whole process, which has one thread yet, what no
    /// thread will need.
    ///
    /// # Errors
    /// When the process cannot become what it should: it must not go on.
    pub(super) fn raise(service: &Service) -> Result<Walls, StartError> {
        let config = service.config();
        let starter = effective_user();
        let becomes = Becomes::decide(config, starter, User::find);
        let becomes = becomes.map_err(StartError::Unprivileged)?;
        let (main, serving) = needed(config, service.changes_user());
        match &becomes {
            Becomes::User(user) => {
                let identity = Identity::new(user.uid, user.gid, &[])
                    .map_err(|_| sys::Error::new("setresuid", libc::EINVAL))?;
                identity::drop_process_to(&identity, main)?;
                log::info!(
                    "running as {}, capabilities: {main}",
                    user.name.escape_ascii()
                );
            }
            Becomes::Stays if starter == 0 => log::warn!(
                "running as root (run_as_launching_user): \
                 sessions act with root's rights inside their directories"
            ),
            Becomes::Stays => {}
        }
        sys::process::forbid_new_privileges()?;
        sys::process::forbid_dumps()?;
        Ok(Walls {
            serving,
            stays_root: becomes == Becomes::Stays && starter == 0,
            told: Once::new(),
        })
    }

    /// Walls around nothing, for tests of what is inside.
    #[cfg(test)]
    pub(super) fn none() -> Walls {
        Walls {
            serving: Capabilities::NONE,
            stays_root: true,
            told: Once::new(),
        }
    }

    /// For the calling thread, which serves no session.
    ///
    /// # Errors
    /// When the kernel refuses; the thread must end then.
    pub(super) fn keep_nothing(&self) -> Result<(), sys::Error> {
        self.keep(Capabilities::NONE)
    }

    fn keep(&self, wanted: Capabilities) -> Result<(), sys::Error> {
        if self.stays_root {
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
            self.keep_nothing()?;
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
        let enforced = landlock::confine(&[(root.as_fd(), access)], Network::FREE)?;
        if enforced.extent != Extent::Full {
            self.told.call_once(|| log::warn!("{enforced}"));
        }
        Ok(Some(root))
    }

    fn become_its_user(&self, home: &Home) -> Result<(), sys::Error> {
        let Some(user) = &home.user else {
            return self.keep(self.serving);
        };
        let identity = Identity::even_root(user.uid, user.gid, &user.groups)
            .map_err(|_| sys::Error::new("setresuid", libc::EINVAL))?;
        let kept = self.serving.and(capability::current()?.permitted);
        identity::become_for_good(&identity, kept)
    }
}
