//! The token of the URL: what it says, and what is wrong with it. Whether it is taken, the service decides.

use std::time::Duration;

use super::report::DoctorReport;
use crate::render::human;
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::auth::inspection::{Inspection, Severity, inspect, roles_in_words};
use webpubsub_net::auth::token::Claims;

/// Reports on the token at `now`, in seconds since 1970.
pub fn report_token(url: &AccessUrl, now: u64, report: &mut DoctorReport) {
    let found = inspect(url, None, now, |seconds| human(Duration::from_secs(seconds)));
    let findings = found.findings.iter().map(|finding| match finding.severity {
        Severity::Note => finding.text.clone(),
        Severity::Refused | Severity::Malformed => format!("the service will hardly take it: {}", finding.text),
    });
    let hints: Vec<String> = if found.anonymous {
        found.findings.iter().map(|finding| finding.text.clone()).collect()
    } else {
        findings.collect()
    };
    match &found.token {
        Some(token) if is_bad(&found, &token.claims, now) => report.warn(None, describe(&token.claims, now), hints),
        Some(token) => report.ok(None, describe(&token.claims, now), hints),
        None if found.anonymous => report.miss("the URL has no token", hints),
        None => report.warn(None, "it cannot be read", hints),
    }
}

/// Whether it is one that the service will not take, or that has expired, by whatever leniency it is still taken.
fn is_bad(found: &Inspection, claims: &Claims, now: u64) -> bool {
    let refused = match found.severity() {
        Severity::Note => false,
        Severity::Refused | Severity::Malformed => true,
    };
    refused || claims.exp.is_some_and(|exp| exp <= now)
}

/// A token in a line: whose, for what, how long.
fn describe(claims: &Claims, now: u64) -> String {
    let mut parts = vec![match &claims.sub {
        Some(user) => format!("user `{user}`"),
        None => "no user".to_owned(),
    }];
    let allowed = roles_in_words(&claims.roles);
    if allowed.is_empty() {
        parts.push("no roles".into());
    } else {
        parts.extend(allowed);
    }
    if !claims.groups.is_empty() {
        let groups: Vec<String> = claims.groups.iter().map(|group| format!("`{group}`")).collect();
        parts.push(format!("in {} from the start", groups.join(", ")));
    }
    if let Some(audience) = claims.aud.first() {
        parts.push(format!("for `{audience}`"));
    }
    match claims.exp {
        Some(exp) if exp > now => parts.push(format!("expires in {}", human(Duration::from_secs(exp - now)))),
        Some(exp) => parts.push(format!("expired {} ago", human(Duration::from_secs(now - exp)))),
        None => {}
    }
    parts.join(", ")
}
