//! Where to connect: the one source among flags and environment, read and checked.
//!
//! Flags override the environment; two flags contradict each other. Wrong combinations of flags are usage errors,
//! values that are missing, unreadable or malformed are configuration errors.

use std::path::Path;
use std::time::Duration;

use url::Url;

use super::args::{EndpointArgs, KeyArgs, SourceArgs, TokenArgs};
use super::identity::{self, KeylessService};
use super::roles;
use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};
use crate::options::environment::{Environment, Input, Note};
use crate::options::hints::{hint_at_commas, hint_at_secret};
use crate::options::names;
use webpubsub_net::auth::access_url::{AccessUrl, AccessUrlError, Signer};
use webpubsub_net::auth::connection_string::{
    ConnectionString, ConnectionStringError, DEVELOPMENT_KEY, check_access_key,
};
use webpubsub_net::secret::{self, Secret};

/// Where a client access URL comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionSource {
    /// Given whole; the same for every connection.
    Url(AccessUrl),
    /// Signed here, a fresh one for each fresh connection.
    Signed(Signer),
    /// Printed by this shell command, which is run for each fresh connection.
    Command(String),
    /// Made by the service for an identity, a fresh one for each fresh connection.
    Keyless(KeylessService),
    /// The emulator on this machine, at `localhost` and this port.
    Local {
        /// 1 to 65535.
        port: u16,
        /// Signs with the published development key.
        signer: Signer,
    },
}

/// Roles of a token signed here, unless `--role` says otherwise (PROTOCOL §11).
const DEFAULT_ROLES: [&str; 2] = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup"];

/// Roles besides those for whoever says something of itself to a group, or is told (PROTOCOL §11).
const STATE_ROLES: [&str; 2] = ["webpubsub.setGroupState", "webpubsub.getGroupState"];

impl ConnectionSource {
    /// A token that is made for this run has the roles for group states, too.
    pub fn allow_states(&mut self) {
        let roles = match self {
            Self::Signed(signer) | Self::Local { signer, .. } => &mut signer.roles,
            Self::Keyless(keyless) => &mut keyless.roles,
            Self::Url(_) | Self::Command(_) => return,
        };
        roles.extend(STATE_ROLES.map(str::to_owned));
    }
}

/// Hub of `--local` unless `--hub` says otherwise.
const DEFAULT_HUB: &str = "hub1";

/// How long tokens signed here are valid unless `--ttl` says otherwise (PROTOCOL §2.3).
const DEFAULT_TTL: Duration = Duration::from_secs(60 * 60);

/// The source that the flags or the environment name.
pub fn resolve(
    args: &SourceArgs,
    token: &TokenArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<ConnectionSource, Failure> {
    let flags = [
        ("--url", args.url.is_some()),
        ("--url-command", args.url_command.is_some()),
        ("--connection-string", args.key.connection_string.is_some()),
        ("--endpoint", args.endpoint.endpoint.is_some()),
        ("--local", args.key.local.is_some()),
    ];
    let mut given = flags.iter().filter(|(_, given)| *given).map(|(name, _)| name);
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        let failure = Failure::message(Kind::Usage, format!("two sources to connect to: `{first}` and `{second}`"))
            .blame(first)
            .blame(second);
        return Err(failure
            .hint("give exactly one of `--url`, `--url-command`, `--connection-string`, `--endpoint` and `--local`"));
    }
    let keyless = keyless(&args.endpoint, token, environment, input)?;
    if let Some(keyless) = keyless {
        look_at_token(token, input);
        return Ok(ConnectionSource::Keyless(keyless));
    }
    if let Some(url) = &args.url {
        return from_url("--url", &read("--url", url, input)?, Some(token));
    }
    if let Some(command) = &args.url_command {
        refuse_token_flags("--url-command", token)?;
        if command.trim().is_empty() {
            return Err(Failure::message(Kind::Config, "`--url-command` is empty").blame("--url-command"));
        }
        hint_at_secret("--url-command", command, "let the command read it from a file", input);
        return Ok(ConnectionSource::Command(command.clone()));
    }
    if let Some(source) = key(&args.key, token, input)? {
        look_at_token(token, input);
        return Ok(source);
    }
    if let Some(value) = environment.get("WPS_URL") {
        let source = from_url("WPS_URL", &Secret::new(value.trim()), Some(token));
        return source.map_err(|failure| literal_hint("WPS_URL", value, failure));
    }
    if let Some(source) = key_of_environment(token, environment)? {
        look_at_token(token, input);
        return Ok(source);
    }
    Err(Failure::message(Kind::Config, "nothing says where to connect")
        .hint("`--url URL` connects to a client access URL, `--connection-string S --hub H` to a service whose key you have")
        .hint("`--endpoint URL --hub H` connects to a service by your Entra identity")
        .hint("`--local` connects to the emulator on this machine (`wps emulator`)"))
}

