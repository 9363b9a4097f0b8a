//! The streams that a connection is publishing (PROTOCOL §9.1).

use std::collections::BTreeMap;
use std::time::Duration;

/// A stream that has begun and not ended.
#[derive(Debug)]
pub struct OpenStream {
    /// Where its fragments go.
    pub group: String,
    /// Not to the publisher.
    pub no_echo: bool,
    /// The number of the fragment that is due next.
    pub next: u64,
    /// It ends when nothing comes for so long.
    idle_timeout: Duration,
    /// When it does.
    idle_at: Duration,
}

/// All of them, by id.
#[derive(Debug, Default)]
pub struct OpenStreams(BTreeMap<String, OpenStream>);

impl OpenStream {
    pub fn new(group: &str, no_echo: bool, idle_timeout: Duration, now: Duration) -> Self {
        let idle_at = now.saturating_add(idle_timeout);
        Self { group: group.to_owned(), no_echo, next: 1, idle_timeout, idle_at }
    }

    /// Something has come for it.
    pub fn touch(&mut self, now: Duration) {
        self.idle_at = now.saturating_add(self.idle_timeout);
    }
}

impl OpenStreams {
    pub fn open(&mut self, id: &str, stream: OpenStream) {
        self.0.insert(id.to_owned(), stream);
    }

    pub fn get(&self, id: &str) -> Option<&OpenStream> {
        self.0.get(id)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut OpenStream> {
        self.0.get_mut(id)
    }

    pub fn close(&mut self, id: &str) -> Option<OpenStream> {
        self.0.remove(id)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// When the first of them is idle for too long.
    pub fn next_idle(&self) -> Option<Duration> {
        self.0.values().map(|stream| stream.idle_at).min()
    }

    /// The silence of all of them is not their publisher's.
    pub fn touch_all(&mut self, now: Duration) {
        self.0.values_mut().for_each(|stream| stream.touch(now));
    }

    /// Those that have been idle for too long.
    pub fn idle(&self, now: Duration) -> Vec<String> {
        self.0.iter().filter(|(_, stream)| stream.idle_at <= now).map(|(id, _)| id.clone()).collect()
    }

    /// All of them, with their ids.
    pub fn into_all(self) -> impl Iterator<Item = (String, OpenStream)> {
        self.0.into_iter()
    }
}
