//! Takes the effects of functions over the loopback and appends them to a file.
//!
//! A function in its sandbox has no file of the machine to write to. It sends a line and waits for the byte that says that the
//! line is in the file; so what one run has told stands before what a later one tells. A line that breaks off, because the
//! function was killed, is dropped: the function has not gone on.

use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// Lines that wait to be written.
const WAITING_MAX: usize = 256;

struct Line {
    text: String,
    written: oneshot::Sender<()>,
}

/// See the module.
pub struct Collector {
    address: String,
    accepting: JoinHandle<()>,
    writing: JoinHandle<anyhow::Result<()>>,
}

impl Collector {
    /// Listens on a free port of the loopback and appends to the file `path`.
    pub async fn start(path: &Path) -> anyhow::Result<Collector> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let file: PathBuf = path.to_owned();
        let file = OpenOptions::new().create(true).append(true).open(&file).await.context("the file of effects")?;
        let (lines, waiting) = mpsc::channel(WAITING_MAX);
        let writing = tokio::spawn(write(file, waiting));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A function that was killed ends it; what fails here is that function's next attempt.
                tokio::spawn(take(stream, lines.clone()));
            }
        });
        Ok(Collector { address, accepting, writing })
    }

    /// Where functions find it: host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Takes no more functions and waits until those there are have gone and all is written.
    pub async fn end(self) -> anyhow::Result<()> {
        self.accepting.abort();
        self.writing.await?
    }
}

async fn take(stream: TcpStream, lines: mpsc::Sender<Line>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut text = String::new();
    while stream.read_line(&mut text).await? > 0 && text.ends_with('\n') {
        let (written, is_written) = oneshot::channel();
        let line = Line { text: std::mem::take(&mut text), written };
        if lines.send(line).await.is_err() || is_written.await.is_err() {
            break;
        }
        stream.write_all(b".").await?;
    }
    Ok(())
}

async fn write(mut file: File, mut waiting: mpsc::Receiver<Line>) -> anyhow::Result<()> {
    while let Some(line) = waiting.recv().await {
        file.write_all(line.text.as_bytes()).await?;
        file.flush().await?;
        // Whoever waits for it may be gone.
        let _ = line.written.send(());
    }
    Ok(())
}
