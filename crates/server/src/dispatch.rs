//! One request: to the gateway, to the API or to a face, and what holds for every answer.

use std::{convert::Infallible, future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Instant};

use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Response, header};
use hyper::{
    body::{Body as _, Incoming},
    service::Service,
};
use tidemill_api::ErrorCode;
use tower::ServiceExt;

use crate::{
    faces::abaco,
    gateway,
    meters::Part,
    net::{Calls, Held},
    refusal::Refusal,
    reply::Body,
    shared::App,
};

const SERVER: HeaderValue = HeaderValue::from_static("tidemill");

/// The service of one connection.
#[derive(Clone)]
pub(crate) struct Dispatch {
    /// The state of the server.
    pub(crate) app: App,
    /// The native API.
    pub(crate) api: axum::Router,
    /// The connection's requests.
    pub(crate) calls: Arc<Calls>,
}

/// Whether a path belongs to the native API. Everything else is a function's.
fn is_api(path: &str) -> bool {
    path.starts_with("/v1/") || matches!(path, "/v1" | "/livez" | "/readyz" | "/metrics")
}

impl Service<Request<Incoming>> for Dispatch {
    type Response = Response<Held<Body>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Held<Body>>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let open = self.calls.begin();
        let app = Arc::clone(&self.app);
        let started = Instant::now();
        let is_head = request.method() == Method::HEAD;
        let path = request.uri().path();
        let part = match path {
            path if is_api(path) => Part::Api,
            path if app.config.abaco.enabled && abaco::is_ours(path) => Part::Abaco,
            _ => Part::Gateway,
        };
        let api = (part == Part::Api).then(|| self.api.clone());
        Box::pin(async move {
            let answer = async {
                match api {
                    // In a box, so that what is done for a call of a function is not as large.
                    None if part == Part::Abaco => Box::pin(abaco::handle(&app, request)).await,
                    None => gateway::handle(&app, request).await,
                    Some(api) => match api.oneshot(request.map(axum::body::Body::new)).await {
                        Ok(response) => response.map(Body::Api),
                        Err(never) => match never {},
                    },
                }
            };
            let mut response = match AssertUnwindSafe(answer).catch_unwind().await {
                Ok(response) => response,
                Err(panic) => {
                    let text = panic
                        .downcast_ref::<&str>()
                        .map(|text| (*text).to_owned())
                        .or_else(|| panic.downcast_ref::<String>().cloned());
                    tracing::error!(panic = text.as_deref().unwrap_or("no message"), "a request panicked");
                    Refusal::new(ErrorCode::Internal, "the server made a mistake; its log says more").respond()
                }
            };
            response.headers_mut().insert(header::SERVER, SERVER);
            if is_head {
                response = without_body(response);
            }
            app.meters.answered(part, response.status(), started.elapsed());
            Ok(response.map(|body| Held::new(body, open)))
        })
    }
}

/// The answer to HEAD: the head of the answer, with the length of the body that it would have.
fn without_body(mut response: Response<Body>) -> Response<Body> {
    if !response.headers().contains_key(header::CONTENT_LENGTH)
        && let Some(length) = response.body().size_hint().exact()
        && !matches!(response.status().as_u16(), 204 | 304)
    {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response.map(|_| Body::empty())
}
