//! The client as a program sees it: operations on a connection that somebody else keeps.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::builder::Builder;
use crate::driver::{Driver, NetDialer, UrlSource};
use crate::error::{ConnectionError, InvokeError, OperationError};
use crate::event::{EventSink, Flow};
use crate::group_stream::{Inbox, OpenStream, Streams};
use crate::handle::{Handle, Invoking, OutgoingStream};
use crate::invocation::Invoke;
use crate::operation::{Operation, Publish};
use crate::stream::{Event, EventWriter, Events, Message, channel};
use webpubsub_proto::session::{
    AckMode, Config, Invocation, Lifecycle, Outcome, Received, Request, Status, StreamNews, StreamOpen,
};
use webpubsub_proto::{Codec, GroupState, OwnedData, WireFrame, check_event_name, check_group_name};

/// A client: what can be asked of the service, over however many connections that takes.
///
/// Clones are the same client. It is closed by [`Self::close`], or when the last clone is dropped and no [`Operation`]
/// of it is left: then as by `close`, without anybody who waits for that, as long as the runtime lives. When the runtime
/// is gone first, so is the socket, without a word.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<ClientCore>,
}

#[derive(Debug)]
struct ClientCore {
    handle: Handle,
    codec: Codec,
    inbox: Arc<Inbox>,
    standing: watch::Receiver<ClientProgress>,
}

impl Drop for ClientCore {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

/// How far a client has come.
#[derive(Clone, Debug)]
enum ClientProgress {
    Connecting,
    /// There has been a connection.
    Connected,
    Ended(Option<ConnectionError>),
}

impl Client {
    /// The settings of a client that connects to what `source` says: an [`AccessUrl`](crate::AccessUrl), the same for all
    /// connections; a [`Signer`](crate::Signer), which makes one with a token of its own for each fresh connection; or a
    /// [`UrlProvider`](crate::UrlProvider), which is asked for each.
    ///
    /// ```no_run
    /// use webpubsub_client::{AccessUrl, Client};
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let url = AccessUrl::parse("wss://name.webpubsub.azure.com/client/hubs/chat?access_token=…")?;
    /// let (client, events) = Client::builder(url).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// With an access key:
    ///
    /// ```
    /// use webpubsub_client::{Client, ConnectionString, Signer};
    ///
    /// # use webpubsub_emulator::Emulator;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = Emulator::start_default().await?;
    /// # let text = emulator.ready().connection_string.expose();
    /// let mut signer = Signer::new(ConnectionString::parse(text)?, "chat")?;
    /// signer.user = Some("alice".to_owned());
    /// signer.roles = vec!["webpubsub.joinLeaveGroup.news".to_owned()];
    /// let (client, events) = Client::builder(signer).connect().await?;
    /// client.join("news").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(source: impl Into<UrlSource>) -> Builder {
        Builder::new(source.into())
    }

    /// Runs the driver in a task of its own.
    pub(crate) fn start(config: Config, dialer: NetDialer, event_buffer: usize) -> (Self, Events) {
        let codec = config.codec;
        let (writer, events) = channel(event_buffer);
        let (progress, standing) = watch::channel(ClientProgress::Connecting);
        let inbox = Inbox::new(event_buffer);
        let sink = ClientSink { writer, inbox: Readers(Arc::clone(&inbox)), progress };
        let (driver, handle) = Driver::new(config, dialer, sink);
        tokio::spawn(async move {
            let (finished, dialer, ClientSink { writer, inbox: _inbox, progress }) = driver.run().await;
            let error = ConnectionError::of(finished, dialer.last_error().as_ref());
            writer.put(Event::Ended { error: error.clone() });
            progress.send_replace(ClientProgress::Ended(error));
        });
        (Self { shared: Arc::new(ClientCore { handle, codec, inbox, standing }) }, events)
    }

    /// Waits until there has been a connection. Fails when the client ends before.
    pub async fn connected(&self) -> Result<(), ConnectionError> {
        let mut standing = self.shared.standing.clone();
        let reached = standing.wait_for(|progress| !matches!(progress, ClientProgress::Connecting)).await;
        match reached.as_deref() {
            Ok(ClientProgress::Connecting | ClientProgress::Connected) => Ok(()),
            Ok(ClientProgress::Ended(error)) => Err(error.clone().unwrap_or(ConnectionError::Closed)),
            Err(_) => Err(ConnectionError::Gone),
        }
    }

