//! Numbers, times and statuses as people read them.

use std::time::Duration;

use console::style;
use tidemill_api::Time;
use tidemill_core::{Timestamp, ports::Clock};

use crate::system::SystemClock;

const MICROS: i64 = 1_000_000;

/// Microseconds with a fitting unit: `850 µs`, `12.3 ms`, `4.56 s`, `3 min 20 s`, `5 h 12 min`.
pub fn micros(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{} ms", three_digits(micros as f64 / 1e3)),
        1_000_000..60_000_000 => format!("{} s", three_digits(micros as f64 / 1e6)),
        60_000_000..3_600_000_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600_000_000..86_400_000_000 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

fn three_digits(number: f64) -> String {
    match number {
        n if n < 10.0 => format!("{n:.2}"),
        n if n < 100.0 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

/// A duration that somebody set, in milliseconds, without rounding: `1.5 s`, `10 s`, `1 min 30 s`, `2 h`.
pub fn exact(millis: u64) -> String {
    let (hours, minutes, rest) = (millis / 3_600_000, millis / 60_000 % 60, millis % 60_000);
    let mut parts = Vec::new();
    if hours > 0 {
        parts.push(format!("{hours} h"));
    }
    if minutes > 0 {
        parts.push(format!("{minutes} min"));
    }
    if rest > 0 && rest < 1_000 {
        parts.push(format!("{rest} ms"));
    } else if rest > 0 || parts.is_empty() {
        parts.push(format!("{} s", rest as f64 / 1e3));
    }
    parts.join(" ")
}

/// How long ago a time was.
pub fn since(time: Time) -> String {
    ago(time.0, SystemClock.now())
}

/// How long before `now` a time was: `just now`, `12 s ago`, `3 min ago`; `in 5 min` for what is to come.
fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.micros().div_euclid(MICROS) - time.micros().div_euclid(MICROS);
    match seconds {
        0 => "just now".to_owned(),
        1.. => format!("{} ago", one_unit(seconds.unsigned_abs())),
        _ => format!("in {}", one_unit(seconds.unsigned_abs())),
    }
}

fn one_unit(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A time in the local time zone with milliseconds: `2026-11-22 14:03:07.123`.
pub fn local_time(time: Time) -> String {
    match jiff::Timestamp::from_microsecond(time.0.micros()) {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        Err(_) => time.to_string(),
    }
}

/// Bytes with a fitting unit: `512 B`, `1.5 KiB`, `64 MiB`.
pub fn bytes(bytes: u64) -> String {
    let mut number = bytes as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if number < 1024.0 {
            break;
        }
        number /= 1024.0;
        unit = next;
    }
    let text = if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{number:.1}") };
    format!("{text} {unit}")
}

/// A number of things: `1 invocation`, `7 invocations`.
pub fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// A status in its colour.
pub fn status(word: &str) -> String {
    let styled = match word {
        "succeeded" | "active" | "ready" | "ok" => style(word).green(),
        "failed" | "dead_lettered" | "error" => style(word).red(),
        "running" | "starting" => style(word).cyan(),
        "queued" | "paused" | "cancelled" | "warn" => style(word).yellow(),
        _ => return word.to_owned(),
    };
    styled.to_string()
}

/// A duration with a fitting unit.
pub fn duration(duration: Duration) -> String {
    micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        let shown =
            [0, 850, 1_234, 12_345, 123_456, 4_560_000, 200_000_000, 18_720_000_000, 180_000_000_000].map(micros);
        assert_eq!(
            shown,
            ["0 µs", "850 µs", "1.23 ms", "12.3 ms", "123 ms", "4.56 s", "3 min 20 s", "5 h 12 min", "2 d 2 h"]
        );
        assert_eq!(duration(Duration::from_millis(5)), "5.00 ms");
    }

    #[test]
    fn settings_are_not_rounded() {
        let shown = [0, 250, 1_500, 10_000, 90_000, 300_000, 7_200_000, 7_230_500].map(exact);
        assert_eq!(shown, ["0 s", "250 ms", "1.5 s", "10 s", "1 min 30 s", "5 min", "2 h", "2 h 30.5 s"]);
    }

    #[test]
    fn times_are_told_from_now() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        let now = at("2026-11-22T12:00:00Z");
        for (time, told) in [
            ("2026-11-22T12:00:00Z", "just now"),
            ("2026-11-22T11:59:48Z", "12 s ago"),
            ("2026-11-22T11:00:00.5Z", "60 min ago"),
            ("2026-11-22T15:00:00Z", "in 3 h"),
            ("2026-11-12T12:00:00Z", "10 d ago"),
        ] {
            assert_eq!(ago(at(time), now), told, "{time}");
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!([512, 1536, 64 << 20].map(bytes), ["512 B", "1.5 KiB", "64 MiB"]);
    }
}
