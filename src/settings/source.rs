//! Where to connect: the one source among flags and environment, read and checked.
//!
//! Flags go before the environment; two flags contradict each other. Wrong combinations of flags are usage errors,
//! values that are missing, unreadable or malformed are configuration errors.

use std::path::Path;
use std::time::Duration;

use url::Url;

use super::{Environment, Input, Source};
use crate::auth::access_url::{AccessUrl, AccessUrlError, Signer};
use crate::auth::connection_string::{ConnectionString, DEVELOPMENT_KEY};
use crate::cli::{ConnectionArgs, TokenArgs};
use crate::failure::{Failure, Kind};
use crate::protocol::{check_group_name, check_hub_name};
use crate::secret::Secret;

/// Roles of a token signed here, unless `--role` says otherwise (PROTOCOL §11).
const DEFAULT_ROLES: [&str; 2] = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

/// Hub of `--local` unless `--hub` says otherwise.
const DEFAULT_HUB: &str = "hub1";

/// How long tokens signed here are valid unless `--ttl` says otherwise (PROTOCOL §2.3).
const DEFAULT_TTL: Duration = Duration::from_secs(60 * 60);

/// Where a value came from, as errors name it, and the value.
struct Given<'a> {
    from: &'static str,
    value: &'a str,
}

/// The source that the flags or the environment name.
pub(super) fn resolve(
    args: &ConnectionArgs,
    token: &TokenArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<Source, Failure> {
    let flags = [
        ("--url", args.url.is_some()),
        ("--url-command", args.url_command.is_some()),
        ("--connection-string", args.connection_string.is_some()),
        ("--local", args.local.is_some()),
    ];
    let mut given = flags.iter().filter(|(_, given)| *given).map(|(name, _)| name);
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        let failure = Failure::message(Kind::Usage, format!("two sources to connect to: `{first}` and `{second}`"));
        return Err(failure.hint("give exactly one of `--url`, `--url-command`, `--connection-string` and `--local`"));
    }
    if let Some(url) = &args.url {
        return from_url("--url", &read("--url", url, input)?, token);
    }
    if let Some(command) = &args.url_command {
        refuse_token_flags("--url-command", token)?;
        if command.trim().is_empty() {
            return Err(Failure::message(Kind::Config, "`--url-command` is empty"));
        }
        return Ok(Source::Command(command.clone()));
    }
    if let Some(string) = &args.connection_string {
        let text = read("--connection-string", string, input)?;
        return from_connection_string("--connection-string", &text, token);
    }
    if let Some(port) = args.local {
        return local(port, token);
    }
    let variable = |from: &'static str| environment.get(from).map(|value| Given { from, value });
    if let Some(Given { from, value }) = variable("WPS_URL") {
        return from_url(from, &Secret::new(value.trim()), token);
    }
    if let Some(Given { from, value }) = variable("WPS_CONNECTION_STRING").or(variable("WebPubSubConnectionString")) {
        return from_connection_string(from, &Secret::new(value), token);
    }
    Err(Failure::message(Kind::Config, "nothing says where to connect")
        .hint("`--url URL` connects to a client access URL, `--connection-string S --hub H` to a service whose key you have")
        .hint("`--local` connects to the emulator on this machine (`wps emulator`)"))
}

/// Whether one of the connection flags takes standard input.
pub(super) fn takes_stdin(args: &ConnectionArgs) -> Option<&'static str> {
    let is_stdin = |value: &Option<Secret>| value.as_ref().is_some_and(|value| value.expose() == "-");
    if is_stdin(&args.url) {
        Some("--url")
    } else if is_stdin(&args.connection_string) {
        Some("--connection-string")
    } else {
        None
    }
}

/// The value itself, or what `-` or `@FILE` stands for, without blanks and line breaks around it.
pub(super) fn read(flag: &str, value: &Secret, input: &mut dyn Input) -> Result<Secret, Failure> {
    let (text, place) = match value.expose() {
        "-" => (input.stdin(), "standard input".to_owned()),
        text => match text.strip_prefix('@') {
            Some(file) => (input.file(Path::new(file)), format!("`{file}`")),
            None if text.is_empty() => return Err(Failure::message(Kind::Config, format!("`{flag}` is empty"))),
            None => return Ok(value.clone()),
        },
    };
    let text = text.map_err(|error| {
        let context = format!("could not read the value of `{flag}` from {place}");
        Failure::new(Kind::Config, anyhow::Error::new(error).context(context))
    })?;
    // Windows tools like to begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Failure::message(Kind::Config, format!("the value of `{flag}`, read from {place}, is empty")));
    }
    Ok(Secret::new(text))
}

