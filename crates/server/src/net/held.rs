//! A response body that keeps its request open.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use hyper::body::{Body, Frame, SizeHint};

use super::transport::OpenCall;

/// A body; the request it answers is open until it is sent or dropped.
pub(crate) struct Held<B> {
    body: B,
    _call: OpenCall,
}

impl<B> Held<B> {
    /// Keeps `call` open for as long as `body` lives.
    pub(crate) fn new(body: B, call: OpenCall) -> Held<B> {
        Held { body, _call: call }
    }
}

impl<B: Body + Unpin> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
