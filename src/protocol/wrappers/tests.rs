//! The verdicts here are those of libwrap, as Debian's vsftpd asks it, but for
//! those that say otherwise.

use super::*;
use std::collections::BTreeMap;

/// A world in which few things have names.
#[derive(Default)]
struct World {
    names: BTreeMap<IpAddr, HostName>,
    files: BTreeMap<&'static str, &'static str>,
    asked: usize,
}

impl Lookups for World {
    fn name_of(&mut self, address: IpAddr) -> HostName {
        self.asked += 1;
        self.names
            .get(&address)
            .cloned()
            .unwrap_or(HostName::Unknown)
    }

    fn patterns_in(&mut self, path: &[u8]) -> Vec<u8> {
        let path = str::from_utf8(path).unwrap();
        self.files.get(path).copied().unwrap_or_default().into()
    }

    fn is_in_netgroup(&mut self, group: &[u8], name: &[u8]) -> bool {
        group == b"friends" && name == b"localhost"
    }
}

fn world() -> World {
    let named = |name: &str| HostName::Known(name.into());
    World {
        names: [
            ("127.0.0.1".parse().unwrap(), named("localhost")),
            ("10.0.0.1".parse().unwrap(), named("ann.Example.org")),
            ("10.0.0.2".parse().unwrap(), HostName::Paranoid),
            ("::1".parse().unwrap(), named("localhost")),
        ]
        .into(),
        files: [("/patterns", "10.\n127.0.0.1 x\n"), ("/loop", "/loop\n")].into(),
        asked: 0,
    }
}

fn verdict(client: &str, allow: &str, deny: &str) -> Verdict {
    let visit = Visit {
        client: client.parse().unwrap(),
        server: "127.0.0.1".parse().unwrap(),
    };
    let (allow, _) = Rules::parse(allow.as_bytes());
    let (deny, _) = Rules::parse(deny.as_bytes());
    judge(&allow, &deny, visit, &mut world())
}

fn comes_in(client: &str, allow: &str, deny: &str) -> bool {
    matches!(verdict(client, allow, deny), Verdict::Granted(_))
}

/// Whether one rule of hosts.allow lets 127.0.0.1 in where all others are
/// turned away.
fn allows(rule: &str) -> bool {
    comes_in("127.0.0.1", &format!("{rule}\n"), "ALL: ALL\n")
}

#[test]
fn hosts_allow_goes_before_hosts_deny_and_who_is_in_neither_comes_in() {
    assert!(comes_in("127.0.0.1", "", ""));
    assert!(!comes_in("127.0.0.1", "", "ALL: ALL\n"));
    assert!(comes_in("127.0.0.1", "vsftpd: 127.0.0.1\n", "ALL: ALL\n"));
    assert!(comes_in("127.0.0.1", "", "vsftpd: 10.\n"));
    assert_eq!(
        verdict("127.0.0.1", "sshd: ALL\n", "# x\n\nvsftpd: ALL\n"),
        Verdict::Denied("hosts.deny", 3)
    );
    assert_eq!(
        verdict("127.0.0.1", "vsftpd: 127.: deny\n", ""),
        Verdict::Denied("hosts.allow", 1)
    );
}

