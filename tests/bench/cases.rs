//! What is measured: the table of cases, their units and this run's amounts.
//! How each is carried out is left to `work`.

use std::time::Duration;

/// One measurement.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sample {
    /// Work done: bytes, entries or operations.
    pub units: f64,
    /// Wall-clock time.
    pub seconds: f64,
    /// CPU time of the server's processes, in seconds.
    pub cpu: f64,
    /// Seconds from the command to the first byte of data, where measured.
    pub first_byte: Option<f64>,
    /// 99th percentile of an operation's time in seconds, where measured.
    pub p99: Option<f64>,
}

/// What a unit is, and so how the report prints a rate and a cost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Rate in GB/s, cost in CPU s per GB (10^9 bytes).
    Bytes,
    /// Rate per second, cost in CPU s per 100,000.
    Entries,
    /// Rate per second, cost in CPU s per 1,000.
    Operations,
}

/// Amounts of work: `full` as the report is meant to be read, `quick` for a
/// look at it while something else uses the machine.
pub struct Sizes {
    /// Bytes of the big file.
    pub big: u64,
    /// Files of 1 KiB.
    pub files: usize,
    /// Entries of the two directories to list.
    pub entries: [usize; 2],
    /// How long a case goes on that has no fixed amount.
    pub time: Duration,
    /// Idle sessions held.
    pub idle: [usize; 2],
}

/// The full sizes.
pub const FULL: Sizes = Sizes {
    big: 1 << 30,
    files: 5_000,
    entries: [10_000, 100_000],
    time: Duration::from_millis(1_500),
    idle: [1_000, 10_000],
};

/// The quick ones.
pub const QUICK: Sizes = Sizes {
    big: 128 << 20,
    files: 500,
    entries: [1_000, 10_000],
    time: Duration::from_millis(300),
    idle: [100, 1_000],
};

/// How a case is carried out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// RETR of the big file.
    Download,
    /// STOR of the big file.
    Upload,
    /// RETR of the small files, shared among sessions.
    Retrieve { sessions: usize, active: bool },
    /// STOR of the small files, shared among sessions.
    Store { sessions: usize, active: bool },
    /// A listing by this verb of the smaller (0) or larger (1) directory.
    List { verb: &'static str, which: usize },
    /// Connect, log in, QUIT, by so many clients at once; as users of the
    /// system where the case's servers have some, else as anonymous.
    Login { clients: usize },
    /// The same under TLS, by one client: resuming its session, or not.
    LoginTls { resumed: bool },
    /// NOOP over one session.
    Noop,
    /// RETR, STOR, LIST and NOOP by so many sessions at once.
    Mixed { sessions: usize },
}

/// What the servers of a case serve, and to whom.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A tree in memory (tmpfs), to anonymous users.
    Memory,
    /// One on the disk, to anonymous users.
    Disk,
    /// The one in memory, to a user of the system whom PAM lets in so.
    Users(Check),
    /// The one in memory, to anonymous users under TLS.
    Tls,
}

/// How PAM checks a user of the system.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// pam_permit, which costs nothing but its loading: what is left is the
    /// server's own.
    Permit,
    /// pam_unix with a cheap hash.
    Unix,
}

/// Every place, in the order in which they get their turn.
pub const PLACES: [Place; 5] = [
    Place::Memory,
    Place::Disk,
    Place::Users(Check::Permit),
    Place::Users(Check::Unix),
    Place::Tls,
];

/// A row of the report.
pub struct Case {
    /// Its name on the command line.
    pub name: &'static str,
    /// What a unit of it is.
    pub unit: Unit,
    /// What its servers serve.
    pub place: Place,
    /// How it is done.
    pub work: Work,
}

const fn case(name: &'static str, unit: Unit, work: Work) -> Case {
    Case {
        name,
        unit,
        place: Place::Memory,
        work,
    }
}

