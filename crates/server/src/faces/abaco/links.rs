//! Addresses in answers. As where Abaco is hosted, they lead below `/actors/v2`.

use serde_json::{Value, json};
use tidemill_core::FunctionName;

/// Makes addresses.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    api_server: String,
}

impl Links {
    /// Addresses on the server that is reached at `api_server`.
    pub(crate) fn new(api_server: &str) -> Links {
        Links { api_server: api_server.trim_end_matches('/').to_owned() }
    }

    /// The server's own.
    pub(crate) fn api_server(&self) -> &str {
        &self.api_server
    }

    fn base(&self) -> String {
        format!("{}/actors/v2", self.api_server)
    }

    /// Of an actor.
    pub(crate) fn actor(&self, id: &FunctionName, owner: &str) -> Value {
        let own = self.of(id);
        json!({"self": own, "owner": self.owner(owner), "executions": format!("{own}/executions")})
    }

    /// Of something that belongs to an actor, as in `messages`.
    pub(crate) fn part(&self, id: &FunctionName, part: &str, owner: &str) -> Value {
        json!({"self": format!("{}/{part}", self.of(id)), "owner": self.owner(owner)})
    }

    /// Of a message that was sent.
    pub(crate) fn message(&self, id: &FunctionName, execution: &str, owner: &str) -> Value {
        let actor = self.of(id);
        json!({
            "self": format!("{actor}/executions/{execution}"),
            "owner": self.owner(owner),
            "messages": format!("{actor}/messages"),
        })
    }

    /// Of an execution.
    pub(crate) fn execution(&self, id: &FunctionName, execution: &str, owner: &str) -> Value {
        let own = format!("{}/executions/{execution}", self.of(id));
        json!({"self": own, "owner": self.owner(owner), "logs": format!("{own}/logs")})
    }

    /// Of an execution's log.
    pub(crate) fn logs(&self, id: &FunctionName, execution: &str, owner: &str) -> Value {
        let execution = format!("{}/executions/{execution}", self.of(id));
        json!({"self": format!("{execution}/logs"), "owner": self.owner(owner), "execution": execution})
    }

    /// Of an alias.
    pub(crate) fn alias(&self, alias: &str, id: &FunctionName, owner: &str) -> Value {
        json!({"self": format!("{}/aliases/{alias}", self.base()), "owner": self.owner(owner), "actor": self.of(id)})
    }

    /// Of a nonce: of an actor, or of an alias of it.
    pub(crate) fn nonce(&self, alias: Option<&str>, id: &FunctionName, nonce: &str, owner: &str) -> Value {
        let of = alias.map_or_else(|| self.of(id), |alias| format!("{}/aliases/{alias}", self.base()));
        json!({"self": format!("{of}/nonces/{nonce}"), "owner": self.owner(owner), "actor": self.of(id)})
    }

    fn of(&self, id: &FunctionName) -> String {
        format!("{}/{id}", self.base())
    }

    fn owner(&self, user: &str) -> String {
        format!("{}/profiles/v2/{user}", self.api_server)
    }
}
