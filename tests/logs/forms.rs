//! What stands in vsftpd_log_file, xferlog_file and JSON, and which options
//! bring it there.

use super::support::modes::{deflated, inflated};
use super::support::server::Launch;
use super::support::temp::TempDir;
use super::support::{PATIENCE, process};
use super::written::Logs;
use serde_json::Value;
use std::process::Command;

#[test]
fn a_session_is_told_in_the_words_of_vsftpd() {
    let home = TempDir::new();
    let launch = Launch::new()
        .writable()
        .account("ann", "secret", home.path());
    let mut logs = Logs::launch(launch, &[]);
    let mut control = logs.server.connect();
    control.command("USER ann", 331);
    control.command("PASS wrong", 530);
    control.login("ann", "secret");
    control.command("TYPE I", 200);
    control.store("a file", b"12345");
    control.retrieve("a file");
    control.refused("RETR none", &[550]);
    control.command("RNFR a file", 350);
    control.command("RNTO b", 250);
    control.command("SITE CHMOD 640 b", 200);
    control.command("DELE b", 250);
    control.command("MKD d", 257);
    control.command("RMD d", 250);
    control.command("RMD d", 550);
    control.command_any("RETR none", &[425, 550]);
    control.command("QUIT", 221);
    let client = "Client \"127.0.0.1\"";
    let expected = [
        format!("CONNECT: {client}"),
        format!("[ann] FAIL LOGIN: {client}"),
        format!("[ann] OK LOGIN: {client}"),
        format!("[ann] OK UPLOAD: {client}, \"/a file\", 5 bytes, RKbyte/sec"),
        format!("[ann] OK DOWNLOAD: {client}, \"/a file\", 5 bytes, RKbyte/sec"),
        format!("[ann] FAIL DOWNLOAD: {client}, \"/none\", 0.00Kbyte/sec"),
        format!("[ann] OK RENAME: {client}, \"/a file /b\""),
        format!("[ann] OK CHMOD: {client}, \"/b 640\""),
        format!("[ann] OK DELETE: {client}, \"/b\""),
        format!("[ann] OK MKDIR: {client}, \"/d\""),
        format!("[ann] OK RMDIR: {client}, \"/d\""),
        format!("[ann] FAIL RMDIR: {client}, \"/d\""),
    ];
    let found: Vec<_> = logs
        .messages()
        .iter()
        .map(|line| without_rate(line))
        .collect();
    assert_eq!(found, expected);
    let standard = logs.lines("xferlog");
    let ends: Vec<_> = standard.iter().map(|line| &line[25..]).collect();
    assert_eq!(
        ends,
        [
            "1 127.0.0.1 5 /a_file b _ i g ann ftp 0 * c",
            "1 127.0.0.1 5 /a_file b _ o g ann ftp 0 * c",
            "1 127.0.0.1 0 /none b _ o g ann ftp 0 * i",
        ]
    );
}

#[test]
fn who_is_not_welcome_is_logged_only_where_userlist_log_says_so() {
    let directory = TempDir::new();
    directory.file("list", "mallory\n");
    let list = directory.path().join("list").display().to_string();
    for (log, deny, words) in [
        ("NO", "YES", None),
        ("YES", "YES", Some("User is in the deny user list.")),
        ("YES", "NO", Some("User is not in the allow user list.")),
    ] {
        let launch = Launch::new().account("ann", "secret", directory.path());
        let options = [
            ("userlist_enable", "YES"),
            ("userlist_deny", deny),
            ("userlist_file", &list),
            ("userlist_log", log),
        ];
        let mut logs = Logs::launch(launch, &options);
        let name = if deny == "YES" { "mallory" } else { "ann" };
        let mut control = logs.server.connect();
        control.command(format!("USER {name}"), 530);
        let client = "Client \"127.0.0.1\"";
        let mut expected = vec![format!("CONNECT: {client}")];
        expected.extend(words.map(|words| format!("[{name}] FAIL LOGIN: {client}, \"{words}\"")));
        assert_eq!(logs.messages(), expected);
    }
}

#[test]
fn letters_of_all_scripts_are_kept_where_wc_logs_enable_says_so() {
    for (wide, own, standard) in [
        ("NO", "/?????? ??", "/??????_??"),
        (
            "YES",
            "/\u{6587}\u{4EF6} \\x7F\\xFF",
            "/\u{6587}\u{4EF6}_\\x7F\\xFF",
        ),
    ] {
        let mut logs = Logs::start(&[("wc_logs_enable", wide)]);
        let mut control = logs.server.anonymous();
        control.give(b"STOR \xE6\x96\x87\xE4\xBB\xB6 \x7F\xFF", b"1");
        let messages = logs.messages();
        assert!(messages[2].contains(&format!("\"{own}\"")), "{messages:?}");
        let lines = logs.lines("xferlog");
        assert!(lines[0].contains(&format!(" {standard} ")), "{lines:?}");
    }
}

