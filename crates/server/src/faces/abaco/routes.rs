//! The paths of the face, what can be done there, and what it takes. One table; what is not in it does not exist.

use tidemill_core::access::Level;

/// What can be done at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

impl Verb {
    /// The verb of an HTTP method; HEAD is a GET whose answer has no body.
    pub(crate) fn of(method: &http::Method) -> Option<Verb> {
        match method.as_str() {
            "GET" | "HEAD" => Some(Verb::Get),
            "POST" => Some(Verb::Post),
            "PUT" => Some(Verb::Put),
            "DELETE" => Some(Verb::Delete),
            _ => None,
        }
    }

    /// Its method.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
            Verb::Delete => "DELETE",
        }
    }
}

/// What a request must bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Any role.
    Role,
    /// A level on the actor of the path.
    Actor(Level),
    /// The role of an admin, and the actor of the path must be there.
    ActorAsAdmin,
    /// A level on the alias of the path.
    Alias(Level),
    /// A level on the alias of the path and on the actor that it names.
    AliasAndActor(Level),
    /// A level on the config of the path.
    Config(Level),
    /// The role of an admin.
    Admin,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    ActorList,
    ActorCreate,
    ActorShow,
    ActorPut,
    ActorDelete,
    StateShow,
    StatePut,
    MessageCount,
    MessageSend,
    MessagePurge,
    ExecutionList,
    ExecutionRecord,
    ExecutionShow,
    ExecutionStop,
    Logs,
    Results,
    NonceList,
    NonceCreate,
    NonceShow,
    NonceDelete,
    PermissionList,
    PermissionSet,
    WorkerList,
    WorkerEnsure,
    WorkerShow,
    WorkerStop,
    AliasList,
    AliasCreate,
    AliasShow,
    AliasPut,
    AliasDelete,
    ConfigList,
    ConfigCreate,
    ConfigShow,
    ConfigPut,
    ConfigDelete,
    Search,
    Utilization,
    AdminActors,
    AdminWorkers,
    AdminExecutions,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The path; parts in braces stand for one part of any text.
    pub(crate) path: &'static str,
    /// The verb.
    pub(crate) verb: Verb,
    /// What is done.
    pub(crate) endpoint: Endpoint,
    /// What it takes.
    pub(crate) need: Need,
}

const fn row(path: &'static str, verb: Verb, endpoint: Endpoint, need: Need) -> Row {
    Row { path, verb, endpoint, need }
}

use Endpoint as E;
use Level::{Execute, Read, Update};
use Need::{Actor, Alias, AliasAndActor, Config};
use Verb::{Delete, Get, Post, Put};

/// All of it. Of several paths that fit the first one counts, so words come before parts in braces.
pub(crate) const TABLE: &[Row] = &[
    row("/actors", Get, E::ActorList, Need::Role),
    row("/actors", Post, E::ActorCreate, Need::Role),
    row("/actors/aliases", Get, E::AliasList, Need::Role),
    row("/actors/aliases", Post, E::AliasCreate, Need::Role),
    row("/actors/aliases/{alias}", Get, E::AliasShow, Alias(Read)),
    row("/actors/aliases/{alias}", Put, E::AliasPut, Alias(Update)),
    row("/actors/aliases/{alias}", Delete, E::AliasDelete, Alias(Update)),
    row("/actors/aliases/{alias}/permissions", Get, E::PermissionList, Alias(Read)),
    row("/actors/aliases/{alias}/permissions", Post, E::PermissionSet, Alias(Update)),
    row("/actors/aliases/{alias}/nonces", Get, E::NonceList, AliasAndActor(Read)),
    row("/actors/aliases/{alias}/nonces", Post, E::NonceCreate, AliasAndActor(Update)),
    row("/actors/aliases/{alias}/nonces/{nonce}", Get, E::NonceShow, AliasAndActor(Read)),
    row("/actors/aliases/{alias}/nonces/{nonce}", Delete, E::NonceDelete, AliasAndActor(Update)),
    row("/actors/configs", Get, E::ConfigList, Need::Role),
    row("/actors/configs", Post, E::ConfigCreate, Need::Role),
    row("/actors/configs/{config}", Get, E::ConfigShow, Config(Read)),
    row("/actors/configs/{config}", Put, E::ConfigPut, Config(Update)),
    row("/actors/configs/{config}", Delete, E::ConfigDelete, Config(Update)),
    row("/actors/configs/{config}/permissions", Get, E::PermissionList, Config(Read)),
    row("/actors/configs/{config}/permissions", Post, E::PermissionSet, Config(Update)),
    row("/actors/search/{type}", Get, E::Search, Need::Role),
    row("/actors/utilization", Get, E::Utilization, Need::Role),
    row("/actors/admin", Get, E::AdminActors, Need::Admin),
    row("/actors/admin/workers", Get, E::AdminWorkers, Need::Admin),
    row("/actors/admin/executions", Get, E::AdminExecutions, Need::Admin),
    row("/actors/{actor}", Get, E::ActorShow, Actor(Read)),
    row("/actors/{actor}", Put, E::ActorPut, Actor(Update)),
    row("/actors/{actor}", Delete, E::ActorDelete, Actor(Update)),
    row("/actors/{actor}/state", Get, E::StateShow, Actor(Read)),
    row("/actors/{actor}/state", Post, E::StatePut, Actor(Update)),
    row("/actors/{actor}/messages", Get, E::MessageCount, Actor(Read)),
    row("/actors/{actor}/messages", Post, E::MessageSend, Actor(Execute)),
    row("/actors/{actor}/messages", Delete, E::MessagePurge, Actor(Update)),
    row("/actors/{actor}/executions", Get, E::ExecutionList, Actor(Read)),
    row("/actors/{actor}/executions", Post, E::ExecutionRecord, Actor(Update)),
    row("/actors/{actor}/executions/{execution}", Get, E::ExecutionShow, Actor(Read)),
    row("/actors/{actor}/executions/{execution}", Delete, E::ExecutionStop, Actor(Update)),
    row("/actors/{actor}/executions/{execution}/logs", Get, E::Logs, Actor(Read)),
    row("/actors/{actor}/executions/{execution}/results", Get, E::Results, Actor(Read)),
    row("/actors/{actor}/nonces", Get, E::NonceList, Actor(Read)),
    row("/actors/{actor}/nonces", Post, E::NonceCreate, Actor(Update)),
    row("/actors/{actor}/nonces/{nonce}", Get, E::NonceShow, Actor(Read)),
    row("/actors/{actor}/nonces/{nonce}", Delete, E::NonceDelete, Actor(Update)),
    row("/actors/{actor}/permissions", Get, E::PermissionList, Actor(Read)),
    row("/actors/{actor}/permissions", Post, E::PermissionSet, Actor(Update)),
    row("/actors/{actor}/workers", Get, E::WorkerList, Actor(Read)),
    row("/actors/{actor}/workers", Post, E::WorkerEnsure, Need::ActorAsAdmin),
    row("/actors/{actor}/workers/{worker}", Get, E::WorkerShow, Actor(Read)),
    row("/actors/{actor}/workers/{worker}", Delete, E::WorkerStop, Actor(Update)),
];

