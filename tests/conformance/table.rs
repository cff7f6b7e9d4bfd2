//! The tables beside this file: lines of text with `|` between columns, `#`
//! before remarks.

use std::path::{Path, PathBuf};

/// A line that is neither empty nor a remark.
pub struct Row {
    /// Counted from 1, for messages.
    pub line: usize,
    /// As it stands there.
    pub text: String,
}

impl Row {
    /// The columns without the blanks around them.
    pub fn columns(&self) -> Vec<&str> {
        self.text.split('|').map(str::trim).collect()
    }
}

/// Where a file of this folder is.
pub fn place(name: &str) -> PathBuf {
    project().join("tests/conformance").join(name)
}

/// The project's folder.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of a table.
pub fn rows(name: &str) -> Vec<Row> {
    let path = place(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, text)| !text.trim().is_empty() && !text.starts_with('#'))
        .map(|(at, text)| Row {
            line: at + 1,
            text: text.to_owned(),
        })
        .collect()
}
