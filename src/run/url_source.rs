//! From where a command connects to, to what obtains its URLs.

use std::sync::Arc;
use std::time::Duration;

use super::keyless::KeylessUrls;
use super::url_command::UrlCommandLine;
use crate::failure::Failure;
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::connection::settings::ConnectionSource;
use crate::options::network::settings::{NetworkSettings, TlsOptions};
use webpubsub_client::driver::UrlSource;

/// Where a source gets its URLs.
pub fn url_source(connection: &ConnectionSettings) -> Result<UrlSource, Failure> {
    let (network, tls) = (&connection.network, &connection.tls);
    url_source_over(&connection.source, network, tls, connection.session.connect_timeout)
}

/// The same of a command that has no connection.
pub fn url_source_over(
    source: &ConnectionSource,
    network: &NetworkSettings,
    tls: &TlsOptions,
    connect_timeout: Duration,
) -> Result<UrlSource, Failure> {
    Ok(match source {
        ConnectionSource::Url(url) => UrlSource::Fixed(url.clone()),
        ConnectionSource::Signed(signer) | ConnectionSource::Local { signer, .. } => UrlSource::Signed(signer.clone()),
        ConnectionSource::Command(command) => UrlSource::Provider(Arc::new(UrlCommandLine(command.clone()))),
        ConnectionSource::Keyless(keyless) => {
            UrlSource::Provider(Arc::new(KeylessUrls::new(keyless, network, tls, connect_timeout)?))
        }
    })
}
