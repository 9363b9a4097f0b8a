//! The files of runs: records as -o ndjson prints them, and logs of HdrHistogram.

use std::path::Path;

use hdrhistogram::Histogram;
use serde::Deserialize;

use super::histogram_log;
use super::results::Results;
use crate::failure::{Failure, Kind, OrFail as _};

/// What a file has of a run.
#[derive(Debug)]
pub enum RunFile {
    Records(Box<RecordedRun>),
    /// Its histograms alone, by their tags.
    Histograms(Vec<(String, Histogram<u64>)>),
}

/// The records of a run.
#[derive(Debug)]
pub struct RecordedRun {
    pub results: Results,
    /// A second each.
    pub seconds: Vec<Second>,
}

/// What is read of a `bench-progress` record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Second {
    pub send_rate: f64,
    pub receive_rate: f64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub ack_p50_ms: Option<f64>,
    pub ack_p99_ms: Option<f64>,
}

#[derive(Deserialize)]
struct RecordKind<'a> {
    #[serde(borrow)]
    r#type: std::borrow::Cow<'a, str>,
}

/// Reads a file of a run. Fails with exit 11 where it cannot be read, or is no such file.
pub fn read(path: &Path) -> Result<RunFile, Failure> {
    let name = path.display();
    let bytes = std::fs::read(path).or_fail(Kind::Input, format!("could not read `{name}`"))?;
    if let Some(histograms) = histogram_log::read(&bytes) {
        return Ok(RunFile::Histograms(histograms));
    }
    records(&bytes).map(|recorded| RunFile::Records(Box::new(recorded))).ok_or_else(|| {
        Failure::message(Kind::Input, format!("`{name}` has no results of `wps bench`"))
            .hint("`wps bench … -o ndjson > FILE` makes one; so does --histogram, for `merge`")
    })
}

/// Reads the records of a run; fails where the file has others.
pub fn read_records(path: &Path) -> Result<RecordedRun, Failure> {
    match read(path)? {
        RunFile::Records(recorded) => Ok(*recorded),
        RunFile::Histograms(_) => {
            let what = format!("`{}` has histograms alone, and no results", path.display());
            Err(Failure::message(Kind::Input, what).hint("`wps bench … -o ndjson > FILE` makes one that has both"))
        }
    }
}

/// The last run of a file; lines of other kinds are passed over.
fn records(bytes: &[u8]) -> Option<RecordedRun> {
    let mut seconds = Vec::new();
    let mut recorded = None;
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(RecordKind { r#type }) = serde_json::from_slice(line) else { continue };
        match &*r#type {
            "bench-progress" => seconds.extend(serde_json::from_slice::<Second>(line)),
            "bench" => {
                let results = serde_json::from_slice(line).ok()?;
                recorded = Some(RecordedRun { results, seconds: std::mem::take(&mut seconds) });
            }
            _ => {}
        }
    }
    recorded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_file_the_last_run_counts_with_its_seconds() {
        let text = concat!(
            "{\"type\":\"bench-progress\",\"sendRate\":1.0,\"receiveRate\":2.0}\n",
            "{\"type\":\"bench\",\"mode\":\"pub\",\"sent\":1}\n",
            "not a record\n{\"type\":\"stopped\"}\n",
            "{\"type\":\"bench-progress\",\"sendRate\":3.0,\"receiveRate\":4.0,\"p50Ms\":5.0}\n",
            "{\"type\":\"bench\",\"mode\":\"sub\",\"sent\":2,\"p50Ms\":1.0,\"new\":{}}\n",
        );
        let recorded = records(text.as_bytes()).unwrap();
        assert_eq!((recorded.results.mode.as_str(), recorded.results.sent), ("sub", 2));
        let expected = Second { send_rate: 3.0, receive_rate: 4.0, p50_ms: Some(5.0), ..Second::default() };
        assert_eq!(recorded.seconds, [expected]);
        assert!(records(b"{\"type\":\"pong\"}\n").is_none() && records(b"").is_none());
    }
}
