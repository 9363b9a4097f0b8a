//! How a client is set up.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use crate::client::Client;
use crate::driver::{NetDialer, UrlSource};
use crate::error::ConnectionError;
use crate::stream::Events;
use webpubsub_net::wire::DialOptions;
use webpubsub_proto::session::{Backoff, BackoffMode, Config, OnUnknown, Retries};
use webpubsub_proto::{STREAM_IDLE_TIMEOUT, Subprotocol};

/// Events that may wait, unless it is set otherwise.
const EVENT_BUFFER: usize = 1024;

/// The settings of a [`Client`], from [`Client::builder`]. All have defaults.
///
/// ```no_run
/// use std::time::Duration;
/// use webpubsub_client::{AccessUrl, Client, Retries, Subprotocol};
///
/// # async fn example(url: AccessUrl) -> Result<(), webpubsub_client::ConnectionError> {
/// let (client, events) = Client::builder(url)
///     .protocol(Subprotocol::ProtobufReliable)
///     .connect_timeout(Duration::from_secs(10))
///     .retries_once_connected(Retries::Limited(20))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing connects before `connect` or `start`"]
pub struct Builder {
    source: UrlSource,
    protocol: Subprotocol,
    options: DialOptions,
    config: Config,
    event_buffer: usize,
}

impl Builder {
    pub(crate) fn new(source: UrlSource) -> Self {
        let protocol = Subprotocol::JsonReliable;
        let backoff = |delay, max_delay| Backoff {
            mode: BackoffMode::Exponential,
            delay: Duration::from_millis(delay),
            max_delay: Duration::from_secs(max_delay),
        };
        let config = Config {
            codec: protocol.codec(),
            reliable: protocol.is_reliable(),
            connect_timeout: Duration::from_secs(30),
            retries_until_connected: Retries::Limited(3),
            retries_once_connected: Retries::Unlimited,
            // What it will be is known when it starts.
            renews_url: false,
            reconnect_backoff: backoff(1_000, 30),
            rejoin: true,
            ping_interval: Some(Duration::from_secs(10)),
            ping_timeout: Some(Duration::from_secs(25)),
            operation_retries: 3,
            operation_backoff: backoff(800, 120),
            ack_timeout: Duration::from_secs(30),
            on_unknown: OnUnknown::Fail,
            stream_idle_timeout: STREAM_IDLE_TIMEOUT,
            keep: None,
            seed: 0,
        };
        Self { source, protocol, options: DialOptions::default(), config, event_buffer: EVENT_BUFFER }
    }

    /// The subprotocol, [`Subprotocol::JsonReliable`] unless set. Those without recovery lose the messages of a time without
    /// a connection (PROTOCOL §0, §7).
    pub fn protocol(mut self, protocol: Subprotocol) -> Self {
        self.protocol = protocol;
        self.config.codec = protocol.codec();
        self.config.reliable = protocol.is_reliable();
        self
    }

    /// Proxies, TLS, headers, addresses in place of DNS. Without it there is no proxy, whatever the environment says, and
    /// the certificates that the platform trusts are trusted.
    ///
    /// ```
    /// use webpubsub_client::{DialOptions, Tls, TlsSettings};
    ///
    /// let tls = TlsSettings { ca_cert: Some("company.pem".into()), ..TlsSettings::default() };
    /// let options = DialOptions { tls: Tls::new(tls), ..DialOptions::default() };
    /// # drop(options);
    /// ```
    pub fn dial_options(mut self, options: DialOptions) -> Self {
        self.options = options;
        self
    }

