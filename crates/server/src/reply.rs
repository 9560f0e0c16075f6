//! Responses: bodies, and what a function answered as HTTP.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::{Frame, SizeHint};
use tidemill_core::invocation::Reply;

/// What a response has when the function names no media type.
const CONTENT_TYPE_DEFAULT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The body of a response.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it, or nothing.
    Whole(Option<Bytes>),
    /// A body made by the native API.
    Api(axum::body::Body),
}

impl Body {
    /// Nothing.
    pub(crate) fn empty() -> Body {
        Body::Whole(None)
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(content: T) -> Body {
        Body::Whole(Some(content.into()).filter(|bytes| !bytes.is_empty()))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.get_mut() {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Api(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(bytes) => bytes.is_none(),
            Body::Api(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Body::Api(body) => body.size_hint(),
        }
    }
}

/// A response for axum.
pub(crate) fn into_axum(response: Response<Body>) -> axum::response::Response {
    response.map(|body| match body {
        Body::Whole(None) => axum::body::Body::empty(),
        Body::Whole(Some(bytes)) => axum::body::Body::from(bytes),
        Body::Api(body) => body,
    })
}

/// Headers that belong to one connection, or that are ours to set.
pub(crate) fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

fn is_dropped(name: &str) -> bool {
    is_hop_by_hop(name)
        || matches!(name, "content-length" | "x-nuclio-filestream-path" | "x-nuclio-filestream-delete-after-send")
}

/// What a function answered. Headers that HTTP cannot carry are left out; a status that is none becomes 500.
pub(crate) fn of_function(reply: Reply) -> Response<Body> {
    let status = StatusCode::from_u16(reply.status).ok().filter(|status| status.as_u16() >= 200);
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !reply.content_type.is_empty()
        && let Ok(value) = HeaderValue::from_bytes(reply.content_type.as_bytes())
    {
        headers.insert(header::CONTENT_TYPE, value);
    }
    for (name, value) in reply.headers {
        let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        else {
            continue;
        };
        if is_dropped(name.as_str()) {
            continue;
        }
        if name == header::CONTENT_TYPE {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    headers.entry(header::CONTENT_TYPE).or_insert(CONTENT_TYPE_DEFAULT);
    response
}

/// A JSON response.
pub(crate) fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Body> {
    let text = serde_json::to_vec(value).expect("wire types have text keys only");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_become_responses() {
        let reply = Reply {
            status: 201,
            content_type: String::new(),
            headers: [
                ("X-Size", "3"),
                ("set-cookie", "a=1"),
                ("set-cookie", "b=2"),
                ("Connection", "close"),
                ("Content-Length", "99"),
                ("X-nuclio-filestream-path", "/etc/passwd"),
                ("bad name", "x"),
                ("x-bad", "a\nb"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            body: Bytes::from_static(b"abc"),
        };
        let response = of_function(reply);
        assert_eq!(response.status(), 201);
        let mut headers: Vec<_> =
            response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        headers.sort();
        assert_eq!(
            headers,
            ["content-type: text/plain; charset=utf-8", "set-cookie: a=1", "set-cookie: b=2", "x-size: 3"]
        );
    }

    #[test]
    fn a_status_that_is_none_is_500() {
        for status in [0, 99, 100, 101, 1000] {
            assert_eq!(of_function(Reply { status, ..Reply::default() }).status(), 500, "{status}");
        }
    }
}
