//! A running server, and requests to it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use tidemill_client::Client;
use tidemill_core::ports::Clock;
use tidemill_engine::{Engine, EngineConfig, Ports, RetentionConfig};
use tidemill_server::{AbacoCase, Server, ServerConfig, ServerInfo};
use tidemill_store::{KeyVault, MemoryStore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    DEADLINE, Person,
    chance::{RealClock, RealRng},
    people,
    stage::{NoPackages, Stage, StageDriver},
    until,
};

/// What a request carries.
pub enum Body {
    None,
    Form(&'static str),
    Json(Value),
    Raw(&'static str, Bytes),
}

/// A server with Abaco's face.
pub struct TestServer {
    pub address: SocketAddr,
    pub engine: Engine,
    pub store: Arc<MemoryStore>,
    pub stage: Arc<Stage>,
    pub case: AbacoCase,
    client: Client,
    stop: CancellationToken,
    run: JoinHandle<()>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The envelope, which is complete.
    pub fn envelope(&self) -> Value {
        assert!(self.content_type.contains("application/json"), "{self:?}");
        let envelope: Value = serde_json::from_slice(&self.body).expect("it is JSON");
        let members: Vec<_> = envelope.as_object().expect("it is an object").keys().cloned().collect();
        assert_eq!(members, ["message", "result", "status", "version"]);
        assert_eq!(envelope["status"], if self.status < 400 { "success" } else { "error" }, "{envelope}");
        envelope
    }

    pub fn message(&self) -> String {
        self.envelope()["message"].as_str().expect("it is text").to_owned()
    }

    /// The result of a request that went well.
    pub fn result(&self) -> Value {
        let envelope = self.envelope();
        assert_eq!(self.status, 200, "{envelope}");
        envelope["result"].clone()
    }

    /// Checks a refusal.
    pub fn refuses(&self, status: u16, says: &str) {
        let envelope = self.envelope();
        assert_eq!(self.status, status, "{envelope}");
        assert_eq!(envelope["result"], Value::Null);
        assert!(envelope["message"].as_str().is_some_and(|message| message.contains(says)), "{says}: {envelope}");
    }
}

impl TestServer {
    /// With tokens of two tenants.
    pub async fn start(case: AbacoCase) -> TestServer {
        TestServer::start_with(case, |config| config.auth = people::tenants()).await
    }

    /// Without tokens: everybody is anonymous.
    pub async fn open(case: AbacoCase) -> TestServer {
        TestServer::start_with(case, |_| {}).await
    }

    pub async fn start_with(case: AbacoCase, change: impl FnOnce(&mut ServerConfig)) -> TestServer {
        let store = Arc::new(MemoryStore::new(Arc::new(RealClock)));
        TestServer::on(store, case, change).await
    }

    /// On a store that may have a past.
    pub async fn on(store: Arc<MemoryStore>, case: AbacoCase, change: impl FnOnce(&mut ServerConfig)) -> TestServer {
        tidemill_server::install_metrics();
        let clock: Arc<dyn Clock> = Arc::new(RealClock);
        let stage = Arc::new(Stage::new());
        let ports = Ports {
            store: Arc::clone(&store) as Arc<_>,
            builder: Arc::new(NoPackages),
            driver: Arc::new(StageDriver(Arc::clone(&stage))),
            clock: Arc::clone(&clock),
            rng: Arc::new(RealRng),
            registry: Arc::clone(&store) as Arc<_>,
            vault: Arc::new(KeyVault::new([7; 32], Arc::new(RealRng))),
        };
        let config = EngineConfig {
            node: format!("node-{}", uuid::Uuid::new_v4()),
            cores: 2,
            drain_grace: Duration::from_secs(5),
            retention: RetentionConfig::default(),
        };
        let engine = Engine::start(config, ports).await.expect("the engine starts");
        let mut config = ServerConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..ServerConfig::default() };
        config.abaco.case = case;
        config.abaco.privileged = true;
        config.abaco.queues.push("special".to_owned());
        change(&mut config);
        let info = ServerInfo { node: "node-1".to_owned(), started_at: clock.now().into(), ..ServerInfo::default() };
        let server = Server::bind(config, engine.clone(), info).await.expect("a free port is found");
        let address = server.local_addr();
        let stop = CancellationToken::new();
        let run = tokio::spawn(server.run(stop.clone()));
        let client = Client::new(&format!("http://{address}")).expect("the address is one");
        TestServer { address, engine, store, stage, case, client, stop, run }
    }

    /// A member's name as this server spells it.
    pub fn k(&self, snake: &str) -> String {
        match self.case {
            AbacoCase::Snake => snake.to_owned(),
            AbacoCase::Camel if snake.starts_with('_') => snake.to_owned(),
            AbacoCase::Camel => {
                let mut words = snake.split('_');
                let first = words.next().unwrap_or_default().to_owned();
                words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
            }
        }
    }

    pub async fn raw(&self, method: &str, target: &str, headers: &[(String, String)], body: Bytes) -> Answer {
        let reply = self.client.request(method, target, headers, body).await.expect("an answer comes");
        Answer { status: reply.status, content_type: reply.content_type, headers: reply.headers, body: reply.body }
    }

    pub async fn send(&self, person: Person, method: &str, target: &str, body: Body) -> Answer {
        let mut headers: Vec<(String, String)> = person.header().into_iter().collect();
        let (content_type, body) = match body {
            Body::None => (None, Bytes::new()),
            Body::Form(text) => (Some("application/x-www-form-urlencoded"), Bytes::from(text)),
            Body::Json(value) => (Some("application/json"), Bytes::from(value.to_string())),
            Body::Raw(content_type, bytes) => (Some(content_type), bytes),
        };
        if let Some(content_type) = content_type {
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        self.raw(method, target, &headers, body).await
    }

    pub async fn get(&self, person: Person, target: &str) -> Answer {
        self.send(person, "GET", target, Body::None).await
    }

    pub async fn post(&self, person: Person, target: &str, body: Value) -> Answer {
        self.send(person, "POST", target, Body::Json(body)).await
    }

    pub async fn put(&self, person: Person, target: &str, body: Value) -> Answer {
        self.send(person, "PUT", target, Body::Json(body)).await
    }

    pub async fn delete(&self, person: Person, target: &str) -> Answer {
        self.send(person, "DELETE", target, Body::None).await
    }

    /// Registers an actor and gives its id.
    pub async fn actor(&self, person: Person, mut description: Value) -> String {
        if description.get("image").is_none() {
            description["image"] = json!("abacosamples/test");
        }
        let result = self.post(person, "/actors", description).await.result();
        result["id"].as_str().expect("it has an id").to_owned()
    }

    /// Waits until an actor has this status.
    pub async fn reaches(&self, person: Person, id: &str, status: &str) {
        until(status, async || self.get(person, &format!("/actors/{id}")).await.result()["status"] == status).await;
    }

    /// Sends a message and gives the id of its execution.
    pub async fn message(&self, person: Person, id: &str, message: &str) -> String {
        let answer = self.post(person, &format!("/actors/{id}/messages"), json!({"message": message})).await;
        answer.result()[self.k("execution_id")].as_str().expect("it has an id").to_owned()
    }

    /// Waits until an execution has this status, and gives it.
    pub async fn execution(&self, person: Person, id: &str, execution: &str, status: &str) -> Value {
        let path = format!("/actors/{id}/executions/{execution}");
        until(status, async || self.get(person, &path).await.result()["status"] == status).await;
        self.get(person, &path).await.result()
    }

    /// Sends a message, waits for its end, and gives the execution's id and log.
    pub async fn run(&self, person: Person, id: &str, message: &str) -> (String, String) {
        let execution = self.message(person, id, message).await;
        self.execution(person, id, &execution, "COMPLETE").await;
        let logs = self.logs(person, id, &execution).await;
        (execution, logs)
    }

    pub async fn logs(&self, person: Person, id: &str, execution: &str) -> String {
        let result = self.get(person, &format!("/actors/{id}/executions/{execution}/logs")).await.result();
        result["logs"].as_str().expect("it is text").to_owned()
    }

    /// Stops server and engine.
    pub async fn end(self) -> Arc<MemoryStore> {
        self.stage.open();
        self.stop.cancel();
        tokio::time::timeout(DEADLINE, self.run).await.expect("the server stops").expect("without a panic");
        self.engine.shutdown().await;
        self.store
    }
}
