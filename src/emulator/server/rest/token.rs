//! `:generateToken`: client tokens made by the service.
//!
//! The official emulator refuses this to holders of an access key, since SDKs then sign locally. This one answers, so
//! that programs which use Entra ID in production have the same way here.

use std::time::Duration;

use serde::Serialize;

use super::super::{Server, unix_now};
use super::answer::{RestProblem, RestReply};
use crate::server::request::Query;
use webpubsub_net::auth::token::{ClientTokenRequest, client_audience, sign_client_token};
use webpubsub_net::secret::Secret;
use webpubsub_proto::check_group_name;

/// `minutesToExpire` when it is not given.
const DEFAULT_MINUTES: u32 = 60;

#[derive(Serialize)]
struct TokenBody<'a> {
    token: &'a str,
}

pub(super) fn generate(server: &Server, hub: &str, query: &Query) -> Result<RestReply, RestProblem> {
    let minutes = query.number("minutesToExpire", 1..=i32::MAX.unsigned_abs())?.unwrap_or(DEFAULT_MINUTES);
    let groups = query.all("group");
    for group in &groups {
        check_group_name(group).map_err(|error| RestProblem::bad_request("group", format!("`{group}`: {error}.")))?;
    }
    let audience = match query.one("clientType")? {
        None => client_audience(&server.endpoint, hub),
        Some(kind) if kind.eq_ignore_ascii_case("Default") => client_audience(&server.endpoint, hub),
        Some(kind) if kind.eq_ignore_ascii_case("MQTT") => format!("{}/clients/mqtt/hubs/{hub}", server.endpoint),
        Some(other) => {
            let message = format!("The clientType `{other}` is neither Default nor MQTT.");
            return Err(RestProblem::bad_request("clientType", message));
        }
    };
    let request = ClientTokenRequest {
        audience: &audience,
        user: query.one("userId")?.filter(|user| !user.is_empty()),
        roles: &query.all("role"),
        groups: &groups,
        issued_at: unix_now(),
        ttl: Duration::from_secs(u64::from(minutes) * 60),
        not_before: None,
        claims: &[],
    };
    let key = server.keys.first().cloned().unwrap_or_else(|| Secret::new(""));
    Ok(RestReply::json(&TokenBody { token: sign_client_token(&key, &request).expose() }))
}
