//! Whether the packet filter of this machine lets in whom the server invites.
//!
//! `filter` tells who of the clients gets through to a port. A port is said
//! to be shut only where no rule could open it.

use super::filter::Filter;
use super::machine::{Machine, Rules};
use super::matches::Share;
use super::ruleset::Ruleset;
use super::{Found, range_option, serves};
use crate::config::{Config, Shut, Symptom};

/// Judges whether control and data connections get through.
pub(super) fn judge(config: &Config, machine: &Machine, found: &mut Found) {
    let text = match &machine.rules {
        Rules::Absent => return,
        Rules::Unseen(reason) => {
            found.push(("listen_port", Symptom::RulesUnseen(reason.clone())));
            return;
        }
        Rules::Text(text) => text,
    };
    // A form that is not known is no reason to say anything.
    let Some(ruleset) = Ruleset::parse(text) else {
        return;
    };
    let auto = machine.conntrack_helper.trim() == "1";
    for v4 in [true, false] {
        if serves(config, v4) {
            for shut in shut(config, &ruleset, v4, auto) {
                let option = if shut.data {
                    range_option(config).0
                } else {
                    "listen_port"
                };
                let news = (option, Symptom::Shut(shut));
                // A chain of both families shuts both alike.
                if !found.contains(&news) {
                    found.push(news);
                }
            }
        }
    }
}

