//! What tests change of the machine's users, all of it taken back at the end:
//! accounts, and files in /etc/pam.d. Only root can.

use std::fs;
use std::path::Path;
use std::process::{Command, id};

use ironftpd::sys::crypt;

/// The password of every account that has one.
pub const PASSWORD: &str = "Tr1ckle&Quench";

/// Runs a program to its end; it must succeed.
pub fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {words}");
}

/// An account of the system, or a group, removed when dropped.
pub struct Account {
    pub name: String,
    remove: &'static str,
}

impl Account {
    /// The account `ift` + process id + `word` with the home directory `home`,
    /// which is not made, and further arguments of useradd(8).
    pub fn user(word: &str, home: &str, arguments: &[&str]) -> Account {
        let name = format!("ift{}{word}", id());
        let setting = crypt::new_setting("$6$", 1000).unwrap();
        let hash = crypt::hash(PASSWORD.as_bytes(), &setting).unwrap();
        let hash = String::from_utf8(hash).unwrap();
        let mut all = vec!["-M", "-d", home, "-p", &hash];
        all.extend(arguments);
        all.push(&name);
        run("useradd", &all);
        Account {
            name,
            remove: "userdel",
        }
    }

    /// The group of such a name.
    pub fn group(word: &str) -> Account {
        let name = format!("ift{}{word}", id());
        run("groupadd", &[&name]);
        Account {
            name,
            remove: "groupdel",
        }
    }

    /// A number of the account's, as id(1) prints it.
    pub fn number(&self, option: &str) -> u32 {
        let output = Command::new("id").args([option, &self.name]).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.trim().parse().unwrap()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = Command::new(self.remove).arg(&self.name).output();
    }
}

/// A file in /etc/pam.d, removed when dropped.
pub struct Service {
    pub name: String,
}

impl Service {
    pub fn new(word: &str, lines: &str) -> Service {
        let name = format!("ironftpd-test-{}-{word}", id());
        let service = Service { name };
        service.rewrite(lines);
        service
    }

    pub fn rewrite(&self, lines: &str) {
        fs::write(Path::new("/etc/pam.d").join(&self.name), lines).unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = fs::remove_file(Path::new("/etc/pam.d").join(&self.name));
    }
}
