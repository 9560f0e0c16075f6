//! Schedules and durations: the next run is later than the last, always, and found in bounded work.
//!
//! The input is a moment, a time zone and a schedule. A moment lies between 1970 and 2100.

use tidemill_core::{
    Timestamp,
    schedule::{MADE_UP_MAX, Schedule, parse_duration},
    spec::MissedRuns,
};

use crate::{
    input::Input,
    target::{Memory, Target},
    text,
};

pub(super) const TARGET: Target = Target {
    name: "schedule",
    about: "cron patterns, @every, @from, durations",
    run,
    seeds,
    words: &[
        "@every ",
        "@from ",
        "2026-11-22T05",
        " every 3 months",
        "@hourly",
        "@yearly",
        "* * * * *",
        "*/5",
        "0 0 31 2 *",
        "0 0 29 2 *",
        "L",
        "15W",
        "#5",
        "MON-FRI",
        "JAN,DEC",
        "1-5/2",
        "?",
        "300ms",
        "1h30m",
        "1.5h",
        "9999999999s",
        "1ns",
        " ",
        "-",
        ",",
        "/",
    ],
    bytes_max: 200,
    memory: Memory { base_bytes: 2 * 1024 * 1024, per_byte: 1_000 },
    share: 50,
};

const ZONES: [Option<&str>; 6] =
    [None, Some("UTC"), Some("Europe/Berlin"), Some("America/St_Johns"), Some("Pacific/Apia"), Some("Mars/Olympus")];
/// 130 years in microseconds.
const MOMENTS: u64 = 130 * 365 * 86_400 * 1_000_000;

fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let at = Timestamp((input.u64() % MOMENTS) as i64);
    let zone = ZONES[input.below(6)];
    let Some(text) = text::of(input.rest()) else { return };
    duration(text);
    let schedule = match Schedule::parse(text, zone) {
        Ok(schedule) => schedule,
        Err(error) => {
            // It shows the text as it is.
            assert!(!error.reason.is_empty(), "an error without a word");
            return;
        }
    };
    let mut runs = vec![at];
    for _ in 0..4 {
        let last = *runs.last().expect("there is one");
        let Some(next) = schedule.next_after(last) else { break };
        assert!(next > last, "the run after {last} is {next}");
        runs.push(next);
    }
    let [due, second, .., last] = runs[..] else { return };
    assert_eq!(schedule.next_after(due), Some(second), "the next run depends on something else");
    for missed in [MissedRuns::Skip, MissedRuns::Once, MissedRuns::All] {
        let (made_up, next) = schedule.decide(due, last, missed);
        assert!(made_up.len() <= MADE_UP_MAX && made_up.iter().all(|run| (due..=last).contains(run)));
        assert!(made_up.is_sorted());
        assert!(next.is_none_or(|next| next > last), "{missed:?}: the next run {next:?} is not after {last}");
    }
    if let Some(first) = schedule.first(at) {
        assert!(first.micros() > at.micros() - 3_600_000_000, "the first run {first} is long before {at}");
    }
}

fn duration(text: &str) {
    match parse_duration(text) {
        Err(why) => assert!(!why.is_empty()),
        Ok(duration) => {
            assert!(duration.as_secs() <= 10_000_000_001);
            let nanos = duration.as_nanos();
            let again = parse_duration(&format!("{nanos}ns")).expect("nanoseconds are a duration");
            // Durations are read as floats: 15 digits are right.
            let off = again.as_nanos().abs_diff(nanos);
            assert!(off <= nanos / 1_000_000_000_000_000 + 1, "{text} is {nanos} ns, which is read as {again:?}");
        }
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let moment = 1_763_769_600_000_000u64.to_le_bytes();
    [
        (0, "*/5 * * * *"),
        (2, "30 2 * * *"),
        (3, "0 0 29 2 *"),
        (4, "0 0 1-7 * MON"),
        (0, "30 */5 * * * *"),
        (0, "@every 90s"),
        (0, "@every 100ms"),
        (0, "@from 2026-11-22T05 every 3 months"),
        (0, "@from 2030-01-31T23 every 1 week"),
        (2, "@daily"),
        (0, "0 0 L * *"),
        (0, "0 12 15W * *"),
        (0, "0 0 * * 5#3"),
        (0, "1h30m5.5s"),
    ]
    .map(|(zone, text)| (text.to_owned(), [&moment[..], &[zone], text.as_bytes()].concat()))
    .into()
}
