//! A running server.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use tidemill_client::{Client, Reply};
use tidemill_core::{
    access::Role,
    manifest::Overrides,
    ports::{Clock, Package},
};
use tidemill_engine::{Engine, EngineConfig, Ports, RetentionConfig};
use tidemill_server::{AuthConfig, RuntimeInfo, Server, ServerConfig, ServerInfo};
use tidemill_store::{KeyVault, MemoryStore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    Gate,
    chance::{RealClock, RealRng},
    tokens,
    worker::{FakeBuilder, FakeDriver},
};

/// A server with function `echo` deployed.
pub struct TestServer {
    pub address: SocketAddr,
    pub client: Client,
    pub engine: Engine,
    pub store: Arc<MemoryStore>,
    pub gate: Arc<Gate>,
    pub stop: CancellationToken,
    run: JoinHandle<()>,
}

impl TestServer {
    pub async fn start() -> TestServer {
        TestServer::start_with(|_| {}).await
    }

    /// One that asks for tokens of the tenants of [`tokens`]; its client is an administrator of the first.
    pub async fn start_guarded() -> TestServer {
        TestServer::start_with(|config| config.auth = tokens::auth()).await
    }

    /// A client that sends this token.
    pub fn client_of(&self, token: &str) -> Client {
        let client = Client::new(&format!("http://{}", self.address)).expect("the address is one");
        client.token(token).expect("it can be sent")
    }

    /// A client without a token.
    pub fn bare(&self) -> Client {
        Client::new(&format!("http://{}", self.address)).expect("the address is one")
    }

    pub async fn start_with(change: impl FnOnce(&mut ServerConfig)) -> TestServer {
        tidemill_server::install_metrics();
        let clock: Arc<dyn Clock> = Arc::new(RealClock);
        let store = Arc::new(MemoryStore::new(Arc::clone(&clock)));
        let gate = Arc::new(Gate::new());
        let ports = Ports {
            store: Arc::clone(&store) as Arc<_>,
            builder: Arc::new(FakeBuilder),
            driver: Arc::new(FakeDriver(Arc::clone(&gate))),
            clock: Arc::clone(&clock),
            rng: Arc::new(RealRng),
            registry: Arc::clone(&store) as Arc<_>,
            vault: Arc::new(KeyVault::new([7; 32], Arc::new(RealRng))),
        };
        let config = EngineConfig {
            node: "node-1".to_owned(),
            cores: 2,
            drain_grace: Duration::from_secs(5),
            retention: RetentionConfig::default(),
        };
        let engine = Engine::start(config, ports).await.expect("the engine starts");
        let mut config = ServerConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..ServerConfig::default() };
        change(&mut config);
        let guarded = matches!(config.auth, AuthConfig::Jwt { .. });
        let info = ServerInfo {
            version: "0.0.0".to_owned(),
            node: "node-1".to_owned(),
            started_at: clock.now().into(),
            runtimes: vec![RuntimeInfo { name: "python".to_owned(), ..RuntimeInfo::default() }],
            ..ServerInfo::default()
        };
        let server = Server::bind(config, engine.clone(), info).await.expect("a free port is found");
        let address = server.local_addr();
        let stop = CancellationToken::new();
        let run = tokio::spawn(server.run(stop.clone()));
        let bare = Client::new(&format!("http://{address}")).expect("the address is one");
        let client = match guarded {
            true => bare.clone().token(&tokens::token(tokens::SHOP, "root", Role::Admin)).expect("it can be sent"),
            false => bare,
        };
        let server = TestServer { address, client, engine, store, gate, stop, run };
        server.deploy("echo", "").await;
        server
    }

    /// Deploys `manifest` as function `name`.
    pub async fn deploy(&self, name: &str, manifest: &str) {
        let package = Package { file_name: format!("{name}.py"), content: Bytes::copy_from_slice(manifest.as_bytes()) };
        let overrides = Overrides { name: Some(name.to_owned()), ..Overrides::default() };
        self.client.deploy(&package, &overrides, |_| {}).await.expect("it is deployed");
    }

    /// A request to a function's address.
    pub async fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.client.request(method, target, &headers, body.to_owned()).await.expect("an answer comes")
    }

    /// Stops server and engine.
    pub async fn end(self) {
        self.gate.open();
        self.stop.cancel();
        tokio::time::timeout(super::DEADLINE, self.run).await.expect("the server stops").expect("without a panic");
        self.engine.shutdown().await;
    }
}

/// The problem document of a reply.
pub fn problem(reply: &Reply) -> tidemill_api::Problem {
    assert_eq!(reply.content_type, "application/problem+json", "{}", String::from_utf8_lossy(&reply.body));
    let problem: tidemill_api::Problem = serde_json::from_slice(&reply.body).expect("it is a problem document");
    assert_eq!(problem.status, reply.status);
    problem
}
