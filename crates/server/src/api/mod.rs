//! The native API: one file a resource. Routes and OpenAPI document come from the same declarations; who may use them stands
//! in one table, which `authorize` holds requests against.

mod aliases;
pub(crate) mod authorize;
mod configs;
mod deploy;
mod extract;
mod functions;
mod grants;
mod health;
mod invocations;
mod invoke;
mod logs;
mod nonces;
mod origin;
mod queues;
pub(crate) mod scope;
mod state;
mod status;
mod topics;
mod workers;

pub(crate) use configs::VALUE_BYTES_MAX;
pub(crate) use origin::judge;
use std::sync::Arc;

use axum::{Router, http::Method};
use tidemill_api::{ErrorCode, Problem, route};
use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        OpenApi as Document, Ref, RefOr, Response, ResponsesBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    refusal::Refusal,
    shared::{App, Shared},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidemill",
        description = "Runs functions when events come. Every error is a problem document (RFC 9457) with a code from a closed list.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem, tidemill_api::DeployNews, tidemill_api::AcceptedBatch, tidemill_api::Accepted)),
    tags(
        (name = "functions", description = "Deploy functions, look at them, change them."),
        (name = "invocations", description = "Invoke functions and see what became of it."),
        (name = "state", description = "The durable state of functions."),
        (name = "queues", description = "Invocations that wait, and those that were given up."),
        (name = "topics", description = "Publish events to whoever listens; schedules."),
        (name = "access", description = "Aliases, grants, nonces and configs."),
        (name = "server", description = "How the server is doing."),
    ),
    modifiers(&Schemes),
    security((), ("token" = []))
)]
struct Base;

/// How requests say who makes them.
struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut Document) {
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
}

/// The responses that every route may give beside its own.
pub(super) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> std::collections::BTreeMap<String, RefOr<Response>> {
        let content = utoipa::openapi::ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = utoipa::openapi::ResponseBuilder::new()
            .description("It did not work; the problem document says why.")
            .content(tidemill_api::PROBLEM_MEDIA_TYPE, content)
            .build();
        ResponsesBuilder::new().response("default", response).build().into()
    }
}

fn declared() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::with_openapi(Base::openapi())
        .routes(routes!(status::show))
        .routes(routes!(functions::list, deploy::deploy))
        .routes(routes!(functions::show, functions::delete))
        .routes(routes!(functions::pause))
        .routes(routes!(functions::resume))
        .routes(routes!(functions::rollback))
        .routes(routes!(functions::revisions))
        .routes(routes!(logs::of_function))
        .routes(routes!(invoke::invoke))
        .routes(routes!(invoke::invoke_batch))
        .routes(routes!(workers::list, workers::ensure))
        .routes(routes!(workers::stop))
        .routes(routes!(workers::build_image))
        .routes(routes!(state::list))
        .routes(routes!(state::show, state::put, state::delete))
        .routes(routes!(state::show_key, state::put_key, state::delete_key))
        .routes(routes!(grants::of_function, grants::to_function))
        .routes(routes!(nonces::of_function, nonces::create_of_function))
        .routes(routes!(nonces::delete_of_function))
        .routes(routes!(invocations::list))
        .routes(routes!(invocations::show))
        .routes(routes!(invocations::result))
        .routes(routes!(invocations::event))
        .routes(routes!(logs::of_invocation))
        .routes(routes!(invocations::cancel))
        .routes(routes!(invocations::retry))
        .routes(routes!(invocations::next_result))
        .routes(routes!(queues::list))
        .routes(routes!(queues::show))
        .routes(routes!(queues::redrive))
        .routes(routes!(queues::purge))
        .routes(routes!(topics::list))
        .routes(routes!(topics::publish))
        .routes(routes!(topics::schedules))
        .routes(routes!(aliases::list, aliases::create))
        .routes(routes!(aliases::show, aliases::point, aliases::delete))
        .routes(routes!(grants::of_alias, grants::to_alias))
        .routes(routes!(nonces::of_alias, nonces::create_of_alias))
        .routes(routes!(nonces::delete_of_alias))
        .routes(routes!(configs::list, configs::create))
        .routes(routes!(configs::show, configs::put, configs::delete))
        .routes(routes!(grants::of_config, grants::to_config))
        .routes(routes!(health::openapi))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}

/// The OpenAPI 3.1 document of the native API.
pub fn openapi() -> Document {
    declared().split_for_parts().1
}

/// The native API.
pub(crate) fn router(app: App) -> Router {
    let (router, _) = declared().split_for_parts();
    router
        .route_layer(axum::middleware::from_fn_with_state(Arc::clone(&app), authorize::check))
        .route_layer(axum::middleware::from_fn_with_state(Arc::clone(&app), origin::check))
        .fallback(|uri: http::Uri| async move { nowhere(uri.path()) })
        .method_not_allowed_fallback(|method: Method, uri: http::Uri| async move {
            Refusal::new(ErrorCode::MethodNotAllowed, format!("{method} is not a method of {}", uri.path()))
                .hint(format!("{} says what there is", route::OPENAPI))
        })
        .with_state(app)
}

/// The answer on a path that leads nowhere.
pub(crate) fn nowhere(path: &str) -> Refusal {
    let shown: String = path.chars().take(200).collect();
    Refusal::new(ErrorCode::NotFound, format!("nothing is at {shown}")).hint(format!(
        "functions answer at /f/{{function}}; the API is below /v1, described by {}; {}, {} and {} tell how the server is doing",
        route::OPENAPI,
        route::LIVEZ,
        route::READYZ,
        route::METRICS,
    ))
}
