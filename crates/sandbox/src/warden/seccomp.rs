//! The filter of system calls.
//!
//! **A list of what is refused, not of what is allowed.** A list of what is allowed breaks programs that nobody here has seen, with
//! every new release of a language, and teaches people to switch the sandbox off. The price is calls that are new: so each call
//! with a number over the [last one that was judged](LAST_JUDGED) is answered as if the kernel did not have it.
//!
//! Most of these calls would be refused anyway to a program without capabilities. They are here because the code behind them is where
//! programs without any have broken out of kernels again and again; what is not called cannot be broken.

use std::{collections::BTreeMap, sync::OnceLock};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition as Condition,
    SeccompFilter, SeccompRule as Rule, TargetArch, apply_filter, sock_filter,
};

use super::init::impossible;
use crate::control::Failure;

/// The number of `file_setattr`. From 424 on the numbers are the same for all machines.
const LAST_JUDGED: u32 = 469;

/// Refused as not permitted, and why.
const REFUSED: &[(&str, &[i64])] = &[
    (
        "the tree of files is the sandbox",
        &[
            libc::SYS_mount,
            libc::SYS_umount2,
            libc::SYS_pivot_root,
            libc::SYS_chroot,
            libc::SYS_open_tree,
            libc::SYS_move_mount,
            libc::SYS_fsopen,
            libc::SYS_fsconfig,
            libc::SYS_fsmount,
            libc::SYS_fspick,
            libc::SYS_mount_setattr,
            STATMOUNT,
            LISTMOUNT,
            OPEN_TREE_ATTR,
        ],
    ),
    ("further namespaces come with all capabilities inside them", &[libc::SYS_unshare, libc::SYS_setns]),
    (
        "no process looks into another",
        &[
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_process_madvise,
            libc::SYS_pidfd_getfd,
            libc::SYS_kcmp,
        ],
    ),
    (
        "the kernel is the machine's",
        &[
            libc::SYS_init_module,
            libc::SYS_finit_module,
            libc::SYS_delete_module,
            libc::SYS_kexec_load,
            libc::SYS_reboot,
            libc::SYS_syslog,
            libc::SYS_acct,
            libc::SYS_quotactl,
            libc::SYS_quotactl_fd,
            libc::SYS_swapon,
            libc::SYS_swapoff,
            libc::SYS_vhangup,
            libc::SYS_sethostname,
            libc::SYS_setdomainname,
            libc::SYS_lookup_dcookie,
            libc::SYS_nfsservctl,
        ],
    ),
    (
        "the clock is the machine's",
        &[libc::SYS_settimeofday, libc::SYS_clock_settime, libc::SYS_adjtimex, libc::SYS_clock_adjtime],
    ),
    ("keys are kept by user, not by namespace", &[libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_request_key]),
    (
        "large parts of the kernel that workers have no use for",
        &[
            libc::SYS_bpf,
            libc::SYS_perf_event_open,
            libc::SYS_userfaultfd,
            libc::SYS_fanotify_init,
            libc::SYS_fanotify_mark,
        ],
    ),
    ("handles open files around the view", &[libc::SYS_open_by_handle_at, libc::SYS_name_to_handle_at]),
    ("pages are moved for whole machines", &[libc::SYS_move_pages, libc::SYS_migrate_pages]),
    ("memory that not even the kernel sees is not counted", &[libc::SYS_memfd_secret]),
];

/// Of one kind of machine only.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[i64] = &[
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[];

const STATMOUNT: i64 = 457;
const LISTMOUNT: i64 = 458;
const OPEN_TREE_ATTR: i64 = 467;

/// Answered as if the kernel did not have them, for which programs have another way: the flags of `clone3` lie where a filter
/// cannot see them, and io_uring makes calls that no filter sees.
const ABSENT: &[i64] =
    &[libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// The kinds of namespaces in the flags of `clone`.
const NEW_NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWCGROUP) as u64;

/// Sockets: of these families only. Others reach around the network's namespace, as that to the host of a virtual machine
/// does, or are old code.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
/// And of these protocols of the internet: whatever is chosen, ping, TCP, UDP, ping of version 6, TCP by several ways. For others the kernel
/// loads code that nearly nobody runs.
const PROTOCOLS: [i32; 6] = [0, libc::IPPROTO_ICMP, libc::IPPROTO_TCP, libc::IPPROTO_UDP, libc::IPPROTO_ICMPV6, 262];
/// The old way to the packets of an interface.
const SOCK_PACKET: i32 = 10;
/// What is in the lower bits of a socket's type.
const SOCKET_TYPES: u64 = 0xf;
/// Personalities that change nothing of note: none, no random addresses, and the question.
const PERSONALITIES: [u64; 3] = [0, 0x0004_0000, 0xffff_ffff];

/// Puts this process and all that it starts under the filter.
pub(super) fn restrict() -> Result<(), Failure> {
    const STEP: &str = "set up the filter of system calls";
    for program in made().as_ref().map_err(|error| impossible(STEP, error))? {
        apply_filter(program).map_err(|error| impossible(STEP, &error.to_string()))?;
    }
    Ok(())
}

