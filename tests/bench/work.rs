//! How each case is carried out against a server, and against no server at all.
//! Sessions are opened and logged in before the clock starts and ended after
//! the last reading, except where logging in is the case.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use crate::accounts;
use crate::cases::{Case, Place, Sample, Sizes, Work, quantile};
use crate::client::{Failure, Mode, Outcome, Route, Session, at};
use crate::limits;
use crate::servers::Server;
use crate::tls;
use crate::trees::{self, Trees};

/// What a case needs beside the server.
pub struct Bench<'a> {
    /// Amounts.
    pub sizes: &'a Sizes,
    /// The files served.
    pub trees: &'a Trees,
    /// How passive data connections are asked for.
    pub passive: Mode,
}

impl Bench<'_> {
    fn root(&self, case: &Case) -> &Path {
        self.trees.root(case.place)
    }

    /// The bare loop of a case, if it has one.
    pub fn limit(&self, case: &Case) -> Option<Outcome<Sample>> {
        let Sizes {
            big, files, time, ..
        } = *self.sizes;
        Some(match case.work {
            Work::Download => limits::sendfile(&self.trees.big, big),
            Work::Upload => {
                self.with_upload_room(case, |target| limits::splice(&self.trees.big, target, big))
            }
            Work::Retrieve { sessions, .. } => limits::small(true, files, sessions),
            Work::Store { sessions, .. } => limits::small(false, files, sessions),
            Work::List { verb, which } => {
                limits::scan(&self.trees.listed(which), verb != "NLST", 3)
            }
            Work::Login { clients } => limits::login(time, clients),
            Work::Noop => limits::echo(time),
            Work::Mixed { .. } | Work::LoginTls { .. } => return None,
        })
    }

    /// Carries the case out against a server, from the address given.
    pub fn run(&self, case: &Case, server: &Server, from: Ipv4Addr) -> Outcome<Sample> {
        let route = Route {
            from,
            to: server.address,
            tls: case.place == Place::Tls,
        };
        let mode = |active| if active { Mode::Port } else { self.passive };
        let outcome = match case.work {
            Work::Download => self.download(server, route),
            Work::Upload => self.with_upload_room(case, |_| self.upload(server, route)),
            Work::Retrieve { sessions, active } => {
                self.small(server, route, sessions, |session, number| {
                    let got = session.retrieve(mode(active), &trees::small(number))?;
                    if got == 1024 {
                        Ok(())
                    } else {
                        Err(Failure::Amount("RETR", 1024, got))
                    }
                })
            }
            Work::Store { sessions, active } => {
                let bytes = [b'x'; 1024];
                self.small(server, route, sessions, |session, number| {
                    session.store(mode(active), &format!("upload/f{number:05}"), &bytes)
                })
            }
            Work::List { verb, which } => self.list(server, route, verb, which),
            Work::Login { clients } => {
                let who = match case.place {
                    Place::Users(_) => (accounts::NAME, accounts::PASSWORD),
                    Place::Memory | Place::Disk | Place::Tls => ("anonymous", "x"),
                };
                self.logins(server, route, clients, who)
            }
            Work::LoginTls { resumed } => self.logins_tls(server, route, resumed),
            Work::Noop => self.noop(server, route),
            Work::Mixed { sessions } => self.mixed(server, route, sessions),
        };
        let outcome = match case.work {
            Work::Store { sessions, .. } => outcome.and_then(|sample| {
                self.check_stored(self.sizes.files / sessions * sessions)
                    .map(|()| sample)
            }),
            _ => outcome,
        };
        trees::empty(&self.root(case).join("upload"));
        outcome
    }

    fn check_stored(&self, want: usize) -> Outcome<()> {
        let upload = self.trees.memory.join("upload");
        let entries = at("read upload", fs::read_dir(upload))?.flatten();
        let whole = entries
            .filter(|entry| entry.metadata().is_ok_and(|status| status.len() == 1024))
            .count();
        if whole == want {
            Ok(())
        } else {
            Err(Failure::Amount("files stored", want as u64, whole as u64))
        }
    }

    fn download(&self, server: &Server, route: Route) -> Outcome<Sample> {
        let mut session = Session::binary(route)?;
        let sample = metered(server, || {
            let got = session.retrieve(self.passive, "big")?;
            if got == self.sizes.big {
                Ok(got as f64)
            } else {
                Err(Failure::Amount("RETR", self.sizes.big, got))
            }
        })?;
        session.quit()?;
        Ok(sample)
    }

    fn upload(&self, server: &Server, route: Route) -> Outcome<Sample> {
        let source = at("open source", File::open(&self.trees.big))?;
        let mut session = Session::binary(route)?;
        let sample = metered(server, || {
            session.store_file(self.passive, "upload/big", &source, self.sizes.big)?;
            Ok(self.sizes.big as f64)
        })?;
        session.quit()?;
        Ok(sample)
    }

    /// Memory that lay free for a while costs a virtual machine a fault in its
    /// host per page: a file of the same size is written and removed first, so
    /// that every upload finds the same, warm, pages. Afterwards the upload's
    /// size is checked.
    fn with_upload_room(
        &self,
        case: &Case,
        upload: impl FnOnce(&Path) -> Outcome<Sample>,
    ) -> Outcome<Sample> {
        let room = self.root(case).join("upload");
        let (warm, target) = (room.join("warm"), room.join("big"));
        at(
            "warm the page cache",
            fs::copy(&self.trees.big, &warm).and_then(|_| fs::remove_file(&warm)),
        )?;
        let outcome = upload(&target).and_then(|sample| {
            let size = at("stat upload", fs::metadata(&target))?.len();
            if size == self.sizes.big {
                Ok(sample)
            } else {
                Err(Failure::Amount("STOR", self.sizes.big, size))
            }
        });
        trees::empty(&room);
        outcome
    }

    fn small(
        &self,
        server: &Server,
        route: Route,
        sessions: usize,
        transfer: impl Fn(&mut Session, usize) -> Outcome<()> + Sync,
    ) -> Outcome<Sample> {
        let each = self.sizes.files / sessions;
        together(server, route, sessions, |index, session| {
            for number in index * each..(index + 1) * each {
                transfer(session, number)?;
            }
            Ok(each as f64)
        })
    }

    fn list(&self, server: &Server, route: Route, verb: &str, which: usize) -> Outcome<Sample> {
        let mut session = Session::binary(route)?;
        session.expect(&format!("CWD /{}", trees::LISTED[which]), 250)?;
        let want = self.sizes.entries[which];
        let mut buffer = vec![0; 256 << 10];
        let mut firsts = Vec::new();
        let mut sample = metered(server, || {
            for _ in 0..3 {
                let (lines, first) = listing(&mut session, self.passive, verb, &mut buffer)?;
                // A total line and the directory and its parent may be there.
                if !(want..=want + 3).contains(&lines) {
                    return Err(Failure::Amount("lines listed", want as u64, lines as u64));
                }
                firsts.push(first);
            }
            Ok(3.0 * want as f64)
        })?;
        session.quit()?;
        sample.first_byte = Some(quantile(&mut firsts, 0.5));
        Ok(sample)
    }

    fn logins(
        &self,
        server: &Server,
        route: Route,
        clients: usize,
        (name, password): (&str, &str),
    ) -> Outcome<Sample> {
        metered(server, || {
            let end = Instant::now() + self.sizes.time;
            spread(&mut vec![(); clients], |_, ()| {
                let mut done = 0.0;
                while Instant::now() < end {
                    Session::login_as(route, name, password)?.quit()?;
                    done += 1.0;
                }
                Ok(done)
            })
        })
    }

    fn logins_tls(&self, server: &Server, route: Route, resumed: bool) -> Outcome<Sample> {
        let config = tls::config(resumed);
        // The first one has nothing to resume.
        Session::login_by(route, &config, "anonymous", "x")?.quit()?;
        metered(server, || {
            let end = Instant::now() + self.sizes.time;
            let mut done = 0.0;
            while Instant::now() < end {
                Session::login_by(route, &config, "anonymous", "x")?.quit()?;
                done += 1.0;
            }
            Ok(done)
        })
    }

    fn noop(&self, server: &Server, route: Route) -> Outcome<Sample> {
        let end = Instant::now() + self.sizes.time;
        together(server, route, 1, |_, session| {
            let mut done = 0.0;
            while Instant::now() < end {
                session.expect("NOOP", 200)?;
                done += 1.0;
            }
            Ok(done)
        })
    }

    /// Half RETR, a fifth STOR, a tenth LIST of 20 entries, a fifth NOOP, in an
    /// order that is the same for every server.
    fn mixed(&self, server: &Server, route: Route, sessions: usize) -> Outcome<Sample> {
        let times = Mutex::new(Vec::new());
        let (bytes, time) = ([b'x'; 1024], self.sizes.time);
        let mut sample = together(server, route, sessions, |index, session| {
            let end = Instant::now() + time;
            let (mut own, mut buffer) = (Vec::new(), vec![0; 8 << 10]);
            let mut dice = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(index as u64 + 1);
            while Instant::now() < end {
                dice = dice
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let (roll, number) = ((dice >> 33) % 10, (dice >> 40) as usize % self.sizes.files);
                let start = Instant::now();
                match roll {
                    0..=4 => session
                        .retrieve(self.passive, &trees::small(number))
                        .map(drop)?,
                    5..=6 => session.store(
                        self.passive,
                        &format!("upload/m{index}-{}", own.len()),
                        &bytes,
                    )?,
                    7 => listing(
                        session,
                        self.passive,
                        &format!("LIST /{}", trees::FEW),
                        &mut buffer,
                    )
                    .map(drop)?,
                    _ => session.expect("NOOP", 200)?,
                }
                own.push(start.elapsed().as_secs_f64());
            }
            let done = own.len() as f64;
            times.lock().expect("no client panicked").append(&mut own);
            Ok(done)
        })?;
        sample.p99 = Some(quantile(
            &mut times.into_inner().expect("no client panicked"),
            0.99,
        ));
        Ok(sample)
    }
}

