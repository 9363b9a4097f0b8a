//! Publishing a stream.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use crate::client::Client;
use crate::error::{explained, known, nack};
use crate::handle::{OutgoingStream, new_stream_id};
use webpubsub_proto::session::{Nack, OutcomeCause, StreamAbort, StreamBreach, StreamFate, StreamOpen, StreamReport};
use webpubsub_proto::{Codec, MAX_FRAME_BYTES, NameError, OwnedData, StreamRequest, Upstream};

/// Bytes that may wait to be accepted, unless it is set otherwise.
const BUFFER: usize = 1024 * 1024;

/// A stream that is to be opened, from [`Client::open_stream`]: await it for its [`StreamWriter`].
#[must_use = "a stream is not opened unless it is awaited"]
pub struct OpenStream {
    client: Client,
    group: Result<String, NameError>,
    stream_id: Option<String>,
    no_echo: bool,
    idle_timeout: Option<Duration>,
    buffer: usize,
}

impl fmt::Debug for OpenStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStream").field("group", &self.group).finish_non_exhaustive()
    }
}

impl OpenStream {
    pub(crate) fn new(client: Client, group: Result<String, NameError>) -> Self {
        Self { client, group, stream_id: None, no_echo: false, idle_timeout: None, buffer: BUFFER }
    }

    /// Gives it this id: not empty, and of no other open stream of this client. Without it a random one. A start under this
    /// id that is lost with its connection is not sent again, as the service may have taken it: it fails with
    /// [`StreamError::Lost`].
    pub fn stream_id(mut self, id: impl Into<String>) -> Self {
        self.stream_id = Some(id.into());
        self
    }

    /// Not to this connection, should it be in the group itself.
    pub fn no_echo(mut self) -> Self {
        self.no_echo = true;
        self
    }

    /// The service ends the stream when nothing comes for so long: five minutes unless set, at least 1 ms and at most 49
    /// days. The client keeps it alive by itself, so that this tells only when one that has gone is given up.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = Some(limit);
        self
    }

    /// So many bytes of payloads, and 128 more for each fragment, may wait to be accepted before
    /// [`StreamWriter::write`] waits: 1 MiB unless set. One fragment always may.
    pub fn buffer(mut self, bytes: usize) -> Self {
        self.buffer = bytes;
        self
    }

    /// Waits until the service has taken the stream on. One that is lost before that has sent nothing, and begins again,
    /// under another id (PROTOCOL §19.20).
    async fn open(self) -> Result<StreamWriter, StreamError> {
        let Self { client, group, stream_id, no_echo, idle_timeout, buffer } = self;
        let group = group?;
        if stream_id.as_ref().is_some_and(String::is_empty) {
            return Err(StreamError::EmptyId);
        }
        loop {
            let open = StreamOpen {
                group: group.clone(),
                stream_id: stream_id.clone().unwrap_or_else(new_stream_id),
                no_echo,
                idle_timeout,
            };
            let mut stream = client.begin_stream(open, buffer);
            match stream.opened().await {
                Ok(()) => return Ok(StreamWriter { stream, client }),
                Err(report) if report.is_lost_before_its_start() && stream_id.is_none() => {}
                Err(report) => return Err(StreamError::of(report)),
            }
        }
    }
}

impl IntoFuture for OpenStream {
    type Output = Result<StreamWriter, StreamError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

/// A stream that is being published to a group (PROTOCOL §9.1): fragments in their order, each once, and an end.
///
/// What the service has not accepted is kept, and sent again when it asks for it or the connection was recovered; a
/// connection that is lost for good ends the stream. It is kept alive while nothing is written, and keeps the client open.
///
/// **Dropping it** ends the stream with the error code `Aborted`, behind what was written.
#[derive(Debug)]
pub struct StreamWriter {
    // Before the client: its end has to be asked for while there is one.
    stream: OutgoingStream,
    client: Client,
}

impl StreamWriter {
    /// What the service and the readers know it by.
    pub fn stream_id(&self) -> &str {
        self.stream.stream_id()
    }

