//! The cases of `conformance/` that name `wasm`, on the JavaScript guest that holds their handlers. See the README there.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use common::{Bench, guests::guests, invocation, repository};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tidemill_core::{
    Event, Timestamp, TriggerLabel,
    invocation::{AttemptOutcome, LogLevel, Reply},
    ports::{Call, CallEnd, CallOutcome, CallRequest, Driver, Host, WorkerId},
    spec::{EnvVar, StateScope},
};

#[tokio::test]
async fn every_case_for_wasm() {
    let bench = Bench::with(|config| config.cache = guests().join("compiled"));
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(repository().join("conformance")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let (mut run, mut problems) = (0, Vec::new());
    for folder in folders.iter().filter(|folder| folder.join("case.json").is_file()) {
        let case: Value = serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
        if !case["runtimes"].as_array().unwrap().iter().any(|name| name == "wasm") {
            continue;
        }
        run += 1;
        let name = folder.file_name().unwrap().to_string_lossy();
        match tokio::time::timeout(Duration::from_secs(60), run_case(&bench, &name, &case)).await {
            Ok(found) => problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}"))),
            Err(_) => problems.push(format!("{name}: it does not end")),
        }
    }
    assert!(run > 20, "only {run} cases for wasm");
    assert!(problems.is_empty(), "{} problems in {run} cases:\n{}", problems.len(), problems.join("\n"));
}

async fn run_case(bench: &Bench, name: &str, case: &Value) -> Vec<String> {
    let host = Arc::new(Script::new(case));
    let module = guests().join("conformance.wasm");
    let mut launch = bench.launch_of(Path::new(&module), |spec| {
        let handler = &case["function"]["handler"];
        spec.handler = handler["nodejs"].as_str().or(handler.as_str()).unwrap_or("").to_owned();
        let own = case["function"]["env"].as_object().into_iter().flatten();
        let mut env: Vec<(String, String)> =
            own.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        env.extend([("CASE".to_owned(), name.to_owned()), ("WORKER".to_owned(), "w-1".to_owned())]);
        spec.env = env.into_iter().map(|(name, value)| EnvVar { name, value }).collect();
        spec.state = match case["function"]["state"].as_str() {
            Some("function") => StateScope::Function,
            Some("key") => StateScope::Key,
            _ => StateScope::None,
        };
    });
    launch.host = host.clone();
    launch.worker = WorkerId("w-1".into());
    let has_state = launch.spec.state != StateScope::None;
    let worker = match bench.driver.launch(launch).await {
        Ok(worker) => worker,
        Err(error) => return vec![format!("it did not become ready: {error}")],
    };
    let mut problems = Problems::default();
    let mut kept: std::collections::BTreeMap<String, Bytes> = Default::default();
    let empty = Vec::new();
    let expected = case["expect"].as_array().unwrap_or(&empty);
    for (index, (value, expect)) in case["events"].as_array().unwrap().iter().zip(expected).enumerate() {
        let key = value["key"].as_str().unwrap_or("").to_owned();
        let given = value["stored"].as_str().map(|text| Bytes::copy_from_slice(text.as_bytes()));
        let state = given.clone().or_else(|| kept.get(&key).cloned()).unwrap_or_default();
        let call = Call {
            state: has_state.then_some(state),
            key: value["key"].as_str().map(str::to_owned),
            ..Call::single(invocation(), 1, event(index, value))
        };
        let end = worker.call(&call).await;
        if let Some(state) = end.state.clone().or(given) {
            kept.insert(key, state);
        }
        problems.place = format!("event {index}");
        check(&for_wasm(expect), &end, &mut problems);
    }
    problems.found.extend(host.problems.lock().drain(..));
    problems.found
}

fn event(index: usize, value: &Value) -> Event {
    let text = |name: &str| value[name].as_str().unwrap_or("").to_owned();
    let headers = value["headers"].as_object().into_iter().flatten();
    Event {
        id: value["id"].as_str().map_or_else(|| format!("event-{index}"), str::to_owned),
        time: Timestamp(value["time_us"].as_i64().unwrap_or(1_763_769_600_000_000)),
        trigger: TriggerLabel { kind: "http".to_owned(), name: "default-http".to_owned() },
        method: text("method"),
        path: text("path"),
        query: text("query"),
        headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
        content_type: text("content_type"),
        kind: text("type"),
        source: text("source"),
        subject: text("subject"),
        caller: text("caller"),
        body: body(value).into(),
    }
}

