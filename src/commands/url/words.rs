//! An inspected URL for people: a line each, its label in a column of its own.

use std::time::Duration;

use crate::render::{human, rfc3339};
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::auth::inspection::{InspectedToken, Inspection, Severity, Signature, roles_in_words};
use webpubsub_net::auth::token::RESERVED_CLAIMS;
use webpubsub_net::secret::redact;

/// The lines, the worst findings last, where they are seen.
pub(super) fn lines(url: &AccessUrl, found: &Inspection, now: u64) -> Vec<String> {
    let mut out = Vec::new();
    let mut line = |label: &str, text: &str| out.push(redact(&format!("{label:<10} {text}")).into_owned());
    let tls = if url.is_secure() { "with TLS (`wss`)" } else { "without TLS (`ws`)" };
    line("host", &format!("{}, {tls}", url.authority()));
    line("hub", url.hub());
    line("endpoint", &endpoint(url));
    match &found.token {
        Some(token) => {
            for (label, text) in token_lines(token, now) {
                line(label, &text);
            }
            line(
                "signature",
                match found.signature {
                    Signature::Unchecked => "not checked: `--connection-string` brings the key to do so",
                    Signature::Fits => "made with the access key",
                    Signature::Differs => "not made with the access key",
                },
            );
        }
        None if found.anonymous => line("user", "anonymous, without a token"),
        None => {}
    }
    for severity in [Severity::Note, Severity::Refused, Severity::Malformed] {
        for finding in found.findings.iter().filter(|finding| finding.severity == severity) {
            line(&severity.to_string(), &finding.text);
        }
    }
    out
}

/// What a client may speak there (PROTOCOL §1.1, §3).
fn endpoint(url: &AccessUrl) -> String {
    let what = "Web PubSub clients: any subprotocol, or none";
    match url.parameter("webpubsub_mode").as_deref() {
        Some("sendToGroup") => {
            let group = url.parameter("group").unwrap_or_default();
            format!("{}, {what}; without one, what is sent goes to the group `{group}`", url.path())
        }
        Some(_) | None => format!("{}, {what}", url.path()),
    }
}

fn token_lines(token: &InspectedToken, now: u64) -> Vec<(&'static str, String)> {
    let claims = &token.claims;
    let mut lines = vec![("user", claims.sub.clone().unwrap_or_else(|| "anonymous".into()))];
    let roles = roles_in_words(&claims.roles);
    lines.push(("roles", if roles.is_empty() { "none".into() } else { roles.join("; ") }));
    let groups: Vec<String> = claims.groups.iter().map(|group| format!("`{group}`")).collect();
    let groups = if groups.is_empty() {
        "none from the start".into()
    } else {
        format!("in {} from the start", groups.join(", "))
    };
    lines.push(("groups", groups));
    let others = token.all.iter().filter(|(name, _)| !RESERVED_CLAIMS.contains(&name.as_str()));
    let others: Vec<String> = others.map(|(name, value)| format!("`{name}` = {value}")).collect();
    if !others.is_empty() {
        lines.push(("claims", others.join(", ")));
    }
    lines.extend(claims.iat.map(|time| ("issued", moment(time, now))));
    lines.extend(claims.nbf.map(|time| ("begins", moment(time, now))));
    lines.extend(claims.exp.map(|time| ("expires", moment(time, now))));
    lines
}

/// `2026-01-01T00:00:00Z (in 12 min)`.
fn moment(time: u64, now: u64) -> String {
    let distance = |secs| human(Duration::from_secs(secs));
    let relative = match time.checked_sub(now) {
        Some(0) => "now".to_owned(),
        Some(ahead) => format!("in {}", distance(ahead)),
        None => format!("{} ago", distance(now - time)),
    };
    format!("{} ({relative})", rfc3339(time))
}
