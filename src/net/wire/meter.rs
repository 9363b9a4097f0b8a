//! Notes that bytes move on the wire itself, and gives whoever shares the task a turn.
//!
//! Above TLS nothing is seen of a record that is not whole yet, which on a slow link takes longer than a silent peer is
//! borne with. And during a dial, whatever the other end sends without a pause (endless interim answers, say) would be
//! read without one: the deadline and the signals would not be served.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// After so many bytes read without a pause there is one.
const TURN_BYTES: usize = 1024 * 1024;

/// The same for readings, which may be small. Fewer than what a task of the runtime may do in one go, so that there is
/// something left for whoever shares it.
const TURN_READS: usize = 64;

/// Whether bytes have moved.
#[derive(Debug, Default)]
pub struct Meter(AtomicBool);

impl Meter {
    /// Whether bytes have moved since this was asked last: some came, or some could be written after the system had
    /// taken none.
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// A stream with a meter.
#[derive(Debug)]
pub struct Metered<S> {
    stream: S,
    meter: Arc<Meter>,
    /// The system took no more at the last write.
    blocked: bool,
    /// Read since the last pause.
    bytes: usize,
    reads: usize,
}

impl<S> Metered<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, meter: Arc::default(), blocked: false, bytes: 0, reads: 0 }
    }

    pub(super) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    /// The stream itself.
    pub(super) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// What the meter says, to whoever holds the stream.
    pub(super) fn take_moved(&self) -> bool {
        self.meter.take()
    }

    fn wrote(&mut self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.blocked = true,
            Poll::Ready(Ok(0) | Err(_)) => {}
            Poll::Ready(Ok(_)) => {
                if std::mem::take(&mut self.blocked) {
                    self.meter.0.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.bytes >= TURN_BYTES || this.reads >= TURN_READS {
            (this.bytes, this.reads) = (0, 0);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let came = buffer.filled().len() - before;
        if read.is_pending() {
            (this.bytes, this.reads) = (0, 0);
        } else if came > 0 {
            this.bytes += came;
            this.reads += 1;
            this.meter.0.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.wrote(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, repeat};

    use super::*;

    #[tokio::test]
    async fn bytes_that_come_are_noted_and_those_that_go_where_there_was_no_room() {
        let (ours, mut theirs) = duplex(10);
        let mut ours = Metered::new(ours);
        let meter = ours.meter();
        ours.write_all(b"0123456789").await.unwrap();
        assert!(!meter.take());
        let full = poll_fn(|cx| Poll::Ready(Pin::new(&mut ours).poll_write(cx, b"x").is_pending())).await;
        assert!(full && !meter.take());
        theirs.read_exact(&mut [0; 5]).await.unwrap();
        ours.write_all(b"x").await.unwrap();
        assert!(meter.take() && !meter.take());
        theirs.write_all(b"y").await.unwrap();
        ours.read_u8().await.unwrap();
        assert!(meter.take() && !meter.take());
    }

    #[tokio::test]
    async fn a_flood_is_read_with_pauses_for_others() {
        for size in [1, 64 * 1024] {
            let (mut flood, mut buffer) = (Metered::new(repeat(0)), vec![0; size]);
            for _ in 0..3 {
                let mut bytes = 0;
                poll_fn(|cx| {
                    let mut read = ReadBuf::new(&mut buffer);
                    while Pin::new(&mut flood).poll_read(cx, &mut read).is_ready() {
                        bytes += read.filled().len();
                        read.clear();
                        assert!(bytes <= TURN_BYTES, "no pause");
                    }
                    Poll::Ready(())
                })
                .await;
                assert_eq!(bytes, (size * TURN_READS).min(TURN_BYTES));
                tokio::task::yield_now().await;
            }
        }
    }
}
