//! The users of `hammer`: accounts with ids, groups, homes and options of
//! their own, and for each what a session of it may expect.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::accounts::{Account, PASSWORD_FILE, Service};
use crate::support::server::Launch;
use crate::support::temp::TempDir;

/// Ways to be served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A user who sees the whole machine.
    Free,
    /// One who is kept in the home.
    Jailed,
    /// One who is mapped to another user, and has the rights of users.
    Guest,
    /// A guest with the rights of anonymous users.
    Shy,
    Anonymous,
}

impl Kind {
    /// Whether uploads become somebody else's (chown_uploads).
    pub fn gives_away(self) -> bool {
        matches!(self, Kind::Shy | Kind::Anonymous)
    }
}

/// Sessions with one name, and what they should see and leave.
pub struct Party {
    pub kind: Kind,
    /// `None` for anonymous users.
    account: Option<Account>,
    /// Where they begin, and what they call it.
    pub home: PathBuf,
    pub start: String,
    /// As whom they act.
    pub uid: u32,
    pub gid: u32,
    pub groups: BTreeSet<u32>,
    pub umask: u32,
    pub open_mode: u32,
    /// A group they do not belong to.
    pub foreign_group: u32,
    /// Files in their home that one group may read.
    pub common_files: Vec<(&'static str, u32)>,
    /// The home of others, where it is to be visited.
    pub sibling: Option<PathBuf>,
    /// To whom chown_uploads gives files, and their mode then.
    pub heir: u32,
    pub heirs_mode: u32,
}

impl Party {
    pub fn login(&self) -> &str {
        self.account
            .as_ref()
            .map_or("anonymous", |account| &account.name)
    }
}

/// Everybody, and what there is on the machine for them. What others need is
/// dropped after them.
pub struct Cast {
    pub parties: Vec<Party>,
    /// Guests' user, anonymous users', and the heir.
    guest: Account,
    anonymous: Account,
    heir: Account,
    choir: Account,
    crew: Account,
    service: Service,
    world: TempDir,
}

/// The umask of each account in turn, and the mode before it.
const MASKS: [(u32, u32); 6] = [
    (0o022, 0o666),
    (0o077, 0o666),
    (0o027, 0o777),
    (0o002, 0o666),
    (0o000, 0o640),
    (0o013, 0o646),
];

impl Cast {
    /// Five free users, four jailed ones, three guests of either kind, and
    /// anonymous users.
    pub fn new() -> Cast {
        let world = TempDir::new();
        world.dir("homes");
        world.dir("options");
        let (choir, crew) = (Account::group("choir"), Account::group("crew"));
        let user = |word: &str, groups: &[&str]| {
            Account::user(word, &home(&world, word).display().to_string(), groups)
        };
        let mut cast = Cast {
            parties: Vec::new(),
            guest: user("guest", &["-G", &crew.name]),
            anonymous: user("anon", &["-G", &choir.name]),
            heir: user("heir", &[]),
            service: Service::new("cast", PASSWORD_FILE),
            choir,
            crew,
            world,
        };
        for (number, kind) in [
            [Kind::Free; 5].as_slice(),
            &[Kind::Jailed; 4],
            &[Kind::Guest; 2],
            &[Kind::Shy],
        ]
        .concat()
        .into_iter()
        .enumerate()
        {
            let party = cast.party(number, kind);
            cast.parties.push(party);
        }
        let everybody = cast.everybody();
        cast.parties.push(everybody);
        cast.furnish();
        cast
    }

    /// One user with an account.
    fn party(&self, number: usize, kind: Kind) -> Party {
        let word = format!("u{number}");
        let both = format!("{},{}", self.choir.name, self.crew.name);
        // Every kind has some of these.
        let groups: &[&str] = match number % 4 {
            0 => &["-G", &self.choir.name],
            1 => &["-g", &self.crew.name],
            2 => &["-G", &both],
            _ => &[],
        };
        let path = home(&self.world, &word);
        let account = Account::user(&word, path.to_str().unwrap(), groups);
        let (umask, open_mode) = MASKS[number % MASKS.len()];
        let mut options = format!("file_open_mode={open_mode:#05o}\n").replace("0o", "0");
        let (actor, of) = match kind {
            Kind::Free | Kind::Jailed => (&account, "local"),
            Kind::Guest => (&self.guest, "local"),
            Kind::Shy | Kind::Anonymous => (&self.guest, "anon"),
        };
        options.push_str(&format!("{of}_umask=0{umask:03o}\n"));
        if matches!(kind, Kind::Guest | Kind::Shy) {
            options.push_str("guest_enable=YES\n");
            options.push_str(&format!("guest_username={}\n", self.guest.name));
            options.push_str(&format!("local_root={}\n", path.display()));
        }
        if kind == Kind::Guest {
            options.push_str("virtual_use_local_privs=YES\n");
        }
        self.options(&account.name, &options);
        Party {
            start: match kind {
                Kind::Free => path.display().to_string(),
                _ => "/".to_owned(),
            },
            ..self.acting(kind, actor, path, (umask, open_mode))
        }
        .of(account)
    }

