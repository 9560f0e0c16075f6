//! What an error of the client means. No wildcard: a new kind of error is looked at before it is classified.

use bollard::errors::Error;

use crate::container::engine::EngineError;

/// What a request was about, which tells what its 404 means.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    /// An image.
    Image(&'a str),
    /// A new container of an image.
    Making(&'a str),
    /// A container.
    Container,
    /// None of these.
    Other,
}

/// A conflict (409) with what is asked to end means that it has ended, or is being ended.
pub(super) fn unless_conflict(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::DockerResponseServerError { status_code: 409, .. }) => Ok(()),
        other => other,
    }
}

/// The engine's error for one of the client's.
pub(super) fn classify(error: Error, subject: Subject<'_>, address: &str) -> EngineError {
    let unreachable = |reason: String| EngineError::Unreachable { address: address.to_owned(), reason };
    match error {
        Error::DockerResponseServerError { status_code, message } => refused(status_code, message, subject),
        Error::DockerStreamError { error } => streamed(error, subject),
        Error::DockerContainerWaitError { error, .. } => EngineError::Refused(error),
        Error::RequestTimeoutError => EngineError::TimedOut("a request"),
        Error::SocketNotFoundError(path) => unreachable(format!("there is no socket {path}")),
        Error::IOError { err } => unreachable(root_cause(&err)),
        Error::HyperResponseError { err } => unreachable(root_cause(&err)),
        Error::HyperLegacyError { err } => unreachable(root_cause(&err)),
        Error::UnsupportedURISchemeError { uri } => {
            EngineError::Refused(format!("the address {uri} is neither unix://… nor tcp://…"))
        }
        // Half an answer, as of an engine that was killed, or an answer of something that is no engine.
        error @ (Error::JsonDataError { .. } | Error::JsonSerdeError { .. } | Error::StrParseError { .. }) => {
            unreachable(format!("its answer was not understood ({error})"))
        }
        error @ Error::APIVersionParseError {} => unreachable(format!("its answer was not understood ({error})")),
        error @ (Error::MissingSessionBuildkitError {}
        | Error::MissingVersionBuildkitError {}
        | Error::StrFmtError { .. }
        | Error::HttpClientError { .. }
        | Error::URLEncodedError { .. }
        | Error::URLParseError { .. }
        | Error::InvalidURIError { .. }
        | Error::InvalidURIPartsError { .. }
        | Error::HttpHeaderNotFoundError(_)
        | Error::HttpHeaderToStrError { .. }
        | Error::Base64DecodeError { .. }) => EngineError::Refused(error.to_string()),
    }
}

fn refused(status: u16, message: String, subject: Subject<'_>) -> EngineError {
    let no_image = || message.contains("No such image") || message.contains("no such image");
    match (status, subject) {
        (404, Subject::Image(name)) => EngineError::NoImage(name.to_owned()),
        (404, Subject::Making(name)) if no_image() => EngineError::NoImage(name.to_owned()),
        (404, Subject::Container) if message.contains("container") && !message.contains("network") => EngineError::Gone,
        (404, Subject::Making(_) | Subject::Container | Subject::Other) => EngineError::Refused(message),
        // Something between us and it, as a proxy.
        (502..=504, _) => EngineError::Refused(format!("{message} (HTTP status {status})")),
        (_, _) if message.trim().is_empty() => EngineError::Refused(format!("HTTP status {status}")),
        (_, _) => EngineError::Refused(message.trim().to_owned()),
    }
}

/// An error in the middle of a pull or a build.
fn streamed(error: String, subject: Subject<'_>) -> EngineError {
    let is_unknown = ["not found", "manifest unknown", "does not exist"].iter().any(|words| error.contains(words));
    match subject {
        Subject::Image(name) if is_unknown => EngineError::NoImage(name.to_owned()),
        Subject::Image(_) | Subject::Making(_) | Subject::Container | Subject::Other => EngineError::Refused(error),
    }
}

/// The innermost error says most: "connection refused" rather than "client error (Connect)".
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn answers_mean_what_they_are_about() {
        let refused = |text: &str| EngineError::Refused(text.to_owned());
        for (error, subject, meaning) in [
            (server(404, "No such image: x:1"), Subject::Image("x:1"), EngineError::NoImage("x:1".to_owned())),
            (server(404, "No such image: x:1"), Subject::Making("x:1"), EngineError::NoImage("x:1".to_owned())),
            (server(404, "network y not found"), Subject::Making("x:1"), refused("network y not found")),
            (server(404, "No such container: a"), Subject::Container, EngineError::Gone),
            (server(404, "network y not found"), Subject::Container, refused("network y not found")),
            (server(500, "no space left on device"), Subject::Container, refused("no space left on device")),
            (server(500, ""), Subject::Other, refused("HTTP status 500")),
            (
                Error::DockerStreamError { error: "manifest for x:9 not found: manifest unknown".to_owned() },
                Subject::Image("x:9"),
                EngineError::NoImage("x:9".to_owned()),
            ),
            (Error::DockerStreamError { error: "COPY failed".to_owned() }, Subject::Other, refused("COPY failed")),
            (Error::RequestTimeoutError, Subject::Other, EngineError::TimedOut("a request")),
        ] {
            assert_eq!(classify(error, subject, "unix:///x"), meaning);
        }
    }

    #[test]
    fn an_engine_that_is_not_there_is_an_outage() {
        for error in [
            Error::SocketNotFoundError("/x".to_owned()),
            Error::IOError { err: std::io::ErrorKind::ConnectionRefused.into() },
            Error::APIVersionParseError {},
        ] {
            let error = classify(error, Subject::Container, "unix:///x");
            assert!(error.is_outage(), "{error}");
            assert!(error.explain().contains("hint: "), "{error}");
        }
    }

    #[test]
    fn a_conflict_with_an_end_is_no_error() {
        assert!(unless_conflict(Err(server(409, "removal is already in progress"))).is_ok());
        assert!(unless_conflict(Err(server(500, "driver failed"))).is_err());
    }
}
