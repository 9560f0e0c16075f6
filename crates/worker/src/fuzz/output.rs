//! What workers print.

use tidemill_core::{
    Timestamp,
    invocation::{LogLevel, LogLine},
};

use crate::logs::{LineSplitter, LogBuffer, PieceSplitter};

/// A piece of a line, and whether the line goes on in the next.
pub type Piece = (String, bool);

/// The lines of a pipe that brings `bytes` in parts of `part_bytes`.
pub fn lines(bytes: &[u8], part_bytes: usize) -> Vec<String> {
    let (mut splitter, mut lines) = (LineSplitter::default(), Vec::new());
    for part in bytes.chunks(part_bytes.max(1)) {
        splitter.push(part, |line| lines.push(line.to_owned()));
    }
    splitter.flush(|line| lines.push(line.to_owned()));
    lines
}

/// The pieces of lines of a container's output that comes in parts of `part_bytes`.
pub fn pieces(bytes: &[u8], part_bytes: usize) -> Vec<Piece> {
    let (mut splitter, mut pieces) = (PieceSplitter::default(), Vec::new());
    for part in bytes.chunks(part_bytes.max(1)) {
        splitter.push(part, |piece, continues| pieces.push((piece.to_owned(), continues)));
    }
    splitter.flush(|piece, continues| pieces.push((piece.to_owned(), continues)));
    pieces
}

/// The log of an attempt that printed `pieces`, and its text as it was printed.
pub fn log_text(pieces: &[Piece]) -> (Vec<LogLine>, String) {
    let mut log = LogBuffer::default();
    for (piece, continues) in pieces {
        log.push_piece(Timestamp(0), LogLevel::Info, piece, *continues);
    }
    let text = log.text();
    (log.into_lines(), text)
}
