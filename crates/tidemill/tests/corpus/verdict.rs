//! What a case says of itself, and what its end says of it.

use std::fmt;

use crate::harness::Done;

/// See `sandbox-corpus/README.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Escaped,
    Held,
    Absent,
    /// It did not say.
    Broken,
}

/// A verdict and the words it was read from.
#[derive(Debug)]
pub struct Answer {
    pub verdict: Verdict,
    pub words: String,
}

impl Answer {
    pub fn new(verdict: Verdict, words: impl Into<String>) -> Answer {
        let words: String = words.into();
        Answer { verdict, words: words.trim().chars().take(160).collect::<String>().replace('\n', " ") }
    }

    /// What `done`, an invocation, says. One that ran out of memory or of time was held by it.
    pub fn of(done: &Done) -> Answer {
        let verdict = match done.stdout.split_whitespace().next() {
            Some("ESCAPED") => Verdict::Escaped,
            Some("HELD") => Verdict::Held,
            Some("ABSENT") => Verdict::Absent,
            _ if done.stderr.contains("MiB") && done.stderr.contains("memory") => Verdict::Held,
            _ => Verdict::Broken,
        };
        Answer::new(verdict, if done.code == 0 { &done.stdout } else { &done.stderr })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.verdict, self.words)
    }
}
