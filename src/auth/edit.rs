//! The accounts file on disk: reading it, and changing it so that no crash
//! and no second writer loses an account.
//!
//! A change locks the file (flock(2)), writes its successor beside it,
//! syncs that, and renames it over the old one. A reader sees the old file or
//! the new one, whole. Leaves to others: what is changed ([`AccountsFile`]).
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::error::{AccountsError, Action};
use super::file::{AccountsFile, FILE_MAX};
use crate::sys::lock;
use crate::sys::regular::{content, open_regular};

/// The permission bits of a file made here: the hashes are nobody's business.
const NEW_MODE: u32 = 0o600;

/// Reads the accounts file; with its permission bits.
pub fn read(path: &Path) -> Result<(AccountsFile, u32), AccountsError> {
    let file = open_regular(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => AccountsError::NotAFile(path.to_owned()),
        _ => failed(Action::Open, path)(error),
    })?;
    parse(&file, path)
}

fn parse(file: &File, path: &Path) -> Result<(AccountsFile, u32), AccountsError> {
    let mode = file.metadata().map_err(failed(Action::Read, path))?.mode() & 0o7777;
    let text = content(file, FILE_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => AccountsError::TooLarge(path.to_owned()),
        _ => failed(Action::Read, path)(error),
    })?;
    let accounts = AccountsFile::parse(&text).map_err(|(line, problem)| AccountsError::Line {
        path: path.to_owned(),
        line,
        problem,
    })?;
    Ok((accounts, mode))
}

/// The accounts file, locked for a change: change `accounts`, then
/// [`Editing::commit`]. Dropped without that, nothing has happened.
pub struct Editing {
    /// What the file holds, to be changed.
    pub accounts: AccountsFile,
    /// Holds the lock until the change is done.
    file: File,
    /// Where the file really is, symbolic links followed.
    path: PathBuf,
}

impl Editing {
    /// Waits for other writers, then reads the file. `create`: one that is
    /// missing is made, empty and readable by its owner alone.
    pub fn open(path: &Path, create: bool) -> Result<Editing, AccountsError> {
        loop {
            let file = open_for_change(path, create)?;
            // The link itself stays; what it leads to is replaced.
            let path = fs::canonicalize(path).map_err(failed(Action::Open, path))?;
            lock::exclusive(&file).map_err(failed(Action::Lock, &path))?;
            // While this waited, the writer before may have put another file
            // in the place of the one now locked.
            if is_at(&file, &path)? {
                let (accounts, _) = parse(&file, &path)?;
                return Ok(Editing {
                    accounts,
                    file,
                    path,
                });
            }
        }
    }

    /// Where the file really is, symbolic links followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the changed accounts in the file's place. On an error the old
    /// file stands as it was.
    pub fn commit(self) -> Result<(), AccountsError> {
        let successor = self.successor();
        // Left by a crash: the lock says that nobody is writing it now.
        match fs::remove_file(&successor) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(Action::Create, &successor)(error));
            }
            _ => {}
        }
        let written = self.write_successor(&successor).and_then(|()| {
            fs::rename(&successor, &self.path).map_err(failed(Action::Rename, &self.path))
        });
        if written.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(&successor);
        }
        written?;
        // The new name is on disk only when its directory is.
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        let opened = File::open(directory).map_err(failed(Action::Sync, directory))?;
        opened.sync_all().map_err(failed(Action::Sync, directory))
    }

    fn write_successor(&self, path: &Path) -> Result<(), AccountsError> {
        let old = self
            .file
            .metadata()
            .map_err(failed(Action::Read, &self.path))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(NEW_MODE);
        let mut file = options.open(path).map_err(failed(Action::Create, path))?;
        let new = file.metadata().map_err(failed(Action::Create, path))?;
        // Before the mode, which a change of owner may cut down.
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            fchown(&file, Some(old.uid()), Some(old.gid()))
                .map_err(failed(Action::GiveOwner, path))?;
        }
        let mode = Permissions::from_mode(old.mode() & 0o7777);
        file.set_permissions(mode)
            .map_err(failed(Action::GiveMode, path))?;
        file.write_all(&self.accounts.to_bytes())
            .map_err(failed(Action::Write, path))?;
        file.sync_all().map_err(failed(Action::Sync, path))
    }

    /// `.NAME.new` in the same directory, for a rename crosses no file system.
    fn successor(&self) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(".new");
        self.path.with_file_name(name)
    }
}

/// Opens for reading and writing: who may not write the file should not
/// replace it either, even where the directory would allow that.
fn open_for_change(path: &Path, create: bool) -> Result<File, AccountsError> {
    match fs::metadata(path) {
        Ok(kind) if !kind.is_file() => return Err(AccountsError::NotAFile(path.to_owned())),
        Err(error) if create && error.kind() == io::ErrorKind::NotFound => {
            let mut options = OpenOptions::new();
            options
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(NEW_MODE);
            return options.open(path).map_err(failed(Action::Create, path));
        }
        _ => {}
    }
    let opened = OpenOptions::new().read(true).write(true).open(path);
    opened.map_err(failed(Action::Open, path))
}

