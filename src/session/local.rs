//! The log-in of a user of the system. The password is the authenticator's to
//! check, and where the user lands `auth::local`'s to say; whose worker takes
//! the session there is the server's affair.

use super::login::{INCORRECT, OUT_OF_ORDER};
use super::state::{Entry, Rights, Stage};
use super::{Class, Home, Session};
use crate::auth::authenticator::{Authenticator, Verdict};
use crate::auth::{LocalDenial, LocalLogin, Secret};
use crate::config::{Config, PersonalError};
use crate::protocol::Reply;
use crate::record::event::Account as Kind;
use crate::sys::passwd::User;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a worker waits for the authenticator, which itself gives up
/// sooner on a check that hangs.
const PATIENCE: Duration = Duration::from_secs(90);

impl Session {
    /// Asks the authenticator whether the password is that of a user of the
    /// system.
    pub(super) fn ask(
        &mut self,
        authenticator: &Authenticator,
        name: &[u8],
        password: &Secret,
    ) -> Reply {
        let deadline = Instant::now() + PATIENCE;
        let peer = self.control.peer().ip();
        match authenticator.attempt(name, password, peer, deadline) {
            Ok(Verdict::Granted(granted)) => {
                // PAM may have made another user of the name.
                if let Some(user) = &granted.account
                    && let Err(why) = self.service.lists.welcome(&user.name)
                {
                    return self.deny(name, &why.to_string(), INCORRECT);
                }
                self.pam_session = granted.session;
                let reply = self.log_in_local(name, granted.account);
                if !matches!(self.stage, Stage::Accepted(_)) {
                    self.pam_session = None;
                }
                reply
            }
            Ok(Verdict::Denied(denied)) => self.deny(name, &denied.to_string(), INCORRECT),
            Err(error) => self.deny(name, &error.to_string(), INCORRECT),
        }
    }

    /// Lets in who has given `name` and the password that the system has for
    /// it. `account` is the system's user of this name, if there is one.
    ///
    /// The reply is the one to PASS: it welcomes, and is said by the worker
    /// of the class that the session now needs, or it refuses.
    pub fn log_in_local(&mut self, name: &[u8], account: Option<User>) -> Reply {
        let config = match self.options_of(name, account.as_ref()) {
            Ok(config) => config,
            Err(error) => return self.oops(name, &error.to_string(), OUT_OF_ORDER),
        };
        let lists = &self.service.lists;
        let local = match LocalLogin::decide(name, account, lists, config, User::find) {
            Ok(local) => local,
            Err(denial @ LocalDenial::List(_)) => {
                let text = "OOPS: could not read chroot() list file.";
                return self.oops(name, &denial.to_string(), text);
            }
            Err(denial) => return self.deny(name, &denial.to_string(), INCORRECT),
        };
        let rights = Rights::of(local.privileges, &local.config, false);
        let home = Home {
            user: Some(local.user),
            ..Home::seen(&local.root, rights)
        };
        let guest = local.config.guest_enable();
        self.accept(Entry {
            class: Class::Home(Arc::new(home)),
            name: local.name.into(),
            config: local.config,
            privileges: local.privileges,
            read_only: false,
            start: local.start,
            account: if guest { Kind::Guest } else { Kind::Real },
            said: Box::default(),
        })
    }

    /// The options of who has logged in as `name`, or if none are called so,
    /// those of the account by its own name: a directory service may know one
    /// user by many spellings, and what the file takes away stays away.
    fn options_of(
        &self,
        name: &[u8],
        account: Option<&User>,
    ) -> Result<Arc<Config>, PersonalError> {
        let config = self.service.config_of(name)?;
        match account {
            Some(user) if Arc::ptr_eq(&config, &self.service.config) => {
                self.service.config_of(&user.name)
            }
            _ => Ok(config),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::Stage;
    use super::super::{Place, Service, SessionId};
    use super::*;
    use crate::auth::{Accounts, LiveAccounts};
    use crate::config::{Config, Origin};
    use crate::protocol::Code;
    use crate::sys::process::effective_user;
    use std::net::{TcpListener, TcpStream};
    use std::path::PathBuf;

    /// A session of its own, and a home with a directory in it.
    struct Rig {
        session: Session,
        place: PathBuf,
        _client: TcpStream,
    }

    impl Rig {
        /// `{}` in a setting stands for the home.
        fn new(name: &str, settings: &[&str]) -> Rig {
            let name = format!("ironftpd-local-{}-{name}", std::process::id());
            let place = std::env::temp_dir().join(name);
            let _ = std::fs::remove_dir_all(&place);
            std::fs::create_dir_all(place.join("sub")).unwrap();
            let mut config = Config::default();
            let own = [
                "anonymous_enable=NO",
                "allow_root_login=YES",
                "delay_failed_login=0",
            ];
            for setting in own.iter().chain(settings) {
                let (name, value) = setting.split_once('=').unwrap();
                let value = value.replace("{}", place.to_str().unwrap());
                let origin = &Origin::CommandLine;
                config
                    .set(name.as_bytes(), value.as_bytes(), origin)
                    .unwrap();
            }
            let accounts = LiveAccounts::fixed(Accounts::none());
            let service = Arc::new(Service::open(config, accounts).unwrap());
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (socket, peer) = listener.accept().unwrap();
            let session = Session::new(SessionId(1), socket.into(), peer, service).unwrap();
            Rig {
                session,
                place,
                _client: client,
            }
        }

        fn user(&self) -> User {
            User {
                name: b"ann".to_vec(),
                uid: effective_user(),
                home: self.place.to_str().unwrap().into(),
                ..User::default()
            }
        }

        /// Logs in and goes to where a worker of the class would be.
        fn arrive(&mut self, user: User) -> String {
            let welcome = self.session.log_in_local(b"ann", Some(user));
            assert_eq!(welcome.code(), Code::LoggedIn);
            self.session.welcome = Some(welcome);
            let Stage::Accepted(entry) = &self.session.stage else {
                panic!("not accepted");
            };
            let class = entry.class.clone();
            let Class::Home(home) = &class else {
                panic!("no home");
            };
            let root = Some(self.session.service.root_of(home).unwrap());
            self.session.arrive(&Place { class, root });
            match self.session.login() {
                Ok(login) => String::from_utf8(login.cwd.as_bytes().to_vec()).unwrap(),
                Err(_) => "nowhere".to_owned(),
            }
        }
    }

    impl Drop for Rig {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.place);
        }
    }

