//! What there is under `/emulator/`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::guard::is_key;
use super::{ControlAnswer, ControlRefusal, body, reads, respond, segments, send};
use crate::ready::{DEFAULT_HUB, Ready};
use crate::server::request::bearer;
use crate::server::{Server, unix_now};
use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
use webpubsub_net::clock;
use webpubsub_proto::fault::{self, DropKind, Fault, FaultListing, GrammarError, duration};
use webpubsub_proto::hub::{ConnectionInfo, GroupInfo};

/// Every resource: method, path, meaning. What `GET /emulator/` answers.
const RESOURCES: &[(&str, &str, &str)] = &[
    ("GET", "/emulator/", "this list"),
    (
        "GET",
        "/emulator/connect",
        "how to connect: endpoint, connection string and a client URL; a key that is not the published one only to those \
         who show it",
    ),
    ("GET", "/emulator/hubs", "the hubs that have connections"),
    ("GET", "/emulator/connections", "the connections; ?hub=, ?user=, ?group= narrow it down"),
    ("GET", "/emulator/connections/{id}", "one connection"),
    (
        "POST",
        "/emulator/connections/{id}/drop",
        "takes its socket away: {\"how\": \"reset\" | \"eof\" | \"silence\" | CODE, \"reason\": \"…\"}; without a body by a reset",
    ),
    (
        "GET",
        "/emulator/groups",
        "the groups with their members, what these say of themselves, and who is told of it; ?hub= narrows it down",
    ),
    ("GET", "/emulator/faults", "the faults in force, with how often they happened"),
    ("POST", "/emulator/faults", "adds one: {\"fault\": \"nack=Forbidden,op=joinGroup,times=1\"}, as --fault has it"),
    ("DELETE", "/emulator/faults", "clears all"),
    ("GET", "/emulator/faults/{id}", "one fault"),
    ("DELETE", "/emulator/faults/{id}", "clears it"),
    (
        "GET",
        "/emulator/events",
        "what passes from now on, as server-sent events, each a record as --log has it; `dropped` when too many waited",
    ),
    (
        "POST",
        "/emulator/send",
        "sends a message of the application's: {\"hub\": \"hub1\", \"group\": \"g\", \"text\": \"…\"}; `user` or `connection` in \
         place of `group`, none of them for everybody; `data` in place of `text` for JSON",
    ),
    (
        "POST",
        "/emulator/recovery",
        "ends the recovery windows of connections without a socket, or brings their ends nearer: {\"by\": \"10s\", \
         \"connection\": \"ID\"}, both may be absent",
    ),
];

/// Answers a request that passed the guard.
pub(super) async fn answer(server: &Arc<Server>, request: Request) -> Result<ControlAnswer, ControlRefusal> {
    let path = segments(request.uri().path());
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let method = request.method().clone();
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
    let response = match path.as_slice() {
        [] => get(&method, || Ok(describe())),
        ["connect"] => {
            let shown = bearer(request.headers()).is_some_and(|shown| is_key(shown, server));
            let endpoint = endpoint_of(server, request.headers());
            get(&method, || Ok(connect(server, endpoint, shown)))
        }
        ["hubs"] => get(&method, || Ok(hubs(server))),
        ["connections"] => {
            get(&method, || Ok(json!({"connections": connections(server, &known(&query, &["hub", "user", "group"])?)})))
        }
        ["connections", id] => get(&method, || connection(server, id)),
        ["connections", id, "drop"] => match method {
            Method::POST => return drop_connection(server, id, body(request).await?),
            _ => Err(not_allowed("POST")),
        },
        ["groups"] => get(&method, || Ok(json!({"groups": groups(server, &known(&query, &["hub"])?)}))),
        ["faults"] => match method {
            Method::POST => return add_fault(server, &body(request).await?),
            Method::DELETE => {
                let cleared = server.faults.plan().clear();
                server.faults.forget_tokens();
                Ok(respond(StatusCode::OK, &json!({"cleared": cleared})))
            }
            method if reads(&method) => {
                let faults: Vec<Value> = server.faults.plan().list().iter().map(fault_json).collect();
                Ok(respond(StatusCode::OK, &json!({"faults": faults})))
            }
            _ => Err(not_allowed("GET, HEAD, POST, DELETE")),
        },
        ["faults", id] => match method {
            Method::DELETE => {
                let fault = find_fault(server, id)?;
                server.faults.plan().remove(fault.id);
                Ok(respond(StatusCode::OK, &json!({"cleared": 1})))
            }
            method if reads(&method) => Ok(respond(StatusCode::OK, &fault_json(&find_fault(server, id)?))),
            _ => Err(not_allowed("GET, HEAD, DELETE")),
        },
        ["events"] => match method {
            method if reads(&method) => Ok(events(server)),
            _ => Err(not_allowed("GET, HEAD")),
        },
        ["send"] => match method {
            Method::POST => return send::send(server, body(request).await?).await,
            _ => Err(not_allowed("POST")),
        },
        ["recovery"] => match method {
            Method::POST => advance(server, body(request).await?),
            _ => Err(not_allowed("POST")),
        },
        _ => Err(ControlRefusal::not_found("There is nothing here.").hint("`GET /emulator/` lists what there is")),
    }?;
    Ok(response.into())
}

