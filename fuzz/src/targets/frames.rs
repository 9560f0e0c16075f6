//! Frames from a worker. The first byte says in how large pieces the socket brings them.
//!
//! Cut anyhow they are the same; each that is taken is written back as it was; no more is held than a frame.

use tidemill_worker::fuzz::{Body, Said, decode, encode, read_memory, read_meta};

use crate::{
    input::Input,
    target::{Memory, Target},
    text::assert_one_line,
};

const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(super) const TARGET: Target = Target {
    name: "frames",
    about: "frames of the worker protocol, from a worker",
    run,
    seeds,
    words: &[
        "\"status\":",
        "\"headers\":{",
        "\"content_type\":",
        "\"batch\":[",
        "\"event_id\":",
        "\"size\":",
        "\"user_us\":",
        "\"traceback\":",
        "\"message\":",
        "\"fields\":{",
        "\"protocol\":1",
        "\"slots\":",
        "\"function\":",
        "\"delay_ms\":",
        "1e999",
        "-1",
        "18446744073709551616",
        "\\ud800",
        "null",
    ],
    bytes_max: 8 * 1024,
    memory: Memory { base_bytes: 256 * 1024, per_byte: 200 },
    share: 100,
};

fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let piece = usize::from(input.byte()) + 1;
    let bytes = input.rest();
    let whole = decode(bytes, bytes.len());
    let cut = decode(bytes, piece);
    assert_eq!(whole.frames, cut.frames, "frames depend on how they are cut");
    assert_eq!(whole.violation, cut.violation, "a fault depends on how frames are cut");
    assert!(cut.held_bytes <= 2 * bytes.len() + 1024, "{} bytes were held for {}", cut.held_bytes, bytes.len());

    let mut at = 0;
    for frame in &whole.frames {
        let length = 4 + u32::from_le_bytes(bytes[at..at + 4].try_into().expect("there were four")) as usize;
        assert!(length <= 4 + FRAME_BYTES_MAX);
        let written = encode(frame).expect("a frame that was read can be written");
        if bytes[at + 12..at + 16] == [0; 4] {
            // A frame without meta is read as one with an empty object.
            assert_eq!(frame.meta, b"{}");
        } else {
            assert_eq!(written, bytes[at..at + length], "a frame is not written as it came");
        }
        at += length;
        check(frame.kind, &frame.meta);
        if let Body::Shared(offset, size) = frame.body {
            assert!(offset.checked_add(size).is_some_and(|end| end <= i64::MAX as u64));
            let memory = [7u8; 100];
            let is_there = offset + size <= memory.len() as u64;
            assert_eq!(read_memory(&memory, offset, size).ok(), is_there.then(|| vec![7u8; size as usize]));
        }
    }
    match &whole.violation {
        Some(violation) => assert_one_line(violation),
        None => assert!(bytes.len() - at <= 4 + FRAME_BYTES_MAX, "bytes were passed over"),
    }
}

fn is_value(text: &str) -> bool {
    !text.chars().any(|c| c.is_ascii_control() && c != '\t')
}

fn check(kind: u8, meta: &[u8]) {
    match read_meta(kind, meta) {
        Err(violation) => assert_one_line(&violation),
        Ok(Said::Reply(Ok(reply))) => {
            assert!((100..=599).contains(&reply.status));
            assert!(is_value(&reply.content_type));
            for (name, value) in &reply.headers {
                assert!(
                    is_value(value) && !name.is_empty() && name.is_ascii() && !name.contains([' ', ':']),
                    "{name:?}"
                );
                http::HeaderName::from_bytes(name.as_bytes()).expect("a header that was checked can be sent");
                http::HeaderValue::from_bytes(value.as_bytes()).expect("a value that was checked can be sent");
            }
        }
        Ok(Said::Reply(Err(why)) | Said::Send(Err(why))) => assert_one_line(&why),
        Ok(Said::Failure(line)) => assert!(!line.is_empty() && line.len() <= 4096 && !line.contains('\n'), "{line:?}"),
        Ok(Said::Send(Ok(message))) => {
            assert!(!message.function.is_empty() && is_value(&message.content_type));
            assert!(message.headers.iter().all(|(name, value)| !name.is_empty() && is_value(value)));
        }
        Ok(Said::Log(_) | Said::Call(_) | Said::Ready(_) | Said::Batch(_) | Said::Nothing) => {}
    }
}

/// A frame of `kind` as the protocol page lays it out.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, meta: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = ((12 + meta.len() + body.len()) as u32).to_le_bytes().to_vec();
    bytes.extend([kind, flags, 0, 0]);
    bytes.extend(stream.to_le_bytes());
    bytes.extend((meta.len() as u32).to_le_bytes());
    bytes.extend(meta.as_bytes());
    bytes.extend(body);
    bytes
}

/// Frames as the runtimes send them.
pub(super) fn lifelike() -> Vec<Vec<u8>> {
    let place: Vec<u8> = [0u64, 40].iter().flat_map(|number| number.to_le_bytes()).collect();
    vec![
        frame(16, 0, 0, r#"{"protocol":1,"runtime":"python","version":"3.11.2","slots":4}"#, b""),
        frame(17, 0, 0, r#"{"type":"ImportError","message":"no module","traceback":"Traceback:\n  line 1"}"#, b""),
        frame(18, 0, 1, r#"{"status":201,"headers":{"x-a":"b","set-cookie":["a=1",2,true]},"user_us":12}"#, b"reply"),
        frame(18, 0, 3, r#"{"batch":[{"event_id":"e2","size":2,"status":200},{"event_id":"e2","size":3}]}"#, b"12345"),
        frame(18, 1, 1, r#"{"content_type":"image/png"}"#, &place),
        frame(19, 0, 1, r#"{"type":"ValueError","message":"no\nsize","traceback":"T","status":400,"user_us":3}"#, b""),
        frame(
            20,
            0,
            1,
            r#"{"level":"warning","message":"hello ä","fields":{"a":[1,{"b":null}]},"time_us":1763769600000000}"#,
            b"",
        ),
        frame(22, 0, 1, r#"{"call":7,"function":"other","method":"PUT","path":"/p","headers":{"x":"y"}}"#, b"ask"),
        frame(23, 0, 1, r#"{"function":"next","key":"k","delay_ms":50,"headers":{"X-Up":"1"}}"#, b"message"),
        frame(24, 0, 1, "", br#"{"count":3}"#),
        frame(24, 1, 1, "{}", &place),
        frame(18, 0, 2, "", b""),
    ]
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let frames = lifelike();
    let mut all: Vec<Vec<u8>> = frames.iter().map(|frame| [&[3u8][..], frame].concat()).collect();
    all.push([&[200u8][..], &frames.concat()].concat());
    all.into_iter().enumerate().map(|(index, bytes)| (format!("frame {index}"), bytes)).collect()
}
