//! How what the engine and the store refuse becomes problem documents.

use std::fmt::Write;

use axum::response::IntoResponse;
use http::{HeaderValue, Response, StatusCode, header};
use tidemill_api::{ErrorCode, PROBLEM_MEDIA_TYPE, Problem, Remark};
use tidemill_core::{
    manifest::ManifestError,
    name::InvalidName,
    ports::{BuildError, LaunchError, StoreError},
};
use tidemill_engine::{CallError, DeployError, SubmitError};

use crate::{
    net::ReadError,
    reply::{self, Body},
};

/// Seconds after which a caller may try again when workers or queues are busy.
const RETRY_BUSY: u32 = 1;
/// Seconds after which a caller may try again when the server stops or the store fails.
const RETRY_BROKEN: u32 = 5;
/// Seconds after which a caller may try again when the disk is full.
const RETRY_FULL: u32 = 30;

/// An error on its way to the caller.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Box<Problem>);

impl Refusal {
    /// A refusal with `code` and what happened.
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Refusal {
        Refusal(Box::new(Problem::new(code, detail)))
    }

    /// A parameter, header or member that cannot be used.
    pub(crate) fn parameter(name: &str, reason: impl std::fmt::Display) -> Refusal {
        Refusal::new(ErrorCode::BadParameter, format!("{name}: {reason}"))
    }

