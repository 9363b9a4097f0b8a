//! What a tunnel reports: a line or a record a request, its connections, what goes wrong; and the recording.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::troubles::Troubles;
use super::upstream::UpstreamAnswer;
use crate::options::output::settings::OutputSettings;
use crate::options::values::OutputFormat;
use crate::records::{self, Connected, Disconnected, LossFields, Reconnecting};
use crate::render::sanitize::for_line;
use crate::render::{Printer, Reach, Recurrence, TOLD, Weight, Writer, human, rfc3339_now};
use crate::run::context::Surroundings;
use crate::run::errand::RunCounts;
use webpubsub_client::event::EventSink as _;
use webpubsub_net::clock;
use webpubsub_net::secret::{REDACTED, excerpt, is_secret_header, redact, redact_query};
use webpubsub_proto::explain_close_code;
use webpubsub_proto::session::LossCause;
use webpubsub_proto::tunnel::{
    LostCause, RequestKey, TunnelEvent, TunnelFrame, TunnelRequest, TunnelSocket, decode_tunnel, tunnel_json,
};

/// Prints and records what the tunnel does.
pub struct TunnelReporter<'a> {
    surroundings: &'a Surroundings,
    output: &'a OutputSettings,
    printer: &'a RefCell<Printer>,
    done: &'a RunCounts,
    hub: &'a str,
    /// The `sub` of the connections' tokens.
    user: &'a str,
    recording: Option<Writer>,
    began: Instant,
    state: RefCell<ReporterState>,
}

#[derive(Default)]
struct ReporterState {
    /// What is at the upstream, or was answered and not passed on yet.
    asked: BTreeMap<RequestKey, OpenRequest>,
    /// Connections, by their sockets.
    connections: HashMap<TunnelSocket, String>,
    /// What is wrong with the upstream.
    troubles: Troubles,
    /// Messages of the service that are no frame.
    malformed: Recurrence,
}

/// A request.
struct OpenRequest {
    about: RequestSubject,
    since: Instant,
    request_bytes: usize,
    answer: Option<RequestAnswer>,
}

impl OpenRequest {
    fn of(request: &TunnelRequest) -> Self {
        let request_bytes = request.body.as_ref().map_or(0, Bytes::len);
        Self { about: RequestSubject::of(request), since: Instant::now(), request_bytes, answer: None }
    }
}

struct RequestAnswer {
    status: u16,
    response_bytes: usize,
    elapsed: Duration,
    failure: Option<String>,
}

/// What a request is about.
#[derive(Clone)]
struct RequestSubject {
    method: String,
    path: String,
    event: Option<String>,
    hub: Option<String>,
    connection_id: Option<String>,
    user_id: Option<String>,
}

impl RequestSubject {
    /// Method and path.
    fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn of(request: &TunnelRequest) -> Self {
        let header = |name| request.header(name).map(str::to_owned);
        let path = request.path_and_query();
        Self {
            method: request.method.clone(),
            // A query may hold secrets.
            path: redact(path.split('?').next().unwrap_or_default()).into_owned(),
            event: header("ce-eventName"),
            hub: header("ce-hub"),
            connection_id: header("ce-connectionId"),
            user_id: header("ce-userId"),
        }
    }
}

impl<'a> TunnelReporter<'a> {
    /// To those streams, and into that recording.
    pub fn new(
        surroundings: &'a Surroundings,
        output: &'a OutputSettings,
        (printer, done): (&'a RefCell<Printer>, &'a RunCounts),
        (hub, user): (&'a str, &'a str),
        recording: Option<Writer>,
    ) -> Self {
        let began = surroundings.started.into_std();
        let shown =
            Self { surroundings, output, printer, done, hub, user, recording, began, state: RefCell::default() };
        shown.record_header();
        shown
    }

    /// A line on stderr about something that went wrong.
    pub fn warn(&self, text: &str) {
        self.printer.borrow_mut().note(Weight::Warning, text);
    }

    /// What goes well, for people; records say it themselves.
    fn print_line(&self, text: &str) {
        self.surroundings.report(self.output, text);
    }

