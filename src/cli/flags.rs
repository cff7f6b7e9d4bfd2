//! The flags of the command line: one row each, from which getopts, the usage
//! text and ironftpd(8) are made.
#![forbid(unsafe_code)]

/// One flag.
#[derive(Debug)]
pub struct Flag {
    /// Its letter, or nothing.
    pub short: &'static str,
    /// Its long name.
    pub long: &'static str,
    /// What stands for its argument in the usage text; nothing if it takes none.
    pub argument: &'static str,
    /// Whether it may be given more than once.
    pub repeats: bool,
    /// One line for the usage text.
    pub brief: &'static str,
    /// Sentences for the manual.
    pub doc: &'static str,
}

/// Every flag, in the order in which it is shown.
pub static FLAGS: &[Flag] = &[
    Flag {
        short: "o",
        long: "option",
        argument: "name=value",
        repeats: true,
        brief: "set one option, over the files named before",
        doc: "Set one option of the configuration. Files and these settings count in the order in which they are given; where no file is named, the usual one comes first.",
    },
    Flag {
        short: "",
        long: "serve",
        argument: "directory",
        repeats: false,
        brief: "share a directory at once, without a configuration file",
        doc: "Share a directory at once, without root and without a configuration file. Anonymous users may read it; the server listens on the loopback address unless told otherwise, and prints how to reach it. Settings of -o count after those that this option makes.",
    },
    Flag {
        short: "",
        long: "port",
        argument: "number",
        repeats: false,
        brief: "with --serve: port to listen on (2121); 0 takes a free one",
        doc: "With --serve, the port to listen on; 2121 if not given. With 0 the system chooses a free one.",
    },
    Flag {
        short: "",
        long: "address",
        argument: "address",
        repeats: false,
        brief: "with --serve: address to listen on (127.0.0.1)",
        doc: "With --serve, the numeric address to listen on; 127.0.0.1 if not given. The address 0.0.0.0 reaches every IPv4 interface, :: every interface of both families.",
    },
    Flag {
        short: "",
        long: "write",
        argument: "",
        repeats: false,
        brief: "with --serve: let users change files",
        doc: "With --serve, let users upload, create, rename and delete. Without --user that means everybody who reaches the port.",
    },
    Flag {
        short: "",
        long: "user",
        argument: "name",
        repeats: false,
        brief: "with --serve: only this user, with a password, may log in",
        doc: "With --serve, let only this user log in, and nobody anonymously. The password is asked for on the terminal, or read from the first line of standard input when that is not a terminal. If it is empty, one is made up and printed once. It is never taken from the command line, where every user of the machine could see it.",
    },
    Flag {
        short: "",
        long: "tls",
        argument: "",
        repeats: false,
        brief: "with --serve: offer TLS, with a certificate made up for it",
        doc: "With --serve, let clients use TLS, with a certificate that is made up at the start. Clients cannot know whom it is from: its fingerprint is printed, to be compared with the one that they show. The user of --user has to use TLS then.",
    },
    Flag {
        short: "",
        long: "inetd",
        argument: "",
        repeats: false,
        brief: "serve the client, or the socket, that descriptor 0 is",
        doc: "Serve the client whose connection descriptor 0 is, or all that come to the listening socket it is, as inetd, xinetd, tcpserver and socat with nofork start a server. Such a socket is noticed in any case; with this option, and with listen=NO, the server ends with an error when there is none, where it would otherwise listen by itself.",
    },
    Flag {
        short: "",
        long: "trace",
        argument: "",
        repeats: false,
        brief: "draw every session: who connects from which port to which",
        doc: "Draw every session on standard output as it happens: who connects from which port to which, and where something was refused or did not arrive. The same as -o trace_connections=YES.",
    },
    Flag {
        short: "",
        long: "check",
        argument: "",
        repeats: false,
        brief: "say what is wrong with the configuration, and exit",
        doc: "Read the configuration, say everything that is wrong or odd about it, and exit: each finding in a line with its file, line and option, what will happen and what to do. Errors would keep the server from starting, warnings are probably mistakes, and notes are worth knowing. They are about what a file says: options that have no effect beside the others, that were left out although vsftpd's manual and code have different defaults for them, or that lend themselves to harm (strangers who may write, port_promiscuous, passwords in clear and so on). About what it names: files that are missing, that others than their owner may write, or that nopriv_user cannot read again; the files of user_config_dir, hosts.allow and hosts.deny; certificates. And about the machine: a missing PAM file, too few descriptors or threads, and what keeps data connections from coming about: private addresses without pasv_address, fewer passive ports than one address may have sessions, passive ports that the kernel gives to other programs, no privilege for the port of connect_from_port_20, and ports that nftables keeps shut (seen by root only; rules that are not understood are not held against the server). Those are told for the user, the network and the moment of the check. Everything that a start opens is tried, but for whether another server has the port. Then it says who the server would become and which capabilities it would keep, each with the option that asks for it, and last whether the server would start, as the exit status does, which is that of a start.",
    },
    Flag {
        short: "",
        long: "print-config",
        argument: "",
        repeats: false,
        brief: "print every option with its effective value, and exit",
        doc: "Print every option with its effective value and where that came from, in the format of a configuration file, and exit.",
    },
    Flag {
        short: "",
        long: "diff-default",
        argument: "",
        repeats: false,
        brief: "with --print-config: only what is not the default",
        doc: "With --print-config, print only the options whose value is not the default.",
    },
    Flag {
        short: "",
        long: "migrate",
        argument: "",
        repeats: false,
        brief: "print what a vsftpd.conf sets as a commented ironftpd.conf",
        doc: "Print what the named configuration files set, or else /etc/vsftpd.conf (or /etc/vsftpd/vsftpd.conf), as a configuration file of ironftpd: each option under its heading, with what it does and where ironftpd differs from vsftpd, and last what has no effect here. It means the same to ironftpd. Nothing is changed.",
    },
    Flag {
        short: "v",
        long: "version",
        argument: "",
        repeats: false,
        brief: "print the version, and exit",
        doc: "Print the version and exit, whatever else is asked for.",
    },
    Flag {
        short: "h",
        long: "help",
        argument: "",
        repeats: false,
        brief: "print this, and exit",
        doc: "Print a short usage and exit.",
    },
];

