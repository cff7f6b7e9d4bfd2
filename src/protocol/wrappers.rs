//! Who may connect, by /etc/hosts.allow and /etc/hosts.deny (tcp_wrappers): the
//! language of hosts_access(5), with the options of hosts_options(5) that mean
//! something to a server that starts no programs.
//!
//! A rule is `daemons : clients [: option ...]`. The first rule of hosts.allow
//! that is about the client lets it in, unless an option says otherwise; else
//! the first one of hosts.deny turns it away; else it may come in. Names of
//! clients are asked for only where a pattern needs one.
#![forbid(unsafe_code)]

mod pattern;

use std::fmt;
use std::net::IpAddr;

use pattern::{clients_hold, daemons_hold};

/// Names by which the server is known in the rules.
const DAEMONS: [&[u8]; 2] = [b"vsftpd", b"ironftpd"];

/// The variable by which a rule names a configuration for its clients.
const LOAD: &[u8] = b"VSFTPD_LOAD_CONF";

/// What is known of the name of an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HostName {
    /// Its name, which leads back to it.
    Known(Vec<u8>),
    /// It has none.
    Unknown,
    /// It has one that does not lead back to it.
    Paranoid,
}

impl HostName {
    fn as_bytes(&self) -> &[u8] {
        match self {
            HostName::Known(name) => name,
            HostName::Unknown => b"unknown",
            HostName::Paranoid => b"paranoid",
        }
    }
}

/// What rules may ask of the world.
pub trait Lookups {
    /// The name of an address.
    fn name_of(&mut self, address: IpAddr) -> HostName;
    /// The content of a file of patterns; empty if it cannot be read.
    fn patterns_in(&mut self, path: &[u8]) -> Vec<u8>;
    /// Whether a netgroup holds a host of this name.
    fn is_in_netgroup(&mut self, group: &[u8], name: &[u8]) -> bool;
}

/// A client that has come.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    /// Its address.
    pub client: IpAddr,
    /// The address it has come to.
    pub server: IpAddr,
}

/// One rule.
#[derive(Debug)]
struct Rule {
    line: usize,
    /// Its line has an end. Without one it may have been cut off, and lets
    /// nobody in.
    whole: bool,
    daemons: Vec<u8>,
    clients: Vec<u8>,
    options: Vec<Vec<u8>>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// Its number, counted from 1.
    pub line: usize,
    /// What, and what becomes of it.
    pub cause: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.cause)
    }
}

/// The rules of one file.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

/// What becomes of a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It may come in, under this configuration if one is named.
    Granted(Option<Vec<u8>>),
    /// It may not, by this line of a file.
    Denied(&'static str, usize),
}

/// What the options of a rule come to.
#[derive(Debug, PartialEq, Eq)]
enum Effect {
    /// As the file says that it stands in, with this configuration.
    Usual(Option<Vec<u8>>),
    Allow(Option<Vec<u8>>),
    Deny,
    /// The rule is not about this client after all.
    NotMeant,
}

impl Rules {
    /// Reads the rules of a file, and tells what is wrong with it.
    #[must_use]
    pub fn parse(text: &[u8]) -> (Rules, Vec<Fault>) {
        let (mut rules, mut faults) = (Vec::new(), Vec::new());
        for (line, text, whole) in logical_lines(text) {
            if text.first() == Some(&b'#') || text.trim_ascii().is_empty() {
                continue;
            }
            let mut fault = |cause| faults.push(Fault { line, cause });
            let Some((daemons, rest)) = split_field(&text) else {
                fault("no colon between daemons and clients: this is no rule");
                continue;
            };
            if !whole {
                fault("the last line has no end, and lets nobody in");
            }
            let (clients, options) = match split_field(rest) {
                Some((clients, options)) => (clients, split_options(options)),
                None => (rest, Vec::new()),
            };
            if let Some(cause) = options.iter().find_map(|option| shortcoming(option)) {
                fault(cause);
            }
            rules.push(Rule {
                line,
                whole,
                daemons: daemons.to_vec(),
                clients: clients.to_vec(),
                options,
            });
        }
        (Rules(rules), faults)
    }

    /// The configurations that rules name, as far as that can be said before
    /// a client comes.
    pub fn configurations(&self) -> impl Iterator<Item = &[u8]> {
        let options = self.0.iter().flat_map(|rule| &rule.options);
        let values = options.filter_map(|option| {
            let (key, value) = key_and_value(option);
            (key == b"setenv").then(|| configuration(value)).flatten()
        });
        values.filter(|path| !path.is_empty() && !path.contains(&b'%'))
    }

    /// The first rule from `position` on that is about the client.
    fn next(
        &self,
        position: usize,
        visit: Visit,
        lookups: &mut dyn Lookups,
    ) -> Option<(usize, &Rule)> {
        let mut left = self.0.iter().enumerate().skip(position);
        left.find(|(_, rule)| {
            daemons_hold(&rule.daemons, &DAEMONS, visit, lookups)
                && clients_hold(&rule.clients, visit, lookups)
        })
    }
}

/// What the rules of hosts.allow and hosts.deny say of a client.
pub fn judge(allow: &Rules, deny: &Rules, visit: Visit, lookups: &mut dyn Lookups) -> Verdict {
    let mut position = 0;
    while let Some((at, rule)) = allow.next(position, visit, lookups) {
        position = at + 1;
        if !rule.whole {
            continue;
        }
        match effect(&rule.options, visit, lookups) {
            Effect::Usual(named) | Effect::Allow(named) => return Verdict::Granted(named),
            Effect::Deny => return Verdict::Denied("hosts.allow", rule.line),
            Effect::NotMeant => {}
        }
    }
    match deny.next(0, visit, lookups) {
        None => Verdict::Granted(None),
        Some((_, rule)) => match effect(&rule.options, visit, lookups) {
            Effect::Allow(named) => Verdict::Granted(named),
            _ => Verdict::Denied("hosts.deny", rule.line),
        },
    }
}

