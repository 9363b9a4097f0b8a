//! What a token itself says about why the service did not accept it (PROTOCOL §1.2, §2.3).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::render::human;
use webpubsub_net::auth::access_url::AccessUrl;
use webpubsub_net::auth::inspection::{TokenReadError, unreadable};
use webpubsub_net::auth::token::{Audience, CLOCK_SKEW_SECS, Claims, peek_claims};

/// Clocks that differ by less are no explanation: answers take time, and `Date` has whole seconds.
const NOTABLE_SKEW: Duration = Duration::from_secs(60);

/// Where the token says nothing that is wrong, two causes are left, of which neither can be seen from here.
const NOTHING_SEEN: &str = "the token itself looks right: either it was signed with another key than this \
                            service has (an old one?), or the hub's `connect` event handler refuses the client";

/// The reasons that can be seen from here, the likeliest first; one that says where to look when none can be seen.
/// `served` is the service's clock, from the `Date` of its answer.
pub(super) fn why_not_accepted(url: &AccessUrl, served: Option<SystemTime>, now: SystemTime) -> Vec<String> {
    let Some(token) = url.token() else {
        return vec![
            "the URL has no `access_token`: get a client access URL from your server, or use `--connection-string`"
                .into(),
        ];
    };
    let unreadable = unreadable(token.expose()).map(|problem| match problem {
        TokenReadError::NoToken(problem) => {
            format!("the `access_token` is not a token at all ({problem}): copy the URL whole, quoted")
        }
        TokenReadError::Malformed(problem) => format!("the token is malformed: {problem}"),
    });
    if let Some(problem) = unreadable {
        return vec![problem];
    }
    // What can be read can be peeked into.
    let claims = peek_claims(token.expose()).unwrap_or_default();
    let mut reasons = times(&claims, served.unwrap_or(now), now);
    reasons.extend(audience(&claims, url));
    if reasons.is_empty() {
        reasons.push(NOTHING_SEEN.into());
    }
    reasons.extend(served.and_then(|served| skew(served, now)));
    reasons
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The times of the token against the service's clock, which is the one that counts.
fn times(claims: &Claims, clock: SystemTime, now: SystemTime) -> Vec<String> {
    let (clock, now) = (unix(clock), unix(now));
    let mut reasons = Vec::new();
    match claims.exp {
        None => reasons.push("the token has no `exp`, which the service requires".into()),
        Some(exp) if exp <= clock => {
            let ago = human(Duration::from_secs(clock - exp));
            // Where only the service's clock says so, another token would be no better.
            reasons.push(if exp > now {
                format!("by the service's clock the token expired {ago} ago: set the clock of this machine")
            } else {
                format!("the token expired {ago} ago: get a fresh URL")
            });
        }
        Some(_) => {}
    }
    if let Some(nbf) = claims.nbf.filter(|nbf| *nbf > clock + CLOCK_SKEW_SECS) {
        reasons.push(format!("the token is valid only in {}", human(Duration::from_secs(nbf - clock))));
    }
    reasons
}

/// The audience against what the URL says, host and hub apart.
fn audience(claims: &Claims, url: &AccessUrl) -> Option<String> {
    let authority = url.authority();
    let accepts =
        |endpoint: &str, hub: &str| claims.aud.iter().any(|aud| Audience { endpoints: &[endpoint], hub }.accepts(aud));
    if accepts(&authority, url.hub()) {
        return None;
    }
    let Some(aud) = claims.aud.first() else {
        return Some("the token names no audience (`aud`), which the service requires".into());
    };
    let hub_of = |aud: &str| url::Url::parse(aud).ok()?.path().rsplit_once("/hubs/").map(|(_, hub)| hub.to_owned());
    let hub = hub_of(aud);
    if let Some(hub) = hub.filter(|hub| !hub.eq_ignore_ascii_case(url.hub())) {
        return Some(format!("the token is for hub `{hub}`, but the URL says `{}`", url.hub()));
    }
    Some(format!("the token is for `{aud}`, but the URL says `{authority}`"))
}

/// A clock that is wrong makes good tokens bad.
pub fn skew(served: SystemTime, now: SystemTime) -> Option<String> {
    let (difference, which) = match now.duration_since(served) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(error) => (error.duration(), "behind"),
    };
    (difference >= NOTABLE_SKEW)
        .then(|| format!("the clock of this machine is {} {which} the service's", human(difference)))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    /// A moment, in seconds since 1970.
    const NOW: u64 = 1_800_000_000;

    fn at(secs: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(secs)
    }

    fn url(hub: &str, claims: &str) -> AccessUrl {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.c2ln", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(claims));
        AccessUrl::parse(&format!("wss://x.example/client/hubs/{hub}?access_token={token}")).unwrap()
    }

    fn good(exp: u64) -> String {
        format!(r#"{{"aud":"https://x.example/client/hubs/chat","exp":{exp}}}"#)
    }

    #[test]
    fn each_reason_that_can_be_seen_is_named() {
        let other = r#"{"aud":"https://y.example/client/hubs/chat","exp":1900000000}"#;
        let early = r#"{"aud":"https://x.example/client/hubs/chat","exp":1900000000,"nbf":1800007200}"#;
        for (hub, claims, said) in [
            ("chat", good(NOW - 720), "the token expired 12 min ago: get a fresh URL"),
            ("caht", good(NOW + 60), "the token is for hub `chat`, but the URL says `caht`"),
            (
                "chat",
                other.into(),
                "the token is for `https://y.example/client/hubs/chat`, but the URL says `x.example`",
            ),
            ("chat", early.into(), "the token is valid only in 2 h"),
            ("chat", r#"{"exp":1900000000}"#.into(), "the token names no audience (`aud`), which the service requires"),
            (
                "chat",
                r#"{"aud":"https://x.example/client/hubs/chat"}"#.into(),
                "the token has no `exp`, which the service requires",
            ),
            ("CHAT", good(NOW + 60), NOTHING_SEEN),
            ("chat", r#"{"sub":42}"#.into(), "the token is malformed: `sub` is not a string"),
            (
                "chat",
                r#"{"role":42}"#.into(),
                "the token is malformed: `role` is neither a string nor an array of strings",
            ),
            ("chat", r#"{"exp":"soon"}"#.into(), "the token is malformed: `exp` is not a number"),
        ] {
            assert_eq!(why_not_accepted(&url(hub, &claims), None, at(NOW)), [said], "{claims}");
        }
    }

    #[test]
    fn a_missing_or_garbled_token_is_named() {
        let reasons = |url: &str| why_not_accepted(&AccessUrl::parse(url).unwrap(), None, at(NOW));
        assert!(reasons("ws://h/client/hubs/c")[0].contains("has no `access_token`"));
        assert!(reasons("ws://h/client/hubs/c?access_token=garbled")[0].contains("not a token at all"));
    }

    #[test]
    fn a_wrong_clock_is_noticed_and_the_services_clock_counts() {
        let reasons = |exp, served| why_not_accepted(&url("chat", &good(exp)), Some(at(served)), at(NOW));
        assert_eq!(
            reasons(NOW - 60, NOW - 3600),
            [NOTHING_SEEN, "the clock of this machine is 60 min ahead of the service's",]
        );
        assert_eq!(
            reasons(NOW + 60, NOW + 600),
            [
                "by the service's clock the token expired 9 min ago: set the clock of this machine",
                "the clock of this machine is 10 min behind the service's"
            ]
        );
        assert_eq!(reasons(NOW - 60, NOW + 1), ["the token expired 61 s ago: get a fresh URL"]);
    }
}
