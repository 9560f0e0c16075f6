//! Durable state of functions.

use bytes::Bytes;
use tidemill_core::{
    Timestamp,
    function::FunctionState,
    invocation::{Invocation, Status},
    limits::INLINE_BODY_BYTES_MAX,
    ports::{Clock, NewInvocation, Settlement, StateRecord, StoreError},
};

use super::make::*;

/// The state of a line, which may be there or not.
async fn state(subject: &Subject, name: &str, key: &str) -> Option<StateRecord> {
    subject.store.state(&function(name), key).await.works()
}

/// Its value and version, `("", 0)` when there is none.
async fn value(subject: &Subject, name: &str, key: &str) -> (String, u64) {
    let found = state(subject, name, key).await;
    found.map_or((String::new(), 0), |found| (String::from_utf8(found.value.to_vec()).works(), found.version))
}

async fn put(
    subject: &Subject,
    key: &str,
    value: Option<&'static str>,
    expected: Option<u64>,
) -> Result<u64, StoreError> {
    subject.store.put_state(&function("f"), key, value.map(Bytes::from), expected, subject.clock.now()).await
}

fn with_state(invocation: &Invocation, status: Status, state: impl Into<Bytes>, now: Timestamp) -> Settlement {
    Settlement { state: Some(state.into()), ..settlement(invocation, status, now) }
}

/// Submits one, claims it and ends it with a state.
async fn run(subject: &Subject, new: NewInvocation, state: &'static str) {
    let name = new.function.to_string();
    subject.store.submit(vec![new]).await.works();
    let invocation = claim_one(subject, &name).await;
    let settlement = with_state(&invocation, Status::Succeeded, state, subject.clock.now());
    subject.store.settle(settlement).await.works();
}

/// There is none at first, and an unknown function has none ever.
pub async fn none_at_first(subject: &Subject) {
    deploy(subject, "f").await;
    assert_eq!(state(subject, "f", "").await, None);
    assert!(subject.store.states(&function("f"), None, 9).await.works().items.is_empty());
    let nobody = function("nobody");
    assert!(matches!(subject.store.state(&nobody, "").await, Err(StoreError::NotFound)));
    assert!(matches!(subject.store.states(&nobody, None, 9).await, Err(StoreError::NotFound)));
    for value in [Some(Bytes::from("1")), None] {
        let refused = subject.store.put_state(&nobody, "", value, None, START).await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }
}

/// An execution's end stores the state of its line; each change is one version more.
pub async fn settling_stores_it(subject: &Subject) {
    deploy(subject, "f").await;
    run(subject, keyed("f", 1, "a"), "{\"n\":1}").await;
    let now = subject.clock.advance(500);
    run(subject, keyed("f", 2, "a"), "{\"n\":2}").await;
    let expected = StateRecord { key: "a".into(), value: "{\"n\":2}".into(), version: 2, updated_at: now };
    assert_eq!(state(subject, "f", "a").await, Some(expected));
}

/// Without a key it is the state of the empty key.
pub async fn keyless_is_the_empty_key(subject: &Subject) {
    deploy(subject, "f").await;
    run(subject, new("f", 1), "1").await;
    assert_eq!(value(subject, "f", "").await, ("1".into(), 1));
    run(subject, keyed("f", 2, ""), "2").await;
    assert_eq!(value(subject, "f", "").await, ("2".into(), 2));
}

/// Neither another key's nor another function's state changes.
pub async fn keys_do_not_meet(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    run(subject, keyed("f", 1, "a"), "1").await;
    run(subject, keyed("f", 2, "b"), "2").await;
    run(subject, keyed("g", 3, "a"), "3").await;
    run(subject, keyed("f", 4, "a"), "4").await;
    assert_eq!(value(subject, "f", "a").await, ("4".into(), 2));
    assert_eq!(value(subject, "f", "b").await, ("2".into(), 1));
    assert_eq!(value(subject, "g", "a").await, ("3".into(), 1));
    assert_eq!(value(subject, "f", "").await, (String::new(), 0));
}

