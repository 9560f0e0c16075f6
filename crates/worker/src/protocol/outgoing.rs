//! The JSON of frames to a worker, written by hand: `EVENT` is on the way of every call.

use serde::Serialize;
use serde_json::json;
use tidemill_core::{
    Event,
    ports::{Call, Launch},
};

use super::configs;

/// Appends `text` as a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("writing to a vector cannot fail");
}

fn member(out: &mut Vec<u8>, name: &str, text: &str) {
    out.extend_from_slice(name.as_bytes());
    string(out, text);
}

fn optional(out: &mut Vec<u8>, name: &str, text: &str) {
    if !text.is_empty() {
        member(out, name, text);
    }
}

fn number(out: &mut Vec<u8>, name: &str, value: impl Into<i64>) {
    out.extend_from_slice(name.as_bytes());
    let value: i64 = value.into();
    // A plain loop over digits would do; this is the shortest that does not allocate.
    serde_json::to_writer(out, &value).expect("writing to a vector cannot fail");
}

/// Appends header names and values as a JSON object.
pub(crate) fn headers(out: &mut Vec<u8>, headers: &[(String, String)]) {
    texts(out, headers.iter().map(|(name, value)| (name, value)));
}

/// Appends names and texts as a JSON object.
pub(super) fn texts<'a>(out: &mut Vec<u8>, members: impl Iterator<Item = (&'a String, &'a String)>) {
    out.push(b'{');
    for (index, (name, value)) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(out, name);
        out.push(b':');
        string(out, value);
    }
    out.push(b'}');
}

fn event_members(out: &mut Vec<u8>, call: &Call, event: &Event) {
    member(out, "{\"id\":", &event.id);
    number(out, ",\"attempt\":", call.attempt);
    number(out, ",\"time_us\":", event.time.micros());
    member(out, ",\"trigger\":{\"kind\":", &event.trigger.kind);
    member(out, ",\"name\":", &event.trigger.name);
    out.push(b'}');
    optional(out, ",\"method\":", &event.method);
    optional(out, ",\"path\":", &event.path);
    optional(out, ",\"query\":", &event.query);
    if !event.headers.is_empty() {
        out.extend_from_slice(b",\"headers\":");
        headers(out, &event.headers);
    }
    optional(out, ",\"content_type\":", &event.content_type);
    optional(out, ",\"type\":", &event.kind);
    optional(out, ",\"source\":", &event.source);
    optional(out, ",\"subject\":", &event.subject);
    optional(out, ",\"key\":", call.key_of(event));
    optional(out, ",\"caller\":", &event.caller);
    if let Some(timeout) = call.timeout {
        number(out, ",\"deadline_ms\":", i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX));
    }
}

/// The meta of an `EVENT` of one event.
pub(crate) fn event(out: &mut Vec<u8>, call: &Call, event: &Event) {
    event_members(out, call, event);
    call_members(out, call);
    out.push(b'}');
}

/// What a call has once, however many events it is of.
fn call_members(out: &mut Vec<u8>, call: &Call) {
    if !call.configs.is_empty() {
        out.extend_from_slice(b",\"configs\":");
        configs::write(out, &call.configs);
    }
}

/// The meta of an `EVENT` of several events.
pub(crate) fn batch(out: &mut Vec<u8>, call: &Call) {
    out.extend_from_slice(b"{\"batch\":[");
    for (index, event) in call.events.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        event_members(out, call, event);
        number(out, ",\"size\":", i64::try_from(event.body.len()).unwrap_or(i64::MAX));
        out.push(b'}');
    }
    out.push(b']');
    call_members(out, call);
    out.push(b'}');
}

/// The meta of a frame from a value that is seldom sent.
pub(crate) fn seldom(out: &mut Vec<u8>, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("plain data serialises");
}

/// The meta of `HELLO`. `env` is the whole environment of the function.
pub(crate) fn hello(launch: &Launch, env: &[(String, String)], slots_max: u32) -> serde_json::Value {
    let trigger = launch.spec.http().map_or(("", ""), |(name, _, _)| ("http", name.as_str()));
    let env: serde_json::Map<_, _> = env.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    json!({
        "protocol": super::VERSION,
        "function": launch.function.name.as_str(),
        "project": launch.function.project.as_str(),
        "revision": launch.revision.0,
        "description": launch.spec.description,
        "worker": launch.worker.0.as_ref(),
        "handler": launch.spec.handler,
        "directory": launch.directory,
        "paths": launch.environment.paths,
        "env": env,
        "slots_max": slots_max,
        "state": launch.spec.state.as_str(),
        "trigger": {"kind": trigger.0, "name": trigger.1},
    })
}
