//! Guests that compilers made: C, JavaScript and Python, and what each of them can and cannot reach.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use common::{Bench, broken, call, call_within, event, guests::guests, invocation, lines, raised, reply, text};
use serde_json::{Value, json};
use tidemill_core::{
    Event,
    invocation::{AttemptOutcome, LogLevel},
    ports::{Call, Driver as _, Worker},
    spec::{EnvVar, FunctionSpec},
};

async fn launch(bench: &Bench, guest: &str, settings: impl FnOnce(&mut FunctionSpec)) -> Arc<dyn Worker> {
    let file = guests().join(format!("{guest}.wasm"));
    bench.driver.launch(bench.launch_of(&file, settings)).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Compiled code is kept beside the guests, so that it is compiled once for all tests.
fn bench() -> Bench {
    Bench::with(|config| config.cache = guests().join("compiled"))
}

#[tokio::test]
async fn a_command_in_c() {
    let bench = bench();
    let worker = launch(&bench, "c", |_| {}).await;
    let end = worker.call(&call("two lines\nof text\n")).await;
    let found: Value = serde_json::from_slice(&reply(&end).body).unwrap();
    assert_eq!(found, json!({"bytes": 18, "lines": 2, "words": 4, "longest_line": 9}));
    assert_eq!(lines(&end), [(LogLevel::Warn, "read 18 bytes of a POST")]);
    assert_eq!(raised(&worker.call(&call("")).await), ("exit status 1: there is no text", 500));
}

#[tokio::test]
async fn an_actor_in_javascript() {
    let bench = bench();
    let worker = launch(&bench, "javascript", |_| {}).await;
    let with = |state: Option<Bytes>, body: &str| Call { state: state.or_else(|| Some(Bytes::new())), ..call(body) };
    let first = worker.call(&with(None, "ann")).await;
    assert_eq!(text(&first), r#"{"name":"ann","visits":1}"#);
    assert_eq!(first.logs[0].fields, Some(json!({"count": 1})));
    let second = worker.call(&with(first.state, "ann")).await;
    assert_eq!(text(&second), r#"{"name":"ann","visits":2}"#);
    assert_eq!(raised(&worker.call(&with(None, " ")).await), ("who is it? the body is empty", 400));
}

#[tokio::test]
async fn a_function_in_python() {
    let bench = bench();
    let worker = launch(&bench, "python", |_| {}).await;
    let end = worker.call(&call("[1, 2, 6]")).await;
    let found: Value = serde_json::from_slice(&reply(&end).body).unwrap();
    assert_eq!(found, json!({"count": 3, "mean": 3.0, "median": 2.0}));
    assert_eq!(lines(&end), [(LogLevel::Info, "computed")]);
    let end = worker.call(&call("[]")).await;
    assert_eq!(raised(&end), ("StatisticsError: fmean requires at least one data point", 400));
}

fn get(path: &str, query: &str) -> Call {
    let event = Event { method: "GET".into(), path: path.into(), query: query.into(), ..event("") };
    Call::single(invocation(), 1, event)
}

#[tokio::test]
async fn an_http_server_in_javascript() {
    let bench = bench();
    let worker = launch(&bench, "http", |_| {}).await;
    let end = worker.call(&get("/hello", "name=Ann")).await;
    assert_eq!((text(&end).as_str(), reply(&end).status), ("hello Ann\n", 200));
    assert!(reply(&end).content_type.starts_with("text/plain"), "{:?}", reply(&end));
    assert_eq!(reply(&worker.call(&get("/nowhere", "")).await).status, 404);
    let large = "tide ".repeat(300_000);
    let event = Event { path: "/shout".into(), ..event(large.clone()) };
    assert_eq!(text(&worker.call(&Call::single(invocation(), 1, event)).await), large.to_uppercase());
}

/// A server that answers each request with `body`, and says when it was asked.
fn server(body: &'static str) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (asked, requests) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or(0);
            let _ = asked.send(String::from_utf8_lossy(&request[..read]).into_owned());
            let _ =
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        }
    });
    (address, requests)
}