/// The filters, made once: a template of launchers does so before it is copied.
pub(super) fn made() -> &'static Result<[BpfProgram; 2], String> {
    static MADE: OnceLock<Result<[BpfProgram; 2], String>> = OnceLock::new();
    MADE.get_or_init(|| programs().map_err(|error| error.to_string()))
}

fn programs() -> Result<[BpfProgram; 2], seccompiler::BackendError> {
    let machine = TargetArch::try_from(std::env::consts::ARCH)?;
    let filter = |rules, errno: i32| {
        let action = SeccompAction::Errno(errno.cast_unsigned());
        SeccompFilter::new(rules, SeccompAction::Allow, action, machine).and_then(BpfProgram::try_from)
    };
    let mut absent = judged();
    absent.extend(filter(ABSENT.iter().map(|call| (*call, Vec::new())).collect(), libc::ENOSYS)?);
    Ok([filter(refused()?, libc::EPERM)?, absent])
}

fn refused() -> Result<BTreeMap<i64, Vec<Rule>>, seccompiler::BackendError> {
    let always = REFUSED.iter().flat_map(|(_, calls)| calls.iter()).chain(REFUSED_HERE);
    let mut rules: BTreeMap<i64, Vec<Rule>> = always.map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_clone, any_bit(0, NEW_NAMESPACES)?);
    let is = |place, operator, value| Condition::new(place, Length::Dword, operator, value);
    let family = |operator, family: i32| is(0, operator, u64::from(family.cast_unsigned()));
    let kind = |kind: i32| is(1, Is::MaskedEq(SOCKET_TYPES), u64::from(kind.cast_unsigned()));
    let other = FAMILIES.iter().map(|known| family(Is::Ne, *known)).collect::<Result<_, _>>()?;
    let mut sockets = vec![Rule::new(other)?];
    for known in [libc::AF_INET, libc::AF_INET6] {
        for raw in [libc::SOCK_RAW, SOCK_PACKET] {
            sockets.push(Rule::new(vec![family(Is::Eq, known)?, kind(raw)?])?);
        }
    }
    for known in [libc::AF_INET, libc::AF_INET6] {
        let others = PROTOCOLS.iter().map(|protocol| is(2, Is::Ne, u64::from(protocol.cast_unsigned())));
        sockets.push(Rule::new([family(Is::Eq, known)].into_iter().chain(others).collect::<Result<_, _>>()?)?);
    }
    let is_routing = u64::from(libc::NETLINK_ROUTE.cast_unsigned());
    sockets.push(Rule::new(vec![family(Is::Eq, libc::AF_NETLINK)?, is(2, Is::Ne, is_routing)?])?);
    rules.insert(libc::SYS_socket, sockets);
    // A pair of any other family makes the kernel look for its code, too.
    rules.insert(libc::SYS_socketpair, vec![Rule::new(vec![family(Is::Ne, libc::AF_UNIX)?])?]);
    // Typing into the terminal of whoever started the server, and old code for modems.
    let typing = [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSETD]
        .map(|request| is(1, Is::Eq, request).and_then(|it| Rule::new(vec![it])));
    rules.insert(libc::SYS_ioctl, typing.into_iter().collect::<Result<_, _>>()?);
    let unusual = PERSONALITIES.iter().map(|known| is(0, Is::Ne, *known)).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_personality, vec![Rule::new(unusual)?]);
    Ok(rules)
}

/// Rules that hold when the argument at `place` has any bit of `mask`.
fn any_bit(place: u8, mask: u64) -> Result<Vec<Rule>, seccompiler::BackendError> {
    let bits = (0..u64::BITS).map(|bit| 1u64 << bit).filter(|bit| mask & bit != 0);
    bits.map(|bit| Rule::new(vec![Condition::new(place, Length::Qword, Is::MaskedEq(bit), bit)?])).collect()
}

/// The start of a filter that answers calls over the last judged one, and those of the x32 machine, as absent, and lets the
/// others fall through to what follows.
fn judged() -> BpfProgram {
    const LOAD_WORD: u16 = 0x20;
    const JUMP_IF_GREATER: u16 = 0x25;
    const RETURN: u16 = 0x06;
    /// Where the number of the call lies in what a filter is given.
    const NUMBER_AT: u32 = 0;
    const ANSWER_ERROR: u32 = 0x0005_0000;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        step(LOAD_WORD, 0, 0, NUMBER_AT),
        step(JUMP_IF_GREATER, 0, 1, LAST_JUDGED),
        step(RETURN, 0, 0, ANSWER_ERROR | libc::ENOSYS.cast_unsigned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_are_short_enough_for_the_kernel() {
        for program in programs().unwrap() {
            assert!(!program.is_empty() && program.len() < 4096, "{}", program.len());
        }
    }

    #[test]
    fn every_call_is_named_once_and_was_judged() {
        let mut calls: Vec<i64> = REFUSED.iter().flat_map(|(_, calls)| calls.iter()).copied().collect();
        calls.extend(REFUSED_HERE.iter().chain(ABSENT));
        calls.extend([libc::SYS_clone, libc::SYS_socket, libc::SYS_socketpair, libc::SYS_ioctl, libc::SYS_personality]);
        let count = calls.len();
        calls.sort_unstable();
        calls.dedup();
        assert_eq!(calls.len(), count);
        assert!(calls.iter().all(|call| *call <= i64::from(LAST_JUDGED)));
    }
}
