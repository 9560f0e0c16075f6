//! What can go wrong between a client and a server.

use tidemill_api::Problem;

/// Why a request brought no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused, and says why.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The address of the server cannot be used.
    #[error("{url:?} is not the address of a server: {reason}\nhint: write it as in http://127.0.0.1:7070")]
    Url {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// Nobody answers there.
    #[error("cannot reach {url}: {reason}\nhint: is the server running? start it with: tidemill up")]
    Unreachable {
        /// The address.
        url: String,
        /// What the system said.
        reason: String,
    },
    /// The connection broke while a request was under way. Whether it took effect is not known.
    #[error("the connection to {url} broke: {reason}")]
    Broken {
        /// The address.
        url: String,
        /// How.
        reason: String,
    },
    /// Something answers that is not Tidemill, or a version of it that this client does not understand.
    #[error("{url} does not answer as Tidemill does: {reason}")]
    Unexpected {
        /// The address.
        url: String,
        /// What it answered.
        reason: String,
    },
    /// The request cannot be sent as it is.
    #[error("{0}")]
    Request(String),
}

impl Error {
    /// The problem document, when the server sent one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Error::Problem(problem) => Some(problem),
            Error::Url { .. }
            | Error::Unreachable { .. }
            | Error::Broken { .. }
            | Error::Unexpected { .. }
            | Error::Request(_) => None,
        }
    }
}
