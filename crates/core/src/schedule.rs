//! Schedules: when a cron trigger runs next, and what missed runs become.

mod anchored;

use std::{fmt, str::FromStr, time::Duration};

use croner::{
    Cron,
    parser::{CronParser, Seconds},
};

use self::anchored::Anchored;
use crate::{spec::MissedRuns, time::Timestamp};

/// The most missed runs that are made up for with [`MissedRuns::All`].
pub const MADE_UP_MAX: usize = 100;
/// The shortest interval of `@every`.
pub const EVERY_MIN: Duration = Duration::from_millis(100);

/// When something runs: `@every 90s`, `@from 2026-11-22T05 every 3 months`, or a cron pattern in a time zone.
#[derive(Clone)]
pub struct Schedule {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Every(Duration),
    From(Anchored),
    Cron(Box<Cron>, jiff::tz::TimeZone),
}

/// A schedule that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a schedule: {reason}")]
pub struct InvalidSchedule {
    /// The text.
    pub text: String,
    /// Why.
    pub reason: String,
}

impl Schedule {
    /// Reads 5 fields, 6 fields (seconds first), a word as `@hourly`, `@every` with a duration as in `1h30m`, or `@from` with an
    /// hour (UTC) and a number of hours, days, weeks or months.
    ///
    /// As in Nuclio, a `*` in the seconds field of the 6-field form means second 0.
    pub fn parse(text: &str, time_zone: Option<&str>) -> Result<Schedule, InvalidSchedule> {
        let invalid = |reason: String| InvalidSchedule { text: text.to_owned(), reason };
        let trimmed = text.trim();
        if let Some(interval) = trimmed.strip_prefix("@every") {
            let interval = parse_duration(interval.trim()).map_err(&invalid)?;
            if interval < EVERY_MIN {
                return Err(invalid("the shortest interval is 100ms".into()));
            }
            return Ok(Schedule { kind: Kind::Every(interval) });
        }
        if let Some(rest) = trimmed.strip_prefix("@from") {
            if time_zone.is_some_and(|zone| zone != "UTC") {
                return Err(invalid("@from counts in UTC and takes no other time zone".into()));
            }
            return Ok(Schedule { kind: Kind::From(Anchored::parse(rest).map_err(invalid)?) });
        }
        let zone = match time_zone {
            None => jiff::tz::TimeZone::UTC,
            Some(name) => jiff::tz::TimeZone::get(name)
                .map_err(|_| invalid(format!("{name:?} is not a time zone; use a name such as Europe/Berlin")))?,
        };
        let mut pattern = trimmed.to_owned();
        if pattern.split_whitespace().count() == 6 && pattern.starts_with("* ") {
            pattern.replace_range(0..1, "0");
        }
        let cron = CronParser::builder()
            .seconds(Seconds::Optional)
            .build()
            .parse(&pattern)
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Schedule { kind: Kind::Cron(Box::new(cron), zone) })
    }

    /// A schedule of one run each `interval`.
    pub fn every(interval: Duration) -> Schedule {
        Schedule { kind: Kind::Every(interval.max(EVERY_MIN)) }
    }

    /// The first run after `at`. `None` when there is none (a date that never comes).
    ///
    /// `@every` counts from `at` itself, so the caller passes the last run.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Kind::Every(interval) => Some(at + *interval),
            Kind::From(anchored) => anchored.next_after(at),
            Kind::Cron(cron, zone) => {
                let from = jiff::Timestamp::from_microsecond(at.micros()).ok()?.to_zoned(zone.clone());
                let next = cron.find_next_occurrence(&from, false).ok()?;
                Some(Timestamp(next.timestamp().as_microsecond()))
            }
        }
    }

    /// The first run of a schedule that is set up at `now`: the hour in which an `@from` begins is not over while it lasts.
    pub fn first(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.kind {
            Kind::From(anchored) if anchored.begins_in_hour_of(now) => Some(anchored.start()),
            Kind::From(_) | Kind::Every(_) | Kind::Cron(..) => self.next_after(now),
        }
    }

    /// Decides what is to be run at `now`, when the run planned for `due` has come: the times of the runs to start, and the next
    /// planned run (`None`: never again).
    pub fn decide(&self, due: Timestamp, now: Timestamp, missed: MissedRuns) -> (Vec<Timestamp>, Option<Timestamp>) {
        let mut runs = vec![due];
        let mut next = self.next_after(due);
        let mut skipped = 0usize;
        while let Some(at) = next.filter(|at| *at <= now) {
            if runs.len() < MADE_UP_MAX && missed == MissedRuns::All {
                runs.push(at);
            } else {
                skipped += 1;
                if skipped > MADE_UP_MAX {
                    // Far behind: take up the rhythm again from now on.
                    next = self.next_after(now);
                    break;
                }
                if let Some(last) = runs.last_mut().filter(|_| missed != MissedRuns::All) {
                    *last = at;
                }
            }
            next = self.next_after(at);
        }
        // A run that is later than the gap between two runs was missed, not merely started late.
        let late = self.next_after(due).is_some_and(|after| after <= now);
        if missed == MissedRuns::Skip && late {
            runs.clear();
        }
        (runs, next)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Every(interval) => write!(f, "@every {interval:?}"),
            Kind::From(anchored) => write!(f, "{anchored:?}"),
            Kind::Cron(cron, _) => write!(f, "{}", cron.pattern),
        }
    }
}

