//! Structured mode: the envelope is a JSON object in the body, or an array of them (batch).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value, value::RawValue};
use std::collections::BTreeMap;
use tidemill_api::ErrorCode;
use tidemill_core::{Event, log::one_line};

use super::{Arrival, BATCH_MAX, bad, set_header, time};
use crate::refusal::Refusal;

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Reads the envelope, or envelopes, out of `event`'s body.
pub(super) fn understand(event: Event) -> Result<Arrival, Refusal> {
    let media_type = event.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let body = event.body.clone();
    match media_type.as_str() {
        "application/cloudevents+json" | "application/cloudevents" => {
            let members: Members<'_> = parse(&body)?;
            one(event, &members).map(|event| Arrival::One(Box::new(event)))
        }
        "application/cloudevents-batch+json" => {
            let all: Vec<Members<'_>> = parse(&body)?;
            if all.len() > BATCH_MAX {
                return Err(Refusal::new(
                    ErrorCode::BodyTooLarge,
                    format!("a batch has at most {BATCH_MAX} events, and this one has {}", all.len()),
                ));
            }
            let frame = Event { body: Bytes::new(), ..event };
            let read = |(index, members): (usize, &Members<'_>)| {
                one(frame.clone(), members).map_err(|mut refusal| {
                    refusal.0.detail = format!("event {index} of the batch: {}", refusal.0.detail);
                    refusal
                })
            };
            all.iter().enumerate().map(read).collect::<Result<_, _>>().map(Arrival::Many)
        }
        other => Err(Refusal::new(
            ErrorCode::UnsupportedMediaType,
            format!(
                "{other} is not understood; application/cloudevents+json and application/cloudevents-batch+json are"
            ),
        )),
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    let unreadable = |error| format!("the envelope is not JSON as expected: {}", one_line(error));
    serde_json::from_slice::<T>(body).map_err(|error| Refusal::new(ErrorCode::BadEnvelope, unreadable(error)))
}

fn one(event: Event, members: &Members<'_>) -> Result<Event, Refusal> {
    if members.contains_key("specversion") {
        version_1_0(event, members)
    } else if members.keys().any(|name| name.eq_ignore_ascii_case("cloudEventsVersion")) {
        version_0_1(event, members)
    } else {
        Err(bad("specversion", "it is missing"))
    }
}

fn text(members: &Members<'_>, name: &str) -> Result<Option<String>, Refusal> {
    match members.get(name).map(|raw| raw.get()) {
        None | Some("null") => Ok(None),
        Some(json) => serde_json::from_str(json).map(Some).map_err(|_| bad(name, "it must be a string")),
    }
}

fn required(members: &Members<'_>, name: &str) -> Result<String, Refusal> {
    text(members, name)?.filter(|value| !value.is_empty()).ok_or_else(|| bad(name, "it is missing"))
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.is_empty() || essence.ends_with("/json") || essence.ends_with("+json")
}

fn version_1_0(mut event: Event, members: &Members<'_>) -> Result<Event, Refusal> {
    let version = required(members, "specversion")?;
    if version != "1.0" {
        return Err(bad("specversion", format_args!("{version:?} is not known; 1.0 is")));
    }
    event.id = required(members, "id")?;
    event.source = required(members, "source")?;
    event.kind = required(members, "type")?;
    event.subject = text(members, "subject")?.unwrap_or_default();
    if let Some(at) = text(members, "time")? {
        event.time = time("time", &at)?;
    }
    text(members, "dataschema")?;
    let media_type = text(members, "datacontenttype")?.unwrap_or_default();
    let body = match (members.get("data"), text(members, "data_base64")?) {
        (Some(_), Some(_)) => return Err(bad("data_base64", "it is given beside data")),
        (None, Some(encoded)) => Bytes::from(
            STANDARD.decode(encoded).map_err(|error| bad("data_base64", format_args!("not base64: {error}")))?,
        ),
        (None, None) => Bytes::new(),
        (Some(data), None) if is_json(&media_type) => Bytes::copy_from_slice(data.get().as_bytes()),
        (Some(data), None) => text_or_json(data),
    };
    let has_data = members.contains_key("data");
    for (name, value) in members {
        const KNOWN: [&str; 10] = [
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "time",
            "dataschema",
            "datacontenttype",
            "data",
            "data_base64",
        ];
        if KNOWN.contains(&name.as_str()) {
            continue;
        }
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            return Err(bad(name, "names of extensions hold lower-case letters and digits only"));
        }
        extension(&mut event, name, value)?;
    }
    let media_type = if media_type.is_empty() && has_data { "application/json".to_owned() } else { media_type };
    finish(&mut event, media_type, body);
    Ok(event)
}

fn text_or_json(data: &RawValue) -> Bytes {
    match serde_json::from_str::<String>(data.get()) {
        Ok(text) => Bytes::from(text),
        Err(_) => Bytes::copy_from_slice(data.get().as_bytes()),
    }
}

fn extension(event: &mut Event, name: &str, value: &RawValue) -> Result<(), Refusal> {
    let text = match serde_json::from_str(value.get()) {
        Ok(Value::Null) => return Ok(()),
        Ok(Value::String(text)) => text,
        Ok(Value::Bool(_) | Value::Number(_)) => value.get().to_owned(),
        Ok(Value::Array(_) | Value::Object(_)) | Err(_) => {
            return Err(bad(name, "an extension is a string, a number or a boolean"));
        }
    };
    set_header(event, &format!("ce-{name}"), text);
    Ok(())
}

/// The 0.1 form: names in camel case, extensions in a member of their own, strings as data taken as they are.
fn version_0_1(mut event: Event, members: &Members<'_>) -> Result<Event, Refusal> {
    let find =
        |name: &str| members.keys().find(|known| known.eq_ignore_ascii_case(name)).map(String::as_str).unwrap_or("");
    event.id = text(members, find("eventID"))?.unwrap_or_default();
    event.source = text(members, find("source"))?.unwrap_or_default();
    event.kind = text(members, find("eventType"))?.unwrap_or_default();
    if let Some(at) = text(members, find("eventTime"))? {
        event.time = time("eventTime", &at)?;
    }
    name_trigger(&mut event);
    if let Some(extensions) = members.get(find("extensions")) {
        let extensions: Map<String, Value> =
            serde_json::from_str(extensions.get()).map_err(|_| bad("extensions", "it must be an object"))?;
        for (name, value) in extensions {
            let value = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            set_header(&mut event, &name.to_ascii_lowercase(), value);
        }
    }
    let media_type = text(members, find("contentType"))?.unwrap_or_default();
    let (body, default_type) = match members.get(find("data")) {
        None => (Bytes::new(), ""),
        Some(data) if data.get().starts_with('"') => (text_or_json(data), "text/plain"),
        Some(data) => (Bytes::copy_from_slice(data.get().as_bytes()), "application/json"),
    };
    let media_type = if media_type.is_empty() { default_type.to_owned() } else { media_type };
    finish(&mut event, media_type, body);
    Ok(event)
}

/// As Nuclio does with 0.1 events: the source is the kind of the trigger.
pub(super) fn name_trigger(event: &mut Event) {
    if !event.source.is_empty() {
        event.trigger.kind = event.source.clone();
    }
}

/// The event's data takes the place of the envelope.
fn finish(event: &mut Event, media_type: String, body: Bytes) {
    if media_type.is_empty() {
        event.headers.retain(|(name, _)| name != "content-type");
    } else {
        set_header(event, "content-type", media_type.clone());
    }
    set_header(event, "content-length", body.len().to_string());
    event.content_type = media_type;
    event.body = body;
}
