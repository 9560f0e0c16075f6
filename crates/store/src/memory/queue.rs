//! Submit, claim, renew, settle, expire, due.

use std::collections::VecDeque;

use tidemill_core::{
    Timestamp,
    id::Generation,
    invocation::{Attempt, AttemptOutcome, Invocation, Status, Timings},
    limits::INLINE_BODY_BYTES_MAX,
    name::FunctionRef,
    ports::{Accepted, Claim, Claimed, LeaseRef, NewInvocation, Settled, Settlement, StoreError, Submitted},
};

use super::state::{Row, Seq, State};
use crate::rules;

impl State {
    pub(super) fn submit(
        &mut self,
        invocations: Vec<NewInvocation>,
        now: Timestamp,
    ) -> Result<Vec<Submitted>, StoreError> {
        self.check_functions(&invocations)?;
        Ok(self.insert_all(invocations, now))
    }

    pub(super) fn check_functions(&self, invocations: &[NewInvocation]) -> Result<(), StoreError> {
        invocations.iter().try_for_each(|new| self.check_function(&new.function))
    }

    pub(super) fn insert_all(&mut self, invocations: Vec<NewInvocation>, now: Timestamp) -> Vec<Submitted> {
        invocations.into_iter().map(|new| self.insert_new(new, now)).collect()
    }

    fn insert_new(&mut self, new: NewInvocation, now: Timestamp) -> Submitted {
        let id = new.id;
        let last = self.last_in_line(&new.function, new.key.as_deref());
        let lease = new.lease.filter(|_| last.is_none());
        let leased = lease.is_some();
        let (lease_owner, lease_until) = lease.map(|lease| (lease.owner, lease.until)).unwrap_or_default();
        let row = Row {
            event_kept: true,
            blocked: last.is_some(),
            line: if new.key.is_some() { last.unwrap_or(0) + 1 } else { 0 },
            cancel_requested: false,
            lease_owner,
            lease_until,
            attempts: Vec::new(),
            reply: None,
            results: VecDeque::new(),
            invocation: Invocation {
                id,
                function: new.function,
                status: if leased { Status::Running } else { Status::Queued },
                event_size: new.event.body.len() as u64,
                event: new.event,
                key: new.key,
                idempotency_key: new.idempotency_key,
                parent: new.parent,
                attempts: u32::from(leased),
                failures: 0,
                interruptions: 0,
                generation: Generation(u32::from(leased)),
                received_at: new.received_at,
                available_at: new.available_at,
                started_at: leased.then_some(now),
                finished_at: None,
                outcome: None,
                reason: String::new(),
                response_status: None,
                timings: Timings { received_us: new.received_us, ..Timings::default() },
            },
        };
        match self.insert(row) {
            Ok(_) => Submitted::Accepted(Accepted { id, leased }),
            Err(former) => Submitted::Duplicate(former),
        }
    }

