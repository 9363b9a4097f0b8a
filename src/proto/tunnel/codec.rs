//! The bytes of the tunnel's frames (PROTOCOL §20.3): four bytes little-endian length, then MessagePack, an array of type,
//! JSON and content.
//!
//! Nothing that comes can make this panic, or keep more than it is given. What is written has the names in the order in
//! which the service writes them.

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use thiserror::Error;

use super::frame::{Tracing, TunnelFrame, TunnelHeaders, TunnelMove, TunnelRequest, TunnelResponse};
use super::msgpack::{MsgpackReader, put_array_of_three, put_bytes, put_small, put_text};

/// The length that the protocol declares, and does not enforce: no frame that is made here is longer, save one whose
/// headers are.
pub const MAX_TUNNEL_FRAME_BYTES: usize = 1024 * 1024;

const REQUEST: i64 = 1;
const RESPONSE: i64 = 2;
const STATUS: i64 = 5;
const RECONNECT: i64 = 6;
const CLOSE: i64 = 7;
const REBALANCE: i64 = 8;
const CONNECTED: i64 = 10;

/// Why bytes are no frame.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TunnelMalformed {
    /// The first four bytes are not the length of the rest.
    #[error("its length says {said} bytes, and {has} follow")]
    Length {
        /// What they say; `None`: there are not four.
        said: u64,
        /// What follows.
        has: usize,
    },
    /// Not an array of an integer, a string, and bytes or nil.
    #[error("it is not the MessagePack that a frame has")]
    MessagePack,
    /// The string is not the JSON of its type.
    #[error("its JSON is not that of a frame of type {kind}: {problem}")]
    Json {
        /// The type.
        kind: i64,
        /// Why.
        problem: String,
    },
}

/// The JSON of a frame, which says all but its content.
pub fn tunnel_json(frame: &TunnelFrame) -> String {
    // Strings and numbers always serialise.
    serde_json::to_string(&FrameJson(frame)).unwrap_or_default()
}

/// The bytes of a frame, for one binary message.
pub fn encode_tunnel(frame: &TunnelFrame) -> Bytes {
    let (kind, content) = match frame {
        TunnelFrame::Request(request) => (REQUEST, request.body.as_deref()),
        TunnelFrame::Response(response) => (RESPONSE, response.body.as_deref()),
        TunnelFrame::Status { .. } => (STATUS, None),
        TunnelFrame::Reconnect(_) => (RECONNECT, None),
        TunnelFrame::Close { .. } => (CLOSE, None),
        TunnelFrame::Rebalance(_) => (REBALANCE, None),
        TunnelFrame::Connected { .. } => (CONNECTED, None),
    };
    let json = tunnel_json(frame);
    let mut out = Vec::with_capacity(json.len() + content.map_or(0, <[u8]>::len) + 16);
    out.extend_from_slice(&[0; 4]);
    put_array_of_three(&mut out);
    put_small(&mut out, kind as u8);
    put_text(&mut out, &json);
    put_bytes(&mut out, content);
    let length = (out.len() - 4) as u32;
    out[..4].copy_from_slice(&length.to_le_bytes());
    out.into()
}

/// Reads one binary message. `None` is a frame of a type that is not known, which is ignored (PROTOCOL §20.3).
pub fn decode_tunnel(message: &Bytes) -> Result<Option<TunnelFrame>, TunnelMalformed> {
    let Some((length, rest)) = message.split_first_chunk::<4>() else {
        return Err(TunnelMalformed::Length { said: 0, has: message.len() });
    };
    let said = u64::from(u32::from_le_bytes(*length));
    if said != rest.len() as u64 {
        return Err(TunnelMalformed::Length { said, has: rest.len() });
    }
    let mut reader = MsgpackReader(rest);
    let count = reader.array().ok_or(TunnelMalformed::MessagePack)?;
    let kind = reader.integer().filter(|_| count > 0).ok_or(TunnelMalformed::MessagePack)?;
    if !matches!(kind, REQUEST | RESPONSE | STATUS | RECONNECT | CLOSE | REBALANCE | CONNECTED) {
        return Ok(None);
    }
    let json = reader.text().filter(|_| count == 3).ok_or(TunnelMalformed::MessagePack)?;
    let content = reader.bytes().ok_or(TunnelMalformed::MessagePack)?;
    if !reader.0.is_empty() {
        return Err(TunnelMalformed::MessagePack);
    }
    let problem = |error: serde_json::Error| TunnelMalformed::Json { kind, problem: error.to_string() };
    let given: FrameFields = serde_json::from_str(json).map_err(problem)?;
    // It shares the message's buffer.
    let body = content.map(|content| message.slice_ref(content));
    given.frame(kind, body).map_err(problem).map(Some)
}

