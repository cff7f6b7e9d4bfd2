//! A packet filter on the server itself:
//!
//!     client 10.0.0.2 ---------- [filter] 10.0.0.1 server
//!
//! It drops without a word what it does not let through, as most do.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::flat::{SERVER, all_from_port_20, network};
use crate::lab::{Host, has_ftp_helper, possible};
use crate::support::control::Control;
use crate::support::server::Launch;
use crate::visitors::Mode::{Active, Passive};
use crate::visitors::{
    PROGRAMS, active_works, fails_in_bounded_time, fetch, ftpd, ip, log_in, passive_works,
};

/// Active mode only: the control connection in, port 20 out.
const PORT_21_IN_AND_20_OUT: &str = "
    table inet filter {
        chain input {
            type filter hook input priority 0; policy drop;
            ct state established accept
            tcp dport 21 accept
        }
        chain output {
            type filter hook output priority 0; policy drop;
            ct state established accept
            tcp sport 20 accept
        }
    }";

/// Passive mode only: the control connection and ten ports in, nothing out.
const PORT_21_AND_A_RANGE_IN: &str = "
    table inet filter {
        chain input {
            type filter hook input priority 0; policy drop;
            ct state established accept
            tcp dport { 21, 30000-30009 } accept
        }
        chain output {
            type filter hook output priority 0; policy drop;
            ct state established accept
        }
    }";

/// The control connection in; the kernel reads it and lets in what it announces.
const PORT_21_IN_AND_THE_HELPER: &str = "
    table inet filter {
        ct helper ftp-std { type \"ftp\" protocol tcp; }
        chain helped {
            type filter hook prerouting priority 0;
            tcp dport 21 ct helper set \"ftp-std\"
        }
        chain input {
            type filter hook input priority 0; policy drop;
            ct state established,related accept
            tcp dport 21 accept
        }
        chain output {
            type filter hook output priority 0; policy drop;
            ct state established,related accept
        }
    }";

/// The server waits a second for a data connection instead of a minute.
fn hasty() -> Launch {
    ftpd().options(&[("accept_timeout", "1"), ("connect_timeout", "1")])
}

/// PASV, and a connect that the filter swallows.
fn knock_in_vain(there: &Host, control: &mut Control) {
    let address = control.pasv();
    let limit = Duration::from_millis(50);
    there
        .inside(|| TcpStream::connect_timeout(&address, limit))
        .expect_err("the filter lets it through");
}

#[test]
fn with_21_in_and_20_out_every_client_fetches_in_active_mode() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    here.nft(PORT_21_IN_AND_20_OUT);
    let _server = here.start(hasty());
    let seen = there.watch();
    for program in PROGRAMS {
        fetch(&there, program, Active, ip(SERVER)).arrived();
    }
    all_from_port_20(&seen, PROGRAMS.len());
}

#[test]
fn with_21_in_and_20_out_passive_fails_soon_and_active_works_then() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    here.nft(PORT_21_IN_AND_20_OUT);
    let server = here.start(hasty());
    let mut control = log_in(&there, ip(SERVER));
    knock_in_vain(&there, &mut control);
    fails_in_bounded_time(&mut control);
    server.wait_for_log("no data connection");
    assert_eq!(active_works(&there, &mut control).port(), 20);
}

#[test]
fn with_21_in_and_20_out_another_source_port_gives_425_soon() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    here.nft(PORT_21_IN_AND_20_OUT);
    let server = here.start(hasty().option("connect_from_port_20", "NO"));
    let seen = there.watch();
    let mut control = log_in(&there, ip(SERVER));
    let _listener = there.inside(|| control.active());
    fails_in_bounded_time(&mut control);
    server.wait_for_log("no data connection");
    assert_eq!(seen.came(), [].into());
}

#[test]
fn with_21_and_the_range_in_every_client_fetches_from_inside_the_range() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    here.nft(PORT_21_AND_A_RANGE_IN);
    let range = [("pasv_min_port", "30000"), ("pasv_max_port", "30009")];
    let _server = here.start(hasty().options(&range));
    let seen = there.watch();
    for program in PROGRAMS {
        fetch(&there, program, Passive, ip(SERVER)).arrived();
    }
    let mut control = log_in(&there, ip(SERVER));
    for _ in 0..30 {
        passive_works(&there, &mut control);
    }
    let went = seen.went();
    assert_eq!(went.len(), PROGRAMS.len() + 30, "{went:?}");
    let ports: BTreeSet<u16> = went.iter().map(|seen| seen.2).collect();
    assert!(
        ports.iter().all(|port| (30000..=30009).contains(port)),
        "{ports:?}"
    );
    assert!(ports.len() > 3, "easy to foretell: {ports:?}");
}

#[test]
fn with_21_and_the_range_in_active_fails_soon_and_passive_works_then() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    here.nft(PORT_21_AND_A_RANGE_IN);
    let _server = here.start(hasty().option("pasv_ports", "30000-30009"));
    let seen = there.watch();
    let mut control = log_in(&there, ip(SERVER));
    let _listener = there.inside(|| control.active());
    fails_in_bounded_time(&mut control);
    assert_eq!(seen.came(), [].into());
    passive_works(&there, &mut control);
}

#[test]
fn a_filter_that_says_no_is_heard_at_once() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    // With a minute of patience on the server's side.
    let _server = here.start(ftpd());
    let mut control = log_in(&there, ip(SERVER));
    for no in [
        "tcp reset",
        "icmp type admin-prohibited",
        "icmp type host-unreachable",
    ] {
        there.nft(&format!(
            "table ip filter
            delete table ip filter
            table ip filter {{
                chain input {{
                    type filter hook input priority 0;
                    tcp sport 20 reject with {no}
                }}
            }}"
        ));
        let _listener = there.inside(|| control.active());
        let begin = Instant::now();
        control.command("RETR dir/file", 425);
        assert!(begin.elapsed() < Duration::from_secs(10), "{no}");
        passive_works(&there, &mut control);
    }
}

#[test]
fn the_kernel_s_helper_opens_the_filter_for_what_is_announced() {
    if !possible() || !has_ftp_helper() {
        return;
    }
    let (here, there) = network();
    here.nft(PORT_21_IN_AND_THE_HELPER);
    let _server = here.start(hasty());
    for program in PROGRAMS {
        for mode in [Active, Passive] {
            fetch(&there, program, mode, ip(SERVER)).arrived();
        }
    }
}

#[test]
fn a_drawing_shows_at_which_arrow_the_filter_cut_in() {
    if !possible() {
        return;
    }
    let (here, there) = network();
    here.nft(PORT_21_AND_A_RANGE_IN);
    // The filter's range is another.
    let options = [("trace_connections", "YES"), ("pasv_ports", "30010")];
    let server = here.start(hasty().options(&options));
    let mut control = log_in(&there, ip(SERVER));
    let listener = there.inside(|| control.active());
    fails_in_bounded_time(&mut control);
    knock_in_vain(&there, &mut control);
    control.command("QUIT", 221);
    let lines = server.wait_for_output("control connection closed by server");
    let port = listener.local_addr().unwrap().port();
    let active = format!("|{port}       X=== nothing for 1 s (connect_timeout) =");
    for (begin, end) in [
        (&*active, "= 20|"),
        ("|.... nobody has come ....", ".X       30010|"),
    ] {
        assert!(
            lines
                .iter()
                .any(|line| line.contains(begin) && line.ends_with(end)),
            "no {begin}{end}:\n{}",
            lines.join("\n")
        );
    }
}
