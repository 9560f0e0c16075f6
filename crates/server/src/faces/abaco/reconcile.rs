//! Makes actors' functions what their records say: whoever was interrupted between the two is made up for. A function of the
//! face that no record names is deleted. Idempotent, and takes no input.

use std::time::Duration;

use tidemill_core::{FunctionName, ProjectName, spec::Runtime};
use tidemill_engine::{DeployError, FunctionView};
use tokio::time::sleep;

use super::{
    actor::{self, Stored},
    going, ids, record, spec,
};
use crate::shared::App;

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(60);
/// A record younger than this may still be worked on by the request that wrote it.
const YOUNG: Duration = Duration::from_secs(30);

/// Looks at once and then now and again until the server stops.
pub(crate) async fn run(app: App) {
    let mut is_first = true;
    while app.stop.run_until_cancelled(pass(&app, is_first)).await.is_some() {
        is_first = false;
        if app.stop.run_until_cancelled(sleep(PERIOD)).await.is_none() {
            return;
        }
    }
}

async fn pass(app: &App, is_first: bool) {
    let actors = match actor::all(&app.engine, None).await {
        Ok(actors) => actors,
        Err(error) => {
            tracing::warn!(%error, "actors cannot be looked at");
            return;
        }
    };
    for (project, actor) in actors {
        let is_settled = app.engine.clock().now().since(actor.updated_at) > YOUNG;
        if (is_first || is_settled)
            && let Err(reason) = mend(app, &project, &actor.id).await
        {
            tracing::warn!(actor = %actor.id, %project, reason, "an actor is not what it should be");
        }
    }
    for view in app.engine.functions(None) {
        if let Err(error) = sweep(app, &view).await {
            tracing::warn!(function = %view.function, %error, "a function of no actor cannot be deleted");
        }
    }
}

/// The id of the actor that a function was made for, when the face made it.
fn actor_of(view: &FunctionView) -> Option<&str> {
    let name = view.function.name.as_str();
    let (id, runtime) = match view.spec.labels.get(spec::LABEL)?.as_str() {
        spec::ACTOR => (name, Runtime::Image),
        spec::WEBHOOK => (name.strip_suffix(".webhook")?, Runtime::Webhook),
        _ => return None,
    };
    (ids::is_id(id) && view.spec.runtime == runtime).then_some(id)
}

/// Deletes a function that was made for an actor that is not there. The record comes before the function, so that one without
/// a record is one that was left behind.
async fn sweep(app: &App, view: &FunctionView) -> Result<(), DeployError> {
    let Some(id) = actor_of(view) else { return Ok(()) };
    if actor::find(&app.engine, &view.function.project, id).await?.is_some() {
        return Ok(());
    }
    tracing::warn!(function = %view.function, "a function of no actor is deleted");
    actor::remove(&app.engine, &view.function).await
}

async fn mend(app: &App, project: &ProjectName, id: &FunctionName) -> Result<(), String> {
    let (engine, config) = (&app.engine, &app.config.abaco);
    // It may have changed, or gone, since all were read.
    let found = actor::find(engine, project, id.as_str()).await.map_err(|error| error.to_string())?;
    let Some(Stored { record: actor, .. }) = found else { return Ok(()) };
    let actor = &actor;
    if actor.format > record::FORMAT {
        return Err(format!("its record has the form {} of a later version", actor.format));
    }
    if actor.is_going {
        return going::finish(engine, project, actor).await.map_err(|fault| fault.to_string());
    }
    let view = engine.function(&actor.function(project));
    let webhook = engine.function(&actor.webhook_function(project)).map(|view| view.spec);
    let is_right = view.as_ref().is_some_and(|view| *view.spec == spec::of_actor(actor, project, config))
        && webhook.as_deref() == spec::of_webhook(actor).as_ref();
    if !is_right {
        actor::deploy(engine, config, project, actor, false).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}