/// The JSON of a frame.
struct FrameJson<'a>(&'a TunnelFrame);

impl Serialize for FrameJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let tracing = match self.0 {
            TunnelFrame::Request(request) => {
                map.serialize_entry("Type", &REQUEST)?;
                map.serialize_entry("AckId", &request.ack_id)?;
                map.serialize_entry("HttpMethod", &request.method)?;
                map.serialize_entry("Url", &request.url)?;
                map.serialize_entry("Headers", &request.headers.as_ref().map(HeaderMap))?;
                map.serialize_entry("LocalRouting", &request.local_routing)?;
                map.serialize_entry("ChannelName", &request.channel_name)?;
                request.tracing
            }
            TunnelFrame::Response(response) => {
                map.serialize_entry("Type", &RESPONSE)?;
                map.serialize_entry("AckId", &response.ack_id)?;
                map.serialize_entry("StatusCode", &response.status)?;
                map.serialize_entry("Headers", &response.headers.as_ref().map(HeaderMap))?;
                map.serialize_entry("LocalRouting", &response.local_routing)?;
                map.serialize_entry("ChannelName", &response.channel_name)?;
                map.serialize_entry("NotCompleted", &response.not_completed)?;
                response.tracing
            }
            TunnelFrame::Status { message, tracing } => {
                map.serialize_entry("Type", &STATUS)?;
                map.serialize_entry("Message", message)?;
                *tracing
            }
            TunnelFrame::Close { message, tracing } => {
                map.serialize_entry("Type", &CLOSE)?;
                map.serialize_entry("Message", message)?;
                *tracing
            }
            TunnelFrame::Reconnect(to) | TunnelFrame::Rebalance(to) => {
                let is_reconnect = matches!(self.0, TunnelFrame::Reconnect(_));
                map.serialize_entry("Type", if is_reconnect { &RECONNECT } else { &REBALANCE })?;
                map.serialize_entry("TargetId", &to.target_id)?;
                map.serialize_entry("Endpoint", &to.endpoint)?;
                map.serialize_entry("Message", &to.message)?;
                to.tracing
            }
            TunnelFrame::Connected { connection_id, user_id, reconnection_token, tracing } => {
                map.serialize_entry("Type", &CONNECTED)?;
                map.serialize_entry("ConnectionId", connection_id)?;
                map.serialize_entry("UserId", user_id)?;
                map.serialize_entry("ReconnectionToken", reconnection_token)?;
                *tracing
            }
        };
        match tracing {
            Tracing::Absent => {}
            Tracing::Null => map.serialize_entry("TracingId", &None::<u64>)?,
            Tracing::Id(id) => map.serialize_entry("TracingId", &id)?,
        }
        map.end()
    }
}

/// An object whose names may repeat.
struct HeaderMap<'a>(&'a TunnelHeaders);

impl Serialize for HeaderMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, values)| (name, values)))
    }
}

/// All that the JSON of any frame may say.
#[derive(Default)]
struct FrameFields {
    ack_id: Option<i64>,
    method: Option<String>,
    url: Option<String>,
    status: Option<u16>,
    headers: Option<TunnelHeaders>,
    local_routing: bool,
    channel_name: String,
    not_completed: bool,
    message: String,
    target_id: String,
    endpoint: String,
    connection_id: Option<String>,
    user_id: Option<String>,
    reconnection_token: Option<String>,
    tracing: Tracing,
}

