//! The registry.

use serde_json::{Value, json};
use tidemill_core::{
    name::ProjectName,
    ports::{Entry, EntryChange, EntryId, EntryKind, Expected, StoreError},
};

use super::make::*;

fn project(name: &str) -> ProjectName {
    name.parse().works()
}

fn entry_id(kind: EntryKind, project_name: &str, name: &str) -> EntryId {
    EntryId { kind, project: project(project_name), name: name.into() }
}

/// An alias of the default project.
fn alias(name: &str) -> EntryId {
    entry_id(EntryKind::Alias, "default", name)
}

fn change(id: EntryId, value: impl Into<Option<Value>>, expected: Expected) -> EntryChange {
    EntryChange { id, value: value.into(), expected }
}

async fn entry(subject: &Subject, id: &EntryId) -> Option<Entry> {
    subject.registry.entry(id).await.works()
}

async fn changed(subject: &Subject, changes: Vec<EntryChange>) {
    subject.registry.change(changes).await.works();
}

/// Refused with a conflict; returns what it says.
#[track_caller]
fn conflict(result: Result<(), StoreError>) -> String {
    match result {
        Err(StoreError::Conflict(text)) => text,
        other => panic!("it should be a conflict: {other:?}"),
    }
}

/// What was put comes back, one version more each time.
pub async fn versions_count_up(subject: &Subject) {
    let a = alias("a");
    assert_eq!(entry(subject, &a).await, None);
    for (version, value) in (1..).zip([json!({"f": "x", "n": [1.5, null, "é\n"]}), json!("text"), json!(null)]) {
        changed(subject, vec![change(a.clone(), value.clone(), Expected::Any)]).await;
        assert_eq!(entry(subject, &a).await, Some(Entry { id: a.clone(), version, value }));
    }
}

/// Kind, project and name all tell entries apart; any text is a name.
pub async fn names_are_apart(subject: &Subject) {
    let ids = [
        alias("a"),
        alias("A"),
        alias(""),
        alias("a b/c:d'\"%é\u{0}"),
        entry_id(EntryKind::Nonce, "default", "a"),
        entry_id(EntryKind::Alias, "shop", "a"),
    ];
    for (number, id) in ids.iter().enumerate() {
        changed(subject, vec![change(id.clone(), json!(number), Expected::Absent)]).await;
    }
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(entry(subject, id).await.works().value, json!(number), "{id:?}");
    }
}

/// A change takes place if what it expects is so.
pub async fn expectations_hold(subject: &Subject) {
    let (a, b) = (alias("a"), alias("b"));
    changed(subject, vec![change(a.clone(), json!(1), Expected::Absent)]).await;
    changed(subject, vec![change(a.clone(), json!(2), Expected::Version(1))]).await;
    for (id, value, expected) in [
        (&a, Some(json!(9)), Expected::Absent),
        (&a, Some(json!(9)), Expected::Version(1)),
        (&a, Some(json!(9)), Expected::Version(3)),
        (&a, None, Expected::Version(1)),
        (&a, None, Expected::Absent),
        (&b, Some(json!(9)), Expected::Version(1)),
        (&b, Some(json!(9)), Expected::Version(0)),
        (&b, None, Expected::Version(1)),
    ] {
        conflict(subject.registry.change(vec![change(id.clone(), value, expected)]).await);
    }
    assert_eq!(entry(subject, &a).await, Some(Entry { id: a.clone(), version: 2, value: json!(2) }));
    assert_eq!(entry(subject, &b).await, None);
    changed(subject, vec![change(a.clone(), None, Expected::Version(2))]).await;
    assert_eq!(entry(subject, &a).await, None);
}

/// What is made anew has a version that no former one had: a write that expects one of those is refused.
pub async fn deleted_begins_above(subject: &Subject) {
    let a = alias("a");
    changed(subject, vec![change(a.clone(), None, Expected::Any), change(a.clone(), None, Expected::Absent)]).await;
    for number in 1..3 {
        changed(subject, vec![change(a.clone(), json!(number), Expected::Any)]).await;
    }
    changed(subject, vec![change(a.clone(), None, Expected::Any)]).await;
    changed(subject, vec![change(a.clone(), json!(3), Expected::Absent)]).await;
    let version = entry(subject, &a).await.works().version;
    assert!(version > 2, "{version}");
    for stale in 1..version {
        conflict(subject.registry.change(vec![change(a.clone(), json!(4), Expected::Version(stale))]).await);
    }
    changed(subject, vec![change(a.clone(), json!(5), Expected::Version(version))]).await;
    assert_eq!(entry(subject, &a).await.works().version, version + 1);
}

/// Those whose names begin with a folder and a slash, of one kind and project.
pub async fn listed_by_folder(subject: &Subject) {
    let names = ["a", "a/", "a/b", "a/b/c", "a/\u{10ffff}x", "a.b", "a0", "ab/c", "A/b", "b/a/b"];
    let others = [entry_id(EntryKind::Nonce, "default", "a/b"), entry_id(EntryKind::Alias, "shop", "a/b")];
    for id in names.into_iter().map(alias).chain(others) {
        changed(subject, vec![change(id, json!(1), Expected::Absent)]).await;
    }
    let list = async |folder: &str| {
        let found = subject.registry.entries_in(EntryKind::Alias, &project("default"), folder).await.works();
        found.into_iter().map(|entry| entry.id.name).collect::<Vec<_>>()
    };
    assert_eq!(list("a").await, ["a/", "a/b", "a/b/c", "a/\u{10ffff}x"]);
    assert_eq!(list("a/b").await, ["a/b/c"]);
    assert!(list("x").await.is_empty());
}

