//! Logs of HdrHistogram V2: what `--histogram` writes and `wps bench merge` reads.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::time::SystemTime;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogHistogram, IntervalLogIterator, LogEntry, Tag};

use super::results::{decode, encode};
use crate::failure::{Failure, Kind, OrFail as _};

/// The tag of times to receipt.
pub const LATENCY: &str = "latency";
/// The tag of times to the ack.
pub const ACK: &str = "ack";
/// Values in the log are nanoseconds; the column of the largest has milliseconds, as those tools do by default.
const DIVISOR: f64 = 1e6;

/// A log that is written as the run goes on.
#[derive(Debug)]
pub struct HistogramLog {
    path: PathBuf,
    out: BufWriter<File>,
}

impl HistogramLog {
    /// Begins one; what the file held before is replaced. Fails with exit 13.
    pub fn create(path: PathBuf, command: &str) -> Result<Self, Failure> {
        let file = File::create(&path).or_fail_with(Kind::Output, || unwritable(&path))?;
        let mut log = Self { path, out: BufWriter::new(file) };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let head = format!(
            "#{command}\n#[Histogram log format version 1.3]\n#[StartTime: {since:.3} (seconds since epoch)]\n\
             #[BaseTime: {since:.3} (seconds since epoch)]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
        );
        log.put(&head)?;
        Ok(log)
    }

    /// Adds an interval of that length, which began so many seconds after the log did; an empty histogram is left out.
    pub fn add(&mut self, tag: &str, start: f64, length: f64, histogram: &Histogram<u64>) -> Result<(), Failure> {
        let Some(encoded) = encode(histogram) else { return Ok(()) };
        let most = histogram.max() as f64 / DIVISOR;
        self.put(&format!("Tag={tag},{start:.3},{length:.3},{most:.3},{encoded}\n"))
    }

    /// All is written. Fails with exit 13.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.out.flush().or_fail_with(Kind::Output, || unwritable(&self.path))
    }

    fn put(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).or_fail_with(Kind::Output, || unwritable(&self.path))
    }
}

/// That a file could not be written.
pub fn unwritable(path: &std::path::Path) -> String {
    format!("could not write `{}`", path.display())
}

/// The histograms of a log, each with its tag, added up. `None`: it is no such log.
pub fn read(bytes: &[u8]) -> Option<Vec<(String, Histogram<u64>)>> {
    let mut all: Vec<(String, Histogram<u64>)> = Vec::new();
    for entry in IntervalLogIterator::new(bytes) {
        let LogEntry::Interval(interval) = entry.ok()? else { continue };
        let histogram = decode(IntervalLogHistogram::encoded_histogram(&interval))?;
        let tag = interval.tag().as_ref().map_or(LATENCY, Tag::as_str);
        match all.iter_mut().find(|(known, _)| known == tag) {
            Some((_, so_far)) => so_far.add(&histogram).ok()?,
            None => {
                let mut sum = super::measure::histogram().ok()?;
                sum.add(&histogram).ok()?;
                all.push((tag.to_owned(), sum));
            }
        }
    }
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::super::measure::histogram;
    use super::*;

    #[test]
    fn a_log_is_read_back_by_its_tags() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut log = HistogramLog::create(path.clone(), "wps bench pub").unwrap();
        for second in 1..=3u64 {
            let mut histogram = histogram().unwrap();
            histogram.record_n(second * 1_000_000, 10 * second).unwrap();
            log.add(LATENCY, second as f64, 1.0, &histogram).unwrap();
            log.add(ACK, second as f64, 1.0, &histogram).unwrap();
        }
        log.add("nothing", 0.0, 1.0, &histogram().unwrap()).unwrap();
        log.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains("\nTag=latency,2.000,1.000,2.0") && !text.contains("nothing"), "{text}");
        let read = read(&bytes).unwrap();
        let tags: Vec<&str> = read.iter().map(|(tag, _)| tag.as_str()).collect();
        assert_eq!((tags, read[0].1.len()), (vec![LATENCY, ACK], 60));
        assert!(super::read(b"{}\n").is_none() && super::read(b"").is_none());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told() {
        let failure = HistogramLog::create("/nowhere/log".into(), "c").unwrap_err();
        assert_eq!(failure.kind.exit_code(), 13);
    }
}
