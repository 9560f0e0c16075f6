//! What a target is.

use crate::targets::ALL;

/// How much memory reading an input may take at most, whatever is in it: a bound and so many bytes for each byte of the input.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Bytes for an input of any size.
    pub base_bytes: usize,
    /// Bytes for each byte of the input.
    pub per_byte: usize,
}

impl Memory {
    /// The bound for an input of `size` bytes.
    pub fn bound(self, size: usize) -> usize {
        self.base_bytes.saturating_add(self.per_byte.saturating_mul(size))
    }
}

/// A reader of bytes, and what must hold of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which its folders in `corpus/` and `regressions/` have too.
    pub name: &'static str,
    /// What it reads, in a few words.
    pub about: &'static str,
    /// Reads an input and panics when a property does not hold.
    pub run: fn(&[u8]),
    /// Inputs that are made or borrowed instead of lying in `corpus/`, each with a name.
    pub seeds: fn() -> Vec<(String, Vec<u8>)>,
    /// Words that inputs are made of.
    pub words: &'static [&'static str],
    /// Longer inputs are not tried, in bytes.
    pub bytes_max: usize,
    /// The memory that reading may take.
    pub memory: Memory,
    /// Runs of this target for each hundred that a short run is asked for: less than 100 where one run takes long.
    pub share: u32,
}

/// The target called `name`.
pub fn find(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|target| target.name == name)
}
