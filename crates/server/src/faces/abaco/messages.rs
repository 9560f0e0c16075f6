//! `/actors/{actor}/messages`: a message is an event, and its execution an invocation.

use bytes::Bytes;
use http::{HeaderValue, Response};
use serde_json::{Value, json};
use tidemill_core::{Event, InvocationId, TriggerLabel, invocation::Status};
use tidemill_engine::SubmitOptions;

use super::{
    body::{essence, is_json},
    envelope::{self, Answer, Fault},
    exchange::Exchange,
    logs,
    python::Json,
    spec::CONTENT_TYPE_HEADER,
};
use crate::{reply::Body, shield::Shield};

/// What the answers of this path say.
const FINE: &str = "The request was successful";
/// Messages deleted in one go.
const PURGE: u32 = 1_000_000;
/// With more messages waiting than these a synchronous one is refused.
const SYNCHRONOUS_QUEUE_MAX: u64 = 3;
/// Parameters of the call that are not for the container.
const OURS: [&str; 3] = ["message", "x-nonce", "_abaco_synchronous"];

/// `GET`: how many wait.
pub(crate) async fn count(x: &Exchange) -> Answer {
    let actor = x.actor()?;
    let waiting = waiting(x)?;
    let links = x.links.part(&actor.id, "messages", &actor.owner);
    Ok(x.answer(FINE, json!({"messages": waiting, "_links": links})))
}

fn waiting(x: &Exchange) -> Result<u64, Fault> {
    Ok(x.engine().function(&x.actor()?.function(x.project())).map_or(0, |view| view.queued))
}

/// `DELETE`: those that wait are forgotten.
pub(crate) async fn purge(x: &Exchange) -> Answer {
    let actor = x.actor()?;
    x.engine().purge(&actor.function(x.project()), true, PURGE).await?;
    let links = x.links.part(&actor.id, "messages", &actor.owner);
    Ok(x.answer(FINE, json!({"msg": "Actor mailbox purged.", "_links": links})))
}

/// A message as the container gets it.
#[derive(Debug, PartialEq)]
struct Message {
    /// `_abaco_Content_Type`.
    form: &'static str,
    body: Bytes,
    /// What the answer shows of it.
    shown: Value,
}

impl Message {
    fn text(text: String) -> Message {
        Message { form: "str", shown: Value::String(text.clone()), body: text.into() }
    }

    fn media_type(&self) -> &'static str {
        match self.form {
            "application/json" => "application/json",
            "application/octet-stream" => "application/octet-stream",
            _ => "text/plain; charset=utf-8",
        }
    }
}

/// Finds the message: the field of that name, else the body as it is.
fn message(field: Option<String>, content_type: &str, has_length: bool, body: &Bytes) -> Result<Message, Fault> {
    if let Some(text) = field.filter(|text| !text.is_empty()) {
        return Ok(Message::text(text));
    }
    if essence(content_type) == "application/octet-stream" {
        if !has_length {
            return Err(Fault::bad("Content Length required for application/octet-stream."));
        }
        return Ok(Message { form: "application/octet-stream", body: body.clone(), shown: "binary - omitted".into() });
    }
    let unusable = "message POST body could not be serialized. Pass JSON data or use the message attribute.";
    match Json::parse(body) {
        Ok(json @ Json::Object(_)) if is_json(content_type) && json.is_truthy() => {
            Ok(Message { form: "application/json", body: body.clone(), shown: json.into() })
        }
        Ok(json) if matches!(json, Json::Object(_)) || (!is_json(content_type) && json != Json::Null) => {
            Ok(Message { form: "str", body: json.str().into(), shown: json.into() })
        }
        Ok(_) | Err(_) => Err(Fault::bad(unusable)),
    }
}

/// `POST`: accepted means on disk.
pub(crate) async fn send(x: &mut Exchange) -> Answer {
    let field = x.fields.text("message").map(|text| text.into_owned());
    let message = message(field, &x.content_type, x.has_length, &x.body)?;
    let is_synchronous = {
        let wished = x.fields.query.iter().find(|(name, _)| name == "_abaco_synchronous");
        wished.is_some_and(|(_, value)| value.eq_ignore_ascii_case("true"))
    };
    if is_synchronous && waiting(x)? > SYNCHRONOUS_QUEUE_MAX {
        return Err(Fault::bad("Cannot issue synchronous execution when actor message queue > 0."));
    }
    let actor = x.actor()?.clone();
    let target = x.engine().target(&actor.function(x.project()));
    let target = target.ok_or_else(|| Fault::missing("The actor is not there yet, or not any more."))?;
    let shown = message.shown.clone();
    let event = event(x, message);
    let options = SubmitOptions { received_at: Some(x.received_at), ..SubmitOptions::default() };
    let engine = x.engine().clone();
    let receipt = Shield::new(async move { engine.submit(&target, event, options).await }, &x.app.tasks).await?;
    if is_synchronous {
        x.forget_body();
        return wait(x, receipt.id).await;
    }
    let id = receipt.id.to_string();
    let Value::Object(document) = json!({
        "execution_id": id,
        "msg": shown,
        "_links": x.links.message(&actor.id, &id, &actor.owner),
    }) else {
        return Err(Fault::broken(&"a document is an object"));
    };
    Ok(x.answer(FINE, x.case().spell(document)))
}

