//! Tables of envelopes.

use bytes::Bytes;
use tidemill_core::{Event, Timestamp};

use super::{Arrival, understand};

fn structured(content_type: &str, body: &str) -> Event {
    Event {
        content_type: content_type.to_owned(),
        headers: vec![("content-type".to_owned(), content_type.to_owned()), ("x-mine".to_owned(), "1".to_owned())],
        body: Bytes::copy_from_slice(body.as_bytes()),
        time: Timestamp(7),
        ..Event::default()
    }
}

fn binary(headers: &[(&str, &str)]) -> Event {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Event { headers, body: Bytes::from_static(b"data"), time: Timestamp(7), ..Event::default() }
}

fn one(event: Event) -> Event {
    match understand(event).unwrap() {
        Arrival::One(event) => *event,
        Arrival::Many(events) => panic!("{} events", events.len()),
    }
}

const JSON: &str = "application/cloudevents+json; charset=utf-8";

#[test]
fn ordinary_requests_pass() {
    let event = binary(&[("content-type", "text/plain"), ("ce-anything", "x")]);
    assert_eq!(one(event.clone()), event);
}

#[test]
fn binary_1_0() {
    let event = one(binary(&[
        ("ce-specversion", "1.0"),
        ("ce-id", "A-1"),
        ("ce-source", "/mill"),
        ("ce-type", "tide.turned"),
        ("ce-subject", "caf%C3%A9 100%"),
        ("ce-time", "2026-11-22T01:02:03Z"),
        ("ce-partitionkey", "k"),
    ]));
    assert_eq!((event.id.as_str(), event.source.as_str(), event.kind.as_str()), ("A-1", "/mill", "tide.turned"));
    assert_eq!(event.subject, "café 100%");
    assert_eq!(event.time, Timestamp::parse_rfc3339("2026-11-22T01:02:03Z").unwrap());
    assert_eq!(event.header("ce-partitionkey"), Some("k"));
    assert_eq!(event.body, "data");
}

#[test]
fn binary_0_1() {
    let event = one(binary(&[
        ("ce-cloudeventsversion", "0.1"),
        ("ce-eventid", "A-1"),
        ("ce-source", "storage"),
        ("ce-eventtype", "written"),
        ("ce-eventtypeversion", "1"),
        ("ce-eventtime", "2026-11-22T01:02:03Z"),
    ]));
    assert_eq!((event.id.as_str(), event.source.as_str(), event.kind.as_str()), ("A-1", "storage", "written"));
    assert_eq!(event.trigger.kind, "storage");
}

