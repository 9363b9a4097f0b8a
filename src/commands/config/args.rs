//! The flags of `wps config`.

use clap::{Args, Subcommand};

use crate::options::output::args::StderrArgs;

/// `wps config`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_long_help = include_str!("help.md"))]
pub struct ConfigArgs {
    /// Which of its commands.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// The commands of `wps config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the path of the configuration file, whether or not it exists
    Path(ConfigPathArgs),
    /// Write an initial configuration file, and print its path
    Init(ConfigInitArgs),
    /// Open the configuration file in an editor, and check it afterwards
    Edit(ConfigEditArgs),
    /// List the profiles, each with its kind of source and its hub
    List(ConfigListArgs),
    /// Print the effective settings of profile, environment and defaults, without secrets
    Show(ConfigShowArgs),
    /// Check every profile: names, types, and whether files it refers to can be read
    Check(ConfigCheckArgs),
}

/// `wps config path`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("path.md"))]
pub struct ConfigPathArgs {
    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}

/// `wps config init`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("init.md"))]
pub struct ConfigInitArgs {
    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}

/// `wps config edit`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("edit.md"))]
pub struct ConfigEditArgs {
    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}

/// `wps config list`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("list.md"))]
pub struct ConfigListArgs {
    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}

/// `wps config show`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("show.md"))]
pub struct ConfigShowArgs {
    /// Profile to show [default: `WPS_PROFILE`, else none]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}

/// `wps config check`.
#[derive(Debug, Args)]
#[command(after_long_help = include_str!("check.md"))]
pub struct ConfigCheckArgs {
    /// What to say on stderr.
    #[command(flatten)]
    pub talk: StderrArgs,
}
