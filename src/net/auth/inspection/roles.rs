//! Roles in words (PROTOCOL §11).

use webpubsub_proto::{GroupPattern, LONGEST_PATTERN, MOST_STARS};

/// What a role is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Joining and leaving.
    JoinLeave,
    /// Publishing.
    Send,
    /// Setting and clearing one's own state.
    SetState,
    /// Subscribing to the states of all.
    GetStates,
}

/// All of them.
const VERBS: [Verb; 4] = [Verb::JoinLeave, Verb::Send, Verb::SetState, Verb::GetStates];

impl Verb {
    /// The role for any group; one for certain groups begins with it.
    pub fn role(self) -> &'static str {
        match self {
            Self::JoinLeave => "webpubsub.joinLeaveGroup",
            Self::Send => "webpubsub.sendToGroup",
            Self::SetState => "webpubsub.setGroupState",
            Self::GetStates => "webpubsub.getGroupState",
        }
    }

    /// Whether it is about states: then the connection has to be in the group too, and what stands behind the dot of a
    /// role is always a pattern.
    pub fn is_about_states(self) -> bool {
        match self {
            Self::SetState | Self::GetStates => true,
            Self::JoinLeave | Self::Send => false,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::JoinLeave => "join and leave",
            Self::Send => "send to",
            Self::SetState => "set its state in",
            Self::GetStates => "watch the states of",
        }
    }
}

/// What a role allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RoleScope<'a> {
    Any,
    Group(&'a str),
    Pattern(&'a str),
}

/// What for, and where.
fn parse(role: &str) -> Option<(Verb, RoleScope<'_>)> {
    let of = |verb: Verb| role.strip_prefix(verb.role()).map(|rest| (verb, rest));
    let (verb, rest) = VERBS.into_iter().find_map(of)?;
    let plural = rest.strip_prefix("s.").filter(|_| !verb.is_about_states());
    let allows = match (rest, rest.strip_prefix('.'), plural) {
        ("", ..) => RoleScope::Any,
        (_, Some(pattern), _) if verb.is_about_states() && !pattern.is_empty() => RoleScope::Pattern(pattern),
        (_, Some(group), _) if !group.is_empty() => RoleScope::Group(group),
        (_, _, Some(pattern)) if !pattern.is_empty() => RoleScope::Pattern(pattern),
        _ => return None,
    };
    Some((verb, allows))
}

/// The role that allows something in a group, if one of these does; without a group: in any.
pub fn granting<'r>(roles: &'r [String], verb: Verb, group: Option<&str>) -> Option<&'r str> {
    let grants = |role: &&String| match parse(role) {
        Some((of, allows)) if of == verb => match (allows, group) {
            (RoleScope::Any, _) => true,
            (RoleScope::Group(allowed), Some(group)) => allowed == group,
            (RoleScope::Pattern(pattern), Some(group)) => {
                GroupPattern::parse(pattern).is_some_and(|pattern| pattern.matches(group))
            }
            (RoleScope::Group(_) | RoleScope::Pattern(_), None) => false,
        },
        _ => false,
    };
    roles.iter().find(grants).map(String::as_str)
}

/// The most roles of each verb that the service is known to take (PROTOCOL §11): for single groups, and patterns.
const MOST_GROUPS: usize = 1000;
const MOST_PATTERNS: usize = 10;

/// Whether `role` is one of more than the service takes, so that it may not count.
pub fn is_among_too_many(role: &str, roles: &[String]) -> bool {
    let like = |of: &RoleScope<'_>| match of {
        RoleScope::Any => 0,
        RoleScope::Group(_) => 1,
        RoleScope::Pattern(_) => 2,
    };
    let Some((verb, allows)) = parse(role) else { return false };
    let most = match allows {
        RoleScope::Any => return false,
        RoleScope::Group(_) => MOST_GROUPS,
        RoleScope::Pattern(_) => MOST_PATTERNS,
    };
    let of_its_kind = |other: &&String| parse(other).is_some_and(|(of, it)| of == verb && like(&it) == like(&allows));
    roles.iter().filter(of_its_kind).count() > most
}

/// What all these roles together allow, a phrase each; unknown ones are left out.
pub fn in_words(roles: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    for verb in VERBS {
        let of_verb =
            || roles.iter().filter_map(|role| parse(role)).filter(|(it, _)| *it == verb).map(|(_, allows)| allows);
        let verb = verb.words();
        if of_verb().any(|allows| allows == RoleScope::Any) {
            words.push(format!("may {verb} any group"));
            continue;
        }
        let groups: Vec<String> = of_verb()
            .filter_map(|allows| match allows {
                RoleScope::Group(group) => Some(format!("`{group}`")),
                RoleScope::Any | RoleScope::Pattern(_) => None,
            })
            .collect();
        if !groups.is_empty() {
            words.push(format!("may {verb} {}", groups.join(", ")));
        }
        let patterns: Vec<String> = of_verb()
            .filter_map(|allows| match allows {
                RoleScope::Pattern(pattern) => Some(format!("`{pattern}`")),
                RoleScope::Any | RoleScope::Group(_) => None,
            })
            .collect();
        if !patterns.is_empty() {
            words.push(format!("may {verb} groups of the pattern {}", patterns.join(", ")));
        }
    }
    words
}

