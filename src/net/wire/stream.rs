//! The byte stream under a WebSocket: TCP, with TLS or without, and perhaps within the TLS of a proxy.
//!
//! Enums rather than boxed trait objects: this is the hot path.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::meter::{Meter, Metered};

/// A connected byte stream to a server.
#[derive(Debug)]
pub enum Stream {
    /// `ws`.
    Plain(Transport),
    /// `wss`.
    Tls(Box<TlsStream<Transport>>),
}

/// What carries the bytes of a [`Stream`], encrypted or not.
#[derive(Debug)]
pub enum Transport {
    /// TCP, to the server or to a proxy that passes everything on.
    Tcp(Metered<TcpStream>),
    /// TLS with a proxy that passes on what is in it.
    Tls(Box<TlsStream<Metered<TcpStream>>>),
}

/// So much may wait in the system's buffer without having been sent.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 64 * 1024;

/// Prepares a connection for frames: they are small and answers are awaited, so that Nagle's algorithm would only hold
/// them back; and what the network has not taken yet stays here, as far as the system can do that. In a buffer of
/// megabytes a frame would seem to be sent that is on its way for minutes, and nothing would be seen to move.
pub fn prepare(stream: &TcpStream) {
    // Where it is impossible, everything is only a little slower, and slow links are taken for dead ones sooner.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
}

impl Stream {
    /// Notes what moves on the wire.
    pub(super) fn meter(&self) -> Arc<Meter> {
        match self {
            Self::Plain(transport) => transport.meter(),
            Self::Tls(stream) => stream.get_ref().0.meter(),
        }
    }
}

impl Transport {
    fn meter(&self) -> Arc<Meter> {
        match self {
            Self::Tcp(stream) => stream.meter(),
            Self::Tls(stream) => stream.get_ref().0.meter(),
        }
    }
}

/// Reads and writes through whichever variant there is.
macro_rules! delegate {
    ($kind:ident { $($variant:ident),+ }) => {
        impl AsyncRead for $kind {
            fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(stream) => Pin::new(stream).poll_read(cx, buffer),)+
                }
            }
        }

        impl AsyncWrite for $kind {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $(Self::$variant(stream) => Pin::new(stream).poll_write(cx, bytes),)+
                }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $(Self::$variant(stream) => Pin::new(stream).poll_write_vectored(cx, slices),)+
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    $(Self::$variant(stream) => stream.is_write_vectored(),)+
                }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(stream) => Pin::new(stream).poll_flush(cx),)+
                }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(stream) => Pin::new(stream).poll_shutdown(cx),)+
                }
            }
        }
    };
}

delegate!(Stream { Plain, Tls });
delegate!(Transport { Tcp, Tls });
