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
            "message" => lines.push(match (text("topic"), text("responses")) {
                (Some(topic), _) => format!("gets the events of topic {topic}"),
                (None, Some(function)) => format!("gets the responses of {function}"),
                (None, None) => format!("gets the messages of {name}"),
            }),
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use tidemill_core::spec::{
        CronTrigger, FunctionSpec, MessageSource, MessageTrigger, MissedRuns, Runtime, Trigger, TriggerKind,
    };

    use super::*;

    #[test]
    fn each_kind_of_trigger_has_its_words() {
        let mut spec = FunctionSpec::new(Runtime::Shell);
        let cron = CronTrigger {
            schedule: "0 7 * * *".to_owned(),
            time_zone: Some("Europe/Oslo".to_owned()),
            missed: MissedRuns::default(),
            body: String::new(),
            headers: Default::default(),
            path: String::new(),
            method: String::new(),
        };
        let message = |source| TriggerKind::Message(MessageTrigger { source });
        for (name, kind) in [
            ("a", TriggerKind::Http(Box::default())),
            ("b", TriggerKind::Cron(Box::new(cron))),
            ("c", message(MessageSource::Topic("orders".parse().unwrap()))),
            ("d", message(MessageSource::Responses("extract".parse().unwrap()))),
        ] {
            let trigger =
                Trigger { disabled: false, workers: None, worker_availability_timeout: None, batch: None, kind };
            spec.triggers.insert(name.parse().unwrap(), trigger);
        }
        let lines = reached(&(&spec).into(), &["/f/x".to_owned()], "http://127.0.0.1:7070/");
        let expected = [
            "http://127.0.0.1:7070/f/x",
            "runs 0 7 * * * (Europe/Oslo)",
            "gets the events of topic orders",
            "gets the responses of extract",
        ];
        assert_eq!(lines, expected);
    }
}
