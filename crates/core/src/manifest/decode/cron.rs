//! Triggers of kind `cron`.

use super::{delivery::is_token, texts};
use crate::{
    manifest::{
        problem::{Report, quote},
        view::View,
    },
    schedule::{EVERY_MIN, Schedule},
    spec::{CronTrigger, MissedRuns},
};

/// The longest schedule that is read.
const SCHEDULE_BYTES_MAX: usize = 256;

/// The attributes of a cron trigger; `None` without a schedule, which is reported.
pub(super) fn cron(trigger: &View<'_>, report: &mut Report) -> Option<CronTrigger> {
    let attributes = trigger.get("attributes");
    let (schedule, interval, zone) =
        (attributes.get("schedule"), attributes.get("interval"), attributes.get("timeZone"));
    let event = attributes.get("event");
    let method = event.get("method");
    if method.text().is_some_and(|text| !is_token(text)) {
        report.at(method.at(), &method, "it is not an HTTP method", None);
    }
    let headers = event.get("headers");
    for (name, value) in headers.members() {
        if !is_token(name) || value.text().is_some_and(|text| text.chars().any(char::is_control)) {
            report.at(value.at(), &value, "it is not a header", None);
        }
    }
    let text = match (interval.is_given(), schedule.text()) {
        (true, given) => {
            if given.is_some() {
                report.warn(schedule.at(), &schedule, "has no effect: interval is stronger");
            }
            match interval.duration() {
                Some(duration) if duration < EVERY_MIN => {
                    report.at(interval.at(), &interval, format!("the shortest interval is {EVERY_MIN:?}"), None);
                    return None;
                }
                Some(duration) => every(duration),
                None => return None,
            }
        }
        (false, Some(text)) => text.to_owned(),
        (false, None) => {
            if !schedule.is_given() {
                let hint =
                    "give attributes.schedule, as in \"*/5 * * * *\", or attributes.interval, as in 30s".to_owned();
                report.at(trigger.at(), &attributes, "there is no schedule", Some(hint));
            }
            return None;
        }
    };
    if let Err(message) = check(&text, zone.text()) {
        let place = if interval.is_given() { &zone } else { &schedule };
        report.at(place.at(), place, message, None);
    }
    Some(CronTrigger {
        schedule: text,
        time_zone: zone.text().map(str::to_owned),
        missed: match attributes.get("missed").text() {
            Some("skip") => MissedRuns::Skip,
            Some("all") => MissedRuns::All,
            _ => MissedRuns::Once,
        },
        body: event.get("body").text().unwrap_or_default().to_owned(),
        headers: texts(&headers),
        path: event.get("path").text().unwrap_or_default().to_owned(),
        method: method.text().unwrap_or_default().to_ascii_uppercase(),
    })
}

/// The schedule of an interval.
pub(super) fn every(interval: std::time::Duration) -> String {
    const UNITS: [(u128, &str); 3] = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let millis = interval.as_millis();
    let whole = |(size, _): &&(u128, &str)| millis > 0 && millis.is_multiple_of(*size);
    let (size, unit) = UNITS.iter().find(whole).unwrap_or(&(1, "ms"));
    format!("@every {}{unit}", millis / size)
}

fn check(text: &str, zone: Option<&str>) -> Result<(), String> {
    if text.len() > SCHEDULE_BYTES_MAX || zone.is_some_and(|zone| zone.len() > SCHEDULE_BYTES_MAX) {
        return Err(format!("{} is not a schedule: it is too long", quote(text)));
    }
    Schedule::parse(text, zone).map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::every;
    use crate::schedule::Schedule;

    #[test]
    fn intervals_are_written_as_people_write_them() {
        for (millis, text) in [
            (60_000, "@every 1m"),
            (90_000, "@every 90s"),
            (7_200_000, "@every 2h"),
            (5_400_000, "@every 90m"),
            (250, "@every 250ms"),
            (1_500, "@every 1500ms"),
        ] {
            let interval = Duration::from_millis(millis);
            assert_eq!(every(interval), text);
            assert_eq!(
                format!("{:?}", Schedule::parse(text, None).unwrap()),
                format!("{:?}", Schedule::every(interval))
            );
        }
    }
}
