//! What is said on stderr: warnings, and the one error at the end, before there is a console, beside one, and after it.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::time::timeout;

use super::chance::unix_now;
use super::ending::{Ending, LAST_WRITE};
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::connection::settings::ConnectionSource;
use crate::options::environment::{Environment, Note};
use crate::options::values::ColorChoice;
use crate::records::{Stopped, StoppedCounts, StoppedError};
use crate::render::sanitize::for_report;
use crate::render::{self, Console, ExpressionTexts, Expressions, Printer, Style, Weight};
use webpubsub_net::auth::access_url::looks_expired;
use webpubsub_net::auth::token::peek_claims;

/// Prints an error on stderr: the one place where a command's failure is.
pub fn print_failure(console: &Console, failure: &Failure) {
    let style = console.err.style;
    let report = failure.report(|label| style.label(label), |text| for_report(text).into_owned());
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
pub fn report_ending(printer: &mut Printer, ending: Ending) -> u8 {
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
            unexpected: Some(counts.unexpected).filter(|count| *count > 0),
        }),
        error: error.map(stopped_error),
    });
    if let Some(failure) = error.filter(|_| !ending.told) {
        print_failure(printer.console(), failure);
    }
    exit_code
}

/// What is worth saying before anything is tried.
pub fn warn(printer: &mut Printer, connection: &ConnectionSettings) {
    let secure = match &connection.source {
        ConnectionSource::Url(url) => url.is_secure(),
        ConnectionSource::Signed(signer) | ConnectionSource::Local { signer, .. } => {
            signer.endpoint.scheme() == "https"
        }
        ConnectionSource::Keyless(keyless) => keyless.endpoint.scheme() == "https",
        // What it will print is not known yet.
        ConnectionSource::Command(_) => true,
    };
    warn_of_insecure(printer, connection.tls.insecure && secure);
    let ConnectionSource::Url(url) = &connection.source else { return };
    let claims = url.token().and_then(|token| peek_claims(token.expose()));
    let now = unix_now();
    if let Some(exp) = claims.and_then(|claims| claims.exp).filter(|exp| looks_expired(*exp, now)) {
        let ago = render::human(Duration::from_secs(now.saturating_sub(exp)));
        printer.note(Weight::Warning, &format!("the token looks expired ({ago} ago); trying it all the same"));
    }
}

/// Warns that it is not known who listens.
pub fn warn_of_insecure(printer: &mut Printer, insecure: bool) {
    if insecure {
        printer
            .note(Weight::Warning, "`--insecure`: the server's certificate is not checked, anybody may be listening");
    }
}

/// The last record of a run that ended before it had any other.
pub fn print_end(failure: &Failure, filter: Option<&(String, bool)>) {
    let error = Some(stopped_error(failure));
    let exit_code = failure.kind.exit_code();
    let reason = if failure.kind == Kind::Timeout { "timeout" } else { "failed" };
    let terminal = io::stdout().is_terminal();
    let record =
        Style { color: false, terminal }.record(render::record(&Stopped { reason, exit_code, counts: None, error }));
    let record = match filter {
        Some((jq, raw)) => {
            let given = ExpressionTexts { jq: Some(jq), raw: *raw, ..ExpressionTexts::default() };
            // One that is no expression is what is being told.
            let Ok(Some(expressions)) = Expressions::compile(&given) else { return };
            expressions.filter(&record)
        }
        None => record,
    };
    // The exit code stands, whether or not there is somebody to read this.
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(&record).and_then(|()| stdout.flush());
}

/// Prints a failure that comes before a command's output is set up, or after. Returns the exit code.
pub fn report(failure: &Failure, color: ColorChoice) -> u8 {
    let terminal = io::stderr().is_terminal();
    let style = Style { color: color.enabled(terminal), terminal };
    print_stderr(&failure.report(|label| style.label(label), |text| for_report(text).into_owned()));
    failure.kind.exit_code()
}

/// What there is to say about what was typed and read: advice at a terminal only, and there only where it is wanted.
pub fn notes(notes: &[Note], environment: &Environment, color: ColorChoice) {
    let terminal = io::stderr().is_terminal();
    let style = Style { color: color.enabled(terminal), terminal };
    let hints = terminal && environment.get("WPS_NO_HINTS").is_none_or(|value| value == "0");
    for note in notes {
        let (label, text) = match note {
            Note::Warning(text) => ("warning:", text),
            Note::Hint(text) if hints => ("hint:", text),
            Note::Hint(_) => continue,
        };
        print_stderr(&format!("{} {}\n", style.label(label), for_report(&webpubsub_net::secret::redact(text))));
    }
}

/// How long stderr may keep the process that nobody reads.
const UNREAD: Duration = Duration::from_secs(1);

/// Writes to stderr, where a failure to write cannot be reported. Where nobody reads, it is not waited for.
pub fn print_stderr(text: &str) {
    static UNREAD_SO_FAR: AtomicBool = AtomicBool::new(false);
    if UNREAD_SO_FAR.load(Ordering::Relaxed) {
        return;
    }
    let (done, told) = mpsc::channel::<()>();
    let line = text.to_owned();
    let started = thread::Builder::new().name("stderr".into()).spawn(move || {
        let _ = io::stderr().lock().write_all(line.as_bytes());
        drop(done);
    });
    match started {
        Ok(_) if told.recv_timeout(UNREAD) == Err(RecvTimeoutError::Timeout) => {
            UNREAD_SO_FAR.store(true, Ordering::Relaxed);
        }
        Ok(_) => {}
        Err(_) => {
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }
}
