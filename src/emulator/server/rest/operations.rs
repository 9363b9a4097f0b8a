//! Carrying out an operation on a hub. A hub without connections does not exist, and is answered for like an empty one.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{header, request};
use serde::{Deserialize, Serialize};

use super::super::Server;
use super::answer::{RestProblem, RestReply};
use super::body::RestPayload;
use super::route::{ConnectionPermission, RestAction};
use super::token;
use crate::metadata;
use crate::server::request::Query;
use webpubsub_proto::check_group_name;
use webpubsub_proto::filter::Filter;
use webpubsub_proto::hub::{ConnectionInfo, Grant, Hub, Joined, MemberPage, Outgoing, Recipient, Selection, Target};

/// Most members on a page, and as many when nothing is said (PROTOCOL §12).
const MAX_PAGE: usize = 200;
/// Longest life of a message that has not arrived, in seconds (PROTOCOL §12).
const MAX_TTL_SECS: u64 = 300;

/// What a request brings beside its path.
pub(super) struct RestCall<'a> {
    pub(super) head: &'a request::Parts,
    pub(super) query: &'a Query,
    pub(super) payload: RestPayload,
}

pub(super) async fn carry_out(
    server: &Server,
    hub: &str,
    action: RestAction<'_>,
    call: RestCall<'_>,
) -> Result<RestReply, RestProblem> {
    match action {
        RestAction::Send(target) => send(server, hub, target, call).await,
        RestAction::Close(target) => close(server, hub, target, call.query),
        RestAction::AddToGroups => change_groups(server, hub, true, call),
        RestAction::RemoveFromGroups => change_groups(server, hub, false, call),
        RestAction::Exists(target) => exists(server, hub, target),
        RestAction::ListMembers { group } => list(server, hub, group, call),
        RestAction::Join { who, group } => join(server, hub, who, group),
        RestAction::Leave { who, group } => leave(server, hub, who, group),
        RestAction::Grant(permitted) => grant(server, hub, permitted, call.query),
        RestAction::Revoke(permitted) => revoke(server, hub, permitted, call.query),
        RestAction::HasPermission(permitted) => has_permission(server, hub, permitted, call.query),
        RestAction::GenerateToken => token::generate(server, hub, call.query),
    }
}

fn check_group(target: &'static str, group: &str) -> Result<(), RestProblem> {
    check_group_name(group).map_err(|error| RestProblem::bad_request(target, format!("`{group}`: {error}.")))
}

/// The names in a path: a group's has rules, and no name is empty.
fn check_target(target: Target<'_>) -> Result<(), RestProblem> {
    match target {
        Target::Group(group) => check_group("group", group),
        Target::User("") => Err(RestProblem::bad_request("userId", "The path names no user.")),
        Target::Connection("") => Err(RestProblem::bad_request("connectionId", "The path names no connection.")),
        Target::Everyone | Target::User(_) | Target::Connection(_) => Ok(()),
    }
}

fn parse_filter(target: &'static str, text: Option<&str>) -> Result<Option<Filter>, RestProblem> {
    // An empty filter is none: SDKs send one when their caller gave none.
    let parsed = text.filter(|text| !text.is_empty()).map(Filter::parse).transpose();
    parsed.map_err(|error| {
        let text = text.unwrap_or_default();
        let detail = format!("The filter cannot be understood: {error}.");
        let problem = match error.syntax {
            Some(read) => format!("Syntax error at position {read} in '{text}'."),
            None => detail.clone(),
        };
        RestProblem::bad_filter(target, format!("Invalid syntax for '{text}': {problem} (Parameter 'filter')"), detail)
    })
}

async fn send(server: &Server, hub: &str, target: Target<'_>, call: RestCall<'_>) -> Result<RestReply, RestProblem> {
    check_target(target)?;
    let takes_filter = !matches!(target, Target::Connection(_));
    let takes_excluded = matches!(target, Target::Everyone | Target::Group(_));
    let filter = if takes_filter { parse_filter("filter", call.query.one("filter")?)? } else { None };
    let excluded = if takes_excluded { call.query.all("excluded") } else { Vec::new() };
    let ttl = call.query.number("messageTtlSeconds", 0..=MAX_TTL_SECS)?.map_or(Duration::ZERO, Duration::from_secs);
    let metadata = metadata::from_headers(&call.head.headers).map_err(|problem| {
        RestProblem::bad_request("X-WebPubSub-Metadata", format!("The metadata cannot be used: {problem}."))
    })?;
    let data = call.payload.message(&call.head.headers)?;
    let matches = |recipient: &Recipient<'_>| filter.as_ref().is_none_or(|filter| filter.matches(recipient));
    let selection = Selection { target, excluded: &excluded, filter: Some(&matches) };
    let outgoing = Outgoing { data: data.as_data(), metadata: metadata.as_deref(), ttl };
    let attempt = |hub: &mut Hub, now, insist| hub.handle_send(now, &selection, &outgoing, insist);
    Ok(RestReply::Sent(server.hubs.send_with_backpressure(hub, attempt).await))
}

