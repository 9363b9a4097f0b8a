//! From what happened to what a person is told: the error, its cause, and what to do about it.

mod body;
mod network;
mod refusal;
mod token;

pub use network::certificate_hint;
pub use refusal::PROXY_CREDENTIALS;
pub use token::skew;

use std::time::Duration;

use anyhow::anyhow;

use crate::failure::{Failure, Kind};
use crate::render::{TOLD, human, nack};
use webpubsub_client::driver::{CurrentUrl, DialedError};
use webpubsub_client::event::{InvokeOutcome, Invoked};
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::auth::inspection::{Verb, granting, is_among_too_many};
use webpubsub_net::auth::token::{Claims, peek_claims};
use webpubsub_net::secret::excerpt;
use webpubsub_net::wire::{DialError, Refusal};
use webpubsub_proto::Subprotocol;
use webpubsub_proto::session::{EndKind, OperationKind, Outcome, OutcomeCause};

/// What is known about where and as whom the command connects.
#[derive(Clone, Debug)]
pub struct ConnectContext {
    /// The URL of the last attempt.
    pub url: Option<AccessUrl>,
    /// Whether it is the emulator on this machine.
    pub local: bool,
    /// `--connect-timeout`.
    pub connect_timeout: Duration,
    /// `--reconnect-max-delay`: longer nobody waits before another attempt.
    pub longest_pause: Duration,
    /// Whether the connection outlives the run (`--session`).
    pub kept: bool,
    /// Whether all is shown of what was answered (`-v`).
    pub verbose: bool,
}

impl ConnectContext {
    /// The same, at the URL that the client has come to.
    pub fn at(&self, url: &CurrentUrl) -> Self {
        Self { url: url.get().or_else(|| self.url.clone()), ..self.clone() }
    }

    /// Whether it is asked without TLS, and not by `--local`.
    fn is_plain(&self) -> bool {
        !self.local && self.url.as_ref().is_some_and(|url| !url.is_secure())
    }

    fn name(&self) -> String {
        match &self.url {
            Some(url) => format!("hub `{}` at `{}`", url.hub(), url.authority()),
            None => "the service".into(),
        }
    }

    pub fn claims(&self) -> Option<Claims> {
        self.url.as_ref().and_then(AccessUrl::token).and_then(|token| peek_claims(token.expose()))
    }
}

/// What a failure came from, in a line: its causes, without the general words before them.
pub fn causes(failure: &Failure) -> String {
    let words: Vec<String> = failure.error.chain().map(ToString::to_string).collect();
    let skipped = usize::from(words.len() > 1);
    words[skipped..].join(": ")
}

/// Why a session ended by itself.
pub fn session_failure(kind: EndKind, message: &str, dialed: Option<&DialedError>, place: &ConnectContext) -> Failure {
    let exit = match kind {
        EndKind::Unreachable | EndKind::NotGreeted => Kind::Unreachable,
        EndKind::Unauthorized => Kind::Unauthorized,
        EndKind::HandshakeRefused => Kind::HandshakeRefused,
        EndKind::Protocol => Kind::Protocol,
        EndKind::Lost => Kind::Lost,
        EndKind::Configuration => Kind::Config,
    };
    let what = match kind {
        EndKind::Lost => format!("the connection to {} was lost and not regained", place.name()),
        EndKind::Configuration => "the connection could not be set up".into(),
        EndKind::Unauthorized | EndKind::HandshakeRefused => {
            format!("{} refused the connection", place.name())
        }
        EndKind::Unreachable | EndKind::NotGreeted | EndKind::Protocol => {
            format!("could not connect to {}", place.name())
        }
    };
    let failure = |error: anyhow::Error| Failure::new(exit, error.context(what));
    // The service's own words are among these.
    let message = excerpt(message, 2 * TOLD);
    let error = match dialed {
        Some(DialedError::Dial(error)) => error,
        Some(DialedError::NoUrl) => return failure(anyhow!("{message}")).hint(URL_COMMAND_HINT),
        Some(DialedError::Provider { hints }) => {
            let mut failure = failure(anyhow!("{message}"));
            failure.hints.clone_from(hints);
            return failure;
        }
        Some(DialedError::UrlTimeout) => return failure(anyhow!("{message}")).hint(url_command_timeout_hint(place)),
        Some(DialedError::FileTimeout) => return failure(anyhow!("{message}")).hint(file_hint(place)),
        Some(DialedError::Timeout) => return failure(anyhow!("{message}")).hint(timeout_hint(place)),
        None if kind == EndKind::NotGreeted => return failure(anyhow!("{message}")).hint(timeout_hint(place)),
        None => return failure(anyhow!("{message}")),
    };
    let cause = match error.answer() {
        Some(refusal) => {
            let cause = refusal_error(&error.to_string(), refusal, place.verbose);
            match refusal.retry_after.filter(|wait| is_passing(refusal.status) && *wait > place.longest_pause) {
                Some(wait) => cause.context(too_long(error, wait, place.longest_pause)),
                None => cause,
            }
        }
        None => anyhow!("{message}"),
    };
    let mut failure = failure(cause);
    failure.hints = dial_hints(error, place);
    failure
}

