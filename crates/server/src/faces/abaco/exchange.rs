//! One request, with all that is known of it by the time its endpoint is asked.

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};
use tidemill_core::{
    ProjectName, Timestamp,
    access::{Object, ObjectKind, Principal},
};
use tidemill_engine::{
    Engine,
    directory::{Alias, Config},
};

use super::{
    AbacoConfig, Case,
    authorize::Held,
    envelope::{self, Fault},
    fields::Fields,
    links::Links,
    record::{self, ActorRecord},
    routes::Place,
};
use crate::{net::Taken, reply::Body, shared::App};

/// See the module.
pub(crate) struct Exchange {
    pub(crate) app: App,
    pub(crate) place: Place,
    /// Whether only the head of the answer is wanted.
    pub(crate) is_head: bool,
    pub(crate) principal: Principal,
    /// Whether a nonce let the caller in.
    pub(crate) is_bearer: bool,
    /// The header that carried the caller's token.
    pub(crate) jwt_header: Option<String>,
    pub(crate) links: Links,
    /// The address by which containers reach the server.
    pub(crate) api_server: String,
    pub(crate) named: Named,
    /// The grants on that.
    pub(crate) held: Held,
    pub(crate) fields: Fields,
    pub(crate) content_type: String,
    /// Whether the request said how long its body is.
    pub(crate) has_length: bool,
    pub(crate) body: Bytes,
    pub(crate) received_at: Timestamp,
    /// The room that its parsed body takes.
    pub(crate) taken: Option<Taken>,
}

/// What the path names.
#[derive(Default)]
pub(crate) struct Named {
    /// The actor, also the one that an alias means.
    pub(crate) actor: Option<ActorRecord>,
    /// The alias of a path below `/actors/aliases`.
    pub(crate) alias: Option<Alias>,
    /// The config.
    pub(crate) config: Option<Config>,
}

impl Exchange {
    pub(crate) fn engine(&self) -> &Engine {
        &self.app.engine
    }

    pub(crate) fn config(&self) -> &AbacoConfig {
        &self.app.config.abaco
    }

    pub(crate) fn case(&self) -> Case {
        self.config().case
    }

    /// The tenant that the request is in.
    pub(crate) fn project(&self) -> &ProjectName {
        &self.principal.project
    }

    /// Lets the body go, and the room that it takes.
    pub(crate) fn forget_body(&mut self) {
        self.fields = Fields::default();
        self.body = Bytes::new();
        self.taken = None;
    }

    /// The actor of the path.
    pub(crate) fn actor(&self) -> Result<&ActorRecord, Fault> {
        self.named.actor.as_ref().ok_or_else(|| Fault::missing("No actor is named here."))
    }

    /// A part of the path.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.place.param(name).unwrap_or_default()
    }

    /// Whether the query asks for a search: it has more than a nonce.
    pub(crate) fn is_search(&self) -> bool {
        self.fields.query.iter().any(|(name, _)| name != "x-nonce")
    }

    /// What permissions and nonces of this path belong to.
    pub(crate) fn object(&self) -> Result<Object, Fault> {
        let object = |kind, name: &str| Object { kind, project: self.project().clone(), name: name.to_owned() };
        if let Some(config) = &self.named.config {
            return Ok(object(ObjectKind::Config, &config.name));
        }
        if let Some(alias) = &self.named.alias {
            return Ok(object(ObjectKind::Alias, &alias.name));
        }
        Ok(record::object(self.project(), &self.actor()?.id))
    }

    /// The answer with `result` as it is.
    pub(crate) fn answer(&self, message: &str, result: impl Into<Value>) -> Response<Body> {
        envelope::success(&self.config().tag, message, result.into())
    }

    /// The answer with a document, spelled as this server does.
    pub(crate) fn show(&self, message: &str, document: Map<String, Value>) -> Response<Body> {
        self.answer(message, self.case().show(document))
    }

    /// The answer with a list of documents.
    pub(crate) fn show_all(
        &self,
        message: &str,
        documents: impl IntoIterator<Item = Map<String, Value>>,
    ) -> Response<Body> {
        let documents: Vec<Value> = documents.into_iter().map(|one| Value::Object(self.case().show(one))).collect();
        self.answer(message, documents)
    }
}
