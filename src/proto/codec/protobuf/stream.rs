//! The `stream` object of a message, between its JSON text, which frames have it as, and its protobuf message
//! (PROTOCOL §9.1, §10.1).

use serde::{Deserialize, Serialize};

use super::schema::{StreamError, StreamInfo};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    stream_id: String,
    stream_sequence_id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_of_stream: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<JsonError>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonError {
    #[serde(default)]
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    user_error_code: String,
}

pub fn to_json(stream: &StreamInfo) -> String {
    let StreamInfo { stream_id, stream_sequence_id, end_of_stream, error } = stream.clone();
    let error =
        error.map(|StreamError { name, message, user_error_code }| JsonError { name, message, user_error_code });
    // Serialising plain structs into memory cannot fail.
    serde_json::to_string(&Json { stream_id, stream_sequence_id, end_of_stream, error }).unwrap_or_default()
}

/// `None` where it is no such object.
pub fn from_json(json: &str) -> Option<StreamInfo> {
    let Json { stream_id, stream_sequence_id, end_of_stream, error } = serde_json::from_str(json).ok()?;
    let error =
        error.map(|JsonError { name, message, user_error_code }| StreamError { name, message, user_error_code });
    Some(StreamInfo { stream_id, stream_sequence_id, end_of_stream, error })
}
