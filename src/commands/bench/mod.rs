//! `wps bench`: how many messages go through, how long they take, and which of them do not arrive.
//!
//! [`measure`] is the measuring itself, without I/O. A [`connection`] is a task with a client; [`run`] is the course of all
//! of them; the rest is what is typed, what is printed, and what is made of the files of several runs.

pub mod args;
mod clock;
mod compare;
mod connection;
mod cost;
mod expectations;
mod files;
mod histogram_log;
mod measure;
mod merge;
mod output;
mod progress;
mod report;
mod results;
mod run;
pub mod settings;
mod text;

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use self::args::{
    BenchCommand, BenchCompareArgs, BenchMergeArgs, BenchPubArgs, BenchPubsubArgs, BenchSubArgs, LoadConnectingArgs,
};
use self::expectations::Expectations;
use self::histogram_log::{HistogramLog, unwritable};
use self::output::BenchOutput;
use self::report::ReportPage;
use self::run::{BenchResult, BenchRun, warnings};
use self::settings::BenchSettings;
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::connection::settings::ConnectionSource;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::output::settings::talk;
use crate::options::values::{ColorChoice, ReportFormat};
use crate::render::{Printer, Style, WriteFailure, human, record, rfc3339};
use crate::run::chance::unix_now;
use crate::run::context::{RunOptions, Surroundings, print_options};
use crate::run::ending::{Ending, RunInterrupt, failed, last_words};
use crate::run::exit_code::ExitCode;
use crate::run::hosting;
use crate::run::process::{on_all_threads, put};
use crate::run::verdict::Verdict;
use crate::run::voice::{print_stderr, report_ending, warn};
use crate::signal::Signals;
use webpubsub_client::driver::Finished;
use webpubsub_proto::session::{Counts, End};

impl BenchCommand {
    /// The command that is meant.
    pub fn chosen(self) -> Box<dyn CommandArgs> {
        match self {
            Self::Pub(args) => args,
            Self::Sub(args) => args,
            Self::Pubsub(args) => args,
            Self::Compare(args) => args,
            Self::Merge(args) => args,
        }
    }
}

/// Fails when it may cost something that was not asked for.
fn affordable(bench: BenchSettings) -> Result<BenchSettings, Failure> {
    if !bench.may_cost {
        cost::check(&bench)?;
    }
    Ok(bench)
}

/// What the three that connect have in common.
macro_rules! connecting {
    ($args:ty, $settle:path) => {
        impl CommandArgs for $args {
            fn talk(&self) -> Option<&StderrArgs> {
                Some(&self.connecting.talk)
            }

            fn prints_records(&self) -> bool {
                prints_records(&self.connecting)
            }

            fn filter(&self) -> Option<&FilterArgs> {
                Some(&self.connecting.filter)
            }

            fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
                $settle(*self, environment, input).and_then(affordable).map(task)
            }
        }
    };
}

connecting!(BenchPubArgs, settings::publishing);
connecting!(BenchSubArgs, settings::subscribing);
connecting!(BenchPubsubArgs, settings::both);

fn prints_records(connecting: &LoadConnectingArgs) -> bool {
    connecting.output.output == ReportFormat::Ndjson
}

impl CommandArgs for BenchCompareArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn settle(self: Box<Self>, environment: &Environment, _: &mut dyn Input) -> Result<Task, Failure> {
        let talk = talk(&self.talk, environment);
        Ok(Box::new(move |_| {
            let (a, b) = (files::read_records(&self.a)?, files::read_records(&self.b)?);
            let compared = compare::compare(&a, &b);
            let text = match self.output {
                ReportFormat::Text => compare::table(&compared, style(talk.color)).into_bytes(),
                ReportFormat::Ndjson => compared.iter().flat_map(|it| record(&it.record)).collect(),
            };
            if let Some(text) = compare::difference(&a, &b).filter(|_| !talk.quiet) {
                print_warning(&text, talk.color);
            }
            put(&text)
        }))
    }
}

