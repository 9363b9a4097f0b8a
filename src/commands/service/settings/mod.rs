//! What `wps service` will do: which operation, on which service, and how often it is tried.

pub mod operation;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use webpubsub_proto::Codec;
use webpubsub_proto::session::OnUnknown;

use self::operation::{GroupMember, PermissionVerb, ServiceOperation, ServiceTarget};
use super::args::{
    CloseArgs, ClosingArgs, CommonArgs, ConnectionsArgs, ExistsArgs, GrantArgs, GroupAction, GroupArgs, GroupingArgs,
    HealthArgs, MembersArgs, PermissionAction, PermissionArgs, PermissionName, PresenceArgs, ServiceSendArgs, ToArgs,
};
use crate::failure::{Failure, Kind};
use crate::options::connection::args::TokenArgs;
use crate::options::connection::settings::{ConnectionSource, resolve_service, warn_if_exposed};
use crate::options::data::args::MetadataArgs;
use crate::options::data::payload::{DataFrom, PayloadSource, PayloadType};
use crate::options::data::settings::{metadata, payload_type};
use crate::options::environment::{Environment, Input};
use crate::options::hints::hint_at_comma;
use crate::options::names;
use crate::options::network::settings::{self as network, NetworkSettings, TlsOptions, tls};
use crate::options::operation::settings::on_unknown;
use crate::options::output::settings::OutputSettings;
use crate::options::requests::settings::{RequestSettings, patience};
use crate::options::stdin;
use crate::options::values::DataType;
use webpubsub_proto::filter::Filter;

/// A command of `wps service`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSettings {
    /// Where the service is, and what opens it.
    pub source: ConnectionSource,
    /// The way there.
    pub network: NetworkSettings,
    /// How the server is authenticated.
    pub tls: TlsOptions,
    /// How long and how often.
    pub patience: RequestSettings,
    /// What becomes of a message without an answer.
    pub on_unknown: OnUnknown,
    /// What is printed: text or records.
    pub output: OutputSettings,
    /// `--timeout`, from the start of the process.
    pub timeout: Option<Duration>,
    /// What is to be done.
    pub task: ServiceTask,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceTask {
    /// One operation without data.
    One(ServiceOperation),
    /// A message.
    Send(ServiceOperation, PayloadSource),
    /// A message a line of stdin.
    Lines(ServiceOperation, Lines),
    /// All pages of a list.
    List {
        group: String,
        /// How many at most.
        limit: Option<u32>,
    },
    /// Whether a connection is in a group.
    Member { connection: String, group: String },
}

impl ServiceTask {
    /// The group that it names in any way.
    fn names_group(&self) -> Option<&str> {
        match self {
            Self::One(operation) | Self::Send(operation, _) | Self::Lines(operation, _) => operation.names_group(),
            Self::List { group, .. } | Self::Member { group, .. } => Some(group),
        }
    }
}

/// How lines are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// What each is.
    pub data_type: PayloadType,
    /// How many at once, at least 1.
    pub in_flight: usize,
    /// Go on after one that fails.
    pub keep_going: bool,
    /// From one to the next.
    pub interval: Option<Duration>,
}

/// Longest life of a message that has not arrived (PROTOCOL §12).
const LONGEST_TTL: Duration = Duration::from_secs(300);

