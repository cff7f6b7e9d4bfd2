//! Local users without PAM: the shadow file, crypt(3), /etc/shells.
//!
//! The fields are those of shadow(5), their meaning that of login(1): dates
//! are days since 1970, an empty field is no limit. **Time tells nothing**:
//! whoever is asked about costs one hash, of the account's own kind or, where
//! there is none to compare with, of the kind that most accounts have. All
//! else is looked at after that.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fs;

use super::Settings;
use super::message::Request;
use super::verdict::{Cause, Denied};
use crate::auth::method::{Method, method_and_cost};
use crate::auth::{Secret, shells};
use crate::sys::clock;
use crate::sys::crypt::{self, CryptError};
use crate::sys::passwd::User;

const SHADOW: &str = "/etc/shadow";
const DAY: i64 = 24 * 60 * 60;

/// Checks name, password, dates and shell; gives the user.
pub fn check(request: &Request, settings: &Settings) -> Result<User, Denied> {
    let unavailable = |detail: String| Denied::new(Cause::Unavailable, detail);
    let shadow = fs::read(SHADOW).map_err(|error| unavailable(format!("{SHADOW}: {error}")))?;
    let user = User::find(&request.name).map_err(|error| unavailable(error.to_string()))?;
    // The file has the names as the user database spells them.
    let entry = user
        .as_ref()
        .and_then(|user| Entry::find(&shadow, &user.name));
    let stored = entry.as_ref().map(|entry| entry.hash);
    password_matches(stored, &shadow, &request.password, crypt::hash)?;
    let (Some(user), Some(entry)) = (user, entry) else {
        return Err(Cause::UnknownUser.into());
    };
    entry.in_time(clock::now().0.div_euclid(DAY))?;
    if settings.check_shell {
        let counts = shells::counts(&user.shell);
        if !counts.map_err(|error| unavailable(format!("{}: {error}", shells::SHELLS)))? {
            let shell = user.shell.escape_ascii().to_string();
            return Err(Denied::new(Cause::Shell, shell));
        }
    }
    Ok(user)
}

/// Whether the password is that of the `stored` hash. Every path calls
/// `hash` once, whatever is stored.
fn password_matches(
    stored: Option<&[u8]>,
    shadow: &[u8],
    password: &Secret,
    mut hash: impl FnMut(&[u8], &[u8]) -> Result<Vec<u8>, CryptError>,
) -> Result<(), Denied> {
    let phrase = password.as_bytes();
    let denied = match stored.map(|stored| (stored, stored.first())) {
        None => Cause::UnknownUser.into(),
        Some((_, None)) => Cause::NoPassword.into(),
        Some((_, Some(b'!' | b'*'))) => Cause::Locked.into(),
        Some((stored, Some(_))) => match hash(phrase, stored) {
            Ok(made) if crypt::same(&made, stored) => return Ok(()),
            Ok(_) => return Err(Cause::WrongPassword.into()),
            Err(error) => Denied::new(Cause::Unavailable, error.to_string()),
        },
    };
    // The result is nobody's: only its time is wanted.
    let _ = hash(phrase, &decoy(shadow));
    Err(denied)
}

/// A hash of the kind that most accounts have, or a new setting where the
/// file has none. A match is never looked for.
fn decoy(shadow: &[u8]) -> Vec<u8> {
    let mut kinds: HashMap<&[u8], (usize, &[u8])> = HashMap::new();
    for (_, entry) in entries(shadow) {
        if !entry.hash.is_empty() && !entry.hash.starts_with(b"!") && crypt::knows(entry.hash) {
            let kind = kinds.entry(method_and_cost(entry.hash));
            kind.or_insert((0, entry.hash)).0 += 1;
        }
    }
    let most = kinds.into_values().max().map(|(_, hash)| hash.to_vec());
    most.or_else(|| {
        Method::ALL
            .iter()
            .find_map(|method| method.new_setting().ok())
    })
    .unwrap_or_default()
}

/// A line of the shadow file, shadow(5).
#[derive(Debug, PartialEq, Eq)]
struct Entry<'file> {
    hash: &'file [u8],
    /// sp_lstchg.
    changed: Option<i64>,
    /// sp_max, days a password lasts.
    longest: Option<i64>,
    /// sp_expire.
    expires: Option<i64>,
}

fn entries(shadow: &[u8]) -> impl Iterator<Item = (&[u8], Entry<'_>)> {
    shadow.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, hash) = (fields.next()?, fields.next()?);
        let mut day = |skip: usize| days(fields.nth(skip).unwrap_or_default());
        let entry = Entry {
            hash,
            changed: day(0),
            longest: day(1),
            expires: day(2),
        };
        Some((name, entry))
    })
}

/// A field that holds days: nothing, and by custom a negative number, is no
/// limit. What is no number is a limit long past.
fn days(field: &[u8]) -> Option<i64> {
    if field.is_empty() {
        return None;
    }
    let number = str::from_utf8(field)
        .ok()
        .and_then(|text| text.parse().ok());
    number.or(Some(0)).filter(|number| *number >= 0)
}

