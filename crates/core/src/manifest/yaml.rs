//! YAML (and so JSON) as a tree in which every value knows its place.
//!
//! The scanner is `saphyr-parser`; this turns its events into nodes by the core schema of YAML 1.2, in which `yes` is a
//! text. Anchors, aliases and merge keys (`<<`) are understood. What a hostile text could make large is bounded: the size
//! of the text, the depth, and the nodes and bytes of the tree with all aliases written out.

use std::{borrow::Cow, collections::BTreeMap};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

/// The largest configuration, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// The deepest nesting.
pub const DEPTH_MAX: usize = 64;
/// The most values, aliases written out.
pub const NODES_MAX: usize = 100_000;
/// The most bytes of text in values, aliases written out.
pub const SCALAR_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 256;

/// A place in the text, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Position {
    /// Where a text begins.
    pub(super) const START: Position = Position { line: 1, column: 1 };

    fn of(marker: &Marker) -> Position {
        let line = u32::try_from(marker.line()).unwrap_or(u32::MAX).max(1);
        Position { line, column: u32::try_from(marker.col()).unwrap_or(u32::MAX).saturating_add(1) }
    }
}

/// A value and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A single value, with its text as written.
    Scalar { text: String, kind: Scalar },
    /// Items in order.
    List(Vec<Node>),
    /// Members in order, as often as they are written.
    Map(Vec<Member>),
}

/// What a single value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Integer(i64),
    Number(f64),
    Text,
}

/// A member of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) at: Position,
    pub(super) key: String,
    pub(super) node: Node,
}

/// Why a text is not a document.
#[derive(Debug)]
pub(super) struct Malformed {
    pub(super) at: Position,
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

impl Malformed {
    fn new(at: Position, message: impl Into<String>) -> Malformed {
        Malformed { at, message: message.into(), hint: None }
    }
}

impl Node {
    /// Whether nothing is given.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Scalar { kind: Scalar::Null, .. })
    }

    /// An empty mapping.
    pub(super) fn empty(at: Position) -> Node {
        Node { at, value: Value::Map(Vec::new()) }
    }

    /// The value as JSON; numbers that JSON does not have become their text.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Scalar { kind: Scalar::Null, .. } => Json::Null,
            Value::Scalar { kind: Scalar::Bool(value), .. } => Json::Bool(*value),
            Value::Scalar { kind: Scalar::Integer(value), .. } => Json::from(*value),
            Value::Scalar { kind: Scalar::Number(value), text } => {
                serde_json::Number::from_f64(*value).map_or_else(|| Json::String(text.clone()), Json::Number)
            }
            Value::Scalar { kind: Scalar::Text, text } => Json::String(text.clone()),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(members) => {
                Json::Object(members.iter().map(|member| (member.key.clone(), member.node.to_json())).collect())
            }
        }
    }
}

/// Reads a text that holds one document. An empty text is an empty mapping.
pub(super) fn parse(text: &str) -> Result<Node, Malformed> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the configuration has {} bytes; at most {TEXT_BYTES_MAX} are read", text.len());
        return Err(Malformed::new(Position::START, message));
    }
    let mut composer = Composer::default();
    let joined = joined(text);
    let mut parser = Parser::new_from_str(&joined);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| Malformed {
            at: Position::of(error.marker()),
            message: format!("this is not YAML: {}", error.info()),
            hint: text.contains('\t').then_some("indentation is made of spaces; there are tabs in this file"),
        })?;
        composer.event(event, Position::of(&span.start))?;
    }
    let root = composer.root.unwrap_or_else(|| Node::empty(Position::START));
    Ok(if root.is_null() { Node::empty(root.at) } else { root })
}

