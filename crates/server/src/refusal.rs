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
use tidemill_engine::{
    CallError, DeployError, SubmitError,
    directory::{DirectoryError, NonceRefusal},
};

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

/// What helps when there is no such function, nor one of a similar name.
pub(crate) const NO_FUNCTION_HINT: &str = "GET /v1/functions lists the functions there are";

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
        if self.0.code == ErrorCode::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// The same for whoever calls a function: what is for its author and for the operator alone (tracebacks, paths of the
    /// server, what the store said) is left out. They find it in the API and in the log.
    pub(crate) fn public(mut self) -> Refusal {
        let problem = &mut *self.0;
        problem.output = None;
        let line = match problem.code {
            ErrorCode::LaunchFailed => "no worker of the function could be started",
            ErrorCode::Internal => "something broke in the server",
            ErrorCode::StoreFailed => "the store failed",
            _ => return self,
        };
        problem.detail = line.to_owned();
        self
    }

    /// A response for which there is no room.
    pub(crate) fn no_room() -> Refusal {
        let detail = "the response is there, but too many large responses are on their way to clients";
        Refusal::new(ErrorCode::NoRoom, detail).retry_after(RETRY_BUSY)
    }

    /// What a store error means when it concerns an invocation.
    pub(crate) fn of_invocation(error: StoreError, id: impl std::fmt::Display) -> Refusal {
        match error {
            StoreError::NotFound => Refusal::new(ErrorCode::NoInvocation, format!("there is no invocation {id}")).hint(
                "synchronous calls are kept as the function's history setting says, all others until retention ends",
            ),
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
            ReadError::NoRoom => ErrorCode::NoRoom,
            ReadError::Broken(_) => ErrorCode::BadRequest,
        };
        let refusal = Refusal::new(code, error.to_string());
        if code == ErrorCode::NoRoom { refusal.retry_after(RETRY_BUSY) } else { refusal }
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

impl From<DirectoryError> for Refusal {
    fn from(error: DirectoryError) -> Refusal {
        let text = error.to_string();
        match error {
            DirectoryError::NotFound => Refusal::new(ErrorCode::NotFound, "what was asked for does not exist"),
            DirectoryError::Exists => Refusal::new(ErrorCode::Exists, text),
            DirectoryError::TooMany(_) => Refusal::new(ErrorCode::Conflict, text),
            DirectoryError::Conflict => Refusal::new(ErrorCode::Conflict, text).retry_after(RETRY_BUSY),
            DirectoryError::Vault(error) => {
                tracing::error!(%error, "a secret cannot be sealed or opened");
                Refusal::new(ErrorCode::VaultFailed, text)
            }
            DirectoryError::Store(source) => source.into(),
        }
    }
}

impl From<NonceRefusal> for Refusal {
    fn from(error: NonceRefusal) -> Refusal {
        let text = error.to_string();
        match error {
            NonceRefusal::Unknown | NonceRefusal::UsedUp => Refusal::new(ErrorCode::Unauthenticated, text),
            NonceRefusal::Level | NonceRefusal::Maker => Refusal::new(ErrorCode::Forbidden, text),
            NonceRefusal::Store(source) => source.into(),
        }
    }
}

fn stopping() -> Refusal {
    Refusal::new(ErrorCode::Stopping, "the server is stopping").retry_after(RETRY_BROKEN)
}

fn no_function(text: String) -> Refusal {
    Refusal::new(ErrorCode::NoFunction, text).hint(NO_FUNCTION_HINT)
}

/// A reason of one or more lines: the one that names the fault becomes the detail, the traceback is the output.
fn launch(code: ErrorCode, prefix: &str, reason: &str) -> Refusal {
    let reason = reason.trim();
    let (first, rest) = reason.split_once('\n').unwrap_or((reason, ""));
    let (line, output) = if first.starts_with("Traceback") {
        // The last line of a traceback names the exception.
        (reason.lines().last().unwrap_or(first), reason)
    } else {
        (first, rest.trim_end())
    };
    let line = if line.trim().is_empty() { "it gave no reason" } else { line.trim() };
    let mut refusal = Refusal::new(code, format!("{prefix}: {line}"));
    refusal.0.output = Some(output.to_owned()).filter(|output| !output.is_empty());
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
            CallError::Removed(_) => Refusal::new(ErrorCode::Conflict, text),
            CallError::Stopping => stopping(),
            CallError::Store { source: StoreError::NotFound, .. } => no_function("the function was deleted".to_owned()),
            CallError::Store { source, .. } => source.into(),
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
            BuildError::GivenUp => stopping(),
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
        for line in source.logs.iter().filter(|line| !source.reason.contains(line.message.trim())) {
            let end = if output.is_empty() || output.ends_with('\n') { "" } else { "\n" };
            let _ = write!(output, "{end}{}", line.message);
        }
        refusal.0.output = Some(output).filter(|output| !output.is_empty());
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
            DeployError::Image { function, source } => {
                let mut refusal =
                    launch(ErrorCode::BuildFailed, &format!("no image of {function} could be built"), &source.reason);
                let printed = source.logs.iter().map(|line| line.message.as_str()).collect::<Vec<_>>().join("\n");
                refusal.0.output = refusal.0.output.or(Some(printed)).filter(|output| !output.is_empty());
                refusal
            }
            DeployError::AddressTaken { .. } => Refusal::new(ErrorCode::AddressTaken, text),
            DeployError::IsAlias(_) => Refusal::new(ErrorCode::Exists, text),
            DeployError::IsOthers(_) => Refusal::new(ErrorCode::Forbidden, text),
            DeployError::NoFunction(_) => no_function(text),
            DeployError::NoRevision { .. } => Refusal::new(ErrorCode::NoRevision, text),
            DeployError::NothingEarlier(_) => Refusal::new(ErrorCode::Conflict, text),
            DeployError::Stopping => stopping(),
            DeployError::Store(source) => source.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_worker_does_not_start_is_for_its_author_only() {
        let traceback = "Traceback (most recent call last):\n  File \"/srv/x.py\", line 1\nImportError: no module";
        for reason in [traceback.to_owned(), format!("ImportError: no module\n{traceback}")] {
            let error = || CallError::Launch { function: "hello".parse().unwrap(), reason: reason.clone() };
            let told = Refusal::from(error());
            assert_eq!(told.0.detail, "no worker of hello could be started: ImportError: no module");
            assert_eq!(told.0.output.as_deref(), Some(traceback));
            let public = Refusal::from(error()).public();
            assert_eq!(public.0.detail, "no worker of the function could be started");
            assert_eq!((public.0.status, &public.0.output), (502, &None));
        }
        let paused = Refusal::from(CallError::Paused("hello".parse().unwrap())).public();
        assert!(paused.0.detail.contains("hello") && paused.0.retry_after.is_some());
    }
}
