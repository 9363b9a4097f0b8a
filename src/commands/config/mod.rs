//! `wps config`: where profiles are, what one comes to, and what is wrong with them.

pub mod args;

use std::path::Path;

use crate::failure::{Failure, Kind};
use crate::settings::Checked;

/// What `wps config path` prints.
pub fn path(path: &Path) -> Vec<u8> {
    format!("{}\n", path.display()).into_bytes()
}

/// What `wps config check` prints, and the error when something is wrong.
pub fn check(checked: &Checked) -> (Vec<u8>, Option<Failure>) {
    let failure = (checked.faults > 0).then(|| {
        let faults = if checked.faults == 1 { "fault".to_owned() } else { "faults".to_owned() };
        Failure::message(Kind::Config, format!("{} {faults} in `{}`", checked.faults, checked.path.display()))
    });
    (checked.report.clone().into_bytes(), failure)
}
