//! Doors for the fuzz targets to what in here reads requests, in plain types. Behind the feature `fuzzing`.

use http::request::Parts;
use tidemill_core::{Event, access::Principal};

use crate::{
    auth::{self, AuthConfig, Authenticator},
    cloudevents::{self, Arrival},
    faces::abaco,
};

/// What a request brought: its events, and whether they came as a batch. The error is the status and what is wrong.
///
/// # Errors
/// It claims to be a CloudEvent and is none.
pub fn events(event: Event) -> Result<(Vec<Event>, bool), (u16, String)> {
    match cloudevents::understand(event) {
        Ok(Arrival::One(event)) => Ok((vec![*event], false)),
        Ok(Arrival::Many(events)) => Ok((events, true)),
        Err(refusal) => Err((refusal.0.status, refusal.0.detail)),
    }
}

/// Tells who makes a request.
pub struct Gate(Authenticator);

impl Gate {
    /// A gate for these tenants.
    pub fn new(config: AuthConfig) -> Gate {
        Gate(Authenticator::new(config))
    }

    /// Who makes the request; `None` when it carries no token. The error is what the caller is told.
    ///
    /// # Errors
    /// Its token does not hold.
    pub fn identify(&self, parts: &Parts) -> Result<Option<Principal>, String> {
        self.0.identify(parts).map(|caller| caller.map(|caller| caller.principal)).map_err(|error| error.to_string())
    }
}

/// The nonce that a request shows.
pub fn nonce(parts: &Parts) -> Option<String> {
    auth::nonce(parts)
}

/// Takes away from a request what lets one in.
pub fn strip(parts: &mut Parts) {
    auth::strip(parts);
}

/// JSON as Abaco's containers get it: with its members in order, written as JSON and as Python does.
///
/// # Errors
/// It is no JSON.
pub fn json(text: &[u8]) -> Result<(String, String), String> {
    abaco::printed(text)
}
