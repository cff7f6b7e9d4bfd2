//! The option table as configuration files: `--print-config` and the sample.
#![forbid(unsafe_code)]

use std::os::unix::ffi::OsStrExt;

use super::error::Origin;
use super::options::{Config, OPTIONS};
use super::spec::{OptionSpec, Slot};

impl Config {
    /// The value of an option as the configuration file would say it.
    /// Bytes, because texts and paths need not be UTF-8.
    #[must_use]
    pub fn text_of(&self, spec: &OptionSpec) -> Vec<u8> {
        match &spec.slot {
            Slot::Bool(field, _) => if *field(self) { "YES" } else { "NO" }.into(),
            Slot::Uint(field, _) => {
                let value = *field(self);
                if spec.is_octal() {
                    format!("0{value:o}")
                } else {
                    value.to_string()
                }
                .into()
            }
            Slot::Text(field, _) => field(self).to_vec(),
            Slot::Path(field, _) => field(self)
                .as_ref()
                .map_or_else(Vec::new, |path| path.as_os_str().as_bytes().to_vec()),
        }
    }
}

/// Every option with its effective value, as a configuration file that gives
/// the same configuration when it is read; a comment over each value that is
/// not a default says where it came from.
#[must_use]
pub fn effective(config: &Config) -> Vec<u8> {
    listed(config, |_| true)
}

/// The same for those options alone whose value is not the default.
#[must_use]
pub fn changes(config: &Config) -> Vec<u8> {
    let default = Config::default();
    listed(config, |spec| config.text_of(spec) != default.text_of(spec))
}

fn listed(config: &Config, wanted: impl Fn(&OptionSpec) -> bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut group = "";
    for spec in OPTIONS.iter().filter(|spec| wanted(spec)) {
        if spec.group != group {
            let gap = if group.is_empty() { "" } else { "\n" };
            out.extend_from_slice(format!("{gap}# {}\n", spec.group).as_bytes());
            group = spec.group;
        }
        let origin = config.origin(spec.name);
        if *origin != Origin::Builtin {
            // A path may hold any byte; a line end would leave the comment.
            let place = origin.to_string().replace(['\n', '\r'], "?");
            out.extend_from_slice(format!("# from {place}\n").as_bytes());
        }
        setting(&mut out, config, spec);
    }
    out
}

/// Adds the setting that gives an option its value.
pub(super) fn setting(out: &mut Vec<u8>, config: &Config, spec: &OptionSpec) {
    out.extend_from_slice(spec.name.as_bytes());
    out.push(b'=');
    out.extend_from_slice(&config.text_of(spec));
    out.push(b'\n');
}

/// What the sample file sets, for new servers: the default is vsftpd's.
const IN_THE_SAMPLE: &[(&str, &str)] = &[("require_ssl_reuse", "AUTO")];

/// The sample file of `etc/`: every option, explained, as a comment that
/// holds its default.
#[must_use]
pub fn sample() -> String {
    let mut out = String::from(
        "# Configuration of ironftpd(8); ironftpd.conf(5) explains the format.\n\
         # Every option stands here with its default. To change one, take the\n\
         # \"#\" away. A setting is written name=value, without blanks round \"=\".\n\
         #\n\
         # ironftpd --check FILE says what is wrong with a file.\n",
    );
    let mut group = "";
    for spec in OPTIONS {
        if spec.group != group {
            out.push_str(&format!("\n\n# --- {} ---\n", spec.group));
            group = spec.group;
        }
        out.push('\n');
        out.push_str(&explained(spec));
        out.push_str(&format!("#{}={}\n", spec.name, spec.default));
        for (name, value) in IN_THE_SAMPLE {
            if *name == spec.name {
                out.push_str(&format!("{name}={value}\n"));
            }
        }
    }
    out
}

/// Columns of the comments.
const WIDTH: usize = 74;

/// What an option does, of which kind its value is, and where it is not as in
/// vsftpd, as comments of a configuration file.
pub(super) fn explained(spec: &OptionSpec) -> String {
    let mut out = comment(&format!("{} ({})", spec.doc, spec.kind));
    if let Some(note) = spec.note {
        out.push_str(&comment(&format!("Difference: {note}")));
    }
    out
}

/// The text as comments of a configuration file.
pub(super) fn comment(text: &str) -> String {
    let lines = wrapped(text, WIDTH).into_iter();
    lines.map(|line| format!("# {line}\n")).collect()
}

/// Words laid out in lines of at most `width` bytes.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_ascii_whitespace() {
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::load::{Accounts, Reading};
    use super::*;
    use std::path::Path;

    fn read(text: &[u8]) -> Config {
        let mut reading = Reading::new();
        reading.text(Path::new("f"), text);
        reading.finish(Accounts::OneMore).unwrap().0
    }

    fn values(config: &Config) -> Vec<Vec<u8>> {
        OPTIONS.iter().map(|spec| config.text_of(spec)).collect()
    }

    #[test]
    fn every_default_prints_as_it_is_written() {
        for spec in OPTIONS {
            assert_eq!(
                Config::default().text_of(spec),
                spec.default.as_bytes(),
                "{}",
                spec.name
            );
        }
    }

    #[test]
    fn printed_configuration_reads_back_the_same() {
        let config = read(b"anon_umask=027\nftpd_banner= \xe4\xbd\xa0 \xff\nanon_root=/\nwrite_enable=yes\nmax_per_ip=07");
        assert_eq!(values(&read(&effective(&config))), values(&config));
    }

    #[test]
    fn printed_configuration_says_where_values_came_from() {
        let text = String::from_utf8(effective(&read(b"\nlisten_port=2121\n"))).unwrap();
        assert!(text.contains("# from f:2\nlisten_port=2121\n"));
        assert!(text.contains("\nlisten_address=\n"));
        assert_eq!(text.matches("# from").count(), 1);
    }

    #[test]
    fn changes_are_what_is_not_the_default() {
        let config = read(b"listen_port=21\nmax_clients=5\nanon_root=/\n");
        let text = String::from_utf8(changes(&config)).unwrap();
        assert_eq!(
            text,
            "# Who may log in\n# from f:3\nanon_root=/\n\n\
             # Limits and times\n# from f:2\nmax_clients=5\n"
        );
        assert_eq!(values(&read(text.as_bytes())), values(&config));
        assert_eq!(changes(&Config::default()), b"");
    }

    #[test]
    fn sample_with_every_comment_mark_taken_is_the_default() {
        let bare: String = sample()
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| !line.starts_with(' ') && line.contains('='))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(bare.lines().count(), OPTIONS.len());
        assert_eq!(values(&read(bare.as_bytes())), values(&Config::default()));
    }

    #[test]
    fn sample_as_it_is_sets_what_new_servers_should_have_and_nothing_else() {
        let config = read(sample().as_bytes());
        let set: Vec<_> = IN_THE_SAMPLE.iter().map(|(name, _)| *name).collect();
        assert_eq!(config.differing(&Config::default()), set);
    }

    #[test]
    fn lines_keep_their_width() {
        assert_eq!(wrapped("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrapped("aaaaaaa b", 3), ["aaaaaaa", "b"]);
        assert_eq!(wrapped("", 3), [""; 0]);
    }
}
