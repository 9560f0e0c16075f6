//! The environment of one execution, by the names that Abaco's containers know. Pure.
//!
//! Later rows win:
//!
//! | Variable | Value |
//! |---|---|
//! | those of `spec.env` | as given |
//! | each query parameter, of actors alone | as given, but for the names of [`super::query`] |
//! | `TIDEMILL_QUERY`, of all others | the query as it came, when there is one |
//! | `_abaco_<words>` | headers `x-abaco-<words>` of the event |
//! | `_abaco_username` … `_actor_configs`, `MSG` | see [`given`]; a caller cannot set them otherwise |
//!
//! The system takes no variable over 128 KiB, none with a NUL and only text. A message that cannot be a variable goes by
//! [`Message::Bytes`] instead, and any other variable that cannot be is left out. Each of them is named in a note for the log.

use std::collections::BTreeMap;

use bytes::Bytes;
use tidemill_core::{
    Event, FunctionRef, InvocationId, RevisionNumber,
    python::{repr_of_json, repr_of_texts},
    spec::FunctionSpec,
};

use super::query::{is_actor, parameters};

/// The longest variable, name included. The system's limit is 131 072 with the end of the text.
const VARIABLE_BYTES_MAX: usize = 131_000;

/// What a value must not be.
pub(crate) const LIMIT: &str = "of more than 131000 bytes or with a NUL";

const TEXT: &str = "str";
const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

/// What an execution is told.
pub(super) struct Facts<'a> {
    pub spec: &'a FunctionSpec,
    pub function: &'a FunctionRef,
    pub revision: RevisionNumber,
    pub worker: &'a str,
    pub invocation: InvocationId,
    /// The image's name as the author wrote it.
    pub image: &'a str,
    pub event: &'a Event,
    /// The state as JSON; `None` and empty are none.
    pub state: Option<&'a Bytes>,
    pub configs: &'a BTreeMap<String, String>,
}

/// The message of an execution besides its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// It is in `MSG`.
    Variable,
    /// It is read from `/_abaco_binary_data`.
    Bytes(Bytes),
}

/// What an execution finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// The variables, one a name.
    pub variables: BTreeMap<String, String>,
    /// Where the message goes.
    pub message: Message,
    /// What is not where a program may look for it, a line each.
    pub notes: Vec<String>,
}

/// What the execution finds.
pub(super) fn given(facts: &Facts<'_>) -> Given {
    let event = facts.event;
    let mut variables: BTreeMap<String, String> =
        facts.spec.env.iter().map(|variable| (variable.name.clone(), variable.value.clone())).collect();
    variables.extend(parameters(facts.spec, &event.query));
    variables.extend(headers(event));

    let content_type = content_type(event);
    let id = facts.function;
    let state = facts.state.map(|state| String::from_utf8_lossy(state)).filter(|state| !state.trim().is_empty());
    let state = state.as_deref().unwrap_or("{}");
    let is_cron = event.trigger.kind == "cron";
    let name = facts.spec.labels.get("abaco.name").filter(|name| !name.is_empty());
    let (message, twin, place) = message(event, content_type);
    let own = [
        ("_abaco_username", Some(event.caller.clone()).filter(|caller| !caller.is_empty() && !is_cron)),
        ("_abaco_execution_id", Some(facts.invocation.to_string())),
        ("_abaco_Content_Type", Some(content_type.to_owned())),
        ("_abaco_actor_revision", Some(facts.revision.to_string())),
        ("_abaco_access_token", Some(String::new())),
        ("_abaco_actor_dbid", Some(format!("{}_{}", id.project, id.name))),
        ("_abaco_actor_id", Some(id.name.to_string())),
        ("_abaco_worker_id", Some(facts.worker.to_owned())),
        ("_abaco_container_repo", Some(facts.image.to_owned())),
        ("_abaco_actor_state", repr_of_json(state)),
        ("_abaco_actor_state_json", Some(state.to_owned())),
        ("_abaco_actor_name", Some(name.cloned().unwrap_or_else(|| "None".to_owned()))),
        ("_abaco_message_json", twin),
        ("_actor_configs", Some(repr_of_texts(facts.configs))),
        ("Time_msg_queued", is_cron.then(|| format!("{:.6}", event.time.micros() as f64 / 1e6))),
        ("MSG", message),
        ("TIDEMILL_QUERY", Some(event.query.clone()).filter(|query| !query.is_empty() && !is_actor(facts.spec))),
    ];
    for (name, value) in own {
        match value {
            Some(value) => variables.insert(name.to_owned(), value),
            None => variables.remove(name),
        };
    }
    let mut notes = Vec::new();
    let place = match place {
        // The rendered form may be too long though the message is not.
        Message::Variable if variables.get("MSG").is_none_or(|value| !is_fit("MSG", value)) => {
            Message::Bytes(event.body.clone())
        }
        place => place,
    };
    if content_type != BYTES && place != Message::Variable {
        let why = if std::str::from_utf8(&event.body).is_ok() { LIMIT } else { "that is not text" };
        notes.push(format!("the message has {} bytes, and no variable holds one {why}: there is no MSG, read it from /_abaco_binary_data", event.body.len()));
    }
    variables.retain(|name, value| {
        let is_fit = is_fit(name, value);
        if !is_fit && !matches!(name.as_str(), "" | "MSG" | "_abaco_message_json") {
            notes.push(left_out(name, value));
        }
        is_fit
    });
    Given { variables, message: place, notes }
}

