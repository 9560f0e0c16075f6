//! `/actors/{actor}/state`.

use bytes::Bytes;
use serde_json::json;

use super::{
    actor,
    envelope::{Answer, Fault},
    exchange::Exchange,
    python::Json,
};

/// `GET`: the state as it is now.
pub(crate) async fn show(x: &Exchange) -> Answer {
    let state = actor::state(x.engine(), x.project(), x.actor()?).await?;
    Ok(x.answer("Actor state retrieved successfully.", json!({"state": state})))
}

/// `POST`: the body takes the state's place.
pub(crate) async fn put(x: &Exchange) -> Answer {
    let actor = x.actor()?;
    if actor.definition.stateless {
        return Err(Fault::missing("actor is stateless."));
    }
    let state = new_state(&x.content_type, &x.body)
        .ok_or_else(|| Fault::bad("Invalid actor state description: state must be JSON serializable."))?;
    x.engine().put_state(&actor.function(x.project()), "", Some(state), None).await?;
    let document = actor::document(x.engine(), x.config(), &x.links, x.project(), actor).await?;
    Ok(x.show("State updated successfully.", actor::public(document)))
}

/// A body of JSON that Python takes for true.
fn new_state(content_type: &str, body: &Bytes) -> Option<Bytes> {
    let is_json = super::body::is_json(content_type);
    (is_json && Json::parse(body).is_ok_and(|json| json.is_truthy())).then(|| body.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_json_and_something() {
        for (content_type, body, is_one) in [
            ("application/json", r#"{"a": 1}"#, true),
            ("application/json; charset=utf-8", "\"text\"", true),
            ("application/json", "7", true),
            ("application/json", "[0]", true),
            ("application/json", "{}", false),
            ("application/json", "0", false),
            ("application/json", "false", false),
            ("application/json", "\"\"", false),
            ("application/json", "{", false),
            ("application/json", "", false),
            ("application/x-www-form-urlencoded", "a=1", false),
            ("text/plain", "{\"a\": 1}", false),
        ] {
            assert_eq!(new_state(content_type, &Bytes::from(body)).is_some(), is_one, "{content_type} {body}");
        }
    }
}