impl CommandArgs for BenchMergeArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn settle(self: Box<Self>, environment: &Environment, _: &mut dyn Input) -> Result<Task, Failure> {
        let talk = talk(&self.talk, environment);
        let expectations = Expectations::compile(&self.fail_if)?;
        Ok(Box::new(move |_| {
            let merged = merge::merge(&self.files)?;
            let results = &merged.results;
            let text = match (self.csv, self.output) {
                (true, _) => results.csv().into_bytes(),
                (false, ReportFormat::Text) => text::summary(results, "", style(talk.color)).into_bytes(),
                (false, ReportFormat::Ndjson) => record(results),
            };
            put(&text)?;
            merged.warnings.iter().filter(|_| !talk.quiet).for_each(|text| print_warning(text, talk.color));
            if let Some(path) = self.histogram {
                merged.write_log(path)?;
            }
            expectations.check(&results.json()).map(|()| 0)
        }))
    }
}

/// How stdout may look.
fn style(color: ColorChoice) -> Style {
    let terminal = io::stdout().is_terminal();
    Style { color: color.enabled(terminal), terminal }
}

fn print_warning(text: &str, color: ColorChoice) {
    let terminal = io::stderr().is_terminal();
    let style = Style { color: color.enabled(terminal), terminal };
    print_stderr(&format!("{} {text}\n", style.label("warning:")));
}

fn task(bench: BenchSettings) -> Task {
    Box::new(move |process| {
        let expectations = Expectations::compile(&bench.fail_if)?;
        let surroundings = process.surroundings(&bench.output)?;
        on_all_threads(carry_out(&surroundings, &bench, &expectations))
    })
}

/// Carries a run out, and returns the exit code. Everything is printed by then.
async fn carry_out(surroundings: &Surroundings, bench: &BenchSettings, expectations: &Expectations) -> u8 {
    let options = print_options(&bench.connection, &bench.output, RunOptions::ONE_OFF);
    let options = crate::render::PrintOptions { has_expressions: surroundings.conditions.is_some(), ..options };
    let mut records = BenchOutput::new(Printer::new(options, surroundings.console.clone()), bench);
    let mut signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return ended_before(records.printer, Failure::new(Kind::Internal, error)).await,
    };
    let outcome = match attempt(surroundings, bench, &mut records, &mut signals).await {
        Ok(outcome) => outcome,
        Err(failure) => return ended_before(records.printer, failure).await,
    };
    let Attempt { outcome, report } = outcome;
    let deadline = bench.connection.timeout.map(|limit| surroundings.started + limit);
    let hurried = outcome.hurried;
    let ending = print_result(bench, outcome, report, expectations, &mut records);
    let code = report_ending(&mut records.printer, ending);
    let mut code = ExitCode::new(&surroundings.console, code);
    let cut_short = last_words((&surroundings.console, None), hurried, deadline, &mut signals).await;
    code.fold_cut_short(cut_short, bench.connection.timeout).await;
    code.fold_output().await;
    code.get()
}

/// The end of a run that failed before it began.
async fn ended_before(mut printer: Printer, failure: Failure) -> u8 {
    let code = report_ending(&mut printer, failed(failure));
    printer.console().drained().await;
    code
}

/// A run, and the file that its page goes to.
struct Attempt {
    outcome: BenchResult,
    report: Option<(PathBuf, File)>,
}

/// The run itself. Fails where it cannot begin.
async fn attempt(
    surroundings: &Surroundings,
    bench: &BenchSettings,
    records: &mut BenchOutput,
    signals: &mut Signals,
) -> Result<Attempt, Failure> {
    hosting::prepare(&bench.connection, false).await?;
    allow_connections(bench.connections)?;
    let log = bench.histogram.clone().map(|path| HistogramLog::create(path, &bench.command_line())).transpose()?;
    // Whether it can be written is known before the run, and not after it.
    let create = |path: &PathBuf| {
        let file = File::create(path).or_fail_with(Kind::Output, || unwritable(path));
        file.map(|file| (path.clone(), file))
    };
    let report = bench.report.as_ref().map(create).transpose()?;
    warn(&mut records.printer, &bench.connection);
    let outcome = BenchRun::start(bench, records, log)?.carry_out(surroundings, signals).await?;
    Ok(Attempt { outcome, report })
}

