//! `--record` around a run: the file, who writes into it, and what it means when it cannot be written.

use std::future::pending;
use std::path::Path;

use tokio::time::timeout;

use super::context::{Surroundings, hub};
use super::ending::LAST_WRITE;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::connecting::settings::ConnectionSettings;
use crate::render::{Recording, WriteFailure, Writer};
use webpubsub_client::driver::CurrentUrl;
use webpubsub_client::event::Wiretap;

/// Makes the file, if one is wanted.
pub(super) fn create(connection: &ConnectionSettings) -> Result<Option<Writer>, Failure> {
    let path = connection.record.as_deref();
    path.map(|path| Recording::create(path).or_fail_with(Kind::Output, || unwritable(Some(path)))).transpose()
}

/// Begins to record.
pub(super) fn begin(
    writer: &Writer,
    connection: &ConnectionSettings,
    surroundings: &Surroundings,
    url: CurrentUrl,
) -> Box<dyn Wiretap> {
    let shown = Box::new(move || url.get().map(|url| url.to_string()));
    let (hub, protocol) = (hub(connection), connection.protocol);
    let started = surroundings.started.into_std();
    Box::new(Recording::begin(writer.clone(), started, hub.as_deref(), protocol, shown))
}

/// Resolves when it cannot be written.
pub async fn fails(recording: Option<&Writer>) -> WriteFailure {
    match recording {
        Some(recording) => recording.failed().await,
        None => pending().await,
    }
}

/// What has become of it, once nothing more is recorded: the last record is to say what the exit code does. A file that
/// takes longer is not waited for here.
pub(super) async fn settled(recording: Option<&Writer>, path: Option<&Path>) -> Option<Failure> {
    let recording = recording?;
    let _ = timeout(LAST_WRITE, recording.drained()).await;
    recording.failure().map(|error| failure(path, error))
}

/// That what is recorded in that file could not be written.
pub fn failure(path: Option<&Path>, failure: WriteFailure) -> Failure {
    Failure::new(Kind::Output, failure.into_error()).context(unwritable(path))
}

/// The same in words.
pub fn unwritable(path: Option<&Path>) -> String {
    format!("could not write the recording `{}`", path.unwrap_or(Path::new("")).display())
}
