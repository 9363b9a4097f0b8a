//! The application's side of a hub: what REST requests and the control endpoint ask and do (PROTOCOL §13).
//!
//! Questions (`&self`) and inputs (`handle_*`) are answered at once; what they cause at clients comes out of
//! `poll_output` as always. Nothing here needs a role. A connection counts as long as the hub keeps it, so one that
//! lost its socket and can still be recovered counts, too.

use std::fmt;

use std::collections::HashSet;
use std::time::Duration;

use super::Hub;
use super::connections::Connection;
use super::delivery::Delivery;
use super::farewell::Farewell;
use super::inspect::ConnectionInfo;
use super::key::ConnectionKey;
use super::permissions::Permission;
use crate::{Data, Message, Origin, Subprotocol};

/// Whose connections are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// All of the hub.
    Everyone,
    /// The members of a group.
    Group(&'a str),
    /// All connections of a user.
    User(&'a str),
    /// The connection with this id.
    Connection(&'a str),
}

/// Which connections are meant.
#[derive(Clone, Copy)]
pub struct Selection<'a> {
    /// Whose.
    pub target: Target<'a>,
    /// Ids of connections that are not meant.
    pub excluded: &'a [String],
    /// Those it is false for are not meant.
    pub filter: Option<&'a (dyn Fn(&Recipient<'_>) -> bool + Sync)>,
}

impl fmt::Debug for Selection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selection")
            .field("target", &self.target)
            .field("excluded", &self.excluded)
            .finish_non_exhaustive()
    }
}

impl<'a> Selection<'a> {
    /// All of the target's.
    pub fn all(target: Target<'a>) -> Self {
        Self { target, excluded: &[], filter: None }
    }
}

/// What a filter can see of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a>(&'a Connection);

impl Recipient<'_> {
    /// Its id.
    pub fn connection_id(&self) -> &str {
        &self.0.id
    }

    /// `None` when anonymous.
    pub fn user_id(&self) -> Option<&str> {
        self.0.user.as_deref()
    }

    /// `None` for a simple client.
    pub fn subprotocol(&self) -> Option<Subprotocol> {
        self.0.subprotocol()
    }

    /// Whether it is a member of the group.
    pub fn is_in_group(&self, group: &str) -> bool {
        self.0.groups.contains(group)
    }
}

/// Some members of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPage {
    /// By their ids. The next page begins behind the last of them, whoever joins or leaves meanwhile.
    pub members: Vec<ConnectionInfo>,
    /// Whether there are more.
    pub more: bool,
}

/// A message from the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// The payload.
    pub data: Data<'a>,
    /// JSON text of the `metadata` object (PROTOCOL §4.5), checked.
    pub metadata: Option<&'a str>,
    /// How long a reliable connection keeps the message while it is not acknowledged. After that it is not replayed.
    /// Zero: as long as it lives. What was handed to a socket is not taken back.
    pub ttl: Duration,
}

/// What became of a message from the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It was queued for so many connections.
    To(usize),
    /// Nothing was done: a receiver is near a limit. [`Hub::take_released`] says when to try again; nobody has to wait
    /// longer than the hub's patience.
    Busy,
}

/// What became of an addition to groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// How many connections were meant.
    pub connections: usize,
    /// How many of them are in as many groups as a connection can be in, and so did not join all.
    pub full: usize,
}

/// What became of a grant, or of one that is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// In force from now on.
    Done,
    /// There is no such connection.
    NoConnection,
    /// The connection has permissions for as many groups as it can have.
    TooMany,
}

impl Hub {
    /// Some members of a group by their ids: those behind the id `after`, at most `limit`.
    pub fn members(&self, group: &str, after: Option<&str>, limit: usize) -> MemberPage {
        let keys = self.select(&Selection::all(Target::Group(group)));
        let mut members: Vec<&Connection> = keys.iter().filter_map(|key| self.connections.get(*key)).collect();
        members.retain(|member| after.is_none_or(|after| *member.id > *after));
        members.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let more = members.len() > limit;
        members.truncate(limit);
        MemberPage { members: members.into_iter().map(Connection::info).collect(), more }
    }

    /// Whether any connection is meant.
    pub fn has_any(&self, selection: &Selection<'_>) -> bool {
        !self.select(selection).is_empty()
    }

    /// Whether a connection has a permission for the group; without a group, for all groups. `None`: no connection.
    pub fn has_permission(&self, connection_id: &str, permission: Permission, group: Option<&str>) -> Option<bool> {
        let (_, connection) = self.connections.present(connection_id)?;
        Some(connection.permissions.has(permission, group))
    }

