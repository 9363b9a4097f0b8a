//! Requests to handlers: CloudEvents 1.0 in HTTP's binary mode (PROTOCOL §14.3, §14.4).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use ring::hmac;
use serde_json::{Map, Value, json};

use super::peer::Peer;
use super::settings::{EventName, SystemEvent};
use super::validation::ValidationOrigin;
use crate::metadata::PREFIX;
use webpubsub_net::clock;
use webpubsub_net::secret::Secret;
use webpubsub_proto::hub::UserEvent;
use webpubsub_proto::{Data, OwnedData};

/// The content type of the service's own events.
const SYSTEM_CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// The body of a request and its content type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HandlerPayload {
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

impl HandlerPayload {
    /// A JSON object.
    pub(super) fn system(value: &Value) -> Self {
        Self { content_type: SYSTEM_CONTENT_TYPE, body: value.to_string().into() }
    }

    /// What a client sent, as it is (PROTOCOL §4.4).
    pub(super) fn user(event: &UserEvent) -> Self {
        // An invocation without a payload is an event with an empty text.
        match event.data.as_ref().map(OwnedData::as_data) {
            Some(data) => Self::of(data),
            None => Self { content_type: "text/plain", body: Bytes::new() },
        }
    }

    /// Data as it is.
    pub(super) fn of(data: Data<'_>) -> Self {
        let content_type = match data {
            Data::Json(_) => "application/json",
            Data::Text(_) => "text/plain",
            Data::Binary(_) => "application/octet-stream",
            Data::Protobuf(_) => "application/x-protobuf",
        };
        // The hub has checked that it decodes.
        let body = data.to_bytes().map(Cow::into_owned).unwrap_or_default();
        Self { content_type, body: body.into() }
    }
}

/// What proves to a handler that the service asks.
#[derive(Debug)]
pub(super) struct RequestSigner(Vec<hmac::Key>);

impl RequestSigner {
    pub(super) fn new(keys: &[Secret]) -> Self {
        Self(keys.iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes())).collect())
    }

    /// `sha256=HEX`, with a comma between those of several keys.
    fn sign(&self, connection_id: &str) -> String {
        let mut out = String::new();
        for key in &self.0 {
            out.push_str(if out.is_empty() { "sha256=" } else { ",sha256=" });
            for byte in hmac::sign(key, connection_id.as_bytes()).as_ref() {
                // Writing into a String cannot fail.
                let _ = write!(out, "{byte:02x}");
            }
        }
        out
    }
}

/// The headers of a request, but for what earlier answers left behind.
pub(super) fn headers(
    peer: &Peer,
    event: EventName<'_>,
    id: u64,
    content_type: &'static str,
    origin: &ValidationOrigin,
    signer: &RequestSigner,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let name = event.as_str();
    let kind = match event {
        EventName::System(SystemEvent::Joined | SystemEvent::Left) => format!("azure.webpubsub.gp.{name}"),
        EventName::System(SystemEvent::Connect | SystemEvent::Connected | SystemEvent::Disconnected) => {
            format!("azure.webpubsub.sys.{name}")
        }
        EventName::User(_) => format!("azure.webpubsub.user.{name}"),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(HeaderName::from_static("webhook-request-origin"), origin.host.clone());
    let connection_id: &str = &peer.connection_id;
    let time = clock::seconds(SystemTime::now());
    let mut put = |name: &'static str, text: &str| {
        headers.insert(HeaderName::from_static(name), value(text));
    };
    put("ce-specversion", "1.0");
    put("ce-awpsversion", "1.0");
    put("ce-type", &kind);
    put("ce-source", &format!("/hubs/{}/client/{connection_id}", peer.hub));
    put("ce-id", &id.to_string());
    put("ce-time", &time);
    put("ce-hub", &peer.hub);
    put("ce-connectionid", connection_id);
    put("ce-eventname", name);
    put("ce-signature", &signer.sign(connection_id));
    let identity = peer.identity();
    if let Some(user) = identity.user.filter(|user| !user.is_empty()) {
        put("ce-userid", &user);
    }
    if let Some(subprotocol) = identity.subprotocol {
        put("ce-subprotocol", &subprotocol);
    }
    headers
}

