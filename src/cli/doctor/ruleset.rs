//! The ruleset as `nft -j list ruleset` prints it (libnftables-json(5)): its
//! chains, with rules of which only the conditions and the verdict are kept.

use super::matches::{Share, Surroundings, Test, tests};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// Family, table and chain.
pub(super) type Name = [String; 3];

/// All chains, and what is known of FTP helpers.
#[derive(Debug, Default)]
pub(super) struct Ruleset {
    pub(super) chains: BTreeMap<Name, Chain>,
    /// Conditions of each rule that gives connections the helper `ftp`.
    pub(super) helpers: Vec<Vec<Test>>,
    /// Some rule translates destinations, or may do so.
    pub(super) translates: bool,
}

/// One chain.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// Where the kernel enters it; `None` if other chains do.
    pub(super) base: Option<Base>,
    pub(super) rules: Vec<Rule>,
}

/// A base chain that packets to this machine go through.
#[derive(Debug)]
pub(super) struct Base {
    /// Its policy is to drop them.
    pub(super) drops: bool,
    /// Connection tracking has seen them by then.
    pub(super) tracked: bool,
    /// Destinations have been translated by then.
    pub(super) translated: bool,
    /// At the hook ingress, the devices it is about; none if nft does not
    /// tell.
    pub(super) devices: Option<Vec<String>>,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) tests: Vec<Test>,
    pub(super) verdict: Verdict,
}

/// What becomes of a packet that satisfies a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    /// Dropped or rejected.
    Drop,
    Return,
    /// To another chain of the table, and back.
    Jump(String),
    /// The same without coming back.
    Goto(String),
}

impl Ruleset {
    /// Reads what nft printed, for clients that connect to `own` addresses;
    /// `None` if it is anything else.
    pub(super) fn parse(text: &str, own: &[IpAddr]) -> Option<Ruleset> {
        let whole: Value = serde_json::from_str(text).ok()?;
        let objects = whole.get("nftables")?.as_array()?;
        let all = |kind: &str| -> Vec<&Value> {
            let objects = objects.iter();
            objects.filter_map(|object| object.get(kind)).collect()
        };
        let mut ruleset = Ruleset::default();
        let dormant: BTreeSet<Name> = all("table").into_iter().filter_map(dormant).collect();
        for chain in all("chain") {
            ruleset.add_chain(chain, &dormant)?;
        }
        let rules = all("rule");
        // An extension of iptables may translate as well.
        let translates = rules.iter().any(|rule| {
            let kinds = ["dnat", "redirect", "tproxy", "xt"];
            statements(rule).any(|(name, _)| kinds.contains(&name))
        });
        ruleset.translates = translates;
        let mut tables: HashMap<[&str; 2], Surroundings> = HashMap::new();
        for set in all("set").into_iter().chain(all("map")) {
            let around = tables.entry(table_of(set)?).or_default();
            let elements = set.get("elem").unwrap_or(&Value::Null);
            around.sets.insert(set.get("name")?.as_str()?, elements);
        }
        let is_ftp = |helper: &&Value| helper.get("type").and_then(Value::as_str) == Some("ftp");
        let helpers = all("ct helper").into_iter().filter(is_ftp);
        let helpers: BTreeSet<&str> = helpers.filter_map(|h| h.get("name")?.as_str()).collect();
        for rule in rules {
            let around = tables.entry(table_of(rule)?).or_default();
            around.translates = translates;
            around.own = own;
            ruleset.add_rule(rule, around, &helpers)?;
        }
        Some(ruleset)
    }

    fn add_chain(&mut self, chain: &Value, dormant: &BTreeSet<Name>) -> Option<()> {
        let name = name_of(chain, "name")?;
        let [family, table, _] = &name;
        let sleeps = dormant.contains(&[family.clone(), table.clone(), String::new()]);
        let new = Chain {
            base: base(chain).filter(|_| !sleeps),
            rules: Vec::new(),
        };
        self.chains.insert(name, new);
        Some(())
    }

    fn add_rule(
        &mut self,
        rule: &Value,
        around: &Surroundings,
        helpers: &BTreeSet<&str>,
    ) -> Option<()> {
        let mut reader = Reader::new(around);
        for (name, about) in statements(rule) {
            reader.statement(name, about, helpers);
        }
        self.helpers.extend(reader.helper);
        let name = name_of(rule, "chain")?;
        let [_, table, _] = &name;
        // The target CT of iptables, which works in this table only, gives
        // helpers.
        if table == "raw" && statements(rule).any(|(name, _)| name == "xt") {
            self.helpers.push(Vec::new());
        }
        self.chains.get_mut(&name)?.rules.extend(reader.rules);
        Some(())
    }
}

fn table_of(object: &Value) -> Option<[&str; 2]> {
    Some([
        object.get("family")?.as_str()?,
        object.get("table")?.as_str()?,
    ])
}

fn name_of(object: &Value, last: &str) -> Option<Name> {
    let [family, table] = table_of(object)?;
    let last = object.get(last)?.as_str()?;
    Some([family, table, last].map(str::to_owned))
}

