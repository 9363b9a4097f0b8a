//! `--local`: the emulator that is there, or one in this process.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::connection::settings::ConnectionSource;
use webpubsub_emulator::{self as emulator, Bind, Listener, ServerConfig};

/// Longest wait for the answer of a port of this machine.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest wait for a hosted emulator to say goodbye to its clients.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// An emulator in this process, on a thread and a runtime of its own.
#[derive(Debug)]
pub struct HostedEmulator {
    port: u16,
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl HostedEmulator {
    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Ends it, its clients with it.
    pub async fn stop(self) {
        // A thread that is gone has stopped.
        let _ = self.stop.send(());
        let _ = timeout(STOP_TIMEOUT, self.stopped).await;
    }
}

/// Sees to it that there is something to connect to, when the source is `--local`. Without `hosts` an absent emulator is
/// a failure at once.
pub async fn prepare(connection: &ConnectionSettings, hosts: bool) -> Result<Option<HostedEmulator>, Failure> {
    let ConnectionSource::Local { port, .. } = &connection.source else { return Ok(None) };
    let port = *port;
    if something_listens(port).await {
        return Ok(None);
    }
    if !hosts {
        let failure = Failure::message(Kind::Unreachable, format!("nothing listens at `http://localhost:{port}`"));
        if connection.session_file.is_some() {
            return Err(failure.hint(
                "start an emulator with `wps emulator`: one within this process would end with it, and the connection \
                 of `--session` is to outlive it",
            ));
        }
        return Err(failure.hint("start an emulator with `wps emulator`, or name the service with `--url`"));
    }
    let listener = match Listener::bind(Bind::Localhost, port).await {
        Ok(listener) => listener,
        // Another took it in the meantime: that one will do.
        Err(error) if error.source.kind() == io::ErrorKind::AddrInUse => return Ok(None),
        Err(error) => {
            let what = format!("could not host an emulator at port {port}");
            return Err(Failure::new(Kind::Unreachable, error).context(what).hint("`--local=PORT` takes another port"));
        }
    };
    let hosted = emulator::random_seed().and_then(|seed| host(listener, ServerConfig::new(seed), port));
    hosted.map(Some).or_internal()
}

/// Fails where nothing listens at `--local`.
pub async fn check(port: u16) -> Result<(), Failure> {
    if something_listens(port).await {
        return Ok(());
    }
    let failure = Failure::message(Kind::Unreachable, format!("nothing listens at `http://localhost:{port}`"));
    Err(failure.hint("start an emulator with `wps emulator`, or name the service with `--connection-string`"))
}

async fn something_listens(port: u16) -> bool {
    // A refused connection is the one sure sign that nobody is there.
    matches!(timeout(PROBE_TIMEOUT, TcpStream::connect(("localhost", port))).await, Ok(Ok(_)) | Err(_))
}

fn host(listener: Listener, config: ServerConfig, port: u16) -> io::Result<HostedEmulator> {
    let (stop, stopping) = oneshot::channel::<()>();
    let (done, stopped) = oneshot::channel();
    // The socket moves to the runtime of the thread.
    let listener = listener.detach()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("emulator".into()).spawn(move || {
        runtime.block_on(async {
            if let Ok(listener) = listener.attach() {
                // Whoever connects to it sees an end of it; there is nobody else to tell.
                let _ = emulator::run(listener, config, async { drop(stopping.await) }).await;
            }
        });
        let _ = done.send(());
    })?;
    Ok(HostedEmulator { port, stop, stopped })
}
