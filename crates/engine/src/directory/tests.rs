//! The directory over a registry in memory that lets others change things in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use parking_lot::Mutex;
use tidemill_core::{
    FunctionName, FunctionRef, ProjectName, Timestamp,
    access::{Level, Object, ObjectKind, Role, Roles, WORLD},
    ports::{Clock, Entry, EntryChange, EntryId, EntryKind, Expected, Registry, Rng, StoreError, Vault, VaultError},
};

use super::{Directory, DirectoryError, Functions, NONCES_MAX, NewConfig, NewNonce, NonceRefusal};

#[derive(Default)]
struct Documents {
    entries: Mutex<BTreeMap<EntryId, (u64, serde_json::Value)>>,
    /// So many of the next changes are refused, as if somebody else had been quicker.
    refusals: AtomicU64,
    reads: AtomicU64,
}

impl Documents {
    fn holds(&self, change: &EntryChange) -> bool {
        let version = self.entries.lock().get(&change.id).map(|(version, _)| *version);
        match change.expected {
            Expected::Any => true,
            Expected::Absent => version.is_none(),
            Expected::Version(wanted) => version == Some(wanted),
        }
    }
}

#[async_trait]
impl Registry for Documents {
    async fn entry(&self, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        self.reads.fetch_add(1, Relaxed);
        let entries = self.entries.lock();
        Ok(entries.get(id).map(|(version, value)| Entry { id: id.clone(), version: *version, value: value.clone() }))
    }

    async fn entries(&self, kind: EntryKind, project: Option<&ProjectName>) -> Result<Vec<Entry>, StoreError> {
        self.reads.fetch_add(1, Relaxed);
        let entries = self.entries.lock();
        let wanted = entries.iter().filter(|(id, _)| id.kind == kind && project.is_none_or(|p| id.project == *p));
        Ok(wanted
            .map(|(id, (version, value))| Entry { id: id.clone(), version: *version, value: value.clone() })
            .collect())
    }

    async fn entries_in(&self, kind: EntryKind, project: &ProjectName, folder: &str) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.entries(kind, Some(project)).await?;
        entries.retain(|entry| entry.id.name.starts_with(&format!("{folder}/")));
        Ok(entries)
    }

    async fn change(&self, changes: Vec<EntryChange>) -> Result<(), StoreError> {
        if self.refusals.try_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            return Err(StoreError::Conflict("somebody was quicker".into()));
        }
        if !changes.iter().all(|change| self.holds(change)) {
            return Err(StoreError::Conflict("an expectation does not hold".into()));
        }
        let mut entries = self.entries.lock();
        for change in changes {
            let version = entries.get(&change.id).map_or(0, |(version, _)| *version);
            match change.value {
                Some(value) => entries.insert(change.id, (version + 1, value)),
                None => entries.remove(&change.id),
            };
        }
        Ok(())
    }
}

/// The functions there are: those that nobody deleted.
#[derive(Default)]
struct AllBut(Mutex<BTreeSet<String>>);

impl Functions for AllBut {
    fn has(&self, function: &FunctionRef) -> bool {
        // A function is named by one letter here.
        function.name.as_str().len() == 1 && !self.0.lock().contains(function.name.as_str())
    }
}

/// Seals by turning the text around.
struct Mirror;

impl Vault for Mirror {
    fn seal(&self, plain: &[u8], about: &str) -> Result<String, VaultError> {
        let text = String::from_utf8_lossy(plain);
        Ok(format!("{about}|{}", text.chars().rev().collect::<String>()))
    }

    fn open(&self, sealed: &str, about: &str) -> Result<Vec<u8>, VaultError> {
        let (place, text) = sealed.split_once('|').ok_or(VaultError::Refused)?;
        if place != about {
            return Err(VaultError::Refused);
        }
        Ok(text.chars().rev().collect::<String>().into_bytes())
    }
}

/// Each look at it is a millisecond later.
#[derive(Default)]
struct Ticks(AtomicI64);

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1_000, Relaxed))
    }
}

#[derive(Default)]
struct Counted(AtomicU64);

