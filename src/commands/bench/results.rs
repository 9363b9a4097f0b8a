//! What a run came to: the `bench` record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

use super::measure::distribution;

/// The `bench` record. Fields that do not apply are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Results {
    /// `pub`, `sub`, `pubsub`, or `merge`.
    pub mode: String,
    /// The run's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Of `merge`: how many runs there are in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
    /// Of the load, without ramp and drain.
    pub duration_ms: f64,
    pub publishers: u64,
    pub subscribers: u64,
    pub connections: u64,
    pub groups: u64,
    /// Messages a second that were asked for; absent: as many as go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    pub sent: u64,
    pub acked: u64,
    pub refused: u64,
    /// Sent, and no ack came.
    pub unacked: u64,
    /// Due, and not sent by the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
    /// Each once, at each subscriber.
    pub received: u64,
    /// What should have come, had nothing been lost.
    pub expected: u64,
    pub lost: u64,
    pub doubled: u64,
    pub reordered: u64,
    /// Messages a second.
    pub send_rate: f64,
    /// Copies a second, of all subscribers together.
    pub receive_rate: f64,
    /// Bytes of payload a second that came.
    pub bytes_per_second: f64,
    #[serde(flatten)]
    pub latency: Option<Latency>,
    #[serde(flatten)]
    pub ack: Option<AckLatency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_p50_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_max_ms: Option<f64>,
    /// How late this tool itself sent what it could have sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_p99_ms: Option<f64>,
    /// How often a connection was lost, whether or not it was regained.
    pub connections_lost: u64,
    /// Messages of others that came.
    pub foreign: u64,
    /// Messages that came before they were sent, by the clocks of two machines.
    pub ahead: u64,
    /// Of one processor: 200 is two of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// This tool, or its machine, was too slow for the load.
    pub limited_by_tool: bool,
    /// HdrHistogram V2, compressed, in base64, as its logs have it; nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_histogram: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_histogram: Option<String>,
}

/// From when a message was due to its receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    pub min_ms: f64,
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

/// From when a message was due to its ack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AckLatency {
    pub ack_min_ms: f64,
    pub ack_mean_ms: f64,
    pub ack_p50_ms: f64,
    pub ack_p90_ms: f64,
    pub ack_p99_ms: f64,
    pub ack_p999_ms: f64,
    pub ack_max_ms: f64,
}

impl Latency {
    /// Of a histogram, unless it is empty.
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let it = distribution(histogram)?;
        Some(Self {
            min_ms: millis(it.least as f64),
            mean_ms: millis(it.mean),
            p50_ms: millis(it.p50 as f64),
            p90_ms: millis(it.p90 as f64),
            p99_ms: millis(it.p99 as f64),
            p999_ms: millis(it.p999 as f64),
            max_ms: millis(it.most as f64),
        })
    }

    /// In the order of the columns of the summary.
    pub fn columns(&self) -> [f64; 7] {
        let Self { min_ms, mean_ms, p50_ms, p90_ms, p99_ms, p999_ms, max_ms } = *self;
        [min_ms, mean_ms, p50_ms, p90_ms, p99_ms, p999_ms, max_ms]
    }
}

impl AckLatency {
    /// Of a histogram, unless it is empty.
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let [ack_min_ms, ack_mean_ms, ack_p50_ms, ack_p90_ms, ack_p99_ms, ack_p999_ms, ack_max_ms] =
            Latency::of(histogram)?.columns();
        Some(Self { ack_min_ms, ack_mean_ms, ack_p50_ms, ack_p90_ms, ack_p99_ms, ack_p999_ms, ack_max_ms })
    }

    /// In the order of the columns of the summary.
    pub fn columns(&self) -> [f64; 7] {
        let Self { ack_min_ms, ack_mean_ms, ack_p50_ms, ack_p90_ms, ack_p99_ms, ack_p999_ms, ack_max_ms } = *self;
        [ack_min_ms, ack_mean_ms, ack_p50_ms, ack_p90_ms, ack_p99_ms, ack_p999_ms, ack_max_ms]
    }
}

impl Results {
    /// With what those histograms come to, and themselves.
    pub fn with_histograms(mut self, latency: &Histogram<u64>, ack: &Histogram<u64>) -> Self {
        self.latency = Latency::of(latency);
        self.ack = AckLatency::of(ack);
        self.latency_histogram = encode(latency);
        self.ack_histogram = encode(ack);
        self
    }

