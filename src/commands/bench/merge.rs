//! `wps bench merge`: the runs of several machines as one.

use std::path::PathBuf;

use super::files::{RunFile, read};
use super::histogram_log::{ACK, HistogramLog, LATENCY};
use super::measure::Interval;
use super::results::{Results, decode};
use crate::failure::{Failure, OrFail as _};

/// Runs that are one.
#[derive(Debug)]
pub struct MergedRuns {
    pub results: Results,
    /// What is not as good as it looks.
    pub warnings: Vec<String>,
    times: Interval,
}

/// Reads them. Fails where one cannot be read.
pub fn merge(files: &[PathBuf]) -> Result<MergedRuns, Failure> {
    let times = Interval::new().or_internal()?;
    let mut merged = MergedRuns { results: Results::default(), warnings: Vec::new(), times };
    let (mut runs, mut without, mut logs) = (Vec::new(), 0, 0);
    for file in files {
        match read(file)? {
            RunFile::Records(recorded) => {
                let results = recorded.results;
                without += u64::from(!merged.take(&results));
                runs.push(results);
            }
            RunFile::Histograms(histograms) => {
                logs += 1;
                for (tag, histogram) in histograms {
                    merged.add(&tag, &histogram);
                }
            }
        }
    }
    if without > 0 && logs == 0 {
        merged.warnings.push(format!("{without} of the files have no histograms: latencies are those of the others"));
    }
    if without == 0 && logs > 0 && !runs.is_empty() {
        merged
            .warnings
            .push("records and histogram logs were given: latencies that are in both count twice".to_owned());
    }
    merged.results = added(&runs);
    let latency = std::mem::replace(&mut merged.times.latency, super::measure::histogram().or_internal()?);
    let ack = std::mem::replace(&mut merged.times.ack, super::measure::histogram().or_internal()?);
    merged.results = std::mem::take(&mut merged.results).with_histograms(&latency, &ack);
    (merged.times.latency, merged.times.ack) = (latency, ack);
    let ids: std::collections::BTreeSet<&str> = runs.iter().filter_map(|run| run.run.as_deref()).collect();
    if ids.len() > 1 {
        let ids: Vec<&str> = ids.into_iter().collect();
        merged.warnings.push(format!("these are different runs: {}", ids.join(", ")));
    }
    Ok(merged)
}

impl MergedRuns {
    /// Takes the histograms of a run. Returns whether it had those that it should have.
    fn take(&mut self, results: &Results) -> bool {
        let mut whole = true;
        for (tag, encoded, measured) in [
            (LATENCY, &results.latency_histogram, results.latency.is_some()),
            (ACK, &results.ack_histogram, results.ack.is_some()),
        ] {
            match encoded.as_deref().and_then(decode) {
                Some(histogram) => self.add(tag, &histogram),
                None => whole &= !measured,
            }
        }
        whole
    }

    fn add(&mut self, tag: &str, histogram: &hdrhistogram::Histogram<u64>) {
        let sum = match tag {
            LATENCY => &mut self.times.latency,
            ACK => &mut self.times.ack,
            _ => return,
        };
        // What is out of bounds counts as the longest.
        if sum.add(histogram).is_err() {
            for it in histogram.iter_recorded() {
                sum.saturating_record_n(it.value_iterated_to(), it.count_since_last_iteration());
            }
        }
    }

    /// Writes the histograms. Fails with exit 13.
    pub fn write_log(&self, path: PathBuf) -> Result<(), Failure> {
        let mut log = HistogramLog::create(path, "wps bench merge")?;
        let length = self.results.duration_ms / 1e3;
        log.add(LATENCY, 0.0, length, &self.times.latency)?;
        log.add(ACK, 0.0, length, &self.times.ack)?;
        log.finish()
    }
}