    /// Sends a message: to a group as one of that group without a sender, to all others as the server's (PROTOCOL §13).
    ///
    /// Unless `insist`, nothing is done while a receiver is so near a limit that publishers wait for it.
    pub fn handle_send(
        &mut self,
        now: Duration,
        selection: &Selection<'_>,
        outgoing: &Outgoing<'_>,
        insist: bool,
    ) -> Sent {
        self.now = now;
        let keys = self.select(selection);
        if !insist && !self.congestion.is_empty() && keys.iter().any(|key| self.congestion.contains(*key)) {
            return Sent::Busy;
        }
        let origin = match selection.target {
            Target::Group(group) => Origin::Group { group: group.into(), user_id: None },
            Target::Everyone | Target::User(_) | Target::Connection(_) => Origin::Server,
        };
        let Outgoing { data, metadata, ttl } = *outgoing;
        let message = Message { origin, sequence_id: None, data, metadata, stream: None, redelivered: false };
        let expires = (!ttl.is_zero()).then(|| now.saturating_add(ttl));
        self.deliver_to_all(&keys, Delivery::expiring(message, expires));
        self.settle(now);
        Sent::To(keys.len())
    }

    /// Closes connections for good; their clients are told (PROTOCOL §5.2, §7.2). Gives how many there were.
    pub fn handle_close(&mut self, now: Duration, selection: &Selection<'_>, reason: Option<&str>) -> usize {
        self.now = now;
        let keys = self.select(selection);
        let farewell = Farewell::by_application(reason);
        for key in &keys {
            self.expel(*key, farewell.clone());
        }
        self.settle(now);
        keys.len()
    }

    /// Adds connections to groups.
    pub fn handle_add_to_groups(&mut self, now: Duration, selection: &Selection<'_>, groups: &[String]) -> Joined {
        self.now = now;
        let keys = self.select(selection);
        let mut full = 0;
        for key in &keys {
            let mut fits = true;
            for group in groups {
                let max_groups = self.config.max_groups;
                let connection = self.connections.get(*key);
                if connection.is_some_and(|connection| connection.has_room_for(group, max_groups)) {
                    self.join(*key, group);
                } else {
                    fits = false;
                }
            }
            full += usize::from(!fits);
        }
        self.settle(now);
        Joined { connections: keys.len(), full }
    }

    /// Takes connections out of groups; `None` means all groups they are in.
    pub fn handle_remove_from_groups(&mut self, now: Duration, selection: &Selection<'_>, groups: Option<&[String]>) {
        self.now = now;
        for key in self.select(selection) {
            match groups {
                Some(groups) => groups.iter().for_each(|group| self.leave(key, group)),
                None => {
                    let groups = self.connections.get(key).map(|connection| connection.groups.clone());
                    groups.into_iter().flatten().for_each(|group| self.leave(key, &group));
                }
            }
        }
        self.settle(now);
    }

    /// Grants a connection a permission for a group, or for all groups. What it sends from now on is judged by it.
    pub fn handle_grant(
        &mut self,
        now: Duration,
        connection_id: &str,
        permission: Permission,
        group: Option<&str>,
    ) -> Grant {
        self.now = now;
        let key = self.connections.present(connection_id).map(|(key, _)| key);
        let Some(connection) = key.and_then(|key| self.connections.get_mut(key)) else { return Grant::NoConnection };
        match connection.permissions.grant(permission, group) {
            Ok(()) => Grant::Done,
            Err(_) => Grant::TooMany,
        }
    }

    /// Takes a permission back for this group, whatever covers it; without a group, all of it. Groups that were joined
    /// stay joined (PROTOCOL §11).
    pub fn handle_revoke(
        &mut self,
        now: Duration,
        connection_id: &str,
        permission: Permission,
        group: Option<&str>,
    ) -> Grant {
        self.now = now;
        let key = self.connections.present(connection_id).map(|(key, _)| key);
        let Some(connection) = key.and_then(|key| self.connections.get_mut(key)) else { return Grant::NoConnection };
        match connection.permissions.revoke(permission, group) {
            Ok(()) => Grant::Done,
            Err(_) => Grant::TooMany,
        }
    }

    /// The connections that are meant, in the order they connected.
    fn select(&self, selection: &Selection<'_>) -> Vec<ConnectionKey> {
        let mut keys: Vec<ConnectionKey> = match selection.target {
            Target::Everyone => self.connections.keys(),
            Target::Group(group) => self.groups.members(group).into_iter().flatten().copied().collect(),
            Target::User(user) => {
                let theirs = self.connections.iter().filter(|(_, of)| of.user.as_deref() == Some(user));
                theirs.map(|(key, _)| key).collect()
            }
            Target::Connection(id) => self.connections.by_id(id).into_iter().map(|(key, _)| key).collect(),
        };
        let excluded: HashSet<&str> = selection.excluded.iter().map(String::as_str).collect();
        keys.retain(|key| {
            self.connections.get(*key).is_some_and(|connection| {
                connection.is_present()
                    && !excluded.contains(&*connection.id)
                    && selection.filter.is_none_or(|filter| filter(&Recipient(connection)))
            })
        });
        keys.sort_unstable();
        keys
    }
}

/// What a filter sees of it.
impl crate::filter::Subject for Recipient<'_> {
    fn user_id(&self) -> Option<&str> {
        Recipient::user_id(self)
    }

    fn connection_id(&self) -> &str {
        Recipient::connection_id(self)
    }

    fn protocol(&self) -> Option<&str> {
        self.subprotocol().map(|subprotocol| subprotocol.name())
    }

    fn is_in_group(&self, group: &str) -> bool {
        Recipient::is_in_group(self, group)
    }
}