/// Whether another attempt would be made, were it not for the time that is asked for.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

fn too_long(error: &DialError, wait: Duration, longest: Duration) -> String {
    let who = if matches!(error, DialError::Proxy(_)) { "proxy" } else { "service" };
    let (wait, longest) = (wait.as_secs_f64(), longest.as_secs_f64());
    format!("the {who} asks to wait {wait} s, more than `--reconnect-max-delay` ({longest} s)")
}

/// How long the other end asks to wait, and what to do about it.
fn wait_hint(who: &str, wait: Duration, place: &ConnectContext) -> String {
    let asks = format!("the {who} asks to wait {} before the next attempt", human(wait));
    if wait > place.longest_pause { format!("{asks}; a longer `--reconnect-max-delay` waits for it") } else { asks }
}

/// What to do about a file whose end did not come.
fn file_hint(place: &ConnectContext) -> String {
    let limit = human(place.connect_timeout);
    format!("the limit is {limit} (`--connect-timeout`); what a pipe gives has to be written, and the pipe closed")
}

pub fn timeout_hint(place: &ConnectContext) -> String {
    let limit = human(place.connect_timeout);
    format!("the limit is {limit} (`--connect-timeout`); check the host, the port and what is between here and there")
}

const URL_COMMAND_HINT: &str =
    "run the command by hand: its stdout has to be a client access URL, or a JSON object with a `url` field";

fn url_command_timeout_hint(place: &ConnectContext) -> String {
    let limit = human(place.connect_timeout);
    format!("the limit is {limit} (`--connect-timeout`), for what brings the URL and the connection together")
}

/// The status line and, as its cause, the body, or a line of it.
fn refusal_error(message: &str, refusal: &Refusal, verbose: bool) -> anyhow::Error {
    let code = refusal.error_code.as_deref().map(|code| format!(" (`{code}`)")).unwrap_or_default();
    match body::shown(refusal, verbose) {
        Some(body) => anyhow!("it answered: {body}").context(format!("{message}{code}")),
        None => anyhow!("{message}{code}"),
    }
}

