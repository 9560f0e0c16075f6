use std::{convert::Infallible, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tidemill_core::{
    Event, InvocationId, RevisionNumber, Timestamp,
    invocation::{AttemptOutcome, Reply},
    ports::{Call, CallOutcome, CallRequest, Driver, Environment, Host, Launch, LaunchError, Worker, WorkerId},
    spec::{FunctionSpec, Runtime},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{WebhookConfig, WebhookDriver, request::RESPONSE_BYTES_MAX};

struct Nobody;

#[async_trait]
impl Host for Nobody {
    async fn call_function(&self, _: CallRequest) -> Result<Reply, String> {
        Err("nobody calls".to_owned())
    }
}

fn launch(url: &str) -> Launch {
    let mut spec = FunctionSpec::new(Runtime::Webhook);
    spec.handler = url.to_owned();
    Launch {
        worker: WorkerId("w-1".into()),
        function: "shop:hook".parse().unwrap(),
        revision: RevisionNumber(1),
        spec: Arc::new(spec),
        directory: "/".into(),
        environment: Environment::default(),
        host: Arc::new(Nobody),
    }
}

async fn worker(url: &str) -> Result<Arc<dyn Worker>, LaunchError> {
    // Another test may have been quicker.
    let _ = rustls::crypto::ring::default_provider().install_default();
    WebhookDriver::new().launch(launch(url)).await
}

fn call(timeout: Option<Duration>) -> Call {
    let event = Event {
        id: "e-1".to_owned(),
        kind: "order.placed".to_owned(),
        subject: "größe 50%".to_owned(),
        time: Timestamp(1_763_769_600_000_000),
        content_type: "application/json".to_owned(),
        headers: vec![("authorization".to_owned(), "secret".to_owned())],
        body: Bytes::from_static(b"{\"size\":3}"),
        ..Event::default()
    };
    Call { timeout, ..Call::single(InvocationId(uuid::Uuid::now_v7()), 2, event) }
}

type Seen = Arc<Mutex<Vec<(String, String, Vec<u8>)>>>;

/// A server that answers by path, and what it has seen: method and path, headers, body.
async fn server() -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let all = seen.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let seen = all.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(request, seen.clone()));
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (url, seen)
}

async fn answer(request: Request<Incoming>, seen: Seen) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut headers: Vec<String> =
        parts.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    let path = parts.uri.path().to_owned();
    seen.lock().push((format!("{} {}", parts.method, parts.uri), headers.join("\n"), body.to_vec()));
    let (status, body) = match path.as_str() {
        "/created" => (201, "made".into()),
        "/moved" => (302, String::new()),
        "/busy" => (503, "\ncome back later\nplease".into()),
        "/large" => (200, "x".repeat(RESPONSE_BYTES_MAX + 1)),
        "/never" => std::future::pending().await,
        _ => (404, String::new()),
    };
    let response = Response::builder().status(status).header("content-type", "text/x").header("location", "/created");
    Ok(response.body(Full::new(body.into())).unwrap())
}

#[tokio::test]
async fn an_event_is_posted_and_the_answer_is_the_reply() {
    let (url, seen) = server().await;
    let worker = worker(&format!("{url}/created?key=1")).await.unwrap();
    let end = worker.call(&call(None)).await;
    let CallOutcome::Replied(replies) = &end.outcome else { panic!("{end:?}") };
    let reply = Reply { status: 201, content_type: "text/x".into(), headers: vec![], body: "made".into() };
    assert_eq!(replies, &[reply]);
    let (what, headers, body) = seen.lock().remove(0);
    assert_eq!((what.as_str(), body.as_slice()), ("POST /created?key=1", b"{\"size\":3}".as_slice()));
    let expected = format!(
        "accept: */*\nce-id: e-1\nce-source: /projects/shop/functions/hook\nce-specversion: 1.0\nce-subject: gr%C3%B6%C3%9Fe 50%25\n\
         ce-time: 2025-11-22T00:00:00.000000Z\nce-type: order.placed\ncontent-length: 10\ncontent-type: application/json\nhost: {}\n\
         user-agent: tidemill/{}\nx-tidemill-attempt: 2\nx-tidemill-function: shop:hook",
        url.trim_start_matches("http://"),
        env!("CARGO_PKG_VERSION"),
    );
    assert_eq!(headers, expected);
    assert_eq!(worker.place().instance, format!("{url}/created"));
}

