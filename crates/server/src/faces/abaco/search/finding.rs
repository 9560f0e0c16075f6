//! A search at work: documents come one by one, and of those that are found the page alone is kept.

use std::cmp::Reverse;

use super::{Document, Hits, Search, text};

/// See the module.
#[derive(Debug)]
pub(crate) struct Finding {
    search: Search,
    total: u64,
    /// With how often the words occur, where some order what is found.
    found: Vec<(Reverse<u64>, Document)>,
}

impl Finding {
    /// Of nothing so far.
    pub(crate) fn new(search: Search) -> Finding {
        Finding { search, total: 0, found: Vec::new() }
    }

    /// Whether what a member says decides what is found. Otherwise documents need not have it.
    pub(crate) fn needs(&self, member: &str) -> bool {
        let search = &self.search;
        search.words.is_some() || search.phrase.is_some() || search.filters.iter().any(|filter| filter.is_of(member))
    }

    /// Judges a document. One that is found is kept without the member `left_out`.
    pub(crate) fn add(&mut self, mut document: Document, left_out: Option<&str>) {
        if !self.search.finds(&document) {
            return;
        }
        self.total += 1;
        let score = self.search.words.as_deref().map(|words| text::score(&document, words));
        let end = self.search.skip.saturating_add(self.search.limit);
        if score.is_none() && !(self.search.skip < self.total && self.total <= end) {
            return;
        }
        if let Some(member) = left_out {
            document.remove(member);
        }
        self.found.push((Reverse(score.unwrap_or_default()), document));
    }

    /// The page.
    pub(crate) fn hits(mut self) -> Hits {
        let (skip, limit) = (self.search.skip, self.search.limit);
        let at = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let skipped = match &self.search.words {
            Some(_) => {
                self.found.sort_by_key(|(score, _)| *score);
                at(skip)
            }
            // They were never kept.
            None => 0,
        };
        let page = self.found.into_iter().map(|(_, document)| document).skip(skipped).take(at(limit));
        Hits { total: self.total, skipped: skip, limit, documents: page.collect() }
    }
}
