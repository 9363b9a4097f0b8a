//! Group streams of the client's side (PROTOCOL §9.1, §19.20–28): those it publishes and those it is given.
//!
//! Not to be taken for a bulk of messages (`send --lines`): a stream is one thing to the service, with a start, numbered
//! fragments and an end.

mod receiver;
mod sender;

use std::collections::BTreeMap;
use std::time::Duration;

use super::cause::OutcomeCause;
use super::event::{Lifecycle, Nack};
use super::phase::SessionPhase;
use super::{Output, Session};
use crate::{EncodedFrame, OwnedData, StreamAnswer};
pub(super) use receiver::Receivers;
pub use receiver::StreamTrouble;
use sender::{SenderChange, StreamSender, Terms};

/// Names a stream between its publisher and the session; chosen by the publisher, unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamKey(pub u64);

/// A stream to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamOpen {
    /// Where its fragments go.
    pub group: String,
    /// What the service and the subscribers know it by: not empty, and of no other open stream of this connection.
    pub stream_id: String,
    /// Not to this connection.
    pub no_echo: bool,
    /// The service ends it when nothing comes for so long; `None`: after its five minutes. It is kept alive meanwhile.
    pub idle_timeout: Option<Duration>,
}

/// Why its publisher ends a stream early.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamAbort {
    /// For programs.
    pub code: Option<String>,
    /// For people.
    pub message: Option<String>,
}

/// What a publisher of a stream is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// The service has taken the stream on.
    Opened,
    /// Fragments were accepted: of what their writer gave for them, so much is free again.
    Released {
        /// The sum of their costs.
        cost: usize,
    },
    /// The stream is over. Comes once, and last.
    Over(StreamReport),
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamReport {
    /// Where its fragments went.
    pub group: String,
    /// What the service knew it by.
    pub stream_id: String,
    /// The service had taken it on.
    pub opened: bool,
    /// The start was sent.
    pub started: bool,
    /// Fragments that are known to have been accepted: those from 1 to this one.
    pub accepted: u64,
    /// Fragments that were written.
    pub written: u64,
    /// Bytes of the payloads of those that were accepted.
    pub bytes: u64,
    /// The service was sent its end, whether or not that has arrived.
    pub end_sent: bool,
    /// The error that this end tells its readers of; `None`: none, or no end was sent.
    pub abort: Option<StreamAbort>,
    /// Why it is over.
    pub fate: StreamFate,
}

impl StreamReport {
    /// Whether the connection was lost before the service had acknowledged the start: no fragment was sent, so that the
    /// stream may begin again (PROTOCOL §19.20).
    pub fn is_lost_before_its_start(&self) -> bool {
        match &self.fate {
            StreamFate::Lost(OutcomeCause::ConnectionLost(_)) => !self.opened,
            StreamFate::Lost(
                OutcomeCause::Stopped
                | OutcomeCause::Ended
                | OutcomeCause::Failed(_)
                | OutcomeCause::Withdrawn
                | OutcomeCause::EarlierLost
                | OutcomeCause::Forgotten
                | OutcomeCause::TimedOut
                | OutcomeCause::Cancelled
                | OutcomeCause::Killed { .. },
            )
            | StreamFate::Completed
            | StreamFate::Unconfirmed
            | StreamFate::Incomplete
            | StreamFate::Closed(_)
            | StreamFate::Broken(_)
            | StreamFate::IdInUse
            | StreamFate::Unanswered => false,
        }
    }
}

/// Why a stream is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamFate {
    /// As its publisher asked: all of it has arrived, and its end.
    Completed,
    /// The end was sent again after a recovery, and the service no longer knew the stream: it has probably ended as
    /// asked (PROTOCOL §19.25).
    Unconfirmed,
    /// The service has ended it as asked, without having accepted all of it.
    Incomplete,
    /// The service has refused it, or closed it.
    Closed(Nack),
    /// The service has acknowledged what was not sent (PROTOCOL §19.22).
    Broken(StreamBreach),
    /// It was not begun: its id is that of another that has not ended.
    IdInUse,
    /// The service has not answered in time.
    Unanswered,
    /// The connection has ended for good, or, before the start was acknowledged, its socket (PROTOCOL §19.20, §19.24).
    Lost(OutcomeCause),
}

/// What of the service's answer cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamBreach {
    /// What the service says that it expects next.
    pub expected: u64,
    /// What it has accepted before.
    pub accepted: u64,
    /// The largest number that was sent.
    pub sent: u64,
}

/// What a user is told of streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamNews {
    /// The service has taken a stream of the user's on.
    Started {
        /// Where its fragments go.
        group: String,
        /// What the service knows it by.
        stream_id: String,
    },
    /// A stream of the user's is over.
    Ended(StreamReport),
    /// Something is wrong with a stream that is being received. It comes before the fragment that shows it.
    Trouble {
        /// The group that it is published to.
        group: String,
        /// Its id.
        stream_id: String,
        /// Whose it is; `None`: anonymous, or a protobuf subprotocol, which does not say.
        user_id: Option<String>,
        /// What it is.
        trouble: StreamTrouble,
    },
}

