//! The rules, one by one: what was seen at vsftpd 3.0.3 unless said otherwise.

use super::*;
use crate::config::Origin;

fn user(name: &str, uid: u32, home: &str) -> User {
    User {
        name: name.into(),
        uid,
        gid: uid,
        groups: vec![uid, 100],
        home: home.into(),
        shell: b"/bin/sh".to_vec(),
    }
}

fn config(settings: &[&str]) -> Arc<Config> {
    let mut config = Config::default();
    for setting in settings {
        let (name, value) = setting.split_once('=').unwrap();
        let origin = &Origin::CommandLine;
        config
            .set(name.as_bytes(), value.as_bytes(), origin)
            .unwrap();
    }
    Arc::new(config)
}

fn known(name: &[u8]) -> Result<Option<User>, sys::Error> {
    Ok(match name {
        b"guest" => Some(user("guest", 500, "/srv/guest")),
        b"tokens" => Some(user("tokens", 501, "/srv/$USER/x")),
        b"root" => Some(user("root", 0, "/root")),
        _ => None,
    })
}

fn decided(name: &str, home: &str, settings: &[&str]) -> Result<LocalLogin, LocalDenial> {
    let config = config(settings);
    let lists = Lists::open(&config).unwrap();
    let account = Some(user(name, 1000, home));
    LocalLogin::decide(name.as_bytes(), account, &lists, config, known)
}

/// Root and beginnings, as text.
fn place(name: &str, home: &str, settings: &[&str]) -> (String, Vec<String>) {
    let login = decided(name, home, settings).unwrap();
    let text = |path: &VirtualPath| String::from_utf8(path.as_bytes().to_vec()).unwrap();
    let start = login.start.iter().map(text).collect();
    (login.root.to_str().unwrap().to_owned(), start)
}

fn at(root: &str, start: &[&str]) -> (String, Vec<String>) {
    let start = start.iter().map(|&path| path.to_owned()).collect();
    (root.to_owned(), start)
}

const JAIL: &str = "chroot_local_user=YES";

#[test]
fn a_user_begins_at_home_and_sees_the_machine() {
    assert_eq!(place("ann", "/home/ann", &[]), at("/", &["/home/ann"]));
    let login = decided("ann", "/home/ann", &[]).unwrap();
    assert_eq!(
        (login.user.uid, login.privileges),
        (1000, Privileges::Local)
    );
    assert_eq!(login.user.groups, [1000, 100]);
}

#[test]
fn a_user_who_is_kept_in_sees_the_home_as_root() {
    assert_eq!(place("ann", "/home/ann", &[JAIL]), at("/home/ann", &["/"]));
    // The list is a file, and lists' tests have it; here /etc/passwd, which
    // has no line that is only a name.
    let listed = ["chroot_list_enable=YES", "chroot_list_file=/etc/passwd"];
    assert_eq!(place("ann", "/home/ann", &listed), at("/", &["/home/ann"]));
}

#[test]
fn local_root_goes_before_the_home_which_stays_the_way_out() {
    let root = "local_root=/srv/ftp";
    assert_eq!(
        place("ann", "/home/ann", &[root]),
        at("/", &["/srv/ftp", "/home/ann"])
    );
    // For a user who is kept in there is no way out.
    assert_eq!(
        place("ann", "/home/ann", &[root, JAIL]),
        at("/srv/ftp", &["/"])
    );
}

#[test]
fn a_relative_local_root_counts_from_the_home() {
    let root = "local_root=ftp";
    let free = at("/", &["/home/ann/ftp", "/home/ann"]);
    assert_eq!(place("ann", "/home/ann", &[root]), free);
    assert_eq!(
        place("ann", "/home/ann", &[root, JAIL]),
        at("/home/ann/ftp", &["/"])
    );
}

