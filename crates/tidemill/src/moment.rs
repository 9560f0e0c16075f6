//! Times and durations as people type them.

use std::time::Duration;

use tidemill_core::{Timestamp, ports::Clock, schedule::parse_duration};

use crate::system::SystemClock;

const DAY_SECONDS: f64 = 86_400.0;

/// A time: RFC 3339, or how long ago, as in `10m`.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    if let Some(time) = Timestamp::parse_rfc3339(text) {
        return Ok(time);
    }
    match duration(text) {
        Ok(ago) => Ok(SystemClock.now() - ago),
        Err(_) => Err("it is neither a time as in 2026-11-22T08:00:00Z nor how long ago as in 10m".to_owned()),
    }
}

/// A duration: days as in `7d`, or as Go writes them, as in `1h30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    if let Some(days) = text.strip_suffix('d') {
        let days: f64 = days.parse().map_err(|_| format!("{days:?} is not a number of days"))?;
        return Duration::try_from_secs_f64(days * DAY_SECONDS).map_err(|error| error.to_string());
    }
    parse_duration(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_ago() {
        assert_eq!(parse("1970-01-01T00:00:01Z"), Ok(Timestamp(1_000_000)));
        assert!(parse("10m").unwrap() < SystemClock.now());
        assert!(parse("yesterday").is_err());
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
    }
}
