//! `--url-command`: a shell command that prints a client access URL, run for each fresh connection.
//!
//! Its stdout is read to the end, its stderr is ours, its stdin is empty. Something that it started and left behind may
//! hold its stdout open, such as the agent of a login: then what it had printed itself is what counts. It runs in
//! a process group of its own, which is killed when the future is dropped before the command has ended: at the connect
//! timeout, or when the run ends.

mod printed;

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Map, Value};
use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, interval_at};

use self::printed::described;
use crate::shell::{self, RunningCommand};
use webpubsub_client::driver::{Providing, UrlProvider};
use webpubsub_net::auth::access_url::{AccessUrl, AccessUrlError};
use webpubsub_net::secret::Secret;

/// The most that is read of a command's output; a URL is much shorter.
const LONGEST_OUTPUT: u64 = 64 * 1024;

/// How long the end of its output may follow the end of the command, before what was printed counts.
const LEFT_OPEN: Duration = Duration::from_millis(250);

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
        /// What it printed, in words.
        printed: String,
    },
    /// It printed nothing.
    #[error("the URL command printed nothing (exit status 0)")]
    Empty,
    /// It printed more than any URL is long.
    #[error("the URL command printed more than {LONGEST_OUTPUT} bytes")]
    TooMuch,
    /// It printed a JSON object, but no URL in it.
    #[error("the URL command printed a JSON object without a string `url` (exit status 0): it printed {printed}")]
    NoUrlField {
        /// What it printed, in words.
        printed: String,
    },
    /// What it printed is no client access URL.
    #[error("the URL command printed no client access URL (exit status 0): {error}: it printed {printed}")]
    NoUrl {
        /// Why it is none.
        error: AccessUrlError,
        /// What it printed, in words.
        printed: String,
    },
}

impl From<std::io::Error> for UrlCommandError {
    fn from(error: std::io::Error) -> Self {
        Self::NotRun(error)
    }
}

/// The command.
#[derive(Clone, Debug)]
pub struct UrlCommandLine(pub String);

impl UrlProvider for UrlCommandLine {
    fn provide(&self) -> Providing<'_> {
        Box::pin(async { Ok(run(&self.0).await?) })
    }

    fn activity(&self) -> &'static str {
        "running the URL command"
    }
}

/// Runs `command` with the shell and reads the URL it prints.
async fn run(command: &str) -> Result<AccessUrl, UrlCommandError> {
    let mut shell = shell::command(command);
    shell.stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut running = RunningCommand::start(&mut shell)?;
    let (printed, status) = end(&mut running, |printed| url_in(printed).is_ok()).await??;
    if !status.success() {
        return Err(UrlCommandError::Failed { status: shell::words(status), printed: described(&printed) });
    }
    url_in(&printed)
}

/// All that a command prints which is to end well. Its stderr goes there.
pub(super) async fn printed_by(command: &str, stderr: Stdio) -> Result<Vec<u8>, UrlCommandError> {
    let mut shell = shell::command(command);
    shell.stdout(Stdio::piped()).stderr(stderr);
    let mut running = RunningCommand::start(&mut shell)?;
    let (printed, status) = end(&mut running, |printed| !printed.trim_ascii().is_empty()).await??;
    if status.success() {
        return Ok(printed);
    }
    Err(UrlCommandError::Failed { status: shell::words(status), printed: described(&printed) })
}

/// A URL, as it is or as a JSON string, or a JSON object with one and perhaps with its token beside it: what negotiate
/// endpoints answer. Names are compared without case, `_` and `-`.
fn url_in(printed: &[u8]) -> Result<AccessUrl, UrlCommandError> {
    let text = String::from_utf8_lossy(printed);
    // Windows tools like to begin with a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(UrlCommandError::Empty);
    }
    let (url, token) = match serde_json::from_str(text) {
        Ok(Value::String(url)) => (url, None),
        Ok(Value::Object(object)) => {
            let Some(url) = field(&object, &URL_FIELDS) else {
                return Err(UrlCommandError::NoUrlField { printed: described(printed) });
            };
            (url.to_owned(), field(&object, &TOKEN_FIELDS).map(str::to_owned))
        }
        _ => (text.to_owned(), None),
    };
    let url = AccessUrl::parse(url.trim());
    let url = url.map_err(|error| UrlCommandError::NoUrl { error, printed: described(printed) })?;
    Ok(match token {
        Some(token) => url.with_token(Secret::new(token)),
        None => url,
    })
}

/// What a URL is called in an object, the likeliest first. The Python SDK has a `baseUrl` without the token beside it.
const URL_FIELDS: [&str; 7] = ["url", "clienturl", "accessurl", "clientaccessurl", "clientaccessuri", "uri", "baseurl"];
/// What its token is called.
const TOKEN_FIELDS: [&str; 3] = ["accesstoken", "token", "clientaccesstoken"];

/// The first of these fields that holds text.
fn field<'o>(object: &'o Map<String, Value>, names: &[&str]) -> Option<&'o str> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let of = |wanted: &&str| {
        let named = object.iter().filter(|(name, _)| plain(name) == **wanted);
        named.filter_map(|(_, value)| value.as_str()).map(str::trim).find(|text| !text.is_empty())
    };
    names.iter().find_map(of)
}

/// All that it prints, and how it ends.
async fn end(
    running: &mut RunningCommand,
    is_whole: impl Fn(&[u8]) -> bool,
) -> std::io::Result<Result<(Vec<u8>, ExitStatus), UrlCommandError>> {
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
                let enough = |succeeded: bool| !succeeded || is_whole(&printed);
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
            "\"ws://h/client/hubs/c?access_token=t\"\n",
            r#"{"url":"ws://h/client/hubs/c","accessToken":"t"}"#,
            r#"{"url":"ws://h/client/hubs/c?access_token=t","accessToken":"other"}"#,
            r#"{"URL":"ws://h/client/hubs/c","access_token":" t\n"}"#,
            r#"{"client_access_url":"ws://h/client/hubs/c","Token":"t","expires":1}"#,
            r#"{"baseUrl":"http://h/client/hubs/c","token":"t"}"#,
            r#"{"url":null,"Uri":"ws://h/client/hubs/c?access_token=t"}"#,
        ] {
            assert_eq!(
                url_in(text.as_bytes()).unwrap().fresh_uri().expose(),
                "/client/hubs/c?access_token=t",
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_told_and_not_shown() {
        for (text, expected) in [
            ("", "the URL command printed nothing (exit status 0)"),
            (" \n", "the URL command printed nothing (exit status 0)"),
            (
                r#"{"code": 7, "data": {"accessToken": "sesame", "Key": ["sesame"]}}"#,
                "the URL command printed a JSON object without a string `url` (exit status 0): it printed a JSON object \
                 with the fields `code`, `data`",
            ),
            (
                "<html>\n<p>Sign in",
                "the URL command printed no client access URL (exit status 0): the URL contains a space or a line break: \
                 it printed 17 bytes of HTML or XML",
            ),
            (
                "wss://h/other?access_token=sesame",
                "the URL command printed no client access URL (exit status 0): the path of the URL does not \
                 end in `/client/hubs/HUB`: it printed a URL that leads to `h`",
            ),
            (
                "key:sesame",
                "the URL command printed no client access URL (exit status 0): it is not a URL: it has no scheme, \
                 such as `wss://`: it printed a line of 10 bytes",
            ),
        ] {
            assert_eq!(url_in(text.as_bytes()).unwrap_err().to_string(), expected);
        }
    }
}