fn body(value: &Value) -> Vec<u8> {
    if let Some(text) = value["body_base64"].as_str() {
        return STANDARD.decode(text).unwrap();
    }
    if let Value::Object(repeat) = &value["body_repeat"] {
        let times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
        return repeat["text"].as_str().unwrap().repeat(times).into_bytes();
    }
    value["body"].as_str().unwrap_or("").as_bytes().to_vec()
}

/// The expectation with what `per_runtime` puts in its place; the handlers are those of Node.js.
fn for_wasm(expect: &Value) -> Value {
    let mut expect = expect.clone();
    let own = expect["per_runtime"].take();
    let own = [&own["wasm"], &own["nodejs"]].into_iter().find_map(Value::as_object);
    for (name, value) in own.into_iter().flatten() {
        expect[name] = value.clone();
    }
    expect
}

#[derive(Default)]
struct Problems {
    place: String,
    found: Vec<String>,
}

impl Problems {
    fn unless(&mut self, is_so: bool, what: impl std::fmt::Display) {
        if !is_so {
            self.found.push(format!("{}: {what}", self.place));
        }
    }

    /// Checks the member `name` of `expect`, or the regular expression beside it.
    fn text(&mut self, expect: &Value, name: &str, found: &str) {
        let shown: String = found.chars().take(200).collect();
        if let Some(text) = expect[name].as_str() {
            self.unless(text == found, format!("{name}: expected {text:?}, found {shown:?}"));
        }
        if let Some(pattern) = expect[format!("{name}_matches")].as_str() {
            let fits = regex::Regex::new(pattern).unwrap().is_match(found);
            self.unless(fits, format!("{name}: {pattern:?} is not in {shown:?}"));
        }
    }
}

fn check(expect: &Value, end: &CallEnd, problems: &mut Problems) {
    let mut logs = &end.logs[..];
    match (&end.outcome, expect.get("refused_matches"), &expect["error"]) {
        (outcome, Some(refused), _) => {
            // A guest is told at once what is refused, so that here it is an error of its own.
            let said = match outcome {
                CallOutcome::Broken { outcome: AttemptOutcome::BadResponse, reason } => reason,
                CallOutcome::Raised { message, .. } => message,
                other => return problems.unless(false, format!("not refused but {other:?}")),
            };
            problems.text(&json!({"refused_matches": refused}), "refused", said);
            problems.unless(end.state.is_none() && end.sends.is_empty(), "a refused call leaves nothing");
            return;
        }
        (CallOutcome::Raised { message, status }, None, Value::Object(_)) => {
            let error = &expect["error"];
            let (kind, rest) = message.split_once(": ").unwrap_or((message, ""));
            problems.text(&json!({"type": error["type"]}), "type", kind);
            problems.text(
                &json!({"message": error["message"], "message_matches": error["message_matches"]}),
                "message",
                rest,
            );
            problems.unless(error["status"].as_u64().is_none_or(|wanted| wanted == u64::from(*status)), "the status");
            if let Some((last, others)) = logs.split_last().filter(|(last, _)| last.level == LogLevel::Error) {
                problems.text(error, "traceback", &last.message);
                logs = others;
            }
        }
        (CallOutcome::Broken { outcome: AttemptOutcome::BadResponse, reason }, None, Value::Object(_)) => {
            problems.text(&json!({"message_matches": expect["error"]["message_matches"]}), "message", reason);
        }
        (CallOutcome::Replied(replies), None, Value::Null) => check_reply(expect, &replies[0], problems),
        (other, ..) => problems.unless(false, format!("expected {expect}, found {other:?}")),
    }
    if let Some(expected) = expect["logs"].as_array() {
        problems.unless(expected.len() == logs.len(), format!("{} log lines: {logs:?}", logs.len()));
        for (expect, line) in expected.iter().zip(logs) {
            problems.text(expect, "level", line.level.as_str());
            problems.text(expect, "message", &line.message);
            for (name, value) in expect["fields"].as_object().into_iter().flatten() {
                let found = line.fields.as_ref().and_then(|fields| fields.get(name));
                problems.unless(found == Some(value), format!("the field {name}: {found:?}"));
            }
        }
    }
    if let Some(expected) = expect.get("state") {
        let found = end.state.as_deref().and_then(|state| serde_json::from_slice::<Value>(state).ok());
        problems.unless(found.as_ref() == Some(expected), format!("the state {found:?}"));
    }
    if let Some(is_changed) = expect["state_changed"].as_bool() {
        problems.unless(end.state.is_some() == is_changed, "whether the state has changed");
    }
    if let Some(size) = expect["state_size_min"].as_u64() {
        problems.unless(end.state.as_ref().is_none_or(|state| state.len() as u64 >= size), "the size of the state");
    }
    let count = expect["sends_count"].as_u64().or_else(|| Some(expect["sends"].as_array()?.len() as u64));
    problems.unless(count.is_none_or(|count| count == end.sends.len() as u64), "the number of messages");
    for (message, expect) in end.sends.iter().zip(expect["sends"].as_array().into_iter().flatten()) {
        problems.text(expect, "function", &message.function);
        problems.text(expect, "content_type", &message.content_type);
        if let Some(key) = expect.get("key") {
            problems.unless(key.as_str() == message.key.as_deref(), "the key of a message");
        }
        for (name, value) in expect["headers"].as_object().into_iter().flatten() {
            let found = message.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
            problems.unless(found == value.as_str(), format!("the header {name} of a message: {found:?}"));
        }
        if let Some(delay) = expect["delay_ms"].as_u64() {
            problems.unless(message.delay == Duration::from_millis(delay), "the delay of a message");
        }
        check_body(expect, &message.body, problems);
    }
}

