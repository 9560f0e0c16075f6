//! From an event to a request, and from a response to a reply. Pure.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Uri,
    header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue},
    http::response::Parts,
};
use tidemill_core::{Event, InvocationId, invocation::Reply};

/// Headers of one connection, and those that are made anew.
const OWN: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The request for an event. The error is one line for its sender.
pub(super) fn request(event: &Event, invocation: InvocationId, attempt: u32) -> Result<Request<Full<Bytes>>, String> {
    let method = if event.method.is_empty() { "POST" } else { &event.method };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("{method:?} is not an HTTP method"))?;
    let target = target(event);
    let uri: Uri = target.parse().map_err(|_| format!("{target:?} is not the path of a request"))?;
    let mut request = Request::new(Full::new(event.body.clone()));
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    *request.headers_mut() = headers(event);
    for (name, value) in
        [("x-tidemill-invocation", invocation.to_string()), ("x-tidemill-attempt", attempt.to_string())]
    {
        let value = HeaderValue::try_from(value).expect("an id and a number are plain text");
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(request)
}

fn headers(event: &Event) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in event.headers.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        // What HTTP cannot carry did not come by HTTP.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    if let Ok(value) = HeaderValue::try_from(&event.content_type)
        && !event.content_type.is_empty()
    {
        headers.insert(CONTENT_TYPE, value);
    }
    headers.entry(HOST).or_insert(HeaderValue::from_static("tidemill"));
    headers
}

/// Path and query, with what neither can hold in percent.
fn target(event: &Event) -> String {
    let mut target = String::with_capacity(event.path.len() + event.query.len() + 2);
    if !event.path.starts_with('/') {
        target.push('/');
    }
    escape(&mut target, &event.path, b"?#");
    if !event.query.is_empty() {
        target.push('?');
        escape(&mut target, &event.query, b"#");
    }
    target
}

fn escape(out: &mut String, text: &str, further: &[u8]) {
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) && !further.contains(&byte);
        if is_plain {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// The reply that a response is.
pub(super) fn reply(parts: &Parts, body: Bytes) -> Reply {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(text).unwrap_or_default();
    let is_passed_on = |name: &HeaderName| *name != CONTENT_TYPE && !OWN.contains(&name.as_str());
    let headers = parts.headers.iter().filter(|(name, _)| is_passed_on(name));
    let headers = headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect();
    Reply { status: parts.status.as_u16(), content_type, headers, body }
}

#[cfg(test)]
mod tests {
    use hyper::Response;
    use tidemill_core::Timestamp;

    use super::*;

    fn invocation() -> InvocationId {
        InvocationId::new(Timestamp(0), 1)
    }

    #[test]
    fn an_event_is_a_request() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let event = Event {
            method: "PUT".to_owned(),
            path: "/a b/ü?".to_owned(),
            query: "x=1&y=%20#".to_owned(),
            headers: [
                ("host", "mill.example"),
                ("connection", "close"),
                ("content-length", "9"),
                ("x-a", "1, 2"),
                ("bad name", "x"),
            ]
            .map(pair)
            .into(),
            content_type: "text/plain".to_owned(),
            body: Bytes::from_static(b"body"),
            ..Event::default()
        };
        let request = request(&event, invocation(), 3).unwrap();
        assert_eq!(
            (request.method(), request.uri().to_string().as_str()),
            (&Method::PUT, "/a%20b/%C3%BC%3F?x=1&y=%20%23")
        );
        let mut headers: Vec<_> =
            request.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        headers.sort();
        let id = format!("x-tidemill-invocation: {}", invocation());
        assert_eq!(
            headers,
            ["content-type: text/plain", "host: mill.example", "x-a: 1, 2", "x-tidemill-attempt: 3", &id]
        );
    }

    #[test]
    fn an_event_that_came_otherwise_has_defaults() {
        let event = Event { path: "x".to_owned(), ..Event::default() };
        let plain = request(&event, invocation(), 1).unwrap();
        assert_eq!((plain.method(), plain.uri().path(), plain.uri().query()), (&Method::POST, "/x", None));
        assert_eq!(plain.headers()[HOST], "tidemill");
        let event = Event { method: "GE T".to_owned(), ..Event::default() };
        assert_eq!(request(&event, invocation(), 1).unwrap_err(), "\"GE T\" is not an HTTP method");
    }

    #[test]
    fn a_response_is_a_reply() {
        let response = Response::builder()
            .status(503)
            .header("content-type", "application/json")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .header("transfer-encoding", "chunked")
            .header("connection", "close");
        let (parts, ()) = response.body(()).unwrap().into_parts();
        let reply = reply(&parts, Bytes::from_static(b"{}"));
        assert_eq!(
            (reply.status, reply.content_type.as_str(), reply.body.as_ref()),
            (503, "application/json", b"{}".as_slice())
        );
        let cookies = [("set-cookie", "a=1"), ("set-cookie", "b=2")];
        assert_eq!(reply.headers, cookies.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
