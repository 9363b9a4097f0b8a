//! Records of `wps bench`.

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What came in a second of the load, of `wps bench`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BenchProgress {
    /// The second's end, from the start of the load, in milliseconds.
    pub elapsed_ms: f64,
    /// Messages that were sent in it.
    pub sent: u64,
    /// Acks that came in it.
    pub acked: u64,
    /// Refusals that came in it.
    pub refused: u64,
    /// Copies that came in it, at all subscribers together.
    pub received: u64,
    /// Messages a second that were sent.
    pub send_rate: f64,
    /// Copies a second that came.
    pub receive_rate: f64,
    /// Bytes of payload a second that came.
    pub bytes_per_second: f64,
    /// From when a message was due to its receipt, in milliseconds: half took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// The same: 99 of 100 took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    /// The same: the longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<f64>,
    /// From when a message was due to its ack, in milliseconds: half took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_p50_ms: Option<f64>,
    /// The same: 99 of 100 took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_p99_ms: Option<f64>,
    /// Connections that were lost in it.
    pub connections_lost: u64,
}

/// What a load came to, at the end of `wps bench`, and of `wps bench merge`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Bench {
    /// `pub`, `sub`, `pubsub`, or `merge`.
    pub mode: String,
    /// The run's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Of `merge`: how many runs there are in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
    /// Length of the load, without ramp and drain, in milliseconds.
    pub duration_ms: f64,
    /// Connections that published.
    pub publishers: u64,
    /// Connections that subscribed.
    pub subscribers: u64,
    /// Connections in all.
    pub connections: u64,
    /// Groups that they were spread over.
    pub groups: u64,
    /// Messages a second that were asked for; absent: as many as go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Messages that were sent.
    pub sent: u64,
    /// Those that were acknowledged.
    pub acked: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Sent, and no ack came.
    pub unacked: u64,
    /// Due, and not sent by the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
    /// Messages that came, each once at each subscriber.
    pub received: u64,
    /// What should have come, had nothing been lost.
    pub expected: u64,
    /// What did not come.
    pub lost: u64,
    /// Further copies of what came.
    pub doubled: u64,
    /// Messages that came behind a later one.
    pub reordered: u64,
    /// Messages a second that were sent.
    pub send_rate: f64,
    /// Copies a second that came, at all subscribers together.
    pub receive_rate: f64,
    /// Bytes of payload a second that came.
    pub bytes_per_second: f64,
    #[serde(flatten)]
    pub latency: Option<Latency>,
    #[serde(flatten)]
    pub ack: Option<AckLatency>,
    /// From the beginning of a dial to `connected`, in milliseconds: half took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_p50_ms: Option<f64>,
    /// The same: the longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_max_ms: Option<f64>,
    /// How late this tool itself sent what it could have sent, in milliseconds: 99 of 100 were no later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_p99_ms: Option<f64>,
    /// How often a connection was lost, whether or not it was regained.
    pub connections_lost: u64,
    /// Messages of others that came.
    pub foreign: u64,
    /// Messages that came before they were sent, by the clocks of two machines.
    pub ahead: u64,
    /// What this tool took of a processor: 200 is two of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// This tool, or its machine, was too slow for the load.
    pub limited_by_tool: bool,
    /// All times from due to receipt, in nanoseconds: HdrHistogram V2, compressed, in base64, as its logs have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_histogram: Option<String>,
    /// All times from due to ack, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_histogram: Option<String>,
}

/// From when a message was due to its receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// From when a message was due to its receipt, in milliseconds: the shortest.
    pub min_ms: f64,
    /// The same: the mean.
    pub mean_ms: f64,
    /// The same: half took no longer.
    pub p50_ms: f64,
    /// The same: 90 of 100 took no longer.
    pub p90_ms: f64,
    /// The same: 99 of 100 took no longer.
    pub p99_ms: f64,
    /// The same: 999 of 1000 took no longer.
    pub p999_ms: f64,
    /// The same: the longest.
    pub max_ms: f64,
}

/// From when a message was due to its ack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AckLatency {
    /// From when a message was due to its ack, in milliseconds: the shortest.
    pub ack_min_ms: f64,
    /// The same: the mean.
    pub ack_mean_ms: f64,
    /// The same: half took no longer.
    pub ack_p50_ms: f64,
    /// The same: 90 of 100 took no longer.
    pub ack_p90_ms: f64,
    /// The same: 99 of 100 took no longer.
    pub ack_p99_ms: f64,
    /// The same: 999 of 1000 took no longer.
    pub ack_p999_ms: f64,
    /// The same: the longest.
    pub ack_max_ms: f64,
}

/// A figure of two runs, of `wps bench compare`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Its name in the `bench` record.
    pub metric: &'static str,
    /// Of the first run; `null`: it has none.
    pub a: Option<f64>,
    /// Of the second run, likewise.
    pub b: Option<f64>,
    /// Of the second to the first, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_percent: Option<f64>,
    /// How far seconds of a run are apart, in the figure's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// What can be said of it.
    pub verdict: Verdict,
}

/// What is said of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The second run is better.
    Better,
    /// It is worse.
    Worse,
    /// The difference is no larger than the spread.
    Same,
    /// There is no spread to judge by.
    Unknown,
}
