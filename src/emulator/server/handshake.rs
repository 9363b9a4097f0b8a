//! The client endpoint: which requests become WebSockets, of which hub, as whom (PROTOCOL §1, §2, §3).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::any;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use hyper::upgrade::OnUpgrade;

use super::carrier::{BaseStream, upgraded};
use super::hubs::HubSocket;
use super::pages::AllowedPages;
use super::refusals::{EntryPoint, Reason};
use super::request::{Query, names};
use super::trace::SHOWN_PATH;
use super::upgrade::{UpgradeRefusal, accept_key, has_token, known_hub, respond, switching, token_of};
use super::{Server, livetrace, rest, socket, tunnel, unix_now};
use crate::upstream::{Admission, Changes, ConnectRequest, PeerIdentity, Upstream};
use webpubsub_net::auth::token::{Audience, Claims, claims_text, verify_client_token};
use webpubsub_net::secret::excerpt;
use webpubsub_proto::hub::{ClientKind, Fresh, Open, SimpleMode, negotiate};
use webpubsub_proto::{Subprotocol, check_group_name, check_hub_name};

/// The routes of the service.
pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/client/hubs/{hub}", any(client_by_path))
        .route("/client/hubs/{hub}/", any(client_by_path))
        .route("/client", any(client_by_query))
        .route("/client/", any(client_by_query))
        .route(tunnel::PATH, any(tunnel::serve))
        .route("/livetrace", any(livetrace::connect))
        .merge(rest::router())
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(Arc::clone(&server), AllowedPages::keep_out))
        .with_state(server)
}

async fn client_by_path(State(server): State<Arc<Server>>, Path(hub): Path<String>, request: Request) -> Response {
    client(&server, Some(hub), request).await
}

async fn client_by_query(State(server): State<Arc<Server>>, request: Request) -> Response {
    client(&server, None, request).await
}

async fn client(server: &Arc<Server>, hub: Option<String>, request: Request) -> Response {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let hub = hub.or_else(|| query.get("hub").map(str::to_owned));
    let place = EntryPoint::Client(known_hub(hub.as_deref()));
    // Who recovers shows no token.
    let recovers = query.get("awps_connection_id").is_some();
    match connect(server, hub, query, request).await {
        Ok(response) => {
            if !recovers {
                server.refusals.passed(&place);
            }
            response
        }
        Err(refusal) => refusal.into_response(server, &place),
    }
}

async fn nothing(State(server): State<Arc<Server>>, request: Request) -> Response {
    let message = "There is nothing here. Clients connect to /client/hubs/{hub}.";
    // Who looks around in a browser sees it; a client may only say that it was not connected.
    if has_token(request.headers(), &header::UPGRADE, "websocket") {
        let path = excerpt(request.uri().path(), SHOWN_PATH);
        let told = format!("a client asked for `{path}` and was refused: 404: {message}");
        server.refusals.refused(&EntryPoint::Any, &Reason::request(&told), &told);
    }
    respond(StatusCode::NOT_FOUND, message)
}

/// Checks everything a request has to have, asks the event handler, opens the connection and answers 101.
async fn connect(
    server: &Arc<Server>,
    hub: Option<String>,
    query: Query,
    mut request: Request,
) -> Result<Response, UpgradeRefusal> {
    let accept = accept_key(&request)?;
    let hub = hub.ok_or_else(|| UpgradeRefusal::bad_request("The request names no hub."))?;
    check_hub_name(&hub).map_err(|error| UpgradeRefusal::bad_request(format!("`{hub}`: {error}.")))?;
    // Hub names have no case (PROTOCOL §1.3).
    let hub = hub.to_ascii_lowercase();
    let offers = offers(request.headers());
    let known = negotiate(offers.iter().map(String::as_str)).map(|(_, offered)| offered.to_owned());
    let (open, claims) = match query.get("awps_connection_id") {
        // Nothing else is looked at, no token either (PROTOCOL §7.2).
        Some(id) => {
            let reconnection_token = query.get("awps_reconnection_token").unwrap_or_default().to_owned();
            (Open::Recover { connection_id: id.to_owned(), reconnection_token }, None)
        }
        None => {
            let claims = authenticate(server, &hub, &query, request.headers())?;
            (Open::Fresh(describe(&query, known.as_deref(), claims.clone())?), Some(claims))
        }
    };
    let token = token_of(&query, request.headers());
    // A service that fails asks nobody.
    let expires = server.faults.handshake(&server.hubs, &hub, &open, token).await?;
    let (opening, chosen) = match (claims, &server.upstream) {
        (Some(claims), Some(upstream)) => {
            ask(server, upstream, &hub, &query, request.headers(), offers, claims).await?
        }
        _ => (Opening::Known(open), known),
    };
    let mut response = switching(accept);
    if let Some(value) = chosen.and_then(|offered| HeaderValue::from_str(&offered).ok()) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, value);
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let fresh = match &opening {
        Opening::Known(open) => matches!(open, Open::Fresh(_)),
        Opening::Admitted(..) => true,
    };
    // Before the answer: whoever reads it may at once send to the connection, or ask for it, by another.
    let socket = match opening {
        Opening::Known(open) => server.hubs.open(&hub, open, expires),
        Opening::Admitted(fresh, admission, identity) => {
            admission.begin(identity, || server.hubs.open(&hub, Open::Fresh(fresh), expires))
        }
    };
    let socket = socket
        .ok_or_else(|| UpgradeRefusal::on_purpose(StatusCode::SERVICE_UNAVAILABLE, "The service is going away."))?;
    server.spawn_socket(serve(socket, fresh, upgrade));
    Ok(response)
}

