//! `debug` and `stderr`: what they are given goes to the log, where `-vv` shows it.

use jaq_core::native::{Fun, run, v};

use super::limits::BoundedTypes;
use super::value::Val;
use super::write::write_some;

/// The most of a value that is logged, in bytes.
const LOGGED: usize = 64 * 1024;

/// The interpreter's words for the two; each takes its input and gives nothing.
pub(super) fn functions() -> [Fun<BoundedTypes>; 2] {
    ["debug_empty", "stderr_empty"].map(|name| {
        run((name, v(0), |cv| {
            log(&cv.1);
            Box::new(std::iter::empty())
        }))
    })
}

fn log(value: &Val) {
    let mut json = Vec::new();
    match value.as_str() {
        Some(text) => json.extend_from_slice(text.as_bytes()),
        None => drop(write_some(&mut json, value, LOGGED)),
    }
    tracing::debug!("jq: {}", String::from_utf8_lossy(&json));
}
