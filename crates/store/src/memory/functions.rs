//! Functions, revisions and schedules.

use tidemill_core::{
    Timestamp,
    function::{FunctionRecord, FunctionState, RevisionRecord},
    id::RevisionNumber,
    name::FunctionRef,
    ports::{Fire, ScheduleRecord, StoreError, Submitted},
};

use super::state::{FunctionEntry, Seq, State};
use crate::rules;

impl State {
    fn function_mut(&mut self, function: &FunctionRef) -> Result<&mut FunctionEntry, StoreError> {
        self.functions.get_mut(function).ok_or(StoreError::NotFound)
    }

    pub(super) fn put_revision(
        &mut self,
        revision: RevisionRecord,
        desired: FunctionState,
    ) -> Result<FunctionRecord, StoreError> {
        let known = self.functions.get(&revision.function);
        let newest = known.and_then(|entry| entry.revisions.last()).map_or(0, |newest| newest.number.0);
        if revision.number.0 != newest + 1 {
            return Err(rules::out_of_turn(newest, revision.number.0));
        }
        let record = FunctionRecord {
            function: revision.function.clone(),
            active: revision.number,
            desired,
            created_at: known.map_or(revision.created_at, |entry| entry.record.created_at),
            updated_at: revision.created_at,
        };
        let entry = self
            .functions
            .entry(revision.function.clone())
            .or_insert_with(|| FunctionEntry { record: record.clone(), revisions: Vec::new() });
        entry.record = record.clone();
        entry.revisions.push(revision);
        Ok(record)
    }

    pub(super) fn activate(
        &mut self,
        function: &FunctionRef,
        revision: RevisionNumber,
        now: Timestamp,
    ) -> Result<FunctionRecord, StoreError> {
        let entry = self.function_mut(function)?;
        if !entry.revisions.iter().any(|known| known.number == revision) {
            return Err(StoreError::NotFound);
        }
        entry.record.active = revision;
        entry.record.updated_at = now;
        Ok(entry.record.clone())
    }

    pub(super) fn set_desired(
        &mut self,
        function: &FunctionRef,
        desired: FunctionState,
        now: Timestamp,
    ) -> Result<FunctionRecord, StoreError> {
        let entry = self.function_mut(function)?;
        entry.record.desired = desired;
        entry.record.updated_at = now;
        Ok(entry.record.clone())
    }

    pub(super) fn revisions(&self, function: &FunctionRef) -> Result<Vec<RevisionRecord>, StoreError> {
        let entry = self.functions.get(function).ok_or(StoreError::NotFound)?;
        Ok(entry.revisions.iter().rev().cloned().collect())
    }

    pub(super) fn delete_function(&mut self, function: &FunctionRef) -> Result<(), StoreError> {
        self.functions.remove(function).ok_or(StoreError::NotFound)?;
        self.schedules.retain(|(owner, _), _| owner != function);
        let versions = self.states.iter().filter(|((owner, _), _)| owner == function).map(|(_, state)| state.version);
        self.state_floor.rise(versions.max().unwrap_or(0));
        self.states.retain(|(owner, _), _| owner != function);
        let is_of_it = |seq: &Seq| self.row(*seq).invocation.function == *function;
        let gone: Vec<Seq> = self.rows.keys().copied().filter(is_of_it).collect();
        gone.into_iter().for_each(|seq| self.delete(seq));
        Ok(())
    }

    pub(super) fn put_schedules(
        &mut self,
        function: &FunctionRef,
        schedules: Vec<ScheduleRecord>,
    ) -> Result<(), StoreError> {
        self.check_function(function)?;
        self.schedules.retain(|(owner, trigger), known| {
            owner != function
                || schedules.iter().any(|new| new.trigger == *trigger && new.fingerprint == known.fingerprint)
        });
        for schedule in schedules {
            let place = (function.clone(), schedule.trigger.clone());
            let record = ScheduleRecord { function: function.clone(), ..schedule };
            self.schedules.entry(place).or_insert(record);
        }
        Ok(())
    }

    pub(super) fn schedules(&self) -> Vec<ScheduleRecord> {
        let mut all: Vec<ScheduleRecord> = self.schedules.values().cloned().collect();
        all.sort_by_key(|schedule| schedule.next_at);
        all
    }

    pub(super) fn fire(&mut self, fire: Fire, now: Timestamp) -> Result<Option<Vec<Submitted>>, StoreError> {
        if !self.functions.contains_key(&fire.function) {
            return Ok(None);
        }
        self.check_functions(&fire.invocations)?;
        let schedule = self.schedules.get_mut(&(fire.function, fire.trigger));
        let Some(schedule) = schedule.filter(|schedule| schedule.next_at == fire.expected) else { return Ok(None) };
        schedule.last_at = Some(fire.expected);
        schedule.next_at = fire.next_at;
        Ok(Some(self.insert_all(fire.invocations, now)))
    }
}