/// JSON writes characters beyond U+FFFF as two escapes, which YAML has not: they become the character. Places after one in its line
/// move by that.
fn joined(text: &str) -> Cow<'_, str> {
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if !text.contains("\\u") || !is_json() {
        return Cow::Borrowed(text);
    }
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    // In JSON every backslash is in a string, and begins an escape of one character or of `u` and four digits.
    while let Some((before, escape)) = rest.find('\\').map(|at| rest.split_at(at)) {
        joined.push_str(before);
        let (one, size) = match [unit(escape), escape.get(6..).and_then(unit)] {
            [Some(high), Some(low)] => match char::decode_utf16([high, low]).next() {
                Some(Ok(one)) if one.len_utf16() == 2 => (Some(one), 12),
                _ => (None, 2),
            },
            _ => (None, 2),
        };
        let (escape, after) = escape.split_at_checked(size).unwrap_or((escape, ""));
        match one {
            Some(one) => joined.push(one),
            None => joined.push_str(escape),
        }
        rest = after;
    }
    joined.push_str(rest);
    Cow::Owned(joined)
}

/// The unit of UTF-16 that a text begins with as an escape.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

/// How much a subtree counts against the limits.
#[derive(Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

/// A collection that is not complete yet.
struct Open {
    node: Node,
    anchor: usize,
    /// The key whose value comes next, and whether it is plain (`<<` in quotes is an ordinary key).
    key: Option<(Position, String, bool)>,
    /// The value of its merge key, written out when the mapping ends: its own members win, wherever they stand.
    merge: Option<(Position, Node)>,
    weight: Weight,
}

#[derive(Default)]
struct Composer {
    stack: Vec<Open>,
    anchors: BTreeMap<usize, (Node, Weight)>,
    total: Weight,
    documents: usize,
    root: Option<Node>,
}