#[test]
fn rules_hold_whom_libwrap_says_they_hold() {
    for rule in [
        "VSFTPD: 127.0.0.1",
        "ironftpd: ALL",
        "vsftpd : 127.",
        "vsftpd: 127.0.0.0/255.0.0.0",
        "vsftpd: 127.0.0.0/8",
        "vsftpd: 127.0.0.0/08",
        "vsftpd: 127.0.0.1/32",
        "vsftpd: 127.0.0.0/255.0.255.0",
        "vsftpd: localhost",
        "vsftpd: LOCALHOST",
        "vsftpd: LOCAL",
        "vsftpd: KNOWN",
        "KNOWN: ALL",
        "vsftpd: ALL EXCEPT 10. EXCEPT 10.1.",
        "vsftpd: ALL EXCEPT 127. EXCEPT 127.0.0.1",
        "vsftpd: 127.0.0.1 EXCEPT 10.",
        "vsftpd: 127.0.0.1: allow",
        "vsftpd: 127.0.0.1 : ALLOW",
        "vsftpd: ALL: severity auth.info: allow",
        "vsftpd: ALL: spawn (echo hi)",
        "vsftpd: ALL: nice",
        "vsftpd: ALL: keepalive",
        "vsftpd@127.0.0.1: ALL",
        "vsftpd: 127.0.0.*",
        "vsftpd: 12?.0.0.1",
        "vsftpd: localhos?",
        "vsftpd: *",
        "vsftp?: ALL",
        "vsftpd: /patterns",
        "vsftpd: @friends",
        "# comment\n\nvsftpd: \\\n  127.0.0.1",
        "vsftpd,in.ftpd : 10.,127.",
        "all: all",
        "\tvsftpd: ALL",
        "vsftpd: ALL@127.0.0.1",
        "vsftpd: UNKNOWN@127.0.0.1",
        "vsftpd: 127.0.0.1 # x",
    ] {
        assert!(allows(rule), "{rule}");
    }
    for rule in [
        "vsftpd: ALL EXCEPT 127.0.0.1",
        "vsftpd : all except 127.0.0.1",
        "ALL EXCEPT vsftpd: ALL",
        "vsftpd: 10.0.0.1 EXCEPT 127.0.0.1",
        "vsftpd: EXCEPT 10.",
        "vsftpd@10.0.0.1: ALL",
        "vsftpd: [::1]",
        "vsftpd: [127.0.0.1]",
        "vsftpd: root@127.0.0.1",
        "vsftpd: KNOWN@127.0.0.1",
        "vsftpd: @group",
        "vsftpd 127.0.0.1",
        "vsftpd: UNKNOWN",
        "vsftpd: PARANOID",
        "vsftpd: 127.0.0.1/24",
        "vsftpd: 127.0.0.0/33",
        "vsftpd: 127.0.0.0/",
        "vsftpd: 127.0.0.0/-1",
        "vsftpd: 127.0.0.0/255.0.0",
        "vsftpd: .localdomain localhost.localdomain",
        "vsftpd: 127",
        "vsftpd: 127.1",
        "vsftpd: !127.0.0.1",
        "vsftpd:",
        "vsftpd: ALL:",
        "vsftpd: ALL: nice : : allow",
        ": ALL",
        "vsf.: ALL",
        "vsftpd: /nonexistent",
        "vsftpd: /loop",
        "vsftpd: ALL: frobnicate x",
        "vsftpd: ALL: /bin/true",
        "vsftpd: ALL: deny: allow",
        "vsftpd: ALL: allow: deny",
        "vsftpd: ALL: twist echo hello",
        "vsftpd: ALL: severity",
        "vsftpd: ALL: umask",
        "vsftpd: ALL: spawn",
        "vsftpd: ALL: keepalive x",
        "vsftpd: ALL: allow x",
    ] {
        assert!(!allows(rule), "{rule}");
    }
}

#[test]
fn other_addresses_and_names_are_told_apart() {
    let allows = |client: &str, rule: &str| comes_in(client, &format!("{rule}\n"), "ALL: ALL\n");
    assert!(allows("10.0.0.1", "vsftpd: .example.org"));
    assert!(allows("10.0.0.1", "vsftpd: ann.example.org"));
    assert!(!allows("10.0.0.1", "vsftpd: .ann.example.org"));
    assert!(!allows("10.0.0.1", "vsftpd: LOCAL"));
    assert!(allows("10.0.0.2", "vsftpd: PARANOID"));
    assert!(!allows("10.0.0.2", "vsftpd: KNOWN"));
    assert!(allows("10.0.0.3", "vsftpd: UNKNOWN"));
    for rule in [
        "[::1]",
        "[::]/64",
        "[::1]/128",
        "localhost",
        "LOCAL",
        "[::0]/0",
    ] {
        assert!(allows("::1", &format!("vsftpd: {rule}")), "{rule}");
    }
    for rule in [
        "[::2]",
        "[::2]/128",
        "0.0.0.0/0",
        "[::1",
        "[x]/1",
        "[::1]/129",
    ] {
        assert!(!allows("::1", &format!("vsftpd: {rule}")), "{rule}");
    }
    // libwrap takes neither for a network.
    assert!(allows("127.0.0.1", "vsftpd: 0.0.0.0/0"));
    assert!(allows("127.0.0.1", "vsftpd: 127.0.0.1/255.255.255.255"));
}

