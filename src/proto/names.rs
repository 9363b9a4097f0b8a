//! What the service accepts as the name of a hub, a group or an event (PROTOCOL §1.3).

use thiserror::Error;

/// Why a name is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// PROTOCOL §1.3, hub.
    #[error("a hub name starts with a letter and has at most 128 letters, digits or any of _`,.[]")]
    Hub,
    /// PROTOCOL §1.3, group.
    #[error("a group name has 1 to 1024 characters and is not blank")]
    Group,
    /// PROTOCOL §1.3, event.
    #[error("an event name starts with a letter and has at most 128 letters, digits or any of _.-")]
    Event,
}

fn is_name(name: &str, extra: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
}

/// Checks a hub name: ``^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$``.
pub fn check_hub_name(name: &str) -> Result<(), NameError> {
    if is_name(name, "_`,.[]") { Ok(()) } else { Err(NameError::Hub) }
}

/// Checks a group name: 1 to 1024 characters, not all blank, case-sensitive.
pub fn check_group_name(name: &str) -> Result<(), NameError> {
    let fits = !name.trim().is_empty() && name.chars().nth(1024).is_none();
    if fits { Ok(()) } else { Err(NameError::Group) }
}

/// Checks an event name: `^[A-Za-z][A-Za-z0-9_.-]{0,127}$`.
pub fn check_event_name(name: &str) -> Result<(), NameError> {
    if is_name(name, "_.-") { Ok(()) } else { Err(NameError::Event) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_services_rules() {
        for hub in ["a", "Hub_1", "a`,.[]", &format!("h{}", "x".repeat(127))] {
            assert_eq!(check_hub_name(hub), Ok(()), "{hub}");
        }
        for hub in ["", "1a", "a b", "a-b", "ä", &format!("h{}", "x".repeat(128))] {
            assert_eq!(check_hub_name(hub), Err(NameError::Hub), "{hub}");
        }
        for group in ["g", " g", "日本", &"é".repeat(1024)] {
            assert_eq!(check_group_name(group), Ok(()), "{group}");
        }
        for group in ["", "  \t", &"é".repeat(1025)] {
            assert_eq!(check_group_name(group), Err(NameError::Group), "{group}");
        }
        for event in ["e", "a.b-c_d"] {
            assert_eq!(check_event_name(event), Ok(()), "{event}");
        }
        for event in ["", "1", "a b", "a/b", &"e".repeat(129)] {
            assert_eq!(check_event_name(event), Err(NameError::Event), "{event}");
        }
    }
}
