//! `wps tunnel`: the events of a real hub, brought to a server on this machine (PROTOCOL §20).
//!
//! [`TunnelClient`](webpubsub_proto::tunnel::TunnelClient) decides; [`driver`] owns the sockets; [`service`] dials,
//! [`upstream`] asks the server, [`shown`] tells, of what is wrong with it [`troubles`] says what is news.

pub mod args;
mod driver;
mod service;
pub mod settings;
mod shown;
mod troubles;
mod upstream;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http::HeaderMap;
use ring::rand::SecureRandom as _;
use tokio::time::timeout;

use self::args::TunnelArgs;
use self::driver::TunnelDriver;
use self::service::ServiceDialer;
use self::settings::TunnelSettings;
use self::shown::{TunnelReporter, is_text};
use self::upstream::UpstreamClient;
use super::webhook::findings;
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::options::connection::settings::ConnectionSource;
use crate::options::environment::{Environment, Input};
use crate::options::expressions::args::FilterArgs;
use crate::options::output::args::StderrArgs;
use crate::options::values::ReportFormat;
use crate::render::{Printer, Recording, Weight};
use crate::run::chance::seed;
use crate::run::context::Surroundings;
use crate::run::errand::{self, RunCounts, StopRequest};
use crate::run::explain::{ConnectContext, session_failure};
use crate::run::hosting;
use crate::run::process::{Process, on_one_thread};
use crate::run::recording;
use crate::run::verdict::Verdict;
use crate::run::voice::warn_of_insecure;
use webpubsub_emulator::upstream::played::{Ask, Player, Role};
use webpubsub_emulator::upstream::settings::UrlTemplate;
use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;
use webpubsub_net::secret::Secret;
use webpubsub_proto::session::EndKind;
use webpubsub_proto::tunnel::TunnelEnd;

/// How long the first look at the upstream may take.
const CHECK: Duration = Duration::from_secs(5);
/// How long the rest of a recording may take to be written.
const LAST_LINES: Duration = Duration::from_secs(2);

impl CommandArgs for TunnelArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.report.talk)
    }

    fn prints_records(&self) -> bool {
        self.report.output == ReportFormat::Ndjson
    }

    fn filter(&self) -> Option<&FilterArgs> {
        Some(&self.report.filter)
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let settings = settings::settle(*self, environment, input)?;
        Ok(Box::new(move |process: Process| {
            let surroundings = process.surroundings(&settings.output)?;
            on_one_thread(tunnel(&surroundings, &settings))
        }))
    }
}

/// Runs it. Returns the exit code.
async fn tunnel(surroundings: &Surroundings, settings: &TunnelSettings) -> u8 {
    let printer = RefCell::new(errand::printer(surroundings, &settings.output));
    let done = RunCounts::default();
    let stopping = StopRequest::default();
    let work = work(surroundings, settings, (&printer, &done), &stopping);
    // Somebody else needs what it forwards, whoever reads of it here.
    errand::run_stoppable(surroundings, settings.timeout, false, (&printer, &done), (Some(&stopping), work)).await
}

async fn work(
    surroundings: &Surroundings,
    settings: &TunnelSettings,
    seen: (&RefCell<Printer>, &RunCounts),
    stopping: &StopRequest,
) -> Verdict {
    match open(surroundings, settings, seen, stopping).await {
        Ok(verdict) => verdict,
        Err(failure) => Verdict::Failed(failure),
    }
}

