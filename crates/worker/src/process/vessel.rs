//! A process with its pipes as the vessel of a linked worker.

use std::io;

use bytes::Bytes;
use tidemill_core::invocation::AttemptOutcome;

use super::{
    exit::how_it_ended,
    spawn::{Process, Spawner},
};
use crate::{
    linked::{Ended, Happening, Output, Vessel},
    words::memory_reason,
};

/// See the module.
pub(crate) struct ProcessVessel {
    process: Process,
    is_open: [bool; 2],
    /// The process dies with the thread that started it, which lives as long as this.
    _spawner: Spawner,
}

impl ProcessVessel {
    /// `spawner` is what started the process.
    pub fn new(process: Process, spawner: Spawner) -> ProcessVessel {
        ProcessVessel { process, is_open: [true; 2], _spawner: spawner }
    }

    fn read(&mut self, output: Output) -> Option<Bytes> {
        let pipe = if output == Output::Out { &self.process.stdout } else { &self.process.stderr };
        let mut buffer = [0u8; 16 * 1024];
        match pipe.try_read(&mut buffer) {
            Ok(read) if read > 0 => return Some(Bytes::copy_from_slice(&buffer[..read])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => self.is_open[output as usize] = false,
        }
        None
    }
}

impl Vessel for ProcessVessel {
    async fn next(&mut self) -> Happening {
        loop {
            let output = tokio::select! {
                _ = self.process.stdout.readable(), if self.is_open[0] => Output::Out,
                _ = self.process.stderr.readable(), if self.is_open[1] => Output::Err,
                () = self.process.exited() => return Happening::Ended,
            };
            if let Some(bytes) = self.read(output) {
                return Happening::Printed(output, bytes);
            }
        }
    }

    fn drain(&mut self, take: impl FnMut(Output, &[u8])) {
        if self.is_open != [false; 2] {
            self.process.drain(take);
        }
    }

    async fn end(self) -> Ended {
        let confined = self.process.leash().confined().cloned();
        let broken = confined.as_ref().and_then(|confined| confined.broken_memory_limit());
        let status = self.process.reap();
        let words = status.as_ref().map_or_else(|_| "ended".to_owned(), |status| how_it_ended(*status));
        Ended {
            words,
            is_success: status.is_ok_and(|status| status.success()),
            cause: broken.map(|limit| (AttemptOutcome::OutOfMemory, memory_reason(limit))),
        }
    }
}
