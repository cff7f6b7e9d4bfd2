//! LIST, NLST and STAT of a pathname (RFC 959 section 4.1.3), with the flags
//! of ls that clients send. The listing itself is made in `listing`.

use super::expand::{TooLong, Wildcard};
use super::listing::{Listing, Target};
use super::{Failure, Session};
use crate::data::Interruption;
use crate::protocol::ladder::Side;
use crate::protocol::listing::{ListOptions, parse_list_argument};
use crate::protocol::pattern::has_wildcard;
use crate::protocol::{Code, Reply};
use std::sync::Arc;

type Answer = Result<Reply, Failure>;

/// Bytes that STAT may put on the control connection.
const STAT_LIMIT: usize = 1 << 20;

/// Who asks for a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    List,
    Nlst,
    Stat,
}

impl Session {
    /// `LIST [ <SP> pathname ]`.
    pub(super) fn list(&mut self, argument: &[u8]) -> Answer {
        self.send_listing(argument, Form::List)
    }

    /// `NLST [ <SP> pathname ]`; with -l it is a LIST, as with ls.
    pub(super) fn nlst(&mut self, argument: &[u8]) -> Answer {
        self.send_listing(argument, Form::Nlst)
    }

    fn send_listing(&mut self, argument: &[u8], form: Form) -> Answer {
        let (mut listing, target, pathname) = self.prepare_listing(argument, form)?;
        let login = self.share_login()?;
        let voice = self.voice;
        let buffers = self.service.buffers.clone();
        let coding = self.coding(true);
        let opening = self.listing_opening();
        let mut whole = true;
        self.transfer(Side::Server, &pathname, &opening, |transfer| {
            let mut lines = transfer.lines(&coding);
            let mut send = |out: &mut Vec<u8>| {
                let result = lines.send(&voice.lines(out));
                out.clear();
                result
            };
            let mut buffer = buffers.take();
            whole = listing.run(&login, target, &pathname, &mut buffer, &mut send)?;
            lines.end()
        })?;
        if whole {
            Ok(Reply::new(Code::ClosingData, "Directory send OK."))
        } else {
            Err(Failure::refused(
                Code::LocalError,
                "Too much to look through: the listing is not whole.",
            ))
        }
    }

    /// `STAT <SP> pathname`: a listing over the control connection.
    pub(super) fn stat_listing(&mut self, argument: &[u8]) -> Answer {
        if !self.config.dirlist_enable() {
            return Err(Failure::Forbidden("dirlist_enable"));
        }
        let (mut listing, target, pathname) = self.prepare_listing(argument, Form::Stat)?;
        let is_directory = matches!(target, Target::Directory(..));
        let mut text = Vec::new();
        let mut keep = |out: &mut Vec<u8>| {
            text.append(out);
            if text.len() > STAT_LIMIT {
                return Err(Interruption::Aborted);
            }
            Ok(())
        };
        let buffers = self.service.buffers.clone();
        let result = listing.run(
            self.login()?,
            target,
            &pathname,
            &mut buffers.take(),
            &mut keep,
        );
        let code = if is_directory {
            Code::DirectoryStatus
        } else {
            Code::FileStatus
        };
        let last = match result {
            Ok(true) => "End of status",
            Ok(false) => "End of status: too much to look through, not whole",
            Err(Interruption::Aborted) => "End of status: too long to be shown whole, use LIST",
            Err(why) => return Err(Failure::Transfer(why)),
        };
        let reply = Reply::new(code, last).line("Status follows:");
        Ok(text
            .split(|&byte| byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty())
            .fold(reply, |reply, line| reply.indented(line.to_vec())))
    }

    /// Works out what is to be listed; refuses what is not there before a
    /// data connection is opened.
    fn prepare_listing(
        &self,
        argument: &[u8],
        form: Form,
    ) -> Result<(Listing, Target, Vec<u8>), Failure> {
        let (mut options, pathname) = parse_list_argument(argument);
        options.recursive &= self.config.ls_recurse_enable();
        options.almost_all |= self.config.force_dot_files();
        // As vsftpd has it.
        options.all |= form == Form::Stat;
        let service = Arc::clone(&self.service);
        let target = self.find_target(&options, pathname)?;
        let listing = Listing::new(
            service,
            Arc::clone(&self.config),
            options,
            form != Form::Nlst,
        );
        // `LIST -d` shows the working directory under the name ls gives it.
        let name = if pathname.is_empty() { b"." } else { pathname };
        Ok((listing, target, name.to_vec()))
    }

    fn find_target(&self, options: &ListOptions, pathname: &[u8]) -> Result<Target, Failure> {
        let login = self.login()?;
        let path = self.path(pathname)?;
        let attributes = match login.attributes(&path) {
            Ok(attributes) => attributes,
            Err(_) if has_wildcard(pathname) => return self.find_matches(options, pathname),
            Err(error) => return Err(error.into()),
        };
        if attributes.is_directory() && !options.directory_itself {
            let directory = login.open_directory(&path)?;
            return Ok(Target::Directory(path, directory));
        }
        if path
            .file_name()
            .is_some_and(|name| login.filters.hides(name))
        {
            return Ok(Target::Nothing);
        }
        Ok(Target::One(attributes))
    }

    fn find_matches(&self, options: &ListOptions, pathname: &[u8]) -> Result<Target, Failure> {
        let login = self.login()?;
        login.may_say(pathname)?;
        let dots = options.all || options.almost_all;
        // The tilde, if there is one, is the first part.
        let slash = pathname.iter().position(|&byte| byte == b'/');
        let (head, rest) = pathname.split_at(slash.unwrap_or(pathname.len()));
        let absolute;
        let pathname = if head.starts_with(b"~") && slash.is_some() {
            absolute = [self.path(head)?.as_bytes(), rest].concat();
            &absolute
        } else {
            pathname
        };
        let wildcard = Wildcard::new(&login.cwd, pathname, dots).map_err(|TooLong| {
            Failure::refused(Code::FileUnavailable, "Wildcard pathname too long.")
        })?;
        // That a pattern matches nothing is no error; that there is no such
        // directory is one.
        if let Some(directory) = wildcard.only_directory() {
            login.open_directory(&directory)?;
        }
        Ok(Target::Matches(Box::new(wildcard)))
    }
}