impl Rng for Counted {
    fn bits(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Relaxed)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

fn directory() -> (Directory, Arc<Documents>) {
    let (directory, documents, _) = timed();
    (directory, documents)
}

fn timed() -> (Directory, Arc<Documents>, Arc<Ticks>) {
    let (documents, ticks) = (Arc::new(Documents::default()), Arc::new(Ticks::default()));
    (over(&documents, Arc::default(), &ticks), documents, ticks)
}

fn over(documents: &Arc<Documents>, functions: Arc<AllBut>, ticks: &Arc<Ticks>) -> Directory {
    Directory::new(documents.clone(), functions, Arc::new(Mirror), ticks.clone(), Arc::new(Counted::default()))
}

/// With functions that can be deleted.
fn with_functions() -> (Directory, Arc<Documents>, Arc<AllBut>) {
    let (documents, functions) = (Arc::new(Documents::default()), Arc::<AllBut>::default());
    (over(&documents, functions.clone(), &Arc::default()), documents, functions)
}

fn project() -> ProjectName {
    "shop".parse().unwrap()
}

fn name(text: &str) -> FunctionName {
    text.parse().unwrap()
}

fn object(kind: ObjectKind, name: &str) -> Object {
    Object { kind, project: project(), name: name.to_owned() }
}

fn function(name_text: &str) -> Object {
    object(ObjectKind::Function, name_text)
}

fn config(name: &str, value: &str, targets: &str, creator: &str) -> NewConfig {
    NewConfig {
        name: name.into(),
        value: value.into(),
        is_secret: false,
        targets: targets.into(),
        creator: creator.into(),
        creator_is_admin: false,
    }
}

fn new_nonce(object: Object, level: Level, uses_max: Option<u64>) -> NewNonce {
    let roles = Roles::from([Role::User]);
    NewNonce { object, owner: "ann".into(), roles, level, uses_max, description: "for a friend".into() }
}

#[tokio::test]
async fn an_alias_is_made_once_points_elsewhere_and_goes_with_its_grants_and_nonces() {
    let (directory, documents) = directory();
    let alias = directory.create_alias(&project(), "big one", name("f"), "ann").await.unwrap();
    assert_eq!((alias.name.as_str(), alias.owner.as_str()), ("big one", "ann"));
    let again = directory.create_alias(&project(), "big one", name("g"), "bob").await;
    assert!(matches!(again, Err(DirectoryError::Exists)));
    assert_eq!(directory.grants(&object(ObjectKind::Alias, "big one")).await.unwrap().level_of("ann"), Level::Update);
    assert_eq!(directory.grants(&object(ObjectKind::Alias, "big one")).await.unwrap().level_of("bob"), Level::None);

    documents.refusals.store(3, Relaxed);
    let moved = directory.point_alias(&project(), "big one", name("g")).await.unwrap();
    assert_eq!((moved.function.as_str(), moved.owner.as_str(), moved.created_at), ("g", "ann", alias.created_at));
    assert_eq!(directory.aliases(&project()).await.unwrap(), vec![moved]);

    directory.create_nonce(new_nonce(object(ObjectKind::Alias, "big one"), Level::Read, None)).await.unwrap();
    directory.delete_alias(&project(), "big one").await.unwrap();
    assert_eq!(documents.entries.lock().len(), 0, "nothing of it is left");
    assert!(matches!(directory.delete_alias(&project(), "big one").await, Err(DirectoryError::NotFound)));
    let missing = directory.point_alias(&project(), "big one", name("g")).await;
    assert!(matches!(missing, Err(DirectoryError::NotFound)));
}

#[tokio::test]
async fn grants_are_kept_whoever_else_grants_and_are_of_one_object() {
    let (directory, documents) = directory();
    assert_eq!(directory.grants(&function("f")).await.unwrap().0.len(), 0);
    documents.refusals.store(2, Relaxed);
    directory.grant(&function("f"), "ann", Level::Update).await.unwrap();
    directory.grant(&function("f"), WORLD, Level::Read).await.unwrap();
    let grants = directory.grant(&function("f"), "ann", Level::None).await.unwrap();
    assert_eq!((grants.level_of("ann"), grants.level_of("bob")), (Level::Read, Level::Read));
    directory.grant(&object(ObjectKind::Alias, "f"), "bob", Level::Update).await.unwrap();

    let all = directory.all_grants(&project(), ObjectKind::Function).await.unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["f"]);
    directory.forget(&function("f")).await.unwrap();
    assert_eq!(directory.grants(&function("f")).await.unwrap().0.len(), 0);
    assert_eq!(directory.all_grants(&project(), ObjectKind::Alias).await.unwrap().len(), 1);

