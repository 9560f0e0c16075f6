//! The cases of `conformance/`: a folder is a test. Its README says what they hold and how they are run.

mod check;
mod events;
mod script;

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use check::{check_answer, check_failure, note};
use events::{Stored, configs, event, scope};
use futures_util::future::join_all;
pub use script::Script;
use serde_json::Value;
use tidemill_core::{
    Event,
    invocation::{AttemptOutcome, LogLine, Reply},
    ports::{Call, CallEnd, CallOutcome, Message, Worker},
    spec::{EnvVar, FunctionSpec},
};

use crate::{calls::invocation, repository};

/// How long a case may take once its worker is there.
const CASE_MAX: Duration = Duration::from_secs(60);

/// One case on one runtime.
pub struct Case {
    /// Its name, that of its folder.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The runtime, then those whose handlers and expectations hold where it has none of its own.
    runtimes: Vec<String>,
    value: Value,
}

impl Case {
    /// The cases for the first of `runtimes`. Where one says nothing of it in particular, what it says of the others holds.
    ///
    /// # Panics
    ///
    /// There is none, or one cannot be read.
    pub fn all(runtimes: &[&str]) -> Vec<Case> {
        let mut cases = Vec::new();
        for entry in std::fs::read_dir(repository().join("conformance")).unwrap() {
            let folder = entry.unwrap().path();
            let Ok(text) = std::fs::read(folder.join("case.json")) else { continue };
            let value: Value = serde_json::from_slice(&text).unwrap();
            if value["runtimes"].as_array().unwrap().iter().any(|name| name == runtimes[0]) {
                let name = folder.file_name().unwrap().to_string_lossy().into_owned();
                let runtimes = runtimes.iter().map(|name| (*name).to_owned()).collect();
                cases.push(Case { name, folder, runtimes, value });
            }
        }
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        assert!(!cases.is_empty(), "no case for {}", runtimes[0]);
        cases
    }

    /// Puts the function of the case into `spec`: handler, variables and state.
    ///
    /// # Panics
    ///
    /// The case cannot be read.
    pub fn describe(&self, spec: &mut FunctionSpec) {
        let handler = &self.value["function"]["handler"];
        let own = self.runtimes.iter().find_map(|runtime| handler[runtime].as_str());
        spec.handler = own.or(handler.as_str()).unwrap_or("").to_owned();
        for (name, value) in self.value["function"]["env"].as_object().into_iter().flatten() {
            spec.env.push(EnvVar { name: name.clone(), value: value.as_str().unwrap().to_owned() });
        }
        spec.state = scope(&self.value);
    }

    /// The expectation with what `per_runtime` puts in its place.
    fn expectation(&self, expect: &Value) -> Value {
        let mut expect = expect.clone();
        let own = expect["per_runtime"].take();
        let own = self.runtimes.iter().find_map(|runtime| own[runtime].as_object());
        for (name, value) in own.into_iter().flatten() {
            expect[name] = value.clone();
        }
        expect
    }

    async fn run(&self, launched: Result<Arc<dyn Worker>, String>, host: &Script) -> Vec<String> {
        let (case, mut problems) = (&self.value, Vec::new());
        if let Value::Object(failed) = &case["failed"] {
            let failed = self.expectation(&Value::Object(failed.clone()));
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
        match &self.expectation(&case["ready"])["slots"] {
            Value::String(many) if many == "many" => note(&mut problems, "slots", worker.slots() > 1),
            Value::Number(number) => note(&mut problems, "slots", number.as_u64() == Some(u64::from(worker.slots()))),
            _ => {}
        }
        // A runtime within this program tells the function at once, so that there it is an error of its own.
        let is_within = self.runtimes[0] == "wasm";
        let refusal = if is_within { AttemptOutcome::Raised } else { AttemptOutcome::BadResponse };
        let answers = send(worker.as_ref(), case).await;
        let expected = case["expect"].as_array().unwrap();
        for (index, (answer, expect)) in answers.iter().zip(expected).enumerate() {
            let mut found = Vec::new();
            if case["events"][index]["cancel"] == true {
                // What the worker answers to that is not to be seen from here.
                let is_cancelled = matches!(&answer.result, Err((AttemptOutcome::Cancelled, ..)));
                note(&mut found, "it is cancelled", is_cancelled);
            } else {
                check_answer(&self.expectation(expect), answer, refusal, &mut found);
            }
            problems.extend(found.into_iter().map(|problem| format!("event {index}: {problem}")));
        }
        note(&mut problems, "the number of answers", answers.len() == expected.len());
        worker.stop(Duration::from_secs(20)).await;
        problems.extend(host.problems());
        problems
    }
}

/// Runs `cases`, each on the worker that `launch` starts for it with this host.
///
/// # Panics
///
/// One of them does not hold: all that do not are told.
pub async fn run_all(cases: &[Case], launch: impl AsyncFn(&Case, Arc<Script>) -> Result<Arc<dyn Worker>, String>) {
    let mut problems = Vec::new();
    for case in cases {
        let host = Arc::new(Script::new(&case.value));
        // A launch has a time limit of its own.
        let launched = launch(case, host.clone()).await;
        match tokio::time::timeout(CASE_MAX, case.run(launched, &host)).await {
            Ok(found) => problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", case.name))),
            Err(_) => problems.push(format!("{}: it does not end", case.name)),
        }
    }
    let runtime = &cases[0].runtimes[0];
    assert!(problems.is_empty(), "{} of {} cases on {runtime}:\n{}", problems.len(), cases.len(), problems.join("\n"));
}

/// How one event was answered.
struct Answer {
    /// Outcome, reason and status of a call that has no response; `Raised` stands for an error of user code.
    result: Result<Reply, (AttemptOutcome, String, u16)>,
    logs: Vec<LogLine>,
    state: Option<Bytes>,
    sends: Vec<Message>,
}

impl Answer {
    /// An answer for each event of a call.
    fn all(end: CallEnd) -> Vec<Answer> {
        let CallEnd { outcome, logs, state, sends, .. } = end;
        let one = |result| Answer { result, logs: logs.clone(), state: state.clone(), sends: sends.clone() };
        match outcome {
            CallOutcome::Replied(replies) => replies.into_iter().map(|reply| one(Ok(reply))).collect(),
            CallOutcome::Raised { message, status } => vec![one(Err((AttemptOutcome::Raised, message, status)))],
            CallOutcome::Broken { outcome, reason } => vec![one(Err((outcome, reason, 0)))],
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
            let ends = join_all(calls.iter().map(|call| worker.call(call))).await;
            ends.into_iter().flat_map(Answer::all).collect()
        }
        "batch" => {
            let configs = configs(&case["events"][0]);
            let events = events.into_iter().map(Arc::new).collect();
            let call = Call { events, is_batch: true, configs, ..Call::single(invocation(), 1, Event::default()) };
            Answer::all(worker.call(&call).await)
        }
        _ => {
            let mut all = Vec::new();
            for (index, event) in events.into_iter().enumerate() {
                let call = stored.call(case, index, event);
                let end = if case["events"][index]["cancel"] == true {
                    let cancel = async {
                        tokio::task::yield_now().await;
                        worker.cancel(call.invocation).await;
                    };
                    tokio::join!(worker.call(&call), cancel).0
                } else {
                    worker.call(&call).await
                };
                stored.settle(case, index, &end);
                all.extend(Answer::all(end));
            }
            all
        }
    }
}
