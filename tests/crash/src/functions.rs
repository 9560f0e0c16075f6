//! The functions of a storm. All run the same code, which tells the test when it begins and when it ends, and goes on when that
//! has been taken: see [`crate::collector`]. For that they have the machine's network; all else of their sandbox is as it is
//! by default.

use serde_json::{Value, json};

use crate::{http::Client, package};

/// Any order.
pub const PLAIN: &str = "plain";
/// One after the other for each key.
pub const KEYED: &str = "keyed";
/// The chain: the response of each is the event of the next.
pub const CHAIN: [&str; 3] = ["first", "second", "third"];

const SOURCE: &str = r#"
import json
import os
import socket
import time
import uuid

FUNCTION = os.environ["FUNCTION"]
HOST, PORT = os.environ["EFFECTS"].rsplit(":", 1)
EFFECTS = socket.create_connection((HOST, int(PORT)))


def handler(context, event):
    body = event.body
    effect = {
        "run": uuid.uuid4().hex,
        "function": FUNCTION,
        "invocation": event.id,
        "payload": body["payload"],
        "key": body.get("key", ""),
        "n": body.get("n", 0),
    }
    note("begin", effect)
    time.sleep(body.get("work_ms", 0) / 1000)
    note("end", effect)
    return {name: body[name] for name in ("payload", "key", "n", "work_ms") if name in body}


def note(moment, effect):
    EFFECTS.sendall((json.dumps({"moment": moment, **effect}) + "\n").encode())
    if EFFECTS.recv(1) != b".":
        raise ConnectionError("nobody takes effects")
"#;

/// Deploys all functions of a storm. Their effects go to the collector at `effects`.
pub async fn deploy_all(client: &Client, url: &str, effects: &str) -> anyhow::Result<()> {
    deploy(client, url, PLAIN, effects, json!({})).await?;
    deploy(client, url, KEYED, effects, json!({"ordering": "key"})).await?;
    deploy(client, url, CHAIN[0], effects, json!({})).await?;
    for pair in CHAIN.windows(2) {
        let subscription = json!({"kind": "message", "attributes": {"subscribeTo": pair[0]}});
        deploy(client, url, pair[1], effects, json!({"triggers": {"upstream": subscription}})).await?;
    }
    Ok(())
}

/// Deploys one function; `more` are further members of its spec.
pub async fn deploy(client: &Client, url: &str, name: &str, effects: &str, more: Value) -> anyhow::Result<()> {
    let mut spec = json!({
        "runtime": "python",
        "handler": "main:handler",
        "minReplicas": 0,
        "maxReplicas": 2,
        // A worker that is stopped for good is found out by this.
        "eventTimeout": "4s",
        // Killed workers are failed attempts; there are many here and none may use the attempts up.
        "sandbox": {"network": true},
        "retry": {"maxAttempts": 200, "initial": "50ms", "max": "400ms"},
        "env": [{"name": "EFFECTS", "value": effects}, {"name": "FUNCTION", "value": name}],
    });
    if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
        spec.extend(more);
    }
    let manifest = json!({"metadata": {"name": name}, "spec": spec}).to_string();
    let archive = package::tar_of(&[("function.yaml", manifest.as_bytes()), ("main.py", SOURCE.as_bytes())])?;
    package::deploy(client, url, &archive, &json!({})).await
}
