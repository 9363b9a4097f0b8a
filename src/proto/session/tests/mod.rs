//! Steps of the session: one input, then *all* of its outputs. Outputs are compared as lines, see [`line`].

mod blame;
mod connect;
mod groups;
mod invoke;
mod keep;
mod keepalive;
mod operations;
mod property;
mod recovery;
mod sequence;
mod stall;
mod states;
mod status;
mod stop;
mod streams;

use std::time::Duration;

use super::*;
use crate::{Codec, OwnedData, Unpacked, WireFrame};

pub(super) const CONNECTED: &str =
    r#"{"type":"system","event":"connected","userId":"alice","connectionId":"c1","reconnectionToken":"t1"}"#;
pub(super) const PONG: &str = r#"{"type":"pong"}"#;
pub(super) const PING: &str = r#"→ {"type":"ping"}"#;

pub(super) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The defaults of `listen`, without jitter.
pub(super) fn config() -> Config {
    Config {
        codec: Codec::Json,
        reliable: true,
        connect_timeout: s(30),
        retries_until_connected: Retries::Limited(3),
        retries_once_connected: Retries::Unlimited,
        renews_url: false,
        reconnect_backoff: Backoff { mode: BackoffMode::Fixed, delay: s(1), max_delay: s(30) },
        rejoin: true,
        ping_interval: Some(s(10)),
        ping_timeout: Some(s(25)),
        operation_retries: 3,
        operation_backoff: Backoff { mode: BackoffMode::Fixed, delay: ms(800), max_delay: s(120) },
        ack_timeout: s(30),
        on_unknown: OnUnknown::Fail,
        stream_idle_timeout: s(300),
        keep: None,
        seed: 1,
    }
}

/// An output as one line, with everything that is in it.
pub(super) fn line(output: &Output) -> String {
    match output {
        Output::Dial { request: DialRequest::Fresh, deadline } => format!("dial by {deadline:?}"),
        Output::Dial { request: DialRequest::Recover { connection_id, token }, deadline } => {
            format!("recover {connection_id} with {} by {deadline:?}", token.0)
        }
        Output::CancelDial => "cancel the dial".into(),
        Output::Send(frame) => format!("→ {}", frame.as_text().unwrap()),
        Output::Close { code } => format!("close {code}"),
        Output::Abort => "abort".into(),
        Output::Event(event) => event_line(event),
        Output::Settled { id, outcome } => format!("#{} {}", id.0, outcome_line(outcome)),
        Output::Invoked { key, invoked } => {
            let Invoked { event, invocation_id, line: None, outcome, elapsed } = invoked.as_ref() else {
                panic!("{invoked:?}")
            };
            let invocation_id = invocation_id.as_deref().unwrap_or("-");
            format!("#{} invoked {event} {invocation_id}: {}, {elapsed:?}", key.0, invoke_line(outcome))
        }
        Output::Stream { key, event: StreamEvent::Opened } => format!("stream {} opened", key.0),
        Output::Stream { key, event: StreamEvent::Released { cost } } => format!("stream {} released {cost}", key.0),
        Output::Stream { key, event: StreamEvent::Over(report) } => {
            format!("stream {} over: {}", key.0, report_line(report))
        }
        Output::Ponged { id, elapsed } => format!("pong {} after {elapsed:?}", id.0),
        Output::Ended(End::Stopped) => "ended: stopped".into(),
        Output::Ended(End::Failed { kind, message }) => format!("ended: {kind:?}: {message}"),
    }
}

