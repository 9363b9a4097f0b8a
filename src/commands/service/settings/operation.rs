//! The operations of the data plane as requests: the table of PROTOCOL §13 from the asking side.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

/// What stays as it is in a path segment or a query value: RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The newest version of the API, which has all of these.
const API_VERSION: &str = "2024-12-01";

/// Most members on a page (PROTOCOL §12).
pub const LARGEST_PAGE: u32 = 200;

/// Whom a message or a close is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceTarget {
    /// All connections of the hub.
    All,
    /// The connections in a group.
    Group(String),
    /// The connections of a user.
    User(String),
    /// One connection.
    Connection(String),
}

/// Who is put into groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupMember {
    /// One connection.
    Connection(String),
    /// The connections that a user has now.
    User(String),
}

/// What is done about a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionVerb {
    /// It is given.
    Grant,
    /// It is taken away.
    Revoke,
    /// It is looked at.
    Check,
}

/// An operation of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceOperation {
    /// A message.
    Send {
        /// To whom.
        to: ServiceTarget,
        /// Of these, only whom the OData filter is true for.
        filter: Option<String>,
        /// Connections that do not get it.
        excluded: Vec<String>,
        /// How long it is kept.
        ttl: Option<Duration>,
        /// Its metadata, as they stand in the request.
        headers: HeaderMap,
    },
    /// Connections end.
    Close {
        /// Whose.
        target: ServiceTarget,
        /// What they are told.
        reason: Option<String>,
        /// Connections that stay.
        excluded: Vec<String>,
    },
    /// Whether there is one.
    Exists(ServiceTarget),
    /// Into a group.
    Add { member: GroupMember, group: String },
    /// Out of a group; without one, out of all.
    Remove { member: GroupMember, group: Option<String> },
    /// All whom a filter is true for, into a group or out of it.
    Change {
        /// Into.
        add: bool,
        group: String,
        /// OData.
        filter: String,
    },
    /// A permission of a connection.
    Permission {
        /// What is done.
        verb: PermissionVerb,
        /// As in the path.
        permission: &'static str,
        /// Whose.
        connection: String,
        /// For which group; `None`: for all.
        group: Option<String>,
    },
    /// A page of the connections in a group.
    List {
        group: String,
        /// How many at most, on all pages.
        top: Option<u32>,
    },
    /// Whether the service is well.
    Health,
}

/// An operation as it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRequest {
    /// Method.
    pub method: Method,
    /// Path from the endpoint on, percent-encoded.
    pub path: String,
    /// Parameters beside `api-version`, decoded.
    pub query: Vec<(&'static str, String)>,
    /// Headers of its own.
    pub headers: HeaderMap,
    /// A JSON body of its own.
    pub body: Option<String>,
}

