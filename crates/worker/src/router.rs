//! One driver in front of the others: a function's settings say which of them starts its workers.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
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

    /// Every driver there is, in the order in which they are listed.
    fn all(&self) -> impl Iterator<Item = &Arc<dyn Driver>> {
        [Some(&self.process), self.container.as_ref(), Some(&self.webhook), self.wasm.as_ref()].into_iter().flatten()
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
        self.all().for_each(|driver| driver.leave());
    }

    fn forget(&self, function: &FunctionRef) {
        self.all().for_each(|driver| driver.forget(function));
    }

    async fn left(&self) -> Vec<InvocationId> {
        let mut left = Vec::new();
        for driver in self.all() {
            left.extend(driver.left().await);
        }
        left
    }

    fn release(&self, invocation: InvocationId) {
        self.all().for_each(|driver| driver.release(invocation));
    }

    async fn close(&self) {
        join_all(self.all().map(|driver| driver.close())).await;
    }

    async fn health(&self) -> Vec<DriverHealth> {
        let mut health = Vec::new();
        for driver in self.all() {
            health.extend(driver.health().await);
        }
        if self.container.is_none() {
            health.push(DriverHealth {
                name: "docker".to_owned(),
                detail: String::new(),
                problem: Some("this server has no container engine; functions in containers do not start".to_owned()),
            });
        }
        health
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

        fn leave(&self) {
            self.1.lock().push(format!("leave {}", self.0));
        }

        fn forget(&self, function: &FunctionRef) {
            self.1.lock().push(format!("forget {} {}", function.name, self.0));
        }

        async fn left(&self) -> Vec<InvocationId> {
            vec![InvocationId(uuid::Uuid::from_u128(self.0.len() as u128))]
        }

        fn release(&self, _: InvocationId) {
            self.1.lock().push(format!("release {}", self.0));
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
    async fn what_concerns_all_reaches_all() {
        let (driver, asked) = router(true);
        let driver = driver.with_wasm(Some(Arc::new(Named("wasm", asked.clone()))));
        let names = ["process", "docker", "webhook", "wasm"];
        let reached = |verb: &str| {
            let wanted: Vec<String> = names.iter().map(|name| format!("{verb} {name}")).collect();
            assert_eq!(std::mem::take(&mut *asked.lock()), wanted);
        };
        driver.leave();
        reached("leave");
        driver.forget(&"f".parse().unwrap());
        reached("forget f");
        driver.release(InvocationId(uuid::Uuid::nil()));
        reached("release");
        driver.close().await;
        reached("close");
        let lengths: Vec<u128> = driver.left().await.into_iter().map(|id| id.0.as_u128()).collect();
        assert_eq!(lengths, names.map(|name| name.len() as u128));
        assert_eq!(driver.health().await.into_iter().map(|health| health.name).collect::<Vec<_>>(), names);
    }

    #[tokio::test]
    async fn one_warms_and_builds() {
        let (driver, asked) = router(true);
        driver.warm(&launch(Runtime::Image, true)).await;
        assert_eq!(*asked.lock(), ["warm docker"]);
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
        assert_eq!(*asked.lock(), ["warm wasm"]);
    }

    #[tokio::test]
    async fn without_an_engine_it_says_so() {
        let (driver, _) = router(false);
        let health = driver.health().await;
        let missing = health.iter().find(|health| health.name == "docker").unwrap();
        assert!(missing.problem.is_some());
        let launch = launch(Runtime::Python(None), false);
        assert!(
            driver.build_image(&launch, "a", "b", &Nobody).await.unwrap_err().reason.contains("no container engine")
        );
    }
}
