//! The first reply of a session (RFC 959 section 5.4): ftpd_banner,
//! banner_file.

use super::service::ServiceError;
use crate::config::Config;
use crate::protocol::{Code, Reply};
use crate::sys::regular::{is_null, open_regular};
use std::io::{self, Read};
use std::path::Path;

/// A banner is a screenful; of a file named by mistake no more than this
/// counts, as in vsftpd.
const LARGEST: u64 = 100_000;

/// The greeting that the configuration has, or names a file for.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn greeting(config: &Config) -> Result<Reply, ServiceError> {
    let file = match config.banner_file() {
        Some(path) => banner(path)?,
        None => Vec::new(),
    };
    // A file without a word is no banner, as in vsftpd.
    let from_file = !file.is_empty();
    let text = match config.ftpd_banner() {
        _ if from_file => file,
        b"" => b"ironftpd ready.".to_vec(),
        text => text.to_vec(),
    };
    let mut lines: Vec<Vec<u8>> = text
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
        .collect();
    while lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    // The end of a banner is a line of its own, as in vsftpd.
    let last = if from_file {
        Vec::new()
    } else {
        lines.pop().unwrap_or_default()
    };
    let greeting = Reply::new(Code::ServiceReady, last);
    Ok(lines.into_iter().fold(greeting, Reply::line))
}

/// The text of banner_file; /dev/null has none.
fn banner(path: &Path) -> Result<Vec<u8>, ServiceError> {
    match beginning(path) {
        Err(_) if is_null(path) => Ok(Vec::new()),
        text => text.map_err(|error| ServiceError::Banner(path.to_owned(), error)),
    }
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    open_regular(path)?.take(LARGEST).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn of_a_huge_banner_the_beginning_counts() {
        let name = format!("ironftpd-banner-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, "line\n".repeat(40_000)).unwrap();
        let config = Config::of_text(&format!("banner_file={}", path.display()));
        let greeting = greeting(&config);
        fs::remove_file(&path).unwrap();
        let mut wire = Vec::new();
        greeting.unwrap().encode(&mut wire);
        let lines = wire.split(|&byte| byte == b'\n').count();
        assert_eq!(lines, 20_000 + 2);
    }
}
