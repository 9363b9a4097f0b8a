//! What any input has to do to the parsers of the binary: for coverage-guided fuzzing (`fuzz/`), which builds it as a
//! library with this as all that is public, and for the tests that spoil good inputs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use webpubsub_proto::session::{
    Backoff, BackoffMode, Config, DialRequest, Keep, OnUnknown, Output, Resume, Retries, Session,
};
use webpubsub_proto::{Codec, Unpacked, WireFrame};

use crate::options::environment::{Input, Note};

pub use crate::commands::repl::fuzz as repl_line;
pub use crate::commands::replay::fuzz as recording;

#[cfg(test)]
mod tests;

/// The file where the settings are, and no other.
struct OneFile<'a>(&'a str);

const CONFIG: &str = "/config.toml";

impl Input for OneFile<'_> {
    fn stdin(&mut self) -> io::Result<String> {
        Ok(String::new())
    }

    fn file(&mut self, path: &Path) -> io::Result<String> {
        if path == Path::new(CONFIG) { Ok(self.0.to_owned()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn config_file(&mut self) -> Option<PathBuf> {
        Some(CONFIG.into())
    }

    fn is_exposed(&mut self, _: &Path) -> bool {
        false
    }

    fn limit(&mut self, _: Option<Duration>) {}

    fn note(&mut self, _: Note) {}
}

/// A configuration file is read, or refused with a reason.
pub fn profiles(text: &str) {
    match crate::profile::check(&mut OneFile(text)) {
        Ok(checked) => assert!(!checked.report.is_empty(), "{text}"),
        Err(failure) => assert!(!failure.error.to_string().is_empty(), "{text}"),
    }
}

/// A session file is read, and written as what it was, or refused; and a session goes on with what it holds.
pub fn session_file(bytes: &[u8]) {
    let Some(record) = crate::state::fuzz::session_file(bytes) else { return };
    let backoff =
        Backoff { mode: BackoffMode::Fixed, delay: Duration::from_secs(1), max_delay: Duration::from_secs(1) };
    let codec = match record.place.as_ref().is_some_and(|place| place.protocol.starts_with("protobuf")) {
        true => Codec::Protobuf,
        false => Codec::Json,
    };
    let resume = Resume {
        snapshot: record.snapshot,
        done: record.progress.done,
        begun: record.progress.begun,
        downtime: Duration::from_secs(1),
        leave: Vec::new(),
    };
    let mut session = Session::new(Config {
        codec,
        reliable: true,
        connect_timeout: Duration::from_secs(5),
        retries_until_connected: Retries::Unlimited,
        retries_once_connected: Retries::Unlimited,
        renews_url: false,
        reconnect_backoff: backoff,
        rejoin: true,
        ping_interval: None,
        ping_timeout: None,
        operation_retries: 1,
        operation_backoff: backoff,
        ack_timeout: Duration::from_secs(5),
        stream_idle_timeout: Duration::from_secs(5),
        on_unknown: OnUnknown::Fail,
        keep: Some(Keep { resume: Some(resume), reserved: Some((1, 100)) }),
        seed: 1,
    });
    session.handle_start(Duration::ZERO);
    // One recovery, one fresh connection after it.
    for turn in 0..4_u64 {
        let now = Duration::from_secs(turn);
        let mut dialled = None;
        while let Some(output) = session.poll_output() {
            if let Output::Dial { request, .. } = output {
                dialled = Some(request);
            }
        }
        let _ = session.take_snapshot();
        if let Some(request) = dialled {
            session.handle_opened(now);
            let greeting = match request {
                DialRequest::Recover { .. } if turn == 0 => r#"{"type":"pong"}"#,
                DialRequest::Recover { .. } | DialRequest::Fresh => {
                    r#"{"type":"system","event":"connected","connectionId":"c9","reconnectionToken":"t"}"#
                }
            };
            session.handle_frame(now, WireFrame::Text(greeting), &mut Unpacked::default());
        }
        if turn == 1 {
            let message = r#"{"type":"message","from":"server","data":1,"sequenceId":18446744073709551615}"#;
            session.handle_frame(now, WireFrame::Text(message), &mut Unpacked::default());
        }
        session.handle_timeout(now);
    }
    session.handle_stop(Duration::from_secs(9));
    while session.poll_output().is_some() {}
}
