//! Lines, cuts and limits.

use tidemill_core::{
    Timestamp,
    invocation::LogLevel,
    limits::{LOG_ATTEMPT_BYTES_MAX, LOG_ATTEMPT_LINES_MAX, LOG_MESSAGE_BYTES_MAX},
};

use super::{LineSplitter, LogBuffer, cut_text};

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
    let push = |logs: &mut LogBuffer, text: &str| logs.push(Timestamp(0), LogLevel::Info, text, None);
    let mut logs = LogBuffer::default();
    for _ in 0..LOG_ATTEMPT_LINES_MAX + 10 {
        push(&mut logs, "x");
    }
    logs.push_last(LogLevel::Error, "Traceback");
    let lines = logs.into_lines();
    assert_eq!(lines.len(), LOG_ATTEMPT_LINES_MAX + 2);
    assert_eq!(lines[LOG_ATTEMPT_LINES_MAX].message, "log limit reached, further lines are dropped");
    assert_eq!(lines[LOG_ATTEMPT_LINES_MAX + 1].message, "Traceback");

    let mut logs = LogBuffer::default();
    for _ in 0..40 {
        push(&mut logs, &"y".repeat(LOG_MESSAGE_BYTES_MAX));
    }
    assert!(logs.into_lines().iter().map(|line| line.message.len()).sum::<usize>() <= LOG_ATTEMPT_BYTES_MAX + 100);
}

#[test]
fn too_many_fields_are_left_out_and_named() {
    let mut logs = LogBuffer::default();
    let fields = Some((serde_json::json!({"a": 1}), LOG_MESSAGE_BYTES_MAX + 1));
    logs.push(Timestamp(0), LogLevel::Info, "x", fields);
    assert_eq!(logs.into_lines()[0].fields, Some(serde_json::json!({"left_out": "65537 bytes of fields"})));
}