    /// Writes a fragment. Waits while too much that was written is not accepted ([`OpenStream::buffer`]); it is sent at
    /// once otherwise. That it has arrived is known when [`Self::end`] says so. Fails with why the stream is over.
    ///
    /// Cancel-safe: dropped before it is ready, it has written nothing.
    pub async fn write(&mut self, data: OwnedData) -> Result<(), StreamError> {
        if let Some(bytes) = too_large(self.client.codec(), self.stream.stream_id(), &data) {
            return Err(StreamError::TooLarge { bytes });
        }
        self.stream.write(data).await.map_err(StreamError::of)
    }

    /// [`Self::write`] with characters.
    pub async fn write_text(&mut self, text: &str) -> Result<(), StreamError> {
        self.write(OwnedData::text(text)).await
    }

    /// [`Self::write`] with a value as JSON.
    pub async fn write_json(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), StreamError> {
        let data = serde_json::to_string(value).and_then(|text| OwnedData::json(&text));
        self.write(data.map_err(StreamError::Json)?).await
    }

    /// [`Self::write`] with bytes.
    pub async fn write_binary(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.write(OwnedData::binary(bytes)).await
    }

    /// Ends the stream behind all that was written, and waits until the service has closed it (`streamClosed`): every
    /// fragment has arrived then.
    pub async fn end(self) -> Result<Streamed, StreamError> {
        self.finish(None).await
    }

    /// [`Self::end`] as a stream that has failed: the readers are given a code for programs and words for people, either of
    /// which may be empty. That the service has closed it is success here too.
    pub async fn end_with_error(self, code: &str, message: &str) -> Result<Streamed, StreamError> {
        let part = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        self.finish(Some(StreamAbort { code: part(code), message: part(message) })).await
    }

    async fn finish(mut self, abort: Option<StreamAbort>) -> Result<Streamed, StreamError> {
        self.stream.end(abort);
        let report = self.stream.over().await;
        match report.fate {
            StreamFate::Completed => Ok(Streamed { fragments: report.accepted, bytes: report.bytes }),
            StreamFate::Unconfirmed
            | StreamFate::Incomplete
            | StreamFate::Closed(_)
            | StreamFate::Broken(_)
            | StreamFate::IdInUse
            | StreamFate::Unanswered
            | StreamFate::Lost(_) => Err(StreamError::of(report)),
        }
    }

    /// Waits until the stream is over by itself: closed by the service, or lost. For programs that have nothing to write
    /// for a while, and want to know. Cancel-safe.
    pub async fn failed(&mut self) -> StreamError {
        StreamError::of(self.stream.over().await)
    }
}

/// The size of the frame where that is more than the service takes.
fn too_large(codec: Codec, stream_id: &str, data: &OwnedData) -> Option<usize> {
    // Ids are far from that long; only what comes near is looked at closely.
    if codec.data_len(data.as_data()) <= MAX_FRAME_BYTES / 2 {
        return None;
    }
    let request = StreamRequest::Data { stream_id: stream_id.into(), sequence_id: u64::MAX, data: data.as_data() };
    let bytes = codec.encode_upstream(&Upstream::Stream(request)).len();
    (bytes > MAX_FRAME_BYTES).then_some(bytes)
}

/// A stream that has arrived, with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Streamed {
    /// How many fragments.
    pub fragments: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
}