    /// Ready when it has changed whether there is room for what is told, which says so.
    pub fn poll_room(&self, cx: &mut Context<'_>, stalled: bool) -> Poll<bool> {
        match self.printer.borrow_mut().poll_room(cx) {
            Poll::Ready(()) if stalled => Poll::Ready(true),
            Poll::Pending if !stalled => Poll::Ready(false),
            Poll::Ready(()) | Poll::Pending => Poll::Pending,
        }
    }

    /// A request goes to the upstream.
    pub fn asked(&self, key: RequestKey, request: &TunnelRequest) {
        RunCounts::count(&self.done.received);
        RunCounts::count(&self.done.sent);
        self.state.borrow_mut().asked.insert(key, OpenRequest::of(request));
    }

    /// A request is answered here, since the run ends.
    fn refused(&self, key: RequestKey, request: &TunnelRequest, status: u16) {
        RunCounts::count(&self.done.received);
        let failure = Some("the run is ending, so that it was not asked".to_owned());
        let answer = RequestAnswer { status, response_bytes: 0, elapsed: Duration::ZERO, failure };
        let asked = OpenRequest { answer: Some(answer), ..OpenRequest::of(request) };
        self.state.borrow_mut().asked.insert(key, asked);
    }

    /// The upstream has answered, or failed to.
    pub fn answered(&self, key: RequestKey, answer: &UpstreamAnswer) {
        let mut state = self.state.borrow_mut();
        let ReporterState { asked, troubles, .. } = &mut *state;
        let Some(asked) = asked.get_mut(&key) else { return };
        asked.answer = Some(RequestAnswer {
            status: answer.status,
            response_bytes: answer.body.len(),
            elapsed: asked.since.elapsed(),
            failure: answer.failure.as_ref().map(ToString::to_string),
        });
        let route = asked.about.route();
        match &answer.failure {
            Some(failure) => {
                if troubles.failed(Instant::now(), &route, failure.kind) {
                    let such = if failure.kind.is_of_route() {
                        format!("; such events at `{}` are answered", excerpt(&route, TOLD))
                    } else if failure.kind.is_of_server() {
                        "; events are answered".to_owned()
                    } else {
                        "; such events are answered".to_owned()
                    };
                    self.warn(&format!("{failure}{such} with {}", answer.status));
                }
            }
            None => {
                if troubles.answered(&route) {
                    self.warn("the upstream answers again");
                }
            }
        }
    }

    /// A request is settled.
    pub fn settled(&self, key: RequestKey, delivered: bool) {
        let Some(asked) = self.state.borrow_mut().asked.remove(&key) else { return };
        let Some(answer) = &asked.answer else { return };
        let worked = delivered && answer.failure.is_none();
        RunCounts::count(if worked { &self.done.acked } else { &self.done.failed });
        self.report_request(&asked.about, asked.request_bytes, Some(answer), !delivered, answer.failure.as_deref());
    }

    fn report_request(
        &self,
        about: &RequestSubject,
        request_bytes: usize,
        answer: Option<&RequestAnswer>,
        lost: bool,
        error: Option<&str>,
    ) {
        let error = error.map(redact);
        let error = match (&error, lost && answer.is_some()) {
            (None, true) => Some("its connection was lost before the answer had gone out"),
            (error, _) => error.as_deref(),
        };
        let fields = records::TunnelRequest {
            method: &about.method,
            path: &about.path,
            event: about.event.as_deref(),
            hub: about.hub.as_deref(),
            connection_id: about.connection_id.as_deref(),
            user_id: about.user_id.as_deref(),
            status: answer.map(|answer| answer.status),
            elapsed_ms: answer.map(|answer| clock::fractional_millis(answer.elapsed)),
            request_bytes,
            response_bytes: answer.map(|answer| answer.response_bytes),
            lost,
            error,
        };
        let mut printer = self.printer.borrow_mut();
        let line = line(&fields, answer.map(|answer| answer.elapsed));
        let line = format!("{}\n", printer.console().out.style.name(&line));
        printer.finding(&fields, &line);
    }