/// A rate depends on the machine; that of nothing is 0.00.
fn without_rate(line: &str) -> String {
    match line.split_once(" bytes, ") {
        Some((start, _)) => format!("{start} bytes, RKbyte/sec"),
        None => line.to_owned(),
    }
}

#[test]
fn each_form_is_written_where_its_options_say() {
    let no = ("dual_log_enable", "NO");
    let (enable, std) = (("xferlog_enable", "YES"), ("xferlog_std_format", "YES"));
    for (options, own, standard) in [
        (&[no][..], false, false),
        (&[no, enable], true, false),
        (&[no, enable, std], false, true),
        (&[std], true, true),
    ] {
        let mut logs = Logs::start(options);
        let mut control = logs.server.anonymous();
        control.store("file", b"1");
        logs.server.whole_log();
        let has = |name| logs.path(name).exists();
        assert_eq!(
            (has("vsftpd.log"), has("xferlog")),
            (own, standard),
            "{options:?}"
        );
    }
}

#[test]
fn commands_and_replies_are_logged_without_secrets() {
    let mut logs = Logs::start(&[("log_ftp_protocol", "YES")]);
    let mut control = logs.server.connect();
    control.command("no command", 500);
    control.command("USER ftp", 331);
    control.command("PASS verysecret", 230);
    control.command("ACCT verysecret", 202);
    control.command("FEAT", 211);
    control.command("XYZZY \"now\"", 500);
    let messages = logs.messages();
    let said: Vec<_> = messages
        .iter()
        .filter(|line| line.contains("FTP "))
        .collect();
    let client = "Client \"127.0.0.1\"";
    let expected = [
        format!("FTP response: {client}, \"220 ironftpd ready.\""),
        format!("FTP command: {client}, \"<no command>\""),
        format!("FTP response: {client}, \"500 Unknown command.\""),
        format!("FTP command: {client}, \"USER ftp\""),
        format!("[ftp] FTP response: {client}, \"331 Please specify the password.\""),
        format!("[ftp] FTP command: {client}, \"PASS <password>\""),
        format!("[ftp] FTP response: {client}, \"230 Login successful.\""),
        format!("[ftp] FTP command: {client}, \"ACCT <password>\""),
        format!("[ftp] FTP response: {client}, \"202 No account is needed here.\""),
        format!("[ftp] FTP command: {client}, \"FEAT\""),
        format!("[ftp] FTP response: {client}, \"211-Features:\""),
    ];
    for (found, expected) in said.iter().zip(&expected) {
        assert_eq!(*found, expected);
    }
    assert!(
        said.iter().any(|line| line.contains("\" EPSV\"")),
        "{said:?}"
    );
    let last = format!("[ftp] FTP command: {client}, \"XYZZY ?now?\"");
    assert!(said.iter().any(|line| **line == last), "{said:?}");
    // A log-in of anonymous users shows what they gave, as in vsftpd.
    let shown: Vec<_> = messages
        .iter()
        .filter(|line| line.contains("verysecret"))
        .collect();
    assert_eq!(
        shown,
        [&format!(
            "[ftp] OK LOGIN: {client}, anon password \"verysecret\""
        )]
    );
}

#[test]
fn without_a_log_of_its_own_the_protocol_is_in_the_event_log() {
    let options = [("log_ftp_protocol", "YES"), ("dual_log_enable", "NO")];
    let mut logs = Logs::start(&options);
    logs.server.anonymous();
    let log = logs.server.whole_log();
    assert!(log.contains(" -> PASS <password>\n"), "{log}");
    assert!(log.contains(" <- 230 Login successful.\n"), "{log}");
}

