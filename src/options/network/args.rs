//! Flags for the way to the service: proxies, addresses, certificates, headers.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::options::values::{Resolve, resolve, secret};
use webpubsub_net::secret::Secret;

/// The way to the service.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// Proxy to use, or `none`
    ///
    /// `http://`, `https://` or `socks5h://[USER:PASSWORD@]HOST[:PORT]`. `-` reads it from stdin, `@FILE` from a file.
    /// User and password are percent-encoded. The proxy resolves the name of the service, with `socks5://` too. As with
    /// curl, the port is 1080 unless given (443 for `https://`), and `HOST:PORT` alone is an `http://` proxy. Default:
    /// `HTTPS_PROXY` for `wss`, `HTTP_PROXY` for `ws`, else `ALL_PROXY`, unless `NO_PROXY` lists the host. --local
    /// never uses a proxy.
    #[arg(long, value_name = "URL|none", value_parser = secret)]
    pub proxy: Option<Secret>,

    /// Address to use instead of asking DNS, repeatable
    ///
    /// For this HOST and PORT only. IPv6 addresses are written in brackets; several addresses, separated by commas, are
    /// tried in turn. Certificates and the `Host` header are still those of HOST.
    #[arg(long, value_name = "HOST:PORT:ADDR", value_parser = resolve)]
    pub resolve: Vec<Resolve>,

    /// Header for the WebSocket handshake, repeatable
    ///
    /// `NAME: VALUE`; `@FILE` and `-` (stdin) hold one per line. It replaces a header that wps sends itself, such as
    /// `Host` or `User-Agent`. Headers of the handshake itself, such as `Upgrade` and `Sec-WebSocket-Key`, cannot be
    /// given. It is not sent to proxies.
    #[arg(long = "header", value_name = "HEADER", value_parser = secret)]
    pub headers: Vec<Secret>,

    /// PEM file of certificates to trust besides the platform's roots
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca_cert: Option<PathBuf>,

    /// Trust only --ca-cert, not the platform's roots
    #[arg(long, requires = "ca_cert")]
    pub no_system_roots: bool,

    /// PEM file with a client certificate and its chain
    ///
    /// For services that ask for one.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub client_cert: Option<PathBuf>,

    /// PEM file with the private key of --client-cert, not encrypted
    ///
    /// Default: the file of --client-cert.
    #[arg(long, value_name = "FILE", requires = "client_cert", value_hint = ValueHint::FilePath)]
    pub client_key: Option<PathBuf>,

    /// Accept any certificate; for tests only
    ///
    /// Anyone on the path can read and change everything.
    #[arg(long)]
    pub insecure: bool,
}
