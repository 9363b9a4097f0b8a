//! What `wps trace` prints: a line or a record each, with what looks like a secret left out.

use std::borrow::Cow;
use std::time::SystemTime;

use crate::records::{self, Properties};
use crate::render::sanitize::for_line;
use crate::render::{Printer, Style};
use webpubsub_net::clock;
use webpubsub_net::secret::{redact, sounds_secret};
use webpubsub_proto::trace::{Level, Trace};

/// Where and whose, by name. A name counts once in JSON, the last time.
fn properties(all: &[(String, String)]) -> Properties<'_> {
    let last = all.iter().enumerate().filter(|(at, (name, _))| all[at + 1..].iter().all(|(later, _)| later != name));
    // What is not of the service itself came in a client's request: its headers, its URL.
    let clean = |name: &str, value| if sounds_secret(name) { Cow::Borrowed("[redacted]") } else { clean(value) };
    Properties(last.map(|(_, (name, value))| (name.as_str(), clean(name, value))).collect())
}

/// Without what looks like a secret, nor what stands behind the schemes of an `Authorization` header: the headers of a
/// request may be among what is told of it.
fn clean(text: &str) -> Cow<'_, str> {
    const SCHEMES: [&str; 2] = ["bearer ", "basic "];
    let redacted = redact(text);
    let lower = redacted.to_ascii_lowercase();
    let mut hits: Vec<usize> =
        SCHEMES.iter().flat_map(|scheme| lower.match_indices(scheme).map(|(at, scheme)| at + scheme.len())).collect();
    if hits.is_empty() {
        return redacted;
    }
    hits.sort_unstable();
    let (mut out, mut done) = (String::with_capacity(redacted.len()), 0);
    for start in hits {
        // One that stands in another is gone with it.
        let Some(rest) = redacted.get(start..).filter(|_| start >= done) else { continue };
        let length =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';')).unwrap_or(rest.len());
        out.push_str(&redacted[done..start]);
        out.push_str(if length > 0 { "[redacted]" } else { "" });
        done = start + length;
    }
    out.push_str(&redacted[done..]);
    Cow::Owned(out)
}

/// Prints a trace.
pub fn print(printer: &mut Printer, trace: &Trace) {
    let time = trace.time.as_deref().and_then(clock::parse).unwrap_or_else(SystemTime::now);
    let time = clock::millis(time);
    let fields = records::Trace {
        event_id: trace.event_id,
        event_name: trace.event_name.as_deref(),
        level: trace.level.map(Level::name),
        message: clean(&trace.message),
        exception: trace.exception.as_deref().map(clean),
        properties: properties(&trace.properties),
    };
    let line = line(printer.console().out.style, &time, &fields, trace.level);
    printer.finding_at(time, &fields, &line);
}

/// Time, level, name and message, on one line whatever is in them.
fn line(style: Style, time: &str, fields: &records::Trace<'_>, level: Option<Level>) -> String {
    let name = fields.event_name.map_or_else(|| Cow::Owned(format!("event {}", fields.event_id)), for_line);
    let words = format!("{:<11}", level.map_or("-", Level::name));
    let words = match level {
        Some(Level::Warning | Level::Error | Level::Critical) => style.label(&words),
        Some(Level::Trace | Level::Debug | Level::Information | Level::None) | None => words,
    };
    let exception = fields.exception.as_deref().map(|text| format!(": {}", for_line(text))).unwrap_or_default();
    format!("{} {words} {name}: {}{exception}\n", style.dim(time), for_line(&fields.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(trace: &Trace) -> records::Trace<'_> {
        records::Trace {
            event_id: trace.event_id,
            event_name: trace.event_name.as_deref(),
            level: trace.level.map(Level::name),
            message: clean(&trace.message),
            exception: trace.exception.as_deref().map(clean),
            properties: properties(&trace.properties),
        }
    }

    #[test]
    fn a_line_has_time_level_name_and_message_and_is_one_whatever_is_in_them() {
        let mut trace = Trace {
            time: None,
            event_id: 12,
            event_name: None,
            level: None,
            message: "alice\n2026 fake line\u{1b}[31m".into(),
            exception: None,
            properties: Vec::new(),
        };
        let told = |trace: &Trace| line(Style::default(), "T", &fields(trace), trace.level);
        assert_eq!(told(&trace), "T -           event 12: alice\\n2026 fake line\\u001b[31m\n");
        trace.event_name = Some("ConnectionStarted".into());
        trace.level = Some(Level::Information);
        trace.message = "started".into();
        trace.exception = Some("it broke".into());
        assert_eq!(told(&trace), "T Information ConnectionStarted: started: it broke\n");
    }

    #[test]
    fn what_looks_like_a_secret_is_left_out() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let trace = Trace {
            time: None,
            event_id: 1,
            event_name: None,
            level: None,
            message: "GET /client/hubs/h?access_token=abc123".into(),
            exception: None,
            properties: vec![
                pair("headers", "Authorization: Bearer abc123"),
                pair("access_token", "abc123"),
                pair("hub", "old"),
                pair("hub", "h"),
            ],
        };
        for (text, expected) in [
            ("Bearer a b bearer c,basic d\"", "Bearer [redacted] b bearer [redacted],basic [redacted]\""),
            ("bearer bearer x", "bearer [redacted] [redacted]"),
            ("a bearer ", "a bearer "),
            ("é basic é", "é basic [redacted]"),
        ] {
            assert_eq!(clean(text), expected, "{text}");
        }
        let record = serde_json::to_value(fields(&trace)).unwrap();
        assert!(!record.to_string().contains("abc123"), "{record}");
        assert_eq!(record["properties"]["hub"], "h");
    }
}
