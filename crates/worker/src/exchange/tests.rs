//! What programs may leave in their folder.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::Duration,
};

use bytes::Bytes;
use proptest::prelude::*;
use tidemill_core::limits::{SENDS_MAX, STATE_BYTES_MAX};

use super::{Exchange, Exchanged, Folders};

fn exchange(folders: &Folders, state: Option<&'static str>) -> Exchange {
    folders.begin(state.map(|state| Bytes::from_static(state.as_bytes())).as_ref()).unwrap()
}

fn bench() -> (tempfile::TempDir, Folders) {
    let directory = tempfile::tempdir().unwrap();
    let folders = Folders::open(directory.path().join("exchange")).unwrap();
    (directory, folders)
}

#[test]
fn a_state_that_was_left_alone_has_not_changed() {
    let (_directory, folders) = bench();
    for state in [None, Some(""), Some("{\"n\":1}")] {
        assert_eq!(exchange(&folders, state).collect().unwrap(), Exchanged::default(), "{state:?}");
    }
    let rewritten = exchange(&folders, Some("{\"n\":1}"));
    fs::write(rewritten.directory().join("state.json"), "{\"n\":1}\n").unwrap();
    assert_eq!(rewritten.collect().unwrap(), Exchanged::default());
}

#[test]
fn a_new_state_is_taken_when_it_is_json() {
    let (_directory, folders) = bench();
    for (before, after, expected) in [
        ("", "{\"n\":1}\n", Ok("{\"n\":1}")),
        ("{}", " null ", Ok("null")),
        ("{}", "\"ä\\u0000\"", Ok("\"ä\\u0000\"")),
        ("{}", "{n:1}", Err("TIDEMILL_STATE_FILE is not JSON: key must be a string at line 1 column 2")),
        ("{}", "1 2", Err("TIDEMILL_STATE_FILE is not JSON: trailing characters at line 1 column 3")),
        ("{}", "", Err("TIDEMILL_STATE_FILE was left empty; to clear the state, write null to it")),
    ] {
        let exchange = exchange(&folders, Some(before));
        fs::write(exchange.directory().join("state.json"), after).unwrap();
        let state = exchange.collect().map(|exchanged| exchanged.state.unwrap());
        assert_eq!(state, expected.map(Bytes::from_static_str).map_err(str::to_owned), "{after}");
    }
}

