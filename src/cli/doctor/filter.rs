//! Which clients get through the rules to a port.
//!
//! The first packet of a connection is followed through every base chain on
//! its way in: at the hooks ingress, prerouting and input. Rules may be about interfaces, addresses or things
//! unknown here, so the answer is a share of the clients.

use super::matches::{Packet, Share, Test};
use super::ruleset::{Base, Chain, Name, Ruleset, Verdict};
use crate::protocol::PortSet;
use std::collections::{BTreeSet, HashMap};

/// Chains that may jump to each other (NFT_JUMP_STACK_SIZE of the kernel).
const DEPTH: usize = 16;

/// Of a chain and the clients that enter it: for whom it accepts, and who
/// come out at its end.
type Walked<'a> = HashMap<(&'a Name, Share), (Share, Share)>;

/// The rules, as one address family meets them.
pub(super) struct Filter<'a> {
    pub(super) ruleset: &'a Ruleset,
    /// Where clients come in.
    pub(super) devices: &'a [String],
    /// Clients come over IPv4, or else over IPv6.
    pub(super) v4: bool,
}

impl<'a> Filter<'a> {
    /// For which clients `port` is open, and the chain that decides so,
    /// unless it is open to all. `related` asks for connections that the
    /// kernel's FTP helper expects.
    pub(super) fn share(&self, port: u16, related: bool) -> (Share, Option<&'a Name>) {
        let mut result = (Share::All, None);
        for (name, chain) in &self.ruleset.chains {
            let [family, _, _] = name;
            let ours = match family.as_str() {
                "ip" => self.v4,
                "ip6" => !self.v4,
                _ => true,
            };
            let Some(base) = chain.base.as_ref().filter(|_| ours) else {
                continue;
            };
            // The port may be another one by then, and this one have come
            // from elsewhere.
            if self.ruleset.translates && !base.translated {
                continue;
            }
            let packet = Packet {
                v4: self.v4,
                related,
                tracked: base.tracked,
                port,
            };
            let mut walked = HashMap::new();
            let (accepted, left) = self.walk((name, chain), &packet, Share::All, 0, &mut walked);
            let mut share = if base.drops {
                accepted
            } else {
                accepted.max(left)
            };
            if !self.meets_all(base) {
                share = share.max(Share::Some);
            }
            if share < result.0 {
                result = (share, Some(name));
            }
        }
        result
    }

    /// Whether every client comes through a chain, wherever they come in.
    fn meets_all(&self, base: &Base) -> bool {
        match (&base.devices, self.devices) {
            (None, _) => true,
            (Some(_), []) => false,
            // With one device there is little to guess.
            (Some(devices), [_]) if devices.is_empty() => true,
            (Some(devices), all) => all.iter().all(|device| devices.contains(device)),
        }
    }

    /// Follows a packet of the clients `who` through a chain: for whom it is
    /// accepted there, and who come out at its end.
    ///
    /// `walked` remembers the answers, since many rules jump to one chain.
    fn walk(
        &self,
        (name, chain): (&'a Name, &'a Chain),
        packet: &Packet,
        who: Share,
        depth: usize,
        walked: &mut Walked<'a>,
    ) -> (Share, Share) {
        if let Some(&answer) = walked.get(&(name, who)) {
            return answer;
        }
        let (mut here, mut accepted, mut returned) = (who, Share::Nobody, Share::Nobody);
        for rule in &chain.rules {
            let tests = rule.tests.iter().map(|test| test.share(packet));
            let matching = tests.min().unwrap_or(Share::All);
            let these = matching.min(here);
            if these == Share::Nobody {
                continue;
            }
            let mut left = Share::Nobody;
            match &rule.verdict {
                Verdict::Accept => accepted = accepted.max(these),
                Verdict::Drop => {}
                Verdict::Return => returned = returned.max(these),
                Verdict::Jump(target) | Verdict::Goto(target) => {
                    let (inside, after) =
                        self.enter((name, target), packet, these, depth + 1, walked);
                    accepted = accepted.max(inside);
                    if matches!(rule.verdict, Verdict::Jump(_)) {
                        left = after;
                    } else {
                        returned = returned.max(after);
                    }
                }
            }
            // Those whom the rule did not concern go on; if it concerned
            // all, only those who have come back.
            if matching == Share::All {
                here = left;
            }
            if here == Share::Nobody {
                break;
            }
        }
        let answer = (accepted, here.max(returned));
        walked.insert((name, who), answer);
        answer
    }

    /// Goes on in another chain of the same table.
    fn enter(
        &self,
        ([family, table, _], chain): (&Name, &str),
        packet: &Packet,
        who: Share,
        depth: usize,
        walked: &mut Walked<'a>,
    ) -> (Share, Share) {
        let target = [family.clone(), table.clone(), chain.to_owned()];
        match self.ruleset.chains.get_key_value(&target) {
            Some(next) if depth <= DEPTH => self.walk(next, packet, who, depth, walked),
            _ => (Share::Unclear, Share::Unclear),
        }
    }

    /// Whether some rule may give connections to `port` the FTP helper.
    pub(super) fn has_helper(&self, port: u16) -> bool {
        let packet = Packet {
            v4: self.v4,
            related: false,
            tracked: true,
            port,
        };
        let helps = |tests: &Vec<Test>| tests.iter().all(|t| t.share(&packet) > Share::Nobody);
        self.ruleset.helpers.iter().any(helps)
    }

    /// Those of `ports` that are open to exactly `share`, by the chain that
    /// decides so.
    pub(super) fn ports_for(
        &self,
        share: Share,
        ports: &PortSet,
        helped: bool,
    ) -> Vec<(PortSet, Name)> {
        let cuts = self.cuts();
        let mut before = None;
        let mut answer = (Share::All, None);
        let mut by_chain: Vec<(&Name, Vec<u16>)> = Vec::new();
        for port in ports.iter() {
            // Ports between two numbers that the rules name fare alike.
            let stretch = cuts.range(..=port).next_back();
            if before != Some(stretch) {
                before = Some(stretch);
                answer = self.share(port, false);
                if helped {
                    let related = self.share(port, true);
                    if related.0 > answer.0 {
                        answer = related;
                    }
                }
            }
            if let (found, Some(chain)) = answer
                && found == share
            {
                match by_chain.iter_mut().find(|(known, _)| *known == chain) {
                    Some((_, list)) => list.push(port),
                    None => by_chain.push((chain, vec![port])),
                }
            }
        }
        by_chain
            .into_iter()
            .filter_map(|(chain, list)| Some((PortSet::of(list.into_iter())?, chain.clone())))
            .collect()
    }

    /// Every port at which some rule begins or ceases to match.
    fn cuts(&self) -> BTreeSet<u16> {
        let rules = self.ruleset.chains.values().flat_map(|c| &c.rules);
        let ranges = rules.flat_map(|rule| &rule.tests).filter_map(|test| {
            let Test::Ports { ranges, .. } = test else {
                return None;
            };
            Some(ranges)
        });
        ranges
            .flatten()
            .flat_map(|&(first, last)| [Some(first), last.checked_add(1)])
            .flatten()
            .collect()
    }
}
