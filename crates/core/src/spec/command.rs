//! The settings of a command, a shell function's or a WebAssembly module's, that its runtime attributes hold.

use serde_json::Value;

use super::FunctionSpec;
use crate::Event;

/// Read from `runtimeAttributes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandAttributes {
    /// Words after the program's name.
    pub arguments: Vec<String>,
    /// Headers of each response.
    pub response_headers: Vec<(String, String)>,
}

impl CommandAttributes {
    /// Reads and checks them. The error is one line naming the attribute.
    pub fn read(spec: &FunctionSpec) -> Result<CommandAttributes, String> {
        let attribute = |name: &str| spec.runtime_attributes.get(name).filter(|value| !value.is_null());
        let arguments = match attribute("arguments") {
            None => Vec::new(),
            Some(Value::String(text)) => words(text),
            Some(Value::Array(list)) => {
                list.iter().map(scalar).collect::<Option<_>>().ok_or("runtimeAttributes.arguments must hold texts")?
            }
            Some(_) => return Err("runtimeAttributes.arguments must be a text, split on spaces, or a list".to_owned()),
        };
        let response_headers = match attribute("responseHeaders") {
            None => Vec::new(),
            Some(Value::Object(map)) => {
                let pair = |(name, value): (&String, &Value)| Some((name.clone(), scalar(value)?));
                map.iter()
                    .map(pair)
                    .collect::<Option<_>>()
                    .ok_or("runtimeAttributes.responseHeaders must hold texts")?
            }
            Some(_) => return Err("runtimeAttributes.responseHeaders must be a map of names to values".to_owned()),
        };
        Ok(CommandAttributes { arguments, response_headers })
    }

    /// The arguments for `event`: its own, when it brings some.
    pub fn arguments_for(&self, event: &Event) -> Vec<String> {
        event.header("x-nuclio-arguments").map_or_else(|| self.arguments.clone(), words)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
