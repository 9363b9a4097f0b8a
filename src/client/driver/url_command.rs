//! A shell command that prints a client access URL, run by the dialer for each fresh connection.
//!
//! Its stdout is read to the end, its stderr is ours, its stdin is empty. Something that it started and left behind may
//! hold its stdout open, such as the agent of a login: then what it had printed itself is what counts. It runs in a process group of its own, which
//! is killed when the future is dropped before the command has ended: at the connect timeout, or when the run ends.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, interval_at};

use crate::auth::access_url::{AccessUrl, AccessUrlError};
use crate::secret::{REDACTED, redact};
use crate::shell::{self, Running};

/// The most that is read of a command's output; a URL is much shorter.
const LONGEST_OUTPUT: u64 = 64 * 1024;

/// How long the end of its output may follow the end of the command, before what was printed counts.
const LEFT_OPEN: Duration = Duration::from_millis(250);

/// The most of an output that is shown, in characters.
const SHOWN: usize = 200;

/// Why a URL command gave no URL.
#[derive(Debug, Error)]
pub enum UrlCommandError {
    /// There is no shell, or no process to be had.
    #[error("the URL command could not be run: {0}")]
    NotRun(std::io::Error),
    /// It ended otherwise than with status 0.
    #[error("the URL command {status}, and printed {printed}")]
    Failed {
        /// How it ended, in words.
        status: String,
        /// What it printed, in words, redacted.
        printed: String,
    },
    /// It printed nothing.
    #[error("the URL command printed nothing (exit status 0)")]
    Empty,
    /// It printed more than any URL is long.
    #[error("the URL command printed more than {LONGEST_OUTPUT} bytes")]
    TooMuch,
    /// It printed a JSON object, but no URL in it.
    #[error("the URL command printed a JSON object without a string `url` (exit status 0): {printed}")]
    NoUrlField {
        /// What it printed, redacted.
        printed: String,
    },
    /// What it printed is no client access URL.
    #[error("the URL command printed no client access URL (exit status 0): {error}: {printed}")]
    NoUrl {
        /// Why it is none.
        error: AccessUrlError,
        /// What it printed, redacted.
        printed: String,
    },
}

/// Runs `command` with the shell and reads the URL it prints.
pub(super) async fn run(command: &str) -> Result<AccessUrl, UrlCommandError> {
    let mut shell = shell::command(command);
    shell.stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut running = Running::start(&mut shell).map_err(UrlCommandError::NotRun)?;
    let (printed, status) = end(&mut running).await.map_err(UrlCommandError::NotRun)??;
    let text = String::from_utf8_lossy(&printed);
    if !status.success() {
        return Err(UrlCommandError::Failed { status: shell::words(status), printed: shown(&text) });
    }
    url_in(&text)
}

/// A URL, or a JSON object with one.
fn url_in(text: &str) -> Result<AccessUrl, UrlCommandError> {
    // Windows tools like to begin with a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(UrlCommandError::Empty);
    }
    let url = match serde_json::from_str(text) {
        Ok(Value::Object(object)) => match object.get("url") {
            Some(Value::String(url)) => url.trim().to_owned(),
            _ => return Err(UrlCommandError::NoUrlField { printed: shown(text) }),
        },
        _ => text.to_owned(),
    };
    AccessUrl::parse(&url).map_err(|error| UrlCommandError::NoUrl { error, printed: shown(text) })
}

/// The beginning of an output on one line, redacted and quoted; a secret may be cut, so it is redacted first.
fn shown(text: &str) -> String {
    let text = match serde_json::from_str(text.trim()) {
        Ok(mut value @ Value::Object(_)) => {
            redact_fields(&mut value);
            value.to_string()
        }
        _ => text.to_owned(),
    };
    let text = redact(&text);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        _ if line.is_empty() => "nothing".into(),
        Some((cut, _)) => format!("`{}` […]", &line[..cut]),
        None => format!("`{line}`"),
    }
}

