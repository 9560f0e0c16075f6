//! Searches: filters by members, full text, pages. Pure: they work on documents that somebody else has gathered.
//!
//! Documents are JSON objects whose names are spelled with underscores, whatever the server's spelling is.

mod filter;
mod finding;
mod operand;
mod text;

use serde_json::{Map, Value, json};

pub(crate) use filter::Filter;
pub(crate) use finding::Finding;

use super::case::Case;

/// Hits on a page unless the search says otherwise.
const LIMIT: u64 = 100;
/// Filters of one search.
const FILTERS_MAX: usize = 50;

/// A document.
pub(crate) type Document = Map<String, Value>;

/// A search that cannot be made; the text is the answer to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid search: {0}")]
pub(crate) struct BadSearch(String);

/// A search.
#[derive(Debug)]
pub(crate) struct Search {
    filters: Vec<Filter>,
    /// Orders by how often these words occur.
    words: Option<String>,
    /// Must occur.
    phrase: Option<String>,
    skip: u64,
    limit: u64,
}

/// One page of what was found.
#[derive(Debug)]
pub(crate) struct Hits {
    /// All that was found.
    pub(crate) total: u64,
    /// How many were skipped.
    pub(crate) skipped: u64,
    /// How many were asked for.
    pub(crate) limit: u64,
    /// The page.
    pub(crate) documents: Vec<Document>,
}

impl Search {
    /// Reads the parameters of a query. `x-nonce` is none of them.
    pub(crate) fn parse(query: &[(String, String)], case: Case) -> Result<Search, BadSearch> {
        let mut search = Search { filters: Vec::new(), words: None, phrase: None, skip: 0, limit: LIMIT };
        for (name, value) in query {
            let number = || {
                value.trim().parse::<u64>().map_err(|_| BadSearch(format!("{name} must be a whole number, 0 or more")))
            };
            match name.as_str() {
                "x-nonce" => {}
                "skip" => search.skip = number()?,
                "limit" => search.limit = number()?,
                "search" => search.words = Some(value.clone()),
                "exactsearch" => search.phrase = Some(value.clone()),
                _ if search.filters.len() == FILTERS_MAX => {
                    return Err(BadSearch(format!("it has more than {FILTERS_MAX} filters")));
                }
                _ => search.filters.push(Filter::parse(name, value, case)?),
            }
        }
        Ok(search)
    }

    /// Whether a document is found.
    pub(crate) fn finds(&self, document: &Document) -> bool {
        self.filters.iter().all(|filter| filter.passes(document))
            && self.phrase.as_deref().is_none_or(|phrase| text::has(document, phrase))
    }

    /// The page of documents that are found.
    #[cfg(test)]
    fn run(self, documents: Vec<Document>) -> Hits {
        let mut finding = Finding::new(self);
        documents.into_iter().for_each(|document| finding.add(document, None));
        finding.hits()
    }
}

impl Hits {
    /// The result as answers show it: documents keep members that are `null`.
    pub(crate) fn show(self, case: Case) -> Value {
        let returned = self.documents.len();
        let Value::Object(metadata) = json!({
            "total_count": self.total,
            "count_returned": returned,
            "records_skipped": self.skipped,
            "record_limit": self.limit,
        }) else {
            return Value::Null;
        };
        let documents: Vec<Value> = self.documents.into_iter().map(|one| Value::Object(case.spell(one))).collect();
        json!({"_metadata": case.spell(metadata), "search": documents})
    }
}

#[cfg(test)]
mod tests;
