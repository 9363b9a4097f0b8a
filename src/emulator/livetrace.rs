//! What the live trace of an emulator tells (PROTOCOL §21.6): its events with their ids and templates, and the queue between
//! where they happen and those who listen.
//!
//! Nobody listening costs a look at one number. A listener that does not keep up misses events and is told how many; the
//! emulator never waits for it. Payloads, tokens and headers are in no event.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::traffic::records::{Asked, Place};
use webpubsub_net::clock;
use webpubsub_net::secret::redact;
use webpubsub_proto::signalr;
use webpubsub_proto::trace::{LOG_EVENT, LOG_PROPERTY, Level};
use webpubsub_proto::{Codec, Unpacked, Upstream, WireFrame};

/// How many events wait for a listener.
const CAPACITY: usize = 8192;

#[derive(Clone, Copy, Debug)]
struct EventKind {
    id: i64,
    name: &'static str,
    template: &'static str,
    level: Level,
}

/// Defines the kinds, each by its constant, and the list of all.
macro_rules! kinds {
    ($($constant:ident = $id:literal, $name:literal, $level:ident, $template:literal;)+) => {
        $(const $constant: EventKind = EventKind { id: $id, name: $name, template: $template, level: Level::$level };)+
        const KINDS: &[EventKind] = &[$($constant),+];
    };
}

kinds! {
    STARTED = 1, "ConnectionStarted", Information, "Connection started, it speaks {protocol}.";
    ENDED = 2, "ConnectionEnded", Information, "Connection ended: {reason}.";
    ABORTED = 3, "ConnectionAborted", Warning, "Connection aborted: {reason}.";
    JOINED = 4, "AddedConnectionToGroup", Information, "Added the connection to the group {group}.";
    LEFT = 5, "RemovedConnectionFromGroup", Information, "Removed the connection from the group {group}.";
    MESSAGE = 6, "ReceivedMessageFromClient", Information, "Received a message from the client: {type}, {bytes} bytes.";
    REQUEST_STARTED = 7, "RequestStarted", Information, "Request started: {httpMethod} {path}.";
    REQUEST_PROCESSED = 8, "RequestProcessed", Information, "Request processed: {httpMethod} {path}, status {statusCode}.";
    REQUEST_REFUSED = 9, "RequestRefused", Warning, "Request refused: {httpMethod} {path}, status {statusCode}: {reason}";
    HANDSHAKE_REFUSED = 10, "HandshakeRefused", Warning, "A handshake was refused with status {statusCode}: {reason}";
    UPSTREAM_ANSWERED = 11, "ReceivedResponseFromUpstream", Information, "Received the response of event {event} from upstream {url}: status {statusCode}.";
    UPSTREAM_FAILED = 12, "FailedToSendToUpstream", Error, "Failed to send event {event} to upstream {url}: {reason}";
    FAULT = 13, "FaultInjected", Warning, "A fault that was asked for: {fault}";
    DROPPED = 14, "TracesDropped", Warning, "{count} traces were dropped: the client reads them too slowly.";
}

/// What goes to every listener.
#[derive(Clone, Debug)]
pub(crate) enum TraceMessage {
    /// A message with an event in it.
    Event(Arc<str>),
    /// The service stops.
    Over,
}

/// The live trace of a server.
#[derive(Debug)]
pub(crate) struct LiveTrace {
    sender: broadcast::Sender<TraceMessage>,
    listeners: AtomicUsize,
}

impl Default for LiveTrace {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(CAPACITY), listeners: AtomicUsize::new(0) }
    }
}

/// Somebody who is told of all that happens, until this is dropped.
#[derive(Debug)]
pub(crate) struct TraceListener {
    trace: Arc<LiveTrace>,
    receiver: broadcast::Receiver<TraceMessage>,
}

impl TraceListener {
    /// The next that happens. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> TraceMessage {
        match self.receiver.recv().await {
            Ok(told) => told,
            Err(RecvError::Lagged(count)) => dropped(count),
            Err(RecvError::Closed) => TraceMessage::Over,
        }
    }

    /// The next that has happened already.
    pub(crate) fn at_once(&mut self) -> Option<TraceMessage> {
        match self.receiver.try_recv() {
            Ok(told) => Some(told),
            Err(TryRecvError::Lagged(count)) => Some(dropped(count)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Closed) => Some(TraceMessage::Over),
        }
    }
}

