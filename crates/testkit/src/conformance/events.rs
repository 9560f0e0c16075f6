//! The events of a case, and the state that is stored between them.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::Value;
use tidemill_core::{
    Event, Timestamp, TriggerLabel,
    ports::{Call, CallEnd},
    spec::StateScope,
};

use crate::calls::invocation;

pub(super) fn event((index, value): (usize, &Value)) -> Event {
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

/// The body of an event, a call or an answer.
pub(super) fn body(value: &Value) -> Vec<u8> {
    if let Some(text) = value["body_base64"].as_str() {
        return BASE64_STANDARD.decode(text).unwrap();
    }
    if let Value::Object(repeat) = &value["body_repeat"] {
        let times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
        return repeat["text"].as_str().unwrap().repeat(times).into_bytes();
    }
    value["body"].as_str().unwrap_or("").as_bytes().to_vec()
}

/// The configs of an event.
pub(super) fn configs(event: &Value) -> Arc<BTreeMap<String, String>> {
    let members = event["configs"].as_object().into_iter().flatten();
    Arc::new(members.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect())
}

/// What the function has state for.
pub(super) fn scope(case: &Value) -> StateScope {
    match case["function"]["state"].as_str() {
        Some("function") => StateScope::Function,
        Some("key") => StateScope::Key,
        _ => StateScope::None,
    }
}

/// The state that is stored while a case runs, by key.
#[derive(Default)]
pub(super) struct Stored(BTreeMap<String, Bytes>);

impl Stored {
    /// The call of the event `index`, with the key and the state that it begins with.
    pub fn call(&mut self, case: &Value, index: usize, event: Event) -> Call {
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
    pub fn settle(&mut self, case: &Value, index: usize, end: &CallEnd) {
        if let Some(state) = &end.state {
            self.0.insert(Stored::key(case, index), state.clone());
        }
    }
}