/// Takes out what is a secret by its name; it may look like anything.
fn redact_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| {
            let name = name.to_ascii_lowercase();
            if ["token", "key", "secret", "password", "credential"].iter().any(|part| name.contains(part)) {
                *value = REDACTED.into();
            } else {
                redact_fields(value);
            }
        }),
        Value::Array(values) => values.iter_mut().for_each(redact_fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// All that it prints, and how it ends.
async fn end(running: &mut Running) -> std::io::Result<Result<(Vec<u8>, ExitStatus), UrlCommandError>> {
    let mut printed = Vec::new();
    let stdout = running.child().and_then(|child| child.stdout.take());
    let mut stdout = stdout.map(|stdout| stdout.take(LONGEST_OUTPUT + 1));
    // Only where the output does not end with the command does this ever tick.
    let mut looks = interval_at(Instant::now() + LEFT_OPEN, LEFT_OPEN);
    let mut had_ended = false;
    while let Some(pipe) = &mut stdout {
        tokio::select! {
            biased;
            read = pipe.read_buf(&mut printed) => {
                if read? == 0 {
                    stdout = None;
                }
            }
            _ = looks.tick() => {
                let succeeded = running.has_ended();
                // What has printed nothing yet may do so still.
                let enough = |succeeded: bool| !succeeded || url_in(&String::from_utf8_lossy(&printed)).is_ok();
                if had_ended && succeeded.is_some_and(enough) {
                    stdout = None;
                }
                had_ended = succeeded.is_some();
            }
        }
    }
    if printed.len() as u64 > LONGEST_OUTPUT {
        return Ok(Err(UrlCommandError::TooMuch));
    }
    Ok(Ok((printed, running.wait().await?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_a_url_or_an_object_with_one() {
        for text in [
            "ws://h/client/hubs/c?access_token=t",
            "\u{feff}ws://h/client/hubs/c?access_token=t\r\n",
            r#"{"baseUrl":"ws://h/client/hubs/c","token":"t","url":"ws://h/client/hubs/c?access_token=t"}"#,
            "{\n \"url\": \"ws://h/client/hubs/c?access_token=t\"\n}\n",
        ] {
            assert_eq!(url_in(text).unwrap().fresh_uri().expose(), "/client/hubs/c?access_token=t", "{text}");
        }
    }

    #[test]
    fn anything_else_is_told_redacted_and_short() {
        let long = "x".repeat(500);
        for (text, expected) in [
            ("", "the URL command printed nothing (exit status 0)"),
            (" \n", "the URL command printed nothing (exit status 0)"),
            (
                r#"{"error": "access_token=sesame is bad"}"#,
                "the URL command printed a JSON object without a string `url` (exit status 0): \
                 `{\"error\":\"access_token=[redacted] is bad\"}`",
            ),
            (
                r#"{"code": 7, "data": {"accessToken": "sesame", "Key": ["sesame"]}}"#,
                "the URL command printed a JSON object without a string `url` (exit status 0): \
                 `{\"code\":7,\"data\":{\"Key\":\"[redacted]\",\"accessToken\":\"[redacted]\"}}`",
            ),
            (
                "<html>\n<p>Sign in",
                "the URL command printed no client access URL (exit status 0): the URL contains a space or a line break: \
                 `<html> <p>Sign in`",
            ),
            (
                "wss://h/other?access_token=sesame",
                "the URL command printed no client access URL (exit status 0): the path of the URL is not \
                 `/client/hubs/HUB`: `wss://h/other?access_token=[redacted]`",
            ),
            (
                "[1]",
                "the URL command printed no client access URL (exit status 0): it is not a URL: it has no scheme, \
                 such as `wss://`: `[1]`",
            ),
        ] {
            assert_eq!(url_in(text).unwrap_err().to_string(), expected);
        }
        let told = url_in(&long).unwrap_err().to_string();
        assert!(told.ends_with(&format!("`{}` […]", "x".repeat(SHOWN))), "{told}");
    }
}
