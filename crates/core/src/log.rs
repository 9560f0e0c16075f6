//! Lines that user code prints and logs, bounded so that no amount of output costs more than its limits.

use crate::{
    invocation::{LogLevel, LogLine},
    limits::{LOG_ATTEMPT_BYTES_MAX, LOG_ATTEMPT_LINES_MAX, LOG_MESSAGE_BYTES_MAX},
    time::Timestamp,
};

/// Room for the words that say how much was cut.
const MARKER_BYTES_MAX: usize = 40;

/// Cuts `text` to about `bytes_max` bytes at a character's edge and says how many are missing.
pub fn cut_text(text: &str, bytes_max: usize) -> String {
    cut_with_total(text, bytes_max, text.len())
}

fn cut_with_total(text: &str, bytes_max: usize, total: usize) -> String {
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
    is_full: bool,
}

impl LogBuffer {
    /// Appends a line, unless the limit is reached: then it is dropped, and the first time that is said. With `fields`
    /// comes their size as JSON, in bytes.
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
        self.bytes += message.len() + fields_bytes;
        if self.bytes > LOG_ATTEMPT_BYTES_MAX || self.lines.len() >= LOG_ATTEMPT_LINES_MAX {
            self.is_full = true;
            let message = LogLine::DROPPED.to_owned();
            self.lines.push(LogLine { time, level: LogLevel::Warn, message, fields: None });
            return;
        }
        self.lines.push(LogLine { time, level, message, fields });
    }

    /// Appends a line that must not be lost: the traceback at the end.
    pub fn push_last(&mut self, time: Timestamp, level: LogLevel, message: &str) {
        let message = cut_text(message, LOG_MESSAGE_BYTES_MAX);
        self.lines.push(LogLine { time, level, message, fields: None });
    }

    /// The text of the last line, to explain an end with.
    pub fn last_message(&self) -> Option<&str> {
        self.lines.last().map(|line| line.message.as_str())
    }

    /// The lines so far.
    pub fn lines(&self) -> &[LogLine] {
        &self.lines
    }

    /// The lines.
    pub fn into_lines(self) -> Vec<LogLine> {
        self.lines
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
        line(&cut_with_total(&text, LOG_MESSAGE_BYTES_MAX, self.total.max(text.len())));
        self.part.clear();
        self.part.shrink_to(4096);
        self.total = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_from_parts_and_cut() {
        let (mut splitter, mut lines) = (LineSplitter::default(), Vec::new());
        for part in ["one\r\ntw", "o\n\nrest"] {
            splitter.push(part.as_bytes(), |line| lines.push(line.to_owned()));
        }
        splitter.flush(|line| lines.push(line.to_owned()));
        assert_eq!(lines, ["one", "two", "", "rest"]);
        splitter.push(&vec![b'x'; 2 * LOG_MESSAGE_BYTES_MAX], |_| {});
        let mut long = String::new();
        splitter.flush(|line| long = line.to_owned());
        assert!(long.len() <= LOG_MESSAGE_BYTES_MAX && long.ends_with(" bytes]"), "{}", &long[long.len() - 30..]);
    }

    #[test]
    fn a_full_log_says_so_once() {
        let mut log = LogBuffer::default();
        for _ in 0..2 * LOG_ATTEMPT_LINES_MAX {
            log.push(Timestamp(0), LogLevel::Info, "again", None);
        }
        assert_eq!(log.lines().len(), LOG_ATTEMPT_LINES_MAX + 1);
        assert_eq!(log.last_message(), Some("log limit reached, further lines are dropped"));
        log.push_last(Timestamp(0), LogLevel::Error, "the end");
        assert_eq!(log.last_message(), Some("the end"));
    }
}