/// Adds a message's metadata, which the hub has checked (PROTOCOL §4.5).
pub(super) fn add_metadata(headers: &mut HeaderMap, metadata: &str) {
    let metadata: Map<String, Value> = serde_json::from_str(metadata).unwrap_or_default();
    for (key, text) in &metadata {
        let name = format!("{PREFIX}{}", key.to_ascii_lowercase());
        if let (Ok(name), Some(text)) = (HeaderName::from_bytes(name.as_bytes()), text.as_str()) {
            headers.insert(name, value(text));
        }
    }
}

/// A header's value. What no header can hold is percent-encoded, as CloudEvents want it; then so is `%` itself.
fn value(text: &str) -> HeaderValue {
    const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && let Ok(value) = HeaderValue::from_str(text)
    {
        return value;
    }
    let encoded = utf8_percent_encode(text, ESCAPED).to_string();
    HeaderValue::from_str(&encoded).unwrap_or(HeaderValue::from_static(""))
}

/// A client that wants to connect, as its request describes it.
#[derive(Debug)]
pub struct ConnectRequest {
    /// In lower case.
    pub hub: String,
    /// What the connection will be known by.
    pub connection_id: String,
    /// The token's claims, JSON; `None` without a token.
    pub claims: Option<String>,
    /// The query's parameters, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The subprotocols that are offered, in their order.
    pub offers: Vec<String>,
    /// The token's user.
    pub user: Option<String>,
}

impl ConnectRequest {
    /// The body of the `connect` event. The token itself is nobody's business but the service's.
    pub(super) fn body(&self) -> Value {
        let mut query: Map<String, Value> = Map::new();
        for (name, text) in self.query.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("access_token")) {
            append(&mut query, name, text.clone());
        }
        let mut headers: Map<String, Value> = Map::new();
        for (name, text) in self.headers.iter().filter(|(name, _)| is_passed_on(name)) {
            append(&mut headers, &canonical(name), String::from_utf8_lossy(text.as_bytes()).into_owned());
        }
        let mut claims: Map<String, Value> = Map::new();
        let given = self.claims.as_deref().and_then(|claims| serde_json::from_str::<Map<String, Value>>(claims).ok());
        for (name, claim) in given.unwrap_or_default() {
            match claim {
                Value::Array(items) => items.into_iter().for_each(|item| append(&mut claims, &name, plain(item))),
                item => append(&mut claims, &name, plain(item)),
            }
        }
        json!({
            "claims": claims,
            "query": query,
            "headers": headers,
            "subprotocols": self.offers,
            "clientCertificates": [],
        })
    }
}

/// The token is the service's business, and so is what its own front end adds (PROTOCOL §14.4).
fn is_passed_on(name: &HeaderName) -> bool {
    *name != AUTHORIZATION && !name.as_str().starts_with("x-asrs-internal-")
}

fn append(object: &mut Map<String, Value>, name: &str, text: String) {
    if let Value::Array(values) = object.entry(name).or_insert_with(|| json!([])) {
        values.push(text.into());
    }
}

