//! The commands, each with the structure of its flags.

use clap::{Args as _, Subcommand};

use crate::commands::bench::args::BenchArgs;
use crate::commands::completions::args::CompletionsArgs;
use crate::commands::config::args::ConfigArgs;
use crate::commands::doctor::args::DoctorArgs;
use crate::commands::emulator::args::EmulatorArgs;
use crate::commands::event::args::EventArgs;
use crate::commands::invoke::args::InvokeArgs;
use crate::commands::join::args::JoinArgs;
use crate::commands::listen::args::ListenArgs;
use crate::commands::man::args::ManArgs;
use crate::commands::ping::args::PingArgs;
use crate::commands::repl::args::ReplArgs;
use crate::commands::replay::args::ReplayArgs;
use crate::commands::schema::args::SchemaArgs;
use crate::commands::send::args::SendArgs;
use crate::commands::service::args::ServiceArgs;
use crate::commands::state::args::StateArgs;
use crate::commands::stream::args::StreamArgs;
use crate::commands::trace::args::TraceArgs;
use crate::commands::tunnel::args::TunnelArgs;
use crate::commands::url::args::UrlArgs;
use crate::commands::webhook::args::WebhookArgs;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what arrives: messages of the given groups, server messages, lifecycle events
    Listen(Box<ListenArgs>),
    /// Join groups, report each ack, and exit; --stay holds the membership
    Join(Box<JoinArgs>),
    /// Publish a message to a group
    Send(Box<SendArgs>),
    /// Send a custom event to the application server
    Event(Box<EventArgs>),
    /// Call the application server and print its answer
    Invoke(Box<InvokeArgs>),
    /// Publish stdin to a group as one stream, as it arrives
    Stream(Box<StreamArgs>),
    /// Join, send and look around by hand on one connection; also runs scripts
    Repl(Box<ReplArgs>),
    /// Send the messages of a recording again
    Replay(Box<ReplayArgs>),
    /// Measure round trips of a connection, with statistics
    Ping(Box<PingArgs>),
    /// Measure throughput, latency and losses through a group
    Bench(BenchArgs),
    /// Set your state in a group, and see those of its members
    State(StateArgs),
    /// Do what an application server does, through the REST API
    Service(ServiceArgs),
    /// Act as the service towards your event handler
    Webhook(WebhookArgs),
    /// Print the live trace of a resource, one line per event
    Trace(Box<TraceArgs>),
    /// Forward the events of a real hub to a server on this machine
    Tunnel(Box<TunnelArgs>),
    /// Check a connection step by step, and say what is wrong with it
    Doctor(Box<DoctorArgs>),
    /// Run a local Web PubSub service on this machine, for development and tests
    Emulator(Box<EmulatorArgs>),
    /// Make client access URLs, or explain them
    Url(UrlArgs),
    /// Manage profiles: named sets of flags in a configuration file
    Config(ConfigArgs),
    /// Print the JSON Schema of the records of -o ndjson
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Write the man pages
    Man(ManArgs),
}

/// Adds the flags of a command to it.
type AddFlags = fn(clap::Command) -> clap::Command;

/// The flags of each command, for a run that needs those of one.
const FLAGS: [(&str, AddFlags); 22] = [
    ("listen", ListenArgs::augment_args),
    ("join", JoinArgs::augment_args),
    ("send", SendArgs::augment_args),
    ("event", EventArgs::augment_args),
    ("invoke", InvokeArgs::augment_args),
    ("stream", StreamArgs::augment_args),
    ("repl", ReplArgs::augment_args),
    ("replay", ReplayArgs::augment_args),
    ("ping", PingArgs::augment_args),
    ("bench", BenchArgs::augment_args),
    ("state", StateArgs::augment_args),
    ("service", ServiceArgs::augment_args),
    ("webhook", WebhookArgs::augment_args),
    ("trace", TraceArgs::augment_args),
    ("tunnel", TunnelArgs::augment_args),
    ("doctor", DoctorArgs::augment_args),
    ("emulator", EmulatorArgs::augment_args),
    ("url", UrlArgs::augment_args),
    ("config", ConfigArgs::augment_args),
    ("schema", SchemaArgs::augment_args),
    ("completions", CompletionsArgs::augment_args),
    ("man", ManArgs::augment_args),
];

/// The command of this name with its flags, without its help.
pub(super) fn bare(name: &str) -> Option<clap::Command> {
    let (name, flags) = FLAGS.iter().find(|(known, _)| *known == name)?;
    Some(flags(clap::Command::new(*name)))
}
