//! Writing without panics: a reader that goes away ends the program quietly.

use std::io::{self, Write};

use console::style;

use crate::failure::Failure;

/// Writes one line of data to standard output.
pub fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_ref().as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))
}

/// Writes bytes to standard output as they are.
pub fn raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| Failure::output(&error))
}

/// Writes one line for the person at the terminal to standard error. Nobody reading it is no fault.
pub fn note(text: impl AsRef<str>) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_ref().as_bytes()).and_then(|()| err.write_all(b"\n"));
}

/// Writes why a command failed, in colour where there is any.
pub fn message(failure: &Failure) {
    for line in failure.to_string().lines() {
        match (line.strip_prefix("error:"), line.strip_prefix("hint:")) {
            (Some(rest), _) => note(format!("{}{rest}", style("error:").for_stderr().red().bold())),
            (_, Some(rest)) => note(format!("{}{rest}", style("hint:").for_stderr().cyan().bold())),
            (None, None) => note(line),
        }
    }
}
