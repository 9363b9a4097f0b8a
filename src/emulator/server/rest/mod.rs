//! The REST data plane below `/api` (PROTOCOL §13), as the server SDKs call it.
//!
//! A request passes, in this order: the path and the method ([`route`]), the hub's name, the token (PROTOCOL §2.4), the
//! version, all of which its head decides; the body ([`body`]), the parameters ([`query`]), the hub ([`operations`]). No
//! body is kept of whoever may not send it. Whatever goes wrong on the way is an answer of the same form ([`answer`]). All api-versions do the same: later ones only added to earlier ones. Other
//! than in the official emulator `:generateToken` is answered.

mod answer;
mod body;
mod operations;
mod query;
mod route;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{any, get};
use http::{HeaderName, HeaderValue, Method, StatusCode, header, request};

use super::refusals::{EntryPoint, Reason};
use super::request::{Query, bearer, names};
use super::{Server, trace, unix_now};
use answer::{RestProblem, RestReply};
use body::RestPayload;
use route::{Resource, RestAction, RouteMatch};
use webpubsub_net::auth::token::{RequestAudience, TokenError, check_unsigned_entra_token, verify_request_token};
use webpubsub_proto::check_hub_name;

/// What clients put into requests to find them in logs again.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

const SUPPORTED_VERSIONS: HeaderName = HeaderName::from_static("api-supported-versions");

/// Where its health is.
pub(super) const HEALTH: &str = "/api/health";

/// The routes below `/api`.
pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        // Health needs no token (PROTOCOL §13); axum answers HEAD, too.
        .route(HEALTH, get(async || ()))
        .route("/api", any(serve))
        .route("/api/", any(serve))
        .route("/api/{*path}", any(serve))
}

/// It came through a tunnel, whose connection has shown its token already (PROTOCOL §20.5).
#[derive(Clone, Copy, Debug)]
pub(super) struct Trusted;

/// What is answered to a request that came through a tunnel.
pub(super) async fn answer_trusted(server: &Server, mut request: Request) -> Response {
    request.extensions_mut().insert(Trusted);
    let (head, body) = request.into_parts();
    let (outcome, whole) = respond(server, &head, body).await;
    finish(server, &head, outcome, whole)
}

async fn serve(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    server.traffic.live().request_started(head.method.as_str(), head.uri.path());
    let (outcome, whole) = respond(&server, &head, body).await;
    finish(&server, &head, outcome, whole)
}

/// Refuses a request that its head alone disqualifies.
pub(super) async fn forbid(server: &Server, request: Request, message: &str) -> Response {
    let (head, body) = request.into_parts();
    let whole = body::discard(&head.headers, body).await;
    finish(server, &head, Err(RestProblem::forbidden(message)), whole)
}

/// The answer. Unless the request's body has come `whole`, nothing can be read behind it.
fn finish(server: &Server, head: &request::Parts, outcome: Result<RestReply, RestProblem>, whole: bool) -> Response {
    let routed = outcome.as_ref().map_or_else(|problem| problem.routed, |_| true);
    let reason = outcome.as_ref().err().and_then(RestProblem::reason);
    let note = outcome.as_ref().map_or_else(|problem| Some(problem.message.clone()), RestReply::note);
    let mut response = outcome.map_or_else(RestProblem::into_response, RestReply::into_response);
    let status = response.status().as_u16();
    match (&reason, note.as_deref()) {
        (Some(reason), Some(message)) => trace::disqualified(server, head, status, (message, reason)),
        (_, note) => trace::answered(&server.traffic, &head.method, head.uri.path(), status, note),
    }
    if reason.is_none() && head.extensions.get::<Trusted>().is_none() {
        server.refusals.passed(&EntryPoint::Rest);
    }
    if head.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    if routed && let Ok(versions) = HeaderValue::from_str(&query::VERSIONS.join(", ")) {
        response.headers_mut().insert(SUPPORTED_VERSIONS, versions);
    }
    if !whole {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(id) = head.headers.get(&CLIENT_REQUEST_ID) {
        response.headers_mut().insert(CLIENT_REQUEST_ID, id.clone());
    }
    response
}

/// What is to be answered, and whether the body has come whole.
async fn respond(server: &Server, head: &request::Parts, body: Body) -> (Result<RestReply, RestProblem>, bool) {
    let segments = match route::segments(head.uri.path()) {
        Ok(segments) => segments,
        Err(problem) => return (Err(problem), body::discard(&head.headers, body).await),
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match admit(server, head, &segments) {
        Ok(AdmittedRequest { hub, action, query }) => {
            let payload = RestPayload::read(&head.headers, body).await;
            let whole = !payload.is_unread();
            let call = operations::RestCall { head, query: &query, payload };
            (operations::carry_out(server, &hub, action, call).await, whole)
        }
        // A client that is still writing its body might never read a refusal.
        Err(problem) => (Err(problem), body::discard(&head.headers, body).await),
    }
}

/// A request whose head is as it should be.
struct AdmittedRequest<'a> {
    /// In lower case.
    hub: String,
    action: RestAction<'a>,
    query: Query,
}

fn admit<'a>(server: &Server, head: &request::Parts, segments: &[&'a str]) -> Result<AdmittedRequest<'a>, RestProblem> {
    let Some(Resource { hub, found }) = route::find(segments, &head.method) else {
        return Err(RestProblem::nowhere());
    };
    let action = match found {
        RouteMatch::Action(action) => action,
        RouteMatch::WrongMethod(allowed) => return Err(RestProblem::method_not_allowed(&head.method, &allowed)),
    };
    check_hub_name(hub).map_err(|error| RestProblem::bad_request("hub", format!("`{hub}`: {error}.")))?;
    // Hub names have no case (PROTOCOL §1.3).
    let hub = hub.to_ascii_lowercase();
    authenticate(server, head)?;
    let query = Query::parse(head.uri.query().unwrap_or_default());
    query.check_version()?;
    Ok(AdmittedRequest { hub, action, query })
}

/// PROTOCOL §2.4.
fn authenticate(server: &Server, head: &request::Parts) -> Result<(), RestProblem> {
    if head.extensions.get::<Trusted>().is_some() {
        return Ok(());
    }
    let Some(token) = bearer(&head.headers).filter(|token| !token.is_empty()) else {
        let message = "The request has no token: no Authorization header with a bearer.";
        return Err(RestProblem::unauthorized(message, Reason::NoToken));
    };
    let names = names(server, &head.headers);
    let endpoints: Vec<_> = names.iter().map(String::as_str).collect();
    let expected = RequestAudience { endpoints: &endpoints, path: head.uri.path() };
    let verified = match verify_request_token(token, &server.keys, expected, unix_now()) {
        Err(TokenError::Signature | TokenError::Algorithm) if server.allow_unvalidated_entra => {
            check_unsigned_entra_token(token, unix_now())
        }
        verified => verified,
    };
    let refused =
        |error: TokenError| RestProblem::unauthorized(format!("Unauthorized: {error}."), Reason::token(&error));
    verified.map(|_| ()).map_err(refused)
}

/// A value for a header that can hold only so many characters; others are left out.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A JSON body.
fn json(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
