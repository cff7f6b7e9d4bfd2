//! Which files, read by whoever started the server, cannot be read again by
//! the one that it becomes (nopriv_user): what changes in them would not
//! count, and the file of a user in user_config_dir that cannot be read keeps
//! that user out.
#![forbid(unsafe_code)]

use crate::config::{Config, Finding, Note, Paper};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Files of user_config_dir that are tried; there may be one for each user.
pub(super) const TRIED: usize = 1000;

/// What is out of reach for the calling thread.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let accounts = config
        .virtual_users_file()
        .map(|path| ("virtual_users_file", path));
    let lists = config
        .login_lists()
        .filter_map(|list| Some((list.option, list.file?)));
    let files = accounts.into_iter().chain(lists);
    let mut found: Vec<Finding> = files
        .filter(|(_, path)| is_out_of_reach(path))
        .map(|(option, path)| Finding::of(config, option, Paper::ClosedLater(path.to_owned())))
        .collect();
    if let Some(note) = config.user_config_dir().and_then(of_directory) {
        found.push(Finding::of(config, "user_config_dir", note));
    }
    found
}

fn of_directory(directory: &Path) -> Option<Note> {
    // A name that nobody has: whether it is there can be told, or it cannot.
    if is_denied(fs::symlink_metadata(directory.join(" "))) {
        return Some(Note::Paper(Paper::ClosedDirectory(directory.to_owned())));
    }
    // One that may be entered and not listed is not looked through.
    let files = fs::read_dir(directory).ok()?;
    let files = files.take(TRIED).filter_map(Result::ok);
    let mut closed = files.filter(|file| is_out_of_reach(&file.path()));
    let first = closed.next()?.path();
    Some(Note::Paper(Paper::ClosedFiles(first, closed.count())))
}

fn is_out_of_reach(path: &Path) -> bool {
    match fs::metadata(path) {
        // Opening what is no file may wait for somebody.
        Ok(about) => about.is_file() && is_denied(File::open(path)),
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
    }
}

fn is_denied<T>(result: io::Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}