fn event(x: &Exchange, message: Message) -> Event {
    let given = x.fields.query.iter().filter(|(name, _)| !OURS.contains(&name.as_str()));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
    let mut headers = vec![
        (CONTENT_TYPE_HEADER.to_owned(), message.form.to_owned()),
        ("x-abaco-api-server".to_owned(), x.api_server.clone()),
    ];
    if let Some(name) = &x.jwt_header {
        headers.push(("x-abaco-jwt-header-name".to_owned(), name.clone()));
    }
    Event {
        kind: "tidemill.abaco.message".to_owned(),
        time: x.received_at,
        caller: x.principal.user.clone(),
        trigger: TriggerLabel { kind: "abaco".to_owned(), name: "messages".to_owned() },
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query,
        headers,
        content_type: message.media_type().to_owned(),
        body: message.body,
        ..Event::default()
    }
}

/// Waits for the end of an execution: its first result is the answer, else its log.
async fn wait(x: &Exchange, id: InvocationId) -> Answer {
    let detail = x.app.wait(id, x.app.config.wait_max).await?;
    let invocation = &detail.invocation;
    let mut response = match invocation.status {
        Status::Queued | Status::Running => {
            let message = format!("Execution {id} goes on; look at it later.");
            Fault::new(http::StatusCode::GATEWAY_TIMEOUT, message).respond(&x.config().tag)
        }
        Status::Succeeded | Status::Cancelled => of_end(x, &detail).await?,
        Status::Failed | Status::DeadLettered => {
            let message = format!("Execution {id} ended in ERROR: {}", invocation.reason);
            Fault::new(http::StatusCode::BAD_GATEWAY, message).respond(&x.config().tag)
        }
    };
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(tidemill_api::header::INVOCATION_ID, value);
    }
    Ok(response)
}

async fn of_end(x: &Exchange, detail: &tidemill_core::ports::InvocationDetail) -> Result<Response<Body>, Fault> {
    match x.engine().store().take_result(detail.invocation.id).await? {
        Some(result) => Ok(envelope::raw("application/octet-stream", result)),
        None => Ok(envelope::raw("text/html; charset=utf-8", logs::text(x.engine(), x.config(), detail).await?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found() {
        let json = "application/json";
        let binary = "application/octet-stream";
        for (field, content_type, body, form, stored, shown) in [
            (Some("hi"), "", "", "str", "hi", json!("hi")),
            (Some("hi"), binary, "x", "str", "hi", json!("hi")),
            (None, binary, "x", binary, "x", json!("binary - omitted")),
            (None, binary, "", binary, "", json!("binary - omitted")),
            (None, json, r#"{"z": 1, "a": 2}"#, json, r#"{"z": 1, "a": 2}"#, json!({"a": 2, "z": 1})),
            (Some(""), json, r#"{"message": ""}"#, json, r#"{"message": ""}"#, json!({"message": ""})),
            (None, json, "{}", "str", "{}", json!({})),
            (
                None,
                "text/plain",
                r#"{"z": true, "a": null}"#,
                "str",
                "{'z': True, 'a': None}",
                json!({"a": null, "z": true}),
            ),
            (None, "application/x-www-form-urlencoded", "[1, \"a\"]", "str", "[1, 'a']", json!([1, "a"])),
            (None, "", "\"text\"", "str", "text", json!("text")),
            (None, "", "5", "str", "5", json!(5)),
        ] {
            let found = message(field.map(str::to_owned), content_type, true, &Bytes::from(body)).unwrap();
            let expected = Message { form, body: Bytes::from(stored), shown };
            assert_eq!(found, expected, "{field:?} {content_type} {body}");
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for (content_type, has_length, body) in [
            ("application/json", true, ""),
            ("application/json", true, "{"),
            ("application/json", true, "[1]"),
            ("application/json", true, "\"text\""),
            ("application/json", true, "null"),
            ("application/x-www-form-urlencoded", true, "a=b"),
            ("text/plain", true, "hello"),
            ("", true, ""),
            ("", true, "null"),
            ("application/octet-stream", false, "x"),
        ] {
            assert!(message(None, content_type, has_length, &Bytes::from(body)).is_err(), "{content_type} {body}");
        }
    }
}
