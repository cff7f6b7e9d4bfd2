//! Where ladder drawings go (`trace_connections`): standard output, whole
//! lines at a time.
//!
//! A drawing is no reason for a session to wait: who stops reading, in a
//! pager or with Ctrl-S, loses drawings and is told how many.
#![forbid(unsafe_code)]

use super::outlet::Outlet;

/// Standard output.
pub static DRAWINGS: Outlet = Outlet::output(|lost| match lost {
    1 => "# 1 drawing lost, nobody took it\n".to_owned(),
    lost => format!("# {lost} drawings lost, nobody took them\n"),
});

/// Writes finished lines, in one piece.
pub fn write(lines: &str) {
    DRAWINGS.write(lines);
}