trait FromText {
    fn from_static_str(text: &'static str) -> Bytes;
}

impl FromText for Bytes {
    fn from_static_str(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }
}

#[test]
fn a_file_of_another_kind_or_size_is_refused_and_never_followed() {
    let (directory, folders) = bench();
    let secret = directory.path().join("secret");
    fs::write(&secret, "1").unwrap();
    let large = vec![b' '; STATE_BYTES_MAX + 1];
    type Replace<'a> = &'a dyn Fn(&Path);
    let cases: [(Replace<'_>, &str); 4] = [
        (&|file| symlink(&secret, file).unwrap(), "cannot be read"),
        (&|file| fs::create_dir(file).unwrap(), "no plain file"),
        (&|file| rustix::fs::mkfifoat(rustix::fs::CWD, file, 0o644.into()).unwrap(), "no plain file"),
        (&|file| fs::write(file, &large).unwrap(), "more than the 4194304 bytes"),
    ];
    for (replace, expected) in cases {
        let exchange = exchange(&folders, Some("{}"));
        let file = exchange.directory().join("state.json");
        fs::remove_file(&file).unwrap();
        replace(&file);
        let error = exchange.collect().unwrap_err();
        assert!(error.starts_with("TIDEMILL_STATE_FILE") && error.contains(expected), "{error}");
    }
}

#[test]
fn messages_are_read_line_by_line() {
    let (_directory, folders) = bench();
    let exchange = exchange(&folders, None);
    let lines = concat!(
        "{\"function\":\"a\",\"body\":\"hello ä\"}\n\n",
        "{\"function\":\"b\",\"key\":\"k\",\"body_base64\":\"AP8=\",\"content_type\":\"image/png\",",
        "\"headers\":{\"X-A\":\"1\"},\"delay_ms\":1500}",
    );
    fs::write(exchange.directory().join("send.jsonl"), lines).unwrap();
    let sends = exchange.collect().unwrap().sends;
    assert_eq!((sends[0].function.as_str(), &sends[0].body[..]), ("a", "hello ä".as_bytes()));
    assert_eq!((sends[1].key.as_deref(), &sends[1].body[..]), (Some("k"), &[0, 255][..]));
    assert_eq!(sends[1].headers, [("x-a".to_owned(), "1".to_owned())]);
    assert_eq!((sends[1].content_type.as_str(), sends[1].delay), ("image/png", Duration::from_millis(1500)));
    assert_eq!(sends.len(), 2);
}

#[test]
fn a_message_that_cannot_be_read_is_named_by_its_line() {
    let (_directory, folders) = bench();
    let many = "{\"function\":\"a\"}\n".repeat(SENDS_MAX + 1);
    for (lines, expected) in [
        ("{\"function\":\"a\"}\nhello", "TIDEMILL_SEND_FILE, line 2: expected value"),
        ("{\"body\":\"a\"}", "line 1: missing field `function`"),
        ("{\"function\":\"\"}", "line 1: a message was sent to no function"),
        ("{\"function\":\"a\",\"bodi\":\"\"}", "line 1: unknown field `bodi`"),
        ("{\"function\":\"a\",\"body\":\"\",\"body_base64\":\"\"}", "both a body and a body_base64"),
        ("{\"function\":\"a\",\"body_base64\":\"?\"}", "its body_base64 is not base64"),
        ("{\"function\":\"a\",\"headers\":{\"a b\":\"\"}}", "the message to a has a header \"a b\" that is not valid"),
        (many.as_str(), "it sent more than the 1000 messages"),
    ] {
        let exchange = exchange(&folders, None);
        fs::write(exchange.directory().join("send.jsonl"), lines).unwrap();
        let error = exchange.collect().unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn only_functions_with_state_are_told_of_a_state_file() {
    let (_directory, folders) = bench();
    let names = |exchange: &Exchange| -> Vec<String> {
        exchange.variables(Path::new("/x")).into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    assert_eq!(names(&exchange(&folders, None)), ["TIDEMILL_SEND_FILE=/x/send.jsonl"]);
    assert_eq!(
        names(&exchange(&folders, Some(""))),
        ["TIDEMILL_STATE_FILE=/x/state.json", "TIDEMILL_SEND_FILE=/x/send.jsonl"]
    );
}

#[test]
fn nothing_is_left_of_an_execution_or_of_a_process_that_died() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("exchange");
    fs::create_dir_all(root.join("0-7")).unwrap();
    let folders = Folders::open(root.clone()).unwrap();
    drop(exchange(&folders, Some("1")));
    assert_eq!(fs::read_dir(root).unwrap().count(), 0);
}

proptest! {
    #[test]
    fn whatever_lies_in_the_files_is_read_or_refused(state in ".{0,60}", sends in prop::collection::vec(any::<u8>(), 0..200)) {
        let (_directory, folders) = bench();
        let exchange = exchange(&folders, Some("{}"));
        fs::write(exchange.directory().join("state.json"), &state).unwrap();
        fs::write(exchange.directory().join("send.jsonl"), &sends).unwrap();
        if let Ok(Exchanged { state: Some(state), .. }) = exchange.collect() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&state).is_ok());
        }
    }
}

#[test]
fn configs_lie_in_a_file_for_the_user_alone_and_only_when_there_are_some() {
    let (_directory, folders) = bench();
    let mut exchange = exchange(&folders, None);
    exchange.put_configs(&BTreeMap::new()).unwrap();
    let names = |exchange: &Exchange| -> Vec<String> {
        exchange.variables(exchange.directory()).into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&exchange), ["TIDEMILL_SEND_FILE"]);
    exchange.put_configs(&BTreeMap::from([("key".to_owned(), "it's \"ä\"".to_owned())])).unwrap();
    assert_eq!(names(&exchange), ["TIDEMILL_SEND_FILE", "TIDEMILL_CONFIGS_FILE"]);
    let file = exchange.directory().join("configs.json");
    assert_eq!(fs::read_to_string(&file).unwrap(), r#"{"key":"it's \"ä\""}"#);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(exchange.collect().unwrap(), Exchanged::default());
    drop(exchange);
    assert!(!file.exists());
}