/// Reads a duration as Go writes it: `300ms`, `1.5h`, `2h45m`. A bare number is an error, but for `0`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is not a duration; write it as in 300ms, 90s, 1h30m");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = 0.0f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
        let number = f64::from_str(&rest[..digits]).map_err(|_| bad())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return Err(bad()),
        };
        total += number * unit;
        rest = &rest[letters..];
    }
    if text.is_empty() || !total.is_finite() || total > 1e10 {
        return Err(bad());
    }
    Ok(Duration::from_secs_f64(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn next_runs() {
        for (schedule, zone, from, next) in [
            ("*/5 * * * *", None, "2026-11-22T00:01:00Z", "2026-11-22T00:05:00Z"),
            ("30 */5 * * * *", None, "2026-11-22T00:01:00Z", "2026-11-22T00:05:30Z"),
            ("* */5 * * * *", None, "2026-11-22T00:05:00Z", "2026-11-22T00:10:00Z"),
            ("@hourly", None, "2026-11-22T00:01:00Z", "2026-11-22T01:00:00Z"),
            ("@every 90s", None, "2026-11-22T00:01:00Z", "2026-11-22T00:02:30Z"),
            ("0 9 * * 1", Some("Europe/Berlin"), "2026-11-22T00:00:00Z", "2026-11-23T08:00:00Z"),
            // The clock jumps from 02:00 to 03:00 on 2026-03-29.
            ("30 2 * * *", Some("Europe/Berlin"), "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
        ] {
            let parsed = Schedule::parse(schedule, zone).unwrap();
            assert_eq!(parsed.next_after(at(from)).unwrap().to_rfc3339(), at(next).to_rfc3339(), "{schedule}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "* * *", "61 * * * *", "@every", "@every 5", "@every 1ms", "@never", "a b c d e", "@from"] {
            assert!(Schedule::parse(text, None).is_err(), "{text:?}");
        }
        let error = Schedule::parse("@daily", Some("Mars/Olympus")).unwrap_err();
        assert!(error.to_string().contains("Mars/Olympus"), "{error}");
    }

    #[test]
    fn missed_runs_follow_the_policy() {
        let schedule = Schedule::parse("0 * * * *", None).unwrap();
        let (due, now) = (at("2026-11-22T01:00:00Z"), at("2026-11-22T04:30:00Z"));
        let next = Some(at("2026-11-22T05:00:00Z"));
        assert_eq!(schedule.decide(due, now, MissedRuns::Skip), (vec![], next));
        assert_eq!(schedule.decide(due, now, MissedRuns::Once), (vec![at("2026-11-22T04:00:00Z")], next));
        let (runs, all_next) = schedule.decide(due, now, MissedRuns::All);
        assert_eq!((runs.len(), all_next), (4, next));
        // On time, the policy does not matter.
        let on_time = at("2026-11-22T01:00:00.2Z");
        for missed in [MissedRuns::Skip, MissedRuns::Once, MissedRuns::All] {
            assert_eq!(schedule.decide(due, on_time, missed), (vec![due], Some(at("2026-11-22T02:00:00Z"))));
        }
    }

    #[test]
    fn a_long_gap_is_bounded() {
        let schedule = Schedule::parse("@every 100ms", None).unwrap();
        let (due, now) = (at("2020-01-01T00:00:00Z"), at("2026-11-22T00:00:00Z"));
        let (runs, next) = schedule.decide(due, now, MissedRuns::All);
        assert_eq!(runs.len(), MADE_UP_MAX);
        assert!(next.unwrap() > now);
    }

    #[test]
    fn durations() {
        for (text, millis) in [("300ms", 300), ("1.5h", 5_400_000), ("2h45m", 9_900_000), ("0", 0), ("1d", 86_400_000)]
        {
            assert_eq!(parse_duration(text).unwrap().as_millis(), millis, "{text}");
        }
        for text in ["", "5", "s", "-1s", "1x", "1e400s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