/// What is to be opened.
enum Opening {
    /// Everything is decided.
    Known(Open),
    /// The same, and an event handler has to hear of the connection's end.
    Admitted(Fresh, Admission, PeerIdentity),
}

/// Asks the handler of `connect`, if there is one, and applies its answer (PROTOCOL §1.5, §14.4). Gives the subprotocol,
/// in the spelling offered, with it.
async fn ask(
    server: &Server,
    upstream: &Arc<Upstream>,
    hub: &str,
    query: &Query,
    headers: &HeaderMap,
    offers: Vec<String>,
    mut claims: Claims,
) -> Result<(Opening, Option<String>), UpgradeRefusal> {
    let connection_id = server.hubs.draw_connection_id();
    let request = ConnectRequest {
        hub: hub.to_owned(),
        connection_id: connection_id.clone(),
        claims: token_of(query, headers).and_then(claims_text),
        query: query.pairs().to_vec(),
        headers: headers.clone(),
        offers: offers.clone(),
        user: claims.sub.clone(),
    };
    let mut admission = upstream.connect(request).await.map_err(UpgradeRefusal::of_handler)?;
    let Changes { user_id, groups, roles, subprotocol } = std::mem::take(&mut admission.changes);
    claims.sub = user_id.or(claims.sub);
    claims.groups = groups.unwrap_or(claims.groups);
    claims.roles = roles.unwrap_or(claims.roles);
    let chosen = match subprotocol {
        // It was offered, perhaps in another case.
        Some(chosen) => offers.into_iter().find(|offer| offer.eq_ignore_ascii_case(&chosen)),
        None => negotiate(offers.iter().map(String::as_str)).map(|(_, offered)| offered.to_owned()),
    };
    let fresh = Fresh { connection_id: Some(connection_id), ..describe(query, chosen.as_deref(), claims)? };
    let simple = matches!(fresh.client, ClientKind::Simple(_));
    let identity = PeerIdentity { user: fresh.user.clone(), subprotocol: chosen.clone(), simple };
    Ok((Opening::Admitted(fresh, admission, identity), chosen))
}

/// The subprotocols that a client offers, in their order.
fn offers(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let offers = values.flat_map(|value| value.split(',')).map(str::trim).filter(|offer| !offer.is_empty());
    offers.map(str::to_owned).collect()
}

/// Serves the WebSocket of a connection, a `fresh` one or one that recovers, once the 101 is written.
async fn serve(socket: HubSocket, fresh: bool, upgrade: OnUpgrade) {
    match upgraded(upgrade).await {
        Some((BaseStream::Tcp(stream), read)) => socket::serve(stream, &read, socket).await,
        // Apart, so that the tasks of the others are no larger for it.
        Some((BaseStream::Tls(stream), read)) => Box::pin(socket::serve(stream, &read, socket)).await,
        None => socket.unanswered(fresh),
    }
}

/// Checks the token, from the query or else from the `Authorization` header (PROTOCOL §1.2).
fn authenticate(server: &Server, hub: &str, query: &Query, headers: &HeaderMap) -> Result<Claims, UpgradeRefusal> {
    let Some(token) = token_of(query, headers) else {
        if server.allow_anonymous {
            return Ok(Claims::default());
        }
        return Err(UpgradeRefusal::no_token());
    };
    let endpoints = names(server, headers);
    let endpoints: Vec<_> = endpoints.iter().map(String::as_str).collect();
    verify_client_token(token, &server.keys, Audience { endpoints: &endpoints, hub }, unix_now())
        .map_err(|error| UpgradeRefusal::bad_token(&error))
}

/// The connection that token and query describe.
fn describe(query: &Query, subprotocol: Option<&str>, claims: Claims) -> Result<Fresh, UpgradeRefusal> {
    for group in &claims.groups {
        check_group_name(group)
            .map_err(|error| UpgradeRefusal::bad_request(format!("The token's groups: {error}.")))?;
    }
    // It is looked at of every client, as by the official emulator, and is of use to simple ones only.
    let mode = simple_mode(query)?;
    let client = match subprotocol.and_then(Subprotocol::from_name) {
        Some(subprotocol) => ClientKind::PubSub(subprotocol),
        None => ClientKind::Simple(mode),
    };
    Ok(Fresh { connection_id: None, client, user: claims.sub, roles: claims.roles, groups: claims.groups })
}

/// PROTOCOL §3, upstream.
fn simple_mode(query: &Query) -> Result<SimpleMode, UpgradeRefusal> {
    match query.get("webpubsub_mode") {
        None | Some("") => Ok(SimpleMode::SendEvent),
        Some(mode) if mode.eq_ignore_ascii_case("sendEvent") => Ok(SimpleMode::SendEvent),
        Some(mode) if mode.eq_ignore_ascii_case("sendToGroup") => {
            let group = query.get("group").unwrap_or_default();
            check_group_name(group).map_err(|error| {
                UpgradeRefusal::bad_request(format!("Mode sendToGroup, parameter `group`: {error}."))
            })?;
            let no_echo = match query.get("noEcho").unwrap_or_default() {
                "" => false,
                value if value.eq_ignore_ascii_case("true") => true,
                value if value.eq_ignore_ascii_case("false") => false,
                _ => return Err(UpgradeRefusal::bad_request("The parameter `noEcho` is neither `true` nor `false`.")),
            };
            Ok(SimpleMode::SendToGroup { group: group.into(), no_echo })
        }
        Some(_) => Err(UpgradeRefusal::bad_request("The webpubsub_mode is neither sendEvent nor sendToGroup.")),
    }
}
