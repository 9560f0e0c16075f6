//! `--data`: a text, `@FILE`, or `-` for standard input.

use std::{fs, io::Read};

use bytes::Bytes;

use crate::failure::Failure;

/// Reads what `--data` asks for; nothing at all is an empty body.
pub fn read(data: Option<&str>) -> Result<Bytes, Failure> {
    match data {
        None => Ok(Bytes::new()),
        Some("-") => {
            let mut body = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut body);
            read.map_err(|error| Failure::fixable(format!("cannot read standard input: {error}")))?;
            Ok(Bytes::from(body))
        }
        Some(text) => match text.strip_prefix('@') {
            Some(file) => fs::read(file).map(Bytes::from).map_err(|error| {
                Failure::fixable(format!("cannot read {file}: {error}"))
                    .hint("--data @FILE sends the file; to send a text that begins with @, use --data - and a pipe")
            }),
            None => Ok(Bytes::copy_from_slice(text.as_bytes())),
        },
    }
}

/// The media type to send when none is given: JSON for a JSON object or list, text for other UTF-8, else bytes.
pub fn content_type(body: &[u8]) -> &'static str {
    let begins_like_json = body.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'{' | b'['));
    if begins_like_json && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        "application/json"
    } else if std::str::from_utf8(body).is_ok() {
        "text/plain; charset=utf-8"
    } else {
        "application/octet-stream"
    }
}

/// Reads `NAME: VALUE`.
pub fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        }
        _ => Err("write it as NAME: VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_follows_the_content() {
        assert_eq!(content_type(b" {\"a\": 1}"), "application/json");
        assert_eq!(content_type(b"{nearly"), "text/plain; charset=utf-8");
        assert_eq!(content_type(b"Ada"), "text/plain; charset=utf-8");
        assert_eq!(content_type(&[0xff, 0xfe]), "application/octet-stream");
    }

    #[test]
    fn headers_have_a_name() {
        assert_eq!(header("X-A:  b: c "), Ok(("x-a".to_owned(), "b: c".to_owned())));
        assert!(header("none").is_err() && header(": x").is_err());
    }

    #[test]
    fn files_and_texts_are_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "content").unwrap();
        assert_eq!(&read(Some(&format!("@{}", file.path().display()))).unwrap()[..], b"content");
        assert_eq!(&read(Some("text")).unwrap()[..], b"text");
        assert!(read(None).unwrap().is_empty());
        assert!(read(Some("@/nonexistent")).is_err());
    }
}
