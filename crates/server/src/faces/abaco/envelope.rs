//! Answers: `{"message", "status", "version", "result"}` around everything, errors too.

use std::fmt;

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use tidemill_core::ports::{StoreError, VaultError};
use tidemill_engine::{DeployError, SubmitError, directory::DirectoryError};

use super::{authorize::Denied, definition::BadDescription, fields::BadField, search::BadSearch};
use crate::{
    net::ReadError,
    reply::{self, Body},
};

/// Seconds after which a caller may try again when something is full or broken for a while.
const RETRY_LATER: u32 = 5;

/// What an endpoint gives.
pub(crate) type Answer = Result<Response<Body>, Fault>;

/// An error on its way to the caller. Nearly all of Abaco's are 400.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Fault {
    status: StatusCode,
    message: String,
}

impl Fault {
    /// An error with any status.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Fault {
        Fault { status, message: message.into() }
    }

    /// Something is wrong with the request, or not allowed.
    pub(crate) fn bad(message: impl Into<String>) -> Fault {
        Fault::new(StatusCode::BAD_REQUEST, message)
    }

    /// What was named does not exist.
    pub(crate) fn missing(message: impl Into<String>) -> Fault {
        Fault::new(StatusCode::NOT_FOUND, message)
    }

    /// Something failed here. The log says what.
    pub(crate) fn broken(error: &dyn fmt::Display) -> Fault {
        tracing::error!(%error, "a request of the Abaco face failed");
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "The server could not do this; its log says more.")
    }

    fn later(message: impl Into<String>) -> Fault {
        Fault::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// The answer.
    pub(crate) fn respond(&self, tag: &str) -> Response<Body> {
        let envelope = json!({"message": self.message, "status": "error", "version": tag, "result": null});
        let mut response = reply::json(self.status, &envelope);
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_LATER));
        }
        response
    }
}

/// An answer to a request that went well.
pub(crate) fn success(tag: &str, message: &str, result: Value) -> Response<Body> {
    let envelope = json!({"message": message, "status": "success", "version": tag, "result": result});
    reply::json(StatusCode::OK, &envelope)
}

/// An answer of bytes, without an envelope.
pub(crate) fn raw(content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Fault {
        Fault::bad(denied.to_string())
    }
}

impl From<BadDescription> for Fault {
    fn from(error: BadDescription) -> Fault {
        Fault::bad(error.to_string())
    }
}

impl From<BadField> for Fault {
    fn from(error: BadField) -> Fault {
        Fault::bad(error.to_string())
    }
}

impl From<BadSearch> for Fault {
    fn from(error: BadSearch) -> Fault {
        Fault::bad(error.to_string())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        match error {
            StoreError::NotFound => Fault::missing("What was asked for does not exist."),
            StoreError::Stale | StoreError::Conflict(_) => {
                Fault::bad("It was changed by somebody else at the same time.")
            }
            StoreError::Full => Fault::later("No space is left for the store; nothing was changed."),
            StoreError::Failed(_) => Fault::broken(&error),
        }
    }
}

impl From<DirectoryError> for Fault {
    fn from(error: DirectoryError) -> Fault {
        match error {
            DirectoryError::NotFound => StoreError::NotFound.into(),
            DirectoryError::Exists => Fault::bad("There is one of that name already."),
            DirectoryError::TooMany(_) => Fault::bad(error.to_string()),
            DirectoryError::Conflict => StoreError::Stale.into(),
            DirectoryError::Vault(VaultError::NoKey) => Fault::bad("This server has no key for secrets."),
            DirectoryError::Vault(VaultError::Refused) => Fault::broken(&error),
            DirectoryError::Store(source) => source.into(),
        }
    }
}

impl From<SubmitError> for Fault {
    fn from(error: SubmitError) -> Fault {
        match error {
            SubmitError::NoFunction(_) => Fault::missing("The actor was deleted."),
            SubmitError::QueueFull { pending, .. } => {
                let message = format!("The actor's mailbox is full: {pending} messages wait.");
                Fault::new(StatusCode::TOO_MANY_REQUESTS, message)
            }
            SubmitError::Stopping => Fault::later("The server is stopping."),
            SubmitError::Store(source) => source.into(),
        }
    }
}

impl From<DeployError> for Fault {
    fn from(error: DeployError) -> Fault {
        match error {
            DeployError::NoFunction(_) => Fault::missing("The actor was deleted."),
            DeployError::Stopping => Fault::later("The server is stopping."),
            DeployError::Store(source) => source.into(),
            error => Fault::bad(format!("Invalid actor description: {error}")),
        }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Fault {
        match error {
            ReadError::TooLarge { limit } => Fault::bad(format!("Message exceeds max content length of: {limit}")),
            ReadError::TooSlow => Fault::new(StatusCode::REQUEST_TIMEOUT, "The body came too slowly."),
            ReadError::NoRoom => Fault::later("The server is busy with other large bodies."),
            ReadError::Broken(_) => Fault::bad("The body is incomplete."),
        }
    }
}
