//! The results of a run: the `bench` record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::Serialize;

use super::measure::distribution;
pub use crate::records::Bench as Results;
pub use crate::records::{AckLatency, Latency};

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
    /// With the figures of those histograms, and the histograms themselves.
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
