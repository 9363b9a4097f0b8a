//! Whether the resource lets itself be traced (PROTOCOL §21.1): nothing that a connection needs, so that a no is no failure.

use std::cell::RefCell;

use tokio::time::Instant;

use super::report::DoctorReport;
use crate::failure::Kind;
use crate::options::connecting::settings::ConnectionSettings;
use crate::run::explain::causes;
use crate::run::livetrace::Endpoint;

/// Tries it and reports the result.
pub async fn report_trace(connection: &ConnectionSettings, report: &RefCell<DoctorReport>) {
    let limit = connection.session.connect_timeout;
    let longest_pause = connection.session.reconnect_backoff.max_delay;
    let way = (&connection.network, &connection.tls);
    let endpoint = match Endpoint::of(&connection.source, way, limit, longest_pause) {
        Ok(Some(endpoint)) => endpoint,
        Ok(None) => return report.borrow_mut().skip("a client access URL does not open the live trace"),
        Err(failure) => return report.borrow_mut().miss(causes(&failure), failure.hints),
    };
    let began = Instant::now();
    let probed = endpoint.probe(began + limit).await;
    let mut report = report.borrow_mut();
    match probed {
        Ok(()) => report.ok(Some(began.elapsed()), "the resource lets itself be traced, with `wps trace`", Vec::new()),
        // Most resources do not, and nothing else needs it.
        Err(failure) if matches!(failure.kind, Kind::Unauthorized | Kind::HandshakeRefused | Kind::Protocol) => {
            let hint = failure.hints.last().map(|hint| format!("; {hint}")).unwrap_or_default();
            report.skip(format!("the resource does not let itself be traced: {}{hint}", causes(&failure)));
        }
        Err(failure) => report.miss(causes(&failure), failure.hints),
    }
}