    /// Joins a group, and again on each new connection until it is left (PROTOCOL §4.1, §19.4). The token needs the role
    /// `webpubsub.joinLeaveGroup`, for all groups or for this one (§11). Names have 1 to 1024 characters (§1.3).
    pub fn join(&self, group: impl Into<String>) -> Operation {
        let group = group.into();
        self.operation(check_group_name(&group).map(|()| Request::Join { group }).map_err(Into::into))
    }

    /// Leaves a group; it is not joined again (PROTOCOL §4.1). Needs the same role as [`Self::join`].
    pub fn leave(&self, group: impl Into<String>) -> Operation {
        let group = group.into();
        self.operation(check_group_name(&group).map(|()| Request::Leave { group }).map_err(Into::into))
    }

    /// Publishes to a group (PROTOCOL §4.2); this connection need not be in it. The token needs the role
    /// `webpubsub.sendToGroup`, for all groups or for this one (§11). A frame has at most 1 MiB (§12).
    pub fn send(&self, group: impl Into<String>, data: OwnedData) -> Publish {
        self.publish(group.into(), Ok(data))
    }

    /// [`Self::send`] with characters.
    pub fn send_text(&self, group: impl Into<String>, text: &str) -> Publish {
        self.send(group, OwnedData::text(text))
    }