fn event_line(event: &Lifecycle) -> String {
    match event {
        Lifecycle::Connected { connection_id, user_id } => format!("connected {connection_id} {user_id:?}"),
        Lifecycle::Recovering { connection_id, loss } => format!("recovering {connection_id}: {}", loss.describe()),
        Lifecycle::Recovered { connection_id, attempts, downtime } => {
            format!("recovered {connection_id}, attempts {attempts}, down {downtime:?}")
        }
        Lifecycle::AttemptFailed { error, recovery: true } => format!("recovery failed: {error}"),
        Lifecycle::AttemptFailed { error, recovery: false } => format!("attempt failed: {error}"),
        Lifecycle::OperationRetried(failed) => {
            format!(
                "attempt {} of ack {} failed: {}{}",
                failed.attempt, failed.ack_id, failed.error.name, failed.error.message
            )
        }
        Lifecycle::Reconnecting { attempt, delay, error } => format!("reconnecting {attempt} in {delay:?}: {error}"),
        Lifecycle::SessionLost { connection_id, reason } => format!("session-lost {connection_id}: {reason}"),
        Lifecycle::Disconnected { connection_id, loss } => format!("disconnected {connection_id}: {}", loss.describe()),
        Lifecycle::Ack(AckReport { operation, target, ack_id, error, duplicate, attempts, elapsed, .. }) => {
            let result = match (error, duplicate) {
                (Some(error), _) => error.name.clone(),
                (None, true) => "duplicate".into(),
                (None, false) => "ok".into(),
            };
            format!("ack {ack_id} {} {target} {result}, attempts {attempts}, {elapsed:?}", operation.name())
        }
        Lifecycle::OperationUnknown { operation, target, ack_id, reason } => {
            format!("unknown {ack_id} {} {target}: {reason}", operation.name())
        }
        Lifecycle::Stream(news) => stream_line(news),
        Lifecycle::Joined { group, ack_id, rejoined } => {
            format!("{} {group} {ack_id:?}", if *rejoined { "rejoined" } else { "joined" })
        }
        Lifecycle::Left { group, ack_id } => format!("left {group} {ack_id:?}"),
        Lifecycle::RejoinFailed { group, error } => format!("rejoin failed {group}: {}: {}", error.name, error.message),
        Lifecycle::RestateFailed { group, operation, error } => {
            format!("restate failed {} {group}: {}: {}", operation.name(), error.name, error.message)
        }
        Lifecycle::SequenceGap { expected, sequence_id, not_understood: 0 } => {
            format!("gap {expected} to {sequence_id}")
        }
        Lifecycle::SequenceGap { expected, sequence_id, not_understood } => {
            format!("gap {expected} to {sequence_id}, {not_understood} not understood")
        }
    }
}

fn report_line(report: &StreamReport) -> String {
    let StreamReport { accepted, written, bytes, fate, end_sent, abort, .. } = report;
    let code = abort.as_ref().map(|abort| format!(" ({})", abort.code.as_deref().unwrap_or("-"))).unwrap_or_default();
    let end = if *end_sent { format!(", end sent{code}") } else { code };
    format!("{accepted} of {written}, {bytes} bytes, {fate:?}{end}")
}

fn stream_line(news: &StreamNews) -> String {
    match news {
        StreamNews::Started { group, stream_id } => format!("stream {stream_id} to {group} started"),
        StreamNews::Ended(report) => {
            format!("stream {} to {} ended: {}", report.stream_id, report.group, report_line(report))
        }
        StreamNews::Trouble { group, stream_id, user_id, trouble } => {
            format!("stream {stream_id} in {group} of {user_id:?}: {trouble:?}")
        }
    }
}

fn outcome_line(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Acked { ack_id, duplicate, attempts, elapsed } => {
            let duplicate = if *duplicate { " duplicate" } else { "" };
            format!("acked {ack_id}{duplicate}, attempts {attempts}, {elapsed:?}")
        }
        Outcome::Sent => "sent".into(),
        Outcome::AlreadyJoined => "already joined".into(),
        Outcome::Refused { ack_id, error, attempts, .. } => {
            format!("refused {ack_id}: {}: {}, attempts {attempts}", error.name, error.message)
        }
        Outcome::NotAcknowledged { ack_id, attempts } => format!("not acknowledged {ack_id}, attempts {attempts}"),
        Outcome::Unknown { ack_id, cause } => format!("unknown {ack_id}: {cause}"),
        Outcome::NotSent { cause } => format!("not sent: {cause}"),
        Outcome::IdInUse { ack_id } => format!("id {ack_id} in use"),
    }
}

fn invoke_line(outcome: &InvokeOutcome) -> String {
    match outcome {
        InvokeOutcome::Answered { data, metadata } => {
            let data = data.as_ref().map_or("-".into(), |data| {
                let data = data.as_data();
                format!("{} {}", data.kind().name(), data.to_json())
            });
            format!("answered {data} {}", metadata.as_deref().unwrap_or("-"))
        }
        InvokeOutcome::Refused { error } => format!("refused {}: {}", error.name, error.message),
        InvokeOutcome::NotUnderstood { reason } => format!("not understood: {reason}"),
        InvokeOutcome::TimedOut => "timed out".into(),
        InvokeOutcome::Cancelled => "cancelled".into(),
        InvokeOutcome::Unknown { cause } => format!("unknown: {cause}"),
        InvokeOutcome::NotSent { cause } => format!("not sent: {cause}"),
        InvokeOutcome::IdInUse => "id in use".into(),
    }
}

