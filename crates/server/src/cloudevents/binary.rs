//! Binary mode: attributes in headers, data in the body.

use tidemill_core::Event;

use super::{bad, time};
use crate::refusal::Refusal;

/// Reads the attributes of `event`'s headers into its members. The headers stay.
pub(super) fn understand(event: &mut Event) -> Result<(), Refusal> {
    if let Some(version) = event.header("ce-specversion") {
        if version != "1.0" {
            return Err(bad("specversion", format_args!("{version:?} is not known; 1.0 is")));
        }
        event.id = required(event, "id")?;
        event.source = required(event, "source")?;
        event.kind = required(event, "type")?;
        event.subject = attribute(event, "subject")?.unwrap_or_default();
        if let Some(text) = attribute(event, "time")? {
            event.time = time("time", &text)?;
        }
    } else if event.header("ce-cloudeventsversion").is_some() {
        event.id = attribute(event, "eventid")?.unwrap_or_default();
        event.source = attribute(event, "source")?.unwrap_or_default();
        event.kind = attribute(event, "eventtype")?.unwrap_or_default();
        if let Some(text) = attribute(event, "eventtime")? {
            event.time = time("eventTime", &text)?;
        }
        super::structured::name_trigger(event);
    } else if event.header("ce-id").is_some() || event.header("ce-type").is_some() {
        return Err(bad("specversion", "it is missing"));
    }
    Ok(())
}

fn required(event: &Event, name: &str) -> Result<String, Refusal> {
    attribute(event, name)?.filter(|value| !value.is_empty()).ok_or_else(|| bad(name, "it is missing"))
}

fn attribute(event: &Event, name: &str) -> Result<Option<String>, Refusal> {
    let header = event.headers.iter().find(|(known, _)| known.strip_prefix("ce-") == Some(name));
    header.map(|(_, value)| decode(value).ok_or_else(|| bad(name, "its percent-encoding is not UTF-8"))).transpose()
}

/// Undoes the percent-encoding that the HTTP binding prescribes. A `%` that encodes nothing stands for itself.
fn decode(value: &str) -> Option<String> {
    if !value.contains('%') {
        return Some(value.to_owned());
    }
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |offset: usize| bytes.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, _, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).ok()
}
