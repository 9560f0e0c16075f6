//! Every case of `conformance/` on every runtime it names, through the drivers. See the README there.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use common::{Bench, Lines, invocation, repository};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tidemill_core::{
    Event, Timestamp, TriggerLabel,
    invocation::{AttemptOutcome, LogLevel, LogLine, Reply},
    ports::{
        Builder, Call, CallEnd, CallOutcome, CallRequest, Driver, Environment, Host, Message, Unpacked, Worker,
        WorkerId,
    },
    spec::{EnvVar, FunctionSpec, Runtime, StateScope},
};
use tokio::sync::oneshot;

/// Programs that are not built by the builder.
type Programs = BTreeMap<&'static str, PathBuf>;

#[tokio::test]
async fn python() {
    run_all("python", &Programs::new()).await;
}

#[tokio::test]
async fn nodejs() {
    run_all("nodejs", &Programs::new()).await;
}

#[tokio::test]
async fn shell() {
    run_all("shell", &Programs::new()).await;
}

#[tokio::test]
async fn a_rust_program() {
    let example = repository().join("examples/binary-rust");
    let target = tempfile::tempdir().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--target-dir"]).arg(target.path()).current_dir(example);
    assert!(cargo.status().unwrap().success(), "the example cannot be built");
    run_all("binary", &Programs::from([("binary", target.path().join("debug/binary-rust"))])).await;
}

#[tokio::test]
async fn a_go_program() {
    let target = tempfile::tempdir().unwrap();
    let program = target.path().join("binary-go");
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&program).arg(".").current_dir(repository().join("examples/binary-go"));
    go.env("GOCACHE", target.path().join("cache")).env("GOFLAGS", "-modcacherw");
    match go.status() {
        Ok(status) => assert!(status.success(), "the example cannot be built"),
        Err(error) => {
            eprintln!("the Go half is left out: go cannot be run: {error}");
            return;
        }
    }
    run_all("binary", &Programs::from([("binary", program)])).await;
}

async fn run_all(runtime: &str, programs: &Programs) {
    let bench = Bench::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(repository().join("conformance"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("case.json").is_file())
        .collect();
    folders.sort();
    let (mut run, mut problems) = (0, Vec::new());
    for folder in folders {
        let case: Value = serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
        if !case["runtimes"].as_array().unwrap().iter().any(|name| name == runtime) {
            continue;
        }
        run += 1;
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let limit = Duration::from_secs(60);
        match tokio::time::timeout(limit, run_case(&bench, &folder, &case, runtime, programs)).await {
            Ok(found) => problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}"))),
            Err(_) => problems.push(format!("{name}: it does not end")),
        }
    }
    bench.driver.close().await;
    assert!(run > 0, "no case for {runtime}");
    assert!(problems.is_empty(), "{} of {run} cases on {runtime}:\n{}", problems.len(), problems.join("\n"));
}

async fn run_case(bench: &Bench, folder: &Path, case: &Value, runtime: &str, programs: &Programs) -> Vec<String> {
    let mut problems = Vec::new();
    let host = Arc::new(Script::new(case));
    let launched = launch(bench, folder, case, runtime, programs, host.clone()).await;
    if let Value::Object(failed) = &case["failed"] {
        let failed = for_runtime(&Value::Object(failed.clone()), runtime);
        match launched {
            Ok(_) => problems.push("it became ready".to_owned()),
            Err(reason) => check_failure(&failed, &reason, &mut problems),
        }
        return problems;
    }
    let worker = match launched {
        Ok(worker) => worker,
        Err(reason) => return vec![format!("it did not become ready: {reason}")],
    };
    match &case["ready"]["slots"] {
        Value::String(many) if many == "many" => note(&mut problems, "slots", worker.slots() > 1),
        Value::Number(number) => note(&mut problems, "slots", number.as_u64() == Some(u64::from(worker.slots()))),
        _ => {}
    }
    let answers = send(worker.as_ref(), case).await;
    let expected = case["expect"].as_array().unwrap();
    for (index, (answer, expect)) in answers.iter().zip(expected).enumerate() {
        let mut found = Vec::new();
        let was_cancelled = case["events"][index]["cancel"] == true;
        if was_cancelled {
            // What the worker answers to that is not to be seen from here.
            let is_cancelled = matches!(&answer.result, Err((AttemptOutcome::Cancelled, ..)));
            note(&mut found, "it is cancelled", is_cancelled);
        } else {
            check_answer(&for_runtime(expect, runtime), answer, &mut found);
        }
        problems.extend(found.into_iter().map(|problem| format!("event {index}: {problem}")));
    }
    note(&mut problems, "the number of answers", answers.len() == expected.len());
    worker.stop(Duration::from_secs(20)).await;
    problems.extend(host.problems());
    problems
}

