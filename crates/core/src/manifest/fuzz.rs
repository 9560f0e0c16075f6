//! What the fuzz targets see of the readers in here.

use std::fmt::Write as _;

use super::{
    quantity,
    yaml::{self, Node, Scalar, Value},
};

/// A place in a text: line and column, both from 1.
pub type Place = (u32, u32);

/// A document that was read.
pub struct Yaml {
    /// The same document in one form of YAML that knows no context: each key marked, each text in quotes, ASCII only.
    pub printed: String,
    /// Its value as JSON.
    pub json: serde_json::Value,
    /// Its values, keys left out.
    pub nodes: usize,
    /// The bytes of its texts, keys left out.
    pub scalar_bytes: usize,
    /// The deepest nesting of lists and mappings.
    pub depth: usize,
    /// The last place that a value has.
    pub last: Place,
}

/// Reads a document. The error is its place and what is wrong.
///
/// # Errors
/// It is malformed or beyond the limits.
pub fn yaml(text: &str) -> Result<Yaml, (Place, String)> {
    let node = yaml::parse(text).map_err(|malformed| ((malformed.at.line, malformed.at.column), malformed.message))?;
    let json = node.to_json();
    let mut read = Yaml { printed: String::new(), json, nodes: 0, scalar_bytes: 0, depth: 0, last: (1, 1) };
    read.add(&node, 1);
    Ok(read)
}

/// Reads an amount of memory in bytes.
///
/// # Errors
/// What is wrong with it, in one line.
pub fn memory_bytes(text: &str) -> Result<u64, String> {
    quantity::parse_bytes(text)
}

impl Yaml {
    fn add(&mut self, node: &Node, depth: usize) {
        self.nodes += 1;
        self.last = self.last.max((node.at.line, node.at.column));
        match &node.value {
            Value::Scalar { text, kind } => {
                self.scalar_bytes += text.len();
                match kind {
                    Scalar::Null => self.printed.push_str("null"),
                    Scalar::Bool(value) => self.printed.push_str(if *value { "true" } else { "false" }),
                    Scalar::Integer(_) | Scalar::Number(_) => self.printed.push_str(text),
                    Scalar::Text => self.quote(text),
                }
            }
            Value::List(items) => {
                self.depth = self.depth.max(depth);
                self.printed.push('[');
                for item in items {
                    self.add(item, depth + 1);
                    self.printed.push_str(", ");
                }
                self.printed.push(']');
            }
            Value::Map(members) => {
                self.depth = self.depth.max(depth);
                self.printed.push('{');
                for member in members {
                    self.printed.push_str("? ");
                    self.quote(&member.key);
                    self.printed.push_str(" : ");
                    self.add(&member.node, depth + 1);
                    self.printed.push_str(", ");
                }
                self.printed.push('}');
            }
        }
    }

    fn quote(&mut self, text: &str) {
        self.printed.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.printed.extend(['\\', c]),
                ' '..='~' => self.printed.push(c),
                // Writing to a string does not fail.
                c => drop(write!(self.printed, "\\U{:08x}", u32::from(c))),
            }
        }
        self.printed.push('"');
    }
}
