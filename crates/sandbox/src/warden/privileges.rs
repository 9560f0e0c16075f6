//! Becoming somebody without rights, for good.

use std::{fs, os::unix::fs::MetadataExt as _};

use rustix::{
    process::{
        DumpableBehavior, Resource, Rlimit, Signal, geteuid, getrlimit, parent_process_death_signal,
        set_dumpable_behavior, set_parent_process_death_signal, setrlimit,
    },
    thread::{
        CapabilitySet, CapabilitySets, Gid, Uid, capabilities, clear_ambient_capability_set,
        remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities, set_no_new_privs,
        set_thread_groups, set_thread_res_gid, set_thread_res_uid,
    },
};

use crate::{
    control::{Failure, Step as _},
    plan::Limits,
    sys::set_file_user,
};

/// Becomes `user` and `group`, without other groups where that may be said. Capabilities stay: root of the machine, which a sandbox
/// without users of its own begins as, would lose them.
pub(super) fn become_user(user: u32, group: u32) -> Result<(), Failure> {
    match set_thread_groups(&[]) {
        // An ordinary user's program keeps the groups of that user, as numbers without a name.
        Err(rustix::io::Errno::PERM) if keeps_groups() => {}
        other => other.step("leave all groups")?,
    }
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    set_keep_capabilities(true).step("keep capabilities for a while")?;
    set_thread_res_gid(group, group, group).step("become the group of the inside")?;
    set_thread_res_uid(user, user, user).step("become the user of the inside")?;
    let kept = capabilities(None).step("look at capabilities")?;
    set_capabilities(None, CapabilitySets { effective: kept.permitted, ..kept }).step("keep capabilities for a while")
}

/// Whether groups may not be given up in this user namespace.
fn keeps_groups() -> bool {
    fs::read_to_string("/proc/self/setgroups").is_ok_and(|word| word.trim() == "deny")
}

/// Makes this process, which is root, count as `owner` for what it makes from now on. It opens files and holds capabilities as before, and nobody
/// may trace or signal it who might not before.
pub(super) fn count_as(owner: u32) -> Result<(), Failure> {
    const STEP: &str = "make the user namespace somebody else's";
    // Changing the user takes it away.
    let dies_with_parent = parent_process_death_signal().step(STEP)?;
    let own = geteuid();
    set_thread_res_uid(own, Uid::from_raw(owner), own).step(STEP)?;
    set_file_user(own).step(STEP)?;
    let kept = capabilities(None).step(STEP)?;
    set_capabilities(None, CapabilitySets { effective: kept.permitted, ..kept }).step(STEP)?;
    if dies_with_parent.is_some() {
        set_parent_process_death_signal(dies_with_parent).step(STEP)?;
    }
    Ok(())
}

/// Sets the limits of each process. `is_servers_user` says that this process is the same user as the server, out there too.
pub(super) fn limit(limits: &Limits, is_servers_user: bool) -> Result<(), Failure> {
    // The kernel counts processes by user, so those that this one has anyway are not the program's.
    let others = if is_servers_user { tasks_of_this_user() } else { 0 };
    let all = [
        (Resource::Core, Some(0)),
        (Resource::Nofile, Some(limits.files_max)),
        (Resource::Nproc, Some(limits.processes_max.saturating_add(others))),
        (Resource::Data, limits.data_bytes),
        (Resource::Fsize, limits.file_bytes_max),
        (Resource::Memlock, Some(LOCKED_BYTES_MAX)),
        (Resource::Msgqueue, Some(MESSAGE_QUEUE_BYTES_MAX)),
        (Resource::Rtprio, Some(0)),
        (Resource::Sigpending, Some(SIGNALS_PENDING_MAX)),
    ];
    for (resource, bound) in all {
        let Some(bound) = bound else { continue };
        // One that is lower already stays.
        let bound = Some(getrlimit(resource).maximum.map_or(bound, |most| most.min(bound)));
        setrlimit(resource, Rlimit { current: bound, maximum: bound }).step("set a limit")?;
    }
    Ok(())
}

/// The processes and threads that this user has now, as far as they can be seen.
fn tasks_of_this_user() -> u64 {
    let user = geteuid().as_raw();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let own = processes.filter(|process| process.metadata().is_ok_and(|found| found.uid() == user));
    own.map(|process| fs::read_dir(process.path().join("task")).map_or(0, |tasks| tasks.count() as u64)).sum()
}

const LOCKED_BYTES_MAX: u64 = 64 << 10;
const MESSAGE_QUEUE_BYTES_MAX: u64 = 800 << 10;
const SIGNALS_PENDING_MAX: u64 = 1024;

/// Gives up every capability and the way to get new ones, cannot be traced, and dies with the warden.
pub(super) fn drop_all() -> Result<(), Failure> {
    for number in 0..CAPABILITIES {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match remove_capability_from_bounding_set(capability) {
            // A kernel that does not know it, or a process that has none to give up: no new privileges does the same.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::PERM) => {}
            other => other.step("give up capabilities")?,
        }
    }
    clear_ambient_capability_set().step("give up capabilities")?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).step("give up capabilities")?;
    set_no_new_privs(true).step("refuse new privileges")?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).step("refuse to be traced")?;
    set_parent_process_death_signal(Some(Signal::KILL)).step("tie it to the warden")
}

/// More than any kernel has.
const CAPABILITIES: u32 = 64;
