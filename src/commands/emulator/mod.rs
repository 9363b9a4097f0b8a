//! `wps emulator`: a local Web PubSub service, and the command that it may run for.

pub mod args;
mod exec;
mod log;
pub mod settings;

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::{Duration, Instant, timeout_at};

use self::args::EmulatorArgs;
use self::exec::EmulatorChild;
use self::log::LogFile;
use self::settings::EmulatorSettings;
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::logging;
use crate::options::environment::{Environment, Input};
use crate::options::output::args::StderrArgs;
use crate::options::values::EmulatorFormat;
use crate::records::{Listening, Stopped};
use crate::render::{Console, WriteFailure, record};
use crate::run::chance::unix_now;
use crate::run::explain;
use crate::run::process::{console, on_all_threads, put};
use crate::run::voice::{print_failure, stopped_error};
use crate::shell;
use crate::signal::Signals;
use webpubsub_emulator::{
    self, Bind, BindError, CurrentRoutes, DEFAULT_HUB, DEFAULT_PORT, DEVELOPMENT_KEY, EventHandler, Listener, Observer,
    Ready, ServerConfig,
};
use webpubsub_net::wire::{ServerTls, Tls, TlsSettings};
use webpubsub_proto::fault;

impl CommandArgs for EmulatorArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn prints_records(&self) -> bool {
        self.output == EmulatorFormat::Ndjson
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let settings = settings::settle(*self, environment, input)?;
        if settings.faults.help {
            return Ok(Box::new(|_| put(fault_help().as_bytes())));
        }
        Ok(Box::new(move |_| {
            let console = console(settings.color)?;
            let filter = settings.log_filter.as_deref();
            logging::start_emulator(settings.quiet, settings.verbosity, filter, &console.err)?;
            on_all_threads(emulator(&console, &settings))
        }))
    }
}

/// How long all of stopping may take, but for the end of the command of `--exec`: less than the second that is promised,
/// since the process has to end as well.
const STOP_TIMEOUT: Duration = Duration::from_millis(800);
/// The least that readers of stdout and stderr have for the last lines.
const LAST_LINES: Duration = Duration::from_millis(100);

/// What ended it.
enum EmulatorEnding {
    Signal(u8),
    /// Its command, with this exit code.
    Exec(u8),
    /// Whoever held its stdin.
    Stdin,
}

/// What `--fault help` prints.
pub fn fault_help() -> String {
    fault::help_text()
}

/// Serves until it is ended. Returns the exit code.
pub async fn emulator(console: &Console, settings: &EmulatorSettings) -> u8 {
    let mut stop_by = None;
    let ended = serve(console, settings, &mut stop_by).await;
    let (reason, exit_code) = match &ended {
        Ok(EmulatorEnding::Signal(number)) => ("signal", Kind::Signal(*number).exit_code()),
        Ok(EmulatorEnding::Exec(code)) => ("command-ended", *code),
        Ok(EmulatorEnding::Stdin) => ("stdin-closed", 0),
        Err(failure) => ("failed", failure.kind.exit_code()),
    };
    let failure = ended.err();
    if settings.format == EmulatorFormat::Ndjson {
        let error = failure.as_ref().map(stopped_error);
        console.out.put(&mut console.out.style.record(record(&Stopped { reason, exit_code, counts: None, error })));
    }
    if let Some(failure) = failure {
        print_failure(console, &failure);
    }
    // A reader that has stopped must not keep it.
    let now = Instant::now();
    let stop_by = stop_by.unwrap_or(now + STOP_TIMEOUT).max(now + LAST_LINES);
    let _ = timeout_at(stop_by, console.drained()).await;
    exit_code
}

/// A socket takes a file descriptor, and the usual limit of 1024 is one to protect programs from themselves: as many as
/// the system allows.
#[cfg(unix)]
fn allow_many_sockets() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it cannot be raised, the limit that there is has to do.
    let _ = setrlimit(Resource::Nofile, limit);
}

#[cfg(not(unix))]
fn allow_many_sockets() {}