/// Carries the options of a rule out, in their order.
fn effect(options: &[Vec<u8>], visit: Visit, lookups: &mut dyn Lookups) -> Effect {
    let mut named = None;
    for (at, option) in options.iter().enumerate() {
        let (key, value) = key_and_value(option);
        let is_last = at + 1 == options.len();
        match (key.as_slice(), value) {
            (b"allow", b"") if is_last => return Effect::Allow(named),
            (b"deny", b"") => return Effect::Deny,
            (b"setenv", value) if !value.is_empty() => {
                let value = expanded(value, visit, lookups);
                let variable = value.split(u8::is_ascii_whitespace).next();
                if variable.is_some_and(|name| name.contains(&b'=')) {
                    return Effect::Deny;
                }
                if let Some(path) = configuration(&value) {
                    named = Some(path.to_vec());
                }
            }
            // The program that would have to say so is not started.
            (b"aclexec", value) if !value.is_empty() => return Effect::NotMeant,
            (b"keepalive", b"") | (b"nice" | b"rfc931", _) => {}
            (
                b"severity" | b"linger" | b"umask" | b"user" | b"group" | b"banners" | b"spawn",
                value,
            ) if !value.is_empty() => {}
            // twist would serve something else; what is not known is a fault.
            _ => return Effect::Deny,
        }
    }
    Effect::Usual(named)
}

/// What an option that is known does not do here, or that it is not known.
fn shortcoming(option: &[u8]) -> Option<&'static str> {
    match key_and_value(option).0.as_slice() {
        b"allow" | b"deny" | b"setenv" | b"severity" | b"linger" | b"keepalive" | b"nice"
        | b"umask" => None,
        b"user" | b"group" => Some("user and group do nothing here"),
        b"rfc931" => Some("clients are not asked who they are (rfc931)"),
        b"banners" => Some("banners are not shown"),
        b"spawn" => Some("no program is started (spawn)"),
        b"twist" => Some("no program is started (twist): such clients are turned away"),
        b"aclexec" => Some("no program is started (aclexec): the rule is for nobody"),
        b"" => Some("an option is missing: such clients are turned away"),
        _ => Some("an option that nobody knows: such clients are turned away"),
    }
}

/// The configuration that `setenv` names with this value, be it an empty one.
fn configuration(value: &[u8]) -> Option<&[u8]> {
    let end = value.iter().position(u8::is_ascii_whitespace);
    let (name, path) = value.split_at(end.unwrap_or(value.len()));
    (name == LOAD).then(|| path.trim_ascii())
}

/// An option as its name and the rest; one `=` between them does not count.
fn key_and_value(option: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = option
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || *byte == b'=');
    let (key, value) = option.split_at(end.unwrap_or(option.len()));
    let value = value.trim_ascii_start();
    let value = value.strip_prefix(b"=").unwrap_or(value);
    (key.to_ascii_lowercase(), value.trim_ascii())
}

/// `text` with what `%` stands for. What a client could have a say in is kept
/// from being anything but part of a name.
fn expanded(text: &[u8], visit: Visit, lookups: &mut dyn Lookups) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let part = match rest.next() {
            Some(b'%') => b"%".to_vec(),
            Some(b'a') => visit.client.to_string().into_bytes(),
            Some(b'A') => visit.server.to_string().into_bytes(),
            Some(b'd') => b"vsftpd".to_vec(),
            Some(b'u') => b"unknown".to_vec(),
            Some(b'n') => lookups.name_of(visit.client).as_bytes().to_vec(),
            Some(b'h' | b'c') => match lookups.name_of(visit.client) {
                HostName::Known(name) => name,
                _ => visit.client.to_string().into_bytes(),
            },
            _ => Vec::new(),
        };
        out.extend(part.into_iter().map(|byte| match byte {
            b'%' | b'.' | b'-' | b':' | b'_' => byte,
            byte if byte.is_ascii_alphanumeric() => byte,
            _ => b'_',
        }));
    }
    out
}

/// Lines with those behind a backslash joined on: number of the first, text
/// without its end, and whether it had one.
fn logical_lines(text: &[u8]) -> Vec<(usize, Vec<u8>, bool)> {
    let mut lines: Vec<(usize, Vec<u8>, bool)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(text.split_inclusive(|&byte| byte == b'\n')) {
        let ended = line.ends_with(b"\n");
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (text, more) = match line.strip_suffix(b"\\") {
            Some(text) if ended => (text, true),
            _ => (line, false),
        };
        match lines.last_mut().filter(|_| goes_on) {
            Some((_, joined, whole)) => {
                joined.extend_from_slice(text);
                *whole = ended;
            }
            None => lines.push((number, text.to_vec(), ended)),
        }
        goes_on = more;
    }
    lines
}

/// Splits at the first colon that is not within brackets.
fn split_field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut inside = false;
    let at = text.iter().position(|byte| {
        match byte {
            b'[' => inside = true,
            b']' => inside = false,
            _ => {}
        }
        *byte == b':' && !inside
    })?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The options of a rule: parted by colons, of which `\:` is none.
fn split_options(text: &[u8]) -> Vec<Vec<u8>> {
    let mut options = vec![Vec::new()];
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'\\' => bytes.next_if_eq(&b':').unwrap_or(byte),
            b':' => {
                options.push(Vec::new());
                continue;
            }
            byte => byte,
        };
        if let Some(last) = options.last_mut() {
            last.push(byte);
        }
    }
    let trimmed = options.iter().map(|option| option.trim_ascii().to_vec());
    trimmed.collect()
}

#[cfg(test)]
mod tests;
