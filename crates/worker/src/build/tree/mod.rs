//! Trees of files that a stranger's program has written: counting, giving to somebody else, removing.
//!
//! Nothing in such a tree is believed. Links are never followed, and each step goes down from the folder that is open rather than by
//! a path, so that what is swapped for a link meanwhile leads nowhere. Folders may nest deeper than any path is long; the
//! depth is bounded, and removal brings what lies deeper up first. A folder may hold millions of names: they are read one after the
//! other and never kept, so what a tree takes of this process's memory does not depend on what is in it.

mod copy;
mod count;
mod node;
mod owner;
mod remove;

pub(crate) use copy::copy;
pub(crate) use count::{Count, Taken};
pub(crate) use owner::{Owner, give_file, hand_over, take_back};
pub(crate) use remove::remove;

/// How deep folders may nest. Each level takes a descriptor.
const DEPTH_MAX: usize = 128;

fn too_deep() -> std::io::Error {
    std::io::Error::other(format!("it nests folders deeper than {DEPTH_MAX}"))
}

#[cfg(test)]
mod tests;