/// Who holds an older lease changes no state and leaves no result.
pub async fn a_stale_settle_changes_nothing(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![keyed("f", 1, "a")]).await.works();
    let first = claim_one(subject, "f").await;
    subject.store.expire(at(31), None, 100).await.works();
    subject.clock.advance(31_000_000);
    let second = claim_one(subject, "f").await;
    let results = vec![Bytes::from("r"), Bytes::from(vec![1; INLINE_BODY_BYTES_MAX + 1])];
    let stale = Settlement { results, ..with_state(&first, Status::Succeeded, "\"stale\"", at(32)) };
    assert!(matches!(subject.store.settle(stale).await, Err(StoreError::Stale)));
    assert_eq!(state(subject, "f", "a").await, None);
    assert_eq!(subject.store.take_result(id(1)).await.works(), None);
    subject.store.settle(with_state(&second, Status::Succeeded, "\"fresh\"", at(32))).await.works();
    assert_eq!(value(subject, "f", "a").await, ("\"fresh\"".into(), 1));
    // Settled, it is stale as well.
    let again = subject.store.settle(with_state(&second, Status::Succeeded, "\"again\"", at(32))).await;
    assert!(matches!(again, Err(StoreError::Stale)), "{again:?}");
    assert_eq!(value(subject, "f", "a").await, ("\"fresh\"".into(), 1));
}

/// A settlement that is refused for another reason changes no state either.
pub async fn a_refused_settle_changes_nothing(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let sends = Settlement {
        emits: vec![new("nobody", 2)],
        results: vec!["r".into()],
        ..with_state(&invocation, Status::Succeeded, "1", START)
    };
    assert!(matches!(subject.store.settle(sends).await, Err(StoreError::NotFound)));
    assert_eq!(state(subject, "f", "").await, None);
    assert_eq!(subject.store.take_result(id(1)).await.works(), None);
}

/// An end without a state leaves it as it is.
pub async fn without_one_it_stays(subject: &Subject) {
    deploy(subject, "f").await;
    run(subject, new("f", 1), "1").await;
    for status in [Status::Succeeded, Status::DeadLettered] {
        let number = if status == Status::Succeeded { 2 } else { 3 };
        ended(subject, new("f", number), status).await;
        assert_eq!(value(subject, "f", "").await, ("1".into(), 1));
    }
}

/// The state and the message that was sent with it are there together, and the next in line sees both.
pub async fn it_comes_with_what_is_sent(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![keyed("f", 1, "a"), keyed("f", 2, "a")]).await.works();
    let invocation = claim_one(subject, "f").await;
    let sends =
        Settlement { emits: vec![keyed("f", 3, "b")], ..with_state(&invocation, Status::Succeeded, "1", START) };
    let settled = subject.store.settle(sends).await.works();
    assert!(settled.unblocked);
    assert_eq!(value(subject, "f", "a").await, ("1".into(), 1));
    assert_eq!(ids(&claim_all(subject, "f").await), [id(2), id(3)]);
}