fn check_reply(expect: &Value, reply: &Reply, problems: &mut Problems) {
    problems.unless(
        expect["status"].as_u64().is_none_or(|wanted| wanted == u64::from(reply.status)),
        format!("the status {}", reply.status),
    );
    if let Some(wanted) = expect["content_type"].as_str() {
        let media = |text: &str| text.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        problems.unless(media(wanted) == media(&reply.content_type), format!("content type {}", reply.content_type));
    }
    for (name, value) in expect["headers"].as_object().into_iter().flatten() {
        let found = reply.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        problems
            .unless(found.map(|(_, value)| value.as_str()) == value.as_str(), format!("the header {name}: {found:?}"));
    }
    check_body(expect, &reply.body, problems);
}

fn check_body(expect: &Value, found: &[u8], problems: &mut Problems) {
    let text = String::from_utf8_lossy(found);
    if ["body", "body_repeat", "body_base64"].iter().any(|name| expect.get(name).is_some()) {
        let shown: String = text.chars().take(200).collect();
        problems.unless(body(expect) == found, format!("the body {shown:?}"));
    }
    if let Some(json) = expect.get("body_json") {
        let is_same = serde_json::from_slice::<Value>(found).is_ok_and(|value| value == *json);
        problems.unless(is_same, format!("body: expected {json}, found {text:?}"));
    }
    problems.text(&json!({"body_matches": expect["body_matches"]}), "body", &text);
    if let Some(size) = expect["body_size"].as_u64() {
        problems.unless(size == found.len() as u64, format!("the size {}", found.len()));
    }
    if let Some(wanted) = expect["body_sha256"].as_str() {
        let hex: String = Sha256::digest(found).iter().map(|byte| format!("{byte:02x}")).collect();
        problems.unless(wanted == hex, "the digest of the body");
    }
}

/// Answers calls as the case says, and notes what was asked otherwise.
struct Script {
    calls: Mutex<std::collections::VecDeque<Value>>,
    problems: Mutex<Vec<String>>,
}

impl Script {
    fn new(case: &Value) -> Script {
        let events = case["events"].as_array().into_iter().flatten();
        let calls = events.flat_map(|event| event["calls"].as_array().cloned().unwrap_or_default()).collect();
        Script { calls: Mutex::new(calls), problems: Mutex::default() }
    }
}

#[async_trait]
impl Host for Script {
    async fn call_function(&self, request: CallRequest) -> Result<Reply, String> {
        let Some(step) = self.calls.lock().pop_front() else { return Err("a call too many".to_owned()) };
        let mut problems = Problems { place: "a call".to_owned(), ..Problems::default() };
        let (expect, answer) = (&step["expect"], &step["answer"]);
        problems.text(expect, "function", request.function.as_str());
        problems.text(expect, "method", &request.event.method);
        problems.text(expect, "path", &request.event.path);
        problems.text(expect, "content_type", &request.event.content_type);
        for (name, value) in expect["headers"].as_object().into_iter().flatten() {
            problems.unless(request.event.header(name) == value.as_str(), format!("the header {name}"));
        }
        check_body(expect, &request.event.body, &mut problems);
        self.problems.lock().append(&mut problems.found);
        if let Some(error) = answer["error"].as_str() {
            return Err(error.to_owned());
        }
        let headers = answer["headers"].as_object().into_iter().flatten();
        Ok(Reply {
            status: u16::try_from(answer["status"].as_u64().unwrap_or(200)).unwrap(),
            content_type: answer["content_type"].as_str().unwrap_or("text/plain").to_owned(),
            headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
            body: body(answer).into(),
        })
    }
}
