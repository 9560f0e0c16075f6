//! The contract `http`.

use std::{path::PathBuf, time::Duration};

use tidemill_core::{
    Event,
    invocation::AttemptOutcome,
    ports::{Call, CallEnd, CallOutcome, Driver as _},
    spec::{Contract, Runtime},
};

use super::stage::{IMAGE, Stage, broken, contained, docker, invocation, logged, text, wait_for};

/// A server that listens at the socket that it is told of.
const SERVER: &str = r#"
import http.server, os, socketserver, threading, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def address_string(self):
        return "-"
    def log_message(self, *words):
        pass
    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        print(self.command, self.path, flush=True)
        if self.path == "/a%20b":
            # A busy machine passes lines on late.
            time.sleep(0.5)
        status = 200
        if self.path.startswith("/status/"):
            status = int(self.path.rsplit("/", 1)[1])
        if self.path == "/sleep":
            time.sleep(100)
        if self.path == "/exit":
            print("I am off", flush=True)
            time.sleep(0.5)
            os._exit(7)
        if self.path == "/meet":
            meeting.wait(30)
        if self.path == "/large":
            body = b"x" * (65 << 20)
        if self.path == "/who":
            body = self.headers["x-tidemill-attempt"].encode() + b" " + os.environ["PORT"].encode()
        self.send_response(status)
        self.send_header("content-type", "text/x")
        self.send_header("x-own", "1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = do_PUT = answer

meeting = threading.Barrier(2)

class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

print("listening", flush=True)
Server(os.environ["TIDEMILL_HTTP_SOCKET"], Handler).serve_forever()
"#;

fn package(stage: &Stage) -> PathBuf {
    let dockerfile = format!("FROM {IMAGE}\nCOPY server.py /server.py\nCMD [\"python3\", \"/server.py\"]\n");
    stage.package(&[("server.py", SERVER.as_bytes()), ("Dockerfile", dockerfile.as_bytes())])
}

async fn server(stage: &Stage) -> std::sync::Arc<dyn tidemill_core::ports::Worker> {
    let spec = contained(Runtime::Image, "", Contract::Http);
    let worker = stage.driver.launch(stage.launch_of(package(stage), spec)).await;
    worker.unwrap_or_else(|error| panic!("{error}\n{:#?}", error.logs))
}

fn get(path: &str, body: &str) -> Call {
    let event = Event { method: "PUT".into(), path: path.into(), body: body.to_owned().into(), ..Event::default() };
    Call::single(invocation(), 4, event)
}

fn status(end: &CallEnd) -> u16 {
    match &end.outcome {
        CallOutcome::Replied(replies) => replies[0].status,
        other => panic!("no response but {other:?}"),
    }
}

#[tokio::test]
async fn events_are_requests_and_responses_are_replies() {
    let stage = Stage::new();
    let worker = server(&stage).await;
    let end = worker.call(&get("/a b", "hello")).await;
    assert_eq!((text(&end).as_str(), logged(&end)), ("hello", vec!["PUT /a%20b"]));
    let CallOutcome::Replied(replies) = &end.outcome else { panic!("{end:?}") };
    assert_eq!(replies[0].content_type, "text/x");
    assert!(replies[0].headers.contains(&("x-own".to_owned(), "1".to_owned())), "{:?}", replies[0].headers);
    assert_eq!(text(&worker.call(&get("/who", "")).await), "4 8080");
    assert_eq!(status(&worker.call(&get("/status/503", "")).await), 503);
    let large = worker.call(&get("/large", "")).await;
    assert_eq!(broken(&large).0, AttemptOutcome::BadResponse);
    // Both wait for each other.
    let (first, second) = (get("/meet", ""), get("/meet", ""));
    let (first, second) = tokio::join!(worker.call(&first), worker.call(&second));
    assert_eq!((status(&first), status(&second)), (200, 200));
    worker.stop(Duration::from_secs(5)).await;
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_server_that_dies_fails_its_calls_and_says_how() {
    let stage = Stage::new();
    let worker = server(&stage).await;
    let end = worker.call(&get("/exit", "")).await;
    let reason = "the container exited with code 7; its last line was: I am off";
    assert_eq!(broken(&end), (AttemptOutcome::Crashed, reason));
    assert_eq!(logged(&end), ["PUT /exit", "I am off"]);
    worker.gone().await;

    let worker = server(&stage).await;
    let instance = worker.place().instance;
    let open = get("/sleep", "");
    let kill = async {
        wait_for("the request is there", || docker(&["logs", &instance]).contains("PUT /sleep")).await;
        docker(&["kill", &instance]);
    };
    let (end, ()) = tokio::join!(worker.call(&open), kill);
    let (outcome, reason) = broken(&end);
    assert!(outcome == AttemptOutcome::Crashed && reason.contains("was killed by SIGKILL"), "{reason}");
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_call_that_takes_too_long_costs_the_container() {
    let stage = Stage::new();
    let worker = server(&stage).await;
    let open = Call { timeout: Some(Duration::from_millis(500)), ..get("/sleep", "") };
    let end = worker.call(&open).await;
    assert_eq!(broken(&end), (AttemptOutcome::TimedOut, "ran longer than its event timeout of 500 ms"));
    assert!(!worker.is_alive());
    stage.until_nothing_is_left().await;
}

#[tokio::test]
async fn an_image_without_a_server_is_told() {
    let stage = Stage::new();
    for (words, timeout, part) in [
        (
            &["sh", "-c", "echo no server; exit 1"][..],
            60,
            "the container exited with code 1; its last line was: no server, before it accepted",
        ),
        (&["sleep", "1000"], 2, "hint: "),
    ] {
        let mut spec = contained(Runtime::Image, IMAGE, Contract::Http);
        spec.container.as_mut().unwrap().command = Some(words.iter().map(|word| (*word).to_owned()).collect());
        spec.readiness_timeout = Duration::from_secs(timeout);
        let error = stage.driver.launch(stage.launch_of("".into(), spec)).await.err().unwrap();
        assert!(error.reason.contains(part), "{error}");
    }
    stage.until_nothing_is_left().await;
}