    documents.refusals.store(u64::MAX, Relaxed);
    assert!(matches!(directory.grant(&function("f"), "ann", Level::Read).await, Err(DirectoryError::Conflict)));
}

#[tokio::test]
async fn a_new_object_is_its_owners_alone() {
    let (directory, documents) = directory();
    directory.grant(&function("f"), "bob", Level::Update).await.unwrap();
    directory.create_nonce(new_nonce(function("f"), Level::Update, None)).await.unwrap();
    documents.refusals.store(2, Relaxed);
    directory.own(&directory.naming().await, &function("f"), "ann").await.unwrap();
    let grants = directory.grants(&function("f")).await.unwrap();
    assert_eq!((grants.level_of("ann"), grants.level_of("bob")), (Level::Update, Level::None));
    assert!(directory.nonces(&function("f")).await.unwrap().is_empty());
    directory.disown(&function("f")).await.unwrap();
    assert_eq!(documents.entries.lock().len(), 0);
}

#[tokio::test]
async fn a_nonce_lets_in_for_its_object_up_to_its_level_so_often() {
    let (directory, documents) = directory();
    directory.grant(&function("f"), "ann", Level::Update).await.unwrap();
    directory.create_alias(&project(), "also", name("f"), "ann").await.unwrap();
    let nonce = directory.create_nonce(new_nonce(function("f"), Level::Execute, Some(2))).await.unwrap();
    let (project_part, random) = nonce.id.rsplit_once('_').unwrap();
    assert_eq!((project_part, random.len()), ("shop", 13));
    assert!(random.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    let id = nonce.id.as_str();

    let refused = directory.use_nonce(id, &function("g"), Level::Read).await;
    assert!(matches!(refused, Err(NonceRefusal::Unknown)), "it is of another function");
    let refused = directory.use_nonce(id, &object(ObjectKind::Alias, "also"), Level::Read).await;
    assert!(matches!(refused, Err(NonceRefusal::Unknown)), "it is of a function, not of an alias");
    let refused = directory.use_nonce(id, &function("f"), Level::Update).await;
    assert!(matches!(refused, Err(NonceRefusal::Level)));
    assert_eq!(directory.nonce(&function("f"), id).await.unwrap().unwrap().uses, 0, "refusals use none");

    documents.refusals.store(3, Relaxed);
    let principal = directory.use_nonce(id, &function("f"), Level::Execute).await.unwrap();
    assert_eq!((principal.user.as_str(), principal.roles), ("ann", Roles::from([Role::User])));
    directory.use_nonce(id, &function("f"), Level::Read).await.unwrap();
    let refused = directory.use_nonce(id, &function("f"), Level::Read).await;
    assert!(matches!(refused, Err(NonceRefusal::UsedUp)));
    let used = directory.nonce(&function("f"), id).await.unwrap().unwrap();
    assert_eq!(used.uses, 2);
    assert!(used.last_used_at > Some(used.created_at));

    directory.delete_nonce(&function("f"), id).await.unwrap();
    assert!(matches!(directory.delete_nonce(&function("f"), id).await, Err(DirectoryError::NotFound)));
    let refused = directory.use_nonce(id, &function("f"), Level::Read).await;
    assert!(matches!(refused, Err(NonceRefusal::Unknown)));
}

#[tokio::test]
async fn nonces_are_listed_by_object_and_forgotten_with_it() {
    let (directory, _) = directory();
    for (object, level) in [(function("f"), Level::Read), (function("g"), Level::Read), (function("f"), Level::None)] {
        directory.create_nonce(new_nonce(object, level, None)).await.unwrap();
    }
    let levels = |nonces: Vec<super::Nonce>| nonces.iter().map(|nonce| nonce.level).collect::<Vec<_>>();
    assert_eq!(levels(directory.nonces(&function("f")).await.unwrap()), [Level::Read, Level::None]);
    directory.forget(&function("f")).await.unwrap();
    assert_eq!(levels(directory.nonces(&function("f")).await.unwrap()), []);
    assert_eq!(levels(directory.nonces(&function("g")).await.unwrap()), [Level::Read]);
}

#[tokio::test]
async fn a_secret_config_is_sealed_at_rest_and_open_in_the_function_only() {
    let (directory, documents) = directory();
    let new = NewConfig { is_secret: true, creator_is_admin: true, ..config("key", "swordfish", "f", "root") };
    let made = directory.create_config(&project(), new.clone()).await.unwrap();
    assert_eq!(made.value, "shop/config/key|hsifdrows");
    assert!(matches!(directory.create_config(&project(), new).await, Err(DirectoryError::Exists)));
    let stored = format!("{:?}", documents.entries.lock());
    assert!(!stored.contains("swordfish"), "{stored}");
    let values = directory.configs_for(&FunctionRef::new(project(), name("f"))).await.unwrap();
    assert_eq!(*values, BTreeMap::from([("key".to_owned(), "swordfish".to_owned())]));

    let moved = documents.entries.lock().remove(&super::entries::id(EntryKind::Config, &project(), "key")).unwrap();
    documents.entries.lock().insert(super::entries::id(EntryKind::Config, &project(), "other"), moved);
    drop(directory.cache.forgetting([project()].into()));
    let refused = directory.configs_for(&FunctionRef::new(project(), name("f"))).await;
    assert!(matches!(refused, Err(DirectoryError::Vault(VaultError::Refused))), "it was sealed for another place");
}

#[tokio::test]
async fn configs_reach_the_functions_that_their_writer_may_change() {
    let (directory, _) = directory();
    directory.grant(&function("f"), "ann", Level::Update).await.unwrap();
    directory.grant(&function("f"), "bob", Level::Execute).await.unwrap();
    directory.create_alias(&project(), "front", name("f"), "ann").await.unwrap();
    let f = FunctionRef::new(project(), name("f"));
    let g = FunctionRef::new(project(), name("g"));
    for new in [
        config("by-name", "1", "f", "ann"),
        config("by-alias", "2", "x , front", "ann"),
        config("by-part-of-a-name", "3", "ff,fron", "ann"),
        config("by-bob", "4", "f", "bob"),
        NewConfig { creator_is_admin: true, ..config("by-root", "5", "f,g", "root") },
    ] {
        directory.create_config(&project(), new).await.unwrap();
    }
    let names = |values: Arc<BTreeMap<String, String>>| values.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(directory.configs_for(&f).await.unwrap()), ["by-alias", "by-name", "by-root"]);
    assert_eq!(names(directory.configs_for(&g).await.unwrap()), ["by-root"]);

    directory.grant(&function("f"), "bob", Level::Update).await.unwrap();
    directory.point_alias(&project(), "front", name("g")).await.unwrap();
    directory.delete_config(&project(), "by-root").await.unwrap();
    assert_eq!(names(directory.configs_for(&f).await.unwrap()), ["by-bob", "by-name"]);

    let written = directory.put_config(&project(), config("by-name", "6", "f", "eve")).await.unwrap();
    assert_eq!((written.creator.as_str(), written.value.as_str()), ("ann", "6"));
    assert_eq!(names(directory.configs_for(&f).await.unwrap()), ["by-bob"], "what eve wrote does not reach it");
    let missing = directory.put_config(&project(), config("none", "1", "f", "ann")).await;
    assert!(matches!(missing, Err(DirectoryError::NotFound)));
    assert_eq!(directory.configs(&project()).await.unwrap().len(), 4);
    let grants = directory.grants(&object(ObjectKind::Config, "by-bob")).await.unwrap();
    assert_eq!(grants.level_of("bob"), Level::Update);
    assert_eq!(directory.config(&project(), "by-root").await.unwrap(), None);
}

