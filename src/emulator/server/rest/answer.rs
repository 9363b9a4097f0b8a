//! Answers, and the one form that all errors have (PROTOCOL §13, *Errors*).

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Serialize;

use super::super::refusals::Reason;
use super::{header_value, json};

const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");

/// What a request that went well is answered.
#[derive(Debug)]
pub(super) enum RestReply {
    /// A status alone.
    Status(StatusCode),
    /// 202: a message was queued for so many connections.
    Sent(usize),
    /// 200 with JSON.
    Json(String),
}

impl RestReply {
    pub(super) const OK: Self = Self::Status(StatusCode::OK);
    pub(super) const NO_CONTENT: Self = Self::Status(StatusCode::NO_CONTENT);

    /// 200 with a value that always serialises.
    pub(super) fn json(value: &impl Serialize) -> Self {
        Self::Json(serde_json::to_string(value).unwrap_or_default())
    }

    /// What the log says about it beside the status.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            Self::Sent(receivers) => Some(format!("sent to {receivers}")),
            Self::Status(_) | Self::Json(_) => None,
        }
    }

    pub(super) fn into_response(self) -> Response {
        match self {
            Self::Status(status) => bare(status),
            Self::Sent(_) => bare(StatusCode::ACCEPTED),
            Self::Json(text) => json(StatusCode::OK, text),
        }
    }
}

fn bare(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Why a request was not carried out. The text never contains a token.
#[derive(Debug)]
pub(super) struct RestProblem {
    status: StatusCode,
    code: &'static str,
    /// For people.
    pub(super) message: String,
    /// What of the request is wrong: a parameter, a header.
    target: Option<&'static str>,
    /// `Allow` of a 405.
    allow: Option<String>,
    /// There is something at the path.
    pub(super) routed: bool,
    /// What is wrong with its token.
    token: Option<Box<Reason>>,
    form: Form,
}

/// What an error's body has beside code, message and target.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    /// Nothing.
    Plain,
    /// `details` and `innererror`, both empty.
    Detailed,
    /// Those of `application/problem+json`, with what is wrong in words.
    Validation(String),
}

#[derive(Default, Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<[&'a str; 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    innererror: Option<()>,
    #[serde(flatten)]
    problem: Option<ProblemDetails<'a>>,
}

/// As the service's framework has it.
#[derive(Serialize)]
struct ProblemDetails<'a> {
    errors: BTreeMap<&'a str, [&'a str; 1]>,
    #[serde(rename = "type")]
    kind: (),
    title: &'a str,
    status: u16,
}

impl RestProblem {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, code, message, target: None, allow: None, routed: true, token: None, form: Form::Plain }
    }

    pub(super) fn bad_request(target: &'static str, message: impl Into<String>) -> Self {
        Self { target: Some(target), ..Self::new(StatusCode::BAD_REQUEST, "Error.BadRequest", message) }
    }

    /// A filter that cannot be understood; `detail` says why.
    pub(super) fn bad_filter(target: &'static str, message: String, detail: String) -> Self {
        Self { form: Form::Validation(detail), ..Self::bad_request(target, message) }
    }

    pub(super) fn unauthorized(message: impl Into<String>, reason: Reason) -> Self {
        Self { token: Some(Box::new(reason)), ..Self::new(StatusCode::UNAUTHORIZED, "Error.Unauthorized", message) }
    }

    /// What is to be said of it; nothing where it only says what there is and what not.
    pub(super) fn reason(&self) -> Option<Reason> {
        match &self.token {
            Some(reason) => Some(Reason::clone(reason)),
            None if self.routed && self.status == StatusCode::NOT_FOUND => None,
            None => Some(Reason::request(&self.message)),
        }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Error.Forbidden", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Error.NotFound", message)
    }

    /// There is nothing at the path.
    pub(super) fn nowhere() -> Self {
        let message = "There is nothing here. The data plane is below /api/hubs/{hub}.";
        Self { routed: false, ..Self::not_found(message) }
    }

    /// A connection that is not there cannot join.
    pub(super) fn unknown_connection(id: &str) -> Self {
        let message = format!("Connection `{id}` is not found.");
        let problem = Self::new(StatusCode::NOT_FOUND, "Error.Connection.NotExisted", message);
        Self { target: Some("connectionId"), form: Form::Detailed, ..problem }
    }

    /// It was only asked whether there is one.
    pub(super) fn absent(self) -> Self {
        let code = match self.code {
            "Info.Connection.NotExisted" => "Warning.Connection.NotExisted",
            "Info.User.NotExisted" => "Warning.User.NotExisted",
            "Info.Group.NotExisted" => "Warning.Group.NotExisted",
            other => other,
        };
        Self { code, ..self }
    }

    pub(super) fn no_connection(id: &str) -> Self {
        let message = format!("There is no connection `{id}`.");
        Self::new(StatusCode::NOT_FOUND, "Info.Connection.NotExisted", message)
    }

    pub(super) fn no_user(user: &str) -> Self {
        let message = format!("The user `{user}` has no connection.");
        Self::new(StatusCode::NOT_FOUND, "Info.User.NotExisted", message)
    }

    pub(super) fn no_group(group: &str) -> Self {
        let message = format!("The group `{group}` has no connection.");
        Self::new(StatusCode::NOT_FOUND, "Info.Group.NotExisted", message)
    }

    pub(super) fn no_permission() -> Self {
        let message = "The connection does not have the permission.";
        Self::new(StatusCode::NOT_FOUND, "Info.Permission.NotExisted", message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Error.Connection.Conflict", message)
    }

    pub(super) fn unsupported_type(message: impl Into<String>) -> Self {
        let code = "Error.UnsupportedMediaType";
        let problem = Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, message);
        Self { target: Some("Content-Type"), ..problem }
    }

    pub(super) fn body_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "Error.RequestTimeout", "The body did not come in time.")
    }

    pub(super) fn method_not_allowed(method: &Method, allowed: &[Method]) -> Self {
        let allow = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("{method} is not possible here, only {allow}.");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "Error.MethodNotAllowed", message);
        Self { allow: Some(allow), ..problem }
    }

    pub(super) fn into_response(self) -> Response {
        let mut body =
            ErrorBody { code: self.code, message: &self.message, target: self.target, ..ErrorBody::default() };
        match &self.form {
            Form::Plain => {}
            Form::Detailed => (body.details, body.innererror) = (Some([]), Some(())),
            Form::Validation(detail) => {
                body.problem = Some(ProblemDetails {
                    errors: [(self.target.unwrap_or_default(), [detail.as_str()])].into(),
                    kind: (),
                    title: "One or more validation errors occurred.",
                    status: self.status.as_u16(),
                });
            }
        }
        let mut response = json(self.status, serde_json::to_string(&body).unwrap_or_default());
        let headers = response.headers_mut();
        if matches!(self.form, Form::Validation(_)) {
            let problem = HeaderValue::from_static("application/problem+json; charset=utf-8");
            headers.insert(header::CONTENT_TYPE, problem);
        }
        headers.insert(ERROR_CODE, HeaderValue::from_static(self.code));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(allow) = &self.allow {
            headers.insert(header::ALLOW, header_value(allow));
        }
        response
    }
}
