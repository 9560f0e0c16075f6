//! What programs print: lines and pieces of lines are the same however the pipe cuts them, and within their limits.

use tidemill_core::limits::{LOG_ATTEMPT_BYTES_MAX, LOG_ATTEMPT_LINES_MAX, LOG_MESSAGE_BYTES_MAX};
use tidemill_worker::fuzz::{inline_manifest, lines, log_text, pieces};

use crate::{
    input::Input,
    target::{Memory, Target},
    text,
};

pub(super) const TARGET: Target = Target {
    name: "output",
    about: "what workers and containers print, cut into lines",
    run,
    seeds,
    words: &["\n", "\r\n", "\r", "\n\n", "\u{e9}", "\u{1f600}", "# @nuclio.configure\n#\n", "# function.yaml:\n"],
    bytes_max: 16 * 1024,
    memory: Memory { base_bytes: 8 * 1024 * 1024, per_byte: 100 },
    share: 50,
};

fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let part = usize::from(input.byte()) + 1;
    // Long lines without long inputs.
    let times = [1, 1, 1, 40][input.below(4)];
    let bytes = input.rest().repeat(times);
    let whole = lines(&bytes, bytes.len());
    assert_eq!(whole, lines(&bytes, part), "lines depend on how the pipe cuts them");
    assert!(whole.iter().all(|line| line.len() <= LOG_MESSAGE_BYTES_MAX + 100 && !line.contains('\n')));
    let count = bytes.split(|byte| *byte == b'\n').count() - usize::from(bytes.ends_with(b"\n") || bytes.is_empty());
    assert_eq!(whole.len(), count, "lines were lost or made up");

    let whole = pieces(&bytes, bytes.len());
    assert_eq!(whole, pieces(&bytes, part), "pieces depend on how the pipe cuts them");
    assert!(whole.iter().all(|(piece, _)| piece.len() <= LOG_MESSAGE_BYTES_MAX && !piece.contains('\n')));
    let joined: String =
        whole.iter().map(|(piece, goes_on)| format!("{piece}{}", if *goes_on { "" } else { "\n" })).collect();
    if let Ok(text) = std::str::from_utf8(&bytes) {
        let mut expected: String =
            text.split('\n').map(|line| format!("{}\n", line.strip_suffix('\r').unwrap_or(line))).collect();
        if text.is_empty() || text.ends_with('\n') {
            expected.pop();
        }
        assert_eq!(
            joined.trim_end_matches('\n'),
            expected.trim_end_matches('\n'),
            "pieces do not make up what was printed"
        );
    }
    let (entries, printed) = log_text(&whole);
    assert!(entries.len() <= LOG_ATTEMPT_LINES_MAX + 1);
    assert!(entries.iter().all(|entry| entry.message.len() <= LOG_MESSAGE_BYTES_MAX + 100));
    assert!(entries.iter().map(|entry| entry.message.len()).sum::<usize>() <= LOG_ATTEMPT_BYTES_MAX + 1024);
    if joined.len() < LOG_ATTEMPT_BYTES_MAX / 2 && entries.len() < LOG_ATTEMPT_LINES_MAX {
        let unfinished = whole.last().is_some_and(|(_, goes_on)| *goes_on);
        assert_eq!(printed, joined, "a log that is not full has lost something (unfinished: {unfinished})");
    }
    inline(&bytes);
}

/// A configuration in comments is made of the source's lines.
fn inline(bytes: &[u8]) {
    let Some(source) = text::of(bytes) else { return };
    for comment in ["#", "//"] {
        let Some((first_line, text)) = inline_manifest(source, comment) else { continue };
        let source: Vec<&str> = source.lines().skip(first_line as usize - 1).collect();
        for (line, found) in source.iter().zip(text.lines()) {
            assert!(line.contains(found), "{found:?} is not in {line:?}");
            assert!(line.trim_start().starts_with(comment));
        }
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    text::seeds(&[
        "\u{2}\0one\r\ntwo\n\nrest",
        "\u{1}\u{3}no line end, again and again \u{e9}\u{1f600}",
        "\u{50}\0# @nuclio.configure\n#\n# function.yaml:\n#   spec:\n#     handler: a:b\n\ndef handler(context, event):\n    pass\n",
        "\u{50}\0// @tidemill.configure\n// function.yaml: {}\n",
    ])
}