/// Words that cannot be aliases, because a path with them leads elsewhere.
pub(crate) const RESERVED: [&str; 11] = [
    "executions",
    "nonces",
    "logs",
    "messages",
    "adapters",
    "admin",
    "aliases",
    "configs",
    "search",
    "utilization",
    "v2",
];

/// A path that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// As in the table.
    pub(crate) path: &'static str,
    params: Vec<(&'static str, String)>,
}

impl Place {
    /// Finds a path of the face: `/actors…`, or `/actors/v2…` for the same. Empty parts count for nothing.
    pub(crate) fn find(path: &str) -> Option<Place> {
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.get(1) == Some(&"v2") {
            parts.remove(1);
        }
        let mut last = "";
        let paths = TABLE.iter().map(|row| row.path).filter(|path| std::mem::replace(&mut last, path) != *path);
        paths.filter_map(|known| fit(known, &parts)).next()
    }

    /// The part of the path that stands for `name` in the table.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| *key == name).map(|(_, text)| text.as_str())
    }

    /// What can be done here.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &'static Row> + use<> {
        let path = self.path;
        TABLE.iter().filter(move |row| row.path == path)
    }

    /// The row of a verb.
    pub(crate) fn row(&self, verb: Verb) -> Option<&'static Row> {
        self.rows().find(|row| row.verb == verb)
    }
}

fn fit(known: &'static str, parts: &[&str]) -> Option<Place> {
    let words: Vec<&'static str> = known.split('/').filter(|word| !word.is_empty()).collect();
    if words.len() != parts.len() {
        return None;
    }
    let mut params = Vec::new();
    for (word, part) in words.into_iter().zip(parts) {
        match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
            Some(name) => params.push((name, unescape(part)?)),
            None if word == *part => {}
            None => return None,
        }
    }
    Some(Place { path: known, params })
}

/// A part of a path without its escapes; `None` when they make no text. What is no escape stands for itself.
fn unescape(part: &str) -> Option<String> {
    percent_encoding::percent_decode_str(part).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn paths_are_found() {
        for (path, known, param) in [
            ("/actors", "/actors", None),
            ("//actors/", "/actors", None),
            ("/actors/v2", "/actors", None),
            ("/actors/aliases", "/actors/aliases", None),
            ("/actors/aliases/my.alias", "/actors/aliases/{alias}", Some(("alias", "my.alias"))),
            ("/actors/search/actors", "/actors/search/{type}", Some(("type", "actors"))),
            ("/actors/admin/workers", "/actors/admin/workers", None),
            ("/actors/a1", "/actors/{actor}", Some(("actor", "a1"))),
            ("/actors/v2/a1/messages", "/actors/{actor}/messages", Some(("actor", "a1"))),
            ("/actors/%zz", "/actors/{actor}", Some(("actor", "%zz"))),
            ("//actors//a%20b//messages//", "/actors/{actor}/messages", Some(("actor", "a b"))),
        ] {
            let place = Place::find(path).unwrap();
            assert_eq!(place.path, known, "{path}");
            if let Some((name, text)) = param {
                assert_eq!(place.param(name), Some(text), "{path}");
            }
        }
        for path in ["/", "/actor", "/actors/a/b", "/actors/a/executions/e/x", "/actors/%ff", "/actors/%c3"] {
            assert_eq!(Place::find(path), None, "{path}");
        }
    }

    #[test]
    fn no_row_is_there_twice_and_paths_stand_together() {
        let rows: BTreeSet<_> = TABLE.iter().map(|row| (row.path, row.verb)).collect();
        assert_eq!(rows.len(), TABLE.len());
        let mut seen = Vec::new();
        for row in TABLE {
            if seen.last() != Some(&row.path) {
                assert!(!seen.contains(&row.path), "{} is in two places", row.path);
                seen.push(row.path);
            }
        }
    }
}