/// The streams that are being published.
#[derive(Debug, Default)]
pub(super) struct Senders {
    by_key: BTreeMap<StreamKey, StreamSender>,
}

impl Senders {
    fn find(&self, stream_id: &str) -> Option<StreamKey> {
        // Few are open at a time.
        let found = |(_, sender): &(&StreamKey, &StreamSender)| sender.stream_id == stream_id && sender.is_started();
        self.by_key.iter().find(found).map(|(key, _)| *key)
    }

    /// Whether the service may know of any.
    pub(super) fn is_started(&self) -> bool {
        self.by_key.values().any(StreamSender::is_started)
    }

    fn due(&self, terms: Terms) -> Option<Duration> {
        self.by_key.values().filter_map(|sender| sender.due(terms)).min()
    }

    /// The service could not say anything for a while, by no fault of its own.
    pub(super) fn excuse(&mut self, now: Duration, patience: Duration) {
        self.by_key.values_mut().for_each(|sender| sender.excuse(now, patience));
    }
}

impl Session {
    /// Begins a stream, as soon as there is a connection. Its publisher is told of it until
    /// [`Over`](StreamEvent::Over), which comes once.
    pub fn handle_stream_open(&mut self, now: Duration, key: StreamKey, open: StreamOpen) {
        let sender = StreamSender::new(open, now);
        if matches!(self.phase, SessionPhase::Closing { .. } | SessionPhase::Ended) {
            return self.stream_over(key, &sender, StreamFate::Lost(OutcomeCause::Ended));
        }
        // What the service says of one would be taken for the other's.
        if self.streams.by_key.values().any(|other| other.stream_id == sender.stream_id) {
            return self.stream_over(key, &sender, StreamFate::IdInUse);
        }
        self.streams.by_key.insert(key, sender);
        self.send_stream(now, key);
    }

    /// Takes the next fragment of a stream. `cost` is given back when it was accepted. Fragments of a stream that is over,
    /// or of which the end was asked for, are dropped.
    pub fn handle_stream_write(&mut self, now: Duration, key: StreamKey, data: &OwnedData, cost: usize) {
        let codec = self.config.codec;
        if let Some(sender) = self.streams.by_key.get_mut(&key) {
            sender.write(codec, data, cost);
            self.send_stream(now, key);
        }
    }

    /// Ends a stream, behind all that was written.
    pub fn handle_stream_end(&mut self, now: Duration, key: StreamKey, abort: Option<StreamAbort>) {
        let codec = self.config.codec;
        let Some(sender) = self.streams.by_key.get_mut(&key) else { return };
        sender.finish(codec, abort);
        self.send_stream(now, key);
    }

    fn terms(&self) -> Terms {
        let (codec, patience, backlogged) = (self.config.codec, self.config.ack_timeout, self.backlogged);
        Terms { codec, patience, backlogged, hears: !self.stall.is_on() }
    }

    /// When [`Self::expire_streams`] has something to do.
    pub(super) fn streams_due(&self) -> Option<Duration> {
        self.streams.due(self.terms())
    }

    /// Sends what of a stream may go out now.
    fn send_stream(&mut self, now: Duration, key: StreamKey) {
        if !matches!(self.phase, SessionPhase::Live(_)) {
            return;
        }
        let (terms, outputs) = (self.terms(), &mut self.outputs);
        if let Some(sender) = self.streams.by_key.get_mut(&key) {
            sender.send(now, terms, |frame| outputs.push_back(Output::Send(frame)));
        }
    }

    /// There is a connection, or it goes on: what waits is sent, and what is not known to have arrived once more.
    pub(super) fn resume_streams(&mut self, now: Duration) {
        let (terms, outputs) = (self.terms(), &mut self.outputs);
        for sender in self.streams.by_key.values_mut() {
            sender.resume(now, terms, |frame: EncodedFrame| outputs.push_back(Output::Send(frame)));
        }
    }

    /// The socket is gone. Streams wait for a recovery, but for those whose start was on its way (PROTOCOL §19.20).
    pub(super) fn suspend_streams(&mut self, reason: &str) {
        let mut failed = Vec::new();
        for (key, sender) in &mut self.streams.by_key {
            if !sender.suspend() {
                failed.push(*key);
            }
        }
        for key in failed {
            self.drop_stream(key, StreamFate::Lost(OutcomeCause::ConnectionLost(reason.to_owned())));
        }
    }

