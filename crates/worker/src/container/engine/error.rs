//! What can go wrong with a container engine.

/// Why a container engine did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EngineError {
    /// Nobody answers there, or the connection broke.
    #[error("the container engine at {address} cannot be reached: {reason}")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// It does not have the image, or the registry does not.
    #[error("the container engine does not have the image {0}")]
    NoImage(String),
    /// It said no, or failed; its own words.
    #[error("the container engine refused: {0}")]
    Refused(String),
    /// It did not answer in time; what it was asked.
    #[error("the container engine did not answer in time: {0}")]
    TimedOut(&'static str),
    /// The container is not there (any more).
    #[error("the container is gone")]
    Gone,
}

impl EngineError {
    /// What a person may do about it; `None` when the error says it all.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            EngineError::Unreachable { reason, .. } if reason.contains("ermission denied") => {
                Some("run Tidemill as a user who may use the engine's socket, for Docker one of the group docker")
            }
            EngineError::Unreachable { .. } => {
                Some("start the engine (systemctl start docker), or set DOCKER_HOST to where it is")
            }
            EngineError::NoImage(_) => Some("check its name and tag, or build it on this machine"),
            EngineError::TimedOut(_) => Some("the engine hangs or is overloaded: look at its log, or restart it"),
            EngineError::Refused(_) | EngineError::Gone => None,
        }
    }

    /// The error and the hint, in up to two lines.
    pub fn explain(&self) -> String {
        match self.hint() {
            Some(hint) => format!("{self}\nhint: {hint}"),
            None => self.to_string(),
        }
    }

    /// Whether it is the engine that is away, so that the same request may succeed later.
    pub fn is_outage(&self) -> bool {
        match self {
            EngineError::Unreachable { .. } | EngineError::TimedOut(_) => true,
            EngineError::NoImage(_) | EngineError::Refused(_) | EngineError::Gone => false,
        }
    }
}