impl<'file> Entry<'file> {
    fn find(shadow: &'file [u8], name: &[u8]) -> Option<Entry<'file>> {
        entries(shadow)
            .find(|(owner, _)| *owner == name)
            .map(|(_, entry)| entry)
    }

    /// Whether account and password are good on the day `today`.
    fn in_time(&self, today: i64) -> Result<(), Denied> {
        if self.expires.is_some_and(|expires| today >= expires) {
            return Err(Cause::AccountExpired.into());
        }
        let too_old = match (self.changed, self.longest) {
            // "Change it at the next log-in", which is not possible here.
            (Some(0), _) => true,
            (Some(changed), Some(longest)) => today > changed.saturating_add(longest),
            _ => false,
        };
        // How long an expired password still serves to choose a new one
        // (sp_inact) does not matter where none can be chosen.
        if too_old {
            return Err(Cause::PasswordExpired.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cheap hash of "right".
    fn hashed(prefix: &str, cost: u32) -> String {
        let setting = crypt::new_setting(prefix, cost).unwrap();
        String::from_utf8(crypt::hash(b"right", &setting).unwrap()).unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    #[test]
    fn whoever_is_asked_about_costs_one_hash_of_the_usual_kind() {
        let (usual, rare) = (hashed("$6$", 1000), hashed("$2b$", 4));
        let shadow = format!("a:{usual}:1::::::\nb:!{rare}:\nc:{rare}:\nd:{usual}:\ne:*:\n");
        let locked = format!("!{rare}");
        for (stored, cause) in [
            (None, Cause::UnknownUser),
            (Some(""), Cause::NoPassword),
            (Some("*"), Cause::Locked),
            (Some(locked.as_str()), Cause::Locked),
        ] {
            let mut settings = Vec::new();
            let result = password_matches(
                stored.map(str::as_bytes),
                shadow.as_bytes(),
                &secret("right"),
                |phrase, setting| {
                    settings.push(setting.to_vec());
                    crypt::hash(phrase, setting)
                },
            );
            assert_eq!(result, Err(cause.into()));
            assert_eq!(settings.len(), 1);
            assert_eq!(
                method_and_cost(&settings[0]),
                method_and_cost(usual.as_bytes())
            );
        }
    }

    #[test]
    fn only_the_right_password_matches() {
        let hash = hashed("$6$", 1000);
        let matches = |password: &str| {
            let stored = Some(hash.as_bytes());
            password_matches(stored, b"", &secret(password), crypt::hash)
        };
        assert_eq!(matches("right"), Ok(()));
        for wrong in ["", "Right", "rightright"] {
            assert_eq!(matches(wrong), Err(Cause::WrongPassword.into()));
        }
        let odd = password_matches(Some(b"$odd$x"), b"", &secret("right"), crypt::hash);
        assert_eq!(odd.unwrap_err().cause, Cause::Unavailable);
    }

    #[test]
    fn lines_are_found_by_whole_names_and_broken_ones_passed_over() {
        let shadow =
            b"root:*:1\nbroken\n\nannabel:h1:2:0:99999:7:::\nann:h2:19000:0:90:7:14:20000:\n";
        let ann = Entry::find(shadow, b"ann").unwrap();
        let expected = Entry {
            hash: b"h2",
            changed: Some(19000),
            longest: Some(90),
            expires: Some(20000),
        };
        assert_eq!(ann, expected);
        assert_eq!(Entry::find(shadow, b"annabel").unwrap().expires, None);
        assert_eq!(Entry::find(shadow, b"root").unwrap().longest, None);
        for nobody in [&b"broken"[..], b"", b"an", b"ann:h2"] {
            assert_eq!(Entry::find(shadow, nobody), None);
        }
    }

    #[test]
    fn the_dates_decide_to_the_day() {
        let expired = Err(Cause::AccountExpired);
        let old = Err(Cause::PasswordExpired);
        for (fields, today, answer) in [
            ("::::::", 20000, Ok(())),
            ("19990:0:99999:7:::", 20000, Ok(())),
            ("19990:0:-1:7::-1:", 20000, Ok(())),
            ("19990:0:10:7:::", 20000, Ok(())),
            ("19990:0:10:7:::", 20001, old),
            ("19990:0:10:7:30::", 20001, old),
            ("0:0:99999:7:::", 20000, old),
            (":0:10:7:::", 20000, Ok(())),
            ("19990:0:99999:7::20000:", 19999, Ok(())),
            ("19990:0:99999:7::20000:", 20000, expired),
            ("19990:0:99999:7::0:", 20000, expired),
            ("19990:0:99999:7::never:", 20000, expired),
        ] {
            let line = format!("ann:h:{fields}");
            let entry = Entry::find(line.as_bytes(), b"ann").unwrap();
            assert_eq!(
                entry.in_time(today),
                answer.map_err(Denied::from),
                "{fields}"
            );
        }
    }
}
