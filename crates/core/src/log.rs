//! Lines that user code prints and logs, bounded so that no amount of output costs more than its limits.

use crate::{
    invocation::{LogLevel, LogLine},
    limits::{LOG_ATTEMPT_BYTES_MAX, LOG_ATTEMPT_LINES_MAX, LOG_MESSAGE_BYTES_MAX},
    time::Timestamp,
};

/// Room for the words that say how much was cut.
const MARKER_BYTES_MAX: usize = 40;

/// The longest that [`one_line`] gives, in bytes.
const LINE_BYTES_MAX: usize = 400;

/// What somebody else says of a fault, as part of one line: without characters that would end it, and cut when it is long. Readers of
/// JSON repeat what they have read, which may be of any size.
pub fn one_line(said: impl std::fmt::Display) -> String {
    cut_text(&said.to_string().replace(char::is_control, " "), LINE_BYTES_MAX)
}

/// Cuts `text` to about `bytes_max` bytes at a character's edge and says how many are missing.
pub fn cut_text(text: &str, bytes_max: usize) -> String {
    cut_of(text, bytes_max, text.len())
}

/// Cuts the beginning `text` of a text of `total` bytes in the same way.
pub fn cut_of(text: &str, bytes_max: usize, total: usize) -> String {
    if total <= bytes_max {
        return text.to_owned();
    }
    let mut end = bytes_max.saturating_sub(MARKER_BYTES_MAX).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… [cut, {} bytes]", &text[..end], total - end)
}

/// The log of one attempt, or of a launch.
#[derive(Clone, Debug, Default)]
pub struct LogBuffer {
    lines: Vec<LogLine>,
    bytes: usize,
    /// Where the last line begins in the message of the last entry.
    last_line_at: usize,
    is_full: bool,
}

/// A log keeps so many lines as entries of their own. Later ones without fields join the entry before them, up to the limit of a
/// message, so that the number of lines costs no text.
const OWN_ENTRIES_MAX: usize = LOG_ATTEMPT_LINES_MAX - 1000;

impl LogBuffer {
    /// Appends a line, unless the limit is reached: then the rest is dropped, and the first time that is said.
    pub fn push(
        &mut self,
        time: Timestamp,
        level: LogLevel,
        message: &str,
        fields: Option<(serde_json::Value, usize)>,
    ) {
        if self.is_full {
            return;
        }
        let (fields, fields_bytes) = match fields {
            Some((fields, bytes)) if bytes <= LOG_MESSAGE_BYTES_MAX => (Some(fields), bytes),
            Some((_, bytes)) => (Some(serde_json::json!({"left_out": format!("{bytes} bytes of fields")})), 64),
            None => (None, 0),
        };
        let message = cut_text(message, LOG_MESSAGE_BYTES_MAX);
        let room = LOG_ATTEMPT_BYTES_MAX.saturating_sub(self.bytes + fields_bytes);
        if self.lines.len() >= LOG_ATTEMPT_LINES_MAX {
            self.is_full = true;
        } else if message.len() > room {
            let kept = message.floor_char_boundary(room);
            if kept > 0 {
                self.add(time, level, message[..kept].to_owned(), None);
            }
            self.is_full = true;
        } else {
            self.bytes += message.len() + fields_bytes;
            self.add(time, level, message, fields);
        }
        if self.is_full {
            self.push_last(time, LogLevel::Warn, LogLine::DROPPED);
        }
    }

    /// Appends a piece of a line: the whole, or what goes on in the next piece when it `continues`.
    pub fn push_piece(&mut self, time: Timestamp, level: LogLevel, piece: &str, continues: bool) {
        self.push(time, level, piece, continues.then(|| (serde_json::json!({LogLine::CONTINUES: true}), 0)));
    }

    fn add(&mut self, time: Timestamp, level: LogLevel, message: String, fields: Option<serde_json::Value>) {
        let is_many = self.lines.len() >= OWN_ENTRIES_MAX;
        let last =
            self.lines.last_mut().filter(|_| is_many && fields.is_none()).filter(|last| {
                last.fields.is_none() && last.message.len() + 1 + message.len() <= LOG_MESSAGE_BYTES_MAX
            });
        match last {
            Some(last) => {
                last.message.push('\n');
                self.bytes += 1;
                self.last_line_at = last.message.len();
                last.message.push_str(&message);
                last.level = last.level.max(level);
            }
            None => {
                self.last_line_at = 0;
                self.lines.push(LogLine { time, level, message, fields });
            }
        }
    }

    /// Appends a line that must not be lost: the traceback at the end.
    pub fn push_last(&mut self, time: Timestamp, level: LogLevel, message: &str) {
        let message = cut_text(message, LOG_MESSAGE_BYTES_MAX);
        self.last_line_at = 0;
        self.lines.push(LogLine { time, level, message, fields: None });
    }

