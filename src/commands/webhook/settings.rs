//! What `wps webhook` will ask, and as whom.

use std::time::Duration;

use ::http::HeaderMap;
use ::http::header::HeaderName;
use ::url::Url;
use anyhow::anyhow;
use serde_json::{Map, Value};
use webpubsub_proto::Codec;

use super::args::{
    ConnectArgs, ConnectedArgs, DisconnectedArgs, ValidateArgs, WebhookCommonArgs, WebhookEventArgs, WebhookTestArgs,
};
use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};
use crate::options::connection::settings::{access_key, read};
use crate::options::data::payload::{DataFrom, PayloadSource, PayloadType};
use crate::options::data::settings::payload_type;
use crate::options::environment::{Environment, Input};
use crate::options::names;
use crate::options::network::settings::{TlsOptions, headers};
use crate::options::output::settings::OutputSettings;
use crate::options::stdin;

use webpubsub_emulator::upstream::played::Role;
use webpubsub_emulator::upstream::settings::UrlTemplate;
use webpubsub_net::auth::connection_string::{ConnectionString, DEVELOPMENT_KEY};
use webpubsub_net::secret::{self, Secret};

/// A command of `wps webhook`.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Who is played, towards whom. Its connection id is empty where one is to be drawn.
    pub role: Role,
    /// Which certificates are accepted.
    pub tls: TlsOptions,
    /// What is asked, in this order.
    pub asks: Vec<WebhookRequest>,
    /// All of them are findings; else the answer of the one is what is wanted.
    pub tests: bool,
    /// What is printed: text or records.
    pub output: OutputSettings,
    /// `--timeout`.
    pub timeout: Option<Duration>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookRequest {
    /// Abuse protection.
    Validate,
    /// Whether the client may connect.
    Connect,
    /// That it has.
    Connected,
    /// An event, and what it brings; without data an empty text.
    Event(String, Option<PayloadSource>),
    /// That it is gone, and why.
    Disconnected(String),
}

