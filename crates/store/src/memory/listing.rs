//! What is read: one invocation, lists, logs, queues.

use bytes::Bytes;
use tidemill_core::{
    id::InvocationId,
    invocation::{Invocation, Reply, Status},
    name::{FunctionRef, ProjectName},
    ports::{InvocationDetail, InvocationFilter, LogFilter, LoggedLine, Page, QueueStats, StoreError},
};

use super::state::State;

fn without_body(invocation: &Invocation) -> Invocation {
    let mut invocation = invocation.clone();
    invocation.event.body = Bytes::new();
    invocation
}

impl State {
    pub(super) fn invocation(&self, id: InvocationId) -> Result<InvocationDetail, StoreError> {
        let row = self.row(self.seq(id)?);
        Ok(InvocationDetail { invocation: without_body(&row.invocation), attempts: row.attempts.clone() })
    }

    pub(super) fn event_body(&self, id: InvocationId) -> Result<Bytes, StoreError> {
        let row = self.row(self.seq(id)?);
        if row.event_kept { Ok(row.invocation.event.body.clone()) } else { Err(StoreError::NotFound) }
    }

    pub(super) fn reply(&self, id: InvocationId) -> Result<Option<Reply>, StoreError> {
        Ok(self.row(self.seq(id)?).reply.clone())
    }

    pub(super) fn invocations(&self, filter: &InvocationFilter) -> Page<Invocation> {
        let wanted = |invocation: &Invocation| {
            invocation.function.project == filter.project
                && filter.function.as_ref().is_none_or(|function| invocation.function == *function)
                && filter.status.is_none_or(|status| invocation.status == status)
                && filter.since.is_none_or(|since| invocation.received_at >= since)
                && filter.until.is_none_or(|until| invocation.received_at < until)
                && filter.before.is_none_or(|before| invocation.id < before)
        };
        let limit = filter.limit as usize;
        let mut items: Vec<Invocation> = self
            .ids
            .values()
            .rev()
            .map(|seq| &self.row(*seq).invocation)
            .filter(|invocation| wanted(invocation))
            .take(limit + 1)
            .map(without_body)
            .collect();
        let more = items.len() > limit;
        items.truncate(limit);
        Page { items, more }
    }

    pub(super) fn logs(&self, filter: &LogFilter) -> Vec<LoggedLine> {
        let wanted = |line: &&LoggedLine| {
            filter.function.as_ref().is_none_or(|function| line.function == *function)
                && filter.invocation.is_none_or(|invocation| line.invocation == invocation)
                && filter.after.is_none_or(|after| line.position > after)
        };
        let limit = filter.limit as usize;
        let lines = self.logs.values().filter(wanted);
        if filter.after.is_some() {
            return lines.take(limit).cloned().collect();
        }
        let mut last: Vec<LoggedLine> = lines.rev().take(limit).cloned().collect();
        last.reverse();
        last
    }

    pub(super) fn queues(
        &self,
        project: &ProjectName,
        function: Option<&FunctionRef>,
    ) -> Result<Vec<QueueStats>, StoreError> {
        if let Some(function) = function {
            self.check_function(function)?;
            return Ok(vec![self.queue(function)]);
        }
        Ok(self.functions.keys().filter(|function| function.project == *project).map(|f| self.queue(f)).collect())
    }

    fn queue(&self, function: &FunctionRef) -> QueueStats {
        let of_it = || self.rows.values().map(|row| &row.invocation).filter(|i| i.function == *function);
        let count = |status| of_it().filter(|invocation| invocation.status == status).count() as u64;
        QueueStats {
            function: function.clone(),
            queued: count(Status::Queued),
            running: count(Status::Running),
            dead_lettered: count(Status::DeadLettered),
            oldest: of_it().filter(|i| i.status == Status::Queued).map(|i| i.received_at).min(),
        }
    }
}
