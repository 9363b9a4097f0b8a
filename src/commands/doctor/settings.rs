//! `wps doctor`: where to connect, or why that cannot be made out, which is a finding rather than an end.

use std::time::Duration;

use super::args::DoctorArgs;
use crate::failure::{Failure, Kind};
use crate::options::connecting::args::ConnectingArgs;
use crate::options::connecting::settings::{ConnectionSettings, connection};
use crate::options::connection::args::SourceArgs;
use crate::options::environment::{Environment, Input};
use crate::options::names;
use crate::options::operation::args::RetryArgs;
use crate::options::output::args::OutputArgs;
use crate::options::output::settings::{OutputSettings, talk};
use crate::options::reconnect::args::{AttemptArgs, ReconnectArgs};
use crate::options::reconnect::settings::ReconnectPolicy;
use crate::options::recording::args::RecordArgs;
use crate::options::values::BackoffModeName;
use webpubsub_net::secret::Secret;
use webpubsub_proto::session::OnUnknown;

/// `wps doctor`.
#[derive(Clone, Debug, PartialEq)]
pub struct DoctorSettings {
    /// Where to connect, one attempt at everything.
    pub connection: Result<ConnectionSettings, SourceProblem>,
    /// Where the URL comes from, in words.
    pub origin: String,
    /// What stdout carries is `text` or `ndjson`.
    pub output: OutputSettings,
    /// The group to try; one of its own when absent.
    pub group: Option<String>,
}

/// A source that is missing, unreadable or malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceProblem {
    /// What is wrong with it, then the causes; never empty.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

/// What will be done. What is wrong with the command line is an error all the same.
pub fn settle(args: DoctorArgs, environment: &Environment, input: &mut dyn Input) -> Result<DoctorSettings, Failure> {
    check_group(&args)?;
    let output = output(&args, environment);
    let DoctorArgs { group, ack_timeout, talk: talk_args, connection: source, network, token, timeout, .. } = args;
    let format = output.format;
    let origin = origin(&source.source, environment);
    let connecting = ConnectingArgs {
        connection: source,
        network,
        token,
        reconnect: no_reconnect(),
        retry: no_retry(ack_timeout),
        output: OutputArgs { output: format, only: None, timestamps: false, talk: talk_args },
        record: RecordArgs { record: None },
        timeout,
    };
    let policy = ReconnectPolicy { keeps_on: false, rejoin: false, on_unknown: OnUnknown::Fail };
    let connection = match connection(connecting, policy, environment, input) {
        Ok(connection) => Ok(connection),
        Err(failure) => match environment.explain(failure) {
            failure if failure.kind == Kind::Config => Err(SourceProblem::from(failure)),
            failure => return Err(failure),
        },
    };
    Ok(DoctorSettings { connection, origin, output, group })
}

/// What will be done when it cannot even be made out what the source is.
pub fn without_source(
    args: DoctorArgs,
    failure: Failure,
    environment: &Environment,
) -> Result<DoctorSettings, Failure> {
    check_group(&args)?;
    let output = output(&args, environment);
    let connection = Err(SourceProblem::from(failure));
    Ok(DoctorSettings { connection, origin: String::new(), output, group: args.group })
}

fn check_group(args: &DoctorArgs) -> Result<(), Failure> {
    args.group.as_deref().map_or(Ok(()), |name| names::group("--group", name))
}

fn output(args: &DoctorArgs, environment: &Environment) -> OutputSettings {
    OutputSettings::report(args.output, talk(&args.talk, environment))
}

/// One attempt: what is examined is this connection, not the patience of the client. A silent service shows by itself.
fn no_reconnect() -> ReconnectArgs {
    ReconnectArgs {
        attempts: AttemptArgs {
            reconnect_retries: None,
            no_reconnect: true,
            reconnect_delay: None,
            reconnect_max_delay: None,
            reconnect_mode: BackoffModeName::Exponential,
        },
        ping_interval: Duration::ZERO,
        ping_timeout: Duration::ZERO,
    }
}

fn no_retry(ack_timeout: Duration) -> RetryArgs {
    RetryArgs {
        retries: 0,
        retry_delay: None,
        retry_max_delay: None,
        retry_mode: BackoffModeName::Exponential,
        ack_timeout,
    }
}

/// Where the URL comes from, and the profile that may have brought it.
fn origin(args: &SourceArgs, environment: &Environment) -> String {
    let source = source_of(args, environment);
    match (&args.key.profile, environment.get("WPS_PROFILE")) {
        (Some(profile), _) => format!("{source}, profile `{profile}`"),
        (None, Some(profile)) => format!("{source}, profile `{profile}` (`WPS_PROFILE`)"),
        (None, None) => source,
    }
}

/// Where the URL comes from, by the order in which sources are looked for.
fn source_of(args: &SourceArgs, environment: &Environment) -> String {
    let secret = |flag: &str, value: &Secret| match value.expose() {
        "-" => format!("`{flag}`, from standard input"),
        text => match text.strip_prefix('@') {
            Some(file) => format!("`{flag}`, from the file `{file}`"),
            None => format!("`{flag}`"),
        },
    };
    if let Some(url) = &args.url {
        return secret("--url", url);
    }
    if args.url_command.is_some() {
        return "`--url-command`".into();
    }
    if let Some(string) = &args.key.connection_string {
        return secret("--connection-string", string);
    }
    if args.endpoint.endpoint.is_some() {
        return "`--endpoint`".into();
    }
    if args.key.local.is_some() {
        return "`--local`".into();
    }
    let variables = ["WPS_URL", "WPS_CONNECTION_STRING", "WebPubSubConnectionString"];
    match variables.into_iter().find(|name| environment.get(name).is_some()) {
        Some(name) => format!("`{name}` of the environment"),
        None => String::new(),
    }
}

impl From<Failure> for SourceProblem {
    fn from(failure: Failure) -> Self {
        Self { causes: failure.error.chain().map(ToString::to_string).collect(), hints: failure.hints }
    }
}
