//! How a function is reached.

use tidemill_api::Spec;

/// `revision 3`, for sentences.
pub fn revision(number: u32) -> String {
    format!("revision {number}")
}

/// A line for each way that events reach a function: its addresses, schedules and messages.
pub fn reached(spec: &Spec, addresses: &[String], base: &str) -> Vec<String> {
    let mut lines: Vec<String> = addresses.iter().map(|path| format!("{}{path}", base.trim_end_matches('/'))).collect();
    for (name, trigger) in spec.triggers.iter().filter(|(_, trigger)| !trigger.disabled) {
        let text = |key: &str| trigger.attributes.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        match trigger.kind.as_str() {
            "cron" => lines.push(match (text("schedule"), text("time_zone")) {
                (Some(schedule), Some(zone)) => format!("runs {schedule} ({zone})"),
                (Some(schedule), None) => format!("runs {schedule}"),
                (None, _) => format!("runs on the schedule {name}"),
            }),
            "message" => {
                let source = |key: &str| trigger.attributes.get("source")?.get(key)?.as_str();
                lines.push(match (source("topic"), source("responses")) {
                    (Some(topic), _) => format!("gets the events of topic {topic}"),
                    (None, Some(function)) => format!("gets the responses of {function}"),
                    (None, None) => format!("gets the messages of {name}"),
                });
            }
            _ => {}
        }
    }
    lines
}
