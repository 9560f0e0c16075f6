//! Frames and memory regions.

use std::sync::Arc;

use proptest::prelude::*;
use tidemill_core::{Event, InvocationId, Timestamp, TriggerLabel, ports::Call};

use super::{
    arena::{KEPT_BYTES_MAX, Regions, memory_file, read_at, write_at},
    frame::{Body, Decoder, Frame, HEADER_BYTES, Kind, Place, encode},
    incoming, outgoing,
};

fn encoded(kind: Kind, stream: u32, meta: &[u8], body: Body<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(encode(&mut out, kind, stream, body, |out| out.extend_from_slice(meta)));
    out
}

/// A frame out of its buffer: kind, stream, meta, body.
type Owned = (Kind, u32, Vec<u8>, Vec<u8>);

/// Feeds `bytes` in pieces and collects what comes out as owned values.
fn decode(bytes: &[u8], piece: usize) -> Result<Vec<Owned>, String> {
    let mut decoder = Decoder::default();
    let mut frames = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        decoder.buffer().extend_from_slice(piece);
        while let Some(Frame { kind, stream, meta, body }) =
            decoder.next().map_err(|violation| violation.to_string())?
        {
            let Body::Inline(body) = body else { panic!("not inline") };
            frames.push((kind, stream, meta.to_vec(), body.to_vec()));
        }
    }
    Ok(frames)
}

