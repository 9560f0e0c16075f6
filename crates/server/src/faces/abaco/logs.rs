//! `/actors/{actor}/executions/{execution}/logs`: what the container printed, as one text.

use serde_json::{Map, Value, json};
use tidemill_core::{
    InvocationId,
    invocation::{LogLine, Status},
    limits::LOG_ATTEMPT_LINES_MAX,
    ports::{InvocationDetail, LogFilter, StoreError},
};
use tidemill_engine::Engine;

use super::{AbacoConfig, envelope::Answer, exchange::Exchange, executions, finder, search::Document};

/// Stands at the end of a log that was cut.
const CUT: &str = " LOG LIMIT EXCEEDED; this execution log was TRUNCATED!";

/// Lines that may come after [`LogLine::DROPPED`].
const LINES_AFTER_MAX: usize = 4;

/// `GET`.
pub(crate) async fn show(x: &Exchange) -> Answer {
    let actor = x.actor()?;
    let Some(detail) = executions::look(x).await? else {
        // Logs of what is not there, or not any more, are empty.
        let links = x.links.logs(&actor.id, x.param("execution"), &actor.owner);
        return Ok(x.answer("Logs retrieved successfully.", json!({"logs": "", "_links": links})));
    };
    let document = document(x, &actor.owner, &detail, true).await?;
    if x.is_search() {
        let hits = finder::log(x, document)?;
        return Ok(x.answer("Log search completed successfully.", hits));
    }
    Ok(x.answer("Logs retrieved successfully.", public(document)))
}

/// The member that has the text.
pub(crate) const TEXT: &str = "logs";

/// A log as searches see it, with its text or without.
pub(crate) async fn document(
    x: &Exchange,
    owner: &str,
    detail: &InvocationDetail,
    with_text: bool,
) -> Result<Document, StoreError> {
    let function = &detail.invocation.function;
    let id = detail.invocation.id.to_string();
    let mut document = Map::new();
    if with_text {
        document.insert(TEXT.to_owned(), text(x.engine(), x.config(), detail).await?.into());
    }
    document.insert("_links".to_owned(), x.links.logs(&function.name, &id, owner));
    document.insert("actor_id".to_owned(), function.name.as_str().into());
    document.insert("execution_id".to_owned(), id.into());
    document.insert("tenant".to_owned(), function.project.as_str().into());
    Ok(document)
}

/// A log as answers show it.
pub(crate) fn public(mut document: Document) -> Document {
    document.retain(|name, _: &mut Value| matches!(name.as_str(), "logs" | "_links"));
    document
}

/// The log of an execution: of its newest attempt, and as far as it has come while that runs.
pub(crate) async fn text(
    engine: &Engine,
    config: &AbacoConfig,
    detail: &InvocationDetail,
) -> Result<String, StoreError> {
    let id = detail.invocation.id;
    let live = match detail.invocation.status {
        Status::Running => engine.live_logs(id).await,
        Status::Queued | Status::Succeeded | Status::Failed | Status::DeadLettered | Status::Cancelled => None,
    };
    let lines = match live {
        Some(lines) => lines,
        None => stored(engine, id).await?,
    };
    Ok(joined(&lines, config.log_chars_max))
}

async fn stored(engine: &Engine, id: InvocationId) -> Result<Vec<LogLine>, StoreError> {
    let limit = u32::try_from(LOG_ATTEMPT_LINES_MAX + LINES_AFTER_MAX).unwrap_or(u32::MAX);
    let filter = LogFilter { invocation: Some(id), limit, ..LogFilter::default() };
    let lines = engine.store().logs(filter).await?;
    let newest = lines.iter().map(|line| line.attempt).max().unwrap_or_default();
    Ok(lines.into_iter().filter(|line| line.attempt == newest).map(|line| line.line).collect())
}

fn joined(lines: &[LogLine], chars_max: usize) -> String {
    let mut text = String::new();
    let mut was_cut = false;
    let last = lines.len().saturating_sub(LINES_AFTER_MAX);
    for (at, line) in lines.iter().enumerate() {
        // The last entries of a long log have several lines.
        for part in line.message.strip_suffix('\n').unwrap_or(&line.message).split('\n') {
            if at >= last && part == LogLine::DROPPED {
                was_cut = true;
                continue;
            }
            text.push_str(part);
            text.push('\n');
        }
        if line.fields.as_ref().is_some_and(|fields| fields.get(LogLine::CONTINUES).is_some()) {
            text.pop();
        }
    }
    if let Some((cut, _)) = text.char_indices().nth(chars_max) {
        text.truncate(cut);
        text.push_str(CUT);
    } else if was_cut {
        text.push_str(CUT);
    }
    text
}

#[cfg(test)]
mod tests {
    use tidemill_core::{Timestamp, invocation::LogLevel};

    use super::*;

    #[test]
    fn lines_become_a_text() {
        let line = |message: &str| LogLine {
            time: Timestamp(0),
            level: LogLevel::Info,
            message: message.to_owned(),
            fields: None,
        };
        let lines = [line("a"), line("ä\n"), line("")];
        assert_eq!(joined(&lines, 100), "a\nä\n\n");
        assert_eq!(joined(&lines, 5), "a\nä\n\n");
        assert_eq!(joined(&lines, 3), "a\nä LOG LIMIT EXCEEDED; this execution log was TRUNCATED!");
        assert_eq!(joined(&[], 0), "");
        let piece = LogLine { fields: Some(json!({LogLine::CONTINUES: true})), ..line("a") };
        assert_eq!(joined(&[piece, line("b"), line("c")], 100), "ab\nc\n");
        let cut = [line("a"), line(LogLine::DROPPED), line("the end")];
        assert_eq!(joined(&[line(&format!("a\n{}\nthe end", LogLine::DROPPED))], 100), joined(&cut, 100));
        assert_eq!(joined(&cut, 100), "a\nthe end\n LOG LIMIT EXCEEDED; this execution log was TRUNCATED!");
    }
}
