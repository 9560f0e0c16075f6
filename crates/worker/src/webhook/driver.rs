//! Making clients.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tidemill_core::{
    ports::{Driver, DriverHealth, Launch, LaunchError, Worker},
    spec::Runtime,
};
use tokio::sync::OnceCell;

use super::{
    address::{Resolver, WebhookConfig},
    worker::WebhookWorker,
};
use crate::linked::refused;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts workers that post events. See the module.
#[derive(Default)]
pub struct WebhookDriver {
    config: WebhookConfig,
    client: OnceCell<reqwest::Client>,
}

impl WebhookDriver {
    /// A driver with the default settings; its client is made with the first worker.
    pub fn new() -> WebhookDriver {
        WebhookDriver::default()
    }

    /// The same with other settings.
    pub fn with(config: WebhookConfig) -> WebhookDriver {
        WebhookDriver { config, client: OnceCell::new() }
    }

    async fn client(&self) -> Result<reqwest::Client, LaunchError> {
        let client = self.client.get_or_try_init(|| async {
            if rustls::crypto::CryptoProvider::get_default().is_none() {
                return Err(refused("no provider of TLS is installed in this program"));
            }
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .dns_resolver(Arc::new(Resolver(self.config)))
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(IDLE_TIMEOUT)
                .user_agent(concat!("tidemill/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| refused(format!("no HTTP client could be made: {}", super::request::line(&error))))
        });
        client.await.cloned()
    }
}

#[async_trait]
impl Driver for WebhookDriver {
    async fn launch(&self, launch: Launch) -> Result<Arc<dyn Worker>, LaunchError> {
        if launch.spec.runtime != Runtime::Webhook {
            return Err(refused(format!("the runtime {} posts nothing to a URL", launch.spec.runtime)));
        }
        let url: reqwest::Url = launch
            .spec
            .handler
            .parse()
            .map_err(|error| refused(format!("{:?} is not a URL: {error}", launch.spec.handler)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(format!("{:?} is not an http or https URL", launch.spec.handler)));
        }
        // An address in the URL is asked of no resolver.
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        if let Some(why) = host.parse().ok().and_then(|address| self.config.refusal(address)) {
            return Err(refused(format!("{:?} cannot be posted to: {why}", launch.spec.handler)));
        }
        Ok(Arc::new(WebhookWorker::new(self.client().await?, url, launch)))
    }

    async fn warm(&self, _launch: &Launch) {}

    async fn close(&self) {}

    async fn health(&self) -> Vec<DriverHealth> {
        let problem = self.client().await.err().map(|error| error.reason);
        vec![DriverHealth { name: "webhook".to_owned(), detail: String::new(), problem }]
    }
}