#[tokio::test]
async fn the_configs_of_a_function_are_read_once_until_something_changes() {
    let (directory, documents, ticks) = timed();
    let f = FunctionRef::new(project(), name("f"));
    directory.configs_for(&f).await.unwrap();
    let reads = documents.reads.load(Relaxed);
    directory.configs_for(&f).await.unwrap();
    assert_eq!(documents.reads.load(Relaxed), reads);
    directory.create_config(&project(), config("a", "1", "f", "ann")).await.unwrap();
    directory.grant(&function("f"), "ann", Level::Update).await.unwrap();
    for _ in 0..2 {
        assert_eq!(directory.grants(&function("f")).await.unwrap().level_of("ann"), Level::Update);
    }
    let reads = documents.reads.load(Relaxed);
    directory.grants(&function("f")).await.unwrap();
    assert_eq!(documents.reads.load(Relaxed), reads);
    assert_eq!(directory.configs_for(&f).await.unwrap().len(), 1);

    // Another node takes the grant away behind its back.
    let grants = super::entries::grants_id(&function("f"));
    documents.entries.lock().remove(&grants);
    assert_eq!(directory.grants(&function("f")).await.unwrap().level_of("ann"), Level::Update);
    ticks.0.fetch_add(5_000_000, Relaxed);
    assert_eq!(directory.grants(&function("f")).await.unwrap().level_of("ann"), Level::None);
    assert_eq!(directory.configs_for(&f).await.unwrap().len(), 1, "a call does not depend on the store");
}

