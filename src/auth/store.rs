//! The accounts of a running server, and the check of a name and password.
//!
//! Read once, at load; nothing here looks at the file again. Leaves to
//! others: the delay after a wrong password, and counting them.
//!
//! **Time tells nothing.** A name that is unknown or locked, or has no usable
//! hash, is answered after one hash all the same, of the method and cost
//! that most accounts have. Where a file mixes methods, the accounts of the
//! rarer ones still differ; ironftpctl(8) says so.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::path::{self, Path};
use std::sync::Arc;

use super::account::{Account, Denial};
use super::edit;
use super::error::{AccountsError, Action, Problem, Warning};
use super::file::{AccountsFile, NAME_MAX, Record, check_name};
use super::gate;
use super::method::{Method, method_and_cost};
use super::secret::Secret;
use crate::config::NamedBy;
use crate::sys::crypt::{self, CryptError};

/// Every account of the server. Shared between threads without a lock.
pub struct Accounts {
    entries: HashMap<Vec<u8>, Entry>,
    /// What is hashed against where there is nothing to compare with;
    /// nothing where there is no account, and so nothing to hide.
    decoy: Option<Vec<u8>>,
    warnings: Vec<Warning>,
}

struct Entry {
    hash: Vec<u8>,
    /// See [`Record::certificates`].
    certificates: Vec<String>,
    account: Arc<Account>,
}

impl Accounts {
    /// No accounts: everybody is denied at once.
    pub fn none() -> Accounts {
        Accounts {
            entries: HashMap::new(),
            decoy: None,
            warnings: Vec::new(),
        }
    }

    /// Reads the accounts file. Takes the time of one hash besides, to make
    /// sure of the one that unknown users will cost.
    pub fn load(path: &Path) -> Result<Accounts, AccountsError> {
        let (file, mode) = edit::read(path)?;
        let mut warnings = mode_warnings(path, mode);
        for (line, record) in file.records() {
            warnings.extend(record_warning(path, line, record));
        }
        let entries: HashMap<Vec<u8>, Entry> = file
            .records()
            .map(|(_, record)| (record.name.clone(), Entry::of(record)))
            .collect();
        let decoy = Some(decoy(&file)?);
        Ok(Accounts {
            entries,
            decoy,
            warnings,
        })
    }

    /// The one account of a server started without a file.
    ///
    /// A relative `home` is taken from the current directory, once.
    pub fn single(
        name: &[u8],
        password: &Secret,
        home: &Path,
        read_only: bool,
    ) -> Result<Accounts, AccountsError> {
        check_name(name).map_err(AccountsError::Account)?;
        if password.is_empty() {
            return Err(AccountsError::Account(Problem::NoPassword));
        }
        let home = path::absolute(home).map_err(|source| AccountsError::Io {
            action: Action::Open,
            path: home.to_owned(),
            source,
        })?;
        let hash = hash_by_best_method(password).map_err(AccountsError::Crypt)?;
        let account = Arc::new(Account {
            name: name.to_vec(),
            home,
            read_only,
        });
        let decoy = Some(hash.clone());
        let entry = Entry {
            hash,
            certificates: Vec::new(),
            account,
        };
        let entries = HashMap::from([(name.to_vec(), entry)]);
        Ok(Accounts {
            entries,
            decoy,
            warnings: Vec::new(),
        })
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the log should say about the file, once.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Every account, in no order: for checking homes at start.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.entries.values().map(|entry| &entry.account)
    }

    /// The account of this name, if one of the `proofs` of a client's
    /// certificate is its: the name itself, or a fingerprint of it. One whose
    /// hash is `*` has no other way in; one that is locked (`!`) has none.
    pub fn proved(&self, name: &[u8], by: NamedBy, proofs: &[String]) -> Option<Arc<Account>> {
        let entry = self.entries.get(name)?;
        if entry.hash.starts_with(b"!") {
            return None;
        }
        let mut proofs = proofs.iter();
        let proved = match by {
            NamedBy::Fingerprint => proofs.any(|proof| entry.certificates.contains(proof)),
            _ => proofs.any(|proof| proof.as_bytes() == name),
        };
        proved.then(|| Arc::clone(&entry.account))
    }

