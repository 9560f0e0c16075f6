//! Cancel, retry, redrive, purge, record, prune.

use std::collections::VecDeque;

use tidemill_core::{
    Timestamp,
    id::InvocationId,
    invocation::Status,
    name::FunctionRef,
    ports::{CancelResult, HistoryRecord, RedriveFilter, Retention, StoreError},
};

use super::state::{Row, Seq, State};
use crate::rules;

impl State {
    pub(super) fn cancel(&mut self, id: InvocationId, now: Timestamp) -> Result<CancelResult, StoreError> {
        let seq = self.seq(id)?;
        let row = self.row_mut(seq);
        match row.invocation.status {
            Status::Running => {
                row.cancel_requested = true;
                Ok(CancelResult::Requested)
            }
            Status::Queued => {
                row.blocked = false;
                let invocation = &mut row.invocation;
                invocation.finished_at = Some(now);
                invocation.reason = rules::CANCELLED_WAITING.to_owned();
                invocation.timings = rules::with_rest_queued(invocation.timings, invocation.received_at, now);
                let (function, key) = (invocation.function.clone(), invocation.key.clone());
                self.set_status(seq, Status::Cancelled);
                self.unblock(&function, key.as_deref());
                Ok(CancelResult::Cancelled)
            }
            status @ (Status::Succeeded | Status::Failed | Status::DeadLettered | Status::Cancelled) => {
                Err(rules::ended(status))
            }
        }
    }

    pub(super) fn retry(&mut self, id: InvocationId, now: Timestamp) -> Result<FunctionRef, StoreError> {
        let seq = self.seq(id)?;
        let row = self.row(seq);
        rules::check_retry(row.invocation.status, row.event_kept)?;
        let function = row.invocation.function.clone();
        self.requeue(seq, now);
        Ok(function)
    }

    /// Queues one that has ended, at the end of its key's line.
    fn requeue(&mut self, seq: Seq, now: Timestamp) {
        let invocation = &self.row(seq).invocation;
        let last = self.last_in_line(&invocation.function, invocation.key.as_deref());
        let row = self.row_mut(seq);
        row.blocked = last.is_some();
        row.line = if row.invocation.key.is_some() { last.unwrap_or(0) + 1 } else { 0 };
        row.cancel_requested = false;
        row.reply = None;
        let invocation = &mut row.invocation;
        invocation.failures = 0;
        invocation.interruptions = 0;
        invocation.available_at = now;
        invocation.finished_at = None;
        invocation.outcome = None;
        invocation.reason.clear();
        invocation.response_status = None;
        self.set_status(seq, Status::Queued);
    }

    pub(super) fn redrive(&mut self, filter: &RedriveFilter, now: Timestamp) -> Result<u64, StoreError> {
        self.check_function(&filter.function)?;
        let dead = self.chosen(filter, Status::DeadLettered);
        dead.iter().for_each(|seq| self.requeue(*seq, now));
        Ok(dead.len() as u64)
    }

    pub(super) fn purge(&mut self, filter: &RedriveFilter, queued: bool) -> Result<u64, StoreError> {
        self.check_function(&filter.function)?;
        let unwanted = self.chosen(filter, if queued { Status::Queued } else { Status::DeadLettered });
        for seq in &unwanted {
            let key = self.row(*seq).invocation.key.clone();
            self.delete(*seq);
            if queued {
                self.unblock(&filter.function, key.as_deref());
            }
        }
        Ok(unwanted.len() as u64)
    }

    /// The oldest of a function in a status.
    fn chosen(&self, filter: &RedriveFilter, status: Status) -> Vec<Seq> {
        self.rows
            .iter()
            .filter(|(_, row)| row.invocation.function == filter.function && row.invocation.status == status)
            .map(|(seq, _)| *seq)
            .take(filter.limit as usize)
            .collect()
    }

    pub(super) fn record(&mut self, records: Vec<HistoryRecord>) -> Result<(), StoreError> {
        records.iter().try_for_each(|record| rules::check_history(&record.invocation))?;
        for record in records {
            let mut invocation = record.invocation;
            if !self.functions.contains_key(&invocation.function) {
                continue;
            }
            invocation.finished_at.get_or_insert(record.attempt.finished_at);
            let (id, function, number) = (invocation.id, invocation.function.clone(), record.attempt.number);
            let row = Row {
                event_kept: invocation.event.body.len() as u64 == invocation.event_size,
                invocation,
                blocked: false,
                line: 0,
                cancel_requested: false,
                lease_owner: String::new(),
                lease_until: Timestamp::default(),
                attempts: vec![record.attempt],
                reply: record.reply,
                results: VecDeque::new(),
            };
            if self.insert(row).is_ok() {
                self.log(&function, id, number, record.logs);
            }
        }
        Ok(())
    }

    pub(super) fn prune(&mut self, retention: &Retention) -> u64 {
        let old = |dead: bool, before: Timestamp| {
            let mut old: Vec<(Timestamp, Seq)> = self
                .rows
                .iter()
                .filter(|(_, row)| row.invocation.status.is_final())
                .filter(|(_, row)| (row.invocation.status == Status::DeadLettered) == dead)
                .filter_map(|(seq, row)| Some((row.invocation.finished_at?, *seq)))
                .filter(|(finished_at, _)| *finished_at < before)
                .collect();
            old.sort();
            old
        };
        let mut forgotten = old(false, retention.finished_before);
        forgotten.extend(old(true, retention.dead_lettered_before));
        forgotten.truncate(retention.limit as usize);
        forgotten.iter().for_each(|(_, seq)| self.delete(*seq));
        forgotten.len() as u64
    }
}
