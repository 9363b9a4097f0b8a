//! `wps`: a command-line client for Azure Web PubSub, with a local emulator of the service.
//!
//! Arguments become settings, settings become a task, a task ends in an exit code; this file is the way through
//! and the only place where the process exits.

// Fuzzing builds it as a library, of which `fuzz` is used alone.
#![cfg_attr(fuzzing, allow(dead_code, unfulfilled_lint_expectations))]

mod cli;
mod commands;
mod failure;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
#[cfg(all(test, unix))]
mod growth;
mod logging;
mod options;
mod profile;
mod records;
mod render;
mod run;
mod shell;
mod signal;
mod state;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use tokio::time::Instant;

use cli::{Command, Parsed, TypedFlags};
use commands::{CommandArgs, Task};
use failure::{Failure, Kind};
use options::environment::{Environment, Input, ProcessInput};
use options::values::ColorChoice;
use run::process::{LastAct, Process, put};
use run::voice::{notes, print_end, print_stderr, report};

/// The command in its room.
fn room(command: Command) -> Box<dyn CommandArgs> {
    match command {
        Command::Listen(args) => args,
        Command::Join(args) => args,
        Command::Send(args) => args,
        Command::Event(args) => args,
        Command::Invoke(args) => args,
        Command::Stream(args) => args,
        Command::State(args) => args.command.chosen(),
        Command::Repl(args) => args,
        Command::Replay(args) => args,
        Command::Ping(args) => args,
        Command::Bench(args) => args.command.chosen(),
        Command::Service(args) => args.command.chosen(),
        Command::Webhook(args) => args.command.chosen(),
        Command::Trace(args) => args,
        Command::Tunnel(args) => args,
        Command::Doctor(args) => args,
        Command::Emulator(args) => args,
        Command::Url(args) => args.command.chosen(),
        Command::Config(args) => args.command.chosen(),
        Command::Schema(args) => Box::new(args),
        Command::Completions(args) => Box::new(args),
        Command::Man(args) => Box::new(args),
    }
}

static LAST_ACT: LastAct = LastAct::new();

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
        print_stderr(&format!("error: wps has a defect: {text}\nhint: please report it, with what you did\n"));
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
    let task = match cli::read(args.clone()) {
        Ok((Parsed::Run(command), typed)) => {
            let command = room(command);
            let talk = command.talk();
            color = talk.map_or(ColorChoice::Auto, |talk| talk.color).resolve(&environment);
            records = command.prints_records();
            filter = command.filter().and_then(|filter| Some((filter.jq.clone()?, filter.raw_output)));
            let quiet = talk.is_some_and(|talk| talk.quiet);
            let mut input = ProcessInput::new(started.into_std());
            let task = settle((args, typed), command, &environment, &mut input);
            if !quiet {
                notes(&input.notes, &environment, color);
            }
            task
        }
        Ok((Parsed::Print(text), _)) => return print(&text, color),
        Ok((Parsed::Nothing(text), _)) => {
            let coloured = color.enabled(io::stderr().is_terminal());
            print_stderr(&if coloured { text.ansi().to_string() } else { text.to_string() });
            return Kind::Usage.exit_code();
        }
        Err(failure) => Err(failure),
    };
    let process = Process { started, last_act: &LAST_ACT };
    match task.and_then(|task| task(process)) {
        // All has been printed; only this is left to be reported.
        Ok(0) => LAST_ACT.carry_out().map_or_else(|failure| report(&failure, color), |()| 0),
        Ok(code) => code,
        Err(failure) => {
            if records {
                print_end(&failure, filter.as_ref());
            }
            report(&failure, color)
        }
    }
}

/// What will be done, with the profile in it that the command line or the environment names.
fn settle(
    (args, typed): (Vec<OsString>, TypedFlags),
    command: Box<dyn CommandArgs>,
    environment: &Environment,
    input: &mut dyn Input,
) -> Result<Task, Failure> {
    match profile::with_profile(args, typed, environment, input) {
        Ok(None) => command.settle(environment, input),
        Ok(Some((command, overlay))) => {
            let environment = environment.clone().with_profile(overlay);
            room(command).settle(&environment, input).map_err(|failure| environment.explain(failure))
        }
        Err(failure) if failure.kind == Kind::Config => command.without_profile(failure, environment),
        Err(failure) => Err(failure),
    }
}

/// Help or version, to stdout.
fn print(text: &clap::builder::StyledStr, color: ColorChoice) -> u8 {
    let coloured = color.enabled(io::stdout().is_terminal());
    let text = if coloured { text.ansi().to_string() } else { text.to_string() };
    put(text.as_bytes()).unwrap_or_else(|failure| report(&failure, color))
}
