//! Full text: what is written anywhere in a document.

use serde_json::Value;

use super::Document;

/// Members that are the same in all documents, or addresses.
const LEFT_OUT: [&str; 4] = ["_links", "api_server", "tenant", "db_id"];

fn each(document: &Document, visit: &mut dyn FnMut(&str)) {
    fn walk(value: &Value, visit: &mut dyn FnMut(&str)) {
        match value {
            Value::String(text) => visit(&text.to_lowercase()),
            Value::Array(list) => list.iter().for_each(|one| walk(one, visit)),
            Value::Object(members) => members.values().for_each(|one| walk(one, visit)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    for (name, value) in document {
        if !LEFT_OUT.contains(&name.as_str()) {
            walk(value, visit);
        }
    }
}

/// Whether a phrase occurs, in any case of letters.
pub(super) fn has(document: &Document, phrase: &str) -> bool {
    let phrase = phrase.trim().trim_matches('"').to_lowercase();
    let mut found = false;
    each(document, &mut |text| found |= text.contains(&phrase));
    found
}

/// How often the words occur.
pub(super) fn score(document: &Document, words: &str) -> u64 {
    let words = words.to_lowercase();
    let words: Vec<&str> = split(&words).collect();
    let mut score = 0;
    each(document, &mut |text| score += split(text).filter(|word| words.contains(word)).count() as u64);
    score
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}