    /// The record as JSON, for expressions.
    pub fn json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Record<'a> {
            r#type: &'a str,
            #[serde(flatten)]
            results: &'a Results,
        }
        serde_json::to_vec(&Record { r#type: "bench", results: self }).unwrap_or_default()
    }

    /// A line of names and a line of values. What is absent is empty; histograms are left out.
    pub fn csv(&self) -> String {
        let json = serde_json::from_slice(&self.json());
        let Ok(serde_json::Value::Object(fields)) = json else { return String::new() };
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for name in COLUMNS {
            names.push(*name);
            values.push(match fields.get(*name) {
                None => String::new(),
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            });
        }
        format!("{}\n{}\n", names.join(","), values.join(","))
    }
}

/// The columns of CSV, which keep their order; new ones come at the end.
const COLUMNS: &[&str] = &[
    "mode",
    "run",
    "durationMs",
    "publishers",
    "subscribers",
    "connections",
    "groups",
    "rate",
    "sent",
    "acked",
    "refused",
    "unacked",
    "unsent",
    "received",
    "expected",
    "lost",
    "doubled",
    "reordered",
    "sendRate",
    "receiveRate",
    "bytesPerSecond",
    "minMs",
    "meanMs",
    "p50Ms",
    "p90Ms",
    "p99Ms",
    "p999Ms",
    "maxMs",
    "ackMinMs",
    "ackMeanMs",
    "ackP50Ms",
    "ackP90Ms",
    "ackP99Ms",
    "ackP999Ms",
    "ackMaxMs",
    "connectP50Ms",
    "connectMaxMs",
    "lateP99Ms",
    "connectionsLost",
    "foreign",
    "ahead",
    "cpuPercent",
    "limitedByTool",
    "runs",
];

/// Nanoseconds as milliseconds, to the microsecond.
pub fn millis(nanos: f64) -> f64 {
    (nanos / 1e3).round() / 1e3
}

/// To one decimal.
pub fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// As the logs of HdrHistogram have it; `None` when it is empty.
pub fn encode(histogram: &Histogram<u64>) -> Option<String> {
    let mut bytes = Vec::new();
    if histogram.is_empty() || V2DeflateSerializer::new().serialize(histogram, &mut bytes).is_err() {
        return None;
    }
    Some(STANDARD.encode(bytes))
}

/// Reads what [`encode`] wrote, or another program.
pub fn decode(text: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(text).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::measure::histogram;
    use super::*;

    fn results() -> Results {
        let mut latency = histogram().unwrap();
        (1..=1000u64).for_each(|value| latency.record(value * 1_000_000).unwrap());
        Results { mode: "sub".into(), received: 1000, ..Results::default() }
            .with_histograms(&latency, &histogram().unwrap())
    }

    #[test]
    fn a_record_has_what_applies_and_is_read_back_as_it_was() {
        let results = results();
        let json: serde_json::Value = serde_json::from_slice(&results.json()).unwrap();
        assert_eq!((json["type"].as_str(), json["received"].as_u64()), (Some("bench"), Some(1000)));
        assert!((json["p99Ms"].as_f64().unwrap() - 990.0).abs() < 1.0, "{json}");
        assert!(json.get("ackP50Ms").is_none() && json.get("run").is_none(), "{json}");
        let read: Results = serde_json::from_value(json).unwrap();
        assert_eq!(read, results);
        let histogram = decode(read.latency_histogram.as_deref().unwrap()).unwrap();
        assert_eq!((histogram.len(), Latency::of(&histogram)), (1000, results.latency));
        assert_eq!(decode("x"), None);
    }

    #[test]
    fn csv_has_every_field_of_the_record_in_an_order_that_stays() {
        let results = Results { runs: Some(2), run: Some("r".into()), rate: Some(1.0), unsent: Some(0), ..results() };
        let full = Results {
            ack: Some(AckLatency::default()),
            connect_p50_ms: Some(0.0),
            connect_max_ms: Some(0.0),
            late_p99_ms: Some(0.0),
            cpu_percent: Some(0.0),
            ..results
        };
        let json: serde_json::Value = serde_json::from_slice(&full.json()).unwrap();
        let mut names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        names.retain(|name| !matches!(*name, "type" | "latencyHistogram" | "ackHistogram"));
        let mut columns = COLUMNS.to_vec();
        names.sort_unstable();
        columns.sort_unstable();
        assert_eq!(names, columns);
        let csv = full.csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(
            (lines.len(), lines[0].split(',').count(), lines[1].split(',').count()),
            (2, columns.len(), columns.len())
        );
        assert!(lines[1].starts_with("sub,r,0.0,0,0,"), "{csv}");
    }
}
