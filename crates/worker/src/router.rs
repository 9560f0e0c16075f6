//! One driver in front of the others: a function's settings say which of them starts its workers.

use std::sync::Arc;

use async_trait::async_trait;
use tidemill_core::{
    FunctionRef, InvocationId,
    ports::{Driver, DriverHealth, Launch, LaunchError, Progress, Worker},
    spec::{FunctionSpec, Runtime},
};

use crate::linked::refused;

/// What a function in a container is told where there is no driver for it.
const NO_ENGINE: &str = "this function runs in containers, and this server has no container engine\nhint: install Docker, \
                         or say where its socket is, and start the server again; `tidemill status` shows what it has found";

/// What a WebAssembly function is told where there is no driver for it.
const NO_WASM: &str = "this program was built without WebAssembly (the feature `wasm`)";

/// Chooses the driver by the function's settings.
///
/// Containers for what is contained, posts for webhooks, instances for WebAssembly, processes for the rest.
pub struct RouterDriver {
    process: Arc<dyn Driver>,
    container: Option<Arc<dyn Driver>>,
    webhook: Arc<dyn Driver>,
    wasm: Option<Arc<dyn Driver>>,
}

impl RouterDriver {
    /// Puts the drivers together. Without one for containers, functions that need it fail to launch, and say why.
    pub fn new(process: Arc<dyn Driver>, container: Option<Arc<dyn Driver>>, webhook: Arc<dyn Driver>) -> RouterDriver {
        RouterDriver { process, container, webhook, wasm: None }
    }

    /// Adds the driver of WebAssembly functions. Without it they fail to launch.
    #[must_use]
    pub fn with_wasm(mut self, wasm: Option<Arc<dyn Driver>>) -> RouterDriver {
        self.wasm = wasm;
        self
    }

    fn of(&self, spec: &FunctionSpec) -> Result<&Arc<dyn Driver>, LaunchError> {
        match &self.container {
            _ if spec.runtime == Runtime::Webhook => Ok(&self.webhook),
            _ if spec.runtime == Runtime::Wasm => self.wasm.as_ref().ok_or_else(|| refused(NO_WASM)),
            Some(container) if spec.is_contained() => Ok(container),
            None if spec.is_contained() => Err(refused(NO_ENGINE)),
            _ => Ok(&self.process),
        }
    }
}

