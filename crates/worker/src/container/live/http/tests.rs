//! A server at an address of this machine, in the place of a container's, over an engine in memory.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tidemill_core::{
    Event, InvocationId, Timestamp,
    invocation::AttemptOutcome,
    ports::{Call, CallEnd, CallOutcome, Driver as _, Worker},
    spec::{Container, Contract, FunctionSpec, Runtime},
};
use tokio::net::TcpListener;

use crate::container::{
    ContainerConfig, ContainerDriver,
    engine::{
        LogSource,
        fake::{FakeEngine, Program},
    },
    tests::launch,
};

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    if path == "/never" {
        std::future::pending::<()>().await;
    }
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let response = Response::builder().status(if path == "/bad" { 503 } else { 200 });
    let response = if path == "/close" { response.header("connection", "close") } else { response };
    Ok(response.body(Full::new(body)).unwrap())
}

async fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    });
    port
}

/// A container in the host's network, whose server is at `port`.
async fn start(
    engine: &Arc<FakeEngine>,
    port: u16,
    timeout: Duration,
) -> (Result<Arc<dyn Worker>, String>, ContainerDriver, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    // Its folder is named after it, so no two tests share it.
    let instance = directory.path().file_name().unwrap().to_string_lossy().trim_start_matches('.').to_owned();
    let mut config = ContainerConfig::new(instance, directory.path().join("run"));
    config.allow_privileged = true;
    let driver = ContainerDriver::over(config, engine.clone()).unwrap();
    let container = Container {
        image: "shop".to_owned(),
        contract: Contract::Http,
        privileged: true,
        networks: vec!["host".to_owned()],
        port: Some(port),
        ..Container::default()
    };
    let spec = FunctionSpec {
        container: Some(Box::new(container)),
        readiness_timeout: timeout,
        ..FunctionSpec::new(Runtime::Image)
    };
    let launched = driver.launch(launch(spec.into())).await.map_err(|error| error.reason);
    (launched, driver, directory)
}

fn call(path: &str) -> Call {
    let event = Event { path: path.to_owned(), body: Bytes::from_static(b"hello"), ..Event::default() };
    Call::single(InvocationId::new(Timestamp(0), rand()), 1, event)
}

/// A number that no other call has.
fn rand() -> u128 {
    uuid::Uuid::now_v7().as_u128()
}

fn status(end: &CallEnd) -> u16 {
    match &end.outcome {
        CallOutcome::Replied(replies) => replies[0].status,
        other => panic!("no response but {other:?}"),
    }
}

fn shop() -> Arc<FakeEngine> {
    let engine = FakeEngine::new();
    engine.add_image("shop", Program::default());
    engine
}

#[tokio::test]
async fn a_server_with_an_address_is_reached_there() {
    let engine = shop();
    let port = server().await;
    let (worker, driver, _directory) = start(&engine, port, Duration::from_secs(30)).await;
    let worker = worker.unwrap();
    for (path, expected) in [("/", 200), ("/bad", 503), ("/close", 200), ("/", 200)] {
        assert_eq!(status(&worker.call(&call(path)).await), expected, "{path}");
    }
    let id = engine.containers().remove(0);
    let settings = engine.settings(&id).unwrap();
    assert!(settings.env.contains(&("PORT".to_owned(), port.to_string())), "{:?}", settings.env);
    assert!(settings.env.contains(&("TIDEMILL_HTTP_SOCKET".to_owned(), "/tidemill/http.sock".to_owned())));
    worker.stop(Duration::from_secs(5)).await;
    engine.until(|engine| engine.containers().is_empty()).await;
    driver.close().await;
}

#[tokio::test]
async fn the_end_of_its_container_ends_its_calls() {
    let engine = shop();
    let (worker, driver, _directory) = start(&engine, server().await, Duration::from_secs(30)).await;
    let worker = worker.unwrap();
    let id = engine.containers().remove(0);
    let open = Call { timeout: Some(Duration::from_millis(20)), ..call("/never") };
    let end = worker.call(&open).await;
    assert!(matches!(end.outcome, CallOutcome::Broken { outcome: AttemptOutcome::TimedOut, .. }), "{end:?}");
    assert!(!worker.is_alive(), "nobody knows what the server still does");
    engine.until(|engine| engine.containers().is_empty()).await;

    let (worker, next, _directory) = start(&engine, server().await, Duration::from_secs(30)).await;
    let worker = worker.unwrap();
    let id = engine.containers().into_iter().find(|known| *known != id).unwrap();
    engine.end(&id, 137);
    worker.gone().await;
    engine.until(|engine| engine.containers().is_empty()).await;
    driver.close().await;
    next.close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_a_hint() {
    let engine = shop();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (refused, driver, _directory) = start(&engine, port, Duration::from_millis(50)).await;
    let reason = refused.err().unwrap();
    let expected = format!(
        "nothing accepted connections at 127.0.0.1:{port} or $TIDEMILL_HTTP_SOCKET within 50 ms\nhint: the server must listen at 0.0.0.0"
    );
    assert!(reason.starts_with(&expected), "{reason}");
    engine.until(|engine| engine.containers().is_empty()).await;

    let ends =
        Program { lines: vec![(LogSource::Err, "no shop today".to_owned())], exit_code: Some(3), ..Program::default() };
    engine.add_image("shop", ends);
    let (refused, next, _directory) = start(&engine, port, Duration::from_secs(30)).await;
    let reason = refused.err().unwrap();
    assert_eq!(
        reason,
        "the container exited with code 3; its last line was: no shop today, before it accepted connections"
    );
    engine.until(|engine| engine.containers().is_empty()).await;
    driver.close().await;
    next.close().await;
}
