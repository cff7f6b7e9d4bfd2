//! The commands of `ironftpctl user`, each a change of the accounts file.
//!
//! The password is asked for and hashed before the file is locked, so that
//! nobody waits for somebody typing. Leaves to others: how the file is
//! changed safely (`auth::edit`).
#![forbid(unsafe_code)]

use std::io::Write;
use std::path::{Path, PathBuf};

use super::arguments::Command;
use super::failure::Failure;
use super::password;
use crate::auth::file::READ_ONLY;
use crate::auth::{AccountsError, Editing, Method, Problem, Record, edit, method};
use crate::sys::crypt;

/// Does what `command` says to the accounts in `file`.
pub fn obey(
    file: &Path,
    command: Command,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    match command {
        Command::List => list(file, out),
        Command::Add {
            name,
            home,
            read_only,
            method,
        } => add(file, &name, home, read_only, method, err),
        Command::Passwd { name, method } => passwd(file, &name, method, err),
        Command::Del { name } => {
            let mut editing = open(file)?;
            if !editing.accounts.remove(name.as_bytes()) {
                return Err(no_such_user(file, &name));
            }
            editing.commit().map_err(Failure::Accounts)
        }
        Command::Lock { name } => change_hash(file, &name, |record| {
            Ok(if record.locked() {
                None
            } else {
                Some([b"!", &record.hash[..]].concat())
            })
        }),
        Command::Unlock { name } => change_hash(file, &name, |record| {
            if !record.locked() && !record.hash.is_empty() {
                return Ok(None);
            }
            match record.hash.strip_prefix(b"!") {
                Some(hash) if !matches!(hash.first(), None | Some(b'!' | b'*')) => {
                    Ok(Some(hash.to_vec()))
                }
                _ => {
                    let (file, name) = (file.to_owned(), name.clone());
                    Err(Failure::NothingToUnlock { file, name })
                }
            }
        }),
    }
}

fn add(
    file: &Path,
    name: &str,
    home: PathBuf,
    read_only: bool,
    method: Method,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    let exists = || Failure::UserExists {
        file: file.to_owned(),
        name: name.to_owned(),
    };
    // Asked before the password is, to spare the typing. A missing file is
    // no answer yet; the lock below gives the one that counts.
    let new_file = match edit::read(file) {
        Ok((accounts, _)) if accounts.find(name.as_bytes()).is_some() => return Err(exists()),
        Ok(_) => false,
        Err(AccountsError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            true
        }
        Err(error) => return Err(Failure::Accounts(error)),
    };
    let missing_home = !home.is_dir();
    let hash = new_hash(name, method)?;
    let gecos = if read_only {
        READ_ONLY.into()
    } else {
        Vec::new()
    };
    let record = Record {
        name: name.into(),
        hash,
        gecos,
        home: home.clone(),
    };
    let mut editing = Editing::open(file, true).map_err(Failure::Accounts)?;
    editing
        .accounts
        .add(record)
        .map_err(|problem| match problem {
            Problem::Duplicate { .. } => exists(),
            problem => Failure::Accounts(AccountsError::Account(problem)),
        })?;
    editing.commit().map_err(Failure::Accounts)?;
    told_of_new(
        new_file.then_some(file),
        missing_home.then_some(&*home),
        err,
    );
    Ok(())
}

/// What a new account still lacks: a server that knows of its file, a home.
fn told_of_new(file: Option<&Path>, home: Option<&Path>, err: &mut dyn Write) {
    if let Some(file) = file {
        let file = file.display();
        note(
            err,
            &format!(
                "{file} is new, and only its owner can read it; \
                 the server uses it if virtual_users_file names it"
            ),
        );
    }
    if let Some(home) = home {
        note(
            err,
            &format!("warning: {}: no such directory", home.display()),
        );
    }
}

fn passwd(file: &Path, name: &str, method: Method, err: &mut dyn Write) -> Result<(), Failure> {
    let (accounts, _) = edit::read(file).map_err(Failure::Accounts)?;
    if accounts.find(name.as_bytes()).is_none() {
        return Err(no_such_user(file, name));
    }
    let hash = new_hash(name, method)?;
    let mut locked = false;
    change_hash(file, name, |record| {
        // A lock is for `unlock` to take away; `*` is no lock but the want
        // of a password.
        locked = record.hash.starts_with(b"!");
        let lock: &[u8] = if locked { b"!" } else { b"" };
        Ok(Some([lock, &hash[..]].concat()))
    })?;
    if locked {
        note(
            err,
            &format!("user \"{}\" is still locked", name.escape_debug()),
        );
    }
    Ok(())
}

fn new_hash(name: &str, method: Method) -> Result<Vec<u8>, Failure> {
    let password = password::ask(name, method)?;
    method
        .hash(&password)
        .map_err(|error| Failure::Crypt(method, error))
}

/// Puts what `new` makes of the account into its hash field; nothing is
/// written where it makes `None`.
fn change_hash(
    file: &Path,
    name: &str,
    new: impl FnOnce(&Record) -> Result<Option<Vec<u8>>, Failure>,
) -> Result<(), Failure> {
    let mut editing = open(file)?;
    let record = editing.accounts.find(name.as_bytes());
    let Some(hash) = new(record.ok_or_else(|| no_such_user(file, name))?)? else {
        return Ok(());
    };
    let changed = editing.accounts.set_hash(name.as_bytes(), &hash);
    changed.map_err(|problem| Failure::Accounts(AccountsError::Account(problem)))?;
    editing.commit().map_err(Failure::Accounts)
}

/// One line for each account, the home last because it may have blanks.
fn list(file: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let (accounts, _) = edit::read(file).map_err(Failure::Accounts)?;
    let names = accounts
        .records()
        .map(|(_, record)| shown(&record.name).chars().count());
    let width = names.max().unwrap_or(0).max("NAME".len());
    let mut line = |name: &str, access: &str, state: &str, method: &str, home: &str| {
        writeln!(
            out,
            "{name:width$}  {access:10}  {state:11}  {method:8}  {home}"
        )
        .map_err(Failure::Output)
    };
    line("NAME", "ACCESS", "STATE", "METHOD", "HOME")?;
    for (_, record) in accounts.records() {
        let access = if record.read_only() {
            READ_ONLY
        } else {
            "read-write"
        };
        let home = shown(record.home.as_os_str().as_encoded_bytes());
        line(
            &shown(&record.name),
            access,
            state(record),
            method::described(&record.hash),
            &home,
        )?;
    }
    Ok(())
}

fn state(record: &Record) -> &'static str {
    match record {
        record if record.hash.is_empty() => "no-password",
        record if record.locked() => "locked",
        record if !crypt::knows(&record.hash) => "unusable",
        _ => "active",
    }
}

/// Names and homes as a terminal may get them: no control characters.
fn shown(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for letter in String::from_utf8_lossy(bytes).chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

fn open(file: &Path) -> Result<Editing, Failure> {
    Editing::open(file, false).map_err(Failure::Accounts)
}

fn no_such_user(file: &Path, name: &str) -> Failure {
    Failure::NoSuchUser {
        file: file.to_owned(),
        name: name.to_owned(),
    }
}

/// Tells what is no failure; a stderr that cannot be written changes nothing.
fn note(err: &mut dyn Write, text: &str) {
    let _ = writeln!(err, "ironftpctl: {text}");
}