/// A claim's text: a string itself, anything else as JSON.
fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// A header's name in the spelling that people look it up by; on the way here it was lowered.
fn canonical(name: &HeaderName) -> String {
    let mut out = String::new();
    for (index, word) in name.as_str().split('-').enumerate() {
        out.push_str(if index > 0 { "-" } else { "" });
        match word {
            "websocket" => out.push_str("WebSocket"),
            word => {
                out.extend(word.chars().take(1).map(|first| first.to_ascii_uppercase()));
                out.push_str(word.get(1..).unwrap_or_default());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::peer::PeerIdentity;
    use super::*;
    use webpubsub_net::auth::connection_string::DEVELOPMENT_KEY;

    fn signer() -> RequestSigner {
        RequestSigner::new(&[Secret::new(DEVELOPMENT_KEY)])
    }

    #[test]
    fn the_signature_is_that_of_the_test_vector() {
        let id = "0f3c931f3ee14d6f8c0ef1c9f4d2b5aa";
        let expected = "sha256=a0f6806be4457253ecd49608ba1ff52978d02356b49601965098b62db18bafa8";
        assert_eq!(signer().sign(id), expected);
        let two = RequestSigner::new(&[Secret::new(DEVELOPMENT_KEY), Secret::new("other")]).sign(id);
        assert!(two.starts_with(&format!("{expected},sha256=")) && two.len() == 2 * expected.len() + 1, "{two}");
    }

    #[test]
    fn every_header_of_an_event_is_there() {
        let identity = PeerIdentity {
            user: Some("zoë 100%".into()),
            subprotocol: Some("json.webpubsub.azure.v1".into()),
            simple: false,
        };
        let peer = Peer::new("chat", "c1".into(), identity);
        let origin = ValidationOrigin::of_endpoint("http://localhost:8080");
        let headers = headers(&peer, EventName::User("vote"), 7, "text/plain", &origin, &signer());
        let get = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        for (name, value) in [
            ("content-type", "text/plain"),
            ("webhook-request-origin", "localhost"),
            ("ce-specversion", "1.0"),
            ("ce-awpsversion", "1.0"),
            ("ce-type", "azure.webpubsub.user.vote"),
            ("ce-source", "/hubs/chat/client/c1"),
            ("ce-id", "7"),
            ("ce-hub", "chat"),
            ("ce-connectionid", "c1"),
            ("ce-eventname", "vote"),
            ("ce-subprotocol", "json.webpubsub.azure.v1"),
            ("ce-userid", "zo%C3%AB 100%25"),
        ] {
            assert_eq!(get(name), Some(value), "{name}");
        }
        assert!(get("ce-time").unwrap().ends_with('Z') && get("ce-time").unwrap().len() == 20);
        assert_eq!(value("100%").to_str().unwrap(), "100%");
        let anonymous = Peer::new("chat", "c2".into(), PeerIdentity::default());
        let system = EventName::System(SystemEvent::Connect);
        let headers = super::headers(&anonymous, system, 0, SYSTEM_CONTENT_TYPE, &origin, &signer());
        assert_eq!(headers["ce-type"], "azure.webpubsub.sys.connect");
        let joined = EventName::System(SystemEvent::Joined);
        let joined = super::headers(&anonymous, joined, 1, SYSTEM_CONTENT_TYPE, &origin, &signer());
        assert_eq!(joined["ce-type"], "azure.webpubsub.gp.joined");
        assert_eq!(joined["ce-eventname"], "joined");
        assert!(!headers.contains_key("ce-userid") && !headers.contains_key("ce-subprotocol"));
    }

    #[test]
    fn the_body_of_connect_has_lists_everywhere_and_no_token() {
        let mut headers = HeaderMap::new();
        headers.append("user-agent", HeaderValue::from_static("x"));
        headers.append("sec-websocket-key", HeaderValue::from_static("k"));
        headers.append("x-asrs-internal-hub", HeaderValue::from_static("chat"));
        headers.append("authorization", HeaderValue::from_static("Bearer sesame"));
        let request = ConnectRequest {
            hub: "chat".into(),
            connection_id: "c".into(),
            claims: Some(r#"{"sub":"alice","role":["a","b"],"exp":7,"x":{"y":1}}"#.into()),
            query: [("room", "1"), ("access_token", "sesame"), ("room", "2")].map(|(k, v)| (k.into(), v.into())).into(),
            headers,
            offers: vec!["a".into()],
            user: None,
        };
        assert_eq!(
            request.body(),
            json!({
                "claims": {"sub": ["alice"], "role": ["a", "b"], "exp": ["7"], "x": ["{\"y\":1}"]},
                "query": {"room": ["1", "2"]},
                "headers": {"User-Agent": ["x"], "Sec-WebSocket-Key": ["k"]},
                "subprotocols": ["a"],
                "clientCertificates": [],
            })
        );
    }

    #[test]
    fn metadata_become_headers_in_lower_case() {
        let mut headers = HeaderMap::new();
        add_metadata(&mut headers, r#"{"Trace-Id":"7","é":"x"}"#);
        assert_eq!(headers["x-webpubsub-metadata-trace-id"], "7");
        assert_eq!(headers.len(), 1);
    }
}