/// It is put and deleted by hand, with or without an expectation.
pub async fn putting_expects(subject: &Subject) {
    deploy(subject, "f").await;
    assert_eq!(put(subject, "a", Some("1"), None).await.works(), 1);
    assert_eq!(put(subject, "a", Some("2"), Some(1)).await.works(), 2);
    for (value_asked, expected) in [(Some("x"), 1), (Some("x"), 0), (Some("x"), 3), (None, 1), (None, 0)] {
        let refused = put(subject, "a", value_asked, Some(expected)).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(value(subject, "f", "a").await, ("2".into(), 2));
    assert_eq!(put(subject, "b", Some("1"), Some(0)).await.works(), 1);
    assert!(matches!(put(subject, "c", Some("1"), Some(1)).await, Err(StoreError::Conflict(_))));
    assert!(matches!(put(subject, "c", None, Some(1)).await, Err(StoreError::Conflict(_))));
    assert_eq!(put(subject, "c", None, Some(0)).await.works(), 0);
    let now = subject.clock.advance(7);
    assert_eq!(put(subject, "a", Some("3"), None).await.works(), 3);
    assert_eq!(state(subject, "f", "a").await.works().updated_at, now);
}

/// A deleted one is gone; the next one has a version that no former one had, also when the function was deleted with it.
pub async fn deleted_begins_above(subject: &Subject) {
    deploy(subject, "f").await;
    run(subject, new("f", 1), "1").await;
    run(subject, new("f", 2), "2").await;
    assert_eq!(put(subject, "", None, Some(2)).await.works(), 0);
    assert_eq!(state(subject, "f", "").await, None);
    assert_eq!(put(subject, "", None, None).await.works(), 0);
    run(subject, new("f", 3), "3").await;
    let (text, version) = value(subject, "f", "").await;
    assert_eq!(text, "3");
    assert!(version > 2, "{version}");
    subject.store.delete_function(&function("f")).await.works();
    deploy(subject, "f").await;
    let anew = put(subject, "", Some("4"), Some(0)).await.works();
    assert!(anew > version, "{anew}");
    for stale in 0..anew {
        assert!(matches!(put(subject, "", Some("5"), Some(stale)).await, Err(StoreError::Conflict(_))), "{stale}");
        assert!(matches!(put(subject, "", None, Some(stale)).await, Err(StoreError::Conflict(_))), "{stale}");
    }
    assert_eq!(put(subject, "", Some("5"), Some(anew)).await.works(), anew + 1);
}

/// What is put while an execution runs stands until that ends with a state of its own.
pub async fn the_execution_has_the_last_word(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    assert_eq!(put(subject, "", Some("\"by hand\""), None).await.works(), 1);
    assert_eq!(value(subject, "f", "").await, ("\"by hand\"".into(), 1));
    subject.store.settle(with_state(&invocation, Status::Succeeded, "\"by the actor\"", START)).await.works();
    assert_eq!(value(subject, "f", "").await, ("\"by the actor\"".into(), 2));
}

/// Of many who expect the same version one wins.
pub async fn one_writer_wins(subject: &Subject) {
    deploy(subject, "f").await;
    put(subject, "a", Some("0"), None).await.works();
    let tasks: Vec<_> = (0..16u8)
        .map(|number| {
            let store = subject.store.clone();
            let value = Bytes::from(number.to_string());
            tokio::spawn(async move { store.put_state(&function("f"), "a", Some(value), Some(1), START).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.works() {
            Ok(version) => {
                assert_eq!(version, 2);
                won += 1;
            }
            Err(error) => assert!(matches!(error, StoreError::Conflict(_)), "{error}"),
        }
    }
    assert_eq!((won, state(subject, "f", "a").await.works().version), (1, 2));
}

/// By key, in pages, without values.
pub async fn listed_in_pages(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    for key in ["b", "a", "", "é", "B", "a/b"] {
        put(subject, key, Some("1"), None).await.works();
    }
    subject.store.put_state(&function("g"), "z", Some("1".into()), None, START).await.works();
    let page = async |after: Option<&str>, limit| {
        let page = subject.store.states(&function("f"), after.map(str::to_owned), limit).await.works();
        assert!(
            page.items.iter().all(|state| state.value.is_empty() && state.version == 1 && state.updated_at == START)
        );
        (page.items.into_iter().map(|state| state.key).collect::<Vec<_>>(), page.more)
    };
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    assert_eq!(page(None, 9).await, (keys(&["", "B", "a", "a/b", "b", "é"]), false));
    assert_eq!(page(None, 2).await, (keys(&["", "B"]), true));
    assert_eq!(page(Some("B"), 3).await, (keys(&["a", "a/b", "b"]), true));
    assert_eq!(page(Some("b"), 3).await, (keys(&["é"]), false));
    assert_eq!(page(Some("é"), 3).await, (keys(&[]), false));
}

/// Large ones come back, before and after they are replaced.
pub async fn big_ones_come_back(subject: &Subject) {
    deploy(subject, "f").await;
    let big = |byte: u8| Bytes::from(vec![byte; INLINE_BODY_BYTES_MAX * 2]);
    for (number, expected) in [(1, big(b'1')), (2, big(b'2')), (3, Bytes::from("3")), (4, big(b'4')), (5, big(b'4'))] {
        subject.store.submit(vec![new("f", number)]).await.works();
        let invocation = claim_one(subject, "f").await;
        subject.store.settle(with_state(&invocation, Status::Succeeded, expected.clone(), START)).await.works();
        let found = state(subject, "f", "").await.works();
        assert!(found.value == expected && found.version == number, "{number}");
    }
    assert_eq!(subject.store.put_state(&function("f"), "", Some(big(b'6')), Some(5), START).await.works(), 6);
    assert!(state(subject, "f", "").await.works().value == big(b'6'));
}

/// A deleted function takes its states along; another one's stay.
pub async fn they_go_with_the_function(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    run(subject, new("f", 1), "1").await;
    run(subject, new("g", 2), "2").await;
    subject.store.delete_function(&function("f")).await.works();
    assert!(matches!(subject.store.state(&function("f"), "").await, Err(StoreError::NotFound)));
    deploy(subject, "f").await;
    assert_eq!(state(subject, "f", "").await, None);
    assert_eq!(value(subject, "g", "").await, ("2".into(), 1));
}

/// Neither a new revision nor pruning touches them.
pub async fn they_outlive_revisions_and_invocations(subject: &Subject) {
    deploy(subject, "f").await;
    run(subject, new("f", 1), "1").await;
    subject.store.put_revision(revision("f", 2, START), FunctionState::Active).await.works();
    let all = tidemill_core::ports::Retention { finished_before: at(9), dead_lettered_before: at(9), limit: 9 };
    assert_eq!(subject.store.prune(all).await.works(), 1);
    assert_eq!(value(subject, "f", "").await, ("1".into(), 1));
}
