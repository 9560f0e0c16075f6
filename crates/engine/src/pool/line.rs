//! A place in line.

use super::Pool;

/// A place in line for a slot, left when dropped.
pub(super) struct InLine<'a> {
    pool: &'a Pool,
    number: u64,
    is_kept: bool,
}

impl InLine<'_> {
    pub fn new(pool: &Pool, number: u64) -> InLine<'_> {
        InLine { pool, number, is_kept: true }
    }

    /// Somebody took the waiter out already.
    pub fn left(&mut self) {
        self.is_kept = false;
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.is_kept {
            self.pool.state.lock().waiters.retain(|waiter| waiter.number != self.number);
        }
    }
}
