//! Whole files, as images of containers and modules of configuration
//! management have them, each started under both servers and used with curl
//! and lftp.
//!
//! Lines that begin with `#:` are for the test: `USER FOLDER FILE` is who
//! comes, where he puts files and which one he gets; `+` places a file as in
//! `options.txt`; `certificate` makes one.

use std::collections::HashMap;
use std::sync::Mutex;
use std::thread;

use ironftpd::config::{Kind, OPTIONS};

use super::coverage::is_own;
use super::logs::leave_what_differs;
use super::options::oracle;
use super::servers::{Running, Which, start, value};
use super::stage::Stage;
use super::support::accounts::{PASSWORD, run};
use super::support::client::Client;
use super::support::differences::{Answer, by_step, compare};
use super::support::left_out;
use super::table::{Placed, name, place, placed};
use super::tree;

/// How many files are tried at a time.
const STAGES: usize = 4;

/// Which files to try, by the beginning of their names; all otherwise.
const ONLY: &str = "ORACLE";

/// Beside the settings: who comes, and what he finds.
#[derive(Default)]
struct Site {
    name: String,
    lines: Vec<String>,
    placed: Vec<Placed>,
    users: Vec<[String; 3]>,
    certificate: Option<String>,
}

impl Site {
    fn read(name: &str, text: &str) -> Site {
        let mut site = Site {
            name: name.to_owned(),
            ..Site::default()
        };
        for line in text.lines() {
            if let Some(line) = line.strip_prefix("#: ") {
                site.remark(line);
            } else if !line.starts_with('#') {
                site.lines.push(line.to_owned());
            }
        }
        site.complete();
        site
    }

    fn remark(&mut self, line: &str) {
        if let Some(file) = line.strip_prefix("+ ") {
            self.placed.push(placed(file).unwrap());
        } else if let Some(file) = line.strip_prefix("certificate ") {
            self.certificate = Some(file.to_owned());
        } else {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            self.users.push(words.try_into().unwrap());
        }
    }

    /// What defaults name belongs to the machine: it gets a place of its own.
    fn complete(&mut self) {
        let has = |lines: &[String], option| lines.iter().any(|line| name(line) == Some(option));
        let paths = OPTIONS
            .iter()
            .filter(|row| row.kind == Kind::Path && !is_own(row) && row.default.starts_with('/'));
        let paths = paths.map(|row| (row.name, row.default));
        let others = [
            ("secure_chroot_dir", "/empty"),
            ("ftp_username", "visitor"),
            ("guest_username", "keeper"),
            ("pam_service_name", "unix"),
            ("isolate", "NO"),
            ("isolate_network", "NO"),
        ];
        for (option, value) in paths.chain(others) {
            if !has(&self.lines, option) {
                self.lines.push(format!("{option}={value}"));
            }
        }
        self.lines.retain(|line| name(line) != Some("listen_port"));
    }
}

/// Everybody of a site comes with both clients, to one server.
fn visit(which: &Which, stage: &Stage, site: &Site) -> Vec<Answer> {
    stage.furnish(&site.placed);
    for folder in ["/var/log/vsftpd", "/var/run/vsftpd/empty"] {
        std::fs::create_dir_all(stage.path(folder)).unwrap();
    }
    if let Some(file) = &site.certificate {
        certificate(stage, file);
    }
    let mut answers = Vec::new();
    let mut take = |step: &str, answer: &str| {
        let answer = stage.blur.text(answer);
        let answer = answer.trim().replace("\r\n", " / ").replace('\n', " / ");
        answers.push(Answer {
            step: format!("<{}>: {step}", site.name),
            answer: answer.replace(" | ", " ¦ "),
        });
    };
    let running = match start(which, stage, &site.lines) {
        Ok(running) => running,
        Err(words) => {
            take("start", &words);
            return answers;
        }
    };
    for user in &site.users {
        for (client, exercise) in CLIENTS {
            let before = tree::now(stage);
            let mut denied = false;
            for (step, answer) in exercise(&running, stage, user) {
                denied |= answer.starts_with(DENIED);
                take(&format!("{}, {client}: {step}", user[0]), &answer);
            }
            let changes = tree::changes(&before, &tree::now(stage));
            take(&format!("{}, {client}: on the disk", user[0]), &changes);
            if denied {
                break;
            }
        }
    }
    running.end();
    for option in ["vsftpd_log_file", "xferlog_file"] {
        let file = value(&site.lines, option).unwrap();
        let text = std::fs::read(stage.path(file)).unwrap_or_default();
        take(&format!("in the log {option}"), &transfers(&text));
    }
    answers
}