    #[test]
    fn a_user_begins_at_home_and_in_jail_at_its_root() {
        let mut free = Rig::new("free", &["write_enable=YES", "local_umask=027"]);
        let (user, home) = (free.user(), free.place.display().to_string());
        assert_eq!(free.arrive(user), home);
        let login = free.session.login().unwrap();
        assert!(login.rights.chmod && login.umask == 0o027);
        let mut jailed = Rig::new("jailed", &["chroot_local_user=YES", "local_root=sub"]);
        let user = jailed.user();
        assert_eq!(jailed.arrive(user), "/");
        let root = &jailed.session.login().unwrap().root;
        let sub = crate::fs::Root::open(&jailed.place.join("sub")).unwrap();
        assert!(root.is_same(&sub));
    }

    #[test]
    fn a_beginning_that_cannot_be_entered_is_passed_over() {
        let mut rig = Rig::new("over", &["local_root={}/none"]);
        let (user, home) = (rig.user(), rig.place.display().to_string());
        assert_eq!(rig.arrive(user), home);
        let mut rig = Rig::new("nowhere", &["local_root={}/none"]);
        let user = User {
            home: b"/nonexistent".to_vec(),
            ..rig.user()
        };
        assert_eq!(rig.arrive(user), "nowhere");
        assert_eq!(rig.session.failed_logins, 1);
    }

    #[test]
    fn a_home_is_opened_by_nobody_but_its_user() {
        let mut rig = Rig::new("other", &[]);
        let user = User {
            uid: effective_user().wrapping_add(1),
            ..rig.user()
        };
        rig.session.log_in_local(b"ann", Some(user));
        let Some(Class::Home(home)) = rig.session.class_elsewhere(&Place {
            class: Class::Reception,
            root: None,
        }) else {
            panic!("it needs another worker");
        };
        let error = rig.session.service.root_of(&home).unwrap_err();
        assert_eq!(error.errno(), libc::EPERM);
    }

    #[test]
    fn options_are_found_by_any_spelling_of_the_name() {
        let mut rig = Rig::new("spelling", &["write_enable=YES", "user_config_dir={}"]);
        std::fs::write(rig.place.join("ann"), "write_enable=NO\n").unwrap();
        std::fs::write(rig.place.join("alias"), "write_enable=YES\n").unwrap();
        for (typed, writes) in [("ann", false), ("ANN", false), ("alias", true)] {
            let user = rig.user();
            rig.session.log_in_local(typed.as_bytes(), Some(user));
            let Stage::Accepted(entry) = &rig.session.stage else {
                panic!("not accepted");
            };
            assert_eq!(entry.config.write_enable(), writes, "{typed}");
        }
    }

    #[test]
    fn who_is_nobody_gets_the_reply_to_a_wrong_password() {
        let mut rig = Rig::new("nobody", &[]);
        let reply = rig.session.log_in_local(b"ann", None);
        assert_eq!(
            (reply.code(), reply.text()),
            (Code::NotLoggedIn, INCORRECT.as_bytes())
        );
        assert_eq!(rig.session.failed_logins, 1);
        let mut rig = Rig::new("slash", &["user_config_dir={}"]);
        let reply = rig.session.log_in_local(b"../ann", Some(rig.user()));
        assert_eq!(reply.code(), Code::SyntaxError);
        assert!(rig.session.ending);
    }
}
