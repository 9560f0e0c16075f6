//! Triggers of kind `message`.

use crate::{
    manifest::{problem::Report, view::View},
    name::FunctionName,
    spec::{FunctionSpec, MessageSource, MessageTrigger, TriggerKind},
};

/// The attributes of a message trigger; `None` without a source, which is reported.
pub(super) fn message(trigger: &View<'_>, report: &mut Report) -> Option<MessageTrigger> {
    let attributes = trigger.get("attributes");
    let (topic, function) = (attributes.get("topic"), attributes.get_any(&["subscribeTo", "subscribe_to"]));
    let source = match (topic.text(), function.text()) {
        (Some(_), Some(_)) => {
            let hint = "a second trigger can listen to the other".to_owned();
            report.at(
                function.at(),
                &function,
                "a trigger listens to a topic or to a function, not to both",
                Some(hint),
            );
            return None;
        }
        (Some(text), None) => text.parse().map(MessageSource::Topic).map_err(|error| (topic, error)),
        (None, Some(text)) => text.parse().map(MessageSource::Responses).map_err(|error| (function, error)),
        (None, None) => {
            if !topic.is_given() && !function.is_given() {
                let hint = "give attributes.topic or attributes.subscribeTo".to_owned();
                report.at(trigger.at(), &attributes, "there is nothing to listen to", Some(hint));
            }
            return None;
        }
    };
    match source {
        Ok(source) => Some(MessageTrigger { source }),
        Err((place, error)) => {
            report.at(place.at(), &place, error.to_string(), None);
            None
        }
    }
}

/// Refuses a function that would feed itself for ever.
pub(in crate::manifest) fn subscriptions(
    view: &View<'_>,
    name: &FunctionName,
    spec: &FunctionSpec,
    report: &mut Report,
) {
    let own = MessageSource::Responses(name.clone());
    for (trigger_name, trigger) in &spec.triggers {
        if matches!(&trigger.kind, TriggerKind::Message(message) if message.source == own) {
            let place = view.get("triggers").get(trigger_name.as_str());
            let message = "a function that listens to its own responses would never come to an end";
            if place.is_given() {
                report.at(place.at(), &place, message, None);
            } else {
                report.general("--subscribe-to", message, None);
            }
        }
    }
}
