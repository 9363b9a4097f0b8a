//! Which operation a method and a path mean: the table of PROTOCOL §13.

use http::Method;
use percent_encoding::percent_decode_str;

use super::answer::RestProblem;
use webpubsub_proto::hub::{Permission, Target};

/// An operation, with the names that stand in its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RestAction<'a> {
    Send(Target<'a>),
    Close(Target<'a>),
    AddToGroups,
    RemoveFromGroups,
    Exists(Target<'a>),
    ListMembers {
        group: &'a str,
    },
    Join {
        who: Target<'a>,
        group: &'a str,
    },
    /// Without a group: all groups.
    Leave {
        who: Target<'a>,
        group: Option<&'a str>,
    },
    Grant(ConnectionPermission<'a>),
    Revoke(ConnectionPermission<'a>),
    HasPermission(ConnectionPermission<'a>),
    GenerateToken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionPermission<'a> {
    /// As in the path.
    permission: &'a str,
    pub(super) connection: &'a str,
}

impl ConnectionPermission<'_> {
    /// By its name or by the number that .NET's SDK has for it.
    pub(super) fn permission(&self) -> Result<Permission, RestProblem> {
        match self.permission {
            "1" => Ok(Permission::SendToGroup),
            "2" => Ok(Permission::JoinLeaveGroup),
            name if name.eq_ignore_ascii_case("sendToGroup") => Ok(Permission::SendToGroup),
            name if name.eq_ignore_ascii_case("joinLeaveGroup") => Ok(Permission::JoinLeaveGroup),
            other => {
                let message = format!("The permission `{other}` is neither sendToGroup nor joinLeaveGroup.");
                Err(RestProblem::bad_request("permission", message))
            }
        }
    }
}

/// Something that exists.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resource<'a> {
    /// As in the path.
    pub(super) hub: &'a str,
    pub(super) found: RouteMatch<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum RouteMatch<'a> {
    Action(RestAction<'a>),
    /// These methods there are.
    WrongMethod(Vec<Method>),
}

/// The segments of a path, decoded one by one, so that a name may have slashes in it.
pub(super) fn segments(path: &str) -> Result<Vec<String>, RestProblem> {
    let path = path.trim_start_matches('/');
    let segments = path.strip_suffix('/').unwrap_or(path).split('/').map(|segment| {
        let decoded = percent_decode_str(segment).decode_utf8().map(|segment| segment.into_owned());
        decoded.map_err(|_| RestProblem::bad_request("path", format!("`{segment}` in the path is not UTF-8.")))
    });
    segments.collect()
}

/// `None`: there is no such path.
pub(super) fn find<'a>(segments: &[&'a str], method: &Method) -> Option<Resource<'a>> {
    let ["api", "hubs", hub, rest @ ..] = segments else { return None };
    let actions = actions(rest)?;
    let found = match actions.iter().find(|(of, _)| of == method) {
        Some((_, action)) => RouteMatch::Action(*action),
        None => RouteMatch::WrongMethod(actions.into_iter().map(|(of, _)| of).collect()),
    };
    Some(Resource { hub, found })
}

/// What can be done at a path below the hub's.
fn actions<'a>(path: &[&'a str]) -> Option<Vec<(Method, RestAction<'a>)>> {
    use RestAction::{
        AddToGroups, Close, Exists, GenerateToken, Grant, HasPermission, Leave, ListMembers, RemoveFromGroups, Revoke,
        Send,
    };
    use Target::{Connection, Everyone, Group, User};
    let post = |action| Some(vec![(Method::POST, action)]);
    match *path {
        [":send"] => post(Send(Everyone)),
        ["groups", group, ":send"] => post(Send(Group(group))),
        ["users", user, ":send"] => post(Send(User(user))),
        ["connections", id, ":send"] => post(Send(Connection(id))),
        [":closeConnections"] => post(Close(Everyone)),
        ["groups", group, ":closeConnections"] => post(Close(Group(group))),
        ["users", user, ":closeConnections"] => post(Close(User(user))),
        [":addToGroups"] => post(AddToGroups),
        [":removeFromGroups"] => post(RemoveFromGroups),
        [":generateToken"] => post(GenerateToken),
        ["connections", id] => {
            Some(vec![(Method::HEAD, Exists(Connection(id))), (Method::DELETE, Close(Connection(id)))])
        }
        ["groups", group] => Some(vec![(Method::HEAD, Exists(Group(group)))]),
        ["users", user] => Some(vec![(Method::HEAD, Exists(User(user)))]),
        ["groups", group, "connections"] => Some(vec![(Method::GET, ListMembers { group })]),
        ["groups", group, "connections", id] => Some(membership(Connection(id), group)),
        ["users", user, "groups", group] => Some(membership(User(user), group)),
        ["connections", id, "groups"] => Some(vec![(Method::DELETE, Leave { who: Connection(id), group: None })]),
        ["users", user, "groups"] => Some(vec![(Method::DELETE, Leave { who: User(user), group: None })]),
        ["permissions", permission, "connections", connection] => {
            let permitted = ConnectionPermission { permission, connection };
            Some(vec![
                (Method::HEAD, HasPermission(permitted)),
                (Method::PUT, Grant(permitted)),
                (Method::DELETE, Revoke(permitted)),
            ])
        }
        _ => None,
    }
}

fn membership<'a>(who: Target<'a>, group: &'a str) -> Vec<(Method, RestAction<'a>)> {
    vec![
        (Method::PUT, RestAction::Join { who, group }),
        (Method::DELETE, RestAction::Leave { who, group: Some(group) }),
    ]
}
