//! What all client tests need: a library to fetch from and a share to write to.

use std::path::{Path, PathBuf};

pub use crate::support::client::{Client, url};
use crate::support::server::{Launch, Server};
use crate::support::temp::TempDir;
use crate::support::tree;

/// Name of the user of [`share`].
pub const USER: &str = "me";
/// Password of the user of [`share`].
pub const PASSWORD: &str = "word-of-mine";

/// A read-only server with the odd tree and this project's sources in `tree`.
pub fn library() -> Server {
    library_of(Launch::new())
}

/// The same with `launch`, for other options.
pub fn library_of(launch: Launch) -> Server {
    let inner = TempDir::new();
    tree::odd_tree(&inner);
    tree::own_sources(&inner);
    std::fs::rename(inner.path(), launch.root().path().join("tree")).unwrap();
    launch.start()
}

/// A read-only server with the sparse file of two GiB, `large.bin`.
pub fn large() -> Server {
    let launch = Launch::new();
    tree::sparse_file(&launch.root().path().join("large.bin"));
    launch.start()
}

/// Where `library` keeps its tree.
pub fn shelf(server: &Server) -> PathBuf {
    server.root().path().join("tree")
}

/// A directory shared for writing, as `ironftpd --serve DIR --write --user me`
/// does it.
pub fn share() -> Server {
    // vsftpd, where it stands in, has no such accounts.
    if std::env::var_os("UNDER_TEST").is_some() {
        return Launch::new().writable().start();
    }
    let words = ["--address", "127.0.0.1", "--write", "--user", USER];
    Server::serve(TempDir::new(), &words, &format!("{PASSWORD}\n"))
}

/// The name to log in with at [`share`].
pub fn user() -> &'static str {
    if std::env::var_os("UNDER_TEST").is_some() {
        "anonymous"
    } else {
        USER
    }
}

/// Names of all files below a directory, as text with `/`.
pub fn files_below(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![root.to_path_buf()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.push(
                    path.strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        }
    }
    found.sort();
    found
}