fn left_out(name: &str, value: &str) -> String {
    let instead = match name {
        "_abaco_actor_state" | "_abaco_actor_state_json" => ", read the file that TIDEMILL_STATE_FILE names",
        "_actor_configs" => ", read the file that TIDEMILL_CONFIGS_FILE names",
        _ => "",
    };
    let name: String = name.chars().take(100).collect();
    format!("{name:?} has {} bytes, and no variable holds one {LIMIT}: it is left out{instead}", value.len())
}

/// Whether the system takes it as a variable.
pub(crate) fn is_fit(name: &str, value: &str) -> bool {
    let is_name = !name.is_empty() && !name.contains(['=', '\0']);
    is_name && !value.contains('\0') && name.len() + value.len() < VARIABLE_BYTES_MAX
}

/// The form of the message, by Abaco's words for it.
fn content_type(event: &Event) -> &str {
    if let Some(given) = event.header("x-abaco-content-type").filter(|given| !given.is_empty()) {
        return given;
    }
    let essence = event.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = || std::str::from_utf8(&event.body).is_ok();
    match essence.as_str() {
        "application/json" => JSON,
        essence if essence.ends_with("+json") => JSON,
        "" if is_text() => TEXT,
        essence if essence.starts_with("text/") && is_text() => TEXT,
        // `curl --data`: a message as Abaco's users send it.
        "application/x-www-form-urlencoded" if is_text() => TEXT,
        _ => BYTES,
    }
}

/// `MSG`, its JSON twin, and where the message is.
fn message(event: &Event, content_type: &str) -> (Option<String>, Option<String>, Message) {
    let bytes = || (None, None, Message::Bytes(event.body.clone()));
    let text = std::str::from_utf8(&event.body);
    match (content_type, text) {
        (BYTES, _) | (_, Err(_)) => bytes(),
        (JSON, Ok(text)) => match repr_of_json(text) {
            Some(python) => (Some(python), Some(text.to_owned()), Message::Variable),
            None => (Some(text.to_owned()), None, Message::Variable),
        },
        (_, Ok(text)) => (Some(text.to_owned()), None, Message::Variable),
    }
}

