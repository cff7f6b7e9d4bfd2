//! Whether the packet filter of this machine lets in whom the server invites.
//!
//! `filter` tells who of the clients gets through to a port. A port is said
//! to be shut only where no rule could open it.

use super::filter::Filter;
use super::machine::{Machine, Rules};
use super::matches::Share;
use super::ruleset::Ruleset;
use super::{Found, own_addresses, range_option, serves};
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
    let own = own_addresses(config, machine);
    let Some(ruleset) = Ruleset::parse(text, &own) else {
        return;
    };
    let auto = machine.conntrack_helper.trim() == "1";
    for v4 in [true, false] {
        if serves(config, v4) {
            let filter = Filter {
                ruleset: &ruleset,
                devices: &machine.devices,
                v4,
            };
            for shut in shut(config, &filter, auto) {
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
fn shut(config: &Config, filter: &Filter, auto_helper: bool) -> Vec<Shut> {
    let mut found = Vec::new();
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
        shut_on(&["eth0"], settings, rules)
    }

    fn shut_on(devices: &[&str], settings: &str, rules: &str) -> Vec<String> {
        let machine = Machine {
            rules: Rules::Text(rules.to_owned()),
            devices: devices.iter().map(ToString::to_string).collect(),
            addresses: vec![[203, 0, 113, 7].into()],
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

    /// A chain of another hook that drops these ports.
    fn earlier(family: &str, more: Value, statements: Vec<Value>) -> Vec<Value> {
        let of = |kind: &str, more: Value| {
            let mut object = object(kind, "early", more);
            object[kind]["family"] = json!(family);
            object
        };
        let mut base = json!({"type": "filter", "policy": "accept"});
        base.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let rule = json!({"chain": "early", "expr": statements});
        vec![of("chain", base), of("rule", rule)]
    }

    #[test]
    fn chains_before_input_are_judged_too() {
        let both = || dport(json!({"set": [21, {"range": [5000, 5009]}]}));
        let shut = ["listen_port 21", "pasv_max_port 5000-5009"];
        let by = |family, base, statements| {
            shut_by(RANGE, &ruleset("accept", earlier(family, base, statements)))
        };
        let prerouting = |priority: i32| json!({"hook": "prerouting", "prio": priority});
        let ingress = json!({"hook": "ingress", "prio": 0, "dev": "eth0"});
        assert_eq!(by("inet", prerouting(0), vec![both(), drop()]), shut);
        assert_eq!(by("ip", prerouting(-300), vec![both(), drop()]), shut);
        assert_eq!(by("netdev", ingress.clone(), vec![both(), drop()]), shut);
        assert_eq!(by("inet", ingress.clone(), vec![both(), drop()]), shut);
        let all_but = json!({"hook": "ingress", "prio": 0, "policy": "drop"});
        assert_eq!(
            by("netdev", all_but, vec![dport(json!(21)), accept()]),
            shut[1..]
        );
        for (family, base) in [
            ("ip6", prerouting(0)),
            ("bridge", prerouting(0)),
            ("ip", json!({"hook": "forward", "prio": 0})),
            (
                "ip",
                json!({"hook": "prerouting", "prio": 0, "type": "nat"}),
            ),
        ] {
            assert_eq!(by(family, base, vec![both(), drop()]), [""; 0]);
        }
        // The state of a packet is not known so early.
        let new = || vec![both(), state(json!("new")), drop()];
        assert_eq!(by("inet", prerouting(-300), new()), [""; 0]);
        assert_eq!(by("inet", prerouting(-150), new()), shut);
        // Nor where it will go to.
        let with_nat = |priority| {
            let nat = rule("in", vec![json!({"redirect": {"port": 21}})]);
            let early = earlier("inet", prerouting(priority), vec![both(), drop()]);
            shut_by(RANGE, &ruleset("accept", [early, vec![nat]].concat()))
        };
        assert_eq!(with_nat(-150), [""; 0]);
        assert_eq!(with_nat(0), shut);
    }

    #[test]
    fn an_ingress_chain_is_about_its_devices_only() {
        let by = |devices: &[&str], of: Value| {
            let base = json!({"hook": "ingress", "prio": 0, "dev": of});
            let ports = dport(json!({"range": [5000, 5009]}));
            let chain = earlier("netdev", base, vec![ports, drop()]);
            shut_on(devices, RANGE, &ruleset("accept", chain))
        };
        let (all, some) = ("pasv_max_port 5000-5009", "some pasv_max_port 5000-5009");
        assert_eq!(by(&["eth0"], json!("eth0")), [all]);
        assert_eq!(by(&["eth0", "eth1"], json!(["eth1", "eth0"])), [all]);
        assert_eq!(by(&["eth0", "eth1"], json!("eth0")), [some]);
        // Some versions of nft do not say which.
        assert_eq!(by(&["eth0"], Value::Null), [all]);
        assert_eq!(by(&["eth0", "eth1"], Value::Null), [some]);
        assert_eq!(by(&[], json!("eth0")), [some]);
    }

    #[test]
    fn rules_for_everybody_may_name_all_addresses_or_the_server_s_own() {
        let control = rule("in", vec![dport(json!(21)), accept()]);
        let opened = |field: &str, address: Value| {
            let ip = json!({"payload": {"protocol": "ip", "field": field}});
            let data = dport(json!({"range": [5000, 5009]}));
            let data = vec![matching(ip, address), data, accept()];
            with_policy_drop(vec![control.clone(), rule("in", data)])
        };
        let all = json!({"prefix": {"addr": "0.0.0.0", "len": 0}});
        assert_eq!(opened("saddr", all), [""; 0]);
        assert_eq!(opened("daddr", json!("203.0.113.7")), [""; 0]);
        let some = ["some pasv_max_port 5000-5009"];
        assert_eq!(opened("daddr", json!("203.0.113.8")), some);
        assert_eq!(opened("saddr", json!("203.0.113.7")), some);
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
