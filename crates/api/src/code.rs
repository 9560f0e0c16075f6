//! The one closed list of what can go wrong.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal, $status:literal, $retryable:literal;)+) => {
        /// What went wrong. The text of a code is stable; so is its HTTP status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $variant,)+
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant),+];

            /// The code as text, as in `queue_full`.
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $text,)+ }
            }

            /// The HTTP status it is answered with.
            pub fn status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)+ }
            }

            /// Whether the same request may succeed later without a change.
            pub fn is_retryable(self) -> bool {
                match self { $(ErrorCode::$variant => $retryable,)+ }
            }

            /// What it means, in a sentence.
            pub fn doc(self) -> &'static str {
                match self { $(ErrorCode::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

codes! {
    /// The request cannot be understood.
    BadRequest = "bad_request", 400, false;
    /// A query parameter or header has a value that cannot be used.
    BadParameter = "bad_parameter", 400, false;
    /// A name breaks the rules for names.
    BadName = "bad_name", 400, false;
    /// A CloudEvents envelope is incomplete or malformed.
    BadEnvelope = "bad_envelope", 400, false;
    /// Nobody is known to make the request, or its token does not hold.
    Unauthenticated = "unauthenticated", 401, false;
    /// Whoever makes the request may not do this.
    Forbidden = "forbidden", 403, false;
    /// The path leads nowhere.
    NotFound = "not_found", 404, false;
    /// There is no such function.
    NoFunction = "no_function", 404, false;
    /// The function exists, but events reach it by message or timer only.
    NoAddress = "no_address", 404, false;
    /// There is no such invocation, or it is older than retention allows.
    NoInvocation = "no_invocation", 404, false;
    /// There is no such alias.
    NoAlias = "no_alias", 404, false;
    /// There is no such config.
    NoConfig = "no_config", 404, false;
    /// There is no such nonce.
    NoNonce = "no_nonce", 404, false;
    /// There is no such worker.
    UnknownWorker = "unknown_worker", 404, false;
    /// Nothing is stored there yet, or the function has no state.
    NoState = "no_state", 404, false;
    /// No result is left.
    NoResult = "no_result", 404, false;
    /// There is no such revision.
    NoRevision = "no_revision", 404, false;
    /// This path does not take this method.
    MethodNotAllowed = "method_not_allowed", 405, false;
    /// The request came too slowly.
    RequestTimeout = "request_timeout", 408, true;
    /// It cannot be done in the present state.
    Conflict = "conflict", 409, false;
    /// Another function has this address.
    AddressTaken = "address_taken", 409, false;
    /// There is one of that name already.
    Exists = "exists", 409, false;
    /// What is there has another version than the request expects.
    VersionMismatch = "version_mismatch", 412, false;
    /// The invocation has not ended, so there is no result yet.
    NotFinished = "not_finished", 409, true;
    /// The body is larger than allowed.
    BodyTooLarge = "body_too_large", 413, false;
    /// The body is of a type that is not understood here.
    UnsupportedMediaType = "unsupported_media_type", 415, false;
    /// Pages of this origin, or requests to this host, are not answered here.
    OriginRefused = "origin_refused", 403, false;
    /// The configuration of the function is wrong.
    BadManifest = "bad_manifest", 422, false;
    /// The package is damaged, dangerous or incomplete.
    BadPackage = "bad_package", 422, false;
    /// No interpreter for this runtime was found.
    NoRuntime = "no_runtime", 422, false;
    /// An install or build command failed.
    BuildFailed = "build_failed", 422, false;
    /// The new revision did not become ready; what served before still serves.
    NotReady = "not_ready", 422, false;
    /// The function's queue holds as much as it may.
    QueueFull = "queue_full", 429, true;
    /// Something broke in the server.
    Internal = "internal", 500, false;
    /// No worker of the function can be started.
    LaunchFailed = "launch_failed", 502, false;
    /// No worker became free in time.
    NoWorker = "no_worker", 503, true;
    /// Too many large bodies are being worked on.
    NoRoom = "no_room", 503, true;
    /// The function is paused.
    Paused = "paused", 503, true;
    /// The server is starting or stopping.
    Stopping = "stopping", 503, true;
    /// Secrets cannot be sealed or opened.
    VaultFailed = "vault_failed", 503, false;
    /// The store failed.
    StoreFailed = "store_failed", 503, true;
    /// The disk is full; nothing was changed.
    StoreFull = "store_full", 507, true;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_unique_and_statuses_are_errors() {
        let mut texts: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!((400..600).contains(&code.status()), "{code}");
            assert!(code.doc().ends_with('.'), "{code}");
            let json = serde_json::to_value(code).expect("a code serialises");
            assert_eq!(json, code.as_str());
        }
    }
}
