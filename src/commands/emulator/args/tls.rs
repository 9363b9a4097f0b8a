//! https and wss in place of http and ws.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// What clients are shown.
#[derive(Debug, Args)]
pub struct TlsArgs {
    /// PEM file with a certificate and its issuers: serve only https and wss
    ///
    /// Certificate and key are read again when they change, without closing connections; an invalid new pair is
    /// reported and changes nothing. Clients must trust the certificate or its issuer: `wps listen --ca-cert FILE`.
    #[arg(long, value_name = "FILE", requires = "tls_key", value_hint = ValueHint::FilePath)]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the private key of --tls-cert, not encrypted
    #[arg(long, value_name = "FILE", requires = "tls_cert", value_hint = ValueHint::FilePath)]
    pub tls_key: Option<PathBuf>,
}
