//! What is kept for a reliable connection until its client has it: messages, sequence ids, reconnection tokens.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::hub::encoded::Encoded;

/// What a reliable connection has beyond a non-reliable one (PROTOCOL §7).
#[derive(Debug)]
pub struct ReliableQueue {
    token: TokenSecret,
    tokens_issued: u64,
    /// The sequence id of the newest message; 0 before the first.
    last_sequence_id: u64,
    /// Messages that were not acknowledged, in the order of their ids. Ids of expired messages are missing.
    unacked: VecDeque<Unacked>,
    unacked_bytes: usize,
    /// No message expires before.
    next_expiry: Option<Duration>,
}

/// A message that was not acknowledged.
#[derive(Debug)]
struct Unacked {
    sequence_id: u64,
    message: Arc<Encoded>,
    /// When it is not worth delivering any more.
    expires: Option<Duration>,
}

impl ReliableQueue {
    pub fn new(secret: String) -> Self {
        Self {
            token: TokenSecret(secret),
            tokens_issued: 0,
            last_sequence_id: 0,
            unacked: VecDeque::new(),
            unacked_bytes: 0,
            next_expiry: None,
        }
    }

    /// Queues a message; gives its sequence id.
    pub fn push(&mut self, message: Arc<Encoded>, expires: Option<Duration>) -> u64 {
        self.last_sequence_id += 1;
        self.unacked_bytes = self.unacked_bytes.saturating_add(message.weight());
        self.unacked.push_back(Unacked { sequence_id: self.last_sequence_id, message, expires });
        self.next_expiry = self.next_expiry.into_iter().chain(expires).min();
        self.last_sequence_id
    }

    /// Drops the messages that are too old. Their ids stay used up: the client may have had them, and otherwise the gap
    /// tells it that something is missing.
    pub fn expire(&mut self, now: Duration) {
        let bytes = &mut self.unacked_bytes;
        self.unacked.retain(|unacked| {
            let keep = unacked.expires.is_none_or(|at| at > now);
            if !keep {
                *bytes = bytes.saturating_sub(unacked.message.weight());
            }
            keep
        });
        self.next_expiry = self.unacked.iter().filter_map(|unacked| unacked.expires).min();
    }

    /// When [`Self::expire`] has to be called.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.next_expiry
    }

    /// Everything up to this sequence id has arrived (PROTOCOL §7.1: cumulative; ids never sent are tolerated).
    pub fn acknowledge(&mut self, sequence_id: u64) {
        while let Some(unacked) = self.unacked.pop_front_if(|unacked| unacked.sequence_id <= sequence_id) {
            self.unacked_bytes = self.unacked_bytes.saturating_sub(unacked.message.weight());
        }
    }

    /// How many messages were not acknowledged.
    pub fn len(&self) -> usize {
        self.unacked.len()
    }

    /// What they count for together.
    pub fn bytes(&self) -> usize {
        self.unacked_bytes
    }

    /// The unacknowledged messages in order, each with its sequence id.
    pub fn unacked(&self) -> impl Iterator<Item = (u64, &Arc<Encoded>)> {
        self.unacked.iter().map(|unacked| (unacked.sequence_id, &unacked.message))
    }

    /// A new reconnection token. The ones before stay valid (PROTOCOL §2.5), so they share a secret and differ in a
    /// number: nothing has to be kept for each.
    pub fn issue_token(&mut self) -> String {
        self.tokens_issued += 1;
        format!("{}.{}", self.token.0, self.tokens_issued)
    }

    pub fn is_token(&self, token: &str) -> bool {
        token
            .strip_prefix(self.token.0.as_str())
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|number| number.parse::<u64>().ok())
            .is_some_and(|number| (1..=self.tokens_issued).contains(&number))
    }
}

/// What all reconnection tokens of a connection begin with.
struct TokenSecret(String);

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