/// So many were not told.
fn dropped(count: u64) -> TraceMessage {
    // Its template comes with it: an answer to a question would wait behind all that is in the queue.
    let template = template_of(&DROPPED);
    TraceMessage::Event((template + &message(&DROPPED, &[], &[&count.to_string()])).into())
}

impl Drop for TraceListener {
    fn drop(&mut self) {
        self.trace.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The message with the template of a kind of event; `None`: there is no such kind.
pub(crate) fn template(id: i64) -> Option<String> {
    KINDS.iter().find(|kind| kind.id == id).map(template_of)
}

fn template_of(kind: &EventKind) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields {
        event_id: i64,
        event_name: &'static str,
        template: &'static str,
        log_level: u64,
    }
    let EventKind { id, name, template, level } = *kind;
    let fields = Fields { event_id: id, event_name: name, template, log_level: level.number() };
    signalr::invocation(LOG_PROPERTY, None, &[fields])
}

/// A message with an event in it.
fn message(kind: &EventKind, context: &[(&str, &str)], values: &[&str]) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Fields<'a> {
        time: String,
        event_id: i64,
        #[serde(serialize_with = "as_map")]
        log_context: &'a [(&'a str, &'a str)],
        values: &'a [&'a str],
        exception_message: (),
    }
    fn as_map<S: serde::Serializer>(pairs: &&[(&str, &str)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(pairs.iter().copied())
    }
    let time = clock::millis(SystemTime::now());
    let fields = Fields { time, event_id: kind.id, log_context: context, values, exception_message: () };
    signalr::invocation(LOG_EVENT, None, &[fields])
}

impl LiveTrace {
    /// Whether anybody is told just now.
    pub(crate) fn is_listened(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
    }

    /// One more is told from now on.
    pub(crate) fn listen(self: &Arc<Self>) -> TraceListener {
        self.listeners.fetch_add(1, Ordering::Relaxed);
        TraceListener { trace: Arc::clone(self), receiver: self.sender.subscribe() }
    }

    /// The service stops.
    pub(crate) fn end(&self) {
        // Nobody any more is nobody to tell.
        let _ = self.sender.send(TraceMessage::Over);
    }

    fn emit(&self, kind: &EventKind, context: &[(&str, &str)], values: &[&str]) {
        if self.is_listened() {
            let _ = self.sender.send(TraceMessage::Event(message(kind, context, values).into()));
        }
    }

    /// A connection is there.
    pub(crate) fn started(&self, place: Place<'_>, user: Option<&str>, protocol: &str) {
        if !self.is_listened() {
            return;
        }
        let mut context = context_of(place);
        context.extend(user.map(|user| ("userId", user)));
        self.emit(&STARTED, &context, &[protocol]);
    }

    /// A connection is there no more.
    pub(crate) fn ended(&self, hub: &str, connection_id: &str, reason: &str) {
        self.emit(&ENDED, &[("hub", hub), ("connectionId", connection_id)], &[reason.trim_end_matches('.')]);
    }

    /// A socket was cut off, its connection perhaps with it.
    pub(crate) fn aborted(&self, place: Place<'_>, reason: &str) {
        if self.is_listened() {
            self.emit(&ABORTED, &context_of(place), &[reason.trim_end_matches('.')]);
        }
    }

    /// A connection has joined a group.
    pub(crate) fn joined(&self, hub: &str, connection_id: &str, group: &str) {
        self.emit(&JOINED, &[("hub", hub), ("connectionId", connection_id)], &[group]);
    }

    /// A connection is in a group no longer.
    pub(crate) fn left(&self, hub: &str, connection_id: &str, group: &str) {
        self.emit(&LEFT, &[("hub", hub), ("connectionId", connection_id)], &[group]);
    }

    /// A frame has come. `codec`: `None` of a client without a subprotocol, whose frames are all messages.
    pub(crate) fn received(&self, place: Place<'_>, frame: WireFrame<'_>, codec: Option<Codec>) {
        if !self.is_listened() {
            return;
        }
        let (kind, bytes) = match (frame, codec) {
            (WireFrame::Text(text), None) => (Some("message"), text.len()),
            (WireFrame::Binary(bytes), None) => (Some("message"), bytes.len()),
            (WireFrame::Text(text), Some(codec)) => (message_type(frame, codec), text.len()),
            (WireFrame::Binary(bytes), Some(codec)) => (message_type(frame, codec), bytes.len()),
        };
        if let Some(kind) = kind {
            self.emit(&MESSAGE, &context_of(place), &[kind, &bytes.to_string()]);
        }
    }