async fn launch(
    bench: &Bench,
    folder: &Path,
    case: &Value,
    runtime: &str,
    programs: &Programs,
    host: Arc<dyn Host>,
) -> Result<Arc<dyn Worker>, String> {
    let mut spec = FunctionSpec::new(runtime.parse::<Runtime>().unwrap());
    let handler = &case["function"]["handler"];
    spec.handler = handler[runtime].as_str().or(handler.as_str()).unwrap_or("").to_owned();
    for (name, value) in case["function"]["env"].as_object().into_iter().flatten() {
        spec.env.push(EnvVar { name: name.clone(), value: value.as_str().unwrap().to_owned() });
    }
    spec.state = scope(case);
    let environment = match (programs.get(runtime), runtime) {
        (Some(program), _) => Environment { program: program.clone(), ..Environment::default() },
        (None, "shell") => Environment { program: folder.join("function.sh"), ..Environment::default() },
        (None, _) => {
            let digest = "0".repeat(64).parse().unwrap();
            let directory = folder.to_owned();
            let unpacked =
                Unpacked { digest, directory, stem: "function".to_owned(), files: Vec::new(), manifest: None };
            bench.builder.environment(&unpacked, &spec, &Lines::default()).await.map_err(|error| error.to_string())?
        }
    };
    let mut launch = bench.launch_of(folder, environment, spec);
    launch.host = host;
    launch.worker = WorkerId("w-1".into());
    bench.driver.launch(launch).await.map_err(|error| error.reason)
}

/// How one event was answered.
struct Answer {
    /// Outcome and reason of a call that broke; `Raised` stands for an error of user code.
    result: Result<Reply, (AttemptOutcome, String, u16)>,
    logs: Vec<LogLine>,
    state: Option<Bytes>,
    sends: Vec<Message>,
}

fn scope(case: &Value) -> StateScope {
    match case["function"]["state"].as_str() {
        Some("function") => StateScope::Function,
        Some("key") => StateScope::Key,
        _ => StateScope::None,
    }
}

/// The state that is stored while a case runs, by key.
#[derive(Default)]
struct Stored(BTreeMap<String, Bytes>);

impl Stored {
    /// The call of the event `index`, with the key and the state that it begins with.
    fn call(&mut self, case: &Value, index: usize, event: Event) -> Call {
        let value = &case["events"][index];
        let mut call = Call::single(invocation(), 1, event);
        call.key = value["key"].as_str().map(str::to_owned);
        call.configs = configs(value);
        if scope(case) != StateScope::None {
            let key = Stored::key(case, index);
            if let Some(text) = value["stored"].as_str() {
                self.0.insert(key.clone(), Bytes::from(text.to_owned()));
            }
            call.state = Some(self.0.get(&key).cloned().unwrap_or_default());
        }
        call
    }

    fn key(case: &Value, index: usize) -> String {
        match scope(case) {
            StateScope::Key => case["events"][index]["key"].as_str().unwrap_or("").to_owned(),
            StateScope::None | StateScope::Function => String::new(),
        }
    }

    /// Stores what a call left, as the engine does.
    fn settle(&mut self, case: &Value, index: usize, end: &CallEnd) {
        if let Some(state) = &end.state {
            self.0.insert(Stored::key(case, index), state.clone());
        }
    }
}

async fn send(worker: &dyn Worker, case: &Value) -> Vec<Answer> {
    let events: Vec<Event> = case["events"].as_array().unwrap().iter().enumerate().map(event).collect();
    let mut stored = Stored::default();
    match case["send"].as_str().unwrap_or("one_by_one") {
        "at_once" => {
            let single = |(index, event)| stored.call(case, index, event);
            let calls: Vec<Call> = events.into_iter().enumerate().map(single).collect();
            let mut ends = futures_of(calls.iter().map(|call| worker.call(call))).await;
            ends.drain(..).flat_map(answers).collect()
        }
        "batch" => {
            let configs = configs(&case["events"][0]);
            let call = Call { events, is_batch: true, configs, ..Call::single(invocation(), 1, Event::default()) };
            answers(worker.call(&call).await)
        }
        _ => {
            let mut all = Vec::new();
            for (index, event) in events.into_iter().enumerate() {
                let call = stored.call(case, index, event);
                let id = call.invocation;
                let end = if case["events"][index]["cancel"] == true {
                    let (end, ()) = tokio::join!(worker.call(&call), async {
                        tokio::task::yield_now().await;
                        worker.cancel(id).await;
                    });
                    end
                } else {
                    worker.call(&call).await
                };
                stored.settle(case, index, &end);
                all.extend(answers(end));
            }
            all
        }
    }
}

