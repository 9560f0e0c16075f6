//! The allocator. Requests make many small allocations on one thread and free them on another, which this one is good at.

use libmimalloc_sys::{mi_option_set, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of `mimalloc.h`, for which the binding has no name: after how many milliseconds freed memory goes
/// back to the system.
const PURGE_DELAY: mi_option_t = 15;

/// Gives freed memory back to the system at once. By default it is kept until its thread allocates again, and a server that has
/// moved large bodies then looks, to the system and its limits, as if it still held them.
pub fn give_back_at_once() {
    #[expect(unsafe_code, reason = "the allocator's options are set through its C interface")]
    // SAFETY: the option exists since mimalloc 2.0 under this number, and takes any number of milliseconds.
    unsafe {
        mi_option_set(PURGE_DELAY, 0);
    }
}
