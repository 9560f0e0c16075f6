//! A checker that finds nothing is worth nothing: each case takes a sound history, breaks one thing, and must be caught.

use super::*;
use crate::history::{Asked, Promise};

fn asked(function: &str, payload: &str, key: &str, n: u64) -> Asked {
    Asked {
        function: function.to_owned(),
        payload: payload.to_owned(),
        key: key.to_owned(),
        n,
        idempotency_key: Some(format!("idempotency-{payload}")),
    }
}

fn invocation(function: &str, payload: Option<&str>, parent: Option<&str>) -> Invocation {
    let attempt = |number, outcome: &str| Attempt { number, outcome: outcome.to_owned() };
    Invocation {
        function: function.to_owned(),
        status: "succeeded".to_owned(),
        reason: String::new(),
        idempotency_key: payload.map(|payload| format!("idempotency-{payload}")),
        parent: parent.map(str::to_owned),
        begun: 2,
        attempts: vec![attempt(1, "interrupted"), attempt(2, "succeeded")],
    }
}

/// A run: its begin and, unless it was cut short, its end.
fn run(run: &str, function: &str, id: &str, payload: &str, key: &str, n: u64, is_complete: bool) -> Vec<Effect> {
    let effect = |moment| Effect {
        moment,
        run: run.to_owned(),
        function: function.to_owned(),
        invocation: id.to_owned(),
        payload: payload.to_owned(),
        key: key.to_owned(),
        n,
    };
    let mut effects = vec![effect(Moment::Begin)];
    if is_complete {
        effects.push(effect(Moment::End));
    }
    effects
}

use crate::effects::Moment;

/// Two events of a key, the first cut short once; one event that goes down a chain of two.
fn sound() -> Observation {
    let mut observation =
        Observation { subscriptions: vec![("first".to_owned(), "second".to_owned())], ..Observation::default() };
    for (function, payload, key, n, id) in
        [("keyed", "a", "k", 1, "1"), ("keyed", "b", "k", 2, "2"), ("first", "c", "", 0, "3")]
    {
        observation.record.asked.push(asked(function, payload, key, n));
        observation.record.promises.push(Promise { payload: payload.to_owned(), id: id.to_owned() });
        observation.invocations.insert(id.to_owned(), invocation(function, Some(payload), None));
    }
    observation.invocations.insert("4".to_owned(), invocation("second", None, Some("3")));
    observation.effects = [
        run("r1", "keyed", "1", "a", "k", 1, false),
        run("r2", "keyed", "1", "a", "k", 1, true),
        run("r3", "keyed", "2", "b", "k", 2, true),
        run("r4", "first", "3", "c", "", 0, true),
        run("r5", "second", "4", "c", "", 0, true),
    ]
    .concat();
    observation
}

