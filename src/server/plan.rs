//! Who the process will be once its ports are bound, and which capabilities
//! it then still needs, each with its reason: what [`super::narrow`] carries
//! out and `--check` tells.

use super::StartError;
use super::prospects::Prospects;
use crate::auth::Becomes;
use crate::config::Config;
use crate::session::Service;
use crate::sys::capability::{self, Capabilities, Capability};
use crate::sys::passwd::User;
use crate::sys::process::effective_user;
use std::fmt;

/// The plan. Printed, it tells an administrator.
#[derive(Clone, Debug)]
pub struct Plan {
    /// User id of who starts the server.
    pub starter: u32,
    /// What becomes of that user.
    pub becomes: Becomes,
    needs: Vec<Need>,
    /// Users of the system are to log in.
    local: bool,
}

/// A capability and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Need {
    capability: Capability,
    why: String,
    /// Whose it is.
    holder: Holder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// The main thread alone, which gives birth to workers.
    Birth,
    /// Also the workers of every home.
    Workers,
    /// Also the workers of homes where uploads are given away.
    Givers,
}

impl Plan {
    /// The plan for `service`, to which these clients will come, if this
    /// process started it.
    ///
    /// # Errors
    /// When it is not known whom to become.
    pub(super) fn with(service: &Service, prospects: &Prospects) -> Result<Plan, StartError> {
        let starter = effective_user();
        let config = prospects.widest(service.config());
        let becomes = Becomes::decide(config, starter, User::find);
        let changes_user = service.changes_user() || prospects.change_user();
        Ok(Plan {
            starter,
            becomes: becomes.map_err(StartError::Unprivileged)?,
            needs: needs(config, changes_user),
            local: config.local_enable(),
        })
    }

    /// That of one who stays whatever it is, with no needs.
    #[cfg(test)]
    pub(super) fn staying() -> Plan {
        Plan {
            starter: 0,
            becomes: Becomes::Stays,
            needs: Vec::new(),
            local: false,
        }
    }

    /// Whether it stays root, with all of root's rights.
    pub(super) fn stays_root(&self) -> bool {
        self.starter == 0 && self.becomes == Becomes::Stays
    }

    /// Whether workers may become other users than the server.
    pub(super) fn lets_change_user(&self) -> bool {
        let setuid = Capabilities::NONE.with(Capability::Setuid);
        self.stays_root() || !self.main().and(setuid).is_empty()
    }

    /// What the main thread keeps, to hand it down.
    pub(super) fn main(&self) -> Capabilities {
        self.of_holders(&[Holder::Birth, Holder::Workers, Holder::Givers])
    }

    /// What the worker of a home keeps.
    pub(super) fn worker(&self, gives_away: bool) -> Capabilities {
        if gives_away {
            self.of_holders(&[Holder::Workers, Holder::Givers])
        } else {
            self.of_holders(&[Holder::Workers])
        }
    }

    fn of_holders(&self, holders: &[Holder]) -> Capabilities {
        let mut all = Capabilities::NONE;
        for need in &self.needs {
            all = all.with_if(holders.contains(&need.holder), need.capability);
        }
        all
    }
}

fn needs(config: &Config, changes_user: bool) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut need = |capability, holder, why: String| {
        needs.push(Need {
            capability,
            why,
            holder,
        });
    };
    if changes_user {
        let who = if config.local_enable() {
            "workers become the users that log in (local_enable)".to_owned()
        } else {
            let name = config.ftp_username().escape_ascii();
            format!("anonymous users act as {name} (ftp_username)")
        };
        need(Capability::Setuid, Holder::Birth, who.clone());
        need(Capability::Setgid, Holder::Birth, who);
    }
    let port = u16::try_from(config.ftp_data_port()).unwrap_or(0);
    if config.connect_from_port_20()
        && config.port_enable()
        && !capability::needed_for_port(port).is_empty()
    {
        let why = format!("active data connections leave from port {port} (connect_from_port_20)");
        need(Capability::NetBindService, Holder::Workers, why);
    }
    if config.chown_uploads() {
        let name = config.chown_username().escape_ascii();
        let why = format!("uploads of anonymous users are given to {name} (chown_uploads)");
        need(Capability::Chown, Holder::Givers, why);
    }
    needs
}

/// Lines, the last without its end.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.becomes {
            Becomes::User(user) => {
                let name = user.name.escape_ascii();
                write!(f, "Privileges: becomes {name} (nopriv_user)")?;
            }
            Becomes::Stays if self.starter == 0 => {
                return f
                    .write_str("Privileges: stays root, with all rights (run_as_launching_user)");
            }
            Becomes::Stays => {
                let starter = self.starter;
                write!(
                    f,
                    "Privileges: stays user {starter}, who starts it, with the rights of that user"
                )?;
                if self.local {
                    f.write_str(
                        ";\n  no user of the system can log in, \
                         since only root can check the passwords (local_enable)",
                    )?;
                }
                return Ok(());
            }
        }
        if self.needs.is_empty() {
            return f.write_str(" and keeps no capability");
        }
        f.write_str(" and keeps")?;
        for Need {
            capability, why, ..
        } in &self.needs
        {
            write!(f, "\n  {capability}: {why}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    fn plan(settings: &[&str], changes_user: bool) -> Plan {
        let mut config = Config::default();
        for setting in settings {
            let (name, value) = setting.split_once('=').unwrap();
            let origin = Origin::CommandLine;
            config
                .set(name.as_bytes(), value.as_bytes(), &origin)
                .unwrap();
        }
        let user = User {
            name: b"nobody".to_vec(),
            uid: 65534,
            ..User::default()
        };
        Plan {
            starter: 0,
            becomes: Becomes::User(user),
            needs: needs(&config, changes_user),
            local: config.local_enable(),
        }
    }

    #[test]
    fn anonymous_users_on_a_high_port_need_nothing() {
        let plan = plan(&["ftp_data_port=0", "connect_from_port_20=YES"], false);
        assert!(plan.main().is_empty() && plan.worker(true).is_empty());
        assert_eq!(
            plan.to_string(),
            "Privileges: becomes nobody (nopriv_user) and keeps no capability"
        );
    }

    #[test]
    fn who_needs_what_gets_it_and_no_more() {
        let plan = plan(&["chown_uploads=YES", "local_enable=YES"], true);
        let all = Capabilities::NONE
            .with(Capability::Setuid)
            .with(Capability::Setgid)
            .with(Capability::Chown);
        assert_eq!(plan.main(), all);
        assert!(plan.lets_change_user());
        assert_eq!(plan.worker(false), Capabilities::NONE);
        let chown = Capabilities::NONE.with(Capability::Chown);
        assert_eq!(plan.worker(true), chown);
        let told = plan.to_string();
        assert_eq!(told.lines().count(), 4, "{told}");
        assert!(told.contains("\n  CAP_SETUID: workers become the users that log in"));
        assert!(told.contains("\n  CAP_CHOWN: uploads of anonymous users are given to root"));
    }
}
