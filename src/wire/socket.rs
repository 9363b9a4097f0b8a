//! A byte stream whose writing may fail while its reading goes on, and which begins with bytes read before.
//!
//! When a server sends its last messages and a close frame and then resets the connection, a write of ours may see
//! the reset before a read saw the messages. The WebSocket layer would give up at once and the close code would be
//! lost. So a failed write is remembered here, later writes go nowhere, and [`Link`](super::Link) reports the failure
//! once everything that came has been read.
//!
//! What the handshake read beyond its end is given back here rather than to the WebSocket library: a read buffer that
//! the library makes from it never grows beyond single frames while a batch of messages is held, and reading becomes
//! seven times slower.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// `S` after `leftover`, never failing a write.
#[derive(Debug)]
pub(super) struct Socket<S> {
    stream: S,
    /// What was read already, and comes first.
    leftover: Bytes,
    /// Why writing failed. Set once.
    failure: Option<io::Error>,
}

impl<S> Socket<S> {
    pub(super) fn new(stream: S, leftover: Bytes) -> Self {
        Self { stream, leftover, failure: None }
    }

    /// Why writing failed, if it did.
    pub(super) fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.leftover.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let fits = this.leftover.len().min(buffer.remaining());
        buffer.put_slice(&this.leftover.split_to(fits));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.failure.is_none() {
            match Pin::new(&mut this.stream).poll_write(cx, bytes) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) if !bytes.is_empty() => this.failure = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => return Poll::Ready(Ok(written)),
                Poll::Ready(Err(error)) => this.failure = Some(error),
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.failure.is_none() {
            match Pin::new(&mut this.stream).poll_flush(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => this.failure = Some(error),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
