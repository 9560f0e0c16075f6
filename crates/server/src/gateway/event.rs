//! From a request's head to an event.

use http::{HeaderMap, HeaderValue, header, request::Parts};
use tidemill_core::{Event, Timestamp, TriggerLabel};

use crate::reply::is_hop_by_hop;

/// The event of a request, without its body.
pub(crate) fn envelope(parts: &Parts, path: String, trigger: TriggerLabel, received_at: Timestamp) -> Event {
    let headers = headers(parts);
    let content_type =
        headers.iter().find(|(name, _)| name == "content-type").map_or_else(String::new, |(_, value)| value.clone());
    Event {
        time: received_at,
        trigger,
        method: parts.method.as_str().to_owned(),
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers,
        content_type,
        ..Event::default()
    }
}

/// Header values as text: UTF-8 where they are that, else byte for byte as Latin-1.
fn text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Whether the `connection` header names this header as its own.
fn is_of_connection(headers: &HeaderMap, name: &str) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|value| {
        value.to_str().is_ok_and(|names| names.split(',').any(|named| named.trim().eq_ignore_ascii_case(name)))
    })
}

/// Headers that the server itself gives events: containers believe what they say, so nobody else's are passed on.
const OWN: &str = "x-abaco-";

/// Whether a header is the server's to set, whoever sent it.
pub(crate) fn is_own(name: &str) -> bool {
    name.len() >= OWN.len() && name.as_bytes()[..OWN.len()].eq_ignore_ascii_case(OWN.as_bytes())
}

fn headers(parts: &Parts) -> Vec<(String, String)> {
    let source = &parts.headers;
    let mut headers: Vec<(String, String)> = Vec::with_capacity(source.keys_len() + 1);
    let names_headers = source.contains_key(header::CONNECTION);
    for name in source.keys() {
        if is_own(name.as_str())
            || is_hop_by_hop(name.as_str())
            || (names_headers && is_of_connection(source, name.as_str()))
        {
            continue;
        }
        let mut values = source.get_all(name).iter();
        let Some(first) = values.next() else { continue };
        let mut joined = text(first);
        for value in values {
            joined.push_str(", ");
            joined.push_str(&text(value));
        }
        headers.push((name.as_str().to_owned(), joined));
    }
    if !source.contains_key(header::HOST)
        && let Some(authority) = parts.uri.authority()
    {
        headers.push(("host".to_owned(), authority.as_str().to_owned()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn a_head_becomes_an_envelope() {
        let request = Request::builder()
            .method("PUT")
            .uri("/f/x/a/b?c=d&e")
            .header("Host", "localhost")
            .header("X-Twice", "1")
            .header("X-Twice", "2")
            .header("Connection", "close, X-Private")
            .header("X-Private", "p")
            .header("X-Abaco-Api-Server", "http://evil.example")
            .header("Transfer-Encoding", "chunked")
            .header("Content-Type", "text/css")
            .header("X-Utf8", HeaderValue::from_bytes("ä".as_bytes()).unwrap())
            .header("X-Latin", HeaderValue::from_bytes(b"\xe4").unwrap())
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let event = envelope(&parts, "/a/b".into(), TriggerLabel::default(), Timestamp(1));
        assert_eq!((event.method.as_str(), event.path.as_str(), event.query.as_str()), ("PUT", "/a/b", "c=d&e"));
        assert_eq!(event.content_type, "text/css");
        let mut headers: Vec<_> = event.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        headers.sort();
        assert_eq!(headers, ["content-type: text/css", "host: localhost", "x-latin: ä", "x-twice: 1, 2", "x-utf8: ä"]);
    }
}
