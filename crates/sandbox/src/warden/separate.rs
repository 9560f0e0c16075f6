//! Namespaces: leaving the machine's, and furnishing the new ones.

use std::{
    fs::{self, File},
    io,
    os::fd::AsFd,
};

use rustix::{
    mount::{MountPropagationFlags, mount_change},
    thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space},
};

use super::{loopback, privileges};
use crate::{
    control::{Failure, Step as _},
    plan::Plan,
    sys,
};

/// What the machine is called inside.
const NAME: &[u8] = b"tidemill";
/// Workers go first when the machine's memory is used up.
const OOM_SCORE: &str = "500";

/// What all programs of one owner may watch. The kernel counts it for the owner of a user namespace too: what the programs of an
/// ordinary user's server take, that user lacks.
const WATCHES: [(&str, &str); 2] = [("max_inotify_instances", "16"), ("max_inotify_watches", "8192")];

/// Moves this process, or for processes the next one that it forks, into namespaces of its own. The one for users belongs to
/// `owner` out there, if it is given, so that what the kernel counts for an owner is counted for nobody else.
pub(super) fn leave(plan: &Plan, owner: Option<u32>) -> Result<(), Failure> {
    let parts = plan.parts;
    // The limits hold even so, where this is not to be had.
    let _ = fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    let mut flags = UnshareFlags::empty();
    for (is_wanted, flag) in [
        (parts.users, UnshareFlags::NEWUSER),
        (parts.mounts, UnshareFlags::NEWNS),
        (parts.processes, UnshareFlags::NEWPID),
        (parts.ipc, UnshareFlags::NEWIPC),
        (parts.name, UnshareFlags::NEWUTS),
        (parts.network && !plan.network, UnshareFlags::NEWNET),
        (parts.cgroups, UnshareFlags::NEWCGROUP),
    ] {
        flags.set(flag, is_wanted);
    }
    if flags.is_empty() {
        return Ok(());
    }
    if let Some(owner) = owner {
        privileges::count_as(owner)?;
    }
    sys::unshare(flags).step("make namespaces")?;
    if parts.users {
        for (name, most) in WATCHES {
            // In a container this may be closed.
            let _ = fs::write(format!("/proc/sys/user/{name}"), most);
        }
    }
    if parts.mounts {
        let follow = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        mount_change("/", follow).step("part the mounts from the machine's")?;
    }
    Ok(())
}

/// Names the machine and makes the loopback work.
pub(super) fn furnish(plan: &Plan) -> Result<(), Failure> {
    if plan.parts.name {
        rustix::system::sethostname(NAME).step("name the machine")?;
    }
    if plan.parts.network && !plan.network {
        loopback::raise().step("raise the loopback")?;
    }
    Ok(())
}

/// The two mount namespaces of a sandbox.
pub(super) struct Worlds {
    /// With the machine's files, for the warden.
    outer: File,
    /// The program's.
    inner: File,
}

/// Leaves the present mount namespace to the warden and goes on in a copy.
pub(super) fn part(plan: &Plan) -> Result<Option<Worlds>, Failure> {
    if !plan.parts.mounts {
        return Ok(None);
    }
    let current = || File::open("/proc/self/ns/mnt");
    let outer = current().step("open the mount namespace")?;
    sys::unshare(UnshareFlags::NEWNS).step("make a second mount namespace")?;
    let inner = current().step("open the second mount namespace")?;
    let apart = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", apart).step("part the second mount namespace")?;
    Ok(Some(Worlds { outer, inner }))
}

impl Worlds {
    /// Sees the machine's files from now on.
    pub fn enter_outer(&self) -> io::Result<()> {
        Ok(move_into_link_name_space(self.outer.as_fd(), Some(LinkNameSpaceType::Mount))?)
    }

    /// Sees what the program sees from now on.
    pub fn enter_inner(&self) -> io::Result<()> {
        Ok(move_into_link_name_space(self.inner.as_fd(), Some(LinkNameSpaceType::Mount))?)
    }
}
