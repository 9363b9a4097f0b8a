//! Languages that people write, and the records of the other protocols.

use std::time::Duration;

use bytes::Bytes;

use crate::fault::Fault;
use crate::filter::{Filter, Subject};
use crate::session::{Backoff, BackoffMode, Retries};
use crate::signalr::{self, SEPARATOR, check_handshake, check_handshake_answer};
use crate::trace::{Config, Output, Tracer};
use crate::tunnel::{decode_tunnel, encode_tunnel};

/// A fault is refused, or printed as the same fault.
pub fn fault(text: &str) {
    if let Ok(read) = text.parse::<Fault>() {
        let printed = read.to_string();
        assert_eq!(printed.parse::<Fault>().map(|fault| fault.to_string()), Ok(printed), "{text}");
    }
}

struct Somebody(Option<&'static str>);

impl Subject for Somebody {
    fn user_id(&self) -> Option<&str> {
        self.0
    }

    fn connection_id(&self) -> &str {
        "C1"
    }

    fn protocol(&self) -> Option<&str> {
        self.0.map(|_| "json.webpubsub.azure.v1")
    }

    fn is_in_group(&self, group: &str) -> bool {
        group == "g1"
    }
}

/// A filter holds or does not, or is refused at a place that it has.
pub fn filter(text: &str) {
    match Filter::parse(text) {
        Ok(filter) => {
            for user in [Some("Alice"), Some("é"), None] {
                filter.matches(&Somebody(user));
            }
        }
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.position), "{text}: {error}"),
    }
}

/// A message of the tunnel is a frame, which is written as the same frame, or an error.
pub fn tunnel(bytes: &[u8]) {
    if let Ok(Some(frame)) = decode_tunnel(&Bytes::copy_from_slice(bytes)) {
        let again = encode_tunnel(&frame);
        assert_eq!(decode_tunnel(&again).unwrap(), Some(frame));
    }
}

/// Messages of a live trace, a line each: each record is one or an error, whichever side it comes to, and a tracer that
/// reads them says no more than they are worth.
pub fn live_trace(text: &str) {
    let mut now = Duration::ZERO;
    let backoff =
        Backoff { mode: BackoffMode::Fixed, delay: Duration::from_secs(1), max_delay: Duration::from_secs(1) };
    let mut tracer = Tracer::new(Config {
        connect_timeout: Duration::from_secs(5),
        retries_until_connected: Retries::Limited(3),
        retries_once_connected: Retries::Unlimited,
        backoff,
        patience: Duration::from_secs(2),
        seed: 1,
    });
    tracer.handle_start(now);
    for message in text.split('\n') {
        let records: Vec<_> = signalr::records(message).collect();
        assert_eq!(records.len(), message.split_inclusive(SEPARATOR).count());
        for record in records.into_iter().flatten() {
            let _ = (signalr::parse(record), check_handshake(record), check_handshake_answer(record));
        }
        let mut said = 0;
        while let Some(output) = tracer.poll_output() {
            said += 1;
            assert!(said < 10_000 + text.len(), "it spins");
            match output {
                Output::Dial { .. } => tracer.handle_opened(now),
                Output::Trace(_)
                | Output::News(_)
                | Output::Send(_)
                | Output::CancelDial
                | Output::Close { .. }
                | Output::Abort
                | Output::Ended(_) => {}
            }
        }
        tracer.handle_text(now, message);
        now += Duration::from_millis(700);
        let mut turns = 0;
        while let Some(due) = tracer.poll_timeout().filter(|due| *due <= now) {
            turns += 1;
            assert!(turns < 1000, "it spins");
            tracer.handle_timeout(due);
        }
    }
    tracer.handle_stop(now);
    while tracer.poll_output().is_some() {}
    if let Some(due) = tracer.poll_timeout() {
        tracer.handle_timeout(due);
        while tracer.poll_output().is_some() {}
    }
    assert_eq!(tracer.poll_timeout(), None, "it does not end");
}
