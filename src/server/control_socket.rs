//! The Unix socket at which the administrator asks (control_socket): made
//! while the server still has its rights, its name taken away at the end.
//!
//! The file has mode 0600 from its first moment on, and belongs to who starts
//! the server. A name that a dead server has left is taken over, that of a
//! live one never.

use super::StartError;
use super::background::may_make;
use crate::config::{Config, Origin};
use crate::sys;
use crate::sys::file::{attributes_at, unlink_at};
use crate::sys::process::effective_user;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fmt;
use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Questions that may wait for the one before them.
const BACKLOG: i32 = 16;

/// The listening socket, and who may use it besides root.
#[derive(Debug)]
pub(super) struct ControlSocket {
    pub(super) listener: UnixListener,
    pub(super) owner: u32,
    pub(super) name: Name,
}

/// The socket's name in the file system; dropping it takes it away, where the
/// server still may.
#[derive(Debug)]
pub(super) struct Name {
    directory: File,
    name: Box<[u8]>,
    inode: u64,
}

/// Why there is no socket.
#[derive(Debug)]
pub enum SocketError {
    /// Another server listens there.
    Taken,
    /// What is there is no socket, and stays.
    NotASocket,
    /// No name for a socket, which has 107 bytes at most.
    NoName,
    /// The system said no.
    System(sys::Error),
}

impl From<sys::Error> for SocketError {
    fn from(error: sys::Error) -> SocketError {
        SocketError::System(error)
    }
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SocketError::Taken => {
                f.write_str("another server listens there: give each a control_socket of its own")
            }
            SocketError::NotASocket => f.write_str("there is something else of this name"),
            SocketError::NoName => f.write_str("no name for a socket, which has 107 bytes at most"),
            SocketError::System(error) => error.fmt(f),
        }
    }
}

/// Opens the socket that `config` names, if it names one. Where the default
/// cannot be had there is none, and the log says so.
///
/// # Errors
/// When one that was asked for cannot be had.
pub(super) fn open(config: &Config) -> Result<Option<ControlSocket>, StartError> {
    let Some(path) = config.control_socket() else {
        return Ok(None);
    };
    match bind(path) {
        Ok(socket) => Ok(Some(socket)),
        Err(error) if *config.origin("control_socket") != Origin::Builtin => {
            Err(StartError::Control(path.to_owned(), error))
        }
        Err(error) => {
            log::info!("ironftpctl cannot reach this server: control_socket {path:?}: {error}");
            Ok(None)
        }
    }
}

/// Whether the socket could be had, without making it. What listens there now
/// is not asked.
///
/// # Errors
/// When it was asked for and could not.
pub(super) fn rehearse(config: &Config) -> Result<(), StartError> {
    let asked = |_: &&Path| *config.origin("control_socket") != Origin::Builtin;
    let Some(path) = config.control_socket().filter(asked) else {
        return Ok(());
    };
    let could = match path.symlink_metadata() {
        Ok(about) if about.file_type().is_socket() => Ok(()),
        Ok(_) => Err(SocketError::NotASocket),
        Err(_) => SockAddr::unix(path)
            .map_err(|_| SocketError::NoName)
            .and_then(|_| may_be_made(path)),
    };
    could.map_err(|error| StartError::Control(path.to_owned(), error))
}

/// Whether a socket of this name, which is not there, could be made, with its
/// directory if need be.
fn may_be_made(path: &Path) -> Result<(), SocketError> {
    let there = |name: &&Path| name.as_os_str().is_empty() || name.exists();
    let name = match path.parent() {
        Some(parent) if !there(&parent) => parent,
        _ => path,
    };
    may_make(name).map_err(|error| sys::Error::from_io("bind", &error).into())
}

