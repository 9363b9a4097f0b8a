//! One stream that is being published, from its start to its end (PROTOCOL §9.1, §19.20–26).
//!
//! Fragments that the service has not accepted are kept as the frames they were sent as. Each socket sends them from the
//! first on; what the service expects next decides where that is. Whoever writes keeps to the window that
//! [`Released`](super::StreamEvent::Released) gives back, so that what is kept is bounded.

use std::collections::VecDeque;
use std::time::Duration;

use super::{StreamAbort, StreamBreach, StreamFate, StreamOpen};
use crate::session::event::Nack;
use crate::{
    AckError, Codec, EncodedFrame, OwnedData, STREAM_IDLE_TIMEOUT, StreamEndError, StreamRequest, StreamTarget,
    Upstream,
};

/// How long the service's silence about fragments is borne before it is asked about the oldest of them.
const PROBE_AFTER: Duration = Duration::from_secs(5);
/// The same where only that holds the end up.
const PROBE_BEFORE_END: Duration = Duration::from_secs(1);
/// The first pause after a `TransientError`; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Refusals of fragments that were on their way at the first refusal say nothing new: after going back, more of the same
/// are listened to only after so long.
const DEAF_AFTER_REWIND: Duration = Duration::from_millis(500);

/// A fragment that the service is not known to have accepted.
#[derive(Debug)]
struct Fragment {
    frame: EncodedFrame,
    /// What its writer gets back for it.
    cost: usize,
    /// Of its payload.
    bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SenderState {
    /// To be started as soon as there is a connection.
    Waiting,
    /// `streamAck` 1 is awaited.
    Starting { deadline: Duration },
    /// Fragments may be sent.
    Open,
}

/// The end that its publisher has asked for.
#[derive(Debug)]
struct RequestedEnd {
    frame: EncodedFrame,
    /// The error that it tells of.
    abort: Option<StreamAbort>,
    /// When `streamClosed` has to have come; `None`: not sent on this socket.
    deadline: Option<Duration>,
    /// It was sent on a socket that is gone.
    sent_before: bool,
}

/// Where the service has sent its publisher back to.
#[derive(Clone, Copy, Debug)]
struct Rewind {
    expected: u64,
    /// More refusals of the same are not listened to before.
    until: Duration,
    /// One has come meanwhile, for a passing reason or not.
    again: Option<bool>,
}

/// The conditions that a sender keeps to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) codec: Codec,
    /// How long the service may take to say anything.
    pub(super) patience: Duration,
    /// It reads more slowly than is sent: nothing is sent by itself.
    pub(super) backlogged: bool,
    /// What it says is read.
    pub(super) hears: bool,
}

/// A stream that is being published.
#[derive(Debug)]
pub(super) struct StreamSender {
    pub(super) stream_id: String,
    pub(super) group: String,
    no_echo: bool,
    idle_timeout: Option<Duration>,
    state: SenderState,
    /// What was written and not accepted, in order.
    kept: VecDeque<Fragment>,
    /// The number of the first of them: what the service expects next, as far as is known.
    base: u64,
    /// The number that goes out next on this socket.
    next: u64,
    /// The largest number that ever went out.
    sent: u64,
    /// Bytes of the payloads that were accepted.
    pub(super) bytes: u64,
    end: Option<RequestedEnd>,
    rewind: Option<Rewind>,
    /// Refused for a passing reason so often in a row.
    transient: u32,
    /// Nothing is sent before.
    paused_until: Option<Duration>,
    /// When anything was last sent.
    last_sent: Duration,
    /// Since when the service has been silent about what was sent; only while something is due.
    silent_since: Option<Duration>,
    /// The last time it was asked for it.
    probed: Option<Duration>,
}

/// What a frame of the service's, or time, did.
#[derive(Debug)]
pub(super) enum SenderChange {
    /// Nothing that anybody has to know.
    None,
    /// The stream is open.
    Opened,
    /// So much of the window is free again.
    Released(usize),
    /// It is over.
    Over(StreamFate),
}

impl StreamSender {
    pub(super) fn new(open: StreamOpen, now: Duration) -> Self {
        let StreamOpen { group, stream_id, no_echo, idle_timeout } = open;
        Self {
            stream_id,
            group,
            no_echo,
            idle_timeout,
            state: SenderState::Waiting,
            kept: VecDeque::new(),
            base: 1,
            next: 1,
            sent: 0,
            bytes: 0,
            end: None,
            rewind: None,
            transient: 0,
            paused_until: None,
            last_sent: now,
            silent_since: None,
            probed: None,
        }
    }

