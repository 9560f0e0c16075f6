//! Cron schedules of actors: `2026-11-22 07 + 3 months`, or `now + 1 hour`. Hours of UTC.

use jiff::civil::DateTime;
use tidemill_core::Timestamp;

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// A schedule that has been understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    /// The first run.
    pub(crate) start: Timestamp,
    /// How many units lie between two runs.
    pub(crate) count: u32,
    /// The unit: `hour`, `day`, `week` or `month`.
    pub(crate) unit: &'static str,
}

/// What is wrong with a schedule; the text is the answer to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CronError {
    /// Not of the form.
    #[error("The cron is not in the correct format")]
    Form,
    /// Its start is not a date and an hour.
    #[error("The starting date {0} is not in the correct format")]
    Start(String),
    /// It would begin in the past.
    #[error("The starting datetime is old. The current UTC time is {0}")]
    Old(String),
    /// An unknown unit.
    #[error("{0} is an invalid unit of time")]
    Unit(String),
}

impl Cron {
    /// Reads a schedule. It may not begin before the hour of `now`.
    pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Cron, CronError> {
        let (start, interval) = text.split_once('+').ok_or(CronError::Form)?;
        let mut words = interval.split_whitespace();
        let (Some(count), Some(unit), None) = (words.next(), words.next(), words.next()) else {
            return Err(CronError::Form);
        };
        let count: u32 = count.parse().ok().filter(|count| (1..=10_000).contains(count)).ok_or(CronError::Form)?;
        let this_hour = floor(now);
        let start = match start.trim() {
            "now" | "Now" => this_hour,
            "" => return Err(CronError::Form),
            start => hour(start).ok_or_else(|| CronError::Start(start.chars().take(80).collect()))?,
        };
        if start < this_hour {
            return Err(CronError::Old(civil(now).to_string().replace('T', " ")));
        }
        let unit = match unit {
            "hour" | "hours" => "hour",
            "day" | "days" => "day",
            "week" | "weeks" => "week",
            "month" | "months" => "month",
            _ => return Err(CronError::Unit(unit.chars().take(80).collect())),
        };
        Ok(Cron { start, count, unit })
    }

    /// The same as a schedule of a cron trigger.
    pub(crate) fn schedule(&self) -> String {
        let start = civil(self.start);
        let plural = if self.count == 1 { "" } else { "s" };
        format!(
            "@from {:04}-{:02}-{:02}T{:02} every {} {}{plural}",
            start.year(),
            start.month(),
            start.day(),
            start.hour(),
            self.count,
            self.unit
        )
    }
}

/// A run as answers show it: `2026-11-2 7`.
pub(crate) fn show(run: Timestamp) -> String {
    let run = civil(run);
    format!("{}-{}-{} {}", run.year(), run.month(), run.day(), run.hour())
}

fn civil(at: Timestamp) -> DateTime {
    jiff::Timestamp::from_microsecond(at.micros()).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

/// The beginning of the hour.
pub(crate) fn floor(at: Timestamp) -> Timestamp {
    Timestamp(at.micros().div_euclid(HOUR) * HOUR)
}

/// A date and an hour, with or without leading zeros.
fn hour(text: &str) -> Option<Timestamp> {
    let (date, hour) = text.split_once(' ')?;
    let mut parts = date.split('-');
    let year: i16 = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month: i8 = parts.next()?.parse().ok()?;
    let day: i8 = parts.next()?.parse().ok()?;
    let hour: i8 = hour.trim().parse().ok()?;
    if parts.next().is_some() {
        return None;
    }
    let at = DateTime::new(year, month, day, hour, 0, 0, 0).ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(at.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2026-11-22T07:35:00Z").unwrap()
    }

    #[test]
    fn schedules_are_read() {
        for (text, schedule, first) in [
            ("2078-09-6 20 + 3 months", "@from 2078-09-06T20 every 3 months", "2078-9-6 20"),
            ("2026-11-22 07 + 1 hour", "@from 2026-11-22T07 every 1 hour", "2026-11-22 7"),
            ("now + 1 hours", "@from 2026-11-22T07 every 1 hour", "2026-11-22 7"),
            ("Now + 2 weeks", "@from 2026-11-22T07 every 2 weeks", "2026-11-22 7"),
            ("2026-12-1 0+1 day", "@from 2026-12-01T00 every 1 day", "2026-12-1 0"),
        ] {
            let cron = Cron::parse(text, now()).unwrap();
            assert_eq!((cron.schedule().as_str(), show(cron.start).as_str()), (schedule, first), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let old = "The starting datetime is old. The current UTC time is 2026-11-22 07:35:00";
        for (text, says) in [
            ("", "The cron is not in the correct format"),
            ("every day", "The cron is not in the correct format"),
            ("now + hour", "The cron is not in the correct format"),
            ("now + 1", "The cron is not in the correct format"),
            ("now + 0 hours", "The cron is not in the correct format"),
            ("now + -1 hours", "The cron is not in the correct format"),
            ("now + 1 hour extra", "The cron is not in the correct format"),
            ("2026-11 + 1 hour", "The starting date 2026-11 is not in the correct format"),
            ("2026-13-01 00 + 1 hour", "The starting date 2026-13-01 00 is not in the correct format"),
            ("2026-11-22 06 + 1 hour", old),
            ("2019-06-21 14 + 6 decades", old),
            ("now + 6 decades", "decades is an invalid unit of time"),
        ] {
            assert_eq!(Cron::parse(text, now()).unwrap_err().to_string(), says, "{text}");
        }
    }
}