#[tokio::test]
async fn requests_go_out_only_where_they_were_granted() {
    let bench = bench();
    let (address, requests) = server("from the host");
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let asks = |worker: Arc<dyn Worker>, url: String| async move {
        let end = worker.call(&get("/get", &format!("url={url}"))).await;
        (reply(&end).status, text(&end))
    };
    let grants = |hosts: Value| {
        move |spec: &mut FunctionSpec| {
            spec.runtime_attributes.insert("wasm".to_owned(), json!({"allowHosts": hosts}));
        }
    };
    let granted = launch(&bench, "http", grants(json!([address]))).await;
    assert_eq!(asks(granted.clone(), format!("http://{address}/x")).await, (200, "from the host".to_owned()));
    assert!(requests.recv().unwrap().starts_with("GET /x HTTP/1.1"));
    let named = launch(&bench, "http", grants(json!(["localhost"]))).await;
    assert_eq!(asks(named, format!("http://localhost:{port}/")).await.0, 200);
    requests.recv().unwrap();
    // What is not granted is refused, and nobody is asked.
    assert_eq!(asks(granted, format!("http://localhost:{port}/")).await.0, 502);
    for hosts in [json!([]), json!(["*"]), json!(["example.org"]), json!(["127.0.0.1:1"])] {
        let worker = launch(&bench, "http", grants(hosts.clone())).await;
        for host in ["127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]", "0"] {
            let (status, said) = asks(worker.clone(), format!("http://{host}:{port}/")).await;
            assert_eq!(status, 502, "{hosts} {host}: {said}");
        }
    }
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn python_finds_no_way_out() {
    let bench = bench();
    let worker = launch(&bench, "escape", |spec| {
        spec.resources.memory_bytes = Some(256 << 20);
        spec.env = vec![EnvVar { name: "TIDE".to_owned(), value: "high".to_owned() }];
    })
    .await;
    let (address, requests) = server("from the host");
    let url = format!("http://{address}/");
    let own = std::process::id();
    for attempt in [
        "read /etc/passwd".to_owned(),
        "read /proc/self/environ".to_owned(),
        format!("read {}", bench.directory.path().display()),
        "write /tmp/out".to_owned(),
        "list /".to_owned(),
        "environment HOME".to_owned(),
        "environment PATH".to_owned(),
        format!("connect {address}"),
        "connect 169.254.169.254:80".to_owned(),
        "udp 127.0.0.1".to_owned(),
        "listen 0".to_owned(),
        "resolve localhost".to_owned(),
        format!("fetch {url}"),
        "run id".to_owned(),
        "fork".to_owned(),
        format!("kill {own}"),
        "thread".to_owned(),
    ] {
        let end = worker.call(&call(attempt.clone())).await;
        assert_eq!(reply(&end).status, 403, "{attempt}: {}", text(&end));
    }
    assert!(requests.try_recv().is_err());
    assert_eq!(text(&worker.call(&call("environment TIDE")).await), "high");
    let variables = text(&worker.call(&call("variables")).await);
    let is_ours = |name: &str| name.starts_with("NUCLIO_") || name.starts_with("TIDEMILL_") || name == "TIDE";
    let foreign: Vec<&str> =
        variables.split(',').filter(|name| !is_ours(name) && !name.starts_with("PYTHON")).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[tokio::test]
async fn python_ends_at_its_limits() {
    let bench = bench();
    let worker = launch(&bench, "escape", |_| {}).await;
    let end = worker.call(&call("memory 300000000")).await;
    assert_eq!(broken(&end), (AttemptOutcome::OutOfMemory, "used more than its memory limit of 128 MiB"));
    let end = worker.call(&call_within("raise 0", Duration::from_secs(60))).await;
    assert!(matches!(broken(&end).0, AttemptOutcome::Crashed), "{:?}", end.outcome);
    let log = lines(&end);
    assert!(log.iter().any(|(_, line)| line.contains("ZeroDivisionError")), "{log:?}");
}