/// How the service counts how long a token is valid: in minutes, of which there is one at least.
pub fn minutes(ttl: Duration) -> u64 {
    let begun = u64::from(ttl.subsec_nanos() > 0);
    (ttl.as_secs() + begun).div_ceil(60).max(1)
}

/// The service that an identity opens, if one is given.
fn keyless(
    args: &EndpointArgs,
    token: &TokenArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<Option<KeylessService>, Failure> {
    let Some((endpoint, identities)) = identity::endpoint(args, environment, input)? else { return Ok(None) };
    let hub = token.hub.clone().ok_or_else(|| {
        let failure = Failure::message(Kind::Usage, "`--endpoint` needs `--hub`").blame("--endpoint").blame("--hub");
        failure.hint("an address names a service, and `--hub NAME` the hub on it")
    })?;
    let Signer { endpoint, hub, user, roles, groups, ttl, .. } = signer(endpoint, Secret::new(""), hub, token)?;
    if ttl.subsec_nanos() > 0 || !ttl.as_secs().is_multiple_of(60) {
        let minutes = minutes(ttl);
        input.note(Note::Warning(format!(
            "with `--endpoint`, `--ttl` has whole minutes: tokens are valid for {minutes}m"
        )));
    }
    Ok(Some(KeylessService { endpoint, hub, user, roles, groups, ttl, identities }))
}

/// The service whose key the flags or the environment name.
pub fn resolve_key(
    args: &KeyArgs,
    token: &TokenArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<Signer, Failure> {
    if args.connection_string.is_some() && args.local.is_some() {
        let failure = Failure::message(Kind::Usage, "two sources of a key: `--connection-string` and `--local`")
            .blame("--connection-string")
            .blame("--local");
        return Err(failure.hint("give one of them"));
    }
    match key(args, token, input)?.map_or_else(|| key_of_environment(token, environment), |source| Ok(Some(source)))? {
        Some(ConnectionSource::Signed(signer) | ConnectionSource::Local { signer, .. }) => {
            look_at_token(token, input);
            Ok(signer)
        }
        Some(ConnectionSource::Url(_) | ConnectionSource::Command(_) | ConnectionSource::Keyless(_)) | None => Err(Failure::message(
            Kind::Config,
            "nothing brings a key to sign with",
        )
        .hint("`--connection-string S --hub H` names a service with its key, `--local` the emulator on this machine")
        .hint("`--endpoint URL --hub H` lets the service make the token, for your Entra identity")),
    }
}

/// What makes client tokens: a key that the flags or the environment name, or the service itself, for an identity.
pub fn resolve_maker(
    (args, endpoint): (&KeyArgs, &EndpointArgs),
    token: &TokenArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<ConnectionSource, Failure> {
    let keys = [("--connection-string", args.connection_string.is_some()), ("--local", args.local.is_some())];
    if endpoint.endpoint.is_some()
        && let Some((flag, _)) = keys.iter().find(|(_, given)| *given)
    {
        let failure = Failure::message(Kind::Usage, format!("two makers of a token: `{flag}` and `--endpoint`"));
        return Err(failure.blame(flag).blame("--endpoint").hint("give one of them"));
    }
    if let Some(keyless) = keyless(endpoint, token, environment, input)? {
        look_at_token(token, input);
        return Ok(ConnectionSource::Keyless(keyless));
    }
    resolve_key(args, token, environment, input).map(ConnectionSource::Signed)
}

/// The service that application servers talk to, with what opens it. Of `token` the hub alone counts.
pub fn resolve_service(
    (args, endpoint): (&KeyArgs, &EndpointArgs),
    token: &TokenArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<ConnectionSource, Failure> {
    let flags = [
        ("--connection-string", args.connection_string.is_some()),
        ("--endpoint", endpoint.endpoint.is_some()),
        ("--local", args.local.is_some()),
    ];
    let mut given = flags.iter().filter(|(_, given)| *given).map(|(name, _)| name);
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        let failure = Failure::message(Kind::Usage, format!("two services: `{first}` and `{second}`"));
        return Err(failure.blame(first).blame(second).hint("give one of them"));
    }
    if let Some(keyless) = keyless(endpoint, token, environment, input)? {
        return Ok(ConnectionSource::Keyless(keyless));
    }
    match key(args, token, input)?.map_or_else(|| key_of_environment(token, environment), |source| Ok(Some(source)))? {
        Some(source) => Ok(source),
        None => Err(Failure::message(Kind::Config, "nothing says which service").hint(
            "`--connection-string S --hub H` names a service with its key, `--endpoint URL --hub H` one that your identity \
             opens, `--local` the emulator on this machine",
        )),
    }
}

/// Says which roles and groups will not do what they are probably for. They are signed all the same: the service decides.
fn look_at_token(token: &TokenArgs, input: &mut dyn Input) {
    hint_at_commas(&token.initial_groups, "--initial-group ", input);
    token.roles.iter().filter_map(|role| roles::warning(role)).for_each(|text| input.note(Note::Warning(text)));
}

fn key(args: &KeyArgs, token: &TokenArgs, input: &mut dyn Input) -> Result<Option<ConnectionSource>, Failure> {
    if let Some(string) = &args.connection_string {
        let text = read("--connection-string", string, input)?;
        return from_connection_string("--connection-string", &text, token).map(Some);
    }
    args.local.map(|port| local(port, token)).transpose()
}

fn key_of_environment(token: &TokenArgs, environment: &Environment) -> Result<Option<ConnectionSource>, Failure> {
    let variable = |from: &'static str| environment.get(from).map(|value| (from, Secret::new(value)));
    let string = variable("WPS_CONNECTION_STRING").or(variable("WebPubSubConnectionString"));
    let source = |(from, text): (&str, Secret)| {
        from_connection_string(from, &text, token).map_err(|failure| literal_hint(from, text.expose(), failure))
    };
    string.map(source).transpose()
}

/// Explains a variable whose value would stand for something else were it a flag's.
pub fn literal_hint(variable: &str, value: &str, mut failure: Failure) -> Failure {
    let value = value.trim();
    let instead = match variable {
        "WPS_URL" => "--url",
        "WPS_CONNECTION_STRING" | "WebPubSubConnectionString" => "--connection-string",
        _ => "--proxy",
    };
    if value == "-" {
        failure.hints = vec![format!("a variable's value is taken as it is: `{instead} -` reads standard input")];
    } else if value.starts_with('@') {
        failure.hints = vec![format!("a variable's value is taken as it is: `{instead} @FILE` reads a file")];
    }
    failure
}

/// The value itself, or what `-` or `@FILE` stands for, without blanks and line breaks around it.
pub fn read(flag: &str, value: &Secret, input: &mut dyn Input) -> Result<Secret, Failure> {
    let text = read_lines(flag, value, input)?;
    let is_literal = text == *value;
    Ok(if is_literal { text } else { Secret::new(text.expose().trim()) })
}

/// The access key that a flag brings, in one of these ways.
pub fn access_key(flag: &str, value: &Secret, input: &mut dyn Input) -> Result<Secret, Failure> {
    let key = read(flag, value, input)?;
    let (kind, place) = match (value.expose(), value.expose().strip_prefix('@')) {
        ("-", _) => (Kind::Config, format!("standard input, read for `{flag}`,")),
        (_, Some(file)) => (Kind::Config, format!("`{file}`, named by `{flag}`,")),
        (_, None) => (Kind::Usage, format!("`{flag}`")),
    };
    check_key(&key, kind, &place).blame(flag)?;
    Ok(key)
}

/// Refuses a key from that place which no connection string can hold.
pub fn check_key(key: &Secret, kind: Kind, place: &str) -> Result<(), Failure> {
    check_access_key(key.expose())
        .map_err(|error| Failure::message(kind, format!("the access key in {place} cannot be used: {error}")))
}

/// The same as it stands there, line breaks and all.
pub fn read_lines(flag: &str, value: &Secret, input: &mut dyn Input) -> Result<Secret, Failure> {
    let (text, place) = match value.expose() {
        "-" => (input.stdin(), "standard input".to_owned()),
        text => match text.strip_prefix('@') {
            Some(file) => {
                let path = Path::new(file);
                warn_if_exposed(path, input);
                (input.file(path), format!("`{file}`"))
            }
            None if text.is_empty() => {
                let failure = Failure::message(Kind::Config, format!("the value of `{flag}` is missing: it is empty"));
                return Err(failure.blame(flag).hint("was the variable that it comes from set?"));
            }
            None => {
                hint_at_secret(flag, text, "`@FILE` and `-` read it from elsewhere", input);
                return Ok(value.clone());
            }
        },
    };
    let text = text.map_err(|error| {
        let context = format!("could not read the value of `{flag}` from {place}");
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        if error.kind() == std::io::ErrorKind::TimedOut {
            let failure = Failure::new(Kind::Timeout, error).context(context);
            return failure.blame(flag).blame("--timeout").hint("it has to be written, and closed");
        }
        let failure = Failure::new(Kind::Config, error).context(context).blame(flag);
        failure.hint(if missing {
            "check the path: it begins where wps is run, or, in a profile, beside the configuration file"
        } else {
            "it has to be a text file that you may read"
        })
    })?;
    // Windows tools like to begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        let what = format!("the value of `{flag}` is missing: {place} is empty");
        let failure = Failure::message(Kind::Config, what).blame(flag);
        return Err(failure.hint("did the command that wrote it fail?"));
    }
    Ok(Secret::new(text))
}

/// Warns of a file with a secret that others can read.
pub fn warn_if_exposed(path: &Path, input: &mut dyn Input) {
    if input.is_exposed(path) {
        let path = path.display();
        input.note(Note::Warning(format!("others on this machine can read the secret in `{path}`: `chmod 600` it")));
    }
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
            .blame(flag)
            .blame(from)
            .hint("a client access URL brings hub and token along; `--connection-string` and `--local` make one"));
    }
    Ok(())
}

