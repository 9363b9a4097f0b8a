use super::*;
use crate::secret::Secret;

const NOW: u64 = 1_760_000_000;
const AUD: &str = "http://localhost:8080/client/hubs/chat";
const BOTH: &str = r#"["webpubsub.joinLeaveGroup","webpubsub.sendToGroup"]"#;

fn token(header: &str, claims: &str) -> String {
    format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// Inspects a URL with a token of these claims; what was found, a line each.
fn found(claims: &str) -> Vec<String> {
    findings(&format!("ws://localhost:8080/client/hubs/chat?access_token={}", token(r#"{"alg":"HS256"}"#, claims)))
}

fn findings(url: &str) -> Vec<String> {
    let found = inspect(&AccessUrl::parse(url).unwrap(), None, NOW, |secs| format!("{secs} s"));
    found.findings.iter().map(|finding| format!("{}: {}", finding.severity, finding.text)).collect()
}

fn claims(aud: &str, more: &str) -> String {
    format!(r#"{{"aud":"{aud}","role":{BOTH}{more}}}"#)
}

#[test]
fn a_good_token_has_no_findings() {
    for more in [r#","exp":1760003600"#, r#","exp":1760003600.5,"nbf":1759999000,"iat":1759999000,"sub":"a","x":{}"#] {
        assert_eq!(found(&claims(AUD, more)), [""; 0]);
    }
    assert_eq!(found(&claims("https://LOCALHOST:8080/client/hubs/CHAT/", r#","exp":1760003600"#)), [""; 0]);
}

#[test]
fn everything_that_is_wrong_is_found() {
    let exp = r#","exp":1760003600"#;
    for (claims, expected) in [
        (claims(AUD, ""), vec!["refused: the token has no `exp`, which the service demands"]),
        (claims(AUD, r#","exp":1759999000"#), vec!["refused: the token expired 1000 s ago"]),
        (
            claims(AUD, r#","exp":1759999900"#),
            vec!["note: the token expired 100 s ago; the service may allow 300 s for clocks that differ"],
        ),
        (
            claims(AUD, r#","exp":1760009999,"nbf":1760001000,"iat":1760001000"#),
            vec![
                "refused: the token is not valid yet, but in 1000 s",
                "note: the token was issued 1000 s from now: one of the clocks is wrong",
            ],
        ),
        (
            claims(AUD, r#","exp":1760009999,"nbf":1760000100"#),
            vec!["note: the token is valid only in 100 s; the service may allow 300 s for clocks that differ"],
        ),
        (
            claims("http://localhost:8080/client/hubs/caht", exp),
            vec!["refused: the token is for the hub `caht`, the URL says `chat`"],
        ),
        (
            claims("https://x.example/client/hubs/chat", exp),
            vec!["refused: the token is for the host `x.example`, the URL leads to `localhost:8080`"],
        ),
        (
            claims("https://x.example/client/hubs/other", exp),
            vec![
                "refused: the token's audience is `https://x.example/client/hubs/other`; it should be \
                 `http://localhost:8080/client/hubs/chat`",
            ],
        ),
        (
            format!(r#"{{"exp":1760003600,"role":{BOTH}}}"#),
            vec!["refused: the token has no `aud`; it should be `http://localhost:8080/client/hubs/chat`"],
        ),
        (
            format!(r#"{{"aud":"{AUD}","exp":1760003600}}"#),
            vec!["note: the token has no roles: the client may receive and send events, but neither join nor publish"],
        ),
        (
            format!(r#"{{"aud":"{AUD}","exp":1760003600,"role":"x","webpubsub.group":" "}}"#),
            vec![
                "note: `x` is not a role that the service knows",
                "refused: ` ` in `webpubsub.group` is not a group's name",
            ],
        ),
        // Several at once.
        (
            claims("http://localhost:8080/client/hubs/caht", r#","exp":1759999000"#),
            vec![
                "refused: the token is for the hub `caht`, the URL says `chat`",
                "refused: the token expired 1000 s ago",
            ],
        ),
    ] {
        assert_eq!(found(&claims), expected, "{claims}");
    }
}

#[test]
fn what_is_no_token_is_malformed_and_says_where() {
    let malformed = |problem: &str| vec![format!("malformed: the token is malformed: {problem}")];
    for (token, problem) in [
        ("sesame", "it has no dots, of which a token has two"),
        ("a.b.c.d", "it has 4 parts between dots, a token has three"),
        ("!.e30.c2ln", "its header part is not base64url"),
        ("c2VzYW1l.e30.c2ln", "its header part is not JSON"),
        ("W10.e30.c2ln", "its header part is not a JSON object"),
        ("e30.e30.c2ln", "its header has no `alg`"),
        ("e30.c2VzYW1l.c2ln", "its claims part is not JSON"),
        ("e30.e30.!", "its signature is not base64url"),
    ] {
        assert_eq!(findings(&format!("ws://h/client/hubs/c?access_token={token}")), malformed(problem), "{token}");
    }
    for (claims, problem) in [
        (r#"{"exp":"soon"}"#, "`exp` is not a number"),
        (r#"{"aud":1}"#, "`aud` is neither a string nor an array of strings"),
        (r#"{"role":[1]}"#, "`role` is neither a string nor an array of strings"),
        (r#"{"sub":1}"#, "`sub` is not a string"),
    ] {
        assert_eq!(found(claims), malformed(problem), "{claims}");
    }
}

#[test]
fn the_url_itself_is_looked_at() {
    let token = token(r#"{"alg":"none"}"#, &claims("http://h/client/hubs/c", r#","exp":1760003600"#));
    assert_eq!(
        findings(&format!("https://h/client/hubs/c?access_token={token}")),
        [
            "note: written with `https`: wps takes it as `wss`, other clients may not",
            "refused: the token is signed with another algorithm than HS256, the only one that the service takes",
        ]
    );
    assert_eq!(
        findings("ws://h/client/hubs/c"),
        ["refused: no `access_token`: refused unless the hub lets anonymous clients in, who have no roles"]
    );
}

#[test]
fn with_the_key_the_signature_is_checked() {
    let service =
        |key: &str, endpoint: &str| ConnectionString { endpoint: Url::parse(endpoint).unwrap(), key: Secret::new(key) };
    let own = service("right", "http://localhost:8080");
    let request = super::super::token::ClientTokenRequest {
        audience: AUD,
        user: None,
        roles: &["webpubsub.sendToGroup".to_owned()],
        groups: &[],
        issued_at: NOW,
        ttl: std::time::Duration::from_secs(60),
        not_before: None,
        claims: &[],
    };
    let token = super::super::token::sign_client_token(&own.key, &request);
    let url =
        AccessUrl::parse(&format!("ws://localhost:8080/client/hubs/chat?access_token={}", token.expose())).unwrap();
    let inspected = |service: &ConnectionString| {
        let found = inspect(&url, Some(service), NOW, |secs| secs.to_string());
        let texts: Vec<String> = found.findings.iter().map(|finding| finding.text.clone()).collect();
        (found.signature, found.severity(), texts.join("; "))
    };
    assert_eq!(inspected(&own), (Signature::Fits, Severity::Note, String::new()));
    assert_eq!(
        inspected(&service("wrong", "http://localhost:8080")),
        (
            Signature::Differs,
            Severity::Refused,
            "the token was signed with another access key than that of the connection string".to_owned()
        )
    );
    assert_eq!(
        inspected(&service("right", "https://x.example")),
        (
            Signature::Fits,
            Severity::Note,
            "the URL leads to `localhost:8080`, the connection string is that of `x.example`".to_owned()
        )
    );
}
