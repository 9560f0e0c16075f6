//! Schedules that count from a given hour: `@from 2026-11-22T05 every 3 months`.
//!
//! All in UTC. Months are counted from the start itself: from the 31st, a month that has no 31st has its run on its last day, and
//! the next one has it on the 31st again.

use jiff::{Span, civil};

use crate::time::Timestamp;

const HOUR_US: i64 = 3_600_000_000;

/// A unit, and how many hours it has when that is always the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Hours(i64),
    Months,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Anchored {
    start: civil::DateTime,
    start_at: Timestamp,
    count: u32,
    unit: Unit,
}

impl Anchored {
    /// Reads what follows `@from`. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Anchored, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [start, "every", count, unit] = words[..] else {
            return Err("write it as in @from 2026-11-22T05 every 3 months".to_owned());
        };
        let not_an_hour = || format!("{start:?} is not an hour; write it as in 2026-11-22T05 (UTC)");
        let start = hour(start).ok_or_else(not_an_hour)?;
        let instant = jiff::tz::TimeZone::UTC.to_timestamp(start).map_err(|_| not_an_hour())?;
        let number = count.parse::<u32>().ok().filter(|count| *count > 0);
        let count =
            number.ok_or_else(|| format!("{count:?} is not a number of {unit}; it is a whole number from 1"))?;
        let unit = match unit {
            "hour" | "hours" => Unit::Hours(1),
            "day" | "days" => Unit::Hours(24),
            "week" | "weeks" => Unit::Hours(7 * 24),
            "month" | "months" => Unit::Months,
            _ => return Err(format!("{unit:?} is not a unit; there are hours, days, weeks and months")),
        };
        Ok(Anchored { start, start_at: Timestamp(instant.as_microsecond()), count, unit })
    }

    /// The first run of all.
    pub fn start(&self) -> Timestamp {
        self.start_at
    }

    /// Whether `now` lies in the hour of the first run.
    pub fn begins_in_hour_of(&self, now: Timestamp) -> bool {
        (self.start_at.0..self.start_at.0 + HOUR_US).contains(&now.0)
    }

    /// The first run after `at`. `None` when it is beyond all calendars.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        if at < self.start_at {
            return Some(self.start_at);
        }
        match self.unit {
            Unit::Hours(hours) => {
                let interval = hours.checked_mul(i64::from(self.count))?.checked_mul(HOUR_US)?;
                let passed = (at.0 - self.start_at.0) / interval;
                let next = interval.checked_mul(passed + 1)?.checked_add(self.start_at.0)?;
                jiff::Timestamp::from_microsecond(next).ok().map(|_| Timestamp(next))
            }
            Unit::Months => self.next_month_after(at),
        }
    }

    fn next_month_after(&self, at: Timestamp) -> Option<Timestamp> {
        let now = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::from_microsecond(at.0).ok()?);
        let months = |time: civil::DateTime| i64::from(time.year()) * 12 + i64::from(time.month());
        let count = i64::from(self.count);
        // At most the run of this month has passed already.
        let passed = (months(now) - months(self.start)) / count;
        (passed..=passed + 1).filter_map(|run| self.run(run * count)).find(|run| *run > at)
    }

    /// The run `months` after the start.
    fn run(&self, months: i64) -> Option<Timestamp> {
        let span = Span::new().try_months(months).ok()?;
        let time = self.start.checked_add(span).ok()?;
        let instant = jiff::tz::TimeZone::UTC.to_timestamp(time).ok()?;
        Some(Timestamp(instant.as_microsecond()))
    }
}