/// The name of a table that is switched off, its last part empty.
fn dormant(table: &Value) -> Option<Name> {
    let flags = table.get("flags")?;
    let is = |flag: &Value| flag.as_str() == Some("dormant");
    let off = is(flags) || flags.as_array().is_some_and(|flags| flags.iter().any(is));
    let text = |field: &str| table.get(field)?.as_str().map(str::to_owned);
    off.then_some([text("family")?, text("name")?, String::new()])
}

/// What of a chain filters IP packets to this machine. The numbers are
/// priorities of the kernel's own work (NF_IP_PRI_CONNTRACK, _NAT_DST).
fn base(chain: &Value) -> Option<Base> {
    let text = |field: &str| chain.get(field).and_then(Value::as_str);
    if text("type") != Some("filter") {
        return None;
    }
    let (tracked, translated, devices) = match (text("family")?, text("hook")?) {
        ("inet" | "ip" | "ip6", "input") => (true, true, None),
        ("inet" | "ip" | "ip6", "prerouting") => {
            let priority = chain.get("prio").and_then(Value::as_i64)?;
            (priority > -200, priority > -100, None)
        }
        ("inet" | "netdev", "ingress") => (false, false, Some(devices(chain))),
        _ => return None,
    };
    Some(Base {
        drops: text("policy") == Some("drop"),
        tracked,
        translated,
        devices,
    })
}

/// Some versions of nft print one name, some a list, some nothing.
fn devices(chain: &Value) -> Vec<String> {
    let list = match chain.get("dev") {
        Some(Value::Array(list)) => list.as_slice(),
        Some(name) => std::slice::from_ref(name),
        None => &[],
    };
    let names = list.iter().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

/// The statements of a rule, each by its name.
fn statements(rule: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let list = rule.get("expr").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten()
        .map(|(name, about)| (name.as_str(), about))
}

/// Reads the statements of one rule, which a verdict map turns into several.
struct Reader<'a> {
    around: &'a Surroundings<'a>,
    tests: Vec<Test>,
    rules: Vec<Rule>,
    helper: Option<Vec<Test>>,
}

impl<'a> Reader<'a> {
    fn new(around: &'a Surroundings<'a>) -> Reader<'a> {
        Reader {
            around,
            tests: Vec::new(),
            rules: Vec::new(),
            helper: None,
        }
    }

    fn statement(&mut self, name: &str, about: &Value, helpers: &BTreeSet<&str>) {
        if let Some(verdict) = verdict(name, about) {
            return self.rule(&[], verdict);
        }
        match name {
            "match" => {
                let part = |part: &str| about.get(part).unwrap_or(&Value::Null);
                let op = part("op").as_str().unwrap_or_default();
                let found = tests(part("left"), op, part("right"), self.around);
                self.tests.extend(found);
            }
            "vmap" => self.verdict_map(about),
            "ct helper" => {
                if about.as_str().is_some_and(|name| helpers.contains(name)) {
                    self.helper = Some(self.tests.clone());
                }
            }
            // These let every packet go on to the next statement.
            "counter" | "log" | "mangle" | "notrack" | "ct timeout" | "ct expectation" | "last"
            | "secmark" | "dup" | "comment" => {}
            // These let some.
            "limit" | "quota" | "ct count" | "set" | "map" | "meter" => self.unclear(),
            // Extensions of iptables, queues to user space and what is yet
            // to come: any of them may decide, or ask something.
            _ => {
                self.unclear();
                self.rule(&[], Verdict::Accept);
            }
        }
    }

    fn unclear(&mut self) {
        self.tests.push(Test::Fixed(Share::Unclear));
    }

    fn rule(&mut self, more: &[Test], verdict: Verdict) {
        let tests = [&self.tests, more].concat();
        self.rules.push(Rule { tests, verdict });
    }

    /// Each pair becomes a rule: the values of a map do not overlap.
    fn verdict_map(&mut self, about: &Value) {
        let key = about.get("key").unwrap_or(&Value::Null);
        let data = about.get("data").unwrap_or(&Value::Null);
        let pairs = match data.as_str().and_then(|name| name.strip_prefix('@')) {
            Some(name) => self.around.sets.get(name).copied(),
            None => data.get("set"),
        };
        let Some(pairs) = pairs.and_then(Value::as_array) else {
            self.unclear();
            return self.rule(&[], Verdict::Accept);
        };
        for pair in pairs {
            let read = || {
                let [value, outcome] = pair.as_array()?.as_slice() else {
                    return None;
                };
                let (name, about) = outcome.as_object()?.iter().next()?;
                let more = tests(key, "==", value, self.around);
                Some((more, verdict(name, about)?))
            };
            let unclear = || (vec![Test::Fixed(Share::Unclear)], Verdict::Accept);
            let (more, verdict) = read().unwrap_or_else(unclear);
            self.rule(&more, verdict);
        }
    }
}

fn verdict(name: &str, about: &Value) -> Option<Verdict> {
    let target = || about.get("target")?.as_str().map(str::to_owned);
    match name {
        "accept" => Some(Verdict::Accept),
        "drop" | "reject" => Some(Verdict::Drop),
        "return" => Some(Verdict::Return),
        "jump" => target().map(Verdict::Jump),
        "goto" => target().map(Verdict::Goto),
        _ => None,
    }
}
