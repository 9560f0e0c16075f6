//! Durations and sizes as people write them.

use std::time::Duration;

/// A duration, as in `2 s` or `250 ms`.
pub(crate) fn human_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(60_000) && millis > 0 {
        format!("{} min", millis / 60_000)
    } else if millis >= 1000 {
        format!("{} s", millis as f64 / 1000.0)
    } else {
        format!("{millis} ms")
    }
}

/// A size, as in `128 MiB`.
pub(crate) fn human_bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(size, _)| bytes >= *size && bytes.is_multiple_of(*size)) {
        Some((size, unit)) => format!("{} {unit}", bytes / size),
        None if bytes >= 1 << 20 => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        None => format!("{bytes} bytes"),
    }
}

/// Why a worker that met its limit of `limit_bytes` was ended.
pub(crate) fn memory_reason(limit_bytes: u64) -> String {
    format!("used more than its memory limit of {}", human_bytes(limit_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_written_as_people_do() {
        for (millis, text) in
            [(2000, "2 s"), (1500, "1.5 s"), (250, "250 ms"), (120_000, "2 min"), (90_000, "90 s"), (0, "0 ms")]
        {
            assert_eq!(human_duration(Duration::from_millis(millis)), text);
        }
        for (bytes, text) in [(128 << 20, "128 MiB"), (2 << 30, "2 GiB"), (1_500_000, "1.4 MiB"), (1000, "1000 bytes")]
        {
            assert_eq!(memory_reason(bytes), format!("used more than its memory limit of {text}"));
        }
    }
}