/// The lines of a log but for those of commands, of which each client's own
/// curiosity decides.
fn transfers(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines = text
        .lines()
        .filter(|line| !line.contains(" FTP command: ") && !line.contains(" FTP response: "));
    lines.collect::<Vec<_>>().join("\n")
}

/// curl's exit status when it may not log in. Whoever may not need not try
/// again: each time costs a second.
const DENIED: &str = "67:";

const CLIENTS: [(&str, Exercise); 2] = [("curl", curl), ("lftp", lftp)];

type Exercise = fn(&Running, &Stage, &[String; 3]) -> Vec<(String, String)>;

/// List, down, up, rename, delete, mkdir, each in a run of its own.
fn curl(
    running: &Running,
    stage: &Stage,
    [user, folder, file]: &[String; 3],
) -> Vec<(String, String)> {
    let tls = running.has("ssl_enable=YES");
    let client = Client::new("curl", "curl");
    let local = client.home().file("up", "from curl\n");
    let local = local.to_str().unwrap();
    let user = format!("{}:{PASSWORD}", stage.real(user));
    let base = format!("ftp://{}", running.address());
    let root = format!("{base}/");
    let at = format!("{base}/{folder}/");
    let name = |word: &str, name: &str| match &**folder {
        "." => format!("{word} {name}"),
        folder => format!("{word} {folder}/{name}"),
    };
    let (upload, deeper) = (format!("{at}up"), format!("{at}new/up"));
    let (from, to) = (name("-RNFR", "up"), name("-RNTO", "down"));
    let (make, delete) = (name("MKD", "made"), name("-DELE", "down"));
    let (remove, change) = (name("-RMD", "made"), name("-SITE CHMOD 600", "up"));
    let fetch = format!("{base}/{file}");
    let missing = format!("{base}/missing");
    let steps: [(&str, Vec<&str>); 11] = [
        ("list", vec![&root]),
        ("list, active", vec!["-P", "-", &root]),
        ("names", vec!["-l", "--disable-epsv", &at]),
        ("down", vec![&fetch]),
        ("nothing to get", vec![&missing]),
        ("up", vec!["-T", local, &upload]),
        (
            "up, folder made",
            vec!["--ftp-create-dirs", "-T", local, &deeper],
        ),
        ("chmod", vec!["-Q", &change, &root]),
        ("rename", vec!["-Q", &from, "-Q", &to, &root]),
        ("mkdir", vec!["-Q", &make, &root]),
        ("delete, rmdir", vec!["-Q", &delete, "-Q", &remove, &root]),
    ];
    let usual = [
        "-sS",
        "--ssl",
        "-k",
        "--max-time",
        "20",
        "-w",
        " %{response_code}",
        "-u",
        &user,
    ];
    let run = |words: Vec<&str>| {
        let finished = client.run(&[&usual, &words[..]].concat());
        let code = finished.status.code().unwrap_or(-1);
        format!("{code}: {}", String::from_utf8_lossy(&finished.stdout))
    };
    let mut answers = Vec::new();
    for (step, words) in steps {
        // curl waits for ever where it has accepted a connection for TLS.
        if step.ends_with("active") && tls {
            continue;
        }
        let answer = run(words);
        let denied = answer.starts_with(DENIED);
        answers.push((step.to_owned(), answer));
        if denied {
            break;
        }
    }
    answers
}

