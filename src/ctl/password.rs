//! Getting a new password: asked for twice on a terminal without echo, or
//! the first line of standard input. Never from the command line, where
//! every user of the system could read it.
//!
//! Leaves to others: hashing it.
#![forbid(unsafe_code)]

use std::io::{self, BufRead, IsTerminal, Read};

use super::failure::Failure;
use crate::auth::{Method, Secret};
use crate::sys::crypt::PHRASE_MAX;

/// Gets a password for `name` that `method` can hash.
pub fn ask(name: &str, method: Method) -> Result<Secret, Failure> {
    let secret = if io::stdin().is_terminal() {
        let typed = |prompt: String| {
            let line = rpassword::prompt_password(prompt).map_err(Failure::PasswordInput)?;
            Ok(Secret::new(line.into_bytes()))
        };
        let first = typed(format!("New password for {}: ", name.escape_debug()))?;
        let again = typed("Once more: ".to_owned())?;
        if first.as_bytes() != again.as_bytes() {
            return Err(Failure::PasswordsDiffer);
        }
        first
    } else {
        first_line(&mut io::stdin().lock())?
    };
    check(&secret, method)?;
    Ok(secret)
}

/// The first line without its end, LF or CR LF.
fn first_line(input: &mut dyn BufRead) -> Result<Secret, Failure> {
    // One byte more than fits tells a long line from a full one; the buffer
    // has its size from the start, so that no copy is left behind.
    let limit = PHRASE_MAX + 3;
    let mut line = Vec::with_capacity(limit);
    let bound = u64::try_from(limit).unwrap_or(u64::MAX);
    input
        .take(bound)
        .read_until(b'\n', &mut line)
        .map_err(Failure::PasswordInput)?;
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    Ok(Secret::new(line))
}

fn check(secret: &Secret, method: Method) -> Result<(), Failure> {
    let bytes = secret.as_bytes();
    if bytes.is_empty() {
        return Err(Failure::EmptyPassword);
    }
    if bytes.len() > method.password_max() {
        return Err(Failure::PasswordTooLong(method));
    }
    if bytes.iter().any(|byte| b"\0\r\n".contains(byte)) {
        return Err(Failure::UnsendablePassword);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_without_its_end() {
        for input in [
            "pass word",
            "pass word\n",
            "pass word\r\n",
            "pass word\nmore\n",
        ] {
            let secret = first_line(&mut input.as_bytes()).ok().unwrap();
            assert_eq!(secret.as_bytes(), b"pass word", "{input:?}");
        }
    }

    #[test]
    fn empty_long_and_unsendable_passwords_are_refused() {
        let refused = |text: &[u8], method| {
            let secret = first_line(&mut &text[..]).ok().unwrap();
            check(&secret, method)
                .err()
                .map(|failure| failure.to_string())
        };
        assert!(refused(b"", Method::Yescrypt).unwrap().contains("empty"));
        assert!(refused(b"\nx", Method::Yescrypt).unwrap().contains("empty"));
        assert!(refused(b"a\rb\n", Method::Yescrypt).unwrap().contains("CR"));
        assert!(
            refused(b"a\0b\n", Method::Yescrypt)
                .unwrap()
                .contains("NUL")
        );
        let long = [b'a'; 2000];
        assert_eq!(refused(&long[..511], Method::Yescrypt), None);
        assert_eq!(
            refused(&[&long[..511], b"\r\n"].concat(), Method::Sha512),
            None
        );
        assert!(
            refused(&long[..512], Method::Sha512)
                .unwrap()
                .contains("511 bytes")
        );
        assert!(refused(&long, Method::Sha512).unwrap().contains("too long"));
        assert!(
            refused(&long[..73], Method::Bcrypt)
                .unwrap()
                .contains("72 bytes")
        );
        assert_eq!(refused(&long[..72], Method::Bcrypt), None);
    }
}