/// The configs of an event.
fn configs(event: &Value) -> Arc<BTreeMap<String, String>> {
    let members = event["configs"].as_object().into_iter().flatten();
    Arc::new(members.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect())
}

/// Runs all of them at once.
async fn futures_of<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, slot) in waiting.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *slot = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

fn answers(end: CallEnd) -> Vec<Answer> {
    let CallEnd { outcome, logs, state, sends, .. } = end;
    let one = |result| Answer { result, logs: logs.clone(), state: state.clone(), sends: sends.clone() };
    match outcome {
        CallOutcome::Replied(replies) => replies.into_iter().map(|reply| one(Ok(reply))).collect(),
        CallOutcome::Raised { message, status } => vec![one(Err((AttemptOutcome::Raised, message, status)))],
        CallOutcome::Broken { outcome, reason } => vec![one(Err((outcome, reason, 0)))],
    }
}

fn event((index, value): (usize, &Value)) -> Event {
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
        return from_base64(text);
    }
    if let Value::Object(repeat) = &value["body_repeat"] {
        let times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
        return repeat["text"].as_str().unwrap().repeat(times).into_bytes();
    }
    value["body"].as_str().unwrap_or("").as_bytes().to_vec()
}

fn from_base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        bits = bits << 6 | u32::from(digit(byte));
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

/// The expectation with what `per_runtime` puts in its place.
fn for_runtime(expect: &Value, runtime: &str) -> Value {
    let mut expect = expect.clone();
    if let Value::Object(own) = expect["per_runtime"][runtime].take() {
        let members = expect.as_object_mut().unwrap();
        for (name, value) in own {
            members.insert(name, value);
        }
    }
    expect
}

fn note(problems: &mut Vec<String>, what: &str, is_so: bool) {
    if !is_so {
        problems.push(format!("not as expected: {what}"));
    }
}

fn same(problems: &mut Vec<String>, what: &str, expected: &str, found: &str) {
    if expected != found {
        problems
            .push(format!("{what}: expected {expected:?}, found {:?}", found.chars().take(300).collect::<String>()));
    }
}

/// Checks the member `name`, or the regular expression beside it.
fn text_member(problems: &mut Vec<String>, expect: &Value, name: &str, found: &str) {
    if let Some(text) = expect[name].as_str() {
        same(problems, name, text, found);
    }
    if let Some(pattern) = expect[format!("{name}_matches")].as_str()
        && !regex::Regex::new(pattern).unwrap().is_match(found)
    {
        problems.push(format!("{name}: {pattern:?} is not in {:?}", found.chars().take(300).collect::<String>()));
    }
}

fn check_failure(failed: &Value, reason: &str, problems: &mut Vec<String>) {
    let (line, traceback) = reason.split_once('\n').unwrap_or((reason, ""));
    check_line(failed, line, problems);
    text_member(problems, failed, "traceback", traceback);
}

/// Checks the line that type and message have become.
fn check_line(expect: &Value, line: &str, problems: &mut Vec<String>) {
    let (kind, message) = match expect["type"].as_str() {
        Some(kind) if line == kind => (kind, ""),
        Some(_) => line.split_once(": ").unwrap_or((line, "")),
        None => ("", line),
    };
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    text_member(problems, &serde_json::json!({"type": expect["type"]}), "type", kind);
    if let Some(wanted) = expect["message"].as_str() {
        // Without an expected type the line may begin with one.
        let wanted = flat(wanted);
        let fits = message == wanted || (expect["type"].is_null() && message.ends_with(&format!(": {wanted}")));
        if !fits {
            problems.push(format!("message: expected {wanted:?}, found {message:?}"));
        }
    }
    let only_matches = serde_json::json!({"message_matches": expect["message_matches"]});
    text_member(problems, &only_matches, "message", message);
}

