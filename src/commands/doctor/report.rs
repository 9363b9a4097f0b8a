//! What was found so far: prints each step as it is known, in the order of [`STEPS`], and keeps the first failure.

use std::time::Duration;

use tokio::time::Instant;

use crate::failure::Failure;
use crate::records::Status;
use crate::render::Console;
use crate::render::check::{self, StepResult};

/// The steps, in their order. Through a proxy, `dns` and `tcp` are the way to the proxy.
pub const STEPS: [&str; 18] = [
    "source",
    "identity",
    "client-token",
    "token",
    "dns",
    "tcp",
    "proxy",
    "tls",
    "upgrade",
    "subprotocol",
    "connected",
    "join",
    "send",
    "receive",
    "ping",
    "leave",
    "close",
    "trace",
];

/// The findings of a run. Steps are reported one after the other; each call is about the next one.
#[derive(Debug)]
pub struct DoctorReport {
    console: Console,
    /// Records instead of lines.
    records: bool,
    /// The program and the machine, until the first step has been told.
    program: Option<String>,
    /// The service is opened by an identity, which has steps of its own.
    keyless: bool,
    /// How many steps were told.
    told: usize,
    /// When the last one was.
    since: Instant,
    /// Steps that were skipped because they could not be tried.
    skipped: Vec<&'static str>,
    /// Steps with a warning.
    warned: Vec<&'static str>,
    /// The step during which it was ended from outside, and by what.
    ended: Option<(&'static str, String)>,
    /// The step that failed, and how.
    failure: Option<(&'static str, Failure)>,
}

impl DoctorReport {
    /// Prints to `console`, records or lines.
    pub fn new(console: Console, (records, keyless): (bool, bool)) -> Self {
        let (version, os, arch) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
        Self {
            console,
            records,
            keyless,
            program: Some(format!("wps {version} on {os} {arch}")),
            told: 0,
            since: Instant::now(),
            skipped: Vec::new(),
            warned: Vec::new(),
            ended: None,
            failure: None,
        }
    }

    /// The next step to be told.
    pub fn current(&self) -> &'static str {
        STEPS.get(self.told).copied().unwrap_or("trace")
    }

    /// How long the next step has taken.
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether a step has failed.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The step that failed, and how, once there is one.
    pub fn into_failure(self) -> Option<(&'static str, Failure)> {
        self.failure
    }

    /// It works.
    pub fn ok(&mut self, elapsed: Option<Duration>, detail: impl Into<String>, hints: Vec<String>) {
        self.print(Status::Ok, elapsed, detail.into(), hints);
    }

    /// It does not stand in the way as far as is known, but something is wrong with it.
    pub fn warn(&mut self, elapsed: Option<Duration>, detail: impl Into<String>, hints: Vec<String>) {
        self.warned.push(self.current());
        self.print(Status::Warning, elapsed, detail.into(), hints);
    }

    /// There was no need to try it.
    pub fn skip(&mut self, detail: impl Into<String>) {
        self.print(Status::Skipped, None, detail.into(), Vec::new());
    }

    /// It could not be tried, which is worth a word at the end.
    pub fn miss(&mut self, detail: impl Into<String>, hints: Vec<String>) {
        self.skipped.push(self.current());
        self.print(Status::Skipped, None, detail.into(), hints);
    }

    /// It does not work. The steps that follow are skipped.
    pub fn fail(&mut self, elapsed: Option<Duration>, detail: impl Into<String>, failure: Failure) {
        let step = self.current();
        let hints = failure.hints.clone();
        self.failure = Some((step, failure));
        self.print(Status::Failed, elapsed, detail.into(), hints);
        self.skip_rest(&format!("`{step}` failed"));
    }

    /// It was ended from outside: what was under way is not known, and what follows is not tried.
    pub fn end(&mut self, by: &str) {
        self.ended = Some((self.current(), by.to_owned()));
        self.skip_rest(by);
    }

    /// Everything that was not told is skipped.
    pub fn skip_rest(&mut self, why: &str) {
        while self.told < STEPS.len() {
            self.skip(why);
        }
    }

    /// The result of all steps, for people.
    pub fn conclude(&self) {
        if self.records {
            return;
        }
        let words = match &self.failure {
            Some((step, failure)) => format!("failed at `{step}`, exit code {}", failure.kind.exit_code()),
            None if self.ended.is_some() => {
                let (step, by) = self.ended.clone().unwrap_or_default();
                format!("{by} at `{step}`: what follows is not known")
            }
            None => {
                let named =
                    |steps: &[&str]| steps.iter().map(|step| format!("`{step}`")).collect::<Vec<_>>().join(", ");
                match (self.skipped.is_empty(), self.warned.is_empty()) {
                    (true, true) => "everything works".to_owned(),
                    (false, true) => format!("works, but {} could not be tried", named(&self.skipped)),
                    (true, false) => format!("works, but see the warning at {}", named(&self.warned)),
                    (false, false) => format!(
                        "works, but {} could not be tried; see the warning at {}",
                        named(&self.skipped),
                        named(&self.warned)
                    ),
                }
            }
        };
        self.console.out.line(&words);
    }

    /// The steps of an identity are told only where there is one.
    fn pass_over(&mut self) {
        while !self.keyless && matches!(self.current(), "identity" | "client-token") {
            self.told += 1;
        }
    }

    fn print(&mut self, status: Status, elapsed: Option<Duration>, detail: String, hints: Vec<String>) {
        let check = StepResult { step: self.current(), status, elapsed, detail, hints, program: self.program.take() };
        let style = self.console.out.style;
        let mut out = if self.records { check::record(style, &check) } else { check::lines(style, &check) };
        self.console.out.put(&mut out);
        self.told += 1;
        self.pass_over();
        self.since = Instant::now();
    }
}
