//! The messages of PROTOCOL §10.1 as the wire has them: numbers, types and presence.
//!
//! Names are the schema's, without the word `Message` that most of them end in.

use std::collections::BTreeMap;

use prost::{Message, Oneof};

/// What a client sends.
#[derive(Clone, PartialEq, Message)]
pub struct UpstreamMessage {
    #[prost(oneof = "Upstream", tags = "1, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17")]
    pub message: Option<Upstream>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Upstream {
    #[prost(message, tag = "1")]
    SendToGroup(SendToGroup),
    #[prost(message, tag = "5")]
    Event(Event),
    #[prost(message, tag = "6")]
    JoinGroup(JoinGroup),
    #[prost(message, tag = "7")]
    LeaveGroup(LeaveGroup),
    #[prost(message, tag = "8")]
    SequenceAck(SequenceAck),
    #[prost(message, tag = "9")]
    Ping(Ping),
    #[prost(message, tag = "10")]
    InvokeEvent(InvokeEvent),
    #[prost(message, tag = "11")]
    CancelInvocation(CancelInvocation),
    #[prost(message, tag = "13")]
    StreamData(StreamData),
    #[prost(message, tag = "14")]
    StreamEnd(StreamEnd),
    #[prost(message, tag = "15")]
    SetGroupState(SetGroupState),
    #[prost(message, tag = "16")]
    SubscribeGroupState(SubscribeGroupState),
    #[prost(message, tag = "17")]
    UnsubscribeGroupState(UnsubscribeGroupState),
}

#[derive(Clone, PartialEq, Message)]
pub struct SendToGroup {
    #[prost(string, tag = "1")]
    pub group: String,
    #[prost(uint64, optional, tag = "2")]
    pub ack_id: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub data: Option<MessageData>,
    #[prost(bool, optional, tag = "4")]
    pub no_echo: Option<bool>,
    #[prost(uint32, optional, tag = "5")]
    pub ttl_seconds: Option<u32>,
    #[prost(btree_map = "string, string", tag = "6")]
    pub metadata: BTreeMap<String, String>,
    #[prost(message, optional, tag = "7")]
    pub stream: Option<StreamStartInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Event {
    #[prost(string, tag = "1")]
    pub event: String,
    #[prost(message, optional, tag = "2")]
    pub data: Option<MessageData>,
    #[prost(uint64, optional, tag = "3")]
    pub ack_id: Option<u64>,
    #[prost(btree_map = "string, string", tag = "4")]
    pub metadata: BTreeMap<String, String>,
    #[prost(message, optional, tag = "5")]
    pub stream: Option<StreamStartInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub struct JoinGroup {
    #[prost(string, tag = "1")]
    pub group: String,
    #[prost(uint64, optional, tag = "2")]
    pub ack_id: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct LeaveGroup {
    #[prost(string, tag = "1")]
    pub group: String,
    #[prost(uint64, optional, tag = "2")]
    pub ack_id: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SequenceAck {
    #[prost(uint64, tag = "1")]
    pub sequence_id: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Ping {}

#[derive(Clone, PartialEq, Message)]
pub struct InvokeEvent {
    #[prost(string, tag = "1")]
    pub event: String,
    #[prost(string, tag = "2")]
    pub invocation_id: String,
    #[prost(message, optional, tag = "3")]
    pub data: Option<MessageData>,
    #[prost(btree_map = "string, string", tag = "4")]
    pub metadata: BTreeMap<String, String>,
    #[prost(message, optional, tag = "5")]
    pub stream: Option<StreamStartInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub struct CancelInvocation {
    #[prost(string, tag = "1")]
    pub invocation_id: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamStartInfo {
    #[prost(string, tag = "1")]
    pub stream_id: String,
    #[prost(uint32, optional, tag = "2")]
    pub idle_timeout_ms: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamData {
    #[prost(string, tag = "1")]
    pub stream_id: String,
    #[prost(uint64, optional, tag = "2")]
    pub stream_sequence_id: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub data: Option<MessageData>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamEnd {
    #[prost(string, tag = "1")]
    pub stream_id: String,
    #[prost(message, optional, tag = "2")]
    pub error: Option<StreamEndError>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamEndError {
    #[prost(string, optional, tag = "1")]
    pub message: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub user_error_code: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SetGroupState {
    #[prost(string, tag = "1")]
    pub group: String,
    #[prost(uint64, optional, tag = "2")]
    pub ack_id: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub state: Option<GroupState>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SubscribeGroupState {
    #[prost(string, tag = "1")]
    pub group: String,
    #[prost(uint64, optional, tag = "2")]
    pub ack_id: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct UnsubscribeGroupState {
    #[prost(string, tag = "1")]
    pub group: String,
    #[prost(uint64, optional, tag = "2")]
    pub ack_id: Option<u64>,
}

/// What the service sends.
#[derive(Clone, PartialEq, Message)]
pub struct DownstreamMessage {
    #[prost(oneof = "Downstream", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10")]
    pub message: Option<Downstream>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Downstream {
    #[prost(message, tag = "1")]
    Ack(Ack),
    #[prost(message, tag = "2")]
    Data(DataMessage),
    #[prost(message, tag = "3")]
    System(SystemMessage),
    #[prost(message, tag = "4")]
    Pong(Pong),
    #[prost(message, tag = "5")]
    InvokeResponse(InvokeResponse),
    #[prost(message, tag = "6")]
    StreamAck(StreamAck),
    #[prost(message, tag = "7")]
    StreamNack(StreamNack),
    #[prost(message, tag = "8")]
    StreamClosed(StreamClosed),
    #[prost(message, tag = "9")]
    GroupStateUpdate(GroupStateItems),
    #[prost(message, tag = "10")]
    GroupStateSnapshot(GroupStateItems),
}

#[derive(Clone, PartialEq, Message)]
pub struct Ack {
    #[prost(uint64, tag = "1")]
    pub ack_id: u64,
    #[prost(bool, tag = "2")]
    pub success: bool,
    #[prost(message, optional, tag = "3")]
    pub error: Option<NamedError>,
}

/// The error of an ack, an invocation or a stream that was closed: they look the same.
#[derive(Clone, PartialEq, Message)]
pub struct NamedError {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub message: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct DataMessage {
    #[prost(string, tag = "1")]
    pub from: String,
    #[prost(string, optional, tag = "2")]
    pub group: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub data: Option<MessageData>,
    #[prost(uint64, optional, tag = "4")]
    pub sequence_id: Option<u64>,
    #[prost(btree_map = "string, string", tag = "5")]
    pub metadata: BTreeMap<String, String>,
    #[prost(message, optional, tag = "6")]
    pub stream: Option<StreamInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SystemMessage {
    #[prost(oneof = "System", tags = "1, 2")]
    pub message: Option<System>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum System {
    #[prost(message, tag = "1")]
    Connected(Connected),
    #[prost(message, tag = "2")]
    Disconnected(Disconnected),
}

#[derive(Clone, PartialEq, Message)]
pub struct Connected {
    #[prost(string, tag = "1")]
    pub connection_id: String,
    #[prost(string, tag = "2")]
    pub user_id: String,
    #[prost(string, optional, tag = "3")]
    pub reconnection_token: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Disconnected {
    #[prost(string, tag = "2")]
    pub reason: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Pong {}

#[derive(Clone, PartialEq, Message)]
pub struct InvokeResponse {
    #[prost(string, tag = "1")]
    pub invocation_id: String,
    #[prost(bool, tag = "2")]
    pub success: bool,
    #[prost(message, optional, tag = "3")]
    pub data: Option<MessageData>,
    #[prost(message, optional, tag = "4")]
    pub error: Option<NamedError>,
    #[prost(btree_map = "string, string", tag = "5")]
    pub metadata: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamAck {
    #[prost(string, tag = "1")]
    pub stream_id: String,
    #[prost(uint64, tag = "2")]
    pub expected_sequence_id: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamNack {
    #[prost(string, tag = "1")]
    pub stream_id: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, tag = "3")]
    pub message: String,
    #[prost(uint64, tag = "4")]
    pub expected_sequence_id: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamClosed {
    #[prost(string, tag = "1")]
    pub stream_id: String,
    #[prost(message, optional, tag = "2")]
    pub error: Option<NamedError>,
}

/// An update or a snapshot: they look the same.
#[derive(Clone, PartialEq, Message)]
pub struct GroupStateItems {
    #[prost(string, tag = "1")]
    pub group: String,
    #[prost(message, repeated, tag = "2")]
    pub items: Vec<GroupStateItem>,
    #[prost(uint64, optional, tag = "3")]
    pub sequence_id: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamInfo {
    #[prost(string, tag = "1")]
    pub stream_id: String,
    #[prost(uint64, tag = "2")]
    pub stream_sequence_id: u64,
    #[prost(bool, optional, tag = "3")]
    pub end_of_stream: Option<bool>,
    #[prost(message, optional, tag = "4")]
    pub error: Option<StreamError>,
}

/// Absent where "".
#[derive(Clone, PartialEq, Message)]
pub struct StreamError {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(string, tag = "3")]
    pub user_error_code: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct GroupStateItem {
    #[prost(string, tag = "1")]
    pub connection_id: String,
    #[prost(string, optional, tag = "2")]
    pub user_id: Option<String>,
    #[prost(message, optional, tag = "3")]
    pub state: Option<GroupState>,
    #[prost(int64, tag = "4")]
    pub updated_at: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct GroupState {
    #[prost(btree_map = "string, string", tag = "1")]
    pub entries: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct MessageData {
    #[prost(oneof = "Payload", tags = "1, 2, 3, 4")]
    pub data: Option<Payload>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Payload {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bytes = "vec", tag = "2")]
    Binary(Vec<u8>),
    /// A message on the wire, which is the same as bytes: so it stays as it came, unknown fields included.
    #[prost(bytes = "vec", tag = "3")]
    Protobuf(Vec<u8>),
    #[prost(string, tag = "4")]
    Json(String),
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}
