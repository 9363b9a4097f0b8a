//! What a run says on stderr: warnings, and the one error at its end.

use std::time::Duration;

use tokio::time::timeout;

use super::context::unix_now;
use super::ending::{Ending, LAST_WRITE};
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::Connection;
use crate::options::connection::settings::Source;
use crate::render::{self, Console, Printer, Stopped, StoppedCounts, StoppedError, Weight};
use webpubsub_net::auth::access_url::looks_expired;
use webpubsub_net::auth::token::peek_claims;

/// Prints an error on stderr: the one place where a command's failure is.
pub fn print_failure(console: &Console, failure: &Failure) {
    let style = console.err.style;
    let report = failure.report(|label| style.label(label), |text| style.clean(text).into_owned());
    console.err.line_kept(report.trim_end());
}

/// A failure as the last record has it.
pub fn stopped_error(failure: &Failure) -> StoppedError {
    StoppedError { message: failure.summary(), hint: failure.hints.first().cloned() }
}

/// Prints an error when there is no time for more.
pub async fn last_error(console: &Console, failure: &Failure) {
    print_failure(console, failure);
    let _ = timeout(LAST_WRITE, console.err.drained()).await;
}

/// Prints that stdout could not be written, and returns the exit code of that.
pub async fn output_failed(console: &Console, error: &std::io::Error) -> u8 {
    let failure = Failure::message(Kind::Output, format!("could not write to stdout: {error}"));
    print_failure(console, &failure);
    console.err.drained().await;
    failure.kind.exit_code()
}

/// The last record, and the error. Returns the exit code.
pub fn report(printer: &mut Printer, ending: Ending) -> u8 {
    let exit_code = ending.exit_code();
    let counts = ending.finished.as_ref().map(|finished| finished.counts).unwrap_or_default();
    let error = ending.error();
    printer.stopped(&Stopped {
        reason: ending.reason,
        exit_code,
        counts: Some(StoppedCounts {
            received: counts.received,
            sent: counts.sent,
            acked: counts.acked,
            failed: counts.failed,
        }),
        error: error.map(stopped_error),
    });
    if let Some(failure) = error.filter(|_| !ending.told) {
        print_failure(printer.console(), failure);
    }
    exit_code
}

/// What is worth saying before anything is tried.
pub fn warn(printer: &mut Printer, connection: &Connection) {
    let secure = match &connection.source {
        Source::Url(url) => url.is_secure(),
        Source::Signed(signer) | Source::Local { signer, .. } => signer.endpoint.scheme() == "https",
        // What it will print is not known yet.
        Source::Command(_) => true,
    };
    if connection.tls.insecure && secure {
        printer
            .note(Weight::Warning, "`--insecure`: the server's certificate is not checked, anybody may be listening");
    }
    let Source::Url(url) = &connection.source else { return };
    let claims = url.token().and_then(|token| peek_claims(token.expose()));
    let now = unix_now();
    if let Some(exp) = claims.and_then(|claims| claims.exp).filter(|exp| looks_expired(*exp, now)) {
        let ago = render::human(Duration::from_secs(now.saturating_sub(exp)));
        printer.note(Weight::Warning, &format!("the token looks expired since {ago}; trying it all the same"));
    }
}