#[async_trait]
impl Driver for RouterDriver {
    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        self.of(&launch.spec)?.launch(launch).await
    }

    async fn warm(&self, launch: &Launch) {
        if let Ok(driver) = self.of(&launch.spec) {
            driver.warm(launch).await;
        }
    }

    async fn build_image(
        &self,
        launch: &Launch,
        base: &str,
        tag: &str,
        progress: &dyn Progress,
    ) -> Result<String, LaunchError> {
        let container = self.container.as_ref().ok_or_else(|| refused(NO_ENGINE))?;
        container.build_image(launch, base, tag, progress).await
    }

    async fn outage(&self, spec: &FunctionSpec) -> Option<String> {
        self.of(spec).ok()?.outage(spec).await
    }

    fn leave(&self) {
        for driver in [&self.process, &self.webhook].into_iter().chain(&self.container) {
            driver.leave();
        }
    }

    fn forget(&self, function: &FunctionRef) {
        for driver in [&self.process, &self.webhook].into_iter().chain(&self.container) {
            driver.forget(function);
        }
    }

    async fn left(&self) -> Vec<InvocationId> {
        match &self.container {
            Some(container) => container.left().await,
            None => Vec::new(),
        }
    }

    fn release(&self, invocation: InvocationId) {
        if let Some(container) = &self.container {
            container.release(invocation);
        }
    }

    async fn close(&self) {
        if let Some(container) = &self.container {
            tokio::join!(self.process.close(), container.close(), self.webhook.close());
        } else {
            tokio::join!(self.process.close(), self.webhook.close());
        }
        if let Some(wasm) = &self.wasm {
            wasm.close().await;
        }
    }

    async fn health(&self) -> Vec<DriverHealth> {
        let mut all = self.process.health().await;
        match &self.container {
            Some(container) => all.extend(container.health().await),
            None => all.push(DriverHealth {
                name: "docker".to_owned(),
                detail: String::new(),
                problem: Some("this server has no container engine; functions in containers do not start".to_owned()),
            }),
        }
        all.extend(self.webhook.health().await);
        if let Some(wasm) = &self.wasm {
            all.extend(wasm.health().await);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use tidemill_core::{
        RevisionNumber,
        invocation::Reply,
        ports::{CallRequest, Environment, Host, WorkerId},
        spec::Container,
    };

    use super::*;

    /// Starts nothing, and says who was asked.
    struct Named(&'static str, Arc<Mutex<Vec<String>>>);

    #[async_trait]
    impl Driver for Named {
        async fn launch(&self, _: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
            Err(refused(self.0))
        }

        async fn warm(&self, _: &Launch) {
            self.1.lock().push(format!("warm {}", self.0));
        }

        async fn build_image(&self, _: &Launch, _: &str, _: &str, _: &dyn Progress) -> Result<String, LaunchError> {
            Ok(format!("image of {}", self.0))
        }

        async fn close(&self) {
            self.1.lock().push(format!("close {}", self.0));
        }

        async fn health(&self) -> Vec<DriverHealth> {
            vec![DriverHealth { name: self.0.to_owned(), detail: String::new(), problem: None }]
        }
    }

    struct Nobody;

    #[async_trait]
    impl Host for Nobody {
        async fn call_function(&self, _: CallRequest) -> Result<Reply, String> {
            Err("nobody calls".to_owned())
        }
    }

    impl Progress for Nobody {
        fn line(&self, _: &str) {}
    }

    fn launch(runtime: Runtime, is_contained: bool) -> Launch {
        let mut spec = FunctionSpec::new(runtime);
        spec.container = is_contained.then(|| Box::new(Container::default()));
        Launch {
            worker: WorkerId("w-1".into()),
            function: "f".parse().unwrap(),
            revision: RevisionNumber(1),
            spec: Arc::new(spec),
            directory: "/".into(),
            environment: Environment::default(),
            host: Arc::new(Nobody),
        }
    }

    fn router(has_engine: bool) -> (RouterDriver, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let named = |name| Arc::new(Named(name, asked.clone())) as Arc<dyn Driver>;
        (RouterDriver::new(named("process"), has_engine.then(|| named("docker")), named("webhook")), asked)
    }

    #[tokio::test]
    async fn the_settings_choose_the_driver() {
        let (with, _) = router(true);
        let (without, _) = router(false);
        for (runtime, is_contained, driver, driver_without) in [
            (Runtime::Python(None), false, "process", "process"),
            (Runtime::Shell, false, "process", "process"),
            (Runtime::Python(None), true, "docker", NO_ENGINE),
            (Runtime::Binary, true, "docker", NO_ENGINE),
            (Runtime::Image, false, "docker", NO_ENGINE),
            (Runtime::Image, true, "docker", NO_ENGINE),
            (Runtime::Webhook, false, "webhook", "webhook"),
        ] {
            let launch = launch(runtime, is_contained);
            assert_eq!(with.launch(launch.clone()).await.err().unwrap().reason, driver);
            assert_eq!(without.launch(launch).await.err().unwrap().reason, driver_without);
        }
    }

    #[tokio::test]
    async fn all_are_closed_warmed_and_asked_for_their_health() {
        let (driver, asked) = router(true);
        driver.warm(&launch(Runtime::Image, true)).await;
        driver.close().await;
        let mut seen = asked.lock().clone();
        seen.sort();
        assert_eq!(seen, ["close docker", "close process", "close webhook", "warm docker"]);
        let names: Vec<String> = driver.health().await.into_iter().map(|health| health.name).collect();
        assert_eq!(names, ["process", "docker", "webhook"]);
        let built = driver.build_image(&launch(Runtime::Nodejs, false), "node", "tag", &Nobody).await;
        assert_eq!(built.unwrap(), "image of docker");
    }

    #[tokio::test]
    async fn webassembly_has_a_driver_of_its_own() {
        let (without, asked) = router(false);
        let wasm = launch(Runtime::Wasm, false);
        assert_eq!(without.launch(wasm.clone()).await.err().unwrap().reason, NO_WASM);
        let with = without.with_wasm(Some(Arc::new(Named("wasm", asked.clone()))));
        assert_eq!(with.launch(wasm.clone()).await.err().unwrap().reason, "wasm");
        with.warm(&wasm).await;
        with.close().await;
        assert!(asked.lock().contains(&"warm wasm".to_owned()) && asked.lock().contains(&"close wasm".to_owned()));
        assert_eq!(with.health().await.last().unwrap().name, "wasm");
    }

    #[tokio::test]
    async fn without_an_engine_it_says_so() {
        let (driver, _) = router(false);
        let health = driver.health().await;
        assert_eq!((health[1].name.as_str(), health[1].problem.is_some()), ("docker", true));
        let launch = launch(Runtime::Python(None), false);
        assert!(
            driver.build_image(&launch, "a", "b", &Nobody).await.unwrap_err().reason.contains("no container engine")
        );
    }
}