/// What the rules shut for clients of one family.
fn shut(config: &Config, ruleset: &Ruleset, v4: bool, auto_helper: bool) -> Vec<Shut> {
    let mut found = Vec::new();
    let filter = Filter { ruleset, v4 };
    let control_port = u16::try_from(config.listen_port()).unwrap_or(0);
    // Port 0 is one that nobody knows yet.
    let control = match control_port {
        0 => Share::Unclear,
        port => {
            let (share, chain) = filter.share(port, false);
            if let (Share::Nobody, Some(chain)) = (share, chain) {
                found.push(Shut {
                    ports: port.to_string(),
                    chain: chain.clone(),
                    data: false,
                    for_some: false,
                    default_range: false,
                });
            }
            share
        }
    };
    let helped = (auto_helper && control_port == 21) || filter.has_helper(control_port);
    if config.pasv_enable() {
        let ports = config.passive_ports();
        let chosen = range_option(config).1;
        for (share, for_some) in [(Share::Nobody, false), (Share::Some, true)] {
            // Where the control connection is for some only, so is all.
            if for_some && control != Share::All {
                continue;
            }
            for (ports, chain) in filter.ports_for(share, &ports, helped) {
                found.push(Shut {
                    default_range: !chosen,
                    ports: ports.to_string(),
                    chain,
                    data: true,
                    for_some,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;
    use serde_json::{Value, json};

    const RANGE: &str = "listen_port=21\npasv_min_port=5000\npasv_max_port=5009\n";

    /// A table `inet t` whose base chain `in` has this policy, with more
    /// objects in it.
    fn ruleset(policy: &str, more: Vec<Value>) -> String {
        let base = json!({"chain": {"family": "inet", "table": "t", "name": "in",
            "type": "filter", "hook": "input", "prio": 0, "policy": policy}});
        let mut objects = vec![json!({"metainfo": {"json_schema_version": 1}}), base];
        objects.extend(more);
        json!({ "nftables": objects }).to_string()
    }

    fn object(kind: &str, name: &str, more: Value) -> Value {
        let mut about = json!({"family": "inet", "table": "t", "name": name});
        if let (Some(about), Value::Object(more)) = (about.as_object_mut(), more) {
            about.extend(more);
        }
        json!({ kind: about })
    }

    fn rule(chain: &str, statements: Vec<Value>) -> Value {
        object("rule", "", json!({"chain": chain, "expr": statements}))
    }

    fn matching(left: Value, right: Value) -> Value {
        json!({"match": {"op": "==", "left": left, "right": right}})
    }

    fn dport(right: Value) -> Value {
        matching(
            json!({"payload": {"protocol": "tcp", "field": "dport"}}),
            right,
        )
    }

    fn iifname(right: &str) -> Value {
        matching(json!({"meta": {"key": "iifname"}}), json!(right))
    }

    fn state(right: Value) -> Value {
        json!({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": right}})
    }

    fn accept() -> Value {
        json!({"accept": null})
    }

    fn drop() -> Value {
        json!({"drop": null})
    }

    fn jump(to: &str) -> Value {
        json!({"jump": {"target": to}})
    }

    /// Option and ports of each finding, `some` before those that are open to
    /// some.
    fn shut_by(settings: &str, rules: &str) -> Vec<String> {
        let machine = Machine {
            rules: Rules::Text(rules.to_owned()),
            ..Machine::default()
        };
        told(judge, settings, &machine)
            .iter()
            .map(|line| {
                let option = line.split(": ").nth(1).unwrap();
                let ports = line.split(" port").nth(1).unwrap();
                let ports = ports
                    .trim_start_matches('s')
                    .split([':', ' '])
                    .nth(1)
                    .unwrap();
                let some = if line.contains("to some") {
                    "some "
                } else {
                    ""
                };
                format!("{some}{option} {ports}")
            })
            .collect()
    }

    fn with_policy_drop(rules: Vec<Value>) -> Vec<String> {
        shut_by(RANGE, &ruleset("drop", rules))
    }

    #[test]
    fn a_policy_of_drop_shuts_what_no_rule_opens() {
        let open = |ports: Value| vec![rule("in", vec![dport(ports), accept()])];
        let both = ["listen_port 21", "pasv_max_port 5000-5009"];
        assert_eq!(with_policy_drop(Vec::new()), both);
        assert_eq!(with_policy_drop(open(json!(21))), both[1..]);
        let some = open(json!({"set": [21, {"range": [5002, 5004]}, 5009]}));
        assert_eq!(
            with_policy_drop(some),
            ["pasv_max_port 5000-5001,5005-5008"]
        );
        let all = open(json!({"set": [21, {"range": [4000, 6000]}]}));
        assert_eq!(with_policy_drop(all), [""; 0]);
        assert_eq!(shut_by(RANGE, &ruleset("accept", Vec::new())), [""; 0]);
    }

    #[test]
    fn a_last_rule_that_drops_is_as_good_as_a_policy() {
        let open = rule("in", vec![dport(json!(21)), accept()]);
        for last in [drop(), json!({"reject": null})] {
            let rules = vec![open.clone(), rule("in", vec![json!({"counter": {}}), last])];
            assert_eq!(
                shut_by(RANGE, &ruleset("accept", rules)),
                ["pasv_max_port 5000-5009"]
            );
        }
    }

    #[test]
    fn jumps_named_sets_and_verdict_maps_are_followed() {
        let rules = vec![
            object("chain", "world", json!({})),
            object("chain", "rest", json!({})),
            object("set", "ftp", json!({"elem": [21, {"range": [5000, 5004]}]})),
            object(
                "map",
                "more",
                json!({"elem": [[5005, accept()], [5006, drop()]]}),
            ),
            rule(
                "in",
                vec![state(json!(["established", "related"])), accept()],
            ),
            rule("in", vec![jump("world")]),
            rule("world", vec![dport(json!("@ftp")), accept()]),
            rule(
                "world",
                vec![
                    json!({"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}},
                    "data": "@more"}}),
                ],
            ),
            rule("world", vec![dport(json!(5007)), json!({"return": null})]),
            rule("world", vec![json!({"goto": {"target": "rest"}})]),
            rule("rest", vec![dport(json!(5008)), accept()]),
            rule(
                "in",
                vec![dport(json!({"set": [5006, 5007, 5009]})), accept()],
            ),
        ];
        assert_eq!(with_policy_drop(rules), ["pasv_max_port 5006"]);
    }

    #[test]
    fn what_is_open_to_some_only_may_be_shut() {
        let control = rule("in", vec![dport(json!(21)), accept()]);
        let some = rule("in", vec![iifname("lan"), accept()]);
        let local = rule("in", vec![iifname("lo"), accept()]);
        assert_eq!(
            with_policy_drop(vec![local.clone(), control.clone()]),
            ["pasv_max_port 5000-5009"]
        );
        assert_eq!(
            with_policy_drop(vec![some.clone(), control]),
            ["some pasv_max_port 5000-5009"]
        );
        // A server for some only is meant so.
        assert_eq!(with_policy_drop(vec![local, some]), [""; 0]);
    }

    #[test]
    fn nothing_is_said_of_what_is_not_understood() {
        let control = rule("in", vec![dport(json!(21)), accept()]);
        for unclear in [
            vec![json!({"xt": null}), accept()],
            vec![json!({"xt": null})],
            vec![json!({"queue": {"num": 0}})],
            vec![json!({"tomorrow": {}})],
            vec![
                matching(json!({"meta": {"key": "mark"}}), json!(1)),
                accept(),
            ],
            vec![json!({"vmap": {"key": {"meta": {"key": "mark"}},
                "data": {"set": [[1, accept()]]}}})],
            vec![json!({"vmap": {"key": {}, "data": "@unknown"}})],
            vec![jump("nowhere")],
        ] {
            let rules = vec![control.clone(), rule("in", unclear)];
            assert_eq!(with_policy_drop(rules.clone()), [""; 0], "{rules:?}");
        }
        // What may be dropped is not: the policy decides.
        let perhaps = rule(
            "in",
            vec![json!({"limit": {"rate": 9, "inv": true}}), drop()],
        );
        assert_eq!(shut_by(RANGE, &ruleset("accept", vec![perhaps])), [""; 0]);
    }

    #[test]
    fn the_kernel_s_ftp_helper_opens_the_range() {
        let control = rule("in", vec![dport(json!(21)), accept()]);
        let related = rule(
            "in",
            vec![state(json!(["established", "related"])), accept()],
        );
        let helper = object("ct helper", "h", json!({"type": "ftp", "protocol": "tcp"}));
        let pre = object("chain", "pre", json!({}));
        let gives = |port| rule("pre", vec![dport(json!(port)), json!({"ct helper": "h"})]);
        let rules = |port| vec![helper.clone(), pre.clone(), gives(port), control.clone()];
        let shut = ["pasv_max_port 5000-5009"];
        assert_eq!(
            with_policy_drop([rules(21), vec![related.clone()]].concat()),
            [""; 0]
        );
        assert_eq!(with_policy_drop(rules(21)), shut);
        assert_eq!(
            with_policy_drop([rules(2121), vec![related.clone()]].concat()),
            shut
        );
        let raw = |kind: Value| {
            let text = kind.to_string().replace("\"t\"", "\"raw\"");
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let iptables = vec![
            control.clone(),
            related.clone(),
            raw(object("chain", "PREROUTING", json!({}))),
            raw(rule("PREROUTING", vec![json!({"xt": null})])),
        ];
        assert_eq!(with_policy_drop(iptables), [""; 0]);
        let machine = Machine {
            rules: Rules::Text(ruleset("drop", vec![control, related])),
            conntrack_helper: "1\n".to_owned(),
            ..Machine::default()
        };
        assert_eq!(told(judge, RANGE, &machine), [""; 0]);
    }

    #[test]
    fn families_are_judged_apart_and_alike_chains_told_once() {
        let two = format!("{RANGE}listen_ipv6=YES\n");
        let shut = ["listen_port 21", "pasv_max_port 5000-5009"];
        assert_eq!(shut_by(&two, &ruleset("drop", Vec::new())), shut);
        let only_v6 = ruleset("drop", Vec::new()).replace("\"inet\"", "\"ip6\"");
        assert_eq!(shut_by(&two, &only_v6), shut);
        assert_eq!(shut_by(RANGE, &only_v6), [""; 0]);
        let bridge = ruleset("drop", Vec::new()).replace("\"inet\"", "\"bridge\"");
        assert_eq!(shut_by(&two, &bridge), [""; 0]);
        let v6_rule = matching(json!({"meta": {"key": "nfproto"}}), json!("ipv6"));
        let opens = rule("in", vec![v6_rule, accept()]);
        assert_eq!(with_policy_drop(vec![opens]), shut);
    }

    #[test]
    fn tables_asleep_and_active_mode_are_not_shut() {
        let asleep = json!({"table": {"family": "inet", "name": "t", "flags": ["dormant"]}});
        assert_eq!(with_policy_drop(vec![asleep]), [""; 0]);
        let active = "pasv_enable=NO\nlisten_port=0";
        assert_eq!(shut_by(active, &ruleset("drop", Vec::new())), [""; 0]);
    }

    #[test]
    fn chains_in_a_ring_come_to_an_end() {
        let ring = ["a", "b"].map(|name| object("chain", name, json!({})));
        let more = vec![
            rule("in", vec![jump("a")]),
            rule("a", vec![jump("b")]),
            rule("a", vec![jump("b")]),
            rule("b", vec![jump("a")]),
            rule("b", vec![jump("a")]),
        ];
        assert_eq!(with_policy_drop([ring.to_vec(), more].concat()), [""; 0]);
    }

    #[test]
    fn rules_that_cannot_be_seen_are_noted_and_no_rules_are_not() {
        let lines = |rules| {
            let machine = Machine {
                rules,
                ..Machine::default()
            };
            told(judge, RANGE, &machine)
        };
        let [line] = lines(Rules::Unseen("no".to_owned())).try_into().unwrap();
        assert!(line.starts_with("Info f:1: listen_port: "), "{line}");
        for text in [
            "",
            "{}",
            "{\"nftables\": []}",
            "[",
            "{\"nftables\": [{\"rule\": 1}]}",
        ] {
            assert_eq!(lines(Rules::Text(text.to_owned())), [""; 0], "{text}");
        }
        assert_eq!(lines(Rules::Absent), [""; 0]);
    }
}
