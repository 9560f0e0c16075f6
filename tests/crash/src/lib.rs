//! Crash tests on the real binary.
//!
//! A storm is: a server started on an empty data directory, functions deployed that write down each thing they do (the
//! *effects*), submitters that write down each thing they were promised (the *history*), and faults at random moments:
//! `kill -9` and `SIGSTOP` of the server and of its workers. When the storm is over the server is started once more, all
//! work is waited for, and [`checker`] compares what was promised with what is found and what was done.
//!
//! ```text
//!   load ──submit──► server ──event──► workers ───tell────► effects ─┐
//!    │                 ▲  ▲               ▲                          ├─► checker ─► violations
//!    └──append──► history └──── faults ───┘    server's own account ─┘
//! ```
//!
//! The moments are chosen from a seed that is printed. The same seed gives the same choices, not the same run: the machine
//! has its share in it.
//!
//! The server runs as it does by default: its workers are in their sandboxes, which are killed as well as they are.
//!
//! Nothing here knows the crates of the server: it speaks HTTP and signals to a program.

pub mod binary;
pub mod checker;
pub mod collector;
pub mod counter;
pub mod disk;
pub mod effects;
pub mod faults;
pub mod functions;
pub mod history;
pub mod http;
pub mod load;
pub mod observe;
pub mod package;
pub mod random;
pub mod server;
pub mod storm;
pub mod thumbnail;
pub mod until;