impl Composer {
    fn event(&mut self, event: Event<'_>, at: Position) -> Result<(), Malformed> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Malformed::new(at, "a second document begins here; there can be one only"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let kind = scalar_kind(&text, plain, tag.as_ref(), at)?;
                let weight = Weight { nodes: 1, bytes: text.len(), depth: 1 };
                self.count(weight, at)?;
                let node = Node { at, value: Value::Scalar { text: text.into_owned(), kind } };
                self.complete(node, anchor, weight, plain)
            }
            Event::SequenceStart(anchor, tag) => self.open(Value::List(Vec::new()), anchor, tag.as_ref(), at),
            Event::MappingStart(anchor, tag) => self.open(Value::Map(Vec::new()), anchor, tag.as_ref(), at),
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(mut open) => {
                    if let (Value::Map(members), Some((at, source))) = (&mut open.node.value, open.merge) {
                        merge(members, at, source)?;
                    }
                    self.complete(open.node, open.anchor, open.weight, false)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let Some((node, weight)) = self.anchors.get(&anchor) else {
                    return Err(Malformed::new(at, "this alias names a value that it is itself a part of"));
                };
                let weight = *weight;
                // Counted before it is copied.
                self.total.nodes = self.total.nodes.saturating_add(weight.nodes);
                self.total.bytes = self.total.bytes.saturating_add(weight.bytes);
                self.check(at)?;
                let node = Node { at, value: node.value.clone() };
                self.complete(node, 0, weight, false)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn count(&mut self, weight: Weight, at: Position) -> Result<(), Malformed> {
        self.total.nodes += weight.nodes;
        self.total.bytes += weight.bytes;
        self.check(at)
    }

    fn check(&self, at: Position) -> Result<(), Malformed> {
        if self.total.nodes > NODES_MAX || self.total.bytes > SCALAR_BYTES_MAX {
            let message =
                format!("more than {NODES_MAX} values or {SCALAR_BYTES_MAX} bytes of text, aliases written out");
            return Err(Malformed::new(at, message));
        }
        Ok(())
    }

    fn open(&mut self, value: Value, anchor: usize, tag: Option<&Cow<'_, Tag>>, at: Position) -> Result<(), Malformed> {
        if let Some(tag) = tag.filter(|tag| !(tag.is_yaml_core_schema() && matches!(&*tag.suffix, "map" | "seq"))) {
            return Err(unknown_tag(tag, at));
        }
        if self.stack.len() >= DEPTH_MAX {
            return Err(too_deep(at));
        }
        let weight = Weight { nodes: 1, bytes: 0, depth: 1 };
        self.count(weight, at)?;
        self.stack.push(Open { node: Node { at, value }, anchor, key: None, merge: None, weight });
        Ok(())
    }

    fn complete(&mut self, node: Node, anchor: usize, weight: Weight, plain: bool) -> Result<(), Malformed> {
        if anchor != 0 {
            // The copy counts too.
            self.count(Weight { depth: 0, ..weight }, node.at)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        let depth = self.stack.len() + weight.depth;
        let Some(parent) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        if depth > DEPTH_MAX + 1 {
            return Err(too_deep(node.at));
        }
        parent.weight.nodes += weight.nodes;
        parent.weight.bytes += weight.bytes;
        parent.weight.depth = parent.weight.depth.max(weight.depth + 1);
        match (&mut parent.node.value, parent.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(_), Some((at, key, true))) if key == "<<" => {
                if parent.merge.replace((at, node)).is_some() {
                    return Err(Malformed::new(at, "a second merge key <<; write a list of mappings"));
                }
            }
            (Value::Map(members), Some((at, key, _))) => members.push(Member { at, key, node }),
            (Value::Map(_), None) => parent.key = Some(key_of(node, plain)?),
            (Value::Scalar { .. }, _) => {}
        }
        Ok(())
    }
}

fn key_of(node: Node, plain: bool) -> Result<(Position, String, bool), Malformed> {
    match node.value {
        Value::Scalar { text, .. } if text.len() <= KEY_BYTES_MAX => Ok((node.at, text, plain)),
        Value::Scalar { text, .. } => {
            Err(Malformed::new(node.at, format!("a key of {} bytes; at most {KEY_BYTES_MAX} are read", text.len())))
        }
        Value::List(_) | Value::Map(_) => Err(Malformed::new(node.at, "a key must be a text, not a list or mapping")),
    }
}

/// Writes out `<<: *defaults` and `<<: [*a, *b]`: a member that is already there stays.
fn merge(members: &mut Vec<Member>, at: Position, node: Node) -> Result<(), Malformed> {
    let sources = match node.value {
        Value::List(items) => items,
        value => vec![Node { at: node.at, value }],
    };
    let mut known: std::collections::BTreeSet<String> = members.iter().map(|member| member.key.clone()).collect();
    for source in sources {
        let Value::Map(more) = source.value else {
            return Err(Malformed::new(at, "the merge key << takes a mapping or a list of mappings"));
        };
        members.extend(more.into_iter().filter(|member| known.insert(member.key.clone())));
    }
    Ok(())
}

fn scalar_kind(text: &str, plain: bool, tag: Option<&Cow<'_, Tag>>, at: Position) -> Result<Scalar, Malformed> {
    match tag {
        None if plain => Ok(resolve(text)),
        None => Ok(Scalar::Text),
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => Ok(Scalar::Text),
        Some(tag) if tag.is_yaml_core_schema() && matches!(&*tag.suffix, "int" | "float" | "bool" | "null") => {
            Ok(resolve(text))
        }
        Some(tag) => Err(unknown_tag(tag, at)),
    }
}

/// What a plain scalar is by the core schema.
fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" => return Scalar::Number(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Number(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Number(f64::NAN),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix).filter(|digits| !digits.starts_with(['+', '-'])) {
            return i64::from_str_radix(digits, radix).map_or(Scalar::Text, Scalar::Integer);
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_or_else(|_| Scalar::Number(text.parse().unwrap_or(f64::NAN)), Scalar::Integer);
    }
    // Of what Rust reads as a number, YAML does not have words such as `inf` and `nan`.
    let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    match text.parse() {
        Ok(number) if numeric => Scalar::Number(number),
        _ => Scalar::Text,
    }
}

fn unknown_tag(tag: &Tag, at: Position) -> Malformed {
    Malformed::new(at, format!("the tag {tag} has no meaning here"))
}