/// Why a stream was not published, or not all of it for sure.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// A name of a group that the service does not take (PROTOCOL §1.3). Nothing was sent.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The id that was given is empty. Nothing was sent.
    #[error("the streamId is empty")]
    EmptyId,
    /// The id that was given is that of another stream of this client that has not ended. Nothing was sent.
    #[error("the streamId is that of another stream that has not ended")]
    IdInUse,
    /// The value could not be made JSON. It was not written; the stream goes on.
    #[error("the value could not be made JSON")]
    Json(#[source] serde_json::Error),
    /// The frame would be larger than the service takes, 1 MiB (PROTOCOL §12). It was not written; the stream goes on.
    #[error("the frame would have {bytes} bytes, and the service takes {MAX_FRAME_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The service did not take it on: `Forbidden`, where the token has no role for it (PROTOCOL §11), or `BadRequest`.
    #[error("the service refused the stream, {}", explained(.error))]
    Refused {
        /// The service's error.
        error: Nack,
    },
    /// The service closed it before its end: `IdleTimeout`, `InternalServerError` and others.
    #[error("the service closed the stream, {} ({accepted} of {written} fragments arrived)", explained(.error))]
    Closed {
        /// The service's error; both parts are empty where it gave none.
        error: Nack,
        /// Fragments that are known to have arrived, from the first on.
        accepted: u64,
        /// Fragments that were written.
        written: u64,
    },
    /// The service ended it as asked, and has not accepted all of it.
    #[error("the service ended the stream with {accepted} of {written} fragments")]
    Incomplete {
        /// Fragments that are known to have arrived, from the first on.
        accepted: u64,
        /// Fragments that were written.
        written: u64,
    },
    /// All has arrived; the end was sent, the connection was recovered, and the service does not know the stream any more:
    /// it has probably ended as asked (PROTOCOL §19.25).
    #[error(
        "the end of the stream is not confirmed: the service does not know it any more ({accepted} fragments arrived)"
    )]
    Unconfirmed {
        /// Fragments that have arrived.
        accepted: u64,
    },
    /// The service has acknowledged what was not sent.
    #[error("the service expects fragment {expected}, and {sent} were sent")]
    Broken {
        /// What it says that it expects next.
        expected: u64,
        /// The largest number that was sent.
        sent: u64,
    },
    /// The service did not answer in time ([`Builder::ack_timeout`](crate::Builder::ack_timeout)).
    #[error("the service did not answer in time ({accepted} of {written} fragments are known to have arrived)")]
    Unanswered {
        /// Fragments that are known to have arrived, from the first on.
        accepted: u64,
        /// Fragments that were written.
        written: u64,
    },
    /// The connection has ended for good, and the stream with it (PROTOCOL §19.24).
    #[error("the stream was broken off: {cause} ({accepted} of {written} fragments are known to have arrived)")]
    Lost {
        /// Why there is no connection.
        cause: OutcomeCause,
        /// Fragments that are known to have arrived, from the first on.
        accepted: u64,
        /// Fragments that were written.
        written: u64,
    },
    /// Nothing of it was ever sent.
    #[error("the stream was not begun: {cause}")]
    NotBegun {
        /// Why not.
        cause: OutcomeCause,
    },
}

impl StreamError {
    /// Of a stream that has not ended as asked.
    fn of(report: StreamReport) -> Self {
        let StreamReport { accepted, written, opened, started, fate, .. } = report;
        match fate {
            // The end was asked for by somebody else than whoever hears of this: there is nobody.
            StreamFate::Completed | StreamFate::Unconfirmed => Self::Unconfirmed { accepted },
            StreamFate::Incomplete => Self::Incomplete { accepted, written },
            StreamFate::Closed(error) if !opened => Self::Refused { error: nack(error) },
            StreamFate::Closed(error) => Self::Closed { error: nack(error), accepted, written },
            StreamFate::Broken(StreamBreach { expected, sent, .. }) => Self::Broken { expected, sent },
            StreamFate::IdInUse => Self::IdInUse,
            StreamFate::Unanswered => Self::Unanswered { accepted, written },
            StreamFate::Lost(cause) if !started => Self::NotBegun { cause: known(cause) },
            StreamFate::Lost(cause) => Self::Lost { cause: known(cause), accepted, written },
        }
    }
}
