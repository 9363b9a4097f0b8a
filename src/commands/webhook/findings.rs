//! What a handler's answer means: a finding a step, with what the service would do and how to mend it.

use std::fmt::Write as _;

use anyhow::anyhow;
use http::Method;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::failure::{Failure, Kind};
use crate::options::connection::roles::doubt;
use crate::records::{Response, Status};
use crate::render::check::{self, StepResult};
use crate::render::{Printer, human};
use crate::run::explain::certificate_hint;
use webpubsub_emulator::upstream::played::{Ask, Fault, HandlerAnswer, Played};
use webpubsub_net::secret::excerpt;
use webpubsub_net::wire::{CertificateProblem, DialError, Tls};
use webpubsub_proto::hub::EventAnswer;

/// The most of a body that is shown in a line.
const SHOWN: usize = 160;

fn step(ask: &Ask) -> &'static str {
    match ask {
        Ask::Validate => "validate",
        Ask::Connect => "connect",
        Ask::Connected => "connected",
        Ask::Event(..) => "event",
        Ask::Disconnected(_) => "disconnected",
    }
}

/// A handler that was not reached because of TLS is said to be one that was not: its HTTP client knows neither the
/// certificate's fault in words nor how far a handshake has come. Returns what is wrong with the certificate.
pub fn settle_tls(tls: &Tls, played: &mut Played) -> Option<CertificateProblem> {
    let url = played.url.as_ref().filter(|url| url.scheme() == "https")?;
    match (played.fault.as_ref()?, tls.verdict()) {
        (Fault::NoAnswer(_), Some(Err(problem))) => {
            let host = url.host_str().unwrap_or_default().to_owned();
            let refused = DialError::Certificate { host, problem: problem.clone() };
            played.fault = Some(Fault::Unreached(refused.to_string()));
            Some(problem)
        }
        // It had shown no certificate by then.
        (Fault::TooSlow(limit), None) => {
            let limit = human(*limit);
            played.fault = Some(Fault::Unreached(format!("it did not take up TLS within {limit}")));
            None
        }
        _ => None,
    }
}

/// Why the service would not take the answer, with the exit code of that.
pub fn failure(ask: &Ask, played: &Played) -> Option<Failure> {
    failure_with(ask, played, None)
}

/// The same of a handler with this certificate, if there is something wrong with it.
pub fn failure_with(ask: &Ask, played: &Played, certificate: Option<&CertificateProblem>) -> Option<Failure> {
    let fault = played.fault.as_ref()?;
    let kind = match fault {
        Fault::Unreached(_) | Fault::NoTls => Kind::Unreachable,
        Fault::Unusable(_) => Kind::Usage,
        Fault::Refused(status) if matches!(status.as_u16(), 401 | 403) => Kind::HandshakeRefused,
        Fault::NoAnswer(_)
        | Fault::TooSlow(_)
        | Fault::Refused(_)
        | Fault::Status(_)
        | Fault::NoAllowedOrigin
        | Fault::OtherOrigin(_)
        | Fault::BadAnswer(_)
        | Fault::NotOffered(_) => Kind::OperationRefused,
    };
    let what = match played.url.as_ref() {
        Some(url) => format!("`{}` at `{url}`", step(ask)),
        None => format!("`{}`", step(ask)),
    };
    let failure = Failure::new(kind, anyhow!("{fault}").context(format!("the handler failed at {what}")));
    let failure = failure.hint(consequence(ask, fault, played.passing));
    let mending = certificate.map(mending_certificate).or_else(|| mending(ask, fault, played));
    Some(match mending {
        Some(hint) => failure.hint(hint),
        None => failure,
    })
}

/// What the service does then (PROTOCOL §14).
fn consequence(ask: &Ask, fault: &Fault, passing: bool) -> &'static str {
    match (ask, fault) {
        (Ask::Validate, _) => "the service would send this handler no events at all",
        (Ask::Connect, Fault::Refused(_)) => "the client would get this answer in place of its connection",
        (Ask::Connect, _) => "the client would get 500 in place of its connection",
        (Ask::Event(..), _) => {
            "a PubSub client would get the error `InternalServerError` in its ack, and a simple client be closed"
        }
        (Ask::Connected | Ask::Disconnected(_), _) if passing => {
            "the client would not notice; the service tries again, and logs it"
        }
        (Ask::Connected | Ask::Disconnected(_), _) => {
            "the client would not notice; the service does not try again, and logs it"
        }
    }
}