/// Counts and rates of runs at the same time, added up; of what happens once for all, the largest.
fn added(runs: &[Results]) -> Results {
    let count = |of: fn(&Results) -> u64| runs.iter().map(of).sum::<u64>();
    let rate = |of: fn(&Results) -> f64| super::results::tenths(runs.iter().map(of).sum::<f64>());
    let most = |of: fn(&Results) -> Option<f64>| runs.iter().filter_map(of).reduce(f64::max);
    let first = runs.first();
    let same_run =
        first.and_then(|first| first.run.clone()).filter(|run| runs.iter().all(|it| it.run.as_ref() == Some(run)));
    Results {
        mode: "merge".to_owned(),
        run: same_run,
        runs: Some(runs.len() as u64),
        duration_ms: most(|run| Some(run.duration_ms)).unwrap_or_default(),
        publishers: count(|run| run.publishers),
        subscribers: count(|run| run.subscribers),
        connections: count(|run| run.connections),
        groups: runs.iter().map(|run| run.groups).max().unwrap_or_default(),
        rate: runs
            .iter()
            .filter(|run| run.publishers > 0)
            .map(|run| run.rate)
            .sum::<Option<f64>>()
            .filter(|rate| *rate > 0.0),
        sent: count(|run| run.sent),
        acked: count(|run| run.acked),
        refused: count(|run| run.refused),
        unacked: count(|run| run.unacked),
        unsent: runs.iter().filter(|run| run.publishers > 0).map(|run| run.unsent).sum(),
        received: count(|run| run.received),
        expected: count(|run| run.expected),
        lost: count(|run| run.lost),
        doubled: count(|run| run.doubled),
        reordered: count(|run| run.reordered),
        send_rate: rate(|run| run.send_rate),
        receive_rate: rate(|run| run.receive_rate),
        bytes_per_second: rate(|run| run.bytes_per_second),
        // Of each run half were faster than this.
        connect_p50_ms: most(|run| run.connect_p50_ms),
        connect_max_ms: most(|run| run.connect_max_ms),
        late_p99_ms: most(|run| run.late_p99_ms),
        connections_lost: count(|run| run.connections_lost),
        foreign: count(|run| run.foreign),
        ahead: count(|run| run.ahead),
        cpu_percent: most(|run| run.cpu_percent),
        limited_by_tool: runs.iter().any(|run| run.limited_by_tool),
        ..Results::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::histogram;
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn runs_are_added_up_and_their_latencies_are_those_of_all() {
        let directory = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (name, millis) in [("a", 10u64), ("b", 30)] {
            let mut latency = histogram().unwrap();
            latency.record_n(millis * 1_000_000, 100).unwrap();
            let results = Results {
                mode: "pubsub".into(),
                run: Some("r".into()),
                sent: 50,
                acked: 49,
                lost: millis,
                publishers: 1,
                rate: Some(5.0),
                unsent: Some(1),
                duration_ms: 1000.0 * millis as f64,
                limited_by_tool: name == "b",
                ..Results::default()
            }
            .with_histograms(&latency, &histogram().unwrap());
            let path = directory.path().join(name);
            std::fs::write(&path, results.json()).unwrap();
            paths.push(path);
        }
        let merged = merge(&paths).unwrap();
        let Results { runs, sent, acked, lost, rate, unsent, duration_ms, limited_by_tool, .. } = merged.results;
        assert_eq!((runs, sent, acked, lost, unsent), (Some(2), 100, 98, 40, Some(2)));
        assert_eq!((rate, duration_ms, limited_by_tool), (Some(10.0), 30_000.0, true));
        let latency = merged.results.latency.unwrap();
        assert!((latency.mean_ms - 20.0).abs() < 0.1 && (latency.max_ms - 30.0).abs() < 0.1, "{latency:?}");
        assert_eq!((merged.results.run.as_deref(), merged.warnings.len()), (Some("r"), 0));

        // The log of one stands for its latencies.
        let log = directory.path().join("log");
        merged.write_log(log.clone()).unwrap();
        let again = merge(&[log]).unwrap();
        assert_eq!(again.results.latency, merged.results.latency);
        assert_eq!(merge(&[directory.path().join("none")]).unwrap_err().kind, Kind::Input);
    }
}