impl FrameFields {
    fn frame(self, kind: i64, body: Option<Bytes>) -> Result<TunnelFrame, serde_json::Error> {
        let missing = serde_json::Error::missing_field;
        let Self { message, tracing, .. } = self;
        Ok(match kind {
            REQUEST => TunnelFrame::Request(TunnelRequest {
                ack_id: self.ack_id.ok_or_else(|| missing("AckId"))?,
                method: self.method.ok_or_else(|| missing("HttpMethod"))?,
                url: self.url.ok_or_else(|| missing("Url"))?,
                headers: self.headers,
                local_routing: self.local_routing,
                channel_name: self.channel_name,
                tracing,
                body,
            }),
            RESPONSE => TunnelFrame::Response(TunnelResponse {
                ack_id: self.ack_id.ok_or_else(|| missing("AckId"))?,
                status: self.status.ok_or_else(|| missing("StatusCode"))?,
                headers: self.headers,
                local_routing: self.local_routing,
                channel_name: self.channel_name,
                not_completed: self.not_completed,
                tracing,
                body,
            }),
            STATUS => TunnelFrame::Status { message, tracing },
            CLOSE => TunnelFrame::Close { message, tracing },
            RECONNECT | REBALANCE => {
                let to = TunnelMove { target_id: self.target_id, endpoint: self.endpoint, message, tracing };
                if kind == RECONNECT { TunnelFrame::Reconnect(to) } else { TunnelFrame::Rebalance(to) }
            }
            _ => TunnelFrame::Connected {
                connection_id: self.connection_id.ok_or_else(|| missing("ConnectionId"))?,
                user_id: self.user_id,
                reconnection_token: self.reconnection_token,
                tracing,
            },
        })
    }
}

impl<'de> Deserialize<'de> for FrameFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FrameFieldsVisitor)
    }
}

struct FrameFieldsVisitor;

impl<'de> Visitor<'de> for FrameFieldsVisitor {
    type Value = FrameFields;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    /// In any order; of a name that is there twice the last counts.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FrameFields, A::Error> {
        let mut given = FrameFields::default();
        // Names of text may be `null`, as in .NET.
        fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
            Ok(map.next_value::<Option<String>>()?.unwrap_or_default())
        }
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "AckId" => given.ack_id = Some(map.next_value()?),
                "HttpMethod" => given.method = Some(map.next_value()?),
                "Url" => given.url = Some(map.next_value()?),
                "StatusCode" => given.status = Some(map.next_value()?),
                "Headers" => given.headers = map.next_value::<Option<HeaderFields>>()?.map(|HeaderFields(all)| all),
                "LocalRouting" => given.local_routing = map.next_value()?,
                "ChannelName" => given.channel_name = text(&mut map)?,
                "NotCompleted" => given.not_completed = map.next_value()?,
                "Message" => given.message = text(&mut map)?,
                "TargetId" => given.target_id = text(&mut map)?,
                "Endpoint" => given.endpoint = text(&mut map)?,
                "ConnectionId" => given.connection_id = Some(map.next_value()?),
                "UserId" => given.user_id = map.next_value()?,
                "ReconnectionToken" => given.reconnection_token = map.next_value()?,
                "TracingId" => given.tracing = map.next_value::<Option<u64>>()?.map_or(Tracing::Null, Tracing::Id),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(given)
    }
}

/// Headers in the order in which they came.
struct HeaderFields(TunnelHeaders);

impl<'de> Deserialize<'de> for HeaderFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = HeaderFields;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with a list of strings for each name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HeaderFields, A::Error> {
        let mut headers = TunnelHeaders::new();
        while let Some(name) = map.next_key::<String>()? {
            headers.push((name, map.next_value::<Option<Vec<String>>>()?.unwrap_or_default()));
        }
        Ok(HeaderFields(headers))
    }
}