fn too_deep(at: Position) -> Malformed {
    Malformed::new(at, format!("nested deeper than {DEPTH_MAX} levels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> serde_json::Value {
        parse(text).unwrap().to_json()
    }

    fn value(json: &str) -> serde_json::Value {
        serde_json::from_str(json).unwrap()
    }

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().message
    }

    #[test]
    fn characters_that_json_writes_as_two_escapes_are_read() {
        for text in [
            r#"{"key \ud83d\ude00": "\\ud83d \u00e9\uD83D\uDE00\\"}"#,
            r#"{"a": "\\\ud83d\ude00\n\u0041\ud83d\ude00"}"#,
        ] {
            assert_eq!(json(text), value(text), "{text}");
        }
        assert_eq!(
            json(r"a: '\ud83d\ude00'"),
            value(r#"{"a": "\\ud83d\\ude00"}"#),
            "no escapes in YAML's plain strings"
        );
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        for (text, expected) in [
            ("a: yes", r#"{"a":"yes"}"#),
            ("a: true", r#"{"a":true}"#),
            ("a: 'true'", r#"{"a":"true"}"#),
            ("a: 08", r#"{"a":8}"#),
            ("a: 0x1F", r#"{"a":31}"#),
            ("a: 0o17", r#"{"a":15}"#),
            ("a: -1.5e3", r#"{"a":-1500.0}"#),
            ("a: .inf", r#"{"a":".inf"}"#),
            ("a: nan", r#"{"a":"nan"}"#),
            ("a: 1.2.3", r#"{"a":"1.2.3"}"#),
            ("a: ~\nb:\n", r#"{"a":null,"b":null}"#),
            ("a: !!str 5", r#"{"a":"5"}"#),
            ("a: 128Mi", r#"{"a":"128Mi"}"#),
            ("", "{}"),
            ("# nothing but a comment\n", "{}"),
        ] {
            assert_eq!(json(text), value(expected), "{text}");
        }
    }

    #[test]
    fn json_is_yaml() {
        assert_eq!(
            json("{\n\t\"a\": [1, \"x\", null],\n\t\"b\":{\"c\":\"\\u00e4\"}\n}\n"),
            value(r#"{"a":[1,"x",null],"b":{"c":"ä"}}"#)
        );
    }

    #[test]
    fn aliases_and_merges_are_written_out() {
        let text = "base: &base {a: 1, b: 2}\nx:\n  <<: *base\n  b: 3\ny: *base\nz: {\"<<\": 1}\n";
        assert_eq!(json(text), value(r#"{"base":{"a":1,"b":2},"x":{"a":1,"b":3},"y":{"a":1,"b":2},"z":{"<<":1}}"#));
    }

    #[test]
    fn places_are_kept() {
        let Value::Map(members) = parse("a: 1\nbb:\n  - ä\n").unwrap().value else { panic!("a mapping") };
        assert_eq!((members[1].at, members[1].key.as_str()), (Position { line: 2, column: 1 }, "bb"));
        let Value::List(items) = &members[1].node.value else { panic!("a list") };
        assert_eq!(items[0].at, Position { line: 3, column: 5 });
    }

    #[test]
    fn what_could_grow_is_bounded() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(refusal(&bomb).contains("aliases written out"));
        let mut tower = String::from("a0: &a0 [x]\n");
        for level in 1..200 {
            tower.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
        }
        assert!(refusal(&tower).contains("nested deeper"));
        assert!(refusal(&"[".repeat(100)).contains("nested deeper"));
        assert!(refusal(&"- ".repeat(5_000)).contains("nested deeper"));
        assert!(refusal(&" ".repeat(TEXT_BYTES_MAX + 1)).contains("at most 1048576"));
        assert!(refusal(&format!("{}: 1", "k".repeat(300))).contains("300 bytes"));
        assert!(refusal("a: &a [*a]").contains("part of"));
        assert!(refusal("a: 1\n---\nb: 2").contains("second document"));
        assert!(refusal("a: !thing 1").contains("tag"));
        assert!(refusal("? [a]\n: 1").contains("a key must be"));
        assert!(refusal("a: [1").contains("not YAML"));
    }
}