/// Reads `2026-11-22T05`.
fn hour(text: &str) -> Option<civil::DateTime> {
    let (date, hour) = text.split_once('T')?;
    let is_hour = hour.len() == 2 && hour.bytes().all(|byte| byte.is_ascii_digit());
    let date: civil::Date = date.parse().ok()?;
    let time = civil::Time::new(hour.parse().ok().filter(|_| is_hour)?, 0, 0, 0).ok()?;
    Some(date.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use super::super::{Schedule, Timestamp};
    use crate::spec::MissedRuns;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn schedule(text: &str) -> Schedule {
        Schedule::parse(text, None).unwrap()
    }

    #[test]
    fn runs_are_counted_from_the_start() {
        for (schedule_text, from, runs) in [
            (
                "@from 2026-11-22T05 every 1 hour",
                "2026-11-22T04:59:59Z",
                ["2026-11-22T05", "2026-11-22T06", "2026-11-22T07"],
            ),
            (
                "@from 2026-11-22T05 every 3 hours",
                "2026-11-22T05:00:00Z",
                ["2026-11-22T08", "2026-11-22T11", "2026-11-22T14"],
            ),
            (
                "@from 2026-11-22T05 every 1 day",
                "2026-11-22T05:20:00Z",
                ["2026-11-23T05", "2026-11-24T05", "2026-11-25T05"],
            ),
            (
                "@from 2026-12-22T05 every 2 weeks",
                "2026-12-22T05:20:00Z",
                ["2027-01-05T05", "2027-01-19T05", "2027-02-02T05"],
            ),
            // The last day of the month, where there is no 31st.
            (
                "@from 2026-12-31T23 every 1 month",
                "2026-12-31T23:00:00Z",
                ["2027-01-31T23", "2027-02-28T23", "2027-03-31T23"],
            ),
            (
                "@from 2027-11-30T00 every 3 months",
                "2027-11-30T00:00:00Z",
                ["2028-02-29T00", "2028-05-30T00", "2028-08-30T00"],
            ),
            // A leap day every year.
            (
                "@from 2028-02-29T12 every 12 months",
                "2028-03-01T00:00:00Z",
                ["2029-02-28T12", "2030-02-28T12", "2031-02-28T12"],
            ),
            (
                "@from 2028-02-29T12 every 48 months",
                "2028-03-01T00:00:00Z",
                ["2032-02-29T12", "2036-02-29T12", "2040-02-29T12"],
            ),
            // Years later it is as if nothing had happened.
            (
                "@from 2000-01-31T08 every 1 month",
                "2026-02-28T08:00:00Z",
                ["2026-03-31T08", "2026-04-30T08", "2026-05-31T08"],
            ),
            // Before the start there is nothing.
            (
                "@from 2078-09-06T20 every 3 months",
                "2026-11-22T00:00:00Z",
                ["2078-09-06T20", "2078-12-06T20", "2079-03-06T20"],
            ),
        ] {
            let schedule = schedule(schedule_text);
            let mut now = at(from);
            for run in runs {
                now = schedule.next_after(now).unwrap();
                assert_eq!(now.to_rfc3339(), at(&format!("{run}:00:00Z")).to_rfc3339(), "{schedule_text} after {from}");
            }
        }
    }

    #[test]
    fn the_hour_of_the_start_is_not_over_while_it_lasts() {
        let schedule = schedule("@from 2026-11-22T05 every 3 hours");
        for (now, first) in [
            ("2026-11-22T04:10:00Z", "2026-11-22T05:00:00Z"),
            ("2026-11-22T05:00:00Z", "2026-11-22T05:00:00Z"),
            ("2026-11-22T05:59:59Z", "2026-11-22T05:00:00Z"),
            ("2026-11-22T06:00:00Z", "2026-11-22T08:00:00Z"),
            ("2026-11-22T08:20:00Z", "2026-11-22T11:00:00Z"),
        ] {
            assert_eq!(schedule.first(at(now)), Some(at(first)), "{now}");
        }
    }

    #[test]
    fn missed_runs_are_made_up_for_once() {
        let schedule = schedule("@from 2026-11-22T05 every 1 hour");
        let (due, now) = (at("2026-11-22T05:00:00Z"), at("2026-11-22T10:20:00Z"));
        let next = Some(at("2026-11-22T11:00:00Z"));
        assert_eq!(schedule.decide(due, now, MissedRuns::Once), (vec![at("2026-11-22T10:00:00Z")], next));
        assert_eq!(schedule.decide(due, now, MissedRuns::Skip), (vec![], next));
        let far = at("2027-11-22T10:20:00Z");
        let (runs, next) = schedule.decide(due, far, MissedRuns::Once);
        assert_eq!((runs.len(), next), (1, Some(at("2027-11-22T11:00:00Z"))));
        // Late within its hour, a run is not missed.
        let late = at("2026-11-22T05:40:00Z");
        assert_eq!(schedule.decide(due, late, MissedRuns::Skip), (vec![due], Some(at("2026-11-22T06:00:00Z"))));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str| Schedule::parse(text, None).unwrap_err().reason;
        for (text, reason) in [
            ("@from", "write it as in @from 2026-11-22T05 every 3 months"),
            ("@from 2026-11-22T05 + 3 months", "write it as in @from 2026-11-22T05 every 3 months"),
            ("@from 2026-11-22T05 every month", "write it as in @from 2026-11-22T05 every 3 months"),
            ("@from 2026-11-22 every 1 day", "\"2026-11-22\" is not an hour; write it as in 2026-11-22T05 (UTC)"),
            ("@from 2026-02-30T05 every 1 day", "\"2026-02-30T05\" is not an hour; write it as in 2026-11-22T05 (UTC)"),
            ("@from 2026-11-22T25 every 1 day", "\"2026-11-22T25\" is not an hour; write it as in 2026-11-22T05 (UTC)"),
            ("@from 2026-11-22T5 every 1 day", "\"2026-11-22T5\" is not an hour; write it as in 2026-11-22T05 (UTC)"),
            ("@from 2026-11-22T05 every 0 days", "\"0\" is not a number of days; it is a whole number from 1"),
            ("@from 2026-11-22T05 every -1 days", "\"-1\" is not a number of days; it is a whole number from 1"),
            ("@from 2026-11-22T05 every 2 years", "\"years\" is not a unit; there are hours, days, weeks and months"),
        ] {
            assert_eq!(error(text), reason, "{text}");
        }
        let zone = Schedule::parse("@from 2026-11-22T05 every 1 day", Some("Europe/Berlin")).unwrap_err();
        assert_eq!(zone.reason, "@from counts in UTC and takes no other time zone");
    }

    #[test]
    fn beyond_all_calendars_is_never() {
        let month = schedule("@from 2026-11-22T05 every 4000000000 months");
        let week = schedule("@from 2026-11-22T05 every 4000000000 weeks");
        for schedule in [month, week] {
            assert_eq!(schedule.next_after(at("2026-11-22T05:00:00Z")), None);
        }
    }
}
