//! What an HTTP answer other than 101 most likely means here, and what to do about it.

use std::time::SystemTime;

use super::token::{skew, why_not_accepted};
use super::{ConnectContext, wait_hint};
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::auth::token::{Claims, peek_claims};
use webpubsub_net::wire::{Refusal, without_query};

/// What a 407 means where no proxy was named.
pub const PROXY_CREDENTIALS: &str =
    "a proxy on the way wants credentials: `--proxy http://USER:PASSWORD@HOST:PORT` names it";

/// What is to be said about a refused handshake, the likeliest first.
pub(super) fn hints(refusal: &Refusal, place: &ConnectContext, hint: &mut impl FnMut(String)) {
    let meaning = refusal.error_code.as_deref().and_then(error_code);
    meaning.into_iter().for_each(|meaning| hint(meaning.into()));
    match refusal.status {
        200..=299 => {
            hint("that is a web server, not a Web PubSub service: a client URL is `wss://HOST/client/hubs/HUB`".into());
        }
        300..=399 => {
            let location = refusal.location.as_deref().map(|to| format!(" (to `{}`)", without_query(to))).unwrap_or_default();
            hint(format!(
                "redirects are not followed{location}, so that no token goes to another host: name the final URL"
            ));
        }
        // What nginx, Go and Kestrel answer to one who does not speak TLS, each in words of its own.
        400 if place.is_plain() => hint(
            "the service does not take the request: a port that speaks TLS answers so to `ws://`, and needs `wss://`; \
             otherwise check the hub's name, and the group names and roles in the token"
                .into(),
        ),
        400 => hint(
            "the service does not take the request: check the hub's name, and the group names and roles in the token; a \
             `connect` event handler may answer this too"
                .into(),
        ),
        401 | 403 => {
            if let Some(url) = &place.url {
                why_not_accepted(url, refusal.date, SystemTime::now()).into_iter().for_each(&mut *hint);
                if url.token().and_then(|token| peek_claims(token.expose())).is_some() {
                    hint("`wps url inspect` shows all that a token says, `wps url create` makes one".into());
                }
            }
            if refusal.status == 403 && meaning.is_none() {
                hint("a 403 may also come of the network rules of the service".into());
            }
        }
        404 => hub_hints(place.url.as_ref(), hint),
        407 => hint(PROXY_CREDENTIALS.into()),
        408 => hint("the service, or a gateway before it, waited too long for the request: try again".into()),
        413 | 414 | 431 => {
            hint("the URL is longer than the service, or a gateway before it, takes: a shorter token has fewer claims".into());
        }
        426 => hint("a gateway on the way does not pass WebSockets on: it has to let `Upgrade` through".into()),
        429 => hint(
            "too many connections: the limit of the pricing tier is reached, or connects come too fast; close some, or \
             scale the service up"
                .into(),
        ),
        500 => hint(
            "the service failed, or the hub's `connect` event handler did: it was not reached, answered 5xx, or chose a \
             subprotocol that was not offered; see its log"
                .into(),
        ),
        502 | 504 => hint(format!(
            "that is the answer of a gateway which {}: check the service behind it",
            if refusal.status == 502 { "got no valid answer from the service" } else { "waited too long for the service" }
        )),
        503 => hint("the service is overloaded, restarting or stopped: try again, or look at its state".into()),
        _ => hint("the service, or something in between, refuses for a reason of its own: its answer may say which".into()),
    }
    if !matches!(refusal.status, 401 | 403) {
        refusal.date.and_then(|served| skew(served, SystemTime::now())).into_iter().for_each(&mut *hint);
    }
    if let Some(wait) = refusal.retry_after.filter(|wait| !wait.is_zero()) {
        hint(wait_hint("service", wait, place));
    }
}