/// What is wrong with a role.
pub fn problem(role: &str) -> Option<String> {
    match parse(role) {
        None => Some(format!("`{role}` is not a role that the service knows")),
        Some((_, RoleScope::Pattern(pattern))) if pattern.chars().count() > LONGEST_PATTERN => {
            Some(format!("the pattern of a role is longer than {LONGEST_PATTERN} characters"))
        }
        Some((_, RoleScope::Pattern(pattern))) if pattern.matches('*').count() > MOST_STARS => {
            Some(format!("the pattern `{pattern}` has more than {MOST_STARS} `*`"))
        }
        Some((_, RoleScope::Group(group))) if group.contains('*') => {
            Some(format!("`{group}` in `{role}` is a group of that name: patterns have the plural, `…Groups.`"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_told_in_words() {
        for (roles, expected) in [
            (vec![], ""),
            (
                vec!["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.room1"],
                "may join and leave any group; may send to `room1`",
            ),
            (vec!["webpubsub.sendToGroup.a.b", "webpubsub.sendToGroup.c"], "may send to `a.b`, `c`"),
            (vec!["webpubsub.sendToGroup", "webpubsub.sendToGroup.c"], "may send to any group"),
            (vec!["webpubsub.joinLeaveGroups.room.*"], "may join and leave groups of the pattern `room.*`"),
            (
                vec!["webpubsub.setGroupState", "webpubsub.getGroupState.room.*", "webpubsub.getGroupState.lobby"],
                "may set its state in any group; may watch the states of groups of the pattern `room.*`, `lobby`",
            ),
            (vec!["other"], ""),
        ] {
            let roles: Vec<String> = roles.into_iter().map(str::to_owned).collect();
            assert_eq!(in_words(&roles).join("; "), expected);
        }
    }

    #[test]
    fn the_role_that_allows_something_is_found_among_literals_and_patterns() {
        let roles = ["webpubsub.sendToGroup.room.1", "webpubsub.joinLeaveGroups.room.*", "other"].map(str::to_owned);
        let found = |verb, group| granting(&roles, verb, group);
        assert_eq!(found(Verb::Send, Some("room.1")), Some("webpubsub.sendToGroup.room.1"));
        assert_eq!(found(Verb::JoinLeave, Some("room.1")), Some("webpubsub.joinLeaveGroups.room.*"));
        for (verb, group) in [(Verb::Send, Some("room.2")), (Verb::JoinLeave, Some("room.1.2")), (Verb::Send, None)] {
            assert_eq!(found(verb, group), None);
        }
        let states = ["webpubsub.setGroupState.room?", "webpubsub.getGroupState"].map(str::to_owned);
        assert_eq!(granting(&states, Verb::SetState, Some("room1")), Some("webpubsub.setGroupState.room?"));
        assert_eq!(granting(&states, Verb::SetState, Some("lobby")), None);
        assert_eq!(granting(&states, Verb::GetStates, Some("lobby")), Some("webpubsub.getGroupState"));
        let any = ["webpubsub.sendToGroup".to_owned()];
        assert_eq!(granting(&any, Verb::Send, None), Some("webpubsub.sendToGroup"));
    }

    #[test]
    fn roles_that_do_nothing_or_something_else_are_told() {
        for (role, part) in [
            ("webpubsub.sendtogroup", "not a role"),
            ("webpubsub.sendToGroup.", "not a role"),
            ("webpubsub.sendToGroups", "not a role"),
            ("webpubsub.sendToGroups.*****.*", "more than 5"),
            ("webpubsub.sendToGroup.room*", "plural"),
            ("webpubsub.setgroupstate", "not a role"),
            ("webpubsub.getGroupState.", "not a role"),
            ("webpubsub.getGroupStates.a", "not a role"),
            ("webpubsub.setGroupState.*****.*", "more than 5"),
        ] {
            assert!(problem(role).is_some_and(|text| text.contains(part)), "{role}");
        }
        for role in [
            "webpubsub.sendToGroup",
            "webpubsub.joinLeaveGroup.a",
            "webpubsub.sendToGroups.a.**",
            "webpubsub.setGroupState",
            "webpubsub.setGroupState.room1",
            "webpubsub.getGroupState.room.*",
        ] {
            assert_eq!(problem(role), None);
        }
    }
}
