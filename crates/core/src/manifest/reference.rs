//! The tables of `docs/function-yaml.md`, made from the table of keys.

use std::fmt::Write as _;

use super::keys::{ENVELOPE, Effect, KINDS, Key, Shape, TRIGGER};

/// A section: the path its keys stand under, a sentence, and the keys.
type Section = (String, &'static str, &'static [Key]);

/// Tables of every key, what it means and what it is when not given, in Markdown.
pub fn reference() -> String {
    let mut sections: Vec<Section> = vec![(String::new(), "", ENVELOPE)];
    let mut text = String::new();
    let mut next = 0;
    while let Some((path, meaning, keys)) =
        sections.get(next).map(|(path, meaning, keys)| (path.clone(), *meaning, *keys))
    {
        next += 1;
        section(&mut text, &path, meaning, keys);
        let mut at = next;
        for key in keys.iter().filter(|key| key.effect == Effect::Honoured) {
            for (path, meaning, keys) in inner(&join(&path, key.name), &key.shape) {
                sections.insert(at, (path, meaning, keys));
                at += 1;
            }
        }
    }
    text
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The sections under a key.
fn inner(path: &str, shape: &Shape) -> Vec<Section> {
    match shape {
        Shape::Object(keys) | Shape::ChoiceOrObject(_, keys) => vec![(path.to_owned(), "", keys)],
        Shape::List(item) => inner(&format!("{path}[]"), item),
        Shape::Map(value) => inner(&format!("{path}.<name>"), value),
        Shape::Trigger => {
            let attributes = KINDS
                .iter()
                .map(|kind| (format!("{path}.attributes (`kind: {}`)", kind.name), kind.meaning, kind.attributes));
            std::iter::once((path.to_owned(), "", TRIGGER)).chain(attributes).collect()
        }
        _ => Vec::new(),
    }
}

fn section(text: &mut String, path: &str, meaning: &str, keys: &[Key]) {
    let title = match path.split_once(" (") {
        Some((path, rest)) => format!("`{path}` ({rest}"),
        None if path.is_empty() => "The document".to_owned(),
        None => format!("`{path}`"),
    };
    let _ = write!(text, "### {title}\n\n");
    if !meaning.is_empty() {
        let _ = write!(text, "{meaning}\n\n");
    }
    text.push_str("| Key | Value | Default | Meaning |\n|---|---|---|---|\n");
    for key in keys.iter().filter(|key| key.effect == Effect::Honoured) {
        let also = key.alias.map(|alias| format!(" (also `{alias}`)")).unwrap_or_default();
        let must = if key.required { "required" } else { key.default };
        let _ = writeln!(text, "| `{}`{also} | {} | {must} | {} |", key.name, value(&key.shape), key.meaning);
    }
    for (effect, sentence) in [(Effect::None, "Accepted with a warning, without effect"), (Effect::Refused, "Refused")]
    {
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for key in keys.iter().filter(|key| key.effect == effect) {
            match reasons.iter_mut().find(|(reason, _)| *reason == key.meaning) {
                Some((_, names)) => names.push(format!("`{}`", key.name)),
                None => reasons.push((key.meaning, vec![format!("`{}`", key.name)])),
            }
        }
        if !reasons.is_empty() {
            let _ = write!(text, "\n{sentence}:\n\n");
        }
        for (reason, names) in reasons {
            let _ = writeln!(text, "- {}: {reason}.", names.join(", "));
        }
    }
    text.push('\n');
}

fn value(shape: &Shape) -> String {
    match shape {
        Shape::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Shape::Integer { min, max } if *min >= 0 && *max < i64::MAX => format!("whole number, {min} to {max}"),
        Shape::Number { min, max } => format!("number, {min} to {max}"),
        Shape::ChoiceOrObject(words, _) => {
            format!("{}, or a mapping", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
        }
        shape => shape.words(),
    }
}