fn close(server: &Server, hub: &str, target: Target<'_>, query: &Query) -> Result<RestReply, RestProblem> {
    check_target(target)?;
    let excluded = if matches!(target, Target::Connection(_)) { Vec::new() } else { query.all("excluded") };
    let reason = query.one("reason")?.filter(|reason| !reason.is_empty());
    let selection = Selection { target, excluded: &excluded, filter: None };
    server.hubs.enter_named(hub, |hub, now| hub.handle_close(now, &selection, reason));
    Ok(RestReply::NO_CONTENT)
}

/// The body of `:addToGroups` and `:removeFromGroups`.
#[derive(Deserialize)]
struct GroupsChange {
    groups: Vec<String>,
    filter: Option<String>,
}

fn change_groups(server: &Server, hub: &str, add: bool, call: RestCall<'_>) -> Result<RestReply, RestProblem> {
    let change: GroupsChange = call.payload.json(&call.head.headers)?;
    if change.groups.is_empty() {
        return Err(RestProblem::bad_request("groups", "The body names no groups."));
    }
    for group in &change.groups {
        check_group("groups", group)?;
    }
    let filter = parse_filter("filter", change.filter.as_deref())?;
    let matches = |recipient: &Recipient<'_>| filter.as_ref().is_none_or(|filter| filter.matches(recipient));
    let selection = Selection { target: Target::Everyone, excluded: &[], filter: Some(&matches) };
    if add {
        let joined = server.hubs.enter_named(hub, |hub, now| hub.handle_add_to_groups(now, &selection, &change.groups));
        joined.map_or(Ok(()), check_room)?;
    } else {
        server.hubs.enter_named(hub, |hub, now| hub.handle_remove_from_groups(now, &selection, Some(&change.groups)));
    }
    Ok(RestReply::OK)
}

fn check_room(joined: Joined) -> Result<(), RestProblem> {
    match joined.full {
        0 => Ok(()),
        full => Err(RestProblem::conflict(format!(
            "{full} of {} connections are in as many groups as a connection can be in, and did not join.",
            joined.connections
        ))),
    }
}

fn exists(server: &Server, hub: &str, target: Target<'_>) -> Result<RestReply, RestProblem> {
    check_target(target)?;
    match server.hubs.enter_named(hub, |hub, _| hub.has_any(&Selection::all(target))) {
        Some(true) => Ok(RestReply::OK),
        Some(false) | None => Err(nobody(target).absent()),
    }
}

/// There is no such connection.
fn nobody(target: Target<'_>) -> RestProblem {
    match target {
        Target::Connection(id) => RestProblem::no_connection(id),
        Target::User(user) => RestProblem::no_user(user),
        Target::Group(group) => RestProblem::no_group(group),
        Target::Everyone => RestProblem::not_found("The hub has no connection."),
    }
}

#[derive(Serialize)]
struct Page<'a> {
    value: Vec<MemberBody<'a>>,
    #[serde(rename = "nextLink")]
    next_link: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberBody<'a> {
    connection_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

fn list(server: &Server, hub: &str, group: &str, call: RestCall<'_>) -> Result<RestReply, RestProblem> {
    check_group("group", group)?;
    let page_size = call.query.number("maxpagesize", 1..=MAX_PAGE)?.unwrap_or(MAX_PAGE);
    let top = call.query.number("top", 1..=i32::MAX.unsigned_abs() as usize)?;
    let after = call.query.one("continuationToken")?.filter(|token| !token.is_empty());
    let after = after.map(|token| parse_token(token, hub, group)).transpose()?;
    let limit = top.map_or(page_size, |top| top.min(page_size));
    let page = server.hubs.enter_named(hub, |hub, _| hub.members(group, after.as_deref(), limit));
    let MemberPage { members, more } = page.unwrap_or(MemberPage { members: Vec::new(), more: false });
    let left = top.map(|top| top.saturating_sub(members.len()));
    let last = members.last().filter(|_| more && left != Some(0));
    let next_link = last.map(|last| next_link(server, &call, &format_token(hub, group, &last.id), left));
    let member = |info: &'_ ConnectionInfo| -> (String, Option<String>) {
        (info.id.to_string(), info.user.as_deref().map(str::to_owned))
    };
    let members: Vec<_> = members.iter().map(member).collect();
    let value = members.iter().map(|(id, user)| MemberBody { connection_id: id, user_id: user.as_deref() }).collect();
    Ok(RestReply::json(&Page { value, next_link }))
}