    /// How long each attempt may take, from asking for the URL to the `connected` frame (PROTOCOL §19.1): 30 s unless set.
    /// One to recover has 5 s of it at most.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.config.connect_timeout = limit;
        self
    }

    /// Attempts after the first failed one, as long as there has been no connection: 3 unless set. What cannot pass, such as
    /// a refused token, is not tried again.
    pub fn retries_until_connected(mut self, retries: Retries) -> Self {
        self.config.retries_until_connected = retries;
        self
    }

    /// Attempts to get a new connection after one that was lost and not recovered: without a limit unless set. Those to
    /// recover are not counted: they last 30 s (PROTOCOL §7.2, §19.2).
    pub fn retries_once_connected(mut self, retries: Retries) -> Self {
        self.config.retries_once_connected = retries;
        self
    }

    /// The pause between attempts to connect: from 1 s to 30 s, doubled each time, with jitter, unless set
    /// (PROTOCOL §19.5).
    pub fn reconnect_backoff(mut self, backoff: Backoff) -> Self {
        self.config.reconnect_backoff = backoff;
        self
    }

    /// Whether groups are joined again on a new connection: yes unless set (PROTOCOL §7.3, §19.4).
    pub fn rejoin(mut self, rejoin: bool) -> Self {
        self.config.rejoin = rejoin;
        self
    }

    /// Pings a connection that was silent for `interval`, and gives it up when nothing comes for `patience` after that:
    /// 10 s and 15 s unless set (PROTOCOL §8.1, §19.11). Together they should stay below the 30 s of a recovery. An interval
    /// of zero: never.
    pub fn keepalive(mut self, interval: Duration, patience: Duration) -> Self {
        let on = !interval.is_zero();
        self.config.ping_interval = on.then_some(interval);
        self.config.ping_timeout = on.then(|| interval.saturating_add(patience));
        self
    }

    /// How long each attempt of an operation waits for its ack: 30 s unless set. The time of a recovery does not count.
    pub fn ack_timeout(mut self, limit: Duration) -> Self {
        self.config.ack_timeout = limit;
        self
    }

    /// How often an operation is tried again, under its ackId, when no ack came or the service failed for a passing reason:
    /// 3 times unless set (PROTOCOL §19.6).
    pub fn operation_retries(mut self, retries: u32) -> Self {
        self.config.operation_retries = retries;
        self
    }

    /// The pause before an operation that failed for a passing reason is tried again: from 0.8 s to 120 s, doubled each
    /// time, with jitter, unless set.
    pub fn operation_backoff(mut self, backoff: Backoff) -> Self {
        self.config.operation_backoff = backoff;
        self
    }

    /// What becomes of a publish or an event that was sent on a connection that is lost for good:
    /// [`OnUnknown::Fail`] unless set, which settles it as [unknown](crate::OperationError::Unknown).
    /// [`OnUnknown::Resend`] sends it again, at the risk of doubling it (PROTOCOL §19.7).
    pub fn on_unknown(mut self, on_unknown: OnUnknown) -> Self {
        self.config.on_unknown = on_unknown;
        self
    }

    /// A group stream that is being received and of which nothing comes for so long has ended, by
    /// [`IdleTimeout`](crate::StreamReadError::IdleTimeout): five minutes unless set (PROTOCOL §19.28).
    pub fn stream_idle_timeout(mut self, limit: Duration) -> Self {
        self.config.stream_idle_timeout = limit;
        self
    }

    /// How many events may wait before the socket is not read any more: 1024 unless set, at least 1. See [`Events`]. As many
    /// fragments may wait for the readers of streams, all together.
    pub fn event_buffer(mut self, events: usize) -> Self {
        self.event_buffer = events;
        self
    }

    /// Connects: returns when there is a connection (PROTOCOL §19.1), or with why there is none after all attempts.
    /// Dropping the future ends them.
    ///
    /// # Panics
    ///
    /// Outside a runtime of tokio with its clock and its I/O.
    pub async fn connect(self) -> Result<(Client, Events), ConnectionError> {
        let (client, events) = self.start();
        client.connected().await?;
        Ok((client, events))
    }

    /// Begins to connect and returns at once: operations wait for the connection, and what happens is told by the events.
    ///
    /// # Panics
    ///
    /// Outside a runtime of tokio with its clock and its I/O.
    pub fn start(self) -> (Client, Events) {
        let Self { source, protocol, options, mut config, event_buffer } = self;
        config.renews_url = matches!(source, UrlSource::Provider(_));
        // Unlike for any other client, so that not all come back in the same moment.
        config.seed = RandomState::new().build_hasher().finish();
        let dialer = NetDialer::new(source, options, protocol).with_stated_limit(config.connect_timeout);
        Client::start(config, dialer, event_buffer)
    }
}