/// `wps webhook test`.
pub fn test(
    args: WebhookTestArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<WebhookSettings, Failure> {
    names::event("--event", &args.event)?;
    let data = PayloadSource { from: DataFrom::Argument(args.data), data_type: PayloadType::Text, framing: None };
    let asks = vec![
        WebhookRequest::Validate,
        WebhookRequest::Connect,
        WebhookRequest::Connected,
        WebhookRequest::Event(args.event, Some(data)),
        WebhookRequest::Disconnected(String::new()),
    ];
    settle(args.common, (asks, true), environment, input)
}

/// `wps webhook validate`.
pub fn validate(
    args: ValidateArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<WebhookSettings, Failure> {
    settle(args.common, (vec![WebhookRequest::Validate], false), environment, input)
}

/// `wps webhook connect`.
pub fn connect(
    args: ConnectArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<WebhookSettings, Failure> {
    settle(args.common, (vec![WebhookRequest::Connect], false), environment, input)
}

/// `wps webhook connected`.
pub fn connected(
    args: ConnectedArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<WebhookSettings, Failure> {
    settle(args.common, (vec![WebhookRequest::Connected], false), environment, input)
}

/// `wps webhook disconnected`.
pub fn disconnected(
    args: DisconnectedArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<WebhookSettings, Failure> {
    settle(args.common, (vec![WebhookRequest::Disconnected(args.reason)], false), environment, input)
}

/// `wps webhook event`.
pub fn event(
    args: WebhookEventArgs,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<WebhookSettings, Failure> {
    names::event("NAME", &args.name)?;
    // Handlers get any type, whatever the subprotocol.
    let data_type = payload_type(Codec::Protobuf, &args.input)?;
    let from = match (args.data, args.input.file) {
        (Some(dash), None) if dash == "-" => Some(DataFrom::Stdin),
        (Some(text), None) => Some(DataFrom::Argument(text)),
        (None, Some(file)) => Some(DataFrom::File(file)),
        // Clap refuses both.
        (None, None) | (Some(_), Some(_)) => None,
    };
    if from == Some(DataFrom::Stdin) {
        stdin::refuse_beside(&takers(&args.common), "DATA `-`", Some("--file F"))?;
    }
    let data = from.map(|from| PayloadSource { from, data_type, framing: None });
    settle(args.common, (vec![WebhookRequest::Event(args.name, data)], false), environment, input)
}

fn takers(args: &WebhookCommonArgs) -> Vec<&'static str> {
    let mut takers = stdin::takers_of(None, args.connection_string.as_ref(), None);
    takers.extend(args.keys.iter().filter(|key| stdin::takes(key)).map(|_| "--access-key"));
    takers.extend(args.headers.iter().filter(|header| stdin::takes(header)).map(|_| "--header"));
    takers
}

fn settle(
    args: WebhookCommonArgs,
    (asks, tests): (Vec<WebhookRequest>, bool),
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<WebhookSettings, Failure> {
    stdin::refuse_two(&takers(&args))?;
    input.limit(args.report.timeout.timeout);
    names::hub("--hub", &args.hub)?;
    // Its words have those of its cause in them.
    let template = UrlTemplate::new(&args.url)
        .map_err(|error| anyhow!("{error}"))
        .or_fail(Kind::Usage, "the URL of the handler is not valid")
        .hint("it looks like `http://localhost:3000/api/webpubsub/hubs/{hub}/`")?;
    if template.is_tunnel() {
        let what = "a tunnel is no handler that can be asked from here";
        let hint = "name the handler's own address, as in `http://localhost:3000/PATH`";
        return Err(Failure::message(Kind::Usage, what).hint(hint));
    }
    let mut keys = Vec::new();
    for key in &args.keys {
        let key = access_key("--access-key", key, input)?;
        secret::remember(key.expose());
        keys.push(key);
    }
    let mut origin = args.origin;
    if let Some(string) = &args.connection_string {
        let text = read("--connection-string", string, input)?;
        let parsed = ConnectionString::parse(text.expose())
            .or_fail(Kind::Config, "the connection string in `--connection-string` is malformed")
            .blame("--connection-string")?;
        secret::remember(parsed.key.expose());
        origin = parsed.endpoint.host_str().unwrap_or(&origin).to_owned();
        keys.push(parsed.key);
    }
    if keys.is_empty() {
        keys.push(Secret::new(DEVELOPMENT_KEY));
    }
    let timeout = args.report.timeout.timeout;
    let output = OutputSettings::of_report(args.report, environment)?;
    if let Some(state) = &args.state {
        in_header("--state", state)?;
    }
    if let Some(connection_id) = &args.connection_id {
        in_header("--connection-id", connection_id)?;
    }
    check_origin(&origin)?;
    if !args.subprotocol.is_empty() && HeaderName::from_bytes(args.subprotocol.as_bytes()).is_err() {
        let what = "the value of `--subprotocol` is no name that a client can offer";
        let failure = Failure::message(Kind::Usage, what).blame("--subprotocol");
        return Err(failure.hint("it has letters, digits and some marks, and no blanks: `json.webpubsub.azure.v1`"));
    }
    let claims = claims(args.user.as_deref(), args.claims);
    let role = Role {
        template,
        hub: args.hub.to_ascii_lowercase(),
        connection_id: args.connection_id.unwrap_or_default(),
        user: args.user,
        subprotocol: Some(args.subprotocol).filter(|name| !name.is_empty()),
        claims: Some(Value::from(claims).to_string()),
        query: args.query,
        client_headers: HeaderMap::new(),
        origin,
        keys,
        state: args.state,
        headers: headers::settle(&args.headers, input)?.into_iter().collect(),
        limit: args.handler_timeout,
    };
    let tls = TlsOptions { ca_cert: args.ca_cert, insecure: args.insecure, ..TlsOptions::default() };
    Ok(WebhookSettings { role, tls, asks, tests, output, timeout })
}

/// The claims of the client's token. Those of a name are a list, as in a token; of one that is a list itself, its items.
fn claims(user: Option<&str>, given: Vec<(String, String)>) -> Map<String, Value> {
    let mut claims: Map<String, Value> = Map::new();
    for (name, value) in given {
        let value = serde_json::from_str(&value).unwrap_or(Value::from(value));
        let together = match (claims.remove(&name), value) {
            (None, value) => value,
            (Some(Value::Array(mut items)), Value::Array(more)) => {
                items.extend(more);
                Value::Array(items)
            }
            (Some(Value::Array(mut items)), value) => {
                items.push(value);
                Value::Array(items)
            }
            (Some(first), Value::Array(more)) => Value::Array([vec![first], more].concat()),
            (Some(first), value) => Value::Array(vec![first, value]),
        };
        claims.insert(name, together);
    }
    if let Some(user) = user {
        claims.entry("sub").or_insert_with(|| user.into());
    }
    claims
}

/// What the service would send in a header as it is.
fn in_header(flag: &str, text: &str) -> Result<(), Failure> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && text.trim() == text {
        return Ok(());
    }
    let what = format!("the value of `{flag}` cannot stand in a header");
    let failure = Failure::message(Kind::Usage, what).blame(flag);
    Err(failure
        .hint("it has letters, digits and marks of ASCII, with blanks in between only; SDKs set states in base64"))
}

/// It is the host of a URL, perhaps with a port.
fn check_origin(origin: &str) -> Result<(), Failure> {
    let url = Url::parse(&format!("https://{origin}/")).ok().filter(|url| {
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        bare && url.username().is_empty() && url.password().is_none()
    });
    if url.is_some() && !origin.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Ok(());
    }
    let what = "the value of `--origin` is not a host";
    Err(Failure::message(Kind::Usage, what).blame("--origin").hint("it looks like `NAME.webpubsub.azure.com`"))
}