/// A session on a bench, with its clock.
pub(super) struct SessionBench {
    pub(super) session: Session,
    pub(super) now: Duration,
    said: Vec<String>,
    /// Notes of attempts that failed and are followed by another, apart: they go with what is said anyway.
    pub(super) retried: Vec<String>,
    next_operation: u64,
}

impl SessionBench {
    pub(super) fn idle(config: Config) -> Self {
        Self {
            session: Session::new(config),
            now: Duration::ZERO,
            said: Vec::new(),
            retried: Vec::new(),
            next_operation: 1,
        }
    }

    /// With its first dial under way.
    #[track_caller]
    pub(super) fn dialing(config: Config) -> Self {
        let connect_timeout = config.connect_timeout;
        let mut bench = Self::idle(config);
        bench.session.handle_start(bench.now);
        bench.says(&[&format!("dial by {connect_timeout:?}")]);
        bench
    }

    /// Connected as c1 at time zero.
    #[track_caller]
    pub(super) fn live(config: Config) -> Self {
        let mut bench = Self::dialing(config);
        bench.open();
        bench.says(&[]);
        bench.text(CONNECTED);
        bench.says(&[r#"connected c1 Some("alice")"#]);
        bench
    }

    /// Connected, with progress made and nothing due but keep-alive, then cut at once; the first recovery is dialled.
    #[track_caller]
    pub(super) fn recovering(config: Config) -> Self {
        let mut bench = Self::live(config);
        bench.pass(s(2));
        bench.cut();
        bench.says(&["recovering c1: reset", "recover c1 with t1 by 7s"]);
        bench
    }

    /// Compares everything put out since the last time.
    #[track_caller]
    pub(super) fn says(&mut self, expected: &[&str]) {
        self.drain();
        let said = std::mem::take(&mut self.said);
        assert_eq!(said, expected, "at {:?}", self.now);
    }

    /// Everything put out since the last time.
    pub(super) fn take(&mut self) -> Vec<String> {
        self.drain();
        std::mem::take(&mut self.said)
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            let notes = matches!(output, Output::Event(Lifecycle::OperationRetried(_)));
            let list = if notes { &mut self.retried } else { &mut self.said };
            list.push(line(&output));
        }
    }

    /// Lets time pass, with every timeout on its time and no other input.
    #[track_caller]
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let (mut rounds, mut last) = (0, None);
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            self.drain();
            rounds = if last == Some(self.now) { rounds + 1 } else { 0 };
            last = Some(self.now);
            assert!(rounds < 10, "a busy loop at {:?}: {:?}", self.now, self.session);
        }
        self.now = until;
    }

    /// Lets time pass in which nothing may happen.
    #[track_caller]
    pub(super) fn quiet(&mut self, time: Duration) {
        self.says(&[]);
        self.pass(time);
        self.says(&[]);
    }

    pub(super) fn open(&mut self) {
        self.session.handle_opened(self.now);
    }

    pub(super) fn text<'t>(&mut self, text: &'t str) -> Received<'t> {
        // What is read of JSON borrows from its text alone.
        self.session.handle_frame(self.now, WireFrame::Text(text), Box::leak(Box::default()))
    }

    /// A frame of the protocol itself.
    #[track_caller]
    pub(super) fn control(&mut self, text: &str) {
        assert_eq!(self.text(text), Received::Control);
    }

    pub(super) fn ack(&mut self, id: u64) {
        self.control(&format!(r#"{{"type":"ack","ackId":{id},"success":true}}"#));
    }

    pub(super) fn nack(&mut self, id: u64, name: &str) {
        self.control(&format!(
            r#"{{"type":"ack","ackId":{id},"success":false,"error":{{"name":"{name}","message":"m"}}}}"#
        ));
    }

    /// A message with that sequence id; whether it was new.
    pub(super) fn message(&mut self, id: u64) -> bool {
        match self.text(&message(id)) {
            Received::Message(message) => message.sequence_id == Some(id),
            Received::Duplicate => false,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn closed(&mut self, cause: LossCause) {
        self.session.handle_closed(self.now, cause);
    }

    pub(super) fn close(&mut self, code: u16) {
        self.closed(LossCause::Close { code, reason: String::new() });
    }

    pub(super) fn cut(&mut self) {
        self.closed(LossCause::Broken("reset".into()));
    }

    pub(super) fn dial_failed(&mut self, class: DialClass) {
        let failure = DialFailure { class, message: "no".into(), retry_after: None };
        self.session.handle_dial_failed(self.now, failure);
    }

    pub(super) fn stop(&mut self) {
        self.session.handle_stop(self.now);
    }

    pub(super) fn stall(&mut self) {
        self.session.handle_stalled(self.now, true);
    }

    pub(super) fn unstall(&mut self) {
        self.session.handle_stalled(self.now, false);
    }

    pub(super) fn ask(&mut self, request: Request, mode: AckMode) {
        let id = OperationId(self.next_operation);
        self.next_operation += 1;
        self.session.handle_request(self.now, id, request, mode);
    }

    pub(super) fn invoke(&mut self, invocation: Invocation) -> InvocationKey {
        let key = InvocationKey(self.next_operation);
        self.next_operation += 1;
        self.session.handle_invoke(self.now, key, invocation);
        key
    }

    pub(super) fn join(&mut self, group: &str) {
        self.ask(Request::Join { group: group.into() }, AckMode::Automatic);
    }

    pub(super) fn leave(&mut self, group: &str) {
        self.ask(Request::Leave { group: group.into() }, AckMode::Automatic);
    }

    pub(super) fn send(&mut self, text: &str) {
        self.ask(send(text), AckMode::Automatic);
    }

    /// What is wanted and what is joined, as a line.
    pub(super) fn groups(&self) -> String {
        let one = |(group, wanted, joined): (&str, bool, bool)| {
            format!("{group}{}{}", if wanted { "?" } else { "" }, if joined { "!" } else { "" })
        };
        self.session.groups().map(one).collect::<Vec<_>>().join(" ")
    }

    /// The recovery under way succeeds.
    #[track_caller]
    pub(super) fn recover(&mut self) {
        self.says(&[]);
        self.open();
        self.says(&[PING]);
        self.control(PONG);
    }

    /// The same, when messages up to this one have come: with the ping it says so.
    #[track_caller]
    pub(super) fn recover_telling(&mut self, id: u64) {
        self.says(&[]);
        self.open();
        self.says(&[PING, &acknowledges(id)]);
        self.control(PONG);
    }

    /// The connection is given up, with the loss said.
    #[track_caller]
    pub(super) fn is_made_anew(&mut self) {
        let said = self.take();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].starts_with("session-lost c1: ") && said[2].starts_with("reconnecting 1 in 1s: "), "{said:?}");
    }

    /// A fresh connection is dialled and made, as `id`. Nothing else may be going on.
    #[track_caller]
    pub(super) fn reconnect(&mut self, id: &str) {
        self.says(&[]);
        self.pass(s(1));
        let by = self.now + s(30);
        self.says(&[&format!("dial by {by:?}")]);
        self.open();
        self.control(&connected(id));
    }
}

pub(super) fn connected(id: &str) -> String {
    format!(r#"{{"type":"system","event":"connected","connectionId":"{id}","reconnectionToken":"t-{id}"}}"#)
}

pub(super) fn message(id: u64) -> String {
    format!(r#"{{"sequenceId":{id},"type":"message","from":"group","group":"g","dataType":"text","data":"m{id}"}}"#)
}

pub(super) fn send(text: &str) -> Request {
    Request::send("g", OwnedData::text(text))
}

pub(super) fn disconnected(message: &str) -> String {
    format!(r#"{{"type":"system","event":"disconnected","message":"{message}"}}"#)
}

// Lines of frames that go out.

pub(super) fn joins(group: &str, id: u64) -> String {
    format!(r#"→ {{"type":"joinGroup","group":"{group}","ackId":{id}}}"#)
}

pub(super) fn leaves(group: &str, id: u64) -> String {
    format!(r#"→ {{"type":"leaveGroup","group":"{group}","ackId":{id}}}"#)
}

pub(super) fn sends(text: &str, id: u64) -> String {
    format!(r#"→ {{"type":"sendToGroup","group":"g","ackId":{id},"dataType":"text","data":"{text}"}}"#)
}

pub(super) fn acknowledges(id: u64) -> String {
    format!(r#"→ {{"type":"sequenceAck","sequenceId":{id}}}"#)
}