#[test]
fn the_layout_is_that_of_the_protocol_page() {
    let bytes = encoded(Kind::Event, 7, b"{}", Body::Inline(b"abc"));
    assert_eq!(bytes[..HEADER_BYTES], [17, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(&bytes[HEADER_BYTES..], b"{}abc");
    let bytes = encoded(Kind::Event, 7, b"", Body::Shared(Place { offset: 4096, size: 70_000 }));
    assert_eq!(bytes[5], 1);
    assert_eq!(bytes[HEADER_BYTES..], [0, 16, 0, 0, 0, 0, 0, 0, 112, 17, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn a_missing_meta_is_an_empty_object() {
    let bytes = encoded(Kind::Reply, 1, b"", Body::Inline(b""));
    assert_eq!(decode(&bytes, 1).unwrap(), [(Kind::Reply, 1, b"{}".to_vec(), Vec::new())]);
}

#[test]
fn a_frame_over_the_limit_is_taken_back() {
    let mut out = b"before".to_vec();
    let body = vec![0u8; 17 << 20];
    assert!(!encode(&mut out, Kind::Event, 1, Body::Inline(&body), |_| {}));
    assert_eq!(out, b"before");
}

#[test]
fn bad_headers_are_refused_before_their_bytes_are_waited_for() {
    let header = |length: u32, kind: u8, flags: u8, meta: u32| {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend([kind, flags, 0, 0, 1, 0, 0, 0]);
        bytes.extend(meta.to_le_bytes());
        bytes
    };
    for (bytes, what) in [
        (header(u32::MAX, 18, 0, 0), "a frame of 4294967295 bytes"),
        (header(11, 18, 0, 0), "a frame of 11 bytes"),
        (header(100, 18, 0, 89), "with 89 bytes of meta"),
        (header(100, 1, 0, 0), "unknown kind 1"),
        (header(100, 18, 2, 0), "unknown flags"),
    ] {
        let error = decode(&bytes, 64).unwrap_err();
        assert!(error.contains(what), "{error}");
    }
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut(
        frames in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 1..50), prop::collection::vec(any::<u8>(), 0..300)), 0..20),
        piece in 1usize..400,
    ) {
        let mut bytes = Vec::new();
        for (stream, meta, body) in &frames {
            bytes.extend(encoded(Kind::Reply, *stream, meta, Body::Inline(body)));
        }
        let expected: Vec<_> = frames.into_iter().map(|(stream, meta, body)| (Kind::Reply, stream, meta, body)).collect();
        prop_assert_eq!(decode(&bytes, piece).unwrap(), expected);
    }

    #[test]
    fn no_bytes_make_the_decoder_or_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut decoder = Decoder::default();
        decoder.buffer().extend_from_slice(&bytes);
        while let Ok(Some(_)) = decoder.next() {}
        let _ = incoming::reply(&bytes);
        let _ = incoming::read::<incoming::Log>("LOG", &bytes);
        let _ = incoming::read::<incoming::SendMeta>("SEND", &bytes);
        let _ = incoming::read::<incoming::Failure>("ERROR", &bytes).map(|failure| failure.line());
    }

    #[test]
    fn regions_in_use_never_overlap_and_the_file_is_cut_when_all_are_back(
        steps in prop::collection::vec((any::<bool>(), 1u64..20_000_000, any::<prop::sample::Index>()), 1..60),
    ) {
        let mut regions = Regions::default();
        let mut held: Vec<Place> = Vec::new();
        let mut highest = 0;
        for (is_take, size, index) in steps {
            if is_take || held.is_empty() {
                let place = regions.take(size);
                prop_assert_eq!(place.size, size);
                for other in &held {
                    prop_assert!(place.offset + place.size <= other.offset || other.offset + other.size <= place.offset);
                }
                highest = highest.max(place.offset + place.size.next_multiple_of(4096));
                held.push(place);
            } else {
                let place = held.swap_remove(index.index(held.len()));
                let cut = regions.give_back(place);
                prop_assert_eq!(cut, held.is_empty() && highest > KEPT_BYTES_MAX);
                if cut {
                    highest = 0;
                }
            }
        }
    }
}

#[test]
fn a_header_of_several_texts_is_several_headers() {
    let reply = incoming::reply(br#"{"headers": {"set-cookie": ["a=1", 2], "x": true, "none": []}}"#).unwrap();
    let expected = [("set-cookie", "a=1"), ("set-cookie", "2"), ("x", "true")];
    assert_eq!(reply.headers.0, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(incoming::reply(br#"{"headers": {"x": {}}}"#).is_err());
}

#[test]
fn the_first_hole_that_fits_is_used_again() {
    let mut regions = Regions::default();
    let places: Vec<Place> = [5000, 9000, 100].map(|size| regions.take(size)).into();
    assert_eq!(places.iter().map(|place| place.offset).collect::<Vec<_>>(), [0, 8192, 20_480]);
    regions.give_back(places[1]);
    assert_eq!(regions.take(4096).offset, 8192);
    assert_eq!(regions.take(20_000).offset, 24_576);
    assert_eq!(regions.take(8192).offset, 12_288);
}

#[test]
fn reading_beyond_the_file_fails_without_reserving_memory() {
    let file = memory_file("test").unwrap();
    write_at(&file, b"hello", 3).unwrap();
    assert_eq!(read_at(&file, Place { offset: 3, size: 5 }).unwrap(), b"hello");
    for (offset, size) in [(4, 5), (0, 1 << 40), (1 << 62, 1 << 62), (u64::MAX, 2)] {
        assert!(read_at(&file, Place { offset, size }).is_err());
    }
}

#[test]
fn an_event_is_written_as_the_protocol_page_says() {
    let event = Event {
        id: "e\"1".to_owned(),
        time: Timestamp(1_763_769_600_000_000),
        trigger: TriggerLabel { kind: "http".to_owned(), name: "default-http".to_owned() },
        method: "POST".to_owned(),
        path: "/big".to_owned(),
        query: "w=128".to_owned(),
        headers: vec![("x-a".to_owned(), "ü\n".to_owned())],
        content_type: "image/png".to_owned(),
        ..Event::default()
    };
    let timeout = Some(std::time::Duration::from_secs(30));
    let call = Call { timeout, ..Call::single(InvocationId::new(Timestamp(0), 0), 2, event.clone()) };
    let mut out = Vec::new();
    outgoing::event(&mut out, &call, &event);
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let expected = serde_json::json!({
        "id": "e\"1", "attempt": 2, "time_us": 1_763_769_600_000_000i64,
        "trigger": {"kind": "http", "name": "default-http"}, "method": "POST", "path": "/big", "query": "w=128",
        "headers": {"x-a": "ü\n"}, "content_type": "image/png", "deadline_ms": 30_000,
    });
    assert_eq!(value, expected);
    let mut out = Vec::new();
    outgoing::batch(&mut out, &Call { events: vec![event.into(); 2], is_batch: true, ..call });
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(value["batch"].as_array().unwrap().len(), 2);
    assert_eq!(value["batch"][1]["size"], 0);
}

#[test]
fn an_event_has_the_key_of_its_line_and_the_name_of_its_caller() {
    let keyed = Event {
        headers: vec![("ce-partitionkey".to_owned(), "own".to_owned())],
        caller: "ann".to_owned(),
        ..Event::default()
    };
    for (line, key) in [(None, "own"), (Some(""), "own"), (Some("line"), "line")] {
        let call = Call::single(InvocationId::new(Timestamp(0), 0), 1, keyed.clone());
        let call = Call { key: line.map(str::to_owned), ..call };
        let mut out = Vec::new();
        outgoing::event(&mut out, &call, &keyed);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((value["key"].as_str(), value["caller"].as_str()), (Some(key), Some("ann")), "{line:?}");
    }
}

#[test]
fn configs_are_told_once_for_each_call_and_only_when_there_are_some() {
    let event = Event::default();
    let call = Call::single(InvocationId::new(Timestamp(0), 0), 1, event.clone());
    let configs = [("db", "pa\"ss\nword"), ("region", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let with = Call { configs: Arc::new(configs.into()), ..call.clone() };
    for (call, expected) in [(&call, None), (&with, Some(serde_json::json!({"db": "pa\"ss\nword", "region": ""})))] {
        let (mut single, mut batch) = (Vec::new(), Vec::new());
        outgoing::event(&mut single, call, &event);
        outgoing::batch(&mut batch, call);
        for meta in [single, batch] {
            let meta: serde_json::Value = serde_json::from_slice(&meta).unwrap();
            assert_eq!(meta.get("configs"), expected.as_ref(), "{meta}");
            assert!(meta["batch"][0].get("configs").is_none());
        }
    }
}

#[test]
fn a_failure_is_one_line() {
    let line = |json: &str| incoming::read::<incoming::Failure>("ERROR", json.as_bytes()).unwrap().line();
    assert_eq!(line(r#"{"type": "ValueError", "message": "no\n such  size"}"#), "ValueError: no such size");
    assert_eq!(line(r#"{"type": "KeyError"}"#), "KeyError");
    assert_eq!(line(r#"{"message": "gone"}"#), "gone");
    assert_eq!(line("{}"), "the worker reported an error without saying which");
}
