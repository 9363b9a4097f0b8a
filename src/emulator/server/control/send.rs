//! `POST /emulator/send`: a message of the application's, for the page and for tests that have no token at hand.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{ControlAnswer, ControlRefusal, respond};
use crate::ready::DEFAULT_HUB;
use crate::server::Server;
use webpubsub_proto::hub::{Hub, Outgoing, Selection, Target};
use webpubsub_proto::{OwnedData, check_group_name, check_hub_name};

/// To whom and what. One of `group`, `user` and `connection`, or none of them: everybody in the hub.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SendBody {
    #[serde(default)]
    hub: Option<String>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    connection: Option<String>,
    /// As it stands in the body, so that no number and no key is changed.
    #[serde(default)]
    data: Option<Box<RawValue>>,
    #[serde(default)]
    text: Option<String>,
}

/// Sends it. Answers with how many got it, and says of which kind it was.
pub(super) async fn send(server: &Server, wanted: SendBody) -> Result<ControlAnswer, ControlRefusal> {
    let hub = wanted.hub.as_deref().unwrap_or(DEFAULT_HUB);
    check_hub_name(hub).map_err(|error| ControlRefusal::bad_request(format!("`{hub}`: {error}.")))?;
    let (target, whom) = match (&wanted.group, &wanted.user, &wanted.connection) {
        (None, None, None) => (Target::Everyone, "everybody".to_owned()),
        (Some(group), None, None) => {
            check_group_name(group).map_err(|error| ControlRefusal::bad_request(format!("`{group}`: {error}.")))?;
            (Target::Group(group), format!("the group `{group}`"))
        }
        (None, Some(user), None) if !user.is_empty() => (Target::User(user), format!("the user `{user}`")),
        (None, None, Some(id)) if !id.is_empty() => (Target::Connection(id), format!("the connection `{id}`")),
        _ => {
            let message = "A message goes to one of `group`, `user` and `connection`, or without any to everybody.";
            return Err(ControlRefusal::bad_request(message));
        }
    };
    let (data, kind) = match (&wanted.data, &wanted.text) {
        (Some(json), None) => {
            let data = OwnedData::json(json.get());
            (data.map_err(|error| ControlRefusal::bad_request(format!("`data` is not JSON: {error}.")))?, "JSON")
        }
        (None, Some(text)) => (OwnedData::text(text), "text"),
        _ => return Err(ControlRefusal::bad_request("A message has either `data`, which is JSON, or `text`.")),
    };
    let selection = Selection { target, excluded: &[], filter: None };
    let outgoing = Outgoing { data: data.as_data(), metadata: None, ttl: Duration::ZERO };
    let attempt = |hub: &mut Hub, now, insist| hub.handle_send(now, &selection, &outgoing, insist);
    let receivers = server.hubs.send_with_backpressure(&hub.to_ascii_lowercase(), attempt).await;
    let plural = if receivers == 1 { "" } else { "s" };
    let note = format!("{kind} to {whom} of hub `{hub}`: {receivers} receiver{plural}");
    let response = respond(StatusCode::OK, &json!({ "receivers": receivers }));
    Ok(ControlAnswer { response, note: Some(note) })
}