/// Breaks a sound observation and expects exactly these violations.
fn broken(change: impl FnOnce(&mut Observation), expected: &[Violation]) {
    let mut observation = sound();
    change(&mut observation);
    assert_eq!(check(&observation), expected);
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn a_sound_history_passes() {
    broken(|_| {}, &[]);
}

#[test]
fn a_repeated_run_next_to_the_first_passes() {
    broken(
        |o| {
            let repeat = run("again", "keyed", "1", "a", "k", 1, true);
            o.effects.splice(3..3, repeat);
        },
        &[],
    );
}

#[test]
fn an_event_without_an_answer_may_be_missing() {
    broken(|o| o.record.asked.push(asked("plain", "never", "", 0)), &[]);
}

#[test]
fn a_lost_invocation_is_caught() {
    broken(
        |o| {
            o.invocations.remove("2");
        },
        &[Violation::Lost { id: text("2") }, Violation::Unknown { invocation: text("2") }],
    );
}

#[test]
fn an_invocation_that_gave_up_is_caught() {
    broken(
        |o| {
            let given_up = o.invocations.get_mut("1").unwrap();
            given_up.status = text("dead_lettered");
            given_up.reason = text("crashed");
            given_up.attempts[1].outcome = text("crashed");
        },
        &[Violation::NotSucceeded { id: text("1"), status: text("dead_lettered"), reason: text("crashed") }],
    );
}

#[test]
fn success_without_effect_is_caught() {
    broken(|o| o.effects.retain(|effect| effect.payload != "b"), &[Violation::NoEffect { payload: text("b") }]);
}

#[test]
fn success_of_a_run_that_never_ended_is_caught() {
    broken(
        |o| o.effects.retain(|effect| effect.payload != "b" || effect.moment == Moment::Begin),
        &[Violation::NoEffect { payload: text("b") }],
    );
}

#[test]
fn an_event_from_nowhere_is_caught() {
    broken(
        |o| o.effects.extend(run("r9", "second", "4", "x", "", 0, true)),
        &[Violation::Phantom { payload: text("x") }],
    );
}

#[test]
fn settling_twice_is_caught() {
    broken(
        |o| o.invocations.get_mut("1").unwrap().attempts[0].outcome = text("succeeded"),
        &[Violation::SettledTwice { id: text("1"), outcomes: vec![text("succeeded"), text("succeeded")] }],
    );
}

#[test]
fn an_attempt_after_success_is_caught() {
    broken(
        |o| o.invocations.get_mut("1").unwrap().attempts.swap(0, 1),
        &[
            Violation::SettledTwice { id: text("1"), outcomes: vec![text("succeeded"), text("interrupted")] },
            Violation::AttemptNumbers { id: text("1"), numbers: vec![2, 1], begun: 2 },
        ],
    );
}

#[test]
fn a_missing_attempt_is_caught() {
    broken(
        |o| {
            o.invocations.get_mut("1").unwrap().attempts.remove(0);
        },
        &[Violation::AttemptNumbers { id: text("1"), numbers: vec![2], begun: 2 }],
    );
}

#[test]
fn an_event_accepted_twice_is_caught() {
    broken(
        |o| {
            let mut second = invocation("keyed", None, None);
            second.parent = None;
            o.invocations.insert(text("5"), second);
            let repeat = run("again", "keyed", "5", "a", "k", 1, true);
            o.effects.splice(3..3, repeat);
        },
        &[Violation::Doubled { payload: text("a"), invocations: vec![text("1"), text("5")] }],
    );
}

#[test]
fn another_answer_to_an_idempotency_key_is_caught() {
    broken(
        |o| {
            o.record.promises.push(Promise { payload: text("a"), id: text("2") });
        },
        &[
            Violation::Doubled { payload: text("a"), invocations: vec![text("1"), text("2")] },
            Violation::IdempotencyKey { key: text("idempotency-a"), invocations: vec![text("1"), text("2")] },
        ],
    );
}

#[test]
fn a_second_invocation_of_an_idempotency_key_is_caught() {
    broken(
        |o| {
            o.invocations.insert(text("5"), invocation("keyed", Some("a"), None));
        },
        &[Violation::IdempotencyKey { key: text("idempotency-a"), invocations: vec![text("1"), text("5")] }],
    );
}

#[test]
fn a_broken_order_is_caught() {
    broken(
        |o| o.effects.extend(run("late", "keyed", "1", "a", "k", 1, true)),
        &[Violation::Order { key: text("k"), first: 2, second: 1 }],
    );
}

#[test]
fn overtaking_an_unfinished_event_is_caught() {
    broken(
        |o| {
            // r2 is gone: 2 begins although 1 was only cut short.
            o.effects.retain(|effect| effect.run != "r2");
            o.effects.extend(run("r2", "keyed", "1", "a", "k", 1, true));
        },
        &[
            Violation::Unfinished { key: text("k"), n: 1, next: 2 },
            Violation::Order { key: text("k"), first: 2, second: 1 },
        ],
    );
}

#[test]
fn overlapping_runs_of_a_key_are_caught() {
    broken(
        |o| {
            // begin r2, begin r3, end r2, end r3
            o.effects.swap(2, 3);
        },
        &[
            Violation::Unfinished { key: text("k"), n: 1, next: 2 },
            Violation::Overlap { line: text("key k"), runs: [text("r2"), text("r3")] },
        ],
    );
}

#[test]
fn two_live_leases_of_an_invocation_are_caught() {
    broken(
        |o| {
            let index = o.effects.iter().position(|effect| effect.run == "r4").unwrap() + 1;
            o.effects.splice(index..index, run("thief", "first", "3", "c", "", 0, false));
        },
        &[Violation::Overlap { line: text("invocation 3"), runs: [text("r4"), text("thief")] }],
    );
}

#[test]
fn a_response_that_was_not_handed_on_is_caught() {
    broken(
        |o| {
            o.invocations.remove("4");
            o.effects.retain(|effect| effect.invocation != "4");
        },
        &[Violation::Chain { parent: text("3"), subscriber: text("second"), children: 0 }],
    );
}

#[test]
fn a_response_that_was_handed_on_twice_is_caught() {
    broken(
        |o| {
            o.invocations.insert(text("5"), invocation("second", None, Some("3")));
        },
        &[Violation::Chain { parent: text("3"), subscriber: text("second"), children: 2 }],
    );
}

#[test]
fn a_response_of_nobody_is_caught() {
    broken(
        |o| {
            o.invocations.insert(text("5"), invocation("second", None, Some("9")));
        },
        &[Violation::Orphan { id: text("5") }],
    );
}

#[test]
fn a_strange_answer_is_caught() {
    broken(|o| o.record.strange.push(text("a: 500 oops")), &[Violation::Strange { answer: text("a: 500 oops") }]);
}