async fn open(
    surroundings: &Surroundings,
    settings: &TunnelSettings,
    (printer, done): (&RefCell<Printer>, &RunCounts),
    stopping: &StopRequest,
) -> Result<Verdict, Failure> {
    let user = guid();
    let service = Rc::new(ServiceDialer::new(settings, user.clone())?);
    let upstream = Rc::new(UpstreamClient::new(settings)?);
    upstream.prepare().await?;
    let recording = settings.record.as_deref().map(Recording::create).transpose();
    let recording = recording.or_fail_with(Kind::Output, || recording::unwritable(settings.record.as_deref()))?;
    if let ConnectionSource::Local { port, .. } = &settings.source {
        hosting::check(*port).await?;
    }
    warn_of_insecure(&mut printer.borrow_mut(), settings.tls.insecure);
    if let Some(template) = &settings.check {
        check(surroundings, settings, (template, &upstream), printer).await;
    }
    let shown = TunnelReporter::new(
        surroundings,
        &settings.output,
        (printer, done),
        (settings.hub(), &user),
        recording.clone(),
    );
    let mut config = settings.tunnel.clone();
    config.seed = seed();
    let driver = TunnelDriver::new(config, Rc::clone(&service), upstream, &shown);
    let end = tokio::select! {
        end = driver.run(stopping) => end,
        failure = recording::fails(recording.as_ref()) => return Err(recording::failure(settings.record.as_deref(), failure)),
    };
    if let Some(recording) = &recording {
        let _ = timeout(LAST_LINES, recording.drained()).await;
        if let Some(failure) = recording.failure() {
            return Err(recording::failure(settings.record.as_deref(), failure));
        }
    }
    Ok(match end {
        TunnelEnd::Stopped => Verdict::Done("stopped"),
        TunnelEnd::Dismissed { message } => {
            let what = format!("the service closed the tunnel for good: `{message}`");
            let failure = Failure::message(Kind::Lost, what);
            Verdict::Failed(failure.hint("it does not want it opened again now; start it anew when that has changed"))
        }
        TunnelEnd::Failed { kind, message } => Verdict::Failed(failed(settings, &service, kind, &message)),
    })
}

/// Why no connection could be made, or made again.
fn failed(settings: &TunnelSettings, service: &ServiceDialer, kind: EndKind, message: &str) -> Failure {
    let place = ConnectContext {
        url: None,
        local: matches!(settings.source, ConnectionSource::Local { .. }),
        connect_timeout: settings.tunnel.connect_timeout,
        longest_pause: settings.tunnel.backoff.max_delay,
        kept: false,
        verbose: settings.output.verbosity > 0,
    };
    let failure = session_failure(kind, message, service.dialed().as_ref(), &place);
    match (kind, &settings.source) {
        (EndKind::Unauthorized, ConnectionSource::Signed(_) | ConnectionSource::Local { .. }) => failure.hint(
            "the token was signed here: is the access key one of this service, and the endpoint its own address?",
        ),
        (EndKind::HandshakeRefused, _) => {
            failure.hint("tunnels are opened at `/server/tunnel` of the service: is it one that has them?")
        }
        (
            EndKind::Unreachable
            | EndKind::NotGreeted
            | EndKind::Unauthorized
            | EndKind::Protocol
            | EndKind::Lost
            | EndKind::Configuration,
            _,
        ) => failure,
    }
}

/// Asks the upstream first whether it wants events, as `wps webhook validate` does, and says what is found.
async fn check(
    surroundings: &Surroundings,
    settings: &TunnelSettings,
    (template, upstream): (&UrlTemplate, &UpstreamClient),
    printer: &RefCell<Printer>,
) {
    let origin = match &settings.source {
        ConnectionSource::Signed(signer) | ConnectionSource::Local { signer, .. } => signer.endpoint.host_str(),
        ConnectionSource::Keyless(keyless) => keyless.endpoint.host_str(),
        ConnectionSource::Url(_) | ConnectionSource::Command(_) => None,
    };
    let role = Role {
        template: template.clone(),
        hub: settings.hub().to_owned(),
        connection_id: String::new(),
        user: None,
        subprotocol: None,
        claims: None,
        query: Vec::new(),
        client_headers: HeaderMap::new(),
        origin: origin.unwrap_or("localhost").to_owned(),
        keys: vec![Secret::new(DEVELOPMENT_KEY)],
        state: None,
        headers: HeaderMap::new(),
        limit: CHECK.min(settings.upstream_timeout),
    };
    let played = Player::new(role, upstream.tls()).ask(&Ask::Validate).await;
    let failure = findings::failure(&Ask::Validate, &played);
    if !is_text(&settings.output) {
        findings::print_step(&mut printer.borrow_mut(), &Ask::Validate, &played, failure.as_ref());
    }
    let place = played.url.as_ref().map_or_else(|| template.to_string(), ToString::to_string);
    match &played.fault {
        None => surroundings.report(&settings.output, &format!("the upstream wants events at `{place}`")),
        Some(fault) => {
            let what = format!("the upstream, asked whether it wants events at `{place}`: {fault}");
            let so =
                "; they go to it all the same, at the path that the hub's handler has (`--check PATH`, `--no-check`)";
            printer.borrow_mut().note(Weight::Warning, &format!("{what}{so}"));
        }
    }
}

/// One that no other run has.
fn guid() -> String {
    let mut bytes = [0; 16];
    // Where there is no randomness, one for all will do.
    let _ = ring::rand::SystemRandom::new().fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
