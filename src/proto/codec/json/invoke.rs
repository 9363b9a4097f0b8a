//! Invocations: `invoke`, `cancelInvocation` and `invokeResponse` (PROTOCOL §9.2).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    DownstreamWire, UpstreamWire, missing, name, named_error, object, optional, payload, push_data, push_error,
    push_metadata, push_string, upstream_metadata, upstream_payload,
};
use crate::codec::Malformed;
use crate::data::Data;
use crate::frame::{Downstream, InvokeAnswer, Upstream};
use crate::names::check_event_name;

/// All but the closing brace.
pub(super) fn push_invoke(out: &mut String, id: &str, event: &str, data: Option<Data<'_>>, metadata: Option<&str>) {
    out.push_str("{\"type\":\"invoke\",\"invocationId\":");
    push_string(out, id);
    out.push_str(",\"target\":\"event\",\"event\":");
    push_string(out, event);
    if let Some(data) = data {
        push_data(out, data);
    }
    push_metadata(out, metadata);
}

/// All but the closing brace.
pub(super) fn push_cancel(out: &mut String, id: &str) {
    out.push_str("{\"type\":\"cancelInvocation\",\"invocationId\":");
    push_string(out, id);
}

pub(super) fn decode_invoke<'a>(wire: &UpstreamWire<'a>) -> Result<Upstream<'a>, Malformed> {
    let invocation_id = id(wire)?;
    // The one target there is, which may be left out.
    let target: Option<Cow<'_, str>> = optional(wire.target, "target")?;
    if target.as_deref().is_some_and(|target| !target.eq_ignore_ascii_case("event")) {
        return Err(Malformed::Content("`target` is not `event`".into()));
    }
    let event = name(wire.event, "event")?;
    check_event_name(&event).map_err(|error| Malformed::Content(error.to_string()))?;
    let metadata = upstream_metadata(wire)?;
    let data = match (wire.data, wire.data_type) {
        (Some(raw), Some(_)) => Some(upstream_payload(wire, raw.get())?),
        (None, None) => None,
        (Some(_), None) => return Err(missing("dataType")),
        (None, Some(_)) => return Err(missing("data")),
    };
    Ok(Upstream::Invoke { invocation_id, event, data, metadata })
}

pub(super) fn decode_cancel<'a>(wire: &UpstreamWire<'a>) -> Result<Upstream<'a>, Malformed> {
    Ok(Upstream::CancelInvocation { invocation_id: id(wire)? })
}

fn id<'a>(wire: &UpstreamWire<'a>) -> Result<Cow<'a, str>, Malformed> {
    let id = name(wire.invocation_id, "invocationId")?;
    if id.is_empty() { Err(Malformed::Content("`invocationId` is empty".into())) } else { Ok(id) }
}

pub(super) fn decode_response(wire: DownstreamWire<'_>) -> Result<Downstream<'_>, Cow<'static, str>> {
    let invocation_id = wire.invocation_id.ok_or("an `invokeResponse` without `invocationId`")?;
    let answer = match wire.success {
        Some(true) => match wire.data.map(|raw| payload(wire.data_type.as_deref(), raw.get())).transpose() {
            Ok(data) => InvokeAnswer::Success { data, metadata: wire.metadata.map(RawValue::get) },
            Err(reason) => InvokeAnswer::NotUnderstood { reason },
        },
        Some(false) => InvokeAnswer::Failure(named_error(wire.error)),
        None => InvokeAnswer::NotUnderstood { reason: "an `invokeResponse` without `success`".into() },
    };
    Ok(Downstream::InvokeResponse { invocation_id, answer })
}

/// The properties by which a response whose others are not what they should be can still be told.
#[derive(Deserialize)]
struct BrokenResponse<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "invocationId", borrow)]
    invocation_id: Cow<'a, str>,
}

/// A response of an unexpected shape, which ends its invocation all the same (PROTOCOL §19.19). `None`: it is none.
pub(super) fn broken_response<'a>(text: &'a str, error: &serde_json::Error) -> Option<Downstream<'a>> {
    if !error.is_data() {
        return None;
    }
    let response: BrokenResponse<'_> = object(text).ok()?;
    if response.kind != "invokeResponse" {
        return None;
    }
    let reason = format!("unexpected shape: {error}").into();
    Some(Downstream::InvokeResponse {
        invocation_id: response.invocation_id,
        answer: InvokeAnswer::NotUnderstood { reason },
    })
}

