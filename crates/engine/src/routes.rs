//! The route table: from a request or an event to functions. Immutable; replaced as a whole when a function changes, so the
//! way of an event reads it without a lock.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arc_swap::ArcSwap;
use tidemill_core::{
    FunctionRef, FunctionState, ProjectName, TopicName, TriggerName,
    spec::{HttpTrigger, MessageSource, TriggerKind},
};

use crate::{
    directory::Functions,
    function::{Function, Target},
};

/// Where a request leads.
#[derive(Clone)]
pub enum HttpRoute {
    /// To a function.
    Found {
        /// The function.
        target: Target,
        /// What follows the function's address; begins with `/`.
        path: String,
    },
    /// There is a function, but not for this method.
    MethodNotAllowed {
        /// The methods there are, in capitals.
        allow: Vec<String>,
    },
    /// The function has no address: only messages or timers run it.
    NoAddress(FunctionRef),
    /// To nothing.
    NotFound,
}

impl Functions for ArcSwap<Routes> {
    fn has(&self, function: &FunctionRef) -> bool {
        self.load().function(function).is_some()
    }
}

/// One function's claim on a path.
struct PathRoute {
    hosts: Vec<String>,
    methods: Vec<String>,
    function: Arc<Function>,
}

/// A subscription of a function, with the trigger that says so.
#[derive(Clone)]
pub(crate) struct Subscription {
    pub function: Arc<Function>,
    pub trigger: TriggerName,
}

#[derive(Default)]
pub(crate) struct Routes {
    functions: BTreeMap<FunctionRef, Arc<Function>>,
    /// By the text in `/f/{text}/…`.
    by_text: HashMap<String, Arc<Function>>,
    exact: HashMap<String, Vec<PathRoute>>,
    /// Paths that stand for all below them, the longest first; without the closing `/*`.
    prefixes: Vec<(String, PathRoute)>,
    subscriptions: BTreeMap<(ProjectName, MessageSource), Vec<Subscription>>,
}

impl Routes {
    pub fn new(functions: BTreeMap<FunctionRef, Arc<Function>>) -> Routes {
        let mut routes = Routes::default();
        for (reference, function) in &functions {
            routes.by_text.insert(reference.to_string(), function.clone());
            let current = function.current.load();
            for (name, trigger) in &current.spec.triggers {
                if trigger.disabled {
                    continue;
                }
                match &trigger.kind {
                    TriggerKind::Http(http) => routes.add_paths(http, function),
                    TriggerKind::Message(message) => {
                        let key = (reference.project.clone(), message.source.clone());
                        let subscription = Subscription { function: function.clone(), trigger: name.clone() };
                        routes.subscriptions.entry(key).or_default().push(subscription);
                    }
                    TriggerKind::Cron(_) => {}
                }
            }
        }
        routes.prefixes.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then(a.cmp(b)));
        routes.functions = functions;
        routes
    }

    fn add_paths(&mut self, http: &HttpTrigger, function: &Arc<Function>) {
        for path in &http.paths {
            let route =
                PathRoute { hosts: http.hosts.clone(), methods: http.methods.clone(), function: function.clone() };
            match path.strip_suffix("/*") {
                Some(prefix) => self.prefixes.push((prefix.to_owned(), route)),
                None => self.exact.entry(path.clone()).or_default().push(route),
            }
        }
    }

    pub fn function(&self, reference: &FunctionRef) -> Option<&Arc<Function>> {
        self.functions.get(reference)
    }

    pub fn functions(&self) -> &BTreeMap<FunctionRef, Arc<Function>> {
        &self.functions
    }

    pub fn subscribers(&self, project: &ProjectName, source: &MessageSource) -> &[Subscription] {
        // A key of borrowed parts is not worth its price: the clone is two reference counts.
        self.subscriptions.get(&(project.clone(), source.clone())).map_or(&[], Vec::as_slice)
    }

    pub fn topics(&self, project: &ProjectName) -> Vec<(TopicName, &[Subscription])> {
        let of_project = self.subscriptions.iter().filter(|((owner, _), _)| owner == project);
        of_project
            .filter_map(|((_, source), subscriptions)| match source {
                MessageSource::Topic(topic) => Some((topic.clone(), subscriptions.as_slice())),
                MessageSource::Responses(_) => None,
            })
            .collect()
    }

    /// See [`crate::Engine::route`].
    pub fn http(&self, host: Option<&str>, method: &str, path: &str) -> HttpRoute {
        if let Some(rest) = path.strip_prefix("/f/") {
            return self.own_address(method, rest);
        }
        let mut refused: Option<&PathRoute> = None;
        let below = |prefix: &str| path.strip_prefix(prefix).filter(|rest| rest.starts_with('/') || rest.is_empty());
        let exact = self.exact.get(path).into_iter().flatten().map(|route| (route, "/"));
        let prefixed = self.prefixes.iter().filter_map(|(prefix, route)| below(prefix).map(|rest| (route, rest)));
        for (route, rest) in exact.chain(prefixed) {
            if !route.is_for_host(host) {
                continue;
            }
            if route.methods.is_empty() || route.methods.iter().any(|allowed| allowed == method) {
                let path = if rest.is_empty() { "/".to_owned() } else { rest.to_owned() };
                return HttpRoute::Found { target: Target(route.function.clone()), path };
            }
            refused = refused.or(Some(route));
        }
        match refused {
            Some(route) => HttpRoute::MethodNotAllowed { allow: route.methods.clone() },
            None => HttpRoute::NotFound,
        }
    }

    fn own_address(&self, method: &str, rest: &str) -> HttpRoute {
        let (name, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        let function = self.by_text.get(name).or_else(|| {
            // `default:name` is the same as `name`.
            name.parse().ok().and_then(|reference| self.functions.get(&reference))
        });
        let Some(function) = function else { return HttpRoute::NotFound };
        let current = function.current.load();
        let Some((_, _, http)) = current.spec.http() else {
            return HttpRoute::NoAddress(function.reference.clone());
        };
        if !http.methods.is_empty() && !http.methods.iter().any(|allowed| allowed == method) {
            return HttpRoute::MethodNotAllowed { allow: http.methods.clone() };
        }
        HttpRoute::Found { target: Target(function.clone()), path: path.to_owned() }
    }

    /// Another function than `but` that already has one of `http`'s paths: the path and its owner.
    pub fn taken(&self, http: &HttpTrigger, but: &FunctionRef) -> Option<(String, FunctionRef)> {
        let overlaps = |a: &[String], b: &[String]| {
            a.is_empty() || b.is_empty() || a.iter().any(|one| b.iter().any(|other| other.eq_ignore_ascii_case(one)))
        };
        for path in &http.paths {
            let same_prefix =
                self.prefixes.iter().filter(|(prefix, _)| Some(prefix.as_str()) == path.strip_suffix("/*"));
            let same = self.exact.get(path).into_iter().flatten().chain(same_prefix.map(|(_, route)| route));
            for route in same {
                let is_other = route.function.reference != *but;
                if is_other && overlaps(&route.hosts, &http.hosts) && overlaps(&route.methods, &http.methods) {
                    return Some((path.clone(), route.function.reference.clone()));
                }
            }
        }
        None
    }
}

impl PathRoute {
    fn is_for_host(&self, host: Option<&str>) -> bool {
        let host = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
        self.hosts.is_empty() || host.is_some_and(|host| self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host)))
    }
}

/// Whether the function answers at all.
pub(crate) fn is_paused(function: &Function) -> bool {
    function.current.load().desired == FunctionState::Paused
}
