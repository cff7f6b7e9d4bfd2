//! ironftpctl: what an administrator does to the server's accounts, and asks
//! of a server that runs.
//!
//! `arguments` turns the command line into a closed enum. `users` changes
//! accounts, `password` gets a new password from terminal or pipe. `asking`
//! puts a question to a server, `errands` shows what came of it. Leaves to
//! others: the accounts file itself (`auth`), and answering
//! (`server::governor`). ironftpctl(8) is the manual.
#![forbid(unsafe_code)]

mod arguments;
mod asking;
mod errands;
mod failure;
mod password;
mod users;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use arguments::Request;
pub use failure::{Exit, Failure, UsageError};

/// The whole program: reads this process's arguments, writes to its stdout
/// and stderr, and says how it should end.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    ExitCode::from(run(&arguments, &mut out, &mut err).code())
}

/// Obeys `arguments` (without the program's name) and reports to `out` and
/// `err`. A new password comes from the terminal or standard input.
pub fn run(arguments: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let result = arguments::parse(arguments).and_then(|request| match request {
        Request::Help => out
            .write_all(arguments::help().as_bytes())
            .map_err(Failure::Output),
        Request::Version => {
            writeln!(out, "ironftpctl {}", env!("CARGO_PKG_VERSION")).map_err(Failure::Output)
        }
        Request::User { file, command } => users::obey(&file, command, out, err),
        Request::Server { socket, command } => errands::run(&socket, &command, out),
    });
    let result = result.and_then(|()| out.flush().map_err(Failure::Output));
    match result {
        Ok(()) => Exit::Ok,
        // A reader that went away (`| head`) has what it wanted.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Err(failure) => {
            // Nobody is left to tell where stderr fails too.
            let _ = writeln!(err, "ironftpctl: {failure}");
            if matches!(failure, Failure::Usage(_)) {
                let _ = writeln!(err, "ironftpctl: see ironftpctl --help");
            }
            failure.exit()
        }
    }
}
