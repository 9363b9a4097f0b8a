//! Invocations: `invoke_event_message`, `cancel_invocation_message` and `invoke_response_message` (PROTOCOL §9.2, §10.1).

use std::borrow::Cow;

use super::schema::{CancelInvocation, InvokeEvent, InvokeResponse};
use super::{decode_error, malformed, message_data, metadata_map, named_error, payload, upstream_payload};
use crate::codec::Malformed;
use crate::frame::{Downstream, InvokeAnswer, Upstream};
use crate::metadata::check_metadata;
use crate::names::check_event_name;

pub(super) fn decode_invoke<'f>(
    invocation: &'f InvokeEvent,
    metadata: Option<&'f str>,
) -> Result<Upstream<'f>, Malformed> {
    let invocation_id = id(&invocation.invocation_id)?;
    check_event_name(&invocation.event).map_err(malformed)?;
    if invocation.stream.is_some() {
        return Err(malformed("an invocation is no stream"));
    }
    if let Some(metadata) = metadata {
        check_metadata(metadata).map_err(Malformed::Content)?;
    }
    let data = invocation.data.as_ref().map(upstream_payload).transpose()?;
    Ok(Upstream::Invoke { invocation_id, event: invocation.event.as_str().into(), data, metadata })
}

pub(super) fn decode_cancel(cancel: &CancelInvocation) -> Result<Upstream<'_>, Malformed> {
    Ok(Upstream::CancelInvocation { invocation_id: id(&cancel.invocation_id)? })
}

fn id(id: &str) -> Result<Cow<'_, str>, Malformed> {
    if id.is_empty() { Err(malformed("`invocation_id` is empty")) } else { Ok(id.into()) }
}

pub(super) fn decode_response<'f>(response: &'f InvokeResponse, metadata: Option<&'f str>) -> Downstream<'f> {
    let data = || match &response.data {
        Some(data) => payload(data)?.ok_or("data of an unknown kind".into()).map(Some),
        None => Ok(None),
    };
    let answer = match response.success {
        true => match data() {
            Ok(data) => InvokeAnswer::Success { data, metadata },
            Err(reason) => InvokeAnswer::NotUnderstood { reason },
        },
        false => InvokeAnswer::Failure(decode_error(response.error.as_ref())),
    };
    Downstream::InvokeResponse { invocation_id: response.invocation_id.as_str().into(), answer }
}

/// What nobody sends has data of no kind, which is not understood when it is read.
pub(super) fn response(id: &str, answer: &InvokeAnswer<'_>) -> InvokeResponse {
    let response = InvokeResponse { invocation_id: id.to_owned(), ..Default::default() };
    match answer {
        InvokeAnswer::Success { data, metadata } => InvokeResponse {
            success: true,
            data: data.map(message_data),
            metadata: metadata_map(*metadata),
            ..response
        },
        InvokeAnswer::Failure(error) => InvokeResponse { error: Some(named_error(error)), ..response },
        InvokeAnswer::NotUnderstood { .. } => {
            InvokeResponse { success: true, data: Some(super::schema::MessageData { data: None }), ..response }
        }
    }
}