/// A URL; with flags that shape a token, if they are to be refused.
pub fn from_url(from: &str, text: &Secret, token: Option<&TokenArgs>) -> Result<ConnectionSource, Failure> {
    if let Some(token) = token {
        refuse_token_flags(from, token)?;
    }
    let parsed = AccessUrl::parse(text.expose());
    if let Some(token) = parsed.as_ref().ok().and_then(AccessUrl::token) {
        secret::remember(token.expose());
    }
    parsed.map(ConnectionSource::Url).map_err(|error| {
        let hint = match &error {
            AccessUrlError::EmptyToken => {
                "was the variable with the token empty? leave `access_token` out to connect without one"
            }
            AccessUrlError::Blank => "quote the URL, and give it on one line",
            AccessUrlError::Fragment => "what follows the `#` is not part of it; within a value, `#` is written `%23`",
            AccessUrlError::TwoTokens => "leave one of them out",
            AccessUrlError::UserInfo => "the token goes into `access_token`",
            AccessUrlError::Foreign(_) => {
                "wps is a client of the other kind, which connects to `/client/hubs/HUB`: let the URL be made for it, \
                 without a client protocol"
            }
            AccessUrlError::Empty
            | AccessUrlError::Syntax(_)
            | AccessUrlError::Scheme(_)
            | AccessUrlError::Path
            | AccessUrlError::HubParameter
            | AccessUrlError::Hub(_) => "a client access URL looks like `wss://HOST/client/hubs/HUB?access_token=…`",
        };
        let context = format!("the client access URL in `{from}` is malformed");
        Failure::new(Kind::Config, error).context(context).blame(from).hint(hint)
    })
}

