//! What a handler's answer means (PROTOCOL §14.4, §14.6).

use http::header::CONTENT_TYPE;
use serde::Deserialize;

use super::http::HandlerResponse;
use crate::charset;
use crate::metadata;
use crate::object::object;
use webpubsub_proto::hub::EventAnswer;
use webpubsub_proto::{OwnedData, check_any, check_group_name};

/// What the answer to `connect` changes about a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// In place of the token's user.
    pub user_id: Option<String>,
    /// In place of the token's groups; an empty list changes nothing.
    pub groups: Option<Vec<String>>,
    /// In place of the token's roles; an empty list takes them all.
    pub roles: Option<Vec<String>>,
    /// One of the offered.
    pub subprotocol: Option<String>,
}

impl Changes {
    /// Reads the body of a 2xx. Its content type does not matter, as with the service.
    pub(super) fn parse(answer: &HandlerResponse) -> Result<Self, String> {
        if answer.body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        if answer.body.trim_ascii() == b"null" {
            return Ok(Self::default());
        }
        let mut changes: Self = object(&answer.body)
            .map_err(|why| format!("its answer is not a JSON object with the expected values: {why}"))?;
        changes.groups = changes.groups.filter(|groups| !groups.is_empty());
        for group in changes.groups.iter().flatten() {
            check_group_name(group).map_err(|error| format!("a group in its answer is none: {error}"))?;
        }
        Ok(changes)
    }
}

/// The 2xx answer to a user event.
#[derive(Debug, PartialEq)]
pub(super) struct UserEventAnswer {
    pub(super) answer: EventAnswer,
    /// What is wrong with metadata that it goes without.
    pub(super) left_out: Option<String>,
}

/// Reads the 2xx answer to a user event.
pub(super) fn user_event_answer(answer: &HandlerResponse) -> Result<UserEventAnswer, String> {
    let metadata::AnswerMetadata { text, left_out } = metadata::from_answer(&answer.headers);
    let answer = payload(answer, text.map(String::into_boxed_str))?;
    Ok(UserEventAnswer { answer, left_out })
}

fn payload(answer: &HandlerResponse, metadata: Option<Box<str>>) -> Result<EventAnswer, String> {
    if answer.body.is_empty() {
        // Metadata alone go with an empty text (PROTOCOL §4.4).
        return Ok(match metadata {
            None => EventAnswer::NoContent,
            Some(_) => EventAnswer::Reply { data: OwnedData::text(""), metadata },
        });
    }
    let content_type = match answer.headers.get(CONTENT_TYPE) {
        Some(value) => value.to_str().map_err(|_| "the content type of its answer is no text".to_owned())?,
        None => "application/octet-stream",
    };
    let essence = charset::essence(content_type);
    let text =
        || charset::text(&answer.body, content_type).map_err(|error| format!("its answer cannot be read: {error}"));
    let data = match essence.as_str() {
        "application/json" => {
            OwnedData::json(&text()?).map_err(|error| format!("its answer is said to be JSON and is not: {error}"))?
        }
        "text/plain" => OwnedData::text(&text()?),
        "application/octet-stream" => OwnedData::binary(&answer.body),
        "application/x-protobuf" => {
            check_any(&answer.body)
                .map_err(|error| format!("its answer is said to be a `google.protobuf.Any` and is not: {error}"))?;
            OwnedData::protobuf(&answer.body)
        }
        _ => {
            return Err(format!(
                "its answer has the content type `{essence}`; there are `application/json`, `text/plain`, \
                 `application/octet-stream` and `application/x-protobuf`"
            ));
        }
    };
    Ok(EventAnswer::Reply { data, metadata })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{HeaderMap, HeaderValue};

    fn answer(content_type: Option<&str>, body: &str) -> HandlerResponse {
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
        }
        HandlerResponse { status: http::StatusCode::OK, headers, body: body.to_owned().into() }
    }

    #[test]
    fn the_content_type_decides_what_a_reply_is() {
        for (content_type, body, expected) in [
            (None, "", EventAnswer::NoContent),
            (Some("text/html"), "", EventAnswer::NoContent),
            (
                Some("application/json; charset=utf-8"),
                "{\"a\":1.0}",
                EventAnswer::reply(OwnedData::json("{\"a\":1.0}").unwrap()),
            ),
            (Some("Text/Plain"), "hi", EventAnswer::reply(OwnedData::text("hi"))),
            (Some("application/octet-stream"), "hi", EventAnswer::reply(OwnedData::binary(b"hi"))),
            (None, "hi", EventAnswer::reply(OwnedData::binary(b"hi"))),
            (Some("application/x-protobuf"), "hi", EventAnswer::reply(OwnedData::protobuf(b"hi"))),
        ] {
            let reply = UserEventAnswer { answer: expected, left_out: None };
            assert_eq!(user_event_answer(&answer(content_type, body)), Ok(reply), "{content_type:?} {body}");
        }
        for (content_type, body) in [("application/json", "{"), ("text/html", "<p>"), ("application/x-protobuf", "\0")]
        {
            assert!(user_event_answer(&answer(Some(content_type), body)).is_err());
        }
    }

    #[test]
    fn the_metadata_of_an_answer_go_with_the_reply() {
        let with = |body: &str, headers: &[(&'static str, &'static str)]| {
            let mut answer = answer(Some("text/plain"), body);
            for (name, value) in headers {
                answer.headers.append(*name, HeaderValue::from_static(value));
            }
            user_event_answer(&answer).map(|reply| reply.answer)
        };
        let reply = |text: &str, metadata: &str| EventAnswer::Reply {
            data: OwnedData::text(text),
            metadata: Some(metadata.into()),
        };
        let trace = [("x-webpubsub-metadata-trace", "t1")];
        assert_eq!(with("hi", &trace), Ok(reply("hi", r#"{"trace":"t1"}"#)));
        assert_eq!(with("", &trace), Ok(reply("", r#"{"trace":"t1"}"#)));
        let twice = [trace[0], ("x-webpubsub-metadata-trace", "t2")];
        assert_eq!(with("hi", &twice), Ok(reply("hi", r#"{"trace":"t2"}"#)));
    }

    #[test]
    fn an_answer_to_connect_changes_what_it_names() {
        let parse = |body: &str| Changes::parse(&answer(None, body));
        for nothing in ["", " ", "null", "{}", r#"{"userId":null,"groups":[],"other":1}"#] {
            assert_eq!(parse(nothing), Ok(Changes::default()), "{nothing}");
        }
        let all = parse(r#"{"userId":"","groups":["g"],"roles":[],"subprotocol":"s"}"#).unwrap();
        assert_eq!(all.user_id.as_deref(), Some(""));
        assert_eq!((all.groups.unwrap(), all.roles.unwrap()), (vec!["g".to_owned()], vec![]));
        assert_eq!(all.subprotocol.as_deref(), Some("s"));
        for bad in
            ["{", "[]", r#" ["admin"]"#, r#"["admin",null,null,null]"#, "7", r#"{"userId":7}"#, r#"{"groups":[""]}"#]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
