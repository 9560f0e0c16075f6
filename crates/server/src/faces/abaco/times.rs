//! Times: how the face writes them, and any beginning of an ISO 8601 time as searches name them.

use jiff::civil::DateTime;
use tidemill_core::Timestamp;

/// A time as answers show it: `2026-11-22T01:02:03.456Z`.
pub(crate) fn iso(at: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(at.micros().div_euclid(1000) * 1000) {
        Ok(at) => format!("{at:.3}"),
        Err(_) => "None".to_owned(),
    }
}

/// Reads a year, or more of a time than that down to its milliseconds, with `Z` or an offset as in `-05:00` behind it if
/// wanted. What is left out is the beginning: `2026` is the first moment of that year.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (civil, offset_minutes) = split_offset(text)?;
    let at = civil_time(civil)?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond();
    Some(Timestamp(at.checked_sub(offset_minutes.checked_mul(60_000_000)?)?))
}

/// The time without its offset, and the offset in minutes.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(civil) = text.strip_suffix(['Z', 'z']) {
        return Some((civil, 0));
    }
    let Some((at, sign)) = text.char_indices().rev().nth(5).filter(|(_, sign)| matches!(sign, '+' | '-' | ' ')) else {
        return Some((text, 0));
    };
    let Some((hours, minutes)) = text[at + 1..].split_once(':').filter(|(hours, _)| hours.len() == 2) else {
        return Some((text, 0));
    };
    // A `+` that was not escaped in a query arrives as a blank; between a date and a time a blank is just that.
    if sign == ' ' && !text[..at].contains('T') && at == 10 {
        return Some((text, 0));
    }
    let (hours, minutes): (i64, i64) = (digits(hours)?, digits(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = hours * 60 + minutes;
    Some((&text[..at], if sign == '-' { -offset } else { offset }))
}

fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn civil_time(text: &str) -> Option<DateTime> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next().filter(|year| year.len() == 4)?)?;
    let month = parts.next().map_or(Some(1), digits)?;
    let day = parts.next().map_or(Some(1), digits)?;
    if parts.next().is_some() || (time.is_some() && date.len() < 8) {
        return None;
    }
    let mut clock = time.unwrap_or("0").splitn(3, ':');
    let hour = digits(clock.next()?)?;
    let minute = clock.next().map_or(Some(0), digits)?;
    let (second, nanosecond) = clock.next().map_or(Some((0, 0)), seconds)?;
    let small = |value: i64| i8::try_from(value).ok();
    DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanosecond,
    )
    .ok()
}

/// Seconds and nanoseconds.
fn seconds(text: &str) -> Option<(i64, i32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((digits(whole)?, format!("{fraction:0<9}").parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_beginning_of_a_time_is_one() {
        for (text, is) in [
            ("2000", "2000-01-01T00:00:00.000Z"),
            ("2000-05", "2000-05-01T00:00:00.000Z"),
            ("2000-05:00", "2000-01-01T05:00:00.000Z"),
            ("2000+05:00", "1999-12-31T19:00:00.000Z"),
            ("2000 05:00", "1999-12-31T19:00:00.000Z"),
            ("2026-11-22", "2026-11-22T00:00:00.000Z"),
            ("2026-11-22Z", "2026-11-22T00:00:00.000Z"),
            ("2026-11-22T07", "2026-11-22T07:00:00.000Z"),
            ("2026-11-22T07Z", "2026-11-22T07:00:00.000Z"),
            ("2026-11-22T07:08", "2026-11-22T07:08:00.000Z"),
            ("2026-11-22 07:08", "2026-11-22T07:08:00.000Z"),
            ("2026-11-22T07:08-01:30", "2026-11-22T08:38:00.000Z"),
            ("2026-11-22T07:08:09", "2026-11-22T07:08:09.000Z"),
            ("2026-11-22T07:08:09.5", "2026-11-22T07:08:09.500Z"),
            ("2026-11-22T07:08:09.123456Z", "2026-11-22T07:08:09.123Z"),
        ] {
            assert_eq!(parse(text).map(iso).as_deref(), Some(is), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "20",
            "200a",
            "2026-13",
            "2026-11-31",
            "2026-11-22T",
            "2026-11-22T25",
            "2026T07",
            "2026-11-22T07:08:09.",
            "2026-11-22T07:08:09.1234567890",
            "2026-11-22T07:08+99:00",
            "-2026",
            "Z",
            "2026-11-22-01",
            "ä000-05:00",
            "2000ä05:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
