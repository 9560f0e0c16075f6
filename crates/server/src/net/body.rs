//! Reading request bodies whole, within limits.

use std::{pin::pin, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::{Instant, timeout_at};

use super::room::{FREE_BYTES, Room, Taken};

/// Bytes a second that a body must bring on average, beyond the first [`crate::ServerConfig::request_read_timeout`].
const PROGRESS_BYTES: u64 = 1024;
/// Room taken at once for a body that does not say how large it is.
const STEP_BYTES: u64 = 1024 * 1024;
/// How long a body waits for room.
const ROOM_PATIENCE: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// It is, or says it is, larger than allowed.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// It came too slowly.
    #[error("the body came too slowly")]
    TooSlow,
    /// Too many large bodies are being worked on.
    #[error("the server is busy with other large bodies")]
    NoRoom,
    /// It ended before its end, or broke the rules of HTTP.
    #[error("the body is incomplete: {0}")]
    Broken(String),
}

/// Reads a body into room of its own. It must bring something each `patience`, and a little more than a trickle over all.
pub(crate) async fn read<B>(body: &mut B, limit: u64, patience: Duration, room: &Room) -> Result<Bytes, ReadError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let expected = body.size_hint();
    if expected.lower() > limit {
        return Err(ReadError::TooLarge { limit });
    }
    let mut taken: Option<Taken> = None;
    let mut granted = FREE_BYTES;
    if let Some(exact) = expected.exact().filter(|exact| *exact > FREE_BYTES) {
        taken = Some(room.take(exact, ROOM_PATIENCE).await.ok_or(ReadError::NoRoom)?);
        granted = exact;
    }
    let started = Instant::now();
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let mut frame = pin!(body.frame());
        let received = (first.len() + rest.len()) as u64;
        let next = match frame.as_mut().now_or_never() {
            Some(next) => next,
            None => {
                let fair = started + patience + Duration::from_secs(received / PROGRESS_BYTES);
                let until = fair.min(Instant::now() + patience);
                timeout_at(until, frame).await.map_err(|_| ReadError::TooSlow)?
            }
        };
        let Some(frame) = next else { break };
        let Ok(data) = frame.map_err(|error| ReadError::Broken(error.to_string()))?.into_data() else { continue };
        if received + data.len() as u64 > limit {
            return Err(ReadError::TooLarge { limit });
        }
        while received + data.len() as u64 > granted {
            room.grow(&mut taken, STEP_BYTES, ROOM_PATIENCE).await.ok_or(ReadError::NoRoom)?;
            granted += STEP_BYTES;
        }
        if received == 0 {
            first = data;
        } else {
            if rest.is_empty() {
                // What the peer promises has been granted.
                let whole = expected.exact().unwrap_or(0);
                rest.reserve(usize::try_from(whole).unwrap_or(0).max(first.len() + data.len()));
                rest.extend_from_slice(&first);
                first = Bytes::new();
            }
            rest.extend_from_slice(&data);
        }
    }
    let whole = if rest.is_empty() { first } else { rest.freeze() };
    Ok(match taken {
        Some(taken) => taken.hold(whole),
        None => whole,
    })
}

/// Reads and throws away what is left of a body that was refused, within bounds, so that the peer gets to read the answer.
pub(crate) async fn discard<B>(mut body: B, bytes_max: u64, time_max: Duration)
where
    B: Body<Data = Bytes> + Unpin,
{
    let until = Instant::now() + time_max;
    let mut seen = 0u64;
    while let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await {
        seen += frame.data_ref().map_or(0, |data| data.len() as u64);
        if seen > bytes_max {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    fn chunks(texts: &[&'static str]) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let frames: Vec<_> = texts.iter().map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))).collect();
        StreamBody::new(stream::iter(frames))
    }

    const PATIENCE: Duration = Duration::from_secs(30);

    fn room() -> Room {
        Room::new(1024 * 1024)
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_room_and_keep_it() {
        let room = Room::new(16 * 1024);
        let large = || Full::new(Bytes::from(vec![0; 10 * 1024]));
        let first = read(&mut large(), 1 << 20, PATIENCE, &room).await.unwrap();
        assert!(matches!(read(&mut large(), 1 << 20, PATIENCE, &room).await, Err(ReadError::NoRoom)));
        assert_eq!(read(&mut chunks(&["small"]), 1 << 20, PATIENCE, &room).await.unwrap(), "small");
        drop(first);
        assert_eq!(read(&mut large(), 1 << 20, PATIENCE, &room).await.unwrap().len(), 10 * 1024);
        let mut alone = Full::new(Bytes::from(vec![0; 17 * 1024]));
        assert_eq!(read(&mut alone, 1 << 20, PATIENCE, &room).await.unwrap().len(), 17 * 1024);
    }

    #[tokio::test]
    async fn bodies_are_put_together() {
        for (texts, whole) in [(&["a"][..], "a"), (&["ab", "", "c", "d"], "abcd"), (&[], "")] {
            assert_eq!(read(&mut chunks(texts), 4, PATIENCE, &room()).await.unwrap(), whole);
        }
    }

    #[tokio::test]
    async fn the_limit_holds() {
        assert!(matches!(
            read(&mut chunks(&["abc", "de"]), 4, PATIENCE, &room()).await,
            Err(ReadError::TooLarge { limit: 4 })
        ));
        let mut announced = Full::new(Bytes::from_static(b"abcde"));
        assert!(matches!(read(&mut announced, 4, PATIENCE, &room()).await, Err(ReadError::TooLarge { limit: 4 })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_given_up() {
        let mut body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        assert!(matches!(read(&mut body, 4, PATIENCE, &room()).await, Err(ReadError::TooSlow)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_given_up() {
        let body = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x"))), ()))
        });
        let mut body = StreamBody::new(Box::pin(body));
        assert!(matches!(read(&mut body, 1000, PATIENCE, &room()).await, Err(ReadError::TooSlow)));
    }
}
