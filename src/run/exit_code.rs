//! The exit code of a run: the one place where it is changed once the last record is out.

use std::time::Duration;

use super::voice::{last_error, output_failed};
use crate::failure::{Failure, Kind};
use crate::render::{self, Console, WriteFailure};

/// The exit code as it stands after the last record, and all that may still go wrong behind that: the first of it that
/// does is what counts, and what is told.
#[derive(Debug)]
pub struct ExitCode<'c> {
    console: &'c Console,
    code: u8,
}

impl<'c> ExitCode<'c> {
    /// That of the last record.
    pub fn new(console: &'c Console, code: u8) -> Self {
        Self { console, code }
    }

    /// What it is in the end.
    pub fn get(&self) -> u8 {
        self.code
    }

    /// What went wrong behind the last record, if it did.
    pub async fn fold(&mut self, failure: Option<Failure>) {
        if let Some(failure) = failure.filter(|_| self.code == 0) {
            last_error(self.console, &failure).await;
            self.code = failure.kind.exit_code();
        }
    }

    /// The output was not waited for to its end: by a signal, or because `--timeout` was over.
    pub async fn fold_cut_short(&mut self, by: Option<Kind>, limit: Option<Duration>) {
        match by {
            Some(Kind::Timeout) => {
                let limit = render::human(limit.unwrap_or_default());
                let what = format!("timed out after {limit} (`--timeout`) while the output was being written");
                self.fold(Some(Failure::message(Kind::Timeout, what))).await;
            }
            // Whoever sent a signal knows.
            Some(kind) if self.code == 0 => self.code = kind.exit_code(),
            Some(_) | None => {}
        }
    }

    /// What stdout has taken. Whether that went wrong, and counts; where it does not count, it is told all the same, since
    /// what was to be read has not come.
    pub async fn fold_output(&mut self) -> bool {
        match self.console.out.writer().failure() {
            Some(WriteFailure::Failed(error)) if self.code == 0 => {
                self.code = output_failed(self.console, &error).await;
                true
            }
            // That is the failure already, or somebody did not want to wait for it.
            Some(WriteFailure::Failed(_))
                if self.code == Kind::Output.exit_code() || self.code >= Kind::Timeout.exit_code() =>
            {
                false
            }
            Some(WriteFailure::Failed(error)) => {
                output_failed(self.console, &error).await;
                false
            }
            Some(WriteFailure::Closed | WriteFailure::Unrecorded(_)) | None => false,
        }
    }
}
