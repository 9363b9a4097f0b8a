//! What a client's bytes come and go by: TCP, or TLS over it. Whoever serves a client is made for each of the two, so that
//! neither is asked at every byte which one it is.

use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use webpubsub_net::wire::AcceptedTls;

/// A byte stream of a client.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Its end has to be said, or it would look as if somebody on the way had cut it short (RFC 8446 §6.1).
    const SAYS_END: bool;

    /// The connection below. Nothing may be read from it or written to it.
    fn tcp(&self) -> &TcpStream;

    /// Whether something has moved below since this was asked last that is not seen above.
    fn take_moved(&self) -> bool;
}

impl Carrier for TcpStream {
    const SAYS_END: bool = false;

    fn tcp(&self) -> &TcpStream {
        self
    }

    fn take_moved(&self) -> bool {
        false
    }
}

impl Carrier for AcceptedTls {
    const SAYS_END: bool = true;

    fn tcp(&self) -> &TcpStream {
        Self::tcp(self)
    }

    fn take_moved(&self) -> bool {
        Self::take_moved(self)
    }
}

/// Says that a stream ends here, where it would look cut short otherwise. Takes as long as the client does.
pub(super) async fn send_end<S: Carrier>(stream: &mut S) {
    if S::SAYS_END {
        // The client says the same, and what comes to a socket that is gone would reset the connection.
        let _ = see_off(stream).await;
    }
}

/// Ends a stream, and takes in what still comes until the client has ended it, too. Takes as long as the client does.
pub(super) async fn see_off(stream: &mut impl Carrier) -> std::io::Result<()> {
    stream.shutdown().await?;
    let mut scratch = vec![0; 16 * 1024];
    while stream.read(&mut scratch).await? > 0 {}
    Ok(())
}

/// The very stream that was accepted, of a request that was upgraded.
pub(super) enum BaseStream {
    Tcp(TcpStream),
    Tls(AcceptedTls),
}

/// What lies below hyper's types, and what was read from it already.
pub(super) async fn upgraded(upgrade: OnUpgrade) -> Option<(BaseStream, Bytes)> {
    match upgrade.await.ok()?.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => Some((BaseStream::Tcp(parts.io.into_inner()), parts.read_buf)),
        Err(upgraded) => {
            let parts = upgraded.downcast::<TokioIo<AcceptedTls>>().ok()?;
            Some((BaseStream::Tls(parts.io.into_inner()), parts.read_buf))
        }
    }
}
