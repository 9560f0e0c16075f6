//! The lines of messages.

use tidemill_core::{limits::SENDS_MAX, message, ports::Message};

/// Reads the messages of a send file. The error is one line that names the line.
pub(crate) fn read(text: &[u8]) -> Result<Vec<Message>, String> {
    let mut sends = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if sends.len() >= SENDS_MAX {
            return Err(too_many());
        }
        let message = message::read(line);
        sends.push(message.map_err(|why| format!("TIDEMILL_SEND_FILE, line {}: {why}", index + 1))?);
    }
    Ok(sends)
}

/// Says that an execution sent more than it may.
fn too_many() -> String {
    format!("it sent more than the {SENDS_MAX} messages that are allowed")
}
