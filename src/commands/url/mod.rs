//! `wps url create` and `wps url inspect`: client access URLs made and explained, without a service, save where it alone
//! can make one.

pub mod args;
pub mod settings;
mod words;

use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use self::args::{UrlCommand, UrlCreateArgs, UrlInspectArgs};
use self::settings::{TokenRequest, UrlCreate, UrlInspect, UrlIssuer};
use super::{CommandArgs, Task};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::logging;
use crate::options::connection::settings::ConnectionSource;
use crate::options::environment::{Environment, Input};
use crate::options::network::settings::{NetworkSettings, TlsOptions};
use crate::options::output::args::StderrArgs;
use crate::options::values::ReportFormat;
use crate::records::{self, InspectionFinding};
use crate::render::{human, record, rfc3339};
use crate::run::chance::unix_now;
use crate::run::context::Surroundings;
use crate::run::exit_code::ExitCode;
use crate::run::keyless::failure_of;
use crate::run::process::{console, on_one_thread, put};
use crate::run::url_source::url_source_over;
use crate::run::voice::print_failure;
use crate::signal::Signals;
use webpubsub_client::driver::ProviderFailure;
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::auth::inspection::{Inspection, Severity, Signature, inspect as inspect_url};
use webpubsub_net::auth::token::claims_text;

impl UrlCommand {
    /// The command that is meant.
    pub fn chosen(self) -> Box<dyn CommandArgs> {
        match self {
            Self::Create(args) => args,
            Self::Inspect(args) => args,
        }
    }
}

impl CommandArgs for UrlCreateArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let settings = settings::create(*self, environment, input)?;
        Ok(Box::new(move |process| match &settings.maker {
            UrlIssuer::Signer(signer) => put(&made(&settings, &signer.access_url(unix_now()))),
            UrlIssuer::Service(asking) => {
                let console = console(settings.tool.color)?;
                logging::start(settings.tool.verbosity, settings.tool.log_filter.as_deref(), &console.err)?;
                let surroundings = process.without_conditions(console);
                let mut url = None;
                let code = on_one_thread(ask(&surroundings, asking, &mut url))?;
                url.map_or(Ok(code), |url| put(&made(&settings, &url)))
            }
        }))
    }
}

impl CommandArgs for UrlInspectArgs {
    fn talk(&self) -> Option<&StderrArgs> {
        Some(&self.talk)
    }

    fn settle(self: Box<Self>, environment: &Environment, input: &mut dyn Input) -> Result<Task, Failure> {
        let settings = settings::inspect(*self, environment, input)?;
        Ok(Box::new(move |process| {
            let console = console(settings.tool.color)?;
            logging::start(settings.tool.verbosity, settings.tool.log_filter.as_deref(), &console.err)?;
            let surroundings = process.without_conditions(console);
            on_one_thread(inspect(&surroundings, &settings))
        }))
    }
}

/// What `wps url create` prints.
fn made(settings: &UrlCreate, url: &AccessUrl) -> Vec<u8> {
    let (whole, token) = (url.reveal(), url.token().cloned());
    let token = token.as_ref().map_or("", |token| token.expose());
    match settings.tool.format {
        ReportFormat::Text => {
            let printed = if settings.token_only { token } else { whole.expose() };
            format!("{printed}\n").into_bytes()
        }
        ReportFormat::Ndjson => {
            let claims = claims_text(token).and_then(|text| RawValue::from_string(text).ok());
            record(&records::Url {
                url: (!settings.token_only).then(|| whole.expose()),
                token: settings.token_only.then_some(token),
                claims: claims.as_deref(),
            })
        }
    }
}

/// Has a URL made by the service. Returns the exit code; 0: it is there.
async fn ask(surroundings: &Surroundings, asking: &TokenRequest, made: &mut Option<AccessUrl>) -> u8 {
    let TokenRequest { keyless, network, tls, limit } = asking;
    match obtain(&ConnectionSource::Keyless(keyless.clone()), network, tls, *limit).await {
        Ok(url) => {
            *made = Some(url);
            0
        }
        Err(failure) => {
            let console = &surroundings.console;
            if !matches!(failure.kind, Kind::Signal(_)) {
                print_failure(console, &failure);
            }
            console.drained().await;
            failure.kind.exit_code()
        }
    }
}