    /// The same with a hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Refusal {
        self.0.hint = Some(hint.into());
        self
    }

    /// The same with a time to wait.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Refusal {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The response.
    pub(crate) fn respond(&self) -> Response<Body> {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = reply::json(status, &self.0);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// What a store error means when it concerns an invocation.
    pub(crate) fn of_invocation(error: StoreError, id: impl std::fmt::Display) -> Refusal {
        match error {
            StoreError::NotFound => Refusal::new(ErrorCode::NoInvocation, format!("there is no invocation {id}"))
                .hint("synchronous calls are kept as the function's history setting says, all others until retention ends"),
            StoreError::Stale | StoreError::Conflict(_) | StoreError::Full | StoreError::Failed(_) => error.into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> axum::response::Response {
        reply::into_axum(self.respond())
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        Refusal(Box::new(problem))
    }
}

impl From<InvalidName> for Refusal {
    fn from(error: InvalidName) -> Refusal {
        Refusal::new(ErrorCode::BadName, error.to_string())
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Refusal {
        let code = match &error {
            ReadError::TooLarge { .. } => ErrorCode::BodyTooLarge,
            ReadError::TooSlow => ErrorCode::RequestTimeout,
            ReadError::Broken(_) => ErrorCode::BadRequest,
        };
        Refusal::new(code, error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        match &error {
            StoreError::NotFound => Refusal::new(ErrorCode::NotFound, "what was asked for does not exist"),
            StoreError::Stale => Refusal::new(ErrorCode::Conflict, "somebody else has the invocation, or it has ended"),
            StoreError::Conflict(reason) => Refusal::new(ErrorCode::Conflict, reason),
            StoreError::Full => {
                Refusal::new(ErrorCode::StoreFull, "no space is left on the disk for the store; nothing was changed")
                    .hint("free some space; the server goes on by itself when there is room")
                    .retry_after(RETRY_FULL)
            }
            StoreError::Failed(_) => {
                tracing::error!(%error, "a request failed");
                Refusal::new(ErrorCode::StoreFailed, error.to_string()).retry_after(RETRY_BROKEN)
            }
        }
    }
}

fn stopping() -> Refusal {
    Refusal::new(ErrorCode::Stopping, "the server is stopping").retry_after(RETRY_BROKEN)
}

fn no_function(text: String) -> Refusal {
    Refusal::new(ErrorCode::NoFunction, text).hint("GET /v1/functions lists the functions there are")
}

/// The lines of a multi-line reason: the first is the detail, all of them are the output.
fn launch(code: ErrorCode, prefix: &str, reason: &str) -> Refusal {
    // The last line of a traceback names the exception.
    let line = reason.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason").trim();
    let mut refusal = Refusal::new(code, format!("{prefix}: {line}"));
    if reason.trim().lines().count() > 1 {
        refusal.0.output = Some(reason.trim().to_owned());
    }
    refusal
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Refusal {
        let text = error.to_string();
        match error {
            CallError::NoFunction(_) => no_function(text),
            CallError::Paused(_) => Refusal::new(ErrorCode::Paused, text)
                .hint("asynchronous events are still accepted; `tidemill function resume` ends the pause")
                .retry_after(RETRY_FULL),
            CallError::NoWorker { .. } => Refusal::new(ErrorCode::NoWorker, text).retry_after(RETRY_BUSY),
            CallError::Launch { function, reason } => {
                launch(ErrorCode::LaunchFailed, &format!("no worker of {function} could be started"), &reason)
            }
            CallError::Stopping => stopping(),
            CallError::Emit { function, source } => {
                let mut refusal = Refusal::from(source);
                refusal.0.detail =
                    format!("the response of {function} could not be handed to its subscribers: {}", refusal.0.detail);
                refusal
            }
        }
    }
}

impl From<SubmitError> for Refusal {
    fn from(error: SubmitError) -> Refusal {
        let text = error.to_string();
        match error {
            SubmitError::NoFunction(_) => no_function(text),
            SubmitError::QueueFull { .. } => Refusal::new(ErrorCode::QueueFull, text).retry_after(RETRY_BUSY),
            SubmitError::Stopping => stopping(),
            SubmitError::Store(StoreError::NotFound) => no_function("the function was deleted".to_owned()),
            SubmitError::Store(source) => source.into(),
        }
    }
}

impl From<ManifestError> for Refusal {
    fn from(error: ManifestError) -> Refusal {
        let mut refusal = Refusal::new(ErrorCode::BadManifest, error.to_string());
        refusal.0.problems = error
            .problems
            .into_iter()
            .map(|problem| Remark {
                file: problem.file,
                line: problem.line,
                column: problem.column,
                path: problem.path,
                message: problem.message,
                hint: problem.hint,
            })
            .collect();
        refusal
    }
}

impl From<BuildError> for Refusal {
    fn from(error: BuildError) -> Refusal {
        let text = error.to_string();
        match error {
            BuildError::Package(_) => Refusal::new(ErrorCode::BadPackage, text),
            BuildError::Runtime(_) => Refusal::new(ErrorCode::NoRuntime, text),
            BuildError::Command { step, reason, output } => {
                let mut refusal = Refusal::new(ErrorCode::BuildFailed, format!("{step} failed: {reason}"));
                refusal.0.output = Some(output).filter(|output| !output.is_empty());
                refusal
            }
            BuildError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Refusal::new(ErrorCode::StoreFull, text).retry_after(RETRY_FULL)
            }
            BuildError::Io { .. } => {
                tracing::error!(error = text, "a build failed");
                Refusal::new(ErrorCode::Internal, text)
            }
        }
    }
}

fn not_ready(function: &tidemill_core::FunctionRef, source: &LaunchError) -> Refusal {
    let prefix = format!("the new revision of {function} did not become ready");
    let mut refusal = launch(ErrorCode::NotReady, &prefix, &source.reason);
    if !source.logs.is_empty() {
        let mut output = refusal.0.output.take().unwrap_or_default();
        for line in &source.logs {
            let _ = writeln!(output, "{}", line.message);
        }
        refusal.0.output = Some(output);
    }
    refusal
}

impl From<DeployError> for Refusal {
    fn from(error: DeployError) -> Refusal {
        let text = error.to_string();
        match error {
            DeployError::Manifest(source) => source.into(),
            DeployError::Build(source) => source.into(),
            DeployError::Launch { function, source } => not_ready(&function, &source),
            DeployError::AddressTaken { .. } => Refusal::new(ErrorCode::AddressTaken, text),
            DeployError::NoFunction(_) => no_function(text),
            DeployError::NoRevision { .. } => Refusal::new(ErrorCode::NoRevision, text),
            DeployError::NothingEarlier(_) => Refusal::new(ErrorCode::Conflict, text),
            DeployError::Stopping => stopping(),
            DeployError::Store(source) => source.into(),
        }
    }
}
