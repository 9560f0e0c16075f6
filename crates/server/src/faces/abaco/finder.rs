//! Searches of the face: gathers the documents that somebody may see and hands them to [`super::search`].

use serde_json::Value;
use tidemill_core::{
    ProjectName,
    access::{Level, ObjectKind},
};

use super::{
    actor,
    envelope::{Answer, Fault},
    exchange::Exchange,
    executions, logs,
    record::ActorRecord,
    search::{Document, Search},
    workers,
};

/// `GET /actors/search/{type}`.
pub(crate) async fn search(x: &Exchange) -> Answer {
    let hits = match x.param("type") {
        "actors" => actors(x).await?,
        "executions" => {
            let mut documents = Vec::new();
            for (project, actor) in visible(x).await? {
                gather_executions(x, &project, &actor, &mut documents).await?;
            }
            page_of(x, documents, |one| executions::public(one, false))?
        }
        "workers" => {
            let seen = visible(x).await?;
            let documents = seen.iter().flat_map(|(project, actor)| workers::documents(x, project, actor));
            page_of(x, documents.collect(), public_worker)?
        }
        "logs" => {
            let mut documents = Vec::new();
            for (project, actor) in visible(x).await? {
                gather_logs(x, &project, &actor, &mut documents).await?;
            }
            page(x, documents)?
        }
        other => {
            let shown: String = other.chars().take(40).collect();
            return Err(Fault::bad(format!(
                "Invalid search: there is no type {shown:?}; there are actors, executions, workers and logs."
            )));
        }
    };
    Ok(x.answer("Search completed successfully.", hits))
}

/// Documents that searches of everything look at.
const DOCUMENTS_MAX: usize = 20_000;

/// The actors that searches show: those somebody was given a right on by name.
async fn visible(x: &Exchange) -> Result<Vec<(ProjectName, ActorRecord)>, Fault> {
    let grants = x.engine().directory().all_grants(x.project(), ObjectKind::Function).await?;
    let is_seen = |actor: &ActorRecord| {
        let own = grants.get(actor.id.as_str()).and_then(|grants| grants.0.get(&x.principal.user));
        own.is_some_and(|level| *level >= Level::Read)
    };
    let actors = actor::all(x.engine(), Some(x.project())).await?;
    Ok(actors.into_iter().filter(|(_, actor)| is_seen(actor)).collect())
}

/// Actors.
pub(crate) async fn actors(x: &Exchange) -> Result<Value, Fault> {
    let mut documents = Vec::new();
    for (project, record) in visible(x).await? {
        documents.push(actor::document(x.engine(), x.config(), &x.links, &project, &record).await?);
    }
    page_of(x, documents, actor::public)
}

/// Executions of one actor.
pub(crate) async fn executions(x: &Exchange, actor: &ActorRecord) -> Result<Value, Fault> {
    let mut documents = Vec::new();
    gather_executions(x, x.project(), actor, &mut documents).await?;
    page_of(x, documents, |one| executions::public(one, false))
}

/// Workers of one actor.
pub(crate) fn workers(x: &Exchange, actor: &ActorRecord) -> Result<Value, Fault> {
    page_of(x, workers::documents(x, x.project(), actor), public_worker)
}

/// Logs.
pub(crate) fn page(x: &Exchange, documents: Vec<Document>) -> Result<Value, Fault> {
    page_of(x, documents, logs::public)
}

fn public_worker(mut document: Document) -> Document {
    document.remove("tenant");
    document
}

fn page_of(x: &Exchange, documents: Vec<Document>, public: impl Fn(Document) -> Document) -> Result<Value, Fault> {
    let mut hits = Search::parse(&x.fields.query, x.case())?.run(documents);
    hits.documents = hits.documents.into_iter().map(public).collect();
    Ok(hits.show(x.case()))
}

async fn gather_executions(
    x: &Exchange,
    project: &ProjectName,
    actor: &ActorRecord,
    documents: &mut Vec<Document>,
) -> Result<(), Fault> {
    let left = DOCUMENTS_MAX.saturating_sub(documents.len()).min(executions::LISTED_MAX);
    for invocation in executions::all(x.engine(), &actor.function(project), left).await? {
        // One that was forgotten meanwhile is not there.
        if let Ok(detail) = x.engine().store().invocation(invocation.id).await {
            documents.push(executions::document(&x.links, project, actor, &detail));
        }
    }
    Ok(())
}

async fn gather_logs(
    x: &Exchange,
    project: &ProjectName,
    actor: &ActorRecord,
    documents: &mut Vec<Document>,
) -> Result<(), Fault> {
    let left = DOCUMENTS_MAX.saturating_sub(documents.len()).min(executions::LISTED_MAX);
    for invocation in executions::all(x.engine(), &actor.function(project), left).await? {
        if let Ok(detail) = x.engine().store().invocation(invocation.id).await {
            documents.push(logs::document(x, &actor.owner, &detail).await?);
        }
    }
    Ok(())
}
