//! `--serve`: sharing a directory without a configuration file.
//!
//! It sets the same options a file would set. The password of `--user` comes
//! from the terminal or standard input, never from the arguments, which
//! every user of the machine can read in proc(5).
#![forbid(unsafe_code)]

use std::fmt;
use std::fs;
use std::io::{self, BufRead, IsTerminal, Read};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::Serve;
use crate::auth::{Secret, is_anonymous};
use crate::config::{Origin, Problem, Reading, printable};
use crate::sys::clock::now;
use crate::tls::{SelfSigned, TlsError};

/// Longest password read from standard input, in bytes.
const LONGEST: u64 = 1024;

/// The password of `--user`; it does not print.
pub struct Password {
    secret: Secret,
    generated: bool,
}

impl Password {
    /// The password in clear.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        self.secret.as_bytes()
    }

    /// The password, to be checked against or hashed.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Whether it was made up here, so that the user has yet to learn it.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        self.generated
    }

    /// What was typed, or a made-up one if that is nothing.
    fn given(mut bytes: Vec<u8>) -> io::Result<Password> {
        while bytes
            .last()
            .is_some_and(|byte| matches!(byte, b'\r' | b'\n'))
        {
            bytes.pop();
        }
        let generated = bytes.is_empty();
        let secret = if generated {
            Secret::generate()?
        } else {
            Secret::new(bytes)
        };
        Ok(Password { secret, generated })
    }

    /// The first line of `input`.
    fn from_first_line(input: &mut impl BufRead) -> io::Result<Password> {
        let mut line = Vec::new();
        input.take(LONGEST).read_until(b'\n', &mut line)?;
        Password::given(line)
    }

    fn ask(user: &str) -> io::Result<Password> {
        if io::stdin().is_terminal() {
            let prompt = format!("Password for {user} (empty: make one up): ");
            Password::given(rpassword::prompt_password(prompt)?.into_bytes())
        } else {
            Password::from_first_line(&mut io::stdin().lock())
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A directory shared by `--serve`.
#[derive(Debug)]
pub struct Share {
    /// The directory, absolute.
    pub directory: PathBuf,
    /// Whether files may be changed.
    pub write: bool,
    /// The only user who may log in; anonymous users if none.
    pub user: Option<String>,
    /// That user's password, once it is settled.
    pub password: Option<Password>,
    /// Whether TLS is offered, with a certificate of the server's own making.
    pub tls: bool,
    /// That certificate's SHA-256, once it is made.
    pub fingerprint: Option<String>,
}

impl Share {
    /// Makes the certificate of `--tls`, for clients that come to this machine
    /// or to these addresses.
    ///
    /// # Errors
    /// When none can be made.
    pub fn make_certificate(
        &mut self,
        addresses: &[IpAddr],
    ) -> Result<Option<SelfSigned>, TlsError> {
        if !self.tls {
            return Ok(None);
        }
        let own = [IpAddr::from([127, 0, 0, 1]), Ipv6Addr::LOCALHOST.into()];
        let mut addresses: Vec<IpAddr> = own.iter().chain(addresses).copied().collect();
        addresses.retain(|address| !address.is_unspecified());
        addresses.sort_unstable();
        addresses.dedup();
        let made = SelfSigned::new(&["localhost".to_owned()], &addresses, now().0)?;
        self.fingerprint = Some(made.fingerprint());
        Ok(Some(made))
    }

    /// Gets the user's password, if there is a user: asked for on a terminal,
    /// else the first line of standard input; made up if that is empty.
    ///
    /// # Errors
    /// Those of reading the terminal or standard input, or of getrandom(2).
    pub fn settle_password(&mut self) -> io::Result<()> {
        if let Some(user) = &self.user {
            self.password = Some(Password::ask(user)?);
        }
        Ok(())
    }
}

/// Whether `--user` may have this name. The two names of anonymous users
/// would never be asked for a password; a colon ends the name in a file of
/// accounts.
pub(super) fn may_be_a_user(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(|c: char| c == ':' || c == '/' || c.is_control())
        && !is_anonymous(name.as_bytes())
}

impl Serve {
    /// Sets the options that share the directory; `None`, and an error noted,
    /// when it is not one.
    pub(super) fn settings(&self, reading: &mut Reading) -> Option<Share> {
        let directory = match fs::canonicalize(&self.directory) {
            Ok(path) if path.is_dir() => path,
            Ok(path) => {
                reading.error(Origin::Serve, Problem::NotADirectory(path));
                return None;
            }
            Err(error) => {
                reading.error(
                    Origin::Serve,
                    Problem::Unreadable(self.directory.clone(), error),
                );
                return None;
            }
        };
        let flag = |on: bool| if on { "YES" } else { "NO" };
        let port = self.port.to_string();
        let address = self.address.to_string();
        let (listen, listen6, address_option) = match self.address {
            IpAddr::V4(_) => ("YES", "NO", "listen_address"),
            IpAddr::V6(_) => ("NO", "YES", "listen_address6"),
        };
        for (name, value) in [
            ("listen", listen),
            ("listen_ipv6", listen6),
            (address_option, &address),
            ("listen_port", &port),
            ("anonymous_enable", flag(self.user.is_none())),
            ("no_anon_password", "YES"),
            ("write_enable", flag(self.write)),
            ("anon_upload_enable", flag(self.write)),
            ("anon_mkdir_write_enable", flag(self.write)),
            ("anon_other_write_enable", flag(self.write)),
            // What the user who shares can read is what is shared.
            ("anon_world_readable_only", "NO"),
            // Who types this shares what it has, under its own name.
            ("run_as_launching_user", "YES"),
            ("anon_umask", "022"),
            ("local_umask", "022"),
            ("max_per_ip", "0"),
            // What is shared for an hour needs no administrator.
            ("control_socket", ""),
        ] {
            reading.set(name, value.as_bytes(), &Origin::Serve);
        }
        if self.tls {
            for (name, value) in [
                ("ssl_enable", "YES"),
                ("allow_anon_ssl", "YES"),
                ("require_ssl_reuse", "AUTO"),
            ] {
                reading.set(name, value.as_bytes(), &Origin::Serve);
            }
        }
        reading.set(
            "anon_root",
            directory.as_os_str().as_bytes(),
            &Origin::Serve,
        );
        Some(Share {
            directory,
            write: self.write,
            user: self.user.clone(),
            password: None,
            tls: self.tls,
            fingerprint: None,
        })
    }
}

/// What `--serve` prints once it listens on `bound`: where to go, who may
/// log in, where the files come from, whether they may change, how to stop.
///
/// It shows a made-up password, and only a made-up one.
#[must_use]
pub fn serving_notice(share: &Share, bound: SocketAddr) -> String {
    let (host, also) = match bound.ip() {
        ip if ip.is_unspecified() => (
            "localhost".to_owned(),
            " (and every other address of this machine)",
        ),
        IpAddr::V4(ip) => (ip.to_string(), ""),
        IpAddr::V6(ip) => (format!("[{ip}]"), ""),
    };
    let port = bound.port();
    let directory = printable(&share.directory.display().to_string());
    let (login, who) = match (&share.user, &share.password) {
        (None, _) => (
            String::new(),
            "anybody, as anonymous, without a password".to_owned(),
        ),
        (Some(user), Some(password)) if password.generated => (
            format!("{}@", percent_encoded(user)),
            format!(
                "{user}, with the password {} (not shown again)",
                String::from_utf8_lossy(password.reveal())
            ),
        ),
        (Some(user), _) => (
            format!("{}@", percent_encoded(user)),
            format!("{user}, with the password you gave"),
        ),
    };
    let writing = if share.write {
        "files may be changed"
    } else {
        "read-only"
    };
    let tls = match &share.fingerprint {
        Some(digits) => format!("TLS      AUTH TLS, certificate with the SHA-256 {digits}\n"),
        None => String::new(),
    };
    format!(
        "Sharing  {directory} ({writing})\n\
         URL      ftp://{login}{host}:{port}/{also}\n\
         Log in   {who}\n\
         {tls}\
         Stop     Ctrl-C\n"
    )
}

/// A name as it may stand in a URL (RFC 3986 section 2.1).
fn percent_encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(user: Option<&str>, password: Option<Password>) -> Share {
        Share {
            directory: "/srv/x".into(),
            write: false,
            user: user.map(str::to_owned),
            password,
            tls: false,
            fingerprint: None,
        }
    }

    #[test]
    fn made_up_passwords_are_16_plain_characters_and_differ() {
        let one = Password::given(Vec::new()).unwrap();
        let other = Password::given(b"\n".to_vec()).unwrap();
        assert!(one.is_generated() && one.reveal().len() == 16);
        let letters = b"abcdefghijkmnpqrstuvwxyz23456789";
        assert!(one.reveal().iter().all(|byte| letters.contains(byte)));
        assert_ne!(one.reveal(), other.reveal());
    }

    #[test]
    fn first_line_of_standard_input_is_the_password() {
        let password = Password::from_first_line(&mut &b"se cret\r\nrest\n"[..]).unwrap();
        assert_eq!(
            (password.reveal(), password.is_generated()),
            (&b"se cret"[..], false)
        );
        assert!(
            Password::from_first_line(&mut &b""[..])
                .unwrap()
                .is_generated()
        );
        assert!(
            Password::from_first_line(&mut &b"\nsecret\n"[..])
                .unwrap()
                .is_generated()
        );
    }

    #[test]
    fn password_does_not_print() {
        let shown = format!(
            "{:?}",
            share(
                Some("bob"),
                Some(Password::given(b"secret".to_vec()).unwrap())
            )
        );
        assert!(!shown.contains("secret"));
    }

    #[test]
    fn notice_says_where_who_what_and_how_to_stop() {
        assert_eq!(
            serving_notice(&share(None, None), "127.0.0.1:2121".parse().unwrap()),
            "Sharing  /srv/x (read-only)\n\
             URL      ftp://127.0.0.1:2121/\n\
             Log in   anybody, as anonymous, without a password\n\
             Stop     Ctrl-C\n"
        );
    }

    #[test]
    fn notice_shows_the_fingerprint_to_compare() {
        let bound = "127.0.0.1:2121".parse().unwrap();
        let mut share = share(None, None);
        assert!(share.make_certificate(&[]).unwrap().is_none());
        assert!(!serving_notice(&share, bound).contains("TLS"));
        share.tls = true;
        assert!(share.make_certificate(&[]).unwrap().is_some());
        let digits = share.fingerprint.clone().unwrap();
        assert_eq!(digits.len(), 32 * 3 - 1);
        assert!(serving_notice(&share, bound).contains(&digits));
    }

    #[test]
    fn notice_shows_a_made_up_password_and_no_other() {
        let bound = "[::1]:2121".parse().unwrap();
        let made_up = Password::given(Vec::new()).unwrap();
        let text = String::from_utf8(made_up.reveal().to_vec()).unwrap();
        let notice = serving_notice(&share(Some("bob b"), Some(made_up)), bound);
        assert!(notice.contains(&text) && notice.contains("ftp://bob%20b@[::1]:2121/"));
        let given = Password::given(b"secret".to_vec()).unwrap();
        assert!(!serving_notice(&share(Some("bob"), Some(given)), bound).contains("secret"));
    }

    #[test]
    fn notice_for_every_address_names_one_that_works() {
        let notice = serving_notice(&share(None, None), "0.0.0.0:2121".parse().unwrap());
        assert!(notice.contains("ftp://localhost:2121/ (and every other address of this machine)"));
    }

    #[test]
    fn names_of_anonymous_users_are_no_accounts() {
        assert!(may_be_a_user("bob") && may_be_a_user("\u{5f20}"));
        for name in ["", "ftp", "Anonymous", "a:b", "a/b", "a\nb"] {
            assert!(!may_be_a_user(name), "{name:?}");
        }
    }
}
