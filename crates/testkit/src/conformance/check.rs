//! Compares what came with what a case expects. What differs is told in one line each.

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tidemill_core::{
    invocation::{AttemptOutcome, LogLevel, LogLine, Reply},
    ports::Message,
};

use super::{Answer, events::body};

pub(super) fn note(problems: &mut Vec<String>, what: &str, is_so: bool) {
    if !is_so {
        problems.push(format!("not as expected: {what}"));
    }
}

pub(super) fn same(problems: &mut Vec<String>, what: &str, expected: &str, found: &str) {
    if expected != found {
        problems
            .push(format!("{what}: expected {expected:?}, found {:?}", found.chars().take(300).collect::<String>()));
    }
}

/// Checks the member `name`, or the regular expression beside it.
pub(super) fn text_member(problems: &mut Vec<String>, expect: &Value, name: &str, found: &str) {
    if let Some(text) = expect[name].as_str() {
        same(problems, name, text, found);
    }
    if let Some(pattern) = expect[format!("{name}_matches")].as_str()
        && !regex::Regex::new(pattern).unwrap().is_match(found)
    {
        problems.push(format!("{name}: {pattern:?} is not in {:?}", found.chars().take(300).collect::<String>()));
    }
}

pub(super) fn check_failure(failed: &Value, reason: &str, problems: &mut Vec<String>) {
    let (line, traceback) = reason.split_once('\n').unwrap_or((reason, ""));
    check_line(failed, line, problems);
    text_member(problems, failed, "traceback", traceback);
}

/// Checks the line that type and message have become.
fn check_line(expect: &Value, line: &str, problems: &mut Vec<String>) {
    let (kind, message) = match expect["type"].as_str() {
        Some(kind) if line == kind => (kind, ""),
        Some(_) => line.split_once(": ").unwrap_or((line, "")),
        None => ("", line),
    };
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    text_member(problems, &serde_json::json!({"type": expect["type"]}), "type", kind);
    if let Some(wanted) = expect["message"].as_str() {
        // Without an expected type the line may begin with one.
        let wanted = flat(wanted);
        let fits = message == wanted || (expect["type"].is_null() && message.ends_with(&format!(": {wanted}")));
        if !fits {
            problems.push(format!("message: expected {wanted:?}, found {message:?}"));
        }
    }
    let only_matches = serde_json::json!({"message_matches": expect["message_matches"]});
    text_member(problems, &only_matches, "message", message);
}

/// Checks an answer. What Tidemill refuses has the outcome `refusal`.
pub(super) fn check_answer(expect: &Value, answer: &Answer, refusal: AttemptOutcome, problems: &mut Vec<String>) {
    let mut logs = &answer.logs[..];
    if let Some(refused) = expect.get("refused_matches") {
        match &answer.result {
            Err((outcome, reason, _)) if *outcome == refusal => {
                text_member(problems, &serde_json::json!({"refused_matches": refused}), "refused", reason);
                note(problems, "a refused call leaves nothing", answer.state.is_none() && answer.sends.is_empty());
            }
            other => problems.push(format!("no {refusal:?} but {other:?}")),
        }
        return;
    }
    check_left(expect, answer, problems);
    match (&expect["error"], &answer.result) {
        (Value::Object(error), Err((AttemptOutcome::Raised, line, status))) => {
            let error = Value::Object(error.clone());
            check_line(&error, line, problems);
            if let Some(wanted) = error["status"].as_u64() {
                same(problems, "status", &wanted.to_string(), &status.to_string());
            }
            let wants_traceback = !error["traceback"].is_null() || !error["traceback_matches"].is_null();
            if let Some((last, rest)) = logs.split_last().filter(|(last, _)| last.level == LogLevel::Error) {
                if wants_traceback {
                    text_member(problems, &error, "traceback", &last.message);
                }
                logs = rest;
            } else {
                note(problems, "a traceback as the last line", !wants_traceback);
            }
        }
        (Value::Object(error), Err((AttemptOutcome::BadResponse, reason, _))) => {
            let only_matches = serde_json::json!({"message_matches": error.get("message_matches")});
            text_member(problems, &only_matches, "message", reason);
        }
        (Value::Null, Ok(reply)) => check_reply(expect, reply, problems),
        (Value::Null, Err(error)) => problems.push(format!("no response but {error:?}")),
        (_, other) => problems.push(format!("no error but {other:?}")),
    }
    if let Some(expected) = expect["logs"].as_array() {
        check_logs(expected, logs, problems);
    }
}

