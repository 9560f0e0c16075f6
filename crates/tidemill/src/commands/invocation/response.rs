//! The response of an invocation as `tidemill invocation show` tells of it.

use serde::Serialize;
use tidemill_client::Reply;

use crate::output;

/// Lines of a text that are shown.
const LINES_MAX: usize = 20;
/// Characters of each of them.
const LINE_LENGTH_MAX: usize = 500;

/// What a function answered.
#[derive(Debug, Serialize)]
pub struct Response {
    status: u16,
    content_type: String,
    /// Bytes in the body.
    size: u64,
    /// The beginning of a body that is text, for people only.
    #[serde(skip)]
    text: Option<String>,
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Response {
        Response {
            status: reply.status,
            size: u64::try_from(reply.body.len()).unwrap_or(u64::MAX),
            text: beginning(&reply.body),
            content_type: reply.content_type,
        }
    }
}

impl Response {
    /// `200, text/plain, 12 B`.
    pub fn summary(&self) -> String {
        format!("{}, {}, {}", self.status, self.content_type, output::bytes(self.size))
    }

    /// The beginning of the body, if it is text.
    pub fn block(&self) -> Option<String> {
        let text = self.text.as_deref()?;
        Some(format!("{}\n{text}", console::style("RESPONSE").dim()))
    }
}

/// The first lines of a text; `None` for what is no text, or nothing.
fn beginning(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok().map(str::trim_end).filter(|text| !text.is_empty())?;
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return None;
    }
    let cut = |line: &str| match line.char_indices().nth(LINE_LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    };
    let mut lines: Vec<String> = text.lines().take(LINES_MAX).map(cut).collect();
    let more = text.lines().count() - lines.len();
    if more > 0 {
        lines.push(format!(
            "… {} more; tidemill invocation result prints all of it",
            output::counted(more as u64, "line")
        ));
    }
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shown_and_bytes_are_not() {
        assert_eq!(beginning(b"a\nb\n").as_deref(), Some("a\nb"));
        assert_eq!(beginning(b""), None);
        assert_eq!(beginning(b"\x1b[2J"), None);
        assert_eq!(beginning(&[0xff, 0xd8]), None);
        let long = beginning("x\n".repeat(25).as_bytes()).unwrap();
        assert_eq!(long.lines().last(), Some("… 5 lines more; tidemill invocation result prints all of it"));
        assert_eq!(beginning("ä".repeat(600).as_bytes()).unwrap().chars().count(), LINE_LENGTH_MAX + 1);
    }

    #[test]
    fn the_summary_has_status_type_and_size() {
        let reply =
            Reply { status: 404, content_type: "text/plain".to_owned(), body: "none".into(), ..Reply::default() };
        let response = Response::from(reply);
        assert_eq!(response.summary(), "404, text/plain, 4 B");
        assert_eq!(
            serde_json::to_value(&response).unwrap(),
            serde_json::json!({"status": 404, "content_type": "text/plain", "size": 4})
        );
    }
}