/// A whole frame. What nobody sends is written without `success`, which is not understood when it is read.
pub(super) fn push_response(out: &mut String, id: &str, answer: &InvokeAnswer<'_>) {
    out.push_str("{\"type\":\"invokeResponse\",\"invocationId\":");
    push_string(out, id);
    match answer {
        InvokeAnswer::Success { data, metadata } => {
            out.push_str(",\"success\":true");
            if let Some(data) = data {
                push_data(out, *data);
            }
            push_metadata(out, *metadata);
        }
        InvokeAnswer::Failure(error) => {
            out.push_str(",\"success\":false");
            push_error(out, error);
        }
        InvokeAnswer::NotUnderstood { .. } => {}
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::super::{decode_downstream, decode_upstream, encode_downstream, encode_upstream};
    use super::*;
    use crate::frame::AckError;
    use crate::{OwnedData, WireFrame};

    /// PROTOCOL §9.2.
    #[test]
    fn invocations_have_the_documented_spelling() {
        let invoke = |id: &'static str, event: &'static str, data, metadata| Upstream::Invoke {
            invocation_id: id.into(),
            event: event.into(),
            data,
            metadata,
        };
        for (frame, text) in [
            (
                invoke("1", "sum", Some(Data::Json("[1,2]")), None),
                r#"{"type":"invoke","invocationId":"1","target":"event","event":"sum","dataType":"json","data":[1,2]}"#,
            ),
            (
                invoke("a\"b", "hi", None, Some(r#"{"k":"v"}"#)),
                r#"{"type":"invoke","invocationId":"a\"b","target":"event","event":"hi","metadata":{"k":"v"}}"#,
            ),
            (
                Upstream::CancelInvocation { invocation_id: "1".into() },
                r#"{"type":"cancelInvocation","invocationId":"1"}"#,
            ),
        ] {
            let mut out = String::new();
            encode_upstream(&frame, &mut out);
            assert_eq!(out, text);
            assert_eq!(decode_upstream(text), Ok(frame), "{text}");
        }
        // The target that there is may be left out, and has no case.
        for target in ["", r#""target":null,"#, r#""target":"Event","#] {
            let text = format!(r#"{{"type":"invoke",{target}"invocationId":"1","event":"e"}}"#);
            assert_eq!(decode_upstream(&text), Ok(invoke("1", "e", None, None)), "{text}");
        }
    }

    #[test]
    fn malformed_invocations_are_refused() {
        for fields in [
            r#""invocationId":"","event":"e""#,
            r#""invocationId":1,"event":"e""#,
            r#""event":"e""#,
            r#""invocationId":"1""#,
            r#""invocationId":"1","event":"9""#,
            r#""invocationId":"1","event":"e","target":"group""#,
            r#""invocationId":"1","event":"e","target":5"#,
            r#""invocationId":"1","event":"e","data":1"#,
            r#""invocationId":"1","event":"e","dataType":"json""#,
            r#""invocationId":"1","event":"e","dataType":"json","data":null"#,
            r#""invocationId":"1","event":"e","dataType":"text","data":5"#,
            r#""invocationId":"1","event":"e","metadata":{"a b":"c"}"#,
        ] {
            let text = format!(r#"{{"type":"invoke",{fields}}}"#);
            assert!(decode_upstream(&text).is_err(), "{text}");
        }
        assert!(decode_upstream(r#"{"type":"cancelInvocation"}"#).is_err());
    }

    #[test]
    fn answers_have_the_documented_spelling() {
        let three = OwnedData::json("3").unwrap();
        let success = |data, metadata| InvokeAnswer::Success { data, metadata };
        for (answer, text) in [
            (
                success(Some(three.as_data()), Some(r#"{"k":"v"}"#)),
                r#"{"type":"invokeResponse","invocationId":"1","success":true,"dataType":"json","data":3,"metadata":{"k":"v"}}"#,
            ),
            (success(None, None), r#"{"type":"invokeResponse","invocationId":"1","success":true}"#),
            (
                InvokeAnswer::Failure(AckError { name: "BadRequest".into(), message: "m".into() }),
                r#"{"type":"invokeResponse","invocationId":"1","success":false,"error":{"name":"BadRequest","message":"m"}}"#,
            ),
        ] {
            let frame = Downstream::InvokeResponse { invocation_id: "1".into(), answer };
            let mut out = String::new();
            encode_downstream(&frame, &mut out);
            assert_eq!(out, text);
            assert_eq!(decode_downstream(text), frame, "{text}");
        }
    }

    /// PROTOCOL §19.19.
    #[test]
    fn an_answer_that_names_its_invocation_is_one_whatever_else_it_holds() {
        let answer = |fields: &str| {
            let text = format!(r#"{{"type":"invokeResponse","invocationId":"1",{fields}}}"#);
            match decode_downstream(&text) {
                Downstream::InvokeResponse { invocation_id, answer } if invocation_id == "1" => format!("{answer:?}"),
                other => panic!("{other:?}"),
            }
        };
        for (fields, words) in [
            (r#""data":5"#, "without `success`"),
            (r#""success":null"#, "without `success`"),
            (r#""success":"yes""#, "unexpected shape"),
            (r#""success":true,"dataType":7,"data":1"#, "unexpected shape"),
            (r#""success":true,"dataType":"odd","data":1"#, "unknown `dataType`: `odd`"),
            (r#""success":true,"dataType":"text","data":1"#, "not a string"),
            (r#""success":false,"error":"no""#, "unexpected shape"),
        ] {
            let told = answer(fields);
            assert!(told.starts_with("NotUnderstood") && told.contains(words), "{fields}: {told}");
        }
        assert!(answer(r#""success":true,"dataType":"json","data":null"#).contains(r#"Json("null")"#));
        assert!(answer(r#""success":false"#).contains(r#"name: """#));
        // Without an id it is nobody's.
        for text in [r#"{"type":"invokeResponse","success":true}"#, r#"{"type":"invokeResponse","invocationId":1}"#] {
            assert!(matches!(decode_downstream(text), Downstream::Unknown { .. }), "{text}");
        }
        let frame = WireFrame::Text(r#"{"type":"message","invocationId":"1","success":"yes"}"#);
        let mut unpacked = crate::Unpacked::default();
        assert!(matches!(crate::Codec::Json.decode_downstream(frame, &mut unpacked), Downstream::Unknown { .. }));
    }
}