    /// The connection has ended for good: every stream that had begun on it has failed, and those that were received are
    /// cut (PROTOCOL §19.24, §19.28).
    pub(super) fn abandon_streams(&mut self, reason: &str) {
        let begun: Vec<_> =
            self.streams.by_key.iter().filter(|(_, sender)| sender.is_started()).map(|(key, _)| *key).collect();
        for key in begun {
            self.drop_stream(key, StreamFate::Lost(OutcomeCause::ConnectionLost(reason.to_owned())));
        }
        for event in self.receivers.cut() {
            self.event(event);
        }
    }

    /// The session stops while there is a connection: readers are told that no more comes, and nothing is waited for.
    pub(super) fn part_from_streams(&mut self) {
        let (codec, outputs) = (self.config.codec, &mut self.outputs);
        for sender in self.streams.by_key.values_mut() {
            let abort = StreamAbort {
                code: Some("Aborted".to_owned()),
                message: Some("the publisher has broken off".to_owned()),
            };
            outputs.extend(sender.part(codec, abort).map(Output::Send));
        }
    }

    /// The session ends.
    pub(super) fn end_streams(&mut self, cause: &OutcomeCause) {
        let all: Vec<_> = self.streams.by_key.keys().copied().collect();
        for key in all {
            self.drop_stream(key, StreamFate::Lost(cause.clone()));
        }
    }

    /// The service has said something about a stream.
    pub(super) fn answer_stream(&mut self, now: Duration, answer: &StreamAnswer<'_>) {
        let key = self.streams.find(answer.stream_id());
        let Some((key, sender)) = key.and_then(|key| Some((key, self.streams.by_key.get_mut(&key)?))) else {
            // Late, or somebody's mistake (PROTOCOL §19.26).
            self.counts.unexpected += 1;
            return;
        };
        let step = match answer {
            StreamAnswer::Ack { expected, .. } => sender.acknowledge(now, *expected),
            StreamAnswer::Nack { expected, name, .. } => sender.refuse(now, *expected, name != "InvalidSequenceId"),
            StreamAnswer::Closed { error, .. } => SenderChange::Over(sender.close(error.as_ref())),
        };
        if matches!(step, SenderChange::Opened | SenderChange::Released(_))
            && let SessionPhase::Live(live) = &mut self.phase
        {
            live.progress = true;
        }
        self.take_step(now, key, step);
    }

    fn take_step(&mut self, now: Duration, key: StreamKey, step: SenderChange) {
        match step {
            SenderChange::None => self.send_stream(now, key),
            SenderChange::Opened => {
                if let Some(sender) = self.streams.by_key.get(&key) {
                    let (group, stream_id) = (sender.group.clone(), sender.stream_id.clone());
                    self.event(Lifecycle::Stream(StreamNews::Started { group, stream_id }));
                }
                self.outputs.push_back(Output::Stream { key, event: StreamEvent::Opened });
                self.send_stream(now, key);
            }
            SenderChange::Released(cost) => {
                self.outputs.push_back(Output::Stream { key, event: StreamEvent::Released { cost } });
                self.send_stream(now, key);
            }
            SenderChange::Over(fate) => {
                let codec = self.config.codec;
                let breaks = matches!(fate, StreamFate::Broken(_)) && matches!(self.phase, SessionPhase::Live(_));
                if let Some(sender) = self.streams.by_key.get(&key).filter(|_| breaks) {
                    self.outputs.push_back(Output::Send(sender.farewell(codec)));
                }
                self.drop_stream(key, fate);
            }
        }
    }

    /// Streams have waited long enough, for an answer or to be kept alive.
    pub(super) fn expire_streams(&mut self, now: Duration) {
        let terms = self.terms();
        let due = |sender: &StreamSender| sender.due(terms).is_some_and(|due| due <= now);
        let keys: Vec<_> = self.streams.by_key.iter().filter(|(_, sender)| due(sender)).map(|(key, _)| *key).collect();
        for key in keys {
            let outputs = &mut self.outputs;
            let Some(sender) = self.streams.by_key.get_mut(&key) else { continue };
            let step = sender.expire(now, terms, |frame| outputs.push_back(Output::Send(frame)));
            if matches!(step, SenderChange::Over(_)) {
                self.take_step(now, key, step);
            }
        }
    }

    fn drop_stream(&mut self, key: StreamKey, fate: StreamFate) {
        if let Some(sender) = self.streams.by_key.remove(&key) {
            self.stream_over(key, &sender, fate);
        }
    }

    fn stream_over(&mut self, key: StreamKey, sender: &StreamSender, fate: StreamFate) {
        let report = StreamReport {
            group: sender.group.clone(),
            stream_id: sender.stream_id.clone(),
            opened: sender.is_open(),
            started: sender.is_started(),
            accepted: sender.accepted(),
            written: sender.written(),
            bytes: sender.bytes,
            end_sent: sender.sent_end().is_some(),
            abort: sender.sent_end().flatten().cloned(),
            fate,
        };
        self.event(Lifecycle::Stream(StreamNews::Ended(report.clone())));
        self.outputs.push_back(Output::Stream { key, event: StreamEvent::Over(report) });
    }
}
