//! The administrator's tool: arguments in, exit code out.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ironftpd::ctl::main()
}
