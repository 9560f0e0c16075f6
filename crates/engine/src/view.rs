//! Functions and topics as callers see them.

use tidemill_core::{ProjectName, spec::FunctionSpec};

use crate::{
    function::Function,
    request::{FunctionView, TopicView},
    routes::Routes,
};

pub(crate) fn function(function: &Function) -> FunctionView {
    let current = function.current.load();
    FunctionView {
        function: function.reference.clone(),
        revision: current.revision,
        spec: current.spec.clone(),
        desired: current.desired,
        created_at: function.created_at,
        updated_at: current.updated_at,
        workers: current.pool.view(),
        queued: function.pending(),
        running: u64::from(function.running()),
        addresses: addresses(function, &current.spec),
        was_ready: current.pool.was_ready(),
        problem: current.pool.problem(),
    }
}

pub(crate) fn functions(routes: &Routes, project: Option<&ProjectName>) -> Vec<FunctionView> {
    let all = routes.functions().values();
    all.filter(|one| project.is_none_or(|project| one.reference.project == *project)).map(|one| function(one)).collect()
}

pub(crate) fn topics(routes: &Routes, project: &ProjectName) -> Vec<TopicView> {
    let view = |(topic, subscriptions): (_, &[crate::routes::Subscription])| TopicView {
        topic,
        subscribers: subscriptions.iter().map(|one| one.function.reference.clone()).collect(),
    };
    routes.topics(project).into_iter().map(view).collect()
}

fn addresses(function: &Function, spec: &FunctionSpec) -> Vec<String> {
    let Some((_, _, http)) = spec.http() else { return Vec::new() };
    let own = format!("/f/{}", function.reference);
    std::iter::once(own).chain(http.paths.iter().cloned()).collect()
}