fn check_answer(expect: &Value, answer: &Answer, problems: &mut Vec<String>) {
    let mut logs = &answer.logs[..];
    if let Some(refused) = expect.get("refused_matches") {
        match &answer.result {
            Err((AttemptOutcome::BadResponse, reason, _)) => {
                text_member(problems, &serde_json::json!({"refused_matches": refused}), "refused", reason);
                note(problems, "a refused call leaves nothing", answer.state.is_none() && answer.sends.is_empty());
            }
            other => problems.push(format!("no bad response but {other:?}")),
        }
        return;
    }
    check_left(expect, answer, problems);
    match (&expect["error"], &answer.result) {
        (Value::Object(error), Err((AttemptOutcome::Raised, line, status))) => {
            let error = Value::Object(error.clone());
            check_line(&error, line, problems);
            if let Some(wanted) = error["status"].as_u64() {
                same(problems, "status", &wanted.to_string(), &status.to_string());
            }
            let wants_traceback = !error["traceback"].is_null() || !error["traceback_matches"].is_null();
            if let Some((last, rest)) = logs.split_last().filter(|(last, _)| last.level == LogLevel::Error) {
                if wants_traceback {
                    text_member(problems, &error, "traceback", &last.message);
                }
                logs = rest;
            } else {
                note(problems, "a traceback as the last line", !wants_traceback);
            }
        }
        (Value::Null, Ok(reply)) => check_reply(expect, reply, problems),
        (Value::Null, Err(error)) => problems.push(format!("no response but {error:?}")),
        (_, other) => problems.push(format!("no error but {other:?}")),
    }
    if let Some(expected) = expect["logs"].as_array() {
        check_logs(expected, logs, problems);
    }
}

/// Checks the state and the messages that a call left.
fn check_left(expect: &Value, answer: &Answer, problems: &mut Vec<String>) {
    let state = answer.state.as_deref();
    if let Some(expected) = expect.get("state") {
        let found = state.and_then(|state| serde_json::from_slice::<Value>(state).ok());
        note(problems, &format!("the state {found:?}"), found.as_ref() == Some(expected));
    }
    if let Some(is_changed) = expect["state_changed"].as_bool() {
        note(problems, "whether the state has changed", state.is_some() == is_changed);
    }
    if let (Some(state), Some(size_min)) = (state, expect["state_size_min"].as_u64()) {
        note(problems, &format!("the size of the state, {}", state.len()), state.len() as u64 >= size_min);
    }
    let count = expect["sends_count"].as_u64().or_else(|| expect["sends"].as_array().map(|sends| sends.len() as u64));
    note(problems, "the number of messages", count.is_none_or(|count| count == answer.sends.len() as u64));
    for (message, expect) in answer.sends.iter().zip(expect["sends"].as_array().into_iter().flatten()) {
        check_message(expect, message, problems);
    }
}

fn check_message(expect: &Value, message: &Message, problems: &mut Vec<String>) {
    text_member(problems, expect, "function", &message.function);
    text_member(problems, expect, "content_type", &message.content_type);
    if let Some(key) = expect.get("key") {
        note(problems, "the key of a message", key.as_str() == message.key.as_deref());
    }
    for (name, value) in expect["headers"].as_object().into_iter().flatten() {
        let found = message.headers.iter().find(|(other, _)| other == name);
        same(problems, name, value.as_str().unwrap(), found.map_or("(missing)", |(_, value)| value));
    }
    if let Some(delay) = expect["delay_ms"].as_u64() {
        note(problems, "the delay of a message", message.delay == Duration::from_millis(delay));
    }
    check_body(expect, &message.body, problems);
}

fn check_reply(expect: &Value, reply: &Reply, problems: &mut Vec<String>) {
    if let Some(status) = expect["status"].as_u64() {
        same(problems, "status", &status.to_string(), &reply.status.to_string());
    }
    if let Some(wanted) = expect["content_type"].as_str() {
        let media = |text: &str| text.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        same(problems, "content type", &media(wanted), &media(&reply.content_type));
    }
    for (name, value) in expect["headers"].as_object().into_iter().flatten() {
        let found = reply.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        same(problems, name, value.as_str().unwrap(), found.map_or("(missing)", |(_, value)| value));
    }
    check_body(expect, &reply.body, problems);
}

fn check_body(expect: &Value, found: &[u8], problems: &mut Vec<String>) {
    let text = String::from_utf8_lossy(found);
    if expect.get("body").is_some() || expect.get("body_repeat").is_some() {
        same(problems, "body", &String::from_utf8_lossy(&body(expect)), &text);
    }
    if expect.get("body_base64").is_some() {
        note(problems, "the bytes of the body", body(expect) == found);
    }
    if let Some(json) = expect.get("body_json") {
        match serde_json::from_slice::<Value>(found) {
            Ok(value) if value == *json => {}
            _ => problems.push(format!("body: expected {json}, found {text:?}")),
        }
    }
    text_member(problems, &serde_json::json!({"body_matches": expect["body_matches"]}), "body", &text);
    if let Some(size) = expect["body_size"].as_u64() {
        same(problems, "size", &size.to_string(), &found.len().to_string());
    }
    if let Some(wanted) = expect["body_sha256"].as_str() {
        let hex: String = Sha256::digest(found).iter().map(|byte| format!("{byte:02x}")).collect();
        same(problems, "sha256", wanted, &hex);
    }
}

