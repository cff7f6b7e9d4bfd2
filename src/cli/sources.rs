//! Where settings come from, in the order of the command line: as with
//! vsftpd, a file goes over the `-o` before it and under those behind it. And
//! their reading.
#![forbid(unsafe_code)]

use super::{Launch, Share, Start, bytes_of, flags, path_of};
use crate::config::{Accounts, Config, ConfigErrors, Finding, Origin, Problem, Reading, migrate};
use crate::server::Reread;
use std::path::{Path, PathBuf};

/// Read in this order when no file is named.
const USUAL_FILES: [&str; 3] = [
    "/etc/ironftpd.conf",
    "/etc/vsftpd.conf",
    // Red Hat's.
    "/etc/vsftpd/vsftpd.conf",
];

/// One source of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A configuration file.
    File(PathBuf),
    /// A setting `name=value` of `-o`.
    Setting(Vec<u8>),
}

impl Source {
    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            Source::File(path) => Some(path),
            Source::Setting(_) => None,
        }
    }

    /// Adds its settings to those read before.
    pub(super) fn read(&self, reading: &mut Reading) {
        match self {
            Source::File(path) => reading.file(path),
            Source::Setting(setting) => reading.setting(setting, &Origin::CommandLine),
        }
    }
}

impl Start {
    /// Reads the configuration that this names.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(self) -> Result<Launch, ConfigErrors> {
        self.load_among(&USUAL_FILES.map(Path::new))
    }

    pub(super) fn load_among(self, usual: &[&Path]) -> Result<Launch, ConfigErrors> {
        let (config, findings, share) = self.read(usual, Reading::new())?;
        Ok(Launch {
            config,
            findings,
            share,
            start: self,
        })
    }

    /// What is set, as a configuration file of ironftpd's own.
    pub(super) fn migrate(&self) -> Result<Vec<u8>, ConfigErrors> {
        let mut reading = Reading::new();
        if !self.sources.iter().any(|source| source.file().is_some()) {
            let [_, theirs, red_hats] = USUAL_FILES.map(Path::new);
            let there = [theirs, red_hats].into_iter().find(|path| is_there(path));
            reading.file(there.unwrap_or(theirs));
        }
        for source in &self.sources {
            source.read(&mut reading);
        }
        let (config, findings) = reading.unchecked()?;
        Ok(migrate::migrated(&config, &findings))
    }

    /// How a running server reads this again; `None` for `--serve`, which
    /// reads no file.
    pub(super) fn reread(self) -> Option<Reread> {
        if self.serve.is_some() {
            return None;
        }
        Some(Box::new(move |starter| {
            let usual = USUAL_FILES.map(Path::new);
            let (config, findings, _) = self.read(&usual, Reading::started_by(starter))?;
            Ok((config, findings))
        }))
    }

    fn read(
        &self,
        usual: &[&Path],
        mut reading: Reading,
    ) -> Result<(Config, Vec<Finding>, Option<Share>), ConfigErrors> {
        let mut share = None;
        let mut accounts = Accounts::Configured;
        if let Some(serve) = &self.serve {
            share = serve.settings(&mut reading);
            if serve.user.is_some() {
                accounts = Accounts::OneMore;
            }
        } else if !self.sources.iter().any(|source| source.file().is_some()) {
            match usual.iter().find(|path| is_there(path)) {
                Some(path) => reading.file(path),
                None => reading.error(Origin::Builtin, Problem::NoFile),
            }
        }
        for source in &self.sources {
            source.read(&mut reading);
        }
        let (config, findings) = reading.finish(accounts)?;
        Ok((config, findings, share))
    }
}

/// Whether something has this name. A link that leads nowhere was meant to lead
/// to a configuration, and is an error rather than none.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The files and settings among the arguments, in their order.
pub(super) fn of(asked: &getopts::Matches) -> Vec<Source> {
    let mut settings = asked.opt_strs_pos("option").into_iter().peekable();
    // getopts numbers all arguments and tells where options stood: files have
    // the places in between.
    let taken: Vec<usize> = flags::FLAGS
        .iter()
        .flat_map(|flag| asked.opt_positions(flag.long))
        .collect();
    let places = (0..).filter(|place| !taken.contains(place));
    let mut sources = Vec::new();
    for (file, place) in asked.free.iter().zip(places) {
        while let Some((_, setting)) = settings.next_if(|&(at, _)| at < place) {
            sources.push(Source::Setting(bytes_of(&setting)));
        }
        sources.push(Source::File(path_of(file)));
    }
    sources.extend(settings.map(|(_, setting)| Source::Setting(bytes_of(&setting))));
    if asked.opt_present("trace") {
        sources.push(Source::Setting(b"trace_connections=YES".to_vec()));
    }
    sources
}
