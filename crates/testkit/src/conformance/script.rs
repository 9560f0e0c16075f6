//! The host of a case.

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use tidemill_core::{
    invocation::Reply,
    ports::{CallRequest, Host},
};
use tokio::sync::oneshot;

use super::{
    check::{check_body, note, same, text_member},
    events::body,
};

/// The host of a case: answers the calls that it announces.
pub struct Script {
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
    pub(super) fn new(case: &Value) -> Script {
        let events = case["events"].as_array().unwrap();
        let calls = events.iter().flat_map(|event| event["calls"].as_array().into_iter().flatten());
        let calls = calls.map(|call| (call["expect"].clone(), call["answer"].clone())).collect();
        let held_back = (case["answer_calls"] == "last_first").then_some(events.len());
        let state = ScriptState { calls, held_back, waiting: Vec::new(), problems: Vec::new() };
        Script { state: Mutex::new(state) }
    }

    /// What was wrong with the calls that came, and those that did not come.
    pub(super) fn problems(&self) -> Vec<String> {
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