fn bind(path: &Path) -> Result<ControlSocket, SocketError> {
    let name = path.file_name().ok_or(SocketError::NoName)?.as_bytes();
    let address = SockAddr::unix(path).map_err(|_| SocketError::NoName)?;
    let parent = match path.parent() {
        None => return Err(SocketError::NoName),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    // What else may be wrong with it shows when it is opened.
    let _ = DirBuilder::new().mode(0o755).create(parent);
    let directory = File::open(parent).map_err(sys::Error::of("open"))?;
    let mut listener = listen(&address);
    if listener.as_ref().is_err_and(is_taken) {
        clear(path, &directory, name)?;
        listener = listen(&address);
    }
    let listener = match listener {
        Err(error) if is_taken(&error) => return Err(SocketError::Taken),
        listener => listener.map_err(|error| sys::Error::from_io("bind", &error))?,
    };
    let inode = attributes_at(directory.as_fd(), name)?.inode;
    let name = Name {
        directory,
        name: name.into(),
        inode,
    };
    Ok(ControlSocket {
        listener: UnixListener::from(OwnedFd::from(listener)),
        owner: effective_user(),
        name,
    })
}

fn is_taken(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrInUse
}

fn listen(address: &SockAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.cloexec(), None)?;
    // A bound socket's file has the mode the socket had; set later, there would
    // be a moment in which everybody could connect.
    let file = File::from(OwnedFd::from(socket));
    file.set_permissions(Permissions::from_mode(0o600))?;
    let socket = Socket::from(OwnedFd::from(file));
    socket.bind(address)?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// Takes away what is at `path` if it is the socket of a server that lives no
/// more.
fn clear(path: &Path, directory: &File, name: &[u8]) -> Result<(), SocketError> {
    if !attributes_at(directory.as_fd(), name)?.is_socket() {
        return Err(SocketError::NotASocket);
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Ok(unlink_at(directory.as_fd(), name)?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // It is alive, or nobody can tell.
        Ok(_) | Err(_) => Err(SocketError::Taken),
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let directory = self.directory.as_fd();
        if attributes_at(directory, &self.name).is_ok_and(|about| about.inode == self.inode) {
            // A server that has become nobody cannot, and the next one does it.
            let _ = unlink_at(directory, &self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileTypeExt;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Place(PathBuf);

    impl Place {
        fn new() -> Place {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("ironftpd-control-{}-{count}", std::process::id());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir(&path).unwrap();
            Place(path)
        }

        fn path(&self) -> PathBuf {
            self.0.join("run/control")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_socket_is_its_owner_s_alone_and_goes_with_it() {
        let place = Place::new();
        let socket = bind(&place.path()).unwrap();
        let about = std::fs::metadata(place.path()).unwrap();
        assert!(about.file_type().is_socket());
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
        assert_eq!(socket.owner, effective_user());
        UnixStream::connect(place.path()).unwrap();
        drop(socket);
        assert!(!place.path().exists());
    }

    #[test]
    fn that_of_a_live_server_is_let_be() {
        let place = Place::new();
        let _socket = bind(&place.path()).unwrap();
        assert!(matches!(bind(&place.path()), Err(SocketError::Taken)));
        UnixStream::connect(place.path()).unwrap();
    }

    #[test]
    fn that_of_a_dead_one_is_taken_over() {
        let place = Place::new();
        let dead = bind(&place.path()).unwrap();
        drop(dead.listener);
        std::mem::forget(dead.name);
        let _heir = bind(&place.path()).unwrap();
        UnixStream::connect(place.path()).unwrap();
    }

    #[test]
    fn a_server_takes_away_its_own_name_only() {
        let place = Place::new();
        let first = bind(&place.path()).unwrap();
        // As somebody does who thinks that it hangs.
        std::fs::remove_file(place.path()).unwrap();
        let second = bind(&place.path()).unwrap();
        drop(first);
        UnixStream::connect(place.path()).unwrap();
        drop(second);
        assert!(!place.path().exists());
    }

    #[test]
    fn what_is_no_socket_stays() {
        let place = Place::new();
        std::fs::create_dir(place.0.join("run")).unwrap();
        std::fs::write(place.path(), "mine").unwrap();
        assert!(matches!(bind(&place.path()), Err(SocketError::NotASocket)));
        assert_eq!(std::fs::read(place.path()).unwrap(), b"mine");
        let long = place.0.join("x".repeat(108));
        assert!(matches!(bind(&long), Err(SocketError::NoName)));
        assert!(matches!(bind(Path::new("/")), Err(SocketError::NoName)));
    }
}