/// The flags as getopts wants them.
pub(super) fn options() -> getopts::Options {
    let mut options = getopts::Options::new();
    for flag in FLAGS {
        match (flag.argument, flag.repeats) {
            ("", _) => options.optflagmulti(flag.short, flag.long, flag.brief),
            (argument, true) => options.optmulti(flag.short, flag.long, flag.brief, argument),
            (argument, false) => options.optopt(flag.short, flag.long, flag.brief, argument),
        };
    }
    options
}

/// The text of `-h`.
#[must_use]
pub fn usage() -> String {
    let mut out = String::from(
        "Usage: ironftpd [options] [configuration-file ...]\n\
         \x20      ironftpd --serve directory [options]\n\n",
    );
    for flag in FLAGS {
        let short = if flag.short.is_empty() {
            "    ".to_owned()
        } else {
            format!("-{}, ", flag.short)
        };
        let long = if flag.argument.is_empty() {
            flag.long.to_owned()
        } else {
            format!("{} {}", flag.long, flag.argument)
        };
        out.push_str(&format!("  {short}--{long:<20}  {}\n", flag.brief));
    }
    out.push_str(
        "\nWithout a configuration file, /etc/ironftpd.conf is read, or else /etc/vsftpd.conf,\n\
         or else /etc/vsftpd/vsftpd.conf.\n\
         The manual pages are ironftpd(8) and ironftpd.conf(5).\n",
    );
    out
}

/// The list of flags in ironftpd(8), as mdoc(7).
#[must_use]
pub fn manual_flags() -> String {
    let mut out = String::from(".Bl -tag -width Ds\n");
    for flag in FLAGS {
        let short = if flag.short.is_empty() {
            String::new()
        } else {
            format!("Fl {} , ", flag.short)
        };
        let argument = if flag.argument.is_empty() {
            String::new()
        } else {
            format!(" Ar {}", flag.argument)
        };
        out.push_str(&format!(".It {short}Fl -{}{argument}\n", flag.long));
        crate::config::manual::sentences(&mut out, flag.doc);
    }
    out.push_str(".El\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_names_every_flag_in_lines_of_a_terminal() {
        let text = usage();
        for flag in FLAGS {
            assert!(text.contains(&format!("--{}", flag.long)), "{}", flag.long);
        }
        for line in text.lines() {
            assert!(line.len() <= 90, "{line}");
        }
    }

    #[test]
    fn no_flag_takes_a_password() {
        assert!(FLAGS.iter().all(|flag| !flag.long.contains("pass")));
    }
}
