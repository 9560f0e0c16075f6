//! How a command fails: one message, hints on what to do, and an exit code that scripts can tell apart.

use std::{fmt, io, process::ExitCode};

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Nothing went wrong: the reader of our output closed it.
    OutputClosed,
    /// The user can fix it.
    Fixable,
    /// We cannot do it, and the user is not at fault.
    Broken,
    /// Flags, arguments or configuration are wrong.
    Usage,
    /// Ended by a second ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::OutputClosed => 0,
            Exit::Fixable => 1,
            Exit::Broken => 2,
            Exit::Usage => 64,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Why a command did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which exit code.
    pub exit: Exit,
    /// What went wrong; may have several lines.
    pub message: String,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, message: message.into(), hints: Vec::new() }
    }

    /// Something the user can fix.
    pub fn fixable(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Fixable, message)
    }

    /// Something we cannot do.
    pub fn broken(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Broken, message)
    }

    /// Wrong flags or configuration.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, message)
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// Writing to standard output failed.
    pub fn output(error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::new(Exit::OutputClosed, ""),
            _ => Failure::broken(format!("cannot write to standard output: {error}")),
        }
    }
}

impl fmt::Display for Failure {
    /// The lines for standard error: `error: …`, then `hint: …` lines. Empty when there is nothing to say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            return Ok(());
        }
        writeln!(f, "error: {}", self.message.trim_end())?;
        self.hints.iter().try_for_each(|hint| writeln!(f, "hint: {hint}"))
    }
}

/// A message and the lines that go with it, with the line that is the fault said once: it stands at the end of the message and,
/// mostly, at an end of the lines as well.
pub fn once(message: &str, lines: &str) -> String {
    let (message, lines) = (message.trim_end(), lines.trim_end());
    if lines.trim().is_empty() || message.contains(lines.trim()) {
        return message.to_owned();
    }
    let ends = [lines.lines().last(), lines.lines().find(|line| !line.trim().is_empty())];
    let said = ends.into_iter().flatten().map(str::trim).find(|line| message.ends_with(&format!(": {line}")));
    let kept = said.map_or(message, |line| message[..message.len() - line.len()].trim_end());
    format!("{kept}\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fault_is_said_once() {
        let traceback = "Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: no";
        for (message, lines, told) in [
            ("a is not ready: ValueError: no", traceback, format!("a is not ready:\n{traceback}")),
            (
                "a is not ready: Error: no",
                "Error: no\n    at a.js:1",
                "a is not ready:\nError: no\n    at a.js:1".to_owned(),
            ),
            ("pip failed: it exited with 1", "ERROR: no\n", "pip failed: it exited with 1\nERROR: no".to_owned()),
            ("a failed: no", "no\n", "a failed: no".to_owned()),
            ("a failed", "", "a failed".to_owned()),
        ] {
            assert_eq!(once(message, lines), told);
        }
    }

    #[test]
    fn hints_follow_the_error() {
        let failure = Failure::usage("no").hint("do this").hint("or that");
        assert_eq!(failure.to_string(), "error: no\nhint: do this\nhint: or that\n");
        assert_eq!(failure.exit.code(), 64);
    }

    #[test]
    fn a_closed_output_is_no_error() {
        let failure = Failure::output(&io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit.code(), failure.to_string()), (0, String::new()));
    }
}