/// Where the next page is: the same request with a token, and what is left of `top`.
fn next_link(server: &Server, call: &RestCall<'_>, token: &str, left: Option<usize>) -> String {
    let host = call.head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    // What the user advertises is right for everybody; otherwise the client knows best how it got here.
    let base = match host {
        Some(host) if !server.advertised => {
            let scheme = server.endpoint.split(':').next().unwrap_or_default();
            format!("{scheme}://{host}")
        }
        Some(_) | None => server.endpoint.clone(),
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for name in ["api-version", "maxpagesize"] {
        for value in call.query.all(name) {
            query.append_pair(name, &value);
        }
    }
    if let Some(left) = left {
        query.append_pair("top", &left.to_string());
    }
    query.append_pair("continuationToken", token);
    format!("{base}{}?{}", call.head.uri.path(), query.finish())
}

/// What a list goes on behind: hub, group, and the id of the last member. It is good for that list alone.
fn format_token(hub: &str, group: &str, last: &str) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&[hub, group, last]).unwrap_or_default())
}

/// The id of the last member that was listed.
fn parse_token(token: &str, hub: &str, group: &str) -> Result<String, RestProblem> {
    let parts = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice::<[String; 3]>(&bytes).ok());
    match parts {
        Some([of_hub, of_group, last]) if of_hub == hub && of_group == group => Ok(last),
        Some(_) | None => {
            let message = "The continuationToken is none that was given out for this group.";
            Err(RestProblem::bad_request("continuationToken", message))
        }
    }
}

fn join(server: &Server, hub: &str, who: Target<'_>, group: &str) -> Result<RestReply, RestProblem> {
    check_target(who)?;
    check_group("group", group)?;
    let groups = [group.to_owned()];
    match server.hubs.enter_named(hub, |hub, now| hub.handle_add_to_groups(now, &Selection::all(who), &groups)) {
        Some(joined) if joined.connections > 0 => check_room(joined).map(|()| RestReply::OK),
        Some(_) | None => Err(match who {
            Target::Connection(id) => RestProblem::unknown_connection(id),
            Target::Everyone | Target::Group(_) | Target::User(_) => nobody(who),
        }),
    }
}

fn leave(server: &Server, hub: &str, who: Target<'_>, group: Option<&str>) -> Result<RestReply, RestProblem> {
    check_target(who)?;
    group.map_or(Ok(()), |group| check_group("group", group))?;
    let groups = group.map(|group| [group.to_owned()]);
    let groups = groups.as_ref().map(<[String; 1]>::as_slice);
    server.hubs.enter_named(hub, |hub, now| hub.handle_remove_from_groups(now, &Selection::all(who), groups));
    Ok(RestReply::NO_CONTENT)
}

/// The group that a permission is about. None is no word for all (PROTOCOL §13, *Recorded from the cloud*).
fn permitted_group(query: &Query) -> Result<&str, RestProblem> {
    const MESSAGE: &str = "Invalid group name. Valid group name should be in between 1 and 1024 characters long.";
    let group = query.one("targetName")?.unwrap_or_default();
    check_group_name(group).map_err(|_| RestProblem::bad_request("targetName", MESSAGE))?;
    Ok(group)
}

fn grant(
    server: &Server,
    hub: &str,
    permitted: ConnectionPermission<'_>,
    query: &Query,
) -> Result<RestReply, RestProblem> {
    let (permission, group, id) = (permitted.permission()?, permitted_group(query)?, permitted.connection);
    match server.hubs.enter_named(hub, |hub, now| hub.handle_grant(now, id, permission, Some(group))) {
        Some(Grant::Done) => Ok(RestReply::OK),
        Some(Grant::NoConnection) | None => Err(RestProblem::no_connection(id)),
        Some(Grant::TooMany) => {
            Err(RestProblem::conflict("The connection has permissions for as many groups as it can have."))
        }
    }
}

fn revoke(
    server: &Server,
    hub: &str,
    permitted: ConnectionPermission<'_>,
    query: &Query,
) -> Result<RestReply, RestProblem> {
    let (permission, group, id) = (permitted.permission()?, permitted_group(query)?, permitted.connection);
    match server.hubs.enter_named(hub, |hub, now| hub.handle_revoke(now, id, permission, Some(group))) {
        // One that is not there has no permission, either.
        Some(Grant::Done | Grant::NoConnection) | None => Ok(RestReply::NO_CONTENT),
        Some(Grant::TooMany) => Err(RestProblem::conflict("The connection is denied as many groups as it can be.")),
    }
}

fn has_permission(
    server: &Server,
    hub: &str,
    permitted: ConnectionPermission<'_>,
    query: &Query,
) -> Result<RestReply, RestProblem> {
    let (permission, group, id) = (permitted.permission()?, permitted_group(query)?, permitted.connection);
    match server.hubs.enter_named(hub, |hub, _| hub.has_permission(id, permission, Some(group))).flatten() {
        Some(true) => Ok(RestReply::OK),
        Some(false) => Err(RestProblem::no_permission()),
        None => Err(RestProblem::no_connection(id)),
    }
}
