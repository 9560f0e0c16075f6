//! The rows that a run prints.

use std::fmt;

/// One measured number.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// The number with its unit.
    pub value: String,
    /// Compared with what, and how.
    pub ratio: String,
    /// What it should be; empty for a row that explains another.
    pub bound: String,
    /// Whether it is.
    pub is_met: Option<bool>,
}

impl Row {
    /// A number.
    pub fn new(what: impl Into<String>, value: impl Into<String>) -> Row {
        Row { what: what.into(), value: value.into(), ratio: String::new(), bound: String::new(), is_met: None }
    }

    /// Compared with something.
    pub fn ratio(mut self, ratio: impl Into<String>) -> Row {
        self.ratio = ratio.into();
        self
    }

    /// Held against a bound.
    pub fn bound(mut self, bound: impl Into<String>, is_met: bool) -> Row {
        self.bound = bound.into();
        self.is_met = Some(is_met);
        self
    }

    fn cells(&self) -> [&str; 5] {
        let verdict = match self.is_met {
            None => "",
            Some(true) => "met",
            Some(false) => "NOT MET",
        };
        [&self.what, &self.value, &self.ratio, &self.bound, verdict]
    }
}

/// All rows of a run. Displayed as a Markdown table, which is also readable on a terminal.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The rows.
    pub rows: Vec<Row>,
}

const HEADINGS: [&str; 5] = ["What", "Measured", "Compared", "Bound", ""];

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = HEADINGS.map(|heading| heading.chars().count().max(3));
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row.cells()) {
                *width = (*width).max(cell.chars().count());
            }
        }
        line(f, HEADINGS, &widths)?;
        for width in widths {
            write!(f, "|{}", "-".repeat(width + 2))?;
        }
        writeln!(f, "|")?;
        self.rows.iter().try_for_each(|row| line(f, row.cells(), &widths))
    }
}

fn line(f: &mut fmt::Formatter<'_>, cells: [&str; 5], widths: &[usize; 5]) -> fmt::Result {
    for (cell, width) in cells.into_iter().zip(widths) {
        write!(f, "| {cell:<width$} ")?;
    }
    writeln!(f, "|")
}

/// As in `12 345`.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// As in `12.3 MiB`.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1 << 20) as f64)
}

/// As in `1.234 ms`, or `87 µs` below a millisecond.
pub fn short(time: std::time::Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.0} µs") } else { format!("{:.2} ms", micros / 1000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_line_up() {
        let mut table = Table::default();
        table.rows.push(Row::new("bare echo", thousands(1234567.0)));
        table.rows.push(Row::new("sync Python", thousands(999.4)).ratio("0.30").bound("≥ 0.25", true));
        let lines: Vec<String> = table.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines[2], "| bare echo   | 1 234 567 |          |        |     |");
        assert_eq!(lines[3], "| sync Python | 999       | 0.30     | ≥ 0.25 | met |");
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()), "{table}");
    }
}
