//! Container images made of functions.

use std::sync::Arc;

use tidemill_core::{
    FunctionRef,
    ports::{LaunchError, Progress},
};

use crate::{engine::Engine, error::DeployError, launcher::Launcher};

impl Engine {
    /// Makes a container image of the active revision of a function, on top of `base`, called `tag`. Returns its id.
    pub async fn build_image(
        &self,
        function: &FunctionRef,
        base: &str,
        tag: &str,
        progress: &dyn Progress,
    ) -> Result<String, DeployError> {
        let shared = &self.shared;
        let known = shared.routes.load().function(function).cloned();
        let current = known.ok_or_else(|| DeployError::NoFunction(function.clone()))?.current.load_full();
        let revisions = shared.ports.store.revisions(function).await?;
        let active = revisions.into_iter().find(|revision| revision.number == current.revision);
        let active = active.ok_or_else(|| DeployError::NoFunction(function.clone()))?;
        let launcher = Launcher::new(shared, self.host.clone(), &active, Arc::clone(&current.spec));
        let built = launcher.build_image(base, tag, progress).await;
        built.map_err(|source: LaunchError| DeployError::Image { function: function.clone(), source })
    }
}
