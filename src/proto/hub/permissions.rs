//! What a connection may do, from its roles (PROTOCOL §11).

use std::collections::HashSet;

use crate::GroupPattern;

/// Most literal groups a connection can be granted for each permission.
const MAX_LITERALS: usize = 1000;
/// Most patterns a connection can be granted for each permission.
const MAX_PATTERNS: usize = 10;

/// What a permission is for (PROTOCOL §13, `/permissions/…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Publishing to groups.
    SendToGroup,
    /// Joining and leaving groups.
    JoinLeaveGroup,
}

/// A connection has as many permissions for single groups as it can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyPermissions;

/// The roles of a connection. Roles that are unknown or beyond the limits grant nothing.
#[derive(Debug, Default)]
pub(super) struct Permissions {
    join_leave: Grant,
    send: Grant,
    set_state: Grant,
    get_states: Grant,
}

/// The groups one permission is granted for.
#[derive(Debug, Default)]
struct Grant {
    /// All of them.
    all: bool,
    literals: HashSet<Box<str>>,
    patterns: Vec<GroupPattern>,
    /// Taken back one by one, whatever else covers them.
    denied: HashSet<Box<str>>,
}

impl Permissions {
    pub(super) fn from_roles<S: AsRef<str>>(roles: &[S]) -> Self {
        let mut permissions = Self::default();
        for role in roles {
            let Some(role) = role.as_ref().strip_prefix("webpubsub.") else { continue };
            // The group of a literal role is everything after the first dot, further dots included.
            let (name, group) = role.split_once('.').map_or((role, None), |(name, group)| (name, Some(group)));
            match (name, group) {
                ("joinLeaveGroup", None) => permissions.join_leave.all = true,
                ("sendToGroup", None) => permissions.send.all = true,
                ("joinLeaveGroup", Some(group)) => permissions.join_leave.add_literal(group),
                ("sendToGroup", Some(group)) => permissions.send.add_literal(group),
                ("joinLeaveGroups", Some(pattern)) => permissions.join_leave.add_pattern(pattern),
                ("sendToGroups", Some(pattern)) => permissions.send.add_pattern(pattern),
                ("setGroupState", None) => permissions.set_state.all = true,
                ("getGroupState", None) => permissions.get_states.all = true,
                // These two have no plural: what stands behind them is always a pattern.
                ("setGroupState", Some(pattern)) => permissions.set_state.add_pattern(pattern),
                ("getGroupState", Some(pattern)) => permissions.get_states.add_pattern(pattern),
                _ => {}
            }
        }
        permissions
    }

    fn grant_mut(&mut self, permission: Permission) -> &mut Grant {
        match permission {
            Permission::SendToGroup => &mut self.send,
            Permission::JoinLeaveGroup => &mut self.join_leave,
        }
    }

    /// Grants a permission for a group, or for all of them.
    pub(super) fn grant(&mut self, permission: Permission, group: Option<&str>) -> Result<(), TooManyPermissions> {
        let grant = self.grant_mut(permission);
        match group {
            None => {
                grant.all = true;
                grant.denied.clear();
            }
            Some(group) => {
                grant.denied.remove(group);
                grant.add_literal(group);
                if !grant.literals.contains(group) {
                    return Err(TooManyPermissions);
                }
            }
        }
        Ok(())
    }

    /// Takes back what was granted for this group; without a group, all there is of the permission. A group that is
    /// covered by a wide role or a pattern is denied from then on (PROTOCOL §13, *Recorded from the cloud*).
    pub(super) fn revoke(&mut self, permission: Permission, group: Option<&str>) -> Result<(), TooManyPermissions> {
        let grant = self.grant_mut(permission);
        match group {
            None => *grant = Grant::default(),
            Some(group) => {
                grant.literals.remove(group);
                if grant.covers(group) {
                    if grant.denied.len() >= MAX_LITERALS {
                        return Err(TooManyPermissions);
                    }
                    grant.denied.insert(group.into());
                }
            }
        }
        Ok(())
    }

    /// Whether the permission covers the group; without a group, whether it covers all of them.
    pub(super) fn has(&self, permission: Permission, group: Option<&str>) -> bool {
        let grant = match permission {
            Permission::SendToGroup => &self.send,
            Permission::JoinLeaveGroup => &self.join_leave,
        };
        group.map_or(grant.all, |group| grant.covers(group))
    }

    pub(super) fn may_join_or_leave(&self, group: &str) -> bool {
        self.join_leave.covers(group)
    }

    pub(super) fn may_send(&self, group: &str) -> bool {
        self.send.covers(group)
    }

    /// To say something of itself there, as a member.
    pub(super) fn may_set_state(&self, group: &str) -> bool {
        self.set_state.covers(group)
    }

    /// To be told, as a member, what others say of themselves.
    pub(super) fn may_get_states(&self, group: &str) -> bool {
        self.get_states.covers(group)
    }
}

impl Grant {
    fn add_literal(&mut self, group: &str) {
        if self.literals.len() < MAX_LITERALS {
            self.literals.insert(group.into());
        }
    }

    fn add_pattern(&mut self, pattern: &str) {
        if self.patterns.len() < MAX_PATTERNS
            && let Some(pattern) = GroupPattern::parse(pattern)
        {
            self.patterns.push(pattern);
        }
    }