    /// The text of the last line, to explain an end with.
    pub fn last_message(&self) -> Option<&str> {
        self.lines.last().map(|line| &line.message[self.last_line_at..])
    }

    /// What was printed, as it was printed.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.bytes);
        for line in &self.lines {
            text.push_str(&line.message);
            if line.fields.as_ref().and_then(|fields| fields.get(LogLine::CONTINUES)).is_none() {
                text.push('\n');
            }
        }
        text
    }

    /// Whether one of the last lines speaks of memory running out.
    pub fn tells_of_memory(&self) -> bool {
        self.lines.iter().rev().take(50).any(|line| {
            let text = line.message.to_ascii_lowercase();
            text.contains("out of memory") || text.contains("cannot allocate memory") || text.contains("memoryerror")
        })
    }

    /// The lines so far.
    pub fn lines(&self) -> &[LogLine] {
        &self.lines
    }

    /// Whether further lines are dropped.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// The lines.
    pub fn into_lines(self) -> Vec<LogLine> {
        self.lines
    }
}

/// Cuts the bytes of a pipe into lines, and these into pieces of one message's limit, so that nothing is lost.
#[derive(Debug, Default)]
pub struct PieceSplitter {
    part: Vec<u8>,
}

impl PieceSplitter {
    /// Takes bytes and gives the pieces that they complete, and of each whether its line goes on.
    pub fn push(&mut self, mut bytes: &[u8], mut piece: impl FnMut(&str, bool)) {
        while !bytes.is_empty() {
            let room = LOG_MESSAGE_BYTES_MAX - self.part.len();
            let next = &bytes[..bytes.len().min(room)];
            if let Some(end) = next.iter().position(|byte| *byte == b'\n') {
                self.part.extend_from_slice(&next[..end]);
                bytes = &bytes[end + 1..];
                self.flush_line(&mut piece);
                continue;
            }
            self.part.extend_from_slice(next);
            bytes = &bytes[next.len()..];
            if self.part.len() == LOG_MESSAGE_BYTES_MAX {
                let rest = self.part.split_off(whole_characters(&self.part));
                piece(&text_within_limit(&self.part), true);
                self.part = rest;
            }
        }
    }

    /// Gives the unfinished line, if there is one.
    pub fn flush(&mut self, mut piece: impl FnMut(&str, bool)) {
        if !self.part.is_empty() {
            self.flush_line(&mut piece);
        }
    }

    fn flush_line(&mut self, piece: &mut impl FnMut(&str, bool)) {
        if self.part.last() == Some(&b'\r') {
            self.part.pop();
        }
        piece(&text_within_limit(&self.part), false);
        self.part.clear();
        self.part.shrink_to(4096);
    }
}

/// Bytes as text. Bytes that are no text would make it longer than they are, so when that is too long `?` stands for them.
fn text_within_limit(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.len() <= LOG_MESSAGE_BYTES_MAX { text.into_owned() } else { text.replace(char::REPLACEMENT_CHARACTER, "?") }
}

/// How many of `bytes` are before a character that is not complete yet.
fn whole_characters(bytes: &[u8]) -> usize {
    let start = (1..=3.min(bytes.len())).find(|back| bytes[bytes.len() - back] & 0xc0 == 0xc0);
    match start {
        Some(back) if std::str::from_utf8(&bytes[bytes.len() - back..]).is_err() => bytes.len() - back,
        _ => bytes.len(),
    }
}

/// Cuts the bytes of a pipe into lines. Holds at most one line's limit of them.
#[derive(Debug, Default)]
pub struct LineSplitter {
    part: Vec<u8>,
    /// Bytes of the unfinished line, those not kept included.
    total: usize,
}

impl LineSplitter {
    /// Takes bytes and gives the lines that they complete.
    pub fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(&str)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.keep(&bytes[..end]);
            self.finish(&mut line);
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// Gives the unfinished line, if there is one.
    pub fn flush(&mut self, mut line: impl FnMut(&str)) {
        if self.total > 0 {
            self.finish(&mut line);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LOG_MESSAGE_BYTES_MAX.saturating_sub(self.part.len());
        self.part.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.total += bytes.len();
    }

    fn finish(&mut self, line: &mut impl FnMut(&str)) {
        if self.part.last() == Some(&b'\r') && self.part.len() == self.total {
            self.part.pop();
            self.total -= 1;
        }
        let text = String::from_utf8_lossy(&self.part);
        line(&cut_of(&text, LOG_MESSAGE_BYTES_MAX, self.total.max(text.len())));
        self.part.clear();
        self.part.shrink_to(4096);
        self.total = 0;
    }
}

#[cfg(test)]
mod tests;
