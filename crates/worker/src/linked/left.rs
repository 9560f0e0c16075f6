//! State and messages that a worker hands in while a call is open. They count when the call ends with a reply.
//!
//! What goes beyond the limits is not kept; the first excess is remembered and makes a bad response of the reply. The worker
//! itself stays fit: it kept to the frames, its function asked for too much.

use bytes::Bytes;
use tidemill_core::{
    limits::{SENDS_BYTES_MAX, SENDS_MAX, STATE_BYTES_MAX},
    ports::Message,
};

use crate::exchange::{check_json, check_message};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Left {
    has_state: bool,
    state: Option<Bytes>,
    sends: Vec<Message>,
    sends_bytes: u64,
    refusal: Option<String>,
}

impl Left {
    /// Nothing yet. `has_state` says whether the function has state.
    pub fn new(has_state: bool) -> Left {
        Left { has_state, ..Left::default() }
    }

    /// Whether one more message with `size` bytes, as it came, is within the limits.
    pub fn admits_message(&mut self, size: u64) -> bool {
        self.sends_bytes = self.sends_bytes.saturating_add(size);
        if self.sends.len() >= SENDS_MAX {
            self.refuse(|| format!("it sent more than the {SENDS_MAX} messages that are allowed"));
        } else if self.sends_bytes > SENDS_BYTES_MAX {
            self.refuse(|| {
                format!("its messages have more than the {SENDS_BYTES_MAX} bytes that are allowed together")
            });
        }
        self.refusal.is_none()
    }

    /// Takes a message that was admitted.
    pub fn message(&mut self, message: Message) {
        match check_message(message) {
            Ok(message) => self.sends.push(message),
            Err(reason) => self.refuse(|| reason),
        }
    }

    /// Whether a state of `size` bytes is within the limits.
    pub fn admits_state(&mut self, size: u64) -> bool {
        if !self.has_state {
            self.refuse(|| "it stored a state, but the function has none (spec.state)".to_owned());
        } else if size > STATE_BYTES_MAX as u64 {
            self.refuse(|| format!("its state has {size} bytes, more than the {STATE_BYTES_MAX} that are allowed"));
        }
        self.refusal.is_none()
    }

    /// Takes a state that was admitted. The last one counts.
    pub fn state(&mut self, state: Bytes) {
        self.state = Some(state);
    }

    /// The new state, if there is one, and the messages. The error is one line for the author of the function.
    pub fn finish(self) -> Result<(Option<Bytes>, Vec<Message>), String> {
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        if let Some(state) = &self.state {
            check_json(state).map_err(|why| format!("its state is not JSON: {why}"))?;
        }
        Ok((self.state, self.sends))
    }

    fn refuse(&mut self, reason: impl FnOnce() -> String) {
        self.refusal.get_or_insert_with(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(function: &str) -> Message {
        Message { function: function.to_owned(), ..Message::default() }
    }

    fn reason(fill: impl FnOnce(&mut Left)) -> String {
        let mut left = Left::new(true);
        fill(&mut left);
        left.finish().unwrap_err()
    }

    #[test]
    fn what_is_within_the_limits_is_handed_out_in_order() {
        let mut left = Left::new(true);
        for name in ["a", "b"] {
            assert!(left.admits_message(1));
            left.message(message(name));
        }
        for state in ["1", "{\"n\":2}"] {
            assert!(left.admits_state(7));
            left.state(Bytes::from(state));
        }
        let (state, sends) = left.finish().unwrap();
        assert_eq!(state.unwrap(), "{\"n\":2}");
        assert_eq!(sends, [message("a"), message("b")]);
    }

    #[test]
    fn the_first_excess_is_named_and_nothing_after_it_is_kept() {
        let many = reason(|left| {
            for _ in 0..=SENDS_MAX {
                if left.admits_message(0) {
                    left.message(message("a"));
                }
            }
            assert!(!left.admits_state(1));
        });
        assert_eq!(many, "it sent more than the 1000 messages that are allowed");
        let large = reason(|left| {
            assert!(left.admits_message(SENDS_BYTES_MAX));
            assert!(!left.admits_message(1));
        });
        assert_eq!(large, "its messages have more than the 67108864 bytes that are allowed together");
        let state = reason(|left| assert!(!left.admits_state(STATE_BYTES_MAX as u64 + 1)));
        assert_eq!(state, "its state has 4194305 bytes, more than the 4194304 that are allowed");
        assert_eq!(reason(|left| left.message(message(""))), "a message was sent to no function: its name is empty");
        assert!(reason(|left| left.state(Bytes::from("{"))).starts_with("its state is not JSON: EOF"));
        let mut without = Left::new(false);
        assert!(!without.admits_state(1));
        assert_eq!(without.finish().unwrap_err(), "it stored a state, but the function has none (spec.state)");
    }
}
