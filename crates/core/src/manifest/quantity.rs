//! Quantities as Kubernetes writes them: `128Mi`, `1G`, `500m`, `1.5`, `1e9`.

/// Reads a quantity and returns it in thousandths, rounded up.
///
/// The suffixes are `n u m k M G T P E` (powers of 1000) and `Ki Mi Gi Ti Pi Ei` (powers of 1024).
pub(super) fn parse_millis(text: &str) -> Result<u128, String> {
    let bad = || format!("{text:?} is not a quantity; write it as in 128Mi, 1G or 500m");
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if number.len() > 20 || (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(bad());
    }
    let mantissa: u128 = format!("0{whole}{fraction}").parse().map_err(|_| bad())?;
    let scale = 10u128.pow(u32::try_from(fraction.len()).map_err(|_| bad())?);
    // Numerator and denominator of the value of one unit, in thousandths.
    let (times, per): (u128, u128) = match suffix {
        "n" => (1, 1_000_000),
        "u" => (1, 1_000),
        "m" => (1, 1),
        "" => (1_000, 1),
        "k" => (1_000_000, 1),
        "M" => (1_000_000_000, 1),
        "G" => (1_000_000_000_000, 1),
        "T" => (1_000_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000_000, 1),
        "Ki" => (1_000 << 10, 1),
        "Mi" => (1_000 << 20, 1),
        "Gi" => (1_000 << 30, 1),
        "Ti" => (1_000 << 40, 1),
        "Pi" => (1_000 << 50, 1),
        "Ei" => (1_000 << 60, 1),
        _ => match suffix.strip_prefix(['e', 'E']).and_then(|exponent| exponent.parse::<u32>().ok()) {
            Some(exponent) if exponent <= 18 => (1_000 * 10u128.pow(exponent), 1),
            _ => {
                return Err(
                    misspelt(suffix).map_or_else(bad, |unit| format!("{}; did you mean \"{number}{unit}\"?", bad()))
                );
            }
        },
    };
    let value = mantissa.checked_mul(times).ok_or_else(bad)?;
    Ok(value.div_ceil(per * scale))
}

/// Reads an amount of memory in bytes.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    let bytes = parse_millis(text)?.div_ceil(1_000);
    u64::try_from(bytes).map_err(|_| format!("{text:?} is more memory than there can be"))
}

/// The unit that was probably meant.
fn misspelt(suffix: &str) -> Option<&'static str> {
    match suffix.to_ascii_lowercase().as_str() {
        "b" => Some(""),
        "k" | "kb" => Some("k"),
        "mb" => Some("M"),
        "gb" | "g" => Some("G"),
        "ki" | "kib" => Some("Ki"),
        "mi" | "mib" => Some("Mi"),
        "gi" | "gib" => Some("Gi"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        for (text, millis) in [
            ("1", 1_000),
            ("0.5", 500),
            (".5", 500),
            ("500m", 500),
            ("100u", 1),
            ("1n", 1),
            ("2k", 2_000_000),
            ("1e3", 1_000_000),
            ("1.5G", 1_500_000_000_000),
        ] {
            assert_eq!(parse_millis(text), Ok(millis), "{text}");
        }
        for (text, bytes) in [
            ("128Mi", 128 << 20),
            ("1G", 1_000_000_000),
            ("500M", 500_000_000),
            ("4096", 4096),
            ("0.5Gi", 512 << 20),
            ("1Ki", 1024),
            ("15Ei", 15 << 60),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            ".",
            "-1",
            "+1",
            "1.2.3",
            "1 Gi",
            "Mi",
            "1e99",
            "128MB",
            "99999999999999999999999",
            "16Ei",
            "20E",
            "1Zi",
        ] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
        assert!(parse_bytes("128MB").unwrap_err().ends_with("did you mean \"128M\"?"));
    }
}
