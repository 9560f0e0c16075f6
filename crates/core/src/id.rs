//! Identifiers and numbers that identify: invocations, revisions, lease generations, content digests.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// Identifies an invocation: a UUID of version 7, so that ids sort by the time they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InvocationId(pub Uuid);

impl InvocationId {
    /// Makes an id from a time (millisecond part) and 80 random bits, given as the low bits of `random`.
    pub fn new(now: Timestamp, random: u128) -> InvocationId {
        let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
        let bytes = random.to_be_bytes();
        let mut low = [0u8; 10];
        low.copy_from_slice(&bytes[6..]);
        InvocationId(uuid::Builder::from_unix_timestamp_millis(millis, &low).into_uuid())
    }
}

impl fmt::Display for InvocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is not an invocation's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an invocation id; one looks like 01939f3c-7c1e-7000-8000-000000000001")]
pub struct InvalidInvocationId(String);

impl FromStr for InvocationId {
    type Err = InvalidInvocationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |_| InvalidInvocationId(text.chars().take(80).collect());
        Uuid::parse_str(text).map(InvocationId).map_err(invalid)
    }
}

/// The number of a revision within its function, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RevisionNumber(pub u32);

impl fmt::Display for RevisionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Fences leases: each claim of an invocation raises it by one, and only its newest holder can settle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u32);

/// The SHA-256 of some content, in lower-case hexadecimal (64 characters).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

/// A text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a SHA-256 digest")]
pub struct InvalidDigest(String);

impl Digest {
    /// The digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if is_hex { Ok(Digest(text.to_owned())) } else { Err(InvalidDigest(text.to_owned())) }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
