//! TLS as the server starts with it, and the thread that sees to it that
//! certificates are those that lie on the disk (`tls::keeper`).

use super::StartError;
use super::narrow::Walls;
use crate::config::Config;
use crate::session::Service;
use crate::sys;
use crate::sys::clock::now;
use crate::sys::seccomp::Kind;
use crate::tls::{SelfSigned, Settings, Source, Tls};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two looks at the files.
const LOOK: Duration = Duration::from_secs(10);

/// Time after which what is to be remarked of a certificate is said again.
const REMIND: Duration = Duration::from_secs(24 * 3600);

/// Lets clients use TLS, where that is wanted: before the first thread is
/// born, while all rights are there. `own` is a certificate of the server's
/// own making.
///
/// # Errors
/// When there is no certificate to be used, or nothing else to agree on.
pub(super) fn offer(service: &mut Service, own: Option<SelfSigned>) -> Result<(), StartError> {
    let Some(settings) = Settings::of(service.config()) else {
        return Ok(());
    };
    let tls = match own {
        Some(own) => Tls::self_signed(settings, own).map_err(StartError::Tls)?,
        None => {
            let source = Source::start(&settings)?;
            let tls = Tls::new(settings, source).map_err(StartError::Tls)?;
            remark(&tls);
            tls
        }
    };
    warn(service.config());
    service.offer_tls(Arc::new(tls));
    Ok(())
}

/// Says what works otherwise than somebody might believe.
fn warn(config: &Config) {
    if config.implicit_ssl() && config.listen_port() == 21 {
        log::warn!(
            "implicit_ssl: every connection begins with TLS, which clients expect on port 990 \
             and not on listen_port=21"
        );
    }
}

fn remark(tls: &Tls) {
    for remark in tls.credentials().remarks(now().0) {
        log::warn!("{remark}");
    }
}

/// Logs the end of the process that reads certificates, if it has ended.
pub(super) fn tell_end(service: &Service) {
    let ended = service.tls().and_then(|tls| tls.keeper_ended());
    if let Some(ended) = ended {
        log::error!(
            "the process that reads certificates and keys has ended ({ended:?}): \
             they stay as they are until the server is started again"
        );
    }
}

/// What the thread is told.
enum Word {
    /// Look now.
    Look,
    /// This is the one that counts from now on.
    Use(Arc<Tls>),
}

/// The thread, seen from the main thread.
#[derive(Debug)]
pub(super) struct Watcher(Option<Sender<Word>>);

impl Watcher {
    /// Starts the thread, where there is TLS.
    ///
    /// # Errors
    /// When it cannot be born.
    pub(super) fn start(service: &Service, walls: &Arc<Walls>) -> Result<Watcher, sys::Error> {
        let Some(tls) = service.tls().map(Arc::clone) else {
            return Ok(Watcher(None));
        };
        let (sender, words) = unbounded();
        let walls = Arc::clone(walls);
        std::thread::Builder::new()
            .name("certificates".to_owned())
            .spawn(move || {
                if let Err(error) = walls.enclose(Kind::Login) {
                    return log::error!("certificates that change are not seen: {error}");
                }
                drop(walls);
                watch(tls, &words);
            })
            .map_err(|error| sys::Error::from_io("clone", &error))?;
        Ok(Watcher(Some(sender)))
    }

    /// Has the files looked at now.
    pub(super) fn look(&self) {
        self.say(Word::Look);
    }

    /// Has the certificates of another configuration seen to.
    pub(super) fn renew(&self, service: &Service) {
        if let Some(tls) = service.tls() {
            self.say(Word::Use(Arc::clone(tls)));
        }
    }

    fn say(&self, word: Word) {
        if let Some(sender) = &self.0 {
            // Nobody listens where the walls could not be raised.
            let _ = sender.send(word);
        }
    }
}

/// The life of the thread, which ends with the main thread.
fn watch(mut tls: Arc<Tls>, words: &Receiver<Word>) {
    let mut reminded = Instant::now();
    // The same trouble is told once.
    let mut told = None;
    loop {
        match words.recv_timeout(LOOK) {
            Ok(Word::Use(another)) => tls = another,
            Ok(Word::Look) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        match tls.look() {
            Ok(true) => {
                told = None;
                log::info!("certificates read again");
                for line in tls.credentials().summary() {
                    log::info!("{line}");
                }
                remark(&tls);
                reminded = Instant::now();
            }
            Ok(false) => {}
            Err(error) if told.as_ref() != Some(&error) => {
                log::error!("{error}; the certificates of before stay");
                told = Some(error);
            }
            Err(_) => {}
        }
        if reminded.elapsed() >= REMIND {
            reminded = Instant::now();
            remark(&tls);
        }
    }
}
