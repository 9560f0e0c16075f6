//! Attributes and environment; running is tested through the port.

use serde_json::json;
use tidemill_core::{
    Event,
    spec::{CommandAttributes, FunctionSpec, Runtime},
};

fn spec(attributes: serde_json::Value) -> FunctionSpec {
    let mut spec = FunctionSpec::new(Runtime::Shell);
    spec.runtime_attributes = serde_json::from_value(attributes).unwrap();
    spec
}

#[test]
fn arguments_are_words_and_an_event_may_bring_its_own() {
    let attributes = CommandAttributes::read(&spec(json!({"arguments": " -n  5 ; rm "}))).unwrap();
    assert_eq!(attributes.arguments, ["-n", "5", ";", "rm"]);
    let headers = vec![("x-nuclio-arguments".to_owned(), "$(id) b".to_owned())];
    let event = Event { headers, ..Event::default() };
    assert_eq!(attributes.arguments_for(&event), ["$(id)", "b"]);
    assert_eq!(attributes.arguments_for(&Event::default()), attributes.arguments);
}

#[test]
fn attributes_of_the_wrong_shape_are_named() {
    let error = CommandAttributes::read(&spec(json!({"arguments": 5}))).unwrap_err();
    assert!(error.contains("runtimeAttributes.arguments"), "{error}");
    let error = CommandAttributes::read(&spec(json!({"responseHeaders": "x"}))).unwrap_err();
    assert!(error.contains("runtimeAttributes.responseHeaders"), "{error}");
}