#[tokio::test]
async fn other_answers_are_failures_in_one_line() {
    let (url, seen) = server().await;
    for (path, message) in [
        ("/busy", "the webhook answered 503 Service Unavailable: come back later"),
        ("/gone", "the webhook answered 404 Not Found"),
        ("/moved", "the webhook answered 302 Found"),
    ] {
        let end = worker(&format!("{url}{path}")).await.unwrap().call(&call(None)).await;
        assert_eq!(end.outcome, CallOutcome::Raised { message: message.to_owned(), status: 502 });
    }
    assert_eq!(seen.lock().len(), 3, "no redirect is followed");
    let end = worker(&format!("{url}/large")).await.unwrap().call(&call(None)).await;
    let CallOutcome::Replied(replies) = &end.outcome else { panic!("{end:?}") };
    assert_eq!(replies[0].body.len(), RESPONSE_BYTES_MAX);
    assert_eq!(end.logs[0].message, "the webhook's answer is larger than 65536 bytes; the rest is not kept");
}

#[tokio::test]
async fn nothing_is_posted_to_where_it_must_not() {
    let error = worker("http://169.254.169.254/latest").await.err().unwrap();
    assert!(error.reason.contains("is link-local"), "{}", error.reason);
    let (url, seen) = server().await;
    let strict = WebhookDriver::with(WebhookConfig { allow_private: false });
    for literal in [url.clone(), "http://[::ffff:7f00:1]:1/".to_owned(), "http://2130706433/".to_owned()] {
        let error = strict.launch(launch(&literal)).await.err().unwrap();
        assert!(error.reason.contains("127.0.0.1 is this machine"), "{}", error.reason);
    }
    let named = strict.launch(launch(&url.replace("127.0.0.1", "localhost"))).await.unwrap();
    let end = named.call(&call(None)).await;
    let CallOutcome::Raised { message, .. } = end.outcome else { panic!("{end:?}") };
    assert!(message.contains("could not be reached") && message.contains("is this machine"), "{message}");
    assert_eq!(seen.lock().len(), 0);
}

#[tokio::test]
async fn a_webhook_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let end = worker(&format!("http://{address}/")).await.unwrap().call(&call(None)).await;
    let CallOutcome::Raised { message, status: 502 } = end.outcome else { panic!("{end:?}") };
    assert!(message.starts_with("the webhook could not be reached: ") && message.contains("refused"), "{message}");
    assert_eq!(message.lines().count(), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let broken = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0u8; 4096];
        let _ = stream.read(&mut buffer).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
    });
    let end = worker(&url).await.unwrap().call(&call(None)).await;
    broken.await.unwrap();
    let CallOutcome::Raised { message, .. } = end.outcome else { panic!("{end:?}") };
    assert!(message.starts_with("the webhook's answer broke off: "), "{message}");
}

#[tokio::test]
async fn silence_ends_by_timeout_cancel_or_stop() {
    let (url, seen) = server().await;
    let worker = worker(&format!("{url}/never")).await.unwrap();
    let end = worker.call(&call(Some(Duration::from_millis(50)))).await;
    let CallOutcome::Broken { outcome: AttemptOutcome::TimedOut, reason } = end.outcome else { panic!("{end:?}") };
    assert_eq!(reason, "ran longer than its event timeout of 50 ms");

    let open = call(None);
    let reached = async {
        while seen.lock().len() < 2 {
            tokio::task::yield_now().await;
        }
        worker.cancel(open.invocation).await;
    };
    let (end, ()) = tokio::join!(worker.call(&open), reached);
    assert!(matches!(end.outcome, CallOutcome::Broken { outcome: AttemptOutcome::Cancelled, .. }), "{end:?}");
    assert!(worker.is_alive());

    let open = call(None);
    let stopped = async {
        while seen.lock().len() < 3 {
            tokio::task::yield_now().await;
        }
        worker.stop(Duration::ZERO).await;
    };
    let (end, ()) = tokio::join!(worker.call(&open), stopped);
    assert!(matches!(end.outcome, CallOutcome::Broken { outcome: AttemptOutcome::Interrupted, .. }), "{end:?}");
    assert!(!worker.is_alive());
    let late = worker.call(&call(None)).await;
    assert!(matches!(late.outcome, CallOutcome::Broken { outcome: AttemptOutcome::Interrupted, .. }), "{late:?}");
}

#[tokio::test]
async fn what_is_no_url_does_not_start() {
    for url in ["", "nowhere", "ftp://example.org"] {
        assert!(worker(url).await.err().unwrap().reason.contains("URL"), "{url}");
    }
}