fn headers(event: &Event) -> impl Iterator<Item = (String, String)> + '_ {
    event.headers.iter().filter_map(|(name, value)| {
        let words = name.strip_prefix("x-abaco-").filter(|words| !words.is_empty() && *words != "content-type")?;
        Some((format!("_abaco_{}", words.replace('-', "_")), value.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidemill_core::{
        Timestamp,
        event::TriggerLabel,
        spec::{EnvVar, Runtime},
    };

    fn build(
        change: impl FnOnce(&mut FunctionSpec, &mut Event),
        state: Option<&str>,
    ) -> (BTreeMap<String, String>, Message) {
        let Given { variables, message, .. } = build_all(change, state);
        (variables, message)
    }

    fn build_all(change: impl FnOnce(&mut FunctionSpec, &mut Event), state: Option<&str>) -> Given {
        let mut spec = FunctionSpec::new(Runtime::Image);
        let mut event = Event { caller: "ana".to_owned(), ..Event::default() };
        change(&mut spec, &mut event);
        let state = state.map(|state| Bytes::copy_from_slice(state.as_bytes()));
        let configs = [("key".to_owned(), "it's".to_owned())].into();
        let facts = Facts {
            spec: &spec,
            function: &"TACC:Zx1".parse().unwrap(),
            revision: RevisionNumber(3),
            worker: "w-17",
            invocation: InvocationId::new(Timestamp(0), 1),
            image: "abacosamples/test",
            event: &event,
            state: state.as_ref(),
            configs: &configs,
        };
        given(&facts)
    }

    fn header(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn an_execution_knows_who_and_what_it_is() {
        let (variables, message) = build(
            |spec, event| {
                spec.labels.insert("abaco.name".to_owned(), "counter".to_owned());
                event.body = Bytes::from_static(b"hello");
                event.headers = vec![
                    header("x-abaco-content-type", "str"),
                    header("x-abaco-api-server", "https://api.x"),
                    header("host", "h"),
                ];
            },
            None,
        );
        assert_eq!(message, Message::Variable);
        for (name, value) in [
            ("_abaco_username", "ana"),
            ("_abaco_api_server", "https://api.x"),
            ("_abaco_Content_Type", "str"),
            ("_abaco_execution_id", &InvocationId::new(Timestamp(0), 1).to_string()),
            ("_abaco_actor_revision", "3"),
            ("_abaco_access_token", ""),
            ("_abaco_actor_dbid", "TACC_Zx1"),
            ("_abaco_actor_id", "Zx1"),
            ("_abaco_worker_id", "w-17"),
            ("_abaco_container_repo", "abacosamples/test"),
            ("_abaco_actor_state", "{}"),
            ("_abaco_actor_state_json", "{}"),
            ("_abaco_actor_name", "counter"),
            ("_actor_configs", r#"{'key': "it's"}"#),
            ("MSG", "hello"),
        ] {
            assert_eq!(variables.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert_eq!(variables.len(), 15, "{variables:?}");
    }

    #[test]
    fn later_rows_win_and_a_caller_sets_no_facts() {
        let (variables, _) = build(
            |spec, event| {
                let variable = |name: &str| EnvVar { name: name.to_owned(), value: "env".to_owned() };
                spec.env = ["A", "B", "PATH", "_abaco_actor_id"].map(variable).into();
                spec.labels.insert("abaco".to_owned(), "actor".to_owned());
                event.caller.clear();
                event.query =
                    "B=a+b%26%C3%A9&c&message=hi&x-nonce=N&_abaco_username=root&_abaco_synchronous=true&=x&MSG=q&PATH=/evil"
                        .to_owned();
                event.headers = vec![header("x-abaco-username", "root"), header("x-abaco-jwt-header-name", "X-Jwt")];
                event.body = Bytes::from_static(b"\xff");
            },
            None,
        );
        let value = |name: &str| variables.get(name).map(String::as_str);
        for (name, expected) in [
            ("A", Some("env")),
            ("B", Some("a b&é")),
            ("c", Some("")),
            ("message", None),
            ("x-nonce", None),
            ("_abaco_username", None),
            ("_abaco_synchronous", Some("true")),
            ("_abaco_jwt_header_name", Some("X-Jwt")),
            ("_abaco_actor_id", Some("Zx1")),
            ("MSG", None),
            ("PATH", Some("env")),
            ("TIDEMILL_QUERY", None),
            ("", None),
        ] {
            assert_eq!(value(name), expected, "{name}");
        }
    }

    #[test]
    fn the_form_of_a_message_follows_its_content_type() {
        let long = "x".repeat(VARIABLE_BYTES_MAX);
        let long_json = format!("[{}1]", "\"'\\\"\",".repeat(20_000));
        for (abaco, native, body, kind, msg, twin) in [
            ("str", "", "a\nb", "str", Some("a\nb"), None),
            ("str", "application/json", "{\"a\":1}", "str", Some("{\"a\":1}"), None),
            ("application/json", "", "{\"a\":null}", JSON, Some("{'a': None}"), Some("{\"a\":null}")),
            ("application/json", "", "{a", JSON, Some("{a"), None),
            ("application/octet-stream", "text/plain", "x", BYTES, None, None),
            ("", "application/json; charset=utf-8", "true", JSON, Some("True"), Some("true")),
            ("", "application/cloudevents+json", "1", JSON, Some("1"), Some("1")),
            ("", "", "hi", "str", Some("hi"), None),
            ("", "text/csv", "a,b", "str", Some("a,b"), None),
            ("", "application/x-www-form-urlencoded", "message=1", "str", Some("message=1"), None),
            ("", "image/png", "x", BYTES, None, None),
            // What no variable can hold.
            ("str", "", "a\0b", "str", None, None),
            ("str", "", &long, "str", None, None),
            ("application/json", "", &long_json, JSON, None, None),
        ] {
            let (variables, message) = build(
                |_, event| {
                    event.headers = vec![header("x-abaco-content-type", abaco)];
                    event.content_type = native.to_owned();
                    event.body = Bytes::copy_from_slice(body.as_bytes());
                },
                None,
            );
            let value = |name: &str| variables.get(name).map(String::as_str);
            assert_eq!(value("_abaco_Content_Type"), Some(kind), "{abaco} {native}");
            assert_eq!(value("MSG"), msg, "{abaco} {native}");
            if msg.is_some() {
                assert_eq!(value("_abaco_message_json"), twin, "{abaco} {native}");
            }
            assert_eq!(message == Message::Variable, msg.is_some(), "{abaco} {native}");
        }
        let (variables, message) = build(|_, event| event.body = Bytes::from_static(b"\xff\xfe"), None);
        assert_eq!((variables["_abaco_Content_Type"].as_str(), variables.get("MSG")), (BYTES, None));
        assert_eq!(message, Message::Bytes(Bytes::from_static(b"\xff\xfe")));
    }

    #[test]
    fn state_is_given_in_both_forms_when_it_fits() {
        let large = format!("\"{}\"", "x".repeat(VARIABLE_BYTES_MAX));
        for (state, python, json) in [
            (None, Some("{}"), Some("{}")),
            (Some(""), Some("{}"), Some("{}")),
            (Some("{\"n\":true}"), Some("{'n': True}"), Some("{\"n\":true}")),
            (Some(large.as_str()), None, None),
        ] {
            let (variables, _) = build(|_, _| {}, state);
            let value = |name: &str| variables.get(name).map(String::as_str);
            assert_eq!((value("_abaco_actor_state"), value("_abaco_actor_state_json")), (python, json));
        }
    }

    #[test]
    fn a_cron_execution_has_a_time_and_no_user() {
        let (variables, _) = build(
            |_, event| {
                event.trigger = TriggerLabel { kind: "cron".to_owned(), name: "c".to_owned() };
                event.caller = "cron".to_owned();
                event.time = Timestamp(1_500_000);
            },
            None,
        );
        assert_eq!(variables.get("_abaco_username"), None);
        assert_eq!(variables["Time_msg_queued"], "1.500000");
    }

    #[test]
    fn functions_that_are_no_actors_get_the_query_whole() {
        let (variables, _) = build(|_, event| event.query = "BASH_ENV=x&TIDEMILL_STATE_FILE=/y&a=%20".to_owned(), None);
        assert_eq!(variables["TIDEMILL_QUERY"], "BASH_ENV=x&TIDEMILL_STATE_FILE=/y&a=%20");
        for name in ["BASH_ENV", "TIDEMILL_STATE_FILE", "a"] {
            assert!(!variables.contains_key(name), "{name}");
        }
    }

    #[test]
    fn what_is_left_out_is_named() {
        let long = || "x".repeat(VARIABLE_BYTES_MAX);
        assert_eq!(build_all(|_, _| {}, Some("{}")).notes, Vec::<String>::new());
        let bytes = build_all(|_, event| event.body = Bytes::from_static(b"\xff"), None);
        assert_eq!(bytes.notes, Vec::<String>::new(), "a message that is said to be bytes is where it belongs");
        for (body, part) in [(long().into_bytes(), "the message has 131000 bytes"), (b"a\0".to_vec(), "with a NUL")] {
            let given = build_all(
                |_, event| {
                    event.headers = vec![header("x-abaco-content-type", "str")];
                    event.body = body.into();
                },
                None,
            );
            assert!(given.notes.len() == 1 && given.notes[0].contains(part), "{:?}", given.notes);
            assert!(given.notes[0].ends_with("read it from /_abaco_binary_data"), "{:?}", given.notes);
            assert_eq!(given.variables["_abaco_Content_Type"], "str");
        }
        let state = build_all(|_, _| {}, Some(&format!("\"{}\"", long())));
        assert_eq!(state.notes.len(), 2);
        assert!(state.notes.iter().all(|note| note.ends_with("read the file that TIDEMILL_STATE_FILE names")));
        let env = build_all(|spec, _| spec.env = vec![EnvVar { name: "BIG".to_owned(), value: long() }], None);
        assert!(env.notes[0].starts_with("\"BIG\" has 131000 bytes"), "{:?}", env.notes);
    }
}