/// What to do about its certificate.
fn mending_certificate(problem: &CertificateProblem) -> String {
    match problem {
        CertificateProblem::WrongName { .. } => "use a host name that the certificate is for".to_owned(),
        CertificateProblem::UnknownIssuer
        | CertificateProblem::Expired { .. }
        | CertificateProblem::NotYetValid { .. }
        | CertificateProblem::Revoked
        | CertificateProblem::IsAuthority
        | CertificateProblem::Other(_) => certificate_hint(problem),
    }
}

/// What to do about it.
fn mending(ask: &Ask, fault: &Fault, played: &Played) -> Option<String> {
    let answer = played.answer.as_ref();
    let is_plain = played.url.as_ref().is_some_and(|url| url.scheme() == "http");
    let own = match fault {
        Fault::Unreached(_) => "is it running, and is this its host and port?",
        Fault::Unusable(_) => "`{event}` and `{hub}` have to make a URL of it",
        Fault::NoTls => "does the handler listen there for `http://`? TLS may be another port's",
        Fault::NoAnswer(_) if is_plain => {
            "look into its log: the connection ended, or what came is no HTTP; a port that speaks TLS needs `https://`"
        }
        Fault::NoAnswer(_) => "look into its log: the connection ended, or what came is no HTTP",
        Fault::TooSlow(_) => {
            "answer first, and do what takes long afterwards; a body parser before it, such as `express.json()`, takes the \
             body that the official middleware waits for; `--handler-timeout` waits longer"
        }
        Fault::Refused(status) if matches!(status.as_u16(), 401 | 403) => {
            "that is how a handler refuses a client: `--user`, `--claim` and `--query` make another one"
        }
        // After a 404 to OPTIONS, whatever GET was answered.
        _ if played.method == Method::GET => {
            "route OPTIONS of this path to the handler: a framework's CORS or default route may take it"
        }
        Fault::Refused(status) | Fault::Status(status) if matches!(status.as_u16(), 404 | 405) => match ask {
            Ask::Validate => {
                "route OPTIONS of this path to the handler: a framework's CORS or default route may take it"
            }
            _ => {
                "route POST of this path to the handler; the official middleware listens at `/api/webpubsub/hubs/{hub}/`"
            }
        },
        Fault::Refused(status) | Fault::Status(status) if matches!(status.as_u16(), 401 | 403) => {
            "the service brings no credentials of its own: let its requests through, and check `ce-signature` instead"
        }
        Fault::Status(status) if status.is_redirection() => "name the final URL, with or without the slash at its end",
        Fault::Status(status) if status.is_server_error() => "look into its log: it failed at the request",
        Fault::Refused(_) | Fault::Status(_) => {
            "answer 200 or 204; the body of its answer, with `-vv`, may say why not"
        }
        Fault::NoAllowedOrigin => "answer OPTIONS with the header `WebHook-Allowed-Origin: *`, or the service's host",
        Fault::OtherOrigin(_) => "it has to be `*` or hold the service's host, which `--origin` says",
        Fault::NotOffered(_) => "leave `subprotocol` out, or choose one of those in the request's `subprotocols`",
        Fault::BadAnswer(_) => match ask {
            Ask::Connect => {
                "answer 204, or 200 with an object of `userId`, `groups`, `roles` and `subprotocol`, as many as are wanted"
            }
            _ if answer.is_some_and(|answer| answer.headers.contains_key("content-type")) => {
                "say what the body is: `text/plain`, `application/json` or `application/octet-stream`; or answer 204"
            }
            _ => "answer 204 when there is nothing to say",
        },
    };
    Some(own.to_owned())
}

/// Prints a step.
pub fn print_step(printer: &mut Printer, ask: &Ask, played: &Played, failure: Option<&Failure>) {
    let mut detail = match &played.answer {
        // It is asked so only where OPTIONS was answered 404.
        Some(answer) if played.method == Method::GET => format!("OPTIONS 404, then GET {}", answered(answer)),
        Some(answer) => format!("{} {}", played.method, answered(answer)),
        None => played.method.to_string(),
    };
    if let Some(fault) = &played.fault {
        let _ = write!(detail, ": {fault}");
    } else {
        detail.push_str(&meaning(played));
    }
    let (status, hints) = match (failure, &played.left_out) {
        (Some(failure), _) => (Status::Failed, failure.hints.clone()),
        (None, Some(problem)) => {
            let _ = write!(detail, ", without some of its metadata: {problem}");
            let hint = "a key has at most 256 characters, a value 1024, of ASCII alone; all of them have 8192 together";
            (Status::Warning, vec![hint.to_owned()])
        }
        (None, None) => match doubts(ask, played) {
            none if none.is_empty() => (Status::Ok, none),
            doubts => (Status::Warning, doubts),
        },
    };
    print(printer, StepResult { step: step(ask), status, elapsed: Some(played.elapsed), detail, hints, program: None });
}