/// Serves until it is ended. `stop_by` becomes the time by which the rest is to be done, once there is one.
async fn serve(
    console: &Console,
    settings: &EmulatorSettings,
    stop_by: &mut Option<Instant>,
) -> Result<EmulatorEnding, Failure> {
    let mut signals = Signals::install().or_internal()?;
    allow_many_sockets();
    let log = tokio::select! {
        log = open_log(settings.log.as_deref()) => log?.map(Arc::new),
        number = signals.next() => return Ok(EmulatorEnding::Signal(number)),
    };
    if settings.faults.seed.is_some() && !settings.bind.is_loopback() {
        tracing::warn!("with `--seed`, whoever reaches this emulator can work out its reconnection tokens");
    }
    if settings.access_key.expose() == DEVELOPMENT_KEY && !settings.bind.is_loopback() {
        tracing::warn!(
            "the access key is published, so everybody who reaches this machine at `{}` can join, listen and publish here: \
             `--access-key @FILE` takes one of your own",
            settings.bind
        );
    }
    let tls = tokio::select! {
        tls = server_tls(settings) => tls?,
        number = signals.next() => return Ok(EmulatorEnding::Signal(number)),
    };
    let listener =
        Listener::bind(settings.bind, settings.port).await.map_err(|error| not_bound(settings.bind, error))?;
    let mut config = config(settings).or_internal()?;
    config.tls = tls;
    if settings.handlers.ca_cert.is_some() {
        // A file that cannot be used is no fault of a handler's, and said before any is asked.
        tokio::select! {
            checked = config.handler_tls.client_config() => drop(checked.map_err(explain::file_failure)?),
            number = signals.next() => return Ok(EmulatorEnding::Signal(number)),
        }
    }
    if let Some(log) = &log {
        config.traffic.add(Arc::clone(log) as Arc<dyn Observer>);
    }
    let mut watched = std::pin::pin!(watch_settings(settings, config.handlers.clone()));
    let address = listener.local_addr().or_internal()?;
    let ready = Ready::new(&config, address, listener.is_localhost(), unix_now());
    let (stop, stopping) = oneshot::channel::<()>();
    let mut server = std::pin::pin!(webpubsub_emulator::run(listener, config, async { drop(stopping.await) }));
    print_ready(console, settings, &ready, address.port());
    let mut exec =
        settings.exec.as_deref().map(|command| EmulatorChild::start(command, &ready, !settings.exit_on_stdin_close));
    let exec = exec.as_mut().map(Result::as_mut).transpose().map_err(|error| {
        Failure::message(Kind::Internal, format!("the command of `--exec` could not be run: {error}"))
    })?;
    let mut exec = exec;
    let ended = tokio::select! {
        number = signals.next() => EmulatorEnding::Signal(number),
        code = command_ended(exec.as_deref_mut()) => EmulatorEnding::Exec(code.or_internal()?),
        () = stdin_closed(settings.exit_on_stdin_close) => EmulatorEnding::Stdin,
        failure = output_failed(console) => return Err(failure),
        failure = log_failed(log.as_deref()) => return Err(failure),
        () = &mut watched => return Err(Failure::message(Kind::Internal, "nobody watches the settings file any more")),
        ended = &mut server => return Err(match ended {
            Err(error) => Failure::new(Kind::Internal, error),
            Ok(()) => Failure::message(Kind::Internal, "the server ended by itself"),
        }),
    };
    if let (Some(exec), Some(number)) = (exec, ended.passed_on()) {
        tokio::select! {
            () = exec.end(number) => {}
            // Still served: its last requests are to be answered.
            _ = &mut server => {}
            _ = signals.next() => {}
        }
    }
    drop(stop);
    let deadline = Instant::now() + STOP_TIMEOUT;
    *stop_by = Some(deadline);
    let goodbye = timeout_at(deadline, async {
        let _ = server.await;
        if let Some(log) = &log {
            log.drained().await;
        }
    });
    tokio::select! {
        _ = goodbye => {}
        // Asked twice: at once.
        _ = signals.next() => {}
    }
    Ok(ended)
}

impl EmulatorEnding {
    /// The signal that its command is ended with.
    fn passed_on(&self) -> Option<u8> {
        match self {
            Self::Signal(number) => Some(*number),
            Self::Stdin => Some(15),
            Self::Exec(_) => None,
        }
    }
}

async fn command_ended(exec: Option<&mut EmulatorChild>) -> io::Result<u8> {
    match exec {
        Some(exec) => exec.ended().await,
        None => std::future::pending().await,
    }
}

/// Opens the log. A pipe is open when somebody reads it, as with the shell's own `>`, and that may take for ever.
async fn open_log(path: Option<&Path>) -> Result<Option<LogFile>, Failure> {
    let Some(path) = path.map(Path::to_owned) else { return Ok(None) };
    let opened = tokio::task::spawn_blocking(move || LogFile::create(&path)).await;
    opened.or_internal()?.map(Some)
}

async fn log_failed(log: Option<&LogFile>) -> Failure {
    match log {
        Some(log) => log.failed().await,
        None => std::future::pending().await,
    }
}

/// Resolves when stdin is at its end or broken; what comes before is not looked at.
async fn stdin_closed(awaited: bool) {
    let (closed, told) = oneshot::channel::<()>();
    // A read cannot be abandoned, so it has a thread of its own, which ends with the process.
    let started = awaited
        && std::thread::Builder::new()
            .name("stdin".into())
            .spawn(move || {
                let mut buffer = [0; 4096];
                while io::stdin().lock().read(&mut buffer).is_ok_and(|read| read > 0) {}
                drop(closed);
            })
            .is_ok();
    if started {
        let _ = told.await;
    } else {
        std::future::pending().await
    }
}

/// Reads what clients over TLS are shown, where they come so.
async fn server_tls(settings: &EmulatorSettings) -> Result<Option<Arc<ServerTls>>, Failure> {
    let Some((certificate, key)) = settings.tls.clone() else { return Ok(None) };
    let read = tokio::task::spawn_blocking(|| ServerTls::read(certificate, key)).await;
    let tls = read.or_internal()?.map_err(explain::file_failure)?;
    Ok(Some(Arc::new(tls)))
}

