//! Records of `wps ping`.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

/// A ping was answered, of `wps ping`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Pong<'a> {
    /// The number of the ping.
    pub sequence: u64,
    /// The round trip, in milliseconds.
    pub elapsed_ms: f64,
    /// The group that it went through, with --group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<&'a str>,
}

/// All pings together, at the end of `wps ping`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PingSummary<'a> {
    /// The group that they went through, with --group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<&'a str>,
    /// Pings that were sent.
    pub sent: u64,
    /// Those that were answered.
    pub received: u64,
    /// Those that were not in time.
    pub lost: u64,
    /// Those of which it was not known yet when the run ended.
    #[serde(skip_serializing_if = "is_zero")]
    pub pending: u64,
    #[serde(flatten)]
    pub times: Option<RoundTrips>,
}

/// What the round trips came to, where there was an answer; in milliseconds.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RoundTrips {
    /// The shortest round trip, in milliseconds, as all of them.
    pub min_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 90 of 100 took no longer.
    pub p90_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// The mean difference of one to the next.
    pub jitter_ms: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