/// What passes from now on, as server-sent events.
fn events(server: &Server) -> Response {
    let mut response = Response::new(server.feed.body());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn get(method: &Method, answer: impl FnOnce() -> Result<Value, ControlRefusal>) -> Result<Response, ControlRefusal> {
    if reads(method) { Ok(respond(StatusCode::OK, &answer()?)) } else { Err(not_allowed("GET, HEAD")) }
}

fn not_allowed(allow: &'static str) -> ControlRefusal {
    let mut refusal =
        ControlRefusal::new(StatusCode::METHOD_NOT_ALLOWED, "There is something here, but not for this method.");
    refusal.allow = Some(allow);
    refusal.hint(format!("methods: {allow}"))
}

fn describe() -> Value {
    let list: Vec<Value> = RESOURCES
        .iter()
        .map(|(method, path, meaning)| json!({"method": method, "path": path, "meaning": meaning}))
        .collect();
    json!({"name": "wps emulator", "version": env!("CARGO_PKG_VERSION"), "resources": list})
}

/// How whoever asks reaches the emulator: as it is advertised, or by the name that was asked, which the guard has checked.
pub(super) fn endpoint_of(server: &Server, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let url = host.and_then(|host| Url::parse(&format!("http://{host}")).ok());
    let is_local = url.as_ref().and_then(Url::host).is_none_or(|host| match host {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(ip) => ip.is_loopback(),
        url::Host::Ipv6(ip) => ip.is_loopback(),
    });
    match host {
        Some(host) if !is_local && !server.advertised => {
            // As it listens, since it is not known by another endpoint.
            let scheme = server.endpoint.split_once("://").map_or("http", |(scheme, _)| scheme);
            format!("{scheme}://{host}")
        }
        Some(_) | None => server.endpoint.clone(),
    }
}

/// How to connect. Programs of other users of this machine get here without the key, so it is told to nobody else,
/// unless everybody knows it.
fn connect(server: &Server, endpoint: String, shown: bool) -> Value {
    let examples: Vec<&str> = fault::ACTIONS.iter().map(|action| action.example).collect();
    let mut answer = json!({"endpoint": endpoint, "hub": DEFAULT_HUB, "faultExamples": examples});
    if let Some(key) = server.keys.first().filter(|key| shown || key.expose() == DEVELOPMENT_KEY) {
        let ready = Ready::at(endpoint, key, unix_now());
        answer["connectionString"] = ready.connection_string.expose().into();
        answer["clientUrl"] = ready.client_url.expose().into();
        answer["published"] = (key.expose() == DEVELOPMENT_KEY).into();
    }
    answer
}

/// The parameters of a query, all of which have to be known.
fn known<'q>(query: &'q [(String, String)], names: &[&str]) -> Result<Vec<(&'q str, &'q str)>, ControlRefusal> {
    for (name, _) in query {
        if !names.contains(&name.as_str()) {
            return Err(ControlRefusal::bad_request(format!("There is no parameter `{name}` here."))
                .hint(format!("parameters: {}", names.join(", "))));
        }
    }
    Ok(query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
}

fn hubs(server: &Server) -> Value {
    let (connections, groups) = (server.hubs.connections(), server.hubs.groups());
    let hubs = server.hubs.names().into_iter().map(|hub| {
        let own = || connections.iter().filter(|(name, _)| *name == hub);
        json!({
            "hub": hub,
            "connections": own().count(),
            "attached": own().filter(|(_, info)| info.attached).count(),
            "groups": groups.iter().filter(|(name, _)| *name == hub).count(),
        })
    });
    json!({"hubs": hubs.collect::<Vec<_>>()})
}

fn connections(server: &Server, query: &[(&str, &str)]) -> Vec<Value> {
    let matching = server.hubs.connections().into_iter().filter(|(hub, info)| {
        query.iter().all(|(name, value)| match *name {
            "hub" => hub.eq_ignore_ascii_case(value),
            "user" => info.user.as_deref() == Some(*value),
            _ => info.groups.iter().any(|group| **group == **value),
        })
    });
    matching.map(|(hub, info)| connection_json(server, &hub, &info)).collect()
}

fn connection(server: &Server, id: &str) -> Result<Value, ControlRefusal> {
    let (hub, info) = server.hubs.connection(id).ok_or_else(|| no_connection(id))?;
    Ok(connection_json(server, &hub, &info))
}

fn no_connection(id: &str) -> ControlRefusal {
    ControlRefusal::not_found(format!("There is no connection `{id}`, or not any more."))
        .hint("`GET /emulator/connections` lists them")
}

fn connection_json(server: &Server, hub: &str, info: &ConnectionInfo) -> Value {
    let time = |at: Duration| clock::millis(server.hubs.on_the_wall(at));
    json!({
        "connectionId": *info.id,
        "userId": info.user.as_deref(),
        "hub": hub,
        "groups": info.groups.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
        "protocol": info.protocol,
        "since": time(info.opened),
        "received": info.received,
        "sent": info.sent,
        "unacknowledged": info.unacknowledged,
        "attached": info.attached,
        "recoverableUntil": info.recoverable_until.filter(|_| !info.attached).map(time),
    })
}

fn groups(server: &Server, query: &[(&str, &str)]) -> Vec<Value> {
    let matching = server.hubs.groups().into_iter();
    let matching = matching.filter(|(hub, _)| query.iter().all(|(_, value)| hub.eq_ignore_ascii_case(value)));
    matching.map(|(hub, info)| group_json(&hub, &info)).collect()
}

fn group_json(hub: &str, info: &GroupInfo) -> Value {
    let ids = |ids: &[Arc<str>]| ids.iter().map(AsRef::as_ref).map(Value::from).collect::<Vec<Value>>();
    json!({
        "group": *info.name,
        "hub": hub,
        "members": ids(&info.members),
        "states": info.states,
        "subscribers": ids(&info.subscribers),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DropBody {
    how: Option<Word>,
    #[serde(default)]
    reason: String,
}

/// A word or a number, both of which are natural for a close code.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Number(u64),
}

fn drop_connection(server: &Server, id: &str, wanted: DropBody) -> Result<ControlAnswer, ControlRefusal> {
    let how = match wanted.how {
        None => DropKind::Reset,
        Some(Word::Text(text)) => DropKind::parse(&text, &wanted.reason).map_err(misunderstood)?,
        Some(Word::Number(code)) => DropKind::parse(&code.to_string(), &wanted.reason).map_err(misunderstood)?,
    };
    if server.hubs.connection(id).is_none() {
        return Err(no_connection(id));
    }
    if !server.hubs.drop_connection(id, &how) {
        let message = format!("The connection `{id}` has no socket just now.");
        return Err(ControlRefusal::new(StatusCode::CONFLICT, message));
    }
    Ok(respond(StatusCode::OK, &json!({"dropped": id})).into())
}

fn misunderstood(error: GrammarError) -> ControlRefusal {
    let mut refusal = ControlRefusal::bad_request(error.message);
    refusal.hints = error.hints;
    refusal
}

fn fault_json(fault: &FaultListing) -> Value {
    json!({"id": fault.id, "fault": fault.fault, "met": fault.met, "fired": fault.fired, "done": fault.done})
}

fn find_fault(server: &Server, id: &str) -> Result<FaultListing, ControlRefusal> {
    let found = id.parse().ok().and_then(|id| server.faults.plan().get(id));
    found.ok_or_else(|| {
        ControlRefusal::not_found(format!("There is no fault `{id}`.")).hint("`GET /emulator/faults` lists them")
    })
}

/// Body of a new fault.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultBody {
    fault: String,
}

fn add_fault(server: &Server, wanted: &FaultBody) -> Result<ControlAnswer, ControlRefusal> {
    let fault: Fault = wanted.fault.parse().map_err(misunderstood)?;
    let plan = server.faults.plan();
    let listed = plan.add(fault).and_then(|id| plan.get(id)).ok_or_else(|| {
        ControlRefusal::new(StatusCode::CONFLICT, "There are a thousand faults already.").hint("clear some")
    })?;
    tracing::info!("fault {} (`{}`) is in force", listed.id, listed.fault);
    server.hubs.faults_changed();
    let mut response = respond(StatusCode::CREATED, &fault_json(&listed));
    if let Ok(location) = HeaderValue::from_str(&format!("/emulator/faults/{}", listed.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(ControlAnswer { response, note: Some(format!("fault {}: {}", listed.id, listed.fault)) })
}

/// Body of a move of recovery windows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceBody {
    by: Option<Word>,
    connection: Option<String>,
}

fn advance(server: &Server, wanted: AdvanceBody) -> Result<Response, ControlRefusal> {
    let by = match wanted.by {
        None => None,
        Some(Word::Number(seconds)) => Some(Duration::from_secs(seconds)),
        Some(Word::Text(text)) => {
            Some(duration(&text).map_err(|expected| ControlRefusal::bad_request(format!("`by`: {expected}")))?)
        }
    };
    if let Some(id) = &wanted.connection
        && server.hubs.connection(id).is_none()
    {
        return Err(no_connection(id));
    }
    let moved = server.hubs.advance_windows(wanted.connection.as_deref(), by);
    Ok(respond(StatusCode::OK, &json!({"advanced": moved})))
}
