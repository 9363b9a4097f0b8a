//! Invocations as futures.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::InvokeError;
use crate::handle::Invoking;
use webpubsub_proto::session::{Invocation, InvokeOutcome};
use webpubsub_proto::{Data, MAX_FRAME_BYTES, Metadata, OwnedData};

/// What the application server has answered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The payload; `None`: it has none.
    pub data: Option<OwnedData>,
    /// The JSON text of its `metadata` object, where it has one (PROTOCOL §4.5).
    pub metadata: Option<String>,
    /// From the sending to the answer.
    pub elapsed: Duration,
}

impl Answer {
    /// The characters of a text, or the JSON text of a JSON value. `None`: it is of another kind, or there is none.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self.data.as_ref()?.as_data() {
            Data::Json(text) => Some(Cow::Borrowed(text)),
            Data::Text(text) => Some(text.decode()),
            Data::Binary(_) | Data::Protobuf(_) => None,
        }
    }

    /// Its JSON as a value of that type; a text is a string of JSON, bytes are one of base64, and no data is `null`.
    /// Fails as serde_json does.
    pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        match &self.data {
            Some(data) => serde_json::from_str(&data.as_data().to_json()),
            None => serde_json::from_str("null"),
        }
    }
}

/// A call of the application server: a future of its answer (PROTOCOL §9.2).
///
/// Nothing is sent before it is first polled. Without a connection it waits for one. The service neither recognises a call
/// that it has had before nor repeats an answer: so it is sent once, and when the connection is lost before the answer,
/// whether or not it is recovered, it fails with [`InvokeError::Unknown`] at once.
///
/// **Dropping it calls it off**: the service is told that nobody waits any more, which may be too late.
#[must_use = "an invocation does nothing unless it is awaited"]
pub struct Invoke(InvokeState);

enum InvokeState {
    Asked {
        client: Client,
        invocation: Result<Invocation, InvokeError>,
    },
    /// The client stays open meanwhile.
    Waiting {
        _client: Client,
        invoking: Invoking,
    },
    Done,
}

impl fmt::Debug for Invoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is sent is the user's affair.
        f.write_str(match self.0 {
            InvokeState::Asked { .. } => "Invoke(not begun)",
            InvokeState::Waiting { .. } => "Invoke(waiting)",
            InvokeState::Done => "Invoke(done)",
        })
    }
}

impl Invoke {
    pub(crate) fn new(client: Client, invocation: Result<Invocation, InvokeError>) -> Self {
        Self(InvokeState::Asked { client, invocation })
    }

    fn change(mut self, change: impl FnOnce(&mut Invocation)) -> Self {
        if let InvokeState::Asked { invocation: Ok(invocation), .. } = &mut self.0 {
            change(invocation);
        }
        self
    }

    /// Sends this along with the data.
    pub fn metadata(self, metadata: Metadata) -> Self {
        self.change(|invocation| invocation.metadata = Some(metadata))
    }

    /// Carries this id, for programs that name their calls themselves; not empty. Without it ids are 1, 2, 3 and so on,
    /// leaving out those that were given.
    pub fn invocation_id(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        if let InvokeState::Asked { invocation, .. } = &mut self.0
            && id.is_empty()
        {
            *invocation = Err(InvokeError::EmptyId);
        }
        self.change(|invocation| invocation.invocation_id = Some(id))
    }

    /// Fails with [`InvokeError::TimedOut`] when that much time has passed since the first poll, the wait for a connection
    /// included. Without it there is no limit.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|invocation| invocation.timeout = Some(timeout))
    }
}

/// As long as an id that the session chooses can be.
const LONGEST_ID: &str = "18446744073709551615";

impl Future for Invoke {
    type Output = Result<Answer, InvokeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut self.0 {
                InvokeState::Asked { .. } => {
                    let InvokeState::Asked { client, invocation } = std::mem::replace(&mut self.0, InvokeState::Done)
                    else {
                        return Poll::Pending;
                    };
                    let invocation = match invocation {
                        Ok(invocation) => invocation,
                        Err(error) => return Poll::Ready(Err(error)),
                    };
                    let codec = client.codec();
                    if invocation.data.as_ref().map_or(0, |data| codec.data_len(data.as_data())) > MAX_FRAME_BYTES / 2 {
                        let id = invocation.invocation_id.as_deref().unwrap_or(LONGEST_ID);
                        let bytes = invocation.encode(codec, id).len();
                        if bytes > MAX_FRAME_BYTES {
                            return Poll::Ready(Err(InvokeError::TooLarge { bytes }));
                        }
                    }
                    let invoking = client.begin_invocation(invocation);
                    self.0 = InvokeState::Waiting { _client: client, invoking };
                }
                InvokeState::Waiting { invoking, .. } => {
                    let Poll::Ready(invoked) = Pin::new(invoking).poll(cx) else { return Poll::Pending };
                    self.0 = InvokeState::Done;
                    let elapsed = invoked.elapsed;
                    return Poll::Ready(match invoked.outcome {
                        InvokeOutcome::Answered { data, metadata } => Ok(Answer { data, metadata, elapsed }),
                        outcome => Err(InvokeError::of(outcome)),
                    });
                }
                // Its answer has been given.
                InvokeState::Done => return Poll::Pending,
            }
        }
    }
}