impl ServiceOperation {
    /// What the API calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Send { to: ServiceTarget::All, .. } => "sendToAll",
            Self::Send { to: ServiceTarget::Group(_), .. } => "sendToGroup",
            Self::Send { to: ServiceTarget::User(_), .. } => "sendToUser",
            Self::Send { to: ServiceTarget::Connection(_), .. } => "sendToConnection",
            Self::Close { target: ServiceTarget::All, .. } => "closeAllConnections",
            Self::Close { target: ServiceTarget::Group(_), .. } => "closeGroupConnections",
            Self::Close { target: ServiceTarget::User(_), .. } => "closeUserConnections",
            Self::Close { target: ServiceTarget::Connection(_), .. } => "closeConnection",
            // There is no such operation for all.
            Self::Exists(ServiceTarget::Connection(_) | ServiceTarget::All) => "connectionExists",
            Self::Exists(ServiceTarget::Group(_)) => "groupExists",
            Self::Exists(ServiceTarget::User(_)) => "userExists",
            Self::Add { member: GroupMember::Connection(_), .. } => "addConnectionToGroup",
            Self::Add { member: GroupMember::User(_), .. } => "addUserToGroup",
            Self::Remove { member: GroupMember::Connection(_), group: Some(_) } => "removeConnectionFromGroup",
            Self::Remove { member: GroupMember::Connection(_), group: None } => "removeConnectionFromAllGroups",
            Self::Remove { member: GroupMember::User(_), group: Some(_) } => "removeUserFromGroup",
            Self::Remove { member: GroupMember::User(_), group: None } => "removeUserFromAllGroups",
            Self::Change { add: true, .. } => "addConnectionsToGroups",
            Self::Change { add: false, .. } => "removeConnectionsFromGroups",
            Self::Permission { verb: PermissionVerb::Grant, .. } => "grantPermission",
            Self::Permission { verb: PermissionVerb::Revoke, .. } => "revokePermission",
            Self::Permission { verb: PermissionVerb::Check, .. } => "checkPermission",
            Self::List { .. } => "listConnectionsInGroup",
            Self::Health => "getServiceStatus",
        }
    }

    /// The group, user or connection that it is about, where there is one.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Send { to: target, .. } | Self::Close { target, .. } | Self::Exists(target) => match target {
                ServiceTarget::All => None,
                ServiceTarget::Group(name) | ServiceTarget::User(name) | ServiceTarget::Connection(name) => Some(name),
            },
            Self::Add { member, .. } | Self::Remove { member, .. } => match member {
                GroupMember::Connection(name) | GroupMember::User(name) => Some(name),
            },
            Self::Change { group, .. } | Self::List { group, .. } => Some(group),
            Self::Permission { connection, .. } => Some(connection),
            Self::Health => None,
        }
    }

    /// The group, where the target is somebody in it.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Add { group, .. } => Some(group),
            Self::Remove { group, .. } | Self::Permission { group, .. } => group.as_deref(),
            Self::Send { .. }
            | Self::Close { .. }
            | Self::Exists(_)
            | Self::Change { .. }
            | Self::List { .. }
            | Self::Health => None,
        }
    }

    /// The group that it names in any way.
    pub fn names_group(&self) -> Option<&str> {
        match self {
            Self::Send { to: ServiceTarget::Group(group), .. }
            | Self::Close { target: ServiceTarget::Group(group), .. }
            | Self::Exists(ServiceTarget::Group(group))
            | Self::Change { group, .. }
            | Self::List { group, .. } => Some(group),
            Self::Add { .. } | Self::Remove { .. } | Self::Permission { .. } => self.group(),
            Self::Send { .. } | Self::Close { .. } | Self::Exists(_) | Self::Health => None,
        }
    }

    /// The permission that it is about.
    pub fn permission(&self) -> Option<&'static str> {
        match self {
            Self::Permission { permission, .. } => Some(permission),
            Self::Send { .. }
            | Self::Close { .. }
            | Self::Exists(_)
            | Self::Add { .. }
            | Self::Remove { .. }
            | Self::Change { .. }
            | Self::List { .. }
            | Self::Health => None,
        }
    }

    /// What the service answers when it has done it, or the answer is yes (PROTOCOL §13).
    pub fn ok(&self) -> StatusCode {
        match self {
            Self::Send { .. } => StatusCode::ACCEPTED,
            Self::Close { .. } | Self::Remove { .. } | Self::Permission { verb: PermissionVerb::Revoke, .. } => {
                StatusCode::NO_CONTENT
            }
            Self::Exists(_)
            | Self::Add { .. }
            | Self::Change { .. }
            | Self::Permission { verb: PermissionVerb::Grant | PermissionVerb::Check, .. }
            | Self::List { .. }
            | Self::Health => StatusCode::OK,
        }
    }

    /// Whether doing it twice is the same as doing it once.
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Send { .. } => false,
            Self::Close { .. }
            | Self::Exists(_)
            | Self::Add { .. }
            | Self::Remove { .. }
            | Self::Change { .. }
            | Self::Permission { .. }
            | Self::List { .. }
            | Self::Health => true,
        }
    }

    /// What it does, in words, as in `the service refused to …`.
    pub fn to_do(&self) -> String {
        match self {
            Self::Send { to, filter, .. } => format!("send to {}", addressed(to, filter.is_some())),
            Self::Close { target: ServiceTarget::Connection(id), .. } => format!("close the connection `{id}`"),
            Self::Close { target: ServiceTarget::All, .. } => "close all connections".to_owned(),
            Self::Close { target, .. } => format!("close the connections of {}", named(target)),
            Self::Exists(target) => format!("look for {}", named(target)),
            Self::Add { member, group } => format!("add {} to the group `{group}`", who(member)),
            Self::Remove { member, group: Some(group) } => {
                format!("remove {} from the group `{group}`", who(member))
            }
            Self::Remove { member, group: None } => format!("remove {} from all groups", who(member)),
            Self::Change { add: true, group, .. } => format!("add connections to the group `{group}`"),
            Self::Change { add: false, group, .. } => format!("remove connections from the group `{group}`"),
            Self::Permission { verb, permission, connection, group } => {
                let verb = match verb {
                    PermissionVerb::Grant => "grant",
                    PermissionVerb::Revoke => "revoke",
                    PermissionVerb::Check => "check",
                };
                let group = group.as_ref().map(|group| format!(" for the group `{group}`")).unwrap_or_default();
                format!("{verb} `{permission}`{group} of the connection `{connection}`")
            }
            Self::List { group, .. } => format!("list the connections of the group `{group}`"),
            Self::Health => "check its health".to_owned(),
        }
    }

    /// That it is done, in words.
    pub fn done(&self) -> String {
        match self {
            Self::Send { to, filter, .. } => format!("sent to {}", addressed(to, filter.is_some())),
            Self::Close { target: ServiceTarget::Connection(id), .. } => format!("closed the connection `{id}`"),
            Self::Close { target: ServiceTarget::All, .. } => "closed all connections".to_owned(),
            Self::Close { target, .. } => format!("closed the connections of {}", named(target)),
            Self::Exists(target) => format!("looked for {}", named(target)),
            Self::Add { member, group } => format!("added {} to the group `{group}`", who(member)),
            Self::Remove { member, group: Some(group) } => format!("removed {} from the group `{group}`", who(member)),
            Self::Remove { member, group: None } => format!("removed {} from all groups", who(member)),
            Self::Change { add: true, group, .. } => {
                format!("added the connections that match the filter to the group `{group}`")
            }
            Self::Change { add: false, group, .. } => {
                format!("removed the connections that match the filter from the group `{group}`")
            }
            Self::Permission { verb, permission, connection, group } => {
                let verb = match verb {
                    PermissionVerb::Grant => "granted",
                    PermissionVerb::Revoke => "revoked",
                    PermissionVerb::Check => "checked",
                };
                let group = group.as_ref().map(|group| format!(" for the group `{group}`")).unwrap_or_default();
                format!("{verb} `{permission}`{group} of the connection `{connection}`")
            }
            Self::List { group, .. } => format!("listed the connections of the group `{group}`"),
            Self::Health => "the service is well".to_owned(),
        }
    }

    /// The request, on that hub.
    pub fn request(&self, hub: &str) -> OperationRequest {
        let hub = format!("/api/hubs/{}", encoded(hub));
        let asked = |method, path: String| OperationRequest {
            method,
            path,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
        };
        match self {
            Self::Send { to, filter, excluded, ttl, headers } => {
                let mut asked = asked(Method::POST, format!("{hub}{}/:send", below(to)));
                asked.query.extend(excluded.iter().map(|id| ("excluded", id.clone())));
                asked.query.extend(filter.clone().map(|filter| ("filter", filter)));
                asked.query.extend(ttl.map(|ttl| ("messageTtlSeconds", ttl.as_secs().to_string())));
                asked.headers.clone_from(headers);
                asked
            }
            Self::Close { target, reason, excluded } => {
                let mut asked = match target {
                    ServiceTarget::Connection(_) => asked(Method::DELETE, format!("{hub}{}", below(target))),
                    ServiceTarget::All | ServiceTarget::Group(_) | ServiceTarget::User(_) => {
                        asked(Method::POST, format!("{hub}{}/:closeConnections", below(target)))
                    }
                };
                asked.query.extend(excluded.iter().map(|id| ("excluded", id.clone())));
                asked.query.extend(reason.clone().map(|reason| ("reason", reason)));
                asked
            }
            Self::Exists(target) => asked(Method::HEAD, format!("{hub}{}", below(target))),
            Self::Add { member, group } => asked(Method::PUT, format!("{hub}{}", membership(member, group))),
            Self::Remove { member, group: Some(group) } => {
                asked(Method::DELETE, format!("{hub}{}", membership(member, group)))
            }
            Self::Remove { member: GroupMember::Connection(id), group: None } => {
                asked(Method::DELETE, format!("{hub}/connections/{}/groups", encoded(id)))
            }
            Self::Remove { member: GroupMember::User(id), group: None } => {
                asked(Method::DELETE, format!("{hub}/users/{}/groups", encoded(id)))
            }
            Self::Change { add, group, filter } => {
                let verb = if *add { ":addToGroups" } else { ":removeFromGroups" };
                let body = json!({"groups": [group], "filter": filter}).to_string();
                OperationRequest { body: Some(body), ..asked(Method::POST, format!("{hub}/{verb}")) }
            }
            Self::Permission { verb, permission, connection, group } => {
                let method = match verb {
                    PermissionVerb::Grant => Method::PUT,
                    PermissionVerb::Revoke => Method::DELETE,
                    PermissionVerb::Check => Method::HEAD,
                };
                let path = format!("{hub}/permissions/{permission}/connections/{}", encoded(connection));
                let mut asked = asked(method, path);
                asked.query.extend(group.clone().map(|group| ("targetName", group)));
                asked
            }
            Self::List { group, top } => {
                let mut asked = asked(Method::GET, format!("{hub}/groups/{}/connections", encoded(group)));
                let page = top.map_or(LARGEST_PAGE, |top| top.min(LARGEST_PAGE));
                asked.query.push(("maxpagesize", page.to_string()));
                asked.query.extend(top.map(|top| ("top", top.to_string())));
                asked
            }
            Self::Health => asked(Method::HEAD, "/api/health".to_owned()),
        }
    }
}

