//! `wps`: a command-line client for Azure Web PubSub, with a local emulator of the service.
//!
//! Arguments become settings, settings become a command, a command ends in an exit code; this file is the way through
//! and the only place where the process exits.

mod cli;
mod commands;
mod failure;
#[cfg(all(test, unix))]
mod growth;
mod logging;
mod options;
mod render;
mod run;
mod settings;
mod shell;
mod signal;
mod state;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use cli::Parsed;
use commands::replay::Summary;
use failure::{Failure, Kind};
use render::{Console, Expressions, Given, Stopped, Style};
use run::context::Surroundings;
use settings::{ColorChoice, Environment, Limit, Note, PayloadSource, ProcessInput, Settings};
use webpubsub_proto::OwnedData;

fn main() -> ExitCode {
    #[cfg(unix)]
    if shell::guard::is_wanted() {
        shell::guard::run();
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    panic::set_hook(Box::new(|info| {
        // Told as an error of the expression.
        if render::is_evaluating() {
            return;
        }
        let text = webpubsub_net::secret::redact(&info.to_string()).into_owned();
        tell(&format!("error: wps has a defect: {text}\nhint: please report it, with what you did\n"));
    }));
    let code = panic::catch_unwind(AssertUnwindSafe(|| run(started))).unwrap_or(Kind::Internal.exit_code());
    ExitCode::from(code)
}

fn run(started: Instant) -> u8 {
    let environment = Environment::of_process();
    let mut color = ColorChoice::Auto.resolve(&environment);
    let mut records = false;
    let mut filter = None;
    let args: Vec<OsString> = std::env::args_os().collect();
    let settings = match cli::parse(args.clone()) {
        Ok(Parsed::Run(command)) => {
            color = command.color().resolve(&environment);
            records = command.prints_records();
            filter = command.filter().and_then(|filter| Some((filter.jq.clone()?, filter.raw_output)));
            let quiet = command.talk().is_some_and(|talk| talk.quiet);
            let mut input = ProcessInput::new(started.into_std());
            let settings = settings::settle_line_and_profile(args, command, &environment, &mut input);
            if !quiet {
                notes(&input.notes, &environment, color);
            }
            settings
        }
        Ok(Parsed::Print(text)) => return print(&text, color),
        Ok(Parsed::Nothing(text)) => {
            let coloured = color.enabled(io::stderr().is_terminal());
            tell(&if coloured { text.ansi().to_string() } else { text.to_string() });
            return Kind::Usage.exit_code();
        }
        Err(failure) => Err(failure),
    };
    match settings.and_then(|settings| carry_out(started, settings)) {
        Ok(code) => code,
        Err(failure) => {
            if records {
                tell_end(&failure, filter.as_ref());
            }
            report(&failure, color)
        }
    }
}

/// The last record of a run that ended before it had any other.
fn tell_end(failure: &Failure, filter: Option<&(String, bool)>) {
    let error = Some(run::voice::stopped_error(failure));
    let exit_code = failure.kind.exit_code();
    let reason = if failure.kind == Kind::Timeout { "timeout" } else { "failed" };
    let terminal = io::stdout().is_terminal();
    let record =
        Style { color: false, terminal }.record(render::stopped(&Stopped { reason, exit_code, counts: None, error }));
    let record = match filter {
        Some((jq, raw)) => {
            let given = Given { jq: Some(jq), raw: *raw, ..Given::default() };
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
fn report(failure: &Failure, color: ColorChoice) -> u8 {
    let terminal = io::stderr().is_terminal();
    let style = Style { color: color.enabled(terminal), terminal };
    tell(&failure.report(|label| style.label(label), |text| style.clean(text).into_owned()));
    failure.kind.exit_code()
}

/// What there is to say about what was typed and read: advice at a terminal only, and there only where it is wanted.
fn notes(notes: &[Note], environment: &Environment, color: ColorChoice) {
    let terminal = io::stderr().is_terminal();
    let style = Style { color: color.enabled(terminal), terminal };
    let hints = terminal && environment.get("WPS_NO_HINTS").is_none_or(|value| value == "0");
    for note in notes {
        let (label, text) = match note {
            Note::Warning(text) => ("warning:", text),
            Note::Hint(text) if hints => ("hint:", text),
            Note::Hint(_) => continue,
        };
        tell(&format!("{} {}\n", style.label(label), style.clean(&webpubsub_net::secret::redact(text))));
    }
}

/// How long stderr may keep the process that nobody reads.
const UNREAD: Duration = Duration::from_secs(1);

/// Writes to stderr, where a failure to write has nobody to be told to. Where nobody reads, it is not waited for.
fn tell(text: &str) {
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

/// Help or version, to stdout.
fn print(text: &clap::builder::StyledStr, color: ColorChoice) -> u8 {
    let coloured = color.enabled(io::stdout().is_terminal());
    let text = if coloured { text.ansi().to_string() } else { text.to_string() };
    put(text.as_bytes()).unwrap_or_else(|failure| report(&failure, color))
}

/// Writes all there is to stdout. A reader that has gone away wants no more.
fn put(bytes: &[u8]) -> Result<u8, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::message(Kind::Output, format!("could not write to stdout: {error}")))
        }
        _ => Ok(0),
    }
}

/// Carries a command out. Failures that come before its output is set up are returned.
fn carry_out(started: Instant, settings: Settings) -> Result<u8, Failure> {
    match settings {
        Settings::Completions { shell } => commands::completions::run(shell, &mut io::stdout()).map(|()| 0),
        Settings::Man { dir } => commands::man::run(&dir).map(|()| 0),
        Settings::UrlCreate(settings) => put(&commands::url::create(&settings)),
        Settings::UrlInspect(settings) => {
            let console = console(settings.tool.color)?;
            logging::start(settings.tool.verbosity, settings.tool.log_filter.as_deref(), &console.err)?;
            on_one_thread(commands::url::inspect(&Surroundings { console, started, judgement: None }, &settings))
        }
        Settings::ConfigPath(path) => put(&commands::config::path(&path)),
        Settings::ConfigShow(text) => put(text.as_bytes()),
        Settings::ConfigCheck(checked) => {
            let (text, failure) = commands::config::check(&checked);
            put(&text)?;
            failure.map_or(Ok(0), Err)
        }
        Settings::Listen(settings) => {
            let surroundings = surroundings(started, &settings.output)?;
            on_one_thread(commands::listen(&surroundings, &settings))
        }
        Settings::Join(settings) => {
            let surroundings = surroundings(started, &settings.output)?;
            on_one_thread(commands::join(&surroundings, &settings))
        }
        Settings::Send(settings) => {
            let data = payload(started, &settings.payload, settings.connection.timeout)?;
            let surroundings = surroundings(started, &settings.output)?;
            on_one_thread(commands::send(&surroundings, &settings, data))
        }
        Settings::Event(settings) => {
            let data = payload(started, &settings.payload, settings.connection.timeout)?;
            let surroundings = surroundings_of(started, &settings.output, true)?;
            on_one_thread(commands::event(&surroundings, &settings, data))
        }
        Settings::Stream(settings) => {
            let intake = commands::Intake::open(&settings)?;
            let surroundings = surroundings_of(started, &settings.output, true)?;
            on_one_thread(commands::stream(&surroundings, &settings, intake))
        }
        Settings::Repl(settings) => {
            let opened = commands::repl::open(&settings, limit(started, settings.connection.timeout))?;
            logging::start(settings.output.verbosity, settings.output.log_filter.as_deref(), &opened.console().err)?;
            let surroundings = Surroundings { console: opened.console().clone(), started, judgement: None };
            on_one_thread(commands::repl::repl(&surroundings, &settings, opened))
        }
        Settings::Replay(settings) => {
            let timeout = settings.connection.as_ref().and_then(|connection| connection.timeout);
            let read = settings.clone();
            let read = move || commands::replay::read(&read);
            let recorded = settings::read_within(limit(started, timeout), "the recording", read)?;
            let cut = |summary: Summary| {
                if summary.cut && !settings.output.quiet {
                    tell(&format!("warning: {}\n", commands::replay::CUT_OFF));
                }
            };
            let known = recorded.summary();
            known.into_iter().for_each(cut);
            let Some(connection) = &settings.connection else {
                let summary = commands::replay::dry_run(recorded)?;
                Some(summary).filter(|_| known.is_none()).into_iter().for_each(cut);
                return Ok(0);
            };
            let surroundings = surroundings(started, &settings.output)?;
            on_one_thread(commands::replay::replay(&surroundings, &settings, connection, recorded))
        }
        Settings::Doctor(settings) => {
            let surroundings = surroundings(started, &settings.output)?;
            on_one_thread(commands::doctor(&surroundings, &settings))
        }
        Settings::Emulator(settings) if settings.faults.help => put(commands::fault_help().as_bytes()),
        Settings::Emulator(settings) => {
            let console = console(settings.color)?;
            let filter = settings.log_filter.as_deref();
            logging::start_emulator(settings.quiet, settings.verbosity, filter, &console.err)?;
            on_all_threads(commands::emulator(&console, &settings))
        }
    }
}

/// What is to be sent, read by the end of `--timeout`.
fn payload(started: Instant, source: &PayloadSource, timeout: Option<Duration>) -> Result<OwnedData, Failure> {
    let source = source.clone();
    settings::read_within(limit(started, timeout), "the data", move || source.read(&mut io::stdin()))
}

fn limit(started: Instant, timeout: Option<Duration>) -> Option<Limit> {
    timeout.map(|timeout| Limit { timeout, since: started.into_std() })
}

fn surroundings(started: Instant, output: &settings::Output) -> Result<Surroundings, Failure> {
    surroundings_of(started, output, false)
}

/// With `outlives`, expressions go on when the reader of stdout has gone.
fn surroundings_of(started: Instant, output: &settings::Output, outlives: bool) -> Result<Surroundings, Failure> {
    let (console, judgement) = run::expressions::open(output, outlives)?;
    logging::start(output.verbosity, output.log_filter.as_deref(), &console.err)?;
    Ok(Surroundings { console, started, judgement })
}

fn console(color: ColorChoice) -> Result<Console, Failure> {
    Console::open(|terminal| color.enabled(terminal)).map_err(internal)
}

/// Runs a command of one connection, which is one task.
fn on_one_thread(command: impl Future<Output = u8>) -> Result<u8, Failure> {
    finish(Builder::new_current_thread().enable_all().build(), command)
}

/// Runs an emulator, which has many.
fn on_all_threads(command: impl Future<Output = u8>) -> Result<u8, Failure> {
    finish(Builder::new_multi_thread().enable_all().build(), command)
}

fn finish(runtime: io::Result<Runtime>, command: impl Future<Output = u8>) -> Result<u8, Failure> {
    let runtime = runtime.map_err(internal)?;
    let code = runtime.block_on(command);
    // A name lookup that hangs, which no runtime can cancel, must not keep the process.
    runtime.shutdown_background();
    Ok(code)
}

fn internal(error: io::Error) -> Failure {
    Failure::new(Kind::Internal, error)
}
