//! Where a request acts, and as whom: its project, the function that its path names, and its rights there.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};
use tidemill_api::ErrorCode;
use tidemill_core::{
    FunctionRef, ProjectName,
    access::{Grants, Level, Object, ObjectKind, Principal},
};

use crate::{auth::Caller, refusal::Refusal, shared::Shared};

/// Where a request acts, and as whom. The layer of `authorize` makes it; handlers take project and function from nowhere
/// else.
#[derive(Clone, Debug)]
pub(super) struct Scope(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    caller: Option<Caller>,
    project: ProjectName,
    function: Option<FunctionRef>,
}

/// The objects of a kind that somebody may read.
pub(super) enum Readable {
    /// All.
    All,
    /// Those whose grants say so.
    Granted(BTreeMap<String, Grants>, Principal),
}

impl Readable {
    /// Whether the object of that name is one of them.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Readable::All => true,
            Readable::Granted(all, principal) => all.get(name).is_some_and(|grants| principal.may(grants, Level::Read)),
        }
    }
}

impl Scope {
    /// `caller` is `None` where everybody may do everything, and on routes that need nothing.
    pub(super) fn new(caller: Option<Caller>, project: ProjectName, function: Option<FunctionRef>) -> Scope {
        Scope(Arc::new(Inner { caller, project, function }))
    }

    /// The project.
    pub(super) fn project(&self) -> &ProjectName {
        &self.0.project
    }

    /// The function that the path names; an alias has been followed.
    pub(super) fn function(&self) -> FunctionRef {
        self.0.function.clone().expect("the route's path names a function")
    }

    /// Who makes the request, on a server that asks.
    pub(super) fn principal(&self) -> Option<&Principal> {
        self.0.caller.as_ref().map(|caller| &caller.principal)
    }

    /// Who makes the request, in any case.
    pub(super) fn acting(&self) -> Principal {
        self.principal().cloned().unwrap_or_else(|| Principal::anonymous(self.0.project.clone()))
    }

    /// Whether a nonce let the request in.
    pub(super) fn is_bearer(&self) -> bool {
        self.0.caller.as_ref().is_some_and(|caller| caller.nonce)
    }

    /// The user that events are marked with; empty where nobody is known.
    pub(super) fn user(&self) -> &str {
        self.principal().map_or("", |principal| &principal.user)
    }

    /// Demands `level` on an object of the project.
    pub(super) async fn require(&self, app: &Shared, object: &Object, level: Level) -> Result<(), Refusal> {
        match self.principal() {
            Some(principal) => require(app, principal, object, level).await,
            None => Ok(()),
        }
    }

    /// Demands a role that is trusted with more than its own functions.
    pub(super) fn require_privileged(&self, what: &str) -> Result<(), Refusal> {
        match self.principal() {
            Some(principal) if !principal.is_privileged() => {
                let detail = format!("{what} needs the role privileged, which {} does not have", principal.user);
                Err(Refusal::new(ErrorCode::Forbidden, detail))
            }
            _ => Ok(()),
        }
    }

    /// What of a kind may be listed.
    pub(super) async fn readable(&self, app: &Shared, kind: ObjectKind) -> Result<Readable, Refusal> {
        match self.principal() {
            Some(principal) if !principal.is_admin() => {
                let all = app.engine.directory().all_grants(self.project(), kind).await?;
                Ok(Readable::Granted(all, principal.clone()))
            }
            _ => Ok(Readable::All),
        }
    }
}

/// Demands that `principal` may do with an object what needs `level`.
pub(crate) async fn require(app: &Shared, principal: &Principal, object: &Object, level: Level) -> Result<(), Refusal> {
    if principal.project == object.project {
        if principal.is_admin() {
            return Ok(());
        }
        let grants = app.engine.directory().grants(object).await?;
        if principal.may(&grants, level) {
            return Ok(());
        }
    }
    let detail = format!("{} has no {level} access to {} {}", principal.user, object.kind.as_str(), object.name);
    Err(Refusal::new(ErrorCode::Forbidden, detail).hint("whoever has UPDATE access to it may grant it"))
}

impl<S: Send + Sync> FromRequestParts<S> for Scope {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Scope, Refusal> {
        let scope = parts.extensions.get::<Scope>().cloned();
        scope.ok_or_else(|| Refusal::new(ErrorCode::Internal, "the route is not in the table of rights"))
    }
}
