//! PWD, CWD and CDUP (RFC 959 sections 4.1.1 and 4.1.3, appendix II).
//!
//! The working directory is text; each command resolves it anew beneath the
//! root, so that a directory moved away by somebody else leads nowhere.

use super::{Failure, Session};
use crate::protocol::{Code, Reply, Text};
use std::sync::Arc;

impl Session {
    /// `PWD`.
    pub(super) fn pwd(&self) -> Result<Reply, Failure> {
        let path = self.login()?.cwd.quoted();
        let text = Text::filled("{} is the current directory", &[&path]);
        Ok(Reply::new(Code::PathnameCreated, text))
    }

    /// `CWD <SP> pathname`, and `CDUP`.
    pub(super) fn cwd(&mut self, pathname: &[u8]) -> Result<Reply, Failure> {
        let target = self.path(pathname)?;
        self.login()?.root.enter(&target)?;
        self.login_mut()?.cwd = target;
        Ok(self.shown_around(Reply::new(
            Code::FileActionOk,
            "Directory successfully changed.",
        )))
    }

    /// The reply that brings a user to a directory, with its message.
    pub(super) fn shown_around(&mut self, reply: Reply) -> Reply {
        let config = Arc::clone(&self.config);
        match self.login_mut() {
            Ok(login) => login.with_message(&config, reply),
            Err(_) => reply,
        }
    }
}