    /// Anonymous users.
    fn everybody(&self) -> Party {
        let word = "anon";
        let masks = (0o026, 0o666);
        self.options(
            &self.anonymous.name,
            &format!("anon_umask=0{:03o}\n", masks.0),
        );
        self.acting(
            Kind::Anonymous,
            &self.anonymous,
            home(&self.world, word),
            masks,
        )
    }

    fn acting(
        &self,
        kind: Kind,
        actor: &Account,
        home: PathBuf,
        (umask, open_mode): (u32, u32),
    ) -> Party {
        Party {
            kind,
            account: None,
            home,
            start: "/".to_owned(),
            uid: actor.number("-u"),
            gid: actor.number("-g"),
            groups: all_groups(actor),
            umask,
            open_mode,
            foreign_group: self.heir.number("-g"),
            common_files: vec![("choir", gid(&self.choir)), ("crew", gid(&self.crew))],
            sibling: None,
            heir: self.heir.number("-u"),
            heirs_mode: 0o604,
        }
    }

    fn options(&self, name: &str, text: &str) {
        self.world.file(Path::new("options").join(name), text);
    }

    /// Makes the homes and what is in them.
    fn furnish(&mut self) {
        let homes: Vec<PathBuf> = self
            .parties
            .iter()
            .map(|party| party.home.clone())
            .collect();
        let owners: Vec<u32> = self.parties.iter().map(|party| party.uid).collect();
        for (number, party) in self.parties.iter_mut().enumerate() {
            fs::create_dir(&party.home).unwrap();
            let give = |path: &Path, uid, gid, mode| {
                chown(path, Some(uid), Some(gid)).unwrap();
                fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
            };
            give(&party.home, party.uid, party.gid, 0o755);
            let file = |name: &str, uid, gid, mode| {
                let path = party.home.join(name);
                fs::write(&path, "for some\n").unwrap();
                give(&path, uid, gid, mode);
            };
            file("own", party.uid, party.gid, 0o600);
            for (name, group) in &party.common_files {
                file(name, 0, *group, 0o640);
            }
            // Guests share their user with the next guest.
            let next = (1..homes.len()).map(|step| (number + step) % homes.len());
            let next = next.into_iter().find(|&other| owners[other] != party.uid);
            let next = next.unwrap();
            file("siblings", owners[next], party.gid, 0o600);
            party.sibling = Some(homes[next].clone());
        }
    }

    /// A server for all of them.
    pub fn launch(&self) -> Launch {
        let free = self.parties.iter().filter(|party| party.kind == Kind::Free);
        let free: String = free.map(|party| format!("{}\n", party.login())).collect();
        let free = self.world.file("free", free);
        Launch::new()
            .option("run_as_launching_user", "NO")
            .option("local_enable", "YES")
            .option("pam_service_name", &self.service.name)
            .option("chroot_local_user", "YES")
            .option("chroot_list_enable", "YES")
            .option("chroot_list_file", free.to_str().unwrap())
            .option("user_config_dir", self.path("options").to_str().unwrap())
            .option("ftp_username", &self.anonymous.name)
            .option("anon_root", home(&self.world, "anon").to_str().unwrap())
            .option("anon_world_readable_only", "NO")
            .option("chown_uploads", "YES")
            .option("chown_username", &self.heir.name)
            .option("chown_upload_mode", "0604")
            .writable()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.path().join(name)
    }
}

impl Party {
    fn of(self, account: Account) -> Party {
        Party {
            account: Some(account),
            ..self
        }
    }
}

fn home(world: &TempDir, word: &str) -> PathBuf {
    world.path().join("homes").join(word)
}

fn all_groups(account: &Account) -> BTreeSet<u32> {
    let output = Command::new("id").args(["-G", &account.name]).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    text.split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect()
}

/// The number of a group.
fn gid(group: &Account) -> u32 {
    let output = Command::new("getent").args(["group", &group.name]).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    text.split(':').nth(2).unwrap().parse().unwrap()
}