/// What a URL brings along cannot be asked for.
fn refuse_token_flags(from: &str, token: &TokenArgs) -> Result<(), Failure> {
    let TokenArgs { hub, user, roles, initial_groups, ttl } = token;
    let flags = [
        ("--hub", hub.is_some()),
        ("--user", user.is_some()),
        ("--role", !roles.is_empty()),
        ("--initial-group", !initial_groups.is_empty()),
        ("--ttl", ttl.is_some()),
    ];
    if let Some((flag, _)) = flags.iter().find(|(_, given)| *given) {
        return Err(Failure::message(Kind::Usage, format!("`{flag}` does not go with `{from}`"))
            .hint("a client access URL brings hub and token along; `--connection-string` and `--local` make one"));
    }
    Ok(())
}

fn from_url(from: &str, text: &Secret, token: &TokenArgs) -> Result<Source, Failure> {
    refuse_token_flags(from, token)?;
    AccessUrl::parse(text.expose()).map(Source::Url).map_err(|error| {
        let hint = match &error {
            AccessUrlError::EmptyToken => {
                "was the variable with the token empty? leave `access_token` out to connect without one"
            }
            AccessUrlError::Blank => "quote the URL, and give it on one line",
            AccessUrlError::UserInfo => "the token goes into `access_token`",
            _ => "a client access URL looks like `wss://HOST/client/hubs/HUB?access_token=TOKEN`",
        };
        let context = format!("the client access URL in `{from}` is malformed");
        Failure::new(Kind::Config, anyhow::Error::new(error).context(context)).hint(hint)
    })
}

fn from_connection_string(from: &str, text: &Secret, token: &TokenArgs) -> Result<Source, Failure> {
    let parsed = ConnectionString::parse(text.expose()).map_err(|error| {
        let context = format!("the connection string in `{from}` is malformed");
        Failure::new(Kind::Config, anyhow::Error::new(error).context(context))
            .hint("it looks like `Endpoint=https://NAME.webpubsub.azure.com;AccessKey=KEY;Version=1.0;`")
            .hint("quote it: for the shell, `;` ends a command")
    })?;
    let hub = token.hub.clone().ok_or_else(|| {
        let failure = Failure::message(Kind::Usage, format!("`{from}` needs `--hub`"));
        failure.hint("a connection string names a service, and `--hub NAME` the hub on it")
    })?;
    Ok(Source::Signed(signer(parsed.endpoint, parsed.key, hub, token)?))
}

fn local(port: u16, token: &TokenArgs) -> Result<Source, Failure> {
    let endpoint =
        Url::parse(&format!("http://localhost:{port}")).map_err(|error| Failure::new(Kind::Internal, error))?;
    let hub = token.hub.clone().unwrap_or_else(|| DEFAULT_HUB.to_owned());
    Ok(Source::Local { port, signer: signer(endpoint, Secret::new(DEVELOPMENT_KEY), hub, token)? })
}

fn signer(endpoint: Url, key: Secret, hub: String, token: &TokenArgs) -> Result<Signer, Failure> {
    check_hub_name(&hub).map_err(|error| bad_name("--hub", error))?;
    for group in &token.initial_groups {
        check_group_name(group).map_err(|error| bad_name("--initial-group", error))?;
    }
    let roles = if token.roles.is_empty() { DEFAULT_ROLES.map(str::to_owned).to_vec() } else { token.roles.clone() };
    let groups = token.initial_groups.clone();
    Ok(Signer {
        endpoint,
        key,
        hub,
        user: token.user.clone(),
        roles,
        groups,
        ttl: token.ttl.unwrap_or(DEFAULT_TTL),
        not_before: None,
        claims: Vec::new(),
    })
}

/// A usage error about a name.
pub(super) fn bad_name(what: &str, error: crate::protocol::NameError) -> Failure {
    Failure::new(Kind::Usage, anyhow::Error::new(error).context(format!("the name in `{what}` is not valid")))
}
