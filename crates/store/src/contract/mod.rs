//! What every store must do: one suite of tests on the ports alone, those of the store and of the registry in it.
//!
//! Each function takes a fresh [`Subject`] and panics when the store does something else than the port says. Use
//! [`store_contract!`](crate::store_contract) in a test module to run all of them on a store.

pub mod claiming;
pub mod control;
pub mod expiring;
pub mod functions;
pub mod history;
pub mod listing;
pub mod logs;
pub mod make;
pub mod ordering;
pub mod pruning;
pub mod registry;
pub mod results;
pub mod schedules;
pub mod settling;
pub mod states;
pub mod submitting;
pub mod usage;

pub use make::{ManualClock, Subject, Works};

/// Makes a `#[tokio::test]` of each function of the suite. The expression gives a fresh [`Subject`](crate::contract::Subject).
#[macro_export]
macro_rules! store_contract {
    ($subject:expr) => {
        $crate::store_contract!(@ $subject;
            submitting: accepted_is_kept, unknown_function_refuses_all, idempotency_key_gives_the_first,
                idempotency_key_is_per_function, same_id_twice_is_one, a_lease_is_granted, a_lease_waits_for_its_key,
                empty_submission;
            claiming: oldest_first, limit_and_function, delayed_ones_wait, nothing_for_strangers, bodies_come_along,
                renewing_keeps_and_tells_lost, due_tells_now_and_next;
            settling: success_is_kept, stale_generation_is_refused, settled_once, retry_waits, running_is_no_end,
                everything_or_nothing, emits_are_stored, a_reply_is_replaced, cancel_wins_over_retry, timings_add_up,
                big_replies_come_back;
            ordering: one_at_a_time, a_waiting_retry_blocks, a_dead_letter_unblocks, cancelling_the_head_unblocks,
                cancelling_in_the_middle_keeps_order, keys_do_not_meet, redriven_join_the_end, retried_join_the_end,
                redriven_together_keep_order, expiry_keeps_order, purging_the_head_unblocks, batch_of_one_key;
            expiring: by_time, by_owner, interruptions_end, cancel_requested_ends, expired_cannot_settle, split_adds_up;
            control: cancel_waiting, cancel_running, cancel_ended_is_refused, retry_each_status, retry_forgets,
                redrive_counts_and_limits, purge_dead, purge_waiting, unknown_things_are_not_found;
            history: calls_are_recorded, calls_of_unknown_functions_are_dropped, unkept_event_cannot_run_again,
                kept_event_can_run_again, unfinished_is_refused, recorded_twice_is_once;
            listing: newest_first_in_pages, filters, projects_are_apart, queue_depths;
            logs: by_function_and_invocation, last_and_next, fields_come_back, old_ones_are_forgotten,
                a_few_are_forgotten_at_a_time, unfinished_keep_their_logs;
            functions: revisions_count_up, activating_moves, desired_changes, listed_by_name, deleting_takes_all,
                deleted_can_come_back, specs_come_back;
            schedules: exactly_these, unchanged_keep_their_run, fired_once, fire_refuses_all, next_first;
            pruning: old_ones_go, limit_and_order, dead_letters_stay_longer, unfinished_stay, shared_bodies_stay,
                idempotency_ends_with_it, checking_writes;
            states: none_at_first, settling_stores_it, keyless_is_the_empty_key, keys_do_not_meet,
                a_stale_settle_changes_nothing, a_refused_settle_changes_nothing, without_one_it_stays,
                it_comes_with_what_is_sent, putting_expects, deleted_begins_above, the_execution_has_the_last_word,
                one_writer_wins, listed_in_pages, big_ones_come_back, they_go_with_the_function,
                they_outlive_revisions_and_invocations;
            results: taken_in_order_once, none_before_the_end, later_ones_follow, many_take_each_once,
                big_ones_come_back, they_go_with_the_invocation;
            usage: reports_come_back, interrupted_ones_report_nothing, attempts_add_up, forgotten_ones_do_not_count,
                results_and_reports_go_together;
            registry: versions_count_up, names_are_apart, expectations_hold, deleted_begins_above, all_or_nothing, refusals_hide_nonces,
                expectations_look_before_the_list, one_writer_wins, listed_by_project_and_name, listed_by_folder,
                functions_do_not_matter;
        );
    };
    (@ $subject:expr; $($module:ident: $($name:ident),* ;)*) => {
        $(mod $module {
            #[allow(unused_imports, reason = "the expression may name things of the module around")]
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let subject: $crate::contract::Subject = $subject;
                $crate::contract::$module::$name(&subject).await;
            })*
        })*
    };
}