#[test]
fn no_other_spelling_of_a_name_is_a_way_out_of_the_jail() {
    let file = std::env::temp_dir().join(format!("ironftpd-jail-{}", std::process::id()));
    std::fs::write(&file, "ann\n").unwrap();
    let list = format!("chroot_list_file={}", file.display());
    for (jail, free) in [("NO", "bob"), ("YES", "ann")] {
        let local = format!("chroot_local_user={jail}");
        let config = config(&["local_enable=YES", "chroot_list_enable=YES", &list, &local]);
        let lists = Lists::open(&config).unwrap();
        let decide = |typed: &str, own: &str| {
            let account = Some(user(own, 1000, "/h"));
            let config = Arc::clone(&config);
            let login = LocalLogin::decide(typed.as_bytes(), account, &lists, config, known);
            login.unwrap().root
        };
        let kept = if jail == "NO" { "ann" } else { "bob" };
        for typed in [kept, "ANN", "DOMAIN\\x"] {
            assert_eq!(decide(typed, kept), PathBuf::from("/h"), "{typed} {jail}");
        }
        assert_eq!(decide(free, free), PathBuf::from("/"), "{free} {jail}");
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn the_home_may_say_where_the_jail_ends() {
    let split = "passwd_chroot_enable=YES";
    let home = "/srv/./ann/./x";
    assert_eq!(
        place("ann", home, &[split, JAIL]),
        at("/srv", &["/ann/x", "/"])
    );
    assert_eq!(
        place("ann", home, &[split]),
        at("/", &["/srv/ann/x", "/srv"])
    );
    // It goes before local_root, and without it the dot is only a dot.
    let both = [split, JAIL, "local_root=/other"];
    assert_eq!(place("ann", home, &both), at("/srv", &["/ann/x", "/"]));
    assert_eq!(place("ann", home, &[]), at("/", &["/srv/ann/x"]));
    let plain = [split, JAIL, "local_root=/other"];
    assert_eq!(place("ann", "/home/ann", &plain), at("/other", &["/"]));
    assert_eq!(
        place("ann", "/./ann", &[split, JAIL]),
        at("/", &["/ann", "/"])
    );
    assert_eq!(
        place("ann", "/srv/.//../x", &[split, JAIL]),
        at("/srv", &["/x", "/"])
    );
}

#[test]
fn the_token_stands_for_the_name_wherever_it_stands() {
    let token = "user_sub_token=$USER";
    let root = "local_root=/srv/$USER/$USER";
    assert_eq!(
        place("ann", "/h", &[token, root, JAIL]),
        at("/srv/ann/ann", &["/"])
    );
    assert_eq!(
        place("ann", "/h", &[root, JAIL]),
        at("/srv/$USER/$USER", &["/"])
    );
    assert_eq!(place("ann", "/h/$USER", &[token]), at("/", &["/h/ann"]));
    // What the name brings is not looked at again.
    assert_eq!(place("$USER", "/h/$USER", &[token]), at("/", &["/h/$USER"]));
    assert_eq!(
        place("ann", "/h/$USER", &["user_sub_token="]),
        at("/", &["/h/$USER"])
    );
}

#[test]
fn a_name_that_leads_elsewhere_is_not_put_into_a_path() {
    let token = ["user_sub_token=$USER", "local_root=/srv/$USER"];
    for name in ["..", ".", "a/../../etc", "/etc", ""] {
        assert_eq!(
            decided(name, "/h", &token),
            Err(LocalDenial::Name),
            "{name:?}"
        );
        // Where it is not put into one, it does not matter.
        assert!(decided(name, "/h", &token[..1]).is_ok(), "{name:?}");
    }
}

#[test]
fn guests_act_as_the_guest_with_what_anonymous_users_may() {
    let guest = ["guest_enable=YES", "guest_username=guest"];
    let login = decided("ann", "/home/ann", &guest).unwrap();
    assert_eq!(
        (login.user.uid, login.user.name.as_slice()),
        (500, &b"guest"[..])
    );
    assert_eq!(login.name, b"ann");
    assert_eq!(login.privileges, Privileges::Anonymous);
    // Kept in whatever chroot_local_user says.
    assert_eq!(place("ann", "/home/ann", &guest), at("/srv/guest", &["/"]));
}

#[test]
fn guests_with_local_privileges_are_kept_in_only_when_asked() {
    let guest = [
        "guest_enable=YES",
        "guest_username=guest",
        "virtual_use_local_privs=YES",
    ];
    assert_eq!(
        decided("ann", "/h", &guest).unwrap().privileges,
        Privileges::Local
    );
    assert_eq!(place("ann", "/h", &guest), at("/", &["/srv/guest"]));
    let jailed = [&guest[..], &[JAIL]].concat();
    assert_eq!(place("ann", "/h", &jailed), at("/srv/guest", &["/"]));
}

#[test]
fn a_guest_need_be_no_user_of_the_system() {
    let settings = [
        "guest_enable=YES",
        "guest_username=tokens",
        "user_sub_token=$USER",
    ];
    let config = config(&settings);
    let lists = Lists::open(&config).unwrap();
    let login = LocalLogin::decide(b"zoe", None, &lists, config, known).unwrap();
    // The token stands for the name of who has logged in.
    assert_eq!(login.root, PathBuf::from("/srv/zoe/x"));
}

#[test]
fn who_is_nobody_is_turned_away() {
    let none = config(&[]);
    let lists = Lists::default();
    let denied = LocalLogin::decide(b"zoe", None, &lists, none, known);
    assert_eq!(denied, Err(LocalDenial::NoUser));
    let guest = ["guest_enable=YES", "guest_username=nobody9"];
    let denied = decided("ann", "/h", &guest);
    assert_eq!(denied, Err(LocalDenial::NoGuest(b"nobody9".to_vec())));
    let error = sys::Error::new("getpwnam_r", libc::EIO);
    let broken = |_: &[u8]| Err(error.clone());
    let denied = LocalLogin::decide(b"ann", None, &lists, config(&guest), broken);
    assert_eq!(denied, Err(LocalDenial::Database(error.clone())));
}

#[test]
fn user_id_0_comes_in_only_when_allowed_by_itself_or_as_a_guest() {
    // Unlike vsftpd, which leaves it to PAM.
    let lists = Lists::default();
    let root = || Some(user("root", 0, "/root"));
    let toor = || Some(user("toor", 0, "/root"));
    for account in [root(), toor()] {
        let denied = LocalLogin::decide(b"x", account, &lists, config(&[]), known);
        assert_eq!(denied, Err(LocalDenial::Root));
    }
    let guest = ["guest_enable=YES", "guest_username=root"];
    assert_eq!(decided("ann", "/h", &guest), Err(LocalDenial::Root));
    let allowed = config(&["allow_root_login=YES"]);
    assert!(LocalLogin::decide(b"root", root(), &lists, allowed, known).is_ok());
}

#[test]
fn a_home_that_is_no_place_is_told() {
    for home in ["", "home/ann"] {
        for settings in [&[][..], &[JAIL]] {
            let denied = decided("ann", home, settings);
            assert_eq!(denied, Err(LocalDenial::Home(home.into())), "{home:?}");
        }
    }
    // Unlike vsftpd, where local_root does not help.
    assert_eq!(place("ann", "", &["local_root=/srv"]), at("/", &["/srv"]));
    assert_eq!(
        place("ann", "", &["local_root=/srv", JAIL]),
        at("/srv", &["/"])
    );
    let long = "/".to_owned() + &"a".repeat(5000);
    assert!(matches!(
        decided("ann", &long, &[]),
        Err(LocalDenial::Home(_))
    ));
}

#[test]
fn privileges_choose_umask_and_rate() {
    let config = config(&[
        "anon_umask=022",
        "local_umask=027",
        "anon_max_rate=1",
        "local_max_rate=2",
    ]);
    let (anonymous, local) = (Privileges::Anonymous, Privileges::Local);
    assert_eq!(
        (anonymous.umask(&config), local.umask(&config)),
        (0o022, 0o027)
    );
    assert_eq!((anonymous.rate(&config), local.rate(&config)), (1, 2));
}
