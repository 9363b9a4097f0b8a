//! The table at the end.

use crate::journal::{Fault, Found};

/// The columns, by what they count.
const COLUMNS: [&str; 28] = [
    "cuts",
    "refusals",
    "recovered",
    "kills",
    "stops",
    "sleeps",
    "jumps",
    "full",
    "told full",
    "runs",
    "messages",
    "acked",
    "redelivered",
    "forced",
    "announced",
    "unknown",
    "many",
    "unseen",
    "broken",
    "unconfirmed",
    "refused",
    "told lost",
    "lost",
    "doubled",
    "forgotten",
    "disordered",
    "other",
    "faults",
];

/// A row for each worker.
pub fn table(found: &[(&str, Found)]) -> String {
    let mut rows: Vec<Vec<String>> = vec![std::iter::once("").chain(COLUMNS).map(str::to_owned).collect()];
    for (name, found) in found {
        let cells = COLUMNS.map(|column| match column {
            "faults" => found.faults.len().to_string(),
            _ => found.count(column).to_string(),
        });
        rows.push(std::iter::once((*name).to_owned()).chain(cells).collect());
    }
    let widths: Vec<usize> =
        (0..=COLUMNS.len()).map(|at| rows.iter().map(|row| row[at].len()).max().unwrap()).collect();
    let mut table = String::new();
    for row in rows {
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            match at {
                0 => table.push_str(&format!("{cell:width$}")),
                _ => table.push_str(&format!("  {cell:>width$}")),
            }
        }
        table.push('\n');
    }
    table
}

/// The faults, of each kind in each run the first few.
pub fn faults(faults: &[Fault]) -> Vec<String> {
    const FEW: usize = 3;
    let (mut told, mut rest) = (Vec::new(), faults);
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|fault| (fault.kind, fault.run) == (first.kind, first.run)).count();
        told.extend(rest[..same.min(FEW)].iter().map(|fault| fault.text.clone()));
        if same > FEW {
            told.push(format!("  and {} more {} in run {}", same - FEW, first.kind, first.run));
        }
        rest = &rest[same..];
    }
    told.truncate(100);
    told
}
