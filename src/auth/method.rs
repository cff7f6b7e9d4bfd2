//! The hashing methods offered for new passwords, and telling the method of
//! a hash that is there (crypt(5)).
//!
//! Leaves to others: the hashing itself, which is the system's crypt(3).
#![forbid(unsafe_code)]

use super::gate;
use super::secret::Secret;
use crate::sys::crypt::{self, CryptError};

/// A method for new password hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The default of Debian since 11; costly in memory too.
    Yescrypt,
    /// SHA-512 of many rounds; every glibc system of the last years knows it.
    Sha512,
    /// bcrypt, which looks at the first 72 bytes of a password only.
    Bcrypt,
}

impl Method {
    /// Every method, the preferred first.
    pub const ALL: [Method; 3] = [Method::Yescrypt, Method::Sha512, Method::Bcrypt];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Method::Yescrypt => "yescrypt",
            Method::Sha512 => "sha512",
            Method::Bcrypt => "bcrypt",
        }
    }

    /// The method of that name, as [`Method::name`] spells it.
    pub fn from_name(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.name() == name)
    }

    /// The longest password of which every byte counts.
    pub fn password_max(self) -> usize {
        match self {
            Method::Bcrypt => 72,
            Method::Yescrypt | Method::Sha512 => crypt::PHRASE_MAX,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Method::Yescrypt => "$y$",
            Method::Sha512 => "$6$",
            Method::Bcrypt => "$2b$",
        }
    }

    /// Chosen so that each takes some tens of milliseconds, as yescrypt does
    /// by default; the library's defaults for the other two date from slower
    /// machines (5000 rounds; 2 to the 5th).
    fn cost(self) -> u32 {
        match self {
            Method::Yescrypt => 0,
            Method::Sha512 => 50_000,
            Method::Bcrypt => 10,
        }
    }

    /// A setting of this method with a fresh salt.
    pub fn new_setting(self) -> Result<Vec<u8>, CryptError> {
        crypt::new_setting(self.prefix(), self.cost())
    }

    /// Hashes a new password, in its turn ([`gate::hashing`]). Refuses one
    /// longer than [`Method::password_max`].
    pub fn hash(self, password: &Secret) -> Result<Vec<u8>, CryptError> {
        let length = password.as_bytes().len();
        if length > self.password_max() {
            return Err(CryptError::PhraseTooLong(length));
        }
        let setting = self.new_setting()?;
        let _pass = gate::hashing().enter();
        crypt::hash(password.as_bytes(), &setting)
    }
}

/// The part of a hash that says method and cost, without the salt: two
/// hashes with equal parts take the same time to check.
pub fn method_and_cost(hash: &[u8]) -> &[u8] {
    let dollars = || {
        hash.iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'$')
            .map(|(at, _)| at)
    };
    let head = |nth: usize| {
        let end = dollars().nth(nth).map_or(hash.len(), |at| at + 1);
        hash.get(..end).unwrap_or(hash)
    };
    if !hash.starts_with(b"$") {
        // `_` begins extended DES; anything else is the old DES or nothing.
        return if hash.starts_with(b"_") { b"_" } else { b"" };
    }
    let method = head(1);
    let rest = hash.get(method.len()..).unwrap_or_default();
    let has_cost_field = matches!(
        method,
        b"$y$" | b"$gy$" | b"$2a$" | b"$2b$" | b"$2x$" | b"$2y$" | b"$sha1$"
    );
    match method {
        _ if has_cost_field || rest.starts_with(b"rounds=") => head(2),
        // scrypt: eleven signs of cost stand right before the salt.
        b"$7$" => hash.get(..method.len() + 11).unwrap_or(hash),
        _ => method,
    }
}

/// A word for the method of a hash, for lists: the name of a [`Method`], or
/// `other` for what crypt(3) may know besides, or `none` for no hash at all.
pub fn described(hash: &[u8]) -> &'static str {
    let bare = hash.strip_prefix(b"!").unwrap_or(hash);
    match method_and_cost(bare) {
        part if part.starts_with(b"$y$") => Method::Yescrypt.name(),
        part if part.starts_with(b"$6$") => Method::Sha512.name(),
        part if part.starts_with(b"$2") => Method::Bcrypt.name(),
        _ if bare.is_empty() || bare.starts_with(b"*") || bare.starts_with(b"!") => "none",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_makes_hashes_that_tell_their_method() {
        for method in Method::ALL {
            let secret = Secret::new(b"secret".to_vec());
            let hashed = method.hash(&secret).unwrap();
            assert_eq!(crypt::hash(b"secret", &hashed).unwrap(), hashed);
            assert_eq!(described(&hashed), method.name());
            assert_eq!(Method::from_name(method.name()), Some(method));
        }
        assert_eq!(Method::from_name("md5"), None);
    }

    #[test]
    fn bcrypt_refuses_a_password_it_would_cut() {
        let secret = Secret::new(vec![b'a'; 73]);
        assert_eq!(
            Method::Bcrypt.hash(&secret),
            Err(CryptError::PhraseTooLong(73))
        );
        assert!(Method::Sha512.hash(&secret).is_ok());
    }

    #[test]
    fn method_and_cost_leave_the_salt_out() {
        for (hash, part) in [
            (&b"$y$j9T$salt$digest"[..], &b"$y$j9T$"[..]),
            (b"$6$salt$digest", b"$6$"),
            (b"$6$rounds=50000$salt$digest", b"$6$rounds=50000$"),
            (b"$5$rounds=9$s$d", b"$5$rounds=9$"),
            (b"$2b$10$saltanddigest", b"$2b$10$"),
            (b"$7$CU..../....salt$digest", b"$7$CU..../...."),
            (b"$1$salt$digest", b"$1$"),
            (b"abJnggxhB/yWI", b""),
            (b"_J9..salt", b"_"),
            (b"$", b"$"),
            (b"$y", b"$y"),
            (b"", b""),
        ] {
            assert_eq!(
                method_and_cost(hash),
                part,
                "{}",
                String::from_utf8_lossy(hash)
            );
        }
    }

    #[test]
    fn descriptions_see_through_a_lock() {
        assert_eq!(described(b"!$6$salt$digest"), "sha512");
        for none in [&b""[..], b"!", b"*", b"!!", b"!*"] {
            assert_eq!(described(none), "none");
        }
        assert_eq!(described(b"$1$salt$digest"), "other");
    }
}
