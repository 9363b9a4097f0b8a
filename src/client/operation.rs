//! Operations as futures.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::client::Client;
use crate::error::{OperationError, result};
use webpubsub_proto::session::{AckMode, Request};
use webpubsub_proto::{Codec, MAX_FRAME_BYTES, MAX_TTL_SECONDS, Metadata};

/// The service has carried an operation out; or, where no ack was asked for, it was handed to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ack {
    /// The ackId; `None`: none was asked for.
    pub ack_id: Option<u64>,
    /// An earlier attempt had been carried out already (`Duplicate`, PROTOCOL §5.3). Not an error, and not done twice.
    pub duplicate: bool,
    /// How often it was sent.
    pub attempts: u32,
    /// From the first sending to the ack.
    pub elapsed: Option<Duration>,
}

/// An operation: a future of the service's ack.
///
/// Nothing is sent before it is first polled, and operations are sent in the order of their first polls. Without a
/// connection it waits for one. It is sent again, under the same ackId, after a recovery of the connection, after a
/// passing failure and when no ack came in time (PROTOCOL §6, §19.6), as the [`Builder`](crate::Builder) says; joins and
/// leaves also on a new connection, publishes and events only where
/// [`on_unknown`](crate::Builder::on_unknown) says so.
///
/// **Dropping it does not take it back**: the driver goes on with what was handed over, which the first poll does unless
/// 256 others wait at that moment. It keeps the client open until it has settled or is dropped.
#[must_use = "an operation does nothing unless it is awaited"]
pub struct Operation(OperationState);

enum OperationState {
    Asked { client: Client, request: Result<Request, OperationError>, mode: AckMode },
    Waiting(Pin<Box<dyn Future<Output = Result<Ack, OperationError>> + Send>>),
    Done,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is sent is the user's affair.
        f.write_str(match self.0 {
            OperationState::Asked { .. } => "Operation(not begun)",
            OperationState::Waiting(_) => "Operation(waiting)",
            OperationState::Done => "Operation(done)",
        })
    }
}

impl Operation {
    pub(crate) fn new(client: Client, request: Result<Request, OperationError>) -> Self {
        let codec = client.codec();
        let request = request.and_then(|request| fits(codec, request));
        Self(OperationState::Asked { client, request, mode: AckMode::Automatic })
    }

    /// Asks for no ack (PROTOCOL §6): it ends as soon as it was handed to the connection, and whether it was carried out
    /// is never known. It is sent once.
    pub fn without_ack(self) -> Self {
        self.mode(AckMode::None)
    }

    /// Carries this ackId, for programs that number their operations themselves (PROTOCOL §6). Without it ids are 1, 2, 3
    /// and so on, leaving out those that were given.
    pub fn ack_id(self, id: u64) -> Self {
        self.mode(AckMode::Id(id))
    }

    fn mode(mut self, chosen: AckMode) -> Self {
        if let OperationState::Asked { mode, .. } = &mut self.0 {
            *mode = chosen;
        }
        self
    }
}

/// What the service would end the connection for is not sent.
fn fits(codec: Codec, request: Request) -> Result<Request, OperationError> {
    let payload = match &request {
        Request::Send { data, .. } | Request::Event { data, .. } => codec.data_len(data.as_data()),
        Request::Join { .. }
        | Request::Leave { .. }
        | Request::SetState { .. }
        | Request::SubscribeStates { .. }
        | Request::UnsubscribeStates { .. } => 0,
    };
    // Names are far from that long; only what comes near is looked at closely.
    if payload > MAX_FRAME_BYTES / 2 {
        let bytes = request.encode(codec, Some(u64::MAX)).len();
        if bytes > MAX_FRAME_BYTES {
            return Err(OperationError::TooLarge { bytes });
        }
    }
    Ok(request)
}

impl Future for Operation {
    type Output = Result<Ack, OperationError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match std::mem::replace(&mut self.0, OperationState::Done) {
                OperationState::Asked { request: Err(error), .. } => return Poll::Ready(Err(error)),
                OperationState::Asked { client, request: Ok(request), mode } => {
                    self.0 =
                        OperationState::Waiting(Box::pin(async move { result(client.submit(request, mode).await) }));
                }
                OperationState::Waiting(mut waiting) => {
                    let polled = waiting.as_mut().poll(cx);
                    if polled.is_pending() {
                        self.0 = OperationState::Waiting(waiting);
                    }
                    return polled;
                }
                // Its answer has been given.
                OperationState::Done => return Poll::Pending,
            }
        }
    }
}

/// Publishing to a group: an [`Operation`] with what only that can be told.
#[derive(Debug)]
#[must_use = "an operation does nothing unless it is awaited"]
pub struct Publish(pub(crate) Operation);

impl Operation {
    /// Sends this along with the data of an event (PROTOCOL §4.5); joining and leaving have none.
    pub fn metadata(mut self, given: Metadata) -> Self {
        if let OperationState::Asked {
            request: Ok(Request::Send { metadata, .. } | Request::Event { metadata, .. }),
            ..
        } = &mut self.0
        {
            *metadata = Some(given);
        }
        self
    }
}

impl Publish {
    /// Sends this along with the data (PROTOCOL §4.5).
    pub fn metadata(self, metadata: Metadata) -> Self {
        Self(self.0.metadata(metadata))
    }

    /// Deliver it to nobody later than so many seconds after it was sent (PROTOCOL §4.2): at most 300, more counts as
    /// that; 0 is no limit.
    pub fn time_to_live(mut self, seconds: u16) -> Self {
        if let OperationState::Asked { request: Ok(Request::Send { ttl_seconds, .. }), .. } = &mut self.0.0 {
            *ttl_seconds = Some(seconds.min(MAX_TTL_SECONDS));
        }
        self
    }

    /// Not to this connection, should it be in the group itself (PROTOCOL §4.2).
    pub fn no_echo(mut self) -> Self {
        if let OperationState::Asked { request: Ok(Request::Send { no_echo, .. }), .. } = &mut self.0.0 {
            *no_echo = true;
        }
        self
    }

    /// As [`Operation::without_ack`].
    pub fn without_ack(self) -> Self {
        Self(self.0.without_ack())
    }

    /// As [`Operation::ack_id`].
    pub fn ack_id(self, id: u64) -> Self {
        Self(self.0.ack_id(id))
    }
}

impl Future for Publish {
    type Output = Result<Ack, OperationError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}