/// Checks the state and the messages that a call left.
fn check_left(expect: &Value, answer: &Answer, problems: &mut Vec<String>) {
    let state = answer.state.as_deref();
    if let Some(expected) = expect.get("state") {
        let found = state.and_then(|state| serde_json::from_slice::<Value>(state).ok());
        note(problems, &format!("the state {found:?}"), found.as_ref() == Some(expected));
    }
    if let Some(is_changed) = expect["state_changed"].as_bool() {
        note(problems, "whether the state has changed", state.is_some() == is_changed);
    }
    if let (Some(state), Some(size_min)) = (state, expect["state_size_min"].as_u64()) {
        note(problems, &format!("the size of the state, {}", state.len()), state.len() as u64 >= size_min);
    }
    let count = expect["sends_count"].as_u64().or_else(|| expect["sends"].as_array().map(|sends| sends.len() as u64));
    note(problems, "the number of messages", count.is_none_or(|count| count == answer.sends.len() as u64));
    for (message, expect) in answer.sends.iter().zip(expect["sends"].as_array().into_iter().flatten()) {
        check_message(expect, message, problems);
    }
}

fn check_message(expect: &Value, message: &Message, problems: &mut Vec<String>) {
    text_member(problems, expect, "function", &message.function);
    text_member(problems, expect, "content_type", &message.content_type);
    if let Some(key) = expect.get("key") {
        note(problems, "the key of a message", key.as_str() == message.key.as_deref());
    }
    for (name, value) in expect["headers"].as_object().into_iter().flatten() {
        let found = message.headers.iter().find(|(other, _)| other == name);
        same(problems, name, value.as_str().unwrap(), found.map_or("(missing)", |(_, value)| value));
    }
    if let Some(delay) = expect["delay_ms"].as_u64() {
        note(problems, "the delay of a message", message.delay == Duration::from_millis(delay));
    }
    check_body(expect, &message.body, problems);
}

fn check_reply(expect: &Value, reply: &Reply, problems: &mut Vec<String>) {
    if let Some(status) = expect["status"].as_u64() {
        same(problems, "status", &status.to_string(), &reply.status.to_string());
    }
    if let Some(wanted) = expect["content_type"].as_str() {
        let media = |text: &str| text.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        same(problems, "content type", &media(wanted), &media(&reply.content_type));
    }
    for (name, value) in expect["headers"].as_object().into_iter().flatten() {
        let found = reply.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        same(problems, name, value.as_str().unwrap(), found.map_or("(missing)", |(_, value)| value));
    }
    check_body(expect, &reply.body, problems);
}

pub(super) fn check_body(expect: &Value, found: &[u8], problems: &mut Vec<String>) {
    let text = String::from_utf8_lossy(found);
    if expect.get("body").is_some() || expect.get("body_repeat").is_some() {
        same(problems, "body", &String::from_utf8_lossy(&body(expect)), &text);
    }
    if expect.get("body_base64").is_some() {
        note(problems, "the bytes of the body", body(expect) == found);
    }
    if let Some(json) = expect.get("body_json") {
        match serde_json::from_slice::<Value>(found) {
            Ok(value) if value == *json => {}
            _ => problems.push(format!("body: expected {json}, found {text:?}")),
        }
    }
    text_member(problems, &serde_json::json!({"body_matches": expect["body_matches"]}), "body", &text);
    if let Some(size) = expect["body_size"].as_u64() {
        same(problems, "size", &size.to_string(), &found.len().to_string());
    }
    if let Some(wanted) = expect["body_sha256"].as_str() {
        let hex: String = Sha256::digest(found).iter().map(|byte| format!("{byte:02x}")).collect();
        same(problems, "sha256", wanted, &hex);
    }
}

fn check_logs(expected: &[Value], logs: &[LogLine], problems: &mut Vec<String>) {
    if expected.len() != logs.len() {
        let found: Vec<String> = logs.iter().map(|line| line.message.chars().take(100).collect()).collect();
        problems.push(format!("{} log lines instead of {}: {found:?}", logs.len(), expected.len()));
        return;
    }
    for (expect, line) in expected.iter().zip(logs) {
        text_member(problems, expect, "level", line.level.as_str());
        text_member(problems, expect, "message", &line.message);
        for (name, value) in expect["fields"].as_object().into_iter().flatten() {
            let found = line.fields.as_ref().and_then(|fields| fields.get(name));
            note(problems, &format!("the field {name}: {found:?}"), found == Some(value));
        }
    }
}
