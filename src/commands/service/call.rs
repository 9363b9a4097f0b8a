//! What an operation is as a request.

use bytes::Bytes;

use super::settings::operation::ServiceOperation;
use crate::failure::Failure;
use crate::options::data::payload::{Encoding, PayloadType, too_large_body};
use crate::run::rest::{Repetition, RestRequest};
use webpubsub_proto::{Data, MAX_FRAME_BYTES};

/// The request of an operation. `resends`: also where that may double it.
pub(super) fn call_of(
    operation: &ServiceOperation,
    hub: &str,
    data_type: PayloadType,
    body: Bytes,
    resends: bool,
) -> RestRequest {
    let asked = operation.request(hub);
    let content_type = match (&asked.body, operation) {
        (Some(_), _) => Some("application/json"),
        (None, ServiceOperation::Send { .. }) => Some(content_type(data_type)),
        (None, _) => None,
    };
    RestRequest {
        to_do: operation.to_do(),
        method: asked.method.clone(),
        path_and_query: asked.path_and_query(),
        path: asked.path,
        content_type,
        headers: asked.headers,
        body: asked.body.map_or(body, Bytes::from),
        repetition: match (operation.is_repeatable(), resends) {
            (true, _) => Repetition::Harmless,
            (false, true) => Repetition::AtRisk,
            (false, false) => Repetition::Never,
        },
        signed: !matches!(operation, ServiceOperation::Health),
        private: false,
    }
}

/// What the service is told that the data is (PROTOCOL §13, *Bodies*).
fn content_type(data_type: PayloadType) -> &'static str {
    match data_type {
        PayloadType::Text => "text/plain",
        PayloadType::Json => "application/json",
        PayloadType::Binary(Encoding::Raw | Encoding::Base64 | Encoding::Hex) => "application/octet-stream",
        // Refused before.
        PayloadType::Protobuf(_) => "application/x-protobuf",
    }
}

/// The body that carries a payload, within what the service takes.
pub fn body_of(data: Data<'_>) -> Result<Bytes, Failure> {
    let bytes = data.to_bytes().map_or_else(Bytes::new, |bytes| Bytes::from(bytes.into_owned()));
    if bytes.len() > MAX_FRAME_BYTES {
        return Err(too_large_body(&format!("{} bytes", bytes.len())));
    }
    Ok(bytes)
}
