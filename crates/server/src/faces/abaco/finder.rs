//! Searches of the face: hands the documents that somebody may see to [`super::search`], one by one.
//!
//! Logs and states may be large. They are read where the search looks at them, one at a time, and again for the page that is
//! shown; what all of a page's take is bounded.

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
    search::{Document, Finding, Search},
    workers,
};

/// `GET /actors/search/{type}`.
pub(crate) async fn search(x: &Exchange) -> Answer {
    let hits = match x.param("type") {
        "actors" => actors(x).await?,
        "executions" => {
            let mut finding = finding(x)?;
            gather(x, &visible(x).await?, Kind::Executions, &mut finding).await?;
            shown(x, finding, |one| executions::public(one, false))
        }
        "workers" => {
            let mut finding = finding(x)?;
            for (project, actor) in visible(x).await? {
                workers::documents(x, &project, &actor).into_iter().for_each(|one| finding.add(one, None));
            }
            shown(x, finding, public_worker)
        }
        "logs" => {
            let mut finding = finding(x)?;
            let with_text = finding.needs(logs::TEXT);
            gather(x, &visible(x).await?, Kind::Logs { with_text }, &mut finding).await?;
            log_page(x, finding).await?
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
/// What the logs of one page may take together, in bytes.
const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

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

fn finding(x: &Exchange) -> Result<Finding, Fault> {
    Ok(Finding::new(Search::parse(&x.fields.query, x.case())?))
}

/// Actors.
pub(crate) async fn actors(x: &Exchange) -> Result<Value, Fault> {
    let mut finding = finding(x)?;
    let reads = finding.needs(actor::STATE);
    for (project, record) in visible(x).await? {
        let mut document = actor::outline(x.engine(), x.config(), &x.links, &project, &record).await?;
        if reads {
            document.insert(actor::STATE.to_owned(), actor::state(x.engine(), &project, &record).await?);
        }
        finding.add(document, Some(actor::STATE));
    }
    let mut hits = finding.hits();
    let mut states = actor::States::default();
    for document in &mut hits.documents {
        if let Some(found) = actor::find(x.engine(), x.project(), document["id"].as_str().unwrap_or_default()).await? {
            states.add(x.engine(), x.project(), &found.record, document).await?;
        }
    }
    hits.documents = hits.documents.into_iter().map(actor::public).collect();
    Ok(hits.show(x.case()))
}

/// Executions of one actor.
pub(crate) async fn executions(x: &Exchange, actor: &ActorRecord) -> Result<Value, Fault> {
    let mut finding = finding(x)?;
    gather(x, &[(x.project().clone(), actor.clone())], Kind::Executions, &mut finding).await?;
    Ok(shown(x, finding, |one| executions::public(one, false)))
}

/// Workers of one actor.
pub(crate) fn workers(x: &Exchange, actor: &ActorRecord) -> Result<Value, Fault> {
    let mut finding = finding(x)?;
    workers::documents(x, x.project(), actor).into_iter().for_each(|one| finding.add(one, None));
    Ok(shown(x, finding, public_worker))
}

/// The log of one execution.
pub(crate) fn log(x: &Exchange, document: Document) -> Result<Value, Fault> {
    let mut finding = finding(x)?;
    finding.add(document, None);
    Ok(shown(x, finding, logs::public))
}

/// The logs that were found, with their texts.
async fn log_page(x: &Exchange, finding: Finding) -> Result<Value, Fault> {
    let mut hits = finding.hits();
    let mut size = 0;
    for document in &mut hits.documents {
        let id = document.get("execution_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let detail = match id {
            Some(id) => executions::detail(x.engine(), id).await?,
            None => None,
        };
        let text = match detail {
            Some(detail) => logs::text(x.engine(), x.config(), &detail).await?,
            None => String::new(),
        };
        size += text.len();
        if size > PAGE_BYTES_MAX {
            return Err(Fault::bad(format!(
                "Invalid search: the logs of this page have more than {PAGE_BYTES_MAX} bytes; ask for fewer with limit."
            )));
        }
        document.insert(logs::TEXT.to_owned(), text.into());
    }
    hits.documents = hits.documents.into_iter().map(logs::public).collect();
    Ok(hits.show(x.case()))
}

fn public_worker(mut document: Document) -> Document {
    document.remove("tenant");
    document
}

fn shown(x: &Exchange, finding: Finding, public: impl Fn(Document) -> Document) -> Value {
    let mut hits = finding.hits();
    hits.documents = hits.documents.into_iter().map(public).collect();
    hits.show(x.case())
}

/// What of executions a search looks at.
#[derive(Clone, Copy)]
enum Kind {
    Executions,
    Logs { with_text: bool },
}

/// Looks at the executions of actors, the newest of each, until there were enough.
async fn gather(
    x: &Exchange,
    actors: &[(ProjectName, ActorRecord)],
    kind: Kind,
    finding: &mut Finding,
) -> Result<(), Fault> {
    let mut left = DOCUMENTS_MAX;
    for (project, actor) in actors {
        let newest = left.min(executions::LISTED_MAX);
        for invocation in executions::all(x.engine(), &actor.function(project), newest).await? {
            // One that was forgotten meanwhile is not there.
            let Some(detail) = executions::detail(x.engine(), invocation.id).await? else { continue };
            left = left.saturating_sub(1);
            match kind {
                Kind::Executions => finding.add(executions::document(&x.links, project, actor, &detail), None),
                Kind::Logs { with_text } => {
                    finding.add(logs::document(x, &actor.owner, &detail, with_text).await?, Some(logs::TEXT));
                }
            }
        }
    }
    Ok(())
}
