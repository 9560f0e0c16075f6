//! Lines, cuts and limits.

use crate::{
    invocation::LogLevel,
    limits::{LOG_ATTEMPT_BYTES_MAX, LOG_ATTEMPT_LINES_MAX, LOG_MESSAGE_BYTES_MAX},
    time::Timestamp,
};

use super::{LineSplitter, LogBuffer, PieceSplitter, cut_text};

fn lines_of(pieces: &[&[u8]]) -> Vec<String> {
    let mut splitter = LineSplitter::default();
    let mut lines = Vec::new();
    for piece in pieces {
        splitter.push(piece, |line| lines.push(line.to_owned()));
    }
    splitter.flush(|line| lines.push(line.to_owned()));
    lines
}

#[test]
fn lines_are_whole_however_they_come() {
    assert_eq!(lines_of(&[b"a\nb", b"c\r\n", b"\n", b"d"]), ["a", "bc", "", "d"]);
    assert_eq!(lines_of(&[b"\xff\xfe\n"]), ["\u{fffd}\u{fffd}"]);
    assert!(lines_of(&[]).is_empty());
}

#[test]
fn a_long_line_is_held_only_up_to_its_limit() {
    let piece = vec![b'x'; 100_000];
    let pieces: Vec<&[u8]> = std::iter::repeat_n(&piece[..], 50).chain([&b"\nnext\n"[..]]).collect();
    let lines = lines_of(&pieces);
    assert_eq!(lines.len(), 2);
    assert!(lines[0].len() <= LOG_MESSAGE_BYTES_MAX && lines[0].ends_with(" bytes]"), "{}", lines[0].len());
    assert_eq!(lines[1], "next");
}

#[test]
fn text_is_cut_at_a_character() {
    assert_eq!(cut_text("short", 100), "short");
    let cut = cut_text(&"ü".repeat(100), 61);
    assert_eq!(cut, format!("{}… [cut, 180 bytes]", "ü".repeat(10)));
}

#[test]
fn a_log_keeps_its_limits_says_so_once_and_keeps_the_traceback() {
    for (line, level) in [("x", LogLevel::Info), (&*"y".repeat(LOG_MESSAGE_BYTES_MAX), LogLevel::Warn)] {
        let mut logs = LogBuffer::default();
        for _ in 0..LOG_ATTEMPT_BYTES_MAX / line.len() + 10 {
            logs.push(Timestamp(0), level, line, None);
        }
        logs.push_last(Timestamp(0), LogLevel::Error, "Traceback");
        let text = logs.text();
        let lines = logs.into_lines();
        assert!(lines.len() <= LOG_ATTEMPT_LINES_MAX + 2, "{}", lines.len());
        assert!(lines.iter().all(|line| line.message.len() <= LOG_MESSAGE_BYTES_MAX));
        let bytes = lines.iter().map(|line| line.message.len()).sum::<usize>();
        assert!(bytes <= LOG_ATTEMPT_BYTES_MAX + 100, "{bytes}");
        assert!(text.chars().count() >= 1_000_000, "{}", text.len());
        assert!(text.ends_with("log limit reached, further lines are dropped\nTraceback\n"));
    }
}

#[test]
fn many_lines_join_entries_and_none_is_lost() {
    let mut logs = LogBuffer::default();
    let mut expected = String::new();
    for number in 0..20_000 {
        let level = if number == 15_000 { LogLevel::Warn } else { LogLevel::Info };
        logs.push(Timestamp(0), level, &number.to_string(), None);
        expected.push_str(&format!("{number}\n"));
    }
    assert_eq!((logs.text(), logs.last_message()), (expected, Some("19999")));
    let lines = logs.into_lines();
    assert!(lines.len() < LOG_ATTEMPT_LINES_MAX && lines[0].message == "0");
    assert!(lines[8999].message.starts_with("8999\n9000\n"), "lines after the first ones join");
    assert!(lines.iter().any(|line| line.level == LogLevel::Warn), "the sterner level of what is joined");
}

#[test]
fn many_lines_with_fields_come_to_an_end() {
    let mut logs = LogBuffer::default();
    for _ in 0..LOG_ATTEMPT_LINES_MAX + 10 {
        logs.push(Timestamp(0), LogLevel::Info, "x", Some((serde_json::json!({"a": 1}), 7)));
    }
    assert!(logs.is_full());
    let lines = logs.into_lines();
    assert_eq!(lines.len(), LOG_ATTEMPT_LINES_MAX + 1);
    assert_eq!(lines[LOG_ATTEMPT_LINES_MAX].message, "log limit reached, further lines are dropped");
}

#[test]
fn a_long_line_goes_on_in_further_entries() {
    for text in ["ü".repeat(100_000), format!("a{}", "ü".repeat(100_000)), "x".repeat(3 * LOG_MESSAGE_BYTES_MAX)] {
        let (mut splitter, mut logs) = (PieceSplitter::default(), LogBuffer::default());
        let whole = format!("{text}\r\nnext\n\nend");
        for bytes in whole.as_bytes().chunks(1000) {
            splitter.push(bytes, |piece, continues| logs.push_piece(Timestamp(0), LogLevel::Info, piece, continues));
        }
        splitter.flush(|piece, continues| logs.push_piece(Timestamp(0), LogLevel::Info, piece, continues));
        assert!(logs.text() == format!("{text}\nnext\n\nend\n"), "{}", logs.lines().len());
        assert!(logs.lines().len() > 5 && logs.lines().iter().all(|line| line.message.len() <= LOG_MESSAGE_BYTES_MAX));
    }
    let (mut splitter, mut pieces) = (PieceSplitter::default(), Vec::new());
    splitter.push(&[0xff; LOG_MESSAGE_BYTES_MAX + 1], |piece, continues| pieces.push((piece.len(), continues)));
    splitter.flush(|piece, continues| pieces.push((piece.len(), continues)));
    assert_eq!(pieces.iter().map(|(_, continues)| *continues).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn too_many_fields_are_left_out_and_named() {
    let mut logs = LogBuffer::default();
    let fields = Some((serde_json::json!({"a": 1}), LOG_MESSAGE_BYTES_MAX + 1));
    logs.push(Timestamp(0), LogLevel::Info, "x", fields);
    assert_eq!(logs.into_lines()[0].fields, Some(serde_json::json!({"left_out": "65537 bytes of fields"})));
}
