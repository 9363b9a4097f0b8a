//! The steps before a connection where an identity opens the service: whose token there is, and whether the service makes
//! a client token for it.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::report::DoctorReport;
use crate::failure::{Failure, Kind};
use crate::options::connecting::settings::ConnectionSettings;
use crate::options::connection::identity::KeylessService;
use crate::render::human;
use crate::run::chance::unix_now;
use crate::run::explain::causes;
use crate::run::identity::{RESOURCE, is_for_service};
use crate::run::keyless::{KeylessUrls, failure_of};
use webpubsub_net::auth::access_url::AccessUrl;

/// Reports the steps up to the client token. `None`: one of them failed.
pub async fn examine(
    origin: &str,
    keyless: &KeylessService,
    connection: &ConnectionSettings,
    report: &RefCell<DoctorReport>,
) -> Option<AccessUrl> {
    let limit = connection.session.connect_timeout;
    let source = format!("{origin}: {}, hub `{}`, with an Entra identity", keyless.endpoint, keyless.hub);
    report.borrow_mut().ok(None, source, Vec::new());
    let urls = match KeylessUrls::new(keyless, &connection.network, &connection.tls, limit) {
        Ok(urls) => urls,
        Err(failure) => return fail(report, None, failure),
    };
    let began = Instant::now();
    match timeout(limit, urls.identities.token()).await {
        Ok(Ok(found)) => {
            let lasts = found.expires.map(|at| human(Duration::from_secs(at.saturating_sub(unix_now()))));
            let lasts = lasts.map(|lasts| format!(", valid for {lasts}")).unwrap_or_default();
            let detail = format!("a token of {}{lasts}", found.from);
            let mut report = report.borrow_mut();
            if is_for_service(&found.token) == Some(false) {
                let hint = format!("its audience is not `{RESOURCE}`: the service will hardly take it");
                report.warn(Some(began.elapsed()), detail, vec![hint]);
            } else {
                report.ok(Some(began.elapsed()), detail, Vec::new());
            }
        }
        Ok(Err(failure)) => return fail(report, Some(began.elapsed()), failure),
        Err(_) => return fail(report, Some(limit), too_late(limit, "an identity to give a token")),
    }
    let began = Instant::now();
    match timeout(limit, urls.url()).await {
        Ok(Ok(url)) => {
            report.borrow_mut().ok(Some(began.elapsed()), "made by the service for the identity", Vec::new());
            Some(url)
        }
        Ok(Err(failure)) => fail(report, Some(began.elapsed()), failure_of(failure)),
        Err(_) => fail(report, Some(limit), too_late(limit, "the service to make a client token")),
    }
}

fn fail(report: &RefCell<DoctorReport>, elapsed: Option<Duration>, failure: Failure) -> Option<AccessUrl> {
    let detail = match failure.error.chain().count() {
        1 => failure.summary(),
        _ => format!("{}: {}", failure.error, causes(&failure)),
    };
    report.borrow_mut().fail(elapsed, detail, failure);
    None
}

fn too_late(limit: Duration, what: &str) -> Failure {
    let failure = Failure::message(Kind::Unreachable, format!("timed out after {} waiting for {what}", human(limit)));
    failure.hint("`--connect-timeout` allows more")
}