#[tokio::test]
async fn a_nonce_ends_with_the_right_of_its_maker() {
    let (directory, _) = directory();
    directory.create_alias(&project(), "also", name("f"), "ann").await.unwrap();
    let alias = object(ObjectKind::Alias, "also");
    let admin = NewNonce { roles: Roles::from([Role::Admin]), ..new_nonce(function("f"), Level::Update, None) };
    let admin = directory.create_nonce(admin).await.unwrap();
    for object in [function("f"), alias] {
        let nonce = directory.create_nonce(new_nonce(object.clone(), Level::Execute, Some(1))).await.unwrap();
        for held in [Level::None, Level::Read] {
            directory.grant(&function("f"), "ann", held).await.unwrap();
            let refused = directory.use_nonce(&nonce.id, &object, Level::Execute).await;
            assert!(matches!(refused, Err(NonceRefusal::Maker)));
        }
        directory.grant(&function("f"), "ann", Level::Execute).await.unwrap();
        directory.use_nonce(&nonce.id, &object, Level::Execute).await.expect("refused uses were not counted");
    }
    directory.grant(&function("f"), "ann", Level::None).await.unwrap();
    let principal = directory.use_nonce(&admin.id, &function("f"), Level::Update).await.unwrap();
    assert!(principal.is_admin(), "with the roles of the time when it was made");
}

#[tokio::test]
async fn nonces_of_an_object_are_so_many_at_most_and_none_is_made_for_what_is_gone() {
    let (directory, _, functions) = with_functions();
    let new = |name: &str| new_nonce(function(name), Level::Read, None);
    for _ in 0..NONCES_MAX {
        directory.create_nonce(new("f")).await.unwrap();
    }
    assert!(matches!(directory.create_nonce(new("f")).await, Err(DirectoryError::TooMany(NONCES_MAX))));
    directory.create_nonce(new("g")).await.unwrap();
    functions.0.lock().insert("g".into());
    assert!(matches!(directory.create_nonce(new("g")).await, Err(DirectoryError::NotFound)));
    let of_alias = new_nonce(object(ObjectKind::Alias, "none"), Level::Read, None);
    assert!(matches!(directory.create_nonce(of_alias).await, Err(DirectoryError::NotFound)));
    for name in ["one", "one/b"] {
        directory.create_alias(&project(), name, self::name("f"), "ann").await.unwrap();
        directory.create_nonce(new_nonce(object(ObjectKind::Alias, name), Level::Read, None)).await.unwrap();
    }
    let of = async |alias: &str| directory.nonces(&object(ObjectKind::Alias, alias)).await.unwrap();
    assert_eq!((of("one/b").await.len(), of("one").await.len()), (1, 1));
    let inner = of("one/b").await[0].id.clone();
    let outer = object(ObjectKind::Alias, "one");
    assert!(of("one").await.iter().all(|nonce| nonce.object == outer));
    assert_eq!(directory.nonce(&outer, &format!("b/{inner}")).await.unwrap(), None);
}