/// Prints the result of a run, and returns how it ended.
fn print_result(
    bench: &BenchSettings,
    outcome: BenchResult,
    report: Option<(PathBuf, File)>,
    expectations: &Expectations,
    records: &mut BenchOutput,
) -> Ending {
    let BenchResult { verdict, interrupt, hurried, results, timeline, lost, began } = outcome;
    let warnings = warnings(&results);
    let mut written = Ok(());
    if began {
        records.results(&results, &place(bench), Some(&timeline));
        warnings.iter().for_each(|text| records.warn(text));
        let page = ReportPage {
            command: bench.command_line(),
            place: place(bench),
            time: rfc3339(unix_now()),
            results: &results,
            timeline: &timeline,
            lost: &lost,
            warnings,
        };
        written = report.map_or(Ok(()), |(path, file)| write(&path, file, &page));
    }
    let verdict = match verdict {
        Some(Verdict::Done(reason)) if interrupt.is_none() => {
            let met = written.and_then(|()| expectations.check(&results.json()));
            met.map_or_else(Verdict::Failed, |()| Verdict::Done(reason))
        }
        verdict => verdict.unwrap_or(Verdict::SessionEnded),
    };
    let (reason, failure) = match (interrupt, verdict) {
        (Some(RunInterrupt::Signal(number)), _) => {
            ("signal", Some(Failure::message(Kind::Signal(number), "ended by a signal")))
        }
        (Some(RunInterrupt::Timeout), _) => {
            let limit = human(bench.connection.timeout.unwrap_or_default());
            ("timeout", Some(Failure::message(Kind::Timeout, format!("timed out after {limit} (`--timeout`)"))))
        }
        (Some(RunInterrupt::Output(WriteFailure::Closed)), _) => ("output-closed", None),
        (Some(RunInterrupt::Output(failure) | RunInterrupt::Recording(failure)), _) => {
            let error = failure.into_error();
            ("failed", Some(Failure::message(Kind::Output, format!("could not write to stdout: {error}"))))
        }
        (None, Verdict::Done(reason) | Verdict::TimeUp(reason)) => (reason, None),
        (None, Verdict::Failed(failure) | Verdict::Told(failure)) => ("failed", Some(failure)),
        (None, Verdict::SessionEnded) => ("failed", None),
    };
    let counts = Counts {
        received: results.received,
        sent: results.sent,
        acked: results.acked,
        failed: results.refused + results.unacked,
        ..Counts::default()
    };
    let finished = Finished { end: End::Stopped, counts, was_connected: began, last_failure: None };
    Ending { reason, failure, told: false, unsettled: false, hurried, finished: Some(finished) }
}

/// Writes a page. Fails with exit 13.
fn write(path: &Path, mut file: File, page: &ReportPage<'_>) -> Result<(), Failure> {
    file.write_all(page.html().as_bytes()).or_fail_with(Kind::Output, || unwritable(path))
}

/// Where it connects, without a secret.
fn place(bench: &BenchSettings) -> String {
    match &bench.connection.source {
        ConnectionSource::Url(url) => url.authority(),
        ConnectionSource::Local { port, .. } => format!("localhost:{port}"),
        ConnectionSource::Signed(signer) => signer.endpoint.host_str().unwrap_or_default().to_owned(),
        ConnectionSource::Keyless(keyless) => keyless.endpoint.host_str().unwrap_or_default().to_owned(),
        ConnectionSource::Command(_) => String::new(),
    }
}

/// Files that a process has open beside its connections.
#[cfg(unix)]
const OTHER_FILES: u64 = 64;

/// Asks for as many open files as there are to be connections. Fails where so many are not allowed.
#[cfg(unix)]
fn allow_connections(connections: u64) -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = connections + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let done = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    if done.is_ok() && raised >= wanted {
        return Ok(());
    }
    let taken = match connections {
        1 => "1 connection takes".to_owned(),
        _ => format!("{connections} connections take"),
    };
    let what = format!("{taken} {wanted} open files, and this process may have {raised}");
    Err(Failure::message(Kind::Config, what).blame("--connections").hint("`ulimit -n` says how many, and raises it"))
}

#[cfg(not(unix))]
fn allow_connections(_connections: u64) -> Result<(), Failure> {
    Ok(())
}