    /// Checks a name and password (RFC 959 section 4.1.1).
    ///
    /// Takes some tens of milliseconds, plus the wait for a place among those
    /// that hash at the same time ([`gate::hashing`]), whatever the answer.
    /// Nothing waits where there are no accounts at all.
    pub fn verify(&self, name: &[u8], password: &Secret) -> Result<Arc<Account>, Denial> {
        self.verify_by(name, password, |phrase, setting| {
            let _pass = gate::hashing().enter();
            crypt::hash(phrase, setting)
        })
    }

    /// [`Accounts::verify`] with the hash function as a parameter, so that
    /// tests can count its calls. Every path through it calls `hash` once
    /// (a hash that crypt refuses costs nothing, so the decoy follows it).
    fn verify_by(
        &self,
        name: &[u8],
        password: &Secret,
        mut hash: impl FnMut(&[u8], &[u8]) -> Result<Vec<u8>, CryptError>,
    ) -> Result<Arc<Account>, Denial> {
        let phrase = password.as_bytes();
        let entry = Some(name).filter(|name| name.len() <= NAME_MAX);
        let entry = entry.and_then(|name| self.entries.get(name));
        let denial = match entry.map(|entry| (entry, entry.hash.first())) {
            None => Denial::UnknownUser,
            Some((_, None)) => Denial::NoPassword,
            Some((_, Some(b'!' | b'*'))) => Denial::Locked,
            // No account has such a password; which it is would show in the
            // time alone, and does so for known and unknown names alike.
            Some(_) if crypt::check_phrase(phrase).is_err() => Denial::WrongPassword,
            Some((entry, Some(_))) => match hash(phrase, &entry.hash) {
                Ok(made) if crypt::same(&made, &entry.hash) => {
                    return Ok(Arc::clone(&entry.account));
                }
                Ok(_) => return Err(Denial::WrongPassword),
                Err(error) => Denial::Unusable(error),
            },
        };
        if let Some(decoy) = &self.decoy {
            // The result is nobody's: only its time is wanted.
            let _ = hash(phrase, decoy);
        }
        Err(denial)
    }
}

impl Entry {
    fn of(record: &Record) -> Entry {
        let (name, home) = (record.name.clone(), record.home.clone());
        let account = Arc::new(Account {
            name,
            home,
            read_only: record.read_only(),
        });
        Entry {
            hash: record.hash.clone(),
            certificates: record.certificates().collect(),
            account,
        }
    }
}

fn mode_warnings(path: &Path, mode: u32) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if mode & 0o004 != 0 {
        warnings.push(Warning::WorldReadable {
            path: path.to_owned(),
            mode,
        });
    }
    if mode & 0o022 != 0 {
        warnings.push(Warning::Writable {
            path: path.to_owned(),
            mode,
        });
    }
    warnings
}

fn record_warning(path: &Path, line: usize, record: &Record) -> Option<Warning> {
    let path = path.to_owned();
    if let Some(word) = record.misspelt_flag() {
        return Some(Warning::MisspeltFlag {
            path,
            line,
            word: word.to_vec(),
        });
    }
    let silent = record.hash.is_empty() || record.locked() || crypt::knows(&record.hash);
    (!silent).then(|| Warning::UnknownMethod {
        path,
        line,
        name: record.name.clone(),
    })
}

/// The hash that unknown users are checked against: one of the accounts' own,
/// of the method and cost most of them have, so that it takes their time and
/// not one like it. A match is never looked for.
fn decoy(file: &AccountsFile) -> Result<Vec<u8>, AccountsError> {
    let mut kinds: HashMap<&[u8], (usize, &[u8])> = HashMap::new();
    for (_, record) in file.records() {
        if !record.hash.is_empty() && !record.locked() {
            kinds
                .entry(method_and_cost(&record.hash))
                .or_insert((0, &record.hash))
                .0 += 1;
        }
    }
    let mut kinds: Vec<(usize, &[u8])> = kinds.into_values().collect();
    kinds.sort_unstable_by(|one, other| other.cmp(one));
    for (_, hash) in kinds {
        if crypt::hash(b"", hash).is_ok() {
            return Ok(hash.to_vec());
        }
    }
    hash_by_best_method(&Secret::new(Vec::new())).map_err(AccountsError::Crypt)
}

