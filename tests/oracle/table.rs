//! `options.txt`, read. Its own head says how a dialogue is written.

use std::path::PathBuf;

/// A file or a directory that is there before the dialogue.
#[derive(Clone, Debug)]
pub struct Placed {
    /// As the dialogue names it; a directory's ends in a slash.
    pub path: String,
    /// Octal, where not 644 or 755.
    pub mode: Option<u32>,
    /// Of the cast, where not root.
    pub owner: Option<String>,
    pub content: String,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Visit {
    /// `connect`, or a name that logs in.
    pub who: String,
    /// The password, where not the usual one.
    pub password: Option<String>,
    /// The address to connect to, where not the usual one.
    pub at: Option<String>,
    /// Earlier connections stay.
    pub also: bool,
    /// When TLS begins, before anybody logs in.
    pub seal: Seal,
    pub steps: Vec<String>,
}

/// When TLS begins on a control connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Not before a step says so.
    Later,
    /// After the greeting, and data connections are under it too.
    Explicit,
    /// Before the greeting.
    Implicit,
}

/// What is tried of one option.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    /// The whole heading.
    pub title: String,
    /// The option, where the heading begins with one and not with a bracket.
    pub option: Option<String>,
    /// Lines of the configuration file, beside those of all.
    pub settings: Vec<String>,
    /// What takes the place of the option, to see what else would happen.
    pub otherwise: Vec<String>,
    pub placed: Vec<Placed>,
    pub visits: Vec<Visit>,
}

impl Dialogue {
    /// Whether what is answered depends on how long something takes.
    pub fn is_timed(&self) -> bool {
        let mut steps = self.visits.iter().flat_map(|visit| &visit.steps);
        steps.any(|step| step.starts_with("within ") || step.starts_with("timed "))
    }
}

/// Where a file of this folder is.
pub fn place(name: &str) -> PathBuf {
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    project.join("tests/oracle").join(name)
}

/// A text file of this folder.
pub fn text(name: &str) -> String {
    let path = place(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What `under TLS` stands for; stage.rs puts the files there.
const UNDER_TLS: [&str; 5] = [
    "ssl_enable=YES",
    "rsa_cert_file=/etc/cert.pem",
    "rsa_private_key_file=/etc/key.pem",
    "ssl_ciphers=HIGH",
    "require_ssl_reuse=NO",
];

/// What comes before the first heading, and the dialogues.
pub fn dialogues(text: &str) -> (Dialogue, Vec<Dialogue>) {
    let mut all = vec![Dialogue::default()];
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            let first = title.split(' ').next().unwrap();
            let option = (!title.starts_with('(')).then(|| first.to_owned());
            all.push(Dialogue {
                title: title.to_owned(),
                option,
                ..Dialogue::default()
            });
        } else {
            let understood = all.last_mut().unwrap().line(line);
            assert!(understood.is_some(), "options.txt:{}: {line}", at + 1);
        }
    }
    (all.remove(0), all)
}

impl Dialogue {
    fn line(&mut self, line: &str) -> Option<()> {
        if let Some(line) = line.strip_prefix("raw ") {
            self.settings.push(line.to_owned());
        } else if line == "under TLS" {
            self.settings.extend(UNDER_TLS.map(str::to_owned));
        } else if let Some(line) = line.strip_prefix("otherwise ") {
            self.otherwise.push(line.to_owned());
        } else if let Some(file) = line.strip_prefix("+ ") {
            self.placed.push(placed(file)?);
        } else if name(line).is_some() {
            let settings = line.split("  ").map(str::trim);
            let settings = settings.filter(|setting| !setting.is_empty());
            self.settings.extend(settings.map(str::to_owned));
        } else {
            self.visits.push(visit(line)?);
        }
        Some(())
    }
}

/// The name in a line of a configuration file.
pub fn name(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// What stands behind a `+`.
pub fn placed(text: &str) -> Option<Placed> {
    let (head, content) = text.split_once(" =").unwrap_or((text, ""));
    let content = content.strip_prefix(' ').unwrap_or(content);
    let mut words = head.split_whitespace();
    Some(Placed {
        path: words.next()?.to_owned(),
        mode: match words.next() {
            Some(mode) => Some(u32::from_str_radix(mode, 8).ok()?),
            None => None,
        },
        owner: words.next().map(str::to_owned),
        content: many(&content.replace("\\n", "\n")),
    })
}

/// `x*3` is three times x.
fn many(text: &str) -> String {
    let number = |count: &str| count.parse().ok();
    let times = text.rsplit_once('*');
    match times.and_then(|(text, count)| Some((text, number(count)?))) {
        Some((text, count)) => text.repeat(count),
        None => text.to_owned(),
    }
}

fn visit(text: &str) -> Option<Visit> {
    // An IPv6 address has colons too.
    let bare = text.strip_suffix(':').map(|head| (head, ""));
    let (head, steps) = bare.or_else(|| text.split_once(": "))?;
    let (also, head) = match head.strip_prefix("also ") {
        Some(head) => (true, head),
        None => (false, head),
    };
    let (seal, head) = match head.split_once(' ') {
        Some(("tls", head)) => (Seal::Explicit, head),
        Some(("implicit", head)) => (Seal::Implicit, head),
        _ => (Seal::Later, head),
    };
    let (head, at) = match head.split_once('@') {
        Some((head, at)) if !head.contains('/') => (head, Some(at.to_owned())),
        _ => (head, None),
    };
    let (who, password) = match head.split_once('/') {
        Some((who, password)) => (who, Some(password.to_owned())),
        None => (head, None),
    };
    let steps = steps
        .split(" ; ")
        .map(str::trim)
        .filter(|step| !step.is_empty());
    let plain = |sign: char| sign.is_ascii_alphanumeric();
    who.chars().all(plain).then(|| Visit {
        who: who.to_owned(),
        password,
        at,
        also,
        seal,
        steps: steps.map(str::to_owned).collect(),
    })
}
