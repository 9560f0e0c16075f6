//! Temperatures in, one a line, in Fahrenheit; the same in Celsius out. A command: stdin to stdout.

use std::io::{self, BufRead, Write};

fn celsius(line: &str) -> f64 {
    let fahrenheit: f64 = line.trim().parse().unwrap_or_else(|error| panic!("{line:?}: {error}"));
    (fahrenheit - 32.0) / 1.8
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        writeln!(out, "{:.1}", celsius(&line?))?;
    }
    out.flush()
}