/// Keeps the event handlers as the settings file has them, if there is one.
async fn watch_settings(settings: &EmulatorSettings, handlers: Option<CurrentRoutes>) {
    if let (Some(file), Some(handlers)) = (&settings.handlers.file, handlers) {
        let (path, text) = (file.path.clone(), file.text.clone());
        webpubsub_emulator::watch(path, text, settings.handlers.every_hub.clone(), handlers).await;
    }
    std::future::pending().await
}

/// A reader that has gone away has seen the ready line, or does not want it; anything else is an error.
async fn output_failed(console: &Console) -> Failure {
    match console.out.writer().failed().await {
        WriteFailure::Closed => std::future::pending().await,
        WriteFailure::Failed(error) | WriteFailure::Unrecorded(error) => {
            Failure::message(Kind::Output, format!("could not write to stdout: {error}"))
        }
    }
}

fn not_bound(bind: Bind, error: BindError) -> Failure {
    let BindError { address, source: error } = error;
    let taken = error.kind() == io::ErrorKind::AddrInUse;
    let what = if taken { format!("`{address}` is taken") } else { format!("could not listen at `{address}`") };
    let failure = Failure::new(Kind::Unreachable, error).context(what);
    if taken && bind == Bind::Localhost && address.is_ipv6() {
        failure.hint(
            "who takes `localhost` for its IPv6 address gets there, and not here: `--port PORT` takes another port, \
             `--bind 127.0.0.1` listens for IPv4 alone",
        )
    } else if taken {
        failure.hint("`--port PORT` takes another one, `--port 0` any that is free; is an emulator running already?")
    } else {
        failure.hint("`--bind ADDRESS` and `--port PORT` say where to listen")
    }
}

fn config(settings: &EmulatorSettings) -> io::Result<ServerConfig> {
    let seed = match settings.faults.seed {
        Some(number) => webpubsub_emulator::chosen_seed(number),
        None => webpubsub_emulator::random_seed()?,
    };
    let mut config = ServerConfig::new(seed);
    config.faults = settings.faults.faults.clone();
    config.keys = vec![settings.access_key.clone()];
    config.allow_anonymous = settings.allow_anonymous;
    config.allow_unvalidated_entra = settings.allow_unvalidated_entra;
    config.allow_origins.clone_from(&settings.allow_origins);
    config.advertise = settings.advertise.as_ref().map(ToString::to_string);
    config.events = if settings.echo_events { EventHandler::Echo } else { EventHandler::Missing };
    config.handler_tls = Tls::new(TlsSettings {
        ca_cert: settings.handlers.ca_cert.clone(),
        insecure: settings.handlers.insecure,
        ..TlsSettings::default()
    });
    config.handler_limits = settings.handlers.limits();
    config.handlers = settings.handlers.are_possible().then(|| CurrentRoutes::new(settings.handlers.routes()));
    Ok(config)
}

fn print_ready(console: &Console, settings: &EmulatorSettings, ready: &Ready, port: u16) {
    let (endpoint, connection_string) = (ready.endpoint.as_str(), ready.connection_string.expose());
    let client_url = ready.client_url.expose();
    let mut text = match settings.format {
        EmulatorFormat::Ndjson => {
            console.out.style.record(record(&Listening { endpoint, connection_string, client_url }))
        }
        // The command has what it needs in its environment; a person may look on.
        EmulatorFormat::Text if settings.exec.is_some() => {
            format!("wps emulator is ready at {endpoint}\n").into_bytes()
        }
        EmulatorFormat::Text => {
            let source = source(settings, ready, port);
            let handlers = settings.handlers.shown();
            format!(
                "wps emulator is ready at {endpoint}\n\n\
                 connection string:\n  {connection_string}\n\
                 client URL, hub `{DEFAULT_HUB}`, for a day:\n  {client_url}\n\n\
                 in a browser, what there is and what passes:\n  {endpoint}/\n\n\
                 {handlers}\
                 try it in two terminals:\n  wps listen {source} --group group1\n  wps send {source} group1 hello\n\n\
                 Ctrl-C stops it.\n"
            )
            .into_bytes()
        }
    };
    match settings.format {
        // stdout is the command's.
        EmulatorFormat::Text if settings.exec.is_some() && settings.quiet => {}
        EmulatorFormat::Text if settings.exec.is_some() => console.err.put_kept(&mut text),
        EmulatorFormat::Text | EmulatorFormat::Ndjson => console.out.put(&mut text),
    }
}

/// The flags that lead to this emulator.
fn source(settings: &EmulatorSettings, ready: &Ready, port: u16) -> String {
    let published = settings.access_key.expose() == DEVELOPMENT_KEY;
    let local = settings.advertise.is_none() && settings.tls.is_none() && published;
    match (local, port) {
        (true, DEFAULT_PORT) => "--local".into(),
        (true, port) => format!("--local={port}"),
        (false, _) => {
            let trust = match &settings.tls {
                Some((certificate, _)) => format!(" --ca-cert {}", shell::quoted(&certificate.to_string_lossy())),
                None => String::new(),
            };
            format!("--connection-string '{}' --hub {DEFAULT_HUB}{trust}", ready.connection_string.expose())
        }
    }
}