/// `wps service send`.
pub fn send(
    args: ServiceSendArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<ServiceSettings, Failure> {
    let ServiceSendArgs { data, input: data_args, .. } = args;
    let operation = message(args.to, args.metadata, data_args.data_type)?;
    // What is sent has no frame here.
    let data_type = payload_type(Codec::Json, &data_args)?;
    let takers = stdin_takers(&args.common);
    let task = if args.lines {
        stdin::refuse_beside(&takers, "`--lines`", None)?;
        let in_flight = usize::from(args.in_flight.unwrap_or(1));
        let lines = Lines { data_type, in_flight, keep_going: args.keep_going, interval: args.rate };
        ServiceTask::Lines(operation, lines)
    } else {
        let from = match (data, data_args.file) {
            (Some(dash), None) if dash == "-" => DataFrom::Stdin,
            (Some(text), None) => DataFrom::Argument(text),
            (None, Some(file)) => DataFrom::File(file),
            // Clap refuses both.
            (None, None) | (Some(_), Some(_)) => {
                return Err(Failure::message(Kind::Usage, "no data given")
                    .hint("give DATA, `-` or `--lines` to take it from standard input, or `--file F`"));
            }
        };
        if from == DataFrom::Stdin {
            stdin::refuse_beside(&takers, "DATA `-`", Some("--file F"))?;
        }
        ServiceTask::Send(operation, PayloadSource { from, data_type, framing: None })
    };
    let unknown = on_unknown(args.unknown.on_unknown);
    settle(args.common, (task, unknown), environment, input)
}

/// A message to somebody.
pub fn message(to: ToArgs, metadata: MetadataArgs, data_type: DataType) -> Result<ServiceOperation, Failure> {
    let ToArgs { all, group, user, connection, filter, exclude, message_ttl } = to;
    let headers = metadata_headers(metadata)?;
    let to = target("send to", Besides::All(all), group, user, connection)?;
    let is_one = matches!(to, ServiceTarget::Connection(_));
    refuse(is_one && filter.is_some(), "--filter", "--connection", "one connection needs no choice")?;
    let takes_excluded = matches!(to, ServiceTarget::All | ServiceTarget::Group(_));
    let of = if is_one { "--connection" } else { "--user" };
    refuse(!takes_excluded && !exclude.is_empty(), "--exclude", of, "it goes with `--all` and `--group`")?;
    check_filter(filter.as_deref())?;
    let ttl = message_ttl.map(whole_seconds).transpose()?;
    if data_type == DataType::Protobuf {
        let failure = Failure::message(Kind::Usage, "the service takes no `--type protobuf` from servers");
        return Err(failure.blame("--type").hint("`--type binary` sends the bytes"));
    }
    Ok(ServiceOperation::Send { to, filter, excluded: exclude, ttl, headers })
}

/// Metadata as the headers that they are over HTTP (PROTOCOL §4.5).
fn metadata_headers(args: MetadataArgs) -> Result<HeaderMap, Failure> {
    let bad = |key: &str| {
        let what = format!(
            "`--metadata`: the value of `{key}` cannot stand in an HTTP header: it has a control character, or a blank at \
             an end"
        );
        Failure::message(Kind::Usage, what).blame("--metadata")
    };
    let pairs = args.metadata.clone();
    // The rules that hold everywhere.
    metadata(args)?;
    let mut headers = HeaderMap::new();
    for (key, value) in pairs {
        let name = format!("x-webpubsub-metadata-{}", key.to_ascii_lowercase());
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(&key))?;
        let shown = value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && value.trim() == value;
        let value = HeaderValue::from_str(&value).ok().filter(|_| shown).ok_or_else(|| bad(&key))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// `wps service connections`.
pub fn connections(
    args: ConnectionsArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<ServiceSettings, Failure> {
    settle(args.common, (members(args.what)?, OnUnknown::Resend), environment, input)
}

/// A list of connections.
pub fn members(args: MembersArgs) -> Result<ServiceTask, Failure> {
    check_group(Some(&args.group), "--group")?;
    Ok(ServiceTask::List { group: args.group, limit: args.limit })
}

/// `wps service exists`.
pub fn exists(args: ExistsArgs, environment: &Environment, input: &mut dyn Input) -> Result<ServiceSettings, Failure> {
    settle(args.common, (presence(args.what)?, OnUnknown::Resend), environment, input)
}

/// Whether somebody is there.
pub fn presence(args: PresenceArgs) -> Result<ServiceTask, Failure> {
    if let Some(member) = args.member {
        let other = args.connection.as_ref().map(|_| "--connection").or(args.user.as_ref().map(|_| "--user"));
        if let Some(other) = other {
            refuse(true, other, "--member", "`--member C --group G` is the whole question")?;
        }
        check_group(args.group.as_deref(), "--group")?;
        refuse_dots(Some(&member))?;
        return Ok(ServiceTask::Member { connection: member, group: args.group.unwrap_or_default() });
    }
    let target = target("look for", Besides::Member, args.group, args.user, args.connection)?;
    Ok(ServiceTask::One(ServiceOperation::Exists(target)))
}

/// `wps service close`.
pub fn close(args: CloseArgs, environment: &Environment, input: &mut dyn Input) -> Result<ServiceSettings, Failure> {
    settle(args.common, (closing(args.what)?, OnUnknown::Resend), environment, input)
}

/// Connections are to end.
pub fn closing(args: ClosingArgs) -> Result<ServiceTask, Failure> {
    let target = target("close", Besides::All(args.all), args.group, args.user, args.connection)?;
    let is_one = matches!(target, ServiceTarget::Connection(_));
    refuse(is_one && !args.exclude.is_empty(), "--exclude", "--connection", "one connection needs no choice")?;
    Ok(ServiceTask::One(ServiceOperation::Close { target, reason: args.reason, excluded: args.exclude }))
}

/// `wps service group`.
pub fn group(args: GroupArgs, environment: &Environment, input: &mut dyn Input) -> Result<ServiceSettings, Failure> {
    settle(args.common, (grouping(args.what)?, OnUnknown::Resend), environment, input)
}

/// Who is to be in a group, and who not.
pub fn grouping(args: GroupingArgs) -> Result<ServiceTask, Failure> {
    let GroupingArgs { action, group, connection, user, filter } = args;
    check_group(group.as_deref(), "GROUP")?;
    check_filter(filter.as_deref())?;
    let group = match (action, group) {
        (GroupAction::Add | GroupAction::Remove, None) => {
            let failure = Failure::message(Kind::Usage, "missing: `GROUP`");
            return Err(failure.hint("`remove-all` removes from all groups"));
        }
        (GroupAction::RemoveAll, Some(group)) => {
            let what = format!("`remove-all` takes no group, and `{group}` is one");
            return Err(Failure::message(Kind::Usage, what).hint("`remove GROUP` removes from one group"));
        }
        (_, group) => group,
    };
    let given = [("--connection", connection.is_some()), ("--user", user.is_some()), ("--filter", filter.is_some())];
    exactly_one("whom", &given, "")?;
    refuse_dots(user.as_deref().or(connection.as_deref()))?;
    refuse(
        action == GroupAction::RemoveAll && filter.is_some(),
        "--filter",
        "remove-all",
        "`remove GROUP --filter ODATA` removes from one group",
    )?;
    let operation = match (connection.map(GroupMember::Connection).or(user.map(GroupMember::User)), filter) {
        (Some(member), _) => match action {
            GroupAction::Add => ServiceOperation::Add { member, group: group.unwrap_or_default() },
            GroupAction::Remove | GroupAction::RemoveAll => ServiceOperation::Remove { member, group },
        },
        (None, filter) => {
            let (add, filter) = (action == GroupAction::Add, filter.unwrap_or_default());
            ServiceOperation::Change { add, group: group.unwrap_or_default(), filter }
        }
    };
    Ok(ServiceTask::One(operation))
}

/// `wps service permission`.
pub fn permission(
    args: PermissionArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<ServiceSettings, Failure> {
    settle(args.common, (granting(args.what)?, OnUnknown::Resend), environment, input)
}

/// What a connection is to be allowed, or whether it is.
pub fn granting(args: GrantArgs) -> Result<ServiceTask, Failure> {
    check_group(args.group.as_deref(), "--group")?;
    refuse_dots(Some(&args.connection))?;
    let operation = ServiceOperation::Permission {
        verb: match args.action {
            PermissionAction::Grant => PermissionVerb::Grant,
            PermissionAction::Revoke => PermissionVerb::Revoke,
            PermissionAction::Check => PermissionVerb::Check,
        },
        permission: match args.permission {
            PermissionName::JoinLeaveGroup => "joinLeaveGroup",
            PermissionName::SendToGroup => "sendToGroup",
        },
        connection: args.connection,
        group: args.group,
    };
    Ok(ServiceTask::One(operation))
}

/// `wps service health`.
pub fn health(
    mut args: HealthArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<ServiceSettings, Failure> {
    // It is the whole service that is asked.
    args.common.hub.get_or_insert_with(|| "unused".to_owned());
    settle(args.common, (ServiceTask::One(ServiceOperation::Health), OnUnknown::Resend), environment, input)
}

fn settle(
    args: CommonArgs,
    (task, on_unknown): (ServiceTask, OnUnknown),
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<ServiceSettings, Failure> {
    stdin::refuse_two(&stdin_takers(&args))?;
    task.names_group().into_iter().for_each(|group| hint_at_comma(group, input));
    input.limit(args.report.timeout.timeout);
    let patience = patience(&args.requests)?;
    let timeout = args.report.timeout.timeout;
    let output = OutputSettings::of_report(args.report, environment)?;
    let token = TokenArgs { hub: args.hub, user: None, roles: Vec::new(), initial_groups: Vec::new(), ttl: None };
    let source = resolve_service((&args.key, &args.endpoint), &token, environment, input)?;
    let tls = tls(&args.network);
    if let Some((_, key)) = &tls.client_cert {
        warn_if_exposed(key, input);
    }
    let network = network::settle(args.network, &source, environment, input)?;
    Ok(ServiceSettings { source, network, tls, patience, on_unknown, output, timeout, task })
}

fn stdin_takers(args: &CommonArgs) -> Vec<&'static str> {
    stdin::takers_of(None, args.key.connection_string.as_ref(), Some(&args.network))
}

/// What may be given in place of a group, a user and a connection.
enum Besides {
    /// `--all`, and whether it is.
    All(bool),
    /// `--member`, which was not given.
    Member,
}

/// The one target that is given.
fn target(
    what: &str,
    besides: Besides,
    group: Option<String>,
    user: Option<String>,
    connection: Option<String>,
) -> Result<ServiceTarget, Failure> {
    let mut given =
        vec![("--group", group.is_some()), ("--user", user.is_some()), ("--connection", connection.is_some())];
    let besides = match besides {
        Besides::All(all) => {
            given.insert(0, ("--all", all));
            ""
        }
        Besides::Member => ", or `--member` with `--group`",
    };
    exactly_one(&format!("whom to {what}"), &given, besides)?;
    refuse_dots(user.as_deref().or(connection.as_deref()))?;
    check_group(group.as_deref(), "--group")?;
    let some =
        group.map(ServiceTarget::Group).or(user.map(ServiceTarget::User)).or(connection.map(ServiceTarget::Connection));
    Ok(some.unwrap_or(ServiceTarget::All))
}

/// Such a name is a way up in a path, however it is encoded: whoever normalises the path would ask about all of the hub.
fn refuse_dots(name: Option<&str>) -> Result<(), Failure> {
    let Some(name) = name.filter(|name| matches!(*name, "." | "..")) else { return Ok(()) };
    let what = format!("`{name}` cannot be named in a request: servers take it for a way up in the path");
    Err(Failure::message(Kind::Usage, what))
}

/// Refuses none of them, and more than one; `besides` is what could be given in their place.
fn exactly_one(what: &str, flags: &[(&str, bool)], besides: &str) -> Result<(), Failure> {
    let names: Vec<String> = flags.iter().map(|(name, _)| format!("`{name}`")).collect();
    let (last, first) =
        names.split_last().map_or((String::new(), String::new()), |(last, first)| (last.clone(), first.join(", ")));
    let given: Vec<&str> = flags.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    match given.as_slice() {
        [_] => Ok(()),
        [] => Err(Failure::message(Kind::Usage, format!("nothing says {what}"))
            .hint(format!("give one of {first} and {last}{besides}"))),
        [one, other, ..] => Err(Failure::message(Kind::Usage, format!("`{one}` and `{other}` exclude each other"))
            .blame(one)
            .blame(other)
            .hint(format!("give one of {first} and {last}{besides}"))),
    }
}

/// Refuses a flag that does not go with another argument.
fn refuse(given: bool, flag: &str, other: &str, hint: &str) -> Result<(), Failure> {
    if !given {
        return Ok(());
    }
    let failure = Failure::message(Kind::Usage, format!("`{flag}` does not go with `{other}`"));
    Err(failure.blame(flag).blame(other).hint(hint))
}

fn check_group(group: Option<&str>, what: &str) -> Result<(), Failure> {
    group.map_or(Ok(()), |name| names::group(what, name))?;
    refuse_dots(group)
}

/// By the grammar that the emulator has, so that a slip is told before anything is sent.
fn check_filter(filter: Option<&str>) -> Result<(), Failure> {
    let Some(text) = filter else { return Ok(()) };
    let Err(error) = Filter::parse(text) else { return Ok(()) };
    let what = "the filter in `--filter` cannot be understood";
    let failure = Failure::new(Kind::Usage, error).context(what).blame("--filter");
    Err(failure.hint("a filter is OData: `userId eq 'alice'`, `'g1' in groups and userId ne null`"))
}

/// The service counts in seconds.
fn whole_seconds(ttl: Duration) -> Result<Duration, Failure> {
    if ttl > LONGEST_TTL {
        let what = "`--message-ttl` is longer than the service keeps a message";
        return Err(Failure::message(Kind::Usage, what).blame("--message-ttl").hint("300s is the longest"));
    }
    if ttl.subsec_nanos() != 0 {
        let what = "`--message-ttl` is not a whole number of seconds";
        return Err(Failure::message(Kind::Usage, what).blame("--message-ttl").hint("the service counts in seconds"));
    }
    Ok(ttl)
}