    /// Something else happened.
    pub fn happened(&self, event: &TunnelEvent) {
        match event {
            TunnelEvent::Connected { socket, connection_id, connections } => {
                self.state.borrow_mut().connections.insert(*socket, connection_id.clone());
                let (hub, user) = (self.hub, self.user);
                let fields = Connected {
                    connection_id: Some(connection_id),
                    user_id: Some(user),
                    hub: Some(hub),
                    protocol: "tunnel",
                };
                self.printer.borrow_mut().finding(&fields, "");
                let many = if *connections > 1 { format!(", {connections} connections") } else { String::new() };
                self.print_line(&format!("tunnel of hub `{hub}` connected: `{connection_id}`{many}"));
            }
            TunnelEvent::Lost { socket, cause } => self.disconnected(*socket, cause),
            TunnelEvent::Waiting { attempt, delay, error } => {
                let error = redact(error);
                self.printer.borrow_mut().finding(&Reconnecting::new(*attempt, *delay, &error), "");
                self.warn(&format!("{error}; connecting again in {} (attempt {attempt})", human(*delay)));
            }
            TunnelEvent::GivenUp { error } => self.warn(&format!("one connection is given up: {error}")),
            TunnelEvent::Told { message, .. } => self.print_line(&format!("the service says: {message}")),
            TunnelEvent::Moved { message, leaves, .. } => {
                let what = if *leaves { "another connection in place of this one" } else { "one more connection" };
                self.print_line(&format!("the service wants {what}: {message}"));
            }
            TunnelEvent::Dismissed { message, .. } => {
                self.warn(&format!("the service closes a connection for good: {message}"));
            }
            TunnelEvent::Malformed { problem, .. } => {
                let times = self.state.borrow_mut().malformed.add();
                match times {
                    Some(1) => self.warn(&format!("a message of the service is no frame, and is ignored: {problem}")),
                    Some(times) => {
                        self.warn(&format!(
                            "{times} messages of the service were no frames by now; the last: {problem}"
                        ));
                    }
                    None => {}
                }
            }
            TunnelEvent::Settled { key, delivered } => self.settled(*key, *delivered),
            TunnelEvent::Refused { key, request, status } => self.refused(*key, request, *status),
            TunnelEvent::NotAsked { request, cause } => {
                RunCounts::count(&self.done.received);
                RunCounts::count(&self.done.failed);
                let why = match cause {
                    LostCause::Gone => "its connection was lost before its turn came, so that it was not asked",
                    LostCause::Closing => "its connection was closing already, so that it was not asked",
                    LostCause::Doubled => "another of the same id is on its way, so that it was not asked",
                };
                let bytes = request.body.as_ref().map_or(0, Bytes::len);
                self.report_request(&RequestSubject::of(request), bytes, None, true, Some(why));
            }
        }
    }

    fn disconnected(&self, socket: TunnelSocket, cause: &LossCause) {
        let id = self.state.borrow_mut().connections.remove(&socket);
        let (code, reason, message) = match cause {
            LossCause::Close { code, reason } => (Some(*code), Some(reason.as_str()), String::new()),
            LossCause::Broken(error) | LossCause::Framing(error) => (None, None, error.clone()),
            LossCause::Silent(silence) => (None, None, format!("nothing was received for {}", human(*silence))),
            LossCause::InvalidUtf8 => (None, None, "the service sent a text that is not UTF-8".to_owned()),
            LossCause::TooBig => (None, None, "the service sent a message that is too large".to_owned()),
        };
        let loss = LossFields {
            close_code: code,
            close_reason: reason.filter(|reason| !reason.is_empty()).map(Cow::Borrowed),
            message: Some(message.into()),
            explanation: code.and_then(explain_close_code),
            error: None,
        };
        self.printer.borrow_mut().finding(&Disconnected { connection_id: id.as_deref(), loss }, "");
    }

    /// It is over. What has no answer yet has none; where the run was told to end, people want to know how many.
    pub fn over(&self, stopping: bool) {
        let asked = std::mem::take(&mut self.state.borrow_mut().asked);
        let lost = asked.len();
        for asked in asked.into_values() {
            RunCounts::count(&self.done.failed);
            let why = match asked.answer {
                None => "the run ended before its answer",
                Some(_) => "the run ended before the answer had gone out",
            };
            self.report_request(&asked.about, asked.request_bytes, asked.answer.as_ref(), true, Some(why));
        }
        if lost > 0 && stopping {
            let requests = if lost == 1 { "request" } else { "requests" };
            self.warn(&format!("{lost} {requests} did not finish in time, and got no answer"));
        }
        let malformed = self.state.borrow_mut().malformed.rest();
        if let Some(times) = malformed {
            self.warn(&format!("{times} messages of the service were no frames"));
        }
    }

