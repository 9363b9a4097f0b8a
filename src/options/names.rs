//! Names of hubs, groups and events, checked where they are given: `given_as` is the flag or the argument.

use webpubsub_proto::{NameError, check_event_name, check_group_name, check_hub_name};

use crate::failure::{Failure, Kind, OrFail as _, ResultExt as _};

/// Exit 2 when no hub can have this name.
pub fn hub(given_as: &str, name: &str) -> Result<(), Failure> {
    check(given_as, check_hub_name(name), "the hub's name is what client URLs have behind `/client/hubs/`")
}

/// Exit 2 when no group can have this name.
pub fn group(given_as: &str, name: &str) -> Result<(), Failure> {
    check(given_as, check_group_name(name), "give the group as its members know it, in quotes if it has blanks")
}

/// Exit 2 when no event can have this name.
pub fn event(given_as: &str, name: &str) -> Result<(), Failure> {
    check(given_as, check_event_name(name), "give the event as its handler knows it")
}

fn check(given_as: &str, checked: Result<(), NameError>, hint: &str) -> Result<(), Failure> {
    checked.or_fail(Kind::Usage, format!("the name in `{given_as}` is not valid")).blame(given_as).hint(hint)
}