impl OperationRequest {
    /// Path and query, with the version of the API.
    pub fn path_and_query(&self) -> String {
        let mut out = format!("{}?api-version={API_VERSION}", self.path);
        for (name, value) in &self.query {
            out.push_str(&format!("&{name}={}", encoded(value)));
        }
        out
    }
}

/// The part of a path that names a target.
fn below(target: &ServiceTarget) -> String {
    match target {
        ServiceTarget::All => String::new(),
        ServiceTarget::Group(name) => format!("/groups/{}", encoded(name)),
        ServiceTarget::User(name) => format!("/users/{}", encoded(name)),
        ServiceTarget::Connection(name) => format!("/connections/{}", encoded(name)),
    }
}

fn membership(member: &GroupMember, group: &str) -> String {
    match member {
        GroupMember::Connection(id) => format!("/groups/{}/connections/{}", encoded(group), encoded(id)),
        GroupMember::User(id) => format!("/users/{}/groups/{}", encoded(id), encoded(group)),
    }
}

fn named(target: &ServiceTarget) -> String {
    match target {
        ServiceTarget::All => "all connections".to_owned(),
        ServiceTarget::Group(name) => format!("the group `{name}`"),
        ServiceTarget::User(name) => format!("the user `{name}`"),
        ServiceTarget::Connection(name) => format!("the connection `{name}`"),
    }
}