#[test]
fn names_are_asked_for_only_where_a_pattern_needs_them() {
    let visit = Visit {
        client: "127.0.0.1".parse().unwrap(),
        server: "127.0.0.1".parse().unwrap(),
    };
    let ask = |allow: &str| {
        let mut world = world();
        let (allow, _) = Rules::parse(allow.as_bytes());
        judge(&allow, &Rules::default(), visit, &mut world);
        world.asked
    };
    assert_eq!(ask("vsftpd: 10. 10.0.0.0/8 ALL\nsshd: LOCAL\n"), 0);
    assert_eq!(ask("vsftpd: .example.org\n"), 1);
}

#[test]
fn a_rule_may_name_a_configuration() {
    let named = |allow: &str| verdict("127.0.0.1", allow, "");
    let path = |text: &str| Verdict::Granted(Some(text.into()));
    assert_eq!(
        named("vsftpd: ALL: setenv VSFTPD_LOAD_CONF /etc/x.conf\n"),
        path("/etc/x.conf")
    );
    assert_eq!(
        named("vsftpd: ALL: setenv=VSFTPD_LOAD_CONF /a: setenv VSFTPD_LOAD_CONF  /b : allow\n"),
        path("/b")
    );
    assert_eq!(
        named("vsftpd: ALL: setenv VSFTPD_LOAD_CONF /c%%-%a-%A-%d-%h-%n\n"),
        path("/c%-127.0.0.1-127.0.0.1-vsftpd-localhost-localhost")
    );
    assert_eq!(named("vsftpd: ALL: setenv VSFTPD_LOAD_CONF\n"), path(""));
    assert_eq!(named("vsftpd: ALL: setenv X /y\n"), Verdict::Granted(None));
    assert_eq!(
        named("vsftpd: ALL: setenv VSFTPD_LOAD_CONF=/etc/x.conf\n"),
        Verdict::Denied("hosts.allow", 1)
    );
    assert_eq!(
        verdict("127.0.0.1", "", "vsftpd: ALL: setenv VSFTPD_LOAD_CONF /x\n"),
        Verdict::Denied("hosts.deny", 1)
    );
    assert_eq!(
        verdict("127.0.0.1", "", "vsftpd: ALL: allow\n"),
        Verdict::Granted(None)
    );
}

#[test]
fn a_name_from_outside_is_part_of_a_name_and_no_more() {
    let mut world = world();
    let client = "192.0.2.1".parse().unwrap();
    let name = HostName::Known(b"../../etc/x y%a".to_vec());
    world.names.insert(client, name);
    let visit = Visit {
        client,
        server: "127.0.0.1".parse().unwrap(),
    };
    assert_eq!(expanded(b"/d/%h", visit, &mut world), b"/d/.._.._etc_x_y%a");
}

#[test]
fn configurations_and_faults_are_known_before_anybody_comes() {
    let text = b"vsftpd: 10.: setenv VSFTPD_LOAD_CONF /a\n\
        vsftpd: 11.: setenv VSFTPD_LOAD_CONF /b-%a\n\
        vsftpd 12.\n\
        vsftpd: 13.: spawn x: setenv VSFTPD_LOAD_CONF /c\n\
        vsftpd: 14.: frob\n\
        vsftpd: 15.";
    let (rules, faults) = Rules::parse(text);
    let named: Vec<&[u8]> = rules.configurations().collect();
    assert_eq!(named, [b"/a", b"/c"]);
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 3: no colon between daemons and clients: this is no rule",
            "line 4: no program is started (spawn)",
            "line 5: an option that nobody knows: such clients are turned away",
            "line 6: the last line has no end, and lets nobody in",
        ]
    );
}

#[test]
fn a_line_that_is_cut_off_lets_nobody_in() {
    assert!(!comes_in("127.0.0.1", "vsftpd: 127.0.0.1", "ALL: ALL"));
    assert!(!comes_in("127.0.0.1", "", "ALL: ALL"));
    assert!(comes_in("127.0.0.1", "vsftpd: 127.0.0.1", ""));
}

#[test]
fn no_text_makes_the_reader_panic() {
    let mut state = 7_u32;
    for _ in 0..3000 {
        let text: Vec<u8> = (0..60)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                b"AL: EXCPT@./[]*?%\\\n,127vsftpd="[usize::try_from(state >> 16).unwrap() % 30]
            })
            .collect();
        let text = String::from_utf8(text).unwrap();
        let _ = verdict("127.0.0.1", &text, &text);
    }
}
