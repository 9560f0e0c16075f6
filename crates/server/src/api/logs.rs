//! Logs, read once or followed.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use tidemill_api::{LogLine, LogList, route};
use tidemill_core::{invocation::Status, ports::LogFilter};
use tokio::time::{Instant, sleep};
use utoipa::IntoParams;

use super::{
    Problems,
    extract::{Params, invocation, no_function},
    scope::Scope,
};
use crate::{refusal::Refusal, shared::App};

/// Lines when no number is asked for.
const LINES: u32 = 100;
/// The most lines at once.
const LINES_MAX: u32 = 10_000;
/// How often the store is asked for new lines while somebody follows.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);
/// An empty line is sent after so long without news, so that a reader who is gone is noticed.
const FOLLOW_SIGN: Duration = Duration::from_secs(15);

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Lines {
    /// The project; `default` when absent, or the one that the token is of.
    #[expect(dead_code, reason = "the layer of authorization reads it")]
    project: Option<String>,
    /// The lines after this position; the last ones when absent.
    after: Option<i64>,
    /// At most so many, 100 when absent, never more than 10000.
    limit: Option<u32>,
    /// `true` goes on with new lines as they come, as a stream of JSON lines (application/x-ndjson).
    follow: Option<bool>,
}

impl Lines {
    fn limit(&self) -> u32 {
        self.limit.unwrap_or(LINES).min(LINES_MAX)
    }
}

/// What a function printed and logged, oldest first.
#[utoipa::path(get, path = route::FUNCTION_LOGS, tag = "functions", operation_id = "show_function_logs",
    params(("name" = String, Path, description = "The function."), Lines),
    responses(Problems, (status = 200, description = "The lines.", body = LogList)))]
pub(super) async fn of_function(
    State(app): State<App>,
    scope: Scope,
    Params(lines): Params<Lines>,
) -> Result<Response, Refusal> {
    let function = scope.function();
    if app.engine.target(&function).is_none() {
        return Err(no_function(&app, &function));
    }
    let filter = LogFilter { function: Some(function), invocation: None, after: lines.after, limit: lines.limit() };
    answer(app, filter, lines.follow.unwrap_or(false), Vec::new()).await
}

/// What an invocation printed and logged, oldest first.
#[utoipa::path(get, path = route::INVOCATION_LOGS, tag = "invocations", operation_id = "show_invocation_logs",
    params(("id" = uuid::Uuid, Path, description = "The invocation."), Lines),
    responses(Problems, (status = 200, description = "The lines.", body = LogList)))]
pub(super) async fn of_invocation(
    State(app): State<App>,
    Path(id): Path<String>,
    Params(lines): Params<Lines>,
) -> Result<Response, Refusal> {
    let id = invocation(&id)?;
    let found = app.engine.store().invocation(id).await.map_err(|error| Refusal::of_invocation(error, id))?;
    let filter = LogFilter { function: None, invocation: Some(id), after: lines.after, limit: lines.limit() };
    let follow = lines.follow.unwrap_or(false);
    let mut live = Vec::new();
    if !follow && found.invocation.status == Status::Running {
        let (function, attempt) = (found.invocation.function.name.to_string(), found.invocation.attempts);
        let lines = app.engine.live_logs(id).await.unwrap_or_default();
        live.extend(lines.into_iter().map(|line| LogLine::live(line, &function, id, attempt)));
    }
    answer(app, filter, follow, live).await
}

async fn answer(app: App, filter: LogFilter, follow: bool, live: Vec<LogLine>) -> Result<Response, Refusal> {
    let lines: Vec<LogLine> = if filter.limit == 0 && !follow {
        Vec::new()
    } else {
        app.engine.store().logs(filter.clone()).await?.into_iter().map(LogLine::from).collect()
    };
    if !follow {
        return Ok(Json(LogList { lines, live }).into_response());
    }
    // A store asked for the last lines when there are none leaves no position to go on from; 0 is before the first.
    let after = lines.last().map(|line| line.position).or(filter.after).unwrap_or(0);
    let state =
        Follow { app, filter: LogFilter { after: Some(after), limit: LINES_MAX, ..filter }, first: Some(lines) };
    let news = stream::unfold(state, |mut state| async move {
        let bytes = state.next().await?;
        Some((Ok::<_, Infallible>(bytes), state))
    });
    let content_type = HeaderValue::from_static("application/x-ndjson");
    Ok(([(header::CONTENT_TYPE, content_type)], Body::from_stream(news)).into_response())
}

struct Follow {
    app: App,
    filter: LogFilter,
    first: Option<Vec<LogLine>>,
}

impl Follow {
    /// New lines, or an empty one as a sign of life. `None` when the server stops or the store fails.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(lines) = self.first.take().filter(|lines| !lines.is_empty()) {
            return Some(ndjson(&lines));
        }
        let sign = Instant::now() + FOLLOW_SIGN;
        loop {
            tokio::select! {
                biased;
                () = self.app.stop.cancelled() => return None,
                () = sleep(FOLLOW_INTERVAL) => {}
            }
            let logged = self.app.engine.store().logs(self.filter.clone()).await.ok()?;
            if let Some(last) = logged.last() {
                self.filter.after = Some(last.position);
                let lines: Vec<_> = logged.into_iter().map(LogLine::from).collect();
                return Some(ndjson(&lines));
            }
            if Instant::now() >= sign {
                return Some(Bytes::from_static(b"\n"));
            }
        }
    }
}

fn ndjson(lines: &[LogLine]) -> Bytes {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line).expect("wire types have text keys only");
        text.push(b'\n');
    }
    text.into()
}