    /// How many fragments the service is known to have accepted.
    pub(super) fn accepted(&self) -> u64 {
        self.base - 1
    }

    /// How many were written.
    pub(super) fn written(&self) -> u64 {
        self.accepted() + self.kept.len() as u64
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == SenderState::Open
    }

    /// Whether the service may know of it.
    pub(super) fn is_started(&self) -> bool {
        self.state != SenderState::Waiting
    }

    /// The end that the service was sent, whether or not it has arrived: with the error that it tells of, if any.
    pub(super) fn sent_end(&self) -> Option<Option<&StreamAbort>> {
        let end = self.end.as_ref().filter(|end| end.deadline.is_some() || end.sent_before)?;
        Some(end.abort.as_ref())
    }

    /// Takes a fragment. After the end was asked for, none is taken.
    pub(super) fn write(&mut self, codec: Codec, data: &OwnedData, cost: usize) {
        if self.end.is_some() {
            return;
        }
        let sequence_id = self.written() + 1;
        let request =
            StreamRequest::Data { stream_id: self.stream_id.as_str().into(), sequence_id, data: data.as_data() };
        let frame = codec.encode_upstream(&Upstream::Stream(request));
        let bytes = data.as_data().to_bytes().map_or(0, |bytes| bytes.len() as u64);
        self.kept.push_back(Fragment { frame, cost, bytes });
    }

    /// Asks for the end, once.
    pub(super) fn finish(&mut self, codec: Codec, abort: Option<StreamAbort>) {
        if self.end.is_some() {
            return;
        }
        let error = abort.as_ref().map(|StreamAbort { code, message }| StreamEndError {
            message: message.as_deref().map(Into::into),
            user_error_code: code.as_deref().map(Into::into),
        });
        let request = StreamRequest::End { stream_id: self.stream_id.as_str().into(), error };
        let frame = codec.encode_upstream(&Upstream::Stream(request));
        self.end = Some(RequestedEnd { frame, abort, deadline: None, sent_before: false });
    }

    /// The frame that ends it at once: the service has broken its rules.
    pub(super) fn farewell(&self, codec: Codec) -> EncodedFrame {
        let error = Some(StreamEndError {
            message: Some("the service acknowledged what was not sent".into()),
            user_error_code: Some("Aborted".into()),
        });
        let stream_id = self.stream_id.as_str().into();
        codec.encode_upstream(&Upstream::Stream(StreamRequest::End { stream_id, error }))
    }

    /// Ends it without waiting for anything: nobody waits for more of it. Unlike an end that means success it may overtake
    /// fragments that the service has refused. `None`: the service does not know it, or was told of its end.
    pub(super) fn part(&mut self, codec: Codec, abort: StreamAbort) -> Option<EncodedFrame> {
        if !self.is_open() || self.end.as_ref().is_some_and(|end| end.deadline.is_some()) {
            return None;
        }
        // An end without an error would say that all of it is there.
        if self.end.as_ref().is_none_or(|end| end.abort.is_none() && !self.kept.is_empty()) {
            self.end = None;
            self.finish(codec, Some(abort));
        }
        let end = self.end.as_mut()?;
        end.sent_before = true;
        Some(end.frame.clone())
    }

    /// Sends all that may go out now.
    pub(super) fn send(&mut self, now: Duration, terms: Terms, mut put: impl FnMut(EncodedFrame)) {
        let Terms { codec, patience, .. } = terms;
        match self.state {
            SenderState::Waiting => {
                let idle_timeout_ms =
                    self.idle_timeout.map(|idle| u32::try_from(idle.as_millis()).unwrap_or(u32::MAX).max(1));
                let target = StreamTarget::Group { group: self.group.as_str().into(), no_echo: self.no_echo };
                let stream_id = self.stream_id.as_str().into();
                let start = StreamRequest::Start { stream_id, target, idle_timeout_ms };
                put(codec.encode_upstream(&Upstream::Stream(start)));
                self.state = SenderState::Starting { deadline: now.saturating_add(patience) };
                self.last_sent = now;
            }
            SenderState::Starting { .. } => {}
            SenderState::Open if self.paused_until.is_some_and(|until| until > now) => {}
            SenderState::Open => {
                self.paused_until = None;
                let from = usize::try_from(self.next.saturating_sub(self.base)).unwrap_or(usize::MAX);
                for fragment in self.kept.range(from.min(self.kept.len())..) {
                    put(fragment.frame.clone());
                    self.last_sent = now;
                    self.silent_since.get_or_insert(now);
                }
                self.next = self.written() + 1;
                self.sent = self.sent.max(self.written());
                self.send_end(now, patience, put);
            }
        }
    }

