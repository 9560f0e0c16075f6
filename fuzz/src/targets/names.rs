//! Names, ids, times and quantities: what is accepted is printed as it was read.

use tidemill_core::{
    Digest, FunctionName, FunctionRef, InvocationId, ProjectName, Timestamp, TopicName, TriggerName, fuzz::memory_bytes,
};

use crate::{
    target::{Memory, Target},
    text,
};

pub(super) const TARGET: Target = Target {
    name: "names",
    about: "names of functions, projects and triggers, ids, digests, times, amounts of memory",
    run,
    seeds,
    words: &[
        "default:",
        ":",
        "-",
        "_",
        ".",
        "..",
        "/",
        "\u{e9}",
        "01939f3c-7c1e-7000-8000-000000000001",
        "urn:uuid:",
        "{",
        "}",
        "T00:00:00Z",
        "+02:00",
        "[Europe/Berlin]",
        "9999-12-31",
        "-9999",
        "128Mi",
        "Ei",
        "e18",
        "00000000000000000000",
        "n",
        "u",
        "m",
    ],
    bytes_max: 200,
    memory: Memory { base_bytes: 64 * 1024, per_byte: 100 },
    share: 100,
};

macro_rules! name {
    ($type:ty, $text:expr) => {
        if let Ok(name) = $text.parse::<$type>() {
            assert_eq!(name.to_string(), *$text);
            assert!(name.as_str().len() <= 63 && name.as_str().is_ascii());
            assert!(!name.as_str().contains(['/', ':', ' ']) && name.as_str() != "." && name.as_str() != "..");
            let json = serde_json::to_string(&name).expect("a name is JSON");
            assert_eq!(serde_json::from_str::<$type>(&json).expect("and is read from it"), name);
        }
        let json = serde_json::to_string($text).expect("a text is JSON");
        assert_eq!(serde_json::from_str::<$type>(&json).is_ok(), $text.parse::<$type>().is_ok());
    };
}

fn run(input: &[u8]) {
    let Some(text) = text::of(input) else { return };
    name!(FunctionName, text);
    name!(ProjectName, text);
    name!(TriggerName, text);
    name!(TopicName, text);
    if let Ok(function) = text.parse::<FunctionRef>() {
        assert_eq!(
            function.to_string().parse::<FunctionRef>().expect("a reference is read as it is printed"),
            function
        );
    }
    match text.parse::<InvocationId>() {
        Ok(id) => assert_eq!(id.to_string().parse::<InvocationId>().expect("an id is read as it is printed"), id),
        Err(error) => assert!(error.to_string().len() < 1_000),
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.as_str(), text);
    }
    if let Some(at) = Timestamp::parse_rfc3339(text) {
        let printed = at.to_rfc3339();
        assert_eq!(Timestamp::parse_rfc3339(&printed), Some(at), "printed as {printed}");
    }
    if let Ok(bytes) = memory_bytes(text) {
        assert_eq!(memory_bytes(&bytes.to_string()), Ok(bytes));
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let digest = "0123456789abcdef".repeat(4);
    text::seeds(&[
        "hello",
        "shop:word-count.v2",
        "default:a",
        "01939f3c-7c1e-7000-8000-000000000001",
        &digest,
        "2026-11-22T01:02:03.000004Z",
        "2026-11-22T01:02:03+02:00",
        "128Mi",
        "1.5G",
        "500m",
        "1e9",
    ])
}