fn from_connection_string(from: &str, text: &Secret, token: &TokenArgs) -> Result<ConnectionSource, Failure> {
    let parsed = ConnectionString::parse(text.expose()).map_err(|error| {
        let context = format!("the connection string in `{from}` is malformed");
        let has_auth_type = matches!(error, ConnectionStringError::AuthType);
        let failure = Failure::new(Kind::Config, error).context(context).blame(from);
        if has_auth_type {
            return failure
                .hint("it is one for Microsoft Entra ID; tokens are signed here with an access key: `AccessKey=…`")
                .hint("`--endpoint URL --hub H` connects with your Entra identity: the Azure CLI's, the environment's, the machine's");
        }
        failure
            .hint("it looks like `Endpoint=https://NAME.webpubsub.azure.com;AccessKey=…;Version=1.0;`")
            .hint("quote it: for the shell, `;` ends a command")
    })?;
    if parsed.key.expose() != DEVELOPMENT_KEY {
        secret::remember(parsed.key.expose());
    }
    let hub = token.hub.clone().ok_or_else(|| {
        let failure = Failure::message(Kind::Usage, format!("`{from}` needs `--hub`")).blame(from).blame("--hub");
        failure.hint("a connection string names a service, and `--hub NAME` the hub on it")
    })?;
    Ok(ConnectionSource::Signed(signer(parsed.endpoint, parsed.key, hub, token)?))
}

fn local(port: u16, token: &TokenArgs) -> Result<ConnectionSource, Failure> {
    let endpoint = Url::parse(&format!("http://localhost:{port}")).or_internal()?;
    let hub = token.hub.clone().unwrap_or_else(|| DEFAULT_HUB.to_owned());
    Ok(ConnectionSource::Local { port, signer: signer(endpoint, Secret::new(DEVELOPMENT_KEY), hub, token)? })
}

fn signer(endpoint: Url, key: Secret, hub: String, token: &TokenArgs) -> Result<Signer, Failure> {
    names::hub("--hub", &hub)?;
    for group in &token.initial_groups {
        names::group("--initial-group", group)?;
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
        audience: None,
        ttl: token.ttl.unwrap_or(DEFAULT_TTL),
        not_before: None,
        claims: Vec::new(),
    })
}