    /// Sends the end, once all before it was accepted: it carries no number, so that the service would end a stream
    /// whose last fragments it has refused.
    fn send_end(&mut self, now: Duration, patience: Duration, mut put: impl FnMut(EncodedFrame)) {
        let waits = !self.kept.is_empty();
        let Some(end) = self.end.as_mut().filter(|end| end.deadline.is_none()) else { return };
        if waits {
            return;
        }
        put(end.frame.clone());
        end.deadline = Some(now.saturating_add(patience));
        self.last_sent = now;
    }

    /// The socket is gone: what was sent on it may have arrived. `false`: the start was on its way, and nothing resumes
    /// that.
    pub(super) fn suspend(&mut self) -> bool {
        self.next = self.base;
        self.rewind = None;
        self.paused_until = None;
        self.silent_since = None;
        self.probed = None;
        if let Some(end) = &mut self.end {
            end.sent_before |= end.deadline.take().is_some();
        }
        !matches!(self.state, SenderState::Starting { .. })
    }

    /// The connection goes on. Where nothing is to be sent again, a keep-alive is due: the service's clock has run.
    pub(super) fn resume(&mut self, now: Duration, terms: Terms, mut put: impl FnMut(EncodedFrame)) {
        if self.is_open() && self.kept.is_empty() && self.end.is_none() {
            put(self.keepalive(terms.codec));
            self.last_sent = now;
        }
        self.send(now, terms, put);
    }

    fn keepalive(&self, codec: Codec) -> EncodedFrame {
        let stream_id = self.stream_id.as_str().into();
        codec.encode_upstream(&Upstream::Stream(StreamRequest::Keepalive { stream_id }))
    }

    /// The service could not say anything for a while, by no fault of its own.
    pub(super) fn excuse(&mut self, now: Duration, patience: Duration) {
        if self.silent_since.is_some() {
            self.silent_since = Some(now);
            self.probed = None;
        }
        if let SenderState::Starting { deadline } = &mut self.state {
            *deadline = now.saturating_add(patience);
        }
        if let Some(deadline) = self.end.as_mut().and_then(|end| end.deadline.as_mut()) {
            *deadline = now.saturating_add(patience);
        }
    }

    /// Everything before this number was accepted.
    pub(super) fn acknowledge(&mut self, now: Duration, expected: u64) -> SenderChange {
        if matches!(self.state, SenderState::Starting { .. }) {
            if expected != 1 {
                return self.broken(expected);
            }
            self.state = SenderState::Open;
            return SenderChange::Opened;
        }
        if !self.is_open() || expected > self.sent + 1 {
            return self.broken(expected);
        }
        self.answered(now);
        let released = self.release(expected);
        if released > 0 { SenderChange::Released(released) } else { SenderChange::None }
    }

    fn broken(&self, expected: u64) -> SenderChange {
        SenderChange::Over(StreamFate::Broken(StreamBreach { expected, accepted: self.accepted(), sent: self.sent }))
    }

    fn answered(&mut self, now: Duration) {
        self.silent_since = self.silent_since.map(|_| now);
        self.probed = None;
    }

    /// Lets go what was accepted; gives what that frees.
    fn release(&mut self, expected: u64) -> usize {
        let mut released = 0;
        while self.base < expected
            && let Some(fragment) = self.kept.pop_front()
        {
            released += fragment.cost;
            self.bytes += fragment.bytes;
            self.base += 1;
        }
        if released > 0 {
            self.transient = 0;
            self.rewind = self.rewind.filter(|rewind| rewind.expected >= self.base);
        }
        self.next = self.next.max(self.base);
        if self.base > self.sent {
            self.silent_since = None;
        }
        released
    }

    /// A fragment was not accepted: the service goes on from this one.
    pub(super) fn refuse(&mut self, now: Duration, expected: u64, passing: bool) -> SenderChange {
        if !self.is_open() || expected < self.base || expected > self.sent + 1 {
            return self.broken(expected);
        }
        self.answered(now);
        let released = self.release(expected);
        match &mut self.rewind {
            Some(rewind) if rewind.expected == expected && now < rewind.until => {
                rewind.again = Some(rewind.again.unwrap_or(false) || passing);
            }
            Some(_) | None => self.go_back(now, expected, passing),
        }
        if released > 0 { SenderChange::Released(released) } else { SenderChange::None }
    }

