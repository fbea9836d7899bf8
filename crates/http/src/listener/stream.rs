//! A TCP stream on which a client cannot make the service wait: bytes must leave at a least rate.
//!
//! hyper limits how long a request's head may take, and the layers how long its body and the work may. What neither
//! limits is a client that does not read its answers, or only a byte now and then.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::connections::Activity;

/// How many bytes a second a client must take, once it has taken none for a moment.
const LEAST_RATE: u64 = 4 << 10;

/// How long a client that is still sending may go on, and how much, after the last answer on its connection: closed
/// at once, the answer would be lost with what was not read.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

/// A stream with a time limit on writing.
#[derive(Debug)]
pub(super) struct TimedStream<S> {
    inner: S,
    activity: Arc<Activity>,
    write_timeout: Duration,
    stall: Option<Stall>,
    linger: Option<Linger>,
}

/// A write that had to wait, until everything is written.
#[derive(Debug)]
struct Stall {
    begun: Instant,
    /// When bytes were last taken.
    last: Instant,
    written: u64,
    timer: Pin<Box<Sleep>>,
}

/// The time after the last answer.
#[derive(Debug)]
struct Linger {
    timer: Pin<Box<Sleep>>,
    left: usize,
}

impl<S> TimedStream<S> {
    pub(super) fn new(inner: S, activity: Arc<Activity>, write_timeout: Duration) -> Self {
        Self { inner, activity, write_timeout, stall: None, linger: None }
    }

    /// Watches the time of a write.
    fn timed(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.activity.has_written();
                if let Some(stall) = &mut self.stall {
                    stall.written += bytes as u64;
                    stall.last = Instant::now();
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let timeout = self.write_timeout;
                let stall = self.stall.get_or_insert_with(|| Stall::new(timeout));
                let earned = Duration::from_millis(stall.written.saturating_mul(1000) / LEAST_RATE);
                let deadline = (stall.begun + timeout + earned).min(stall.last + timeout);
                stall.timer.as_mut().reset(deadline);
                ready!(stall.timer.as_mut().poll(context));
                Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the client does not read its answer, or too slowly",
                )))
            }
        }
    }
}

impl Stall {
    fn new(timeout: Duration) -> Self {
        let now = Instant::now();
        Self { begun: now, last: now, written: 0, timer: Box::pin(tokio::time::sleep(timeout)) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.activity.has_read();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.timed(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.timed(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context).map_ok(|()| 0);
        ready!(self.timed(context, flushed))?;
        // Whoever flushes has nothing left to write.
        self.stall = None;
        Poll::Ready(Ok(()))
    }

    /// Ends the sending side, and drains what the client is still sending.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = &mut *self;
        if stream.linger.is_none() {
            ready!(Pin::new(&mut stream.inner).poll_shutdown(context))?;
            if stream.activity.is_quiet() {
                return Poll::Ready(Ok(()));
            }
        }
        let linger = stream.linger.get_or_insert_with(|| Linger {
            timer: Box::pin(tokio::time::sleep(LINGER)),
            left: LINGER_BYTES,
        });
        let mut scratch = [0; 8 << 10];
        while linger.left > 0 && linger.timer.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut stream.inner).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    linger.left = linger.left.saturating_sub(buffer.filled().len());
                }
                // Whatever the error is, nothing more arrives.
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::super::connections::Connections;
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(100);

    fn timed(room: usize) -> (TimedStream<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(room);
        let place = Connections::new(9, 9, Vec::new()).admit(IpAddr::from([192, 0, 2, 1])).unwrap();
        (TimedStream::new(ours, Arc::clone(&place.activity), TIMEOUT), theirs)
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_not_waited_for() {
        let (mut ours, _theirs) = timed(64);
        let error = ours.write_all(&[0; 1024]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_reads_a_byte_now_and_then_is_not_waited_for() {
        let (mut ours, mut theirs) = timed(64);
        tokio::spawn(async move {
            // Each wait is shorter than the time limit.
            while theirs.read_u8().await.is_ok() {
                tokio::time::sleep(TIMEOUT / 10).await;
            }
        });
        let error = tokio::time::timeout(TIMEOUT * 50, ours.write_all(&[0; 1 << 20])).await.unwrap();
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_reads_is_waited_for() {
        let (mut ours, mut theirs) = timed(64);
        let reader = tokio::spawn(async move {
            let (mut read, mut buffer) = (0, vec![0; 64]);
            loop {
                match theirs.read(&mut buffer).await.unwrap() {
                    0 => break read,
                    more => read += more,
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        // Longer than the time limit in all, and faster than the least rate.
        ours.write_all(&[0; 8 << 10]).await.unwrap();
        ours.flush().await.unwrap();
        drop(ours);
        assert_eq!(reader.await.unwrap(), 8 << 10);
    }

    #[tokio::test]
    async fn what_a_client_is_still_sending_is_read_away() {
        let (mut ours, mut theirs) = timed(64);
        let sender = tokio::spawn(async move {
            theirs.write_all(&[0; 4096]).await.unwrap();
            let mut answer = Vec::new();
            theirs.read_to_end(&mut answer).await.unwrap();
            answer
        });
        ours.read_u8().await.unwrap();
        ours.write_all(b"no").await.unwrap();
        ours.shutdown().await.unwrap();
        drop(ours);
        assert_eq!(sender.await.unwrap(), b"no");
    }
}