/// The same in one run; what fails does not end it.
fn lftp(
    running: &Running,
    stage: &Stage,
    [user, folder, file]: &[String; 3],
) -> Vec<(String, String)> {
    let client = Client::new("lftp", "lftp");
    client.home().file("up", "from lftp\n");
    let user = stage.real(user);
    let address = running.address();
    let to = match &**folder {
        "." => String::new(),
        folder => format!("{folder}/"),
    };
    let script = format!(
        "set net:max-retries 1; set net:timeout 20; set net:reconnect-interval-base 1; \
         set ssl:verify-certificate no; set cmd:save-cwd-history no; set cmd:save-rl-history no; \
         set ftp:prefer-epsv yes; set cmd:fail-exit no; \
         open -u '{user},{PASSWORD}' ftp://{address}; \
         echo [list]; ls; echo [names]; nlist {folder}; echo [get]; cat {file}; \
         echo [put]; put up -o {to}lftp; ls {to}lftp; \
         echo [move]; mv {to}lftp {to}moved; nlist {folder}; \
         echo [mkdir]; mkdir {to}d; put up -o {to}d/kept; nlist {to}d; \
         echo [delete]; rm {to}moved; rmdir {to}d; nlist {folder}; \
         echo [mirror]; mirror dir here; echo [end]; bye"
    );
    let finished = client.run(&["--norc", "-c", &script]);
    let shown = String::from_utf8_lossy(&finished.stdout).into_owned();
    // Else the comparison would be of nothing with nothing.
    let listed = shown
        .split_once("[names]")
        .is_some_and(|(list, _)| list.contains("rw"));
    assert!(listed, "lftp: {}", finished.words());
    let parts = shown.split('[').filter_map(|part| part.split_once(']'));
    let mut answers: Vec<_> = parts
        .map(|(step, said)| (step.to_owned(), said.to_owned()))
        .collect();
    let mirrored = std::fs::read_dir(client.path("here")).map(|entries| {
        let names = entries.map(|entry| entry.unwrap().file_name().display().to_string());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.join(" ")
    });
    let mirrored = mirrored.unwrap_or_else(|_| "nothing".to_owned());
    answers.push(("mirrored".to_owned(), mirrored));
    answers
}

/// A key and a certificate of its own, in one file.
fn certificate(stage: &Stage, file: &str) {
    let path = stage.path(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let path = path.to_str().unwrap();
    let words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout";
    let mut words: Vec<&str> = words.split(' ').collect();
    words.extend([path, "-out", path]);
    let certificate = format!("{path}.crt");
    *words.last_mut().unwrap() = &certificate;
    run("openssl", &words);
    let both = [path, &certificate].map(|file| std::fs::read(file).unwrap());
    std::fs::write(path, both.concat()).unwrap();
}

fn sites(only: &str) -> Vec<Site> {
    let folder = std::fs::read_dir(place("configurations")).unwrap();
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let sites = files.iter().map(|file| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        Site::read(name, &std::fs::read_to_string(file).unwrap())
    });
    sites.filter(|site| site.name.starts_with(only)).collect()
}

#[test]
fn whole_files_serve_curl_and_lftp_alike() {
    let vsftpd = match oracle() {
        Ok(vsftpd) => vsftpd,
        Err(reason) => return left_out(&reason),
    };
    let only = std::env::var(ONLY).unwrap_or_default();
    let sites = sites(&only);
    let left = Mutex::new(sites.iter().collect::<Vec<_>>());
    let done = Mutex::new(HashMap::new());
    thread::scope(|scope| {
        for _ in 0..STAGES {
            scope.spawn(|| {
                let stage = Stage::new();
                loop {
                    let next = left.lock().unwrap().pop();
                    let Some(site) = next else { break };
                    let answers =
                        [&Which::Ironftpd, &vsftpd].map(|which| visit(which, &stage, site));
                    done.lock().unwrap().insert(&site.name, answers);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    if !only.is_empty() {
        for answer in done.values().flatten().flatten() {
            println!("{}\n  {}", answer.step, answer.answer);
        }
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for site in &sites {
        let [our, their] = done.remove(&site.name).unwrap();
        ours.extend(our);
        theirs.extend(their);
    }
    leave_what_differs(&mut ours, &mut theirs);
    let theirs = by_step(theirs);
    let place = place("whole-differences.txt");
    compare(&place, &ours, &[Some(theirs)], |step| {
        step.starts_with(&format!("<{only}"))
    });
}