#[test]
fn json_is_an_object_a_line_in_all_logs_but_xferlog() {
    let mut logs = Logs::start(&[("log_format", "json")]);
    let mut control = logs.server.anonymous();
    control.command("TYPE I", 200);
    let name = "文 \"quoted\"";
    control.store(name, b"12345");
    control.refused("RETR none", &[550]);
    let pid = logs.server.pid();
    let events: Vec<Value> = logs
        .lines("vsftpd.log")
        .iter()
        .map(|line| parsed(line))
        .collect();
    let words: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["connect", "login", "upload", "download"]);
    for event in &events {
        assert_eq!(
            (&event["client"], &event["pid"]),
            (&"127.0.0.1".into(), &pid.into())
        );
        assert_eq!(event["session"], 1);
    }
    let upload = &events[2];
    assert_eq!(upload["path"], format!("/{name}"));
    assert_eq!((&upload["bytes"], &upload["ok"]), (&5.into(), &true.into()));
    assert_eq!(
        (&upload["user"], &upload["type"]),
        (&"ftp".into(), &"binary".into())
    );
    assert_eq!(events[3]["ok"], false);
    assert!(
        events[3]["cause"]
            .as_str()
            .unwrap()
            .contains("No such file")
    );
    assert!(logs.lines("xferlog")[0].contains(" ftp 0 * c"));
    // Up to where the configuration is known.
    let log = logs.server.log();
    let log = log.lines().skip_while(|line| !line.starts_with('{'));
    let found: Vec<Value> = log.map(parsed).collect();
    let stored = |event: &&Value| event["message"].as_str().unwrap().contains("stored /文");
    assert_eq!(found.iter().find(stored).unwrap()["level"], "info");
}

/// Whoever adds up sizes, or compares them with those of files, shall not
/// have to know what a client compresses.
#[test]
fn what_went_compressed_counts_as_large_as_it_is() {
    let bytes = 30_000;
    for format in ["vsftpd", "json"] {
        let mut logs = Logs::start(&[
            ("log_format", format),
            ("ascii_download_enable", "YES"),
            ("ascii_upload_enable", "YES"),
        ]);
        let text = "a line\n".repeat(3_750);
        logs.server.root().file("text", &text);
        let mut control = logs.server.anonymous();
        control.command("MODE Z", 200);
        // 30,000 bytes with CR LF, which is what MODE S would have sent.
        control.command("TYPE A", 200);
        let wire = control.retrieve("text");
        assert!(inflated(&wire).len() == bytes && wire.len() < 1_000);
        control.store("up", &wire);
        control.command("TYPE I", 200);
        control.store("empty", &deflated(b""));
        let xferlog = logs.lines("xferlog");
        let sizes = xferlog.iter().map(|line| line.split(' ').nth(7).unwrap());
        let wanted = bytes.to_string();
        assert!(sizes.eq([&wanted, &wanted, "0"]), "{xferlog:?}");
        let lines = logs.lines("vsftpd.log");
        for line in lines.iter().filter(|line| line.contains("load")).take(2) {
            if format == "vsftpd" {
                assert!(line.contains(", 30000 bytes, "), "{line}");
            } else {
                let event = parsed(line);
                assert_eq!(event["bytes"], bytes);
                assert_eq!(event["wire_bytes"], wire.len());
            }
        }
        let log = logs.server.log();
        assert!(
            log.contains("sent /text, 30000 bytes") || format == "json",
            "{log}"
        );
    }
}

#[track_caller]
fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn python_reads_the_json_too() {
    let mut logs = Logs::start(&[("log_format", "json")]);
    let mut control = logs.server.anonymous();
    control.send(b"MKD \xFF\x01\x1B[31m\xE2\x80\xA8x\r\n");
    control.expect(257);
    logs.lines("vsftpd.log");
    let script = "import json,sys\n\
        lines = open(sys.argv[1], encoding='utf-8', newline='\\n').read().split('\\n')\n\
        last = json.loads(lines[-2])\n\
        assert lines[-1] == '' and all(json.loads(line) for line in lines[:-1])\n\
        print(bytes.fromhex(last['path_hex']))";
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(logs.path("vsftpd.log"));
    let finished = process::run(&mut command, b"", PATIENCE).succeed();
    assert_eq!(
        String::from_utf8_lossy(&finished.stdout).trim(),
        r"b'/\xff\x01\x1b[31m\xe2\x80\xa8x'"
    );
}

#[test]
fn who_is_turned_away_is_logged_in_the_words_of_vsftpd() {
    let mut logs = Logs::start(&[("max_per_ip", "1")]);
    let mut first = logs.server.anonymous();
    let mut second = super::support::control::Control::connect_ungreeted(logs.server.address());
    second.expect(421);
    first.goes_on();
    let messages = logs.messages();
    let words = "CONNECT: Client \"127.0.0.1\", \
                 \"Connection refused: too many sessions for this address.\"";
    assert!(messages.iter().any(|line| line == words), "{messages:?}");
    let event = "turned away (max_per_ip)";
    assert!(logs.server.log().contains(event));
}
