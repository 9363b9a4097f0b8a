//! The pieces of help that several commands have.

use super::topics::TOPICS;
use crate::records::schema::{self, RecordManual};
use webpubsub_proto::fault::{ACTIONS, KEYS};

/// The piece of that name.
pub(super) fn piece(name: &str) -> Option<String> {
    match name {
        "fault-actions" => Some(fault_actions()),
        "fault-keys" => Some(fault_keys()),
        "records" => Some(records()),
        "record-fields" => Some(record_fields()),
        "topics" => Some(topics()),
        name => SHARED.iter().find(|(own, _)| *own == name).map(|(_, text)| (*text).to_owned()),
    }
}

/// The files beside this one.
const SHARED: &[(&str, &str)] = &[
    ("code-any-expectation", include_str!("shared/code-any-expectation.md")),
    ("code-condition", include_str!("shared/code-condition.md")),
    ("code-condition-or-command", include_str!("shared/code-condition-or-command.md")),
    ("code-expect", include_str!("shared/code-expect.md")),
    ("code-expectation", include_str!("shared/code-expectation.md")),
    ("code-input", include_str!("shared/code-input.md")),
    ("code-output", include_str!("shared/code-output.md")),
    ("code-recording", include_str!("shared/code-recording.md")),
    ("codes-connect", include_str!("shared/codes-connect.md")),
    ("codes-end", include_str!("shared/codes-end.md")),
    ("codes-start", include_str!("shared/codes-start.md")),
    ("config-codes", include_str!("shared/config-codes.md")),
    ("durations", include_str!("shared/durations.md")),
    ("env-config", include_str!("shared/env-config.md")),
    ("env-emulator", include_str!("shared/env-emulator.md")),
    ("env-history", include_str!("shared/env-history.md")),
    ("env-key", include_str!("shared/env-key.md")),
    ("env-network", include_str!("shared/env-network.md")),
    ("env-source", include_str!("shared/env-source.md")),
    ("env-talk", include_str!("shared/env-talk.md")),
    ("lines", include_str!("shared/lines.md")),
    ("more", include_str!("shared/more.md")),
    ("once", include_str!("shared/once.md")),
    ("other-codes", include_str!("shared/other-codes.md")),
    ("profiles", include_str!("shared/profiles.md")),
    ("report", include_str!("shared/report.md")),
    ("size", include_str!("shared/size.md")),
    ("source", include_str!("shared/source.md")),
    ("source-service", include_str!("shared/source-service.md")),
    ("source-key", include_str!("shared/source-key.md")),
    ("streams", include_str!("shared/streams.md")),
    ("unknown-outcome", include_str!("shared/unknown-outcome.md")),
];

/// Every action of `--fault`, each with an example.
fn fault_actions() -> String {
    let rows = ACTIONS
        .iter()
        .map(|entry| format!("`{}{}`\n: {}. Example: {}\n\n", entry.name, entry.value, entry.meaning, entry.example));
    rows.collect()
}

/// The keys that all actions take.
fn fault_keys() -> String {
    KEYS.iter().map(|(key, meaning)| format!("`{key}`\n: {meaning}\n\n")).collect()
}

/// Every type of record, with what it means.
fn records() -> String {
    schema::manual().iter().map(|entry| format!("`{}`\n: {}\n\n", entry.kind, entry.meaning)).collect()
}

/// The fields of every type of record, a part each.
fn record_fields() -> String {
    let part = |entry: &RecordManual| {
        let rows = entry.fields.iter().map(|(name, meaning)| format!("`{name}`\n: {meaning}\n\n"));
        format!("### {}\n\n{}", entry.kind, rows.collect::<String>())
    };
    schema::manual().iter().map(part).collect()
}

/// What `wps help` explains beside the commands.
fn topics() -> String {
    let rows = TOPICS.iter().map(|topic| format!("`wps help {}`\n: {}\n\n", topic.name, topic.about));
    std::iter::once("## Topics\n\n".to_owned()).chain(rows).collect()
}
