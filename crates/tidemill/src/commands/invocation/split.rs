//! Where the time of an invocation went, as a small picture whose parts add up.

use tidemill_api::Timings;

use crate::output;

const BAR_WIDTH: u64 = 30;

/// One line a part, with its share as a bar, and the total.
pub fn picture(timings: &Timings) -> String {
    let parts = [
        ("received", timings.received_us),
        ("queued", timings.queued_us),
        ("cold start", timings.cold_start_us),
        ("user code", timings.user_code_us),
        ("transfer", timings.transfer_us),
        ("commit", timings.commit_us),
    ];
    let mut lines = vec![console::style("TIME").dim().to_string()];
    let mut before = 0;
    for (name, part) in parts {
        lines.push(line(name, part, &bar(before, part, timings.total_us)));
        before += part;
    }
    lines.push(line("total", timings.total_us, ""));
    lines.join("\n")
}

fn line(name: &str, micros: u64, bar: &str) -> String {
    format!("{name:<10}  {:>12}  {bar}", output::micros(micros)).trim_end().to_owned()
}

/// The part of a line of `total` from `before` on, in whole characters; a part that took any time shows at least one.
fn bar(before: u64, part: u64, total: u64) -> String {
    if part == 0 || total == 0 {
        return String::new();
    }
    let place = |micros: u64| u128::from(micros) * u128::from(BAR_WIDTH) / u128::from(total);
    let start = usize::try_from(place(before)).unwrap_or(0).min(BAR_WIDTH as usize - 1);
    let end = usize::try_from(place(before + part)).unwrap_or(0).max(start + 1);
    format!("{}{}", " ".repeat(start), "█".repeat(end - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_one_after_the_other() {
        let timings = Timings {
            received_us: 10,
            queued_us: 0,
            cold_start_us: 45_000,
            user_code_us: 40_000,
            transfer_us: 990,
            commit_us: 4_000,
            total_us: 90_000,
        };
        let expected = "\
TIME
received           10 µs  █
queued              0 µs
cold start       45.0 ms  ███████████████
user code        40.0 ms                 █████████████
transfer          990 µs                              █
commit           4.00 ms                              ██
total            90.0 ms";
        assert_eq!(picture(&timings), expected);
    }
}
