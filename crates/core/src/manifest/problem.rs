//! What is wrong with a configuration, all of it at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::yaml::{Node, Position};

/// The most problems that are reported; the rest is counted.
const PROBLEMS_MAX: usize = 100;
/// The most warnings that are kept.
const WARNINGS_MAX: usize = 200;
/// Characters of a value that a message shows.
const SHOWN_MAX: usize = 60;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file, relative to the package; `None` for a flag or the package as a whole.
    pub file: Option<String>,
    /// The line in `file`, from 1.
    pub line: Option<u32>,
    /// The column in `file`, from 1, in characters.
    pub column: Option<u32>,
    /// The path of the key, as in `spec.triggers.web.kind`, or the flag, as in `--memory`. Empty for the whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, "{number}:")?;
            }
            f.write_str(" ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a configuration. Shown as one line a problem, each followed by its hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// The problems, in the order of the file; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
            if let Some(hint) = &problem.hint {
                write!(f, "\nhint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ManifestError {}

/// A key's place, rendered only when it is needed: a hostile file has many long keys and few of them matter.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    segment: Segment<'a>,
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The path of the whole, which is empty.
    pub(super) const ROOT: Path<'static> = Path { parent: None, segment: Segment::Root };

    /// The path of a member.
    pub(super) fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { parent: Some(self), segment: Segment::Key(key) }
    }

    /// The path of an item of a list.
    pub(super) fn index(&'a self, index: usize) -> Path<'a> {
        Path { parent: Some(self), segment: Segment::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.segment {
            Segment::Root => Ok(()),
            Segment::Key(key) => {
                let inner = self.parent.is_some_and(|parent| !matches!(parent.segment, Segment::Root));
                write!(f, "{}{key}", if inner { "." } else { "" })
            }
            Segment::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Gathers problems and warnings while a configuration is read.
pub(super) struct Report {
    file: Option<String>,
    first_line: u32,
    with_columns: bool,
    problems: Vec<Problem>,
    left_out: usize,
    warnings: Vec<String>,
}

impl Report {
    /// A report on a text that begins on `first_line` of `file`.
    pub(super) fn new(file: Option<String>, first_line: u32, with_columns: bool) -> Report {
        Report {
            file,
            first_line: first_line.max(1),
            with_columns,
            problems: Vec::new(),
            left_out: 0,
            warnings: Vec::new(),
        }
    }

    /// Whether further problems would not be shown.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }

    /// Notes a problem at a place of the file.
    pub(super) fn at(
        &mut self,
        at: Position,
        path: impl fmt::Display,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        if self.is_full() {
            self.left_out += 1;
            return;
        }
        self.problems.push(Problem {
            file: self.file.clone(),
            line: Some(self.line(at)),
            column: self.with_columns.then_some(at.column),
            path: path.to_string(),
            message: message.into(),
            hint,
        });
    }

    /// Notes a problem of a flag or of the package.
    pub(super) fn general(&mut self, path: &str, message: impl Into<String>, hint: Option<String>) {
        self.problems.push(Problem {
            file: None,
            line: None,
            column: None,
            path: path.to_owned(),
            message: message.into(),
            hint,
        });
    }

    /// Notes something that is accepted and yet does not do what its author may expect.
    pub(super) fn warn(&mut self, at: Position, path: impl fmt::Display, message: impl fmt::Display) {
        if self.warnings.len() < WARNINGS_MAX {
            let file = self.file.as_deref().unwrap_or_default();
            self.warnings.push(format!("{file}:{}: {path} {message}", self.line(at)));
        }
    }

    /// A warning that belongs to no line.
    pub(super) fn warn_general(&mut self, message: String) {
        self.warnings.push(message);
    }

    /// The line in the file.
    pub(super) fn line(&self, at: Position) -> u32 {
        self.first_line.saturating_add(at.line.saturating_sub(1))
    }

    /// The warnings if all went well, else what is wrong, in the order of the file.
    pub(super) fn finish(mut self) -> Result<Vec<String>, ManifestError> {
        if self.problems.is_empty() {
            return Ok(self.warnings);
        }
        self.problems.sort_by_key(|problem| (problem.line.is_none(), problem.line, problem.column));
        if self.left_out > 0 {
            let message = format!("and {} more problems", self.left_out);
            self.general("", message, None);
        }
        Err(ManifestError { problems: self.problems })
    }
}

/// A value as a message shows it, as in `the number 5`.
pub(super) fn found(node: &Node) -> String {
    use super::yaml::{Scalar, Value};
    match &node.value {
        Value::Scalar { kind: Scalar::Null, .. } => "nothing".to_owned(),
        Value::Scalar { kind: Scalar::Bool(value), .. } => value.to_string(),
        Value::Scalar { kind: Scalar::Integer(_) | Scalar::Number(_), text } => format!("the number {}", cut(text)),
        Value::Scalar { kind: Scalar::Text, text } => format!("the text {}", quote(text)),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
    }
}

/// A text in quotes, cut when it is long.
pub(super) fn quote(text: &str) -> String {
    format!("{:?}", cut(text))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
