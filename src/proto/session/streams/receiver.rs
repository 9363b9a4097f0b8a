//! The streams that are being received (PROTOCOL §19.27, §19.28): whether their fragments come whole and in order.
//!
//! Fragments are handed on as they come, whatever is said of them here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::StreamNews;
use crate::session::event::Lifecycle;
use crate::{Message, Origin, StreamInfo};

/// So many streams are watched at a time; of more, those that have been silent for longest are forgotten.
const MOST_STREAMS: usize = 10_000;

/// What is wrong with a stream that is being received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamTrouble {
    /// The first fragment that came is not the first of the stream.
    JoinedLate {
        /// Its number.
        first: u64,
    },
    /// Fragments are missing.
    Gap {
        /// The number that was next.
        expected: u64,
        /// The number that came.
        number: u64,
    },
    /// A fragment came a second time, or after later ones.
    Repeated {
        /// The number that was next.
        expected: u64,
        /// The number that came.
        number: u64,
    },
    /// Nothing came for so long that the stream is taken to have ended.
    IdleTimeout,
    /// The connection was lost, and with it what followed.
    Cut,
}

impl StreamTrouble {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::JoinedLate { .. } => "joined-late",
            Self::Gap { .. } => "gap",
            Self::Repeated { .. } => "repeated",
            Self::IdleTimeout => "IdleTimeout",
            Self::Cut => "cut",
        }
    }
}

/// Which stream: publishers that chose the same id are told apart by their user, as far as that goes (PROTOCOL §17.14).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct StreamIdentity {
    group: String,
    stream_id: String,
    user_id: Option<String>,
}

#[derive(Debug)]
struct StreamReceiver {
    /// The number that is next.
    expected: u64,
    /// When the last one came.
    heard: Duration,
}

/// The streams under way.
#[derive(Debug)]
pub(in crate::session) struct Receivers {
    streams: BTreeMap<StreamIdentity, StreamReceiver>,
    /// One of which nothing comes for so long has ended.
    patience: Duration,
    /// None of them has before.
    check_at: Option<Duration>,
}

impl Receivers {
    pub(in crate::session) fn new(patience: Duration) -> Self {
        Self { streams: BTreeMap::new(), patience, check_at: None }
    }

    /// Takes note of a message. What is to be said about its stream comes before it.
    pub(in crate::session) fn arrive(&mut self, now: Duration, message: &Message<'_>) -> Option<Lifecycle> {
        let info = StreamInfo::parse(message.stream?)?;
        let Origin::Group { group, user_id } = &message.origin else { return None };
        let name = StreamIdentity {
            group: group.to_string(),
            stream_id: info.stream_id.to_string(),
            user_id: user_id.as_deref().map(str::to_owned),
        };
        let number = info.stream_sequence_id;
        let known = self.streams.get(&name).map(|receiver| receiver.expected);
        let trouble = match known {
            None if number == 1 => None,
            None => Some(StreamTrouble::JoinedLate { first: number }),
            Some(expected) if number == expected => None,
            Some(expected) if number > expected => Some(StreamTrouble::Gap { expected, number }),
            Some(expected) => Some(StreamTrouble::Repeated { expected, number }),
        };
        if info.is_end() {
            self.streams.remove(&name);
        } else {
            let expected = number.saturating_add(1).max(known.unwrap_or_default());
            self.streams.insert(name.clone(), StreamReceiver { expected, heard: now });
            self.check_at.get_or_insert(now.saturating_add(self.patience));
            self.bound();
        }
        trouble.map(|trouble| name.into_event(trouble))
    }

    fn bound(&mut self) {
        if self.streams.len() > MOST_STREAMS
            && let Some(name) =
                self.streams.iter().min_by_key(|(_, receiver)| receiver.heard).map(|(name, _)| name.clone())
        {
            self.streams.remove(&name);
        }
    }

    /// When [`Self::expire`] has something to do, perhaps.
    pub(in crate::session) fn due(&self) -> Option<Duration> {
        self.check_at
    }

    /// Ends those of which nothing has come for so long.
    pub(in crate::session) fn expire(&mut self, now: Duration) -> Vec<Lifecycle> {
        let patience = self.patience;
        let is_idle = |receiver: &StreamReceiver| receiver.heard.saturating_add(patience) <= now;
        let idle: Vec<StreamIdentity> =
            self.streams.iter().filter(|(_, receiver)| is_idle(receiver)).map(|(name, _)| name.clone()).collect();
        for name in &idle {
            self.streams.remove(name);
        }
        self.check_at = self.streams.values().map(|receiver| receiver.heard.saturating_add(patience)).min();
        idle.into_iter().map(|name| name.into_event(StreamTrouble::IdleTimeout)).collect()
    }

    /// What could not come was not to be heard.
    pub(in crate::session) fn excuse(&mut self, now: Duration) {
        self.streams.values_mut().for_each(|receiver| receiver.heard = now);
    }

    /// The connection is over, and all of them with it.
    pub(in crate::session) fn cut(&mut self) -> Vec<Lifecycle> {
        self.check_at = None;
        std::mem::take(&mut self.streams).into_keys().map(|name| name.into_event(StreamTrouble::Cut)).collect()
    }
}

impl StreamIdentity {
    fn into_event(self, trouble: StreamTrouble) -> Lifecycle {
        let Self { group, stream_id, user_id } = self;
        Lifecycle::Stream(StreamNews::Trouble { group, stream_id, user_id, trouble })
    }
}