#[test]
fn structured_data() {
    for (data, body, content_type) in [
        (r#""data": {"a":  [1]}"#, r#"{"a":  [1]}"#, "application/json"),
        (r#""data": "text""#, r#""text""#, "application/json"),
        (r#""datacontenttype": "text/plain", "data": "té\n""#, "té\n", "text/plain"),
        (r#""datacontenttype": "text/xml", "data": {"a": 1}"#, r#"{"a": 1}"#, "text/xml"),
        (r#""datacontenttype": "application/vnd.x+json", "data": "t""#, r#""t""#, "application/vnd.x+json"),
        (r#""datacontenttype": "image/png", "data_base64": "iVBORw==""#, "\u{89}PNG", "image/png"),
        (r#""data_base64": """#, "", ""),
        (r#""subject": "s""#, "", ""),
    ] {
        let envelope = format!(r#"{{"specversion": "1.0", "id": "1", "source": "s", "type": "t", {data}}}"#);
        let event = one(structured(JSON, &envelope));
        if content_type == "image/png" {
            assert_eq!(&event.body[..], b"\x89PNG");
        } else {
            assert_eq!(event.body, body, "{data}");
        }
        assert_eq!(event.content_type, content_type, "{data}");
        assert_eq!(event.header("content-type").unwrap_or_default(), content_type, "{data}");
        assert_eq!(event.time, Timestamp(7));
        assert_eq!(event.header("x-mine"), Some("1"));
    }
}

#[test]
fn structured_extensions() {
    let event = one(structured(
        JSON,
        r#"{"specversion": "1.0", "id": "1", "source": "s", "type": "t", "traceparent": "00-1", "level": 3, "hot": true, "none": null}"#,
    ));
    assert_eq!(event.header("ce-traceparent"), Some("00-1"));
    assert_eq!(event.header("ce-level"), Some("3"));
    assert_eq!(event.header("ce-hot"), Some("true"));
    assert_eq!(event.header("ce-none"), None);
}

#[test]
fn structured_0_1() {
    for (data, body, content_type) in [
        (r#""data": "plain""#, "plain", "text/plain"),
        (r#""contentType": "text/css", "data": "plain""#, "plain", "text/css"),
        (r#""data": {"a": 1}"#, r#"{"a": 1}"#, "application/json"),
    ] {
        let envelope = format!(
            r#"{{"cloudEventsVersion": "0.1", "eventID": "1", "source": "s", "eventType": "t", "extensions": {{"X-A": "b", "n": 1}}, {data}}}"#
        );
        let event = one(structured("application/cloudevents", &envelope));
        assert_eq!((event.id.as_str(), event.kind.as_str(), event.trigger.kind.as_str()), ("1", "t", "s"));
        assert_eq!((event.body.as_ref(), event.content_type.as_str()), (body.as_bytes(), content_type));
        assert_eq!((event.header("x-a"), event.header("n")), (Some("b"), Some("1")));
    }
}

#[test]
fn batches() {
    let envelope =
        |id: u32| format!(r#"{{"specversion": "1.0", "id": "{id}", "source": "s", "type": "t", "data": {id}}}"#);
    let content_type = "application/cloudevents-batch+json";
    let body = format!("[{}, {}]", envelope(1), envelope(2));
    match understand(structured(content_type, &body)).unwrap() {
        Arrival::Many(events) => {
            assert_eq!(events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
            assert_eq!(events[1].body, "2");
        }
        Arrival::One(_) => panic!("one event"),
    }
    let body = format!("[{}, {{\"specversion\": \"1.0\", \"id\": \"2\"}}]", envelope(1));
    let refusal = understand(structured(content_type, &body)).unwrap_err();
    assert!(refusal.0.detail.contains("event 1 of the batch: CloudEvents attribute source"), "{}", refusal.0.detail);
}

#[test]
fn bad_envelopes_name_the_attribute() {
    let good = r#""specversion": "1.0", "id": "1", "source": "s", "type": "t""#;
    for (body, names) in [
        (r#"{"id": "1", "source": "s", "type": "t"}"#.to_owned(), "specversion"),
        (r#"{"specversion": "2.0", "id": "1", "source": "s", "type": "t"}"#.to_owned(), "specversion"),
        (r#"{"specversion": "1.0", "source": "s", "type": "t"}"#.to_owned(), "id"),
        (r#"{"specversion": "1.0", "id": 5, "source": "s", "type": "t"}"#.to_owned(), "id"),
        (r#"{"specversion": "1.0", "id": "1", "source": "", "type": "t"}"#.to_owned(), "source"),
        (r#"{"specversion": "1.0", "id": "1", "source": "s"}"#.to_owned(), "type"),
        (format!(r#"{{{good}, "time": "now"}}"#), "time"),
        (format!(r#"{{{good}, "data_base64": "%%"}}"#), "data_base64"),
        (format!(r#"{{{good}, "data": 1, "data_base64": ""}}"#), "data_base64"),
        (format!(r#"{{{good}, "Bad-Name": "x"}}"#), "Bad-Name"),
        (format!(r#"{{{good}, "deep": {{}}}}"#), "deep"),
        ("not json".to_owned(), "not JSON"),
        ("[]".to_owned(), "not JSON"),
    ] {
        let refusal = understand(structured(JSON, &body)).unwrap_err();
        assert_eq!(refusal.0.status, 400, "{body}");
        assert!(refusal.0.detail.contains(names), "{body}: {}", refusal.0.detail);
    }
    for (headers, names) in [
        (&[("ce-specversion", "0.3"), ("ce-id", "1")][..], "specversion"),
        (&[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "s")], "type"),
        (&[("ce-specversion", "1.0"), ("ce-id", ""), ("ce-source", "s"), ("ce-type", "t")], "id"),
        (&[("ce-id", "1"), ("ce-source", "s"), ("ce-type", "t")], "specversion"),
        (&[("ce-cloudeventsversion", "0.1"), ("ce-eventtime", "x")], "eventTime"),
    ] {
        let refusal = understand(binary(headers)).unwrap_err();
        assert!(refusal.0.detail.contains(names), "{headers:?}: {}", refusal.0.detail);
    }
    assert_eq!(understand(structured("application/cloudevents+avro", "")).unwrap_err().0.status, 415);
}
