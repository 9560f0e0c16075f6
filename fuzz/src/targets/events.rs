//! Events to a worker: the JSON that is written by hand says what the event was, whatever texts are in it.

use std::sync::Arc;

use serde_json::{Value, json};
use tidemill_core::{Event, InvocationId, Timestamp, TriggerLabel, ports::Call};
use tidemill_worker::fuzz::{batch_meta, event_meta};

use crate::{
    input::Input,
    target::{Memory, Target},
};

pub(super) const TARGET: Target = Target {
    name: "events",
    about: "events of the worker protocol, to a worker",
    run,
    seeds,
    words: &[
        "\u{4}text",
        "\u{2}\"\\",
        "\u{2}\u{e9}",
        "\u{4}\u{1f600}",
        "\u{3}\u{2028}",
        "\u{1}\0",
        "\u{f}ce-partitionkey",
    ],
    bytes_max: 4 * 1024,
    memory: Memory { base_bytes: 256 * 1024, per_byte: 200 },
    share: 100,
};

fn event(input: &mut Input<'_>) -> Event {
    let mut event = Event {
        id: input.text(),
        source: input.text(),
        kind: input.text(),
        subject: input.text(),
        time: Timestamp(input.u64() as i64),
        caller: input.text(),
        trigger: TriggerLabel { kind: input.text(), name: input.text() },
        method: input.text(),
        path: input.text(),
        query: input.text(),
        content_type: input.text(),
        ..Event::default()
    };
    for _ in 0..input.below(4) {
        let name = input.text();
        // A header that is given twice has been joined before it comes here.
        if event.header(&name).is_none() {
            event.headers.push((name, input.text()));
        }
    }
    let size = input.below(20);
    event.body = input.piece(size).to_vec().into();
    event
}

fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let first = event(&mut input);
    let mut call = Call::single(InvocationId::new(Timestamp(0), 0), u32::from(input.u16()), first.clone());
    call.key = input.flag().then(|| input.text());
    call.timeout = input.flag().then(|| std::time::Duration::from_millis(input.u64()));
    let configs = (0..input.below(3)).map(|_| (input.text(), input.text())).collect();
    call.configs = Arc::new(configs);

    let written: Value = serde_json::from_slice(&event_meta(&call, &first)).expect("the JSON of an event is JSON");
    let mut expected = members(&call, &first, call.key.as_deref());
    if !call.configs.is_empty() {
        expected["configs"] = json!(*call.configs);
    }
    assert_eq!(written, expected);

    call.events.push(Arc::new(event(&mut input)));
    call.is_batch = true;
    let written: Value = serde_json::from_slice(&batch_meta(&call)).expect("the JSON of a batch is JSON");
    let batch: Vec<Value> = call
        .events
        .iter()
        .map(|event| {
            let mut members = members(&call, event, None);
            members["size"] = json!(event.body.len());
            members
        })
        .collect();
    let mut expected = json!({"batch": batch});
    if !call.configs.is_empty() {
        expected["configs"] = json!(*call.configs);
    }
    assert_eq!(written, expected);
}

/// What the protocol page says that an event has.
fn members(call: &Call, event: &Event, line: Option<&str>) -> Value {
    let mut members = json!({
        "id": event.id, "attempt": call.attempt, "time_us": event.time.micros(),
        "trigger": {"kind": event.trigger.kind, "name": event.trigger.name},
    });
    let key = line.filter(|key| !key.is_empty()).or(event.header("ce-partitionkey")).unwrap_or("");
    for (name, text) in [
        ("method", event.method.as_str()),
        ("path", &event.path),
        ("query", &event.query),
        ("content_type", &event.content_type),
        ("type", &event.kind),
        ("source", &event.source),
        ("subject", &event.subject),
        ("key", key),
        ("caller", &event.caller),
    ] {
        if !text.is_empty() {
            members[name] = json!(text);
        }
    }
    if !event.headers.is_empty() {
        members["headers"] = event.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    }
    if let Some(timeout) = call.timeout {
        members["deadline_ms"] = json!(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX));
    }
    members
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let texts = |texts: &[&str]| {
        texts.iter().fold(Vec::new(), |mut all, text| {
            all.push(text.len() as u8);
            all.extend(text.as_bytes());
            all
        })
    };
    let mut plain = texts(&["id-1", "/mill", "tide.turned", "café"]);
    plain.extend(1_763_769_600_000_000u64.to_le_bytes());
    plain.extend(texts(&["ann", "http", "default-http", "POST", "/a/b", "x=1&y=%20", "application/json"]));
    plain.push(2);
    plain.extend(texts(&["ce-partitionkey", "own", "x-a", "\"quoted\"\n"]));
    plain.extend(b"\x05hello\x02\x00\x01\x04line\x01\x10\x27\x00\x00\x00\x00\x00\x00\x01");
    plain.extend(texts(&["db", "pa\"ss"]));
    vec![("full".to_owned(), plain), ("empty".to_owned(), vec![0])]
}
