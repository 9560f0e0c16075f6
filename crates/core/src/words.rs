//! Sizes and durations as people say them.

use std::time::Duration;

/// As in `128 MiB`, `1.5 MiB` or `900 bytes`.
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.into_iter().find(|(size, _)| bytes >= *size && bytes.is_multiple_of(*size)) {
        Some((size, unit)) if size > 1 << 10 || bytes < 1 << 20 => format!("{} {unit}", bytes / size),
        _ if bytes >= 1 << 20 => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        _ => format!("{bytes} bytes"),
    }
}

/// As in `2 min`, `1.5 s` or `200 ms`.
pub fn human_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(60_000) && millis > 0 {
        format!("{} min", millis / 60_000)
    } else if millis >= 1000 {
        format!("{} s", millis as f64 / 1000.0)
    } else {
        format!("{millis} ms")
    }
}

/// Why something that met its limit of `limit_bytes` of memory was ended.
pub fn memory_reason(limit_bytes: u64) -> String {
    format!("used more than its memory limit of {}", human_bytes(limit_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_fit_the_size() {
        for (bytes, said) in [
            (900, "900 bytes"),
            (2048, "2 KiB"),
            (128 << 20, "128 MiB"),
            ((3 << 19) + 1, "1.5 MiB"),
            (3 << 19, "1.5 MiB"),
        ] {
            assert_eq!(human_bytes(bytes), said);
            assert_eq!(memory_reason(bytes), format!("used more than its memory limit of {said}"));
        }
        for (millis, said) in [(200, "200 ms"), (1500, "1.5 s"), (120_000, "2 min")] {
            assert_eq!(human_duration(Duration::from_millis(millis)), said);
        }
    }
}
