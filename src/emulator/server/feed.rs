//! What passes, as it passes: the source of `GET /emulator/events`, and of the page.
//!
//! Nobody listening costs one look. A listener that does not keep up misses records and is told how many; the emulator
//! never waits for it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde_json::value::RawValue;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::traffic::Observer;

/// How many records wait for a listener.
const CAPACITY: usize = 1024;
/// The longest record that is passed on whole, in bytes.
const LONGEST: usize = 16 * 1024;
/// What is left of the payload of a longer one, in characters.
const CUT: usize = 4096;

/// The feed of a server.
#[derive(Debug)]
pub(super) struct TrafficFeed(broadcast::Sender<Bytes>);

impl Default for TrafficFeed {
    fn default() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }
}

impl TrafficFeed {
    /// A body of server-sent events, without end: the records of whatever passes from now on.
    pub(super) fn body(&self) -> Body {
        let hello = Bytes::from_static(b": what passes from now on\n\n");
        let first = stream::iter([Ok::<_, Infallible>(hello)]);
        let rest = stream::unfold(self.0.subscribe(), async |mut receiver| {
            let bytes = match receiver.recv().await {
                Ok(bytes) => bytes,
                Err(RecvError::Lagged(records)) => {
                    format!("data: {{\"type\":\"dropped\",\"records\":{records}}}\n\n").into()
                }
                Err(RecvError::Closed) => return None,
            };
            Some((Ok(bytes), receiver))
        });
        Body::from_stream(first.chain(Box::pin(rest)))
    }
}

impl Observer for TrafficFeed {
    fn wants(&self) -> bool {
        self.0.receiver_count() > 0
    }

    fn record(&self, line: &[u8]) {
        // Nobody any more is nobody to tell.
        let _ = self.0.send(event(line));
    }
}

/// A record, which is one line, as a server-sent event.
fn event(line: &[u8]) -> Bytes {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let cut = if line.len() > LONGEST { shortened(line) } else { None };
    [b"data: ".as_slice(), cut.as_deref().unwrap_or(line), b"\n\n"].concat().into()
}

/// A long record with the beginning of its payload, as it is, as `text` and its whole length as `bytes`.
fn shortened(line: &[u8]) -> Option<Vec<u8>> {
    let record: BTreeMap<&str, &RawValue> = serde_json::from_slice(line).ok()?;
    let mut fields = serde_json::Map::new();
    let mut text = String::new();
    for (name, raw) in record {
        match name {
            "frame" => raw.get().clone_into(&mut text),
            // The same frame in another form, which comes after it.
            "frameBase64" if !text.is_empty() => {}
            "text" | "frameBase64" | "message" => text = serde_json::from_str(raw.get()).ok()?,
            name => drop(fields.insert(name.to_owned(), serde_json::from_str(raw.get()).ok()?)),
        }
    }
    let bytes = text.len();
    if let Some((cut, _)) = text.char_indices().nth(CUT) {
        text.truncate(cut);
        text.push('…');
    }
    fields.insert("text".into(), text.into());
    fields.insert("bytes".into(), bytes.into());
    serde_json::to_vec(&fields).ok()
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use serde_json::Value;

    use super::*;

    async fn next(body: &mut Body) -> String {
        let frame = body.frame().await.unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn records_are_events_while_somebody_listens() {
        let feed = TrafficFeed::default();
        assert!(!feed.wants());
        let mut body = feed.body();
        assert!(feed.wants());
        feed.record(b"{\"type\":\"sent\"}\n");
        assert!(next(&mut body).await.starts_with(": "));
        assert_eq!(next(&mut body).await, "data: {\"type\":\"sent\"}\n\n");
        drop(body);
        assert!(!feed.wants());
    }

    #[tokio::test]
    async fn a_slow_listener_misses_records_and_is_told_how_many() {
        let feed = TrafficFeed::default();
        let mut body = feed.body();
        for number in 0..CAPACITY + 7 {
            feed.record(format!("{number}\n").as_bytes());
        }
        assert!(next(&mut body).await.starts_with(": "));
        assert_eq!(next(&mut body).await, "data: {\"type\":\"dropped\",\"records\":7}\n\n");
        assert_eq!(next(&mut body).await, "data: 7\n\n");
    }

    #[test]
    fn what_is_left_of_a_long_frame_is_as_it_passed() {
        let frame =
            format!("{{\"z\":10.50,\"a\":12345678901234567890123,\"a\":1e2,\"data\":\"{}\"}}", "x".repeat(20_000));
        let event = event(format!("{{\"type\":\"sent\",\"socket\":1,\"frame\":{frame}}}\n").as_bytes());
        let record: Value = serde_json::from_slice(event.strip_prefix(b"data: ").unwrap()).unwrap();
        let text = record["text"].as_str().unwrap();
        assert_eq!(text.trim_end_matches('…'), &frame[..CUT]);
        assert_eq!(record["bytes"], frame.len());
    }

    #[test]
    fn a_long_record_is_cut_and_says_its_length() {
        let line = format!("{{\"type\":\"sent\",\"socket\":1,\"frame\":{{\"data\":\"{}\"}}}}\n", "é".repeat(20_000));
        let event = event(line.as_bytes());
        let record: Value = serde_json::from_slice(event.strip_prefix(b"data: ").unwrap()).unwrap();
        assert_eq!((&record["socket"], &record["bytes"]), (&1.into(), &40_011.into()));
        assert_eq!(record["text"].as_str().unwrap().chars().count(), CUT + 1);
    }
}
