//! A vessel that is told by channels what happens to its worker, by whoever watches over it elsewhere.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::vessel::{Ended, Happening, Output, Vessel};

/// See the module. What is printed should be told before the end is. When both senders are gone it has ended.
#[derive(Debug)]
pub(crate) struct Remote {
    printed: mpsc::Receiver<(Output, Bytes)>,
    is_open: bool,
    ended: oneshot::Receiver<Ended>,
    end: Option<Ended>,
}

impl Remote {
    /// `printed` is bounded by whoever makes it; `ended` is sent once.
    pub fn new(printed: mpsc::Receiver<(Output, Bytes)>, ended: oneshot::Receiver<Ended>) -> Remote {
        Remote { printed, is_open: true, ended, end: None }
    }
}

fn unknown() -> Ended {
    Ended { words: "ended".to_owned(), is_success: false, cause: None }
}

impl Vessel for Remote {
    async fn next(&mut self) -> Happening {
        if self.end.is_some() {
            return Happening::Ended;
        }
        loop {
            tokio::select! {
                biased;
                piece = self.printed.recv(), if self.is_open => match piece {
                    Some((output, bytes)) => return Happening::Printed(output, bytes),
                    None => self.is_open = false,
                },
                told = &mut self.ended => {
                    self.end = Some(told.unwrap_or_else(|_| unknown()));
                    return Happening::Ended;
                }
            }
        }
    }

    fn drain(&mut self, mut take: impl FnMut(Output, &[u8])) {
        while let Ok((output, bytes)) = self.printed.try_recv() {
            take(output, &bytes);
        }
    }

    async fn end(self) -> Ended {
        self.end.unwrap_or_else(unknown)
    }
}