/// The path is wrong, or there is no such service; the token may know better.
fn hub_hints(url: Option<&AccessUrl>, hint: &mut impl FnMut(String)) {
    let claims: Option<Claims> = url.and_then(AccessUrl::token).and_then(|token| peek_claims(token.expose()));
    let audiences = claims.into_iter().flat_map(|claims| claims.aud);
    let of_token = audiences
        .filter_map(|aud| url::Url::parse(&aud).ok())
        .find_map(|aud| aud.path().rsplit_once("/hubs/").map(|(_, hub)| hub.to_owned()));
    match (url, of_token) {
        (Some(url), Some(hub)) if !hub.eq_ignore_ascii_case(url.hub()) => {
            hint(format!("the token is for hub `{hub}`, but the URL says `{}`", url.hub()));
        }
        (Some(url), _) => hint(format!(
            "check the hub `{}`, the host and the path: a client URL is `wss://HOST/client/hubs/HUB`",
            url.hub()
        )),
        (None, _) => hint("check the hub and the path: a client URL is `wss://HOST/client/hubs/HUB`".into()),
    }
}

/// What an error code (`x-ms-error-code`) adds to the status. Azure documents none for the client endpoint; the words they
/// are made of are those of its other services. `None` for those that say no more than the status does.
fn error_code(code: &str) -> Option<&'static str> {
    let code = code.to_ascii_lowercase();
    let known: [(&[&str], &str); 5] = [
        (&["network", "iprule", "publicaccess"], "the network rules of the service do not let this machine in"),
        (&["quota", "throttl", "toomany", "limit"], "a limit of the service is reached: wait, or scale it up"),
        (&["stopped", "disabled"], "the service, or this way of signing in, is switched off: see its settings"),
        (&["resourcenotfound", "hostnotfound"], "there is no such service: it was deleted, or never had this name"),
        (&["expired"], "the token has expired, by the service's clock"),
    ];
    known.into_iter().find(|(words, _)| words.iter().any(|word| code.contains(word))).map(|(_, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn told(status: u16, code: Option<&str>, url: &str) -> Vec<String> {
        let refusal = Refusal {
            status,
            reason: String::new(),
            retry_after: None,
            error_code: code.map(str::to_owned),
            location: None,
            date: None,
            body: String::new(),
            truncated: false,
        };
        let url = AccessUrl::parse(url).ok();
        let place = ConnectContext {
            url,
            local: false,
            connect_timeout: Duration::from_secs(30),
            longest_pause: Duration::from_secs(30),
            kept: false,
            verbose: false,
        };
        let mut told = Vec::new();
        hints(&refusal, &place, &mut |hint| told.push(hint));
        told
    }

    #[test]
    fn every_status_that_a_service_or_a_gateway_answers_is_explained() {
        for (status, part) in [
            (200, "a web server"),
            (302, "redirects are not followed"),
            (400, "the hub's name"),
            (401, "no `access_token`"),
            (403, "network rules"),
            (404, "check the hub `h`"),
            (407, "a proxy on the way"),
            (408, "try again"),
            (413, "shorter token"),
            (414, "shorter token"),
            (426, "`Upgrade`"),
            (429, "too many connections"),
            (431, "shorter token"),
            (500, "`connect` event handler"),
            (502, "no valid answer"),
            (503, "overloaded"),
            (504, "waited too long"),
        ] {
            let told = told(status, None, "wss://x.example/client/hubs/h");
            assert!(told.iter().any(|hint| hint.contains(part)), "{status}: {told:?}");
        }
    }

    #[test]
    fn a_404_for_a_hub_that_the_token_is_not_for_says_so() {
        use base64::Engine as _;
        let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let claims = part(r#"{"aud":"https://x.example/client/hubs/chat","exp":1900000000}"#);
        let url = format!("wss://x.example/client/hubs/caht?access_token={}.{claims}.c2ln", part("{}"));
        assert_eq!(told(404, None, &url), ["the token is for hub `chat`, but the URL says `caht`"]);
    }

    #[test]
    fn an_error_code_that_says_more_than_the_status_is_put_into_words() {
        for (code, part) in [
            ("Forbidden.Network", Some("network rules")),
            ("Error.QuotaExceeded", Some("a limit of the service")),
            ("Error.ServiceStopped", Some("switched off")),
            ("Error.BadRequest", None),
        ] {
            let told = told(503, Some(code), "wss://x.example/client/hubs/h");
            assert_eq!(
                told.first().filter(|hint| part.is_some_and(|part| hint.contains(part))).is_some(),
                part.is_some()
            );
        }
    }
}
