//! Says at the start which files, read by whoever started the server, cannot
//! be read again by the one that it has become (nopriv_user): what changes in
//! them would not count, and the file of a user in user_config_dir that cannot
//! be read keeps that user out.
#![forbid(unsafe_code)]

use crate::config::Config;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Files of user_config_dir that are tried; there may be one for each user.
const TRIED: usize = 1000;

/// Logs what is out of reach now.
pub(super) fn warn(config: &Config) {
    let accounts = config
        .virtual_users_file()
        .map(|path| ("virtual_users_file", path));
    let lists = config
        .login_lists()
        .filter_map(|list| Some((list.option, list.file?)));
    for (option, path) in accounts.into_iter().chain(lists) {
        if is_out_of_reach(path) {
            log::warn!(
                "{option} {path:?} cannot be read any more by who the server is now \
                 (nopriv_user): changes count after a restart only"
            );
        }
    }
    if let Some(directory) = config.user_config_dir() {
        warn_of_directory(directory);
    }
}

fn warn_of_directory(directory: &Path) {
    // A name that nobody has: whether it is there can be told, or it cannot.
    if is_denied(fs::symlink_metadata(directory.join(" "))) {
        log::warn!(
            "user_config_dir {directory:?} cannot be entered by who the server is now \
             (nopriv_user): nobody can log in"
        );
        return;
    }
    // One that may be entered and not listed is not looked through.
    let Ok(files) = fs::read_dir(directory) else {
        return;
    };
    let files = files.take(TRIED).filter_map(Result::ok);
    let mut closed = files.filter(|file| is_out_of_reach(&file.path()));
    if let Some(first) = closed.next() {
        let more = closed.count();
        log::warn!(
            "user_config_dir: {:?} and {more} others cannot be read by who the server is now \
             (nopriv_user): these users cannot log in",
            first.path()
        );
    }
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