/// Whether `path` leads to this very file still.
fn is_at(file: &File, path: &Path) -> Result<bool, AccountsError> {
    let held = file.metadata().map_err(failed(Action::Open, path))?;
    match fs::metadata(path) {
        Ok(there) => Ok((held.dev(), held.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(Action::Open, path)(error)),
    }
}

fn failed(action: Action, path: &Path) -> impl FnOnce(io::Error) -> AccountsError {
    let path = path.to_owned();
    move |source| AccountsError::Io {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::thread;

    use super::*;
    use crate::auth::file::Record;

    /// A directory of this test's own, gone at its end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let name = format!("ironftpd-edit-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            Place(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("users")
        }

        fn names(&self) -> Vec<OsString> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn add(path: &Path, name: &str) {
        let mut editing = Editing::open(path, true).unwrap();
        let (hash, gecos, home) = (b"!".to_vec(), Vec::new(), PathBuf::from("/"));
        let record = Record {
            name: name.into(),
            hash,
            gecos,
            home,
        };
        editing.accounts.add(record).unwrap();
        editing.commit().unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_new_file_is_its_owners_alone_and_an_old_one_keeps_its_mode() {
        let place = Place::new("mode");
        add(&place.file(), "ann");
        assert_eq!(mode(&place.file()), 0o600);
        fs::set_permissions(place.file(), Permissions::from_mode(0o640)).unwrap();
        add(&place.file(), "bob");
        assert_eq!(mode(&place.file()), 0o640);
        assert_eq!(
            fs::read(place.file()).unwrap(),
            b"ann:!::::/:\nbob:!::::/:\n"
        );
        assert_eq!(place.names(), ["users"]);
    }

    #[test]
    fn an_owner_who_is_not_the_writer_stays_owner() {
        let place = Place::new("owner");
        add(&place.file(), "ann");
        if std::os::unix::fs::chown(place.file(), Some(4321), Some(4322)).is_err() {
            return; // only root may give files away
        }
        add(&place.file(), "bob");
        let kept = fs::metadata(place.file()).unwrap();
        assert_eq!(
            (kept.uid(), kept.gid(), mode(&place.file())),
            (4321, 4322, 0o600)
        );
    }

    #[test]
    fn writers_at_the_same_time_lose_none_of_their_accounts() {
        let place = Place::new("crowd");
        let path = &place.file();
        thread::scope(|scope| {
            for writer in 0..8 {
                scope.spawn(move || {
                    for round in 0..5 {
                        add(path, &format!("u{writer}-{round}"));
                    }
                });
            }
        });
        let (accounts, _) = read(path).unwrap();
        assert_eq!(accounts.records().count(), 40);
        assert_eq!(place.names(), ["users"]);
    }

    #[test]
    fn what_a_crash_left_behind_is_no_hindrance() {
        let place = Place::new("crash");
        add(&place.file(), "ann");
        fs::write(place.0.join(".users.new"), b"half a li").unwrap();
        add(&place.file(), "bob");
        assert_eq!(read(&place.file()).unwrap().0.records().count(), 2);
        assert_eq!(place.names(), ["users"]);
    }

    #[test]
    fn a_symbolic_link_stays_and_its_file_is_replaced() {
        let place = Place::new("link");
        let real = place.0.join("real");
        add(&real, "ann");
        symlink("real", place.file()).unwrap();
        add(&place.file(), "bob");
        assert!(fs::symlink_metadata(place.file()).unwrap().is_symlink());
        assert_eq!(read(&real).unwrap().0.records().count(), 2);
    }

    #[test]
    fn a_change_not_committed_or_not_possible_leaves_the_file_alone() {
        let place = Place::new("undone");
        add(&place.file(), "ann");
        let before = fs::read(place.file()).unwrap();
        let mut editing = Editing::open(&place.file(), false).unwrap();
        assert!(editing.accounts.remove(b"ann"));
        drop(editing);
        // The successor's name is taken by something that cannot be removed.
        fs::create_dir(place.0.join(".users.new")).unwrap();
        let mut editing = Editing::open(&place.file(), false).unwrap();
        assert!(editing.accounts.remove(b"ann"));
        assert!(matches!(
            editing.commit(),
            Err(AccountsError::Io {
                action: Action::Create,
                ..
            })
        ));
        assert_eq!(fs::read(place.file()).unwrap(), before);
    }

    #[test]
    fn missing_files_directories_and_bad_lines_are_told_apart() {
        let place = Place::new("bad");
        let path = place.file();
        assert!(matches!(
            read(&path),
            Err(AccountsError::Io {
                action: Action::Open,
                ..
            })
        ));
        assert!(Editing::open(&path, false).is_err());
        assert!(matches!(read(&place.0), Err(AccountsError::NotAFile(_))));
        assert!(matches!(
            Editing::open(&place.0, true),
            Err(AccountsError::NotAFile(_))
        ));
        fs::write(&path, "ann:!::::/:\nbob\n").unwrap();
        assert!(matches!(
            read(&path),
            Err(AccountsError::Line { line: 2, .. })
        ));
        assert!(matches!(
            Editing::open(&path, true),
            Err(AccountsError::Line { line: 2, .. })
        ));
    }

    #[test]
    fn a_file_past_the_limit_is_refused() {
        let place = Place::new("large");
        File::create(place.file())
            .unwrap()
            .set_len(FILE_MAX + 1)
            .unwrap();
        assert!(matches!(
            read(&place.file()),
            Err(AccountsError::TooLarge(_))
        ));
    }
}