    /// A message came.
    pub fn received(&self, socket: TunnelSocket, message: &Bytes) {
        if self.recording.is_some()
            && let Some(frame) = frame_of(message)
        {
            self.record("received", socket, &frame);
        }
    }

    /// A frame goes out.
    pub fn sent(&self, socket: TunnelSocket, frame: &TunnelFrame) {
        self.record("sent", socket, frame);
    }

    fn put(&self, line: &Value) {
        let Some(recording) = &self.recording else { return };
        let mut out = line.to_string().into_bytes();
        out.push(b'\n');
        recording.put(0, &mut out, Reach::default());
    }

    fn record_header(&self) {
        self.put(&serde_json::json!({
            "recording": crate::render::RECORDING_VERSION,
            "time": rfc3339_now(),
            "hub": self.hub,
            "protocol": crate::render::TUNNEL_RECORDING,
            "wps": env!("CARGO_PKG_VERSION"),
        }));
    }

    fn record(&self, direction: &str, socket: TunnelSocket, frame: &TunnelFrame) {
        if self.recording.is_none() {
            return;
        }
        let mut json: Value = serde_json::from_str(&tunnel_json(frame)).unwrap_or_default();
        hide(&mut json);
        let at = self.began.elapsed();
        let mut line = serde_json::json!({
            "at": at.as_micros() as f64 / 1e6,
            "direction": direction,
            "connection": socket.0,
            "frame": json,
        });
        let content = match frame {
            TunnelFrame::Request(request) => request.body.as_ref(),
            TunnelFrame::Response(response) => response.body.as_ref(),
            TunnelFrame::Status { .. }
            | TunnelFrame::Reconnect(_)
            | TunnelFrame::Close { .. }
            | TunnelFrame::Rebalance(_)
            | TunnelFrame::Connected { .. } => None,
        };
        if let (Some(content), Some(fields)) = (content, line.as_object_mut()) {
            let shown = webpubsub_net::wire::without_client_secrets(content);
            match std::str::from_utf8(shown.as_ref().unwrap_or(content)) {
                Ok(text) => fields.insert("text".to_owned(), text.into()),
                Err(_) => fields.insert("contentBase64".to_owned(), STANDARD.encode(content).into()),
            };
        }
        self.put(&line);
    }
}

/// Takes out what URLs, headers and the greeting hold of secrets.
fn hide(json: &mut Value) {
    if let Some(headers) = json.get_mut("Headers").and_then(Value::as_object_mut) {
        for (name, values) in headers {
            if is_secret_header(name) {
                *values = serde_json::json!([REDACTED]);
            }
        }
    }
    for name in ["Url", "Endpoint"] {
        if let Some(url) = json.get_mut(name)
            && let Some(redacted) = url.as_str().map(redact_query)
        {
            *url = redacted.into_owned().into();
        }
    }
    if let Some(token) = json.get_mut("ReconnectionToken").filter(|token| token.is_string()) {
        *token = REDACTED.into();
    }
}

/// A request for people: method, path, event, user, status, time.
fn line(fields: &records::TunnelRequest<'_>, elapsed: Option<Duration>) -> String {
    let mut out = format!("{} {}", fields.method, fields.path);
    if let Some(event) = fields.event {
        out.push_str(&format!(" {event}"));
    }
    if let Some(user) = fields.user_id {
        out.push_str(&format!(" ({user})"));
    }
    match (fields.status, elapsed) {
        (Some(status), Some(elapsed)) => out.push_str(&format!(": {status} in {}", human(elapsed))),
        _ => out.push_str(": no answer"),
    }
    if fields.lost {
        out.push_str(", lost");
    }
    if let Some(error) = fields.error {
        out.push_str(&format!(": {error}"));
    }
    for_line(&out).into_owned()
}

/// Whether stdout carries lines for people.
pub fn is_text(output: &OutputSettings) -> bool {
    output.format == OutputFormat::Text
}

/// The frame in a message, for whoever looks on.
fn frame_of(message: &bytes::Bytes) -> Option<webpubsub_proto::tunnel::TunnelFrame> {
    decode_tunnel(message).ok().flatten()
}