    /// Sends again from that one on, after a pause where the reason may pass.
    fn go_back(&mut self, now: Duration, expected: u64, passing: bool) {
        self.next = expected;
        if let Some(end) = &mut self.end {
            // It may have been taken before what it has to come after. Then `streamClosed` follows.
            end.sent_before |= end.deadline.take().is_some();
        }
        let mut from = now;
        if passing {
            let pause = FIRST_PAUSE.saturating_mul(1 << self.transient.min(10)).min(LONGEST_PAUSE);
            self.transient = self.transient.saturating_add(1);
            from = now.saturating_add(pause);
            self.paused_until = Some(from);
        }
        self.rewind = Some(Rewind { expected, until: from.saturating_add(DEAF_AFTER_REWIND), again: None });
    }

    /// The service has closed the stream.
    pub(super) fn close(&self, error: Option<&AckError<'_>>) -> StreamFate {
        let Some(end) = self.end.as_ref().filter(|_| self.sent_end().is_some()) else {
            // Nobody has asked for it.
            let unasked = || Nack { name: String::new(), message: "the service closed the stream".into() };
            return StreamFate::Closed(error.map_or_else(unasked, nack));
        };
        match error {
            None if self.kept.is_empty() => StreamFate::Completed,
            None => StreamFate::Incomplete,
            Some(error) if end.sent_before && error.name == "StreamNotFound" => StreamFate::Unconfirmed,
            Some(error) => StreamFate::Closed(nack(error)),
        }
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn due(&self, terms: Terms) -> Option<Duration> {
        match self.state {
            SenderState::Waiting => None,
            SenderState::Starting { deadline } => Some(deadline).filter(|_| terms.hears),
            SenderState::Open => {
                let again = self.rewind.filter(|rewind| rewind.again.is_some()).map(|rewind| rewind.until);
                let own = [self.verdict_due(terms), self.probe_due(terms), self.keepalive_due(terms)];
                own.into_iter().chain([again, self.paused_until]).flatten().min()
            }
        }
    }

    /// When the service has been silent for too long.
    fn verdict_due(&self, terms: Terms) -> Option<Duration> {
        let end = self.end.as_ref().and_then(|end| end.deadline);
        let silence = self.silent_since.map(|since| since.saturating_add(terms.patience));
        end.into_iter().chain(silence).min().filter(|_| terms.hears)
    }

    /// A third of the idle timeout after whatever was sent last. Behind the end nothing is due.
    fn keepalive_due(&self, terms: Terms) -> Option<Duration> {
        let third = self.idle_timeout.unwrap_or(STREAM_IDLE_TIMEOUT) / 3;
        let has_ended = self.end.as_ref().is_some_and(|end| end.deadline.is_some());
        let due = self.last_sent.saturating_add(third.max(Duration::from_millis(1)));
        Some(due).filter(|_| !has_ended && !terms.backlogged)
    }

    fn probe_due(&self, terms: Terms) -> Option<Duration> {
        let since = self.silent_since.filter(|_| terms.hears && !terms.backlogged)?;
        let patience = if self.end.is_some() { PROBE_BEFORE_END } else { PROBE_AFTER };
        let after = self.probed.unwrap_or(since).saturating_add(patience);
        Some(after.max(self.paused_until.unwrap_or_default()))
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, now: Duration, terms: Terms, mut put: impl FnMut(EncodedFrame)) -> SenderChange {
        let is_over = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        match self.state {
            SenderState::Waiting => return SenderChange::None,
            SenderState::Starting { deadline } if deadline <= now && terms.hears => {
                return SenderChange::Over(StreamFate::Unanswered);
            }
            SenderState::Starting { .. } => return SenderChange::None,
            SenderState::Open => {}
        }
        if is_over(self.verdict_due(terms)) {
            return SenderChange::Over(StreamFate::Unanswered);
        }
        if let Some(rewind) = self.rewind.filter(|rewind| rewind.until <= now)
            && let Some(passing) = rewind.again
        {
            self.go_back(now, rewind.expected, passing);
        }
        if is_over(self.paused_until) || self.next <= self.written() {
            self.send(now, terms, &mut put);
        }
        if is_over(self.probe_due(terms)) {
            // The service says of what it has what it expects, and takes what it has not.
            if let Some(oldest) = self.kept.front() {
                put(oldest.frame.clone());
                self.last_sent = now;
            }
            self.probed = Some(now);
        }
        if is_over(self.keepalive_due(terms)) {
            put(self.keepalive(terms.codec));
            self.last_sent = now;
        }
        SenderChange::None
    }
}

fn nack(error: &AckError<'_>) -> Nack {
    Nack { name: error.name.to_string(), message: error.message.to_string() }
}
