//! CloudEvents, in headers, as one JSON object or as an array of them: what is understood can be written and means the same.
//!
//! The first byte chooses the mode. In binary mode the rest is lines of `name: value`, else the body.

use serde_json::{Map, Value, json};
use tidemill_core::Event;
use tidemill_server::fuzz::events;

use crate::{
    input::Input,
    target::{Memory, Target},
    text::{self, assert_one_line},
};

pub(super) const TARGET: Target = Target {
    name: "cloudevents",
    about: "CloudEvents: binary, structured, batch, and the 0.1 forms",
    run,
    seeds,
    words: &[
        "\"specversion\":\"1.0\"",
        "\"id\":",
        "\"source\":",
        "\"type\":",
        "\"subject\":",
        "\"time\":\"2026-11-22T01:02:03Z\"",
        "\"data\":",
        "\"data_base64\":\"aGk=\"",
        "\"datacontenttype\":\"text/plain\"",
        "\"dataschema\":",
        "\"cloudEventsVersion\":\"0.1\"",
        "\"eventType\":",
        "\"extensions\":{",
        "\"contentType\":",
        "ce-specversion: 1.0\n",
        "ce-id: ",
        "ce-source: ",
        "ce-type: ",
        "ce-time: ",
        "%C3%A9",
        "%",
        "null",
        "[",
        "{",
    ],
    bytes_max: 4 * 1024,
    memory: Memory { base_bytes: 512 * 1024, per_byte: 1_000 },
    share: 100,
};

const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
const BATCH: &str = "application/cloudevents-batch+json";
const BATCH_MAX: usize = 10_000;

fn structured(content_type: &str, body: &[u8]) -> Event {
    Event {
        content_type: content_type.to_owned(),
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: body.to_vec().into(),
        ..Event::default()
    }
}

fn binary(head: &str) -> Event {
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Event { headers: head.lines().filter_map(pair).collect(), body: "data".into(), ..Event::default() }
}

fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let mode = input.below(4);
    let body = input.rest();
    let event = match mode {
        0 => structured(STRUCTURED, body),
        1 => structured(BATCH, body),
        2 => structured("application/cloudevents", body),
        _ => match text::of(body) {
            Some(head) => binary(head),
            None => return,
        },
    };
    let asked = event.clone();
    match events(event) {
        Err((status, detail)) => {
            assert!(matches!(status, 400 | 413 | 415), "{status}: {detail}");
            assert_one_line(&detail);
            assert!(
                detail.contains("CloudEvents attribute ") || detail.contains("envelope") || detail.contains("batch"),
                "{detail:?} names nothing"
            );
        }
        Ok((found, is_batch)) => {
            assert_eq!(is_batch, mode == 1);
            assert!(found.len() <= BATCH_MAX && (is_batch || found.len() == 1));
            for event in &found {
                if mode == 3 {
                    assert_eq!(event.body, asked.body);
                    continue;
                }
                assert!(
                    event.body.len() <= body.len(),
                    "a body of {} bytes came out of {}",
                    event.body.len(),
                    body.len()
                );
                assert_eq!(event.header("content-type").unwrap_or_default(), event.content_type);
                written_again(event);
            }
            if mode < 2 {
                batched(&found, body, mode);
            }
        }
    }
}

/// An event that was understood, written in the structured form of 1.0, is understood as the same.
fn written_again(event: &Event) {
    // The 0.1 form has no attributes that must be there.
    if event.id.is_empty() || event.source.is_empty() || event.kind.is_empty() {
        return;
    }
    let mut members = Map::new();
    for (name, value) in &event.headers {
        let Some(name) = name.strip_prefix("ce-") else { continue };
        members.insert(name.to_owned(), json!(value));
    }
    members.extend(
        [
            ("specversion", "1.0"),
            ("id", &event.id),
            ("source", &event.source),
            ("type", &event.kind),
            ("subject", &event.subject),
            ("time", &event.time.to_rfc3339()),
            ("datacontenttype", &event.content_type),
        ]
        .map(|(name, text)| (name.to_owned(), json!(text))),
    );
    let is_json = serde_json::from_slice::<Value>(&event.body).is_ok();
    let is_json_type = event.content_type.split(';').next().is_some_and(|essence| {
        let essence = essence.trim().to_ascii_lowercase();
        essence.ends_with("/json") || essence.ends_with("+json")
    });
    let mut text = Value::Object(members).to_string();
    if is_json && is_json_type {
        text.pop();
        text.push_str(",\"data\":");
        text.push_str(std::str::from_utf8(&event.body).expect("JSON is text"));
        text.push('}');
    } else if !event.body.is_empty() {
        let Ok(body) = std::str::from_utf8(&event.body) else { return };
        if is_json_type {
            return;
        }
        if event.content_type.is_empty() {
            return;
        }
        text.pop();
        text.push_str(&format!(",\"data\":{}}}", json!(body)));
    }
    // Extensions of the 0.1 form may have names that 1.0 does not allow.
    let Ok((again, _)) = events(structured(STRUCTURED, text.as_bytes())) else { return };
    let [again] = &again[..] else { panic!("one became {}", again.len()) };
    assert_eq!((&again.id, &again.source, &again.kind), (&event.id, &event.source, &event.kind));
    assert_eq!((&again.subject, again.time, &again.content_type), (&event.subject, event.time, &event.content_type));
    assert_eq!(again.body, event.body, "written as {text}");
}

/// One event means the same alone and in a batch of one.
fn batched(found: &[Event], body: &[u8], mode: usize) {
    let Some(body) = text::of(body) else { return };
    if mode == 0 {
        let (batch, _) =
            events(structured(BATCH, format!("[{body}]").as_bytes())).expect("an event alone is one in a batch");
        let strip = |event: &Event| {
            let mut event = event.clone();
            event.headers.retain(|(name, _)| name != "content-type" && name != "content-length");
            event
        };
        assert_eq!(batch.iter().map(strip).collect::<Vec<_>>(), found.iter().map(strip).collect::<Vec<_>>());
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    text::seeds(&[
        "\0{\"specversion\":\"1.0\",\"id\":\"A-1\",\"source\":\"/mill\",\"type\":\"tide.turned\",\"subject\":\"café\",\"time\":\"2026-11-22T01:02:03Z\",\"data\":{\"a\":  [1]},\"level\":3}",
        "\0{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"datacontenttype\":\"text/plain\",\"data\":\"té\\n\",\"traceparent\":\"00-1\"}",
        "\0{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"datacontenttype\":\"image/png\",\"data_base64\":\"iVBORw==\"}",
        "\u{1}[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":1},{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"s\",\"type\":\"t\"}]",
        "\u{2}{\"cloudEventsVersion\":\"0.1\",\"eventID\":\"1\",\"source\":\"s\",\"eventType\":\"t\",\"extensions\":{\"X-A\":\"b\",\"n\":1},\"contentType\":\"text/css\",\"data\":\"plain\"}",
        "\u{3}ce-specversion: 1.0\nce-id: A-1\nce-source: /mill\nce-type: tide.turned\nce-subject: caf%C3%A9 100%\nce-time: 2026-11-22T01:02:03Z\nce-partitionkey: k\n",
        "\u{3}ce-cloudeventsversion: 0.1\nce-eventid: A-1\nce-source: storage\nce-eventtype: written\nce-eventtime: 2026-11-22T01:02:03Z\n",
    ])
}