/// Every case with a rate, in the report's order.
pub const CASES: &[Case] = &[
    case("download", Unit::Bytes, Work::Download),
    case("upload-tmpfs", Unit::Bytes, Work::Upload),
    Case {
        name: "upload-disk",
        unit: Unit::Bytes,
        place: Place::Disk,
        work: Work::Upload,
    },
    case(
        "retr-small",
        Unit::Operations,
        Work::Retrieve {
            sessions: 1,
            active: false,
        },
    ),
    case(
        "stor-small",
        Unit::Operations,
        Work::Store {
            sessions: 1,
            active: false,
        },
    ),
    case(
        "retr-small-active",
        Unit::Operations,
        Work::Retrieve {
            sessions: 1,
            active: true,
        },
    ),
    case(
        "stor-small-active",
        Unit::Operations,
        Work::Store {
            sessions: 1,
            active: true,
        },
    ),
    case(
        "retr-small-8",
        Unit::Operations,
        Work::Retrieve {
            sessions: 8,
            active: false,
        },
    ),
    case(
        "stor-small-8",
        Unit::Operations,
        Work::Store {
            sessions: 8,
            active: false,
        },
    ),
    case(
        "list-10k",
        Unit::Entries,
        Work::List {
            verb: "LIST",
            which: 0,
        },
    ),
    case(
        "list-100k",
        Unit::Entries,
        Work::List {
            verb: "LIST",
            which: 1,
        },
    ),
    case(
        "mlsd-100k",
        Unit::Entries,
        Work::List {
            verb: "MLSD",
            which: 1,
        },
    ),
    case(
        "nlst-100k",
        Unit::Entries,
        Work::List {
            verb: "NLST",
            which: 1,
        },
    ),
    case("login-1", Unit::Operations, Work::Login { clients: 1 }),
    case("login-8", Unit::Operations, Work::Login { clients: 8 }),
    Case {
        name: "login-local",
        unit: Unit::Operations,
        place: Place::Users(Check::Permit),
        work: Work::Login { clients: 1 },
    },
    Case {
        name: "login-local-unix",
        unit: Unit::Operations,
        place: Place::Users(Check::Unix),
        work: Work::Login { clients: 1 },
    },
    Case {
        name: "download-tls",
        unit: Unit::Bytes,
        place: Place::Tls,
        work: Work::Download,
    },
    Case {
        name: "upload-tls",
        unit: Unit::Bytes,
        place: Place::Tls,
        work: Work::Upload,
    },
    Case {
        name: "retr-small-tls",
        unit: Unit::Operations,
        place: Place::Tls,
        work: Work::Retrieve {
            sessions: 1,
            active: false,
        },
    },
    Case {
        name: "login-tls-full",
        unit: Unit::Operations,
        place: Place::Tls,
        work: Work::LoginTls { resumed: false },
    },
    Case {
        name: "login-tls-resumed",
        unit: Unit::Operations,
        place: Place::Tls,
        work: Work::LoginTls { resumed: true },
    },
    case("noop", Unit::Operations, Work::Noop),
    case("mixed-50", Unit::Operations, Work::Mixed { sessions: 50 }),
];

impl Case {
    /// What the case comes to in words, with this run's amounts.
    pub fn describe(&self, sizes: &Sizes) -> String {
        let Sizes {
            big,
            files,
            entries,
            time,
            ..
        } = sizes;
        let seconds = time.as_secs_f64();
        match self.work {
            Work::Download | Work::Upload => format!("{}, {} MiB", self.name, big >> 20),
            Work::Retrieve { .. } | Work::Store { .. } => format!("{}, {files} x 1 KiB", self.name),
            Work::List { which, .. } => format!("{}, {} entries", self.name, entries[which]),
            _ => format!("{}, {seconds} s", self.name),
        }
    }
}

/// The value below which `part` of the values lie; 0 for none.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 * part) as usize).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(0.0)
}
