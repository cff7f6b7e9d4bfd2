//! The results as Markdown: one table of rates and costs, one of plain figures,
//! and in words every row another server leads.

use std::fmt::Write;

use crate::cases::{Sample, Unit, quantile};
use crate::servers::Kind;

/// A case and the rounds of each column.
pub struct Row {
    /// Name and amounts.
    pub label: String,
    /// What a unit is.
    pub unit: Unit,
    /// The bare loop's rounds; none where there is no such loop.
    pub limit: Vec<Sample>,
    /// Per server: its rounds, or why there are none.
    pub cells: Vec<Result<Vec<Sample>, String>>,
}

/// A figure of which less is better.
pub struct Fact {
    /// What it is, with its unit.
    pub label: String,
    /// Digits after the point.
    pub digits: usize,
    /// Per server: the figure, or why there is none.
    pub cells: Vec<Result<f64, String>>,
}

/// All of a run.
pub struct Report {
    /// The columns.
    pub servers: Vec<Kind>,
    /// Servers that could not be started, and why.
    pub absent: Vec<(Kind, String)>,
    /// Rates.
    pub rows: Vec<Row>,
    /// Figures.
    pub facts: Vec<Fact>,
    /// Machine, amounts, remarks: one line each.
    pub notes: Vec<String>,
}

/// A lead smaller than this share is noise.
const NOISE: f64 = 0.02;

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(&mut values.collect::<Vec<_>>(), 0.5)
}

fn rate(sample: &Sample) -> f64 {
    sample.units / sample.seconds.max(1e-9)
}

/// CPU seconds per GB, 100,000 entries or 1,000 operations.
fn cost(unit: Unit, sample: &Sample) -> f64 {
    let per = match unit {
        Unit::Bytes => 1e9,
        Unit::Entries => 1e5,
        Unit::Operations => 1e3,
    };
    sample.cpu / sample.units.max(1.0) * per
}

fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn figures(unit: Unit, samples: &[Sample], limit: &[Sample]) -> String {
    let rate_text = match (unit, median(samples.iter().map(rate))) {
        (Unit::Bytes, rate) => format!("{:.2} GB/s", rate / 1e9),
        (Unit::Entries, rate) => format!("{}k/s", grouped(rate / 1e3)),
        (Unit::Operations, rate) => format!("{}/s", grouped(rate)),
    };
    // Each round against the loop of the same round: the machine drifts less
    // within one than between two.
    let shares = samples
        .iter()
        .zip(limit)
        .map(|(sample, limit)| rate(sample) / rate(limit));
    let share = if limit.is_empty() {
        String::new()
    } else {
        format!(" ({:.2})", median(shares))
    };
    format!(
        "{rate_text}{share}, {:.3}",
        median(samples.iter().map(|sample| cost(unit, sample)))
    )
}

impl Row {
    fn spread(&self) -> f64 {
        let wide = |samples: &Vec<Sample>| {
            let rates = || samples.iter().map(rate);
            (rates().fold(0.0, f64::max) - rates().fold(f64::MAX, f64::min)) / median(rates())
        };
        self.cells.iter().flatten().map(wide).fold(0.0, f64::max)
    }
}

impl Report {
    /// The whole report.
    pub fn markdown(&self) -> String {
        let mut text = String::from("# FTP servers measured side by side\n\n");
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        for (kind, reason) in &self.absent {
            let _ = writeln!(text, "- **{} not run**: {reason}", kind.name());
        }
        let names = self
            .servers
            .iter()
            .map(|kind| kind.name())
            .collect::<Vec<_>>()
            .join(" | ");
        let columns = "---|".repeat(self.servers.len());
        if !self.rows.is_empty() {
            text.push_str(
                "\nA cell: rate (share of the bare loop's rate), server CPU seconds per GB, 100,000 entries or\n\
                 1,000 operations; medians. `spread`: the widest (max - min) / median of a column's rates.\n\n",
            );
            let _ = writeln!(
                text,
                "| case | bare loop | {names} | spread |\n|---|---|{columns}---|"
            );
        }
        for row in &self.rows {
            let limit = if row.limit.is_empty() {
                "-".into()
            } else {
                figures(row.unit, &row.limit, &[])
            };
            let _ = write!(text, "| {} | {limit} |", row.label);
            for cell in &row.cells {
                let cell = cell
                    .as_ref()
                    .map(|samples| figures(row.unit, samples, &row.limit));
                let _ = write!(text, " {} |", cell.unwrap_or_else(|reason| plain(reason)));
            }
            let _ = writeln!(text, " {:.0} % |", row.spread() * 100.0);
        }
        if !self.facts.is_empty() {
            let _ = writeln!(
                text,
                "\nLess is better:\n\n| figure | {names} |\n|---|{columns}"
            );
        }
        for fact in &self.facts {
            let _ = write!(text, "| {} |", fact.label);
            for cell in &fact.cells {
                let cell = cell
                    .as_ref()
                    .map(|value| format!("{value:.*}", fact.digits));
                let _ = write!(text, " {} |", cell.unwrap_or_else(|reason| plain(reason)));
            }
            text.push('\n');
        }
        text.push_str(&self.not_led());
        text
    }

    /// The rows in which ironftpd is not first, beyond noise.
    fn not_led(&self) -> String {
        let Some(ours) = self.servers.iter().position(|kind| *kind == Kind::Ironftpd) else {
            return String::new();
        };
        if self.absent.iter().any(|(kind, _)| *kind == Kind::Ironftpd) {
            return "\nironftpd was not run.\n".into();
        }
        let mut text = String::new();
        for row in &self.rows {
            let medians = |figure: &dyn Fn(&Sample) -> f64| -> Vec<Result<f64, String>> {
                let one = |cell: &Result<Vec<Sample>, String>| match cell {
                    Ok(samples) => Ok(median(samples.iter().map(figure))),
                    Err(reason) => Err(reason.clone()),
                };
                row.cells.iter().map(one).collect()
            };
            // Seconds per unit, so that less is better here too.
            self.compare(
                &mut text,
                &format!("{}, rate", row.label),
                ours,
                &medians(&|sample| 1.0 / rate(sample)),
            );
            self.compare(
                &mut text,
                &format!("{}, CPU", row.label),
                ours,
                &medians(&|sample| cost(row.unit, sample)),
            );
        }
        for fact in &self.facts {
            self.compare(&mut text, &fact.label, ours, &fact.cells);
        }
        if text.is_empty() {
            return "\nironftpd is first in every row.\n".into();
        }
        format!(
            "\n## Rows in which ironftpd is not first (beyond {:.0} %)\n\n{text}",
            NOISE * 100.0
        )
    }

    fn compare(&self, text: &mut String, label: &str, ours: usize, cells: &[Result<f64, String>]) {
        let own = match &cells[ours] {
            Ok(own) => *own,
            Err(reason) => {
                let _ = writeln!(text, "- {label}: no figure ({reason})");
                return;
            }
        };
        for (kind, cell) in self.servers.iter().zip(cells) {
            if let Ok(other) = cell
                && own > other * (1.0 + NOISE)
            {
                let _ = writeln!(
                    text,
                    "- {label}: {} is {:.2} times better",
                    kind.name(),
                    own / other.max(1e-12)
                );
            }
        }
    }
}

/// A reason as it may stand in a cell.
fn plain(reason: &str) -> String {
    reason.replace('|', "/").replace(['\n', '\r'], " ")
}