fn check_logs(expected: &[Value], logs: &[LogLine], problems: &mut Vec<String>) {
    if expected.len() != logs.len() {
        let found: Vec<String> = logs.iter().map(|line| line.message.chars().take(100).collect()).collect();
        problems.push(format!("{} log lines instead of {}: {found:?}", logs.len(), expected.len()));
        return;
    }
    for (expect, line) in expected.iter().zip(logs) {
        text_member(problems, expect, "level", line.level.as_str());
        text_member(problems, expect, "message", &line.message);
        for (name, value) in expect["fields"].as_object().into_iter().flatten() {
            let found = line.fields.as_ref().and_then(|fields| fields.get(name));
            note(problems, &format!("the field {name}: {found:?}"), found == Some(value));
        }
    }
}

/// The host of a case: answers the calls that it announces.
struct Script {
    state: Mutex<ScriptState>,
}

struct ScriptState {
    /// Expectation and answer.
    calls: Vec<(Value, Value)>,
    /// With `last_first`: how many are still to come before they are answered.
    held_back: Option<usize>,
    waiting: Vec<oneshot::Sender<()>>,
    problems: Vec<String>,
}

impl Script {
    fn new(case: &Value) -> Script {
        let events = case["events"].as_array().unwrap();
        let calls = events.iter().flat_map(|event| event["calls"].as_array().into_iter().flatten());
        let calls = calls.map(|call| (call["expect"].clone(), call["answer"].clone())).collect();
        let held_back = (case["answer_calls"] == "last_first").then_some(events.len());
        let state = ScriptState { calls, held_back, waiting: Vec::new(), problems: Vec::new() };
        Script { state: Mutex::new(state) }
    }

    /// What was wrong with the calls that came, and those that did not come.
    fn problems(&self) -> Vec<String> {
        let mut state = self.state.lock();
        let missing = state.calls.len();
        let mut problems = std::mem::take(&mut state.problems);
        note(&mut problems, "all calls are made", missing == 0);
        problems
    }

    fn answer(&self, request: &CallRequest) -> Option<Value> {
        let mut state = self.state.lock();
        let mut first = None;
        for (index, (expect, _)) in state.calls.iter().enumerate() {
            let mut problems = Vec::new();
            let event = &request.event;
            text_member(&mut problems, expect, "function", request.function.as_str());
            text_member(&mut problems, expect, "method", &event.method);
            text_member(&mut problems, expect, "path", &event.path);
            text_member(&mut problems, expect, "content_type", &event.content_type);
            for (name, value) in expect["headers"].as_object().into_iter().flatten() {
                same(&mut problems, name, value.as_str().unwrap(), event.header(name).unwrap_or("(missing)"));
            }
            check_body(expect, &event.body, &mut problems);
            if problems.is_empty() {
                return Some(state.calls.remove(index).1);
            }
            first.get_or_insert(problems);
        }
        state.problems.push(format!("a call that was not expected: {:?}", first.unwrap_or_default()));
        None
    }

    async fn turn(&self) {
        let waiting = {
            let mut state = self.state.lock();
            let Some(left) = state.held_back.as_mut() else { return };
            *left = left.saturating_sub(1);
            let is_last = *left == 0;
            let (sender, receiver) = oneshot::channel();
            state.waiting.push(sender);
            if is_last {
                for sender in state.waiting.drain(..).rev() {
                    let _ = sender.send(());
                }
            }
            receiver
        };
        let _ = waiting.await;
    }
}

#[async_trait]
impl Host for Script {
    async fn call_function(&self, request: CallRequest) -> Result<Reply, String> {
        let answer = self.answer(&request).ok_or("not expected")?;
        self.turn().await;
        if let Some(error) = answer["error"].as_str() {
            return Err(error.to_owned());
        }
        let headers = answer["headers"].as_object().into_iter().flatten();
        Ok(Reply {
            status: u16::try_from(answer["status"].as_u64().unwrap_or(200)).unwrap(),
            content_type: answer["content_type"].as_str().unwrap_or("text/plain").to_owned(),
            headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
            body: body(&answer).into(),
        })
    }
}