fn addressed(to: &ServiceTarget, is_filtered: bool) -> String {
    match to {
        to if !is_filtered => named(to),
        ServiceTarget::All => "all connections that match the filter".to_owned(),
        to => format!("those of {} that match the filter", named(to)),
    }
}

fn who(member: &GroupMember) -> String {
    match member {
        GroupMember::Connection(name) => format!("the connection `{name}`"),
        GroupMember::User(name) => format!("the user `{name}`"),
    }
}

/// Percent-encoded for a path segment or a query value.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(operation: &ServiceOperation) -> (String, String) {
        let asked = operation.request("chat");
        let url =
            asked.path_and_query().replace("?api-version=2024-12-01&", "?").replace("?api-version=2024-12-01", "");
        (format!("{} {url}", asked.method), asked.body.unwrap_or_default())
    }

    #[test]
    fn every_operation_is_asked_as_the_table_of_the_api_has_it() {
        let c = || "c".to_owned();
        let g = || Some("g".to_owned());
        let send = |to, excluded: &[&str], filter: Option<&str>, ttl| ServiceOperation::Send {
            to,
            filter: filter.map(str::to_owned),
            excluded: excluded.iter().map(|id| (*id).to_owned()).collect(),
            ttl,
            headers: HeaderMap::new(),
        };
        let close = |target, reason: Option<&str>| ServiceOperation::Close {
            target,
            reason: reason.map(str::to_owned),
            excluded: Vec::new(),
        };
        let permission =
            |verb, group| ServiceOperation::Permission { verb, permission: "sendToGroup", connection: c(), group };
        let connection = || GroupMember::Connection(c());
        let user = || GroupMember::User("u/1".to_owned());
        let twenty = Some(Duration::from_secs(20));
        for (operation, name, expected) in [
            (
                send(ServiceTarget::All, &["a", "b"], Some("userId ne null"), twenty),
                "sendToAll",
                "POST /api/hubs/chat/:send?excluded=a&excluded=b&filter=userId%20ne%20null&messageTtlSeconds=20",
            ),
            (
                send(ServiceTarget::Group("a/b c".into()), &[], None, None),
                "sendToGroup",
                "POST /api/hubs/chat/groups/a%2Fb%20c/:send",
            ),
            (
                send(ServiceTarget::Connection(c()), &[], None, None),
                "sendToConnection",
                "POST /api/hubs/chat/connections/c/:send",
            ),
            (
                close(ServiceTarget::All, Some("a b")),
                "closeAllConnections",
                "POST /api/hubs/chat/:closeConnections?reason=a%20b",
            ),
            (
                close(ServiceTarget::Group("g".into()), None),
                "closeGroupConnections",
                "POST /api/hubs/chat/groups/g/:closeConnections",
            ),
            (
                close(ServiceTarget::User("u".into()), None),
                "closeUserConnections",
                "POST /api/hubs/chat/users/u/:closeConnections",
            ),
            (close(ServiceTarget::Connection(c()), None), "closeConnection", "DELETE /api/hubs/chat/connections/c"),
            (
                ServiceOperation::Exists(ServiceTarget::Connection(c())),
                "connectionExists",
                "HEAD /api/hubs/chat/connections/c",
            ),
            (ServiceOperation::Exists(ServiceTarget::Group("g".into())), "groupExists", "HEAD /api/hubs/chat/groups/g"),
            (ServiceOperation::Exists(ServiceTarget::User("u".into())), "userExists", "HEAD /api/hubs/chat/users/u"),
            (
                ServiceOperation::Add { member: connection(), group: "g".into() },
                "addConnectionToGroup",
                "PUT /api/hubs/chat/groups/g/connections/c",
            ),
            (
                ServiceOperation::Add { member: user(), group: "g".into() },
                "addUserToGroup",
                "PUT /api/hubs/chat/users/u%2F1/groups/g",
            ),
            (
                ServiceOperation::Remove { member: connection(), group: g() },
                "removeConnectionFromGroup",
                "DELETE /api/hubs/chat/groups/g/connections/c",
            ),
            (
                ServiceOperation::Remove { member: connection(), group: None },
                "removeConnectionFromAllGroups",
                "DELETE /api/hubs/chat/connections/c/groups",
            ),
            (
                ServiceOperation::Remove { member: user(), group: g() },
                "removeUserFromGroup",
                "DELETE /api/hubs/chat/users/u%2F1/groups/g",
            ),
            (
                ServiceOperation::Remove { member: user(), group: None },
                "removeUserFromAllGroups",
                "DELETE /api/hubs/chat/users/u%2F1/groups",
            ),
            (
                permission(PermissionVerb::Grant, g()),
                "grantPermission",
                "PUT /api/hubs/chat/permissions/sendToGroup/connections/c?targetName=g",
            ),
            (
                permission(PermissionVerb::Revoke, None),
                "revokePermission",
                "DELETE /api/hubs/chat/permissions/sendToGroup/connections/c",
            ),
            (
                permission(PermissionVerb::Check, g()),
                "checkPermission",
                "HEAD /api/hubs/chat/permissions/sendToGroup/connections/c?targetName=g",
            ),
            (
                ServiceOperation::List { group: "g".into(), top: Some(500) },
                "listConnectionsInGroup",
                "GET /api/hubs/chat/groups/g/connections?maxpagesize=200&top=500",
            ),
            (ServiceOperation::Health, "getServiceStatus", "HEAD /api/health"),
        ] {
            assert_eq!((operation.name(), asked(&operation)), (name, (expected.to_owned(), String::new())));
        }
        for (add, name, path) in [
            (true, "addConnectionsToGroups", "POST /api/hubs/chat/:addToGroups"),
            (false, "removeConnectionsFromGroups", "POST /api/hubs/chat/:removeFromGroups"),
        ] {
            let change = ServiceOperation::Change { add, group: "g".into(), filter: "userId eq 'a'".into() };
            let body = r#"{"filter":"userId eq 'a'","groups":["g"]}"#;
            assert_eq!((change.name(), asked(&change)), (name, (path.to_owned(), body.to_owned())));
        }
    }
}