/// A file with certificates, or the platform's own, cannot be used.
pub fn file_failure(error: DialError) -> Failure {
    let hint =
        if let DialError::PemFile { path, problem } = &error { Some(network::pem_hint(path, problem)) } else { None };
    let failure = Failure::new(Kind::Config, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

pub fn dial_hints(error: &DialError, place: &ConnectContext) -> Vec<String> {
    let mut hints = Vec::new();
    let mut hint = |text: String| hints.push(text);
    match error {
        DialError::Connect { .. } if place.local => {
            hint("start an emulator with `wps emulator`, or name the service with `--url`".into());
        }
        DialError::Connect { .. } if error.nothing_listens() => {
            hint("nothing listens there: check the host and the port".into());
        }
        DialError::Connect { .. } => hint("check the host, the port and the network in between".into()),
        DialError::Resolve { host, .. } => {
            hint(format!("check the spelling of `{host}` and the name resolution of this machine"));
        }
        DialError::Proxy(error) => {
            network::proxy_hints(error, &mut hint);
            if let Some(wait) = error.refusal().and_then(|refusal| refusal.retry_after) {
                hint(wait_hint("proxy", wait, place));
            }
        }
        DialError::Certificate { problem, .. } => hint(network::certificate_hint(problem)),
        DialError::ClientCertificate { given, .. } => hint(network::client_certificate_hint(*given).into()),
        DialError::Tls { alert: Some(_), .. } => {
            hint("is the host name one that the server knows? of TLS, wps speaks the versions 1.2 and 1.3".into());
        }
        DialError::Tls { .. } => {
            hint("does the port speak TLS? `ws://` is without, `wss://` with it".into());
        }
        DialError::Refused(refusal) => refusal::hints(refusal, place, &mut hint),
        DialError::NoSubprotocol { offered } | DialError::WrongSubprotocol { offered, .. } => {
            let other = match Subprotocol::from_name(offered) {
                Some(Subprotocol::JsonReliable) => "`--protocol json` asks for the subprotocol without recovery",
                Some(Subprotocol::Json) | None => "`--protocol json-reliable` asks for the subprotocol with recovery",
                Some(Subprotocol::Protobuf | Subprotocol::ProtobufReliable) => {
                    "`--protocol json-reliable` asks for the subprotocol that every service speaks"
                }
            };
            hint(format!("does the URL name a Web PubSub hub? {other}"));
        }
        DialError::NotHttp { .. } => {
            hint("check host and port, and whether it is `ws://` or `wss://` that the service speaks there".into());
        }
        DialError::ClosedEarly { .. } if place.is_plain() => {
            hint("check that the URL names a Web PubSub service; a port that speaks TLS needs `wss://`".into());
        }
        DialError::BadHandshake { .. } | DialError::ClosedEarly { .. } => {
            hint("check that the URL names a Web PubSub service, not something else on that port".into());
        }
        DialError::PemFile { path, problem } => hint(network::pem_hint(path, problem)),
        DialError::TlsSetup { .. } => hint("`--ca-cert FILE` brings root certificates of your own".into()),
        DialError::BadTarget { .. } => hint("check the URL".into()),
    }
    hints
}

/// What an operation was, in words.
fn operation(kind: OperationKind, target: &str) -> String {
    match kind {
        OperationKind::JoinGroup => format!("join `{target}`"),
        OperationKind::LeaveGroup => format!("leave `{target}`"),
        OperationKind::SendToGroup => format!("send to `{target}`"),
        OperationKind::Event => format!("take the event `{target}`"),
        OperationKind::SetGroupState => format!("set the state in `{target}`"),
        OperationKind::SubscribeGroupState => format!("tell the states of `{target}`"),
        OperationKind::UnsubscribeGroupState => format!("tell the states of `{target}` no more"),
    }
}

/// What became of an operation, when that is a failure of its own. `None` when it went well; an operation that was never
/// sent fails as the session did, see [`session_failure`].
pub fn operation_failure(
    kind: OperationKind,
    target: &str,
    outcome: &Outcome,
    patience: Duration,
    place: &ConnectContext,
) -> Option<Failure> {
    let what = operation(kind, target);
    Some(match outcome {
        Outcome::Acked { .. } | Outcome::Sent | Outcome::AlreadyJoined | Outcome::NotSent { .. } => return None,
        Outcome::Refused { error, attempts, ack_id, .. } => {
            let times = if *attempts > 1 { format!(" {attempts} times (ackId {ack_id})") } else { String::new() };
            let failure = Failure::new(
                Kind::OperationRefused,
                anyhow!("{}", nack(error)).context(format!("the service refused{times} to {what}")),
            );
            match error.name.as_str() {
                "Forbidden" if kind != OperationKind::Event => failure.hint(role_hint(kind, Some(target), place)),
                "InternalServerError" if kind == OperationKind::Event => {
                    failure.hint("the hub's event handler failed, or there is none for this event")
                }
                _ => failure,
            }
        }
        Outcome::NotAcknowledged { ack_id, attempts } => Failure::message(
            Kind::OperationUnknown,
            match attempts {
                1 => format!("no ack within {} of the attempt to {what} (ackId {ack_id})", human(patience)),
                _ => {
                    format!("no ack within {} each of {attempts} attempts to {what} (ackId {ack_id})", human(patience))
                }
            },
        )
        .hint("it may have been carried out all the same; `--ack-timeout` says how long each attempt waits")
        .hint(again(*ack_id, place)),
        Outcome::Unknown { ack_id, cause } => unknown(kind, &what, *ack_id, cause, place),
        Outcome::IdInUse { ack_id } => {
            Failure::message(Kind::Usage, format!("ackId {ack_id} was used for another operation of this connection"))
        }
    })
}

/// What became of an invocation, when that is a failure of its own. `None` when it was answered; one that was never sent
/// fails as the session did, unless its own time was over.
pub fn invocation_failure(invoked: &Invoked) -> Option<Failure> {
    let Invoked { event, invocation_id, outcome, elapsed, .. } = invoked;
    let event = format!("`{event}`");
    let id = invocation_id.as_deref().map(|id| format!(" (invocationId `{}`)", excerpt(id, TOLD))).unwrap_or_default();
    let perhaps =
        |what: String| Failure::message(Kind::OperationUnknown, format!("{what}{id}: it may have been carried out"));
    Some(match outcome {
        InvokeOutcome::Answered { .. } => return None,
        InvokeOutcome::NotSent { cause: OutcomeCause::TimedOut } => Failure::message(
            Kind::OperationUnknown,
            format!("there was no connection in time to invoke {event}: it was not sent"),
        ),
        InvokeOutcome::NotSent { .. } => return None,
        InvokeOutcome::Refused { error } => {
            let failure = Failure::new(
                Kind::OperationRefused,
                anyhow!("{}", nack(error)).context(format!("the invocation of {event} failed")),
            );
            match error.name.as_str() {
                "InternalServerError" => {
                    failure.hint("the hub's event handler failed, or there is none for this event")
                }
                _ => failure,
            }
        }
        InvokeOutcome::NotUnderstood { reason } => Failure::new(
            Kind::Protocol,
            anyhow!("{}", excerpt(reason, TOLD))
                .context(format!("{event} was answered, and the answer is not understood")),
        ),
        InvokeOutcome::TimedOut => perhaps(format!("no answer to {event} within {}", human(*elapsed))),
        InvokeOutcome::Cancelled => perhaps(format!("the invocation of {event} was called off before its answer")),
        InvokeOutcome::Unknown { cause } => {
            let told = format!("the answer to {event}{id} is lost: it may have been carried out");
            let reason = cause.to_string();
            let failure = Failure::new(Kind::OperationUnknown, anyhow!("{}", excerpt(&reason, 2 * TOLD)).context(told));
            match cause {
                OutcomeCause::Killed { bytes, .. } => failure.hint(hung_up("this", *bytes)),
                // Whoever has ended the run knows.
                OutcomeCause::Stopped => failure,
                OutcomeCause::Ended
                | OutcomeCause::Failed(_)
                | OutcomeCause::Withdrawn
                | OutcomeCause::ConnectionLost(_)
                | OutcomeCause::EarlierLost
                | OutcomeCause::TimedOut
                | OutcomeCause::Cancelled
                | OutcomeCause::Forgotten => failure.hint(
                    "`--on-unknown resend` invokes again under a new id, at the risk that it is carried out twice; the \
                     service does not recognise invocations",
                ),
            }
        }
        InvokeOutcome::IdInUse => Failure::message(
            Kind::Usage,
            format!("the id of the invocation of {event} is that of another whose answer may still come"),
        ),
    })
}

/// How the same can be asked again in another run (PROTOCOL §6).
fn again(ack_id: u64, place: &ConnectContext) -> String {
    if place.kept {
        "run the same command again with the same `--session` file: it goes on under the same ackId, and the service \
         carries it out once"
            .to_owned()
    } else {
        format!(
            "the service knows ackId {ack_id} again only on the same connection: `--session FILE` would let another run \
             repeat it safely"
        )
    }
}

/// What it means that nobody can know what became of an operation (PROTOCOL §19.7).
fn unknown(kind: OperationKind, what: &str, ack_id: u64, cause: &OutcomeCause, place: &ConnectContext) -> Failure {
    let told = format!("no ack came before the end: whether the service did {what} (ackId {ack_id}) is not known");
    let reason = cause.to_string();
    let failure = Failure::new(Kind::OperationUnknown, anyhow!("{}", excerpt(&reason, 2 * TOLD)).context(told));
    let is_open = match cause {
        // Whoever sends it again loses one more connection.
        OutcomeCause::Killed { bytes, .. } => return failure.hint(hung_up("this", *bytes)),
        // The connection is still there for another run.
        OutcomeCause::Stopped => place.kept,
        OutcomeCause::Ended
        | OutcomeCause::Failed(_)
        | OutcomeCause::Withdrawn
        | OutcomeCause::ConnectionLost(_)
        | OutcomeCause::EarlierLost
        | OutcomeCause::TimedOut
        | OutcomeCause::Cancelled
        | OutcomeCause::Forgotten => false,
    };
    match kind {
        OperationKind::JoinGroup | OperationKind::LeaveGroup => failure.hint("joining and leaving can be repeated safely"),
        OperationKind::SetGroupState
        | OperationKind::SubscribeGroupState
        | OperationKind::UnsubscribeGroupState => failure.hint("it can be repeated safely"),
        OperationKind::SendToGroup | OperationKind::Event if is_open => failure.hint(again(ack_id, place)),
        // On this connection or the next; and perhaps the service only no longer knows that it did it.
        OperationKind::SendToGroup | OperationKind::Event if place.kept => failure.hint(format!(
            "`--on-unknown resend` sends it again under ackId {ack_id}, at the risk of doubling it; under another \
             ackId, or without `--ack-id`, it is a new message"
        )),
        OperationKind::SendToGroup | OperationKind::Event => failure.hint(format!(
            "`--on-unknown resend` sends it again on the next connection, at the risk of doubling it; the service knows \
             ackId {ack_id} again only on the same connection, so another run with `--ack-id {ack_id}` is safe only with `--session FILE`, while that connection lasts"
        )),
    }
}

/// What is known of something that one connection after the other was lost under.
pub fn hung_up(what: &str, bytes: usize) -> String {
    format!(
        "the service, or something on the way to it, hung up each time {what} was sent, a frame of {bytes} bytes: its \
         size or its content may be what is not taken there; `-vv` shows the frames"
    )
}

/// The most roles of a token that are named.
const NAMED_ROLES: usize = 20;

/// The role that is missing and those the token has (PROTOCOL §11). Without a `target`: for a group of no matter.
pub fn role_hint(kind: OperationKind, target: Option<&str>, place: &ConnectContext) -> String {
    let verb = verb(kind);
    let role = verb.role();
    let claims = place.claims();
    let literal = target.map(|target| format!("{role}.{target}"));
    if let Some(granted) = claims.as_ref().and_then(|claims| granting(&claims.roles, verb, target)) {
        let roles = claims.as_ref().map_or(&[][..], |claims| &claims.roles);
        let too_many = if is_among_too_many(granted, roles) {
            "; or it never counted: the service takes 1,000 roles for single groups and 10 patterns, and the token has more"
        } else {
            ""
        };
        if verb.is_about_states() {
            return format!(
                "the token has `{granted}`, which allows it to members of the group only: the connection is not in it, or \
                 the role was taken away by the hub's `connect` event handler{too_many}"
            );
        }
        return format!(
            "the token has `{granted}`, which allows it: the role was taken away, by the hub's `connect` event handler or \
             over REST{too_many}"
        );
    }
    let token = place.url.as_ref().map(AccessUrl::token);
    let has = match (claims, token) {
        (Some(claims), _) if claims.roles.is_empty() => "the token has no roles".to_owned(),
        (Some(claims), _) => {
            let named: Vec<String> = claims.roles.iter().take(NAMED_ROLES).map(|role| format!("`{role}`")).collect();
            let more = match claims.roles.len().saturating_sub(NAMED_ROLES) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("the token has {}{more}", named.join(", "))
        }
        (None, Some(None)) => "the URL has no token, and anonymous clients have no roles".to_owned(),
        (None, Some(Some(_)) | None) => "which roles the token has cannot be read".to_owned(),
    };
    let either = match (literal, target) {
        (_, Some(target)) if verb.is_about_states() => {
            format!(", alone or with a dot and a pattern that `{target}` matches,")
        }
        (literal, _) => literal.map(|literal| format!(" or `{literal}`")).unwrap_or_default(),
    };
    format!("the role `{role}`{either} is missing; {has}")
}

/// Whether the token has a role that allows an operation of that kind in that group.
pub fn has_role(kind: OperationKind, group: &str, place: &ConnectContext) -> bool {
    place.claims().is_some_and(|claims| granting(&claims.roles, verb(kind), Some(group)).is_some())
}

/// What a role has to allow for an operation of that kind.
fn verb(kind: OperationKind) -> Verb {
    match kind {
        OperationKind::JoinGroup | OperationKind::LeaveGroup => Verb::JoinLeave,
        OperationKind::SendToGroup | OperationKind::Event => Verb::Send,
        OperationKind::SetGroupState => Verb::SetState,
        OperationKind::SubscribeGroupState | OperationKind::UnsubscribeGroupState => Verb::GetStates,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn hint(token: Option<&str>) -> String {
        let token = token.map(|token| format!("?access_token={token}")).unwrap_or_default();
        let url = AccessUrl::parse(&format!("ws://h/client/hubs/chat{token}")).ok();
        let place = ConnectContext {
            url,
            local: false,
            connect_timeout: Duration::from_secs(30),
            kept: false,
            longest_pause: Duration::ZERO,
            verbose: false,
        };
        role_hint(OperationKind::SendToGroup, Some("g1"), &place)
    }

    fn token(claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", part(r#"{"alg":"HS256"}"#), part(claims))
    }

    #[test]
    fn what_is_said_of_roles_follows_from_what_is_known_of_them() {
        let roles = |count: usize| {
            let roles: Vec<String> = (0..count).map(|number| format!("\"webpubsub.sendToGroup.g{number}\"")).collect();
            token(&format!(r#"{{"role":[{}]}}"#, roles.join(",")))
        };
        let (few, many) = (hint(Some(&roles(1000))), hint(Some(&roles(1001))));
        assert!(few.contains("was taken away") && !few.contains("never counted"), "{few}");
        assert!(
            many.contains("was taken away") && many.contains("or it never counted: the service takes 1,000"),
            "{many}"
        );
        let other = hint(Some(&token(r#"{"role":"webpubsub.sendToGroup.other"}"#)));
        assert!(other.ends_with("is missing; the token has `webpubsub.sendToGroup.other`"), "{other}");
        let others: Vec<String> = (0..30).map(|number| format!("\"webpubsub.sendToGroup.o{number}\"")).collect();
        let others = hint(Some(&token(&format!(r#"{{"role":[{}]}}"#, others.join(",")))));
        assert!(others.ends_with("`webpubsub.sendToGroup.o19` and 10 more"), "{others}");
        assert!(hint(None).ends_with("the URL has no token, and anonymous clients have no roles"));
        assert!(hint(Some(&token(r#"{"sub":42}"#))).ends_with("which roles the token has cannot be read"));
    }
}
