//! `wps emulator`: a local Web PubSub service.

use std::io;
use std::net::SocketAddr;

use tokio::sync::oneshot;
use tokio::time::{Duration, timeout};

use super::{print_failure, stopped_error, unix_now};
use crate::emulator::{self, DEFAULT_HUB, DEFAULT_PORT, DEVELOPMENT_KEY, EventHandler, Ready, ServerConfig};
use crate::failure::{Failure, Kind};
use crate::render::{Console, Listening, Stopped, WriteFailure, listening, stopped};
use crate::settings::{Emulator, EmulatorFormat};
use crate::signal::Signals;

/// Longest wait for the server's goodbyes. It takes a second itself.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves until a signal. Returns the exit code.
pub async fn emulator(console: &Console, settings: &Emulator) -> u8 {
    let ended = serve(console, settings).await;
    let failure = match ended {
        Ok(number) => Failure::message(Kind::Signal(number), "ended by a signal"),
        Err(failure) => failure,
    };
    if settings.format == EmulatorFormat::Ndjson {
        let reason = if matches!(failure.kind, Kind::Signal(_)) { "signal" } else { "failed" };
        let error = (reason == "failed").then(|| stopped_error(&failure));
        let exit_code = failure.kind.exit_code();
        console.out.put(&mut stopped(&Stopped { reason, exit_code, counts: None, error }));
    }
    if !matches!(failure.kind, Kind::Signal(_)) {
        print_failure(console, &failure);
    }
    // A reader that has stopped must not keep it.
    let _ = timeout(STOP_TIMEOUT, console.drained()).await;
    failure.kind.exit_code()
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

/// Serves until a signal, whose number it returns.
async fn serve(console: &Console, settings: &Emulator) -> Result<u8, Failure> {
    let internal = |error: io::Error| Failure::new(Kind::Internal, error);
    let mut signals = Signals::install().map_err(internal)?;
    allow_many_sockets();
    let address = SocketAddr::new(settings.bind, settings.port);
    let listener = emulator::bind(address).await.map_err(|error| not_bound(address, error))?;
    let config = config(settings).map_err(internal)?;
    let address = listener.local_addr().map_err(internal)?;
    say_ready(console, settings, &Ready::new(&config, address, unix_now()), address.port());
    let (stop, stopping) = oneshot::channel::<()>();
    let mut server = std::pin::pin!(emulator::run(listener, config, async { drop(stopping.await) }));
    let number = tokio::select! {
        number = signals.next() => number,
        failure = output_failed(console) => return Err(failure),
        ended = &mut server => return Err(match ended {
            Err(error) => internal(error),
            Ok(()) => Failure::message(Kind::Internal, "the server ended by itself"),
        }),
    };
    drop(stop);
    tokio::select! {
        _ = timeout(STOP_TIMEOUT, server) => {}
        // Asked twice: at once.
        _ = signals.next() => {}
    }
    Ok(number)
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

fn not_bound(address: SocketAddr, error: io::Error) -> Failure {
    let taken = error.kind() == io::ErrorKind::AddrInUse;
    let what = if taken { format!("`{address}` is taken") } else { format!("could not listen at `{address}`") };
    let failure = Failure::new(Kind::Unreachable, anyhow::Error::new(error).context(what));
    if taken {
        failure.hint("`--port PORT` takes another one, `--port 0` any that is free; is an emulator running already?")
    } else {
        failure.hint("`--bind ADDRESS` and `--port PORT` say where to listen")
    }
}

fn config(settings: &Emulator) -> io::Result<ServerConfig> {
    let mut config = ServerConfig::new(emulator::random_seed()?);
    config.keys = vec![settings.access_key.clone()];
    config.allow_anonymous = settings.allow_anonymous;
    config.advertise = settings.advertise.as_ref().map(ToString::to_string);
    config.events = if settings.echo_events { EventHandler::Echo } else { EventHandler::Missing };
    Ok(config)
}

fn say_ready(console: &Console, settings: &Emulator, ready: &Ready, port: u16) {
    let (endpoint, connection_string) = (ready.endpoint.as_str(), ready.connection_string.expose());
    let client_url = ready.client_url.expose();
    let mut text = match settings.format {
        EmulatorFormat::Ndjson => listening(&Listening { endpoint, connection_string, client_url }),
        EmulatorFormat::Text => {
            let source = source(settings, ready, port);
            format!(
                "wps emulator is ready at {endpoint}\n\n\
                 connection string:\n  {connection_string}\n\
                 client URL, hub `{DEFAULT_HUB}`, for a day:\n  {client_url}\n\n\
                 try it in two terminals:\n  wps listen {source} --group group1\n  wps send {source} group1 hello\n\n\
                 Ctrl-C stops it.\n"
            )
            .into_bytes()
        }
    };
    console.out.put(&mut text);
}

/// The flags that lead to this emulator.
fn source(settings: &Emulator, ready: &Ready, port: u16) -> String {
    let local = settings.advertise.is_none() && settings.access_key.expose() == DEVELOPMENT_KEY;
    match (local, port) {
        (true, DEFAULT_PORT) => "--local".into(),
        (true, port) => format!("--local={port}"),
        (false, _) => format!("--connection-string '{}' --hub {DEFAULT_HUB}", ready.connection_string.expose()),
    }
}
