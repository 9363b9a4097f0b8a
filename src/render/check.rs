//! The findings of `wps doctor`: a line a step for people, a `check` record a step for programs.

use std::time::Duration;

use owo_colors::Style as Paint;

use super::console::Style;
use super::ndjson;
use super::text::human;
use crate::records::{self, Status};
use webpubsub_net::clock::fractional_millis;
use webpubsub_net::secret::redact;

/// What was found out about a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepResult {
    /// Its name.
    pub step: &'static str,
    /// How it went.
    pub status: Status,
    /// How long it took, where it was tried.
    pub elapsed: Option<Duration>,
    /// What there is to say, in a line.
    pub detail: String,
    /// What to do or to know about it, a sentence each.
    pub hints: Vec<String>,
    /// Of the first step: the program and the machine.
    pub program: Option<String>,
}

/// The longest name of a step, and the longest status.
const STEP: usize = "subprotocol".len();
const STATUS: usize = "skipped".len();
/// As wide as times get.
const TIME: usize = "1234 ms".len();
/// The most of a detail that a line shows, in characters; records have all of it.
const LONGEST_DETAIL: usize = 600;

/// The record of a step.
pub fn record(style: Style, check: &StepResult) -> Vec<u8> {
    let mut out = Vec::new();
    ndjson::write(&mut out, &super::timestamp(), &fields(check));
    style.record(out)
}

/// The fields of its record.
pub fn fields(check: &StepResult) -> records::Check<'_> {
    let hints = check.hints.join("; ");
    records::Check {
        step: check.step,
        status: check.status,
        elapsed_ms: check.elapsed.map(fractional_millis),
        detail: redact(&check.detail),
        hint: Some(redact(&hints).into_owned()).filter(|hint| !hint.is_empty()),
        program: check.program.as_deref(),
    }
}

/// The lines of a step: step, status, time and detail in columns, hints beneath the detail.
pub fn lines(style: Style, check: &StepResult) -> Vec<u8> {
    let (word, paint) = match check.status {
        // Well, but with something to see to.
        Status::Ok if !check.hints.is_empty() => ("ok", Paint::new().yellow()),
        Status::Ok => ("ok", Paint::new().green()),
        Status::Warning => ("warning", Paint::new().yellow().bold()),
        Status::Failed => ("failed", Paint::new().red().bold()),
        Status::Skipped => ("skipped", Paint::new().yellow()),
    };
    let mut out = String::new();
    if let Some(program) = &check.program {
        out.push_str(&style.paint(program, Paint::new().bold()));
        out.push('\n');
    }
    let time = check.elapsed.filter(|elapsed| !elapsed.is_zero()).map(human).unwrap_or_default();
    let status = style.paint(&format!("{word:STATUS$}"), paint);
    // The name of one event is a letter longer, and has one blank behind it.
    let (step, width) = (check.step, STEP + 1);
    let line = format!("{step:width$} {status}  {time:>TIME$}  {}", on_one_line(style, &check.detail));
    out.push_str(line.trim_end());
    out.push('\n');
    let indent = STEP + STATUS + TIME + 6;
    for hint in &check.hints {
        let label = style.paint("hint:", Paint::new().bold());
        out.push_str(&format!("{:indent$}{label} {}\n", "", on_one_line(style, hint)));
    }
    out.into_bytes()
}

/// Whatever others said, as a part of a line of ours.
fn on_one_line(style: Style, text: &str) -> String {
    let text = redact(text);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = match words.char_indices().nth(LONGEST_DETAIL) {
        Some((at, _)) => format!("{} […]", &words[..at]),
        None => words,
    };
    style.name(&cut).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPE: Style = Style { color: false, terminal: false };

    fn check(status: Status, elapsed: Option<Duration>, detail: &str, hints: &[&str]) -> StepResult {
        let hints = hints.iter().map(|hint| (*hint).to_owned()).collect();
        StepResult { step: "tcp", status, elapsed, detail: detail.into(), hints, program: None }
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_step_is_a_line_in_columns_with_its_hints_beneath() {
        let failed = check(Status::Failed, Some(Duration::from_millis(12)), "no\n luck", &["try again", "or not"]);
        assert_eq!(
            text(lines(PIPE, &failed)),
            "tcp          failed     12 ms  no luck\n                               hint: try again\n\
             \x20                              hint: or not\n"
        );
        assert_eq!(text(lines(PIPE, &check(Status::Ok, None, "", &[]))), "tcp          ok\n");
        let coloured = text(lines(Style { color: true, terminal: true }, &check(Status::Ok, None, "a\u{1b}", &[])));
        assert!(coloured.contains("\u{1b}[32mok     \u{1b}["), "{coloured:?}");
        assert!(coloured.contains("a\\u001b"), "{coloured:?}");
    }

    #[test]
    fn long_details_are_cut_in_lines_and_whole_in_records() {
        let long = check(Status::Failed, None, &"x".repeat(1000), &[]);
        assert!(text(lines(PIPE, &long)).ends_with("x […]\n"));
        assert!(text(record(PIPE, &long)).contains(&"x".repeat(1000)));
    }

    #[test]
    fn a_record_has_the_contracts_fields_and_no_secrets() {
        let skipped = check(Status::Skipped, None, "?access_token=abc.def.ghi", &["a", "b"]);
        let record = text(record(PIPE, &skipped));
        let value: serde_json::Value = serde_json::from_str(&record).unwrap();
        assert_eq!(value["type"], "check");
        assert_eq!(value["status"], "skipped");
        assert_eq!(value["detail"], "?access_token=[redacted]");
        assert_eq!(value["hint"], "a; b");
        assert!(value.get("elapsedMs").is_none() && value["time"].is_string(), "{value}");
    }
}
