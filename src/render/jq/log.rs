//! `debug` and `stderr`: what they are given goes to the log, where `-vv` shows it.

use jaq_core::native::{Fun, run, v};
use jaq_json::Val;

use super::limits::Bounded;
use super::value::{is_text, write_json};

/// The interpreter's words for the two; each takes its input and gives nothing.
pub(super) fn functions() -> [Fun<Bounded>; 2] {
    ["debug_empty", "stderr_empty"].map(|name| {
        run((name, v(0), |cv| {
            log(&cv.1);
            Box::new(std::iter::empty())
        }))
    })
}

fn log(value: &Val) {
    let mut json = Vec::new();
    match is_text(value) {
        Some(text) => json.extend_from_slice(text),
        None => write_json(&mut json, value),
    }
    tracing::debug!("jq: {}", String::from_utf8_lossy(&json));
}
