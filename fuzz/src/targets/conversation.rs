//! A whole worker that says anything, while it prints anything: each of its calls ends once, and within the limits.
//!
//! The first bytes choose how it begins, how many calls are open and what its memory file holds.

use tidemill_core::{
    limits::{
        LOG_ATTEMPT_BYTES_MAX, LOG_ATTEMPT_LINES_MAX, RESPONSE_BODY_BYTES_MAX, SENDS_BYTES_MAX, SENDS_MAX,
        STATE_BYTES_MAX,
    },
    ports::{CallEnd, CallOutcome},
};
use tidemill_worker::fuzz::{Conversation, Ends};

use super::frames::{frame, lifelike};
use crate::{
    input::Input,
    target::{Memory, Target},
    text::assert_one_line,
};

pub(super) const TARGET: Target = Target {
    name: "conversation",
    about: "a worker that says and prints what it likes, while calls are open",
    run,
    seeds,
    words: super::frames::TARGET.words,
    bytes_max: 8 * 1024,
    memory: Memory { base_bytes: 4 * 1024 * 1024, per_byte: 400 },
    share: 30,
};

fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let choices = input.byte();
    let (memory, printed) = (input.byte(), input.byte());
    let calls = usize::from(choices & 3);
    let conversation = Conversation {
        slots: (choices & 4 != 0).then_some(u32::from(choices >> 4)),
        calls,
        has_state: choices & 8 != 0,
        memory: input.piece(usize::from(memory)).to_vec(),
        printed: input.piece(usize::from(printed)).to_vec(),
        said: input.rest().to_vec(),
    };
    let has_state = conversation.has_state;
    let (ends, heard) = conversation.play();
    match ends {
        Ends::Refused(reason) => assert!(!reason.is_empty()),
        Ends::Calls(ends) => {
            assert_eq!(ends.len(), calls);
            for end in ends {
                check(&end, has_state);
            }
        }
    }
    check_heard(&heard);
}

fn check(end: &CallEnd, has_state: bool) {
    let mut has_left = true;
    match &end.outcome {
        CallOutcome::Replied(replies) => {
            assert!(!replies.is_empty());
            for reply in replies {
                assert!((100..=599).contains(&reply.status));
                assert!(reply.body.len() as u64 <= RESPONSE_BODY_BYTES_MAX);
            }
        }
        CallOutcome::Raised { message, status } => {
            assert!((400..=599).contains(status));
            assert_one_line(message);
            has_left = false;
        }
        CallOutcome::Broken { reason, .. } => {
            assert_one_line(reason);
            has_left = false;
        }
    }
    assert!(has_left || (end.state.is_none() && end.sends.is_empty()), "something is left of a call that failed");
    if let Some(state) = &end.state {
        assert!(has_state && state.len() <= STATE_BYTES_MAX);
        serde_json::from_slice::<serde::de::IgnoredAny>(state).expect("a state is JSON");
    }
    assert!(end.sends.len() <= SENDS_MAX);
    assert!(end.sends.iter().map(|message| message.body.len() as u64).sum::<u64>() <= SENDS_BYTES_MAX);
    assert!(end.sends.iter().all(|message| !message.function.is_empty()));
    // And the line that says it was cut, and a traceback.
    assert!(end.logs.len() <= LOG_ATTEMPT_LINES_MAX + 2);
    assert!(
        end.logs.iter().map(|line| line.message.len()).sum::<usize>() <= LOG_ATTEMPT_BYTES_MAX + 2 * 64 * 1024 + 100
    );
}

/// What the worker was told is whole frames of kinds that Tidemill sends; the last may break off with the connection.
fn check_heard(mut heard: &[u8]) {
    while heard.len() >= 16 {
        let word = |at: usize| u32::from_le_bytes(heard[at..at + 4].try_into().expect("there are four")) as usize;
        let (length, meta) = (word(0), word(12));
        assert!((1..=7).contains(&heard[4]), "a frame of kind {}", heard[4]);
        assert!(heard[5] <= 1 && heard[6..8] == [0, 0] && length >= 12 && meta <= length - 12);
        if heard.len() < 4 + length {
            return;
        }
        if meta > 0 {
            serde_json::from_slice::<serde_json::Value>(&heard[16..16 + meta]).expect("meta is JSON");
        }
        heard = &heard[4 + length..];
    }
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let memory = [b'm'; 60];
    let begin = |choices: u8| [&[choices, 60, 8][..], &memory, b"printed\n"].concat();
    for frame in lifelike() {
        // Ready, one slot, state, two calls.
        seeds.push([begin(0b0001_1110), frame].concat());
    }
    let all = lifelike();
    // Four slots, three calls: results, messages and state, then the replies.
    seeds.push(
        [
            begin(0b0100_1111),
            all[6].clone(),
            all[8].clone(),
            all[9].clone(),
            all[7].clone(),
            all[2].clone(),
            all[3].clone(),
            frame(18, 0, 2, "{}", b"ok"),
        ]
        .concat(),
    );
    // It says by itself that it is ready.
    seeds.push([begin(0b0000_0001), all[0].clone(), all[2].clone()].concat());
    seeds.push([begin(0b0000_0001), all[1].clone()].concat());
    seeds.into_iter().enumerate().map(|(index, bytes)| (format!("conversation {index}"), bytes)).collect()
}
