//! What is measured, one module a question. Each starts the programs it needs and adds its rows to the table.

pub mod accept;
pub mod cold;
pub mod container;
pub mod idle;
pub mod overload;
pub mod sandbox;
mod starts;
pub mod step;
mod subject;
pub mod sync;
pub mod wasm;

use std::time::Duration;

use serde_json::json;

use crate::{http::Client, server::Server, table::Table};

/// What all measurements share.
pub struct Bench {
    /// For everything that is not load.
    pub client: Client,
    /// How long one round of load lasts.
    pub round: Duration,
    /// Rounds; what is compared takes turns within each.
    pub rounds: usize,
    /// What came of it.
    pub table: Table,
}

/// Bytes in the body of every measured request.
const BODY: [u8; 64] = [b'x'; 64];

const PYTHON: &str = "def handler(context, event):\n    return event.body\n";
const NODE: &str = "exports.handler = (context, event) => context.callback(event.body);\n";
const SHELL: &str = "#!/bin/sh\ncat\n";

impl Bench {
    /// Deploys the Python echo under this name; `more` is added to its spec.
    async fn deploy_python(&self, server: &Server, name: &str, more: serde_json::Value) -> anyhow::Result<()> {
        self.deploy(server, name, "python", ("main.py", PYTHON), more).await
    }

    /// Deploys the Node echo.
    async fn deploy_node(&self, server: &Server, name: &str, more: serde_json::Value) -> anyhow::Result<()> {
        self.deploy(server, name, "nodejs", ("main.js", NODE), more).await
    }

    /// Deploys the shell echo, which is a process for each call.
    async fn deploy_shell(&self, server: &Server, name: &str) -> anyhow::Result<()> {
        self.deploy(server, name, "shell", ("main.sh", SHELL), json!({"handler": "main.sh"})).await
    }

    /// Deploys a guest of WebAssembly.
    async fn deploy_wasm(
        &self,
        server: &Server,
        name: &str,
        guest: &str,
        more: serde_json::Value,
    ) -> anyhow::Result<()> {
        let manifest = Self::manifest(name, json!({"runtime": "wasm", "handler": "main.wat"}), more);
        self.client.deploy(&server.url, &manifest, "main.wat", guest).await
    }

    /// A `function.yaml` with `more` added to its `spec`.
    fn manifest(name: &str, mut spec: serde_json::Value, more: serde_json::Value) -> serde_json::Value {
        if let (Some(spec), serde_json::Value::Object(more)) = (spec.as_object_mut(), more) {
            spec.extend(more);
        }
        json!({"metadata": {"name": name}, "spec": spec})
    }

    async fn deploy(
        &self,
        server: &Server,
        name: &str,
        runtime: &str,
        (file, source): (&str, &str),
        more: serde_json::Value,
    ) -> anyhow::Result<()> {
        let manifest = Self::manifest(name, json!({"runtime": runtime, "handler": "main:handler"}), more);
        self.client.deploy(&server.url, &manifest, file, source).await
    }
}
