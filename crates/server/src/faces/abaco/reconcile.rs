//! Makes actors' functions what their records say: whoever was interrupted between the two is made up for.
//! Idempotent, and takes no input.

use std::time::Duration;

use tidemill_core::ProjectName;
use tokio::time::sleep;

use super::{
    actor, going,
    record::{self, ActorRecord},
    spec,
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
            && let Err(reason) = mend(app, &project, &actor).await
        {
            tracing::warn!(actor = %actor.id, %project, reason, "an actor is not what it should be");
        }
    }
}

async fn mend(app: &App, project: &ProjectName, actor: &ActorRecord) -> Result<(), String> {
    let (engine, config) = (&app.engine, &app.config.abaco);
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