/// One listing: its lines, and the seconds from the command to the first byte.
fn listing(
    session: &mut Session,
    mode: Mode,
    command: &str,
    buffer: &mut [u8],
) -> Outcome<(usize, f64)> {
    use std::io::Read;
    // The passive exchange before the command costs some tens of microseconds
    // and is counted: a client waits for it too.
    let start = Instant::now();
    let mut data = session.begin(mode, command)?;
    let (mut lines, mut first) = (0, None);
    loop {
        let got = at("receive listing", data.read(buffer))?;
        if got == 0 {
            break;
        }
        first.get_or_insert_with(|| start.elapsed().as_secs_f64());
        lines += buffer[..got].iter().filter(|byte| **byte == b'\n').count();
    }
    drop(data);
    session.finish(command)?;
    Ok((
        lines,
        first.unwrap_or_else(|| start.elapsed().as_secs_f64()),
    ))
}

/// Clocks `work`, which returns the units it did, and meters the server.
fn metered(server: &Server, work: impl FnOnce() -> Outcome<f64>) -> Outcome<Sample> {
    let before = server.meter.settled();
    let start = Instant::now();
    let units = work()?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Sample {
        units,
        seconds,
        cpu: server.meter.settled() - before,
        ..Sample::default()
    })
}

/// Logs `sessions` in, then has each do `work` in a thread of its own.
fn together(
    server: &Server,
    route: Route,
    sessions: usize,
    work: impl Fn(usize, &mut Session) -> Outcome<f64> + Sync,
) -> Outcome<Sample> {
    let mut open = (0..sessions)
        .map(|_| Session::binary(route))
        .collect::<Outcome<Vec<_>>>()?;
    let sample = metered(server, || spread(&mut open, &work))?;
    open.into_iter().try_for_each(Session::quit)?;
    Ok(sample)
}

fn spread<T: Send>(
    items: &mut [T],
    work: impl Fn(usize, &mut T) -> Outcome<f64> + Sync,
) -> Outcome<f64> {
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> = items
            .iter_mut()
            .enumerate()
            .map(|(index, item)| scope.spawn(move || work(index, item)))
            .collect();
        let done: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().expect("client thread"))
            .collect();
        done.into_iter().sum()
    })
}
