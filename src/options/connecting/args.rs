//! What every connecting command takes.

use clap::Args;

use crate::options::connection::args::{ConnectionArgs, TokenArgs};
use crate::options::network::args::NetworkArgs;
use crate::options::operation::args::RetryArgs;
use crate::options::output::args::{OutputArgs, TimeoutArgs};
use crate::options::reconnect::args::ReconnectArgs;
use crate::options::recording::args::RecordArgs;

/// What every connecting command takes.
#[derive(Debug, Args)]
pub struct ConnectingArgs {
    /// Where to connect.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The way to the service.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// What a token signed here says.
    #[command(flatten)]
    pub token: TokenArgs,
    /// How to stay connected.
    #[command(flatten)]
    pub reconnect: ReconnectArgs,
    /// Retries of operations.
    #[command(flatten)]
    pub retry: RetryArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What is recorded.
    #[command(flatten)]
    pub record: RecordArgs,
    /// When the run ends.
    #[command(flatten)]
    pub timeout: TimeoutArgs,
}