/// Hashes by the first of our methods that the system's crypt(3) has.
fn hash_by_best_method(password: &Secret) -> Result<Vec<u8>, CryptError> {
    let mut result = Err(CryptError::Refused(0));
    for method in Method::ALL {
        result = method.hash(password);
        if matches!(
            result,
            Ok(_) | Err(CryptError::PhraseTooLong(_) | CryptError::PhraseHasNul)
        ) {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cheap hashes of "right": SHA-512 of 1000 rounds, bcrypt of 2^4.
    fn hashed(prefix: &str, cost: u32) -> String {
        let setting = crypt::new_setting(prefix, cost).unwrap();
        String::from_utf8(crypt::hash(b"right", &setting).unwrap()).unwrap()
    }

    fn accounts(text: &str) -> Accounts {
        let path = std::env::temp_dir().join(format!(
            "ironftpd-store-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::write(&path, text).unwrap();
        let accounts = Accounts::load(&path);
        std::fs::remove_file(&path).unwrap();
        accounts.unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    /// The answer, and the settings that were hashed by on the way to it.
    fn watched(
        accounts: &Accounts,
        name: &[u8],
        password: &str,
    ) -> (Result<Arc<Account>, Denial>, Vec<Vec<u8>>) {
        let mut settings = Vec::new();
        let result = accounts.verify_by(name, &secret(password), |phrase, setting| {
            settings.push(setting.to_vec());
            crypt::hash(phrase, setting)
        });
        (result, settings)
    }

    #[test]
    fn the_right_password_yields_the_account_with_home_and_flag() {
        let (sha, bcrypt) = (hashed("$6$", 1000), hashed("$2b$", 4));
        let accounts = accounts(&format!(
            "ann:{sha}:0:0:read-only:/srv/ann:/bin/sh\nbob:{bcrypt}::::/srv/bob:\n"
        ));
        let ann = accounts.verify(b"ann", &secret("right")).unwrap();
        let home = Path::new("/srv/ann").to_owned();
        assert_eq!(
            *ann,
            Account {
                name: b"ann".to_vec(),
                home,
                read_only: true
            }
        );
        assert!(!accounts.verify(b"bob", &secret("right")).unwrap().read_only);
        for (name, password, denial) in [
            (&b"ann"[..], "wrong", Denial::WrongPassword),
            (b"ann", "", Denial::WrongPassword),
            (b"ann", "right\0", Denial::WrongPassword),
            (b"ann", "rightright", Denial::WrongPassword),
            (b"Ann", "right", Denial::UnknownUser),
            (b"ann\0", "right", Denial::UnknownUser),
            (b"ann:", "right", Denial::UnknownUser),
            (b"", "right", Denial::UnknownUser),
            (&[b'a'; 1000], "right", Denial::UnknownUser),
        ] {
            assert_eq!(accounts.verify(name, &secret(password)), Err(denial));
        }
    }

    #[test]
    fn an_unknown_locked_or_passwordless_user_costs_one_hash_of_the_usual_kind() {
        let (usual, rare) = (hashed("$6$", 1000), hashed("$2b$", 4));
        let accounts = accounts(&format!(
            "a:{rare}::::/:\nb:{usual}::::/:\nc:{usual}::::/:\n\
             locked:!{usual}::::/:\nstar:*::::/:\nempty:::::/:\n"
        ));
        for (name, denial) in [
            (&b"nobody"[..], Denial::UnknownUser),
            (b"locked", Denial::Locked),
            (b"star", Denial::Locked),
            (b"empty", Denial::NoPassword),
        ] {
            for password in ["right", ""] {
                let (result, settings) = watched(&accounts, name, password);
                assert_eq!(result, Err(denial));
                assert_eq!(settings, [usual.as_bytes()]);
            }
        }
        let (result, settings) = watched(&accounts, b"a", "wrong");
        assert_eq!(result, Err(Denial::WrongPassword));
        assert_eq!(settings, [rare.as_bytes()]);
    }

    #[test]
    fn a_hash_that_crypt_refuses_is_unusable_and_costs_the_usual_time_too() {
        let usual = hashed("$6$", 1000);
        let accounts = accounts(&format!(
            "odd:$nosuch$x$y::::/:\nshadow:x::::/:\nplain:right::::/:\nb:{usual}::::/:\n"
        ));
        for name in [&b"odd"[..], b"shadow"] {
            let (result, settings) = watched(&accounts, name, "right");
            assert!(matches!(result, Err(Denial::Unusable(_))));
            assert_eq!(settings[1..], [usual.as_bytes()]);
        }
        assert!(watched(&accounts, b"plain", "right").0.is_err());
        let named: Vec<_> = accounts
            .warnings()
            .iter()
            .filter_map(|warning| match warning {
                Warning::UnknownMethod { line, .. } => Some(*line),
                _ => None,
            })
            .collect();
        assert_eq!(named[..2], [1, 2]);
    }

    #[test]
    fn an_over_long_password_is_told_apart_by_nothing() {
        let usual = hashed("$6$", 1000);
        let accounts = accounts(&format!("b:{usual}::::/:\n"));
        let long = "x".repeat(600);
        let (known, unknown) = (
            watched(&accounts, b"b", &long),
            watched(&accounts, b"c", &long),
        );
        assert_eq!(known.0, Err(Denial::WrongPassword));
        assert_eq!(unknown.0, Err(Denial::UnknownUser));
        assert_eq!(known.1, unknown.1);
    }

    #[test]
    fn a_file_without_usable_hashes_has_a_decoy_of_the_best_method() {
        let accounts = accounts("a:!::::/:\nb:$nosuch$x::::/:\n");
        let (result, settings) = watched(&accounts, b"nobody", "x");
        assert_eq!(result, Err(Denial::UnknownUser));
        assert!(settings.len() == 1 && settings[0].starts_with(b"$y$"));
    }

    #[test]
    fn without_accounts_everybody_is_denied_and_nothing_is_hashed() {
        let accounts = Accounts::none();
        assert!(accounts.is_empty());
        let (result, settings) = watched(&accounts, b"root", "");
        assert_eq!((result, settings.len()), (Err(Denial::UnknownUser), 0));
    }

    #[test]
    fn a_single_account_lets_in_its_user_and_nobody_else() {
        let home = Path::new("/srv");
        let accounts = Accounts::single(b"me", &secret("right"), home, true).unwrap();
        assert_eq!(accounts.len(), 1);
        assert!(accounts.verify(b"me", &secret("right")).unwrap().read_only);
        assert_eq!(
            accounts.verify(b"me", &secret("left")),
            Err(Denial::WrongPassword)
        );
        assert_eq!(
            accounts.verify(b"you", &secret("right")),
            Err(Denial::UnknownUser)
        );
        assert!(Accounts::single(b"me", &secret(""), home, false).is_err());
        assert!(Accounts::single(b"m:e", &secret("x"), home, false).is_err());
        let relative = Accounts::single(b"me", &secret("x"), Path::new("here"), false).unwrap();
        assert!(relative.iter().all(|account| account.home.is_absolute()));
    }

    #[test]
    fn loose_modes_and_misspelt_flags_are_warned_of() {
        let path = Path::new("/etc/users");
        assert_eq!(mode_warnings(path, 0o640), []);
        assert_eq!(mode_warnings(path, 0o666).len(), 2);
        let usual = hashed("$6$", 1000);
        let accounts = accounts(&format!("b:{usual}:::Read-Only:/:\n"));
        let named = |w: &Warning| matches!(w, Warning::MisspeltFlag { line: 1, .. });
        assert!(accounts.warnings().iter().any(named));
    }

    #[test]
    fn accounts_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Accounts>();
    }
}