/// The keys of an answer to `connect` (PROTOCOL §14.4).
const CONNECT_KEYS: [&str; 4] = ["userId", "groups", "roles", "subprotocol"];
/// The most doubts about an answer that are told.
const MOST_DOUBTS: usize = 5;
/// The most of a name that is shown.
const SHOWN_NAME: usize = 60;

/// What of an answer that the service takes would not do what it was probably meant for.
fn doubts(ask: &Ask, played: &Played) -> Vec<String> {
    if played.fault.is_some() || !matches!(ask, Ask::Connect) {
        return Vec::new();
    }
    let body = played.answer.as_ref().map(|answer| &answer.body[..]).unwrap_or_default();
    let keys: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let mut doubts: Vec<String> = keys.keys().filter_map(|key| doubtful_key(key)).collect();
    let roles = played.changes.as_ref().and_then(|changes| changes.roles.as_deref()).unwrap_or_default();
    doubts.extend(roles.iter().filter_map(|role| doubt(role)).map(|why| format!("of its `roles`, {why}")));
    if doubts.len() > MOST_DOUBTS {
        let more = doubts.len() - MOST_DOUBTS;
        doubts.truncate(MOST_DOUBTS);
        doubts.push(format!("and {more} more of the kind"));
    }
    doubts
}

fn doubtful_key(key: &str) -> Option<String> {
    if CONNECT_KEYS.contains(&key) {
        return None;
    }
    let shown = excerpt(key, SHOWN_NAME);
    Some(match CONNECT_KEYS.into_iter().find(|known| known.eq_ignore_ascii_case(key)) {
        Some(meant) => format!("the service would not see `{shown}`: what it reads is `{meant}`"),
        None => format!("the service would not see `{shown}`: it reads `{}`", CONNECT_KEYS.join("`, `")),
    })
}

/// Prints a step that was not tried.
pub fn skip(printer: &mut Printer, ask: &Ask) {
    let detail = "the handler was not reached".to_owned();
    let step = step(ask);
    print(
        printer,
        StepResult { step, status: Status::Skipped, elapsed: None, detail, hints: Vec::new(), program: None },
    );
}

fn print(printer: &mut Printer, check: StepResult) {
    let style = printer.console().out.style;
    let lines = String::from_utf8_lossy(&check::lines(style, &check)).into_owned();
    printer.finding(&check::fields(&check), &lines);
}

fn answered(answer: &HandlerAnswer) -> String {
    let body = match std::str::from_utf8(&answer.body) {
        Ok("") => String::new(),
        Ok(text) => format!(" `{}`", excerpt(text.trim(), SHOWN)),
        Err(_) => format!(" {} bytes", answer.body.len()),
    };
    format!("{}{body}", answer.status.as_u16())
}

/// What the service makes of an answer that it takes.
fn meaning(played: &Played) -> String {
    let mut out = String::new();
    if let Some(changes) = &played.changes {
        let list = |names: &[String]| names.join(", ");
        let parts = [
            changes.user_id.as_ref().map(|user| format!("user `{user}`")),
            changes.groups.as_ref().map(|groups| format!("groups {}", list(groups))),
            changes.roles.as_ref().map(|roles| format!("roles {}", list(roles))),
            changes.subprotocol.as_ref().map(|name| format!("subprotocol `{name}`")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        out.push_str(": the client may connect");
        if !parts.is_empty() {
            let _ = write!(out, ", as {}", parts.join("; "));
        }
    }
    if let Some(reply) = &played.reply {
        out.push_str(match reply {
            EventAnswer::NoContent => ": the client gets its ack, and no message",
            _ => ": the client gets a message, then its ack",
        });
    }
    if played.state.is_some() {
        out.push_str("; it sets the state of the connection");
    }
    out
}

/// Prints the payload of an answer to an event.
pub fn answer(printer: &mut Printer, ask: &Ask, played: &Played) {
    let (Ask::Event(..), Some(answer)) = (ask, &played.answer) else { return };
    let Some(EventAnswer::Reply { data, .. }) = &played.reply else { return };
    let data = data.as_data();
    let fields = Response {
        status: Some(answer.status.as_u16()),
        data_type: Some(data.kind().name()),
        data: RawValue::from_string(data.to_json().into_owned()).ok(),
        state: played.state.as_deref(),
        ..Response::default()
    };
    let text = String::from_utf8_lossy(&answer.body);
    let line = format!("{}\n", printer.console().out.style.clean(&text));
    printer.finding(&fields, &line);
}