    /// [`Self::send`] with a value as JSON. A text that is JSON already is sent as it is by
    /// [`OwnedData::json`](crate::OwnedData::json).
    pub fn send_json(&self, group: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Publish {
        self.publish(group.into(), json(value))
    }

    /// [`Self::send`] with bytes. In the JSON subprotocols they are sent as base64, a third longer (PROTOCOL §4.4).
    pub fn send_binary(&self, group: impl Into<String>, bytes: &[u8]) -> Publish {
        self.send(group, OwnedData::binary(bytes))
    }

    /// Sends an event to the application server (PROTOCOL §4.3); the ack comes after its handler has answered. The
    /// answer, should it have one, is a [message](Event::Message) from the server. Names start with a letter and have at
    /// most 128 letters, digits, `_`, `.` or `-` (§1.3).
    pub fn event(&self, name: impl Into<String>, data: OwnedData) -> Operation {
        let event = name.into();
        self.operation(check_event_name(&event).map(|()| Request::event(event, data)).map_err(Into::into))
    }

    /// Calls the application server (PROTOCOL §9.2): the event's handler is asked, and what it answers comes back. `None`
    /// sends no data. Names are those of [`Self::event`], and no role is needed.
    pub fn invoke(&self, name: impl Into<String>, data: Option<OwnedData>) -> Invoke {
        let event = name.into();
        let invocation = check_event_name(&event).map(|()| Invocation::new(event, data));
        Invoke::new(self.clone(), invocation.map_err(Into::into))
    }

    /// [`Self::invoke`] with a value as JSON.
    pub fn invoke_json(&self, name: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Invoke {
        match serde_json::to_string(value).and_then(|text| OwnedData::json(&text)) {
            Ok(data) => self.invoke(name, Some(data)),
            Err(error) => Invoke::new(self.clone(), Err(InvokeError::Json(error))),
        }
    }

    /// [`Self::event`] with a value as JSON.
    pub fn event_json(&self, name: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Operation {
        match json(value) {
            Ok(data) => self.event(name, data),
            Err(error) => self.operation(Err(error)),
        }
    }

    /// Says something of this client to the members of a group, in place of what it said before, and again on each new
    /// connection until it is cleared or the group is left (PROTOCOL §9.3, §19.30). The client has to be in the group, and
    /// the token needs the role `webpubsub.setGroupState`. Names and values have at most 512 bytes together.
    pub fn set_state(&self, group: impl Into<String>, state: GroupState) -> Operation {
        let request = state.check().map_err(OperationError::from).map(|()| Some(state));
        self.about_states(group.into(), request, |group, state| Request::SetState { group, state })
    }

    /// Says nothing of this client any more. Needs the same as [`Self::set_state`].
    pub fn clear_state(&self, group: impl Into<String>) -> Operation {
        self.about_states(group.into(), Ok(None), |group, state| Request::SetState { group, state })
    }

    /// Tells what the members of a group say of themselves, as [`Event::States`], and what changes of that from now on,
    /// also on each new connection (PROTOCOL §9.3, §19.29). The client has to be in the group, and the token needs the role
    /// `webpubsub.getGroupState`. Asked again, it tells all again.
    pub fn watch_states(&self, group: impl Into<String>) -> Operation {
        self.about_states(group.into(), Ok(None), |group, _| Request::SubscribeStates { group })
    }

    /// Tells that no more.
    pub fn unwatch_states(&self, group: impl Into<String>) -> Operation {
        self.about_states(group.into(), Ok(None), |group, _| Request::UnsubscribeStates { group })
    }

    /// Publishes a group stream (PROTOCOL §9.1), for data that grows, such as a language model's output: fragments in their
    /// order that are one thing to their readers, with an end. Await it for its [`StreamWriter`](crate::StreamWriter). Needs
    /// the same role as [`Self::send`]; this connection need not be in the group.
    ///
    /// ```
    /// # use webpubsub_client::{AccessUrl, Client};
    /// # use webpubsub_emulator::Emulator;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = Emulator::start_default().await?;
    /// # let url = AccessUrl::parse(emulator.client_url().expose())?;
    /// # let (client, events) = Client::builder(url).connect().await?;
    /// let mut stream = client.open_stream("chat").await?;
    /// for word in ["Once ", "upon ", "a ", "time"] {
    ///     stream.write_text(word).await?;
    /// }
    /// let streamed = stream.end().await?;
    /// assert_eq!(streamed.fragments, 4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn open_stream(&self, group: impl Into<String>) -> OpenStream {
        let group = group.into();
        OpenStream::new(self.clone(), check_group_name(&group).map(|()| group))
    }

    /// Has the group's streams told by a [`StreamReader`](crate::StreamReader) each, from now on, in place of
    /// [messages](Event::Message) among the events. The client has to be in the group; streams that begin before this is
    /// called are messages. Asked for again, the streams that begin from then on go where they were asked for last.
    ///
    /// ```
    /// # use webpubsub_client::{AccessUrl, Client};
    /// # use webpubsub_emulator::Emulator;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = Emulator::start_default().await?;
    /// # let url = AccessUrl::parse(emulator.client_url().expose())?;
    /// # let (client, events) = Client::builder(url).connect().await?;
    /// let mut streams = client.streams("chat");
    /// client.join("chat").await?;
    /// # let mut stream = client.open_stream("chat").await?;
    /// # for word in ["Once ", "upon ", "a ", "time"] {
    /// #     stream.write_text(word).await?;
    /// # }
    /// # stream.end().await?;
    /// if let Some(mut stream) = streams.next().await {
    ///     let mut story = String::new();
    ///     while let Some(fragment) = stream.next().await {
    ///         story += fragment?.text().as_deref().unwrap_or_default();
    ///     }
    ///     assert_eq!(story, "Once upon a time");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn streams(&self, group: impl Into<String>) -> Streams {
        self.shared.inbox.listen(group.into())
    }

    fn about_states(
        &self,
        group: String,
        state: Result<Option<GroupState>, OperationError>,
        request: impl FnOnce(String, Option<GroupState>) -> Request,
    ) -> Operation {
        let named = check_group_name(&group).map_err(OperationError::from);
        self.operation(named.and(state).map(|state| request(group, state)))
    }

    /// Pings the service (PROTOCOL §4.6), once there is a connection, and gives the round trip; `None`: the client has
    /// ended.
    pub async fn ping(&self) -> Option<Duration> {
        self.shared.handle.ping().await
    }

    /// Where things stand at this moment; `None`: the client has ended.
    pub async fn status(&self) -> Option<Status> {
        self.shared.handle.status().await
    }

    /// Closes the connection (1000, PROTOCOL §8.2) and returns when it is closed, within two seconds: a service that does
    /// not answer is not waited for any longer. What has not been acknowledged by then settles as
    /// [unknown](OperationError::Unknown) or [not sent](OperationError::NotSent), so operations that matter are awaited
    /// before. The stream of events ends with [`Event::Ended`].
    ///
    /// Fails with why the client had ended before, if it had by itself. Dropping the future does not call it off.
    pub async fn close(&self) -> Result<(), ConnectionError> {
        self.shared.handle.stop();
        let mut standing = self.shared.standing.clone();
        let ended = standing.wait_for(|progress| matches!(progress, ClientProgress::Ended(_))).await;
        match ended.as_deref() {
            Ok(ClientProgress::Ended(Some(error))) => Err(error.clone()),
            Ok(ClientProgress::Ended(None) | ClientProgress::Connecting | ClientProgress::Connected) => Ok(()),
            Err(_) => Err(ConnectionError::Gone),
        }
    }

    pub(crate) fn begin_invocation(&self, invocation: Invocation) -> Invoking {
        self.shared.handle.invoke(invocation, None)
    }

    pub(crate) fn begin_stream(&self, open: StreamOpen, buffer: usize) -> OutgoingStream {
        self.shared.handle.stream(open, buffer)
    }

    pub(crate) fn codec(&self) -> Codec {
        self.shared.codec
    }

    pub(crate) async fn submit(&self, request: Request, mode: AckMode) -> Outcome {
        self.shared.handle.submit(request, mode).await
    }

    fn publish(&self, group: String, data: Result<OwnedData, OperationError>) -> Publish {
        let named = check_group_name(&group).map_err(OperationError::from);
        let request = named.and(data).map(|data| Request::send(group, data));
        Publish(self.operation(request))
    }

    fn operation(&self, request: Result<Request, OperationError>) -> Operation {
        Operation::new(self.clone(), request)
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> Result<OwnedData, OperationError> {
    serde_json::to_string(value).and_then(|text| OwnedData::json(&text)).map_err(OperationError::Json)
}

/// What the driver tells goes to the readers of events and of streams, and to whoever waits for the connection.
struct ClientSink {
    writer: EventWriter,
    inbox: Readers,
    progress: watch::Sender<ClientProgress>,
}

/// The readers of streams. Nothing follows when it is dropped.
struct Readers(Arc<Inbox>);

impl Drop for Readers {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl ClientSink {
    /// Whether a reader was told, so that nobody else need be.
    fn is_told(&self, event: &Lifecycle) -> bool {
        match event {
            Lifecycle::Stream(StreamNews::Trouble { group, stream_id, user_id, trouble }) => {
                self.inbox.0.trouble(group, stream_id, user_id.as_deref(), *trouble)
            }
            Lifecycle::Connected { .. } => {
                self.inbox.0.cut();
                false
            }
            Lifecycle::Stream(StreamNews::Started { .. } | StreamNews::Ended(_))
            | Lifecycle::Recovering { .. }
            | Lifecycle::Recovered { .. }
            | Lifecycle::AttemptFailed { .. }
            | Lifecycle::Reconnecting { .. }
            | Lifecycle::SessionLost { .. }
            | Lifecycle::Disconnected { .. }
            | Lifecycle::Joined { .. }
            | Lifecycle::Left { .. }
            | Lifecycle::RejoinFailed { .. }
            | Lifecycle::RestateFailed { .. }
            | Lifecycle::OperationRetried(_)
            | Lifecycle::SequenceGap { .. }
            | Lifecycle::Ack(_)
            | Lifecycle::OperationUnknown { .. } => false,
        }
    }

    fn message(&self, message: &webpubsub_proto::Message<'_>) {
        if message.stream.is_some() {
            if let Some(message) = self.inbox.0.put(Message::of(message)) {
                self.writer.put(Event::Message(message));
            }
        } else if self.writer.is_read() {
            self.writer.put(Event::Message(Message::of(message)));
        }
    }
}

impl EventSink for ClientSink {
    fn lifecycle(&mut self, event: &Lifecycle) -> Flow {
        if self.is_told(event) {
            return Flow::Continue;
        }
        if let Some(event) = Event::of(event) {
            let connected = matches!(event, Event::Connected { .. });
            self.writer.put(event);
            if connected {
                self.progress.send_if_modified(|progress| {
                    let first = matches!(progress, ClientProgress::Connecting);
                    if first {
                        *progress = ClientProgress::Connected;
                    }
                    first
                });
            }
        }
        Flow::Continue
    }

    fn frame(&mut self, frame: WireFrame<'_>, received: &Received<'_>) -> Flow {
        match received {
            Received::Message(message) => self.message(message),
            Received::States(states) if self.writer.is_read() => self.writer.put(Event::States(states.clone())),
            Received::Unknown { reason } if self.writer.is_read() => {
                self.writer.put(Event::not_understood(frame, reason));
            }
            Received::States(_) | Received::Unknown { .. } | Received::Duplicate | Received::Control => {}
        }
        Flow::Continue
    }

    fn flush(&mut self) {}

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (events, streams) = (self.writer.poll_room(cx), self.inbox.0.poll_room(cx));
        if events.is_ready() { streams } else { events }
    }
}
