//! An emulator in the process of whoever needs one: their tests, above all.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::config::ServerConfig;
use super::ready::Ready;
use super::server::{Bind, Listener, random_seed, run};
use webpubsub_net::secret::Secret;

/// An emulator that serves from a task of the runtime it was started in, at a free port of `localhost`.
///
/// Dropping it stops the server too, without anybody who waits for that: its clients are closed as long as the runtime
/// lives. Its state is in memory and ends with it.
///
/// ```
/// use webpubsub_emulator::{Emulator, ServerConfig, chosen_seed};
///
/// # async fn example() -> std::io::Result<()> {
/// let emulator = Emulator::start(ServerConfig::new(chosen_seed(1))).await?;
/// assert!(emulator.ready().client_url.expose().starts_with("ws://localhost:"));
/// emulator.stop().await
/// # }
/// # tokio::runtime::Runtime::new()?.block_on(example())?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Emulator {
    ready: Ready,
    /// Dropped, or used: the server stops.
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

impl Emulator {
    /// Starts one. It takes connections when this returns. Fails where no port of `localhost` can be listened at.
    ///
    /// # Panics
    ///
    /// Outside a runtime of tokio, as all that opens sockets there.
    pub async fn start(config: ServerConfig) -> io::Result<Self> {
        let listener = Listener::bind(Bind::Localhost, 0).await.map_err(|error| error.source)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let ready = Ready::new(&config, listener.local_addr()?, listener.is_localhost(), now);
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(run(listener, config, async move {
            // That its owner is gone says the same.
            let _ = stopped.await;
        }));
        Ok(Self { ready, stop, serving })
    }

    /// Starts one as most need it: the official emulator's key, no anonymous clients, events are echoed, ids that nobody
    /// can guess. Fails as [`Self::start`] does, and where the system has no random numbers.
    pub async fn start_default() -> io::Result<Self> {
        Self::start(ServerConfig::new(random_seed()?)).await
    }

    /// Where it is, and the credentials for it.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// A client access URL for [`DEFAULT_HUB`](crate::DEFAULT_HUB), anonymous, which may join and publish to every group.
    pub fn client_url(&self) -> &Secret {
        &self.ready.client_url
    }

    /// Closes all connections (PROTOCOL §12) and returns when the server is gone: at most a second later.
    pub async fn stop(self) -> io::Result<()> {
        // A server that is gone has stopped.
        let _ = self.stop.send(());
        self.serving.await.map_err(io::Error::other)?
    }
}
