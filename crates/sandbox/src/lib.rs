//! Starts programs so that they see and harm nothing but what they were given. For Linux.
//!
//! A [`Plan`] says what to start and what it gets. The server starts a launcher, which is the server's own program with a
//! hidden argument ([`run_if_launcher`]), and talks to it ([`Opening::finish`]); the launcher puts the sandbox up around itself and
//! starts the program. Its two processes stay as long as the program runs: see the module `warden`, which has the whole way.
//!
//! | The program must not … | … because of |
//! |---|---|
//! | see files of the server, of other functions, of users | its own root: a view of the machine's programs, read-only; Landlock under it |
//! | write anything but its scratch space and what it was given to write, or fill a disk | the same; the scratch space is memory with a limit |
//! | see, signal or trace processes outside | its own process ids; an own user without a name outside; seccomp |
//! | reach the network, unless it is given | its own network, with a loopback only |
//! | use more than its part | control groups, or limits of its processes where there are none |
//! | win rights | no capabilities, no way to new ones, no setuid programs, no further namespaces |
//! | break the kernel | seccomp: what programs have no use for is not there |
//! | outlive its worker | with the first process of the inside the kernel ends all others |
//!
//! What this does not do: hide how many cores and how much memory the machine has; hold a program that was given the network
//! from any address the machine reaches; part programs in how they share caches and cores.
//!
//! Works for root, whose programs become a user that nobody else is, and for ordinary users where the kernel lets them
//! make user namespaces. What a machine gives is found out by trying ([`probe()`]) and is never assumed.
//!
//! | Module | Purpose |
//! |---|---|
//! | `plan`, `view` | what to start, what it sees: pure data |
//! | `launch`, `simple`, `control` | the server's side of a start, and the messages between the two |
//! | `template` | a launcher that is copied, which takes less time than starting one |
//! | `ids` | who the program is outside |
//! | `cgroup` | limits of a program as a whole |
//! | `warden` | the launcher |
//! | `probe` | what of it this machine gives |
//! | `sys` | the unsafe part |

mod cgroup;
mod control;
mod ids;
mod launch;
mod plan;
mod probe;
mod simple;
mod sys;
mod template;
mod view;
mod warden;

pub use cgroup::{Amounts, Cgroups, Controller, Group, machine_memory};
pub use control::{Failure, Origin};
pub use ids::{Ids, Users};
pub use launch::{Inside, Launcher, Opening, run_if_launcher};
pub use plan::{Exchange, Limits, Parts, Plan, Program, View, Writable};
pub use probe::{Finding, Findings, probe};
pub use simple::{Running, start, start_copy};
pub use template::Template;
