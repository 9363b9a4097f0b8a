//! Roles that somebody gives to a client, and what is probably wrong with them.

use webpubsub_net::auth::inspection::role_problem;

/// What stands before the names of all roles (PROTOCOL §11), and what may follow.
const AREA: &str = "webpubsub.";
const NAMES: [&str; 6] =
    ["joinLeaveGroup", "sendToGroup", "joinLeaveGroups", "sendToGroups", "setGroupState", "getGroupState"];

/// Why a role does not do what it was probably given for, and which was probably meant.
pub fn doubt(role: &str) -> Option<String> {
    let problem = role_problem(role)?;
    Some(match meant(role) {
        Some(meant) => format!("{problem}; did you mean `{meant}`?"),
        None => problem,
    })
}

/// The same, of a flag.
pub(super) fn warning(role: &str) -> Option<String> {
    Some(format!("`--role`: {}", doubt(role)?))
}

fn meant(role: &str) -> Option<String> {
    let written =
        role.get(..AREA.len()).filter(|area| area.eq_ignore_ascii_case(AREA)).map_or(role, |area| &role[area.len()..]);
    let (name, group) = written.split_once('.').unwrap_or((written, ""));
    let lower = name.to_lowercase();
    let near = NAMES.into_iter().map(|known| (strsim::levenshtein(&lower, &known.to_lowercase()), known)).min()?;
    let (distance, known) = near;
    let known = if group.is_empty() { known.trim_end_matches('s') } else { known };
    let dot = if group.is_empty() { "" } else { "." };
    let meant = format!("{AREA}{known}{dot}{group}");
    (distance <= 1 + name.len() / 4 && meant != role).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_that_the_service_does_not_know_is_told_with_the_one_that_was_meant() {
        for (role, part) in [
            ("webpubsub.sendtogroup", "did you mean `webpubsub.sendToGroup`?"),
            ("sendToGroup.room1", "did you mean `webpubsub.sendToGroup.room1`?"),
            ("webpubsub.joinleavegroup.a.b", "did you mean `webpubsub.joinLeaveGroup.a.b`?"),
            ("webpubsub.sendToGroups", "did you mean `webpubsub.sendToGroup`?"),
            ("WebPubSub.joinLeaveGruop", "did you mean `webpubsub.joinLeaveGroup`?"),
            ("webpubsub.setgroupstate", "did you mean `webpubsub.setGroupState`?"),
            ("webpubsub.getGroupStates.room.*", "did you mean `webpubsub.getGroupState.room.*`?"),
            ("admin", "is not a role that the service knows"),
        ] {
            let told = warning(role).unwrap();
            assert!(told.ends_with(part), "{told}");
        }
        for role in ["webpubsub.sendToGroup.room1", "webpubsub.setGroupState", "webpubsub.getGroupState.room.*"] {
            assert_eq!(warning(role), None);
        }
    }
}