/// One expectation that does not hold refuses the whole list, and is named.
pub async fn all_or_nothing(subject: &Subject) {
    let (a, b, c) = (alias("a"), alias("b"), entry_id(EntryKind::Grants, "shop", "c"));
    changed(subject, vec![change(a.clone(), json!(1), Expected::Any), change(c.clone(), json!(1), Expected::Any)])
        .await;
    let refused = vec![
        change(a.clone(), None, Expected::Version(1)),
        change(b.clone(), json!(1), Expected::Absent),
        change(c.clone(), json!(2), Expected::Version(7)),
    ];
    let text = conflict(subject.registry.change(refused).await);
    for word in ["grants", "\"c\"", "shop"] {
        assert!(text.contains(word), "{text}");
    }
    assert_eq!(entry(subject, &a).await.works().version, 1);
    assert_eq!(entry(subject, &b).await, None);
    assert_eq!(entry(subject, &c).await.works().version, 1);
    changed(subject, vec![]).await;
}

/// The refusal does not give a nonce away.
pub async fn refusals_hide_nonces(subject: &Subject) {
    let nonce = entry_id(EntryKind::Nonce, "default", "shop_abcdefghijklm");
    let text = conflict(subject.registry.change(vec![change(nonce, json!(1), Expected::Version(1))]).await);
    assert!(text.contains("nonce") && text.contains("shop_abcde") && !text.contains("abcdef"), "{text}");
}

/// What is expected is what was before the list.
pub async fn expectations_look_before_the_list(subject: &Subject) {
    let a = alias("a");
    changed(
        subject,
        vec![change(a.clone(), json!(1), Expected::Absent), change(a.clone(), json!(2), Expected::Absent)],
    )
    .await;
    assert_eq!(entry(subject, &a).await, Some(Entry { id: a.clone(), version: 2, value: json!(2) }));
    changed(subject, vec![change(a.clone(), None, Expected::Version(2)), change(a.clone(), json!(3), Expected::Any)])
        .await;
    assert_eq!(entry(subject, &a).await, Some(Entry { id: a.clone(), version: 3, value: json!(3) }));
}

/// Of many who expect the same version one wins.
pub async fn one_writer_wins(subject: &Subject) {
    let nonce = entry_id(EntryKind::Nonce, "default", "n");
    changed(subject, vec![change(nonce.clone(), json!(0), Expected::Absent)]).await;
    let tasks: Vec<_> = (1..=16)
        .map(|number| {
            let registry = subject.registry.clone();
            let change = change(nonce.clone(), json!(number), Expected::Version(1));
            tokio::spawn(async move { (number, registry.change(vec![change]).await) })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.works() {
            (number, Ok(())) => winners.push(number),
            (_, refused) => {
                conflict(refused);
            }
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(entry(subject, &nonce).await.works(), Entry { id: nonce, version: 2, value: json!(winners[0]) });
}

/// Of a kind, in one project or in all, by project and name.
pub async fn listed_by_project_and_name(subject: &Subject) {
    let ids = [("shop", "b"), ("shop", "a"), ("default", "z"), ("default", "B"), ("bank", "m")];
    for (project, name) in ids {
        changed(subject, vec![change(entry_id(EntryKind::Config, project, name), json!(name), Expected::Any)]).await;
    }
    changed(subject, vec![change(entry_id(EntryKind::Actor, "shop", "c"), json!(0), Expected::Any)]).await;
    let list = async |project: Option<&ProjectName>| {
        let entries = subject.registry.entries(EntryKind::Config, project).await.works();
        assert!(entries.iter().all(|entry| entry.version == 1 && entry.value == json!(entry.id.name)));
        entries.into_iter().map(|entry| format!("{}/{}", entry.id.project, entry.id.name)).collect::<Vec<_>>()
    };
    assert_eq!(list(None).await, ["bank/m", "default/B", "default/z", "shop/a", "shop/b"]);
    assert_eq!(list(Some(&project("shop"))).await, ["shop/a", "shop/b"]);
    assert!(list(Some(&project("nobody"))).await.is_empty());
    for kind in EntryKind::ALL {
        let count = subject.registry.entries(kind, None).await.works().len();
        let expected = match kind {
            EntryKind::Config => 5,
            EntryKind::Actor => 1,
            _ => 0,
        };
        assert_eq!(count, expected, "{kind:?}");
    }
}

/// Functions come and go without them.
pub async fn functions_do_not_matter(subject: &Subject) {
    deploy(subject, "f").await;
    let f = entry_id(EntryKind::Actor, "default", "f");
    changed(subject, vec![change(f.clone(), json!({}), Expected::Absent)]).await;
    subject.store.delete_function(&function("f")).await.works();
    assert_eq!(entry(subject, &f).await.works().version, 1);
}
