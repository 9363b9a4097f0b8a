//! The memory of processes that live long: looked at now and then, and flat.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::process::resident;

/// Of all that are watched.
#[derive(Default)]
pub struct Memory {
    processes: BTreeMap<&'static str, (u32, Vec<u64>)>,
    looked: Option<Instant>,
}

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(5);

/// So many looks are enough to judge: the first minutes are still growth towards what a process needs.
const ENOUGH: usize = 96;

/// So much more in the last quarter than in the second is no growth.
const LEEWAY: u64 = 16 * 1024 * 1024;

impl Memory {
    /// Watches a process from now on, by a name.
    pub fn watch(&mut self, name: &'static str, id: u32) {
        self.processes.insert(name, (id, Vec::new()));
    }

    /// Looks, when it is time.
    pub fn look(&mut self) {
        if self.looked.is_some_and(|looked| looked.elapsed() < PERIOD) {
            return;
        }
        self.looked = Some(Instant::now());
        for (id, series) in self.processes.values_mut() {
            series.extend(resident(*id));
        }
    }

    /// What each process had, and which have grown.
    pub fn judge(&self) -> (Vec<String>, Vec<String>) {
        let (mut said, mut grown) = (Vec::new(), Vec::new());
        for (name, (_, series)) in &self.processes {
            let Some(most) = series.iter().max() else { continue };
            let (second, last) = (median(series, 1), median(series, 3));
            let megabytes = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
            let [most, early, late] = [*most, second, last].map(megabytes);
            let text =
                format!("{name}: {early:.1} MiB in the second quarter, {late:.1} in the last, {most:.1} at most");
            if grows(series) {
                grown.push(format!("memory grows: {text}"));
            }
            said.push(text);
        }
        (said, grown)
    }
}

/// Of a quarter.
fn median(series: &[u64], quarter: usize) -> u64 {
    let mut part = series[series.len() * quarter / 4..(series.len() * (quarter + 1)).div_ceil(4)].to_vec();
    part.sort_unstable();
    part.get(part.len() / 2).copied().unwrap_or_default()
}

fn grows(series: &[u64]) -> bool {
    series.len() >= ENOUGH && median(series, 3) > median(series, 1) + LEEWAY
}

#[test]
fn memory_that_grows_is_seen_and_a_flat_one_with_peaks_is_not() {
    let megabyte = 1 << 20;
    let growing: Vec<u64> = (0..720).map(|n| (30 + n / 20) * megabyte).collect();
    let flat: Vec<u64> = (0..720).map(|n| (30 + if n % 7 == 0 { 40 } else { n % 3 }) * megabyte).collect();
    let warming: Vec<u64> = (0..720).map(|n| (10 + n.min(120) / 4) * megabyte).collect();
    assert!(grows(&growing));
    assert!(!grows(&flat) && !grows(&warming) && !grows(&growing[..20]));
}
