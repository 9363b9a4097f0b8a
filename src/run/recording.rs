//! `--record` around a run: the file, who writes into it, and what it means when it cannot be written.

use std::future::pending;
use std::path::Path;

use super::context::{Surroundings, hub};
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::ConnectionSettings;
use crate::render::{Recording, WriteFailure, Writer};
use webpubsub_client::driver::CurrentUrl;
use webpubsub_client::event::Wiretap;

/// Makes the file, if one is wanted.
pub(super) fn create(connection: &ConnectionSettings) -> Result<Option<Writer>, Failure> {
    let path = connection.record.as_deref();
    path.map(|path| Recording::create(path).map_err(|error| failure(connection, error))).transpose()
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
pub(super) async fn fails(recording: Option<&Writer>) -> WriteFailure {
    match recording {
        Some(recording) => recording.failed().await,
        None => pending().await,
    }
}

/// That it could not be written.
pub(super) fn failure(connection: &ConnectionSettings, error: impl Into<anyhow::Error>) -> Failure {
    let path = connection.record.as_deref().unwrap_or(Path::new(""));
    let context = format!("could not write the recording `{}`", path.display());
    Failure::new(Kind::Output, error.into().context(context))
}