#[tokio::test]
async fn an_alias_takes_no_name_of_a_function_and_a_function_comes_before_an_alias() {
    let (directory, _, functions) = with_functions();
    let taken = directory.create_alias(&project(), "f", name("g"), "mallory").await;
    assert!(matches!(taken, Err(DirectoryError::Exists)));
    // Before there was the function it could be made.
    functions.0.lock().insert("f".into());
    directory.create_alias(&project(), "f", name("g"), "mallory").await.unwrap();
    functions.0.lock().clear();
    directory.grant(&function("g"), "root", Level::Update).await.unwrap();
    directory
        .create_config(&project(), NewConfig { creator_is_admin: true, ..config("key", "1", "f", "root") })
        .await
        .unwrap();
    let (f, g) = (FunctionRef::new(project(), name("f")), FunctionRef::new(project(), name("g")));
    assert_eq!(directory.configs_for(&f).await.unwrap().len(), 1);
    assert_eq!(directory.configs_for(&g).await.unwrap().len(), 0, "the name means the function");
    directory.delete_alias(&project(), "f").await.unwrap();
    assert_eq!(directory.configs_for(&f).await.unwrap().len(), 1, "the config is for the function");
}

#[tokio::test]
async fn what_was_meant_for_one_reaches_nobody_who_takes_its_name() {
    let (directory, documents, functions) = with_functions();
    let f = FunctionRef::new(project(), name("f"));
    directory.create_alias(&project(), "front", name("f"), "root").await.unwrap();
    directory.create_alias(&project(), "back", name("f"), "root").await.unwrap();
    for (name, targets) in [("by-name", "g, f ,ff"), ("by-alias", "front"), ("by-other-alias", "back,f")] {
        let new = NewConfig { creator_is_admin: true, ..config(name, "1", targets, "root") };
        directory.create_config(&project(), new).await.unwrap();
    }
    assert_eq!(directory.configs_for(&f).await.unwrap().len(), 3);
    directory.delete_alias(&project(), "back").await.unwrap();
    directory.create_alias(&project(), "back", name("f"), "mallory").await.unwrap();
    let targets = async |name: &str| directory.config(&project(), name).await.unwrap().unwrap().targets;
    assert_eq!(targets("by-other-alias").await, "f", "another alias of that name means nothing to it");
    // The function is deleted, and somebody else makes one of that name.
    documents.refusals.store(3, Relaxed);
    directory.part(&directory.naming().await, &function("f")).await.unwrap();
    directory.grant(&function("f"), "root", Level::Update).await.unwrap();
    assert_eq!(*directory.configs_for(&f).await.unwrap(), BTreeMap::new());
    assert_eq!((targets("by-name").await, targets("by-other-alias").await), ("g,ff".into(), String::new()));
    assert!(directory.alias(&project(), "front").await.unwrap().unwrap().dangles);
    // Who points the alias there anew means the new one. While there is no function, it goes on dangling.
    functions.0.lock().insert("f".into());
    assert!(directory.point_alias(&project(), "front", name("f")).await.unwrap().dangles);
    functions.0.lock().clear();
    directory.point_alias(&project(), "front", name("f")).await.unwrap();
    assert_eq!(directory.configs_for(&f).await.unwrap().keys().collect::<Vec<_>>(), ["by-alias"]);
}

#[tokio::test]
async fn a_change_forgets_its_own_project_only() {
    let (directory, documents) = directory();
    let elsewhere = FunctionRef::new("bakery".parse().unwrap(), name("f"));
    directory.configs_for(&elsewhere).await.unwrap();
    directory.configs_for(&FunctionRef::new(project(), name("f"))).await.unwrap();
    directory.grant(&function("f"), "ann", Level::Read).await.unwrap();
    let reads = documents.reads.load(Relaxed);
    directory.configs_for(&elsewhere).await.unwrap();
    assert_eq!(documents.reads.load(Relaxed), reads);
    directory.configs_for(&FunctionRef::new(project(), name("f"))).await.unwrap();
    assert!(documents.reads.load(Relaxed) > reads);
}