/// Explains a URL on stdout. Returns the exit code.
pub async fn inspect(surroundings: &Surroundings, settings: &UrlInspect) -> u8 {
    let console = &surroundings.console;
    let (network, tls) = (NetworkSettings::default(), TlsOptions::default());
    let failure = match obtain(&settings.subject, &network, &tls, settings.connect_timeout).await {
        Ok(url) => explain(surroundings, settings, &url),
        Err(failure) => Some(failure),
    };
    if let Some(failure) = failure.as_ref().filter(|failure| !matches!(failure.kind, Kind::Signal(_))) {
        print_failure(console, failure);
    }
    console.drained().await;
    let mut code = ExitCode::new(console, failure.map_or(0, |failure| failure.kind.exit_code()));
    code.fold_output().await;
    code.get()
}

/// The URL, for which a command may have to be run, or a service asked.
async fn obtain(
    source: &ConnectionSource,
    network: &NetworkSettings,
    tls: &TlsOptions,
    limit: Duration,
) -> Result<AccessUrl, Failure> {
    let mut signals = Signals::install().or_internal()?;
    let source = url_source_over(source, network, tls, limit)?;
    tokio::select! {
        number = signals.next() => Err(Failure::message(Kind::Signal(number), "ended by a signal")),
        obtained = timeout_at(Instant::now() + limit, source.obtain()) => match obtained {
            Ok(obtained) => obtained.map_err(|error| match error.downcast::<ProviderFailure>() {
                Ok(failure) => failure_of(*failure),
                Err(error) => Failure::message(Kind::Unreachable, error),
            }),
            Err(_) => {
                let limit = human(limit);
                let what = format!("timed out after {limit} while {}", source.activity());
                Err(Failure::message(Kind::Unreachable, what).hint("`--connect-timeout` allows more"))
            }
        },
    }
}

/// Prints what is found; an error when the URL is not usable.
fn explain(surroundings: &Surroundings, settings: &UrlInspect, url: &AccessUrl) -> Option<Failure> {
    let now = unix_now();
    let span = |secs| human(Duration::from_secs(secs));
    let found = inspect_url(url, settings.service.as_ref(), now, span);
    let out = &surroundings.console.out;
    match settings.tool.format {
        ReportFormat::Text => {
            words::lines(url, &found, now).iter().for_each(|line| out.line(&out.style.name(line)));
        }
        ReportFormat::Ndjson => out.put(&mut out.style.record(inspection(url, &found))),
    }
    let kind = match found.severity() {
        Severity::Note => return None,
        Severity::Refused => Kind::Unauthorized,
        Severity::Malformed => Kind::Config,
    };
    let reasons = found.findings.iter().filter(|finding| finding.severity == found.severity());
    let reasons = reasons.map(|finding| finding.text.as_str()).collect::<Vec<_>>().join("; ");
    let (what, hint) = match kind {
        Kind::Config => ("the URL is not usable", "copy it whole, and quote it"),
        _ => (
            "the service would refuse this URL",
            "get a fresh one from your server, or make one with `wps url create` and a connection string",
        ),
    };
    Some(Failure::new(kind, anyhow::anyhow!("{reasons}").context(what)).hint(hint))
}

fn inspection(url: &AccessUrl, found: &Inspection) -> Vec<u8> {
    let claims = found.token.as_ref().map(|token| &token.claims);
    record(&records::Inspection {
        host: &url.authority(),
        secure: url.is_secure(),
        hub: url.hub(),
        path: url.path(),
        user_id: claims.and_then(|claims| claims.sub.as_deref()),
        roles: claims.map(|claims| claims.roles.as_slice()),
        groups: claims.map(|claims| claims.groups.as_slice()),
        issued_at: claims.and_then(|claims| claims.iat).map(rfc3339),
        not_before: claims.and_then(|claims| claims.nbf).map(rfc3339),
        expires_at: claims.and_then(|claims| claims.exp).map(rfc3339),
        claims: found.token.as_ref().map(|token| &token.all),
        signature: match found.signature {
            Signature::Unchecked => "unchecked",
            Signature::Fits => "valid",
            Signature::Differs => "invalid",
        },
        usable: found.severity() == Severity::Note,
        findings: found
            .findings
            .iter()
            .map(|finding| InspectionFinding { severity: finding.severity.to_string(), message: &finding.text })
            .collect(),
    })
}