    fn covers(&self, group: &str) -> bool {
        let granted =
            self.all || self.literals.contains(group) || self.patterns.iter().any(|pattern| pattern.matches(group));
        granted && !self.denied.contains(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_without_a_group_covers_every_group_of_its_own_permission() {
        let join = Permissions::from_roles(&["webpubsub.joinLeaveGroup"]);
        assert!(join.may_join_or_leave("any") && !join.may_send("any"));
        let send = Permissions::from_roles(&["webpubsub.sendToGroup"]);
        assert!(send.may_send("any") && !send.may_join_or_leave("any"));
    }

    #[test]
    fn a_literal_role_covers_one_group_whose_name_may_contain_dots() {
        let literal = Permissions::from_roles(&["webpubsub.sendToGroup.a.b*", "webpubsub.joinLeaveGroup.x"]);
        assert!(literal.may_send("a.b*") && literal.may_join_or_leave("x"));
        for group in ["a", "a.b", "A.b*", "a.bc", "x"] {
            assert!(!literal.may_send(group), "{group}");
        }
    }

    #[test]
    fn roles_for_states_take_patterns_in_the_singular() {
        let all = Permissions::from_roles(&["webpubsub.setGroupState"]);
        assert!(all.may_set_state("any") && !all.may_get_states("any") && !all.may_send("any"));
        let some = Permissions::from_roles(&["webpubsub.getGroupState.room.*", "webpubsub.setGroupState.a"]);
        assert!(some.may_get_states("room.1") && some.may_set_state("a"));
        assert!(!some.may_get_states("room.1.2") && !some.may_set_state("ab") && !some.may_set_state("room.1"));
    }

    #[test]
    fn no_role_or_an_unknown_one_grants_nothing() {
        let none: [&str; 0] = [];
        assert!(!Permissions::from_roles(&none).may_send("g"));
        for role in
            ["sendToGroup", "webpubsub.sendToGroups", "webpubsub.", "webpubsub.sendtogroup", "other.sendToGroup"]
        {
            assert!(!Permissions::from_roles(&[role]).may_send("g"), "{role}");
        }
    }

    #[test]
    fn one_group_that_is_taken_back_is_denied_also_under_a_wide_role_until_it_is_granted_again() {
        for role in ["webpubsub.sendToGroup", "webpubsub.sendToGroups.g*", "webpubsub.sendToGroup.g1"] {
            let mut permissions = Permissions::from_roles(&[role, "webpubsub.sendToGroup.g2"]);
            permissions.revoke(Permission::SendToGroup, Some("g1")).unwrap();
            assert!(!permissions.may_send("g1") && permissions.may_send("g2"), "{role}");
            assert!(!permissions.has(Permission::SendToGroup, Some("g1")), "{role}");
            permissions.grant(Permission::SendToGroup, Some("g1")).unwrap();
            assert!(permissions.may_send("g1"), "{role}");
        }
        let mut wide = Permissions::from_roles(&["webpubsub.joinLeaveGroup"]);
        for n in 0..MAX_LITERALS {
            wide.revoke(Permission::JoinLeaveGroup, Some(&n.to_string())).unwrap();
        }
        assert_eq!(wide.revoke(Permission::JoinLeaveGroup, Some("more")), Err(TooManyPermissions));
        assert!(!wide.may_join_or_leave("7") && wide.may_join_or_leave("more"));
        wide.grant(Permission::JoinLeaveGroup, None).unwrap();
        assert!(wide.may_join_or_leave("7"));
    }

    #[test]
    fn patterns_match_as_documented() {
        for (pattern, yes, no) in [
            ("room?", &["room1", "roomx"][..], &["room", "room.", "room12"][..]),
            ("room*", &["room", "room123"], &["room.1", "xroom", "Room1"]),
            ("room.*", &["room.", "room.a"], &["room", "room.a.b"]),
            ("room.**", &["room.", "room.a", "room.a.b"], &["room"]),
            ("**", &["x", "a.b.c"], &[]),
            ("*.*", &["a.b", "."], &["a", "a.b.c"]),
            (r"a\*b\?\\", &[r"a*b?\"], &[r"axb?\", "a*bx"]),
            ("*a*a*a*a*", &["aaaa", "xaxaxaxax"], &["aaa"]),
            ("日?", &["日本"], &["日"]),
        ] {
            let permissions = Permissions::from_roles(&[format!("webpubsub.sendToGroups.{pattern}")]);
            for group in yes {
                assert!(permissions.may_send(group), "{pattern} should cover {group}");
            }
            for group in no {
                assert!(!permissions.may_send(group), "{pattern} should not cover {group}");
            }
            assert!(!permissions.may_join_or_leave(yes[0]));
        }
    }

    #[test]
    fn patterns_and_roles_beyond_the_limits_grant_nothing() {
        let patterns: Vec<_> = (0..11).map(|n| format!("webpubsub.joinLeaveGroups.p{n}-*")).collect();
        let permissions = Permissions::from_roles(&patterns);
        assert!(permissions.may_join_or_leave("p9-x") && !permissions.may_join_or_leave("p10-x"));
        let literals: Vec<_> = (0..1001).map(|n| format!("webpubsub.joinLeaveGroup.g{n}")).collect();
        let permissions = Permissions::from_roles(&literals);
        assert!(permissions.may_join_or_leave("g999") && !permissions.may_join_or_leave("g1000"));
    }
}
