//! `/actors` and `/actors/{actor}`.

use http::Response;
use serde_json::Value;
use tidemill_core::{
    FunctionName, ProjectName, Timestamp,
    access::{Grants, Level, ObjectKind},
    ports::{EntryChange, Expected, StoreError},
};

use super::{
    actor::{self, Deployed, Stored},
    authorize, cron,
    envelope::{Answer, Fault},
    exchange::Exchange,
    finder, going, ids, linking,
    record::{self, ActorRecord, Definition, entry_id},
    search::Document,
};
use crate::reply::Body;

/// How often a change is tried again that somebody else's got in the way of.
const TRIES_MAX: u32 = 5;

/// `GET /actors`.
pub(crate) async fn list(x: &Exchange) -> Answer {
    if x.is_search() {
        let hits = finder::actors(x).await?;
        return Ok(x.answer("Actors search completed successfully.", hits));
    }
    let grants = x.engine().directory().all_grants(x.project(), ObjectKind::Function).await?;
    let none = Grants::default();
    let mut documents = Vec::new();
    let mut states = actor::States::default();
    for (project, record) in actor::all(x.engine(), Some(x.project())).await? {
        if x.principal.may(grants.get(record.id.as_str()).unwrap_or(&none), Level::Read) {
            let mut document = actor::outline(x.engine(), x.config(), &x.links, &project, &record).await?;
            states.add(x.engine(), &project, &record, &mut document).await?;
            documents.push(actor::public(document));
        }
    }
    Ok(x.show_all("Actors retrieved successfully.", documents))
}

async fn shown(x: &Exchange, message: &str, record: &ActorRecord) -> Result<Response<Body>, Fault> {
    let document = actor::document(x.engine(), x.config(), &x.links, x.project(), record).await?;
    Ok(x.show(message, actor::public(document)))
}

/// `GET /actors/{actor}`.
pub(crate) async fn show(x: &Exchange) -> Answer {
    shown(x, "Actor retrieved successfully.", x.actor()?).await
}

/// `POST /actors`.
pub(crate) async fn create(x: &Exchange) -> Answer {
    let definition = described(x, None).await?;
    let record = store_new(x, definition).await?;
    match actor::deploy(x.engine(), x.config(), x.project(), &record, false).await {
        Ok(Deployed::Done) => {}
        Ok(Deployed::Gone) => return Err(gone(&record.id)),
        Err(error) => {
            going::take_back(x.engine(), x.project(), &record).await?;
            return Err(error.into());
        }
    }
    let began = first_run(&record, None, x.received_at);
    let document = actor::document(x.engine(), x.config(), &x.links, x.project(), &record).await?;
    Ok(x.show("Actor created successfully.", with_first_run(actor::public(document), began)))
}

fn gone(id: &FunctionName) -> Fault {
    Fault::missing(format!("No actor found with identifier: {id}."))
}

async fn store_new(x: &Exchange, definition: Definition) -> Result<ActorRecord, Fault> {
    let (engine, now) = (x.engine(), x.received_at);
    for _ in 0..TRIES_MAX {
        let bits = engine.rng().bits();
        let id: FunctionName =
            ids::from_bits((bits >> 64) as u64 ^ bits as u64).parse().expect("an id is a function's name");
        let record = ActorRecord {
            format: record::FORMAT,
            id,
            owner: x.principal.user.clone(),
            created_at: now,
            updated_at: now,
            revision: 1,
            was_ready: false,
            is_going: false,
            definition: definition.clone(),
        };
        // The right comes first: an actor that its owner may not touch would be nobody's.
        engine.directory().grant(&record::object(x.project(), &record.id), &record.owner, Level::Update).await?;
        match engine.registry().change(vec![actor::write(x.project(), &record, Expected::Absent)]).await {
            Ok(()) => return Ok(record),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Stale.into())
}

/// `PUT /actors/{actor}`.
pub(crate) async fn put(x: &Exchange) -> Answer {
    let id = x.actor()?.id.clone();
    for _ in 0..TRIES_MAX {
        let Some(Stored { record: former, version }) = actor::find(x.engine(), x.project(), id.as_str()).await? else {
            return Err(gone(&id));
        };
        if former.is_going {
            return Err(Fault::bad("The actor is being deleted."));
        }
        let definition = described(x, Some(&former)).await?;
        let is_forced = x.fields.text("force").is_some_and(|text| !text.is_empty());
        let is_new = is_forced || definition.image != former.definition.image;
        let view = x.engine().function(&former.function(x.project()));
        let record = ActorRecord {
            updated_at: x.received_at,
            revision: former.revision.saturating_add(u32::from(is_new)),
            was_ready: !is_new && actor::has_been_ready(&former, view.as_ref()),
            definition,
            ..former.clone()
        };
        let change = actor::write(x.project(), &record, Expected::Version(version));
        match x.engine().registry().change(vec![change]).await {
            Ok(()) => {}
            Err(StoreError::Conflict(_)) => continue,
            Err(error) => return Err(error.into()),
        }
        match actor::deploy(x.engine(), x.config(), x.project(), &record, is_new).await? {
            Deployed::Done => {}
            Deployed::Gone => return Err(gone(&id)),
        }
        let began = first_run(&record, Some(&former), x.received_at);
        let document = actor::document(x.engine(), x.config(), &x.links, x.project(), &record).await?;
        return Ok(x.show("Actor updated successfully.", with_first_run(actor::public(document), began)));
    }
    Err(StoreError::Stale.into())
}

/// `DELETE /actors/{actor}`.
pub(crate) async fn delete(x: &Exchange) -> Answer {
    going::delete(x.engine(), x.project(), &x.actor()?.id).await?;
    Ok(x.answer("Actor deleted successfully.", Value::Null))
}

/// What the request says of the actor, the linked one looked up.
async fn described(x: &Exchange, former: Option<&ActorRecord>) -> Result<Definition, Fault> {
    authorize::authorize_fields(&x.principal, &x.fields).map_err(Fault::bad)?;
    let before = former.map(|former| &former.definition);
    let mut definition = Definition::read(&x.fields, before, &x.principal, x.config(), x.received_at)?;
    definition.linked = linking::resolve(x, &definition.link, former.map(|former| &former.id)).await?;
    Ok(definition)
}

/// A schedule that is new and begins in this hour runs at once.
fn first_run(record: &ActorRecord, former: Option<&ActorRecord>, now: Timestamp) -> Option<Timestamp> {
    let cron = record.definition.cron.as_ref().filter(|_| record.definition.cron_on)?;
    let is_new = former.is_none_or(|former| former.definition.cron.as_ref() != Some(cron));
    (is_new && cron.start == cron::floor(now)).then_some(cron.start)
}

/// Shows that run as the next one, in the answer to the request that asked for it.
fn with_first_run(mut document: Document, run: Option<Timestamp>) -> Document {
    if let Some(run) = run {
        document.insert("cron_next_ex".to_owned(), Value::String(cron::show(run)));
    }
    document
}

/// The change that takes an actor's entry away.
pub(crate) fn removal(record: &ActorRecord, project: &ProjectName) -> EntryChange {
    EntryChange { id: entry_id(project, record.id.as_str()), value: None, expected: Expected::Any }
}
