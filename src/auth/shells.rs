//! Whether a user's shell lets him log in (check_shell, shells(5)).
//!
//! Only for where passwords are checked without PAM; with it, pam_shells does
//! this. An account is often closed by giving it a shell that is none.
#![forbid(unsafe_code)]

use std::fs;
use std::io;

/// The file of shells that count.
pub const SHELLS: &str = "/etc/shells";

/// What an empty shell field means (passwd(5)).
const DEFAULT: &[u8] = b"/bin/sh";

/// What counts where there is no file (getusershell(3)).
const WITHOUT_FILE: &[u8] = b"/bin/sh\n/bin/csh\n";

/// Whether the system counts this shell among those of people.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn counts(shell: &[u8]) -> io::Result<bool> {
    match fs::read(SHELLS) {
        Ok(text) => Ok(is_in(&text, shell)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(is_in(WITHOUT_FILE, shell)),
        Err(error) => Err(error),
    }
}

/// Lines begin at their first slash and end at a blank or `#`.
fn is_in(text: &[u8], shell: &[u8]) -> bool {
    let shell = if shell.is_empty() { DEFAULT } else { shell };
    text.split(|&byte| byte == b'\n').any(|line| {
        let code = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let word = code
            .split(u8::is_ascii_whitespace)
            .find(|word| !word.is_empty());
        word.is_some_and(|word| word.starts_with(b"/") && word == shell)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_counts_when_a_line_names_it() {
        let text =
            b"# shells\n/bin/sh\n  /bin/bash # the usual\n/usr/bin/fish\r\n#/bin/zsh\nrbash\n";
        for shell in [&b"/bin/sh"[..], b"/bin/bash", b"/usr/bin/fish", b""] {
            assert!(is_in(text, shell), "{}", shell.escape_ascii());
        }
        for shell in [
            &b"/bin/zsh"[..],
            b"rbash",
            b"/bin",
            b"/usr/sbin/nologin",
            b"#",
        ] {
            assert!(!is_in(text, shell), "{}", shell.escape_ascii());
        }
        assert!(!is_in(b"", b""));
        assert!(is_in(WITHOUT_FILE, b"/bin/csh"));
    }

    #[test]
    fn a_shell_that_is_none_does_not_count() {
        assert!(!counts(b"/no/such/shell").unwrap());
    }
}