    fn ready(&self) -> impl Iterator<Item = (Seq, &Row)> {
        let rows = self.unfinished.iter().map(|seq| (*seq, self.row(*seq)));
        rows.filter(|(_, row)| row.invocation.status == Status::Queued && !row.blocked)
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> Vec<Claimed> {
        let mut ready: Vec<(Timestamp, Seq)> = self
            .ready()
            .filter(|(_, row)| row.invocation.function == claim.function && row.invocation.available_at <= claim.now)
            .map(|(seq, row)| (row.invocation.available_at, seq))
            .collect();
        ready.sort();
        ready.truncate(claim.limit as usize);
        ready.into_iter().map(|(_, seq)| self.lease(seq, claim)).collect()
    }

    fn lease(&mut self, seq: Seq, claim: &Claim) -> Claimed {
        let row = self.row_mut(seq);
        row.lease_owner.clone_from(&claim.owner);
        row.lease_until = claim.lease_until;
        row.invocation.status = Status::Running;
        row.invocation.generation.0 += 1;
        row.invocation.attempts += 1;
        row.invocation.started_at = Some(claim.now);
        let mut invocation = row.invocation.clone();
        if invocation.event.body.len() > INLINE_BODY_BYTES_MAX {
            invocation.event.body.clear();
        }
        Claimed { invocation }
    }

    /// The row under this lease, if it is the newest.
    fn held(&self, lease: &LeaseRef) -> Option<Seq> {
        let seq = *self.ids.get(&lease.id)?;
        let invocation = &self.row(seq).invocation;
        (invocation.status == Status::Running && invocation.generation == lease.generation).then_some(seq)
    }

    pub(super) fn renew(&mut self, leases: Vec<LeaseRef>, until: Timestamp) -> Vec<LeaseRef> {
        let mut lost = Vec::new();
        for lease in leases {
            match self.held(&lease).filter(|seq| !self.row(*seq).cancel_requested) {
                Some(seq) => self.row_mut(seq).lease_until = until,
                None => lost.push(lease),
            }
        }
        lost
    }

    pub(super) fn settle(&mut self, settlement: Settlement, now: Timestamp) -> Result<Settled, StoreError> {
        let seq = self.held(&settlement.lease).ok_or(StoreError::Stale)?;
        let status = rules::settled_status(settlement.status, self.row(seq).cancel_requested)?;
        self.check_functions(&settlement.emits)?;

        let mut timings = rules::with_commit(settlement.timings, settlement.attempt.finished_at, now);
        if status.is_final() {
            timings = rules::with_rest_queued(timings, self.row(seq).invocation.received_at, now);
        }
        self.set_status(seq, status);
        let row = self.row_mut(seq);
        let invocation = &mut row.invocation;
        invocation.available_at = settlement.available_at;
        invocation.failures = settlement.failures;
        invocation.interruptions = settlement.interruptions;
        invocation.outcome = Some(settlement.attempt.outcome);
        invocation.reason.clone_from(&settlement.attempt.reason);
        invocation.response_status = settlement.reply.as_ref().map(|reply| reply.status);
        invocation.finished_at = status.is_final().then_some(now);
        invocation.timings = timings;
        let (id, function, key) = (invocation.id, invocation.function.clone(), invocation.key.clone());
        let number = settlement.attempt.number;
        row.reply = settlement.reply;
        row.results.extend(settlement.results);
        row.end_attempt(settlement.attempt);
        if let Some(state) = settlement.state {
            self.store_state(&function, key.as_deref().unwrap_or_default(), state, now);
        }
        self.log(&function, id, number, settlement.logs);
        let unblocked = status.is_final() && self.unblock(&function, key.as_deref());
        Ok(Settled { unblocked, emits: self.insert_all(settlement.emits, now) })
    }

    pub(super) fn expire(
        &mut self,
        now: Timestamp,
        only_owner: Option<&str>,
        interruptions_max: u32,
    ) -> Vec<FunctionRef> {
        let is_lost = |row: &Row| {
            row.invocation.status == Status::Running
                && (row.lease_until <= now || only_owner.is_some_and(|owner| row.lease_owner != owner))
        };
        let lost: Vec<Seq> = self.unfinished.iter().copied().filter(|seq| is_lost(self.row(*seq))).collect();
        let mut functions: Vec<FunctionRef> =
            lost.into_iter().filter_map(|seq| self.end_lease(seq, now, interruptions_max)).collect();
        functions.sort();
        functions.dedup();
        functions
    }

    /// Ends a lease that ran out. Returns the function if it has work because of it.
    fn end_lease(&mut self, seq: Seq, now: Timestamp, interruptions_max: u32) -> Option<FunctionRef> {
        let row = self.row_mut(seq);
        let interruptions = row.invocation.interruptions.saturating_add(1);
        let status = rules::expired_status(row.cancel_requested, interruptions, interruptions_max);
        let attempt = Attempt {
            number: row.invocation.attempts,
            revision: None,
            worker: String::new(),
            started_at: row.invocation.started_at.unwrap_or(now),
            finished_at: now,
            outcome: AttemptOutcome::Interrupted,
            reason: rules::LEASE_LOST.to_owned(),
            report: None,
        };
        let invocation = &mut row.invocation;
        invocation.interruptions = interruptions;
        invocation.outcome = Some(attempt.outcome);
        invocation.reason.clone_from(&attempt.reason);
        if status.is_final() {
            invocation.finished_at = Some(now);
            invocation.timings = rules::with_rest_queued(invocation.timings, invocation.received_at, now);
        } else {
            invocation.available_at = now;
        }
        let (function, key) = (invocation.function.clone(), invocation.key.clone());
        row.end_attempt(attempt);
        self.set_status(seq, status);
        let unblocked = status.is_final() && self.unblock(&function, key.as_deref());
        (unblocked || status == Status::Queued).then_some(function)
    }

    pub(super) fn due(&self, now: Timestamp) -> (Vec<FunctionRef>, Option<Timestamp>) {
        let (available, later): (Vec<_>, Vec<_>) = self
            .ready()
            .map(|(_, row)| (row.invocation.available_at, row.invocation.function.clone()))
            .partition(|(at, _)| *at <= now);
        let mut functions: Vec<FunctionRef> = available.into_iter().map(|(_, function)| function).collect();
        functions.sort();
        functions.dedup();
        (functions, later.into_iter().map(|(at, _)| at).min())
    }
}

impl Row {
    fn end_attempt(&mut self, attempt: Attempt) {
        self.attempts.retain(|former| former.number != attempt.number);
        self.attempts.push(attempt);
        self.attempts.sort_by_key(|attempt| attempt.number);
    }
}
