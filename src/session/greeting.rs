//! The first reply of a session (RFC 959 section 5.4): ftpd_banner,
//! banner_file.

use super::service::ServiceError;
use crate::config::Config;
use crate::protocol::{Code, Reply};
use crate::sys::regular::{is_null, read_regular};
use std::path::Path;

/// A banner is a screenful; a file named by mistake shall not fill memory.
const LARGEST: u64 = 64 * 1024;

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
    match read_regular(path, LARGEST) {
        Err(_) if is_null(path) => Ok(Vec::new()),
        text => text.map_err(|error| ServiceError::Banner(path.to_owned(), error)),
    }
}