    /// A request of the application has come. The path has no secrets in it; a query might.
    pub(crate) fn request_started(&self, method: &str, path: &str) {
        self.emit(&REQUEST_STARTED, &[("httpMethod", method), ("url", path)], &[method, path]);
    }

    /// A request of the application was answered.
    pub(crate) fn request_processed(&self, method: &str, path: &str, status: u16, note: Option<&str>) {
        if !self.is_listened() {
            return;
        }
        let code = status.to_string();
        let context = [("httpMethod", method), ("url", path), ("statusCode", code.as_str())];
        match note.filter(|_| status >= 400) {
            Some(note) => self.emit(&REQUEST_REFUSED, &context, &[method, path, &code, &redact(note)]),
            None => self.emit(&REQUEST_PROCESSED, &context, &[method, path, &code]),
        }
    }

    /// A handshake was refused.
    pub(crate) fn refused(&self, status: u16, message: &str) {
        if self.is_listened() {
            let code = status.to_string();
            self.emit(&HANDSHAKE_REFUSED, &[("statusCode", &code)], &[&code, &redact(message)]);
        }
    }

    /// An event handler was asked.
    pub(crate) fn asked(&self, asked: &Asked<'_>) {
        if !self.is_listened() {
            return;
        }
        let (code, duration) = (asked.status.map(|status| status.to_string()), asked.elapsed_ms.to_string());
        let mut context = vec![("hub", asked.hub), ("connectionId", asked.connection_id), ("duration", &duration)];
        context.extend(code.iter().map(|code| ("statusCode", code.as_str())));
        let handler = redact(asked.handler);
        match (&code, asked.note) {
            (Some(code), None) => self.emit(&UPSTREAM_ANSWERED, &context, &[asked.event, &handler, code]),
            (code, note) => {
                let reason = note.map(str::to_owned).or(code.as_ref().map(|code| format!("it answered {code}")));
                let reason = reason.unwrap_or_default();
                self.emit(&UPSTREAM_FAILED, &context, &[asked.event, &handler, &redact(&reason)]);
            }
        }
    }

    /// A fault has happened.
    pub(crate) fn fault(&self, note: &str) {
        self.emit(&FAULT, &[], &[note]);
    }
}

fn context_of(place: Place<'_>) -> Vec<(&str, &str)> {
    let mut context = vec![("hub", place.hub)];
    context.extend(place.connection_id.map(|id| ("connectionId", id)));
    context
}

