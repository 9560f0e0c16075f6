//! The lines that programs send messages with: what is taken can be written again and is then the same.

use std::fmt::Write as _;

use serde_json::json;
use tidemill_core::limits::SENDS_MAX;
use tidemill_worker::fuzz::sends;

use crate::{
    target::{Memory, Target},
    text::{self, assert_one_line},
};

pub(super) const TARGET: Target = Target {
    name: "sends",
    about: "the lines of a send file",
    run,
    seeds,
    words: &[
        "{\"function\":\"next\"}\n",
        "\"body\":",
        "\"body_base64\":\"aGk=\"",
        "\"key\":null",
        "\"headers\":{\"x\":[1,true,\"a\"]}",
        "\"content_type\":",
        "\"delay_ms\":18446744073709551615",
        "\n",
        "\\u0000",
        "\\n",
    ],
    bytes_max: 8 * 1024,
    memory: Memory { base_bytes: 256 * 1024, per_byte: 400 },
    share: 100,
};

fn run(input: &[u8]) {
    let messages = match sends(input) {
        Ok(messages) => messages,
        Err(why) => {
            assert_one_line(&why);
            assert!(why.contains("line ") || why.contains("more than the"), "{why:?} names no line");
            return;
        }
    };
    assert!(messages.len() <= SENDS_MAX);
    let mut again = String::new();
    for message in &messages {
        assert!(!message.function.is_empty());
        let mut headers = serde_json::Map::new();
        for (name, value) in &message.headers {
            // Given twice, it is a list.
            let entry = headers.entry(name.clone()).or_insert_with(|| json!([]));
            entry.as_array_mut().expect("it is a list").push(json!(value));
        }
        let line = json!({
            "function": message.function, "key": message.key, "content_type": message.content_type, "headers": headers,
            "body_base64": base64(&message.body), "delay_ms": u64::try_from(message.delay.as_millis()).unwrap_or(u64::MAX),
        });
        let _ = writeln!(again, "{line}");
    }
    let again = sends(again.as_bytes()).expect("messages that were read can be written and read");
    assert_eq!(again.len(), messages.len());
    for (mut again, mut message) in again.into_iter().zip(messages) {
        // An object has no order between its members.
        again.headers.sort();
        message.headers.sort();
        assert_eq!(again, message);
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().enumerate().fold(0u32, |bits, (place, byte)| bits | u32::from(*byte) << (16 - 8 * place));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    text::seeds(&[
        "{\"function\": \"next\", \"body\": \"text\"}\n",
        "\n{\"function\":\"a\",\"key\":\"k\",\"body_base64\":\"AP8=\",\"content_type\":\"image/png\"}\n \r\n{\"function\":\"b\",\"delay_ms\":50}",
        "{\"function\":\"a\",\"headers\":{\"X-A\":\"b\",\"many\":[1,true,\"c\"]}}\n",
        "{\"function\":\"a\",\"body\":\"x\",\"body_base64\":\"eA==\"}\n",
        "{\"function\":\"\"}\n",
        "{\"unknown\":1}\n",
    ])
}