/// What kind of message a frame is; `None`: it is none, or cannot be read.
fn message_type(frame: WireFrame<'_>, codec: Codec) -> Option<&'static str> {
    let mut unpacked = Unpacked::default();
    match codec.decode_upstream(frame, &mut unpacked).ok()? {
        Upstream::SendToGroup { .. } => Some("sendToGroup"),
        Upstream::Event { .. } => Some("event"),
        Upstream::Invoke { .. } => Some("invoke"),
        Upstream::Stream(_) => Some("stream"),
        Upstream::SetGroupState { .. } => Some("setGroupState"),
        Upstream::JoinGroup { .. }
        | Upstream::LeaveGroup { .. }
        | Upstream::CancelInvocation { .. }
        | Upstream::SequenceAck(_)
        | Upstream::Ping
        | Upstream::SubscribeGroupState { .. }
        | Upstream::UnsubscribeGroupState { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use webpubsub_proto::trace::{LogEvent, Template};

    const PLACE: Place<'_> = Place { socket: 1, hub: "hub1", connection_id: Some("c1") };

    fn read(message: &str) -> (LogEvent, Template) {
        let argument = |message: &str| {
            // The template may come before it.
            let record = signalr::records(message).last().unwrap().unwrap();
            let signalr::SignalrRecord::Invocation(invocation) = signalr::parse(record).unwrap() else {
                panic!("{record}")
            };
            invocation.argument.unwrap().get().to_owned()
        };
        let event = LogEvent::parse(&argument(message)).unwrap();
        let template = Template::parse(&argument(&template(event.event_id).unwrap())).unwrap();
        (event, template)
    }

    async fn told(happen: impl FnOnce(&LiveTrace)) -> Vec<String> {
        let trace = Arc::new(LiveTrace::default());
        // Nobody is told.
        trace.fault("before");
        let mut listener = trace.listen();
        happen(&trace);
        trace.end();
        let mut told = Vec::new();
        while let TraceMessage::Event(message) = listener.next().await {
            let (event, template) = read(&message);
            assert!(event.time.is_some());
            let context: Vec<String> = event.context.iter().map(|(name, value)| format!("{name}={value}")).collect();
            told.push(format!(
                "{} [{}] {}",
                template.name.as_deref().unwrap(),
                context.join(" "),
                template.fill(&event.values)
            ));
        }
        drop(listener);
        assert!(!trace.is_listened());
        told
    }

    #[tokio::test]
    async fn what_happens_is_told_in_words_with_where_and_whose() {
        let told = told(|trace| {
            trace.started(PLACE, Some("alice"), "json.webpubsub.azure.v1");
            trace.joined("hub1", "c1", "{g}");
            trace.left("hub1", "c1", "g");
            trace.received(PLACE, WireFrame::Text("{\"type\":\"ping\"}"), Some(Codec::Json));
            let send = "{\"type\":\"sendToGroup\",\"group\":\"g\",\"dataType\":\"text\",\"data\":\"secret\"}";
            trace.received(PLACE, WireFrame::Text(send), Some(Codec::Json));
            trace.received(PLACE, WireFrame::Text("hello"), None);
            trace.aborted(PLACE, "is gone.");
            trace.ended("hub1", "c1", "the client has left");
            trace.request_started("POST", "/api/hubs/hub1/:send");
            trace.request_processed("POST", "/api/hubs/hub1/:send", 202, Some("sent to 1"));
            trace.request_processed("POST", "/api/hubs/hub1/:send", 401, Some("No."));
            trace.refused(401, "No.");
            trace.fault("it hangs");
        })
        .await;
        let on = "[hub=hub1 connectionId=c1]";
        let expected = [
            "ConnectionStarted [hub=hub1 connectionId=c1 userId=alice] Connection started, it speaks json.webpubsub.azure.v1."
                .to_owned(),
            format!("AddedConnectionToGroup {on} Added the connection to the group {{g}}."),
            format!("RemovedConnectionFromGroup {on} Removed the connection from the group g."),
            format!("ReceivedMessageFromClient {on} Received a message from the client: sendToGroup, 68 bytes."),
            format!("ReceivedMessageFromClient {on} Received a message from the client: message, 5 bytes."),
            format!("ConnectionAborted {on} Connection aborted: is gone."),
            format!("ConnectionEnded {on} Connection ended: the client has left."),
            "RequestStarted [httpMethod=POST url=/api/hubs/hub1/:send] Request started: POST /api/hubs/hub1/:send.".to_owned(),
            "RequestProcessed [httpMethod=POST url=/api/hubs/hub1/:send statusCode=202] Request processed: POST \
             /api/hubs/hub1/:send, status 202."
                .to_owned(),
            "RequestRefused [httpMethod=POST url=/api/hubs/hub1/:send statusCode=401] Request refused: POST \
             /api/hubs/hub1/:send, status 401: No."
                .to_owned(),
            "HandshakeRefused [statusCode=401] A handshake was refused with status 401: No.".to_owned(),
            "FaultInjected [] A fault that was asked for: it hangs".to_owned(),
        ];
        assert_eq!(told, expected);
    }

    #[tokio::test]
    async fn a_slow_listener_misses_events_and_is_told_how_many() {
        let trace = Arc::new(LiveTrace::default());
        let mut listener = trace.listen();
        for number in 0..CAPACITY + 7 {
            trace.fault(&number.to_string());
        }
        let mut words = Vec::new();
        for _ in 0..2 {
            let TraceMessage::Event(message) = listener.next().await else { panic!("it is over") };
            let (event, template) = read(&message);
            words.push(template.fill(&event.values));
        }
        assert_eq!(
            words,
            ["7 traces were dropped: the client reads them too slowly.", "A fault that was asked for: 7"]
        );
    }

    #[test]
    fn every_kind_has_an_id_of_its_own_and_what_is_unknown_has_no_template() {
        for (at, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..at].iter().all(|other| other.id != kind.id), "{kind:?}");
        }
        assert_eq!(template(0), None);
    }
}
